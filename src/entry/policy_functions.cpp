// What SQL calls of the policy.
#include "entry/functions.hpp"

#include "core/text.hpp"
#include "migrate/approvals.hpp"
#include "migrate/own_history.hpp"
#include "migrate/surroundings.hpp"
#include "policy/environment.hpp"
#include "policy/policy.hpp"
#include "policy/presets.hpp"
#include "policy/rights.hpp"

using namespace mg::entry;

MG_FUNCTION(mg_policy)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::policy::rows(mg::pg::text_argument(fcinfo, 0).value_or("")));
	return 0;
}

MG_FUNCTION(mg_set_policy)
{
	require_person("mg_set_policy()");
	mg::policy::set(required_text(fcinfo, 0, "setting"), mg::pg::text_argument(fcinfo, 1),
					required_text(fcinfo, 2, "reason"), mg::pg::text_argument(fcinfo, 3).value_or(""));
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_set_environment)
{
	require_person("mg_set_environment()");
	mg::policy::set_environment(required_text(fcinfo, 0, "name"), mg::pg::text_argument(fcinfo, 1).value_or(""));
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_environment)
{
	const mg::policy::Environment here = mg::policy::environment();
	auto some = [](const std::string &words) { return words.empty() ? mg::pg::Cell() : mg::pg::Cell(words); };

	return mg::pg::composite_datum(fcinfo, {some(here.name), here.is_confirmed ? "t" : "f", some(here.doubt)});
}

MG_FUNCTION(mg_gates)
{
	mg::pg::RowSet rows(fcinfo);

	add_all(rows, mg::migrate::gates_of(required_text(fcinfo, 0, "name"), required_text(fcinfo, 1, "action")));
	return 0;
}

MG_FUNCTION(mg_approve)
{
	require_person("mg_approve()");
	mg::migrate::approve(required_text(fcinfo, 0, "name"), required_text(fcinfo, 1, "kind"),
						 mg::pg::text_argument(fcinfo, 2).value_or(""), true);
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_revoke_approval)
{
	require_person("mg_revoke_approval()");
	mg::migrate::approve(required_text(fcinfo, 0, "name"), required_text(fcinfo, 1, "kind"),
						 mg::pg::text_argument(fcinfo, 2).value_or(""), false);
	PG_RETURN_VOID();
}

namespace {

// Whose migrations run also reads and writes the team's own history, which the scripts do.
void
give_right(FunctionCallInfo fcinfo, bool given)
{
	const std::string role = required_text(fcinfo, 0, "role_name");
	const std::string right = required_text(fcinfo, 1, "right_name");

	mg::policy::give_right(role, right, given);
	if (right == "apply")
		mg::migrate::share_history_views(role, given);
}

} // namespace

MG_FUNCTION(mg_grant_right)
{
	require_person("mg_grant_right()");
	give_right(fcinfo, true);
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_revoke_right)
{
	require_person("mg_revoke_right()");
	give_right(fcinfo, false);
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_attest)
{
	return mg::pg::text_datum(mg::migrate::attest(required_text(fcinfo, 0, "name")));
}

MG_FUNCTION(mg_accept_attestation)
{
	require_person("mg_accept_attestation()");
	mg::migrate::accept_attestation(required_text(fcinfo, 0, "attestation"));
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_record_backup)
{
	require_person("mg_record_backup()");
	mg::pg::Cell taken_at;

	if (!PG_ARGISNULL(2))
		taken_at = mg::pg::guarded([&] { return timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(2)); });
	mg::migrate::record_backup(required_text(fcinfo, 0, "label"), mg::pg::text_argument(fcinfo, 1).value_or(""),
							   taken_at);
	PG_RETURN_VOID();
}

namespace {

// The history table that the team's scripts write into, where somebody has said in which schema.
void
make_history(const mg::policy::Preset &preset, const std::optional<std::string> &schema)
{
	const std::string history = preset.history;

	if (history.empty())
		return;
	if (schema.has_value())
		(void)mg::migrate::make_history_view(*schema, history, mg::policy::holders_of("apply"));
	else
		mg::pg::report(NOTICE, mg::UserError("00000", "the scripts of this policy write into a table " + history)
								   .hint("SELECT mg_history_view(schema, '" + history +
										 "') makes a view of that name, where they do; so does history_schema => ..."));
}

} // namespace

MG_FUNCTION(mg_use_preset)
{
	require_person("mg_use_preset()");
	const std::string environment = mg::pg::text_argument(fcinfo, 2).value_or("");
	mg::pg::RowSet rows(fcinfo);
	const mg::policy::Preset preset =
		mg::policy::use_preset(required_text(fcinfo, 0, "name"), required_text(fcinfo, 1, "reason"), environment);

	make_history(preset, mg::pg::text_argument(fcinfo, 3));
	for (const mg::policy::Choice &choice : preset.choices)
		if (environment.empty() || environment == choice.environment)
			rows.add({choice.setting, choice.value,
					  choice.environment[0] == '\0' ? mg::pg::Cell() : mg::pg::Cell(choice.environment)});
	return 0;
}

MG_FUNCTION(mg_presets)
{
	mg::pg::RowSet rows(fcinfo);

	for (const mg::policy::Preset &preset : mg::policy::presets())
		for (const mg::policy::Choice &choice : preset.choices)
			rows.add({preset.name, preset.about, choice.setting, choice.value,
					  choice.environment[0] == '\0' ? mg::pg::Cell() : mg::pg::Cell(choice.environment)});
	return 0;
}
