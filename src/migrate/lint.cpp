// Hands scripts to the linter.
#include "migrate/lint.hpp"

#include <algorithm>
#include <set>

#include "lint/lint.hpp"
#include "lint/locks.hpp"
#include "lint/rule.hpp"
#include "migrate/migration.hpp"
#include "policy/policy.hpp"

namespace mg::migrate {

namespace {

// How long a finding's work takes at a common rate.
struct Estimate
{
	pg::Cell time;
	pg::Cell basis;
};

Estimate
estimate_of(const lint::Finding &finding)
{

	if (finding.work == lint::Work::none || finding.bytes < 0)
		return {};
	return {};
}

pg::Cell
some(const std::string &text)
{
	return text.empty() ? pg::Cell() : pg::Cell(text);
}

std::string
link_of(const lint::Rule &rule)
{
	return std::string("docs/lint-rules.md#") + rule.name;
}

// The hint with the steps behind it.
std::string
hint_of(const lint::Finding &finding)
{
	std::string result = finding.hint;

	for (size_t i = 0; i < finding.steps.size(); i++)
		result += (result.empty() ? "" : "\n") +
				  (finding.steps.size() == 1
					   ? std::string("Instead")
					   : (i == 0 ? std::string("First") : std::string("Then, in a migration of its own"))) +
				  (finding.steps[i].outside ? ", outside of a transaction: " : ": ") + finding.steps[i].sql;
	return result;
}

pg::Cell
steps_of(const lint::Finding &finding)
{
	std::vector<std::string> steps;

	for (const lint::Step &step : finding.steps)
		steps.push_back(step.sql);
	return steps.empty() ? pg::Cell() : pg::Cell(pg::array_literal(steps));
}

std::vector<lint::Finding>
findings_of(const script::Script &script, const std::vector<const script::Script *> &before)
{
	return lint::lint(script, before,
					  {policy::bytes("lint_small_table"), lint::severities_of(policy::value_of("lint_severity"))});
}

std::vector<pg::Row>
rows_of(const std::vector<lint::Finding> &findings)
{
	std::vector<pg::Row> rows;

	for (const lint::Finding &finding : findings)
	{
		const Estimate estimate = estimate_of(finding);
		rows.push_back(
			{finding.rule->name, finding.is_ignored ? "ignored" : lint::word_of(finding.severity),
			 std::to_string(finding.line), std::to_string(finding.column), some(finding.statement),
			 some(finding.object),
			 finding.lock != NoLock ? pg::Cell(GetLockmodeName(DEFAULT_LOCKMETHOD, finding.lock)) : pg::Cell(),
			 some(lint::blocked_by(finding.lock)), some(lint::word_of(finding.work)),
			 finding.rows >= 0 ? pg::Cell(std::to_string(static_cast<int64_t>(finding.rows))) : pg::Cell(),
			 finding.bytes >= 0 ? pg::Cell(std::to_string(finding.bytes)) : pg::Cell(), estimate.time, estimate.basis,
			 finding.message, some(hint_of(finding)), steps_of(finding), link_of(*finding.rule), some(finding.reason)});
	}
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
	return rows_of(findings_of(script::Script("up", text), {}));
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
	return rows_of(findings_of(read_kept_script("up", registration->up), before));
}

std::vector<pg::Row>
lint_locks(const std::string &text)
{
	std::vector<pg::Row> rows;

	for (const lint::Lock &lock : lint::locks(script::Script("up", text), {}))
	{
		/* As it is called now, whatever the script calls it. */
		const char *name = pg::guarded([&]() -> const char * {
			const char kind = get_rel_relkind(lock.table);
			return strchr("rpmf", kind) != nullptr && kind != '\0'
					   ? quote_qualified_identifier(get_namespace_name(get_rel_namespace(lock.table)),
													get_rel_name(lock.table))
					   : nullptr;
		});
		if (name != nullptr)
			rows.push_back({std::to_string(lock.statement + 1), pg::Cell(name),
							pg::Cell(GetLockmodeName(DEFAULT_LOCKMETHOD, lock.mode))});
	}
	return rows;
}

std::vector<pg::Row>
lint_rules()
{
	std::vector<pg::Row> rows;
	auto major = [](int number) { return number != 0 ? pg::Cell(std::to_string(number)) : pg::Cell(); };

	for (const lint::Rule &rule : lint::rules())
		rows.push_back({rule.name, rule.group, lint::word_of(rule.severity), rule.summary, rule.why, rule.safe,
						major(rule.since), major(rule.until), link_of(rule)});
	return rows;
}

} // namespace mg::migrate
