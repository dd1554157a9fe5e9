// One function for each item.
#include "report/ticks.hpp"

#include <algorithm>

#include "core/naming.hpp"
#include "lint/rule.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"

namespace mg::report {

namespace {

constexpr const char *one_day = "86400";

std::string
span(const pg::Cell &microseconds)
{
	const int64_t us = std::stoll(microseconds.value_or("0"));

	return us < 1000 * 1000 ? std::to_string(us / 1000) + "." + std::to_string(us % 1000 / 100) + " ms"
							: pg::span_text(us);
}

Tick
not_yet()
{
	return {false, "", "it is not applied"};
}

Tick
not_kept(const Subject &subject)
{
	return {std::nullopt, "", "judged before it was applied, at " + subject.run.at + ", and not on record"};
}

Tick
named(Subject &subject)
{
	const Convention &convention = policy::naming();
	const std::optional<std::string> wrong = check_name(convention, subject.migration.name);

	return {!wrong.has_value(), "", wrong.value_or("convention " + std::string(convention.name))};
}

Tick
described(Subject &subject)
{
	std::string description = subject.surroundings.header("description").value_or("");

	if (description.empty())
		description = subject.surroundings.header("purpose").value_or("");
	return {!description.empty(), subject.surroundings.header("author").value_or(""),
			description.empty() ? "no header comment Description or Purpose" : pg::excerpt(description, 200)};
}

Tick
ticket(Subject &subject)
{
	const std::string named_ticket = subject.surroundings.header("ticket").value_or("");

	if (!named_ticket.empty())
		return {true, "", pg::excerpt(named_ticket, 200)};
	if (policy::value_of("ticket_pattern").empty())
		return {std::nullopt, "", "the policy asks for none"};
	return {false, "", "no header comment Ticket"};
}

Tick
parsed(Subject &subject)
{
	const std::vector<pg::Row> rows =
		ledger::query("SELECT n.at::timestamptz(0)::text, n.login_role FROM mg.newest_registration n WHERE n.migration "
					  "= $1",
					  {subject.migration.name});
	const script::Statement *refused = subject.migration.up.first_undeployable();
	const script::Statement *deployed = refused == nullptr ? subject.migration.up.first_refused() : nullptr;

	return {true, rows[0][1].value_or(""),
			"registered at " + rows[0][0].value_or("") + ", " +
				std::to_string(subject.migration.up.statements().size()) + " statements" +
				(refused != nullptr ? "; cannot run line " + std::to_string(refused->place.line) : "") +
				(deployed != nullptr ? "; wants mg_deploy() for line " + std::to_string(deployed->place.line) : "")};
}

Tick
required(Subject &subject)
{
	std::string missing;

	if (subject.migration.requirements.empty())
		return {true, "", "it requires none"};
	for (const std::string &name : subject.migration.requirements)
		if (!ledger::is_applied(name))
			missing += (missing.empty() ? "" : ", ") + name;
	return {missing.empty(), "",
			missing.empty() ? std::to_string(subject.migration.requirements.size()) + " applied"
							: "not applied: " + missing};
}

Tick
linted(Subject &subject)
{
	if (subject.is_applied)
		return not_kept(subject);
	const lint::Findings &findings = subject.surroundings.findings();
	auto count = [&](lint::Severity severity) {
		return std::count_if(findings.begin(), findings.end(), [&](const lint::Finding &finding) {
			return !finding.is_ignored && finding.severity == severity;
		});
	};
	const auto errors = count(lint::Severity::error);

	return {errors == 0, "",
			std::to_string(errors) + " errors, " + std::to_string(count(lint::Severity::warning)) +
				" warnings: mg_lint_migration()"};
}

Tick
risk_known(Subject &subject)
{
	if (subject.is_applied)
		return {subject.run.risk.has_value(), "", subject.run.risk.value_or("not on record")};
	return {true, "", lint::word_of(subject.surroundings.risk().risk)};
}

Tick
compatible(Subject &subject)
{
	if (subject.is_applied)
		return not_kept(subject);
	const lint::RiskReport &report = subject.surroundings.risk();

	return {report.is_compatible, "",
			report.is_compatible || report.breaks.empty() ? "nothing that an application would trip over"
														  : pg::excerpt(report.breaks.front(), 300)};
}

Tick
by_rehearsal(const Subject::Rehearsal &rehearsal, bool done, const std::string &what)
{
	return {done && rehearsal.stale.empty(), rehearsal.by,
			what + ", receipt " + rehearsal.id + " of " + rehearsal.at +
				(rehearsal.stale.empty() ? "" : ", stale: " + rehearsal.stale)};
}

Tick
never_rehearsed()
{
	return {false, "", "these scripts were never rehearsed here: mg_rehearse()"};
}

Tick
duration(Subject &subject)
{
	for (const char *key : {"estimated_time", "estimated_duration"})
		if (const std::string said = subject.surroundings.header(key).value_or(""); !said.empty())
			return {true, "", "header comment: " + pg::excerpt(said, 100)};
	const auto &known = subject.rehearsal();
	if (!known.has_value() || !known->up_us.has_value())
		return never_rehearsed();
	return by_rehearsal(*known, true, span(known->up_us));
}

Tick
impact(Subject &subject)
{
	const auto &known = subject.rehearsal();

	if (!known.has_value() || !known->up_us.has_value())
		return never_rehearsed();
	return by_rehearsal(*known, true, "locks, rewrites, scans and rows are in mg.rehearsals");
}

Tick
has_down(Subject &subject)
{
	return {subject.migration.down.has_value(), "", subject.migration.down.has_value() ? "down script" : "none"};
}

Tick
rollback_tested(Subject &subject)
{
	const auto &known = subject.rehearsal();

	if (!known.has_value())
		return never_rehearsed();
	return by_rehearsal(*known, known->verdict == "restores" || known->verdict == "restores, but column order",
						known->verdict);
}

Tick
rollback_in_time(Subject &subject)
{
	const auto &known = subject.rehearsal();

	if (!known.has_value() || !known->down_us.has_value())
		return never_rehearsed();
	return by_rehearsal(
		*known, std::stoll(*known->down_us) <= static_cast<int64_t>(policy::milliseconds("rollback_budget")) * 1000,
		span(known->down_us) + " of " + policy::value_of("rollback_budget"));
}

Tick
has_verification(Subject &subject)
{
	return {subject.migration.verify.has_value(), "",
			subject.migration.verify.has_value()
				? std::to_string(subject.migration.verify->statements().size()) + " queries"
				: "none"};
}

Tick
approved(Subject &subject, const std::string &kind)
{
	std::vector<std::string> by;
	std::string why;

	if (subject.is_applied)
		for (const pg::Row &row : ledger::query(
				 "SELECT x.login_role FROM (SELECT DISTINCT ON (a.login_role) a.* FROM mg.approval a WHERE a.migration "
				 "= $1 AND a.checksum = $2 AND a.kind = $3 AND a.at <= $4::timestamptz"
				 " ORDER BY a.login_role, a.at DESC, a.id DESC) x WHERE x.given ORDER BY 1",
				 {subject.migration.name, subject.bundle, kind, subject.run.at}))
			by.push_back(row[0].value_or(""));
	else
	{
		for (const policy::Approval &one : subject.surroundings.approvals())
			if (one.kind == kind)
				by.push_back(one.by);
		for (const policy::Wanted &wanted : policy::approvals_wanted(subject.surroundings))
			if (wanted.kind == kind)
				why = wanted.why;
	}
	std::string names;
	for (const std::string &name : by)
		names += (names.empty() ? "" : ", ") + name;
	const auto quorum = static_cast<size_t>(std::max(policy::number("approval_quorum"), 1));
	const std::string count =
		std::to_string(by.size()) + (by.size() == 1 ? " approval" : " approvals") + " of these scripts";
	if (!by.empty() && (subject.is_applied || why.empty() || by.size() >= quorum))
		return {true, names, count};
	if (subject.is_applied)
		return {std::nullopt, "", "none on record"};
	if (why.empty())
		return {std::nullopt, "", "the policy does not ask for it"};
	return {false, names, count + " of " + std::to_string(quorum) + ", wanted because " + why};
}

Tick
reviewed(Subject &subject)
{
	return approved(subject, "review");
}

Tick
architecture(Subject &subject)
{
	return approved(subject, "architecture");
}

Tick
security(Subject &subject)
{
	return approved(subject, "security");
}

Tick
retention(Subject &subject)
{
	return approved(subject, "retention");
}

Tick
promoted(Subject &subject)
{
	const std::string from = policy::value_of("promoted_from");
	std::string seen;

	for (const pg::Row &row : ledger::query(
			 "SELECT e.body->>'environment', e.body->>'applied_at', e.body->>'attested_by' FROM mg.evidence e"
			 " WHERE e.kind = 'attestation' AND e.subject = $1 AND e.body->>'checksum' = $2 AND e.installation = "
			 "(SELECT installation FROM mg.current) ORDER BY e.at DESC, e.id DESC",
			 {subject.migration.name, subject.bundle}))
	{
		if (from.empty() || row[0] == from)
			return {true, row[2].value_or(""), "applied in " + row[0].value_or("") + " at " + row[1].value_or("")};
		seen += (seen.empty() ? "" : ", ") + row[0].value_or("");
	}
	if (from.empty())
		return {std::nullopt, "", "the policy names no environment before this one"};
	return {false, "", "no attestation of " + from + (seen.empty() ? "" : ", only of " + seen)};
}

Tick
backup(Subject &subject)
{
	const int limit = policy::seconds("backup_max_age");
	const std::vector<pg::Row> rows = ledger::query(
		"SELECT e.subject, e.login_role, x.taken::timestamptz(0)::text, extract(epoch FROM coalesce($1::timestamptz,"
		" clock_timestamp()) - x.taken) <= $2::float8 FROM mg.evidence e, LATERAL (SELECT "
		"(e.body->>'taken_at')::timestamptz AS taken) x WHERE e.kind = 'backup' AND e.installation = (SELECT "
		"installation FROM mg.current) AND x.taken <= coalesce($1::timestamptz, clock_timestamp())"
		" ORDER BY x.taken DESC, e.id DESC LIMIT 1",
		{subject.until(), limit < 0 ? std::string(one_day) : std::to_string(limit)});

	if (rows.empty())
		return {false, "", "none on record: mg_record_backup()"};
	return {rows[0][3] == "t", rows[0][1].value_or(""),
			rows[0][0].value_or("") + ", taken at " + rows[0][2].value_or("") + (rows[0][3] == "t" ? "" : ", too old")};
}

Tick
gates(Subject &subject)
{
	std::string open;
	std::string closed;

	if (subject.is_applied)
		return {true, "", "it has passed them, run " + std::to_string(subject.run.id)};
	for (const policy::Verdict &verdict : policy::judge(subject.surroundings))
	{
		std::string &which = verdict.is_open ? open : closed;
		which += (which.empty() ? "" : ", ") + verdict.gate;
	}
	if (open.empty() && closed.empty())
		return {std::nullopt, "", "the policy has no gates"};
	return {closed.empty(), "", closed.empty() ? "open: " + open : "closed: " + closed};
}

// The verdict of a gate, which is not asked once it is passed.
Tick
gate(Subject &subject, const std::string &name)
{
	if (policy::value_of(name).empty())
		return {std::nullopt, "", "the policy has none"};
	if (subject.is_applied)
		return not_kept(subject);
	for (const policy::Verdict &verdict : policy::judge(subject.surroundings))
		if (verdict.gate == name)
			return {verdict.is_open, "", verdict.why.empty() ? policy::value_of(name) : verdict.why};
	return {std::nullopt, "", "not asked for"};
}

Tick
window(Subject &subject)
{
	return gate(subject, "maintenance_window");
}

Tick
freeze(Subject &subject)
{
	return gate(subject, "freeze");
}

Tick
drift_free(Subject &subject)
{
	if (subject.is_applied)
		return not_kept(subject);
	const int64_t differences = subject.surroundings.drift();

	return {differences == 0, "", std::to_string(differences) + " differences: mg_drift_report()"};
}

std::string
run_title(const Subject &subject)
{
	return "run " + std::to_string(subject.run.id) + " of " + subject.run.at;
}

Tick
executed(Subject &subject)
{
	const std::string failed =
		ledger::query_cell("SELECT count(*) FROM mg.run r WHERE r.migration = $1 AND r.outcome = 'failed'",
						   {subject.migration.name})
			.value_or("0");
	const std::string before = failed == "0" ? "" : "; failed attempts: " + failed;

	if (!subject.is_applied)
		return {false, "", "it is not applied" + before};
	return {true, subject.run.by, run_title(subject) + before};
}

Tick
in_time(Subject &subject)
{
	if (!subject.is_applied)
		return not_yet();
	return {subject.run.duration_us <= static_cast<int64_t>(policy::milliseconds("alert_after")) * 1000, "",
			span(std::to_string(subject.run.duration_us)) + " of " + policy::value_of("alert_after")};
}

Tick
locks(Subject &subject)
{
	if (!subject.is_applied)
		return not_yet();
	return {subject.run.locks.has_value(), "", subject.run.locks.value_or("0") + " relations, in mg.runs"};
}

Tick
size(Subject &subject)
{
	if (!subject.is_applied)
		return not_yet();
	return {subject.run.size.has_value(), "", subject.run.size.value_or("not on record") + " before"};
}

Tick
verified(Subject &subject)
{
	if (!subject.migration.verify.has_value())
		return {std::nullopt, "", "it has no verification queries"};
	if (!subject.is_applied)
		return not_yet();
	/* A query that does not hold undoes the run. */
	return {subject.run.queries != "0", "", subject.run.queries + " queries held in " + run_title(subject)};
}

// Of the checks of mg_verify() those that are wanted: none fails.
template <typename Wanted>
Tick
verification(Subject &subject, Wanted wanted, const char *none)
{
	size_t count = 0;
	std::string failed;

	if (!subject.is_applied)
		return not_yet();
	for (const pg::Row &row : subject.verification())
	{
		if (!wanted(row[1].value_or("")))
			continue;
		count++;
		if (row[3] == "f" && failed.empty())
			failed = row[2].value_or("") + ": expected " + row[4].value_or("") + ", got " + row[5].value_or("");
	}
	if (count == 0)
		return {std::nullopt, "", none};
	return {failed.empty(), "", failed.empty() ? std::to_string(count) + " checks hold now" : pg::excerpt(failed, 300)};
}

Tick
verifies(Subject &subject)
{
	return verification(
		subject, [](const std::string &check) { return check == "query"; }, "it has no verification queries");
}

Tick
objects(Subject &subject)
{
	return verification(
		subject, [](const std::string &check) { return check == "object"; }, "it made none that is still there");
}

Tick
data_intact(Subject &subject)
{
	return verification(
		subject, [](const std::string &check) { return check != "query" && check != "object"; },
		"nothing of it has rows to look at");
}

Tick
no_alerts(Subject &subject)
{
	if (!subject.is_applied)
		return not_yet();
	const std::vector<pg::Row> rows = ledger::query(
		"SELECT count(*), min(a.message) FROM mg.alert a WHERE a.migration = $1 AND a.severity <> 'info' AND a.at >= "
		"$2::timestamptz",
		{subject.migration.name, subject.run.started_at});

	return {rows[0][0] == "0", "",
			rows[0][0] == "0" ? "none since " + subject.run.at : *rows[0][0] + ": " + rows[0][1].value_or("")};
}

Tick
on_record(Subject &subject)
{
	if (!subject.is_applied)
		return not_yet();
	const bool is_sealed = ledger::query_cell("SELECT EXISTS (SELECT FROM mg.seal s WHERE s.covers = $1::uuid AND "
											  "s.members @> $2::int8)",
											  {subject.run.installation, std::to_string(subject.run.id)}) == "t";

	return {is_sealed, subject.run.by, run_title(subject) + (is_sealed ? ", sealed" : ", not sealed yet: mg_seal()")};
}

} // namespace

const std::vector<Item> &
items()
{
	static const std::vector<Item> all = {
		{"pre", "named", "Its name follows the convention", named},
		{"pre", "described", "Header comments say what it is for", described},
		{"pre", "ticket", "It can be traced to a ticket", ticket},
		{"pre", "parsed", "Its scripts are valid SQL", parsed},
		{"pre", "requirements", "What it requires is applied", required},
		{"pre", "linted", "The linter finds no error", linted},
		{"pre", "risk", "Its risk class is known", risk_known},
		{"pre", "compatible", "The application as it is goes on working", compatible},
		{"pre", "duration", "It is known how long it takes", duration},
		{"pre", "impact", "It is known what it locks, rewrites and reads", impact},
		{"pre", "rollback-script", "It has a way back", has_down},
		{"pre", "rollback-tested", "The way back was tried", rollback_tested},
		{"pre", "rollback-in-time", "The way back is fast enough", rollback_in_time},
		{"pre", "verification", "It has verification queries", has_verification},
		{"pre", "reviewed", "Somebody else has looked at it", reviewed},
		{"pre", "architecture", "Its design is approved", architecture},
		{"pre", "security", "What it does to security is approved", security},
		{"pre", "retention", "What it deletes is approved", retention},
		{"pre", "promoted", "It was applied and verified in the environment before", promoted},
		{"pre", "backup", "There is a backup", backup},
		{"pre", "window", "The maintenance window is open", window},
		{"pre", "freeze", "No freeze is on", freeze},
		{"pre", "drift-free", "The schema is what the ledger says", drift_free},
		{"pre", "gates", "No gate holds it back", gates},
		{"pre", "data-handled", "It deals with the rows that are there", nullptr},
		{"pre", "tested", "Tests pass, on data like production's", nullptr},
		{"pre", "application-ready", "The application is ready for it", nullptr},
		{"pre", "monitoring", "Monitoring is in place", nullptr},
		{"pre", "announced", "The team knows that it comes", nullptr},
		{"pre", "documented", "Documentation is prepared", nullptr},
		{"during", "executed", "It ran without an error", executed},
		{"during", "in-time", "It did not take too long", in_time},
		{"during", "verified", "Its verification queries held", verified},
		{"during", "locks", "The locks that it took are on record", locks},
		{"during", "size", "The size of the database before is on record", size},
		{"during", "performance-watched", "Somebody watched performance and blocking locks", nullptr},
		{"during", "logs-watched", "Somebody watched the application's logs", nullptr},
		{"during", "rollback-ready", "Somebody was ready to roll it back", nullptr},
		{"post", "verifies", "Its verification queries hold now", verifies},
		{"post", "objects", "What it made is there, as it made it", objects},
		{"post", "data-intact", "Rows and references are whole", data_intact},
		{"post", "no-alerts", "No alert has been raised since", no_alerts},
		{"post", "on-record", "It is on record, under a seal", on_record},
		{"post", "application-works", "The application works", nullptr},
		{"post", "performance-kept", "Queries are as fast as before", nullptr},
		{"post", "cleaned-up", "Temporary structures are gone", nullptr},
		{"post", "documentation", "Documentation and diagrams are up to date", nullptr},
		{"post", "reported", "The team knows that it is done", nullptr},
	};
	return all;
}

} // namespace mg::report
