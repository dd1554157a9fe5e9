// Puts the statements together and runs them through SPI. Whatever is of our own making in them names its schema, because the rest is the
// user's and its names are found by his search_path.
#include "deploy/backfill_batch.hpp"

#include <algorithm>

#include "pg/memory.hpp"
#include "pg/text.hpp"

namespace mg::deploy {

namespace {

struct CellsRaw
{
	char **cells;
	int count;
	uint64 rows; // found or changed
};

// The first row of a query, as its types write it under settings that make it readable under all others; in `memory`.
CellsRaw
first_row_raw(MemoryContext memory)
{
	static constexpr const char *pins[][2] = {{"DateStyle", "ISO, YMD"}, {"IntervalStyle", "iso_8601"},
											  {"TimeZone", "UTC"},       {"extra_float_digits", "3"},
											  {"bytea_output", "hex"},   {"search_path", "pg_catalog"}};
	CellsRaw row = {nullptr, 0, SPI_processed};

	if (SPI_tuptable == nullptr || SPI_processed == 0)
		return row;
	const int level = NewGUCNestLevel();
	for (const auto &[name, value] : pins)
		set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	MemoryContext before = MemoryContextSwitchTo(memory);
	row.count = SPI_tuptable->tupdesc->natts;
	row.cells = static_cast<char **>(palloc(sizeof(char *) * (row.count + 1)));
	for (int i = 0; i < row.count; i++)
		row.cells[i] = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1);
	MemoryContextSwitchTo(before);
	AtEOXact_GUC(false, level);
	return row;
}

// Runs a statement as the user's own would run.
CellsRaw
run_raw(const char *sql, MemoryContext memory)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	const int code = SPI_execute(sql, false, 0);
	if (code < 0)
		elog(ERROR, "could not run a batch: %s", SPI_result_code_string(code));
	const CellsRaw row = first_row_raw(memory);
	SPI_finish();
	return row;
}

int64_t
run(const std::string &sql)
{
	pg::MemoryScope memory("migration_governance backfill");

	return static_cast<int64_t>(pg::guarded([&] { return run_raw(sql.c_str(), memory.get()); }).rows);
}

// Its one row; nothing if it gives none. Sorting the whole table for each batch is never what is wanted.
std::optional<KeyValues>
ask(const std::string &sql)
{
	pg::MemoryScope memory("migration_governance backfill");
	const CellsRaw row = pg::guarded([&] {
		const int level = NewGUCNestLevel();
		set_config_option("enable_sort", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		const CellsRaw found = run_raw(sql.c_str(), memory.get());
		AtEOXact_GUC(false, level);
		return found;
	});

	if (row.count == 0)
		return std::nullopt;
	KeyValues result;
	for (int i = 0; i < row.count; i++)
		result.emplace_back(row.cells[i] != nullptr ? row.cells[i] : "");
	return result;
}

std::string
literal(const KeyColumn &key, const std::string &value)
{
	return pg::quoted_literal(value) + "::" + key.type;
}

std::string
page(int64_t number)
{
	return "'(" + std::to_string(number) + ",0)'::pg_catalog.tid";
}

} // namespace

Statements::Statements(const Subject &subject, const script::Backfill &order, const Target &target)
	: target_(target), reference_(subject.reference)
{
	from_ = (target.with_partitions ? "" : "ONLY ") + name_now(target) +
			(target.table == subject.table ? "" : " AS " + reference_);
	update_ = "UPDATE " + from_ + " SET " + order.set_clause + "\nWHERE (" +
			  (order.where_clause.empty() ? "true" : order.where_clause) + "\n)";
}

std::string
Statements::column(const KeyColumn &key) const
{
	return reference_ + "." + key.name + (key.collation.empty() ? "" : " " + key.collation);
}

std::string
Statements::compared(const KeyColumn &key, const std::string &sign, const std::string &value) const
{
	return column(key) + " " + sign + " " + literal(key, value);
}

