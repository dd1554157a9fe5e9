// Inserts rows, fills columns, sets sequences.
#include "archive/refill.hpp"

#include "archive/keep.hpp"
#include "archive/rows.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "ledger/store.hpp"
#include "pg/kept_rows.hpp"
#include "pg/storage.hpp"
#include "schema/reader.hpp"

namespace mg::archive {

namespace {

Oid
oid_of(const pg::Cell &cell)
{
	return cell.has_value() ? static_cast<Oid>(std::stoul(*cell)) : InvalidOid;
}

struct Target
{
	Oid table;
	Oid owner;
	std::string name; // with its schema, quoted
};

Target
target_of(const Entry &entry)
{
	for (const pg::Row &row : ledger::query(
			 "SELECT c.oid, c.relowner, format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON"
			 " n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'S')"
			 " AND c.relpersistence <> 't'",
			 {entry.schema, entry.source}))
		return {oid_of(row[0]), oid_of(row[1]), *row[2]};
	return {InvalidOid, InvalidOid, ""};
}

// Rows do not come back to a table that has become somebody else's, who could not read them.
void
require_reader(const Entry &entry, const Target &target)
{
	if (could_read(entry, target.owner))
		return;
	const std::string owner =
		pg::guarded([&] { return static_cast<const char *>(GetUserNameFromId(target.owner, false)); });
	throw UserError("42501", "archive " + std::to_string(entry.id) + " does not come back to " + target.name)
			.detail("It belongs to " + owner + ", who had no right to read all of it when it was kept.")
			.hint("Give it to who could, or name another table: mg_restore(" + std::to_string(entry.id) +
				  ", into := 'public.restored').");
}

// A column that the archive and the table both have, and how a value of the one becomes one of the other.
struct Pair
{
	std::string name;  // quoted
	std::string value; // SQL over `kept`
	bool is_always;    // an identity that takes no value of an UPDATE
};

std::vector<Pair>
pairs(Oid archive, Oid table)
{
	std::vector<Pair> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT quote_ident(t.attname), CASE WHEN t.atttypid = a.atttypid AND (t.atttypmod = a.atttypmod OR "
			 "t.atttypmod = -1)"
			 " THEN 'kept.' || quote_ident(a.attname) ELSE format('CASE WHEN kept.%1$I IS NOT NULL THEN"
			 " pg_catalog.format(''%%s'', kept.%1$I)::%2$s END', a.attname, format_type(t.atttypid, t.atttypmod)) END,"
			 " t.attidentity = 'a'"
			 " FROM pg_attribute a JOIN pg_attribute t ON t.attname = a.attname WHERE a.attrelid = $1::oid"
			 " AND t.attrelid = $2::oid AND a.attnum > 0 AND t.attnum > 0 AND NOT a.attisdropped AND NOT t.attisdropped"
			 " AND t.attgenerated = '' ORDER BY t.attnum",
			 {std::to_string(archive), std::to_string(table)}))
		result.push_back({*row[0], *row[1], row[2] == "t"});
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

std::string
quoted(const std::string &name)
{
	return pg::guarded([&] { return static_cast<const char *>(quote_identifier(name.c_str())); });
}

// Gives rows that were updated their old values, unless somebody has written there since. Empty: there is no key, or nothing beside it.
std::string
rows_sql(const Entry &entry, const Target &target, Oid archive)
{
	std::vector<std::string> keys, values;
	const std::vector<Pair> all = pairs(archive, target.table);

	for (const Pair &pair : all)
	{
		const bool is_key = std::any_of(entry.key.begin(), entry.key.end(), [&](const std::string &name) { return quoted(name) == pair.name; });
		if (is_key)
			keys.push_back("pg_catalog.format('%s', t." + pair.name + ") OPERATOR(pg_catalog.=) pg_catalog.format('%s', kept." + pair.name + ")");
		else if (!pair.is_always)
			values.push_back(pair.name + " = " + pair.value);
	}
	if (entry.key.empty() || keys.size() != entry.key.size() || values.empty())
		return "";
	return "UPDATE " + target.name + " t SET " + joined_by(values, ", ") + " FROM kept WHERE " + joined_by(keys, " AND ") + " AND " +
		   row_sum(archive, target.table, "t") + " OPERATOR(pg_catalog.=) kept.\"" + after_mark + "\"";
}

Refilled
insert_rows(const Entry &entry, const Target &target, Oid archive)
{
	const std::string sql = insert_sql(archive, target.table, target.name, entry.kind != "table");

	if (sql.empty())
		return {0, 0};
	const auto rows = static_cast<int64_t>(pg::run_over(archive, target.owner, target.table, sql));
	int64_t updated = 0;
	if (entry.kind == "rows")
		if (const std::string update = rows_sql(entry, target, archive); !update.empty())
			updated = static_cast<int64_t>(pg::run_over(archive, target.owner, target.table, update));
	const int64_t all = std::stoll(
		ledger::query(("SELECT count(*) FROM mg_archive." + quoted(entry.relation)).c_str(), {}, pg::Plan::once)
			.at(0)
			.at(0)
			.value_or("0"));
	return {rows + updated, all - rows - updated};
}

// How rows of the archive are told to be those of the table: by the key if all of it is there, else by all columns that both have, and rows that
// are alike in these by their place among each other.
std::string
update_sql(const Entry &entry, const Target &target, Oid archive, const std::vector<std::string> &empty)
{
	const std::string quoted_column = quoted(entry.column);
	std::vector<std::string> conditions, ours, theirs;
	std::string value;

	for (const pg::Row &row : ledger::query(
			 "SELECT quote_ident(t.attname), t.atttypid = a.atttypid AND y.typnamespace = 'pg_catalog'::regnamespace"
			 " FROM pg_attribute a JOIN pg_attribute t ON t.attname = a.attname JOIN pg_type y ON y.oid = t.atttypid"
			 " WHERE a.attrelid = $1::oid AND t.attrelid = $2::oid AND a.attnum > 0 AND t.attnum > 0"
			 " AND NOT a.attisdropped AND NOT t.attisdropped AND t.attname <> $3 AND (t.attname = ANY ($4::text[])"
			 " OR $4::text[] = '{}' AND t.attname <> ALL ($5::text[])) ORDER BY t.attnum",
			 {std::to_string(archive), std::to_string(target.table), entry.column, pg::array_literal(entry.key),
			  pg::array_literal(empty)}))
	{
		const bool plain = row[1] == "t" && !entry.key.empty();
		const auto side = [&](const char *table) {
			return plain ? table + *row[0] : "pg_catalog.format('%s', " + (table + *row[0]) + ")";
		};
		conditions.push_back(side("t.") + " OPERATOR(pg_catalog.=) " + side("kept."));
		ours.push_back("t." + *row[0]);
		theirs.push_back("kept." + *row[0]);
	}
	for (const Pair &pair : pairs(archive, target.table))
		if (pair.name == quoted_column)
			value = pair.value;
	if (value.empty())
		return "";
	if (!entry.key.empty())
		return "UPDATE " + target.name + " t SET " + quoted_column + " = " + value + " FROM kept WHERE " +
			   joined_by(conditions, " AND ") +
			   (entry.kind == "values" ? " AND kept.\"" + std::string(match_mark) + "\" OPERATOR(pg_catalog.=) 't'"
									   : "");

	const auto text = [](const std::vector<std::string> &columns) {
		return "pg_catalog.format('%s', ROW(" + joined_by(columns, ", ") + "))";
	};
	return "UPDATE " + target.name + " u SET " + quoted_column + " = k.value FROM (SELECT t.ctid AS place, " +
		   text(ours) + " AS rest, pg_catalog.row_number() OVER (PARTITION BY " + text(ours) + ") AS n FROM " +
		   target.name + " t) o JOIN (SELECT " + value + " AS value, " + text(theirs) +
		   " AS rest, pg_catalog.row_number() OVER (PARTITION BY " + text(theirs) +
		   ") AS n FROM kept) k ON k.rest OPERATOR(pg_catalog.=) o.rest AND k.n OPERATOR(pg_catalog.=) o.n"
		   " WHERE u.ctid OPERATOR(pg_catalog.=) o.place";
}

Refilled
fill_column(const Entry &entry, const Target &target, Oid archive, const std::vector<std::string> &empty)
{
	const std::string sql = update_sql(entry, target, archive, empty);

	if (sql.empty())
		return {0, 0};
	return {static_cast<int64_t>(pg::run_over(archive, target.owner, target.table, sql)), 0};
}

Refilled
set_sequence(const Entry &entry, const Target &target)
{
	ledger::query(
		"SELECT setval($1::oid::regclass, ($2::jsonb ->> 'last_value')::bigint, ($2::jsonb ->> 'is_called')::boolean)",
		{std::to_string(target.table), entry.details});
	return {0, 0};
}

// Whether the column is there again, and what tells its rows apart.
bool
has_columns(const Target &target, const Entry &entry)
{
	std::vector<std::string> wanted = entry.key;

	wanted.push_back(entry.column);
	return ledger::query_cell("SELECT count(*) FROM pg_attribute WHERE attrelid = $1::oid AND attname = ANY "
							  "($2::text[]) AND attnum > 0"
							  " AND NOT attisdropped AND attgenerated = ''",
							  {std::to_string(target.table), pg::array_literal(wanted)}) ==
		   std::to_string(wanted.size());
}

constexpr const char *entry_columns = "SELECT a.id, a.kind, a.source_schema, a.source_name, a.source_column, "
									  "a.relation, a.key, a.details FROM mg.archive a";

Entry
entry_in(const pg::Row &row)
{
	return {std::stoll(*row[0]),
			*row[1],
			*row[2],
			*row[3],
			row[4].value_or(""),
			row[5].value_or(""),
			pg::array_items(row[6].value_or("{}")),
			row[7].value_or("{}")};
}

} // namespace

std::optional<Entry>
entry_of(int64_t id)
{
	for (const pg::Row &row : ledger::query((std::string(entry_columns) + " WHERE a.id = $1::bigint").c_str(),
											{std::to_string(id)}, pg::Plan::once))
		return entry_in(row);
	return std::nullopt;
}

Oid
table_of(const Entry &entry)
{
	return oid_of(ledger::query_cell("SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'mg_archive'::regnamespace"
									 " AND c.relname = $1 AND c.relkind = 'r'",
									 {entry.relation}));
}

Oid
source_of(const Entry &entry)
{
	return target_of(entry).table;
}

std::string
insert_sql(Oid archive, Oid table, const std::string &name, bool leave_out)
{
	std::vector<std::string> columns, values;

	for (const Pair &pair : pairs(archive, table))
	{
		columns.push_back(pair.name);
		values.push_back(pair.value);
	}
	return columns.empty()
			   ? ""
			   : "INSERT INTO " + name + " (" + joined_by(columns, ", ") + ") OVERRIDING SYSTEM VALUE SELECT " +
					 joined_by(values, ", ") + " FROM kept" + (leave_out ? " ON CONFLICT DO NOTHING" : "");
}

bool
note_unchanged(const Entry &entry, const Loss &loss)
{
	const Target target = target_of(entry);
	const Oid archive = table_of(entry);

	if (entry.kind != "values" || target.table != loss.relation || !OidIsValid(archive) ||
		pg::guarded([&] { return get_attnum(target.table, entry.column.c_str()); }) != loss.column)
		return false;
	if (entry.key.empty())
		return true;
	const RowsReturn own;
	const schema::PlainSettings plain;
	const std::string column = "t." + quoted(entry.column);
	run_beside(target.table, "UPDATE mg_archive." + quoted(entry.relation) + " a SET \"" + match_mark +
								 "\" = 't' FROM kept t WHERE " + same_row(archive, entry.key) + " AND CASE WHEN " + column +
								 " IS NOT NULL THEN format('%s', " + column + ") END IS NOT DISTINCT FROM a.\"" +
								 after_mark + "\"");
	return true;
}

bool
has_room(const Entry &entry, bool at_end)
{
	const Target target = target_of(entry);

	if (!OidIsValid(target.table))
		return false;
	if (!entry.column.empty())
		return entry.kind == "column" && has_columns(target, entry);
	return entry.kind != "versions" && (at_end || (entry.kind != "contents" && entry.kind != "rows" && pg::is_made_here(target.table)));
}

Refilled
refill(const Entry &entry, int64_t run, const std::vector<std::string> &empty)
{
	const RowsReturn returning;
	const schema::PlainSettings plain;
	const Target target = target_of(entry);
	const Oid archive = entry.kind == "sequence" ? InvalidOid : table_of(entry);
	Refilled result = {0, 0};

	if (entry.kind == "sequence")
		result = set_sequence(entry, target);
	else if (!OidIsValid(archive))
		return result;
	else
	{
		require_reader(entry, target);
		result = entry.column.empty() ? insert_rows(entry, target, archive) : fill_column(entry, target, archive, empty);
	}
	ledger::append_evidence(
		"archive restored", std::to_string(entry.id),
		JsonObject().number("run", run).number("rows", result.rows).number("conflicts", result.conflicts).str());
	return result;
}

bool
could_read(const Entry &entry, Oid role)
{
	return ledger::query_cell(
			   "SELECT s.rolsuper OR pg_has_role(s.oid, o.oid, 'USAGE') OR"
			   " (($1::jsonb ->> 'row_security') IS DISTINCT FROM 'true' OR s.rolbypassrls) AND ("
			   "  SELECT count(DISTINCT g.what) = 2 FROM ("
			   "   SELECT 'schema' AS what, x AS role FROM jsonb_array_elements_text($1::jsonb -> 'schema_usage') x"
			   "   UNION ALL SELECT 'table', x ->> 'role' FROM jsonb_array_elements($1::jsonb -> 'privileges') x) g"
			   "  LEFT JOIN pg_roles r ON r.rolname = g.role WHERE g.role = 'public' OR pg_has_role(s.oid, r.oid, 'USAGE'))"
			   " FROM pg_roles s LEFT JOIN pg_roles o ON o.rolname = $1::jsonb ->> 'owner' WHERE s.oid = $2::oid",
			   {entry.details, std::to_string(role)}) == "t";
}

std::vector<Entry>
kept_of(const std::string &migration, const std::string &script)
{
	std::vector<Entry> result;

	if (ledger::is_empty(ledger::Table::archive))
		return result;
	for (const pg::Row &row : ledger::query(
			 (std::string(entry_columns) +
			  " WHERE a.installation = (SELECT c.installation FROM mg.current c) AND a.migration = $1 AND a.script = $2"
			  " AND NOT EXISTS (SELECT FROM mg.evidence e WHERE e.kind IN ('archive restored', 'archive purged')"
			  "  AND e.installation = a.installation AND e.subject = a.id::text) ORDER BY a.id DESC")
				 .c_str(),
			 {migration, script}, pg::Plan::once))
		result.push_back(entry_in(row));
	return result;
}

} // namespace mg::archive
