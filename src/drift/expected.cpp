// Keeps mg.object.
#include "drift/expected.hpp"

#include <algorithm>
#include <set>

#include "drift/roles.hpp"
#include "drift/statements.hpp"
#include "ledger/store.hpp"
#include "pg/memory.hpp"
#include "policy/policy.hpp"
#include "schema/snapshot.hpp"

namespace mg::drift {

namespace {

constexpr int server_major = PG_VERSION_NUM / 10000;

using Key = std::pair<Oid, Oid>;

// Lets the extension write its own table in a transaction that a script has made read-only at its end.
class WritableScope
{
public:
	WritableScope() : before_(XactReadOnly) { XactReadOnly = false; }
	~WritableScope() { XactReadOnly = before_; }
	WritableScope(const WritableScope &) = delete;
	WritableScope &operator=(const WritableScope &) = delete;

private:
	bool before_;
};

std::string
literal_of(const std::vector<Oid> &oids)
{
	std::vector<std::string> items;

	for (Oid oid : oids)
		items.push_back(std::to_string(oid));
	return pg::array_literal(items);
}

std::set<Key>
keys_of(const std::vector<schema::Address> &addresses)
{
	std::set<Key> result;

	for (const schema::Address &address : addresses)
		result.insert({address.catalog, address.oid});
	return result;
}

std::vector<pg::Cell>
address_params(const std::vector<schema::Address> &addresses)
{
	std::vector<Oid> catalogs;
	std::vector<Oid> oids;

	for (const schema::Address &address : addresses)
	{
		catalogs.push_back(address.catalog);
		oids.push_back(address.oid);
	}
	return {literal_of(catalogs), literal_of(oids)};
}

std::vector<Expected>
expected_of(const std::vector<pg::Row> &rows)
{
	std::vector<Expected> result;

	result.reserve(rows.size());
	for (const pg::Row &row : rows)
	{
		result.push_back({static_cast<Oid>(std::stoul(*row[0])), static_cast<Oid>(std::stoul(*row[1])),
						  static_cast<uint64_t>(std::stoll(*row[2])), std::stoull(*row[3]), row[4] == "t",
						  row[5].value_or(""), row[6].value_or(""), row[7].value_or(""), row[8].value_or("")});
	}
	return result;
}

enum class Wanted
{
	all,
	sums // all but the definition
};

std::vector<Expected>
query_some(const std::vector<schema::Address> &addresses, Wanted wanted)
{
	const std::set<Key> keys = keys_of(addresses);
	std::set<Oid> catalogs;
	std::set<Oid> oids;

	for (const auto &[catalog, oid] : keys)
	{
		catalogs.insert(catalog);
		oids.insert(oid);
	}
	std::vector<Expected> result = expected_of(
		ledger::query("SELECT o.catalog, o.object, o.versions, o.xid, o.server_major = $3::integer,"
					  " o.type, o.identity, o.at, CASE WHEN $4::boolean THEN o.definition END FROM mg.object o"
					  " WHERE o.installation = (SELECT c.installation FROM mg.current c)"
					  " AND o.catalog = ANY ($1::oid[]) AND o.object = ANY ($2::oid[])",
					  {literal_of({catalogs.begin(), catalogs.end()}), literal_of({oids.begin(), oids.end()}),
					   std::to_string(server_major), wanted == Wanted::all ? "t" : "f"}));
	result.erase(std::remove_if(result.begin(), result.end(),
								[&](const Expected &expected) {
									return keys.count({expected.catalog, expected.oid}) == 0;
								}),
				 result.end());
	return result;
}

void
remove_rows(const std::vector<schema::Address> &addresses)
{
	if (!addresses.empty())
		ledger::query("WITH gone AS (DELETE FROM mg.object o USING unnest($1::oid[], $2::oid[]) AS a (catalog, object)"
					  " WHERE o.installation = (SELECT c.installation FROM mg.current c)"
					  " AND o.catalog = a.catalog AND o.object = a.object RETURNING o.type, o.identity)"
					  " DELETE FROM mg.object o USING gone WHERE o.type = gone.type AND o.identity = gone.identity"
					  " AND o.installation <> (SELECT c.installation FROM mg.current c)",
					  address_params(addresses));
}

void
write_row(const schema::Unit &unit, const std::string &definition, uint64_t versions, std::optional<int64_t> run)
{
	ledger::query(
		"WITH here AS (SELECT c.installation FROM mg.current c),"
		" other AS (DELETE FROM mg.object o USING here WHERE o.type = $3 AND o.identity = $4"
		" AND (o.installation <> here.installation OR o.catalog <> $1::oid OR o.object <> $2::oid))"
		" INSERT INTO mg.object AS o (installation, catalog, object, type, identity, definition, versions, xid, at,"
		" run, server_major) SELECT here.installation, $1::oid, $2::oid, $3, $4, $5::jsonb, $6::bigint,"
		" pg_current_xact_id(), clock_timestamp(), $7::bigint, $8::integer FROM here"
		" ON CONFLICT (installation, catalog, object) DO UPDATE SET type = excluded.type,"
		" identity = excluded.identity, definition = excluded.definition, versions = excluded.versions,"
		" xid = excluded.xid, at = excluded.at, run = excluded.run, server_major = excluded.server_major",
		{std::to_string(unit.catalog), std::to_string(unit.oid), unit.type, unit.identity, definition,
		 std::to_string(static_cast<int64_t>(versions)), run ? pg::Cell(std::to_string(*run)) : pg::Cell(),
		 std::to_string(server_major)});
}

uint64_t
sum_of(const schema::Versions &versions, const Key &key)
{
	const schema::Version *version = schema::find(versions, key.first, key.second);
	return version != nullptr ? version->sum : 0;
}

void
write_units(const std::vector<schema::Unit> &units, const schema::Versions &versions, std::optional<int64_t> run)
{
	schema::read(units, [&](const schema::Unit &unit, const Picture &picture) {
		write_row(unit, schema::to_json(picture), sum_of(versions, {unit.catalog, unit.oid}), run);
	});
}

// The names of roles are part of the text of everything that has an owner.
void
write_role_names(std::optional<int64_t> run)
{
	schema::Unit names = {AuthIdRelationId, InvalidOid, "role names", "role names"};

	write_row(names, "{}", sum_of(schema::versions_of({names}), {names.catalog, names.oid}), run);
}

constexpr Key role_names = {AuthIdRelationId, InvalidOid};

// What a run did to roles, unless somebody else had changed them before.
RoleChange
roles_between(const schema::Versions &before, const schema::Versions &after, Snapshot snapshot)
{
	const uint64_t sum = sum_of(before, role_names);

	if (sum == sum_of(after, role_names))
		return RoleChange::none;
	for (const Expected &expected : query_some({{role_names.first, role_names.second}}, Wanted::sums))
		if (expected.versions != sum)
			return RoleChange::unknown;
	return has_renamed_roles(snapshot) ? RoleChange::renamed : RoleChange::other;
}

void
add_others(std::vector<schema::Unit> &units, const std::vector<schema::Unit> &all)
{
	std::set<Key> known;

	for (const schema::Unit &unit : units)
		known.insert({unit.catalog, unit.oid});
	for (const schema::Unit &unit : all)
		if (known.count({unit.catalog, unit.oid}) == 0)
			units.push_back(unit);
}

std::vector<schema::Address>
addresses_of(const std::vector<schema::Unit> &units)
{
	std::vector<schema::Address> result;

	for (const schema::Unit &unit : units)
		result.push_back({unit.catalog, unit.oid});
	return result;
}

// What changed between two sums of everything.
std::vector<schema::Address>
changed_between(const schema::Versions &before, const schema::Versions &after)
{
	std::vector<schema::Address> result;

	for (const schema::Version &version : after)
		if (const schema::Version *old = schema::find(before, version.catalog, version.oid);
			old == nullptr || old->sum != version.sum)
			result.push_back({version.catalog, version.oid});
	for (const schema::Version &version : before)
		if (schema::find(after, version.catalog, version.oid) == nullptr)
			result.push_back({version.catalog, version.oid});
	return result;
}

struct RecordedRaw
{
	schema::Version *rows;
	uint64 count;
	uint64 oldest;
	bool own;
};

// Reads the few columns of mg.object that every report needs; a query would take as long as the whole sweep.
RecordedRaw
read_versions_raw(const ledger::Place &place, MemoryContext memory)
{
	RecordedRaw result = {nullptr, 0, UINT64_MAX, true};
	uint64 room = 1024;
	HeapTuple tuple;

	Relation relation = table_open(get_relname_relid("object", place.schema), AccessShareLock);
	TupleDesc desc = RelationGetDescr(relation);
	AttrNumber installation = get_attnum(RelationGetRelid(relation), "installation");
	AttrNumber catalog = get_attnum(RelationGetRelid(relation), "catalog");
	AttrNumber object = get_attnum(RelationGetRelid(relation), "object");
	AttrNumber sum = get_attnum(RelationGetRelid(relation), "versions");
	AttrNumber xid = get_attnum(RelationGetRelid(relation), "xid");
	AttrNumber major = get_attnum(RelationGetRelid(relation), "server_major");
	Snapshot snapshot = RegisterSnapshot(GetTransactionSnapshot());
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, nullptr);

