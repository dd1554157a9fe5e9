// What SQL calls of the reports: alerts, documents, checklists.
#include "entry/functions.hpp"

#include "report/checklist.hpp"
#include "report/document.hpp"
#include "report/watch.hpp"

using namespace mg::entry;

MG_FUNCTION(mg_alert_rows)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::report::running_alerts());
	return 0;
}

MG_FUNCTION(mg_doc)
{
	return mg::pg::text_datum(mg::report::document(mg::pg::text_argument(fcinfo, 0)));
}

MG_FUNCTION(mg_checklist)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::report::checklist(required_text(fcinfo, 0, "name of the migration")));
	return 0;
}

MG_FUNCTION(mg_sign)
{
	require_person("mg_sign()");
	mg::report::sign(required_text(fcinfo, 0, "name of the migration"), required_text(fcinfo, 1, "item"),
					 mg::pg::text_argument(fcinfo, 2).value_or(""));
	PG_RETURN_VOID();
}
