// The locks of ALTER TABLE, on the table and on those that it reaches.
#include <algorithm>

#include "lint/drops.hpp"
#include "lint/facts.hpp"
#include "lint/locks.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

Oid
constraint_oid(const Table &table, const char *name)
{
	return pg::guarded([&] { return get_relation_constraint_oid(table.oid, name, true); });
}

// Whether a constraint is one of the tables that inherit, too.
bool
is_inherited(const Table &table, const std::string &name)
{
	const TableConstraint *constraint = const_cast<Table &>(table).constraint(name);

	if (constraint == nullptr || (constraint->type != CONSTRAINT_CHECK && constraint->type != 'n'))
		return table.kind == RELKIND_PARTITIONED_TABLE;
	return !OidIsValid(constraint->oid) || !pg::guarded([&] {
		HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint->oid));
		const bool result = HeapTupleIsValid(row) && reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row))->connoinherit;
		if (HeapTupleIsValid(row))
			ReleaseSysCache(row);
		return result;
	});
}

bool
is_validated(const Table &table, const std::string &name)
{
	const TableConstraint *constraint = const_cast<Table &>(table).constraint(name);

	return constraint != nullptr && constraint->validated;
}

#if PG_VERSION_NUM < 180000
// Whether a primary key has columns to make NOT NULL, in all tables below.
bool
makes_not_null(const Constraint *constraint, const Table &table)
{
	if (constraint->contype != CONSTR_PRIMARY)
		return false;
	for (const std::string &name : names_in(constraint->keys))
		if (const Column *column = table.column(name); column != nullptr && !column->not_null)
			return true;
	return false;
}
#endif

// Whether the server goes on to the tables that inherit.
bool
reaches_children(const AlterTableCmd *command, const Table &table)
{
	const bool is_partitioned = table.kind == RELKIND_PARTITIONED_TABLE;

	switch (command->subtype)
	{
		case AT_AddColumn:
		case AT_DropColumn:
		case AT_AlterColumnType:
		case AT_ColumnDefault:
		case AT_SetNotNull:
#if PG_VERSION_NUM < 180000
		case AT_DropNotNull:
#endif
		case AT_DropExpression:
		case AT_SetStatistics:
		case AT_SetStorage:
			return true;
		case AT_ValidateConstraint:
		case AT_DropConstraint:
			return is_inherited(table, text_of(command->name)) &&
				   (command->subtype == AT_DropConstraint || !is_validated(table, text_of(command->name)));
#if PG_VERSION_NUM >= 170000
		case AT_SetExpression:
			return true;
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
			return is_partitioned;
#endif
#if PG_VERSION_NUM >= 180000
		case AT_DropNotNull:
		{
			const Column *column = table.column(text_of(command->name));
			return column != nullptr && column->not_null;
		}
		case AT_AddConstraint:
			return true;
#else
		case AT_AddConstraint:
		{
			const auto *constraint = castNode(Constraint, command->def);
			return ((constraint->contype == CONSTR_CHECK || constraint->contype == CONSTR_NOTNULL) &&
					!constraint->is_no_inherit) ||
				   (is_partitioned && constraint->contype == CONSTR_FOREIGN) || makes_not_null(constraint, table);
		}
#endif
		case AT_AlterConstraint:
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
		case AT_EnableTrigAll:
		case AT_DisableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
			return is_partitioned;
		default:
			return false;
	}
}

} // namespace

void
LockSet::drop_part(Table *table, const ObjectAddress &part, bool cascade)
{
	if (table != nullptr && OidIsValid(part.objectId))
		add(dropped_with({part}, cascade));
}

// Foreign keys over a column that changes its type are made again, those that refer to it too.
void
LockSet::alter_type(const AlterTableCmd *command, Table *table)
{
	const Column *column = table->column(command->name);

	if (column == nullptr || column->number == 0)
		return;
	for (const KeyTrigger &trigger : key_triggers_of(table->oid))
		if (std::find(trigger.keys.begin(), trigger.keys.end(), column->number) != trigger.keys.end())
			add_tree(known(trigger.other), AccessExclusiveLock);
}

void
LockSet::attach(const AlterTableCmd *command, Table *table)
{
	Table *part = model_.find(castNode(PartitionCmd, command->def)->name);

	if (part == nullptr)
		return;
	add_tree(part, AccessExclusiveLock);
	add(default_partition_of(table->oid), AccessExclusiveLock);
	if (table->made_here)
		return;
	for (Oid parent : parents_of(table->oid))
		add(parent, AccessShareLock);
	/* A foreign key that the partition has already becomes part of the parent's: its own triggers go. */
	for (const KeyTrigger &trigger : key_triggers_of(table->oid))
	{
		const bool is_known =
			!trigger.is_referenced &&
			std::any_of(part->constraints.begin(), part->constraints.end(), [&](const TableConstraint &one) {
				return one.type == CONSTRAINT_FOREIGN && one.other == trigger.other;
			});
		add_tree(known(trigger.other), is_known ? AccessExclusiveLock : ShareRowExclusiveLock);
	}
}

