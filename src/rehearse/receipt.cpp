// Puts findings into words.
#include "rehearse/receipt.hpp"

#include <algorithm>

#include "capture/frame.hpp"
#include "core/json.hpp"
#include "ledger/store.hpp"
#include "policy/policy.hpp"

namespace mg::rehearse {

namespace {

std::string
time_of(int64_t us)
{
	if (us < 10000)
		return std::to_string(us / 1000) + "." + std::to_string(us / 100 % 10) + " ms";
	if (us < 10LL * 1000 * 1000)
		return std::to_string(us / 1000) + " ms";
	return std::to_string(us / 1000000) + " s";
}

std::string
size_of(int64_t bytes)
{
	return pg::guarded(
		[&] { return text_to_cstring(DatumGetTextPP(DirectFunctionCall1(pg_size_pretty, Int64GetDatum(bytes)))); });
}

std::string
count_of(int64_t number, const char *one)
{
	return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
}

void
add_verdict(std::vector<Fact> &facts, const migrate::Migration &migration, const Findings &findings)
{
	const bool ok = findings.verdict == Verdict::restores || findings.verdict == Verdict::restores_but_order;

	facts.push_back({"verdict", migration.name, word_of(findings.verdict), ok});
	if (findings.trouble.has_value())
	{
		const Trouble &trouble = *findings.trouble;
		std::string where = trouble.phase;
		if (trouble.line > 0)
			where += ", line " + std::to_string(trouble.line) + ": " + trouble.statement;
		std::string what = trouble.sqlstate + ": " + trouble.message;
		for (const std::string &more : {trouble.detail, trouble.hint})
			what += more.empty() ? "" : " " + more;
		facts.push_back({"error", where, what, false});
	}
	for (const Deviation &deviation : findings.deviations)
	{
		std::string value = deviation.kind;
		if (!deviation.property.empty())
			value = deviation.property + ": " + deviation.expected.value_or("nothing") + " before, " +
					deviation.actual.value_or("nothing") + " after";
		facts.push_back({"difference", deviation.type + " " + deviation.identity, value,
						 findings.verdict == Verdict::restores_but_order ? std::optional<bool>() : false});
	}
}

void
add_times(std::vector<Fact> &facts, const Findings &findings)
{
	for (const Turn &turn : findings.turns)
	{
		facts.push_back({"time", turn.phase, time_of(turn.duration_us) + ", " + count_of(turn.statements, "statement"),
						 std::nullopt});
		if (turn.phase != "down")
			continue;
		const int64_t budget = static_cast<int64_t>(policy::milliseconds("rollback_budget")) * 1000;
		facts.push_back({"rollback budget", turn.phase,
						 time_of(turn.duration_us) + " of " + policy::value_of("rollback_budget"),
						 turn.duration_us <= budget});
	}
	if (findings.turns.empty())
		return;
	for (const migrate::Timing &timing : findings.turns.front().timings)
		facts.push_back(
			{"statement", findings.turns.front().phase + ", line " + std::to_string(timing.line),
			 time_of(timing.duration_us) + (timing.rows > 0 ? ", " + count_of(timing.rows, "row") : std::string()),
			 std::nullopt});
}

void
add_locks(std::vector<Fact> &facts, const Findings &findings)
{
	for (const Touched &touched : findings.touched)
	{
		if (!touched.before.has_value() || !touched.lock.has_value())
			continue;
		const Lock &lock = *touched.lock;
		facts.push_back({"lock", touched.name,
						 std::string(GetLockmodeName(DEFAULT_LOCKMETHOD, lock.mode)) + " from line " +
							 std::to_string(lock.line) + " on, for " + time_of(lock.held_us) + ": " + blocks(lock.mode),
						 std::nullopt});
	}
	for (const Blocker &blocker : findings.blockers)
		facts.push_back({"blocked by", blocker.relation, blocker.text, false});
}

void
add_files(std::vector<Fact> &facts, const Findings &findings)
{
	for (const Touched &touched : findings.touched)
	{
		if (!touched.after.has_value())
			continue;
		const Relation &after = *touched.after;
		const bool is_index = after.kind == RELKIND_INDEX;
		if (touched.before.has_value() && after.file != touched.before->file && after.file != 0)
			facts.push_back({is_index ? "index rebuilt" : "rewrite", touched.name,
							 size_of(touched.before->bytes) + " before, " + size_of(after.bytes) + " after" +
								 (touched.rewritten.empty() ? "" : ": " + touched.rewritten),
							 std::nullopt});
		else if (!touched.before.has_value() && is_index && findings.was_there(after.table))
			facts.push_back({findings.was_there(after.name) ? "index rebuilt" : "new index", after.name,
							 size_of(after.bytes), std::nullopt});
		const int64_t scans = after.scans;
		if (touched.before.has_value() && !is_index && scans > 0 && touched.before->bytes > 0)
			facts.push_back({"scan", touched.name,
							 count_of(scans, "full scan") + " of " + size_of(touched.before->bytes), std::nullopt});
	}
}

// Values of sequences are gone for good.
void
add_lasting(std::vector<Fact> &facts, const Findings &findings)
{
	for (const Touched &touched : findings.touched)
		if (touched.before.has_value() && touched.before->kind == RELKIND_SEQUENCE && touched.lock.has_value() &&
			touched.lock->mode == RowExclusiveLock)
			facts.push_back({"not undone", touched.name, "values that were used are not given back", std::nullopt});
}

void
add_rows(std::vector<Fact> &facts, const Findings &findings)
{
	auto number = [](const std::optional<Contents> &contents) {
		return contents.has_value() ? std::to_string(contents->rows) : std::string("no table");
	};

	for (const Rows &rows : findings.rows)
	{
		if (!rows.counted)
		{
			facts.push_back({"rows", rows.table,
							 rows.estimate < 0 ? "not counted: too large, and never analyzed"
											   : "about " + std::to_string(static_cast<int64_t>(rows.estimate)) +
													 ", by the planner's estimate: too large to be counted",
							 std::nullopt});
			for (const std::string &column : rows.lost)
				facts.push_back({"lost", rows.table + "." + column, "the column's values; not counted", false});
			continue;
		}
		facts.push_back(
			{"rows", rows.table,
			 number(rows.before) + " before, " + number(rows.between) + " between, " + number(rows.after) + " after",
			 std::nullopt});
		if (!rows.before.has_value())
			continue;
		if (!rows.between.has_value() && rows.before->rows > 0)
			facts.push_back({"lost", rows.table, count_of(rows.before->rows, "row"), false});
		for (const std::string &column : rows.lost)
			if (int64_t values = rows.before->values.at(column); values > 0)
				facts.push_back({"lost", rows.table + "." + column, count_of(values, "value"), false});
		if (rows.after.has_value() && rows.before->rows > 0)
		{
			const bool same = rows.after->rows == rows.before->rows && rows.after->sum == rows.before->sum &&
							  rows.after->values.size() == rows.before->values.size();
			facts.push_back({"values", rows.table, same ? "come back as they were" : "do not come back", same});
		}
	}
}

} // namespace

std::vector<Fact>
facts_of(const migrate::Migration &migration, const Findings &findings)
{
	std::vector<Fact> facts;

	add_verdict(facts, migration, findings);
	for (const migrate::Finding &check : findings.checks)
		facts.push_back({"check", check.query, check.shown ? "shown" : check.actual, check.ok});
	add_rows(facts, findings);
	add_locks(facts, findings);
	add_files(facts, findings);
	add_lasting(facts, findings);
	add_times(facts, findings);
	return facts;
}

std::optional<int64_t>
keep(const migrate::Migration &migration, bool named, const Findings &findings, const std::vector<Fact> &facts)
{
	JsonArray json;
	auto time = [&](const char *phase) {
		auto turn = std::find_if(findings.turns.begin(), findings.turns.end(),
								 [&](const Turn &one) { return one.phase == phase; });
		return turn != findings.turns.end() ? pg::Cell(std::to_string(turn->duration_us)) : pg::Cell();
	};

	if (XactReadOnly)
		return std::nullopt;
	for (const Fact &fact : facts)
		json.json(JsonObject()
					  .text("aspect", fact.aspect)
					  .text("object", fact.object)
					  .text("value", fact.value)
					  .json("ok", !fact.ok.has_value() ? "null" : (*fact.ok ? "true" : "false"))
					  .str());
	ledger::Fields fields = {
		{"migration", named ? pg::Cell(migration.name) : pg::Cell()},
		{"checksum", migration.up.checksum()},
		{"down_checksum", migration.down.has_value() ? pg::Cell(migration.down->checksum()) : pg::Cell()},
		{"verdict", std::string(word_of(findings.verdict))},
		{"fingerprint", findings.fingerprint},
		{"server_version", std::string(PG_VERSION)},
		{"up_us", time("up")},
		{"down_us", time("down")},
		{"again_us", time("up again")},
		{"facts", json.str()}};
	ledger::add_session(fields);
	return ledger::append(ledger::Table::rehearsal, fields);
}

} // namespace mg::rehearse
