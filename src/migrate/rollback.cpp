// Rolls applied migrations back.
#include "migrate/rollback.hpp"

#include "migrate/locks.hpp"
#include "migrate/migrate.hpp"
#include "migrate/objects.hpp"
#include "migrate/rehearsed.hpp"
#include "migrate/surroundings.hpp"

#include <set>

#include <boost/algorithm/string/join.hpp>

#include "ledger/journal.hpp"
#include "ledger/seal.hpp"
#include "pg/object.hpp"

namespace mg::migrate {

namespace {

std::string
list_some(const std::vector<std::string> &items)
{
	constexpr std::size_t most = 10;
	std::vector<std::string> shown(items.begin(), items.begin() + static_cast<long>(std::min(items.size(), most)));
	std::string text = boost::algorithm::join(shown, ", ");

	if (items.size() > most)
		text += " and " + std::to_string(items.size() - most) + " more";
	return text;
}

[[noreturn]] void
refuse_for(const std::string &name, const std::vector<std::string> &dependants)
{
	throw UserError("MG405", "migration \"" + name + "\" cannot be rolled back before those that stand on it")
		.detail(list_some(dependants) + ".")
		.hint("Roll those back first, or all of them with mg_rollback_to().");
}

// Raises MG405 when applied migrations stand on this one: they require it, or changed what it made.
void
require_no_dependants(const std::string &name, const std::vector<RecordedObject> &objects)
{
	std::vector<std::string> after = ledger::applied_after(name);
	if (after.empty())
		return;

	std::set<std::string> applied(after.begin(), after.end());
	std::vector<std::string> dependants;
	for (const std::string &dependant : transitive_dependants(ledger::all_requirements(), name))
		if (applied.count(dependant) > 0)
			dependants.push_back("\"" + dependant + "\" requires it");

	auto key = [](const RecordedObject &object) { return OidIsValid(object.oid) ? object.key() : object.title(); };
	std::set<std::string> made;
	for (const RecordedObject &object : objects)
		if (object.change == "created")
			made.insert(key(object));
	for (const std::string &later : after)
	{
		ledger::LastRun run = *ledger::find_last_run(later);
		for (const RecordedObject &object : objects_of_run(run.installation, run.id))
			if (object.change != "created" && made.count(key(object)) > 0)
			{
				dependants.push_back("\"" + later + "\" " + object.change + " " +
									 (object.was.empty() ? object.title() : object.type + " " + object.was));
				break;
			}
	}
	if (!dependants.empty())
		refuse_for(name, dependants);
}

// Raises MG405 when the down script has dropped what other applied migrations made, by CASCADE or along with a table.
void
require_others_untouched(const std::string &name, const std::vector<RecordedObject> &expected,
						 const std::vector<capture::RunObject> &effects)
{
	std::set<std::string> dropped;
	for (const capture::RunObject &object : effects)
		if (object.change == "dropped" && object.column == 0)
			dropped.insert(object.type + " " + object.identity);

	std::vector<std::string> dependants;
	for (const RecordedObject &object : expected)
		if (object.migration != name && ledger::is_applied(object.migration) && dropped.count(object.title()) > 0)
			dependants.push_back("\"" + object.migration + "\" made " + object.title() +
								 ", which the down script drops");
	if (!dependants.empty())
		refuse_for(name, dependants);
}

Outcome
roll_one_back(const std::string &name, const std::string &reason)
{
	Attempt attempt(name, "roll back");
	std::optional<Undoing> undoing;

	attempt.guard([&] {
		if (ledger::open_deployment(name).has_value())
			throw UserError("55000", "the rollback of migration \"" + name + "\" was interrupted")
				.hint("CALL mg_resume() goes on with it.");
		undoing.emplace(begin_undoing(name, reason, attempt));
		undoing->migration.down->require_runnable();
	});
	attempt.run([&](capture::Run &run) {
		run_script(*undoing->migration.down, name, run, attempt.progress);
		check_constraints(name, attempt.progress);
		attempt.progress.phase = "rollback check";
		attempt.progress.line = 0;
		attempt.progress.statement.clear();
		require_undone(*undoing, run.objects());
		if (std::optional<Finding> finding =
				compare_with_rehearsal(name, undoing->last, attempt.down_checksum, run, attempt.id()))
			attempt.evidence.push_back(std::move(*finding));
		attempt.succeed("rolled back", run);
	});
	return attempt.outcome("rolled back");
}

} // namespace

// Looks whether what up made is gone and what it dropped is back. Only the first is an error: whoever wrote the down
// script may have meant to leave the second out, but cannot have meant to leave half of the migration behind.
void
require_gone(const std::string &name, const std::vector<RecordedObject> &objects)
{
	std::vector<std::string> left;
	std::vector<std::string> lost;

	std::set<std::string> replaced; // what up dropped and made anew under the same name
	for (const RecordedObject &object : objects)
		if (object.change == "dropped")
			replaced.insert(object.title());
	for (const RecordedObject &object : objects)
	{
		if (object.change == "created")
			if (std::optional<std::string> identity = find_object(object, replaced.count(object.title()) == 0))
				left.push_back(object.type + " " + *identity);
		if (object.change == "dropped" && !object.names.empty() &&
			!pg::object_exists(object.type, object.names, object.arguments))
			lost.push_back(object.title());
	}
	if (!left.empty())
		throw UserError("MG403", "rollback of migration \"" + name + "\" leaves objects behind that it made")
			.detail("Still there: " + list_some(left) + ".")
			.hint("Correct the down script with mg_register() and try again; nothing of the rollback stays.");
	if (!lost.empty())
		pg::report(WARNING,
				   UserError("01000", "rollback of migration \"" + name + "\" does not bring back all that it dropped")
					   .detail("Not there: " + list_some(lost) + "."));
}

Undoing
read_undoing(const std::string &name)
{
	std::optional<ledger::LastRun> last = ledger::find_last_run(name);
	if (!last.has_value() || !last->applied)
		throw UserError("MG406", "migration \"" + name + "\" is not applied")
			.hint("SELECT migration, status FROM mg.status tells what is.");

	require_fresh_registration(name);
	std::optional<ledger::Registration> known = ledger::find_registration(name);
	if (!known.has_value() || !known->down.has_value())
		throw UserError("MG404", "migration \"" + name + "\" has no down script")
			.hint("Hand one in with mg_register(name, up, down): the up script stays as it is.");
	std::vector<RecordedObject> objects = objects_of_run(last->installation, last->id);
	std::vector<RecordedObject> expected = expected_objects();
	require_no_dependants(name, objects);
	return {name, std::move(*last), Migration::from_ledger(*known), std::move(objects), std::move(expected)};
}

Undoing
begin_undoing(const std::string &name, const std::string &reason, Attempt &attempt)
{
	attempt.progress.phase = "script";
	attempt.reason = reason;
	std::optional<ledger::LastRun> last = ledger::find_last_run(name);
	if (last.has_value() && last->applied)
		attempt.checksum = last->checksum;
	Undoing undoing = read_undoing(name);
	attempt.down_checksum = undoing.migration.down->checksum();
	Surroundings surroundings(undoing.migration, policy::Action::roll_back, reason);
	require_gates(surroundings);
	return undoing;
}

void
require_undone(const Undoing &undoing, const std::vector<capture::RunObject> &effects)
{
	require_others_untouched(undoing.name, undoing.expected, effects);
	require_gone(undoing.name, undoing.objects);
}

Outcome
roll_back(const std::optional<std::string> &name, const std::optional<std::string> &reason)
{
	require_writable();
	take_run_lock();

	std::string which = name.value_or("");
	if (!name.has_value())
	{
		std::vector<std::string> applied = ledger::applied_migrations();
		if (applied.empty())
			throw UserError("MG406", "no migration is applied");
		which = applied.front();
	}
	ledger::seal();
	return roll_one_back(which, reason.value_or(""));
}

std::vector<Outcome>
roll_back_to(const std::string &name, const std::optional<std::string> &reason)
{
	std::vector<Outcome> outcomes;

	require_writable();
	take_run_lock();
	if (!ledger::is_applied(name))
		throw UserError("MG406", "migration \"" + name + "\" is not applied")
			.hint("Name an applied migration: those after it are rolled back, it stays.");
	ledger::seal();
	for (const std::string &later : ledger::applied_after(name))
		outcomes.push_back(roll_one_back(later, reason.value_or("")));
	if (outcomes.empty())
		pg::report(NOTICE, UserError("00000", "nothing was applied after migration \"" + name + "\""));
	return outcomes;
}

} // namespace mg::migrate
