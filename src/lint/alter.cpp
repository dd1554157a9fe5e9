// Goes through subcommands, each seen before it is done.
#include "lint/alter.hpp"

#include <algorithm>

#include "lint/coercion.hpp"
#include "lint/judge.hpp"
#include "lint/nodes.hpp"
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
#if PG_VERSION_NUM >= 180000
		case CONSTR_NOTNULL:
			return CONSTRAINT_NOTNULL;
#endif
		default:
			return '\0';
	}
}

// The columns that a constraint is about.
std::vector<std::string>
columns_of(const Constraint *definition, const Table &table, const Column *column)
{
	std::vector<std::string> result;
	ListCell *cell;

	if (definition->contype == CONSTR_CHECK)
	{
		for (const Node *reference : nodes_in(definition->raw_expr, T_ColumnRef))
			if (auto *last = static_cast<Node *>(llast(castNode(ColumnRef, reference)->fields));
				IsA(last, String) && std::find(result.begin(), result.end(), strVal(last)) == result.end())
				result.emplace_back(strVal(last));
		result.erase(std::remove_if(result.begin(), result.end(),
									[&](const std::string &name) { return table.column(name) == nullptr; }),
					 result.end());
		return result;
	}
	if (column != nullptr)
		return {column->name};
	if (definition->contype == CONSTR_EXCLUSION)
	{
		foreach (cell, definition->exclusions)
			result.push_back(text_of(linitial_node(IndexElem, lfirst_node(List, cell))->name));
		return result;
	}
	if (definition->indexname != nullptr)
		if (const Index *index = const_cast<Table &>(table).index(definition->indexname))
			return {index->columns.begin(), index->columns.begin() + index->keys};
	return names_in(definition->contype == CONSTR_FOREIGN ? definition->fk_attrs : definition->keys);
}

// As the server would call it, for names that the script leaves out (ChooseConstraintName, ChooseIndexName).
std::string
name_of(const Constraint *definition, Table &table, const std::vector<std::string> &columns)
{
	if (definition->conname != nullptr)
		return definition->conname;
	if (definition->indexname != nullptr)
		return definition->indexname;
	std::string label = "check";
	std::string middle;
	if (definition->contype == CONSTR_FOREIGN)
		label = "fkey";
	else if (definition->contype == CONSTR_PRIMARY)
		label = "pkey";
	else if (definition->contype == CONSTR_UNIQUE)
		label = "key";
	else if (definition->contype == CONSTR_EXCLUSION)
		label = "excl";
	else if (definition->contype == CONSTR_NOTNULL)
		label = "not_null";
	if (definition->contype == CONSTR_CHECK ? columns.size() == 1 : definition->contype != CONSTR_PRIMARY)
		for (const std::string &column : columns)
			middle += (middle.empty() ? "" : "_") + (column.empty() ? "expr" : column);
	return free_name(table, middle, label);
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
			/* From 18 on, a constraint that is NOT VALID makes it so, and this checks it. */
			return column != nullptr && column->not_null &&
				   std::none_of(table->constraints.begin(), table->constraints.end(), [&](const TableConstraint &one) {
					   return one.type == 'n' && !one.validated && one.columns.front() == column->name;
				   });
		case AT_DropNotNull:
			return column != nullptr && !column->not_null;
		case AT_EnableRowSecurity:
			return table->has_row_security;
		case AT_DisableRowSecurity:
			return !table->has_row_security;
		default:
			return false;
	}
}

