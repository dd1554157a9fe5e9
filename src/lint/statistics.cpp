// Reads pg_stats.
#include "lint/statistics.hpp"

#include "lint/facts.hpp"

namespace mg::lint {

std::optional<ColumnStatistics>
statistics_of(const Table &table, const Column &column)
{
	/* Joins instead of the subqueries would read the statistics of every table first: the view is a barrier. */
	constexpr const char *sql =
		"SELECT s.null_frac, CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * $3::float8 ELSE s.n_distinct END, "
		"coalesce(s.most_common_freqs[1], 0), s.avg_width "
		"FROM pg_stats s WHERE s.schemaname = (SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = "
		"c.relnamespace WHERE c.oid = $1::oid) "
		"AND s.tablename = (SELECT relname FROM pg_class WHERE oid = $1::oid) "
		"AND s.attname = (SELECT attname FROM pg_attribute WHERE attrelid = $1::oid AND attnum = $2::int2) "
		"ORDER BY s.inherited DESC LIMIT 1";

	if (!OidIsValid(table.oid) || column.number <= 0 || table.rows <= 0)
		return std::nullopt;
	std::vector<pg::Row> rows =
		facts(sql, {cell_of(table.oid), std::to_string(column.number), std::to_string(table.rows)});
	if (rows.empty())
		return std::nullopt;
	auto number = [&](size_t i) { return std::stod(rows[0][i].value_or("0")); };
	return ColumnStatistics{number(0), number(1), number(2), number(3)};
}

std::string
percent(double fraction)
{
	return fraction < 0.01 ? "less than 1%" : std::to_string(static_cast<int>(fraction * 100 + 0.5)) + "%";
}

std::string
whole(double number)
{
	return std::to_string(static_cast<int64_t>(number + 0.5));
}

} // namespace mg::lint
