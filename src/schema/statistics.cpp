// Reads extended statistics.
#include "schema/reader.hpp"

namespace mg::schema {

namespace {

constexpr const char *list_sql = "SELECT x.oid, 'statistics object', " MG_NAME(
	"x.stxname") " FROM pg_statistic_ext x JOIN pg_namespace n ON n.oid = x.stxnamespace"
				 " WHERE" MG_IN_SCOPE " AND" MG_NOT_MEMBER("pg_statistic_ext");

// No target of its own was -1 before 17.
constexpr const char *statistics_sql =
	"SELECT s.oid, '', '', pg_get_userbyid(s.stxowner) AS owner, pg_get_statisticsobjdef(s.oid) AS definition,"
	" nullif(s.stxstattarget, -1) AS \"statistics target\""
	" FROM pg_statistic_ext s WHERE s.oid = ANY ($1::oid[])";

} // namespace

void
add_statistics(std::vector<Family> &all)
{
	all.push_back({StatisticExtRelationId, list_sql, {{statistics_sql}, {MG_COMMENTS("pg_statistic_ext")}}});
}

} // namespace mg::schema
