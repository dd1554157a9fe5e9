// After swap_relation_files() of the server's CLUSTER, which is not to be called from elsewhere.
#include "pg/storage.hpp"

extern "C" {
#include "access/toast_internals.h"
#include "catalog/heap.h"
#include "catalog/toasting.h"
#include "utils/datum.h"
}

namespace mg::pg {

namespace {

template <typename T>
void
swap_raw(T &one, T &other)
{
	T kept = one;
	one = other;
	other = kept;
}

Datum
options_raw(Oid relation, bool *is_null)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	Datum options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, is_null);
	if (!*is_null)
		options = datumCopy(options, false, -1);
	ReleaseSysCache(tuple);
	return *is_null ? Datum(0) : options;
}

// What rows older than a column have in it is in the catalog, not in the files.
void
copy_missing_raw(Oid from, Oid to)
{
	Relation catalog = table_open(AttributeRelationId, RowExclusiveLock);
	Relation source_table = relation_open(from, NoLock);
	const int columns = RelationGetNumberOfAttributes(source_table);

	relation_close(source_table, NoLock);

	for (int i = 1; i <= columns; i++)
	{
		HeapTuple source = SearchSysCache2(ATTNUM, ObjectIdGetDatum(from), Int16GetDatum(i));
		HeapTuple target = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(to), Int16GetDatum(i));
		bool is_null;
		Datum missing = SysCacheGetAttr(ATTNUM, source, Anum_pg_attribute_attmissingval, &is_null);

		if (reinterpret_cast<Form_pg_attribute>(GETSTRUCT(source))->atthasmissing && !is_null)
		{
			Datum values[Natts_pg_attribute] = {0};
			bool nulls[Natts_pg_attribute] = {false};
			bool replaced[Natts_pg_attribute] = {false};

			values[Anum_pg_attribute_atthasmissing - 1] = BoolGetDatum(true);
			replaced[Anum_pg_attribute_atthasmissing - 1] = true;
			values[Anum_pg_attribute_attmissingval - 1] = missing;
			replaced[Anum_pg_attribute_attmissingval - 1] = true;
			target = heap_modify_tuple(target, RelationGetDescr(catalog), values, nulls, replaced);
			CatalogTupleUpdate(catalog, &target->t_self, target);
		}
		ReleaseSysCache(source);
	}
	table_close(catalog, RowExclusiveLock);
}

// Who may read all tables sees no more of it than of the other one: with row level security nothing, unless he stands above that. Publications of
// all tables refuse UPDATE and DELETE without a replica identity; what is done to a table with relrewrite is not sent to subscribers, who have none
// such (ReorderBufferProcessTXN).
Oid
create_raw(Relation like, TupleDesc columns, Datum options, Oid schema, const char *name, Oid owner)
{
	Oid made = heap_create_with_catalog(name, schema, like->rd_rel->reltablespace, InvalidOid, InvalidOid, InvalidOid,
										owner, like->rd_rel->relam, columns, NIL, RELKIND_RELATION,
										like->rd_rel->relpersistence, false, false, ONCOMMIT_NOOP, options, false, true,
										true, RelationGetRelid(like), nullptr);

	CommandCounterIncrement();
	Relation catalog = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(made));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", made);
	auto *form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
	form->relrowsecurity = like->rd_rel->relrowsecurity;
	form->relreplident = REPLICA_IDENTITY_FULL;
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
	return made;
}

void
add_texts_raw(TupleDesc columns, int place, const std::vector<std::string> &names)
{
	for (const std::string &name : names)
	{
		TupleDescInitEntry(columns, static_cast<AttrNumber>(place), name.c_str(), TEXTOID, -1, 0);
		TupleDescInitEntryCollation(columns, static_cast<AttrNumber>(place++), C_COLLATION_OID);
	}
}

