// What was done without a run and is to stay.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/picture.hpp"

namespace mg::drift {

// Takes the live state as expected, of all objects or of those of one identity, on record with the reason. Gives the number of
// differences accepted. Raises 22023 without a reason, MG201 when nothing of that identity differs.
int accept(const std::string &reason, const std::optional<std::string> &identity);

// Takes the differences that statements made which carry a migration's name (migration_governance.migration), sent by another tool
// before the migration runs: an index that was built CONCURRENTLY. Of an object that differs in something else as well, nothing.
void take_attributed(const std::string &migration);

// The differences that take_attributed() would take.
std::vector<Deviation> attributed(const std::string &migration);

} // namespace mg::drift
