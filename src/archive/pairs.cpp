// Reads the catalogs.
#include "archive/pairs.hpp"

#include "ledger/store.hpp"

namespace mg::archive {

std::vector<Pair>
pairs(Oid archive, Oid table)
{
	std::vector<Pair> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT quote_ident(t.attname), 'kept.' || quote_ident(a.attname), CASE WHEN t.atttypid = a.atttypid AND "
			 "(t.atttypmod = a.atttypmod OR "
			 "t.atttypmod = -1)"
			 " THEN 'kept.' || quote_ident(a.attname) ELSE format('CASE WHEN kept.%1$I IS DISTINCT FROM NULL THEN"
			 " format(''%%s'', kept.%1$I)::%2$s END', a.attname, format_type(t.atttypid, t.atttypmod)) END,"
			 " t.attidentity = 'a'"
			 " FROM pg_attribute a JOIN pg_attribute t ON t.attname = a.attname WHERE a.attrelid = $1::oid"
			 " AND t.attrelid = $2::oid AND a.attnum > 0 AND t.attnum > 0 AND NOT a.attisdropped AND NOT t.attisdropped"
			 " AND t.attgenerated = '' ORDER BY t.attnum",
			 {std::to_string(archive), std::to_string(table)}))
		result.push_back({*row[0], *row[1], *row[2], row[3] == "t"});
	return result;
}

std::string
joined_by(const std::vector<std::string> &items, const std::string &by)
{
	std::string result;

	for (const std::string &item : items)
		result += (result.empty() ? "" : by) + item;
	return result;
}

} // namespace mg::archive
