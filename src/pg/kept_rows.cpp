// By way of a tuplestore with a name, as a trigger's transition table is one.
#include "pg/kept_rows.hpp"

extern "C" {
#include "catalog/pg_rewrite.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteDefine.h"
#include "rewrite/rewriteSupport.h"
}

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
	bool is_rule;
	const char *name;
	char enabled;
	SwitchedRaw *next;
};

void
switch_raw(Relation target, bool is_rule, const char *name, char enabled)
{
	if (is_rule)
	{
		EnableDisableRule(target, name, enabled);
		CommandCounterIncrement();
		return;
	}
#if PG_VERSION_NUM >= 160000
	EnableDisableTrigger(target, name, InvalidOid, enabled, true, false, AccessExclusiveLock);
#else
	EnableDisableTriggerNew(target, name, enabled, true, false, AccessExclusiveLock);
#endif
	CommandCounterIncrement();
}

const char *
rule_name_raw(Oid rule)
{
	ScanKeyData key;
	Relation catalog = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
	SysScanDesc scan = systable_beginscan(catalog, RewriteOidIndexId, true, nullptr, 1, &key);
	HeapTuple row = systable_getnext(scan);
	const char *name = pstrdup(NameStr(reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(row))->rulename));

	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return name;
}

SwitchedRaw *
add_raw(SwitchedRaw *list, bool is_rule, const char *name, char enabled)
{
	auto *one = static_cast<SwitchedRaw *>(palloc(sizeof(SwitchedRaw)));

	*one = {is_rule, pstrdup(name), enabled, list};
	return one;
}

SwitchedRaw *
switch_off_raw(Relation target)
{
	SwitchedRaw *result = nullptr;
	const TriggerDesc *triggers = target->trigdesc;
	const RuleLock *rules = target->rd_rules;

	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
		if (!triggers->triggers[i].tgisinternal && triggers->triggers[i].tgenabled != TRIGGER_DISABLED)
			result = add_raw(result, false, triggers->triggers[i].tgname, triggers->triggers[i].tgenabled);
	for (int i = 0; rules != nullptr && i < rules->numLocks; i++)
		if (rules->rules[i]->enabled != RULE_DISABLED)
			result = add_raw(result, true, rule_name_raw(rules->rules[i]->ruleId), rules->rules[i]->enabled);
	for (SwitchedRaw *one = result; one != nullptr; one = one->next)
		switch_raw(target, one->is_rule, one->name, one->is_rule ? RULE_DISABLED : TRIGGER_DISABLED);
	return result;
}

struct AnswerRaw
{
	uint64 rows;
	int columns;
	char **values; // row by row
};

// Into memory that outlives SPI.
AnswerRaw
run_raw(Oid table, Oid target, const char *sql, MemoryContext memory)
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
	AnswerRaw answer = {SPI_processed, 0, nullptr};
	if (SPI_tuptable != nullptr && SPI_processed > 0)
	{
		answer.columns = SPI_tuptable->tupdesc->natts;
		answer.values = static_cast<char **>(MemoryContextAllocExtended(
			memory, sizeof(char *) * answer.columns * SPI_processed, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
		for (uint64 row = 0; row < SPI_processed; row++)
			for (int i = 0; i < answer.columns; i++)
				if (const char *value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, i + 1))
					answer.values[row * answer.columns + i] = MemoryContextStrdup(memory, value);
	}
	for (; switched != nullptr; switched = switched->next)
		switch_raw(changed, switched->is_rule, switched->name, switched->enabled);
	tuplestore_end(static_cast<Tuplestorestate *>(name.reldata));
	SPI_finish();
	if (changed != nullptr)
		table_close(changed, NoLock);
	table_close(kept, NoLock);
	return answer;
}

} // namespace

Answer
run_over(Oid table, Oid role, Oid target, const std::string &sql)
{
	const SqlScope settings;
	const RoleScope acting(role);
	MemoryScope memory("migration_governance answer");

	/* FORCE ROW LEVEL SECURITY is for its owner's own queries, as with foreign keys. */
	if (OidIsValid(target))
	{
		Oid user;
		int security;
		GetUserIdAndSecContext(&user, &security);
		SetUserIdAndSecContext(user, security | SECURITY_NOFORCE_RLS);
	}
	const AnswerRaw raw = guarded([&] { return run_raw(table, target, sql.c_str(), memory.get()); });
	Answer answer = {raw.rows, {}};

	for (uint64 row = 0; raw.columns > 0 && row < raw.rows; row++)
	{
		Row cells;
		for (int i = 0; i < raw.columns; i++)
		{
			const char *value = raw.values[row * raw.columns + i];
			cells.push_back(value != nullptr ? Cell(value) : Cell());
		}
		answer.given.push_back(std::move(cells));
	}
	return answer;
}

} // namespace mg::pg
