// The event triggers: which objects a statement touched.
#include "capture/capture.hpp"
#include "capture/enforce.hpp"
#include "capture/run.hpp"

#include "ledger/store.hpp"

extern "C" {
#include "rewrite/rewriteSupport.h"
}

namespace mg::capture {

namespace {

// The frame of the one statement whose ddl_command_start loaded this library: the hook was not there yet when it began.
// It has a memory context of its own because CREATE INDEX CONCURRENTLY outlives its transaction.
FrameRaw *hookless = nullptr;

void
forget_hookless(void *)
{
	hookless = nullptr;
}

// Finds the statement's own text: a top-level one lies in the portal's list of statements. That of a nested one is not
// known; the client's whole string is not taken for it, because it may hold secrets of other statements.
void
find_text_raw(FrameRaw *frame, const Node *tree)
{
	Portal portal = ActivePortal;
	ListCell *cell;

	frame->source = nullptr;
	frame->location = -1;
	frame->nested = true;
	if (portal == nullptr || portal->sourceText == nullptr)
		return;
	foreach (cell, portal->stmts)
	{
		PlannedStmt *statement = lfirst_node(PlannedStmt, cell);
		if (statement->utilityStmt == nullptr ||
			(statement->utilityStmt != tree && nodeTag(statement->utilityStmt) != nodeTag(tree)))
			continue;
		if (statement->utilityStmt != tree && list_length(portal->stmts) != 1)
			continue;
		frame->source = portal->sourceText;
		frame->location = statement->stmt_location;
		frame->length = statement->stmt_len;
		frame->nested = false;
		return;
	}
}

void
begin_hookless_raw(const EventTriggerData *event)
{
	MemoryContext memory =
		AllocSetContextCreate(TopMemoryContext, "migration_governance statement", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(memory);
	auto *frame = static_cast<FrameRaw *>(palloc0(sizeof(FrameRaw)));
	auto *callback = static_cast<MemoryContextCallback *>(palloc0(sizeof(MemoryContextCallback)));

	callback->func = forget_hookless;
	MemoryContextRegisterResetCallback(memory, callback);
	frame->tree = const_cast<Node *>(event->parsetree);
	frame->tag = event->tag;
	frame->start = clock_us();
	frame->memory = memory;
	frame->started = true;
	frame->subtransaction = GetCurrentSubTransactionId();
	find_text_raw(frame, event->parsetree);
	if (frame->source != nullptr)
		frame->source = pstrdup(frame->source);
	hookless = frame;
	MemoryContextSwitchTo(before);
}

// The frame that an event belongs to: the hook's innermost one, or that of the statement before the hook.
FrameRaw *
frame_of_event()
{
	return innermost() != nullptr ? innermost() : hookless;
}

using Visit = void (*)(FrameRaw *frame, TupleTableSlot *slot);

// A set-returning function of the server, and the row type that it declares, made once: the server would build it anew
// from the catalog at each call, which costs as much as the rows.
struct Source
{
	PGFunction function;
	Oid oid;
	TupleDesc desc;
};
Source commands = {pg_event_trigger_ddl_commands, F_PG_EVENT_TRIGGER_DDL_COMMANDS, nullptr};
Source dropped_objects = {pg_event_trigger_dropped_objects, F_PG_EVENT_TRIGGER_DROPPED_OBJECTS, nullptr};

TupleDesc
desc_of_raw(Source *source)
{
	if (source->desc == nullptr)
	{
		MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
		TupleDesc desc = nullptr;
		if (get_func_result_type(source->oid, nullptr, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "function %u has no row type", source->oid);
		source->desc = desc;
		MemoryContextSwitchTo(before);
	}
	return source->desc;
}

// Calls a source and visits its rows. A function that returns an undeclared record is named as the called one, so that
// the server takes the expected row type as it is.
void
visit_rows_raw(Source *source, FrameRaw *frame, Visit visit)
{
	FmgrInfo info;
	LOCAL_FCINFO(call, 0);
	ReturnSetInfo result;
	ExprContext *context = makeNode(ExprContext);

	memset(&info, 0, sizeof(info));
	info.fn_oid = F_JSONB_TO_RECORD;
	info.fn_mcxt = CurrentMemoryContext;
	memset(&result, 0, sizeof(result));
	result.type = T_ReturnSetInfo;
	context->ecxt_per_query_memory = CurrentMemoryContext;
	result.econtext = context;
	result.expectedDesc = desc_of_raw(source);
	result.allowedModes = result.returnMode = SFRM_Materialize;
	InitFunctionCallInfoData(*call, &info, 0, InvalidOid, nullptr, reinterpret_cast<Node *>(&result));
	source->function(call);

	TupleTableSlot *slot = MakeSingleTupleTableSlot(result.setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(result.setResult, true, false, slot))
	{
		slot_getallattrs(slot);
		visit(frame, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(result.setResult);
}

const char *
text_of(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? nullptr : TextDatumGetCString(slot->tts_values[column]);
}

// Copies a text array into the run's memory.
List *
strings_of(TupleTableSlot *slot, int column)
{
	Datum *values;
	bool *nulls;
	int count;
	List *result = NIL;

	if (slot->tts_isnull[column])
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(slot->tts_values[column]), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls,
					  &count);
	MemoryContext before = MemoryContextSwitchTo(current_run()->memory);
	for (int i = 0; i < count; i++)
		result = lappend(result, nulls[i] ? pstrdup("") : TextDatumGetCString(values[i]));
	MemoryContextSwitchTo(before);
	return result;
}

// The first part of a dropped object's name: the schema of what has one, and of the table of what stands on one.
const char *
first_name(TupleTableSlot *slot)
{
	Datum *values;
	bool *nulls;
	int count;

	if (slot->tts_isnull[10])
		return nullptr;
	deconstruct_array(DatumGetArrayTypeP(slot->tts_values[10]), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls,
					  &count);
	return count > 0 && !nulls[0] ? TextDatumGetCString(values[0]) : nullptr;
}

// Triggers, rules and the like have no schema of their own: those of a temporary table say so in their identity.
bool
is_on_temporary(const char *identity)
{
	return identity != nullptr && (strstr(identity, " on pg_temp.") != nullptr ||
								   strncmp(identity, "pg_temp.", 8) == 0 || strncmp(identity, "for pg_temp.", 12) == 0);
}

ObjectAddress
address_of(TupleTableSlot *slot)
{
	ObjectAddress address;

	if (slot->tts_isnull[1])
		return InvalidObjectAddress;
	ObjectAddressSubSet(address, DatumGetObjectId(slot->tts_values[0]), DatumGetObjectId(slot->tts_values[1]),
						slot->tts_isnull[2] ? 0 : DatumGetInt32(slot->tts_values[2]));
	return address;
}

// Columns: classid, objid, objsubid, command_tag, object_type, schema_name, object_identity, in_extension, command.
void
visit_command(FrameRaw *frame, TupleTableSlot *slot)
{
	if (DatumGetBool(slot->tts_values[7]))
		return;
	const char *schema = text_of(slot, 5);
	const char *identity = text_of(slot, 6);
	if (schema != nullptr && (strncmp(schema, "pg_toast", 8) == 0 || strcmp(schema, "mg_archive") == 0))
		return;
	/* An identity may be made to look like that of a temporary object: enforcement looks for itself. */
	enforce_touched_raw(frame, address_of(slot), schema, text_of(slot, 4), identity);
	if ((schema != nullptr && strcmp(schema, "pg_temp") == 0) || is_on_temporary(identity))
	{
		frame->temporary++;
		return;
	}
	touch_raw(frame, address_of(slot), text_of(slot, 4), identity, false);
}

constexpr char view_rule[] = "\"" ViewSelectRuleName "\" on ";

// Columns: classid, objid, objsubid, original, normal, is_temporary, object_type, schema_name, object_name,
// object_identity, address_names, address_args.
void
visit_dropped(FrameRaw *frame, TupleTableSlot *slot)
{
	const char *schema = text_of(slot, 7);
	const char *type = text_of(slot, 6);
	const char *identity = text_of(slot, 9);
	RunRaw *run = current_run();

	bool named = DatumGetBool(slot->tts_values[3]) || DatumGetBool(slot->tts_values[4]);
	if (!DatumGetBool(slot->tts_values[5]))
		enforce_dropped_raw(frame, schema, type, identity, first_name(slot), named);
	if (DatumGetBool(slot->tts_values[5]) || is_on_temporary(identity))
	{
		frame->temporary++;
		return;
	}
	if (schema != nullptr && (strcmp(schema, "pg_toast") == 0 || strcmp(schema, "mg_archive") == 0))
		return;
	/* What makes a view one, and goes with it. */
	if (strcmp(type, "rule") == 0 && identity != nullptr && strncmp(identity, view_rule, sizeof(view_rule) - 1) == 0)
		return;
	TouchedRaw unnamed = {address_of(slot), type, identity, true, NIL, NIL, nullptr};
	TouchedRaw *touched = named ? touch_raw(frame, address_of(slot), type, identity, true) : &unnamed;
	if (run == nullptr)
		return;
	if (touched->address.classId == AttrDefaultRelationId)
		remember_default_raw(run, touched->address.objectId);
	touched->names = strings_of(slot, 10);
	touched->arguments = strings_of(slot, 11);
	if (DatumGetBool(slot->tts_values[3]))
		remember_drop_raw(run, touched);
	/* What goes along unasked (an index of a dropped table) matters to the run's objects, not to the record. */
	if (!named && !is_servers_own_raw(run, touched))
		remember_raw(run, touched, false);
}

void
on_start_raw(const EventTriggerData *event)
{
	FrameRaw *frame = innermost();

	if (frame != nullptr && !frame->started)
	{
		frame->started = true;
		return;
	}
	guard_statement_raw(const_cast<Node *>(event->parsetree));
	if (frame == nullptr && hookless == nullptr)
	{
		begin_hookless_raw(event);
		enforce_start(hookless);
	}
}

// What is dropped shows in sql_drop only, and describe_raw() names the objects of these statements itself.
bool
has_command_rows(const Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_DropStmt:
		case T_GrantStmt:
		case T_AlterDefaultPrivilegesStmt:
		case T_ReindexStmt:
			return false;
		default:
			return true;
	}
}

void
on_end_raw(const EventTriggerData *event)
{
	FrameRaw *frame = frame_of_event();

	mend_guards_raw(const_cast<Node *>(event->parsetree));
	if (frame == nullptr)
		return;
	if (has_command_rows(event->parsetree))
		visit_rows_raw(&commands, frame, visit_command);
	if (frame == hookless)
	{
		enforce_end(frame);
		record_raw(frame);
		MemoryContextDelete(frame->memory);
	}
}

void
on_rewrite_raw()
{
	RunRaw *run = current_run();

	if (run == nullptr)
		return;
	LOCAL_FCINFO(call, 0);
	InitFunctionCallInfoData(*call, nullptr, 0, InvalidOid, nullptr, nullptr);
	Oid relation = DatumGetObjectId(pg_event_trigger_table_rewrite_oid(call));
	int reason = DatumGetInt32(pg_event_trigger_table_rewrite_reason(call));
	remember_rewrite_raw(run, relation, reason);
}

} // namespace

// Subtransactions are numbered as they begin: one that ends badly takes along what began in it or later.
void
forget_hookless_statement(SubTransactionId subtransaction)
{
	if (hookless != nullptr && hookless->subtransaction >= subtransaction)
		MemoryContextDelete(hookless->memory);
}

void
on_event_raw(const EventTriggerData *event)
{
	if (IsBinaryUpgrade || creating_extension || is_silent())
		return;
	if (strcmp(event->event, "ddl_command_start") == 0)
		on_start_raw(event);
	else if (strcmp(event->event, "ddl_command_end") == 0)
		on_end_raw(event);
	else if (strcmp(event->event, "sql_drop") == 0)
	{
		if (FrameRaw *frame = frame_of_event(); frame != nullptr)
			visit_rows_raw(&dropped_objects, frame, visit_dropped);
	}
	else
		on_rewrite_raw();
}

} // namespace mg::capture
