// Sees to it that the journal tells how a deployment was left, whichever way.
#pragma once

#include <functional>
#include <string>

#include "ledger/journal.hpp"
#include "migrate/attempt.hpp"

namespace mg::deploy {

// Does the work of a deployment that has begun; an error that leaves it is on record, as interrupted or failed, before it goes on.
void keep(const ledger::Deployment &deployment, migrate::Attempt &attempt, const std::function<void()> &work);

void end_journal(const ledger::Deployment &deployment, const std::string &outcome);

// Writes down that somebody goes on with it, and before that how it was left, if whoever did it could not.
void note_return(const ledger::Deployment &deployment, const std::string &event, const std::string &details = "");

// The deployment or rollback of a migration that has not ended, taken over if another installation began it; raises 55000 when there is none.
ledger::Deployment require_open(const std::string &name);

// Tells whether somebody has begun to undo it.
bool is_being_aborted(const ledger::Deployment &deployment);

// deployment, rollback
std::string word_of(const ledger::Deployment &deployment);
// What to do about one that was interrupted; within a transaction.
std::string way_on(const ledger::Deployment &deployment);

} // namespace mg::deploy
