// When migrations may run: maintenance windows, and times when nothing changes.
#pragma once

#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::policy {

// Days of the week and a time of the day, in a time zone: Mon-Fri 22:00-06:00 Europe/Berlin. One that ends before it begins goes over
// midnight, and belongs to the day that it begins on.
struct Window
{
	int first_day; // Sunday is 0
	int last_day;  // before the first: over the end of the week
	int begin;     // minutes of the day
	int end;
	std::string zone;
};

// Windows separated by semicolons; without a time zone it is UTC. Raises 22023 for what is none, or a zone that the server does not know.
std::vector<Window> windows_in(const std::string &text);
bool is_open(const Window &window, TimestampTz moment);

struct Freeze
{
	TimestampTz begin;
	TimestampTz end;
};

// Times separated by semicolons: 2026-12-20 00:00 to 2027-01-04 00:00 Europe/Berlin. Raises 22023.
std::vector<Freeze> freezes_in(const std::string &text);

// A moment as a clock in the zone shows it: Sun 07:31.
std::string clock_in(const std::string &zone, TimestampTz moment);

} // namespace mg::policy
