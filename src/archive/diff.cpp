// One join of both.
#include "archive/diff.hpp"

#include <algorithm>

#include "archive/keep.hpp"
#include "archive/pairs.hpp"
#include "ledger/store.hpp"
#include "pg/kept_rows.hpp"
#include "pg/settings.hpp"
#include "pg/text.hpp"
#include "schema/reader.hpp"

namespace mg::archive {

namespace {

// {"name": "value as text", ...} of columns of a table.
std::string
object_sql(const std::vector<std::string> &names, const std::string &table)
{
	std::vector<std::string> keys, values;

	for (const std::string &name : names)
	{
		const std::string value = table + "." + pg::quoted_identifier(name);
		keys.push_back(pg::quoted_literal(name));
		values.push_back("CASE WHEN " + value + " IS DISTINCT FROM NULL THEN format('%s', " + value + ") END");
	}
	return "jsonb_object(ARRAY[" + joined_by(keys, ", ") + "]::text[], ARRAY[" + joined_by(values, ", ") + "]::text[])";
}

std::vector<std::string>
names_in(const char *sql, const std::vector<pg::Cell> &parameters)
{
	std::vector<std::string> result;

	for (const pg::Row &row : ledger::query(sql, parameters))
		result.push_back(*row[0]);
	return result;
}

bool
has_all(const std::vector<std::string> &columns, const std::vector<std::string> &wanted)
{
	return !wanted.empty() && std::all_of(wanted.begin(), wanted.end(), [&](const std::string &name) {
		return std::find(columns.begin(), columns.end(), name) != columns.end();
	});
}

// What tells rows apart that both have; empty: nothing does.
std::vector<std::string>
key_for(const Entry &entry, Oid table, const std::vector<std::string> &common)
{
	if (has_all(common, entry.key))
		return entry.key;
	const std::vector<std::string> key = names_in(
		"SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
		" WHERE i.indrelid = $1::oid AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)",
		{std::to_string(table)});
	return has_all(common, key) ? key : std::vector<std::string>();
}

} // namespace

std::vector<pg::Row>
diff(const Entry &entry, int64_t most)
{
	const Oid archive = table_of(entry);
	const Target target = target_of(entry);
	if (!OidIsValid(archive))
		throw no_rows(entry);
	if (!OidIsValid(target.table))
		throw no_room(entry);

	const pg::Cell marks = pg::array_literal(std::vector<std::string>{after_mark, match_mark});
	const std::vector<std::string> kept =
		names_in("SELECT attname FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped"
				 " AND attname <> ALL ($2::text[]) ORDER BY attnum",
				 {std::to_string(archive), marks});
	const std::vector<std::string> common = names_in(
		"SELECT a.attname FROM pg_attribute a JOIN pg_attribute t ON t.attname = a.attname WHERE a.attrelid = $1::oid"
		" AND t.attrelid = $2::oid AND a.attnum > 0 AND t.attnum > 0 AND NOT a.attisdropped AND NOT t.attisdropped"
		" ORDER BY a.attnum",
		{std::to_string(archive), std::to_string(target.table)});
	const std::vector<std::string> key = key_for(entry, target.table, common);
	const auto side = [&](const std::string &table, const std::string &all) {
		return "SELECT " + (key.empty() ? "NULL::jsonb" : object_sql(key, table)) + " AS key, " +
			   object_sql(common, table) + " AS same, " + all + " AS whole";
	};
	const std::string ours = side("kept", object_sql(kept, "kept")) + " FROM kept";
	const std::string theirs = side("t", "NULL::jsonb") + " FROM " + target.name + " t";
	const auto numbered = [](const std::string &sql) {
		return "(SELECT x.*, row_number() OVER (PARTITION BY x.same) AS n FROM (" + sql + ") x)";
	};
	const std::string sql = key.empty()
								? "SELECT k.key, k.whole, NULL::jsonb FROM " + numbered(ours) +
									  " k WHERE NOT EXISTS (SELECT FROM " + numbered(theirs) +
									  " t WHERE t.same = k.same AND t.n = k.n) ORDER BY k.whole"
								: "SELECT k.key, k.whole, t.same FROM (" + ours + ") k LEFT JOIN (" + theirs +
									  ") t ON t.key = k.key WHERE t.same IS DISTINCT FROM k.same ORDER BY k.key";
	const Oid caller = pg::guarded([] { return GetUserId(); });
	const schema::PlainSettings plain;
	pg::apply({{"row_security", "off"}});
	return pg::run_over(archive, caller, InvalidOid, sql + " LIMIT " + std::to_string(most)).given;
}

} // namespace mg::archive
