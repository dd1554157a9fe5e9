// What the server would have to check of rows as a partition comes to a table, asked without doing it.
#pragma once

#include <string>

#include "lint/model.hpp"

namespace mg::lint {

struct BoundCheck
{
	bool is_proved = false; // by validated constraints: no row is read
	std::string expression; // of a CHECK that proves it; empty where nobody can tell
};

// Of a table that is attached. Unproved where the bounds are not literals or somebody holds a lock that reading would have to wait for.
BoundCheck check_of_partition(const Table &parent, const PartitionBoundSpec *bound, const Table &partition);
// Of the default partition, beside which it is attached or made.
BoundCheck check_of_default(const Table &parent, const PartitionBoundSpec *bound, const Table &default_partition);
// Of an expression, where the parent is not there yet.
BoundCheck check_of_expression(const std::string &expression, const Table &partition);

// The name of the CHECK that DETACH PARTITION CONCURRENTLY leaves on the partition; empty if it leaves none or nobody can tell.
std::string check_left_by_detach(const Table &partition);

} // namespace mg::lint
