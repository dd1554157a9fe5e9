// The size of the database, measured only as often as it is worth.
#pragma once

#include <cstdint>
#include <string>

namespace mg::migrate {

// Gives the size in bytes before a run: what this session measured less than a minute ago, or a new measurement.
std::string size_before_run();

// Gives the size after a run, or nothing when measuring would cost more than a millisecond and more than a tenth of what
// the run took: the server has to look at every file of the database.
std::string size_after_run(int64_t run_us);

} // namespace mg::migrate
