// Reads and changes policy settings.
#include "policy/policy.hpp"

#include <cstring>
#include <map>
#include <optional>

#include "core/json.hpp"
#include "core/text.hpp"
#include "ledger/alert.hpp"
#include "pg/session.hpp"
#include "pg/text.hpp"
#include "policy/environment.hpp"
#include "policy/lists.hpp"
#include "policy/rights.hpp"

namespace mg::policy {

namespace {

// For how long what was read holds: one statement of the session, unless a subtransaction that may have changed it is undone.
struct Moment
{
	LocalTransactionId transaction;
	TimestampTz statement;
	pg_uuid_t installation;
};

Moment
this_moment()
{
	Moment moment;

	memset(&moment, 0, sizeof(moment));
#if PG_VERSION_NUM >= 170000
	moment.transaction = MyProc->vxid.lxid;
#else
	moment.transaction = MyProc->lxid;
#endif
	moment.statement = GetCurrentStatementStartTimestamp();
	moment.installation = ledger::place().installation;
	return moment;
}

// What was read. What was said here goes before what an import or a restored dump brings along. A run asks for several settings, and a query takes its time.
struct Known
{
	Moment moment;
	SubTransactionId subtransaction;
	Values values;
	std::optional<Environment> here;
};
std::optional<Known> known;

Known &
known_now()
{
	Moment now = this_moment();

	if (!known.has_value() || memcmp(&known->moment, &now, sizeof(now)) != 0 ||
		!SubTransactionIsActive(known->subtransaction))
	{
		known.reset();
		Known found = {now, GetCurrentSubTransactionId(), {}, std::nullopt};
		std::vector<pg::Row> events;
		if (!ledger::is_empty(ledger::Table::policy_event))
			events =
				ledger::query("SELECT DISTINCT ON (p.setting, p.environment) p.setting, p.environment, p.value"
							  " FROM mg.policy_event p ORDER BY p.setting, p.environment,"
							  " p.installation = (SELECT installation FROM mg.current) DESC, p.at DESC, p.id DESC");
		for (pg::Row &row : events)
			if (row[2].has_value())
				found.values[row[1].value_or("")].emplace(std::move(*row[0]), std::move(*row[2]));
		known = std::move(found);
	}
	return *known;
}

const Environment &
here()
{
	Known &now = known_now();

	if (!now.here.has_value())
		now.here = environment();
	return *now.here;
}

// The value that somebody has set for an environment or for all, and which of both it was.
std::optional<std::pair<std::string, std::string>>
set_for(const std::string &setting, const std::string &environment)
{
	const Values &values = known_now().values;

	for (const std::string &where : {environment, std::string()})
		if (auto its = values.find(where); its != values.end())
			if (auto value = its->second.find(setting); value != its->second.end())
				return std::pair(where, value->second);
	return std::nullopt;
}

int
number_of(const std::string &setting)
{
	const Form form = find(setting).form;

	/* A value of another version of this extension may be none. */
	return number_in(value_of(setting), form).value_or(number_in(find(setting).fallback, form).value_or(-1));
}

} // namespace

const Values &
values_set()
{
	return known_now().values;
}

void
forget_values()
{
	known.reset();
}

std::string
value_of(const std::string &setting)
{
	auto found = set_for(setting, values_set().empty() ? "" : here().name);

	return found.has_value() ? found->second : find(setting).fallback;
}

int
milliseconds(const std::string &setting)
{
	return number_of(setting);
}

int
seconds(const std::string &setting)
{
	return number_of(setting);
}

int64_t
bytes(const std::string &setting)
{
	return static_cast<int64_t>(number_of(setting)) * 1024;
}

int
number(const std::string &setting)
{
	return number_of(setting);
}

bool
is_on(const std::string &setting)
{
	return value_of(setting) == "on";
}

std::vector<std::string>
names(const std::string &setting)
{
	return names_in(value_of(setting));
}

void
set(const std::string &setting, const pg::Cell &value, const std::string &reason, const std::string &environment)
{
	require_right("policy", "change the policy");
	pg::require_recording("change the policy");
	const Setting &which = find(setting);
	if (trim(reason).empty())
		throw UserError("22023", "a policy change needs a reason");
	if (!environment.empty())
		require_environment_name(environment);
	if (value.has_value())
		require_value(which, *value);
	const auto before = values_set().find(environment);
	pg::Cell old;
	if (before != values_set().end())
		if (const auto known_value = before->second.find(setting); known_value != before->second.end())
			old = known_value->second;

	ledger::Fields fields = {{"setting", setting},
							 {"environment", environment.empty() ? pg::Cell() : pg::Cell(environment)},
							 {"value", value},
							 {"reason", reason}};
	ledger::add_session(fields);
	ledger::append(ledger::Table::policy_event, fields);
	forget_values();

	auto json = [](const pg::Cell &cell) { return cell.has_value() ? json_quote(*cell) : "null"; };
	const pg::Cell where = environment.empty() ? pg::Cell() : pg::Cell(environment);
	ledger::alert({"policy", "info", "",
				   "policy setting \"" + setting + "\" was changed" +
					   (environment.empty() ? "" : " for environment \"" + environment + "\""),
				   JsonObject()
					   .text("setting", setting)
					   .json("environment", json(where))
					   .json("value", json(value))
					   .json("before", json(old))
					   .text("reason", reason)
					   .str()});
}

std::vector<pg::Row>
rows(const std::string &environment)
{
	const std::string which = environment.empty() ? here().name : environment;
	std::vector<pg::Row> result;

	for (const Setting &setting : settings)
	{
		auto own = set_for(setting.name, which);
		if (!own.has_value())
		{
			result.push_back({setting.name, setting.fallback, std::nullopt, "default", setting.meaning});
			continue;
		}
		const pg::Cell where = own->first.empty() ? pg::Cell() : pg::Cell(own->first);
		std::vector<pg::Row> set = ledger::query(
			"SELECT p.login_role, p.at::text, p.reason FROM mg.policy_event p"
			" WHERE p.setting = $1 AND p.environment IS NOT DISTINCT FROM $2"
			" ORDER BY p.installation = (SELECT installation FROM mg.current) DESC, p.at DESC, p.id DESC LIMIT 1",
			{std::string(setting.name), where});
		result.push_back(
			{setting.name, own->second, where,
			 "set by " + set[0][0].value_or("?") + " at " + set[0][1].value_or("?") + ": " + set[0][2].value_or(""),
			 setting.meaning});
	}
	return result;
}

const Convention &
naming()
{
	const Convention *convention = find_convention(value_of("naming"));
	return convention != nullptr ? *convention : conventions.front();
}

void
require_name(const std::string &name)
{
	const Convention &convention = naming();

	if (std::optional<std::string> reason = check_name(convention, name))
		throw UserError("MG001", "the name of migration \"" + pg::excerpt(name, 100) +
									 "\" does not follow the convention \"" + std::string(convention.name) + "\"")
			.detail(*reason)
			.hint("The pattern is " + std::string(convention.pattern) + ", for example " +
				  std::string(convention.example) + ".");
}

std::vector<std::string>
required_tables()
{
	return names("required_tables");
}

std::vector<std::string>
ignored_schemas()
{
	return names("ignored_schemas");
}

} // namespace mg::policy
