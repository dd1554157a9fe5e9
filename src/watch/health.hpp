// Whether the database is in good shape, and what to do where it is not.
#pragma once

#include <vector>

#include "pg/query.hpp"

namespace mg::watch {

// Rows of mg_health: aspect, object, value, ok, hint; at least one for each aspect. `ok` is NULL for what cannot be told. Waits for no
// lock but, a tenth of a second, one on a system catalog; an aspect that cannot be had because of one has a row that says so.
std::vector<pg::Row> health();

} // namespace mg::watch
