// How fast this database goes through its tables, by its own rehearsals and runs.
#pragma once

#include <cstdint>
#include <string>

#include "lint/finding.hpp"

namespace mg::migrate {

/* Below this, a statement's time says nothing of the time that a larger table takes. */
constexpr int64_t telling_bytes = 1024 * 1024;

struct Pace
{
	double factor = 1;       // how much longer statements took than in their rehearsal
	int64_t runs = 0;        // that this was seen in
	double bytes_per_us = 0; // in rehearsals of whole tables; 0: never seen
};

Pace pace();

// How long something takes, and how that is known.
struct Duration
{
	int64_t us;
	std::string basis;
};

// For going through so many bytes. Where no rehearsal has measured it, at the rates of an ordinary machine.
Duration time_for(lint::Work work, int64_t bytes, const Pace &pace);

} // namespace mg::migrate
