// The settings of a session.
#pragma once

#include "ledger/store.hpp"

namespace mg::capture {

// Defines them; called once when the library is loaded.
void define_settings();

// The migration that migration_governance.migration names, if it is registered; nullptr otherwise, with a WARNING for a
// name that is not.
const char *attributed_migration_raw(const ledger::Place &place);

// What migration_governance.migration says, or an empty text.
const char *claimed_migration();

// Writes a line about a run to the server log, at migration_governance.log_level.
void log_run(const std::string &message);

// migration_governance.protect_ledger: a superuser's switch.
bool ledger_is_protected();

} // namespace mg::capture
