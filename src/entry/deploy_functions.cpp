// The procedures that people call, and the worker that runs for them what no transaction block can have.
#include "entry/functions.hpp"

#include "deploy/backfill.hpp"
#include "pg/errand.hpp"
#include "pg/procedure.hpp"

using namespace mg::entry;

namespace {

int64_t
milliseconds(const Interval *span)
{
	constexpr int64_t days_of_month = 30;

	return span->time / 1000 + (span->day + span->month * days_of_month) * (USECS_PER_DAY / 1000);
}

mg::deploy::BackfillOrder
backfill_order(FunctionCallInfo fcinfo)
{
	mg::deploy::BackfillOrder order;

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

MG_FUNCTION(mg_backfill)
{
	mg::pg::Procedure procedure(fcinfo, "mg_backfill()");

	mg::deploy::backfill(backfill_order(fcinfo));
	PG_RETURN_VOID();
}

namespace {

// A backfill's worker runs VACUUM and nothing else.
bool
is_vacuum_raw(Node *tree)
{
	return IsA(tree, VacuumStmt);
}

void
begin_nothing_raw(const char *)
{
}

} // namespace

extern "C" {
PGDLLEXPORT void mg_errand_main(Datum argument);

void
mg_errand_main(Datum argument)
{
	mg::pg::enter([&] { mg::pg::errand_body_raw(argument, is_vacuum_raw, begin_nothing_raw); });
}
}
