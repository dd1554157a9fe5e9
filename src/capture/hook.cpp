// The utility hook: exact text, nesting, duration, and the kinds of statement that no event trigger sees.
#include "archive/archive.hpp"
#include "archive/relax.hpp"
#include "archive/rows.hpp"
#include "capture/capture.hpp"
#include "capture/enforce.hpp"
#include "capture/reach.hpp"
#include "capture/run.hpp"
#include "capture/settings.hpp"

#include "ledger/store.hpp"
#include "script/kind.hpp"

namespace mg::capture {

namespace {

// Set once when the library is loaded.
ProcessUtility_hook_type next_hook = nullptr;

// How often silence_raw(true) was not taken back yet; the transaction callbacks take back what an error left.
int silences = 0;

struct Call
{
	PlannedStmt *statement;
	const char *source;
	bool read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo parameters;
	QueryEnvironment *environment;
	DestReceiver *destination;
	QueryCompletion *completion;
};

void
run_next_raw(const Call &call)
{
	ProcessUtility_hook_type next = next_hook != nullptr ? next_hook : standard_ProcessUtility;
	next(call.statement, call.source, call.read_only_tree, call.context, call.parameters, call.environment,
		 call.destination, call.completion);
}

// Subcommands repeat their parent's text, and the innards of CREATE EXTENSION are one record.
bool
is_recorded_raw(const Call &call)
{
	return call.context != PROCESS_UTILITY_SUBCOMMAND && !IsBinaryUpgrade && !creating_extension && silences == 0 &&
		   script::is_recorded_raw(explained(call.statement->utilityStmt)) && IsTransactionState() &&
		   (ledger::find_raw() != nullptr || ledger::is_busy());
}

// A statement of the script itself is not nested; one that a function or DO block of the script runs is.
bool
is_nested(const Call &call)
{
	RunRaw *run = current_run();

	if (run == nullptr)
		return call.context != PROCESS_UTILITY_TOPLEVEL;
	bool expected = run->statement_expected;
	run->statement_expected = false;
	return !expected;
}

ObjectAddress
address_of_relation(RangeVar *relation)
{
	ObjectAddress address = InvalidObjectAddress;
	Oid oid = relation != nullptr ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;

	if (OidIsValid(oid))
		ObjectAddressSet(address, RelationRelationId, oid);
	return address;
}

// What has no relation of its own is looked up as the statement is about to do, which raises what the statement would.
ObjectAddress
address_of_object(ObjectType type, Node *object)
{
	Relation relation = nullptr;
	ObjectAddress address = get_object_address(type, object, &relation, AccessShareLock, true);

	if (relation != nullptr)
		relation_close(relation, NoLock);
	return address;
}

// The object that a statement is about to give another name or schema, or an invalid address.
ObjectAddress
renamed_object(Node *tree)
{
	bool moves = IsA(tree, AlterObjectSchemaStmt);
	if (!moves && !IsA(tree, RenameStmt))
		return InvalidObjectAddress;

	ObjectType type =
		moves ? castNode(AlterObjectSchemaStmt, tree)->objectType : castNode(RenameStmt, tree)->renameType;
	Node *object = moves ? castNode(AlterObjectSchemaStmt, tree)->object : castNode(RenameStmt, tree)->object;
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
			return address_of_relation(moves ? castNode(AlterObjectSchemaStmt, tree)->relation
											 : castNode(RenameStmt, tree)->relation);
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
		case OBJECT_COLLATION:
			return address_of_object(type, object);
		/* These statements name a type by its parts, where others have a TypeName. */
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return address_of_object(type, reinterpret_cast<Node *>(makeTypeNameFromNameList(castNode(List, object))));
		default:
			return InvalidObjectAddress;
	}
}

int
depth_of(const FrameRaw *frame)
{
	int depth = 0;

	for (; frame != nullptr; frame = frame->outer)
		depth++;
	return depth;
}

archive::Occasion
occasion_of(const RunRaw *run, CommandTag tag)
{
	if (run == nullptr)
		return {0, "", "", GetCommandTagName(tag)};
	return {run->id, run->migration, run->script != nullptr ? run->script : "up", GetCommandTagName(tag)};
}

// What a statement of a migration is about to destroy is kept first, and, if policy says so, of any other.
bool
keep_raw(const FrameRaw *frame)
{
	const RunRaw *run = current_run();

	return pg::enter([&] {
		if (run == nullptr && !keeps_outside())
		{
			if (archive::can_be_hindered(frame->tree) && can_ask_archive())
				archive::make_way(frame->tree);
			return false;
		}
		archive::before(depth_of(innermost()), frame->tree, occasion_of(run, frame->tag));
		return true;
	});
}

// A statement as it runs: without what only comes true when the rows that were kept are back.
archive::Relaxed
relax_raw(PlannedStmt *statement, const FrameRaw *frame)
{
	const RunRaw *run = current_run();

	if (run == nullptr)
		return {statement, nullptr};
	return pg::enter([&] { return archive::relax(statement, occasion_of(run, frame->tag)); });
}

void
record_kept_raw(const FrameRaw *frame)
{
	pg::enter([&] { archive::after(depth_of(innermost()), occasion_of(current_run(), frame->tag)); });
}

void
run_raw(const Call &call)
{
	if (!is_recorded_raw(call))
	{
		run_next_raw(call);
		return;
	}

	FrameRaw frame;
	memset(&frame, 0, sizeof(frame));
	frame.source = call.source;
	frame.location = call.statement->stmt_location;
	frame.length = call.statement->stmt_len;
	/* The server may scribble on the tree it runs; what is looked at afterwards is our own copy only where it is needed. */
	frame.tree = explained(call.statement->utilityStmt);
	frame.tag = CreateCommandTag(frame.tree);
	frame.nested = is_nested(call);
	frame.start = clock_us();
	frame.memory = CurrentMemoryContext;
	guard_statement_raw(frame.tree);
	if (script::is_temporary_raw(frame.tree))
		frame.temporary = 1;

	if (RunRaw *run = current_run(); run != nullptr)
		remember_name_raw(run, renamed_object(frame.tree));
	enforce_start(&frame);
	/* The statement looks the same objects up; afterwards it has thrown them out of the server's caches. */
	if (IsA(frame.tree, GrantStmt))
		describe_raw(&frame);

	const bool is_explained = frame.tree != call.statement->utilityStmt;
	bool was_there = false;
	/* EXPLAIN of CREATE ... IF NOT EXISTS makes nothing that is there. */
	if (is_explained)
	{
		RangeVar *made = castNode(CreateTableAsStmt, frame.tree)->into->rel;
		was_there = made->relpersistence != RELPERSISTENCE_TEMP && is_taken_raw(made->schemaname, made->relname);
	}
	Call what = call;
	archive::Relaxed relaxed = {call.statement, nullptr};
	bool is_kept = false;
	/* EXPLAIN destroys nothing, whatever it explains. */
	if (!is_explained)
	{
		is_kept = keep_raw(&frame);
		relaxed = relax_raw(call.statement, &frame);
		what.statement = relaxed.statement;
	}
	push_raw(&frame);
	pg::finally_raw([&] { run_next_raw(what); }, [&] { pop(&frame); });
	mend_guards_raw(frame.tree);
	if (was_there)
		return;
	if (is_explained)
		describe_raw(&frame);
	enforce_end(&frame);
	if (is_kept)
		record_kept_raw(&frame);
	if (relaxed.later != nullptr)
		pg::enter([&] { archive::tighten(relaxed); });
	record_raw(&frame);
}

extern "C" void
mg_process_utility(PlannedStmt *statement, const char *source, bool read_only_tree, ProcessUtilityContext context,
				   ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *destination,
				   QueryCompletion *completion)
{
	pg::enter([&] {
		run_raw({statement, source, read_only_tree, context, parameters, environment, destination, completion});
	});
}

extern "C" void
mg_transaction_ended(XactEvent event, void *)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PARALLEL_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		return;
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)
	{
		silences = 0;
		pop(nullptr);
		forget_hookless_statement(1);
		archive::forget();
	}
	end_gaps(event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT, 1);
}

/* A statement that failed inside an exception block leaves by its subtransaction. */
extern "C" void
mg_subtransaction_ended(SubXactEvent event, SubTransactionId subtransaction, SubTransactionId, void *)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		silences = 0;
		archive::forget_pending();
		archive::keep_rows_again(subtransaction);
		forget_undone(subtransaction);
		forget_hookless_statement(subtransaction);
		end_gaps(true, subtransaction);
	}
}

} // namespace

void
silence_raw(bool on)
{
	silences += on ? 1 : -1;
}

bool
is_silent()
{
	return silences > 0;
}

void
install()
{
	define_settings();
	next_hook = ProcessUtility_hook;
	ProcessUtility_hook = mg_process_utility;
	RegisterXactCallback(mg_transaction_ended, nullptr);
	RegisterSubXactCallback(mg_subtransaction_ended, nullptr);
	install_guard();
	install_rows();
}

} // namespace mg::capture
