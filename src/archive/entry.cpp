// Reads mg.archives and the catalogs.
#include "archive/entry.hpp"

#include "ledger/store.hpp"

namespace mg::archive {

namespace {

Oid
oid_of(const pg::Cell &cell)
{
	return cell.has_value() ? static_cast<Oid>(std::stoul(*cell)) : InvalidOid;
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
			row[7].value_or("{}"),
			false};
}

} // namespace

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

UserError
no_rows(const Entry &entry)
{
	return UserError("55000", "archive " + std::to_string(entry.id) + " has no rows")
		.detail("It is of a sequence, or was purged.");
}

UserError
no_room(const Entry &entry)
{
	return UserError("42P01", entry.schema + "." + entry.source + " is not there to be filled")
		.hint("Make it again, or name a table: mg_restore(" + std::to_string(entry.id) +
			  ", target := 'public.restored').");
}

Spot
spot_of(const Entry &entry)
{
	const Oid table = source_of(entry);

	if (!OidIsValid(table) || entry.column.empty())
		return {table, 0};
	const int column = pg::guarded([&] { return get_attnum(table, entry.column.c_str()); });
	return {column > 0 ? table : InvalidOid, column > 0 ? column : 0};
}

bool
is_source_there(const Entry &entry)
{
	return ledger::query_cell("SELECT ($1::jsonb ->> 'oid')::oid = $2::oid",
							  {entry.details, std::to_string(source_of(entry))}) == "t";
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
			   "  LEFT JOIN pg_roles r ON r.rolname = g.role WHERE g.role = 'public' OR pg_has_role(s.oid, r.oid, "
			   "'USAGE'))"
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
			  " AND NOT a.details ? 'discarded'"
			  " AND NOT EXISTS (SELECT FROM mg.evidence e WHERE e.kind IN ('archive restored', 'archive purged')"
			  "  AND e.installation = a.installation AND e.subject = a.id::text) ORDER BY a.id DESC")
				 .c_str(),
			 {migration, script}, pg::Plan::once))
		result.push_back(entry_in(row));
	return result;
}

} // namespace mg::archive
