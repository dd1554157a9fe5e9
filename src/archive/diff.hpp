// What is kept against what is there.
#pragma once

#include "archive/entry.hpp"
#include "pg/query.hpp"

namespace mg::archive {

// The rows of an archive that the table has not as they were kept, `most` of them, with the caller's rights on that table: the key, what is kept
// and the row that has the key now, each as JSON with values as text. By the key that they were kept with, or the table's primary key; without
// one, rows that are alike count. Raises 42501 if row level security would hide rows from the caller, 42P01 if the table is not there, 55000 for what has no rows.
std::vector<pg::Row> diff(const Entry &entry, int64_t most);

} // namespace mg::archive
