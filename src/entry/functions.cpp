// The functions that people call: each decodes its arguments, calls a room below, and encodes what comes back.
#include "entry/functions.hpp"

#include "capture/capture.hpp"
#include "drift/accept.hpp"
#include "drift/expected.hpp"
#include "drift/report.hpp"
#include "ledger/seal.hpp"
#include "migrate/adopt.hpp"
#include "migrate/assertions.hpp"
#include "migrate/lint.hpp"
#include "migrate/migrate.hpp"
#include "migrate/own_history.hpp"
#include "migrate/status.hpp"
#include "migrate/transfer.hpp"
#include "pg/heap.hpp"
#include "pg/session.hpp"
#include "policy/policy.hpp"
#include "rehearse/plan.hpp"
#include "rehearse/rehearse.hpp"
#include "report/watch.hpp"
#include "schema/snapshot.hpp"
#include "schema/sweep.hpp"
#include "watch/health.hpp"
#include "watch/metrics.hpp"

namespace {

using mg::UserError;
using mg::entry::add_all;
using mg::entry::require_person;
using mg::entry::required_text;
using mg::pg::Cell;
using mg::pg::Row;

mg::migrate::Request
request_of(FunctionCallInfo fcinfo)
{
	mg::migrate::Request request;

	request.name = required_text(fcinfo, 0, "name of the migration");
	request.up = mg::pg::text_argument(fcinfo, 1);
	request.down = mg::pg::text_argument(fcinfo, 2);
	request.verify = mg::pg::text_argument(fcinfo, 3);
	if (!PG_ARGISNULL(4))
		request.requirements = mg::pg::text_array_argument(fcinfo, 4);
	request.precondition = mg::pg::text_argument(fcinfo, 5);
	return request;
}

Row
row_of(const mg::migrate::Outcome &outcome)
{
	return {outcome.migration,
			outcome.status,
			std::to_string(outcome.duration_us) + " microseconds",
			std::to_string(outcome.statements),
			std::to_string(outcome.objects),
			outcome.risk,
			outcome.checksum,
			outcome.run_id.has_value() ? Cell(std::to_string(*outcome.run_id)) : Cell()};
}

} // namespace

MG_FUNCTION(mg_apply)
{
	return mg::pg::composite_datum(fcinfo, row_of(mg::migrate::apply(request_of(fcinfo))));
}

MG_FUNCTION(mg_register)
{
	mg::migrate::Registered done = mg::migrate::register_migration(request_of(fcinfo));
	return mg::pg::composite_datum(fcinfo, {done.migration, done.status, done.risk, done.checksum,
											std::to_string(done.findings), std::to_string(done.approvals_needed)});
}

MG_FUNCTION(mg_rollback)
{
	mg::migrate::Outcome outcome =
		mg::migrate::roll_back(mg::pg::text_argument(fcinfo, 0), mg::pg::text_argument(fcinfo, 1));
	return mg::pg::composite_datum(fcinfo, row_of(outcome));
}

MG_FUNCTION(mg_rollback_to)
{
	mg::pg::RowSet rows(fcinfo);

	for (const mg::migrate::Outcome &outcome :
		 mg::migrate::roll_back_to(required_text(fcinfo, 0, "name of the migration"), mg::pg::text_argument(fcinfo, 1)))
		rows.add(row_of(outcome));
	return 0;
}

MG_FUNCTION(mg_verify)
{
	mg::pg::RowSet rows(fcinfo);

	const Cell name = mg::pg::text_argument(fcinfo, 0);
	const std::vector<Row> checks = mg::migrate::verify(name);

	add_all(rows, checks);
	mg::report::watch_verification(checks, name);
	return 0;
}

MG_FUNCTION(mg_rehearse)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::rehearse::rehearse_one(required_text(fcinfo, 0, "name of the migration")));
	return 0;
}

MG_FUNCTION(mg_rehearse_scripts)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows,
			mg::rehearse::rehearse_scripts(required_text(fcinfo, 0, "up script"), mg::pg::text_argument(fcinfo, 1)));
	return 0;
}