std::string
Statements::columns() const
{
	std::string list;

	for (const KeyColumn &key : target_.key)
		list += (list.empty() ? "" : ", ") + reference_ + "." + key.name;
	return list;
}

std::string
Statements::order_by(bool backwards) const
{
	std::string list;

	for (const KeyColumn &key : target_.key)
		list += (list.empty() ? " ORDER BY " : ", ") + column(key) + " USING " +
				(key.descending != backwards ? key.greater : key.less) +
				(key.nulls_first != backwards ? " NULLS FIRST" : " NULLS LAST");
	return list;
}

// A condition of rows behind these values in the order of the index, or of those that are not; rows are compared as wholes.
std::string
Statements::side_of(const KeyValues &values, bool beyond) const
{
	const KeyColumn &first = target_.key.front();
	std::string names;
	std::string literals;

	if (target_.key.size() == 1)
		return compared(first, beyond ? first.after() : first.up_to(), values.front());
	for (std::size_t i = 0; i < target_.key.size(); i++)
	{
		names += (i == 0 ? "" : ", ") + column(target_.key[i]);
		literals += (i == 0 ? "" : ", ") + literal(target_.key[i], values[i]);
	}
	/* The planner guesses by the first column, of which a row comparison tells it little. */
	return compared(first, beyond ? first.from() : first.up_to(), values.front()) + " AND (" + names + ") " +
		   (beyond ? first.after() : first.up_to()) + " (" + literals + ")";
}

// The same column by column: a = x AND b > y AND b <= v AND (b < v OR (b = v AND (c <= w)))
std::string
Statements::stepwise(const Range &range) const
{
	const std::size_t level = range.after.empty() ? 0 : range.after.size() - 1;
	std::string result;
	std::string up_to;

	for (std::size_t i = 0; i < level; i++)
		result += compared(target_.key[i], target_.key[i].equal, range.after[i]) + " AND ";
	if (!range.after.empty())
		result += compared(target_.key[level], target_.key[level].after(), range.after[level]) + " AND ";
	if (!std::equal(range.up_to.begin(), range.up_to.begin() + static_cast<std::ptrdiff_t>(level), range.after.begin()))
		return result + "true";
	for (std::size_t i = target_.key.size(); i-- > level;)
	{
		const KeyColumn &key = target_.key[i];
		if (up_to.empty())
			up_to = compared(key, key.up_to(), range.up_to[i]);
		else
			up_to = compared(key, key.descending ? key.greater : key.less, range.up_to[i]) + " OR (" +
					compared(key, key.equal, range.up_to[i]) + " AND (" + up_to + "))";
	}
	return result + compared(target_.key[level], target_.key[level].up_to(), range.up_to[level]) + " AND (" + up_to +
		   ")";
}

std::string
Statements::within(const Range &range) const
{
	if (!target_.has_key())
		return reference_ + ".ctid OPERATOR(pg_catalog.>=) " + page(range.first_page) + " AND " + reference_ +
			   ".ctid OPERATOR(pg_catalog.<) " + page(range.end_page);
	if (!is_uniform(target_.key))
		return stepwise(range);
	return (range.after.empty() ? "" : side_of(range.after, true) + " AND ") + side_of(range.up_to, false);
}

void
Statements::check() const
{
	(void)run("EXPLAIN " + update_);
}

KeyValues
Statements::greatest() const
{
	return ask("SELECT " + columns() + " FROM " + from_ + order_by(true) + " LIMIT 1").value_or(KeyValues());
}

std::optional<KeyValues>
Statements::bound(const KeyValues &after, int64_t count) const
{
	return ask("SELECT " + columns() + " FROM " + from_ + " WHERE " + within({after, target_.last, 0, 0}) +
			   order_by(false) + " OFFSET " + std::to_string(count - 1) + " LIMIT 1");
}

int64_t
Statements::update(const Range &range) const
{
	return run(update_ + "\nAND " + within(range));
}

} // namespace mg::deploy
