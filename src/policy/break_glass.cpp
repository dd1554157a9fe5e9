// Breaks glasses and says what was done under them; they are evidence in the ledger.
#include "policy/break_glass.hpp"

#include "core/json.hpp"
#include "core/text.hpp"
#include "ledger/alert.hpp"
#include "pg/session.hpp"
#include "policy/environment.hpp"
#include "policy/rights.hpp"

namespace mg::policy {

namespace {

constexpr double most_seconds = 24 * 60 * 60;

} // namespace

std::string
break_glass(const std::string &reason, double seconds)
{
	require_right("break_glass", "break the glass");
	pg::require_recording("break the glass");
	if (trim(reason).empty())
		throw UserError("22023", "breaking the glass needs a reason");
	if (!(seconds > 0 && seconds <= most_seconds))
		throw UserError("22023", "a glass can be broken for at most 24 hours")
			.hint("Give a duration like '30 minutes', up to '24 hours'; call it again if that is not enough.");

	const std::string role = pg::login_role();
	const std::string until =
		ledger::query_cell("SELECT to_jsonb(clock_timestamp() + $1::float8 * interval '1 second') #>> '{}'",
						   {std::to_string(seconds)})
			.value_or("");
	const std::string environment = policy::environment().name;

	JsonObject body;
	body.text("until", until).real("seconds", seconds);
	body.json("environment", environment.empty() ? "null" : json_quote(environment));
	ledger::append_evidence("break glass", role, body.str(), reason);
	/* Whoever listens gets the message; why is for those who may read the ledger. */
	ledger::alert({"break glass", "high", "",
				   "\"" + role + "\" may change the schema outside migrations until " + until,
				   JsonObject(body).text("reason", reason).str()});
	return until;
}

std::string
end_break_glass()
{
	const std::string role = pg::login_role();
	const pg::Cell open = ledger::query_cell(
		"SELECT to_jsonb(x.at) #>> '{}' FROM (SELECT e.at, e.body FROM mg.evidence e WHERE e.kind = 'break glass' AND "
		"e.subject = $1"
		" AND e.installation = (SELECT installation FROM mg.current) ORDER BY e.at DESC, e.id DESC LIMIT 1) x"
		" WHERE (x.body->>'until')::timestamptz > clock_timestamp()",
		{role});

	pg::require_recording("end what mg_break_glass() began");
	if (!open.has_value())
		throw UserError("55000", "there is no broken glass of \"" + role + "\"")
			.hint("mg_break_glass_report() tells when the last one ended.");
	std::string count =
		ledger::query_cell("SELECT count(*) FROM mg.statement s WHERE s.login_role = $1 AND s.run IS NULL"
						   " AND s.origin <> 'gap' AND s.installation = (SELECT installation FROM mg.current)"
						   " AND s.at - coalesce(s.duration_us, 0) * interval '1 microsecond' >= $2::timestamptz",
						   {role, open})
			.value_or("0");
	ledger::append_evidence("break glass", role, JsonObject().boolean("ended", true).json("statements", count).str());
	return count;
}

bool
is_glass_broken()
{
	return ledger::query_cell(
			   "SELECT (x.body->>'until')::timestamptz > clock_timestamp() FROM (SELECT e.body FROM mg.evidence e "
			   "WHERE "
			   "e.kind = 'break glass' AND e.subject = $1 AND e.installation = (SELECT installation FROM mg.current)"
			   " ORDER BY e.at DESC, e.id DESC LIMIT 1) x",
			   {pg::login_role()}) == "t" &&
		   holds_right("break_glass");
}

std::vector<pg::Row>
break_glass_report()
{
	return ledger::query(
		"SELECT g.subject, g.note, g.at, g.ended, s.at, s.tag, s.identity, s.statement, s.migration FROM"
		" (SELECT e.installation, e.subject, e.note, e.at, e.id, e.body ? 'until' AS broken, LEAST((e.body->>"
		"'until')::timestamptz, lead(e.at) OVER (PARTITION BY e.installation, e.subject ORDER BY e.at, e.id)) AS ended"
		" FROM mg.evidence e WHERE e.kind = 'break glass') g"
		" LEFT JOIN mg.statement s ON s.installation = g.installation AND s.login_role = g.subject AND s.run IS NULL"
		" AND s.origin <> 'gap'"
		" AND s.at - coalesce(s.duration_us, 0) * interval '1 microsecond' >= g.at"
		" AND s.at - coalesce(s.duration_us, 0) * interval '1 microsecond' < g.ended"
		" WHERE g.broken ORDER BY g.at, g.id, s.at, s.id");
}

std::vector<pg::Row>
broken_glasses()
{
	return ledger::query(
		"SELECT x.subject, (x.body->>'until')::timestamptz(0)::text, x.note FROM (SELECT DISTINCT ON (e.subject) "
		"e.subject, e.body, e.note FROM mg.evidence e WHERE e.kind = 'break glass' AND e.installation = (SELECT "
		"installation FROM mg.current) ORDER BY e.subject, e.at DESC, e.id DESC) x"
		" WHERE (x.body->>'until')::timestamptz > clock_timestamp() ORDER BY 1");
}

} // namespace mg::policy
