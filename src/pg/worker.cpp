// Runs a job in a dynamic background worker.
#include "pg/worker.hpp"

#include <algorithm>

#include "pg/watchdog.hpp"

namespace mg::pg {

namespace {

// Longer than an idle watchdog stays.
constexpr int slot_wait_ms = 2000;
constexpr long slot_try_us = 20000;

enum State
{
	state_waiting,
	state_done,
	state_failed
};

// What lies in the shared segment.
struct Message
{
	Oid database;
	volatile int state;
	size_t length;
	char payload[FLEXIBLE_ARRAY_MEMBER];
};

WorkerOutcome
run_raw(const char *payload, size_t length, int timeout_ms)
{
	dsm_segment *segment = dsm_create(offsetof(Message, payload) + length + 1, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (segment == nullptr)
		return WorkerOutcome::no_slot;
	auto *message = static_cast<Message *>(dsm_segment_address(segment));
	message->database = MyDatabaseId;
	message->state = state_waiting;
	message->length = length;
	memcpy(message->payload, payload, length);
	message->payload[length] = '\0';

	BackgroundWorker worker = describe_worker_raw("mg_worker_main", "record", segment);
	worker.bgw_notify_pid = MyProcPid;

	BackgroundWorkerHandle *handle;
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
	if (!register_worker_raw(&worker, &handle, timeout_ms))
	{
		dsm_detach(segment);
		return WorkerOutcome::no_slot;
	}

	WorkerOutcome outcome = WorkerOutcome::timed_out;
	for (;;)
	{
		pid_t pid;
		if (GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED)
		{
			outcome = message->state == state_done ? WorkerOutcome::done : WorkerOutcome::failed;
			break;
		}
		if (GetCurrentTimestamp() >= deadline)
		{
			TerminateBackgroundWorker(handle);
			break;
		}
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 100, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	/* Whoever else wanted to wake this backend meanwhile still does. */
	SetLatch(MyLatch);
	dsm_detach(segment);
	return outcome;
}

} // namespace

bool
register_worker_raw(BackgroundWorker *worker, BackgroundWorkerHandle **handle, int timeout_ms)
{
	const int wait_ms = max_worker_processes > 0 ? std::min(timeout_ms, slot_wait_ms) : 0;
	const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_ms);

	while (!RegisterDynamicBackgroundWorker(worker, handle))
	{
		if (GetCurrentTimestamp() >= deadline)
			return false;
		release_watchdog_raw();
		pg_usleep(slot_try_us);
	}
	return true;
}

BackgroundWorker
describe_worker_raw(const char *function, const char *purpose, dsm_segment *segment)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "migration_governance");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "%s", function);
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "migration_governance %s", purpose);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "migration_governance");
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(segment));
	return worker;
}

dsm_segment *
attach_worker_raw(Datum argument, pqsigfunc on_sigterm)
{
	/* The handler that workers have by default ends the process wherever it is, even while it is queueing for a lock: a PANIC. */
	pqsignal(SIGTERM, on_sigterm);
	BackgroundWorkerUnblockSignals();
	return dsm_attach(DatumGetUInt32(argument));
}

void
connect_worker_raw(Oid database)
{
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
	/* A standby that is away must not keep the caller waiting. */
	SetConfigOption("synchronous_commit", "local", PGC_USERSET, PGC_S_SESSION);
}

void
do_job_raw(const char *payload, size_t length, WorkerJob job)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	job(payload, length);
	PopActiveSnapshot();
	CommitTransactionCommand();
}

WorkerOutcome
run_in_worker(const std::string &payload, int timeout_ms) noexcept
{
	try
	{
		return guarded([&] { return run_raw(payload.data(), payload.size(), timeout_ms); });
	}
	catch (...)
	{
		return WorkerOutcome::failed;
	}
}

void
worker_body_raw(Datum argument, WorkerJob job)
{
	dsm_segment *segment = attach_worker_raw(argument, die);
	if (segment == nullptr)
		return;
	auto *message = static_cast<Message *>(dsm_segment_address(segment));

	connect_worker_raw(message->database);
	message->state = state_failed;
	do_job_raw(message->payload, message->length, job);
	message->state = state_done;
	dsm_detach(segment);
}

} // namespace mg::pg
