// Inserts rows, fills columns, sets sequences.
#include "archive/refill.hpp"

#include "archive/keep.hpp"
#include "archive/pairs.hpp"
#include "archive/rows.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "ledger/store.hpp"
#include "pg/kept_rows.hpp"
#include "pg/storage.hpp"
#include "pg/text.hpp"
#include "schema/reader.hpp"

namespace mg::archive {

namespace {

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
			  ", target := 'public.restored').");
}

const std::string unchanged = std::string("kept.\"") + match_mark + "\" = 't'";

// A sum over rows, whatever their order.
std::string
sum_of(const std::vector<std::string> &columns)
{
	return "sum(hashtextextended(format('%s', ROW(" + joined_by(columns, ", ") + ")), 0))";
}

// How many rows of the archive there are, how many came back, and what both sum up to.
struct Tally
{
	int64_t all;
	int64_t back;
	pg::Cell all_sum;
	pg::Cell back_sum;
};

// Runs a change that returns the columns `back`, which the archive has as `kept`, those of its rows that are `wanted`.
Tally
change(const Target &target, Oid archive, const std::string &sql, const std::vector<std::string> &kept,
	   const std::vector<std::string> &back, const std::string &wanted = "true")
{
	std::vector<std::string> named;
	std::string names;

	for (std::size_t i = 0; i < back.size(); i++)
	{
		named.push_back("mg" + std::to_string(i));
		names += (names.empty() ? "" : ", ") + back[i] + " AS " + named.back();
	}
	const pg::Answer answer =
		pg::run_over(archive, target.owner, target.table,
					 "WITH back AS (" + sql + " RETURNING " + names + ") SELECT (SELECT count(*) FROM kept WHERE " +
						 wanted + "), (SELECT count(*) FROM back), (SELECT " + sum_of(kept) + " FROM kept WHERE " +
						 wanted + "), (SELECT " + sum_of(named) + " FROM back)");
	const pg::Row &first = answer.given.at(0);
	return {std::stoll(*first[0]), std::stoll(*first[1]), first[2], first[3]};
}

Refilled
refilled_by(const Tally &tally, const std::vector<std::string> &missing)
{
	return {tally.back, tally.all - tally.back, tally.all != tally.back || tally.all_sum == tally.back_sum, missing};
}

// Gives rows that were updated their old values, unless somebody has written there since. Empty: there is no key, or nothing beside it.
std::string
rows_sql(const Entry &entry, const Target &target, Oid archive, const std::vector<Pair> &all)
{
	std::vector<std::string> keys, values;

	for (const Pair &pair : all)
	{
		const bool is_key = std::any_of(entry.key.begin(), entry.key.end(), [&](const std::string &name) {
			return pg::quoted_identifier(name) == pair.name;
		});
		if (is_key)
			keys.push_back("format('%s', t." + pair.name + ") = format('%s', " + pair.kept + ")");
		else if (!pair.is_always)
			values.push_back(pair.name + " = " + pair.value);
	}
	if (entry.key.empty() || keys.size() != entry.key.size() || values.empty())
		return "";
	return "UPDATE " + target.name + " t SET " + joined_by(values, ", ") + " FROM kept WHERE " +
		   joined_by(keys, " AND ") + " AND " + same_hashes(archive, target.table);
}

// Columns that are kept and that the table has not.
std::vector<std::string>
missing_columns(const Entry &entry, Oid archive, Oid table)
{
	std::vector<std::string> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped"
			 " AND a.attname <> ALL ($3::text[]) AND NOT coalesce((SELECT (c ->> 'generated')::boolean FROM"
			 "  jsonb_array_elements($4::jsonb -> 'columns') c WHERE c ->> 'name' = a.attname), false)"
			 " AND NOT EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = $2::oid AND t.attname = a.attname"
			 "  AND t.attnum > 0 AND NOT t.attisdropped) ORDER BY a.attnum",
			 {std::to_string(archive), std::to_string(table),
			  pg::array_literal(std::vector<std::string>{after_mark, match_mark}), entry.details}))
		result.push_back(*row[0]);
	return result;
}

int64_t
count_of(Oid archive)
{
	const pg::Row row =
		ledger::query(("SELECT count(*) FROM " +
					   *ledger::query_cell("SELECT format('mg_archive.%I', relname) FROM pg_class WHERE oid = $1::oid",
										   {std::to_string(archive)}))
						  .c_str(),
					  {}, pg::Plan::once)[0];
	return std::stoll(*row[0]);
}

