// Orders and chains the records after their transactions have ended.
#include "ledger/seal.hpp"

#include "pg/lock.hpp"
#include "pg/memory.hpp"

namespace mg::ledger {

namespace {

// Covers this installation's records of transactions between the last seal's horizon and the oldest one still running.
constexpr const char *own_records =
	"SELECT count(*), range_agg(int8range(r.id, r.id, '[]')),"
	"        encode(sha256(convert_to(coalesce($2, '') || E'\\n' ||"
	"               string_agg(r.kind || ':' || r.id || ':' || r.hash, E'\\n' ORDER BY r.xid, r.id), 'UTF8')), 'hex'),"
	"        pg_snapshot_xmin(pg_current_snapshot())"
	" FROM mg.record r"
	" WHERE r.installation = $1::uuid AND r.id >= coalesce((SELECT s.horizon::text::bigint * 1000000 FROM mg.seal s"
	"       WHERE s.installation = $1::uuid AND s.covers = $1::uuid ORDER BY s.id DESC LIMIT 1), 0)"
	"   AND r.id < (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint * 1000000)";

// Covers the restored records of one other installation that none of the restored seals covers.
constexpr const char *foreign_records =
	"SELECT count(*), range_agg(int8range(r.id, r.id, '[]')),"
	"       encode(sha256(convert_to(coalesce($2, '') || E'\\n' ||"
	"              string_agg(r.kind || ':' || r.id || ':' || r.hash, E'\\n' ORDER BY r.xid, r.id), 'UTF8')), 'hex'),"
	"       '0'"
	" FROM mg.record r"
	" WHERE r.installation = $1::uuid AND NOT EXISTS"
	"   (SELECT FROM mg.seal s WHERE s.covers = r.installation AND s.members @> r.id)";

static_assert(ids_per_transaction == 1000000, "the query above finds transactions by their ids");

// When this session sealed last; a batch of small migrations is not sealed one by one.
TimestampTz sealed_at = 0;
constexpr int pause_ms = 1000;

void
write_seal(const std::string &covers, const char *records)
{
	std::string previous = head();
	pg::Row row = query(records, {covers, previous}).front();

	if (row[0] == "0")
		return;
	append(Table::seal, {{"covers", covers},
						 {"horizon", row[3]},
						 {"members", row[1]},
						 {"records", row[0]},
						 {"previous", previous},
						 {"digest", row[2]}});
}

std::string
this_installation()
{
	return query_cell("SELECT installation FROM mg.current").value_or("");
}

// Finds the first record of a table whose hash is not that of its content.
struct Misfit
{
	int64 id;
	const char *expected;
	const char *actual;
	int64 records;
};

Misfit
first_misfit_raw(const Place &place, Table table)
{
	Misfit misfit = {0, nullptr, nullptr, 0};
	Relation relation = table_open(place.of(table), AccessShareLock);
	TupleDesc desc = RelationGetDescr(relation);
	int hash_column = get_attnum(RelationGetRelid(relation), "hash") - 1;
	int id_column = get_attnum(RelationGetRelid(relation), "id") - 1;
	auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * desc->natts));
	auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * desc->natts));
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext row = AllocSetContextCreate(outer, "migration_governance row", ALLOCSET_DEFAULT_SIZES);
	/* The statement's own snapshot does not see what mg_import() has just inserted. */
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, snapshot, 0, nullptr);

	while (HeapTuple tuple = systable_getnext(scan))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(row);
		MemoryContextSwitchTo(row);
		heap_deform_tuple(tuple, desc, values, nulls);
		char *expected = record_hash_raw(desc, values, nulls);
		char *actual = nulls[hash_column] ? pstrdup("") : TextDatumGetCString(values[hash_column]);
		MemoryContextSwitchTo(outer);
		misfit.records++;
		int64 id = DatumGetInt64(values[id_column]);
		if (strcmp(expected, actual) != 0 && (misfit.expected == nullptr || id < misfit.id))
		{
			misfit.id = id;
			misfit.expected = pstrdup(expected);
			misfit.actual = pstrdup(actual);
		}
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(relation, AccessShareLock);
	MemoryContextDelete(row);
	return misfit;
}

void
check_records(std::vector<Check> &checks)
{
	int64 records = 0;

	for (int i = 0; i < table_count; i++)
	{
		pg::MemoryScope memory("migration_governance check");
		const Place &where = place();
		const auto which = static_cast<Table>(i);
		Misfit misfit = pg::guarded([&] {
			MemoryContext outer = MemoryContextSwitchTo(memory.get());
			Misfit found = first_misfit_raw(where, which);
			MemoryContextSwitchTo(outer);
			return found;
		});
		records += misfit.records;
		if (misfit.expected != nullptr)
			checks.push_back({"ledger record", std::string("mg.") + name_of(which) + " " + std::to_string(misfit.id),
							  false, misfit.expected, misfit.actual});
	}
	if (checks.empty())
		checks.push_back(
			{"ledger records", "mg", true, "each hash fits its record", std::to_string(records) + " records fit"});
}

