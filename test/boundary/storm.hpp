// What a backend has allocated, and what happens when nothing more can be.
#pragma once

#include <string>

#include "pg/boundary.hpp"

namespace mg::boundary {

struct Usage
{
	int64 allocated; // bytes in all memory contexts
	int64 resident;  // bytes of the process that are neither shared memory nor mapped files
	int witnesses;   // objects that nobody destroyed
};

// Does not raise.
Usage usage();

// Says what has grown by more than 1 MB, or nothing.
std::string compare(const Usage &early, const Usage &late);

// Frees what boundary_exhaust() took.
void release_memory() noexcept;

} // namespace mg::boundary
