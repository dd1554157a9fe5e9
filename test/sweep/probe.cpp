// Gives the sums of versions to SQL.
#include "pg/query.hpp"
#include "schema/sweep.hpp"

namespace {

void
add_rows(FunctionCallInfo fcinfo, const mg::schema::Versions &versions)
{
	mg::pg::RowSet rows(fcinfo);

	for (const mg::schema::Version &version : versions)
		rows.add({std::to_string(version.catalog), std::to_string(version.oid),
				  std::to_string(static_cast<int64>(version.sum))});
}

} // namespace

MG_FUNCTION(sweep_versions)
{
	add_rows(fcinfo, mg::schema::versions());
	PG_RETURN_NULL();
}

// The arguments are catalogs and OIDs.
MG_FUNCTION(sweep_versions_of)
{
	std::vector<std::string> catalogs = mg::pg::text_array_argument(fcinfo, 0);
	std::vector<std::string> oids = mg::pg::text_array_argument(fcinfo, 1);
	std::vector<mg::schema::Unit> units;

	for (size_t i = 0; i < oids.size(); i++)
		units.push_back({static_cast<Oid>(std::stoul(catalogs[i])), static_cast<Oid>(std::stoul(oids[i])), "", ""});
	add_rows(fcinfo, mg::schema::versions_of(units));
	PG_RETURN_NULL();
}

// Counts the units, for measuring without the cost of rows.
MG_FUNCTION(sweep_count)
{
	PG_RETURN_INT32(static_cast<int32>(mg::schema::versions().size()));
}

extern "C" {
PG_MODULE_MAGIC;
}
