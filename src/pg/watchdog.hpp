// Does something about work that takes too long while it still goes on: a background worker does it, in a transaction of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/worker.hpp"

namespace mg::pg {

// What to hand to the worker's job if the work is still going on after so long.
struct Task
{
	int64_t after_us;
	std::string payload;
};

constexpr size_t most_tasks = 2;

// Is watched from its construction to its end. One worker serves a session; it is started with the first watch, ends a second after the last
// or with the session, and connects to the database only to do a job, so that it is in nobody's way. Up to half a second late. Where there is no
// worker slot, or a payload is too long, nothing is watched.
class Watch
{
public:
	// At most `most_tasks`.
	explicit Watch(const std::vector<Task> &tasks) noexcept;
	~Watch();
	Watch(const Watch &) = delete;
	Watch &operator=(const Watch &) = delete;
};

// Lets the session's worker go if it has nothing to watch: somebody needs its slot.
void release_watchdog_raw();

// The body of the worker.
void watchdog_body_raw(Datum argument, WorkerJob job);

} // namespace mg::pg
