// What commands on tables, their parts and other objects lock.
#include "lint/lock_parts.hpp"

#include <algorithm>
#include <cstring>

#include "lint/drops.hpp"
#include "lint/facts.hpp"
#include "lint/nodes.hpp"
#include "lint/words.hpp"

namespace mg::lint {

void
of_create_table(const CreateStmt *create, LockSet &locks)
{
	ListCell *cell;

	if (create->if_not_exists && locks.model().find(create->relation) != nullptr)
		return;
	foreach (cell, create->inhRelations)
	{
		Table *parent = locks.model().find(lfirst_node(RangeVar, cell));
		locks.add(parent, create->partbound != nullptr ? AccessExclusiveLock : ShareUpdateExclusiveLock);
		if (parent == nullptr || create->partbound == nullptr)
			continue;
		locks.add(parent->default_partition, AccessExclusiveLock);
		/* The parent's foreign keys, and those that refer to it, are made again for the partition. */
		for (const KeyTrigger &trigger : parent->made_here ? std::vector<KeyTrigger>() : key_triggers_of(parent->oid))
			locks.add_tree(locks.known(trigger.other), ShareRowExclusiveLock);
	}
	foreach (cell, create->tableElts)
	{
		const auto *element = static_cast<const Node *>(lfirst(cell));
		ListCell *part;
		if (IsA(element, TableLikeClause))
			locks.add(castNode(TableLikeClause, element)->relation, AccessShareLock);
		else if (IsA(element, Constraint))
			locks.add_referenced(castNode(Constraint, element));
		else if (IsA(element, ColumnDef))
			foreach (part, castNode(ColumnDef, element)->constraints)
				locks.add_referenced(lfirst_node(Constraint, part));
	}
	foreach (cell, create->constraints)
		locks.add_referenced(lfirst_node(Constraint, cell));
}

void
of_create_index(const IndexStmt *create, LockSet &locks)
{
	Table *table = locks.model().find(create->relation);
	const LOCKMODE mode = create->concurrent ? ShareUpdateExclusiveLock : ShareLock;

	if (table != nullptr && table->kind == RELKIND_PARTITIONED_TABLE && create->relation->inh)
		locks.add_tree(table, mode);
	else
		locks.add(table, mode);
}

namespace {

// What only the model knows: parts that the script itself has made.
void
drop_keys(ObjectType type, const Node *object, bool missing_ok, LockSet &locks)
{
	if (type == OBJECT_TRIGGER || type == OBJECT_RULE || type == OBJECT_POLICY)
	{
		const RangeVar *name = table_in(castNode(List, object));
		Table *table = name != nullptr ? locks.model().find(name) : nullptr;
		const bool is_new = !OidIsValid(address_of(type, object, locks.model()).objectId);
		/* What is not there is looked up, and no more. */
		if (is_new && missing_ok && table != nullptr && !table->has_new_parts)
			return;
		if (is_new && type == OBJECT_TRIGGER && table != nullptr && table->kind == RELKIND_PARTITIONED_TABLE)
			locks.add_tree(table, AccessExclusiveLock);
		else
			locks.add(table, AccessExclusiveLock);
	}
	else if (type == OBJECT_TABLE)
	{
		const Table *table = locks.model().find(range_var_of(castNode(List, object)));
		if (table == nullptr || table->is_partition)
			return;
		for (const TableConstraint &constraint : table->constraints)
			if (constraint.type == CONSTRAINT_FOREIGN)
				locks.add(constraint.other, AccessExclusiveLock);
	}
}

} // namespace

void
of_drop(const DropStmt *statement, LockSet &locks)
{
	std::vector<ObjectAddress> objects;
	ListCell *cell;

	foreach (cell, statement->objects)
	{
		const auto *object = static_cast<const Node *>(lfirst(cell));
		if (statement->removeType == OBJECT_INDEX)
		{
			Table *table = locks.model().table_of_index(range_var_of(castNode(List, object)));
			if (statement->concurrent)
				locks.add(table, ShareUpdateExclusiveLock);
			else if (table != nullptr && table->kind == RELKIND_PARTITIONED_TABLE)
				locks.add_tree(table, AccessExclusiveLock);
			else
				locks.add(table, AccessExclusiveLock);
			if (statement->concurrent)
				continue;
		}
		drop_keys(statement->removeType, object, statement->missing_ok, locks);
		if (ObjectAddress address = address_of(statement->removeType, object, locks.model());
			OidIsValid(address.objectId))
			objects.push_back(address);
	}
	locks.add(dropped_with(objects, statement->behavior == DROP_CASCADE));
}

void
of_rename(const RenameStmt *statement, LockSet &locks)
{
	Table *table = statement->relation != nullptr ? locks.model().find(statement->relation) : nullptr;

	switch (statement->renameType)
	{
		case OBJECT_INDEX:
			/* ALTER INDEX renames tables too. */
			if (table != nullptr && table->kind != RELKIND_INDEX && table->kind != RELKIND_PARTITIONED_INDEX)
				locks.add(table, AccessExclusiveLock);
			return;
		case OBJECT_TABCONSTRAINT:
		{
			const TableConstraint *constraint =
				table != nullptr ? table->constraint(text_of(statement->subname)) : nullptr;
			if (constraint != nullptr && constraint->type != CONSTRAINT_CHECK && constraint->type != 'n')
				locks.add(table, AccessExclusiveLock);
			else
				locks.add_tree(table, AccessExclusiveLock);
			return;
		}
		case OBJECT_COLUMN:
		case OBJECT_ATTRIBUTE:
		case OBJECT_TRIGGER:
			if (statement->relation != nullptr && statement->relation->inh)
				locks.add_tree(table, AccessExclusiveLock);
			else
				locks.add(table, AccessExclusiveLock);
			/* A type's tables follow it. */
			if (statement->renameType == OBJECT_ATTRIBUTE && table != nullptr)
				for (Oid typed : typed_tables_of(table->oid))
					locks.add(typed, AccessExclusiveLock);
			return;
		default:
			locks.add(table, AccessExclusiveLock);
			return;
	}
}

void
of_truncate(const TruncateStmt *statement, LockSet &locks)
{
	std::vector<Oid> reached;
	ListCell *cell;

	foreach (cell, statement->relations)
	{
		const auto *name = lfirst_node(RangeVar, cell);
		Table *table = locks.model().find(name);
		if (table == nullptr || table->made_here)
			continue;
		for (Oid member : name->inh && table->has_children ? tree_of(table->oid) : std::vector<Oid>{table->oid})
			reached.push_back(member);
	}
	for (size_t i = 0; i < reached.size(); i++)
	{
		locks.add(reached[i], AccessExclusiveLock);
		if (statement->behavior == DROP_CASCADE)
			for (const KeyTrigger &trigger : key_triggers_of(reached[i]))
				if (trigger.is_referenced)
					for (Oid member : tree_of(trigger.other))
						if (std::find(reached.begin(), reached.end(), member) == reached.end())
							reached.push_back(member);
	}
}

void
of_lock(const LockStmt *statement, LockSet &locks)
{
	const auto mode = static_cast<LOCKMODE>(statement->mode);
	ListCell *cell;

	foreach (cell, statement->relations)
	{
		const auto *name = lfirst_node(RangeVar, cell);
		Table *table = locks.model().find(name);
		if (table == nullptr)
			continue;
		if (name->inh)
			locks.add_tree(table, mode);
		else
			locks.add(table, mode);
		if (table->kind == RELKIND_VIEW && !table->made_here)
			for (const Reached &one : read_by_view(table->oid, mode, nullptr))
				locks.add_tree(locks.known(one.relation), mode);
	}
}

void
of_vacuum(const VacuumStmt *statement, LockSet &locks)
{
	ListCell *cell;
	const LOCKMODE mode = is_set(statement->options, "full", false) ? AccessExclusiveLock : ShareUpdateExclusiveLock;
	auto each = [&](Table *table, bool with_children) {
		if (table == nullptr || table->made_here)
			return;
		/* ANALYZE reads rows of those that inherit from it. */
		if (!statement->is_vacuumcmd)
			locks.add_tree(table, AccessShareLock);
		if (with_children && (table->kind == RELKIND_PARTITIONED_TABLE || PG_VERSION_NUM >= 180000))
			locks.add_tree(table, mode);
		else
			locks.add(table, mode);
	};
	foreach (cell, statement->rels)
		if (const auto *relation = lfirst_node(VacuumRelation, cell); relation->relation != nullptr)
			each(locks.model().find(relation->relation), relation->relation->inh || PG_VERSION_NUM < 180000);
	if (statement->rels == NIL)
		for (Oid oid : oids("SELECT oid FROM pg_class WHERE relkind IN ('r', 'm', 'p') AND oid >= 16384 AND "
							"relpersistence <> 't'"))
			each(locks.known(oid), true);
}

void
of_move_all(const AlterTableMoveAllStmt *statement, LockSet &locks)
{
	std::vector<std::string> roles;
	ListCell *cell;

	foreach (cell, statement->roles)
		roles.push_back(text_of(lfirst_node(RoleSpec, cell)->rolename));
	const char *kinds = statement->objtype == OBJECT_TABLE ? "rp" : (statement->objtype == OBJECT_MATVIEW ? "m" : "");

	for (Oid oid :
		 oids("SELECT c.oid FROM pg_class c, pg_tablespace s, pg_database d WHERE s.spcname = $1::text AND "
			  "d.datname = current_database() AND c.reltablespace = CASE WHEN s.oid = d.dattablespace THEN 0 "
			  "ELSE s.oid END AND c.oid >= 16384 AND c.relpersistence <> 't' AND strpos($2::text, "
			  "c.relkind::text) > 0 AND c.relnamespace <> 'pg_toast'::regnamespace AND ($3::text[] = '{}' OR "
			  "pg_get_userbyid(c.relowner) = ANY ($3::text[]))",
			  {pg::Cell(text_of(statement->orig_tablespacename)), pg::Cell(kinds), pg::Cell(pg::array_literal(roles))}))
		locks.add(oid, AccessExclusiveLock);
}

void
of_cluster(const ClusterStmt *statement, LockSet &locks)
{
	if (statement->relation != nullptr)
		locks.add(statement->relation, AccessExclusiveLock);
	else
		for (Oid oid : oids("SELECT indrelid FROM pg_index WHERE indisclustered"))
			locks.add(oid, AccessExclusiveLock);
}

void
of_reindex(const ReindexStmt *statement, LockSet &locks)
{
	bool is_concurrent = false;
	ListCell *cell;

	foreach (cell, statement->params)
		is_concurrent = is_concurrent || strcmp(lfirst_node(DefElem, cell)->defname, "concurrently") == 0;
	const LOCKMODE mode = is_concurrent ? ShareUpdateExclusiveLock : ShareLock;
	if (statement->relation != nullptr && statement->kind == REINDEX_OBJECT_INDEX)
		locks.add(locks.model().table_of_index(statement->relation), mode);
	else if (statement->relation != nullptr)
		locks.add_tree(locks.model().find(statement->relation), mode);
	else
		for (Oid oid :
			 oids("SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind "
				  "IN ('r', 'm') AND c.relhasindex AND c.oid >= 16384 AND ($1::text IS NULL OR n.nspname = "
				  "$1::text)",
				  {statement->kind == REINDEX_OBJECT_SCHEMA && statement->name != nullptr ? pg::Cell(statement->name)
																						  : pg::Cell()}))
			locks.add(oid, mode);
}

void
of_trigger(const CreateTrigStmt *statement, LockSet &locks)
{
	Table *table = locks.model().find(statement->relation);

	if (statement->row && table != nullptr && table->kind == RELKIND_PARTITIONED_TABLE)
		locks.add_tree(table, ShareRowExclusiveLock);
	else
		locks.add(table, ShareRowExclusiveLock);
	if (statement->constrrel != nullptr)
		locks.add(statement->constrrel, AccessShareLock);
}

// COMMENT, SECURITY LABEL, ALTER EXTENSION ADD, ... find what they name under a lock.
void
of_named_object(ObjectType type, const Node *object, LOCKMODE mode, LockSet &locks)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
			locks.add(range_var_of(castNode(List, object)), mode);
			return;
		case OBJECT_COLUMN:
			if (const RangeVar *name = table_in(castNode(List, object)))
				locks.add(name, mode);
			return;
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			if (const RangeVar *name = table_in(castNode(List, object)))
				locks.add(name, AccessShareLock);
			return;
		default:
			return;
	}
}

