// The server's own word for ALTER TABLE; what its other commands do, for the rest.
#include "lint/locks.hpp"

#include <algorithm>

#include "lint/lock_parts.hpp"

namespace mg::lint {

void
LockSet::add(Table *table, LOCKMODE mode)
{
	if (table == nullptr || table->made_here || !OidIsValid(table->oid) || mode == NoLock ||
		table->oid < FirstNormalObjectId)
		return;
	for (TableLock &lock : found)
		if (lock.table == table)
		{
			lock.mode = std::max(lock.mode, mode);
			return;
		}
	found.push_back({table, mode});
}

void
LockSet::add(const std::vector<Reached> &relations)
{
	for (const Reached &one : relations)
		add(one.relation, one.mode);
}

void
LockSet::add_tree(Table *table, LOCKMODE mode)
{
	add(table, mode);
	if (table == nullptr || table->made_here || !table->has_children)
		return;
	for (Oid member : tree_of(table->oid))
		add(member, mode);
}

void
LockSet::add_referenced(const Constraint *constraint)
{
	if (constraint->contype == CONSTR_FOREIGN)
		add_tree(model_.find(constraint->pktable), ShareRowExclusiveLock);
}

namespace {

void of_statement(const Node *statement, LockSet &locks);

void
of_create_as(const CreateTableAsStmt *create, LockSet &locks)
{
	if (create->if_not_exists && locks.model().find(create->into->rel) != nullptr)
		return;
	locks.add_query(create->query, !create->into->skipData);
}

void
of_policy(const Node *using_, const Node *check, LockSet &locks)
{
	if (using_ != nullptr)
		locks.add_query(using_, false);
	if (check != nullptr)
		locks.add_query(check, false);
}

void
of_refresh(const RefreshMatViewStmt *refresh, LockSet &locks)
{
	Table *view = locks.model().find(refresh->relation);

	locks.add(view, refresh->concurrent ? ExclusiveLock : AccessExclusiveLock);
	if (view != nullptr && !view->made_here && !refresh->skipData)
		for (const Reached &one : read_by_view(view->oid, AccessShareLock, nullptr))
			locks.add_tree(locks.known(one.relation), AccessShareLock);
}

void
of_each(const List *statements, LockSet &locks)
{
	ListCell *cell;

	foreach (cell, statements)
		of_statement(static_cast<const Node *>(lfirst(cell)), locks);
}

// Statements on rows, and those that hold one.
bool
of_rows(const Node *statement, LockSet &locks)
{
	switch (nodeTag(statement))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			locks.add_query(statement);
			return true;
		case T_ExplainStmt:
			of_statement(castNode(ExplainStmt, statement)->query, locks);
			return true;
		case T_DeclareCursorStmt:
			of_statement(castNode(DeclareCursorStmt, statement)->query, locks);
			return true;
		case T_PrepareStmt:
			of_statement(castNode(PrepareStmt, statement)->query, locks);
			return true;
		case T_CopyStmt:
		{
			const auto *copy = castNode(CopyStmt, statement);
			if (copy->relation != nullptr)
				locks.add(copy->relation, copy->is_from ? RowExclusiveLock : AccessShareLock);
			else
				of_statement(copy->query, locks);
			return true;
		}
		case T_CreateTableAsStmt:
			of_create_as(castNode(CreateTableAsStmt, statement), locks);
			return true;
		case T_ViewStmt:
			locks.add(castNode(ViewStmt, statement)->view, AccessExclusiveLock);
			locks.add_query(castNode(ViewStmt, statement)->query, false);
			return true;
		case T_RefreshMatViewStmt:
			of_refresh(castNode(RefreshMatViewStmt, statement), locks);
			return true;
		case T_CreateFunctionStmt:
			if (castNode(CreateFunctionStmt, statement)->sql_body != nullptr)
				locks.add_query(castNode(CreateFunctionStmt, statement)->sql_body, false);
			return true;
		default:
			return false;
	}
}

// Remembers that a table has a trigger, policy or rule that is in no catalog yet.
void
has_new_part(const RangeVar *name, LockSet &locks)
{
	if (Table *table = locks.model().find(name))
		table->has_new_parts = true;
}

// Statements that make or change parts of tables.
bool
of_parts(const Node *statement, LockSet &locks)
{
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			of_create_index(castNode(IndexStmt, statement), locks);
			return true;
		case T_CreateTrigStmt:
			of_trigger(castNode(CreateTrigStmt, statement), locks);
			has_new_part(castNode(CreateTrigStmt, statement)->relation, locks);
			return true;
		case T_CreatePolicyStmt:
			locks.add(castNode(CreatePolicyStmt, statement)->table, AccessExclusiveLock);
			has_new_part(castNode(CreatePolicyStmt, statement)->table, locks);
			of_policy(castNode(CreatePolicyStmt, statement)->qual, castNode(CreatePolicyStmt, statement)->with_check,
					  locks);
			return true;
		case T_AlterPolicyStmt:
			locks.add(castNode(AlterPolicyStmt, statement)->table, AccessExclusiveLock);
			of_policy(castNode(AlterPolicyStmt, statement)->qual, castNode(AlterPolicyStmt, statement)->with_check,
					  locks);
			return true;
		case T_RuleStmt:
		{
			ListCell *cell;
			has_new_part(castNode(RuleStmt, statement)->relation, locks);
			foreach (cell, castNode(RuleStmt, statement)->actions)
				locks.add_query(static_cast<const Node *>(lfirst(cell)), false);
			if (castNode(RuleStmt, statement)->whereClause != nullptr)
				locks.add_query(castNode(RuleStmt, statement)->whereClause, false);
			locks.add(castNode(RuleStmt, statement)->relation, AccessExclusiveLock);
			return true;
		}
		case T_CreateStatsStmt:
		{
			ListCell *cell;
			foreach (cell, castNode(CreateStatsStmt, statement)->relations)
				if (IsA(lfirst(cell), RangeVar))
					locks.add(lfirst_node(RangeVar, cell), ShareUpdateExclusiveLock);
			return true;
		}
		case T_CommentStmt:
			of_named_object(castNode(CommentStmt, statement)->objtype, castNode(CommentStmt, statement)->object,
							ShareUpdateExclusiveLock, locks);
			return true;
		case T_SecLabelStmt:
			of_named_object(castNode(SecLabelStmt, statement)->objtype, castNode(SecLabelStmt, statement)->object,
							ShareUpdateExclusiveLock, locks);
			return true;
		case T_AlterExtensionContentsStmt:
			of_named_object(castNode(AlterExtensionContentsStmt, statement)->objtype,
							castNode(AlterExtensionContentsStmt, statement)->object, ShareUpdateExclusiveLock, locks);
			return true;
		case T_AlterObjectDependsStmt:
		{
			const auto *depends = castNode(AlterObjectDependsStmt, statement);
			if (depends->relation != nullptr && depends->objectType != OBJECT_INDEX)
				locks.add(depends->relation,
						  depends->objectType == OBJECT_TRIGGER ? AccessShareLock : AccessExclusiveLock);
			return true;
		}
		case T_CreateSeqStmt:
			of_owned_by(castNode(CreateSeqStmt, statement)->options, locks);
			return true;
		case T_AlterSeqStmt:
			of_owned_by(castNode(AlterSeqStmt, statement)->options, locks);
			return true;
		case T_AlterDomainStmt:
			of_alter_domain(castNode(AlterDomainStmt, statement), locks);
			return true;
		default:
			return false;
	}
}