	result.rows = static_cast<schema::Version *>(MemoryContextAllocHuge(memory, room * sizeof(schema::Version)));
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr)
	{
		bool is_null;
		auto value = [&](AttrNumber number) { return heap_getattr(tuple, number, desc, &is_null); };

		if (result.count == room)
			result.rows =
				static_cast<schema::Version *>(repalloc_huge(result.rows, (room *= 2) * sizeof(schema::Version)));
		if (memcmp(DatumGetUUIDP(value(installation)), &place.installation, sizeof(pg_uuid_t)) != 0 ||
			DatumGetInt32(value(major)) != server_major)
			result.own = false;
		result.oldest = Min(result.oldest, U64FromFullTransactionId(DatumGetFullTransactionId(value(xid))));
		result.rows[result.count++] = {DatumGetObjectId(value(catalog)), DatumGetObjectId(value(object)),
									   static_cast<uint64_t>(DatumGetInt64(value(sum)))};
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(relation, AccessShareLock);
	return result;
}

// Objects whose rows were not the expected ones when the run began. Theirs is the state that it left all the same, but
// not without a word.
void
warn_of_earlier_drift(const std::vector<Expected> &changed)
{
	std::string list;

	/* Some statements write catalog rows and change nothing. */
	for (const Expected &expected : changed)
		if (newest_statement(expected.xid, {expected.identity}).has_value())
			list += (list.empty() ? "" : ", ") + expected.type + " " + expected.identity;
	if (list.empty())
		return;
	pg::report(
		WARNING,
		UserError("01000", "objects of this migration had been changed outside migrations before")
			.detail("They are expected from now on as they are: " + list + ".")
			.hint("mg_drift_report() before a migration shows such changes; mg.statements tells whose they are."));
}

// Whether a run that makes such an object may change others that it does not name. An operator class, say, adds to its family.
bool
stays_alone(Oid catalog)
{
	return catalog == RelationRelationId || catalog == TypeRelationId || catalog == ProcedureRelationId;
}

// The units that a run may have changed: first those that it names, `named` of them, then those that depend on them.
std::vector<schema::Unit>
changed_units(const schema::Scope &scope, const std::vector<schema::Address> &touched, const std::set<Key> &made,
			  size_t &named)
{
	std::vector<schema::Unit> units = schema::units_of(scope, touched);
	std::set<Key> known = keys_of(addresses_of(units));
	std::vector<schema::Address> alone;
	std::vector<schema::Address> others;

	named = units.size();
	for (const schema::Address &address : touched)
		if (stays_alone(address.catalog) && made.count({address.catalog, address.oid}) != 0)
			alone.push_back(address);
		else
			others.push_back(address);
	for (schema::Unit &unit : schema::dependants_of(scope, others, alone))
		if (known.insert({unit.catalog, unit.oid}).second)
			units.push_back(std::move(unit));
	return units;
}

// What is expected of those units whose rows were not the recorded ones when the run began; without definitions.
std::vector<Expected>
drifted_before(const std::vector<schema::Unit> &units, const std::set<Key> &made, Snapshot before)
{
	std::vector<schema::Unit> old;
	std::vector<Expected> result;

	for (const schema::Unit &unit : units)
		if (made.count({unit.catalog, unit.oid}) == 0)
			old.push_back(unit);
	if (old.empty())
		return result;

	schema::Versions versions = schema::versions_of(old, before);
	for (Expected &expected : query_some(addresses_of(old), Wanted::sums))
		if (const schema::Version *version = schema::find(versions, expected.catalog, expected.oid);
			version != nullptr && version->sum != expected.versions)
			result.push_back(std::move(expected));
	return result;
}

// What a run touched and is a unit no more: dropped, given to an extension or moved out of scope.
std::vector<schema::Address>
gone(const std::vector<schema::Address> &touched, const std::vector<schema::Unit> &units, const std::set<Key> &made)
{
	std::set<Key> there = keys_of(addresses_of(units));
	std::vector<schema::Address> result;

	for (const schema::Address &address : touched)
		if (Key key{address.catalog, address.oid};
			key != role_names && schema::has_units(address.catalog) && there.count(key) == 0 && made.count(key) == 0)
			result.push_back(address);
	return result;
}

} // namespace

