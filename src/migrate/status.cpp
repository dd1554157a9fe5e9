// Describes the installation, a script, and a new migration.
#include "migrate/status.hpp"

#include "capture/capture.hpp"
#include "capture/enforce.hpp"
#include "core/migration_template.hpp"
#include "ledger/history.hpp"
#include "ledger/seal.hpp"
#include "pg/session.hpp"
#include "policy/environment.hpp"
#include "policy/policy.hpp"
#include "script/script.hpp"

namespace mg::migrate {

namespace {

pg::Row
aspect(const std::string &name, const std::string &value, bool ok = true, const std::string &hint = "")
{
	return {name, value, ok ? "t" : "f", hint.empty() ? pg::Cell() : pg::Cell(hint)};
}

pg::Row
capture_mode()
{
	std::string shared =
		ledger::query_cell("SELECT current_setting('shared_preload_libraries') ~ '(^|[/, \"])migration_governance'")
			.value_or("f");
	std::string session =
		ledger::query_cell("SELECT current_setting('session_preload_libraries') ~ '(^|[/, \"])migration_governance'")
			.value_or("f");

	if (shared == "t")
		return aspect("capture", "preloaded for the whole server");
	if (session == "t")
		return aspect("capture", "preloaded for this session");
	return aspect("capture", "event triggers only", false,
				  "Some statements go unrecorded: preload the library (README, capture modes).");
}

pg::Row
event_triggers()
{
	std::string off = ledger::query_cell("SELECT string_agg(evtname, ', ' ORDER BY evtname) FROM pg_event_trigger"
										 " WHERE evtname ~ '^mg_' AND evtenabled <> 'A'")
						  .value_or("");
	std::string count = ledger::query_cell("SELECT count(*) FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid"
										   " WHERE p.proname = 'mg_capture'")
							.value_or("0");

	if (count != "4")
		return aspect("event triggers", count + " of 4", false,
					  "One was dropped: create the extension again to restore them.");
	if (!off.empty())
		return aspect("event triggers", "not always enabled: " + off, false, "ALTER EVENT TRIGGER ... ENABLE ALWAYS.");
	if (ledger::query_cell("SELECT current_setting('event_triggers', true) = 'off'") == "t")
		return aspect("event triggers", "switched off in this session", false, "RESET event_triggers.");
	return aspect("event triggers", "enabled always");
}

pg::Row
gaps()
{
	std::string recorded =
		ledger::query_cell("SELECT coalesce(sum(duration_us), 0) FROM mg.statement WHERE origin = 'gap'").value_or("0");
	std::string session = std::to_string(capture::gaps());
	bool none = recorded == "0" && session == "0";

	return aspect("gaps", recorded + " known to the ledger, " + session + " in this session", none,
				  none ? "" : "The server log has each: look for \"migration_governance: could not record\".");
}

pg::Row
identity()
{
	bool same =
		ledger::query_cell(
			"SELECT c.system_identifier = s.system_identifier AND c.database_oid = d.oid::bigint"
			" FROM mg.current c, pg_control_system() s, pg_database d WHERE d.datname = current_database()") == "t";
	std::string installation = ledger::query_cell("SELECT installation FROM mg.current").value_or("");

	return aspect(
		"installation", installation, same,
		same ? ""
			 : "This database was copied or upgraded since: two copies that go on share this installation's numbers.");
}

pg::Row
environment()
{
	const policy::Environment here = policy::environment();
	const std::string name = here.name.empty() ? "none" : here.name;

	return aspect("environment", here.is_confirmed ? name : name + "'s settings hold", here.is_confirmed,
				  here.is_confirmed ? "" : here.doubt + ": say what it is with mg_set_environment().");
}

} // namespace

std::vector<pg::Row>
status()
{
	std::vector<pg::Row> rows;
	std::string version =
		ledger::query_cell("SELECT extversion FROM pg_extension WHERE extname = 'migration_governance'").value_or("");

	rows.push_back(aspect(
		"extension", version, version == MG_VERSION,
		version == MG_VERSION ? "" : "The library is " MG_VERSION ": ALTER EXTENSION migration_governance UPDATE."));
	rows.push_back(aspect("server", pg::server_version()));
	rows.push_back(identity());
	rows.push_back(capture_mode());
	rows.push_back(event_triggers());
	rows.push_back(gaps());
	std::string head = ledger::head();
	rows.push_back(aspect("ledger head", head.empty() ? "no seal yet" : head));
	rows.push_back(aspect("records not sealed",
						  ledger::query_cell("SELECT count(*) FROM mg.record r WHERE NOT EXISTS (SELECT FROM mg.seal s"
											 " WHERE s.covers = r.installation AND s.members @> r.id)")
							  .value_or("0")));
	bool guarded = capture::ledger_is_guarded();
	rows.push_back(
		aspect("ledger protection", guarded ? "on" : "off", guarded,
			   guarded ? "" : "RESET migration_governance.protect_ledger, and look for missing triggers mg_guard."));
	std::string workers = ledger::query_cell("SELECT current_setting('max_worker_processes')").value_or("0");
	rows.push_back(aspect("background workers", workers + " slots", workers != "0",
						  workers != "0" ? "" : "Failed attempts leave no record: set max_worker_processes."));
	rows.push_back(environment());
	for (pg::Row &row : capture::enforcement_status())
		rows.push_back(std::move(row));
	rows.push_back(aspect("naming convention", policy::value_of("naming")));
	rows.push_back(
		aspect("migrations", ledger::query_cell("SELECT string_agg(n || ' ' || status, ', ' ORDER BY status) FROM"
												" (SELECT status, count(*) AS n FROM mg.status GROUP BY status) s")
								 .value_or("none")));
	rows.push_back(
		aspect("statements on record", ledger::query_cell("SELECT count(*) FROM mg.statement").value_or("0")));
	return rows;
}

std::vector<pg::Row>
parse(const std::string &text)
{
	std::vector<pg::Row> rows;
	script::Script script("up", text);
	int ordinal = 0;

	for (const script::Statement &statement : script.statements())
		rows.push_back({std::to_string(++ordinal), std::to_string(statement.place.line),
						std::to_string(statement.place.column), statement.tag,
						statement.recorded && !statement.temporary ? "t" : "f",
						statement.refusal.empty() ? (statement.secret ? pg::Cell("literal secret") : pg::Cell())
												  : pg::Cell(statement.refusal),
						std::string(script.text_of(statement))});
	return rows;
}

pg::Row
make_template(const std::string &kind, const std::string &description, const std::string &author,
			  const std::string &ticket)
{
	const Convention &convention = policy::naming();
	std::vector<pg::Row> now =
		ledger::query("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), to_char(now(), 'YYYY-MM-DD')");
	TemplateRequest request;

	request.name = next_name(convention, kind, description, ledger::newest_version(), now[0][0].value_or(""));
	request.kind = kind;
	request.description = description;
	request.author = author;
	request.ticket = ticket;
	request.date = now[0][1].value_or("");
	MigrationTemplate text = write_template(request);
	return {request.name, text.up, text.down};
}

} // namespace mg::migrate