void
of_publication(const List *objects, LockSet &locks)
{
	ListCell *cell;

	foreach (cell, objects)
	{
		const auto *object = lfirst_node(PublicationObjSpec, cell);
		if (object->pubtable == nullptr)
			continue;
		Table *table = locks.model().find(object->pubtable->relation);
		if (object->pubtable->relation->inh && table != nullptr && table->kind != RELKIND_PARTITIONED_TABLE)
			locks.add_tree(table, ShareUpdateExclusiveLock);
		else
			locks.add(table, ShareUpdateExclusiveLock);
	}
}

void
of_alter_publication(const AlterPublicationStmt *statement, LockSet &locks)
{
	of_publication(statement->pubobjects, locks);
	if (statement->action == AP_SetObjects)
		for (Oid oid :
			 oids("SELECT r.prrelid FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE "
				  "p.pubname = $1::text",
				  {pg::Cell(text_of(statement->pubname))}))
			locks.add(oid, ShareUpdateExclusiveLock);
}

void
of_owned_by(const List *options, LockSet &locks)
{
	ListCell *cell;

	foreach (cell, options)
	{
		const auto *option = lfirst_node(DefElem, cell);
		if (strcmp(option->defname, "owned_by") == 0 && option->arg != nullptr && IsA(option->arg, List))
			if (const RangeVar *name = table_in(castNode(List, option->arg)))
				locks.add(name, AccessShareLock);
	}
}

