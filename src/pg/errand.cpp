// Sends statements to a worker and takes its messages back through a queue, as the server's parallel queries do.
#include "pg/errand.hpp"

#include "pg/lock.hpp"
#include "pg/worker.hpp"

namespace mg::pg {

namespace {

constexpr Size queue_bytes = 16384;
constexpr int slot_wait_ms = 5000;
constexpr int end_wait_ms = 60000;

// What lies in the shared segment, before the texts and the queue.
struct Order
{
	Oid database;
	Oid session_user;
	volatile bool finished;
	Size sql;      // offsets of the texts, each with its final zero
	Size settings; // name, value, name, value, ...
	Size cargo;
	Size queue;
	int setting_count;
};

char *
at(Order *order, Size offset)
{
	return reinterpret_cast<char *>(order) + offset;
}

// Ends the worker when this process ends or lets the segment go, whichever way.
extern "C" void
mg_end_errand(dsm_segment *, Datum handle)
{
	TerminateBackgroundWorker(reinterpret_cast<BackgroundWorkerHandle *>(DatumGetPointer(handle)));
}

} // namespace

// Plain memory of its own context, which outlives transactions.
struct Errand::State
{
	MemoryContext memory;
	dsm_segment *segment;
	Order *order;
	shm_mq_handle *queue;
	BackgroundWorkerHandle *handle;
	ErrorData *failure;
	bool ended;
	bool detached;
};

namespace {

Size
total_length(const Settings &settings)
{
	Size length = 0;

	for (const auto &[name, value] : settings)
		length += name.size() + value.size() + 2;
	return length;
}

char *
put(char *to, const std::string &what)
{
	memcpy(to, what.c_str(), what.size() + 1);
	return to + what.size() + 1;
}

// A user that may not log in can do so in a worker from 17 on only.
void
require_login()
{
#if PG_VERSION_NUM < 170000
	const char *refused = guarded([]() -> const char * {
		HeapTuple role = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetSessionUserId()));
		if (!HeapTupleIsValid(role))
			return nullptr;
		const bool may = reinterpret_cast<Form_pg_authid>(GETSTRUCT(role))->rolcanlogin;
		ReleaseSysCache(role);
		return may ? nullptr : GetUserNameFromId(GetSessionUserId(), true);
	});
	if (refused != nullptr)
		throw UserError("55000", std::string("no background worker can be session user \"") + refused + "\"")
			.detail("A statement that no transaction block can have runs in a background worker, which logs in as the "
					"session user; this role may not log in.")
			.hint("RESET SESSION AUTHORIZATION and use SET ROLE instead.");
#endif
}

// Reads the worker's messages as far as they have come.
void
drain_raw(MemoryContext memory, shm_mq_handle *queue, ErrorData **failure, bool *detached)
{
	while (!*detached)
	{
		Size length;
		void *data;
		const shm_mq_result result = shm_mq_receive(queue, &length, &data, true);
		if (result == SHM_MQ_WOULD_BLOCK)
			return;
		if (result == SHM_MQ_DETACHED)
		{
			*detached = true;
			return;
		}

		StringInfoData message;
		initStringInfo(&message);
		appendBinaryStringInfo(&message, static_cast<const char *>(data), static_cast<int>(length));
		const int kind = pq_getmsgbyte(&message);
		if (kind == 'E' || kind == 'N')
		{
			MemoryContext before = MemoryContextSwitchTo(memory);
			auto *edata = static_cast<ErrorData *>(palloc0(sizeof(ErrorData)));
			pq_parse_errornotice(&message, edata);
			MemoryContextSwitchTo(before);
			if (edata->elevel < ERROR)
				ThrowErrorData(edata);
			else
			{
				/* What ends the worker ends only the statement here. */
				edata->elevel = ERROR;
				*failure = edata;
			}
		}
		pfree(message.data);
	}
}

// Ends the worker, if it has not ended, and lets the segment go.
void
end_raw(BackgroundWorkerHandle *handle, bool ended, dsm_segment *segment)
{
	/* An interrupt is on its way already, or there is none: either way the worker must be gone before anybody goes on. */
	const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), end_wait_ms);
	pid_t pid;

	if (!ended)
		TerminateBackgroundWorker(handle);
	while (!ended && GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED && GetCurrentTimestamp() < deadline)
	{
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	/* Whoever else wanted to wake this backend meanwhile still does. */
	SetLatch(MyLatch);
	dsm_detach(segment);
}

} // namespace

