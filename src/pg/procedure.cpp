// Commits through SPI, as the server's own procedural languages do.
#include "pg/procedure.hpp"

#include <algorithm>

namespace mg::pg {

Procedure::Procedure(FunctionCallInfo fcinfo, const char *name)
{
	const auto *call = fcinfo->context != nullptr && IsA(fcinfo->context, CallContext)
						   ? reinterpret_cast<const CallContext *>(fcinfo->context)
						   : nullptr;

	if (call == nullptr || call->atomic)
		throw UserError("25001", std::string(name) + " cannot run inside a transaction block")
			.detail("It commits between its steps.")
			.hint("Send CALL by itself, in autocommit mode: not between BEGIN and COMMIT, not in a function, and not "
				  "together with other statements.");
	if (RecoveryInProgress())
		throw UserError("25006", std::string("cannot run ") + name + " during recovery")
			.hint("Run it on the primary server.");
	if (XactReadOnly)
		throw UserError("25006", std::string("cannot run ") + name + " in a read-only transaction");
	guarded([] {
		if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
	});
}

// After an error the transaction's abort closes the connection.
Procedure::~Procedure()
{
	if (std::uncaught_exceptions() == 0)
		SPI_finish();
}

void
commit_and_go_on()
{
	guarded([] { SPI_commit(); });
}

void
commit_lazily()
{
	guarded([] { commit_as_raw("off"); });
}

void
commit_as_raw(const char *value)
{
	set_config_option("synchronous_commit", value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

void
ensure_snapshot()
{
	guarded([] { EnsurePortalSnapshotExists(); });
}

void
sleep_ms(int64_t milliseconds)
{
	guarded([&] {
		const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
		for (;;)
		{
			CHECK_FOR_INTERRUPTS();
			const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
			if (left <= 0)
				return;
			WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
		}
	});
}

} // namespace mg::pg
