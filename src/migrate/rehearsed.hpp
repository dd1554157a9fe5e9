// Whether a rollback did what its rehearsal found.
#pragma once

#include <optional>
#include <string>

#include "capture/run.hpp"
#include "ledger/history.hpp"
#include "migrate/runner.hpp"

namespace mg::migrate {

// Compares what the objects of a migration look like, once its down script has run, with what they looked like before it was rehearsed,
// and that with the differences that the rehearsal told: of the newest one of these scripts before the migration was applied here.
// What other runs and statements touched since is left out. Warns of what differs otherwise than rehearsed. Gives evidence for the
// record, or nothing if there was no such rehearsal.
std::optional<Finding> compare_with_rehearsal(const std::string &migration, const ledger::LastRun &applied,
											  const std::string &down_checksum, const capture::Run &run,
											  int64_t run_id);

} // namespace mg::migrate