Errand::Errand(const std::string &sql, const Settings &settings, const std::string &cargo) : state_(nullptr)
{
	require_login();

	const Settings own = settings_of_session();
	const std::string role = [] {
		const char *name = guarded([] { return GetConfigOption("role", false, false); });
		return std::string(name);
	}();
	Settings all = own;
	all.insert(all.end(), settings.begin(), settings.end());
	all.emplace_back("role", role);
	for (const auto &[name, value] : settings)
		if (name == "role")
			all.back().second = value;

	const Size head = MAXALIGN(sizeof(Order));
	const Size texts = sql.size() + 1 + total_length(all) + cargo.size() + 1;
	const Size queue = MAXALIGN(head + texts);
	state_ = guarded([&] {
		MemoryContext memory =
			AllocSetContextCreate(TopMemoryContext, "migration_governance errand", ALLOCSET_SMALL_SIZES);
		MemoryContext before = MemoryContextSwitchTo(memory);
		auto *state = static_cast<State *>(palloc0(sizeof(State)));
		state->memory = memory;
		state->segment = dsm_create(queue + queue_bytes, DSM_CREATE_NULL_IF_MAXSEGMENTS);
		if (state->segment != nullptr)
		{
			dsm_pin_mapping(state->segment);
			state->order = static_cast<Order *>(dsm_segment_address(state->segment));
		}
		MemoryContextSwitchTo(before);
		return state;
	});
	if (state_->segment == nullptr)
	{
		MemoryContextDelete(state_->memory);
		throw UserError("53400", "no shared memory segment is free for a background worker");
	}

	Order *order = state_->order;
	memset(order, 0, sizeof(Order));
	order->database = MyDatabaseId;
	order->session_user = GetSessionUserId();
	order->sql = head;
	order->settings = static_cast<Size>(put(at(order, order->sql), sql) - reinterpret_cast<char *>(order));
	char *end = at(order, order->settings);
	for (const auto &[name, value] : all)
		end = put(put(end, name), value);
	order->setting_count = static_cast<int>(all.size());
	order->cargo = static_cast<Size>(end - reinterpret_cast<char *>(order));
	put(end, cargo);
	order->queue = queue;

	State *state = state_;
	bool registered = false;
	try
	{
		registered = guarded([&] {
			MemoryContext before = MemoryContextSwitchTo(state->memory);
			shm_mq *mq = shm_mq_create(at(order, queue), queue_bytes);
			shm_mq_set_receiver(mq, MyProc);
			BackgroundWorker worker = describe_worker_raw("mg_errand_main", "deployment", state->segment);
			worker.bgw_notify_pid = MyProcPid;
			const bool done = register_worker_raw(&worker, &state->handle, slot_wait_ms);
			if (done)
			{
				state->queue = shm_mq_attach(mq, state->segment, state->handle);
				on_dsm_detach(state->segment, mg_end_errand, PointerGetDatum(state->handle));
			}
			MemoryContextSwitchTo(before);
			return done;
		});
	}
	catch (...)
	{
		dsm_detach(state->segment);
		MemoryContextDelete(state->memory);
		throw;
	}
	if (!registered)
	{
		dsm_detach(state->segment);
		MemoryContextDelete(state->memory);
		throw UserError("53400", "no background worker slot is free")
			.detail("A statement that no transaction block can have runs in a background worker.")
			.hint("max_worker_processes must leave room for one; CALL mg_resume() goes on when one is free.");
	}
}

Errand::~Errand()
{
	State *state = state_;

	try
	{
		guarded([&] { end_raw(state->handle, state->ended, state->segment); });
		MemoryContextDelete(state->memory);
	}
	catch (...)
	{
		return;
	}
}

bool
Errand::wait(int milliseconds)
{
	State *state = state_;

	return guarded([&] {
		const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
		while (!state->ended)
		{
			pid_t pid;
			CHECK_FOR_INTERRUPTS();
			const bool stopped = GetBackgroundWorkerPid(state->handle, &pid) == BGWH_STOPPED;
			drain_raw(state->memory, state->queue, &state->failure, &state->detached);
			state->ended = stopped;
			const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
			if (stopped || left <= 0)
				break;
			WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Min(left, 1000), PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
		}
		return state->ended;
	});
}

int
Errand::pid() const
{
	pid_t pid = 0;

	return GetBackgroundWorkerPid(state_->handle, &pid) == BGWH_STARTED ? static_cast<int>(pid) : 0;
}

