// Finds what parts belonged to before they were dropped.
#include "schema/schema.hpp"

namespace mg::schema {

namespace {

// A catalog of parts: the columns that name the owner, of which the first that is set counts.
struct Parts
{
	Oid catalog;
	Oid index; // by the part's OID
	AttrNumber key;
	AttrNumber owner;
	Oid owner_catalog;
	AttrNumber other_owner;
	Oid other_catalog;
};
constexpr Parts parts[] = {
	{RelationRelationId, IndexRelidIndexId, Anum_pg_index_indexrelid, Anum_pg_index_indrelid, RelationRelationId, 0,
	 InvalidOid},
	{ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid, Anum_pg_constraint_conrelid,
	 RelationRelationId, Anum_pg_constraint_contypid, TypeRelationId},
	{TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, Anum_pg_trigger_tgrelid, RelationRelationId, 0,
	 InvalidOid},
	{PolicyRelationId, PolicyOidIndexId, Anum_pg_policy_oid, Anum_pg_policy_polrelid, RelationRelationId, 0,
	 InvalidOid},
	{RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid, Anum_pg_rewrite_ev_class, RelationRelationId, 0,
	 InvalidOid},
	{AttrDefaultRelationId, AttrDefaultOidIndexId, Anum_pg_attrdef_oid, Anum_pg_attrdef_adrelid, RelationRelationId, 0,
	 InvalidOid},
	{AccessMethodOperatorRelationId, AccessMethodOperatorOidIndexId, Anum_pg_amop_oid, Anum_pg_amop_amopfamily,
	 OperatorFamilyRelationId, 0, InvalidOid},
	{AccessMethodProcedureRelationId, AccessMethodProcedureOidIndexId, Anum_pg_amproc_oid, Anum_pg_amproc_amprocfamily,
	 OperatorFamilyRelationId, 0, InvalidOid},
	{PublicationRelRelationId, PublicationRelObjectIndexId, Anum_pg_publication_rel_oid,
	 Anum_pg_publication_rel_prpubid, PublicationRelationId, 0, InvalidOid},
	{PublicationNamespaceRelationId, PublicationNamespaceObjectIndexId, Anum_pg_publication_namespace_oid,
	 Anum_pg_publication_namespace_pnpubid, PublicationRelationId, 0, InvalidOid},
};

Oid
oid_at_raw(HeapTuple tuple, Relation relation, AttrNumber number)
{
	bool is_null;
	Datum value = heap_getattr(tuple, number, RelationGetDescr(relation), &is_null);
	return is_null ? InvalidOid : DatumGetObjectId(value);
}

// An index's row is found in pg_index, the others in their own catalog.
Address
owner_raw(const Parts &part, Oid oid, Snapshot snapshot)
{
	Relation catalog = table_open(part.catalog == RelationRelationId ? IndexRelationId : part.catalog, AccessShareLock);
	ScanKeyData key;
	Address owner = {InvalidOid, InvalidOid};

	ScanKeyInit(&key, part.key, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	SysScanDesc scan = systable_beginscan(catalog, part.index, true, snapshot, 1, &key);
	HeapTuple tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		owner = {part.owner_catalog, oid_at_raw(tuple, catalog, part.owner)};
		if (!OidIsValid(owner.oid) && part.other_owner != 0)
			owner = {part.other_catalog, oid_at_raw(tuple, catalog, part.other_owner)};
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return owner;
}

} // namespace

std::vector<Address>
owners_before(const std::vector<Address> &addresses, Snapshot snapshot)
{
	std::vector<Address> result;

	for (const Address &address : addresses)
		for (const Parts &part : parts)
			if (part.catalog == address.catalog)
			{
				Address owner = pg::guarded([&] { return owner_raw(part, address.oid, snapshot); });
				if (OidIsValid(owner.oid))
					result.push_back(owner);
			}
	return result;
}

} // namespace mg::schema
