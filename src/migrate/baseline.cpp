// Begins the history of a schema that is there already.
#include "core/text.hpp"
#include "drift/expected.hpp"
#include "migrate/attempt.hpp"
#include "migrate/locks.hpp"
#include "migrate/migrate.hpp"

#include "ledger/seal.hpp"
#include "pg/session.hpp"

namespace mg::migrate {

namespace {

std::string
script_of(const std::string &name, const std::optional<std::string> &description)
{
	std::string text = "-- Migration: " + name + "\n";

	if (description.has_value())
		text += "-- Description: " + std::string(trim(*description)) + "\n";
	return text + "-- The schema as it was found.\n";
}

} // namespace

Outcome
baseline(const std::string &name, const std::optional<std::string> &description)
{
	pg::require_database_owner("set a baseline");
	require_writable();
	if (description.has_value() && description->find_first_of("\r\n") != std::string::npos)
		throw UserError("22023", "the description of a baseline must be one line");
	check_name_and_version(name);

	Attempt attempt(name, "baseline");
	std::optional<Migration> migration;
	attempt.guard([&] {
		Request request;
		request.name = name;
		request.up = script_of(name, description);
		migration.emplace(Migration::from_request(request));
		attempt.checksum = migration->up.checksum();
		take_run_lock();
		if (ledger::find_registration(name).has_value())
			throw UserError("MG002", "migration \"" + name + "\" exists already")
				.hint("Give the baseline a name of its own.");
		ledger::seal();
		migration->keep();
	});

	attempt.run([&](capture::Run &run) {
		drift::take_all(attempt.id());
		attempt.succeed("applied", run);
	});
	Outcome outcome = attempt.outcome("applied");
	outcome.objects = static_cast<int>(
		std::stol(ledger::query_cell("SELECT count(*) FROM mg.object o WHERE o.type <> 'role names'").value_or("0")));
	return outcome;
}

} // namespace mg::migrate
