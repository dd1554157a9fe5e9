// Connections, transactions, and what keeps the server from cleaning up.
#include "watch/check.hpp"

namespace mg::watch {

namespace {

constexpr Check statistics = {
	"statistics",
	"SELECT NULL, CASE WHEN current_setting('track_counts')::bool THEN 'counted since ' || " MG_SINCE_TEXT
	" ELSE 'track_counts is off' END, current_setting('track_counts')::bool, NULL",
	"Set track_counts = on: without it autovacuum does nothing, and unused indexes and dead rows are not known."};

// The server keeps some places for superusers, and from 16 on for members of pg_use_reserved_connections.
constexpr Check connections = {
	"connections",
	"SELECT s.object, format('%s of %s, %s idle', s.used, s.most, s.idle), s.used < 0.8 * s.most, NULL FROM ("
	" SELECT NULL::text AS object, count(*) AS used, count(*) FILTER (WHERE a.state = 'idle') AS idle,"
	" current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
	" - coalesce(current_setting('reserved_connections', true)::int, 0) AS most"
	" FROM pg_stat_activity a WHERE a.backend_type = 'client backend'"
	" UNION ALL SELECT 'database ' || quote_ident(d.datname), count(a.pid), count(a.pid) FILTER (WHERE a.state ="
	" 'idle'),"
	" d.datconnlimit FROM pg_database d LEFT JOIN pg_stat_activity a ON a.datid = d.oid"
	" AND a.backend_type = 'client backend' WHERE d.datname = current_database() AND d.datconnlimit >= 0"
	" GROUP BY d.datname, d.datconnlimit) s",
	"Close what is idle, put a pooler in front, or raise max_connections (for a database, ALTER DATABASE ... "
	"CONNECTION LIMIT)."};

// What a caller may not see of another role's session is NULL in pg_stat_activity.
#define MG_SESSIONS                                                                              \
	" FROM pg_stat_activity a WHERE a.datname = current_database() AND a.xact_start IS NOT NULL" \
	" AND a.backend_type = 'client backend'"
#define MG_WHO \
	" coalesce(a.usename, '?') || CASE WHEN a.application_name <> '' THEN ' with ' || a.application_name ELSE '' END"

constexpr Check transactions = {
	"transaction",
	"SELECT u.object, u.value, u.ok, u.hint FROM (SELECT 'pid ' || t.pid AS object,"
	" format('open for %s by %s, %s', date_trunc('second', t.age), t.who, t.state) AS value,"
	" t.age < interval '5 minutes' AS ok, NULL AS hint, t.age FROM (SELECT a.pid, a.state, " MG_WHO " AS who,"
	" clock_timestamp() - a.xact_start AS age, row_number() OVER (ORDER BY a.xact_start) AS place" MG_SESSIONS
	") t WHERE t.place = 1 OR t.age >= interval '5 minutes'"
	" UNION ALL SELECT NULL, format('%s of sessions that you may not see', count(*)), NULL,"
	" 'A superuser or a member of pg_read_all_stats sees them.', NULL FROM pg_stat_activity a"
	" WHERE a.datname = current_database() AND a.usename IS NOT NULL AND a.query = '<insufficient privilege>'"
	" HAVING count(*) > 0) u ORDER BY u.age DESC NULLS LAST",
	"What it has locked stays locked, and VACUUM removes no row that it could still see: let it commit, or"
	" pg_terminate_backend(pid).",
	Eyes::caller};

constexpr Check idle = {
	"idle in transaction",
	"SELECT 'pid ' || t.pid, format('idle for %s by %s', date_trunc('second', t.age), t.who),"
	" t.age < interval '1 minute', NULL FROM (SELECT a.pid, " MG_WHO " AS who,"
	" clock_timestamp() - a.state_change AS age, row_number() OVER (ORDER BY a.state_change) AS place" MG_SESSIONS
	" AND a.state LIKE 'idle in transaction%') t WHERE t.place = 1 OR t.age >= interval '1 minute' ORDER BY t.age DESC",
	"Nobody works there, but its locks stay: pg_terminate_backend(pid). idle_in_transaction_session_timeout ends"
	" such sessions.",
	Eyes::caller};

constexpr Check prepared = {
	"prepared transaction",
	"SELECT p.gid, format('prepared %s ago by %s', date_trunc('second', clock_timestamp() - p.prepared), p.owner),"
	" clock_timestamp() - p.prepared < interval '5 minutes', NULL FROM pg_prepared_xacts p"
	" WHERE p.database = current_database() ORDER BY p.prepared",
	"Its locks stay through restarts, and VACUUM removes no row that it could still see: COMMIT PREPARED or ROLLBACK "
	"PREPARED."};

// How far behind the server's own end of the log a slot keeps it.
constexpr Check slots = {
	"replication slot",
	"SELECT s.slot_name, format('%s, %s', CASE WHEN s.active THEN 'in use' ELSE 'not in use' END,"
	" CASE WHEN s.wal_status = 'lost' THEN 'lost: the log that it needs is gone'"
	" WHEN s.held IS NULL THEN 'holds back no log' ELSE 'holds back ' || pg_size_pretty(s.held) || ' of log' END),"
	" NOT (coalesce(s.held > s.most, false) OR coalesce(s.wal_status IN ('unreserved', 'lost'), false)), NULL FROM ("
	" SELECT r.*, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
	" ELSE pg_current_wal_insert_lsn() END, r.restart_lsn)::bigint AS held,"
	" pg_size_bytes(current_setting('max_wal_size')) AS most FROM pg_replication_slots r) s"
	" ORDER BY s.held DESC NULLS LAST",
	"The log piles up until the disk is full (unless max_slot_wal_keep_size is set): let its reader catch up,"
	" or, if it is gone for good, "
	"pg_drop_replication_slot(name)."};

// Autovacuum begins with a table at the limit, so that a little more is usual.
#define MG_AGES(xid, multixact)                                                                                  \
	" CROSS JOIN LATERAL (VALUES ('transaction ids', age(" xid ")::bigint,"                                      \
	" current_setting('autovacuum_freeze_max_age')::bigint), ('multixact ids', mxid_age(" multixact ")::bigint," \
	" current_setting('autovacuum_multixact_freeze_max_age')::bigint)) v (what, age, most)"
constexpr Check ages = {
	"transaction id age",
	"SELECT a.object, format('%s %s old, %s %% of the %s at which autovacuum steps in', a.what, a.age, a.age *"
	" 100 / a.most, a.most),"
	" a.age <= a.most * 1.1, NULL FROM ("
	" SELECT 0 AS place, 'database ' || quote_ident(d.datname) AS object, v.* FROM pg_database d" MG_AGES(
		"d.datfrozenxid", "d.datminmxid") " WHERE d.datname = current_database()"
										  " UNION ALL SELECT 1, x.oid::regclass::text, v.* FROM pg_class x" MG_AGES(
											  "x.relfrozenxid",
											  "x.relminmxid") " WHERE x.relkind IN ('r', 'm', 't') AND x.relfrozenxid "
															  "<> 0 AND v.age > v.most * 1.1) a"
															  " ORDER BY a.place, a.age DESC, a.object",
	"VACUUM (FREEZE) the oldest tables, and see what keeps VACUUM back: transactions, prepared transactions and"
	" replication slots here. "
	"At two thousand million the server takes no more writes."};

} // namespace

void
add_server(std::vector<Check> &all)
{
	all.insert(all.end(), {statistics, connections, transactions, idle, prepared, slots, ages});
}

} // namespace mg::watch
