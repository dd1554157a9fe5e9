// Knows the history tables of migration tools by their columns.
#include "migrate/adopt.hpp"

#include <algorithm>

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>

#include "core/naming.hpp"
#include "core/text.hpp"
#include "ledger/store.hpp"

namespace mg::migrate {

namespace {

// How a kind of table is recognised and read: expressions over the table as t. {column} may be missing and is NULL then, {column:type} is
// cast, {column=type} is NULL unless the column is of this type, {table} is the table itself.
struct Shape
{
	const char *columns; // that it must have
	const char *name;
	const char *version;
	const char *description;
	const char *at;
	const char *by;
	const char *duration_us;
	const char *script;
	const char *skip;
	const char *order;
};

constexpr const char *nothing = "NULL";

// Prisma, a team's migrations_history, Flyway, Django, node-pg-migrate, Supabase; at last Rails, dbmate, Ecto and a team's schema_migrations.
// The first that fits counts.
constexpr Shape shapes[] = {
	{"migration_name checksum finished_at rolled_back_at applied_steps_count", "t.migration_name", nothing, nothing,
	 "t.finished_at", nothing, "extract(epoch FROM t.finished_at - {started_at:timestamptz}) * 1000000", nothing,
	 "CASE WHEN t.rolled_back_at IS NOT NULL THEN 'rolled back at ' || t.rolled_back_at"
	 " WHEN t.finished_at IS NULL THEN 'not finished' END",
	 "{started_at}, t.finished_at"},
	{"migration_name applied_at", "t.migration_name", nothing, nothing, "t.applied_at", "{applied_by}",
	 "extract(epoch FROM {execution_time=interval}) * 1000000", nothing,
	 "CASE WHEN {rollback_applied:boolean} THEN coalesce('rolled back at ' || {rollback_at}, 'rolled back') END",
	 "t.applied_at, {id}"},
	{"installed_rank version description type script installed_on success",
	 "CASE WHEN t.type = 'SQL' THEN regexp_replace(t.script, E'^.*[/\\\\\\\\]', '') ELSE t.script END", "t.version",
	 "t.description", "t.installed_on", "{installed_by}", "{execution_time:numeric} * 1000", nothing,
	 "CASE WHEN NOT t.success THEN 'failed' WHEN t.type = 'SCHEMA' THEN 'no migration: it made the schema'"
	 " WHEN t.type ~ '^(UNDO|DELETE)' THEN 'no migration: it undid one' WHEN EXISTS (SELECT FROM {table} u"
	 " WHERE u.version = t.version AND u.installed_rank > t.installed_rank AND u.type ~ '^(UNDO|DELETE)' AND u.success)"
	 " THEN 'undone' END",
	 "t.installed_rank"},
	{"app name applied", "t.app || '.' || t.name", nothing, nothing, "t.applied", nothing, nothing, nothing, nothing,
	 "{id}, t.applied"},
	{"name run_on", "t.name", nothing, nothing, "t.run_on", nothing, nothing, nothing, nothing, "t.run_on, {id}"},
	{"version statements", "t.version::text || '_' || nullif({name:text}, '')", "t.version", "{name}", nothing,
	 "{created_by}", nothing, "array_to_string(t.statements, E';\\n') || ';'", nothing, "t.version"},
	{"version", nothing, "t.version", "{description}", "coalesce({applied_at:timestamptz}, {inserted_at:timestamptz})",
	 "{applied_by}", nothing, nothing, nothing,
	 "coalesce({applied_at:timestamptz}, {inserted_at:timestamptz}), t.version"},
};

// A column and its type.
using Columns = std::vector<std::pair<std::string, std::string>>;

const std::string *
type_of(const Columns &columns, const std::string &name)
{
	auto found = std::find_if(columns.begin(), columns.end(), [&](const auto &column) { return column.first == name; });
	return found != columns.end() ? &found->second : nullptr;
}

// Says what stands in braces in terms of this table.
std::string
operand(const std::string &inside, const Columns &columns, const std::string &table)
{
	if (inside == "table")
		return table;
	const std::size_t mark = inside.find_first_of(":=");
	const std::string column = inside.substr(0, mark);
	const std::string type = mark != std::string::npos ? inside.substr(mark + 1) : "";
	const std::string *found = type_of(columns, column);

	if (found == nullptr || (mark != std::string::npos && inside[mark] == '=' && *found != type))
		return "NULL::" + (type.empty() ? "text" : type);
	return "t." + column + (type.empty() ? "" : "::" + type);
}

std::string
expression(const std::string &pattern, const Columns &columns, const std::string &table)
{
	std::string result;
	std::size_t at = 0;

	for (std::size_t open; (open = pattern.find('{', at)) != std::string::npos;)
	{
		const std::size_t close = pattern.find('}', open);
		result += pattern.substr(at, open - at) + operand(pattern.substr(open + 1, close - open - 1), columns, table);
		at = close + 1;
	}
	return result + pattern.substr(at);
}

const Shape &
shape_of(const std::string &table, const Columns &columns)
{
	if (type_of(columns, "version") != nullptr && type_of(columns, "dirty") != nullptr)
		throw UserError("22023", table + " is the table of golang-migrate, which is no history")
			.detail("It has the newest version only.")
			.hint("Take the schema as it is with mg_baseline().");
	for (const Shape &shape : shapes)
	{
		std::vector<std::string> wanted;
		boost::algorithm::split(wanted, shape.columns, boost::algorithm::is_any_of(" "));
		if (std::all_of(wanted.begin(), wanted.end(),
						[&](const std::string &column) { return type_of(columns, column) != nullptr; }))
			return shape;
	}
	std::string list;
	for (const auto &[column, type] : columns)
		list += (list.empty() ? "" : ", ") + column;
	throw UserError("22023", table + " is no history table of a known kind")
		.detail("Its columns are: " + list + ".")
		.hint("A view over it with the columns migration_name and applied_at, or version, description and applied_at, "
			  "will do.");
}

std::string
checked_name(Oid table)
{
	std::vector<pg::Row> rows = ledger::query(
		"SELECT format('%I.%I', n.nspname, c.relname), c.relkind IN ('r', 'p', 'f', 'v', 'm'), n.nspname = 'mg'"
		" OR EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = c.oid"
		" AND p.proname = 'mg_keep_history' AND p.pronamespace = 'pg_catalog'::regnamespace)"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid",
		{std::to_string(table)});

	if (rows.empty())
		throw UserError("42P01", "there is no table with OID " + std::to_string(table));
	const std::string name = rows[0][0].value_or("");
	if (rows[0][1] != "t")
		throw UserError("42809", name + " is not a table or view");
	if (rows[0][2] == "t")
		throw UserError("22023", name + " shows the ledger itself").hint("Name the table of the other tool.");
	return name;
}

// Row security would hide rows from whoever it is for: an error instead.
std::vector<pg::Row>
read_as_caller(const std::string &sql)
{
	pg::SettingsScope settings;

	pg::guarded(
		[] { set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false); });
	return pg::query_as(GetUserId(), sql.c_str(), {}, pg::Plan::once);
}

} // namespace

