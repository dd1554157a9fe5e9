// SQL over the rows of a table that whoever it runs as may not read.
#pragma once

#include <cstdint>
#include <string>

#include "pg/boundary.hpp"

namespace mg::pg {

// Runs one statement as `role`, with search_path pg_catalog and as little else as REINDEX may do, in which the name "kept" stands for the
// rows of `table`. Gives how many rows it processed. Meanwhile `target`, if there is one, has no triggers of users.
uint64_t run_over(Oid table, Oid role, Oid target, const std::string &sql);

} // namespace mg::pg