schema::Scope
scope()
{
	schema::Scope result;

	result.ignored_schemas = policy::ignored_schemas();
	result.cluster = policy::value_of("drift_scope") == "cluster";
	return result;
}

Recorded
recorded()
{
	const ledger::Place &place = ledger::place();
	if (!pg::guarded([&] { return OidIsValid(get_relname_relid("object", place.schema)); }))
		throw UserError("55000", "the tables of extension migration_governance are of an older version")
			.hint("Run ALTER EXTENSION migration_governance UPDATE.");
	pg::MemoryScope memory("migration_governance expected");
	RecordedRaw found = pg::guarded([&] { return read_versions_raw(place, memory.get()); });

	Recorded result{{found.rows, found.rows + found.count}, found.oldest, found.own};
	std::sort(result.versions.begin(), result.versions.end(), [](const schema::Version &a, const schema::Version &b) {
		return a.catalog != b.catalog ? a.catalog < b.catalog : a.oid < b.oid;
	});
	return result;
}

std::vector<Expected>
load_all()
{
	return expected_of(ledger::query(
		"SELECT DISTINCT ON (o.type, o.identity) o.catalog, o.object, o.versions, o.xid,"
		" o.installation = c.installation AND o.server_major = $1::integer, o.type, o.identity, o.at, o.definition"
		" FROM mg.object o, mg.current c JOIN mg.installation i ON i.installation = c.installation"
		/* What CREATE EXTENSION found in a database that is being restored is half of it; the restored rows know better. */
		" ORDER BY o.type, o.identity, o.installation = c.installation AND (o.run IS NOT NULL OR o.xid <> i.xid) DESC,"
		" o.installation = c.installation, o.at DESC",
		{std::to_string(server_major)}));
}

