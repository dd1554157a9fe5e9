// What this session waits for.
#pragma once

#include "pg/boundary.hpp"

namespace mg::pg {

// Notes, until it goes out of scope, on which relation of this database the session waits for a lock: it looks every so many milliseconds.
// At most one at a time.
class WaitWatch
{
public:
	explicit WaitWatch(int milliseconds);
	~WaitWatch();
	WaitWatch(const WaitWatch &) = delete;
	WaitWatch &operator=(const WaitWatch &) = delete;

	// The relation that was waited for last, or InvalidOid.
	Oid relation() const noexcept;
};

} // namespace mg::pg
