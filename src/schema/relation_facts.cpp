// Reads what relations are by their rows in pg_class, and sees what else there is to read.
#include "schema/tables.hpp"

namespace mg::schema {

namespace {

const char *
owner_raw(Oid role)
{
	return NameStr(*DatumGetName(DirectFunctionCall1(pg_get_userbyid, ObjectIdGetDatum(role))));
}

// A replica identity of an index is told by the index: the table still says so when the index is gone.
const char *
replica_identity(char identity, char kind)
{
	if (identity == REPLICA_IDENTITY_FULL)
		return "full";
	return identity == REPLICA_IDENTITY_NOTHING &&
				   (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_MATVIEW)
			   ? "nothing"
			   : nullptr;
}

const char *
row_security(Form_pg_class row)
{
	if (row->relrowsecurity)
		return row->relforcerowsecurity ? "enabled, forced" : "enabled";
	return row->relforcerowsecurity ? "forced" : nullptr;
}

// The query of a view; what the server cannot write, it leaves out. It looks with the snapshot of the statement that is running,
// which may have made the view.
const char *
query_raw(Oid view)
{
	LOCAL_FCINFO(call, 1);

	InitFunctionCallInfoData(*call, nullptr, 1, InvalidOid, nullptr, nullptr);
	call->args[0].value = ObjectIdGetDatum(view);
	call->args[0].isnull = false;
	PushCopiedSnapshot(GetTransactionSnapshot());
	UpdateActiveSnapshotCommandId();
	Datum query = pg_get_viewdef(call);
	PopActiveSnapshot();
	if (call->isnull)
		return nullptr;
	return TextDatumGetCString(query);
}

bool
toast_has_options_raw(Oid toast)
{
	HeapTuple tuple = OidIsValid(toast) ? SearchSysCache1(RELOID, ObjectIdGetDatum(toast)) : nullptr;
	bool null = true;

	if (!HeapTupleIsValid(tuple))
		return false;
	SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &null);
	ReleaseSysCache(tuple);
	return !null;
}

bool
is_rare_raw(HeapTuple tuple, TupleDesc desc)
{
	auto *row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));

	return row->relkind == RELKIND_PARTITIONED_TABLE || row->relkind == RELKIND_MATVIEW || row->relispartition ||
		   OidIsValid(row->reloftype) || OidIsValid(row->reltablespace) ||
		   (OidIsValid(row->relam) && row->relam != HEAP_TABLE_AM_OID) ||
		   !heap_attisnull(tuple, Anum_pg_class_reloptions, desc) ||
		   !heap_attisnull(tuple, Anum_pg_class_relacl, desc) || toast_has_options_raw(row->reltoastrelid);
}

unsigned
needs_raw(HeapTuple tuple, TupleDesc desc)
{
	auto *row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
	unsigned needs = 0;

	if (is_rare_raw(tuple, desc))
		needs |= need_relation_rarities;

	if (row->relkind == RELKIND_SEQUENCE)
		needs |= need_sequences;
	if (row->relkind == RELKIND_FOREIGN_TABLE)
		needs |= need_foreign_tables;
	return needs;
}

} // namespace

unsigned
add_facts_raw(const Oids &oids, Draft &draft)
{
	unsigned needs = 0;
	auto **parts = static_cast<DraftPart **>(palloc0(sizeof(DraftPart *) * (oids.count + 1)));

	scan_raw(RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, oids, [&](HeapTuple tuple, TupleDesc desc) {
		auto *row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
		DraftPart *part = draft.add_raw(row->oid, "", "");

		parts[oids.find(row->oid)] = part;
		part->set_raw("owner", owner_raw(row->relowner));
		part->set_raw("persistence", row->relpersistence == RELPERSISTENCE_UNLOGGED ? "unlogged" : nullptr);
		part->set_raw("row security", row_security(row));
		part->set_raw("replica identity", replica_identity(row->relreplident, row->relkind));
		if (row->relkind == RELKIND_VIEW || row->relkind == RELKIND_MATVIEW)
			part->set_raw("definition", query_raw(row->oid));
		needs |= needs_raw(tuple, desc);
	});
	read_comments_raw(RelationRelationId, oids, [&](Oid oid, int32 column) {
		return Commented{column == 0 ? parts[oids.find(oid)] : nullptr, "comment"};
	});
	scan_raw(InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, oids,
			 [&](HeapTuple, TupleDesc) { needs |= need_parents; });
	scan_raw(PolicyRelationId, PolicyPolrelidPolnameIndexId, Anum_pg_policy_polrelid, oids,
			 [&](HeapTuple, TupleDesc) { needs |= need_policies; });
	scan_raw(TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, oids,
			 [&](HeapTuple tuple, TupleDesc) {
				 auto *row = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple));
				 /* A foreign key has four triggers of its own. */
				 if (!row->tgisinternal)
					 needs |= need_triggers;
				 else if (row->tgenabled != TRIGGER_FIRES_ON_ORIGIN)
					 needs |= need_constraint_triggers;
			 });
	scan_raw(RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, oids,
			 [&](HeapTuple tuple, TupleDesc) {
				 if (reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(tuple))->ev_type != '1')
					 needs |= need_rules;
			 });
	return needs;
}

} // namespace mg::schema
