// Reads and writes mg.object.
#include "drift/rows.hpp"

#include <algorithm>
#include <tuple>

#include "ledger/scan.hpp"
#include "ledger/store.hpp"
#include "pg/memory.hpp"
#include "schema/snapshot.hpp"

namespace mg::drift {

namespace {

constexpr int server_major = PG_VERSION_NUM / 10000;

// The table and where its columns are.
struct TableRaw
{
	Relation relation;
	Oid key;          // index on installation, catalog, object
	Oid identity_key; // index on type, identity
	AttrNumber installation, catalog, object, type, identity, definition, versions, xid, at, run, server_major;
};

// An index that somebody dropped is done without.
TableRaw
open_raw(const ledger::Place &place, LOCKMODE mode)
{
	Relation relation = table_open(get_relname_relid("object", place.schema), mode);
	auto column = [&](const char *name) { return ledger::column_raw(relation, name); };

	return {relation,
			get_relname_relid("object_pkey", place.schema),
			get_relname_relid("object_identity", place.schema),
			column("installation"),
			column("catalog"),
			column("object"),
			column("type"),
			column("identity"),
			column("definition"),
			column("versions"),
			column("xid"),
			column("at"),
			column("run"),
			column("server_major")};
}

void
require_table(const ledger::Place &place)
{
	if (!pg::guarded([&] { return OidIsValid(get_relname_relid("object", place.schema)); }))
		throw UserError("55000", "the tables of extension migration_governance are of an older version")
			.hint("Run ALTER EXTENSION migration_governance UPDATE.");
}

Datum
cell_raw(const TableRaw &table, HeapTuple tuple, AttrNumber column)
{
	return ledger::cell_raw(table.relation, tuple, column);
}

bool
is_own_raw(const TableRaw &table, HeapTuple tuple, const pg_uuid_t &installation)
{
	return memcmp(DatumGetUUIDP(cell_raw(table, tuple, table.installation)), &installation, sizeof(pg_uuid_t)) == 0;
}

template <typename Each>
void
scan_object_raw(const TableRaw &table, const ledger::Place &place, schema::Address address, Snapshot moment, Each each)
{
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], table.installation, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&place.installation));
	ScanKeyInit(&keys[1], table.catalog, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(address.catalog));
	ScanKeyInit(&keys[2], table.object, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(address.oid));
	ledger::scan_raw(table.relation, table.key, moment, 3, keys, each);
}

template <typename Each>
void
scan_identity_raw(const TableRaw &table, Datum type, Datum identity, Each each)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], table.type, BTEqualStrategyNumber, F_TEXTEQ, type);
	ScanKeyInit(&keys[1], table.identity, BTEqualStrategyNumber, F_TEXTEQ, identity);
	ledger::scan_raw(table.relation, table.identity_key, GetLatestSnapshot(), 2, keys, each);
}

// A row as plain memory, so that it may cross a guard.
struct RowRaw
{
	Oid catalog;
	Oid object;
	uint64 versions;
	uint64 xid;
	bool own;
	char *type;
	char *identity;
	char *at;
	char *definition;
};

RowRaw
row_raw(const TableRaw &table, HeapTuple tuple, Wanted wanted)
{
	auto cell = [&](AttrNumber column) { return cell_raw(table, tuple, column); };

	return {DatumGetObjectId(cell(table.catalog)),
			DatumGetObjectId(cell(table.object)),
			static_cast<uint64>(DatumGetInt64(cell(table.versions))),
			U64FromFullTransactionId(DatumGetFullTransactionId(cell(table.xid))),
			DatumGetInt32(cell(table.server_major)) == server_major,
			TextDatumGetCString(cell(table.type)),
			TextDatumGetCString(cell(table.identity)),
			OidOutputFunctionCall(F_TIMESTAMPTZ_OUT, cell(table.at)),
			wanted == Wanted::all ? OidOutputFunctionCall(F_JSONB_OUT, cell(table.definition)) : nullptr};
}

bool
comes_before(const schema::Address &a, const schema::Address &b)
{
	return std::tie(a.catalog, a.oid) < std::tie(b.catalog, b.oid);
}

bool
is_same(const schema::Address &a, const schema::Address &b)
{
	return std::tie(a.catalog, a.oid) == std::tie(b.catalog, b.oid);
}

struct RowsRaw
{
	RowRaw *rows;
	int count;
};

