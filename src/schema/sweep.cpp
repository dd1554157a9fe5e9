// Adds up the versions of catalog rows by the objects that own them: of all rows in one pass, or of some objects' by index.
#include "schema/sweep.hpp"

#include <algorithm>
#include <optional>

#include "pg/memory.hpp"
#include "pg/session.hpp"
#include "schema/tally.hpp"

namespace mg::schema {

namespace {

// Adds a row that says that an object is a member of an extension ('e'), or is to go with one ('x').
void
add_membership_raw(Tally &tally, HeapTuple row)
{
	auto dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
	uint32 extension = nobody;

	if (dependency->deptype != DEPENDENCY_EXTENSION && dependency->deptype != DEPENDENCY_AUTO_EXTENSION)
		return;
	if (is_users_own(ExtensionRelationId, dependency->refobjid))
		extension = object_raw(tally, ExtensionRelationId, dependency->refobjid);
	if (!is_users_own(dependency->classid, dependency->objid))
		return;
	uint32 member = object_raw(tally, dependency->classid, dependency->objid);
	if (dependency->deptype == DEPENDENCY_AUTO_EXTENSION)
		tally.objects[member].sum += version_of(DependRelationId, row);
	else
		tally.objects[member].owner = extension;
}

// Reads what depends on extensions, or on one of them; a row is a version of the extension as well.
void
read_memberships_raw(Tally &tally, Oid extension)
{
	ScanKeyData keys[2];
	HeapTuple row;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
	Relation depend = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan =
		systable_beginscan(depend, DependReferenceIndexId, true, tally.snapshot, OidIsValid(extension) ? 2 : 1, keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		auto dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
		const bool member =
			dependency->deptype == DEPENDENCY_EXTENSION || dependency->deptype == DEPENDENCY_AUTO_EXTENSION;
		if (member && is_users_own(ExtensionRelationId, dependency->refobjid))
			tally.objects[object_raw(tally, ExtensionRelationId, dependency->refobjid)].sum +=
				version_of(DependRelationId, row);
		/* By index, what goes with an extension says so itself. */
		if (!tally.by_index || dependency->deptype == DEPENDENCY_EXTENSION)
			add_membership_raw(tally, row);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

// Gives the sequences of identity columns to their tables. OWNED BY needs no such thing, since it rewrites the row of pg_sequence.
void
read_identities_raw(Tally &tally)
{
	if (tally.identity_count == 0)
		return;
	Relation depend = table_open(DependRelationId, AccessShareLock);
	for (uint32 i = 0; i < tally.identity_count; i++)
	{
		const Column &column = tally.identities[i];
		ScanKeyData keys[3];
		HeapTuple row;

		ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(RelationRelationId));
		ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(column.relation));
		ScanKeyInit(&keys[2], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber, F_INT4EQ,
					Int32GetDatum(column.number));
		SysScanDesc scan = systable_beginscan(depend, DependReferenceIndexId, true, tally.snapshot, 3, keys);
		while (HeapTupleIsValid(row = systable_getnext(scan)))
		{
			auto dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
			if (dependency->deptype == DEPENDENCY_INTERNAL && dependency->classid == RelationRelationId)
				attach_raw(tally, RelationRelationId, dependency->objid,
						   object_raw(tally, RelationRelationId, column.relation));
		}
		systable_endscan(scan);
	}
	table_close(depend, AccessShareLock);
	tally.identity_count = 0;
}

// Reads a catalog whole, by its rules from `first` up to `last`.
void
scan_raw(Tally &tally, const Ownership *first, const Ownership *last)
{
	constexpr int most = 4;
	Offsets offsets[most];
	int count = static_cast<int>(last - first);
	HeapTuple row;

	Assert(count <= most);
	Relation catalog = table_open(first->catalog, AccessShareLock);
	for (int i = 0; i < count; i++)
	{
		offsets[i] = offsets_of(catalog, first[i]);
		// Parts that nothing refers to need not be known.
		if (first[i].part_catalog == first->catalog && !has_object(tally, first->catalog))
			offsets[i].part = -1;
	}
	TableScanDesc scan = table_beginscan_strat(catalog, tally.snapshot, 0, nullptr, true, false);
	while ((row = heap_getnext(scan, ForwardScanDirection)) != nullptr)
		for (int i = 0; i < count; i++)
			add_raw(tally, first[i], offsets[i], row);
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
}

// A rule's catalog, opened for looking up rows by their owner.
struct Finder
{
	const Ownership *rule;
	Relation catalog; // nullptr until it is needed
	Relation index;   // nullptr if there is none, or none may be used
	Offsets offsets;
	bool empty;
	std::optional<bool> users; // whether there are rows of objects that users made, once somebody asked
};

constexpr int most_rules = 96;

// Opens a catalog; false if there is nothing in it.
bool
open_raw(Finder &finder)
{
	if (finder.catalog == nullptr)
	{
		finder.catalog = table_open(finder.rule->catalog, AccessShareLock);
		finder.offsets = offsets_of(finder.catalog, *finder.rule);
		finder.empty = table_relation_size(finder.catalog, MAIN_FORKNUM) == 0;
		if (!finder.empty && OidIsValid(finder.rule->index) && !IgnoreSystemIndexes)
			finder.index = index_open(finder.rule->index, AccessShareLock);
	}
	return !finder.empty;
}

// Adds the rows that have these keys; false if there are none.
bool
find_rows_raw(Tally &tally, const Finder &finder, int count, ScanKeyData *keys)
{
	bool found = false;
	const bool ordered = finder.index != nullptr;
	SysScanDesc scan = ordered ? systable_beginscan_ordered(finder.catalog, finder.index, tally.snapshot, count, keys)
							   : systable_beginscan(finder.catalog, InvalidOid, false, tally.snapshot, count, keys);

	while (HeapTuple row = ordered ? systable_getnext_ordered(scan, ForwardScanDirection) : systable_getnext(scan))
	{
		add_raw(tally, *finder.rule, finder.offsets, row);
		found = true;
	}
	if (ordered)
		systable_endscan_ordered(scan);
	else
		systable_endscan(scan);
	return found;
}

// Whether any row is one of an object that users made. Initial privileges hardly ever are.
bool
has_users_rows_raw(Finder &finder)
{
	if (!finder.users.has_value())
	{
		ScanKeyData key;
		ScanKeyInit(&key, finder.rule->owner, BTGreaterEqualStrategyNumber, F_OIDGE,
					ObjectIdGetDatum(FirstNormalObjectId));
		/* Whatever a snapshot may see. */
		SysScanDesc scan = systable_beginscan(finder.catalog, finder.rule->index, true, SnapshotAny, 1, &key);
		finder.users = HeapTupleIsValid(systable_getnext(scan));
		systable_endscan(scan);
	}
	return *finder.users;
}

// Adds an object's rows by one rule. Keys are in the order of the index.
bool
find_owned_raw(Tally &tally, Finder &finder, uint32 object)
{
	const Ownership &rule = *finder.rule;
	ScanKeyData keys[3];
	int count = 0;

	if (!open_raw(finder))
		return false;
	if (rule.catalog == InitPrivsRelationId && tally.objects[object].oid >= FirstNormalObjectId &&
		!has_users_rows_raw(finder))
		return false;
	if (rule.zero != 0)
		ScanKeyInit(&keys[count++], rule.zero, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(InvalidOid));
	if (rule.owner != 0)
		ScanKeyInit(&keys[count++], rule.owner, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(tally.objects[object].oid));
	if (rule.owner_class != 0)
		ScanKeyInit(&keys[count++], rule.owner_class, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(tally.objects[object].catalog));
	return find_rows_raw(tally, finder, count, keys);
}

// Adds the rows of the system's objects, which are those with small OIDs.
void
find_system_raw(Tally &tally, Finder &finder)
{
	ScanKeyData key;

	if (!finder.rule->privileged || !open_raw(finder))
		return;
	ScanKeyInit(&key, finder.rule->owner, BTLessStrategyNumber, F_OIDLT, ObjectIdGetDatum(FirstNormalObjectId));
	tally.system_only = true;
	find_rows_raw(tally, finder, 1, &key);
	tally.system_only = false;
}

// Whether a relation's own row says that it has none of these.
bool
says_none(const Object &object, const Ownership &rule)
{
	switch (rule.catalog)
	{
		case RewriteRelationId:
			return (object.flags & is_without_rules) != 0;
		case TriggerRelationId:
			return (object.flags & is_without_triggers) != 0;
		case IndexRelationId:
			return (object.flags & is_without_indexes) != 0;
		default:
			return false;
	}
}

// Whether an object can have rows by a rule; `stands` if its catalog has rules for objects that stand for themselves.
bool
can_own(const Object &object, const Ownership &rule, bool stands)
{
	if (rule.owner == 0)
		return object.catalog == rule.owner_catalog && object.oid == InvalidOid;
	if (OidIsValid(rule.owner_catalog))
		return rule.owner_catalog == object.catalog && !says_none(object, rule) &&
			   (rule.kinds == nullptr || object.kind == 0 || strchr(rule.kinds, object.kind) != nullptr);
	if (rule.shared)
		return IsSharedRelation(object.catalog);
	return !rule.privileged || (stands && object.kind != RELKIND_INDEX && object.kind != RELKIND_PARTITIONED_INDEX);
}

// Constraints, defaults, rules and policies neither belong to extensions nor go with them.
bool
can_be_member(const Object &object)
{
	return object.catalog != ConstraintRelationId && object.catalog != AttrDefaultRelationId &&
		   object.catalog != RewriteRelationId && object.catalog != PolicyRelationId;
}

// Learns to which extension an object belongs, and whether a sequence is that of an identity column.
void
read_owners_raw(Tally &tally, uint32 object)
{
	ScanKeyData keys[2];
	HeapTuple row;

	if (!can_be_member(tally.objects[object]))
		return;
	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(tally.objects[object].catalog));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(tally.objects[object].oid));
	Relation depend = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(depend, DependDependerIndexId, true, tally.snapshot, 2, keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		auto dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
		if (dependency->refclassid == ExtensionRelationId)
			add_membership_raw(tally, row);
		else if (tally.objects[object].kind == RELKIND_SEQUENCE && tally.objects[object].owner == nobody &&
				 dependency->deptype == DEPENDENCY_INTERNAL && dependency->refclassid == RelationRelationId)
			tally.objects[object].owner = object_raw(tally, RelationRelationId, dependency->refobjid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

// Reads who is a member of an extension; of this extension's own members nothing more is read.
void
visit_members_raw(Tally &tally, uint32 extension)
{
	read_memberships_raw(tally, tally.objects[extension].oid);
	if ((tally.objects[extension].flags & is_this_extension) == 0)
		for (uint32 i = 0; i < tally.count; i++)
			if (tally.objects[i].owner == extension)
				enqueue_raw(tally, i);
}

// Reads all rows of an object by index; its parts go into the queue.
void
visit_raw(Tally &tally, Finder *finders, int count, uint32 object)
{
	bool stands = false;
	bool found = false;

	if ((tally.objects[object].flags & is_visited) != 0)
		return;
	tally.objects[object].flags |= is_visited;
	for (int i = 0; i < count; i++)
		if (finders[i].rule->unit && finders[i].rule->owner_catalog == tally.objects[object].catalog)
		{
			stands = true;
			found = find_owned_raw(tally, finders[i], object);
		}
	// The one that stands for all roles has no row of its own.
	if ((stands && !found && OidIsValid(tally.objects[object].oid)) || (tally.objects[object].flags & is_toast) != 0)
		return;
	for (int i = 0; i < count; i++)
		if (!finders[i].rule->unit && can_own(tally.objects[object], *finders[i].rule, stands))
			find_owned_raw(tally, finders[i], object);

	if (object == tally.database)
		for (int i = 0; i < count; i++)
			find_system_raw(tally, finders[i]);
	if (tally.objects[object].catalog == ExtensionRelationId)
		visit_members_raw(tally, object);
	else if (OidIsValid(tally.objects[object].oid))
		read_owners_raw(tally, object);
	read_identities_raw(tally);
}

void
visit_all_raw(Tally &tally)
{
	Finder finders[most_rules];
	int count = 0;

	for (const Ownership &rule : ownerships())
	{
		if (count == most_rules)
			elog(ERROR, "there are more than %d rules for catalog rows", most_rules);
		finders[count++] = {&rule, nullptr, nullptr, {}, false, std::nullopt};
	}
	while (tally.queue_count > 0)
	{
		CHECK_FOR_INTERRUPTS();
		visit_raw(tally, finders, count, tally.queue[--tally.queue_count]);
	}
	for (int i = 0; i < count; i++)
	{
		if (finders[i].index != nullptr)
			index_close(finders[i].index, AccessShareLock);
		if (finders[i].catalog != nullptr)
			table_close(finders[i].catalog, AccessShareLock);
	}
}

// Under REPEATABLE READ the first one of the transaction, as it is for the queries that read pictures.
void
start_raw(Tally &tally, MemoryContext memory, Snapshot snapshot)
{
	begin_raw(tally, memory, RegisterSnapshot(snapshot != nullptr ? snapshot : GetTransactionSnapshot()));
	Oid own = get_extension_oid("migration_governance", true);
	if (OidIsValid(own))
		tally.objects[object_raw(tally, ExtensionRelationId, own)].flags |= is_this_extension;
}

bool
comes_before(const Version &a, const Version &b)
{
	return a.catalog != b.catalog ? a.catalog < b.catalog : a.oid < b.oid;
}

Versions
result_of(const Tally &tally, uint16 flags)
{
	Versions result;

	for (uint32 i = 0; i < tally.count; i++)
		if ((tally.objects[i].flags & flags) == flags)
			result.push_back({tally.objects[i].catalog, tally.objects[i].oid, tally.objects[i].sum});
	std::sort(result.begin(), result.end(), comes_before);
	return result;
}

} // namespace

Versions
versions(Snapshot snapshot)
{
	Tally tally{};
	pg::MemoryScope memory("migration_governance sweep");

	pg::guarded([&] {
		start_raw(tally, memory.get(), snapshot);
		read_memberships_raw(tally, InvalidOid);
		for (const Ownership *first = ownerships().begin(); first != ownerships().end();)
		{
			const Ownership *last = first;
			while (last != ownerships().end() && last->catalog == first->catalog)
				last++;
			scan_raw(tally, first, last);
			first = last;
		}
		read_identities_raw(tally);
		UnregisterSnapshot(tally.snapshot);
	});
	fold(tally);
	return result_of(tally, is_unit);
}

Versions
versions_of(const std::vector<Unit> &units, Snapshot snapshot)
{
	Tally tally{};
	pg::MemoryScope memory("migration_governance sweep");

	pg::guarded([&] {
		start_raw(tally, memory.get(), snapshot);
		tally.by_index = true;
		for (const Unit &unit : units)
		{
			if (!is_users_own(unit.catalog, unit.oid))
				continue;
			uint32 object = object_raw(tally, unit.catalog, unit.oid);
			tally.objects[object].flags |= is_wanted;
			enqueue_raw(tally, object);
		}
		visit_all_raw(tally);
		UnregisterSnapshot(tally.snapshot);
	});
	fold(tally);
	return result_of(tally, is_unit | is_wanted);
}

std::vector<Address>
changed_between(const Versions &before, const Versions &after)
{
	std::vector<Address> result;

	for (const Version &version : after)
		if (const Version *old = find(before, version.catalog, version.oid); old == nullptr || old->sum != version.sum)
			result.push_back({version.catalog, version.oid});
	for (const Version &version : before)
		if (find(after, version.catalog, version.oid) == nullptr)
			result.push_back({version.catalog, version.oid});
	return result;
}

std::string
fingerprint_of(const Versions &versions)
{
	return pg::guarded([&] {
		return pg::sha256_hex_raw(reinterpret_cast<const char *>(versions.data()), versions.size() * sizeof(Version));
	});
}

const Version *
find(const Versions &versions, Oid catalog, Oid oid)
{
	auto found = std::lower_bound(versions.begin(), versions.end(), Version{catalog, oid, 0}, comes_before);
	return found != versions.end() && found->catalog == catalog && found->oid == oid ? &*found : nullptr;
}

} // namespace mg::schema
