// What an interrupted deployment has made and dropped: all that may be undone when it is given up.
#pragma once

#include <string>
#include <vector>

#include "capture/run.hpp"
#include "ledger/journal.hpp"

namespace mg::deploy {

struct Undoing
{
	std::vector<capture::RunObject> made;
	std::vector<std::string> gone; // names, without schemas, of what was dropped
	bool knows_parts = true;       // whether `made` has each column and constraint added to what was there before

	// Tells whether an object that was there may be dropped: as the deployment has made it, what it is a part of, or nobody can tell.
	bool may_drop(const capture::RunObject &object) const;

	// Tells whether what a statement would make is there because nothing that it names was dropped.
	bool is_left(const ErrorData &error, const std::string &statement) const;
};

// Raises 42704, in any state of a transaction, for an object that may not be dropped.
void require_own(const Undoing &undoing, const capture::RunObject &object);

// Of the first `steps`, those of the up script, and of what steps of down scripts have made since; behind the first record of an abort.
Undoing read_undoing(const ledger::Deployment &deployment, int steps);

// What the first `steps` have made, in the order in which they did; behind the first record of an abort.
std::vector<capture::RunObject> made_by(const ledger::Deployment &deployment, int steps);

// What the steps have changed or dropped that they had not made themselves, but for what they have added to it: no DROP undoes that.
std::vector<std::string> irreversible(const ledger::Deployment &deployment, int steps);

// The columns and constraints that the steps have added to what they had not made, as they are called now, as a JSON array for the journal.
std::string parts_json(const ledger::Deployment &deployment, int steps);

} // namespace mg::deploy
