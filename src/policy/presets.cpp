// The presets, each after one team's written policy; docs/policies says of each rule what keeps it.
#include "policy/presets.hpp"

#include <algorithm>

#include "policy/lists.hpp"
#include "policy/policy.hpp"

namespace mg::policy {

namespace {

constexpr const char *platform_schemas =
	"auth, storage, realtime, extensions, graphql, graphql_public, pgbouncer, pgsodium, pgsodium_masks, vault, "
	"supabase_functions, supabase_migrations, net, cron, pgmq, _realtime, _analytics";
constexpr const char *platform_roles = "supabase_admin, supabase_auth_admin, supabase_storage_admin, "
									   "supabase_functions_admin, supabase_replication_admin, "
									   "supabase_realtime_admin, supabase_etl_admin, dashboard_user, pgbouncer";
constexpr const char *exposed_roles = "public, anon, authenticated";

// What the four teams on the platform have in common.
void
add_platform(std::vector<Choice> &choices)
{
	choices.insert(choices.end(), {{"", "ignored_schemas", platform_schemas},
								   {"", "exempt_roles", platform_roles},
								   {"", "security_schemas", "auth, storage, vault"},
								   {"", "security_roles", exposed_roles}});
}

Preset
lootaura()
{
	Preset preset = {
		"lootaura",
		"numbered migrations with verification queries; preview, then production with a backup, a review, and a "
		"way back that is rehearsed and takes five minutes at most",
		"",
		{{"", "naming", "sequence"},
		 {"", "require_verify", "on"},
		 {"", "lint_severity", "index-not-concurrent=error"},
		 {"", "rollback_budget", "5min"},
		 {"preview", "lint_gate", "error"},
		 {"production", "lint_gate", "error"},
		 {"production", "require_down", "on"},
		 {"production", "require_rehearsal", "on"},
		 {"production", "required_approvals", "review"},
		 {"production", "promoted_from", "preview"},
		 {"production", "backup_max_age", "1h"},
		 {"production", "require_no_drift", "on"},
		 {"production", "longest_transaction", "5min"},
		 {"production", "require_disk", "on"},
		 {"production", "enforcement", "block"},
		 {"preview", "enforcement", "warn"}}};

	add_platform(preset.choices);
	return preset;
}

Preset
scout()
{
	Preset preset = {
		"scout",
		"timestamps with a type, author, ticket and description, a down script; staging, then production with "
		"approvals by what is touched; rollbacks say why",
		"migrations_history",
		{{"", "naming", "typed_timestamp"},
		 {"", "required_headers", "author, ticket, description"},
		 {"", "require_down", "on"},
		 {"", "lint_severity", "T=warning"},
		 {"", "require_reason", "on"},
		 {"", "alert_after", "30s"},
		 {"staging", "lint_gate", "error"},
		 {"staging", "backup_max_age", "1h"},
		 {"staging", "require_rehearsal", "on"},
		 {"staging", "enforcement", "warn"},
		 {"production", "lint_gate", "error"},
		 {"production", "ticket_pattern", "[A-Za-z][A-Za-z0-9]*-[0-9]+|#?[0-9]+"},
		 {"production", "require_rehearsal", "on"},
		 {"production", "required_approvals", "review, security, retention"},
		 {"production", "promoted_from", "staging"},
		 {"production", "backup_max_age", "1h"},
		 {"production", "require_no_drift", "on"},
		 {"production", "enforcement", "block"}}};

	add_platform(preset.choices);
	return preset;
}

Preset
omnia()
{
	Preset preset = {
		"omnia",
		"dated numbers, description, author and date; checks before and after within the script; staging first, a "
		"way back that is rehearsed, nothing that breaks the running application without a review",
		"schema_migrations",
		{{"", "naming", "date_sequence"},
		 {"", "required_headers", "description, author, date"},
		 {"", "require_down", "on"},
		 {"staging", "lint_gate", "error"},
		 {"staging", "require_rehearsal", "on"},
		 {"staging", "enforcement", "warn"},
		 {"production", "lint_gate", "error"},
		 {"production", "require_rehearsal", "on"},
		 {"production", "required_approvals", "review"},
		 {"production", "unreviewed_risk", "safe"},
		 {"production", "promoted_from", "staging"},
		 {"production", "longest_transaction", "5min"},
		 {"production", "require_no_drift", "on"},
		 {"production", "enforcement", "block"}}};

	add_platform(preset.choices);
	return preset;
}

Preset
devices()
{
	Preset preset = {
		"devices",
		"numbered migrations with a rollback script each; purpose, estimated time and dependencies written down; "
		"staging first, a backup, a review, and the way back rehearsed",
		"schema_migrations",
		{{"", "naming", "sequence"},
		 {"", "required_headers", "purpose, estimated_time, dependencies"},
		 {"", "require_down", "on"},
		 {"staging", "lint_gate", "error"},
		 {"staging", "enforcement", "warn"},
		 {"production", "lint_gate", "error"},
		 {"production", "require_rehearsal", "on"},
		 {"production", "required_approvals", "review"},
		 {"production", "promoted_from", "staging"},
		 {"production", "backup_max_age", "1h"},
		 {"production", "require_no_drift", "on"},
		 {"production", "require_disk", "on"},
		 {"production", "enforcement", "block"}}};

	add_platform(preset.choices);
	return preset;
}

Preset
rewards()
{
	return {"rewards",
			"timestamps, a rollback script each; safe migrations always, controlled ones with a review, high-risk ones "
			"with an "
			"architecture review; staging first; thirty minutes is an alert",
			"",
			{{"", "naming", "timestamp"},
			 {"", "require_down", "on"},
			 {"", "alert_after", "30min"},
			 {"", "alarm_after", "30min"},
			 {"staging", "lint_gate", "error"},
			 {"staging", "enforcement", "warn"},
			 {"production", "lint_gate", "error"},
			 {"production", "require_rehearsal", "on"},
			 {"production", "required_approvals", "review, architecture"},
			 {"production", "unreviewed_risk", "safe"},
			 {"production", "promoted_from", "staging"},
			 {"production", "backup_max_age", "1h"},
			 {"production", "require_no_drift", "on"},
			 {"production", "enforcement", "block"}}};
}

Preset
supabase()
{
	Preset preset = {
		"supabase",
		"the names of the Supabase CLI; the platform's schemas and roles are its own; security approvals for what "
		"is exposed",
		"",
		{{"", "naming", "timestamp"},
		 {"preview", "enforcement", "warn"},
		 {"production", "lint_gate", "error"},
		 {"production", "required_approvals", "security"},
		 {"production", "enforcement", "warn"}}};

	add_platform(preset.choices);
	return preset;
}

} // namespace

const std::vector<Preset> &
presets()
{
	static const std::vector<Preset> all = {lootaura(), scout(), omnia(), devices(), rewards(), supabase()};
	return all;
}

const Preset &
use_preset(const std::string &name, const std::string &reason, const std::string &environment)
{
	const std::vector<Preset> &all = presets();
	auto preset = std::find_if(all.begin(), all.end(), [&](const Preset &one) { return name == one.name; });
	std::vector<std::string> names;
	bool is_known = environment.empty();

	for (const Preset &one : all)
		names.emplace_back(one.name);
	if (preset == all.end())
		throw UserError("22023", "\"" + name + "\" is no preset").hint("Presets are: " + joined(names) + ".");
	for (const Choice &choice : preset->choices)
		is_known = is_known || environment == choice.environment;
	if (!is_known)
		throw UserError("22023", "preset " + name + " says nothing of environment \"" + environment + "\"")
			.hint("Leave the environment out, or set what you want with mg_set_policy().");
	for (const Choice &choice : preset->choices)
		if (environment.empty() || environment == choice.environment)
			set(choice.setting, choice.value, reason, choice.environment);
	return *preset;
}

} // namespace mg::policy
