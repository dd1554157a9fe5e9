// Puts findings into words.
#include "rehearse/receipt.hpp"

#include <algorithm>

#include "capture/frame.hpp"
#include "core/json.hpp"
#include "ledger/store.hpp"
#include "pg/session.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"
#include "rehearse/words.hpp"
#include "schema/snapshot.hpp"

namespace mg::rehearse {

const char *
word_of(Verdict verdict)
{
	switch (verdict)
	{
		case Verdict::restores:
			return "restores";
		case Verdict::restores_but_order:
			return "restores, but column order";
		case Verdict::differs:
			return "differs";
		case Verdict::down_fails:
			return "down fails";
		case Verdict::up_fails:
			return "up fails";
		case Verdict::second_up_fails:
			return "second up fails";
		case Verdict::no_down:
			return "no down";
		case Verdict::cannot:
			break;
	}
	return "cannot be rehearsed";
}

bool
Findings::was_there(Oid relation) const
{
	return std::any_of(touched.begin(), touched.end(),
					   [&](const Touched &one) { return one.before.has_value() && one.before->oid == relation; });
}

bool
Findings::was_there(const std::string &name) const
{
	return std::any_of(touched.begin(), touched.end(),
					   [&](const Touched &one) { return one.before.has_value() && one.before->name == name; });
}

bool
Findings::was_left_out(const std::string &phase, int line, const std::string &statement) const
{
	return std::any_of(notes.begin(), notes.end(), [&](const Note &note) {
		return note.aspect == "left out" && note.phase == phase && note.line == line && note.statement == statement;
	});
}

namespace {

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
	for (const Deviation &deviation : findings.anticipated)
		facts.push_back({"difference", deviation.type + " " + deviation.identity,
						 deviation.kind + ": what was done before in the name of the migration is undone",
						 std::nullopt});
}

std::string
statement_of(const std::string &phase, int line, const std::string &text)
{
	return phase + ", line " + std::to_string(line) + ": " + pg::excerpt(text, 100);
}

// How it was rehearsed in another way than mg_deploy runs it.
void
add_notes(std::vector<Fact> &facts, const Findings &findings)
{
	for (const Note &note : findings.notes)
		facts.push_back({note.aspect, note.line > 0 ? statement_of(note.phase, note.line, note.statement) : note.phase,
						 note.what, std::nullopt});
}

std::string
duration_of(int64_t us, int64_t rows)
{
	return time_of(us) + (rows > 0 ? ", " + count_of(rows, "row") : std::string());
}

// The statements of the way back, which ran as the second script.
void
add_down(std::vector<Fact> &facts, const script::Script &down, const Turn &turn, const Findings &findings)
{
	size_t number = 0;

	for (const script::Statement &statement : down.statements())
	{
		if (statement.control || number >= turn.timings.size())
			continue;
		const migrate::Timing &timing = turn.timings[number++];
		const std::string excerpt = statement.secret ? statement.tag : pg::excerpt(down.text_of(statement), 200);
		if (findings.was_left_out(turn.phase, timing.line, excerpt))
			continue;
		facts.push_back({"statement", statement_of(turn.phase, timing.line, excerpt),
						 duration_of(timing.duration_us, timing.rows), std::nullopt});
	}
}

void
add_times(std::vector<Fact> &facts, const migrate::Migration &migration, const Findings &findings)
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
	for (const Step &step : findings.steps)
		if (!findings.was_left_out(step.phase, step.line, step.statement))
			facts.push_back({"statement", statement_of(step.phase, step.line, step.statement),
							 duration_of(step.duration_us, step.rows), std::nullopt});
	if (findings.turns.size() > 1 && findings.turns[1].phase == "down")
		add_down(facts, *migration.down, findings.turns[1], findings);
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
	for (const Effect &effect : findings.lasting)
		facts.push_back({"not undone", effect.object, effect.what, std::nullopt});
	for (const Touched &touched : findings.touched)
	{
		if (!touched.before.has_value() || !touched.lock.has_value() || touched.lock->mode != RowExclusiveLock)
			continue;
		if (touched.before->kind == RELKIND_SEQUENCE)
			facts.push_back({"not undone", touched.name, "values that were used are not given back", std::nullopt});
		if (touched.before->kind == RELKIND_FOREIGN_TABLE)
			facts.push_back({"not undone", touched.name,
							 "rows written elsewhere, unless that server's wrapper rolls back with this one",
							 std::nullopt});
	}
}

// Whether what is lost of a table or column was kept.
bool
is_kept(const Findings &findings, const std::string &source)
{
	return std::any_of(findings.kept.begin(), findings.kept.end(), [&](const archive::Account &account) {
		return account.source == source && !account.discarded.has_value();
	});
}

std::string
column_of(const std::string &table, const std::string &column)
{
	return table + "." + pg::quoted_identifier(column);
}

// Of a column, alone or with all of its row.
bool
is_kept(const Findings &findings, const std::string &table, const std::string &column)
{
	return is_kept(findings, column_of(table, column)) || is_kept(findings, table);
}

std::string
rows_of(const archive::Account &account)
{
	return account.rows < 0 ? "rows that nobody has counted"
							: (account.is_counted ? "" : "about ") + count_of(account.rows, "row");
}

