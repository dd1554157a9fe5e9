// Every kind of entry that the server calls: functions, hooks, event triggers, callbacks, the background worker.
#include "boundary/failures.hpp"
#include "boundary/storm.hpp"
#include "pg/query.hpp"
#include "pg/worker.hpp"

extern "C" {
#include "utils/timeout.h"
}

namespace mg::boundary {

namespace {

// Set once when the library is loaded.
ProcessUtility_hook_type next_utility = nullptr;
object_access_hook_type next_access = nullptr;

// The statement itself runs in a guard with an object outside, so that its errors cross C++ as well.
extern "C" void
boundary_utility(PlannedStmt *statement, const char *source, bool read_only_tree, ProcessUtilityContext context,
				 ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *destination,
				 QueryCompletion *completion)
{
	ProcessUtility_hook_type next = next_utility != nullptr ? next_utility : standard_ProcessUtility;

	if (!IsA(statement->utilityStmt, CommentStmt))
	{
		next(statement, source, read_only_tree, context, parameters, environment, destination, completion);
		return;
	}
	pg::enter([&] {
		Witness witness;
		fail_if_armed("utility");
		pg::guarded([&] {
			next(statement, source, read_only_tree, context, parameters, environment, destination, completion);
		});
	});
}

extern "C" void
boundary_access(ObjectAccessType access, Oid class_id, Oid object, int sub_id, void *argument)
{
	if (next_access != nullptr)
		next_access(access, class_id, object, sub_id, argument);
	pg::enter([&] {
		Witness witness;
		if (access == OAT_POST_CREATE && class_id == RelationRelationId)
			fail_if_armed("access");
		else if (access == OAT_FUNCTION_EXECUTE)
			fail_if_armed("execute");
	});
}

// Only what comes before the commit may raise.
extern "C" void
boundary_transaction(XactEvent event, void *)
{
	if (event == XACT_EVENT_PRE_COMMIT)
		pg::enter([] { fail_if_armed("commit"); });
	else if (event == XACT_EVENT_ABORT)
		release_memory();
}

extern "C" void
boundary_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *)
{
	if (event == SUBXACT_EVENT_PRE_COMMIT_SUB)
		pg::enter([] { fail_if_armed("subcommit"); });
}

// Writes a row that the session which started a worker can read.
void
note(const std::string &name, const std::string &value)
{
	pg::query_as(GetUserId(), "INSERT INTO public.notes VALUES ($1, $2)", {name, value});
}

void
begin()
{
	pg::guarded([] {
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
	});
}

void
commit()
{
	pg::guarded([] {
		PopActiveSnapshot();
		CommitTransactionCommand();
	});
}

// Runs body in a transaction that is rolled back, and forgets its error as the main loop of a backend does.
template <typename Body>
void
forget_error_raw(Body &&body)
{
	MemoryContext const memory = CurrentMemoryContext;

	StartTransactionCommand();
	PG_TRY();
	{
		body();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(memory);
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
}

// Fails in turn in the worker's own entry and in the callback of its commit.
void
storm_raw(int count)
{
	for (int i = 0, kind = 0; i < count; i++, kind++)
	{
		if (repeatable[kind] == nullptr)
			kind = 0;
		if (i % 2 == 0)
			forget_error_raw([&] { pg::enter([&] { fail(repeatable[kind]); }); });
		else
			forget_error_raw([&] {
				set_config_option("boundary.commit", repeatable[kind], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
								  true, 0, false);
			});
	}
}

// The argument is "storm COUNT", "timeout MILLISECONDS" or the name of a failure.
void
work(const std::string &job)
{
	std::string word = job.substr(0, job.find(' '));
	int number = job.size() > word.size() ? std::stoi(job.substr(word.size())) : 0;

	if (word == "storm")
	{
		Usage early;
		Usage late;
		pg::guarded([&] {
			storm_raw(1000);
			early = usage();
			storm_raw(number - 1000);
			late = usage();
		});
		begin();
		note("storm", compare(early, late));
		commit();
		return;
	}
	begin();
	if (word == "timeout")
	{
		pg::guarded([&] { enable_timeout_after(STATEMENT_TIMEOUT, number); });
		fail("wait");
	}
	fail(word);
	note("worker", word);
	commit();
}

} // namespace

} // namespace mg::boundary

