// What a rehearsal leaves alone.
#pragma once

#include <optional>
#include <string>

namespace mg::rehearse {

// Raises 54000 for a statement that would read or write a table above rehearsal_max_size from end to end, and 0A000 for one that reaches
// out of the database, unless policy allows that: a rehearsal is no reason for either. Gives what of the statement no rollback undoes.
// Judges by the text.
std::optional<std::string> require_fit(const std::string &sql);

// The policy setting rehearsal_outside.
bool may_reach_out();

} // namespace mg::rehearse
