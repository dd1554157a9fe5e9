// Takes and lists locks.
#include "migrate/locks.hpp"

#include "ledger/store.hpp"
#include "pg/query.hpp"

namespace mg::migrate {

namespace {

/* An advisory lock with a fourth field that no SQL function uses, so that nobody takes it by chance. */
constexpr uint32 key_class = 0x6d67;
constexpr uint16 key_field = 3;

LOCKTAG
run_tag()
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, key_class, 0, key_field);
	return tag;
}

// Says whom a run is waiting for.
void
report_holder()
{
	std::vector<pg::Row> rows = ledger::query(
		"SELECT a.pid, a.usename, a.application_name, date_trunc('seconds', now() - a.xact_start)::text"
		" FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
		" WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
		" AND l.classid = 28007 AND l.objid = 0 AND l.objsubid = 3 AND l.granted AND a.pid <> pg_backend_pid()");
	if (rows.empty())
		return;
	const pg::Row &row = rows.front();
	pg::report(NOTICE, UserError("00000", "waiting for the migration that pid " + row[0].value_or("?") + " is running")
						   .detail("Its session is " + row[1].value_or("?") + ", application \"" + row[2].value_or("") +
								   "\", in a transaction for " + row[3].value_or("?") + "."));
}

// Counts the runs that changed the schema, as far as a snapshot sees them: those with the outcome applied or rolled back.
int64
count_runs_raw(Oid table, Snapshot snapshot)
{
	Relation relation = table_open(table, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, snapshot, 0, nullptr);
	AttrNumber column = get_attnum(table, "outcome");
	int64 count = 0;

	while (HeapTuple tuple = systable_getnext(scan))
	{
		bool is_null;
		char *outcome = TextDatumGetCString(heap_getattr(tuple, column, RelationGetDescr(relation), &is_null));
		if (strcmp(outcome, "applied") == 0 || strcmp(outcome, "rolled back") == 0)
			count++;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return count;
}

} // namespace

static_assert(key_class == 28007, "the query above names the key");

void
take_run_lock()
{
	LOCKTAG tag = run_tag();
	bool taken = pg::guarded([&] { return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL; });

	if (!taken)
	{
		report_holder();
		pg::guarded([&] { LockAcquire(&tag, ExclusiveLock, false, false); });
	}
	if (!IsolationUsesXactSnapshot())
		return;

	Oid runs = ledger::place().of(ledger::Table::run);
	bool stale = pg::guarded([&] {
		Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
		int64 now = count_runs_raw(runs, latest);
		UnregisterSnapshot(latest);
		return now != count_runs_raw(runs, GetTransactionSnapshot());
	});
	if (stale)
		throw UserError("40001", "could not serialize access to the ledger: another migration has run since this transaction began")
			.hint("Run it again in a new transaction, or under READ COMMITTED.");
}

std::vector<HeldLock>
held_locks()
{
	std::vector<HeldLock> result;

	for (const pg::Row &row :
		 ledger::query("WITH held AS (SELECT l.relation, l.mode, array_position(ARRAY['AccessExclusiveLock', 'ExclusiveLock',"
					   " 'ShareRowExclusiveLock', 'ShareLock', 'ShareUpdateExclusiveLock', 'RowExclusiveLock', 'RowShareLock',"
					   " 'AccessShareLock'], l.mode) AS rank FROM pg_locks l"
					   " WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted)"
					   " SELECT DISTINCT ON (l.relation) l.relation, format('%I.%I', n.nspname, c.relname), l.mode, l.rank"
					   " FROM held l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace"
					   " WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'mg') AND n.nspname !~ '^pg_temp'"
					   " ORDER BY l.relation, l.rank"))
		result.push_back({static_cast<unsigned int>(std::stoul(*row[0])), row[1].value_or(""), row[2].value_or(""),
						  std::stoi(row[3].value_or("0"))});
	return result;
}

} // namespace mg::migrate
