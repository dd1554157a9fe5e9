// Breaking the glass: an exception from enforcement, on record, that ends by itself.
#pragma once

#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::policy {

// Lets the user that logged in change the schema outside migrations, in all its sessions, for a while; gives until when. On record with
// an alert. Raises 42501 without the right break_glass, 22023 for no reason or no duration up to 24 hours.
std::string break_glass(const std::string &reason, double seconds);

// Ends that early; gives how many statements ran meanwhile. Raises 55000 when there is none.
std::string end_break_glass();

// Whether a glass of the user that logged in is broken: it still holds the right, and the time is not up.
bool is_glass_broken();

// A row for each statement that ran under a broken glass, and one without a statement where none did.
std::vector<pg::Row> break_glass_report();

// Those that are broken now: who, until when, why.
std::vector<pg::Row> broken_glasses();

} // namespace mg::policy
