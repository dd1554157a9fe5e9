// Looks at function calls through the server's hooks.
#include "rehearse/outside.hpp"

#include <algorithm>

#include "pg/boundary.hpp"

namespace mg::rehearse {

namespace {

// What a function of this name does. Names ending in * stand for all that begin so.
struct Known
{
	const char *name;
	const char *what;
	bool reaches_out; // beyond this session and its statistics
};

constexpr Known server_functions[] = {
	{"lo_export", "writes a file", true},
	{"pg_backup_start", "begins a backup", true},
	{"pg_backup_stop", "ends a backup", true},
	{"pg_cancel_backend", "cancels another session's query", true},
	{"pg_copy_*", "makes a replication slot", true},
	{"pg_create_logical_replication_slot", "makes a replication slot", true},
	{"pg_create_physical_replication_slot", "makes a replication slot", true},
	{"pg_create_restore_point", "writes a restore point", true},
	{"pg_drop_replication_slot", "drops a replication slot", true},
	{"pg_log_standby_snapshot", "writes to the write-ahead log", true},
	{"pg_logical_emit_message", "writes to the write-ahead log", true},
	{"pg_logical_slot_get_*", "consumes changes of a replication slot", true},
	{"pg_promote", "promotes the server", true},
	{"pg_reload_conf", "reloads the configuration", true},
	{"pg_replication_origin_advance", "moves a replication origin", true},
	{"pg_replication_slot_advance", "moves a replication slot", true},
	{"pg_rotate_logfile*", "begins a new log file", true},
	{"pg_stat_reset*", "statistics that are reset do not come back", false},
	{"pg_switch_wal", "begins a new file of the write-ahead log", true},
	{"pg_sync_replication_slots", "changes replication slots", true},
	{"pg_terminate_backend", "ends another session", true},
};

// Extensions whose functions are called for what they do elsewhere.
constexpr Known extensions[] = {
	{"adminpack", "writes files", true},
	{"amqp", "sends messages", true},
	{"aws_lambda", "calls a service", true},
	{"aws_s3", "reads and writes elsewhere", true},
	{"dblink", "runs in a session of its own", true},
	{"http", "sends requests", true},
	{"pg_background", "runs in a session of its own", true},
	{"pg_stat_statements", "statistics that are reset do not come back", false},
	{"plproxy", "runs in another database", true},
};

bool
fits(const char *pattern, const char *name)
{
	const size_t length = strlen(pattern);

	return pattern[length - 1] == '*' ? strncmp(pattern, name, length - 1) == 0 : strcmp(pattern, name) == 0;
}

template <size_t size>
const Known *
find(const Known (&list)[size], const char *name)
{
	for (const Known &known : list)
		if (fits(known.name, name))
			return &known;
	return nullptr;
}

struct Seen
{
	Oid function;
	TransactionId xmin; // of its catalog row, which CREATE OR REPLACE writes anew
	ItemPointerData place;
	char name[2 * NAMEDATALEN];
	const char *what; // nullptr: nothing to tell
	bool reaches_out;
};

// Written by the hooks, which must not allocate; functions beyond the last are looked up anew each time, and not told.
constexpr int most_seen = 256;
Seen called[most_seen];
int called_count = 0;
Seen not_called;
bool refuses = false;
bool is_watching = false;

// Whether the hooks are in place: they stay if somebody has put others on top of them meanwhile, and do nothing then.
bool has_access_hook = false;
bool has_call_hook = false;
object_access_hook_type next_access = nullptr;
needs_fmgr_hook_type next_needs = nullptr;

// Whether a function is what DO calls for languages none of which is trusted.
bool
runs_untrusted_blocks_raw(Oid function)
{
	bool has_any = false;
	bool has_trusted = false;
	Relation languages = table_open(LanguageRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(languages, InvalidOid, false, nullptr, 0, nullptr);

	while (HeapTuple row = systable_getnext(scan))
	{
		auto *language = reinterpret_cast<Form_pg_language>(GETSTRUCT(row));
		if (language->laninline != function || !language->lanispl)
			continue;
		has_any = true;
		has_trusted = has_trusted || language->lanpltrusted;
	}
	systable_endscan(scan);
	table_close(languages, AccessShareLock);
	return has_any && !has_trusted;
}

} // namespace

bool
is_untrusted_raw(Oid language)
{
	HeapTuple row = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	if (!HeapTupleIsValid(row))
		return false;
	auto *form = reinterpret_cast<Form_pg_language>(GETSTRUCT(row));
	const bool result = form->lanispl && !form->lanpltrusted;

	ReleaseSysCache(row);
	return result;
}

namespace {

constexpr Known untrusted = {"", "what a language that is not trusted does outside the database", true};

const Known *
known_raw(Oid function, const char *name, Oid schema, Oid language)
{
	if (schema == PG_CATALOG_NAMESPACE && language == INTERNALlanguageId)
		return find(server_functions, name);
	if (language != ClanguageId)
		return is_untrusted_raw(language) ? &untrusted : nullptr;
	if (runs_untrusted_blocks_raw(function))
		return &untrusted;
	Oid extension = getExtensionOfObject(ProcedureRelationId, function);
	const char *of = OidIsValid(extension) ? get_extension_name(extension) : nullptr;
	const Known *known = of != nullptr ? find(extensions, of) : nullptr;
	/* The rest of that one only looks. */
	if (known != nullptr && !known->reaches_out && strstr(name, "reset") == nullptr)
		return nullptr;
	return known;
}

// Nothing is known of a function that is gone.
bool
look_up_raw(Oid function, Seen *result)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(row))
		return false;
	auto *form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(row));
	const Known *known = known_raw(function, NameStr(form->proname), form->pronamespace, form->prolang);

