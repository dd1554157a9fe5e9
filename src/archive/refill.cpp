// Inserts rows, fills columns, sets sequences.
#include "archive/refill.hpp"

#include "core/json.hpp"
#include "ledger/store.hpp"
#include "pg/kept_rows.hpp"
#include "pg/storage.hpp"

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
	for (const pg::Row &row :
		 ledger::query("SELECT c.oid, c.relowner, format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON"
					   " n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'S')"
					   " AND c.relpersistence <> 't'",
					   {entry.schema, entry.source}))
		return {oid_of(row[0]), oid_of(row[1]), *row[2]};
	return {InvalidOid, InvalidOid, ""};
}

Oid
archive_of(const Entry &entry)
{
	return oid_of(ledger::query_cell("SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'mg_archive'::regnamespace"
									 " AND c.relname = $1 AND c.relkind = 'r'",
									 {entry.relation}));
}

// A column that the archive and the table both have, and how a value of the one becomes one of the other.
struct Pair
{
	std::string name;  // quoted
	std::string value; // SQL over `kept`
	bool is_key;       // of the table
};

std::vector<Pair>
pairs(Oid archive, const Target &target)
{
	std::vector<Pair> result;

	for (const pg::Row &row :
		 ledger::query("SELECT quote_ident(t.attname), CASE WHEN t.atttypid = a.atttypid AND (t.atttypmod = a.atttypmod OR t.atttypmod = -1)"
					   " THEN 'kept.' || quote_ident(a.attname) ELSE format('CASE WHEN kept.%1$I IS NOT NULL THEN"
					   " pg_catalog.format(''%%s'', kept.%1$I)::%2$s END', a.attname, format_type(t.atttypid, t.atttypmod)) END,"
					   " EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.attrelid AND i.indisprimary AND t.attnum = ANY (i.indkey))"
					   " FROM pg_attribute a JOIN pg_attribute t ON t.attname = a.attname WHERE a.attrelid = $1::oid"
					   " AND t.attrelid = $2::oid AND a.attnum > 0 AND t.attnum > 0 AND NOT a.attisdropped AND NOT t.attisdropped"
					   " AND t.attgenerated = '' ORDER BY t.attnum",
					   {std::to_string(archive), std::to_string(target.table)}))
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

Refilled
insert_rows(const Entry &entry, const Target &target, Oid archive)
{
	std::vector<std::string> columns, values;
	const bool is_new = entry.kind == "table";

	for (const Pair &pair : pairs(archive, target))
	{
		columns.push_back(pair.name);
		values.push_back(pair.value);
	}
	if (columns.empty())
		return {0, 0};
	const std::string sql = "INSERT INTO " + target.name + " (" + joined_by(columns, ", ") + ") OVERRIDING SYSTEM VALUE SELECT " +
							joined_by(values, ", ") + " FROM kept" + (is_new ? "" : " ON CONFLICT DO NOTHING");
	const auto rows = static_cast<int64_t>(pg::run_over(archive, target.owner, target.table, sql));
	const int64_t all = std::stoll(
		ledger::query(("SELECT count(*) FROM mg_archive." + quoted(entry.relation)).c_str(), {}, pg::Plan::once)
			.at(0)
			.at(0)
			.value_or("0"));
	return {rows, all - rows};
}

// How rows of the archive are told to be those of the table: by the key if all of it is there, else by all columns that both have, and rows that
// are alike in these by their place among each other.
std::string
update_sql(const Entry &entry, const Target &target, Oid archive)
{
	const std::string quoted_column = quoted(entry.column);
	std::vector<std::string> conditions, ours, theirs;
	std::string value;

	for (const pg::Row &row :
		 ledger::query("SELECT quote_ident(t.attname), t.atttypid = a.atttypid AND y.typnamespace = 'pg_catalog'::regnamespace"
					   " FROM pg_attribute a JOIN pg_attribute t ON t.attname = a.attname JOIN pg_type y ON y.oid = t.atttypid"
					   " WHERE a.attrelid = $1::oid AND t.attrelid = $2::oid AND a.attnum > 0 AND t.attnum > 0"
					   " AND NOT a.attisdropped AND NOT t.attisdropped AND t.attname <> $3 ORDER BY t.attnum",
					   {std::to_string(archive), std::to_string(target.table), entry.column}))
	{
		const bool plain = row[1] == "t" && !entry.key.empty();
		const auto side = [&](const char *table) {
			return plain ? table + *row[0] : "pg_catalog.format('%s', " + (table + *row[0]) + ")";
		};
		conditions.push_back(side("t.") + " OPERATOR(pg_catalog.=) " + side("kept."));
		ours.push_back("t." + *row[0]);
		theirs.push_back("kept." + *row[0]);
	}
	for (const Pair &pair : pairs(archive, target))
		if (pair.name == quoted_column)
			value = pair.value;
	if (value.empty())
		return "";
	if (!entry.key.empty())
		return "UPDATE " + target.name + " t SET " + quoted_column + " = " + value + " FROM kept WHERE " +
			   joined_by(conditions, " AND ");

	const auto text = [](const std::vector<std::string> &columns) {
		return "pg_catalog.format('%s', ROW(" + joined_by(columns, ", ") + "))";
	};
	return "UPDATE " + target.name + " u SET " + quoted_column + " = k.value FROM (SELECT t.ctid AS place, " + text(ours) +
		   " AS rest, pg_catalog.row_number() OVER (PARTITION BY " + text(ours) + ") AS n FROM " + target.name +
		   " t) o JOIN (SELECT " + value + " AS value, " + text(theirs) +
		   " AS rest, pg_catalog.row_number() OVER (PARTITION BY " + text(theirs) +
		   ") AS n FROM kept) k ON k.rest OPERATOR(pg_catalog.=) o.rest AND k.n OPERATOR(pg_catalog.=) o.n"
		   " WHERE u.ctid OPERATOR(pg_catalog.=) o.place";
}

Refilled
fill_column(const Entry &entry, const Target &target, Oid archive)
{
	const std::string sql = update_sql(entry, target, archive);

	if (sql.empty())
		return {0, 0};
	return {static_cast<int64_t>(pg::run_over(archive, target.owner, target.table, sql)), 0};
}

Refilled
set_sequence(const Entry &entry, const Target &target)
{
	ledger::query("SELECT setval($1::oid::regclass, ($2::jsonb ->> 'last_value')::bigint, ($2::jsonb ->> 'is_called')::boolean)",
				  {std::to_string(target.table), entry.details});
	return {0, 0};
}

bool
has_column(const Target &target, const std::string &column)
{
	return ledger::query_cell("SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1::oid AND attname = $2 AND attnum > 0"
							  " AND NOT attisdropped AND attgenerated = '')",
							  {std::to_string(target.table), column}) == "t";
}

} // namespace

