// What SQL calls of the archives.
#include "archive/custody.hpp"
#include "entry/functions.hpp"
#include "migrate/generate_down.hpp"

using namespace mg::entry;

namespace {

int64_t
required_id(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		throw mg::UserError("22004", "archive_id must not be NULL");
	return PG_GETARG_INT64(0);
}

} // namespace

MG_FUNCTION(mg_restore)
{
	require_person("mg_restore()");
	const mg::archive::Restored done = mg::archive::restore(required_id(fcinfo), mg::pg::text_argument(fcinfo, 1));

	return mg::pg::composite_datum(fcinfo, {done.into, std::to_string(done.rows), std::to_string(done.conflicts)});
}

MG_FUNCTION(mg_archive_diff)
{
	mg::pg::RowSet rows(fcinfo);

	require_person("mg_archive_diff()");
	if (PG_ARGISNULL(1) || PG_GETARG_INT64(1) < 1)
		throw mg::UserError("22023", "most must be at least 1").detail("It is how many rows there may be.");
	add_all(rows, mg::archive::differences(required_id(fcinfo), PG_GETARG_INT64(1)));
	return 0;
}

MG_FUNCTION(mg_purge_archives)
{
	mg::pg::RowSet rows(fcinfo);

	require_person("mg_purge_archives()");
	add_all(rows, mg::archive::purge());
	return 0;
}

MG_FUNCTION(mg_hold_archive)
{
	require_person("mg_hold_archive()");
	mg::archive::hold(required_id(fcinfo), required_text(fcinfo, 1, "reason"));
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_release_archive)
{
	require_person("mg_release_archive()");
	mg::archive::release(required_id(fcinfo), required_text(fcinfo, 1, "reason"));
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_generate_down)
{
	return mg::pg::text_datum(mg::migrate::generate_down(required_text(fcinfo, 0, "name of the migration")));
}