// What is kept of what the scripts destroy, and what of it comes back with the opposite script.
void
add_kept(std::vector<Fact> &facts, const Findings &findings)
{
	for (const archive::Account &account : findings.kept)
	{
		if (account.discarded.has_value())
		{
			facts.push_back({"discarded", account.source, account.script + ": " + *account.discarded, std::nullopt});
			continue;
		}
		const std::string opposite = account.script == "up" ? "down" : "up";
		std::string value = account.script + ": " + account.kind + ", " + rows_of(account) + ", " +
							size_of(account.bytes) + ", " + (account.is_moved ? "moved" : "copied");
		if (!account.is_back)
			value += "; " + opposite + " does not bring it back, but mg_restore() does";
		else if (account.is_whole)
			value += "; " + opposite + " brings all of it back";
		else
			value += "; " + opposite + " brings back " + count_of(account.back, "row") +
					 (account.conflicts == 0 ? ", but not as they were" : "");
		const bool was_tried = findings.turns.size() > (account.script == findings.turns.front().phase ? 1U : 2U);
		facts.push_back(
			{"kept", account.source, value, was_tried ? std::optional<bool>(account.is_whole) : std::nullopt});
	}
}

// What the first script made and the second one drops again, with what is written between them.
void
add_lost_by_down(std::vector<Fact> &facts, const Rows &rows)
{
	const auto add = [&](const std::string &source, const std::string &what) {
		facts.push_back({archive::is_kept_here(source) ? "kept by down" : "lost by down", source,
						 what + ", and what is written until then", std::nullopt});
	};

	if (!rows.between.has_value())
		return;
	if (!rows.after.has_value())
		add(rows.table, count_of(rows.between->rows, "row"));
	else
		for (const std::string &column : rows.lost_by_down)
			add(column_of(rows.table, column), count_of(rows.between->values.at(column), "value"));
}

void
add_rows(std::vector<Fact> &facts, const Findings &findings)
{
	auto number = [](const std::optional<Contents> &contents) {
		return contents.has_value() ? std::to_string(contents->rows) : std::string("no table");
	};

	const bool was_taken_back = findings.turns.size() > 1 && findings.turns[1].phase == "down";
	for (const Rows &rows : findings.rows)
	{
		if (was_taken_back)
			add_lost_by_down(facts, rows);
		if (!rows.counted)
		{
			facts.push_back({"rows", rows.table,
							 rows.estimate < 0 ? "not counted: too large, and never analyzed"
											   : "about " + std::to_string(static_cast<int64_t>(rows.estimate)) +
													 ", by the planner's estimate: too large to be counted",
							 std::nullopt});
			for (const std::string &column : rows.lost)
				if (!is_kept(findings, rows.table, column))
					facts.push_back({"lost", column_of(rows.table, column), "the column's values; not counted", false});
			continue;
		}
		facts.push_back(
			{"rows", rows.table,
			 number(rows.before) + " before, " + number(rows.between) + " between, " + number(rows.after) + " after",
			 std::nullopt});
		if (!rows.before.has_value())
			continue;
		if (!rows.between.has_value() && rows.before->rows > 0 && !is_kept(findings, rows.table))
			facts.push_back({"lost", rows.table, count_of(rows.before->rows, "row"), false});
		for (const std::string &column : rows.lost)
			if (int64_t values = rows.before->values.at(column); values > 0 && !is_kept(findings, rows.table, column))
				facts.push_back({"lost", column_of(rows.table, column), count_of(values, "value"), false});
		if (rows.after.has_value() && rows.before->rows > 0)
		{
			const bool same = rows.after->rows == rows.before->rows && rows.after->sum == rows.before->sum &&
							  rows.after->values.size() == rows.before->values.size();
			facts.push_back({"values", rows.table, same ? "come back as they were" : "do not come back", same});
		}
	}
}

// As migrate::require_as_rehearsed() reads it.
std::string
to_json(const std::vector<Picture> &pictures)
{
	JsonArray json;

	for (const Picture &picture : pictures)
		json.json(JsonObject()
					  .text("type", picture.type)
					  .text("identity", picture.identity)
					  .json("definition", schema::to_json(picture))
					  .str());
	return json.str();
}

} // namespace

std::vector<Fact>
facts_of(const migrate::Migration &migration, const Findings &findings)
{
	std::vector<Fact> facts;

	add_verdict(facts, migration, findings);
	add_notes(facts, findings);
	for (const migrate::Finding &check : findings.checks)
		facts.push_back({"check", check.query, check.shown ? "shown" : check.actual, check.ok});
	add_kept(facts, findings);
	add_rows(facts, findings);
	add_locks(facts, findings);
	add_files(facts, findings);
	add_lasting(facts, findings);
	add_times(facts, migration, findings);
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
		{"server_version", pg::server_version()},
		{"up_us", time("up")},
		{"down_us", time("down")},
		{"again_us", time("up again")},
		{"facts", json.str()},
		{"steps", to_json(findings.steps)},
		{"before", to_json(findings.before)}};
	ledger::add_session(fields);
	return ledger::append(ledger::Table::rehearsal, fields);
}

} // namespace mg::rehearse
