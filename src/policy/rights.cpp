// Reads and writes rights, which are evidence in the ledger.
#include "policy/rights.hpp"

#include <algorithm>
#include <array>

#include <boost/algorithm/string/predicate.hpp>

#include "core/json.hpp"
#include "ledger/store.hpp"
#include "pg/latest.hpp"
#include "pg/session.hpp"
#include "policy/gates.hpp"
#include "policy/lists.hpp"

namespace mg::policy {

namespace {

constexpr const char *approve = "approve:";

std::vector<std::string>
rights()
{
	std::vector<std::string> result = {"read", "apply", "policy", "break_glass", "archive", "approve:promotion"};

	for (const std::string &kind : approval_kinds())
		result.push_back(approve + kind);
	return result;
}

/* Functions that go with a right, besides those that only read. */
struct Grant
{
	const char *right; // or how it begins
	const char *functions;
};
constexpr std::array<Grant, 5> grants = {{
	{"apply",
	 "mg_apply, mg_register, mg_rollback, mg_rollback_to, mg_verify, mg_rehearse, mg_rehearse_all, mg_attest, mg_sign, "
	 "mg_deploy, mg_resume, mg_abort, mg_deploy_rollback, mg_backfill, mg_generate_down"},
	{"policy", "mg_set_policy, mg_use_preset, mg_record_backup"},
	{"break_glass", "mg_break_glass, mg_end_break_glass"},
	{"archive", "mg_restore, mg_archive_diff, mg_purge_archives, mg_hold_archive, mg_release_archive"},
	{"approve:", "mg_approve, mg_revoke_approval, mg_accept_attestation, mg_sign"},
}};
constexpr const char *reading =
	"mg_status, mg_policy, mg_gates, mg_plan, mg_sizes, mg_lint, mg_lint_migration, mg_lint_json, mg_lint_sarif, "
	"mg_lint_rules, "
	"mg_lint_locks, mg_risk, mg_script_risk, mg_parse, mg_template, mg_drift_report, mg_is_applied, mg_is_not_applied, "
	"mg_verifies, mg_has_no_drift, mg_lints, mg_checklist, mg_doc, mg_health, mg_metrics, mg_catalog_fingerprint, "
	"mg_environment, mg_alert_rows, mg_break_glass_report, mg_snapshot, mg_fingerprint, mg_presets";

// Those of the functions named that are there, with their arguments.
std::vector<std::string>
signatures(const std::string &names)
{
	std::vector<std::string> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace"
			 " AND p.proname = ANY (string_to_array($1, ', ')) ORDER BY 1",
			 {names}))
		result.push_back(row[0].value_or(""));
	return result;
}

std::string
quoted(const std::string &name)
{
	return pg::guarded([&] { return quote_identifier(name.c_str()); });
}

// Grants what goes with a right. What is taken away is EXECUTE on what changes something: reading may come of other rights.
void
grant(const std::string &role, const std::string &right, bool given)
{
	const std::string to = given ? " TO " + quoted(role) : " FROM " + quoted(role);
	const std::string verb = given ? "GRANT " : "REVOKE ";

	if (given || right == "read")
	{
		pg::query_as_caller(verb + "USAGE ON SCHEMA mg" + to);
		pg::query_as_caller(verb + "SELECT ON ALL TABLES IN SCHEMA mg" + to);
		for (const std::string &function : signatures(reading))
			pg::query_as_caller(verb + "EXECUTE ON ROUTINE " + function + to);
	}
	for (const Grant &one : grants)
		if (boost::algorithm::starts_with(right, one.right))
			for (const std::string &function : signatures(one.functions))
				pg::query_as_caller(verb + "EXECUTE ON ROUTINE " + function + to);
}

} // namespace

void
give_right(const std::string &role, const std::string &right, bool given)
{
	const std::vector<std::string> known = rights();

	pg::require_database_owner("give rights");
	pg::require_recording("give rights");
	if (std::find(known.begin(), known.end(), right) == known.end())
		throw UserError("22023", "\"" + right + "\" is no right").hint("Rights are: " + joined(known) + ".");
	(void)pg::guarded([&] { return get_role_oid(role.c_str(), false); });

	grant(role, right, given);
	ledger::append_evidence("right", right, JsonObject().text("role", role).boolean("given", given).str());
}

std::vector<std::string>
holders_of(const std::string &right)
{
	std::vector<std::string> result;

	for (const pg::Row &row : ledger::query("SELECT x.role FROM (SELECT DISTINCT ON (e.body->>'role') e.body->>'role' "
											"AS role, (e.body->>'given')::boolean AS given"
											" FROM mg.evidence e WHERE e.kind = 'right' AND e.subject = $1 AND "
											"e.installation = (SELECT installation FROM mg.current)"
											" ORDER BY e.body->>'role', e.at DESC, e.id DESC) x WHERE x.given"
											" AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = x.role)",
											{right}))
		result.push_back(row[0].value_or(""));
	return result;
}

bool
holds_right(const std::string &right)
{
	return holds_right(right, pg::guarded([] { return GetAuthenticatedUserId(); }));
}

bool
holds_right(const std::string &right, Oid user)
{
	/* A transaction that began before it was taken away does not keep it. */
	pg::LatestScope latest;
	const bool owns =
		pg::guarded([&] { return superuser_arg(user) || has_privs_of_role(user, ROLE_PG_DATABASE_OWNER); });

	if (owns)
		return true;
	for (const std::string &role : holders_of(right))
	{
		const bool is_member = pg::guarded([&] {
			const Oid oid = get_role_oid(role.c_str(), true);
			return OidIsValid(oid) && is_member_of_role_nosuper(user, oid);
		});
		if (is_member)
			return true;
	}
	return false;
}

void
require_right(const std::string &right, const std::string &what)
{
	if (!holds_right(right))
		throw UserError("42501", "permission denied to " + what)
			.detail("This needs the right " + right +
					", or a member of pg_database_owner or a superuser, as the user that logged in.")
			.hint("An owner of the database gives it: mg_grant_right(role_name, '" + right + "').");
}

} // namespace mg::policy