HistoryTable
read_history(Oid table)
{
	HistoryTable history;
	Columns columns;

	history.name = checked_name(table);
	for (const pg::Row &row :
		 ledger::query("SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a WHERE a.attrelid = $1::oid"
					   " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
					   {std::to_string(table)}))
		columns.emplace_back(row[0].value_or(""), row[1].value_or(""));
	const Shape &shape = shape_of(history.name, columns);
	auto part = [&](const char *pattern, const char *type) {
		return "(" + expression(pattern, columns, history.name) + ")::" + type;
	};
	const std::string at = part(shape.at, "timestamptz");
	const std::string sql = "SELECT " + part(shape.name, "text") + ", " + part(shape.version, "text") + ", " +
							part(shape.description, "text") + ", CASE WHEN isfinite(" + at + ") THEN to_char(" + at +
							" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' END, " + part(shape.by, "text") +
							", greatest(" + part(shape.duration_us, "numeric") + ", 0)::bigint, " +
							part(shape.script, "text") + ", " + part(shape.skip, "text") +
							", to_jsonb(t.*) - '{statements,logs}'::text[] FROM " + history.name + " t ORDER BY " +
							expression(shape.order, columns, history.name);

	for (pg::Row &row : read_as_caller(sql))
	{
		auto text = [&](std::size_t i) { return std::move(row[i]).value_or(""); };
		Entry entry;
		entry.name = text(0);
		entry.version = text(1);
		entry.description = text(2);
		entry.at = text(3);
		entry.by = text(4);
		entry.duration_us = row[5].has_value() ? std::stoll(*row[5]) : 0;
		entry.script = text(6);
		entry.skip = text(7);
		entry.row = text(8);
		history.entries.push_back(std::move(entry));
	}
	/* Texts sort otherwise than the numbers in them: 10 before 9. */
	if (std::all_of(history.entries.begin(), history.entries.end(),
					[](const Entry &entry) { return entry.at.empty(); }))
		std::stable_sort(history.entries.begin(), history.entries.end(), [](const Entry &a, const Entry &b) {
			return sort_key_of(a.version) < sort_key_of(b.version);
		});
	return history;
}

} // namespace mg::migrate
