// Seals: the chain that makes a rewritten past evident.
#pragma once

#include <string>
#include <vector>

#include "ledger/store.hpp"

namespace mg::ledger {

// Covers what committed transactions have recorded since the last seal, unless another session is sealing right now, this
// one has done so within the last second, or the transaction's snapshot is too old to tell. With `thorough` at once, and
// also what was restored from other installations.
void seal(bool thorough = false);

// The digest of the newest seal; empty when there is none. Kept elsewhere, it catches a rewritten past.
std::string head();

// One finding about the ledger itself.
struct Check
{
	std::string name;
	std::string object;
	bool ok;
	std::string expected;
	std::string actual;
};

// Recomputes every record's hash and every seal's digest; names the first of each kind that does not fit, and counts
// what no seal covers yet.
std::vector<Check> check();

} // namespace mg::ledger
