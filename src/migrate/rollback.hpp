// What a rollback looks at before it begins and after its down script has run.
#pragma once

#include <string>
#include <vector>

#include "ledger/history.hpp"
#include "migrate/attempt.hpp"
#include "migrate/objects.hpp"

namespace mg::migrate {

struct Undoing
{
	std::string name;
	ledger::LastRun last; // that is to be undone
	Migration migration;
	std::vector<RecordedObject> objects;  // that the migration touched
	std::vector<RecordedObject> expected; // of all applied migrations
};

// Raises MG406 for a migration that is not applied, MG404 for one without a down script, MG405 when others stand on it.
Undoing read_undoing(const std::string &name);
// The same, with the gates, for the attempt's record.
Undoing begin_undoing(const std::string &name, const std::string &reason, Attempt &attempt);

// Raises MG405 when what the down script did took something of other migrations along, MG403 when it has left something behind; warns of what it
// did not bring back.
void require_undone(const Undoing &undoing, const std::vector<capture::RunObject> &effects);
// The same for objects that a deployment has made which was not finished.
void require_gone(const std::string &name, const std::vector<RecordedObject> &objects);

} // namespace mg::migrate
