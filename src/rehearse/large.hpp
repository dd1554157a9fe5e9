// What a rehearsal leaves alone.
#pragma once

#include <optional>
#include <string>

#include "pg/boundary.hpp"

namespace mg::rehearse {

// What the text of a statement tells.
struct Fit
{
	std::optional<std::string> lasting; // what of it no rollback undoes
	Oid table = InvalidOid;             // that it may read or write from end to end
	std::string what;                   // in it does that
	int64_t bytes = 0;                  // of the table with its partitions and children
};

// Raises 54000 for a statement that would read or write a table above rehearsal_max_size from end to end, and 0A000 for one that reaches
// out of the database, unless policy allows that: a rehearsal is no reason for either. Judges by the text. A `sample` of a table fits whatever
// its size.
Fit require_fit(const std::string &sql, bool is_sample = false);

// Whether a statement may read or write a table above rehearsal_max_size from end to end.
bool is_too_large(const std::string &sql);

// The policy setting rehearsal_outside.
bool may_reach_out();

} // namespace mg::rehearse