void
of_alter_domain(const AlterDomainStmt *statement, LockSet &locks)
{
	/* ADD, VALIDATE and SET NOT NULL look at every column of the domain. */
	if (strchr("CVO", statement->subtype) == nullptr)
		return;
	if (const auto *constraint = reinterpret_cast<const Constraint *>(statement->def);
		statement->subtype == 'C' && constraint != nullptr && IsA(constraint, Constraint) &&
		constraint->skip_validation)
		return;
	const Oid type = type_named(statement->typeName);
	if (OidIsValid(type))
		for (Oid user : users_of_domain(type))
			locks.add(user, ShareLock);
}

void
of_owner(const char *sql, const List *roles, LOCKMODE mode, LockSet &locks)
{
	ListCell *cell;

	foreach (cell, roles)
		if (const auto *role = lfirst_node(RoleSpec, cell); role->roletype == ROLESPEC_CSTRING)
			for (Oid oid : oids(sql, {pg::Cell(role->rolename)}))
				locks.add(oid, mode);
}

void
of_drop_owned(const DropOwnedStmt *statement, LockSet &locks)
{
	std::vector<ObjectAddress> objects;
	ListCell *cell;

	foreach (cell, statement->roles)
	{
		const auto *role = lfirst_node(RoleSpec, cell);
		if (role->roletype != ROLESPEC_CSTRING)
			continue;
		for (const pg::Row &row :
			 facts("SELECT d.classid, d.objid, d.objsubid FROM pg_shdepend d JOIN pg_roles r ON d.refclassid = "
				   "'pg_authid'::regclass AND d.refobjid = r.oid JOIN pg_database b ON b.oid = d.dbid AND b.datname = "
				   "current_database() WHERE r.rolname = $1::text AND d.deptype = 'o'",
				   {pg::Cell(role->rolename)}))
			objects.push_back({oid_of(row[0]), oid_of(row[1]), static_cast<int>(number_of(row[2]))});
		/* Policies that name the role are dropped or made anew. */
		for (Oid oid :
			 oids("SELECT p.polrelid FROM pg_shdepend d JOIN pg_roles r ON d.refclassid = "
				  "'pg_authid'::regclass AND d.refobjid = r.oid JOIN pg_policy p ON d.classid = "
				  "'pg_policy'::regclass AND p.oid = d.objid WHERE r.rolname = $1::text AND d.dbid = (SELECT oid "
				  "FROM pg_database WHERE datname = current_database())",
				  {pg::Cell(role->rolename)}))
			locks.add(oid, AccessExclusiveLock);
	}
	locks.add(dropped_with(objects, statement->behavior == DROP_CASCADE));
}

} // namespace mg::lint
