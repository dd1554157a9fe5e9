// Group C: sequences that run out, and those that a wider column leaves behind.
#include <algorithm>

#include "lint/ask.hpp"
#include "lint/facts.hpp"
#include "lint/types.hpp"
#include "lint/words.hpp"
#include "pg/sequence.hpp"

namespace mg::lint {

namespace {

// From which share of a sequence on somebody should think of the rest.
constexpr int share_to_tell = 70;

int64_t
largest_of(Oid type)
{
	switch (type)
	{
		case INT2OID:
			return PG_INT16_MAX;
		case INT4OID:
			return PG_INT32_MAX;
		default:
			return PG_INT64_MAX;
	}
}

// The last value of a sequence that the caller may read, or 0.
int64_t
last_value_of(Oid sequence)
{
	return ask<>(int64(0), [&]() -> int64 { return pg::last_value_raw(sequence).value; });
}

// Whether the script says something of a sequence.
bool
is_altered(const Context &context, Oid sequence)
{
	const std::vector<Done> &done = context.done();

	return std::any_of(done.begin(), done.end(), [&](const Done &one) {
		return one.what == What::alter_sequence && one.table != nullptr && one.table->oid == sequence;
	});
}

// Whether a table has a sequence of its own that ends before bigint does, or a narrower column to put its numbers into. Most have none,
// and then there is no need to ask which.
bool
has_end_in_sight(Oid table)
{
	return pg::guarded([&] {
		ListCell *cell;
		foreach (cell, getOwnedSequences(table))
		{
			Oid owner = InvalidOid;
			int32 column = 0;
			HeapTuple row = SearchSysCache1(SEQRELID, ObjectIdGetDatum(lfirst_oid(cell)));
			if (!HeapTupleIsValid(row))
				continue;
			const bool is_wide = reinterpret_cast<Form_pg_sequence>(GETSTRUCT(row))->seqmax == PG_INT64_MAX;
			ReleaseSysCache(row);
			if (!is_wide ||
				(!sequenceIsOwned(lfirst_oid(cell), DEPENDENCY_AUTO, &owner, &column) &&
				 !sequenceIsOwned(lfirst_oid(cell), DEPENDENCY_INTERNAL, &owner, &column)) ||
				get_atttype(table, static_cast<AttrNumber>(column)) != INT8OID)
				return true;
		}
		return false;
	});
}

constexpr const char *sequences_sql =
	"SELECT d.refobjid, a.attname, s.seqrelid, s.seqrelid::regclass, s.seqmax, s.seqtypid::regtype, d.deptype "
	"FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid "
	"JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid "
	"WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[]) "
	"  AND d.deptype IN ('a', 'i') AND s.seqincrement > 0 AND NOT s.seqcycle ORDER BY 1, 2";

// Tables of the script with a sequence of their own that has given out most of its numbers.
void
sequence_runs_out(const Action &, Context &context)
{
	std::string oids;

	for (const std::unique_ptr<Table> &table : context.model().tables())
		if (context.is_existing(*table) && table->oid >= FirstNormalObjectId && !table->columns.empty() &&
			(table->kind == RELKIND_RELATION || table->kind == RELKIND_PARTITIONED_TABLE) &&
			has_end_in_sight(table->oid))
			oids += (oids.empty() ? "" : ",") + std::to_string(table->oid);
	if (oids.empty())
		return;
	for (const pg::Row &row : facts(sequences_sql, {"{" + oids + "}"}))
	{
		const Oid sequence = oid_of(row[2]);
		const Table *table = context.model().find(oid_of(row[0]));
		const Column *column = table != nullptr ? table->column(row[1].value_or("")) : nullptr;
		if (column == nullptr)
			continue;
		/* An identity column takes its sequence along to a wider type. */
		const bool is_widened = column->type == INT8OID && (row[6] == "i" || is_altered(context, sequence));
		const int64_t largest = is_widened ? PG_INT64_MAX : std::min(number_of(row[4]), largest_of(column->type));
		if (largest < 100 || largest == PG_INT64_MAX)
			continue;
		const int64_t last = last_value_of(sequence);
		if (last / (largest / 100) < share_to_tell)
			continue;
		Report report;
		report.message = "sequence " + row[3].value_or("") + " of column " + quoted(column->name) + " of " +
						 table->title() + " has given out " + std::to_string(last / (largest / 100)) + " % of its " +
						 std::to_string(largest) + " numbers";
		report.hint = "Make the column bigint while there is time: it takes a second column and a backfill, as rule "
					  "type-change-rewrites tells.";
		report.table = table;
		context.report(std::move(report));
	}
}

// A serial column's sequence has a type of its own, which ALTER COLUMN TYPE leaves as it is.
void
sequence_left_behind(const Action &, Context &context)
{
	for (const Done &done : context.done())
	{
		if (done.what != What::change_type || done.table == nullptr || !context.is_existing(*done.table) ||
			!OidIsValid(done.table->oid))
			continue;
		const Column *column = done.table->column(done.name);
		if (column == nullptr || !column->has_default || (column->type != INT8OID && column->type != INT4OID))
			continue;
		for (const pg::Row &row : facts(sequences_sql, {"{" + std::to_string(done.table->oid) + "}"}))
		{
			if (row[1] != column->name || row[6] != "a" || number_of(row[4]) >= largest_of(column->type) ||
				is_altered(context, oid_of(row[2])))
				continue;
			Report report;
			report.message = "column " + quoted(column->name) + " of " + done.table->title() +
							 " gets wider, but its sequence " + row[3].value_or("") + " still ends at " +
							 row[4].value_or("");
			report.hint = "ALTER SEQUENCE " + row[3].value_or("") + " AS " + type_title(column->type, -1) +
						  "; in the same migration.";
			report.table = done.table;
			report.statement = done.statement;
			report.location = done.location;
			context.report(std::move(report));
		}
	}
}

} // namespace

std::vector<Rule>
sequence_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"sequence-runs-out",
		 "C",
		 S::warning,
		 About::anything,
		 {W::script_end},
		 sequence_runs_out,
		 "a table whose sequence has given out most of its numbers",
		 "When none is left, every INSERT fails.",
		 "Make the column bigint while there is time."},
		{"sequence-left-behind",
		 "C",
		 S::warning,
		 About::anything,
		 {W::script_end},
		 sequence_left_behind,
		 "a serial column gets a wider type, and its sequence does not",
		 "The sequence of serial is an integer one, and ends where the column did before.",
		 "ALTER SEQUENCE ... AS bigint in the same migration."},
	};
}

} // namespace mg::lint