// What a subcommand leaves.
void
apply(const AlterTableCmd *command, Table *table)
{
	if (command->subtype == AT_EnableRowSecurity || command->subtype == AT_DisableRowSecurity)
		table->has_row_security = command->subtype == AT_EnableRowSecurity;
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
			drop_parts_of(*table, command->name);
			break;
		case AT_SetNotNull:
			if (column != nullptr)
				column->not_null = true;
			for (TableConstraint &one : table->constraints)
				if (one.type == 'n' && one.columns.front() == command->name)
					one.validated = true;
			break;
		case AT_DropNotNull:
			if (column != nullptr)
				column->not_null = false;
			break;
		case AT_AddIdentity:
			if (column != nullptr)
				column->identity = ATTRIBUTE_IDENTITY_BY_DEFAULT;
			break;
		case AT_DropIdentity:
			if (column != nullptr)
				column->identity = '\0';
			break;
		case AT_DropExpression:
			if (column != nullptr)
				column->generated = '\0';
			break;
		case AT_ColumnDefault:
			if (column != nullptr)
				column->has_default = command->def != nullptr;
			break;
		case AT_AlterColumnType:
			if (column != nullptr)
			{
				const TypeChange target = target_of(castNode(ColumnDef, command->def));
				column->type = target.type;
				column->typmod = target.typmod;
				column->collation = target.collation;
			}
			break;
		case AT_ValidateConstraint:
			if (constraint != nullptr)
				constraint->validated = true;
			break;
		case AT_DropConstraint:
			if (constraint != nullptr)
			{
				Column *key = constraint->type == 'n' ? table->column(constraint->columns.front()) : nullptr;
				if (key != nullptr)
					key->not_null = false;
				if (Index *index = table->index(constraint->name); index != nullptr && index->is_constraint)
					table->indexes.erase(table->indexes.begin() + (index - table->indexes.data()));
				table->dropped.push_back(*constraint);
				table->names.erase(constraint->name);
				table->numbers.clear();
			}
			table->constraints.erase(
				std::remove_if(table->constraints.begin(), table->constraints.end(),
							   [&](const TableConstraint &one) { return one.name == command->name; }),
				table->constraints.end());
			break;
		default:
			break;
	}
}

// What it leaves of a parent and a child.
void
relate(AlterTableType form, Table *table, Table *other)
{
	const bool is_inheritance = form == AT_AddInherit || form == AT_DropInherit;
	Table *parent = is_inheritance ? other : table;
	Table *child = is_inheritance ? table : other;
	const bool joins = form == AT_AttachPartition || form == AT_AddInherit;

	for (Column &column : child->columns)
		if (parent->column(column.name) != nullptr)
			column.inherited = std::max(0, column.inherited + (joins ? 1 : -1));
	if (joins)
	{
		parent->has_children = true;
		parent->partitions += std::max(1, child->partitions);
	}
	else
	{
		for (TableConstraint &constraint : child->constraints)
			constraint.inherited = false;
		if (child->oid == parent->default_partition)
			parent->default_partition = InvalidOid;
		child->parent = InvalidOid;
	}
	if (!is_inheritance)
		child->is_partition = joins;
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
		add_constraint(castNode(Constraint, command->def), node, table, nullptr, nullptr, false, model, look);
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
	if (command->subtype == AT_AlterConstraint)
#if PG_VERSION_NUM >= 180000
		action.name = text_of(castNode(ATAlterConstraint, command->def)->conname);
#else
		action.name = text_of(castNode(Constraint, command->def)->conname);
#endif
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
	if (action.other != nullptr && table != nullptr && statement->objtype != OBJECT_INDEX)
		relate(command->subtype, table, action.other);
}

} // namespace

void
drop_parts_of(Table &table, const std::string &column)
{
	auto has_it = [&](const auto &part) {
		return std::find(part.columns.begin(), part.columns.end(), column) != part.columns.end();
	};

	table.constraints.erase(std::remove_if(table.constraints.begin(), table.constraints.end(), has_it),
							table.constraints.end());
	table.indexes.erase(std::remove_if(table.indexes.begin(), table.indexes.end(), has_it), table.indexes.end());
	table.names.clear();
	table.numbers.clear();
}

