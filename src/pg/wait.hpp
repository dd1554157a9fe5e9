// What this session waits for.
#pragma once

#include "pg/boundary.hpp"

namespace mg::pg {

// A lock on a relation that is waited for.
struct Awaited
{
	Oid relation; // InvalidOid: none
	LOCKMODE mode;
};

// Notes, until it goes out of scope, on which relation of this database the session waits for a lock: it looks every so many milliseconds.
// At most one at a time.
class WaitWatch
{
public:
	explicit WaitWatch(int milliseconds);
	~WaitWatch();
	WaitWatch(const WaitWatch &) = delete;
	WaitWatch &operator=(const WaitWatch &) = delete;

	// What was waited for last.
	Awaited last() const noexcept;
};

} // namespace mg::pg
