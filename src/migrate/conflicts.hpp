// Pending migrations that touch the same objects.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "migrate/migration.hpp"

namespace mg::migrate {

// For each statement of a pending migration's up script that touches what another pending one touches: "table public.t: other, ...".
// Migrations that require one another, directly or not, are in order and not told. Objects that only one of them makes are the other's
// when it names them too.
std::map<size_t, std::vector<std::string>> conflicts_of(const Migration &migration);

} // namespace mg::migrate