using namespace mg::boundary;

MG_FUNCTION(boundary_fail)
{
	Witness witness;
	fail(mg::pg::text_argument(fcinfo, 0).value_or(""));
	PG_RETURN_INT32(1);
}

// Calls the SQL function of the same name with one less, up to the failure; each call is an entry and a guard of its own.
MG_FUNCTION(boundary_descend)
{
	Witness witness;
	std::string kind = mg::pg::text_argument(fcinfo, 0).value_or("");
	int depth = PG_GETARG_INT32(1);

	if (depth == 0)
		fail(kind);
	return mg::pg::guarded(
		[&] { return OidFunctionCall2(fcinfo->flinfo->fn_oid, PG_GETARG_DATUM(0), Int32GetDatum(depth - 1)); });
}

MG_FUNCTION(boundary_event)
{
	Witness witness;
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		throw mg::UserError("39P03", "boundary_event() can only be called as an event trigger");
	auto *data = reinterpret_cast<EventTriggerData *>(fcinfo->context);
	fail_if_armed(data->event);
	PG_RETURN_NULL();
}

MG_FUNCTION(boundary_trigger)
{
	Witness witness;
	if (!CALLED_AS_TRIGGER(fcinfo))
		throw mg::UserError("39P01", "boundary_trigger() can only be called as a trigger");
	fail_if_armed("trigger");
	return PointerGetDatum(reinterpret_cast<TriggerData *>(fcinfo->context)->tg_trigtuple);
}

// Has a worker do a job and waits for its end.
MG_FUNCTION(boundary_work)
{
	std::string job = mg::pg::text_argument(fcinfo, 0).value_or("");

	mg::pg::guarded([&] {
		BackgroundWorker worker;
		BackgroundWorkerHandle *handle;

		memset(&worker, 0, sizeof(worker));
		worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
		worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
		worker.bgw_restart_time = BGW_NEVER_RESTART;
		snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "mg_boundary");
		snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "boundary_worker_main");
		snprintf(worker.bgw_name, sizeof(worker.bgw_name), "boundary worker");
		snprintf(worker.bgw_type, sizeof(worker.bgw_type), "boundary worker");
		snprintf(worker.bgw_extra, sizeof(worker.bgw_extra), "%s", job.c_str());
		worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
		worker.bgw_notify_pid = MyProcPid;
		if (!RegisterDynamicBackgroundWorker(&worker, &handle))
			elog(ERROR, "no slot is free for a worker");
		if (WaitForBackgroundWorkerShutdown(handle) != BGWH_STOPPED)
			elog(ERROR, "the postmaster died");
	});
	PG_RETURN_VOID();
}

// Hands text to the extension's own worker and tells how that ended, as the number of its outcome.
MG_FUNCTION(boundary_run_in_worker)
{
	std::string payload = mg::pg::text_argument(fcinfo, 0).value_or("");
	PG_RETURN_INT32(static_cast<int>(mg::pg::run_in_worker(payload, 10000)));
}

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);
PGDLLEXPORT void boundary_worker_main(Datum database);

void
_PG_init(void)
{
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = boundary_utility;
	next_access = object_access_hook;
	object_access_hook = boundary_access;
	RegisterXactCallback(boundary_transaction, nullptr);
	RegisterSubXactCallback(boundary_subtransaction, nullptr);
}

void
boundary_worker_main(Datum database)
{
	mg::pg::enter([&] {
		Witness witness;
		mg::pg::guarded([&] {
			BackgroundWorkerUnblockSignals();
			BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
		});
		work(MyBgworkerEntry->bgw_extra);
	});
}
}