MG_FUNCTION(mg_rehearse_all)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::rehearse::rehearse_all(mg::pg::text_argument(fcinfo, 0), mg::pg::text_argument(fcinfo, 1)));
	return 0;
}

MG_FUNCTION(mg_lint)
{
	mg::pg::RowSet rows(fcinfo);

	const std::string script = required_text(fcinfo, 0, "script");

	mg::migrate::lint_script(script, [&](const Row &row) { rows.add(row); });
	/* Of a script of 100,000 statements hundreds of megabytes. */
	if (script.size() > size_t{256} * 1024)
		mg::pg::return_free_memory();
	return 0;
}

MG_FUNCTION(mg_lint_locks)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::migrate::lint_locks(required_text(fcinfo, 0, "script")));
	return 0;
}

MG_FUNCTION(mg_lint_migration)
{
	mg::pg::RowSet rows(fcinfo);

	mg::migrate::lint_migration(required_text(fcinfo, 0, "name of the migration"),
								[&](const Row &row) { rows.add(row); });
	return 0;
}

MG_FUNCTION(mg_lint_rules)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::migrate::lint_rules());
	return 0;
}

MG_FUNCTION(mg_risk)
{
	return mg::pg::composite_datum(fcinfo,
								   mg::migrate::risk_of_migration(required_text(fcinfo, 0, "name of the migration")));
}

MG_FUNCTION(mg_script_risk)
{
	return mg::pg::composite_datum(
		fcinfo, mg::migrate::risk_of_scripts(required_text(fcinfo, 0, "up script"), mg::pg::text_argument(fcinfo, 1)));
}

MG_FUNCTION(mg_plan)
{
	mg::pg::RowSet rows(fcinfo);
	std::optional<std::string> sizes;

	if (!PG_ARGISNULL(1))
		sizes = mg::pg::guarded([&] { return DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(1))); });
	add_all(rows, mg::rehearse::plan(required_text(fcinfo, 0, "name of the migration"), sizes));
	return 0;
}

MG_FUNCTION(mg_sizes)
{
	(void)fcinfo;
	std::string json = mg::rehearse::sizes();
	return mg::pg::guarded([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.c_str())); });
}

MG_FUNCTION(mg_is_applied)
{
	return mg::pg::text_datum(mg::migrate::assert_applied(required_text(fcinfo, 0, "name of the migration"), true,
														  mg::pg::text_argument(fcinfo, 1)));
}

MG_FUNCTION(mg_is_not_applied)
{
	return mg::pg::text_datum(mg::migrate::assert_applied(required_text(fcinfo, 0, "name of the migration"), false,
														  mg::pg::text_argument(fcinfo, 1)));
}

MG_FUNCTION(mg_verifies)
{
	return mg::pg::text_datum(
		mg::migrate::assert_verifies(mg::pg::text_argument(fcinfo, 0), mg::pg::text_argument(fcinfo, 1)));
}

MG_FUNCTION(mg_status)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::migrate::status());
	return 0;
}

MG_FUNCTION(mg_parse)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::migrate::parse(required_text(fcinfo, 0, "script")));
	return 0;
}

MG_FUNCTION(mg_template)
{
	std::string kind = required_text(fcinfo, 0, "kind");
	std::string description = required_text(fcinfo, 1, "description");
	return mg::pg::composite_datum(fcinfo, mg::migrate::make_template(kind, description,
																	  mg::pg::text_argument(fcinfo, 2).value_or(""),
																	  mg::pg::text_argument(fcinfo, 3).value_or("")));
}

MG_FUNCTION(mg_seal)
{
	mg::ledger::place();
	mg::ledger::seal(true);
	return mg::pg::text_datum(mg::ledger::head());
}

