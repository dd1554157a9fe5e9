// What SQL calls of enforcement.
#include "entry/functions.hpp"

#include "policy/break_glass.hpp"

using namespace mg::entry;

MG_FUNCTION(mg_break_glass)
{
	require_person("mg_break_glass()");
	if (PG_ARGISNULL(1))
		throw mg::UserError("22004", "duration must not be NULL");
	/* A month has thirty days here, which is too long in any case; what has no end is longer than every limit. */
	const Interval *span = mg::pg::guarded([&] { return PG_GETARG_INTERVAL_P(1); });
	const double seconds =
		static_cast<double>(span->time) / USECS_PER_SEC +
		(static_cast<double>(span->day) + static_cast<double>(span->month) * DAYS_PER_MONTH) * SECS_PER_DAY;

	const std::string until = mg::policy::break_glass(required_text(fcinfo, 0, "reason"), seconds);
	return mg::pg::guarded([&] {
		return DirectFunctionCall3(timestamptz_in, CStringGetDatum(until.c_str()), ObjectIdGetDatum(InvalidOid),
								   Int32GetDatum(-1));
	});
}

MG_FUNCTION(mg_end_break_glass)
{
	require_person("mg_end_break_glass()");
	return Int64GetDatum(std::stoll(mg::policy::end_break_glass()));
}

MG_FUNCTION(mg_break_glass_report)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::policy::break_glass_report());
	return 0;
}
