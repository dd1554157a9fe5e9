// Weighs findings.
#include "lint/risk.hpp"

#include <algorithm>

#include "lint/locks.hpp"
#include "lint/rule.hpp"

namespace mg::lint {

namespace {

/* Nobody notices a table that is away for less than this; it queues up what comes from then on. */
constexpr int64_t long_us = 1000 * 1000;

struct Reason
{
	Risk risk;
	std::string words;
};

// What a finding says of the risk; nothing when it is only for information.
std::optional<Reason>
reason_of(const Finding &finding)
{
	const std::string place = "line " + std::to_string(finding.line) + ", " + finding.rule->name;
	const std::string words =
		place + ": " + finding.message + (finding.is_ignored ? " (ignored: " + finding.reason + ")" : "");

	if (finding.severity == Severity::error)
		return Reason{Risk::high, words};
	if (finding.rule->loses)
		return Reason{finding.bytes > 0 || finding.rows > 0 ? Risk::high : Risk::controlled, words};
	if (finding.work != Work::none && finding.us >= long_us && finding.lock >= ShareLock)
		return Reason{Risk::high, words};
	if (finding.severity == Severity::warning || finding.rule->breaks)
		return Reason{Risk::controlled, words};
	return std::nullopt;
}

} // namespace

const char *
word_of(Risk risk)
{
	switch (risk)
	{
		case Risk::high:
			return "high-risk";
		case Risk::controlled:
			return "controlled";
		case Risk::safe:
			break;
	}
	return "safe";
}

RiskReport
judge_risk(const Findings &findings, const Past &past)
{
	std::vector<Reason> reasons;
	RiskReport report;

	for (const Finding &finding : findings)
	{
		if (std::optional<Reason> reason = reason_of(finding))
			reasons.push_back(std::move(*reason));
		if (finding.rule->breaks)
			report.breaks.push_back("line " + std::to_string(finding.line) + ": " + finding.message);
	}
	if (past.verdict.has_value())
		reasons.push_back({past.restores ? Risk::safe : Risk::high, "its rehearsal says: " + *past.verdict});
	if (!past.has_down && past.has_statements)
		reasons.push_back({Risk::controlled, "there is no way back: it has no down script"});

	std::stable_sort(reasons.begin(), reasons.end(), [](const Reason &a, const Reason &b) { return a.risk > b.risk; });
	for (Reason &reason : reasons)
	{
		report.risk = std::max(report.risk, reason.risk);
		report.reasons.push_back(std::move(reason.words));
	}
	report.is_compatible = report.breaks.empty();
	return report;
}

} // namespace mg::lint