MG_FUNCTION(mg_allow_removal)
{
	require_person("mg_allow_removal()");
	std::string reason = required_text(fcinfo, 0, "reason");

	mg::pg::require_database_owner("allow the removal of migration_governance");
	if (mg::trim(reason).empty())
		throw UserError("22023", "a removal needs a reason");
	mg::capture::allow_removal();
	mg::pg::guarded([&] {
		ereport(LOG, (errmsg("migration_governance: removal allowed in this session: %s", reason.c_str()),
					  errhidestmt(true)));
	});
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_export)
{
	return mg::migrate::export_ledger();
}

MG_FUNCTION(mg_import)
{
	require_person("mg_import()");
	if (PG_ARGISNULL(0))
		throw UserError("22004", "dump must not be NULL");
	return mg::pg::composite_datum(fcinfo, mg::migrate::import_ledger(PG_GETARG_DATUM(0)));
}

MG_FUNCTION(mg_snapshot)
{
	(void)fcinfo;
	return mg::schema::snapshot(mg::drift::scope());
}

MG_FUNCTION(mg_fingerprint)
{
	(void)fcinfo;
	return mg::pg::text_datum(mg::schema::fingerprint(mg::drift::scope()));
}

MG_FUNCTION(mg_catalog_fingerprint)
{
	(void)fcinfo;
	return mg::pg::text_datum(mg::schema::fingerprint_of(mg::schema::versions()));
}

MG_FUNCTION(mg_drift_report)
{
	mg::pg::RowSet rows(fcinfo);

	const std::vector<Row> differences = mg::drift::report();

	add_all(rows, differences);
	mg::report::watch_drift(differences);
	return 0;
}

MG_FUNCTION(mg_drift_report_snapshot)
{
	mg::pg::RowSet rows(fcinfo);

	if (PG_ARGISNULL(0))
		throw UserError("22004", "snapshot must not be NULL");
	add_all(rows, mg::drift::report(PG_GETARG_DATUM(0)));
	return 0;
}

MG_FUNCTION(mg_accept_drift)
{
	require_person("mg_accept_drift()");
	return Int32GetDatum(mg::drift::accept(required_text(fcinfo, 0, "reason"), mg::pg::text_argument(fcinfo, 1)));
}

MG_FUNCTION(mg_baseline)
{
	mg::migrate::Outcome outcome =
		mg::migrate::baseline(required_text(fcinfo, 0, "name of the migration"), mg::pg::text_argument(fcinfo, 1));
	return mg::pg::composite_datum(fcinfo, {outcome.migration, outcome.status, std::to_string(outcome.objects),
											outcome.checksum, std::to_string(*outcome.run_id)});
}

MG_FUNCTION(mg_lints)
{
	return mg::pg::text_datum(mg::migrate::assert_lints(required_text(fcinfo, 0, "script"),
														mg::pg::text_argument(fcinfo, 1).value_or("warning"),
														mg::pg::text_argument(fcinfo, 2)));
}

MG_FUNCTION(mg_has_no_drift)
{
	return mg::pg::text_datum(mg::migrate::assert_no_drift(mg::pg::text_argument(fcinfo, 0)));
}

MG_FUNCTION(mg_history_view)
{
	std::string schema = required_text(fcinfo, 0, "schema_name");
	std::string kind = required_text(fcinfo, 1, "kind");
	if (!PG_ARGISNULL(2) && mg::pg::guarded([&] { return array_contains_nulls(PG_GETARG_ARRAYTYPE_P(2)); }))
		throw UserError("22004", "roles must not contain NULL");
	return mg::pg::composite_datum(
		fcinfo, mg::migrate::make_history_view(schema, kind, mg::pg::text_array_argument(fcinfo, 2)));
}

MG_FUNCTION(mg_adopt_history)
{
	mg::pg::RowSet rows(fcinfo);

	if (PG_ARGISNULL(0))
		throw UserError("22004", "table_name must not be NULL");
	mg::migrate::adopt_history(PG_GETARG_OID(0), [&](const Row &row) { rows.add(row); });
	return 0;
}

MG_FUNCTION(mg_health)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::watch::health());
	return 0;
}

MG_FUNCTION(mg_metrics)
{
	(void)fcinfo;
	return mg::pg::text_datum(mg::watch::metrics());
}
