// Measures the database.
#include "migrate/size.hpp"

#include "capture/frame.hpp"
#include "ledger/store.hpp"

namespace mg::migrate {

namespace {

// The session's last measurement; an error leaves it as it was, which is still true.
struct Measurement
{
	int64_t at;   // clock of capture::clock_us()
	int64_t cost; // microseconds
	int64_t bytes;
};
Measurement last = {0, 0, 0};

constexpr int64_t fresh_us = 60LL * 1000 * 1000;
constexpr int64_t cheap_us = 100;

void
measure()
{
	int64_t start = capture::clock_us();
	std::string bytes = ledger::query_cell("SELECT pg_database_size(current_database())").value_or("0");

	last = {start, capture::clock_us() - start, std::stoll(bytes)};
}

} // namespace

std::string
size_before_run()
{
	if (last.at == 0 || capture::clock_us() - last.at > fresh_us)
		measure();
	return std::to_string(last.bytes);
}

std::string
size_after_run(int64_t run_us)
{
	if (last.cost > cheap_us && last.cost > run_us / 10)
		return "";
	measure();
	return std::to_string(last.bytes);
}

} // namespace mg::migrate
