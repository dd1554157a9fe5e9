// What other sessions do just now.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::lint {

// A lock that another session holds on a table, in a transaction that has gone on for seconds.
struct OtherLock
{
	std::string pid;
	LOCKMODE mode;
	std::string since;         // for how long, as a text
	bool is_vacuum_wraparound; // VACUUM against the wraparound of transaction ids, which does not give way
};

// Whether anybody holds a lock on a table that keeps one from it; cheap.
bool is_kept_from(Oid table, LOCKMODE mode);

// By table; of each, those that wait longest first.
std::map<Oid, std::vector<OtherLock>> locks_of_others();

} // namespace mg::lint
