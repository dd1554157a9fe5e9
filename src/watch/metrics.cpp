// One query a family, as the owner of the ledger: only numbers and the ledger's own words leave it.
#include "watch/metrics.hpp"

#include <vector>

#include "core/open_metrics.hpp"
#include "ledger/store.hpp"
#include "lint/files.hpp"
#include "migrate/integrity.hpp"
#include "pg/subtransaction.hpp"

namespace mg::watch {

namespace {

// Columns of `sql`: the suffix of the sample, a value for each label, the number. A label that is NULL is left out.
struct Family
{
	const char *name;
	const char *type;
	const char *unit;
	const char *help;
	std::vector<const char *> labels;
	const char *sql;
};

#define MG_SECONDS(us) "round(" us " / 1000000.0, 6)"

// What can happen is there with 0 before it has, so that rates are right from the first time on.
#define MG_OUTCOMES                                                                                               \
	" (SELECT a.action, o.outcome, 0 AS number FROM (VALUES ('apply', 'applied'), ('roll back', 'rolled back'),"  \
	" ('baseline', 'applied')) a (action, done) CROSS JOIN LATERAL (VALUES (a.done), ('failed'), ('refused')) o " \
	"(outcome)"                                                                                                   \
	" UNION ALL SELECT r.action, r.outcome, count(*) FROM mg.run r GROUP BY r.action, r.outcome) k"

// The limits of the alerts, half a minute and half an hour, are among them. In the spelling that the format asks for.
#define MG_BUCKETS                                                                                                  \
	"(VALUES (1, '0.01', 0.01), (2, '0.1', 0.1), (3, '1.0', 1.0), (4, '5.0', 5.0), (5, '10.0', 10.0), (6, '30.0', " \
	"30.0),"                                                                                                        \
	" (7, '60.0', 60.0), (8, '300.0', 300.0), (9, '600.0', 600.0), (10, '1800.0', 1800.0), (11, '3600.0', 3600.0)," \
	" (12, '+Inf', 'Infinity'::numeric)) b (place, le, most)"

std::vector<Family>
families()
{
	return {
		{"mg_installation",
		 "gauge",
		 "",
		 "Always 1; its labels say what is watched.",
		 {"database", "version", "server_version"},
		 "SELECT '', current_database(), (SELECT extversion FROM pg_extension WHERE extname = 'migration_governance'),"
		 " current_setting('server_version'), 1"},
		{"mg_runs",
		 "counter",
		 "",
		 "Attempts at migrations on record.",
		 {"action", "outcome"},
		 "SELECT '_total', k.action, k.outcome, sum(k.number) FROM" MG_OUTCOMES
		 " GROUP BY k.action, k.outcome ORDER BY 2, 3"},
		{"mg_run_duration_seconds",
		 "histogram",
		 "seconds",
		 "How long attempts took in which something ran: all but the refused ones.",
		 {"action", "le"},
		 "WITH d AS (SELECT a.action, r.duration_us FROM (VALUES ('apply'), ('roll back'), ('baseline') UNION SELECT "
		 "r.action FROM mg.run r) a (action)"
		 " LEFT JOIN mg.run r ON r.action = a.action AND r.outcome <> 'refused'),"
		 " s AS (SELECT d.action, b.place, b.le, count(d.duration_us) FILTER (WHERE d.duration_us <= b.most * 1000000) "
		 "AS number"
		 " FROM d CROSS JOIN " MG_BUCKETS " GROUP BY d.action, b.place, b.le)"
		 " SELECT t.suffix, t.action, t.le, t.number FROM (SELECT '_bucket' AS suffix, s.action, s.le, "
		 "s.number::numeric, s.place FROM s"
		 " UNION ALL SELECT '_count', d.action, NULL, count(d.duration_us), 20 FROM d GROUP BY d.action"
		 " UNION ALL SELECT '_sum', d.action, NULL, coalesce(" MG_SECONDS(
			 "sum(greatest(d.duration_us, 0))") ", 0), 21 FROM d GROUP BY d.action) t ORDER BY t.action, t.place"},
		{"mg_last_run_timestamp_seconds",
		 "gauge",
		 "seconds",
		 "When the last attempt with this outcome ended, in seconds since 1970.",
		 {"action", "outcome"},
		 "SELECT '', r.action, r.outcome, round(extract(epoch FROM max(r.at)), 6) FROM mg.run r GROUP BY r.action, "
		 "r.outcome ORDER BY 2, 3"},
		{"mg_migrations",
		 "gauge",
		 "",
		 "Registered migrations by what has become of them.",
		 {"status"},
		 "SELECT '', k.status, count(s.migration) FROM (VALUES ('pending'), ('applied'), ('rolled back'), ('failed'), "
		 "('deploying'), ('interrupted')) "
		 "k (status)"
		 " LEFT JOIN mg.status s ON s.status = k.status GROUP BY k.status ORDER BY 2"},
		{"mg_statements",
		 "counter",
		 "",
		 "Statements on record that changed the schema, by where they came from.",
		 {"origin"},
		 "SELECT '_total', k.origin, sum(k.number) FROM (VALUES ('migration', 0), ('session', 0), ('platform', 0), "
		 "('extension', 0)"
		 " UNION ALL SELECT s.origin, count(*) FROM mg.statement s WHERE s.origin <> 'gap' GROUP BY s.origin) k "
		 "(origin, number)"
		 " GROUP BY k.origin ORDER BY 2"},
		{"mg_statements_not_recorded",
		 "counter",
		 "",
		 "Statements that could not be recorded, as far as the ledger knows.",
		 {},
		 "SELECT '_total', coalesce(sum(s.duration_us), 0) FROM mg.statement s WHERE s.origin = 'gap'"},
		{"mg_rehearsals",
		 "counter",
		 "",
		 "Rehearsals on record by their verdict.",
		 {"verdict"},
		 "SELECT '_total', k.verdict, sum(k.number) FROM (VALUES ('restores', 0), ('restores, but column order', 0), "
		 "('differs', 0),"
		 " ('down fails', 0), ('up fails', 0), ('second up fails', 0), ('no down', 0), ('cannot be rehearsed', 0)"
		 " UNION ALL SELECT r.verdict, count(*) FROM mg.rehearsal r GROUP BY r.verdict) k (verdict, number)"
		 " GROUP BY k.verdict ORDER BY 2"},
		{"mg_alerts",
		 "counter",
		 "",
		 "Alerts on record.",
		 {"kind", "severity"},
		 "SELECT '_total', k.kind, k.severity, sum(k.number) FROM (VALUES ('failure', 'high', 0), ('slow', 'warning', "
		 "0),"
		 " ('slow', 'high', 0), ('running', 'warning', 0), ('running', 'high', 0), ('rollback', 'high', 0),"
		 " ('verification', 'high', 0), ('drift', 'warning', 0), ('tampering', 'high', 0), ('policy', 'info', 0),"
		 " ('environment', 'warning', 0), ('break glass', 'high', 0), ('change outside migrations', 'warning', 0),"
		 " ('change outside migrations', 'high', 0) UNION ALL SELECT a.kind, a.severity, count(*) FROM mg.alert a"
		 " GROUP BY a.kind, a.severity) k (kind, severity, number) GROUP BY k.kind, k.severity ORDER BY 2, 3"},
		{"mg_seals", "counter", "", "Seals over records of the ledger.", {}, "SELECT '_total', count(*) FROM mg.seal"},
		{"mg_last_seal_age_seconds",
		 "gauge",
		 "seconds",
		 "How long ago the last seal was made; nothing before the first.",
		 {},
		 "SELECT '', greatest(round(extract(epoch FROM clock_timestamp() - max(s.at)), 6), 0) FROM mg.seal s HAVING "
		 "count(*) > 0"},
		{"mg_database_size_bytes",
		 "gauge",
		 "bytes",
		 "Size of the database.",
		 {},
		 "SELECT '', pg_database_size(d.oid) FROM pg_database d WHERE d.datname = current_database()"},
		{"mg_oldest_transaction_age_seconds",
		 "gauge",
		 "seconds",
		 "How long the oldest transaction of another session of this database is open, prepared ones included; 0 "
		 "without one.",
		 {},
		 "SELECT '', greatest(coalesce(round(extract(epoch FROM clock_timestamp() - min(t.since)), 6), 0), 0) FROM ("
		 " SELECT a.xact_start AS since FROM pg_stat_activity a WHERE a.datname = current_database()"
		 " AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()"
		 " UNION ALL SELECT p.prepared FROM pg_prepared_xacts p WHERE p.database = current_database()) t"},
		{"mg_transaction_id_age",
		 "gauge",
		 "",
		 "Transaction ids since the oldest one that is not frozen in this database; autovacuum steps in at "
		 "autovacuum_freeze_max_age.",
		 {},
		 "SELECT '', age(d.datfrozenxid) FROM pg_database d WHERE d.datname = current_database()"},
		{"mg_sessions_waiting_for_lock",
		 "gauge",
		 "",
		 "Sessions of this database that wait for a lock.",
		 {},
		 "SELECT '', count(*) FROM pg_stat_activity a WHERE a.datname = current_database() AND a.wait_event_type = "
		 "'Lock'"},
	};
}

constexpr const char *tables_sql = "SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = 'mg'::regnamespace"
								   " AND c.relkind = 'r' ORDER BY c.relname COLLATE \"C\"";

// A table with its indexes and what it stores outside of its rows. Nothing for one that was dropped meanwhile.
int64
whole_size_raw(Oid table)
{
	HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));

