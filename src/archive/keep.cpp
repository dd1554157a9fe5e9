// Moves tables, copies columns.
#include "archive/keep.hpp"

#include <algorithm>
#include <cmath>

#include "archive/rows.hpp"
#include "core/json.hpp"
#include "ledger/store.hpp"
#include "pg/changed_rows.hpp"
#include "pg/kept_rows.hpp"
#include "pg/object.hpp"
#include "pg/storage.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"
#include "schema/reader.hpp"

namespace mg::archive {

namespace {

Oid
archive_schema()
{
	return pg::guarded([] { return get_namespace_oid("mg_archive", false); });
}

std::string
place_of(const Kept &kept)
{
	return "mg_archive." + pg::quoted_identifier(kept.name);
}

// What its table in mg_archive is called: after the source, and no other is called so.
std::string
name_for(const std::string &source, int64_t id)
{
	const std::string number = "_" + std::to_string(id);
	const int room = NAMEDATALEN - 1 - static_cast<int>(number.size());
	const int length = pg::guarded([&] { return pg_mbcliplen(source.c_str(), static_cast<int>(source.size()), room); });

	return source.substr(0, static_cast<std::size_t>(length)) + number;
}

/* A moment's work, while the table is locked. */
constexpr int64_t counted_bytes = 1024 * 1024;

int64_t
rows_in(const Kept &kept)
{
	const pg::Row row = ledger::query(("SELECT count(*) FROM " + place_of(kept)).c_str(), {}, pg::Plan::once)[0];

	return std::stoll(*row[0]);
}

void
move(Kept &kept)
{
	kept.in_place = pg::has_new_files(kept.loss.relation);
	kept.table = pg::make_alike(kept.loss.relation, archive_schema(), kept.name, ledger::place().owner);
	pg::exchange_storage(kept.loss.relation, kept.table);
	kept.files = pg::files_of(kept.loss.relation);
	kept.moved = true;
	if (kept.source.bytes <= counted_bytes)
		kept.rows = rows_in(kept);
}

// The columns that the same statement takes from this table.
std::vector<int>
lost_columns(const Losses &losses, Oid relation)
{
	std::vector<int> result;

	for (const Loss &loss : losses.items)
		if (loss.relation == relation && loss.column > 0)
			result.push_back(loss.column);
	return result;
}

int64_t
bytes_of(Oid table)
{
	return std::stoll(ledger::query_cell("SELECT pg_table_size($1::oid)", {std::to_string(table)}).value_or("0"));
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
			 quoted_name(kept.source))
				.c_str(),
			{}, pg::Plan::once)
			.at(0);
	JsonObject details;

	details.number("last_value", std::stoll(*row[0])).boolean("is_called", row[1] == "t");
	if (row[2].has_value())
		details.text("owned_by", *row[2]);
	kept.source.details = details.str();
	kept.rows = 0;
}

void
copy(Kept &kept, const Losses &losses)
{
	std::vector<int> numbers;
	auto add = [&](const Column &column) { numbers.push_back(column.number); };

	if (kept.loss.column != 0)
		for (const Column &column : key_of(kept.loss.relation, lost_columns(losses, kept.loss.relation)))
		{
			add(column);
			kept.key.push_back(column.name);
		}
	for (const Column &column : columns_of(kept.loss.relation, kept.loss.column))
		if (kept.key.empty() || column.number == kept.loss.column)
			add(column);

	const bool is_marked = kept.loss.kind == Kind::values && !kept.key.empty();
	kept.table =
		pg::make_with(kept.loss.relation, numbers,
					  is_marked ? std::vector<std::string>{after_mark, match_mark} : std::vector<std::string>{},
					  archive_schema(), kept.name, ledger::place().owner);
	kept.rows = pg::copy_columns(kept.loss.relation, numbers, kept.table);
	kept.source.bytes = bytes_of(kept.table);
}