Oid
make_with_raw(Oid table, const std::vector<int> &numbers, const std::vector<std::string> &more, Oid schema,
			  const char *name, Oid owner)
{
	Relation like = table_open(table, NoLock);
	TupleDesc all = RelationGetDescr(like);
	TupleDesc columns = CreateTemplateTupleDesc(static_cast<int>(numbers.size() + more.size()));
	AttrNumber place = 1;

	for (int number : numbers)
	{
		Form_pg_attribute column = TupleDescAttr(all, number - 1);
		TupleDescInitEntry(columns, place, NameStr(column->attname), column->atttypid, column->atttypmod,
						   column->attndims);
		TupleDescInitEntryCollation(columns, place, column->attcollation);
		TupleDescAttr(columns, place - 1)->attstorage = column->attstorage;
		TupleDescAttr(columns, place - 1)->attcompression = column->attcompression;
		place++;
	}
	add_texts_raw(columns, place, more);
	Oid made = create_raw(like, columns, Datum(0), schema, name, owner);
	NewRelationCreateToastTable(made, Datum(0));
	CommandCounterIncrement();
	table_close(like, NoLock);
	return made;
}

Oid
make_alike_raw(Oid table, Oid schema, const char *name, Oid owner, const std::vector<std::string> &more)
{
	Relation like = table_open(table, NoLock);
	const int count = RelationGetNumberOfAttributes(like);
	TupleDesc columns = CreateTemplateTupleDesc(count + static_cast<int>(more.size()));
	for (int i = 0; i < count; i++)
	{
		TupleDescCopyEntry(columns, static_cast<AttrNumber>(i + 1), RelationGetDescr(like),
						   static_cast<AttrNumber>(i + 1));
		/* It is nobody's child. */
		TupleDescAttr(columns, i)->attinhcount = 0;
		TupleDescAttr(columns, i)->attislocal = true;
	}
	add_texts_raw(columns, count + 1, more);
	bool is_null;
	Datum options = options_raw(table, &is_null);
	Oid made = create_raw(like, columns, options, schema, name, owner);
	Oid toast = like->rd_rel->reltoastrelid;

	if (OidIsValid(toast))
		NewHeapCreateToastTable(made, options_raw(toast, &is_null), AccessExclusiveLock, InvalidOid);
	copy_missing_raw(table, made);
	CommandCounterIncrement();
	table_close(like, NoLock);
	return made;
}

// A TOAST table belongs to the table that its rows are of.
void
give_raw(Oid toast, Oid owner)
{
	ObjectAddress table, part;

	if (!OidIsValid(toast))
		return;
	ObjectAddressSet(table, RelationRelationId, owner);
	ObjectAddressSet(part, RelationRelationId, toast);
	deleteDependencyRecordsFor(RelationRelationId, toast, false);
	recordDependencyOn(&part, &table, DEPENDENCY_INTERNAL);
}

// Calls it, and its index, as the server would for that table.
void
name_toast_raw(Oid toast, const char *prefix, Oid table)
{
	if (!OidIsValid(toast))
		return;
	Oid index = toast_get_valid_index(toast, AccessExclusiveLock);
	RenameRelationInternal(toast, psprintf("%s%u", prefix, table), true, false);
	RenameRelationInternal(index, psprintf("%s%u_index", prefix, table), true, true);
}

#if PG_VERSION_NUM < 160000
#define rd_newRelfilelocatorSubid rd_newRelfilenodeSubid
#define rd_firstRelfilelocatorSubid rd_firstRelfilenodeSubid
#endif

// What this process knows of the age of the first table's files goes with them, so that what is written there is logged as it has to be. The
// first keeps what it has: were it taken for new, TRUNCATE would empty its indexes for good.
void
pass_age_raw(Oid one, Oid other)
{
	Relation first = relation_open(one, NoLock);
	Relation second = relation_open(other, NoLock);

	second->rd_createSubid = first->rd_createSubid;
	second->rd_newRelfilelocatorSubid = first->rd_newRelfilelocatorSubid;
	second->rd_firstRelfilelocatorSubid = first->rd_firstRelfilelocatorSubid;
	relation_close(second, NoLock);
	relation_close(first, NoLock);
}

