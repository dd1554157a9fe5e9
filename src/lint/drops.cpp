// Follows pg_depend as DROP does.
#include <set>
#include <tuple>

#include "lint/reach.hpp"
#include "pg/memory.hpp"

namespace mg::lint {

namespace {

struct Link
{
	ObjectAddress object;
	char type;
};

struct LinksRaw
{
	Link *items;
	int count;
	int room;
};

void
append_raw(LinksRaw *links, Oid catalog, Oid object, int32 part, char type)
{
	if (links->count == links->room)
	{
		links->room = links->room * 2;
		links->items = static_cast<Link *>(repalloc(links->items, sizeof(Link) * static_cast<size_t>(links->room)));
	}
	links->items[links->count++] = {{catalog, object, part}, type};
}

// What depends on an object, or what it depends on.
LinksRaw
links_raw(const ObjectAddress &object, bool upwards)
{
	LinksRaw links = {static_cast<Link *>(palloc(sizeof(Link) * 16)), 0, 16};
	ScanKeyData keys[3];
	Relation depend = table_open(DependRelationId, AccessShareLock);

	ScanKeyInit(&keys[0], upwards ? Anum_pg_depend_classid : Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object.classId));
	ScanKeyInit(&keys[1], upwards ? Anum_pg_depend_objid : Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object.objectId));
	ScanKeyInit(&keys[2], upwards ? Anum_pg_depend_objsubid : Anum_pg_depend_refobjsubid, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(object.objectSubId));
	SysScanDesc scan = systable_beginscan(depend, upwards ? DependDependerIndexId : DependReferenceIndexId, true,
										  nullptr, object.objectSubId != 0 ? 3 : 2, keys);
	while (HeapTuple row = systable_getnext(scan))
	{
		auto *form = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
		if (upwards)
			append_raw(&links, form->refclassid, form->refobjid, form->refobjsubid, form->deptype);
		else
			append_raw(&links, form->classid, form->objid, form->objsubid, form->deptype);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return links;
}

// The relation that an object of a catalog without a syscache of its own belongs to.
Oid
owner_raw(Oid catalog, Oid index, AttrNumber key, AttrNumber owner, Oid object)
{
	Oid result = InvalidOid;
	ScanKeyData keys[1];
	Relation relation = table_open(catalog, AccessShareLock);

	ScanKeyInit(&keys[0], key, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	SysScanDesc scan = systable_beginscan(relation, index, true, nullptr, 1, keys);
	if (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row))
	{
		bool is_null;
		result = DatumGetObjectId(heap_getattr(row, owner, RelationGetDescr(relation), &is_null));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

// What removing one object locks.
Reached
lock_of_raw(const ObjectAddress &object)
{
	switch (object.classId)
	{
		case RelationRelationId:
			switch (get_rel_relkind(object.objectId))
			{
				case RELKIND_INDEX:
				case RELKIND_PARTITIONED_INDEX:
					return {IndexGetRelation(object.objectId, true), AccessExclusiveLock};
				case RELKIND_TOASTVALUE:
					return {InvalidOid, NoLock};
				default:
					return {object.objectId, AccessExclusiveLock};
			}
		case ConstraintRelationId:
			return {owner_raw(ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid,
							  Anum_pg_constraint_conrelid, object.objectId),
					AccessExclusiveLock};
		case TriggerRelationId:
			return {owner_raw(TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, Anum_pg_trigger_tgrelid,
							  object.objectId),
					AccessExclusiveLock};
		case RewriteRelationId:
			return {owner_raw(RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid, Anum_pg_rewrite_ev_class,
							  object.objectId),
					AccessExclusiveLock};
		case PolicyRelationId:
			return {owner_raw(PolicyRelationId, PolicyOidIndexId, Anum_pg_policy_oid, Anum_pg_policy_polrelid,
							  object.objectId),
					AccessExclusiveLock};
		case AttrDefaultRelationId:
			return {owner_raw(AttrDefaultRelationId, AttrDefaultOidIndexId, Anum_pg_attrdef_oid,
							  Anum_pg_attrdef_adrelid, object.objectId),
					AccessExclusiveLock};
		case StatisticExtRelationId:
			return {owner_raw(StatisticExtRelationId, StatisticExtOidIndexId, Anum_pg_statistic_ext_oid,
							  Anum_pg_statistic_ext_stxrelid, object.objectId),
					ShareUpdateExclusiveLock};
		default:
			return {InvalidOid, NoLock};
	}
}

using Key = std::tuple<Oid, Oid, int32>;

} // namespace

std::vector<ObjectAddress>
gone_with(const std::vector<ObjectAddress> &objects, bool cascade)
{
	pg::MemoryScope memory("migration_governance drop");
	std::vector<ObjectAddress> queue = objects;
	std::set<Key> known;
	auto links_of = [&](const ObjectAddress &object, bool upwards) {
		return pg::guarded([&] {
			MemoryContext before = MemoryContextSwitchTo(memory.get());
			LinksRaw links = links_raw(object, upwards);
			MemoryContextSwitchTo(before);
			return links;
		});
	};
	auto push = [&](const ObjectAddress &object) {
		if (known.emplace(object.classId, object.objectId, object.objectSubId).second)
			queue.push_back(object);
	};

	for (const ObjectAddress &object : objects)
		known.emplace(object.classId, object.objectId, object.objectSubId);
	for (size_t i = 0; i < queue.size(); i++)
	{
		const ObjectAddress object = queue[i];
		LinksRaw below = links_of(object, false);
		for (int k = 0; k < below.count; k++)
			if (cascade || below.items[k].type != DEPENDENCY_NORMAL)
				push(below.items[k].object);
		/* A part of something else takes that along: the rule of a view. */
		if (i < objects.size())
			continue;
		LinksRaw above = links_of(object, true);
		for (int k = 0; k < above.count; k++)
			if (above.items[k].type == DEPENDENCY_INTERNAL)
				push(above.items[k].object);
	}
	return queue;
}

std::vector<Reached>
dropped_with(const std::vector<ObjectAddress> &objects, bool cascade)
{
	std::vector<Reached> result;

	for (const ObjectAddress &object : gone_with(objects, cascade))
	{
		Reached lock = pg::guarded([&] { return lock_of_raw(object); });
		if (OidIsValid(lock.relation))
			result.push_back(lock);
		if (object.classId != RelationRelationId || object.objectSubId != 0 ||
			!pg::guarded([&] { return get_rel_relispartition(object.objectId); }))
			continue;
		for (Oid parent : parents_of(object.objectId))
		{
			if (pg::guarded([&] { return get_rel_relkind(parent); }) != RELKIND_PARTITIONED_TABLE)
				continue;
			result.push_back({parent, AccessExclusiveLock});
			if (Oid other = default_partition_of(parent); OidIsValid(other))
				result.push_back({other, AccessExclusiveLock});
		}
	}
	return result;
}

} // namespace mg::lint