std::vector<Expected>
load(const std::vector<schema::Address> &addresses)
{
	return query_some(addresses, Wanted::all);
}

void
take(const Change &change)
{
	schema::Scope here = scope();
	std::vector<schema::Address> touched = change.touched;
	RoleChange roles = RoleChange::none;

	if (change.incomplete)
	{
		schema::Versions before = schema::versions(change.before);
		schema::Versions after = schema::versions();
		touched = changed_between(before, after);
		roles = roles_between(before, after, change.before);
	}
	if (touched.empty())
		return;

	WritableScope writable;
	pg::SqlScope sql;
	size_t named_count = 0;
	const std::set<Key> made = keys_of(change.made);
	std::vector<schema::Unit> units = changed_units(here, touched, made, named_count);
	const std::set<Key> named = keys_of(addresses_of({units.begin(), units.begin() + named_count}));
	if (roles == RoleChange::renamed)
		add_others(units, schema::units(here));

	/* A dependant that somebody changed by hand before stays different; what the run itself named is taken as it is. */
	std::vector<Expected> overwritten;
	std::set<Key> different;
	for (Expected &expected : drifted_before(units, made, change.before))
		if (Key key{expected.catalog, expected.oid}; named.count(key) != 0)
			overwritten.push_back(std::move(expected));
		else
			different.insert(key);
	units.erase(std::remove_if(units.begin(), units.end(),
							   [&](const schema::Unit &unit) {
								   return different.count({unit.catalog, unit.oid}) != 0;
							   }),
				units.end());

	remove_rows(gone(touched, units, made));
	write_units(units, schema::versions_of(units), change.run);
	if (roles == RoleChange::other || roles == RoleChange::renamed)
		write_role_names(change.run);
	warn_of_earlier_drift(overwritten);
}

void
take_all(std::optional<int64_t> run)
{
	ledger::query("DELETE FROM mg.object");
	write_units(schema::units(scope()), schema::versions(), run);
	write_role_names(run);
}

void
take_units(const std::vector<schema::Unit> &units, const std::vector<schema::Address> &gone)
{
	WritableScope writable;

	remove_rows(gone);
	write_units(units, schema::versions_of(units), std::nullopt);
}

void
take_role_names()
{
	write_role_names(std::nullopt);
}

void
take_picture(const schema::Unit &unit, const Picture &picture)
{
	/* No sum is 0: it will be looked at. */
	write_row(unit, schema::to_json(picture), 0, std::nullopt);
}

} // namespace mg::drift