Refilled
insert_rows(const Entry &entry, const Target &target, Oid archive)
{
	const std::vector<Pair> all = pairs(archive, target.table);
	const std::vector<std::string> missing = missing_columns(entry, archive, target.table);
	std::vector<std::string> kept, back, ours;

	for (const Pair &pair : all)
	{
		kept.push_back(pair.kept);
		back.push_back(pair.name);
		ours.push_back("t." + pair.name);
	}
	if (all.empty())
		return {0, 0, false, missing};
	Tally tally =
		change(target, archive,
			   insert_sql(archive, target.table, target.name, entry.kind != "table" || !pg::is_made_here(target.table)),
			   kept, back);
	if (entry.kind != "rows" || tally.all == tally.back)
		return refilled_by(tally, missing);

	const std::string update = rows_sql(entry, target, archive, all);
	if (update.empty())
		return refilled_by(tally, missing);
	const Tally more = change(target, archive, update, kept, ours);
	tally.back += more.back;
	tally.back_sum = ledger::query_cell("SELECT coalesce($1::numeric, 0) + coalesce($2::numeric, 0)",
										{tally.back_sum, more.back_sum});
	return refilled_by(tally, missing);
}

// How rows of the archive are told to be those of the table: by the key if all of it is there, else by all columns that both have, and rows that
// are alike in these by their place among each other.
std::string
update_sql(const Entry &entry, const Target &target, Oid archive, const std::vector<std::string> &empty)
{
	const std::string quoted_column = pg::quoted_identifier(entry.column);
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
			return plain ? table + *row[0] : "format('%s', " + (table + *row[0]) + ")";
		};
		conditions.push_back(side("t.") + " = " + side("kept."));
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
			   joined_by(conditions, " AND ") + (entry.kind == "values" ? " AND " + unchanged : "");

	const auto text = [](const std::vector<std::string> &columns) {
		return "format('%s', ROW(" + joined_by(columns, ", ") + "))";
	};
	return "UPDATE " + target.name + " t SET " + quoted_column + " = k.value FROM (SELECT t.ctid AS place, " +
		   text(ours) + " AS rest, row_number() OVER (PARTITION BY " + text(ours) + ") AS n FROM " + target.name +
		   " t) o JOIN (SELECT " + value + " AS value, " + text(theirs) + " AS rest, row_number() OVER (PARTITION BY " +
		   text(theirs) + ") AS n FROM kept) k ON k.rest = o.rest AND k.n = o.n WHERE t.ctid = o.place";
}

Refilled
fill_column(const Entry &entry, const Target &target, Oid archive, const std::vector<std::string> &empty)
{
	const std::string sql = update_sql(entry, target, archive, empty);
	const std::string column = pg::quoted_identifier(entry.column);

	if (sql.empty())
		return {0, 0, false, {entry.column}};
	const bool is_chosen = entry.kind == "values" && !entry.key.empty();
	Refilled result = refilled_by(
		change(target, archive, sql, {"kept." + column}, {"t." + column}, is_chosen ? unchanged : "true"), {});
	if (is_chosen)
		result.conflicts = count_of(archive) - result.rows;
	return result;
}

