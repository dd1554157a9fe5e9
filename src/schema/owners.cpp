// Finds what parts belong to, now or before they were dropped, and what depends on objects.
#include "schema/owners.hpp"

#include <algorithm>

#include "pg/memory.hpp"
#include "schema/catalog.hpp"

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

const Parts *
parts_of(Oid catalog)
{
	const Parts *found =
		std::find_if(std::begin(parts), std::end(parts), [&](const Parts &part) { return part.catalog == catalog; });

	return found != std::end(parts) ? found : nullptr;
}

// A list in plain memory.
struct AddressesRaw
{
	Address *items;
	int count;
	int room;
};

void
add_raw(AddressesRaw &list, Address address)
{
	if (!OidIsValid(address.oid))
		return;
	if (list.count == list.room)
	{
		list.room = list.room == 0 ? 32 : list.room * 2;
		size_t size = sizeof(Address) * list.room;
		list.items = static_cast<Address *>(list.items == nullptr ? palloc(size) : repalloc_huge(list.items, size));
	}
	list.items[list.count++] = address;
}

// The table of an identity column's sequence, or nothing.
Address
identity_table_raw(Oid sequence)
{
	Oid table = InvalidOid;
	int32 column = 0;

	return sequenceIsOwned(sequence, DEPENDENCY_INTERNAL, &table, &column) ? Address{RelationRelationId, table}
																		   : Address{};
}

char
relation_kind_raw(Oid oid)
{
	return OidIsValid(oid) ? get_rel_relkind(oid) : '\0';
}

void
add_relation_raw(AddressesRaw &owners, Oid oid)
{
	switch (char kind = relation_kind_raw(oid))
	{
		case '\0':
		case RELKIND_TOASTVALUE:
			return;
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			add_raw(owners, {RelationRelationId, IndexGetRelation(oid, true)});
			return;
		case RELKIND_COMPOSITE_TYPE:
			add_raw(owners, {TypeRelationId, get_rel_type_id(oid)});
			return;
		default:
			add_raw(owners, {RelationRelationId, oid});
			if (kind == RELKIND_SEQUENCE)
				add_raw(owners, identity_table_raw(oid));
	}
}

void
add_type_raw(AddressesRaw &owners, Oid oid)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));

	if (!HeapTupleIsValid(tuple))
		return;
	auto *type = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
	Oid element = type->typelem;
	Oid relation = type->typrelid;
	const bool array = type->typinput == F_ARRAY_IN;
	const bool multirange = type->typtype == TYPTYPE_MULTIRANGE;
	ReleaseSysCache(tuple);

	if (array && OidIsValid(element))
		add_type_raw(owners, element);
	else if (multirange)
		add_raw(owners, {TypeRelationId, get_multirange_range(oid)});
	else if (OidIsValid(relation))
		add_relation_raw(owners, relation);
	else
		add_raw(owners, {TypeRelationId, oid});
}

// What an address belongs to. What belongs to an extension is told by the extension as well, what belongs to the system by
// the database. Nothing if the address is one of a part that is gone.
void
add_owners_raw(AddressesRaw &owners, Address address)
{
	const int first = owners.count;

	if (address.catalog == RelationRelationId)
		add_relation_raw(owners, address.oid);
	else if (address.catalog == TypeRelationId)
		add_type_raw(owners, address.oid);
	else if (const Parts *part = parts_of(address.catalog))
		add_raw(owners, owner_raw(*part, address.oid, nullptr));
	else
		add_raw(owners, address);

	for (int i = first, last = owners.count; i < last; i++)
	{
		Address owner = owners.items[i];
		add_raw(owners, {ExtensionRelationId, getExtensionOfObject(owner.catalog, owner.oid)});
		if (owner.oid < FirstNormalObjectId)
			add_raw(owners, {DatabaseRelationId, MyDatabaseId});
	}
}

void
add_dependants_raw(AddressesRaw &dependants, Address address)
{
	scan_dependants_raw(address.catalog, address.oid, [&](Form_pg_depend row) {
		add_raw(dependants, {row->classid, row->objid});
	});
}

// The tables that a relation's foreign keys name, and its parents: their catalog rows say that there is such a relation.
void
add_relatives_raw(AddressesRaw &relatives, Oid relation)
{
	scan_raw(ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, {&relation, 1},
			 [&](HeapTuple tuple, TupleDesc) {
				 auto *row = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
				 add_raw(relatives, {RelationRelationId, row->confrelid});
			 });
	scan_raw(InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, {&relation, 1},
			 [&](HeapTuple tuple, TupleDesc) {
				 auto *row = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(tuple));
				 add_raw(relatives, {RelationRelationId, row->inhparent});
			 });
}

bool
comes_before(const Address &a, const Address &b)
{
	return a.catalog != b.catalog ? a.catalog < b.catalog : a.oid < b.oid;
}

bool
is_same(const Address &a, const Address &b)
{
	return a.catalog == b.catalog && a.oid == b.oid;
}

void
make_unique(AddressesRaw &list)
{
	if (list.count == 0)
		return;
	std::sort(list.items, list.items + list.count, comes_before);
	list.count = static_cast<int>(std::unique(list.items, list.items + list.count, is_same) - list.items);
}

// Collects addresses in memory of its own: collect(AddressesRaw &) runs guarded.
template <typename Collect>
std::vector<Address>
collected(Collect collect)
{
	pg::MemoryScope memory("migration_governance owners");
	AddressesRaw list = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		AddressesRaw made = {};
		collect(made);
		MemoryContextSwitchTo(before);
		return made;
	});

	make_unique(list);
	return {list.items, list.items + list.count};
}

} // namespace

std::vector<Address>
owners_of(const std::vector<Address> &addresses)
{
	return collected([&](AddressesRaw &owners) {
		for (const Address &address : addresses)
			add_owners_raw(owners, address);
	});
}

std::vector<Address>
owners_before(const std::vector<Address> &addresses, Snapshot snapshot)
{
	return collected([&](AddressesRaw &owners) {
		for (const Address &address : addresses)
			if (const Parts *part = parts_of(address.catalog))
				add_raw(owners, owner_raw(*part, address.oid, snapshot));
	});
}

std::vector<Address>
dependants_on(const std::vector<Address> &addresses)
{
	return collected([&](AddressesRaw &dependants) {
		for (const Address &address : addresses)
			add_dependants_raw(dependants, address);
		make_unique(dependants);
		for (int i = 0, last = dependants.count; i < last; i++)
		{
			CHECK_FOR_INTERRUPTS();
			add_dependants_raw(dependants, dependants.items[i]);
		}
	});
}

std::vector<Address>
relatives_of(const std::vector<Address> &addresses)
{
	return collected([&](AddressesRaw &relatives) {
		for (const Address &address : addresses)
			if (address.catalog == RelationRelationId)
				add_relatives_raw(relatives, address.oid);
	});
}

} // namespace mg::schema
