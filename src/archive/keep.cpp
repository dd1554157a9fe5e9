// Moves tables, copies columns.
#include "archive/keep.hpp"

#include <algorithm>
#include <cmath>

#include "archive/rows.hpp"
#include "core/json.hpp"
#include "ledger/store.hpp"
#include "pg/changed_rows.hpp"
#include "pg/object.hpp"
#include "pg/storage.hpp"
#include "policy/lists.hpp"
#include "policy/policy.hpp"
#include "schema/reader.hpp"

namespace mg::archive {

namespace {

Oid
archive_schema()
{
	return pg::guarded([] { return get_namespace_oid("mg_archive", false); });
}

// What is known of a table before it goes, unless there is nothing to keep of it (a generated column): names, whose it was, who could read it, what its columns were.
constexpr const char *table_sql =
	"SELECT n.nspname, c.relname, c.relpersistence, c.relkind, greatest(c.reltuples, -1),"
	" CASE WHEN c.relkind = 'S' THEN 0 ELSE pg_table_size(c.oid) END,"
	" json_build_object('owner', pg_get_userbyid(c.relowner), 'kind', c.relkind, 'row_security', c.relrowsecurity,"
	"  'privileges', (SELECT json_agg(json_build_object('role', CASE g.grantee WHEN 0 THEN 'public' ELSE"
	"   pg_get_userbyid(g.grantee) END, 'privilege', g.privilege_type))"
	"   FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g WHERE g.privilege_type = 'SELECT'),"
	"  'columns', (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),"
	"   'generated', a.attgenerated <> '') ORDER BY a.attnum)"
	"   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))::text"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid"
	" AND NOT EXISTS (SELECT FROM pg_attribute g WHERE g.attrelid = c.oid AND g.attnum = $2::smallint AND "
	"g.attgenerated <> '')"
	" AND c.relpersistence <> 't' AND n.nspname NOT IN ('mg', 'mg_archive', 'pg_catalog', 'information_schema')";

// The key that tells rows apart without the columns that are lost.
constexpr const char *key_sql =
	"SELECT a.attnum, quote_ident(a.attname), a.attname FROM (SELECT i.indkey, i.indnkeyatts FROM pg_index i"
	" WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL"
	" AND (i.indimmediate OR i.indisprimary) AND NOT EXISTS (SELECT FROM generate_series(0, i.indnkeyatts - 1) k"
	"  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]"
	"  WHERE NOT a.attnotnull OR a.attgenerated <> '' OR a.attnum = ANY ($2::smallint[]))"
	" ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) i"
	" CROSS JOIN generate_series(0, i.indnkeyatts - 1) k"
	" JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attnum = i.indkey[k] ORDER BY k";

constexpr const char *columns_sql = "SELECT a.attnum, quote_ident(a.attname) FROM pg_attribute a"
									" WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped"
									" AND (a.attgenerated = '' OR a.attnum = $2::smallint) ORDER BY a.attnum";

// What its table in mg_archive is called: after the source, and no other is called so.
std::string
name_for(const std::string &source, int64_t id)
{
	const std::string number = "_" + std::to_string(id);
	const int room = NAMEDATALEN - 1 - static_cast<int>(number.size());
	const int length = pg::guarded([&] { return pg_mbcliplen(source.c_str(), static_cast<int>(source.size()), room); });

	return source.substr(0, static_cast<std::size_t>(length)) + number;
}

bool
describe(Kept &kept)
{
	const auto rows = ledger::query(table_sql, {std::to_string(kept.loss.relation), std::to_string(kept.loss.column)});

	if (rows.empty())
		return false;
	const pg::Row &row = rows.front();
	kept.schema = *row[0];
	kept.source = *row[1];
	kept.about = std::stod(*row[4]);
	kept.bytes = std::stoll(*row[5]);
	kept.details = *row[6];
	return true;
}

std::string
quoted(const std::string &schema, const std::string &name)
{
	return pg::guarded(
		[&] { return static_cast<const char *>(quote_qualified_identifier(schema.c_str(), name.c_str())); });
}

std::string
literal(const std::set<Oid> &oids)
{
	return pg::array_literal(std::vector<Oid>(oids.begin(), oids.end()));
}

// Columns of the types and collations that go would go along.
void
free_of_types(Oid table, const std::string &name, const Losses &losses)
{
	if (losses.types.empty() && losses.collations.empty())
		return;
	std::string changes;
	for (const pg::Row &row : ledger::query("SELECT quote_ident(a.attname), a.atttypid = ANY ($2::oid[]) FROM "
											"pg_attribute a WHERE a.attrelid = $1::oid"
											" AND a.attnum > 0 AND NOT a.attisdropped AND (a.atttypid = ANY "
											"($2::oid[]) OR a.attcollation = ANY ($3::oid[]))",
											{std::to_string(table), literal(losses.types), literal(losses.collations)}))
		changes += (changes.empty() ? " " : ", ") + ("ALTER COLUMN " + *row[0]) +
				   " TYPE text COLLATE pg_catalog.\"C\" USING " +
				   (row[1] == "t" ? "CASE WHEN " + *row[0] + " IS NOT NULL THEN format('%s', " + *row[0] + ") END"
								  : *row[0] + "::text");
	if (!changes.empty())
		ledger::query(("ALTER TABLE " + quoted("mg_archive", name) + changes).c_str(), {}, pg::Plan::once);
}

// The same for what has been kept before: it would keep the type from being dropped, or lose its columns.
void
free_archives_of_types(const Losses &losses)
{
	if (losses.types.empty() && losses.collations.empty())
		return;
	for (const pg::Row &row : ledger::query("SELECT c.oid, c.relname FROM pg_class c WHERE c.relkind = 'r'"
											" AND c.relnamespace = 'mg_archive'::regnamespace AND EXISTS (SELECT FROM pg_attribute a"
											"  WHERE a.attrelid = c.oid AND (a.atttypid = ANY ($1::oid[]) OR a.attcollation = ANY ($2::oid[])))",
											{literal(losses.types), literal(losses.collations)}))
		free_of_types(static_cast<Oid>(std::stoul(*row[0])), *row[1], losses);
}

void
move(Kept &kept, const Losses &losses)
{
	kept.in_place = pg::has_new_files(kept.loss.relation);
	kept.table = pg::make_alike(kept.loss.relation, archive_schema(), kept.name, ledger::place().owner);
	pg::exchange_storage(kept.loss.relation, kept.table);
	kept.files = pg::files_of(kept.loss.relation);
	kept.moved = true;
	kept.rows = -1;
	free_of_types(kept.table, kept.name, losses);
}

// The columns that the same statement takes from this table.
std::string
lost_columns(const Losses &losses, Oid relation)
{
	std::string list;

	for (const Loss &loss : losses.items)
		if (loss.relation == relation && loss.column > 0)
			list += (list.empty() ? "" : ",") + std::to_string(loss.column);
	return "{" + list + "}";
}

// Triggers on TRUNCATE may read what is about to go.
bool
is_read_first(const Loss &loss)
{
	return loss.kind == Kind::contents &&
		   ledger::query_cell(
			   "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::oid AND NOT tgisinternal AND tgenabled <> 'D'"
			   " AND tgtype & 32 <> 0)",
			   {std::to_string(loss.relation)}) == "t";
}

void
count(Kept &kept)
{
	const pg::Row row =
		ledger::query(
			("SELECT last_value, is_called, (SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname) FROM pg_depend "
			 "d JOIN"
			 " pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON"
			 " a.attrelid = c.oid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_class'::regclass AND d.objid = " +
			 std::to_string(kept.loss.relation) +
			 " AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass LIMIT 1) FROM " +
			 quoted(kept.schema, kept.source))
				.c_str(),
			{}, pg::Plan::once)
			.at(0);
	JsonObject details;

	details.number("last_value", std::stoll(*row[0])).boolean("is_called", row[1] == "t");
	if (row[2].has_value())
		details.text("owned_by", *row[2]);
	kept.details = details.str();
	kept.rows = 0;
}

void
copy(Kept &kept, const Losses &losses)
{
	const std::string relation = std::to_string(kept.loss.relation);
	const std::string column = std::to_string(kept.loss.column);
	std::vector<int> numbers;
	std::string list;
	auto add = [&](const pg::Row &row) {
		numbers.push_back(std::stoi(*row[0]));
		list += (list.empty() ? "" : ", ") + *row[1];
	};

	kept.column =
		ledger::query_cell("SELECT attname FROM pg_attribute WHERE attrelid = $1::oid AND attnum = $2::smallint",
						   {relation, column})
			.value_or("");
	if (kept.loss.column != 0)
		for (const pg::Row &row : ledger::query(key_sql, {relation, lost_columns(losses, kept.loss.relation)}))
		{
			add(row);
			kept.key.push_back(*row[2]);
		}
	const auto all = ledger::query(columns_sql, {relation, column});
	for (const pg::Row &row : all)
		if (kept.key.empty() || *row[0] == column)
			add(row);

	const bool is_marked = kept.loss.kind == Kind::values && !kept.key.empty();
	kept.table =
		pg::make_with(kept.loss.relation, numbers,
					  is_marked ? std::vector<std::string>{after_mark, match_mark} : std::vector<std::string>{},
					  archive_schema(), kept.name, ledger::place().owner);
	const std::string target = quoted("mg_archive", kept.name);
	const std::string source = quoted(kept.schema, kept.source);
	kept.rows = std::stoll(ledger::query(("WITH kept AS (INSERT INTO " + target + " (" + list + ") SELECT " + list +
										  " FROM ONLY " + source + " RETURNING 1) SELECT count(*) FROM kept")
											 .c_str(),
										 {}, pg::Plan::once)
							   .at(0)
							   .at(0)
							   .value_or("0"));
	free_of_types(kept.table, kept.name, losses);
}

// Leaves those rows in which the new type has another value, with what that is.
void
leave_changed(Kept &kept)
{
	if (kept.key.empty())
		return;

	const std::string table = quoted("mg_archive", kept.name);
	const std::string source = quoted(kept.schema, kept.source);
	const std::string column = pg::guarded([&] { return quote_identifier(kept.column.c_str()); });
	const auto text = [&](const char *of) { return "format('%s', " + (of + column) + ")"; };
	const std::string where = " WHERE " + same_row(kept.table, kept.key);
	const auto run = [](const std::string &sql) { ledger::query(sql.c_str(), {}, pg::Plan::once); };

	run("DELETE FROM " + table + " a USING ONLY " + source + " t" + where + " AND " + text("a.") + " = " + text("t.") +
		" AND (a." + column + " IS NULL) = (t." + column + " IS NULL)");
	run("UPDATE " + table + " a SET \"" + after_mark + "\" = CASE WHEN t." + column + " IS NOT NULL THEN " +
		text("t.") + " END FROM ONLY " + source + " t" + where);
	kept.rows = std::stoll(
		ledger::query(("SELECT count(*) FROM " + table).c_str(), {}, pg::Plan::once).at(0).at(0).value_or("0"));
}

// Whether the list has the table, or the column that is about to go.
bool
is_named(const Kept &kept, const std::vector<std::string> &list)
{
	const std::string table = kept.schema + "." + kept.source;
	const std::string column =
		kept.loss.column == 0
			? ""
			: ledger::query_cell("SELECT attname FROM pg_attribute WHERE attrelid = $1::oid AND attnum = $2::smallint",
								 {std::to_string(kept.loss.relation), std::to_string(kept.loss.column)})
				  .value_or("");

	return std::any_of(list.begin(), list.end(), [&](const std::string &name) {
		return name == table || (!column.empty() && name == table + "." + column);
	});
}

// Whether the statement has done to the source what it was kept for.
bool
is_lost(const Kept &kept)
{
	const std::string relation = std::to_string(kept.loss.relation);

	switch (kept.loss.kind)
	{
		case Kind::table:
			return !OidIsValid(pg::files_of(kept.loss.relation));
		case Kind::contents:
			return !kept.moved || kept.in_place || pg::files_of(kept.loss.relation) != kept.files;
		case Kind::column:
			return !pg::guarded([&] { return pg::column_exists_raw(kept.loss.relation, kept.loss.column); });
		case Kind::values:
			return kept.key.empty() || kept.rows > 0;
		case Kind::rows:
		case Kind::versions:
		case Kind::sequence:
			return true;
	}
	return true;
}

// As it was before.
void
give_back(const Kept &kept)
{
	if (kept.moved)
		pg::exchange_storage(kept.table, kept.loss.relation);
	pg::drop_made(kept.table);
}

const char *
word_of(Kind kind)
{
	switch (kind)
	{
		case Kind::table:
			return "table";
		case Kind::contents:
			return "contents";
		case Kind::column:
			return "column";
		case Kind::values:
			return "values";
		case Kind::rows:
			return "rows";
		case Kind::versions:
			return "versions";
		case Kind::sequence:
			return "sequence";
	}
	return "";
}

// When it may be purged; nothing: never.
pg::Cell
expiry()
{
	const std::string limit = policy::value_of("archive_retention");

	if (limit.empty())
		return std::nullopt;
	return ledger::query_cell("SELECT now() + $1::interval",
							  {std::to_string(*policy::number_in(limit, policy::Form::limit)) + " seconds"});
}

void
record(const Kept &kept, const Occasion &occasion)
{
	const bool is_table = kept.loss.kind != Kind::sequence;
	ledger::Fields fields = {
		{"run", std::to_string(occasion.run)},
		{"migration", occasion.migration},
		{"script", occasion.script},
		{"tag", occasion.tag},
		{"kind", word_of(kept.loss.kind)},
		{"source_schema", kept.schema},
		{"source_name", kept.source},
		{"source_column", kept.column.empty() ? pg::Cell() : pg::Cell(kept.column)},
		{"relation", is_table ? pg::Cell(kept.name) : pg::Cell()},
		{"key", kept.key.empty() ? pg::Cell() : pg::Cell(pg::array_literal(kept.key))},
		{"rows", kept.rows >= 0 ? pg::Cell(std::to_string(kept.rows)) : pg::Cell()},
		{"about", is_table && kept.about >= 0 ? pg::Cell(std::to_string(std::llround(kept.about))) : pg::Cell()},
		{"bytes", std::to_string(kept.bytes)},
		{"expires", expiry()},
		{"details", kept.details}};

