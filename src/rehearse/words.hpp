// How numbers are written for people.
#pragma once

#include <cstdint>
#include <string>

namespace mg::rehearse {

std::string time_of(int64_t us);
std::string size_of(int64_t bytes);
// 1 row, 2 rows
std::string count_of(int64_t number, const char *one);

} // namespace mg::rehearse
