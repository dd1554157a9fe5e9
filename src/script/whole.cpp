// Looks through parse trees for what scans and rewrites tables.
#include "script/whole.hpp"

namespace mg::script {

namespace {

bool
is_constant(const Node *expression)
{
	while (expression != nullptr && IsA(expression, TypeCast))
		expression = castNode(TypeCast, expression)->arg;
	return expression != nullptr && IsA(expression, A_Const);
}

// What the server does for a constraint that is added to a table with rows.
const char *
what_of(const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
		case CONSTR_FOREIGN:
			return constraint->skip_validation ? nullptr : "ADD CONSTRAINT checks every row";
		case CONSTR_NOTNULL:
			return "NOT NULL checks every row";
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			return constraint->indexname == nullptr ? "the constraint's index is built" : nullptr;
		case CONSTR_DEFAULT:
			return is_constant(constraint->raw_expr) ? nullptr
													 : "a default that is no constant is written to every row";
		case CONSTR_IDENTITY:
		case CONSTR_GENERATED:
			return "the new column is written to every row";
		default:
			return nullptr;
	}
}

const char *
what_of(const ColumnDef *column)
{
	ListCell *cell;

	if (column->raw_default != nullptr && !is_constant(column->raw_default))
		return "a default that is no constant is written to every row";
	foreach (cell, column->constraints)
	{
		auto *constraint = lfirst_node(Constraint, cell);
		/* A new column without a default is NULL in every row, which satisfies these. */
		if (constraint->contype == CONSTR_FOREIGN || constraint->contype == CONSTR_NOTNULL)
			continue;
		if (const char *what = what_of(constraint))
			return what;
	}
	return nullptr;
}

const char *
what_of(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AddColumn:
			return what_of(castNode(ColumnDef, command->def));
		case AT_AlterColumnType:
			return "a change of type may rewrite the table";
		case AT_SetNotNull:
			return "SET NOT NULL checks every row";
		case AT_AddConstraint:
			return command->def != nullptr && IsA(command->def, Constraint)
					   ? what_of(castNode(Constraint, command->def))
					   : nullptr;
		case AT_ValidateConstraint:
			return "VALIDATE CONSTRAINT checks every row";
		case AT_SetLogged:
		case AT_SetUnLogged:
			return "SET LOGGED and SET UNLOGGED rewrite the table";
		case AT_SetTableSpace:
			return "SET TABLESPACE copies the table";
#if PG_VERSION_NUM >= 150000
		case AT_SetAccessMethod:
			return "SET ACCESS METHOD rewrites the table";
#endif
#if PG_VERSION_NUM >= 170000
		case AT_SetExpression:
			return "SET EXPRESSION rewrites the table";
#endif
		default:
			return nullptr;
	}
}

Whole
whole_of(AlterTableStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->cmds)
	{
		auto *command = lfirst_node(AlterTableCmd, cell);
		if (command->subtype == AT_AttachPartition && statement->objtype == OBJECT_TABLE)
			return {castNode(PartitionCmd, command->def)->name, "ATTACH PARTITION checks every row"};
		if (const char *what = what_of(command))
			return {statement->relation, what};
	}
	return {nullptr, nullptr};
}

} // namespace

Whole
whole_raw(Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_AlterTableStmt:
			return whole_of(castNode(AlterTableStmt, tree));
		case T_IndexStmt:
			return {castNode(IndexStmt, tree)->relation, "the index is built"};
		case T_ClusterStmt:
			return {castNode(ClusterStmt, tree)->relation, "CLUSTER rewrites the table"};
		case T_RefreshMatViewStmt:
			return {castNode(RefreshMatViewStmt, tree)->relation, "REFRESH writes all of it anew"};
		case T_ReindexStmt:
			return {castNode(ReindexStmt, tree)->relation, "REINDEX builds indexes anew"};
		case T_UpdateStmt:
			return {castNode(UpdateStmt, tree)->relation, "UPDATE may write every row"};
		case T_DeleteStmt:
			return {castNode(DeleteStmt, tree)->relation, "DELETE may write every row"};
		case T_MergeStmt:
			return {castNode(MergeStmt, tree)->relation, "MERGE may write every row"};
		default:
			return {nullptr, nullptr};
	}
}

Lasting
lasting_raw(Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_CopyStmt:
		{
			auto *copy = castNode(CopyStmt, tree);
			if (copy->is_program)
				return {"COPY with PROGRAM runs a program, and nothing undoes what that does", true};
			if (!copy->is_from && copy->filename != nullptr)
				return {"COPY TO writes a file, which stays", true};
			return {nullptr, false};
		}
		case T_PrepareStmt:
			return {"the session keeps the prepared statement", false};
		case T_LoadStmt:
			return {"the session keeps the library", false};
		default:
			return {nullptr, false};
	}
}

} // namespace mg::script
