// The columns that an archive and a table have both.
#pragma once

#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::archive {

// One of them, and how a value of the one becomes one of the other.
struct Pair
{
	std::string name;  // quoted
	std::string kept;  // SQL over `kept`: the value as it is kept
	std::string value; // the same as the table takes it
	bool is_always;    // an identity that takes no value of an UPDATE
};

// In the order of the table, without what it computes itself.
std::vector<Pair> pairs(Oid archive, Oid table);

std::string joined_by(const std::vector<std::string> &items, const std::string &by);

} // namespace mg::archive
