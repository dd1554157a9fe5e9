// The session writes into a shared segment what is to be done and when; the worker looks there twice a second.
#include "pg/watchdog.hpp"

#include <algorithm>

namespace mg::pg {

namespace {

constexpr size_t room = 16 * 1024;
constexpr long look_every_ms = 500;
constexpr int idle_looks = 2;
constexpr uint64 closed = PG_UINT64_MAX;

struct Entry
{
	TimestampTz due;
	size_t start;
	size_t length;
};

// What lies in the shared segment. Only the session writes the entries.
struct Shared
{
	Oid database;
	pg_atomic_uint64 turn;   // odd while the session writes; `closed` once the worker has left
	pg_atomic_uint32 gone;   // the session has
	pg_atomic_uint32 inside; // the worker is connected to the database
	size_t count;
	Entry entries[most_tasks];
	char payloads[room];
};

// The session's own end of it.
dsm_segment *segment = nullptr;
BackgroundWorkerHandle *worker = nullptr;

Shared *
shared_of(dsm_segment *where)
{
	return static_cast<Shared *>(dsm_segment_address(where));
}

// Also when the session ends, however it does.
extern "C" void
mg_let_watchdog_go(dsm_segment *where, Datum)
{
	pg_atomic_write_u32(&shared_of(where)->gone, 1);
	if (worker != nullptr)
		TerminateBackgroundWorker(worker);
}

void
forget_worker_raw()
{
	if (segment != nullptr)
		dsm_detach(segment);
	segment = nullptr;
	if (worker != nullptr)
		pfree(worker);
	worker = nullptr;
}

bool
start_worker_raw()
{
	segment = dsm_create(sizeof(Shared), DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (segment == nullptr)
		return false;
	dsm_pin_mapping(segment);
	Shared *shared = shared_of(segment);
	shared->database = MyDatabaseId;
	shared->count = 0;
	pg_atomic_init_u64(&shared->turn, 0);
	pg_atomic_init_u32(&shared->gone, 0);
	pg_atomic_init_u32(&shared->inside, 0);
	on_dsm_detach(segment, mg_let_watchdog_go, Datum(0));

	BackgroundWorker description = describe_worker_raw("mg_watchdog_main", "watchdog", segment);
	MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
	const bool registered = RegisterDynamicBackgroundWorker(&description, &worker);
	MemoryContextSwitchTo(before);
	if (!registered)
		forget_worker_raw();
	return registered;
}

// Tells whether there is a worker that has not left, and from then on cannot.
bool
take_turn_raw()
{
	pid_t pid;

	/* An error may have kept one of both from being made. */
	if (segment == nullptr || worker == nullptr)
		return false;
	uint64 turn = pg_atomic_read_u64(&shared_of(segment)->turn);
	return turn != closed && GetBackgroundWorkerPid(worker, &pid) != BGWH_STOPPED &&
		   pg_atomic_compare_exchange_u64(&shared_of(segment)->turn, &turn, turn + 1);
}

void
end_turn_raw()
{
	pg_atomic_fetch_add_u64(&shared_of(segment)->turn, 1);
}

void
begin_watch_raw(const Task *tasks, size_t count, size_t length)
{
	if (count == 0 || length > room || !IsUnderPostmaster)
		return;
	if (!take_turn_raw())
	{
		forget_worker_raw();
		if (!start_worker_raw() || !take_turn_raw())
			return;
	}
	Shared *shared = shared_of(segment);
	const TimestampTz now = GetCurrentTimestamp();
	size_t start = 0;
	for (size_t i = 0; i < count; i++)
	{
		shared->entries[i] = {now + tasks[i].after_us, start, tasks[i].payload.size()};
		memcpy(shared->payloads + start, tasks[i].payload.data(), tasks[i].payload.size());
		start += tasks[i].payload.size();
	}
	shared->count = count;
	end_turn_raw();
}

// A worker that has connected must not keep anybody from dropping the database.
void
end_watch_raw()
{
	if (segment == nullptr || shared_of(segment)->count == 0)
		return;
	if (!take_turn_raw())
	{
		forget_worker_raw();
		return;
	}
	shared_of(segment)->count = 0;
	end_turn_raw();
	if (pg_atomic_read_u32(&shared_of(segment)->inside) != 0)
		forget_worker_raw();
}

// The worker's copy of what there is to do.
struct Orders
{
	uint64 turn;
	size_t count;
	Entry entries[most_tasks];
};

// False while the session writes.
bool
read_orders_raw(Shared *shared, Orders *orders)
{
	orders->turn = pg_atomic_read_u64(&shared->turn);
	if (orders->turn % 2 != 0)
		return false;
	pg_read_barrier();
	orders->count = shared->count;
	memcpy(orders->entries, shared->entries, sizeof(orders->entries));
	pg_read_barrier();
	return pg_atomic_read_u64(&shared->turn) == orders->turn;
}

// Does one of the orders, unless they have been taken back meanwhile.
void
do_order_raw(Shared *shared, const Orders &orders, const Entry &entry, WorkerJob job)
{
	char *payload = static_cast<char *>(MemoryContextAlloc(TopMemoryContext, entry.length + 1));

	memcpy(payload, shared->payloads + entry.start, entry.length);
	payload[entry.length] = '\0';
	const bool was_inside = pg_atomic_exchange_u32(&shared->inside, 1) != 0;
	if (pg_atomic_read_u64(&shared->turn) == orders.turn)
	{
		pqsignal(SIGTERM, die);
		if (!was_inside)
			connect_worker_raw(shared->database);
		do_job_raw(payload, entry.length, job);
		pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	}
	else if (!was_inside)
		pg_atomic_write_u32(&shared->inside, 0);
	pfree(payload);
}

long
milliseconds_until(TimestampTz moment)
{
	return std::clamp<int64>((moment - GetCurrentTimestamp()) / 1000, 0, look_every_ms);
}

} // namespace

Watch::Watch(const std::vector<Task> &tasks) noexcept
{
	size_t length = 0;

	for (const Task &task : tasks)
		length += task.payload.size();
	try
	{
		guarded([&] { begin_watch_raw(tasks.data(), std::min(tasks.size(), most_tasks), length); });
	}
	catch (...)
	{
		/* It is not watched. */
	}
}

/* While an error is on its way, there must be no other. */
Watch::~Watch()
{
	try
	{
		guarded([] { end_watch_raw(); });
	}
	catch (...)
	{
		/* The worker ends with the session. */
	}
}

void
release_watchdog_raw()
{
	if (segment != nullptr && shared_of(segment)->count == 0)
		forget_worker_raw();
}

void
watchdog_body_raw(Datum argument, WorkerJob job)
{
	dsm_segment *where = attach_worker_raw(argument, SignalHandlerForShutdownRequest);
	if (where == nullptr)
		return;
	Shared *shared = shared_of(where);
	uint64 done_turn = 0;
	size_t done = 0; // of the orders of that turn
	int idle = 0;

	while (!ShutdownRequestPending && pg_atomic_read_u32(&shared->gone) == 0)
	{
		Orders orders;
		long wait = look_every_ms;
		if (read_orders_raw(shared, &orders))
		{
			if (orders.turn != done_turn)
				done = 0;
			done_turn = orders.turn;
			idle = orders.count > 0 ? 0 : idle + 1;
			uint64 expected = orders.turn;
			if (idle > idle_looks && pg_atomic_compare_exchange_u64(&shared->turn, &expected, closed))
				break;
			if (done < orders.count && milliseconds_until(orders.entries[done].due) == 0)
			{
				do_order_raw(shared, orders, orders.entries[done++], job);
				continue;
			}
			if (done < orders.count)
				wait = milliseconds_until(orders.entries[done].due);
		}
		(void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	dsm_detach(where);
}

} // namespace mg::pg
