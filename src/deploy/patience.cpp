// Tries again, not all at once.
#include "deploy/patience.hpp"

#include <algorithm>
#include <random>

namespace mg::deploy {

bool
is_worth_a_try(const ErrorData &error)
{
	return error.sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || error.sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		   error.sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

int64_t
backoff_ms(int attempt)
{
	static std::minstd_rand random(static_cast<unsigned>(MyProcPid) ^ static_cast<unsigned>(GetCurrentTimestamp()));
	const int64_t base = std::min<int64_t>(int64_t{200} << std::min(attempt - 1, 10), 10000);

	return base / 2 + std::uniform_int_distribution<int64_t>(0, base)(random);
}

bool
is_over(TimestampTz deadline)
{
	return deadline != DT_NOEND && GetCurrentTimestamp() >= deadline;
}

} // namespace mg::deploy