void
LockSet::detach(const AlterTableCmd *command, Table *table)
{
	Table *part = model_.find(castNode(PartitionCmd, command->def)->name);
	const bool is_concurrent =
		command->subtype == AT_DetachPartitionFinalize || castNode(PartitionCmd, command->def)->concurrent;

	if (part == nullptr)
		return;
	add_tree(part, AccessExclusiveLock);
	if (!is_concurrent)
		add(default_partition_of(table->oid), AccessExclusiveLock);
	if (table->made_here)
		return;
	/* What referred to it does so no more; what it refers to gets triggers for it alone. */
	for (const KeyTrigger &trigger : key_triggers_of(table->oid))
		add_tree(known(trigger.other), trigger.is_referenced ? AccessExclusiveLock : ShareRowExclusiveLock);
}

// What a subcommand locks besides its table.
void
LockSet::alter(const AlterTableCmd *command, Table *table, LOCKMODE mode, bool is_recursive)
{
	const bool cascade = command->behavior == DROP_CASCADE;
	ListCell *cell;

	if (is_recursive && table->has_children && reaches_children(command, *table))
		add_tree(table, mode);
	/* The columns of others become their own: even ONLY reaches those just below. */
	if (!is_recursive && table->has_children &&
		(command->subtype == AT_DropColumn || command->subtype == AT_DropConstraint) &&
		reaches_children(command, *table))
		for (Oid member : tree_of(table->oid))
			if (std::vector<Oid> parents = parents_of(member);
				std::find(parents.begin(), parents.end(), table->oid) != parents.end())
				add(member, mode);
	if (table->made_here && command->subtype != AT_AddConstraint && command->subtype != AT_AddColumn &&
		command->subtype != AT_AttachPartition && command->subtype != AT_DetachPartition &&
		command->subtype != AT_AddInherit)
		return;
	switch (command->subtype)
	{
		case AT_AddColumn:
			foreach (cell, castNode(ColumnDef, command->def)->constraints)
				add_referenced(lfirst_node(Constraint, cell));
			break;
		case AT_AddConstraint:
		{
			const auto *constraint = castNode(Constraint, command->def);
			add_referenced(constraint);
			if (is_recursive && table->kind == RELKIND_PARTITIONED_TABLE && constraint->indexname == nullptr &&
				(constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE ||
				 constraint->contype == CONSTR_EXCLUSION))
				add_tree(table, ShareLock);
			break;
		}
		case AT_DropColumn:
			for (const TableConstraint &constraint : table->constraints)
				if (std::find(constraint.columns.begin(), constraint.columns.end(), command->name) !=
					constraint.columns.end())
					add(constraint.other, AccessExclusiveLock);
			for (Oid member : is_recursive && table->has_children ? tree_of(table->oid) : std::vector<Oid>{table->oid})
			{
				const AttrNumber number = pg::guarded([&] { return get_attnum(member, command->name); });
				if (number > 0)
					drop_part(table, {RelationRelationId, member, number}, cascade);
			}
			break;
		case AT_DropConstraint:
			if (const TableConstraint *constraint = table->constraint(command->name))
				add(constraint->other, AccessExclusiveLock);
			drop_part(table, {ConstraintRelationId, constraint_oid(*table, command->name), 0}, cascade);
			break;
		case AT_AlterColumnType:
			alter_type(command, table);
			break;
#if PG_VERSION_NUM >= 180000
		case AT_AlterConstraint:
		{
			/* The triggers of a foreign key come and go with its enforcement, on the other table too. */
			const auto *change = castNode(ATAlterConstraint, command->def);
			const TableConstraint *constraint = table->constraint(change->conname);
			if (change->alterEnforceability && constraint != nullptr)
				add_tree(known(constraint->other), AccessExclusiveLock);
			break;
		}
#endif
		case AT_ValidateConstraint:
			if (const TableConstraint *constraint = table->constraint(command->name);
				constraint != nullptr && !constraint->validated)
				add(constraint->other, RowShareLock);
			break;
		case AT_AttachPartition:
			attach(command, table);
			break;
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			detach(command, table);
			break;
		case AT_AddInherit:
			add(castNode(RangeVar, command->def), ShareUpdateExclusiveLock);
			break;
		case AT_DropInherit:
			add(castNode(RangeVar, command->def), AccessShareLock);
			break;
		default:
			break;
	}
}

void
LockSet::alter_table(const AlterTableStmt *statement)
{
	ListCell *cell;

	if (statement->objtype == OBJECT_INDEX)
		foreach (cell, statement->cmds)
			if (const auto *command = lfirst_node(AlterTableCmd, cell); command->subtype == AT_AttachPartition)
			{
				add(model_.table_of_index(statement->relation), AccessShareLock);
				add(model_.table_of_index(castNode(PartitionCmd, command->def)->name), AccessShareLock);
			}
	if (statement->objtype == OBJECT_INDEX || statement->objtype == OBJECT_SEQUENCE)
		return;
	Table *table = model_.find(statement->relation);
	if (table == nullptr)
		return;
	const LOCKMODE mode = pg::guarded([&] { return AlterTableGetLockLevel(statement->cmds); });

	add(table, mode);
	if (statement->objtype == OBJECT_TYPE && !table->made_here)
		for (Oid typed : typed_tables_of(table->oid))
			add(typed, AccessExclusiveLock);
	foreach (cell, statement->cmds)
		alter(lfirst_node(AlterTableCmd, cell), table, mode, statement->relation->inh);
}

} // namespace mg::lint
