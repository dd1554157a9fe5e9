// How long a deployment keeps asking for a lock.
#pragma once

#include <cstdint>

#include "pg/boundary.hpp"

namespace mg::deploy {

struct Patience
{
	int lock_timeout_ms; // of each attempt
	int retries;         // after the first attempt
	TimestampTz deadline = DT_NOEND;
};

// Tells whether the same may go well another time: a lock that was not to be had (55P03), a deadlock (40P01), a serialization failure (40001).
bool is_worth_a_try(const ErrorData &error);

// How long to wait after that many attempts: 200 ms, doubled each time up to 10 s, times a random number from 0.5 to 1.5.
int64_t backoff_ms(int attempt);

} // namespace mg::deploy
