// Lets scripts write the rows of their own migrations to the history tables of their team, which are views.
#include "migrate/own_history.hpp"

#include <algorithm>
#include <string_view>

#include <boost/algorithm/string/predicate.hpp>

#include "capture/run.hpp"
#include "core/text.hpp"
#include "policy/policy.hpp"

namespace mg::migrate {

namespace {

// Whether there may be notes to forget. An error undoes them but not this, which then costs one DELETE that finds nothing.
bool has_notes = false;

std::string_view
without_suffix(std::string_view name)
{
	name = trim(name);
	if (std::size_t slash = name.find_last_of("/\\"); slash != std::string_view::npos)
		name.remove_prefix(slash + 1);
	for (const char *suffix : {".sql", ".up", ".down"})
		if (boost::algorithm::iends_with(name, suffix))
			name.remove_suffix(strlen(suffix));
	return name;
}

std::string
registered_version(const std::string &migration)
{
	return ledger::query_cell("SELECT n.version FROM mg.newest_registration n WHERE n.migration = $1", {migration})
		.value_or("");
}

// What the views show as its version.
std::string
shown_version(const std::string &migration)
{
	std::string version = registered_version(migration);

	if (version.empty())
		version = version_of(policy::naming(), migration);
	return version.empty() ? migration : version;
}

void
note(const std::string &migration, const std::string &version, bool listed)
{
	has_notes = true;
	ledger::query("DELETE FROM mg.history_change WHERE migration = $1", {migration});
	ledger::query("INSERT INTO mg.history_change (migration, version, listed) VALUES ($1, $2, $3::boolean)",
				  {migration, version, listed ? "t" : "f"});
}

// A row that a script writes or deletes.
struct Written
{
	const HistoryKind *kind;
	std::string view;
	pg::Cell key;
	const char *verb;
	const char *script; // which may do so
};

Written
read_row(TriggerData *trigger)
{
	struct Raw
	{
		const char *view;
		const char *key;
		std::size_t kind;
	};
	HeapTuple row = trigger->tg_trigtuple;
	Raw raw = pg::guarded([&] {
		Relation relation = trigger->tg_relation;
		TupleDesc desc = RelationGetDescr(relation);
		Raw found = {quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												RelationGetRelationName(relation)),
					 nullptr, history_kinds.size()};

		for (std::size_t i = 0; i < history_kinds.size() && found.kind == history_kinds.size(); i++)
			if (int column = SPI_fnumber(desc, history_kinds[i].key); column > 0)
			{
				found.kind = i;
				found.key = SPI_getvalue(row, desc, column);
			}
		return found;
	});

	if (raw.kind == history_kinds.size())
		throw UserError("39P01", std::string(raw.view) + " has no column migration_name or version")
			.hint("Views for mg_keep_history() are made by mg_history_view().");
	const bool inserts = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	return {&history_kinds[raw.kind], raw.view, raw.key != nullptr ? pg::Cell(raw.key) : pg::Cell(),
			inserts ? "write to" : "delete from", inserts ? "up" : "down"};
}

// Tells whether what a script calls a migration is this one: the same name, whatever folder and suffix it is given.
bool
is_name_of(std::string_view given, const std::string &migration)
{
	return !migration.empty() && without_suffix(given) == migration;
}

// The same by version: one of those that the name has, however many zeros are in front.
bool
is_version_of(std::string_view given, const std::string &migration, const std::string &registered)
{
	const std::string_view version = without_suffix(given);
	auto is_number = [](char c) { return is_digit(c) || c == '_'; };

	if (version.empty())
		return false;
	if (version == migration || version == registered)
		return true;
	if (!std::all_of(version.begin(), version.end(), is_number))
		return false;
	/* Without a convention, or before it was agreed, a name may have the version that another convention finds in it. */
	return std::any_of(conventions.begin(), conventions.end(), [&](const Convention &convention) {
		const std::string found = version_of(convention, migration);
		return !found.empty() && compare_versions(found, version) == 0;
	});
}

[[noreturn]] void
refuse(const Written &row, const capture::RunRaw *run)
{
	const std::string who = row.key.has_value() ? "\"" + *row.key + "\"" : "NULL";
	const bool inserts = strcmp(row.script, "up") == 0;
	const std::string way =
		inserts ? "Apply it with mg_apply(name, up, down); what another tool has applied belongs into a table of "
				  "another name, which mg_adopt_history() takes in."
				: "Roll it back with mg_rollback(name).";

	if (run == nullptr)
		throw UserError("55000", "cannot " + std::string(row.verb) + " " + row.view + " by hand")
			.detail("It shows what mg_apply() has applied, and only the " + std::string(row.script) +
					" script of the migration itself may " + row.verb + " it: " + who + ".")
			.hint(way);
	if (run->script == nullptr || strcmp(run->script, row.script) != 0)
		throw UserError("55000", "cannot " + std::string(row.verb) + " " + row.view + " here")
			.detail("Only the " + std::string(row.script) + " script of a migration may do so: " + who + ".")
			.hint(inserts ? "Write the row in the up script." : "Delete the row in the down script.");
	const std::string own =
		strcmp(row.kind->key, "version") == 0 ? shown_version(run->migration) : std::string(run->migration);
	throw UserError("55000", "migration \"" + std::string(run->migration) + "\" cannot " + row.verb + " " + row.view +
								 " for another one: " + who)
		.detail("Its own row has the " + std::string(row.kind->key) + " \"" + own + "\".")
		.hint("Correct the script, or the name that it is applied by. " + way);
}

} // namespace

Datum
keep_history(TriggerData *trigger)
{
	const TriggerEvent event = trigger->tg_event;
	const Datum result = PointerGetDatum(trigger->tg_trigtuple);

	if (!TRIGGER_FIRED_INSTEAD(event) || !TRIGGER_FIRED_FOR_ROW(event))
		throw UserError("39P01", "mg_keep_history() can only be called INSTEAD OF a change of a row")
			.hint("Views for it are made by mg_history_view().");
	Written row = read_row(trigger);
	if (TRIGGER_FIRED_BY_UPDATE(event))
		throw UserError("55000", "cannot update " + row.view)
			.detail("Times, checksums and rollbacks are recorded by mg_apply() and mg_rollback() themselves.")
			.hint("Leave the UPDATE out.");

	const capture::RunRaw *run = capture::current_run();
	if (run == nullptr || run->script == nullptr || strcmp(run->script, row.script) != 0 || !row.key.has_value())
		refuse(row, run);
	const std::string own = run->migration;
	const bool listed = TRIGGER_FIRED_BY_INSERT(event);
	if (own == unnamed_script)
	{
		std::string name(without_suffix(*row.key));
		note(name, shown_version(name), listed);
		return result;
	}
	const bool by_version = strcmp(row.kind->key, "version") == 0;
	if (by_version ? !is_version_of(*row.key, own, registered_version(own)) : !is_name_of(*row.key, own))
		refuse(row, run);
	note_listed(own, listed);
	return result;
}

void
note_listed(const std::string &migration, bool listed)
{
	note(migration, shown_version(migration), listed);
}

void
forget_listed()
{
	if (has_notes)
		ledger::query("DELETE FROM mg.history_change");
	has_notes = false;
}

} // namespace mg::migrate
