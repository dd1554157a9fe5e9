// Reads and writes mg.environment.
#include "policy/environment.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/text.hpp"
#include "ledger/alert.hpp"
#include "pg/session.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"

namespace mg::policy {

namespace {

// Of the environments that somebody has made settings for, the one with the most gates.
std::string
strictest()
{
	std::string result;
	long most = 0;

	for (const auto &[environment, values] : values_set())
	{
		const long gates = std::count_if(settings.begin(), settings.end(), [&, &its = values](const Setting &setting) {
			auto own = its.find(setting.name);
			return setting.is_gate && own != its.end() && own->second != setting.fallback;
		});
		if (!environment.empty() && gates > most)
		{
			most = gates;
			result = environment;
		}
	}
	return result;
}

} // namespace

Environment
environment()
{
	Environment result;

	if (ledger::is_empty(ledger::Table::environment))
		return result;
	std::vector<pg::Row> rows = ledger::query(
		"SELECT e.name, e.installation = (SELECT installation FROM mg.current), e.system_identifier, e.database_oid, "
		"e.login_role, e.at::text FROM mg.environment e"
		" ORDER BY e.installation = (SELECT installation FROM mg.current) DESC, e.at DESC, e.id DESC LIMIT 1");
	if (rows.empty())
		return result;
	const pg::Row &row = rows.front();
	result.name = row[0].value_or("");
	const std::string system = std::to_string(static_cast<int64_t>(pg::guarded([] { return GetSystemIdentifier(); })));
	if (row[1] == "t" && row[2] == system && row[3] == std::to_string(MyDatabaseId))
		return result;
	result.is_confirmed = false;
	result.doubt = "this database was said to be \"" + result.name + "\" by " + row[4].value_or("?") + " at " +
				   row[5].value_or("?") +
				   (row[2] == system ? ", as another database of this server" : ", on another server");
	if (std::string found = strictest(); !found.empty())
		result.name = found;
	return result;
}

void
require_environment_name(const std::string &name)
{
	const bool is_fine =
		!name.empty() && name.size() < NAMEDATALEN && std::all_of(name.begin(), name.end(), [](char c) {
			return (is_letter(c) && c == to_lower(c)) || is_digit(c) || c == '_' || c == '-';
		});

	if (!is_fine)
		throw UserError("22023", "\"" + pg::excerpt(name, 100) + "\" cannot be the name of an environment")
			.hint(
				"Use small letters, digits, - and _: development, preview, staging, production, or names of your own.");
}

void
set_environment(const std::string &name, const std::string &reason)
{
	pg::require_database_owner("say which environment this is");
	pg::require_recording("set the environment");
	require_environment_name(name);
	const Environment before = environment();

	const uint64 system = pg::guarded([] { return GetSystemIdentifier(); });
	ledger::Fields fields = {{"name", name},
							 {"system_identifier", std::to_string(static_cast<int64_t>(system))},
							 {"database_oid", std::to_string(MyDatabaseId)},
							 {"reason", reason.empty() ? pg::Cell() : pg::Cell(reason)}};
	ledger::add_session(fields);
	ledger::append(ledger::Table::environment, fields);
	forget_values();
	ledger::alert({"environment", "warning", "", "this database was said to be \"" + name + "\"",
				   JsonObject()
					   .text("environment", name)
					   .json("before", before.name.empty() ? "null" : json_quote(before.name))
					   .json("reason", reason.empty() ? "null" : json_quote(reason))
					   .str()});
}

} // namespace mg::policy
