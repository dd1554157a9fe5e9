// Goes through subcommands, each seen before it is done.
#include "lint/alter.hpp"

#include <algorithm>

#include "lint/words.hpp"

namespace mg::lint {

namespace {

char
type_of(const Constraint *definition)
{
	switch (definition->contype)
	{
		case CONSTR_CHECK:
			return CONSTRAINT_CHECK;
		case CONSTR_FOREIGN:
			return CONSTRAINT_FOREIGN;
		case CONSTR_PRIMARY:
			return CONSTRAINT_PRIMARY;
		case CONSTR_UNIQUE:
			return CONSTRAINT_UNIQUE;
		case CONSTR_EXCLUSION:
			return CONSTRAINT_EXCLUSION;
		case CONSTR_NOTNULL:
			return 'n';
		default:
			return '\0';
	}
}

// As the server would call it, for names that the script leaves out.
std::string
name_of(const Constraint *definition, const Table &table, const std::vector<std::string> &columns)
{
	if (definition->conname != nullptr)
		return definition->conname;
	const char *label = "check";
	if (definition->contype == CONSTR_FOREIGN)
		label = "fkey";
	else if (definition->contype == CONSTR_PRIMARY)
		return table.name + "_pkey";
	else if (definition->contype == CONSTR_UNIQUE)
		label = "key";
	else if (definition->contype == CONSTR_EXCLUSION)
		label = "excl";
	else if (definition->contype == CONSTR_NOTNULL)
		label = "not_null";
	std::string name = table.name;
	for (const std::string &column : columns)
		name += "_" + column;
	return name + "_" + label;
}

What
what_of(AlterTableType form)
{
	switch (form)
	{
		case AT_AddColumn:
			return What::add_column;
		case AT_DropColumn:
			return What::drop_column;
		case AT_AlterColumnType:
			return What::change_type;
		case AT_SetNotNull:
			return What::set_not_null;
		case AT_DropNotNull:
			return What::drop_not_null;
		case AT_DropExpression:
			return What::drop_expression;
#if PG_VERSION_NUM >= 170000
		case AT_SetExpression:
			return What::set_expression;
#endif
		case AT_AddIdentity:
			return What::add_identity;
		case AT_SetIdentity:
			return What::set_identity;
		case AT_DropIdentity:
			return What::drop_identity;
		case AT_SetStatistics:
		case AT_SetStorage:
		case AT_SetCompression:
		case AT_SetOptions:
		case AT_ResetOptions:
			return What::set_column_option;
		case AT_AddConstraint:
			return What::add_constraint;
		case AT_ValidateConstraint:
			return What::validate_constraint;
		case AT_AlterConstraint:
			return What::alter_constraint;
		case AT_DropConstraint:
			return What::drop_constraint;
		case AT_AttachPartition:
			return What::attach_partition;
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			return What::detach_partition;
		case AT_AddInherit:
		case AT_DropInherit:
			return What::inherit;
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetAccessMethod:
		case AT_SetTableSpace:
			return What::rewrite_table;
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
			return What::set_options;
		case AT_ReplicaIdentity:
			return What::replica_identity;
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
			return What::row_security;
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
		case AT_EnableTrigAll:
		case AT_DisableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
			return What::trigger_state;
		case AT_ChangeOwner:
			return What::change_owner;
		default:
			return What::alter_other;
	}
}

// Whether the server would find nothing to do.
bool
is_done_already(const AlterTableCmd *command, Table *table)
{
	if (table == nullptr)
		return false;
	const Column *column = command->name != nullptr ? table->column(command->name) : nullptr;
	switch (command->subtype)
	{
		case AT_AddColumn:
			return command->missing_ok && table->column(castNode(ColumnDef, command->def)->colname) != nullptr;
		case AT_DropColumn:
			return command->missing_ok && column == nullptr;
		case AT_DropConstraint:
			return command->missing_ok && command->name != nullptr && table->constraint(command->name) == nullptr;
		case AT_SetNotNull:
			return column != nullptr && column->not_null;
		case AT_DropNotNull:
			return column != nullptr && !column->not_null;
		default:
			return false;
	}
}

// What a subcommand leaves.
void
apply(const AlterTableCmd *command, Table *table)
{
	if (command->name == nullptr)
		return;
	Column *column = table->column(command->name);
	TableConstraint *constraint = table->constraint(command->name);

	switch (command->subtype)
	{
		case AT_DropColumn:
			table->columns.erase(std::remove_if(table->columns.begin(), table->columns.end(),
												[&](const Column &one) { return one.name == command->name; }),
								 table->columns.end());
			break;
		case AT_SetNotNull:
			if (column != nullptr)
				column->not_null = true;
			break;
		case AT_DropNotNull:
			if (column != nullptr)
				column->not_null = false;
			break;
		case AT_ColumnDefault:
			if (column != nullptr)
				column->has_default = command->def != nullptr;
			break;
		case AT_ValidateConstraint:
			if (constraint != nullptr)
				constraint->validated = true;
			break;
		case AT_DropConstraint:
			table->constraints.erase(
				std::remove_if(table->constraints.begin(), table->constraints.end(),
							   [&](const TableConstraint &one) { return one.name == command->name; }),
				table->constraints.end());
			break;
		default:
			break;
	}
}

// ADD COLUMN and ADD CONSTRAINT have parts of their own; anything else is one action.
void
alter(const AlterTableCmd *command, const AlterTableStmt *statement, Table *table, Model &model, const Look &look)
{
	const auto *node = reinterpret_cast<const Node *>(statement);

	if (command->subtype == AT_AddColumn && table != nullptr)
	{
		add_column(castNode(ColumnDef, command->def), node, table, false, model, look);
		return;
	}
	if (command->subtype == AT_AddConstraint && table != nullptr && command->def != nullptr &&
		IsA(command->def, Constraint))
	{
		add_constraint(castNode(Constraint, command->def), node, table, nullptr, false, model, look);
		return;
	}

	Action action;
	action.what = what_of(command->subtype);
	if (command->subtype == AT_ColumnDefault)
		action.what = command->def != nullptr ? What::set_default : What::drop_default;
	action.statement = node;
	action.part = reinterpret_cast<const Node *>(command);
	action.table = table;
	action.name = text_of(command->name);
	action.column = table != nullptr && command->name != nullptr ? table->column(command->name) : nullptr;
	action.cascade = command->behavior == DROP_CASCADE;
	if (action.what == What::attach_partition || action.what == What::detach_partition)
		action.other = model.find(castNode(PartitionCmd, command->def)->name);
	if (command->subtype == AT_AddInherit || command->subtype == AT_DropInherit)
		action.other = model.find(castNode(RangeVar, command->def));
	look(action);
	if (action.other != nullptr && (action.what == What::attach_partition || action.what == What::detach_partition))
		action.other->is_partition = action.what == What::attach_partition;
	if (table != nullptr)
		apply(command, table);
}

} // namespace

void
add_column(const ColumnDef *definition, const Node *statement, Table *table, bool is_new_table, Model &model,
		   const Look &look)
{
	ListCell *cell;
	Column column;

	column.name = definition->colname;
	column.made_here = true;
	column.has_default = definition->raw_default != nullptr;
	column.not_null = definition->is_not_null;
	foreach (cell, definition->constraints)
	{
		const auto *constraint = lfirst_node(Constraint, cell);
		column.has_default = column.has_default || constraint->contype == CONSTR_DEFAULT;
		column.not_null =
			column.not_null || constraint->contype == CONSTR_NOTNULL || constraint->contype == CONSTR_PRIMARY;
		if (constraint->contype == CONSTR_IDENTITY)
			column.identity = constraint->generated_when;
		if (constraint->contype == CONSTR_GENERATED)
			column.generated = ATTRIBUTE_GENERATED_STORED;
#if PG_VERSION_NUM >= 180000
		if (constraint->contype == CONSTR_GENERATED)
			column.generated = constraint->generated_kind;
#endif
	}

	Action action;
	action.what = What::add_column;
	action.statement = statement;
	action.part = reinterpret_cast<const Node *>(definition);
	action.table = table;
	action.column = &column;
	action.name = column.name;
	action.is_new_table = is_new_table;
	action.location = definition->location;
	look(action);
	table->columns.push_back(column);
	table->attributes++;
	foreach (cell, definition->constraints)
		add_constraint(lfirst_node(Constraint, cell), statement, table, &table->columns.back(), is_new_table, model,
					   look);
}

void
add_constraint(const Constraint *definition, const Node *statement, Table *table, Column *column, bool is_new_table,
			   Model &model, const Look &look)
{
	const char type = type_of(definition);
	TableConstraint constraint;

	if (type == '\0')
		return;
	if (column != nullptr)
		constraint.columns = {column->name};
	else
		constraint.columns = names_in(definition->contype == CONSTR_FOREIGN ? definition->fk_attrs : definition->keys);
	constraint.type = type;
	constraint.name = name_of(definition, *table, constraint.columns);
	constraint.validated = !definition->skip_validation;
#if PG_VERSION_NUM >= 180000
	constraint.enforced = definition->is_enforced;
#endif
	constraint.made_here = true;

	Action action;
	action.what = What::add_constraint;
	action.statement = statement;
	action.part = reinterpret_cast<const Node *>(definition);
	action.table = table;
	action.other = definition->pktable != nullptr ? model.find(definition->pktable) : nullptr;
	action.column = column;
	action.name = constraint.name;
	action.is_new_column = column != nullptr;
	action.is_new_table = is_new_table;
	action.location = definition->location;
	look(action);

	if (action.other != nullptr)
		constraint.other = action.other->oid;
	if (type == CONSTRAINT_PRIMARY)
		for (const std::string &name : constraint.columns)
			if (Column *key = table->column(name))
				key->not_null = true;
	if ((type == CONSTRAINT_PRIMARY || type == CONSTRAINT_UNIQUE) && definition->indexname == nullptr)
	{
		Index index;
		index.name = constraint.name;
		index.columns = constraint.columns;
		index.keys = static_cast<int>(constraint.columns.size());
		index.is_unique = true;
		index.is_primary = type == CONSTRAINT_PRIMARY;
		index.is_constraint = true;
		index.made_here = true;
		table->indexes.push_back(std::move(index));
	}
	table->constraints.push_back(std::move(constraint));
}

void
alter_table(const AlterTableStmt *statement, Model &model, const Look &look)
{
	Table *table = statement->objtype == OBJECT_INDEX ? model.table_of_index(statement->relation)
													  : model.find(statement->relation);
	ListCell *cell;

	if (table == nullptr && statement->missing_ok)
		return;
	foreach (cell, statement->cmds)
		if (const auto *command = lfirst_node(AlterTableCmd, cell); !is_done_already(command, table))
			alter(command, statement, table, model, look);
}

} // namespace mg::lint
