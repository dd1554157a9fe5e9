// Writes times, sizes and counts.
#include "rehearse/words.hpp"

#include "pg/text.hpp"

namespace mg::rehearse {

std::string
time_of(int64_t us)
{
	if (us < 10000)
		return std::to_string(us / 1000) + "." + std::to_string(us / 100 % 10) + " ms";
	if (us < 10LL * 1000 * 1000)
		return std::to_string(us / 1000) + " ms";
	return std::to_string(us / 1000000) + " s";
}

std::string
size_of(int64_t bytes)
{
	return pg::size_text(bytes);
}

std::string
count_of(int64_t number, const char *one)
{
	return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
}

} // namespace mg::rehearse
