// Finds the migration, rehearses it and keeps the receipt.
#include "rehearse/rehearse.hpp"

#include <algorithm>

#include "migrate/own_history.hpp"
#include "pg/lock.hpp"
#include "pg/subtransaction.hpp"
#include "rehearse/deployment.hpp"
#include "rehearse/receipt.hpp"

namespace mg::rehearse {

namespace {

std::vector<pg::Row>
rows_of(const migrate::Migration &migration, bool applied, bool named)
{
	Findings findings = rehearse(migration, applied);
	std::vector<Fact> facts = facts_of(migration, findings);
	std::vector<pg::Row> rows;

	std::optional<int64_t> receipt = keep(migration, named, findings, facts);
	facts.push_back({"receipt", migration.up.checksum(),
					 receipt.has_value() ? std::to_string(*receipt) : "not kept, since the transaction is read-only",
					 std::nullopt});
	for (const Fact &fact : facts)
		rows.push_back(
			{fact.aspect, fact.object, fact.value, fact.ok.has_value() ? pg::Cell(*fact.ok ? "t" : "f") : pg::Cell()});
	return rows;
}

} // namespace

std::vector<pg::Row>
rehearse_one(const std::string &name)
{
	std::optional<ledger::Registration> known = ledger::find_registration(name);

	if (!known.has_value())
		throw UserError("MG004", "migration \"" + name + "\" is not registered")
			.hint("Register it with mg_register(), or hand in its scripts: mg_rehearse(up, down).");
	return rows_of(migrate::Migration::from_ledger(*known), ledger::is_applied(name), true);
}

std::vector<pg::Row>
rehearse_scripts(const std::string &up, const std::optional<std::string> &down)
{
	migrate::Request request;

	request.name = migrate::unnamed_script;
	request.up = up;
	request.down = down;
	return rows_of(migrate::Migration::from_request(request), false, false);
}

namespace {

// The pending migrations, those that are required before those that require them.
std::vector<std::string>
pending_migrations()
{
	std::vector<std::string> waiting;

	for (const pg::Row &row : ledger::query("SELECT s.migration FROM mg.status s WHERE s.status <> 'applied'"))
		waiting.push_back(*row[0]);
	return in_order(ledger::all_requirements(), std::move(waiting));
}

std::vector<std::string>::iterator
find_pending(std::vector<std::string> &names, const std::string &name)
{
	auto found = std::find(names.begin(), names.end(), name);

	if (found == names.end())
		throw UserError("MG004", "no pending migration is called \"" + name + "\"")
			.hint("SELECT migration, status FROM mg.status tells which there are.");
	return found;
}

struct Rung
{
	migrate::Migration migration;
	Findings findings;
};

// Rehearses one after the other and applies each for the next, until one cannot be.
void
climb(const std::vector<std::string> &names, std::vector<Rung> &stair)
{
	std::set<std::string> assumed;

	for (const std::string &name : names)
	{
		migrate::Migration migration = migrate::Migration::from_ledger(*ledger::find_registration(name));
		Findings findings = rehearse(migration, false, assumed);
		const Verdict verdict = findings.verdict;
		stair.push_back({std::move(migration), std::move(findings)});
		if (verdict == Verdict::cannot || verdict == Verdict::up_fails)
			return;

		pg::SettingsScope settings;
		migrate::Progress progress;
		capture::Run run(ledger::new_id(), name);
		const script::Script &up = stair.back().migration.up;
		std::optional<Deployment> deployment;
		migrate::Watch watch;
		if (Deployment::is_wanted(up))
		{
			deployment.emplace(up, false);
			watch.instead = [&](const script::Statement &statement) { return deployment->stand_in(statement).sql; };
		}
		migrate::run_script(up, name, run, progress, watch);
		migrate::check_constraints(name, progress);
		migrate::note_listed(name, true);
		assumed.insert(name);
	}
}

pg::Cell
time_of(const Findings &findings, const char *phase)
{
	for (const Turn &turn : findings.turns)
		if (turn.phase == phase)
			return std::to_string(turn.duration_us) + " microseconds";
	return std::nullopt;
}

} // namespace

std::vector<pg::Row>
rehearse_all(const std::optional<std::string> &first, const std::optional<std::string> &last)
{
	require_possible();
	std::vector<std::string> names = pending_migrations();
	std::vector<Rung> stair;
	std::vector<pg::Row> rows;

	if (last.has_value())
		names.erase(find_pending(names, *last) + 1, names.end());
	if (first.has_value())
		names.erase(names.begin(), find_pending(names, *first));
	pg::AdvisoryLocks locks;
	std::optional<pg::Error> error = pg::try_and_undo([&] {
		XactReadOnly = false;
		climb(names, stair);
	});
	if (error.has_value())
		throw std::move(*error);
	for (const Rung &rung : stair)
	{
		std::vector<Fact> facts = facts_of(rung.migration, rung.findings);
		keep(rung.migration, true, rung.findings, facts);
		rows.push_back({rung.migration.name, word_of(rung.findings.verdict), time_of(rung.findings, "up"),
						time_of(rung.findings, "down"), std::to_string(rung.findings.deviations.size())});
	}
	return rows;
}

} // namespace mg::rehearse
