// Hands scripts to the linter.
#include "migrate/lint.hpp"

#include <algorithm>
#include <set>

#include "lint/lint.hpp"
#include "lint/rule.hpp"
#include "migrate/migration.hpp"
#include "policy/policy.hpp"

namespace mg::migrate {

namespace {

std::vector<pg::Row>
rows_of(const script::Script &script, const std::vector<const script::Script *> &before)
{
	std::vector<pg::Row> rows;
	auto some = [](const std::string &text) { return text.empty() ? pg::Cell() : pg::Cell(text); };

	for (const lint::Finding &finding : lint::lint(script, before, {policy::bytes("lint_small_table")}))
		rows.push_back(
			{finding.rule->name, lint::word_of(finding.severity), std::to_string(finding.line),
			 std::to_string(finding.column), finding.statement, some(finding.object),
			 finding.lock != NoLock ? pg::Cell(GetLockmodeName(DEFAULT_LOCKMETHOD, finding.lock)) : pg::Cell(),
			 finding.message, some(finding.hint)});
	return rows;
}

// The pending migrations that one requires, directly or not, those first that others require.
void
add_pending(const std::string &name, const Requirements &requirements, std::set<std::string> &known,
			std::vector<script::Script> &scripts)
{
	auto required = requirements.find(name);

	if (required == requirements.end())
		return;
	for (const std::string &other : required->second)
	{
		if (!known.insert(other).second || ledger::is_applied(other))
			continue;
		add_pending(other, requirements, known, scripts);
		if (std::optional<ledger::Registration> registration = ledger::find_registration(other))
			scripts.push_back(read_kept_script("up", registration->up));
	}
}

} // namespace

std::vector<pg::Row>
lint_script(const std::string &text)
{
	return rows_of(script::Script("up", text), {});
}

std::vector<pg::Row>
lint_migration(const std::string &name)
{
	std::optional<ledger::Registration> registration = ledger::find_registration(name);
	std::set<std::string> known = {name};
	std::vector<script::Script> scripts;
	std::vector<const script::Script *> before;

	if (!registration.has_value())
		throw UserError("MG004", "migration \"" + name + "\" is not registered")
			.hint("Register it with mg_register(), or hand in its script: mg_lint(script).");
	add_pending(name, ledger::all_requirements(), known, scripts);
	for (const script::Script &script : scripts)
		before.push_back(&script);
	return rows_of(read_kept_script("up", registration->up), before);
}

std::vector<pg::Row>
lint_rules()
{
	std::vector<pg::Row> rows;
	auto major = [](int number) { return number != 0 ? pg::Cell(std::to_string(number)) : pg::Cell(); };

	for (const lint::Rule &rule : lint::rules())
		rows.push_back({rule.name, rule.group, lint::word_of(rule.severity), rule.summary, rule.why, rule.safe,
						major(rule.since), major(rule.until)});
	return rows;
}

} // namespace mg::migrate