	ledger::add_session(fields);
	ledger::append(ledger::Table::archive, fields, kept.id);
}

} // namespace

// Types that are not the server's own may have no operator that
// is safe to use here.
std::string
same_row(Oid archive, const std::vector<std::string> &key)
{
	std::string condition;

	for (const pg::Row &row : ledger::query(
			 "SELECT quote_ident(a.attname), y.typnamespace = 'pg_catalog'::regnamespace FROM pg_attribute a"
			 " JOIN pg_type y ON y.oid = a.atttypid WHERE a.attrelid = $1::oid AND a.attname = ANY ($2::text[])",
			 {std::to_string(archive), pg::array_literal(key)}))
		condition += (condition.empty() ? "" : " AND ") +
					 (row[1] == "t" ? "t." + *row[0] + " = a." + *row[0]
									: "format('%s', t." + *row[0] + ") = format('%s', a." + *row[0] + ")");
	return condition;
}

bool
would_be_lost(Oid relation, int column)
{
	Kept kept = {};

	kept.loss = {column == 0 ? Kind::table : Kind::column, relation, column};
	return policy::value_of("archive") != "off" && !pg::is_made_here(relation) && pg::has_rows(relation) &&
		   describe(kept) && !is_named(kept, policy::names("never_archived"));
}

std::string
row_sum(Oid archive, const std::string &table)
{
	std::string list;

	for (const pg::Row &row : ledger::query("SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0"
											" AND NOT attisdropped AND attname <> $2 ORDER BY attnum",
											{std::to_string(archive), after_mark}))
		list += (list.empty() ? "" : ", ") + (table + "." + *row[0]);
	return "pg_catalog.md5(pg_catalog.format('%s', ROW(" + list + ")))";
}

std::vector<Kept>
keep(const Losses &losses)
{
	const RowsReturn own_work;
	const schema::PlainSettings plain;
	std::vector<Kept> result;

	free_archives_of_types(losses);
	if (policy::value_of("archive") == "off")
		return result;
	const std::vector<std::string> never = policy::names("never_archived");
	for (const Loss &loss : losses.items)
	{
		Kept kept = {};
		kept.loss = loss;
		if (!pg::lock_unused(loss.relation, "statement") || pg::is_made_here(loss.relation) || !describe(kept))
			continue;
		if (loss.kind != Kind::sequence && (!pg::has_rows(loss.relation) || is_named(kept, never)))
			continue;
		kept.id = ledger::new_id();
		kept.name = name_for(kept.source, kept.id);
		if (loss.kind == Kind::sequence)
			count(kept);
		else if (loss.kind == Kind::table || (loss.kind == Kind::contents && !is_read_first(loss)))
			move(kept, losses);
		else
			copy(kept, losses);
		result.push_back(std::move(kept));
	}
	return result;
}

void
keep_changed(Oid table, Snapshot before, const Occasion &occasion)
{
	const RowsReturn own_work;
	const schema::PlainSettings plain;
	Kept kept = {};

	kept.loss = {Kind::rows, table, 0};
	if (policy::value_of("archive") == "off" || !OidIsValid(pg::files_of(table)) || pg::is_made_here(table) || !describe(kept) ||
		is_named(kept, policy::names("never_archived")))
		return;
	kept.id = ledger::new_id();
	kept.name = name_for(kept.source, kept.id);
	kept.table = pg::make_alike(table, archive_schema(), kept.name, ledger::place().owner, {after_mark});
	kept.rows = pg::copy_changed(table, kept.table, before);
	kept.bytes = 0;
	if (kept.rows == 0)
	{
		pg::drop_made(kept.table);
		return;
	}
	for (const pg::Row &row : ledger::query(key_sql, {std::to_string(table), "{}"}))
		kept.key.push_back(*row[2]);
	if (kept.key.empty() && pg::has_new_rows(table, before))
		kept.loss.kind = Kind::versions;
	else if (!kept.key.empty())
		ledger::query(("UPDATE " + quoted("mg_archive", kept.name) + " a SET \"" + after_mark + "\" = " +
					   row_sum(kept.table, "t") + " FROM ONLY " + quoted(kept.schema, kept.source) + " t WHERE " +
					   same_row(kept.table, kept.key))
						  .c_str(),
					  {}, pg::Plan::once);
	record(kept, occasion);
}

void
confirm(std::vector<Kept> &kept, const Occasion &occasion)
{
	const RowsReturn own_work;
	const schema::PlainSettings plain;

	for (Kept &one : kept)
	{
		if (one.loss.kind == Kind::values)
			leave_changed(one);
		if (is_lost(one))
			record(one, occasion);
		else if (OidIsValid(one.table))
			give_back(one);
	}
}

} // namespace mg::archive