	result->function = function;
	result->xmin = HeapTupleHeaderGetRawXmin(row->t_data);
	result->place = row->t_self;
	result->what = known != nullptr ? known->what : nullptr;
	result->reaches_out = known != nullptr && known->reaches_out;
	if (known != nullptr)
		snprintf(result->name, sizeof(result->name), "%s", NameStr(form->proname));
	ReleaseSysCache(row);
	return true;
}

// Whether the row of a function is the one that was looked at; those of the server do not change.
bool
is_same_raw(const Seen &known)
{
	if (known.function < FirstNormalObjectId)
		return true;
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(known.function));
	if (!HeapTupleIsValid(row))
		return false;
	ItemPointerData place = known.place;
	const bool same = HeapTupleHeaderGetRawXmin(row->t_data) == known.xmin && ItemPointerEquals(&row->t_self, &place);

	ReleaseSysCache(row);
	return same;
}

void
look_raw(Oid function)
{
	Seen found;

	if (!is_watching || !IsTransactionState())
		return;
	Seen *end = called + called_count;
	Seen *known = std::find_if(static_cast<Seen *>(called), end,
							   [function](const Seen &one) { return one.function == function; });
	if (known != end && is_same_raw(*known))
		return;
	if (!look_up_raw(function, &found))
		return;
	if (found.reaches_out && refuses)
	{
		not_called = found;
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a rehearsal does not call %s()", found.name),
						errdetail("No rollback takes back what it does: %s.", found.what),
						errhint("With the policy setting rehearsal_outside = allow it is called, each time that the "
								"script runs.")));
	}
	/* What an earlier version of it did stays told. */
	if (known != end && known->what == nullptr)
		*known = found;
	else if (called_count < most_seen)
		called[called_count++] = found;
}

void
on_access_raw(ObjectAccessType access, Oid catalog, Oid object, int part, void *argument)
{
	if (next_access != nullptr)
		next_access(access, catalog, object, part, argument);
	if (access == OAT_FUNCTION_EXECUTE)
		look_raw(object);
}

// Triggers are called without the other hook.
bool
on_call_raw(Oid function)
{
	look_raw(function);
	return next_needs != nullptr && next_needs(function);
}

} // namespace

OutsideWatch::OutsideWatch(bool refuse)
{
	called_count = 0;
	not_called = {};
	refuses = refuse;
	is_watching = true;
	if (!has_access_hook)
	{
		next_access = std::exchange(object_access_hook, on_access_raw);
		has_access_hook = true;
	}
	if (!has_call_hook)
	{
		next_needs = std::exchange(needs_fmgr_hook, on_call_raw);
		has_call_hook = true;
	}
}

OutsideWatch::~OutsideWatch()
{
	is_watching = false;
	if (object_access_hook == on_access_raw)
	{
		object_access_hook = next_access;
		has_access_hook = false;
	}
	if (needs_fmgr_hook == on_call_raw)
	{
		needs_fmgr_hook = next_needs;
		has_call_hook = false;
	}
}

std::vector<Effect>
OutsideWatch::seen() const
{
	std::vector<Effect> result;

	for (int i = 0; i < called_count; i++)
		if (called[i].what != nullptr)
			result.push_back({std::string(called[i].name) + "()", called[i].what});
	return result;
}

std::optional<Effect>
OutsideWatch::refused() const
{
	if (not_called.what == nullptr)
		return std::nullopt;
	return Effect{std::string(not_called.name) + "()", not_called.what};
}

} // namespace mg::rehearse
