// Takes and lists locks.
#include "migrate/locks.hpp"

#include <map>

#include "ledger/store.hpp"
#include "pg/lock.hpp"
#include "pg/query.hpp"

namespace mg::migrate {

namespace {

// Says whom a run is waiting for.
void
report_holder()
{
	std::vector<pg::Row> rows = ledger::query(
		"SELECT a.pid, a.usename, a.application_name, date_trunc('seconds', now() - a.xact_start)::text"
		" FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
		" WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = "
		"current_database())"
		" AND l.classid = 28007 AND l.objid = 0 AND l.objsubid = 3 AND l.granted AND a.pid <> pg_backend_pid()");
	if (rows.empty())
		return;
	const pg::Row &row = rows.front();
	pg::report(NOTICE, UserError("00000", "waiting for the migration that pid " + row[0].value_or("?") + " is running")
						   .detail("Its session is " + row[1].value_or("?") + ", application \"" + row[2].value_or("") +
								   "\", in a transaction for " + row[3].value_or("?") + "."));
}

// Raises 55P03 while another session deploys.
[[noreturn]] void
refuse_beside_deployment()
{
	std::vector<pg::Row> rows = ledger::query(
		"SELECT a.pid, a.usename, (SELECT b.migration FROM mg.journal b WHERE b.event = 'begun' AND b.migration IS NOT"
		" NULL AND NOT EXISTS (SELECT FROM mg.journal e WHERE e.deployment = b.deployment AND e.migration ="
		" b.migration AND e.event = 'ended') ORDER BY b.at DESC LIMIT 1)"
		" FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
		" WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = "
		"current_database())"
		" AND l.classid = 28007 AND l.objid = 2 AND l.objsubid = 3 AND l.granted AND l.mode = 'ExclusiveLock'");
	const pg::Row row = rows.empty() ? pg::Row(3) : rows.front();

	throw UserError("55P03", "a deployment is going on in this database")
		.detail("Pid " + row[0].value_or("?") + " (" + row[1].value_or("?") + ") deploys " +
				(row[2].has_value() ? "migration \"" + *row[2] + "\"" : "migrations") + ".")
		.hint("Try again when it has ended; mg.progress shows how far it is. To wait here would keep an index from "
			  "being built "
			  "concurrently.");
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

static_assert(pg::own_lock_class == 28007 && pg::own_lock_field == 3, "the query above names the lock");

void
take_run_lock()
{
	if (!pg::share_own_lock(pg::OwnLock::deployment))
		refuse_beside_deployment();
	if (!pg::take_own_lock(pg::OwnLock::run, false))
	{
		report_holder();
		pg::take_own_lock(pg::OwnLock::run, true);
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
		throw UserError(
			"40001", "could not serialize access to the ledger: another migration has run since this transaction began")
			.hint("Run it again in a new transaction, or under READ COMMITTED.");
}

namespace {

// One relation lock of this session in plain memory.
struct LockRaw
{
	Oid relation;
	const char *name;
	LOCKMODE mode;
};

struct LocksRaw
{
	LockRaw *items;
	int count;
};

// Leaves out what is no user's: system relations, the ledger's own, temporary ones, and what is gone already.
bool
is_of_interest(Oid schema, Oid ledger_schema)
{
	return OidIsValid(schema) && schema != ledger_schema && !IsCatalogNamespace(schema) && !IsToastNamespace(schema) &&
		   !isAnyTempNamespace(schema) && schema != get_namespace_oid("information_schema", true) &&
		   schema != get_namespace_oid("mg_archive", true);
}

LocksRaw
held_locks_raw(Oid ledger_schema)
{
	pg::HeldRaw held = pg::held_relations_raw();
	LocksRaw result = {static_cast<LockRaw *>(palloc(sizeof(LockRaw) * (held.count + 1))), 0};

	for (int i = 0; i < held.count; i++)
	{
		const Oid relation = held.items[i].relation;
		const Oid schema = get_rel_namespace(relation);
		if (is_of_interest(schema, ledger_schema))
			result.items[result.count++] = {
				relation, quote_qualified_identifier(get_namespace_name(schema), get_rel_name(relation)),
				pg::strongest(held.items[i].mask)};
	}
	return result;
}

} // namespace

std::vector<HeldLock>
held_locks()
{
	const ledger::Place &place = ledger::place();
	LocksRaw found = pg::guarded([&] { return held_locks_raw(place.schema); });
	std::map<Oid, HeldLock> by_relation; // the fast path and the lock table may both have an entry

	for (int i = 0; i < found.count; i++)
	{
		const LockRaw &lock = found.items[i];
		HeldLock held = {lock.relation, lock.name, GetLockmodeName(DEFAULT_LOCKMETHOD, lock.mode),
						 MaxLockMode - lock.mode};
		auto [entry, is_new] = by_relation.emplace(lock.relation, held);
		if (!is_new && held.rank < entry->second.rank)
			entry->second = held;
	}
	std::vector<HeldLock> result;
	result.reserve(by_relation.size());
	for (auto &[relation, held] : by_relation)
		result.push_back(std::move(held));
	return result;
}

} // namespace mg::migrate
