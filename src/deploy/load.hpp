// How busy other sessions keep this server.
#pragma once

#include <cstdint>

#include "pg/settings.hpp"

namespace mg::deploy {

// Sessions that were at work within the last second and wait for no lock, to one processor each: 0 none, 1 all of them or more.
// A query: within transact().
double load_of_others();

// While others are at work, what keeps long statements from taking the server to themselves: no parallel workers, VACUUM with pauses.
// Without what a user, a role or the database has set. Within transact(), under the settings of the statement.
pg::Settings gentle_settings();

// How long to rest after so much work, when `percent` is the policy setting backfill_rest.
int64_t rest_ms(int64_t worked_us, int percent, double load);

} // namespace mg::deploy
