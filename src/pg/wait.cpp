// Looks at the session's own wait from a timeout's handler, since an error about it does not name what was waited for.
#include "pg/wait.hpp"

namespace mg::pg {

namespace {

// Written by the handler only while a WaitWatch lives; each one begins with InvalidOid.
volatile Oid waited = InvalidOid;
volatile LOCKMODE waited_mode = NoLock;
LOCKTAG waited_tag;
volatile sig_atomic_t waited_any = 0;
TimeoutId timeout = USER_TIMEOUT;
bool registered = false;

// Runs as a signal handler within the wait. Whoever grants the lock takes the pointer away, but the entry stays where it is. A session that
// ends has no MyProc any more.
void
look()
{
	const LOCK *lock = MyProc != nullptr ? MyProc->waitLock : nullptr;

	if (lock != nullptr)
	{
		waited_tag = lock->tag;
		waited_any = 1;
	}
	if (lock != nullptr && lock->tag.locktag_type == LOCKTAG_RELATION && lock->tag.locktag_field1 == MyDatabaseId)
	{
		waited = lock->tag.locktag_field2;
		waited_mode = MyProc->waitLockMode;
	}
}

} // namespace

WaitWatch::WaitWatch(int milliseconds)
{
	waited = InvalidOid;
	waited_any = 0;
	guarded([&] {
		if (!registered)
		{
			timeout = RegisterTimeout(USER_TIMEOUT, look);
			registered = true;
		}
		enable_timeout_every(timeout, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds), milliseconds);
	});
}

WaitWatch::~WaitWatch()
{
	disable_timeout(timeout, false);
}

Awaited
WaitWatch::last() const noexcept
{
	return {waited, waited_mode, waited_tag, waited_any != 0};
}

} // namespace mg::pg
