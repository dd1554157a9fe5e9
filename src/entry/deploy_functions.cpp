// The procedures that people call to change a living database: they commit on their way.
#include "deploy/backfill.hpp"
#include "deploy/deploy.hpp"
#include "entry/functions.hpp"
#include "pg/procedure.hpp"

namespace {

using mg::deploy::Wishes;
using mg::entry::require_person;
using mg::entry::required_text;
using mg::pg::Procedure;

// Milliseconds of an interval; a month counts as thirty days.
int64_t
milliseconds(const Interval *span)
{
	return span->time / 1000 + (int64_t{span->day} + int64_t{span->month} * DAYS_PER_MONTH) * SECS_PER_DAY * 1000;
}

Wishes
wishes_of(FunctionCallInfo fcinfo, int first)
{
	Wishes wishes;

	if (!PG_ARGISNULL(first))
		wishes.lock_timeout_ms = milliseconds(PG_GETARG_INTERVAL_P(first));
	if (!PG_ARGISNULL(first + 1))
		wishes.retries = PG_GETARG_INT32(first + 1);
	if (!PG_ARGISNULL(first + 2))
		wishes.deadline_ms = milliseconds(PG_GETARG_INTERVAL_P(first + 2));
	return wishes;
}

mg::script::Backfill
backfill_order(FunctionCallInfo fcinfo)
{
	mg::script::Backfill order;

	order.table = required_text(fcinfo, 0, "table_name");
	order.set_clause = required_text(fcinfo, 1, "set_clause");
	order.where_clause = mg::pg::text_argument(fcinfo, 2).value_or("");
	if (!PG_ARGISNULL(3))
		order.batch_size = PG_GETARG_INT32(3);
	if (!PG_ARGISNULL(4))
		order.pause_ms = milliseconds(PG_GETARG_INTERVAL_P(4));
	if (order.batch_size.value_or(1) < 1)
		throw mg::UserError("22023", "batch_size is at least 1, not " + std::to_string(*order.batch_size));
	if (order.pause_ms.value_or(0) < 0)
		throw mg::UserError("22023", "pause must not be negative");
	return order;
}

} // namespace

MG_FUNCTION(mg_deploy)
{
	require_person("mg_deploy()");
	const Procedure procedure(fcinfo, "mg_deploy()");
	mg::deploy::deploy(mg::pg::text_argument(fcinfo, 0), wishes_of(fcinfo, 1));
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_resume)
{
	require_person("mg_resume()");
	const Procedure procedure(fcinfo, "mg_resume()");
	mg::deploy::resume(required_text(fcinfo, 0, "name of the migration"), wishes_of(fcinfo, 1));
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_abort)
{
	require_person("mg_abort()");
	const Procedure procedure(fcinfo, "mg_abort()");
	mg::deploy::abort(required_text(fcinfo, 0, "name of the migration"), wishes_of(fcinfo, 1));
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_deploy_rollback)
{
	require_person("mg_deploy_rollback()");
	const Procedure procedure(fcinfo, "mg_deploy_rollback()");
	mg::deploy::roll_back(required_text(fcinfo, 0, "name of the migration"),
						  mg::pg::text_argument(fcinfo, 1).value_or(""), wishes_of(fcinfo, 2));
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_backfill)
{
	mg::pg::Procedure procedure(fcinfo, "mg_backfill()");

	mg::deploy::backfill(backfill_order(fcinfo));
	PG_RETURN_VOID();
}
