// Who waits for the same lock does not come back at the same time.
#include "deploy/patience.hpp"

#include <algorithm>

#include "pg/chance.hpp"

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
	constexpr int64_t first = 200;
	constexpr int64_t longest = 10000;
	const int64_t base = std::min(longest, first << std::clamp(attempt - 1, 0, 10));

	return static_cast<int64_t>(static_cast<double>(base) * (0.5 + pg::chance()));
}

bool
is_over(TimestampTz deadline)
{
	return deadline != DT_NOEND && GetCurrentTimestamp() >= deadline;
}

} // namespace mg::deploy
