// Asks the ledger, the linter, the drift report and the server's statistics.
#include "migrate/surroundings.hpp"

#include "core/headers.hpp"
#include "core/json.hpp"
#include "drift/accept.hpp"
#include "drift/report.hpp"
#include "lint/indexes.hpp"
#include "migrate/approvals.hpp"
#include "migrate/lint.hpp"
#include "pg/latest.hpp"
#include "pg/text.hpp"
#include "policy/environment.hpp"
#include "policy/policy.hpp"

namespace mg::migrate {

namespace {

std::optional<policy::Laggard>
laggard_in(const char *sql)
{
	/* What a transaction has seen of others once, the server shows it until its end. */
	(void)ledger::query("SELECT pg_stat_clear_snapshot()");
	const std::vector<pg::Row> rows = ledger::query(sql);

	if (rows.empty() || !rows[0][1].has_value())
		return std::nullopt;
	return policy::Laggard{rows[0][0].value_or("?"), std::stod(*rows[0][1])};
}

} // namespace

Surroundings::Surroundings(const Migration &migration, policy::Action action, std::string reason)
	: migration_(migration), action_(action), reason_(std::move(reason))
{
}

std::optional<std::string>
Surroundings::header(const std::string &key) const
{
	return header_value(parse_headers(migration_.up.body()), key);
}

bool
Surroundings::has_new_down()
{
	if (!judges_down())
		return false;
	return ledger::query_cell("SELECT r.down_checksum FROM mg.run r WHERE r.migration = $1 AND r.outcome = 'applied'"
							  " ORDER BY r.at DESC, r.id DESC LIMIT 1",
							  {migration_.name}) != migration_.down->checksum();
}

const std::optional<ledger::Receipt> &
Surroundings::receipt()
{
	if (!receipt_.has_value())
		receipt_ = receipt_of(migration_);
	return *receipt_;
}

std::optional<policy::Rehearsed>
Surroundings::rehearsed()
{
	const std::optional<ledger::Receipt> &known = receipt();

	if (!known.has_value())
		return std::nullopt;
	return policy::Rehearsed{known->verdict, known->at, known->stale, known->down_us};
}

const lint::Findings &
Surroundings::findings()
{
	if (!findings_.has_value())
		findings_ = judges_down() ? findings_of(*migration_.down, Wanted::disk, &sensitive_)
								  : findings_of(migration_, Wanted::disk, &sensitive_);
	return *findings_;
}

const lint::RiskReport &
Surroundings::risk()
{
	if (!risk_.has_value())
		risk_ = judges_down() ? risk_of_down(findings()) : risk_of(migration_, findings(), receipt());
	return *risk_;
}

const std::vector<lint::Sensitive> &
Surroundings::sensitive()
{
	(void)findings();
	if (!knows_way_back_ && !judges_down())
		for (lint::Sensitive &one : sensitive_back(migration_))
			sensitive_.push_back(std::move(one));
	knows_way_back_ = true;
	return sensitive_;
}

std::vector<policy::Approval>
Surroundings::approvals()
{
	return approvals_of(migration_.name, bundle_of(migration_));
}

std::vector<policy::Promotion>
Surroundings::promotions()
{
	return promotions_of(migration_.name, bundle_of(migration_));
}

TimestampTz
Surroundings::now()
{
	return pg::guarded([] { return GetCurrentTimestamp(); });
}

std::optional<double>
Surroundings::backup_age()
{
	const pg::Cell age = ledger::query_cell(
		"SELECT extract(epoch FROM clock_timestamp() - max((e.body->>'taken_at')::timestamptz)) FROM mg.evidence e"
		" WHERE e.kind = 'backup' AND e.installation = (SELECT installation FROM mg.current)");

	return age.has_value() ? std::optional(std::stod(*age)) : std::nullopt;
}

int64_t
Surroundings::drift()
{
	const auto differences = static_cast<int64_t>(mg::drift::report().size());

	/* What cannot run in a transaction was done before, in its name; its run takes that over. */
	return differences == 0 ? 0 : differences - static_cast<int64_t>(mg::drift::attributed(migration_.name).size());
}

std::optional<policy::Laggard>
Surroundings::oldest_transaction()
{
	return laggard_in(
		"SELECT format('pid %s (%s%s)', a.pid, a.usename, ', ' || nullif(a.application_name, '')),"
		" extract(epoch FROM clock_timestamp() - a.xact_start) FROM pg_stat_activity a"
		" WHERE a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())"
		" AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL"
		" ORDER BY a.xact_start LIMIT 1");
}

std::optional<policy::Laggard>
Surroundings::slowest_replica()
{
	return laggard_in("SELECT format('replica %s', coalesce(nullif(r.application_name, ''), r.pid::text)),"
					  " extract(epoch FROM r.replay_lag) FROM pg_stat_replication r WHERE r.replay_lag IS NOT NULL"
					  " ORDER BY r.replay_lag DESC LIMIT 1");
}

int64_t
Surroundings::disk_needed()
{
	int64_t result = 0;

	for (const lint::Finding &finding : findings())
		result += finding.disk;
	return result;
}

int64_t
Surroundings::disk_free()
{
	return lint::free_bytes();
}

void
require_gates(Surroundings &surroundings)
{
	pg::LatestScope latest;
	std::string why;
	std::string way;
	int closed = 0;

	/* Of when it was read, somebody may have waited since, or begun his statement long ago. */
	policy::forget_values();

	for (const policy::Verdict &verdict : policy::judge(surroundings))
	{
		if (verdict.is_open)
			continue;
		closed++;
		why += (why.empty() ? "" : "\n") + verdict.gate + ": " + verdict.why + ".";
		way += (way.empty() ? "" : "\n") + verdict.gate + ": " + verdict.way + (verdict.way.back() == '.' ? "" : ".");
	}
	if (closed == 0)
		return;
	const policy::Environment here = policy::environment();
	const std::string where = here.name.empty() ? "" : " in environment " + here.name;
	throw UserError("MG407", "migration \"" + surroundings.migration() + "\" is held back by " +
								 std::to_string(closed) + (closed == 1 ? " gate" : " gates") + where)
		.detail(why + (here.is_confirmed ? "" : "\nenvironment: " + here.doubt + ", so that the strictest gates hold."))
		.hint(way + (here.is_confirmed ? "" : "\nenvironment: Say which it is with mg_set_environment()."));
}

void
make_restore_point(const Migration &migration)
{
	if (!policy::is_on("restore_point"))
		return;
	const std::string name =
		pg::excerpt(migration.name, 40) + " " +
		ledger::query_cell("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD-HH24MISS')").value_or("");
	const std::vector<pg::Row> made = pg::query_as_caller("SELECT pg_create_restore_point($1)::text", {name});
	ledger::append_evidence("restore point", migration.name,
							JsonObject().text("name", name).text("lsn", made[0][0].value_or("")).str());
}

std::vector<pg::Row>
gates_of(const std::string &name, const std::string &action)
{
	if (action != "apply" && action != "roll back")
		throw UserError("22023", "\"" + action + "\" is nothing that gates are for").hint("It is apply, or roll back.");

	const Migration migration = Migration::registered(name);
	pg::LatestScope latest;
	policy::forget_values();
	Surroundings surroundings(migration, action == "apply" ? policy::Action::apply : policy::Action::roll_back, "");
	std::vector<pg::Row> rows;
	auto some = [](const std::string &words) { return words.empty() ? pg::Cell() : pg::Cell(words); };

	for (const policy::Verdict &verdict : policy::judge(surroundings))
		rows.push_back({verdict.gate, verdict.is_open ? "t" : "f", some(verdict.why), some(verdict.way)});
	return rows;
}

} // namespace mg::migrate
