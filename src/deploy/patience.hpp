// How long a deployment waits, and how often it tries again.
#pragma once

#include "pg/boundary.hpp"

namespace mg::deploy {

struct Patience
{
	int lock_timeout_ms = 2000;
	int retries = 10;
	TimestampTz deadline = DT_NOEND;
};

// Tells whether an error may be gone at the next try: a lock that was not to be had, a deadlock, a serialization failure.
bool is_worth_a_try(const ErrorData &error);

// How long to wait after so many tries, from 1: twice as long each time, up to ten seconds, more or less by chance.
int64_t backoff_ms(int attempt);

bool is_over(TimestampTz deadline);

} // namespace mg::deploy
