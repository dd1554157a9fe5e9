// SQL that makes objects again, as the server's own deparsers have them.
#pragma once

#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::schema {

struct Definitions
{
	std::vector<std::string> statements; // without semicolons, in an order that works
	std::vector<std::string> objects;    // what they make, without what comes along with another one: type and identity
	std::vector<std::string> unwritten;  // what no statement is known for; then the others are not enough
	bool has_routines = false;           // whose bodies name what may not be there yet
};

// Reads what makes these objects as they are now: with owners, privileges, comments, and everything that is a part of them. The objects are
// all those that one or more DROPs take along, as lint::gone_with() tells. What is outside is taken to be there. Rows are no part of it, but
// tables come before their keys, and views that keep rows come last, so that they can be filled on the way. Locks nothing.
Definitions definitions_of(const std::vector<ObjectAddress> &gone);

} // namespace mg::schema
