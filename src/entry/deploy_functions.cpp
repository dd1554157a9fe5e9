// The procedures that people call to change a living database: they commit on their way.
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