bool
has_room(const Entry &entry, bool at_end)
{
	const Target target = target_of(entry);

	if (!OidIsValid(target.table))
		return false;
	if (!entry.column.empty())
		return entry.kind == "column" && has_column(target, entry.column);
	return at_end || (entry.kind != "contents" && pg::is_made_here(target.table));
}

Refilled
refill(const Entry &entry, int64_t run)
{
	const Target target = target_of(entry);
	const Oid archive = entry.kind == "sequence" ? InvalidOid : archive_of(entry);
	Refilled result = {0, 0};

	if (entry.kind == "sequence")
		result = set_sequence(entry, target);
	else if (!OidIsValid(archive))
		return result;
	else if (!entry.column.empty())
		result = fill_column(entry, target, archive);
	else
		result = insert_rows(entry, target, archive);
	ledger::append_evidence("archive restored", std::to_string(entry.id),
							JsonObject().number("run", run).number("rows", result.rows).number("conflicts", result.conflicts).str());
	return result;
}

std::vector<Entry>
kept_of(const std::string &migration, const std::string &script)
{
	std::vector<Entry> result;

	if (ledger::is_empty(ledger::Table::archive))
		return result;
	for (const pg::Row &row : ledger::query(
			 "SELECT a.id, a.kind, a.source_schema, a.source_name, a.source_column, a.relation, a.key, a.details FROM mg.archive a"
			 " WHERE a.installation = (SELECT c.installation FROM mg.current c) AND a.migration = $1 AND a.script = $2"
			 " AND NOT EXISTS (SELECT FROM mg.evidence e WHERE e.kind IN ('archive restored', 'archive purged')"
			 "  AND e.installation = a.installation AND e.subject = a.id::text) ORDER BY a.id DESC",
			 {migration, script}))
		result.push_back({std::stoll(*row[0]), *row[1], *row[2], *row[3], row[4].value_or(""), row[5].value_or(""),
						  row[6].value_or(""), row[7].value_or("{}")});
	return result;
}

} // namespace mg::archive
