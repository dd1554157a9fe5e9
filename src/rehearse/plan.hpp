// mg_plan and mg_sizes: what a migration is about to do, by its last rehearsal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::rehearse {

// Rows of mg_plan(): step, statement, lock_mode, object, rewrite, estimate, note, disk, risk, conflicts; of the up script, or of the down script of an applied
// migration. Runs nothing and locks nothing. What a statement did is taken from the newest receipt of these scripts, and its time
// scaled to how large its table is here, or by `sizes`, in the format of sizes(), anywhere else; what was not rehearsed, from the linter. Raises MG004 for a name that nobody
// knows and 22023 for sizes that are none.
std::vector<pg::Row> plan(const std::string &name, const std::optional<std::string> &sizes);

// A JSON object: the bytes of each table, with its partitions and children, TOAST and all, without indexes.
std::string sizes();

} // namespace mg::rehearse
