// What is committed now, whatever snapshot the transaction has.
#pragma once

#include "pg/query.hpp"

namespace mg::pg {

// While it lives, the extension's own queries see what is committed now, under REPEATABLE READ and SERIALIZABLE too: a policy cannot be
// kept out of sight by a transaction that began before it.
class LatestScope
{
public:
	LatestScope();
	~LatestScope();
	LatestScope(const LatestScope &) = delete;
	LatestScope &operator=(const LatestScope &) = delete;

private:
	bool before_;
};

} // namespace mg::pg