// A seal fits when its members are there with the hashes that its digest was made of, and it follows the one before it.
// Each installation has a chain of its own, whose first seal may follow any seal of another: the restored head.
constexpr const char *seals_with_digests =
	"WITH member AS (SELECT s.installation, s.id AS seal, s.covers, m.id AS member"
	"                FROM mg.seal s, unnest(s.members) AS r, generate_series(lower(r), upper(r) - 1) AS m(id)),"
	" found AS (SELECT m.installation, m.seal, count(r.id) AS records, min(m.member) FILTER (WHERE r.id IS NULL) AS "
	"missing,"
	"                  string_agg(r.kind || ':' || r.id || ':' || r.hash, E'\\n' ORDER BY r.xid, r.id) AS content"
	"           FROM member m LEFT JOIN mg.record r ON r.installation = m.covers AND r.id = m.member GROUP BY 1, 2)"
	" SELECT s.id, s.digest, encode(sha256(convert_to(s.previous || E'\\n' || coalesce(f.content, ''), 'UTF8')), "
	"'hex'),"
	"        f.missing, s.previous, coalesce(lag(s.digest) OVER chain, ''),"
	"        row_number() OVER chain = 1 AND (s.previous = '' OR EXISTS"
	"          (SELECT FROM mg.seal p WHERE p.digest = s.previous AND p.installation <> s.installation))"
	" FROM mg.seal s LEFT JOIN mg.installation i ON i.installation = s.installation"
	" LEFT JOIN found f ON f.installation = s.installation AND f.seal = s.id"
	" WINDOW chain AS (PARTITION BY s.installation ORDER BY s.id) ORDER BY i.at, s.id";

void
check_seals(std::vector<Check> &checks)
{
	std::vector<pg::Row> seals = query(seals_with_digests);

	for (const pg::Row &seal : seals)
	{
		std::string object = "mg.seal " + *seal[0];

		if (seal[3].has_value())
			checks.push_back({"ledger seal", object, false, "record " + *seal[3], "missing"});
		else if (seal[1] != seal[2])
			checks.push_back({"ledger seal", object, false, *seal[1], *seal[2]});
		else if (seal[4] != seal[5] && seal[6] != "t")
			checks.push_back({"ledger seal", object, false, "follows " + *seal[4], "follows " + *seal[5]});
		else
			continue;
		return;
	}
	checks.push_back({"ledger seals", "mg.seal", true, "each seal fits its records and the seal before it",
					  std::to_string(seals.size()) + " seals fit"});
}

} // namespace

void
seal(bool thorough)
{
	if (XactReadOnly || RecoveryInProgress() || IsolationUsesXactSnapshot())
		return;
	if (!thorough && !TimestampDifferenceExceeds(sealed_at, GetCurrentTimestamp(), pause_ms))
		return;
	if (!pg::take_own_lock(pg::OwnLock::seal, false))
		return;

	std::string own = this_installation();
	if (thorough || !query_cell("SELECT 1 FROM mg.seal WHERE installation = $1::uuid LIMIT 1", {own}).has_value())
		for (const pg::Row &row :
			 query("SELECT DISTINCT installation FROM mg.record WHERE installation <> $1::uuid", {own}))
			write_seal(*row[0], foreign_records);
	write_seal(own, own_records);
	sealed_at = GetCurrentTimestamp();
}

std::string
head()
{
	pg::Cell own =
		query_cell("SELECT s.digest FROM mg.seal s WHERE s.installation = (SELECT installation FROM mg.current)"
				   " ORDER BY s.id DESC LIMIT 1");
	if (own.has_value())
		return *own;
	return query_cell("SELECT s.digest FROM mg.seal s JOIN mg.installation i ON i.installation = s.installation"
					  " ORDER BY i.at DESC, s.id DESC LIMIT 1")
		.value_or("");
}

std::vector<Check>
check()
{
	std::vector<Check> checks;

	check_records(checks);
	for (const pg::Row &row :
		 query("SELECT installation FROM mg.record UNION SELECT installation FROM mg.seal"
			   " UNION SELECT covers FROM mg.seal EXCEPT SELECT installation FROM mg.installation"))
		checks.push_back({"ledger record", "mg.installation " + row[0].value_or(""), false, "exists", "missing"});
	check_seals(checks);
	std::string unsealed = query_cell("SELECT count(*) FROM mg.record r WHERE NOT EXISTS"
									  " (SELECT FROM mg.seal s WHERE s.covers = r.installation AND s.members @> r.id)")
							   .value_or("0");
	checks.push_back({"ledger unsealed", "mg", true, "sealed by the next run", unsealed + " records not sealed yet"});
	return checks;
}

} // namespace mg::ledger