void
exchange_storage_raw(Oid one, Oid other)
{
	LockRelationOid(one, AccessExclusiveLock);
	LockRelationOid(other, AccessExclusiveLock);

	Relation catalog = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple first = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(one));
	HeapTuple second = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(other));
	if (!HeapTupleIsValid(first) || !HeapTupleIsValid(second))
		elog(ERROR, "cache lookup failed for relation %u or %u", one, other);
	auto *a = reinterpret_cast<Form_pg_class>(GETSTRUCT(first));
	auto *b = reinterpret_cast<Form_pg_class>(GETSTRUCT(second));

	swap_raw(a->relfilenode, b->relfilenode);
	swap_raw(a->reltablespace, b->reltablespace);
	swap_raw(a->relam, b->relam);
	swap_raw(a->relpersistence, b->relpersistence);
	swap_raw(a->reltoastrelid, b->reltoastrelid);
	swap_raw(a->relfrozenxid, b->relfrozenxid);
	swap_raw(a->relminmxid, b->relminmxid);
	swap_raw(a->relpages, b->relpages);
	swap_raw(a->reltuples, b->reltuples);
	swap_raw(a->relallvisible, b->relallvisible);
#if PG_VERSION_NUM >= 180000
	swap_raw(a->relallfrozen, b->relallfrozen);
#endif

	CatalogIndexState indexes = CatalogOpenIndexes(catalog);
	CatalogTupleUpdateWithInfo(catalog, &first->t_self, first, indexes);
	CatalogTupleUpdateWithInfo(catalog, &second->t_self, second, indexes);
	CatalogCloseIndexes(indexes);
	table_close(catalog, RowExclusiveLock);
	give_raw(a->reltoastrelid, one);
	give_raw(b->reltoastrelid, other);
	pass_age_raw(one, other);
#if PG_VERSION_NUM < 170000
	RelationCloseSmgrByOid(one);
	RelationCloseSmgrByOid(other);
#endif
	CommandCounterIncrement();
	/* By way of a third name, as each has the other's. */
	name_toast_raw(a->reltoastrelid, "pg_toast_mg_", one);
	CommandCounterIncrement();
	name_toast_raw(b->reltoastrelid, "pg_toast_", other);
	CommandCounterIncrement();
	name_toast_raw(a->reltoastrelid, "pg_toast_", one);
	CommandCounterIncrement();
}

} // namespace

Oid
make_alike(Oid table, Oid schema, const std::string &name, Oid owner, const std::vector<std::string> &more)
{
	return guarded([&] { return make_alike_raw(table, schema, name.c_str(), owner, more); });
}

Oid
make_with(Oid table, const std::vector<int> &columns, const std::vector<std::string> &more, Oid schema,
		  const std::string &name, Oid owner)
{
	return guarded([&] { return make_with_raw(table, columns, more, schema, name.c_str(), owner); });
}

void
drop_made(Oid table)
{
	guarded([&] {
		ObjectAddress address;

		ObjectAddressSet(address, RelationRelationId, table);
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
		CommandCounterIncrement();
	});
}

void
exchange_storage(Oid one, Oid other)
{
	guarded([&] { exchange_storage_raw(one, other); });
}

bool
lock_unused(Oid table, const std::string &statement)
{
	return guarded([&] {
		Relation relation = try_relation_open(table, AccessExclusiveLock);
		if (relation == nullptr)
			return false;
		CheckTableNotInUse(relation, statement.c_str());
		relation_close(relation, NoLock);
		return true;
	});
}

bool
is_made_here(Oid table)
{
	return guarded([&] {
		Relation relation = relation_open(table, NoLock);
		const bool is_new = relation->rd_createSubid != InvalidSubTransactionId;
		relation_close(relation, NoLock);
		return is_new;
	});
}

bool
has_rows(Oid table)
{
	return guarded([&] {
		Relation relation = table_open(table, NoLock);
		Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
		TableScanDesc scan = table_beginscan(relation, snapshot, 0, nullptr);
		TupleTableSlot *slot = table_slot_create(relation, nullptr);
		const bool found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
		ExecDropSingleTupleTableSlot(slot);
		table_endscan(scan);
		UnregisterSnapshot(snapshot);
		table_close(relation, NoLock);
		return found;
	});
}

Oid
files_of(Oid table)
{
	return guarded([&] {
		HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
		if (!HeapTupleIsValid(tuple))
			return InvalidOid;
		const Oid files = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relfilenode;
		ReleaseSysCache(tuple);
		return files;
	});
}

bool
has_new_files(Oid table)
{
	return guarded([&] {
		Relation relation = relation_open(table, NoLock);
		const bool is_new = relation->rd_newRelfilelocatorSubid != InvalidSubTransactionId;
		relation_close(relation, NoLock);
		return is_new;
	});
}

} // namespace mg::pg