RowsRaw
find_raw(const ledger::Place &place, const schema::Address *addresses, int count, Wanted wanted)
{
	RowsRaw result = {static_cast<RowRaw *>(MemoryContextAllocHuge(CurrentMemoryContext, sizeof(RowRaw) * (count + 1))),
					  0};
	TableRaw table = open_raw(place, AccessShareLock);

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		scan_object_raw(table, place, addresses[i], GetTransactionSnapshot(), [&](HeapTuple tuple) {
			if (result.count <= i)
				result.rows[result.count++] = row_raw(table, tuple, wanted);
		});
	}
	table_close(table.relation, AccessShareLock);
	return result;
}

// Runs work() in memory of its own, with what it allocates gone afterwards.
template <typename Work>
void
guarded_apart(Work work)
{
	pg::MemoryScope memory("migration_governance rows");

	pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		work();
		MemoryContextSwitchTo(before);
	});
}

// Writers see each other's rows, whatever snapshot their transactions have: two writers of one row would meet in an error of the
// server's that nobody understands.
constexpr LOCKMODE writing = ShareRowExclusiveLock;

// What another statement must see before it looks for rows of the same object or identity.
void
close_written_raw(const TableRaw &table)
{
	table_close(table.relation, NoLock);
	CommandCounterIncrement();
}

void
write_raw(const ledger::Place &place, const schema::Unit &unit, const char *definition, uint64 versions,
		  const std::optional<int64_t> &run)
{
	TableRaw table = open_raw(place, writing);
	TupleDesc desc = RelationGetDescr(table.relation);
	auto *values = static_cast<Datum *>(palloc0(sizeof(Datum) * desc->natts));
	auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * desc->natts));
	ItemPointerData old;
	auto set = [&](AttrNumber column, Datum value) {
		values[column - 1] = value;
		nulls[column - 1] = false;
	};

	memset(nulls, true, sizeof(bool) * desc->natts);
	set(table.installation, UUIDPGetDatum(&place.installation));
	set(table.catalog, ObjectIdGetDatum(unit.catalog));
	set(table.object, ObjectIdGetDatum(unit.oid));
	set(table.type, CStringGetTextDatum(unit.type.c_str()));
	set(table.identity, CStringGetTextDatum(unit.identity.c_str()));
	set(table.definition, OidInputFunctionCall(F_JSONB_IN, const_cast<char *>(definition), JSONBOID, -1));
	set(table.versions, Int64GetDatum(static_cast<int64>(versions)));
	set(table.xid, FullTransactionIdGetDatum(GetTopFullTransactionId()));
	set(table.at, TimestampTzGetDatum(GetCurrentTimestamp()));
	if (run.has_value())
		set(table.run, Int64GetDatum(*run));
	set(table.server_major, Int32GetDatum(server_major));

	ItemPointerSetInvalid(&old);
	scan_object_raw(table, place, {unit.catalog, unit.oid}, GetLatestSnapshot(),
					[&](HeapTuple tuple) { old = tuple->t_self; });
	scan_identity_raw(table, values[table.type - 1], values[table.identity - 1], [&](HeapTuple tuple) {
		if (!ItemPointerEquals(&tuple->t_self, &old))
			CatalogTupleDelete(table.relation, &tuple->t_self);
	});
	HeapTuple row = heap_form_tuple(desc, values, nulls);
	if (ItemPointerIsValid(&old))
		CatalogTupleUpdate(table.relation, &old, row);
	else
		CatalogTupleInsert(table.relation, row);
	close_written_raw(table);
}

void
remove_raw(const ledger::Place &place, schema::Address address)
{
	TableRaw table = open_raw(place, writing);

	scan_object_raw(table, place, address, GetLatestSnapshot(), [&](HeapTuple tuple) {
		scan_identity_raw(table, cell_raw(table, tuple, table.type), cell_raw(table, tuple, table.identity),
						  [&](HeapTuple other) {
							  if (!is_own_raw(table, other, place.installation))
								  CatalogTupleDelete(table.relation, &other->t_self);
						  });
		CatalogTupleDelete(table.relation, &tuple->t_self);
	});
	close_written_raw(table);
}

struct RecordedRaw
{
	schema::Version *rows;
	uint64 count;
	uint64 oldest;
	bool own;
};

