// Compares what is expected with what is there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/picture.hpp"
#include "schema/schema.hpp"

namespace mg::drift {

// One object that differs.
struct Drift
{
	std::vector<Deviation> deviations;
	std::string identity; // of the object itself, as expected or else as it is
	std::string was;      // the other name, of a renamed object
	uint64_t xid = 0;     // since when it may have been changed
	std::optional<schema::Unit> unit;
	std::optional<schema::Address> gone;
	Picture expected; // empty parts where there is none
	Picture actual;
};

// Every object that differs from what is expected, in no order. Looks only at those whose catalog rows are not the recorded ones
// and at what depends on them, if that can be told.
std::vector<Drift> find_drift();

} // namespace mg::drift
