// The gates, one by one.
#include "policy/gates.hpp"

#include <algorithm>
#include <set>

#include "core/headers.hpp"
#include "lint/rule.hpp"
#include "pg/text.hpp"
#include "policy/environment.hpp"
#include "policy/lists.hpp"
#include "policy/policy.hpp"
#include "policy/window.hpp"

namespace mg::policy {

namespace {

/* Why a gate is closed, and what opens it. */
struct Closed
{
	std::string why;
	std::string way;
};
using Judgement = std::optional<Closed>;

struct Gate
{
	const char *setting;
	bool for_rollbacks; // whatever the setting rollback_gates says
	Judgement (*judge)(Circumstances &);
};

std::string
span(double seconds)
{
	return pg::span_text(static_cast<int64_t>(seconds * 1e6));
}

Judgement
headers(Circumstances &circumstances)
{
	std::vector<std::string> missing;

	for (const std::string &name : names("required_headers"))
		if (circumstances.header(name).value_or("").empty())
			missing.push_back(name);
	if (missing.empty())
		return std::nullopt;
	return Closed{"the up script has no header comment: " + joined(missing),
				  "Write it at the top: -- " + missing.front() + ": ..."};
}

Judgement
ticket(Circumstances &circumstances)
{
	const std::string pattern = value_of("ticket_pattern");
	const std::string ticket = circumstances.header("ticket").value_or("");
	const bool fits = pg::guarded([&] {
		char *whole = psprintf("^(?:%s)$", pattern.c_str());
		return DatumGetBool(DirectFunctionCall2Coll(textregexeq, DEFAULT_COLLATION_OID,
													PointerGetDatum(cstring_to_text(ticket.c_str())),
													PointerGetDatum(cstring_to_text(whole))));
	});

	if (fits)
		return std::nullopt;
	return Closed{ticket.empty() ? "no header comment names a ticket" : "\"" + ticket + "\" is no ticket",
				  "Write it at the top: -- Ticket: ..., which fits " + pattern};
}

Judgement
down(Circumstances &circumstances)
{
	if (circumstances.has_down())
		return std::nullopt;
	return Closed{"it has no down script", "Hand one in with mg_register() or mg_apply()"};
}

Judgement
verification(Circumstances &circumstances)
{
	if (circumstances.has_verify())
		return std::nullopt;
	return Closed{"it has no verification queries", "Hand them in with mg_register() or mg_apply(): verify => ..."};
}

// What to do about a verdict before the next rehearsal.
std::string
cure_of(const std::string &verdict)
{
	if (verdict == "cannot be rehearsed")
		return "mg.rehearsals says what is in the way; once it is gone, rehearse it again: ";
	if (verdict == "no down")
		return "Hand in a down script, and rehearse it: ";
	if (verdict == "up fails" || verdict == "second up fails")
		return "Correct the scripts, and rehearse it again: ";
	return "Correct the down script, and rehearse it again: ";
}

Judgement
rehearsal(Circumstances &circumstances)
{
	const std::string call = "SELECT * FROM mg_rehearse('" + circumstances.migration() + "')";
	const std::string way = "Rehearse it: " + call + ", once it is registered";
	const std::optional<Rehearsed> known = circumstances.rehearsed();

	if (!known.has_value())
		return Closed{"these scripts have never been rehearsed here", way};
	if (known->verdict != "restores" && known->verdict != "restores, but column order")
		return Closed{"the last rehearsal says: " + known->verdict, cure_of(known->verdict) + call};
	if (known->stale.has_value())
		return Closed{"the last rehearsal, of " + known->at + ", is stale: " + *known->stale, way};
	if (known->down_us.has_value() && *known->down_us > static_cast<int64_t>(milliseconds("rollback_budget")) * 1000)
		return Closed{"its way back took " + pg::span_text(*known->down_us) + " of " + value_of("rollback_budget"),
					  "Make the down script faster, or change the policy setting rollback_budget"};
	return std::nullopt;
}

Judgement
lint_findings(Circumstances &circumstances)
{
	const lint::Severity least = value_of("lint_gate") == "error" ? lint::Severity::error : lint::Severity::warning;
	size_t count = 0;
	std::string first;

	for (const lint::Finding &finding : circumstances.findings())
	{
		if (finding.is_ignored || finding.severity < least)
			continue;
		if (count++ == 0)
			first = "line " + std::to_string(finding.line) + ", " + finding.rule->name + ": " + finding.message;
	}
	if (count == 0)
		return std::nullopt;
	return Closed{
		"the linter finds " + std::to_string(count) + (count == 1 ? " thing" : " things, first") + " in " + first,
		"Follow the hints of mg_lint_migration(), or answer for a finding above its statement: -- mg:ignore rule "
		"reason"};
}

std::string
counted(size_t count, int wanted)
{
	return std::to_string(count) + " of " + std::to_string(wanted);
}

Judgement
approval(Circumstances &circumstances)
{
	const int quorum = std::max(number("approval_quorum"), 1);
	const std::vector<Approval> given = circumstances.approvals();
	const char *what =
		circumstances.has_new_down() ? "its down script, which is new since it was applied, has no " : "it has no ";
	Closed closed;

	for (const Wanted &wanted : approvals_wanted(circumstances))
	{
		std::set<std::string> by;
		for (const Approval &one : given)
			if (one.kind == wanted.kind)
				by.insert(one.by);
		if (by.size() >= static_cast<size_t>(quorum))
			continue;
		closed.why += (closed.why.empty() ? "" : "; ") + std::string(what) + wanted.kind + " approval" +
					  (quorum > 1 ? " (" + counted(by.size(), quorum) + ")" : "") + ", which is wanted because " +
					  wanted.why;
		closed.way +=
			(closed.way.empty() ? "Somebody else than who registered it runs mg_approve('" : " and mg_approve('") +
			circumstances.migration() + "', '" + wanted.kind + "')";
	}
	return closed.why.empty() ? std::nullopt : Judgement(closed);
}

Judgement
promotion(Circumstances &circumstances)
{
	const std::string from = value_of("promoted_from");
	const std::vector<Promotion> known = circumstances.promotions();

	if (std::any_of(known.begin(), known.end(), [&](const Promotion &one) { return one.environment == from; }))
		return std::nullopt;
	return Closed{"nothing says that these scripts were applied and verified in " + from,
				  "Run SELECT mg_attest('" + circumstances.migration() + "') in " + from +
					  ", and hand its result to mg_accept_attestation() here"};
}

Judgement
window(Circumstances &circumstances)
{
	const std::string value = value_of("maintenance_window");
	const TimestampTz now = circumstances.now();
	const std::vector<Window> windows = windows_in(value);

	if (std::any_of(windows.begin(), windows.end(), [&](const Window &one) { return is_open(one, now); }))
		return std::nullopt;
	const std::string zone = windows.empty() ? "UTC" : windows.front().zone;
	return Closed{"it is " + clock_in(zone, now) + " " + zone + ", outside of the maintenance window",
				  "Wait for it: " + value};
}

Judgement
frozen(Circumstances &circumstances)
{
	const TimestampTz now = circumstances.now();

	for (const Freeze &freeze : freezes_in(value_of("freeze")))
		if (now >= freeze.begin && now < freeze.end)
			return Closed{"nothing changes until " +
							  std::string(pg::guarded([&] { return timestamptz_to_str(freeze.end); })),
						  "Wait, or change the policy setting freeze"};
	return std::nullopt;
}

Judgement
backup(Circumstances &circumstances)
{
	const std::optional<double> age = circumstances.backup_age();
	const std::string way = "Take one, and put it on record with mg_record_backup()";

	if (!age.has_value())
		return Closed{"no backup is on record", way};
	if (*age > seconds("backup_max_age"))
		return Closed{"the newest backup on record is " + span(*age) + " old, and may be " + value_of("backup_max_age"),
					  way};
	return std::nullopt;
}

Judgement
drift_free(Circumstances &circumstances)
{
	const int64_t differences = circumstances.drift();

	if (differences == 0)
		return std::nullopt;
	return Closed{"the schema differs from what the ledger says in " + std::to_string(differences) +
					  (differences == 1 ? " place" : " places"),
				  "See mg_drift_report(); undo it, or take it as it is with mg_accept_drift()"};
}

Judgement
transactions(Circumstances &circumstances)
{
	const std::optional<Laggard> oldest = circumstances.oldest_transaction();

	if (!oldest.has_value() || oldest->seconds <= seconds("longest_transaction"))
		return std::nullopt;
	return Closed{oldest->title + " has been in a transaction for " + span(oldest->seconds),
				  "Wait for its end, or end it"};
}

Judgement
lag(Circumstances &circumstances)
{
	const std::optional<Laggard> slowest = circumstances.slowest_replica();

	if (!slowest.has_value() || slowest->seconds <= seconds("replica_lag"))
		return std::nullopt;
	return Closed{slowest->title + " is " + span(slowest->seconds) + " behind", "Wait until it has caught up"};
}

Judgement
disk(Circumstances &circumstances)
{
	const int64_t needed = circumstances.disk_needed();
	const int64_t free = circumstances.disk_free();

	if (free < 0 || needed <= free)
		return std::nullopt;
	return Closed{"it writes about " + pg::size_text(needed) + ", and " + pg::size_text(free) + " are free",
				  "Make room, or split the migration"};
}

Judgement
reason(Circumstances &circumstances)
{
	if (!circumstances.reason().empty())
		return std::nullopt;
	return Closed{"no reason is given", "Say why: mg_rollback('" + circumstances.migration() + "', reason => ...)"};
}

/* In the order of the settings. */
constexpr Gate gates[] = {
	{"required_headers", false, headers},
	{"ticket_pattern", false, ticket},
	{"require_down", false, down},
	{"require_verify", false, verification},
	{"require_rehearsal", false, rehearsal},
	{"lint_gate", false, lint_findings},
	{"required_approvals", false, approval},
	{"promoted_from", false, promotion},
	{"maintenance_window", false, window},
	{"freeze", false, frozen},
	{"backup_max_age", false, backup},
	{"require_no_drift", false, drift_free},
	{"longest_transaction", false, transactions},
	{"replica_lag", false, lag},
	{"require_disk", false, disk},
	{"require_reason", true, reason},
};

// Whether the policy wants a gate for such an action.
bool
is_wanted(const Gate &gate, Circumstances &circumstances, const std::vector<std::string> &for_rollbacks)
{
	const std::string value = value_of(gate.setting);

	if (value.empty() || value == "off")
		return false;
	if (circumstances.action() == Action::apply)
		return !gate.for_rollbacks;
	/* Else whoever may apply anything at all could run anything, as the way back of it. */
	if (gate.judge == approval && circumstances.has_new_down())
		return true;
	return gate.for_rollbacks ||
		   std::find(for_rollbacks.begin(), for_rollbacks.end(), gate.setting) != for_rollbacks.end();
}

lint::Risk
risk_by(const std::string &word)
{
	for (lint::Risk risk : {lint::Risk::safe, lint::Risk::controlled, lint::Risk::high})
		if (word == lint::word_of(risk))
			return risk;
	return lint::Risk::safe;
}

} // namespace

std::vector<Verdict>
judge(Circumstances &circumstances)
{
	const std::vector<std::string> for_rollbacks = names("rollback_gates");
	std::vector<Verdict> result;

	for (const Gate &gate : gates)
		if (is_wanted(gate, circumstances, for_rollbacks))
		{
			Judgement closed = gate.judge(circumstances);
			result.push_back({gate.setting, !closed.has_value(), closed.has_value() ? closed->why : "",
							  closed.has_value() ? closed->way : ""});
		}
	return result;
}

std::vector<Wanted>
approvals_wanted(Circumstances &circumstances)
{
	std::vector<Wanted> result;

	for (const std::string &kind : names("required_approvals"))
	{
		if (kind == "review")
		{
			const std::string unreviewed = value_of("unreviewed_risk");
			const lint::Risk risk = circumstances.risk().risk;
			if (unreviewed == "none")
				result.push_back({kind, "every migration needs one here"});
			else if (risk > risk_by(unreviewed))
				result.push_back({kind, std::string("its risk class is ") + lint::word_of(risk)});
			continue;
		}
		if (kind == "architecture")
		{
			const lint::RiskReport &report = circumstances.risk();
			if (report.risk == lint::Risk::high)
				result.push_back(
					{kind, "its risk class is high-risk: " + (report.reasons.empty() ? "" : report.reasons.front())});
			continue;
		}
		const std::vector<lint::Sensitive> &sensitive = circumstances.sensitive();
		auto found = std::find_if(sensitive.begin(), sensitive.end(),
								  [&](const lint::Sensitive &one) { return one.kind == kind; });
		if (found != sensitive.end())
			result.push_back({kind, "of line " + std::to_string(found->line) + ": " + found->why});
	}
	return result;
}

const std::vector<std::string> &
approval_kinds()
{
	static const std::vector<std::string> kinds = {"review", "architecture", "security", "retention"};
	return kinds;
}

std::vector<std::string>
gate_names()
{
	std::vector<std::string> result;

	for (const Gate &gate : gates)
		result.emplace_back(gate.setting);
	return result;
}

} // namespace mg::policy