// Forward only, where it was there all the time: others may have counted on.
Refilled
set_sequence(const Entry &entry, const Target &target)
{
	ledger::query(
		"SELECT setval(q.seqrelid::regclass, k.value, ($2::jsonb ->> 'is_called')::boolean) FROM pg_sequence q,"
		" LATERAL (SELECT ($2::jsonb ->> 'last_value')::bigint AS value, pg_sequence_last_value(q.seqrelid) AS now) k"
		" WHERE q.seqrelid = $1::oid AND ($3::boolean OR k.now IS NULL OR"
		" CASE WHEN q.seqincrement > 0 THEN k.value > k.now ELSE k.value < k.now END)",
		{std::to_string(target.table), entry.details, pg::is_made_here(target.table) ? "t" : "f"});
	return {0, 0, true, {}};
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

void
put_on_record(const Entry &entry, int64_t run, const Refilled &result)
{
	JsonObject body;

	body.number("run", run).number("rows", result.rows).number("conflicts", result.conflicts);
	body.boolean("same", result.is_same).json("missing", json_strings(result.missing));
	ledger::append_evidence("archive restored", std::to_string(entry.id), body.str());
}

void
warn(const Entry &entry, const Refilled &result)
{
	std::string detail;
	const auto add = [&](const std::string &sentence) { detail += (detail.empty() ? "" : " ") + sentence; };

	if (result.conflicts > 0)
		add(std::to_string(result.conflicts) + " of " + std::to_string(result.rows + result.conflicts) +
			" rows stay as they are: others have their keys, or they are gone, or somebody has written there since.");
	if (!result.is_same)
		add("Some values read otherwise than they were kept.");
	if (!result.missing.empty())
		add("No column takes " + joined_by(result.missing, ", ") + ".");
	pg::report(WARNING, UserError("01000", "not all that was kept of " + entry.schema + "." + entry.source +
											   (entry.column.empty() ? "" : "." + entry.column) + " has come back")
							.detail(detail)
							.hint("It is kept still: SELECT * FROM mg_archive_diff(" + std::to_string(entry.id) +
								  ") shows those rows, mg_restore(" + std::to_string(entry.id) +
								  ", target := 'a table') brings all of them."));
}

} // namespace

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
	const OwnChanges own;
	const schema::PlainSettings plain;
	const std::string column = "t." + pg::quoted_identifier(entry.column);
	run_beside(target.table, "UPDATE mg_archive." + pg::quoted_identifier(entry.relation) + " a SET \"" + match_mark +
								 "\" = 't' FROM kept t WHERE " + same_row(archive, entry.key) + " AND CASE WHEN " +
								 column + " IS DISTINCT FROM NULL THEN format('%s', " + column +
								 ") END IS NOT DISTINCT FROM a.\"" + after_mark + "\"");
	return true;
}

bool
has_room(const Entry &entry)
{
	const Target target = target_of(entry);

	if (!OidIsValid(target.table) || entry.kind == "versions")
		return false;
	return entry.column.empty() || (entry.kind == "column" && has_columns(target, entry));
}

Refilled
refill(const Entry &entry, int64_t run, const std::vector<std::string> &empty)
{
	const OwnChanges own;
	const schema::PlainSettings plain;
	const Target target = target_of(entry);
	const Oid archive = entry.kind == "sequence" ? InvalidOid : table_of(entry);
	Refilled result = {0, 0, true, {}};

	if (entry.kind == "sequence")
		result = set_sequence(entry, target);
	else if (!OidIsValid(archive))
		return result;
	else
	{
		require_reader(entry, target);
		result =
			entry.column.empty() ? insert_rows(entry, target, archive) : fill_column(entry, target, archive, empty);
	}
	put_on_record(entry, run, result);
	if (result.conflicts > 0 || !result.is_same || !result.missing.empty())
		warn(entry, result);
	return result;
}

void
compare(const Entry &entry, int64_t run)
{
	const OwnChanges own;
	const schema::PlainSettings plain;
	const Target target = target_of(entry);
	const Oid archive = table_of(entry);
	std::vector<std::string> kept, ours;

	if (!OidIsValid(archive) || !OidIsValid(target.table))
		return;
	for (const Pair &pair : pairs(archive, target.table))
	{
		kept.push_back(pair.kept);
		ours.push_back("t." + pair.name);
	}
	if (kept.empty())
		return;
	const auto rows = [](const std::vector<std::string> &columns, const std::string &of) {
		return "SELECT format('%s', ROW(" + joined_by(columns, ", ") + ")) FROM " + of;
	};
	const pg::Answer answer =
		pg::run_over(archive, target.owner, target.table,
					 "SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM (" + rows(kept, "kept") +
						 " EXCEPT ALL " + rows(ours, target.name + " t") + ") x)");
	const int64_t all = std::stoll(*answer.given.at(0).at(0));
	const int64_t gone = std::stoll(*answer.given.at(0).at(1));
	const std::vector<std::string> missing = missing_columns(entry, archive, target.table);
	if (gone == 0 && missing.empty())
		put_on_record(entry, run, {all, 0, true, {}});
	else
		pg::report(NOTICE,
				   UserError("00000", std::to_string(gone) + " of " + std::to_string(all) + " rows that are kept of " +
										  entry.schema + "." + entry.source + " are not there as they were")
					   .detail("The script has written to it, so that it is left as it is.")
					   .hint("They are kept still: SELECT * FROM mg_archive_diff(" + std::to_string(entry.id) +
							 ") shows them, mg_restore(" + std::to_string(entry.id) + ") brings them."));
}

} // namespace mg::archive
