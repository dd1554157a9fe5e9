// Reads and changes policy settings.
#include "policy/policy.hpp"

#include <cstring>
#include <map>
#include <optional>

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>

#include "core/text.hpp"
#include "lint/lint.hpp"
#include "pg/session.hpp"
#include "pg/text.hpp"

namespace mg::policy {

namespace {

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

// Reads a number with a unit; nothing if it is none.
std::optional<int>
number_in(const std::string &value, Form form)
{
	int number = 0;
	bool fine = pg::guarded([&] {
		const char *hint = nullptr;
		return parse_int(value.c_str(), &number, form == Form::duration ? GUC_UNIT_MS : GUC_UNIT_KB, &hint);
	});

	return fine && number >= 0 ? std::optional<int>(number) : std::nullopt;
}

int
number_of(const std::string &setting)
{
	const Form form = find(setting).form;

	/* A value of another version of this extension may be none. */
	return number_in(value_of(setting), form).value_or(number_in(find(setting).fallback, form).value_or(0));
}

std::vector<std::string>
names_in(const std::string &list)
{
	std::vector<std::string> tables;
	std::vector<std::string> result;

	boost::algorithm::split(tables, list, boost::algorithm::is_any_of(","));
	for (const std::string &table : tables)
		if (!trim(table).empty())
			result.emplace_back(trim(table));
	return result;
}

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

// The values that teams have set. A run asks for several of them, and a query takes its time.
struct Known
{
	Moment moment;
	SubTransactionId subtransaction;
	std::map<std::string, std::string> values;
};
std::optional<Known> known;

const std::map<std::string, std::string> &
values_set()
{
	Moment now = this_moment();

	if (!known.has_value() || memcmp(&known->moment, &now, sizeof(now)) != 0 ||
		!SubTransactionIsActive(known->subtransaction))
	{
		known.reset();
		Known found = {now, GetCurrentSubTransactionId(), {}};
		for (pg::Row &row : ledger::query("SELECT DISTINCT ON (p.setting) p.setting, p.value FROM mg.policy_event p"
										  " ORDER BY p.setting, p.at DESC, p.id DESC"))
			if (row[1].has_value())
				found.values.emplace(std::move(*row[0]), std::move(*row[1]));
		known = std::move(found);
	}
	return known->values;
}

} // namespace

std::string
value_of(const std::string &setting)
{
	const std::map<std::string, std::string> &values = values_set();
	auto found = values.find(setting);

	return found != values.end() ? found->second : find(setting).fallback;
}

int
milliseconds(const std::string &setting)
{
	return number_of(setting);
}

int64_t
bytes(const std::string &setting)
{
	return static_cast<int64_t>(number_of(setting)) * 1024;
}

namespace {

// Raises 22023 if this is the setting and the value neither of two.
void
require_one_of(const std::string &setting, const std::string &value, const char *which, const char *one,
			   const char *other)
{
	if (setting == which && value != one && value != other)
		throw UserError("22023", setting + " is " + one + " or " + other + ", not \"" + value + "\"");
}

} // namespace

void
set(const std::string &setting, const std::string &value, const std::string &reason)
{
	pg::require_database_owner("change the policy");
	if (XactReadOnly || RecoveryInProgress())
		throw UserError("25006", "cannot change the policy in a read-only transaction");
	find(setting);
	if (trim(reason).empty())
		throw UserError("22023", "a policy change needs a reason");
	if (setting == "naming" && find_convention(value) == nullptr)
		throw UserError("22023", "unknown naming convention \"" + value + "\"")
			.hint("Conventions are: " + convention_names() + ".");
	if (setting == "required_tables")
		for (const std::string &table : names_in(value))
			pg::guarded([&] { textToQualifiedNameList(cstring_to_text(table.c_str())); });

	if (Form form = find(setting).form; form != Form::text && !number_in(value, form).has_value())
		throw UserError("22023",
						setting + " is a " + (form == Form::duration ? "duration" : "size") + ", not \"" + value + "\"")
			.hint(form == Form::duration ? "For example 100ms, 30s or 5min." : "For example 512kB, 64MB or 2GB.");
	require_one_of(setting, value, "require_rehearsal", "on", "off");
	require_one_of(setting, value, "rehearsal_outside", "refuse", "allow");
	require_one_of(setting, value, "drift_scope", "database", "cluster");

	if (setting == "lint_severity")
		lint::severities_of(value);

	ledger::Fields fields = {{"setting", setting}, {"value", value}, {"reason", reason}};
	ledger::add_session(fields);
	ledger::append(ledger::Table::policy_event, fields);
	known.reset();
}

std::vector<pg::Row>
rows()
{
	std::vector<pg::Row> result;

	for (const Setting &setting : settings)
	{
		std::vector<pg::Row> set =
			ledger::query("SELECT p.value, p.login_role, p.at::text, p.reason FROM mg.policy_event p"
						  " WHERE p.setting = $1 ORDER BY p.at DESC, p.id DESC LIMIT 1",
						  {std::string(setting.name)});
		if (set.empty())
			result.push_back({setting.name, setting.fallback, std::nullopt, "default", setting.meaning});
		else
			result.push_back(
				{setting.name, set[0][0], std::nullopt,
				 "set by " + set[0][1].value_or("?") + " at " + set[0][2].value_or("?") + ": " + set[0][3].value_or(""),
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
	return names_in(value_of("required_tables"));
}

std::vector<std::string>
ignored_schemas()
{
	return names_in(value_of("ignored_schemas"));
}

} // namespace mg::policy