// Leaves those rows in which the new type has another value, with what that is.
void
leave_changed(Kept &kept)
{
	if (kept.key.empty())
		return;

	const std::string table = place_of(kept);
	const std::string column = pg::quoted_identifier(kept.source.column);
	const auto text = [&](const char *of) { return "format('%s', " + (of + column) + ")"; };
	const std::string where = " WHERE " + same_row(kept.table, kept.key);

	run_beside(kept.loss.relation, "DELETE FROM " + table + " a USING kept t" + where + " AND " + text("a.") + " = " +
									   text("t.") + " AND (a." + column + " IS NULL) = (t." + column + " IS NULL)");
	run_beside(kept.loss.relation, "UPDATE " + table + " a SET \"" + after_mark + "\" = CASE WHEN t." + column +
									   " IS DISTINCT FROM NULL THEN " + text("t.") + " END FROM kept t" + where);
	kept.rows = rows_in(kept);
}

// Whether the statement has done to the source what it was kept for.
bool
is_lost(const Kept &kept)
{
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
	if (kept.moved && kept.is_text)
		throw UserError("0A000", "rows of " + quoted_name(kept.source) + " cannot be given back")
			.detail("The statement has dropped types of its columns and has not dropped the table.");
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
	const pg::Cell details = ledger::query_cell(
		"SELECT jsonb_strip_nulls($1::jsonb || jsonb_build_object('discarded', $2, 'moved', $3::boolean))",
		{kept.source.details, kept.reason, is_table ? pg::Cell(kept.moved ? "t" : "f") : pg::Cell()});
	const bool is_run = occasion.run != 0;
	ledger::Fields fields = {{"run", is_run ? pg::Cell(std::to_string(occasion.run)) : pg::Cell()},
							 {"migration", is_run ? pg::Cell(occasion.migration) : pg::Cell()},
							 {"script", is_run ? pg::Cell(occasion.script) : pg::Cell()},
							 {"tag", occasion.tag},
							 {"kind", word_of(kept.loss.kind)},
							 {"source_schema", kept.source.schema},
							 {"source_name", kept.source.name},
							 {"source_column", kept.source.column.empty() ? pg::Cell() : pg::Cell(kept.source.column)},
							 {"relation", OidIsValid(kept.table) ? pg::Cell(kept.name) : pg::Cell()},
							 {"key", kept.key.empty() ? pg::Cell() : pg::Cell(pg::array_literal(kept.key))},
							 {"rows", kept.rows >= 0 ? pg::Cell(std::to_string(kept.rows)) : pg::Cell()},
							 {"about", is_table && kept.source.rows >= 0
										   ? pg::Cell(std::to_string(std::llround(kept.source.rows)))
										   : pg::Cell()},
							 {"bytes", std::to_string(kept.source.bytes)},
							 {"expires", kept.reason.has_value() ? pg::Cell() : expiry()},
							 {"details", details}};

	ledger::add_session(fields);
	ledger::append(ledger::Table::archive, fields, kept.id);
}

// In the archive's order, whatever it was that they were kept with.
std::vector<std::string>
hashed_columns(Oid archive)
{
	std::vector<std::string> result;

	for (const pg::Row &row : ledger::query("SELECT attname FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0"
											" AND NOT attisdropped AND attname <> $2 ORDER BY attnum",
											{std::to_string(archive), after_mark}))
		result.push_back(*row[0]);
	return result;
}

// Of its own: what is generated says nothing.
bool
has_values(Oid table, const std::string &column)
{
	return ledger::query_cell("SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1::oid AND attname = $2"
							  " AND attnum > 0 AND NOT attisdropped AND attgenerated = '')",
							  {std::to_string(table), column}) == "t";
}

std::string
hash_of(const std::string &column)
{
	return "pg_catalog.hashtextextended(pg_catalog.format('%s', t." + pg::quoted_identifier(column) + "), 0)";
}

} // namespace

// Types that are not the server's own may have no operator that is safe to use here.
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
	const Loss loss = {column == 0 ? Kind::table : Kind::column, relation, column};
	Source source;

	return policy::value_of("archive") != "off" && !pg::is_made_here(relation) && pg::has_rows(relation) &&
		   describe(loss, source) && !is_never_kept(source) && !discarded(source).has_value();
}

void
run_beside(Oid table, const std::string &sql)
{
	pg::run_over(table, ledger::place().owner, InvalidOid, sql);
}

std::string
row_hashes(Oid archive, Oid table)
{
	std::string list;

	for (const std::string &name : hashed_columns(archive))
		list += (list.empty() ? "" : ", ") + (has_values(table, name) ? hash_of(name) : "NULL::int8");
	return "ARRAY[" + list + "]::text";
}