void
add_column(const ColumnDef *definition, const Node *statement, Table *table, bool is_new_table, Model &model,
		   const Look &look)
{
	ListCell *cell;
	Column column;

	column.name = definition->colname;
	column.made_here = true;
	const Oid serial = serial_type(definition->typeName);
	column.type = OidIsValid(serial) ? serial : model.find_type(definition->typeName);
	if (definition->collClause != nullptr)
		column.collation = model.find_collation(definition->collClause->collname);
	else if (OidIsValid(column.type))
		column.collation = pg::guarded([&] { return get_typcollation(column.type); });
	column.has_default = definition->raw_default != nullptr || OidIsValid(serial);
	column.not_null = definition->is_not_null || OidIsValid(serial);
	foreach (cell, definition->constraints)
	{
		const auto *constraint = lfirst_node(Constraint, cell);
		column.has_default =
			column.has_default || constraint->contype == CONSTR_DEFAULT || constraint->contype == CONSTR_GENERATED;
		column.not_null = column.not_null || constraint->contype == CONSTR_NOTNULL ||
						  constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_IDENTITY;
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
	action.definition = definition;
	action.table = table;
	action.column = &column;
	action.name = column.name;
	action.is_new_table = is_new_table;
	action.location = definition->location;
	look(action);
	table->columns.push_back(column);
	table->attributes++;
	foreach (cell, definition->constraints)
		add_constraint(lfirst_node(Constraint, cell), statement, table, &table->columns.back(), definition,
					   is_new_table, model, look);
}

Oid
serial_type(const TypeName *type)
{
	constexpr struct
	{
		const char *name;
		Oid type;
	} serials[] = {{"serial", INT4OID},  {"serial4", INT4OID},     {"bigserial", INT8OID},
				   {"serial8", INT8OID}, {"smallserial", INT2OID}, {"serial2", INT2OID}};

	if (type == nullptr || list_length(type->names) != 1 || type->pct_type || type->arrayBounds != NIL)
		return InvalidOid;
	for (const auto &[name, oid] : serials)
		if (strcmp(name, strVal(linitial(type->names))) == 0)
			return oid;
	return InvalidOid;
}

bool
has_attribute(const ColumnDef *whole, const Constraint *definition, ConstrType attribute)
{
	ListCell *cell;
	bool is_behind = false;

	foreach (cell, whole->constraints)
	{
		const auto *constraint = lfirst_node(Constraint, cell);
		if (constraint == definition)
			is_behind = true;
		else if (is_behind && constraint->contype < CONSTR_ATTR_DEFERRABLE)
			return false;
		else if (is_behind && constraint->contype == attribute)
			return true;
	}
	return false;
}

void
add_constraint(const Constraint *definition, const Node *statement, Table *table, Column *column,
			   const ColumnDef *whole, bool is_new_table, Model &model, const Look &look)
{
	const char type = type_of(definition);
	TableConstraint constraint;

	if (type == '\0')
		return;
	constraint.columns = columns_of(definition, *table, column);
	constraint.type = type;
	constraint.name = name_of(definition, *table, constraint.columns);
	/* What comes with an empty table, or a column that is NULL everywhere, is valid whatever the script says. */
	constraint.validated = is_new_table || column != nullptr || !definition->skip_validation;
#if PG_VERSION_NUM >= 180000
	constraint.enforced = definition->contype == CONSTR_NOTNULL || definition->is_enforced;
	if (whole != nullptr && has_attribute(whole, definition, CONSTR_ATTR_NOT_ENFORCED))
		constraint.enforced = false;
	constraint.validated = constraint.validated && constraint.enforced;
#endif
	constraint.made_here = true;

	Action action;
	action.what = What::add_constraint;
	action.statement = statement;
	action.part = reinterpret_cast<const Node *>(definition);
	action.definition = whole;
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
	if (type == CONSTRAINT_CHECK)
		constraint.expression = model.keep(definition->raw_expr);
	if (type == CONSTRAINT_PRIMARY || definition->contype == CONSTR_NOTNULL)
		for (const std::string &name : constraint.columns)
			if (Column *key = table->column(name))
				key->not_null = true;
	if (type == CONSTRAINT_PRIMARY || type == CONSTRAINT_UNIQUE)
	{
		if (definition->indexname == nullptr)
		{
			Index index;
			index.name = constraint.name;
			index.columns = constraint.columns;
			index.keys = static_cast<int>(constraint.columns.size());
			index.is_unique = true;
			index.made_here = true;
			table->indexes.push_back(std::move(index));
		}
		else if (Index *index = table->index(definition->indexname))
			index->name = constraint.name;
		if (Index *index = table->index(constraint.name))
		{
			index->is_primary = type == CONSTRAINT_PRIMARY;
			index->is_constraint = true;
		}
	}
	if (!table->names.empty())
		table->names.insert(constraint.name);
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