std::optional<Error>
Errand::failure(const std::string &context)
{
	State *state = state_;

	if (state->failure == nullptr && state->order->finished)
		return std::nullopt;
	try
	{
		guarded([&] {
			if (state->failure != nullptr)
			{
				const char *known = state->failure->context;
				MemoryContext before = MemoryContextSwitchTo(state->memory);
				if (!context.empty())
					state->failure->context =
						known != nullptr ? psprintf("%s\n%s", known, context.c_str()) : pstrdup(context.c_str());
				MemoryContextSwitchTo(before);
				ThrowErrorData(state->failure);
			}
			ereport(ERROR, (errcode(ERRCODE_OPERATOR_INTERVENTION),
							errmsg("the background worker ended before its statement did"),
							errhint("The server log may say why.")));
		});
	}
	catch (Error &error)
	{
		return std::move(error);
	}
	return std::nullopt;
}

namespace {

// As the client's own statement would run: one utility statement, which may begin and end transactions as it likes.
void
run_raw(const char *sql, ErrandAllowed allowed)
{
	List *trees = pg_parse_query(sql);

	if (list_length(trees) != 1 || !allowed(linitial_node(RawStmt, trees)->stmt))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("a deployment's worker does not run this kind of statement")));
	RawStmt *tree = linitial_node(RawStmt, trees);
	MemoryContext memory = CurrentMemoryContext;
	Portal portal = CreatePortal("", true, true);
	portal->visible = false;
	const bool pushed = analyze_requires_snapshot(tree);
	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	List *queries = pg_analyze_and_rewrite_fixedparams(tree, sql, nullptr, 0, nullptr);
	List *plans = pg_plan_queries(queries, sql, 0, nullptr);
	if (pushed)
		PopActiveSnapshot();

	QueryCompletion completion;
	InitializeQueryCompletion(&completion);
	PortalDefineQuery(portal, nullptr, sql, CreateCommandTag(tree->stmt), plans, nullptr);
	PortalStart(portal, nullptr, 0, InvalidSnapshot);
#if PG_VERSION_NUM >= 180000
	PortalRun(portal, FETCH_ALL, true, None_Receiver, None_Receiver, &completion);
#else
	PortalRun(portal, FETCH_ALL, true, true, None_Receiver, None_Receiver, &completion);
#endif
	PortalDrop(portal, false);
	MemoryContextSwitchTo(memory);
}

void
take_over_raw(Order *order, ErrandBegin begin)
{
	const char *next = at(order, order->settings);

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < order->setting_count; i++)
	{
		const char *name = next;
		const char *value = name + strlen(name) + 1;
		next = value + strlen(value) + 1;
		/* What this session had the right to set it may have here. The role comes last, by the session user's own right. */
		SetConfigOption(name, value, strcmp(name, "role") == 0 ? PGC_USERSET : PGC_SUSET, PGC_S_SESSION);
	}
	begin(at(order, order->cargo));
	PopActiveSnapshot();
	CommitTransactionCommand();
}

} // namespace

void
errand_body_raw(Datum argument, ErrandAllowed allowed, ErrandBegin begin)
{
	dsm_segment *segment = attach_worker_raw(argument, die);
	if (segment == nullptr)
		return;
	auto *order = static_cast<Order *>(dsm_segment_address(segment));
	auto *mq = reinterpret_cast<shm_mq *>(at(order, order->queue));
	shm_mq_set_sender(mq, MyProc);
	pq_redirect_to_shm_mq(segment, shm_mq_attach(mq, segment, nullptr));

#if PG_VERSION_NUM >= 170000
	BackgroundWorkerInitializeConnectionByOid(order->database, order->session_user, BGWORKER_BYPASS_ROLELOGINCHECK);
#else
	BackgroundWorkerInitializeConnectionByOid(order->database, order->session_user, 0);
#endif
	SetClientEncoding(GetDatabaseEncoding());
	process_session_preload_libraries();

	MemoryContext memory =
		AllocSetContextCreate(TopMemoryContext, "migration_governance errand", ALLOCSET_DEFAULT_SIZES);
	const char *sql = MemoryContextStrdup(memory, at(order, order->sql));
	keep_own_lock_raw(OwnLock::step);
	debug_query_string = sql;
	pgstat_report_activity(STATE_RUNNING, sql);
	take_over_raw(order, begin);

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	MemoryContextSwitchTo(memory);
	run_raw(sql, allowed);
	CommitTransactionCommand();
	order->finished = true;
	pgstat_report_activity(STATE_IDLE, nullptr);
}

} // namespace mg::pg