std::string
same_hashes(Oid archive, Oid table)
{
	const std::string mark = std::string("kept.\"") + after_mark + "\"";
	std::string condition = mark + " IS NOT NULL";
	int place = 0;

	for (const std::string &name : hashed_columns(archive))
	{
		place++;
		if (has_values(table, name))
			condition +=
				" AND coalesce((" + mark + "::int8[])[" + std::to_string(place) + "] = " + hash_of(name) + ", true)";
	}
	return condition;
}

std::vector<Kept>
keep(const Losses &losses)
{
	const OwnChanges own;
	const schema::PlainSettings plain;
	std::vector<Kept> result;

	if (policy::value_of("archive") == "off")
		return result;
	for (const Loss &loss : losses.items)
	{
		Kept kept = {};
		kept.loss = loss;
		/* Nothing is locked of which nothing will be kept; who waits for a lock finds things changed. */
		if (!describe(loss, kept.source) || !pg::lock_unused(loss.relation, "statement") ||
			pg::is_made_here(loss.relation) || !describe(loss, kept.source))
			continue;
		if (loss.kind != Kind::sequence && (!pg::has_rows(loss.relation) || is_never_kept(kept.source)))
			continue;
		kept.id = ledger::new_id();
		kept.name = name_for(kept.source.name, kept.id);
		kept.rows = -1;
		kept.reason = discarded(kept.source);
		const bool can_move = loss.kind == Kind::table || (loss.kind == Kind::contents && !is_read_first(loss));
		if (loss.kind != Kind::sequence && !kept.reason.has_value())
			require_room(kept.source, kept.source.bytes, !can_move);
		if (loss.kind == Kind::sequence)
			count(kept);
		else if (!kept.reason.has_value() && can_move)
			move(kept);
		else if (!kept.reason.has_value())
			copy(kept, losses);
		result.push_back(std::move(kept));
	}
	return result;
}

void
keep_changed(Oid table, uint64_t count, Snapshot before, const Occasion &occasion)
{
	const OwnChanges own;
	const schema::PlainSettings plain;
	Kept kept = {};

	kept.loss = {Kind::rows, table, 0};
	if (policy::value_of("archive") == "off" || !OidIsValid(pg::files_of(table)) || pg::is_made_here(table) ||
		!describe(kept.loss, kept.source) || is_never_kept(kept.source))
		return;
	kept.id = ledger::new_id();
	kept.name = name_for(kept.source.name, kept.id);
	kept.reason = discarded(kept.source);
	if (kept.reason.has_value())
	{
		kept.rows = count < uncounted ? static_cast<int64_t>(count) : -1;
		kept.source.bytes = 0;
		record(kept, occasion);
		return;
	}
	const double part = static_cast<double>(count) / std::max(kept.source.rows, static_cast<double>(count));
	if (count < uncounted)
		require_room(kept.source, std::llround(static_cast<double>(kept.source.bytes) * part), true);
	kept.table = pg::make_alike(table, archive_schema(), kept.name, ledger::place().owner, {after_mark});
	kept.rows = pg::copy_changed(table, kept.table, before);
	if (kept.rows == 0)
	{
		pg::drop_made(kept.table);
		return;
	}
	for (const Column &column : key_of(table, {}))
		kept.key.push_back(column.name);
	if (kept.key.empty() && pg::has_new_rows(table, before))
		kept.loss.kind = Kind::versions;
	else if (!kept.key.empty())
		run_beside(table, "UPDATE " + place_of(kept) + " a SET \"" + after_mark + "\" = " +
							  row_hashes(kept.table, table) + " FROM kept t WHERE " + same_row(kept.table, kept.key));
	kept.source.bytes = bytes_of(kept.table);
	if (count >= uncounted)
		require_room(kept.source, kept.source.bytes, true);
	record(kept, occasion);
}

void
follow(std::vector<Kept> &kept)
{
	for (Kept &one : kept)
		if (OidIsValid(one.table) && !OidIsValid(pg::files_of(one.table)))
		{
			one.table = pg::guarded([&] { return get_relname_relid(one.name.c_str(), archive_schema()); });
			one.is_text = true;
		}
}

void
confirm(std::vector<Kept> &kept, const Occasion &occasion)
{
	const OwnChanges own;
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
