// What this session waits for.
#pragma once

#include "pg/boundary.hpp"

namespace mg::pg {

// A lock that is waited for.
struct Awaited
{
	Oid relation = InvalidOid; // InvalidOid: none of this database
	LOCKMODE mode = NoLock;
	LOCKTAG tag = {}; // whatever it is on; only if `any`
	bool any = false;
};

// Notes, until it goes out of scope, for which lock the session waits: it looks every so many milliseconds.
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
