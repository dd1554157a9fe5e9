// Puts runs into alerts and messages.
#include "migrate/alerts.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "ledger/parcel.hpp"
#include "pg/notify.hpp"
#include "pg/session.hpp"
#include "pg/text.hpp"
#include "policy/environment.hpp"
#include "policy/policy.hpp"

namespace mg::migrate {

namespace {

// "rollback of migration "x"", "migration "x"".
std::string
title_of(const std::string &migration, const std::string &action)
{
	return (action == "roll back" ? "rollback of migration \"" : "migration \"") + migration + "\"";
}

std::string
title_of(const RunEnd &end)
{
	return title_of(end.migration, end.action);
}

void
add_slow(std::vector<ledger::Alert> &alerts, const AlertPolicy &policy, const RunEnd &end, const JsonObject &details)
{
	if (end.duration_us <= policy.warning_us && end.duration_us <= policy.alarm_us)
		return;
	alerts.push_back({"slow", end.duration_us > policy.alarm_us ? "high" : "warning", end.migration,
					  title_of(end) + " took " + pg::span_text(end.duration_us), details.str()});
}

JsonObject
details_of(const AlertPolicy &policy, const RunEnd &end)
{
	JsonObject json;

	json.text("action", end.action).number("duration_us", end.duration_us);
	json.json("environment", policy.environment.empty() ? "null" : json_quote(policy.environment));
	return json;
}

std::string
objects_json(const std::vector<capture::RunObject> &objects, size_t most)
{
	JsonArray json;

	for (size_t i = 0; i < std::min(objects.size(), most); i++)
		json.json(JsonObject()
					  .text("type", objects[i].type)
					  .text("identity", objects[i].identity)
					  .json("was", objects[i].was.empty() ? "null" : json_quote(objects[i].was))
					  .text("change", objects[i].change)
					  .str());
	return json.str();
}

} // namespace

AlertPolicy
alert_policy()
{
	AlertPolicy result;
	const std::vector<std::string> production = policy::names("production");

	result.warning_us = static_cast<int64_t>(policy::milliseconds("alert_after")) * 1000;
	result.alarm_us = static_cast<int64_t>(policy::milliseconds("alarm_after")) * 1000;
	result.environment = policy::environment().name;
	result.is_production = std::find(production.begin(), production.end(), result.environment) != production.end();
	return result;
}

std::vector<pg::Task>
alerts_while_running(const AlertPolicy &policy, const std::string &migration, const std::string &action,
					 const ledger::Fields &session)
{
	std::vector<pg::Task> result;
	const int64_t first = std::min(policy.warning_us, policy.alarm_us);
	JsonObject details;

	details.text("action", action).number("pid", MyProcPid);
	details.json("environment", policy.environment.empty() ? "null" : json_quote(policy.environment));
	auto add = [&](int64_t limit) {
		const ledger::Alert alert = {"running", limit < policy.alarm_us ? "warning" : "high", migration,
									 title_of(migration, action) + " has been running for " + pg::span_text(limit),
									 details.str()};
		result.push_back({limit, ledger::pack({{ledger::Table::alert, ledger::alert_fields(alert, session, limit)}})});
	};
	add(first);
	if (first < policy.alarm_us)
		add(policy.alarm_us);
	return result;
}

std::vector<ledger::Alert>
alerts_of_success(const AlertPolicy &policy, const RunEnd &end, int64_t run)
{
	std::vector<ledger::Alert> result;
	JsonObject details = details_of(policy, end);

	details.text("run", std::to_string(run));
	if (end.action == "roll back" && policy.is_production)
		result.push_back(
			{"rollback", "high", end.migration,
			 "migration \"" + end.migration + "\" was rolled back in environment \"" + policy.environment + "\"",
			 JsonObject(details).text("reason", end.reason).str()});
	add_slow(result, policy, end, details);
	return result;
}

std::vector<ledger::Alert>
alerts_of_failure(const AlertPolicy &policy, const RunEnd &end)
{
	std::vector<ledger::Alert> result;
	JsonObject details = details_of(policy, end);

	/* What the error says may be of the data, and is for who may read the ledger. */
	result.push_back({"failure", "high", end.migration,
					  title_of(end) + " failed" + (end.phase.empty() ? "" : " in " + end.phase) +
						  (end.line > 0 ? ", line " + std::to_string(end.line) : "") + ", SQLSTATE " + end.sqlstate,
					  JsonObject(details)
						  .text("phase", end.phase)
						  .number("line", end.line)
						  .text("sqlstate", end.sqlstate)
						  .text("error", end.error)
						  .str()});
	add_slow(result, policy, end, details);
	return result;
}

void
tell_of_change(const AlertPolicy &policy, const RunEnd &end, int64_t run,
			   const std::vector<capture::RunObject> &objects)
{
	JsonObject json;

	json.text("migration", end.migration).text("action", end.action).text("run", std::to_string(run));
	json.json("environment", policy.environment.empty() ? "null" : json_quote(policy.environment));
	json.text("by", pg::login_role());
	json.number("changes", static_cast<long long>(objects.size()));
	pg::emit_message("migration_governance", JsonObject(json).json("objects", objects_json(objects, SIZE_MAX)).str());

	/* As many of them as a notification has room for. */
	for (size_t most = std::min<size_t>(objects.size(), 100);; most /= 2)
	{
		const std::string payload = JsonObject(json).json("objects", objects_json(objects, most)).str();
		if (payload.size() < pg::payload_limit)
			return pg::notify_at_commit("mg_schema_changes", payload);
		if (most == 0)
			return;
	}
}

} // namespace mg::migrate
