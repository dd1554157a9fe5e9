// Compares what reports find with what they found last.
#include "report/watch.hpp"

#include <map>

#include <boost/algorithm/string/predicate.hpp>

#include "core/json.hpp"
#include "ledger/alert.hpp"
#include "pg/lock.hpp"
#include "pg/session.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"

namespace mg::report {

namespace {

constexpr size_t most_told = 10;

// What differs, for one kind of alert and one migration.
class Trouble
{
public:
	void add(const std::string &what, const std::string &all)
	{
		if (count_++ < most_told)
			first_.text(pg::excerpt(what, 200));
		everything_.text(all);
	}
	size_t count() const { return count_; }
	std::string details() const
	{
		return JsonObject().number("count", static_cast<long long>(count_)).json("first", first_.str()).str();
	}
	// Nothing where nothing is wrong.
	std::string fingerprint() const
	{
		const std::string all = everything_.str();
		return count_ == 0 ? "" : pg::guarded([&] { return pg::sha256_hex_raw(all.data(), all.size()); });
	}

private:
	size_t count_ = 0;
	JsonArray first_;
	JsonArray everything_;
};

std::string
counted(size_t count, const char *one, const char *many)
{
	return std::to_string(count) + " " + (count == 1 ? one : many);
}

ledger::State
state_of(const std::string &kind, const std::string &severity, const std::string &migration, const Trouble &trouble,
		 const std::string &bad, const std::string &good)
{
	const bool is_well = trouble.count() == 0;

	return {{kind, is_well ? "info" : severity, migration, is_well ? good : bad, trouble.details()},
			trouble.fingerprint()};
}

bool
may_write()
{
	return !XactReadOnly && !RecoveryInProgress();
}

} // namespace

void
watch_verification(const std::vector<pg::Row> &rows, const std::optional<std::string> &migration)
{
	std::map<std::string, Trouble> by_migration; // the empty one is of the database
	Trouble records;

	if (!may_write())
		return;
	by_migration[migration.value_or("")];
	for (const pg::Row &row : rows)
	{
		const std::string what = row[1].value_or("") + " of " + row[2].value_or("");
		const bool is_of_ledger = boost::algorithm::starts_with(row[1].value_or(""), "ledger ");
		Trouble &trouble = is_of_ledger ? records : by_migration[row[0].value_or("")];

		if (row[3] == "f")
			trouble.add(what, what + ": " + row[4].value_or("") + " / " + row[5].value_or(""));
	}
	std::vector<ledger::State> states;
	for (const auto &[name, trouble] : by_migration)
	{
		const std::string of = name.empty() ? "the database" : "migration \"" + name + "\"";
		states.push_back(state_of("verification", "high", name, trouble,
								  counted(trouble.count(), "check of ", "checks of ") + of +
									  (trouble.count() == 1 ? " fails" : " fail"),
								  "the checks of " + of + " hold again"));
	}
	ledger::alert_changes("verification", states);
	if (!migration.has_value())
		ledger::alert_changes("tampering", {state_of("tampering", "high", "", records,
													 "the ledger is not as it was written: " +
														 counted(records.count(), "record or seal", "records or seals"),
													 "the ledger is as it was written again")});
}

void
watch_drift(const std::vector<pg::Row> &rows)
{
	Trouble trouble;

	if (!may_write())
		return;
	for (const pg::Row &row : rows)
	{
		std::string all;
		for (size_t i = 0; i < 6; i++)
			all += row[i].value_or("") + "\n";
		trouble.add(row[1].value_or("") + " " + row[2].value_or("") + " " + row[0].value_or("") +
						(row[3].has_value() ? ", " + *row[3] : ""),
					all);
	}
	ledger::alert_changes("drift", {state_of("drift", "warning", "", trouble,
											 "the schema differs from what the ledger says in " +
												 counted(trouble.count(), "place", "places"),
											 "the schema is what the ledger says again")});
}

/* Who has the lock that lets one migration run at a time, or waits for it. */
#define MG_RUN_LOCK                                                                                \
	" FROM pg_locks l WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database" \
	" WHERE datname = current_database()) AND l.classid = 28007 AND l.objid = 0 AND l.objsubid = 3"
static_assert(pg::own_lock_class == 28007 && pg::own_lock_field == 3, "the queries name the lock");

std::vector<pg::Row>
running_alerts()
{
	std::vector<pg::Row> result;
	const double warning = policy::milliseconds("alert_after") / 1000.0;
	const double alarm = policy::milliseconds("alarm_after") / 1000.0;

	/* A session that is idle has ended its run and keeps the others waiting until its transaction ends. */
	for (const pg::Row &row : ledger::query(
			 "SELECT (x.since + x.least * interval '1 second')::text, x.took > $2::float8,"
			 " format('pid %s has been %s for %s', x.pid, CASE WHEN x.is_idle THEN 'keeping migrations waiting, in a "
			 "transaction that does nothing,' ELSE 'at a migration' END, date_trunc('second', x.took * interval '1 "
			 "second')),"
			 " jsonb_build_object('pid', x.pid, 'application', x.application_name, 'state', x.state, 'since', x.since,"
			 " 'transaction_since', x.xact_start, 'wait_event_type', x.wait_event_type, 'wait_event', x.wait_event,"
			 " 'blocked_by', to_jsonb(pg_blocking_pids(x.pid)), 'waiting', (SELECT count(*)" MG_RUN_LOCK
			 " AND NOT l.granted)), x.usename"
			 " FROM (SELECT a.*, a.state LIKE 'idle%' AS is_idle, least($1::float8, $2::float8) AS least,"
			 " CASE WHEN a.state LIKE 'idle%' THEN a.state_change ELSE a.query_start END AS since,"
			 " extract(epoch FROM clock_timestamp() - CASE WHEN a.state LIKE 'idle%' THEN a.state_change ELSE "
			 "a.query_start END)::float8 AS took FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND a.pid IN "
			 "(SELECT l.pid" MG_RUN_LOCK " AND l.granted)) x WHERE x.took > x.least",
			 {std::to_string(warning), std::to_string(alarm)}))
		result.push_back({row[0], row[1] == "t" ? "high" : "warning", row[2], row[3], row[4]});

	/* A prepared transaction has no session; its locks are those that go with the one on its own number. */
	for (const pg::Row &row : ledger::query(
			 "SELECT (x.prepared + x.least * interval '1 second')::text, x.took > $2::float8,"
			 " format('the prepared transaction %s has kept migrations waiting for %s', x.gid,"
			 " date_trunc('second', x.took * interval '1 second')),"
			 " jsonb_build_object('prepared', x.gid, 'since', x.prepared, 'waiting', (SELECT count(*)" MG_RUN_LOCK
			 " AND NOT l.granted)), x.owner"
			 " FROM (SELECT p.*, least($1::float8, $2::float8) AS least, extract(epoch FROM clock_timestamp() - "
			 "p.prepared)::float8 AS took FROM pg_prepared_xacts p WHERE p.database = current_database()"
			 " AND p.transaction IN (SELECT t.transactionid FROM pg_locks t WHERE t.locktype = "
			 "'transactionid' AND t.granted AND t.pid IS NULL AND t.virtualtransaction IN (SELECT "
			 "l.virtualtransaction" MG_RUN_LOCK " AND l.granted AND l.pid IS NULL))) x WHERE x.took > x.least",
			 {std::to_string(warning), std::to_string(alarm)}))
		result.push_back({row[0], row[1] == "t" ? "high" : "warning", row[2], row[3], row[4]});
	return result;
}

} // namespace mg::report
