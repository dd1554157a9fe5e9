// How busy other sessions keep this server.
#pragma once

#include <cstdint>

#include "pg/settings.hpp"

namespace mg::deploy {

// How many sessions were at work within the last second and wait for no lock, for each processor: from 0 to 1, which is as many or more.
// A query: within transact().
double load_of_others();

// The settings of a statement that a worker runs and, while others are at work, what keeps it from taking the server to itself: no parallel
// workers, VACUUM with pauses. Not what a user, a role, the database or these settings have set. Not within transact().
pg::Settings leaving_room(const pg::Settings &settings);

// How long to rest after so much work, when `percent` is the policy setting backfill_rest.
int64_t rest_ms(int64_t worked_us, int percent, double load);

} // namespace mg::deploy
