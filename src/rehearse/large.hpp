// What a rehearsal leaves alone.
#pragma once

#include <string>

namespace mg::rehearse {

// Raises 54000 for a statement that would read or write a table above rehearsal_max_size from end to end, and 0A000 for one that does
// what nothing undoes: a rehearsal is no reason for either. Judges by the text.
void require_small(const std::string &sql);

} // namespace mg::rehearse
