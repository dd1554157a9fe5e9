// Writes the record of a statement.
#include "capture/capture.hpp"
#include "capture/run.hpp"
#include "capture/settings.hpp"

#include "ledger/store.hpp"
#include "pg/procedure.hpp"
#include "pg/session.hpp"

namespace mg::capture {

namespace {

// Statements that this session could not record since it began, and how many of them are not in the ledger's count yet.
// They outlive errors on purpose: what was missed stays missed.
int64 missed = 0;
int64 missed_unwritten = 0;
int64 missed_written = 0; // by a record of this transaction
SubTransactionId missed_written_in = InvalidSubTransactionId;

// Login roles under which a hosting platform's own services change the schema.
constexpr const char *platform_roles[] = {
	"supabase_admin",           "supabase_auth_admin",        "supabase_storage_admin", "supabase_realtime_admin",
	"supabase_functions_admin", "supabase_replication_admin", "supabase_etl_admin",     "pgbouncer"};

bool
is_platform_role(const char *role)
{
	/* Every statement asks; nearly no role begins like one of them. */
	if (role == nullptr || (strncmp(role, "supabase_", 9) != 0 && strncmp(role, "pgb", 3) != 0))
		return false;
	for (const char *platform : platform_roles)
		if (strcmp(role, platform) == 0)
			return true;
	return false;
}

// Says in the server log what is not on record, and why.
void
count_gap_raw(const FrameRaw *frame, const char *why)
{
	missed++;
	missed_unwritten++;
	ereport(LOG, (errmsg("migration_governance: could not record a statement: %s", why),
				  errdetail_internal("%s: %s", GetCommandTagName(frame->tag),
									 text_of_raw(frame) != nullptr ? text_of_raw(frame) : "(text not known)"),
				  errhidestmt(true), errhidecontext(true)));
}

void
push_text_raw(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue value;

	value.type = jbvString;
	value.val.string.val = const_cast<char *>(text);
	value.val.string.len = static_cast<int>(strlen(text));
	pushJsonbValue(state, token, &value);
}

Datum
objects_json_raw(const FrameRaw *frame)
{
	JsonbParseState *state = nullptr;
	JsonbValue yes;

	yes.type = jbvBool;
	yes.val.boolean = true;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, nullptr);
	for (const TouchedRaw *touched = frame->first; touched != nullptr; touched = touched->next)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
		push_text_raw(&state, WJB_KEY, "type");
		push_text_raw(&state, WJB_VALUE, touched->type != nullptr ? touched->type : "object");
		push_text_raw(&state, WJB_KEY, "identity");
		push_text_raw(&state, WJB_VALUE, touched->identity != nullptr ? touched->identity : "");
		if (touched->dropped)
		{
			push_text_raw(&state, WJB_KEY, "dropped");
			pushJsonbValue(&state, WJB_VALUE, &yes);
		}
		pushJsonbValue(&state, WJB_END_OBJECT, nullptr);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, nullptr)));
}

void
set_session_raw(ledger::RecordRaw *record, const pg::SessionRaw &session)
{
	record->set_text("login_role", session.login_role);
	record->set_text("session_role", session.session_role);
	record->set_text("acting_role", session.acting_role);
	record->set_text("application", session.application);
	record->set_text("client", session.client);
}

// Brings what was missed before into the ledger's own count, now that it can be written.
void
write_gap_raw(const ledger::Place &place, const pg::SessionRaw &session)
{
	ledger::RecordRaw record(place, ledger::Table::statement, ledger::next_id_raw());

	record.set_text("origin", "gap");
	record.set("nested", BoolGetDatum(false));
	record.set_text("tag", "GAP");
	record.set_text("statement",
					psprintf(INT64_FORMAT " statements before this one could not be recorded; the server log has them",
							 missed_unwritten));
	record.set("duration_us", Int64GetDatum(missed_unwritten));
	set_session_raw(&record, session);
	record.insert();
	missed_written += missed_unwritten;
	missed_written_in = GetCurrentSubTransactionId();
	missed_unwritten = 0;
}

const char *
origin_of(const FrameRaw *frame, const RunRaw *run, const pg::SessionRaw &session)
{
	if (run != nullptr)
		return "migration";
	if (frame->tag == CMDTAG_CREATE_EXTENSION ||
		(frame->tag == CMDTAG_ALTER_EXTENSION && IsA(frame->tree, AlterExtensionStmt)))
		return "extension";
	if (is_platform_role(session.login_role) ||
		(session.session_role != session.login_role && is_platform_role(session.session_role)))
		return "platform";
	return "session";
}

void
write_raw(const ledger::Place &place, FrameRaw *frame)
{
	RunRaw *run = current_run();
	pg::SessionRaw session = pg::session_raw();

	if (missed_unwritten > 0)
		write_gap_raw(place, session);

	ledger::RecordRaw record(place, ledger::Table::statement, ledger::next_id_raw());
	if (run != nullptr)
	{
		record.set("run", Int64GetDatum(run->id));
		record.set_text("migration", run->migration);
	}
	else
		record.set_text("migration", attributed_migration_raw(place));
	record.set_text("origin", origin_of(frame, run, session));
	record.set("nested", BoolGetDatum(frame->nested));
	set_session_raw(&record, session);
	record.set_text("tag", GetCommandTagName(frame->tag));
	if (const TouchedRaw *object = principal(frame); object != nullptr)
	{
		record.set_text("object_type", object->type);
		record.set_text("identity", object->identity);
		if (frame->touched > 1)
			record.set("objects", objects_json_raw(frame));
	}
	record.set_text("statement", text_of_raw(frame));
	if (frame->start != 0)
		record.set("duration_us", Int64GetDatum(clock_us() - frame->start));
	record.insert();
	/* Without a record it would wait for no standby, and it may be what ends such a wait. */
	if (frame->tag == CMDTAG_ALTER_SYSTEM && synchronous_commit > SYNCHRONOUS_COMMIT_LOCAL_FLUSH)
		pg::commit_as_raw("local");

	if (run != nullptr)
	{
		run->recorded++;
		run->incomplete = run->incomplete || is_incomplete(frame);
		for (const TouchedRaw *touched = frame->first; touched != nullptr; touched = touched->next)
			remember_raw(run, touched, true);
	}
}

} // namespace

int64
gaps()
{
	return missed;
}

// What a transaction wrote of the gaps goes with it.
void
end_gaps(bool aborted, SubTransactionId subtransaction)
{
	if (aborted && missed_written_in < subtransaction)
		return;
	if (aborted)
		missed_unwritten += missed_written;
	missed_written = 0;
}

void
record_raw(FrameRaw *frame)
{
	if (is_silent())
		return;
	describe_raw(frame);
	if (frame->touched == 0 && frame->temporary > 0)
		return;

	const ledger::Place *place = ledger::find_raw();
	if (place == nullptr)
	{
		if (ledger::is_busy())
			count_gap_raw(frame, "the ledger is locked");
		return;
	}
	if (RecoveryInProgress() || XactReadOnly)
	{
		count_gap_raw(frame, "the transaction is read-only");
		return;
	}
	if (!ledger::lock_for_insert_raw(*place, ledger::Table::statement))
	{
		count_gap_raw(frame, "the ledger is locked");
		return;
	}

	/* Everything made on the way to the record goes at once; CONCURRENTLY leaves no snapshot behind. */
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "migration_governance record", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(memory);
	bool pushed = !ActiveSnapshotSet();
	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	write_raw(*place, frame);
	if (pushed)
		PopActiveSnapshot();
	MemoryContextSwitchTo(before);
	MemoryContextDelete(memory);
}

} // namespace mg::capture
