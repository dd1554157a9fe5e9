// Checks the values of settings.
#include "policy/settings.hpp"

#include <algorithm>
#include <cmath>

#include "core/naming.hpp"
#include "core/text.hpp"
#include "lint/lint.hpp"
#include "pg/boundary.hpp"
#include "policy/environment.hpp"
#include "policy/gates.hpp"
#include "policy/lists.hpp"
#include "policy/window.hpp"

namespace mg::policy {

namespace {

[[noreturn]] void
refuse(const Setting &setting, const std::string &what, const std::string &value, const std::string &hint)
{
	throw UserError("22023", std::string(setting.name) + " is " + what + ", not \"" + value + "\"").hint(hint);
}

void
require_table_names(const std::string &value)
{
	for (const std::string &table : names_in(value))
		pg::guarded([&] { textToQualifiedNameList(cstring_to_text(table.c_str())); });
}

void
require_pattern(const std::string &value)
{
	pg::guarded([&] {
		DirectFunctionCall2Coll(textregexeq, DEFAULT_COLLATION_OID, PointerGetDatum(cstring_to_text("")),
								PointerGetDatum(cstring_to_text(value.c_str())));
	});
}

void
require_known(const Setting &setting, const std::string &value, const std::vector<std::string> &known, const char *what)
{
	for (const std::string &name : names_in(value))
		if (std::find(known.begin(), known.end(), name) == known.end())
			throw UserError("22023", "\"" + name + "\" is no " + what)
				.detail("It stands in the value of " + std::string(setting.name) + ".")
				.hint("There are: " + joined(known) + ".");
}

// What a value has to be besides its form.
void
require_sense(const Setting &setting, const std::string &value)
{
	const std::string name = setting.name;

	if (name == "naming" && find_convention(value) == nullptr)
		throw UserError("22023", "unknown naming convention \"" + value + "\"")
			.hint("Conventions are: " + convention_names() + ".");
	if (name == "required_tables")
		require_table_names(value);
	if (name == "lint_severity")
		lint::severities_of(value);
	if (name == "ticket_pattern")
		require_pattern(value);
	if (name == "required_approvals")
		require_known(setting, value, approval_kinds(), "kind of approval");
	if (name == "rollback_gates")
		require_known(setting, value, gate_names(), "gate");
	if (name == "promoted_from" && !value.empty())
		require_environment_name(value);
	if (name == "maintenance_window")
		(void)windows_in(value);
	if (name == "freeze")
		(void)freezes_in(value);
	if (name == "approval_quorum" && *number_in(value, Form::number) < 1)
		refuse(setting, "at least 1", value, "An approval that nobody gives is no approval: see required_approvals.");
}

// Limits are kept in seconds; half of one would become none.
bool
is_whole_seconds(const std::string &value)
{
	return pg::guarded([&] {
		const char *hint = nullptr;
		double seconds = 0;
		return parse_real(value.c_str(), &seconds, GUC_UNIT_S, &hint) && std::abs(seconds - std::rint(seconds)) < 1e-6;
	});
}

} // namespace

const Setting &
find(const std::string &name)
{
	for (const Setting &setting : settings)
		if (name == setting.name)
			return setting;

	std::string known;
	for (const Setting &setting : settings)
		known += (known.empty() ? "" : ", ") + std::string(setting.name);
	throw UserError("22023", "unknown policy setting \"" + name + "\"").hint("Settings are: " + known + ".");
}

void
require_value(const Setting &setting, const std::string &value)
{
	const std::vector<std::string> choices = names_in(setting.choices);

	switch (setting.form)
	{
		case Form::text:
			break;
		case Form::choice:
			if (std::find(choices.begin(), choices.end(), value) == choices.end())
				refuse(setting, "one of " + joined(choices), value, "");
			break;
		case Form::number:
			if (!number_in(value, setting.form).has_value())
				refuse(setting, "a whole number", value, "For example 1 or 2.");
			break;
		case Form::limit:
			if (!value.empty() && !number_in(value, setting.form).has_value())
				refuse(setting, "a duration, or empty", value, "For example 30s, 5min, 12h or 30d.");
			if (!value.empty() && !is_whole_seconds(value))
				refuse(setting, "whole seconds, or empty", value, "For example 1s, 5min, 12h or 30d.");
			break;
		case Form::duration:
			if (!number_in(value, setting.form).has_value())
				refuse(setting, "a duration", value, "For example 100ms, 30s or 5min.");
			break;
		case Form::size:
			if (!number_in(value, setting.form).has_value())
				refuse(setting, "a size", value, "For example 512kB, 64MB or 2GB.");
			break;
	}
	require_sense(setting, value);
}

std::optional<int>
number_in(const std::string &value, Form form)
{
	int number = 0;
	int unit = form == Form::size     ? GUC_UNIT_KB
			   : form == Form::limit  ? GUC_UNIT_S
			   : form == Form::number ? 0
									  : GUC_UNIT_MS;
	bool fine = pg::guarded([&] {
		const char *hint = nullptr;
		return parse_int(value.c_str(), &number, unit, &hint);
	});

	return fine && number >= 0 ? std::optional<int>(number) : std::nullopt;
}

} // namespace mg::policy