void
of_statement(const Node *statement, LockSet &locks)
{
	if (of_rows(statement, locks) || of_parts(statement, locks))
		return;
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			of_create_table(castNode(CreateStmt, statement), locks);
			return;
		case T_CreateForeignTableStmt:
			of_create_table(&castNode(CreateForeignTableStmt, statement)->base, locks);
			return;
		case T_CreateSchemaStmt:
			of_each(castNode(CreateSchemaStmt, statement)->schemaElts, locks);
			return;
		case T_AlterTableStmt:
			locks.alter_table(castNode(AlterTableStmt, statement));
			return;
		case T_AlterTableMoveAllStmt:
			of_move_all(castNode(AlterTableMoveAllStmt, statement), locks);
			return;
		case T_DropStmt:
			of_drop(castNode(DropStmt, statement), locks);
			return;
		case T_RenameStmt:
			of_rename(castNode(RenameStmt, statement), locks);
			if (castNode(RenameStmt, statement)->relation != nullptr)
				has_new_part(castNode(RenameStmt, statement)->relation, locks);
			return;
		case T_AlterObjectSchemaStmt:
			locks.add(castNode(AlterObjectSchemaStmt, statement)->relation, AccessExclusiveLock);
			return;
		case T_TruncateStmt:
			of_truncate(castNode(TruncateStmt, statement), locks);
			return;
		case T_LockStmt:
			of_lock(castNode(LockStmt, statement), locks);
			return;
		case T_VacuumStmt:
			of_vacuum(castNode(VacuumStmt, statement), locks);
			return;
		case T_ClusterStmt:
			of_cluster(castNode(ClusterStmt, statement), locks);
			return;
		case T_ReindexStmt:
			of_reindex(castNode(ReindexStmt, statement), locks);
			return;
		case T_CreatePublicationStmt:
			of_publication(castNode(CreatePublicationStmt, statement)->pubobjects, locks);
			return;
		case T_AlterPublicationStmt:
			of_alter_publication(castNode(AlterPublicationStmt, statement), locks);
			return;
		case T_ReassignOwnedStmt:
			of_owner(
				"SELECT c.oid FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = $1::text AND "
				"c.oid >= 16384",
				castNode(ReassignOwnedStmt, statement)->roles, AccessExclusiveLock, locks);
			return;
#if PG_VERSION_NUM >= 180000
		case T_GrantStmt:
		{
			const auto *grant = castNode(GrantStmt, statement);
			ListCell *cell;
			if (grant->targtype == ACL_TARGET_OBJECT && grant->objtype == OBJECT_TABLE)
				foreach (cell, grant->objects)
					locks.add(lfirst_node(RangeVar, cell), AccessShareLock);
			return;
		}
#endif
		case T_DropOwnedStmt:
			of_drop_owned(castNode(DropOwnedStmt, statement), locks);
			return;
		default:
			return;
	}
}

} // namespace

std::vector<TableLock>
locks_of(const Action &action, Model &model)
{
	if (action.what != What::statement || action.statement == nullptr)
		return {};
	LockSet locks(model);

	of_statement(action.statement, locks);
	return std::move(locks.found);
}

const char *
blocked_by(LOCKMODE mode)
{
	switch (mode)
	{
		case AccessExclusiveLock:
			return "reads and writes";
		case ExclusiveLock:
			return "writes and SELECT FOR UPDATE";
		case ShareRowExclusiveLock:
		case ShareLock:
			return "writes";
		case ShareUpdateExclusiveLock:
			return "other changes of the schema, VACUUM and ANALYZE";
		default:
			return "";
	}
}

} // namespace mg::lint