// Reads the few columns that every report needs.
RecordedRaw
read_versions_raw(const ledger::Place &place, MemoryContext memory)
{
	RecordedRaw result = {nullptr, 0, UINT64_MAX, true};
	uint64 room = 1024;
	HeapTuple tuple;
	TableRaw table = open_raw(place, AccessShareLock);
	Snapshot snapshot = RegisterSnapshot(GetTransactionSnapshot());
	TableScanDesc scan = table_beginscan(table.relation, snapshot, 0, nullptr);

	result.rows = static_cast<schema::Version *>(MemoryContextAllocHuge(memory, room * sizeof(schema::Version)));
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr)
	{
		auto cell = [&](AttrNumber column) { return cell_raw(table, tuple, column); };

		if (result.count == room)
			result.rows =
				static_cast<schema::Version *>(repalloc_huge(result.rows, (room *= 2) * sizeof(schema::Version)));
		if (!is_own_raw(table, tuple, place.installation) || DatumGetInt32(cell(table.server_major)) != server_major)
			result.own = false;
		result.oldest = Min(result.oldest, U64FromFullTransactionId(DatumGetFullTransactionId(cell(table.xid))));
		result.rows[result.count++] = {DatumGetObjectId(cell(table.catalog)), DatumGetObjectId(cell(table.object)),
									   static_cast<uint64_t>(DatumGetInt64(cell(table.versions)))};
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(table.relation, AccessShareLock);
	return result;
}

} // namespace

Picture
picture_of(const Expected &expected)
{
	Datum json =
		pg::guarded([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(expected.definition.c_str())); });
	return schema::from_json(expected.type, expected.identity, json);
}

Recorded
recorded()
{
	const ledger::Place &place = ledger::place();

	require_table(place);
	pg::MemoryScope memory("migration_governance expected");
	RecordedRaw found = pg::guarded([&] { return read_versions_raw(place, memory.get()); });

	Recorded result{{found.rows, found.rows + found.count}, found.oldest, found.own};
	std::sort(result.versions.begin(), result.versions.end(), [](const schema::Version &a, const schema::Version &b) {
		return a.catalog != b.catalog ? a.catalog < b.catalog : a.oid < b.oid;
	});
	return result;
}

std::vector<Expected>
find_all_rows()
{
	std::vector<Expected> result;

	for (
		const pg::Row &row : ledger::query(
			"SELECT DISTINCT ON (o.type, o.identity) o.catalog, o.object, o.versions, o.xid,"
			" o.installation = c.installation AND o.server_major = $1::integer, o.type, o.identity, o.at, o.definition"
			" FROM mg.object o, mg.current c JOIN mg.installation i ON i.installation = c.installation"
			/* What CREATE EXTENSION found in a database that is being restored is half of it; the restored rows know better. */
			" ORDER BY o.type, o.identity, o.installation = c.installation AND (o.run IS NOT NULL OR o.xid <> i.xid) "
			"DESC,"
			" o.installation = c.installation, o.at DESC",
			{std::to_string(server_major)}))
		result.push_back({static_cast<Oid>(std::stoul(*row[0])), static_cast<Oid>(std::stoul(*row[1])),
						  static_cast<uint64_t>(std::stoll(*row[2])), std::stoull(*row[3]), row[4] == "t",
						  row[5].value_or(""), row[6].value_or(""), row[7].value_or(""), row[8].value_or("")});
	return result;
}

std::vector<Expected>
find_rows(const std::vector<schema::Address> &addresses, Wanted wanted)
{
	const ledger::Place place = ledger::place();
	pg::MemoryScope memory("migration_governance expected");
	std::vector<schema::Address> once = addresses;
	std::vector<Expected> result;

	std::sort(once.begin(), once.end(), comes_before);
	once.erase(std::unique(once.begin(), once.end(), is_same), once.end());
	require_table(place);
	RowsRaw found = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		RowsRaw rows = find_raw(place, once.data(), static_cast<int>(once.size()), wanted);
		MemoryContextSwitchTo(before);
		return rows;
	});
	for (int i = 0; i < found.count; i++)
	{
		const RowRaw &row = found.rows[i];
		result.push_back({row.catalog, row.object, row.versions, row.xid, row.own, row.type, row.identity, row.at,
						  row.definition != nullptr ? row.definition : ""});
	}
	return result;
}

void
write_row(const schema::Unit &unit, const std::string &definition, uint64_t versions, std::optional<int64_t> run)
{
	const ledger::Place place = ledger::place();

	guarded_apart([&] { write_raw(place, unit, definition.c_str(), versions, run); });
}

void
remove_rows(const std::vector<schema::Address> &addresses)
{
	const ledger::Place place = ledger::place();

	for (const schema::Address &address : addresses)
		guarded_apart([&] { remove_raw(place, address); });
}

void
remove_all_rows()
{
	ledger::query("DELETE FROM mg.object");
}

} // namespace mg::drift
