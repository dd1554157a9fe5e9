// By way of a tuplestore with a name, as a trigger's transition table is one.
#include "pg/kept_rows.hpp"

#include "pg/query.hpp"

namespace mg::pg {

namespace {

Tuplestorestate *
rows_raw(Relation table, TupleDesc columns, double *count)
{
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(table, snapshot, 0, nullptr);
	TupleTableSlot *slot = table_slot_create(table, nullptr);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		/* Whole: what older rows have not, the copy of the description does not know. */
		slot_getallattrs(slot);
		tuplestore_putvalues(rows, columns, slot->tts_values, slot->tts_isnull);
		*count += 1;
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	return rows;
}

struct SwitchedRaw
{
	const char *name;
	char enabled;
	SwitchedRaw *next;
};

void
switch_raw(Relation target, const char *name, char enabled)
{
#if PG_VERSION_NUM >= 160000
	EnableDisableTrigger(target, name, InvalidOid, enabled, true, false, AccessExclusiveLock);
#else
	EnableDisableTriggerNew(target, name, enabled, true, false, AccessExclusiveLock);
#endif
	CommandCounterIncrement();
}

SwitchedRaw *
switch_off_raw(Relation target)
{
	SwitchedRaw *result = nullptr;
	const TriggerDesc *triggers = target->trigdesc;

	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
	{
		const Trigger &trigger = triggers->triggers[i];
		if (trigger.tgisinternal || trigger.tgenabled == TRIGGER_DISABLED)
			continue;
		auto *one = static_cast<SwitchedRaw *>(palloc(sizeof(SwitchedRaw)));
		*one = {pstrdup(trigger.tgname), trigger.tgenabled, result};
		result = one;
	}
	for (SwitchedRaw *one = result; one != nullptr; one = one->next)
		switch_raw(target, one->name, TRIGGER_DISABLED);
	return result;
}

uint64
run_raw(Oid table, Oid target, const char *sql)
{
	Relation kept = table_open(table, AccessShareLock);
	Relation changed = OidIsValid(target) ? table_open(target, AccessExclusiveLock) : nullptr;
	EphemeralNamedRelationData name;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	memset(&name, 0, sizeof(name));
	name.md.name = pstrdup("kept");
	name.md.reliddesc = InvalidOid;
	name.md.tupdesc = CreateTupleDescCopy(RelationGetDescr(kept));
	name.md.enrtype = ENR_NAMED_TUPLESTORE;
	name.reldata = rows_raw(kept, name.md.tupdesc, &name.md.enrtuples);
	if (SPI_register_relation(&name) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register rows");
	SwitchedRaw *switched = changed != nullptr ? switch_off_raw(changed) : nullptr;
	const int code = SPI_execute(sql, false, 0);
	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(code));
	const uint64 rows = SPI_processed;
	for (; switched != nullptr; switched = switched->next)
		switch_raw(changed, switched->name, switched->enabled);
	SPI_finish();
	if (changed != nullptr)
		table_close(changed, NoLock);
	table_close(kept, NoLock);
	return rows;
}

} // namespace

uint64_t
run_over(Oid table, Oid role, Oid target, const std::string &sql)
{
	const SqlScope settings;
	const RoleScope acting(role);

	/* FORCE ROW LEVEL SECURITY is for its owner's own queries, as with foreign keys. */
	if (OidIsValid(target))
	{
		Oid user;
		int security;
		GetUserIdAndSecContext(&user, &security);
		SetUserIdAndSecContext(user, security | SECURITY_NOFORCE_RLS);
	}
	return guarded([&] { return run_raw(table, target, sql.c_str()); });
}

} // namespace mg::pg
