// Sequences that give out their last numbers, or numbers that their column cannot take.
#include "watch/check.hpp"

#include <algorithm>

#include "ledger/store.hpp"
#include "pg/sequence.hpp"
#include "pg/subtransaction.hpp"
#include "schema/reader.hpp"

namespace mg::watch {

namespace {

// From which share on somebody should think of the rest.
constexpr int share_to_tell = 70;

struct Sequence
{
	Oid oid;
	std::string name;
	double first; // what it counts from and to, as far as its column can follow
	double last;
	std::string column;
};

constexpr const char *sequences_sql =
	"SELECT s.seqrelid, " MG_TABLE_NAME ", CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END,"
	" CASE WHEN s.seqincrement > 0 THEN least(s.seqmax, t.most) ELSE greatest(s.seqmin, -t.most - 1) END,"
	" quote_ident(o.nspname) || '.' || quote_ident(c.relname) || '.' || quote_ident(a.attname)"
	" FROM pg_sequence s JOIN pg_class x ON x.oid = s.seqrelid JOIN pg_namespace n ON n.oid = x.relnamespace"
	" LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid ="
	" 'pg_class'::regclass"
	" AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')"
	" LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
	" LEFT JOIN pg_class c ON c.oid = d.refobjid LEFT JOIN pg_namespace o ON o.oid = c.relnamespace"
	" CROSS JOIN LATERAL (SELECT CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN"
	" 2147483647"
	" ELSE 9223372036854775807 END AS most) t"
	" WHERE NOT s.seqcycle AND" MG_OURS;

std::string
percent(double share)
{
	return std::to_string(static_cast<int>(share)) + " %";
}

pg::Row
judge(const Sequence &sequence, double share)
{
	pg::Row row = {sequence.name, percent(share) + " of its numbers are given out", share < share_to_tell ? "t" : "f",
				   std::nullopt};

	if (share >= share_to_tell && sequence.column.empty())
		row[3] = "ALTER SEQUENCE " + sequence.name + " AS bigint, or give it more room with " +
				 (sequence.first < sequence.last ? "MAXVALUE." : "MINVALUE.");
	else if (share >= share_to_tell)
		row[3] = "Make column " + sequence.column +
				 " bigint while there is time: without a rewrite it takes a second column and a backfill, as mg_lint() "
				 "tells of "
				 "type-change-rewrites; then ALTER SEQUENCE ... AS bigint.";
	return row;
}

} // namespace

std::vector<pg::Row>
sequences(const pg::Cell &ignored_schemas)
{
	pg::RoleScope owner(ledger::place().owner);
	std::vector<std::pair<double, Sequence>> full;
	std::optional<std::pair<double, Sequence>> fullest;
	int unknown = 0;

	for (const pg::Row &row : ledger::query(sequences_sql, {ignored_schemas}))
	{
		Sequence sequence = {static_cast<Oid>(std::stoul(row[0].value_or("0"))), row[1].value_or(""),
							 std::stod(row[2].value_or("0")), std::stod(row[3].value_or("0")), row[4].value_or("")};
		pg::LastValueRaw last = {false, false, 0};

		(void)pg::try_and_undo([&] {
			last = pg::guarded([&] {
				CHECK_FOR_INTERRUPTS();
				return pg::last_value_raw(sequence.oid);
			});
		});
		if (!last.known)
		{
			unknown++;
			continue;
		}
		const double all = sequence.last - sequence.first;
		double share = !last.is_called ? 0
					   : all == 0      ? 100
									   : 100 * (static_cast<double>(last.value) - sequence.first) / all;
		/* A value may have been set beyond what the column takes, or before what is now the first. */
		share = std::clamp(share, 0.0, 100.0);
		if (share >= share_to_tell)
			full.emplace_back(share, sequence);
		else if (!fullest.has_value() || share > fullest->first)
			fullest.emplace(share, sequence);
	}

	std::sort(full.begin(), full.end(), [](const auto &a, const auto &b) {
		return a.first != b.first ? a.first > b.first : a.second.name < b.second.name;
	});
	if (full.empty() && fullest.has_value())
		full.push_back(*fullest);
	std::vector<pg::Row> rows;
	for (const auto &[share, sequence] : full)
		rows.push_back(judge(sequence, share));
	if (unknown > 0)
		rows.push_back({std::nullopt,
						std::to_string(unknown) +
							" that others have locked or dropped meanwhile, or of which a standby has no values",
						std::nullopt, "Look again later."});
	return rows;
}

} // namespace mg::watch
