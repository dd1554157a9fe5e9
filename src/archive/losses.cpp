// Follows statements to the tables, columns and sequences that go with them.
#include "archive/losses.hpp"

#include <algorithm>

extern "C" {
#include "catalog/pg_shdepend.h"
}

#include "archive/types.hpp"
#include "lint/reach.hpp"
#include "pg/memory.hpp"

namespace mg::archive {

namespace {

using Addresses = std::vector<ObjectAddress>;

// Tells whether the current user owns an object, or the schema that it is in.
bool
owns_raw(const ObjectAddress &object)
{
	const AttrNumber owner = get_object_attnum_owner(object.classId);
	const AttrNumber schema = get_object_attnum_namespace(object.classId);
	Relation catalog = table_open(object.classId, AccessShareLock);
	HeapTuple row = get_catalog_object_by_oid(catalog, get_object_attnum_oid(object.classId), object.objectId);
	bool is_null = false;
	bool result = false;

	if (HeapTupleIsValid(row) && owner != InvalidAttrNumber)
		result = has_privs_of_role(GetUserId(),
								   DatumGetObjectId(heap_getattr(row, owner, RelationGetDescr(catalog), &is_null)));
	if (HeapTupleIsValid(row) && !result && schema != InvalidAttrNumber)
	{
		ObjectAddress above;
		ObjectAddressSet(above, NamespaceRelationId,
						 DatumGetObjectId(heap_getattr(row, schema, RelationGetDescr(catalog), &is_null)));
		result = owns_raw(above);
	}
	table_close(catalog, AccessShareLock);
	return result;
}

bool
is_relation_kind(ObjectType type)
{
	return type == OBJECT_TABLE || type == OBJECT_MATVIEW || type == OBJECT_FOREIGN_TABLE || type == OBJECT_VIEW ||
		   type == OBJECT_SEQUENCE;
}

// Whether dropping such an object can take rows along, or a type that rows are of.
bool
matters(const DropStmt *statement)
{
	switch (statement->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_EXTENSION:
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
		case OBJECT_COLLATION:
		case OBJECT_VIEW:
		case OBJECT_FOREIGN_TABLE:
			return true;
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
		case OBJECT_INDEX:
		case OBJECT_EVENT_TRIGGER:
			return false;
		default:
			return statement->behavior == DROP_CASCADE;
	}
}

ObjectAddress
address_raw(ObjectType type, Node *name)
{
	ObjectAddress address = InvalidObjectAddress;

	if (is_relation_kind(type))
	{
		Oid relation = RangeVarGetRelid(makeRangeVarFromNameList(castNode(List, name)), NoLock, true);
		if (OidIsValid(relation))
			ObjectAddressSet(address, RelationRelationId, relation);
		return address;
	}
	Relation relation = nullptr;
	address = get_object_address(type, name, &relation, AccessShareLock, true);
	if (relation != nullptr)
		relation_close(relation, NoLock);
	return address;
}

struct Named
{
	ObjectAddress object;
	bool owned;
};

// The objects that DROP names; nothing when one of them is not the user's.
Addresses
named_by(const DropStmt *statement)
{
	Addresses result;
	ListCell *cell;

	foreach (cell, statement->objects)
	{
		auto *name = static_cast<Node *>(lfirst(cell));
		const Named found = pg::guarded([&] {
			ObjectAddress object = address_raw(statement->removeType, name);
			return Named{object, OidIsValid(object.objectId) && owns_raw(object)};
		});
		if (OidIsValid(found.object.objectId) && !found.owned)
			return {};
		if (OidIsValid(found.object.objectId))
			result.push_back(found.object);
	}
	return result;
}

// What a role owns in this database; not what all databases share.
Addresses
owned_by(const DropOwnedStmt *statement)
{
	Addresses result;
	ListCell *cell;

	foreach (cell, statement->roles)
	{
		auto *spec = lfirst_node(RoleSpec, cell);
		pg::MemoryScope memory("migration_governance owned");
		List *found = pg::guarded([&]() -> List * {
			MemoryContext before = MemoryContextSwitchTo(memory.get());
			Oid role = get_rolespec_oid(spec, true);
			List *list = NIL;
			if (!OidIsValid(role) || !has_privs_of_role(GetUserId(), role))
				return list;
			ScanKeyData keys[2];
			Relation depend = table_open(SharedDependRelationId, AccessShareLock);
			ScanKeyInit(&keys[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
						ObjectIdGetDatum(AuthIdRelationId));
			ScanKeyInit(&keys[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
			SysScanDesc scan = systable_beginscan(depend, SharedDependReferenceIndexId, true, nullptr, 2, keys);
			while (HeapTuple row = systable_getnext(scan))
			{
				auto *form = reinterpret_cast<Form_pg_shdepend>(GETSTRUCT(row));
				if (form->dbid != MyDatabaseId || form->deptype != SHARED_DEPENDENCY_OWNER)
					continue;
				auto *address = static_cast<ObjectAddress *>(palloc(sizeof(ObjectAddress)));
				ObjectAddressSubSet(*address, form->classid, form->objid, form->objsubid);
				list = lappend(list, address);
			}
			systable_endscan(scan);
			table_close(depend, AccessShareLock);
			MemoryContextSwitchTo(before);
			return list;
		});
		ListCell *item;
		foreach (item, found)
			result.push_back(*static_cast<ObjectAddress *>(lfirst(item)));
	}
	return result;
}

char
kind_of(Oid relation)
{
	return pg::guarded([&] { return get_rel_relkind(relation); });
}

void
add(Losses &losses, Kind kind, Oid relation, int column = 0)
{
	const bool is_known = std::any_of(losses.items.begin(), losses.items.end(), [&](const Loss &item) {
		return item.relation == relation && (item.column == column || item.column == 0);
	});

	if (!is_known)
		losses.items.push_back({kind, relation, column});
}

// What goes with objects: whole tables first, so that their columns are not named again.
void
add_gone(Losses &losses, const Addresses &objects, bool cascade)
{
	const Addresses gone = lint::gone_with(objects, cascade);

	for (const ObjectAddress &object : gone)
	{
		if (object.classId == TypeRelationId)
			losses.types.insert(object.objectId);
		if (object.classId == CollationRelationId)
			losses.collations.insert(object.objectId);
		if (object.classId != RelationRelationId || object.objectSubId != 0)
			continue;
		const char kind = kind_of(object.objectId);
		if (kind == RELKIND_RELATION || kind == RELKIND_MATVIEW)
			add(losses, Kind::table, object.objectId);
		if (kind == RELKIND_SEQUENCE)
			add(losses, Kind::sequence, object.objectId);
	}
	for (const ObjectAddress &object : gone)
		if (object.classId == RelationRelationId && object.objectSubId > 0 &&
			kind_of(object.objectId) == RELKIND_RELATION)
			add(losses, Kind::column, object.objectId, object.objectSubId);
}

int
column_number(Oid relation, const char *name)
{
	return pg::guarded([&] { return get_attnum(relation, name); });
}

// A table of the statement with those that inherit the column, unless it says ONLY.
std::vector<Oid>
reached(const RangeVar *named, Oid relation)
{
	return named->inh ? lint::tree_of(relation) : std::vector<Oid>{relation};
}

// Whether a new type keeps every value: as it is stored, or by a cast that loses nothing.
bool
keeps_values(Oid table, int column, const AlterTableCmd *command)
{
	const auto *definition = castNode(ColumnDef, command->def);

	if (definition->raw_default != nullptr)
		return false;
	return pg::guarded([&] {
		Type from, to;
		Oid collation;

		get_atttypetypmodcoll(table, static_cast<AttrNumber>(column), &from.oid, &from.modifier, &collation);
		typenameTypeIdAndMod(nullptr, definition->typeName, &to.oid, &to.modifier);
		const bool is_wider =
			to.modifier == -1 || (to.oid == VARCHAROID && from.modifier != -1 && to.modifier >= from.modifier);
		return holds_all(to, from) ||
			   (IsBinaryCoercible(from.oid, to.oid) && (is_wider || to.modifier == from.modifier));
	});
}

// With the arrays of it.
void
add_type(Losses &losses, Oid type)
{
	if (!OidIsValid(type))
		return;
	losses.types.insert(type);
	if (const Oid array = pg::guarded([&] { return get_array_type(type); }); OidIsValid(array))
		losses.types.insert(array);
}

// A new constraint of a domain would be held against what is kept.
void
add_constrained(Losses &losses, const AlterDomainStmt *statement)
{
	auto *names = const_cast<List *>(statement->typeName);

	add_type(losses, pg::guarded([&] {
				 ObjectAddress object;
				 ObjectAddressSet(object, TypeRelationId,
								  LookupTypeNameOid(nullptr, makeTypeNameFromNameList(names), true));
				 return OidIsValid(object.objectId) && owns_raw(object) ? object.objectId : InvalidOid;
			 }));
}

void
add_altered(Losses &losses, const AlterTableStmt *statement)
{
	if (statement->objtype != OBJECT_TABLE && statement->objtype != OBJECT_TYPE)
		return;
	const Named root = pg::guarded([&] {
		ObjectAddress object = InvalidObjectAddress;
		Oid relation = RangeVarGetRelid(statement->relation, NoLock, true);
		if (OidIsValid(relation))
			ObjectAddressSet(object, RelationRelationId, relation);
		return Named{object, OidIsValid(relation) && owns_raw(object)};
	});
	if (!root.owned)
		return;

	const bool is_type = statement->objtype == OBJECT_TYPE;
	const std::vector<Oid> tables =
		is_type ? lint::typed_tables_of(pg::guarded([&] { return get_rel_type_id(root.object.objectId); }))
				: reached(statement->relation, root.object.objectId);
	for (Oid table : is_type ? std::vector<Oid>{root.object.objectId} : tables)
		add_type(losses, pg::guarded([&] { return get_rel_type_id(table); }));
	ListCell *cell;
	foreach (cell, statement->cmds)
	{
		const auto *command = lfirst_node(AlterTableCmd, cell);
		if (command->subtype != AT_DropColumn && command->subtype != AT_AlterColumnType)
			continue;
		for (Oid table : tables)
		{
			const int column = column_number(table, command->name);
			if (column <= 0)
				continue;
			if (command->subtype == AT_AlterColumnType)
				losses.retyped.push_back({Kind::values, table, column});
			if (command->subtype == AT_DropColumn)
				add_gone(losses, {{RelationRelationId, table, column}}, command->behavior == DROP_CASCADE);
			else if (kind_of(table) == RELKIND_RELATION && !keeps_values(table, column, command))
				add(losses, Kind::values, table, column);
		}
	}
}

// With CASCADE, those that refer to them, and so on.
void
add_truncated(Losses &losses, const TruncateStmt *statement)
{
	std::vector<Oid> tables;
	ListCell *cell;
	auto push = [&](Oid table) {
		if (std::find(tables.begin(), tables.end(), table) == tables.end())
			tables.push_back(table);
	};

	foreach (cell, statement->relations)
	{
		const auto *named = lfirst_node(RangeVar, cell);
		const Oid table = pg::guarded([&] {
			Oid relation = RangeVarGetRelid(named, NoLock, true);
			return OidIsValid(relation) && pg_class_aclcheck(relation, GetUserId(), ACL_TRUNCATE) == ACLCHECK_OK
					   ? relation
					   : InvalidOid;
		});
		if (!OidIsValid(table))
			return;
		for (Oid one : reached(named, table))
			push(one);
	}
	for (std::size_t i = 0; statement->behavior == DROP_CASCADE && i < tables.size(); i++)
		for (const lint::KeyTrigger &trigger : lint::key_triggers_of(tables[i]))
			if (trigger.is_referenced)
				for (Oid one : lint::tree_of(trigger.other))
					push(one);
	for (Oid table : tables)
	{
		if (kind_of(table) == RELKIND_RELATION)
			add(losses, Kind::contents, table);
		if (!statement->restart_seqs)
			continue;
		pg::MemoryScope memory("migration_governance sequences");
		const List *sequences = pg::guarded([&] {
			MemoryContext before = MemoryContextSwitchTo(memory.get());
			List *list = getOwnedSequences(table);
			MemoryContextSwitchTo(before);
			return list;
		});
		ListCell *item;
		foreach (item, sequences)
			add(losses, Kind::sequence, lfirst_oid(item));
	}
}

} // namespace

Losses
losses_of(Node *statement)
{
	Losses losses;

	if (IsA(statement, DropStmt))
	{
		const auto *drop = castNode(DropStmt, statement);
		if (matters(drop))
			if (const Addresses named = named_by(drop); !named.empty())
				add_gone(losses, named, drop->behavior == DROP_CASCADE);
	}
	else if (IsA(statement, DropOwnedStmt))
	{
		const auto *drop = castNode(DropOwnedStmt, statement);
		if (const Addresses owned = owned_by(drop); !owned.empty())
			add_gone(losses, owned, drop->behavior == DROP_CASCADE);
	}
	else if (IsA(statement, AlterTableStmt))
		add_altered(losses, castNode(AlterTableStmt, statement));
	else if (IsA(statement, AlterDomainStmt))
		add_constrained(losses, castNode(AlterDomainStmt, statement));
	else if (IsA(statement, TruncateStmt))
		add_truncated(losses, castNode(TruncateStmt, statement));
	return losses;
}

} // namespace mg::archive
