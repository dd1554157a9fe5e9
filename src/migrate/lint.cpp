// Hands scripts to the linter.
#include "migrate/lint.hpp"

#include <algorithm>
#include <set>

#include <boost/algorithm/string/predicate.hpp>

#include "archive/account.hpp"
#include "core/json.hpp"
#include "lint/locks.hpp"
#include "lint/rule.hpp"
#include "migrate/conflicts.hpp"
#include "migrate/pace.hpp"
#include "pg/subtransaction.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"

namespace mg::migrate {

namespace {

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

// What comes before a step of so many.
std::string
introduction(const lint::Finding &finding, size_t i)
{
	if (i > 0)
		return "Then, in a migration of its own";
	if (finding.afterwards)
		return finding.steps[0].outside ? "Afterwards" : "Afterwards, in a migration of its own";
	return finding.steps.size() == 1 ? "Instead" : "First";
}

// How a step runs that no transaction may have around it. A DO that commits is no statement that mg_deploy() runs by itself.
const char *
way_of(const lint::Step &step)
{
	if (!step.outside)
		return ": ";
	return boost::algorithm::starts_with(step.sql, "DO ") ? ", outside of a transaction: " : ", by mg_deploy(): ";
}

// The hint with the steps behind it.
std::string
hint_of(const lint::Finding &finding)
{
	std::string result = finding.hint;

	for (size_t i = 0; i < finding.steps.size(); i++)
		result +=
			(result.empty() ? "" : "\n") + introduction(finding, i) + way_of(finding.steps[i]) + finding.steps[i].sql;
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

// Each is let go of as it is told: of a long script there are many.
void
tell(lint::Findings findings, const RowSink &each)
{
	for (lint::Finding &told : findings)
	{
		const lint::Finding finding = std::move(told);
		each({finding.rule->name, finding.is_ignored ? "ignored" : lint::word_of(finding.severity),
			  std::to_string(finding.line), std::to_string(finding.column), some(finding.statement),
			  some(finding.object),
			  finding.lock != NoLock ? pg::Cell(GetLockmodeName(DEFAULT_LOCKMETHOD, finding.lock)) : pg::Cell(),
			  some(lint::blocked_by(finding.lock)), some(lint::word_of(finding.work)),
			  finding.rows >= 0 ? pg::Cell(std::to_string(static_cast<int64_t>(finding.rows))) : pg::Cell(),
			  finding.bytes >= 0 ? pg::Cell(std::to_string(finding.bytes)) : pg::Cell(),
			  finding.basis.empty() ? pg::Cell() : pg::Cell(std::to_string(finding.us) + " microseconds"),
			  some(finding.basis), finding.message, some(hint_of(finding)), steps_of(finding),
			  finding.rule->breaks ? "t" : "f", link_of(*finding.rule), some(finding.reason)});
	}
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

std::vector<script::Script>
pending_before(const Migration &migration)
{
	std::set<std::string> known = {migration.name};
	std::vector<script::Script> scripts;

	if (!migration.requirements.empty())
	{
		Requirements requirements = ledger::all_requirements();
		requirements[migration.name] = migration.requirements;
		add_pending(migration.name, requirements, known, scripts);
	}
	return scripts;
}

// What goes with a statement is kept first, unless policy or the script says otherwise: mg:discard may be about any of its statements.
void
add_keeping(const script::Script &script, lint::Findings &findings)
{
	if (boost::algorithm::icontains(script.text(), "mg:discard"))
		return;
	for (lint::Finding &finding : findings)
		if (finding.rule->loses && !finding.object.empty() && archive::is_kept_here(finding.object))
		{
			const std::string limit = policy::value_of("archive_retention");
			finding.hint += std::string(finding.hint.empty() ? "" : " ") + "What goes is kept" +
							(limit.empty() ? "" : " for " + limit) + ", and a way back finds it there: mg.archives.";
		}
}

lint::Findings
lint_on_top(const script::Script &script, const std::vector<const script::Script *> &before, Wanted wanted,
			std::vector<lint::Sensitive> *sensitive)
{
	lint::Findings findings = lint::lint(script, before,
										 {policy::bytes("lint_small_table"),
										  lint::severities_of(policy::value_of("lint_severity")),
										  wanted == Wanted::disk,
										  wanted == Wanted::risk,
										  {policy::names("security_schemas"), policy::names("security_roles")}},
										 sensitive);
	std::optional<Pace> known;

	if (wanted != Wanted::risk)
		add_keeping(script, findings);
	for (lint::Finding &finding : findings)
		if (finding.work != lint::Work::none && finding.bytes >= 0)
		{
			if (!known.has_value())
				known = pace();
			Duration duration = time_for(finding.work, finding.bytes, *known);
			finding.us = duration.us;
			finding.basis = std::move(duration.basis);
		}
	return findings;
}

// What other pending migrations touch, too. Not for mg_apply(): it takes all their scripts.
void
add_conflicts(const Migration &migration, lint::Findings &findings)
{
	const lint::Rule *rule = lint::rule_of("conflicts-with-pending");
	const lint::Severities severities = lint::severities_of(policy::value_of("lint_severity"));
	const lint::Severity severity = lint::severity_of(*rule, severities);

	if (severity == lint::Severity::off || ledger::is_applied(migration.name))
		return;
	for (const auto &[number, conflicts] : conflicts_of(migration))
	{
		const script::Statement &statement = migration.up.statements()[number];
		for (const std::string &conflict : conflicts)
		{
			lint::Finding finding;
			finding.rule = rule;
			finding.severity = severity;
			finding.number = static_cast<int>(number);
			finding.line = statement.place.line;
			finding.column = statement.place.column;
			finding.statement = statement.secret ? statement.tag : pg::excerpt(migration.up.text_of(statement), 200);
			finding.message = "other pending migrations touch it too: " + conflict;
			finding.hint = "Say which comes first: requires.";
			findings.push_back(std::move(finding));
		}
	}
}

pg::Row
row_of(const lint::RiskReport &report)
{
	return {lint::word_of(report.risk), report.is_compatible ? "t" : "f", pg::array_literal(report.reasons),
			pg::array_literal(report.breaks)};
}

} // namespace

lint::Findings
findings_of(const script::Script &script, Wanted wanted, std::vector<lint::Sensitive> *sensitive)
{
	return lint_on_top(script, {}, wanted, sensitive);
}

lint::Findings
findings_of(const Migration &migration, Wanted wanted, std::vector<lint::Sensitive> *sensitive)
{
	const std::vector<script::Script> scripts = pending_before(migration);
	std::vector<const script::Script *> before;

	for (const script::Script &script : scripts)
		before.push_back(&script);
	return lint_on_top(migration.up, before, wanted, sensitive);
}

std::vector<lint::Sensitive>
sensitive_back(const Migration &migration)
{
	std::vector<lint::Sensitive> result;

	if (!migration.down.has_value())
		return result;
	const std::vector<script::Script> scripts = pending_before(migration);
	std::vector<const script::Script *> before;
	std::vector<lint::Sensitive> all;

	for (const script::Script &script : scripts)
		before.push_back(&script);
	before.push_back(&migration.up);
	(void)lint_on_top(*migration.down, before, Wanted::all, &all);
	for (lint::Sensitive &one : all)
		if (one.kind == "security")
		{
			one.why += " (in the down script)";
			result.push_back(std::move(one));
		}
	return result;
}

std::optional<ledger::Receipt>
receipt_of(const Migration &migration)
{
	return ledger::newest_receipt(migration.up.checksum(),
								  migration.down.has_value() ? pg::Cell(migration.down->checksum()) : pg::Cell());
}

lint::RiskReport
risk_of(const Migration &migration, const lint::Findings &findings, const std::optional<ledger::Receipt> &receipt)
{
	lint::Past past;

	past.has_down = migration.down.has_value();
	past.has_statements = !migration.up.statements().empty();
	if (receipt.has_value() && !receipt->stale.has_value())
	{
		past.verdict = receipt->verdict;
		past.restores = receipt->verdict == "restores" || receipt->verdict == "restores, but column order";
	}
	return lint::judge_risk(findings, past);
}

lint::RiskReport
risk_of_down(const lint::Findings &findings)
{
	lint::Past past;

	past.has_down = true;
	past.has_statements = true;
	return lint::judge_risk(findings, past);
}

Judged
judged(const lint::Findings &findings, const lint::RiskReport &report)
{
	JsonArray reasons;
	Judged result;

	for (const std::string &reason : report.reasons)
		reasons.text(reason);
	result.risk = lint::word_of(report.risk);
	result.findings = static_cast<int>(std::count_if(findings.begin(), findings.end(), [](const auto &finding) {
		return !finding.is_ignored && finding.severity >= lint::Severity::warning;
	}));
	result.evidence = {0, "risk class", true, true, "", result.risk, reasons.str()};
	return result;
}

std::optional<Judged>
judge(const Migration &migration)
{
	Judged result;
	/* Asked before the subtransaction, at the end of which the policy would be read again. */
	(void)policy::value_of("lint_severity");
	std::optional<pg::Error> error = pg::try_and_undo([&] {
		const lint::Findings findings = findings_of(migration, Wanted::risk);
		result = judged(findings, risk_of(migration, findings, receipt_of(migration)));
	});

	if (!error.has_value())
		return result;
	pg::report(WARNING, UserError("01000", "the linter cannot tell the risk of migration \"" + migration.name + "\"")
							.detail(error->data().message != nullptr ? error->data().message : ""));
	return std::nullopt;
}

void
lint_script(const std::string &script, const RowSink &each)
{
	tell(findings_of(script::Script("up", script)), each);
}

void
lint_migration(const std::string &name, const RowSink &each)
{
	const Migration migration =
		Migration::registered(name, "Register it with mg_register(), or hand in its script: mg_lint(script).");
	lint::Findings findings = findings_of(migration);

	add_conflicts(migration, findings);
	tell(std::move(findings), each);
}

pg::Row
risk_of_migration(const std::string &name)
{
	Migration migration =
		Migration::registered(name, "Register it with mg_register(), or hand in its script: mg_lint(script).");

	return row_of(risk_of(migration, findings_of(migration), receipt_of(migration)));
}

pg::Row
risk_of_scripts(const std::string &up, const std::optional<std::string> &down)
{
	lint::Past past;
	const script::Script script("up", up);

	past.has_down = down.has_value();
	past.has_statements = !script.statements().empty();
	return row_of(lint::judge_risk(findings_of(script), past));
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
						major(rule.since), major(rule.until), rule.breaks ? "t" : "f", rule.loses ? "t" : "f",
						link_of(rule)});
	return rows;
}

} // namespace mg::migrate