	if (!HeapTupleIsValid(row))
		return 0;
	int64 bytes = lint::table_files_raw(reinterpret_cast<Form_pg_class>(GETSTRUCT(row)));
	ReleaseSysCache(row);
	return bytes + lint::index_files_raw(table);
}

void
add_ledger_sizes(OpenMetrics &metrics)
{
	metrics.family("mg_ledger_size_bytes", "gauge", "bytes", "Size of each table of the ledger with its indexes.");
	for (const pg::Row &row : ledger::query(tables_sql))
	{
		const Oid table = static_cast<Oid>(std::stoul(row[0].value_or("0")));
		const int64 bytes = pg::guarded([&] { return whole_size_raw(table); });
		metrics.sample("", {{"table", row[1].value_or("")}}, std::to_string(bytes));
	}
}

// Tells whether the family could be read.
bool
add(OpenMetrics &metrics, const Family &family)
{
	std::vector<pg::Row> rows;
	std::optional<pg::Error> error = pg::try_and_undo([&] { rows = ledger::query(family.sql); });

	if (error.has_value() && error->data().sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		throw std::move(*error);
	metrics.family(family.name, family.type, family.unit, family.help);
	for (const pg::Row &row : rows)
	{
		OpenMetrics::Labels labels;
		for (size_t i = 0; i < family.labels.size(); i++)
			if (row[i + 1].has_value())
				labels.emplace_back(family.labels[i], *row[i + 1]);
		metrics.sample(row.front().value_or(""), labels, row.back().value_or("0"));
	}
	return !error.has_value();
}

} // namespace

std::string
metrics()
{
	OpenMetrics metrics;
	int missing = 0;
	pg::SettingsScope settings;

	(void)ledger::place();
	migrate::integrity::pin("lock_timeout", migrate::lock_patience);
	for (const Family &family : families())
		missing += add(metrics, family) ? 0 : 1;
	add_ledger_sizes(metrics);
	metrics.family("mg_families_not_read", "gauge", "", "Families above without samples, because a table was locked.");
	metrics.sample("", {}, std::to_string(missing));
	return metrics.str();
}

} // namespace mg::watch
