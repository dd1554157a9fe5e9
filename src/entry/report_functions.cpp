// What SQL calls of the reports: alerts, documents, checklists.
#include "entry/functions.hpp"

#include "report/watch.hpp"

using namespace mg::entry;

MG_FUNCTION(mg_alert_rows)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::report::running_alerts());
	return 0;
}
