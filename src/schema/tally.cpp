// Sorts catalog rows by the objects that own them.
#include "schema/tally.hpp"

namespace mg::schema {

namespace {

uint64
mixed(uint64 high, uint64 low)
{
	uint64 x = high * UINT64CONST(0x9E3779B97F4A7C15);

	x = (x ^ (x >> 32)) + low;
	x = (x ^ (x >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

// What a row of pg_class says, but for the file that the relation lies in and its size, and hints of what else there is. TRUNCATE,
// CLUSTER, VACUUM FULL and REINDEX write such rows, and they are not to count.
uint64
content_of_relation(HeapTuple row)
{
	char content[CLASS_TUPLE_SIZE];
	auto *relation = reinterpret_cast<Form_pg_class>(content);
	const auto *data = static_cast<const unsigned char *>(static_cast<void *>(GETSTRUCT(row)));
	uint64 nulls = 0;

	memcpy(content, data, CLASS_TUPLE_SIZE);
	/* A table's rewriting gives it another TOAST table, of which only the options count. */
	if (relation->relkind == RELKIND_TOASTVALUE)
		memset(content, 0, CLASS_TUPLE_SIZE);
	relation->relfilenode = InvalidOid;
	relation->relpages = 0;
	relation->reltuples = 0;
	relation->relallvisible = 0;
#if PG_VERSION_NUM >= 180000
	relation->relallfrozen = 0;
#endif
	relation->reltoastrelid = InvalidOid;
	relation->relhasindex = relation->relhasrules = relation->relhastriggers = relation->relhassubclass = false;
	relation->relrewrite = InvalidOid;
	relation->relfrozenxid = InvalidTransactionId;
	relation->relminmxid = InvalidMultiXactId;
	for (int column : {Anum_pg_class_relacl, Anum_pg_class_reloptions, Anum_pg_class_relpartbound})
		nulls = nulls * 2 + (heap_attisnull(row, column, nullptr) ? 1 : 0);
	return mixed(hash_bytes_extended(reinterpret_cast<unsigned char *>(content), CLASS_TUPLE_SIZE, nulls),
				 hash_bytes_extended(data + CLASS_TUPLE_SIZE,
									 static_cast<int>(row->t_len - row->t_data->t_hoff - CLASS_TUPLE_SIZE),
									 RelationRelationId));
}

// OIDs that follow each other get slots that do, because neighbours are asked for together.
uint32
first_slot(const Tally &tally, Oid oid)
{
	constexpr int run = 5;

	return ((((oid >> run) * UINT32_C(0x9E3779B1)) >> (32 + run - tally.bits)) << run) | (oid & ((1 << run) - 1));
}

void
make_slots_raw(Tally &tally, int bits)
{
	uint32 mask = (UINT32_C(1) << bits) - 1;

	if (tally.slots != nullptr)
		pfree(tally.slots);
	tally.bits = bits;
	tally.slots = static_cast<Slot *>(MemoryContextAllocHuge(tally.memory, sizeof(Slot) << bits));
	memset(tally.slots, 0xFF, sizeof(Slot) << bits);
	for (uint32 i = 0; i < tally.count; i++)
	{
		uint32 slot = first_slot(tally, tally.objects[i].oid);
		while (tally.slots[slot].object != nobody)
			slot = (slot + 1) & mask;
		tally.slots[slot] = {tally.objects[i].oid, i};
	}
}

// Makes room for one more item in an array.
template <typename Item>
void
grow_raw(Tally &tally, Item *&items, uint32 count, uint32 &room)
{
	if (count < room)
		return;
	room = room == 0 ? 256 : room * 2;
	items = static_cast<Item *>(items == nullptr ? MemoryContextAllocHuge(tally.memory, room * sizeof(Item))
												 : repalloc_huge(items, room * sizeof(Item)));
}

bool
in_temporary_schema_raw(Tally &tally, Oid schema)
{
	if (schema != tally.last_schema)
	{
		tally.last_temporary = isAnyTempNamespace(schema);
		tally.last_schema = schema;
	}
	return tally.last_temporary;
}

// The columns that rules name are never NULL and have only columns of fixed length before them.
int
offset_of(Relation catalog, AttrNumber number)
{
	TupleDesc columns = RelationGetDescr(catalog);
	int offset = 0;

	if (number == 0)
		return -1;
	for (int i = 0;; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);
		offset = att_align_nominal(offset, column->attalign);
		if (i == number - 1)
			return offset;
		Assert(column->attlen > 0);
		offset += column->attlen;
	}
}

Oid
oid_at(HeapTuple row, int offset)
{
	Oid oid;

	memcpy(&oid, static_cast<char *>(GETSTRUCT(row)) + offset, sizeof(oid));
	return oid;
}

void
look_at_relation_raw(Tally &tally, HeapTuple row, uint32 self)
{
	auto relation = reinterpret_cast<Form_pg_class>(GETSTRUCT(row));

	tally.objects[self].kind = relation->relkind;
	if (!relation->relhasrules)
		tally.objects[self].flags |= is_without_rules;
	if (!relation->relhastriggers)
		tally.objects[self].flags |= is_without_triggers;
	if (!relation->relhasindex)
		tally.objects[self].flags |= is_without_indexes;
	if (relation->relpersistence == RELPERSISTENCE_TEMP)
		tally.objects[self].flags |= is_temporary;
	switch (relation->relkind)
	{
		case RELKIND_COMPOSITE_TYPE:
		{
			uint32 type = object_raw(tally, TypeRelationId, relation->reltype);
			tally.objects[type].flags |= is_composite;
			tally.objects[self].owner = type;
			break;
		}
		case RELKIND_TOASTVALUE:
			tally.objects[self].flags |= is_toast;
			break;
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			break;
		default:
			tally.objects[self].flags |= is_unit;
			if (OidIsValid(relation->reltoastrelid))
				attach_raw(tally, RelationRelationId, relation->reltoastrelid, self);
	}
}

void
look_at_type_raw(Tally &tally, HeapTuple row, uint32 self)
{
	auto type = reinterpret_cast<Form_pg_type>(GETSTRUCT(row));

	tally.objects[self].kind = type->typtype;
	// The type of arrays of another type; base types with elements have input functions of their own.
	if (OidIsValid(type->typelem) && type->typinput == F_ARRAY_IN)
		tally.objects[self].flags |= is_array;
	else if (type->typtype != TYPTYPE_MULTIRANGE)
		tally.objects[self].flags |= is_unit;
	if (OidIsValid(type->typrelid))
	{
		tally.objects[self].flags |= is_row_type;
		if (tally.by_index)
			enqueue_raw(tally, object_raw(tally, RelationRelationId, type->typrelid));
	}
}

void
look_at_column_raw(Tally &tally, HeapTuple row)
{
	auto column = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(row));

	if (column->attidentity == '\0' || column->attisdropped)
		return;
	grow_raw(tally, tally.identities, tally.identity_count, tally.identity_room);
	tally.identities[tally.identity_count++] = {column->attrelid, column->attnum};
}

// Learns from an object's own row what it is.
void
look_raw(Tally &tally, const Ownership &rule, const Offsets &offsets, HeapTuple row, uint32 self)
{
	if (rule.catalog == RelationRelationId)
		look_at_relation_raw(tally, row, self);
	else if (rule.catalog == TypeRelationId)
		look_at_type_raw(tally, row, self);
	else
		tally.objects[self].flags |= is_unit;
	if (offsets.schema >= 0 && in_temporary_schema_raw(tally, oid_at(row, offsets.schema)))
		tally.objects[self].flags |= is_temporary;
}

} // namespace

void
begin_raw(Tally &tally, MemoryContext memory, Snapshot snapshot)
{
	tally.memory = memory;
	tally.snapshot = snapshot;
	tally.last = nobody;
	make_slots_raw(tally, 10);
	tally.database = object_raw(tally, DatabaseRelationId, MyDatabaseId);
}

uint32
object_raw(Tally &tally, Oid catalog, Oid oid)
{
	uint32 mask = (UINT32_C(1) << tally.bits) - 1;
	uint32 slot = first_slot(tally, oid);

	for (; tally.slots[slot].object != nobody; slot = (slot + 1) & mask)
		if (tally.slots[slot].oid == oid && tally.objects[tally.slots[slot].object].catalog == catalog)
			return tally.slots[slot].object;
	grow_raw(tally, tally.objects, tally.count, tally.room);
	tally.objects[tally.count] = {catalog, oid, nobody, 0, 0, 0};
	tally.slots[slot] = {oid, tally.count++};
	if (tally.count > mask / 2)
		make_slots_raw(tally, tally.bits + 1);
	return tally.count - 1;
}

bool
has_object(const Tally &tally, Oid catalog)
{
	for (uint32 i = 0; i < tally.count; i++)
		if (tally.objects[i].catalog == catalog)
			return true;
	return false;
}

void
attach_raw(Tally &tally, Oid catalog, Oid oid, uint32 owner)
{
	uint32 part = object_raw(tally, catalog, oid);

	tally.objects[part].owner = owner;
	if (tally.by_index)
		enqueue_raw(tally, part);
}

void
enqueue_raw(Tally &tally, uint32 object)
{
	grow_raw(tally, tally.queue, tally.queue_count, tally.queue_room);
	tally.queue[tally.queue_count++] = object;
}

Offsets
offsets_of(Relation catalog, const Ownership &rule)
{
	return {offset_of(catalog, rule.owner), offset_of(catalog, rule.owner_class), offset_of(catalog, rule.schema),
			offset_of(catalog, rule.part),  offset_of(catalog, rule.database),    offset_of(catalog, rule.zero)};
}

// The raw xmin, because freezing changes the other one.
uint64
version_of(Oid catalog, HeapTuple row)
{
	if (catalog == RelationRelationId)
		return content_of_relation(row);
	return mixed((static_cast<uint64>(catalog) << 32) | HeapTupleHeaderGetRawXmin(row->t_data),
				 (static_cast<uint64>(ItemPointerGetBlockNumberNoCheck(&row->t_self)) << 16) |
					 ItemPointerGetOffsetNumberNoCheck(&row->t_self));
}

void
add_raw(Tally &tally, const Ownership &rule, const Offsets &offsets, HeapTuple row)
{
	if ((offsets.database >= 0 && oid_at(row, offsets.database) != MyDatabaseId) ||
		(offsets.zero >= 0 && oid_at(row, offsets.zero) != InvalidOid))
		return;
	Oid owner = offsets.owner >= 0 ? oid_at(row, offsets.owner) : InvalidOid;
	Oid catalog = offsets.owner_class >= 0 ? oid_at(row, offsets.owner_class) : rule.owner_catalog;
	if (!is_users_own(catalog, owner))
	{
		if (rule.privileged)
			tally.objects[tally.database].sum += version_of(rule.catalog, row);
		return;
	}
	if (tally.system_only)
		return;

	uint32 self = tally.last;
	if (self == nobody || tally.objects[self].oid != owner || tally.objects[self].catalog != catalog)
		tally.last = self = object_raw(tally, catalog, owner);
	if (rule.unit)
		look_raw(tally, rule, offsets, row, self);
	else if (rule.owner == 0)
		tally.objects[self].flags |= is_unit;
	else if ((tally.objects[self].flags & is_toast) != 0)
		return;
	tally.objects[self].sum += version_of(rule.catalog, row);

	if (rule.catalog == AttributeRelationId)
		look_at_column_raw(tally, row);
	// Nobody comments on the triggers of foreign keys, which are many.
	if (offsets.part >= 0 &&
		!(rule.catalog == TriggerRelationId && reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row))->tgisinternal))
		attach_raw(tally, rule.part_catalog, oid_at(row, offsets.part), self);
}

void
fold(Tally &tally)
{
	constexpr uint16 hidden = is_temporary | is_array;

	for (uint32 i = 0; i < tally.count; i++)
		if ((tally.objects[i].flags & (is_row_type | is_composite)) == is_row_type)
			tally.objects[i].flags |= is_array;
	for (uint32 i = 0; i < tally.count; i++)
	{
		uint32 root = i;
		bool counts = (tally.objects[i].flags & hidden) == 0;
		for (int depth = 0; counts && tally.objects[root].owner != nobody && depth < 8; depth++)
		{
			root = tally.objects[root].owner;
			counts = (tally.objects[root].flags & (hidden | is_toast | is_this_extension)) == 0;
		}
		if (counts && root != i)
			tally.objects[root].sum += tally.objects[i].sum;
	}
	for (uint32 i = 0; i < tally.count; i++)
		if (tally.objects[i].owner != nobody || (tally.objects[i].flags & hidden) != 0)
			tally.objects[i].flags &= ~is_unit;
}

} // namespace mg::schema
