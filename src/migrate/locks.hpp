// The lock that lets one migration run at a time, and the locks that a run holds.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::migrate {

// Waits until no other migration runs in this database, with a NOTICE that says for whom; held until the transaction ends.
// Raises 55P03 while another session deploys, whose statements would wait for this one's snapshot, and 40001 when the transaction's snapshot is older than a run that has ended since.
void take_run_lock();

struct HeldLock
{
	unsigned int oid;
	std::string relation;
	std::string mode;
	int rank; // 0 is the strongest mode
};

// The strongest lock of this session on each relation, but for system, temporary and the ledger's own ones.
std::vector<HeldLock> held_locks();

} // namespace mg::migrate
