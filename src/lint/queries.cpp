// Goes through queries as parse analysis would, with the names that WITH gives.
#include "lint/queries.hpp"
#include "lint/nodes.hpp"

#include <algorithm>
#include <cstring>

#include "pg/memory.hpp"

namespace mg::lint {

namespace {

// Plain memory, since the server's walker calls back.
struct NamedRaw
{
	const RangeVar *name;
	LOCKMODE mode;
	CmdType command;
	bool updates;
	bool removes;
	bool inserts;
	bool has_all;
	List *columns; // of char *
	List *changed;
};

struct Walk
{
	List *found; // of NamedRaw *
	List *with;  // of char *, names that stand for queries
	bool locks_all;
	List *locked; // of char *, what FOR UPDATE OF names
};

bool visit(Node *node, void *context);

bool
visit_parts(Node *node, Walk *walk)
{
	return walk_parts(node, visit, walk);
}

bool
has_name(const List *names, const char *name)
{
	ListCell *cell;

	foreach (cell, names)
		if (strcmp(static_cast<const char *>(lfirst(cell)), name) == 0)
			return true;
	return false;
}

NamedRaw *
append(Walk *walk, const RangeVar *name, LOCKMODE mode)
{
	auto *named = static_cast<NamedRaw *>(palloc0(sizeof(NamedRaw)));

	named->name = name;
	named->mode = mode;
	named->command = CMD_UNKNOWN;
	walk->found = lappend(walk->found, named);
	return named;
}

template <typename Item>
void
visit_node(Item *node, Walk *walk)
{
	(void)visit(reinterpret_cast<Node *>(node), walk);
}

// RETURNING, which 18 keeps in another place.
template <typename Statement>
auto *
returning_of(Statement *statement)
{
#if PG_VERSION_NUM >= 180000
	return statement->returningClause;
#else
	return statement->returningList;
#endif
}

void
visit_with(WithClause *clause, Walk *walk)
{
	ListCell *cell;

	if (clause == nullptr)
		return;
	if (clause->recursive)
		foreach (cell, clause->ctes)
			walk->with = lappend(list_copy(walk->with), lfirst_node(CommonTableExpr, cell)->ctename);
	foreach (cell, clause->ctes)
	{
		auto *entry = lfirst_node(CommonTableExpr, cell);
		(void)visit(entry->ctequery, walk);
		walk->with = lappend(list_copy(walk->with), entry->ctename);
	}
}

List *
column_names(const List *targets)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, targets)
		if (IsA(lfirst(cell), ResTarget) && lfirst_node(ResTarget, cell)->name != nullptr)
			result = lappend(result, lfirst_node(ResTarget, cell)->name);
	return result;
}

void
visit_select(SelectStmt *select, Walk *walk)
{
	const bool outer_all = walk->locks_all;
	List *outer_locked = walk->locked;
	ListCell *cell;

	visit_with(select->withClause, walk);
	foreach (cell, select->lockingClause)
	{
		auto *clause = lfirst_node(LockingClause, cell);
		ListCell *name;
		if (clause->lockedRels == NIL)
			walk->locks_all = true;
		foreach (name, clause->lockedRels)
			walk->locked = lappend(list_copy(walk->locked), lfirst_node(RangeVar, name)->relname);
	}
	visit_node(select->fromClause, walk);
	walk->locks_all = false;
	walk->locked = NIL;
	visit_node(select->distinctClause, walk);
	visit_node(select->targetList, walk);
	visit_node(select->whereClause, walk);
	visit_node(select->groupClause, walk);
	visit_node(select->havingClause, walk);
	visit_node(select->windowClause, walk);
	visit_node(select->valuesLists, walk);
	visit_node(select->sortClause, walk);
	visit_node(select->limitOffset, walk);
	visit_node(select->limitCount, walk);
	visit_node(select->larg, walk);
	visit_node(select->rarg, walk);
	walk->locks_all = outer_all;
	walk->locked = outer_locked;
}

void
visit_insert(InsertStmt *insert, Walk *walk)
{
	visit_with(insert->withClause, walk);
	NamedRaw *target = append(walk, insert->relation, RowExclusiveLock);
	target->command = CMD_INSERT;
	target->inserts = true;
	target->columns = column_names(insert->cols);
	target->has_all = insert->cols == NIL && insert->selectStmt != nullptr;
	if (insert->onConflictClause != nullptr && insert->onConflictClause->action == ONCONFLICT_UPDATE)
	{
		target->updates = true;
		target->changed = column_names(insert->onConflictClause->targetList);
	}
	visit_node(insert->selectStmt, walk);
	visit_node(insert->onConflictClause, walk);
	visit_node(returning_of(insert), walk);
}

void
visit_update(UpdateStmt *update, Walk *walk)
{
	visit_with(update->withClause, walk);
	NamedRaw *target = append(walk, update->relation, RowExclusiveLock);
	target->command = CMD_UPDATE;
	target->updates = true;
	target->changed = column_names(update->targetList);
	visit_node(update->targetList, walk);
	visit_node(update->fromClause, walk);
	visit_node(update->whereClause, walk);
	visit_node(returning_of(update), walk);
}

void
visit_delete(DeleteStmt *remove, Walk *walk)
{
	visit_with(remove->withClause, walk);
	NamedRaw *target = append(walk, remove->relation, RowExclusiveLock);
	target->command = CMD_DELETE;
	target->removes = true;
	visit_node(remove->usingClause, walk);
	visit_node(remove->whereClause, walk);
	visit_node(returning_of(remove), walk);
}

void
visit_merge(MergeStmt *merge, Walk *walk)
{
	ListCell *cell;

	visit_with(merge->withClause, walk);
	NamedRaw *target = append(walk, merge->relation, RowExclusiveLock);
	target->command = CMD_MERGE;
	foreach (cell, merge->mergeWhenClauses)
	{
		auto *when = lfirst_node(MergeWhenClause, cell);
		target->inserts = target->inserts || when->commandType == CMD_INSERT;
		target->updates = target->updates || when->commandType == CMD_UPDATE;
		target->removes = target->removes || when->commandType == CMD_DELETE;
		target->has_all = target->has_all || (when->commandType == CMD_INSERT && when->targetList == NIL);
		if (when->commandType == CMD_INSERT)
			target->columns = list_concat(target->columns, column_names(when->targetList));
		else
			target->changed = list_concat(target->changed, column_names(when->targetList));
		visit_node(when->condition, walk);
		visit_node(when->targetList, walk);
		visit_node(when->values, walk);
	}
	visit_node(merge->sourceRelation, walk);
	visit_node(merge->joinCondition, walk);
#if PG_VERSION_NUM >= 180000
	visit_node(merge->returningClause, walk);
#elif PG_VERSION_NUM >= 170000
	visit_node(merge->returningList, walk);
#endif
}

bool
visit(Node *node, void *context)
{
	auto *walk = static_cast<Walk *>(context);

	if (node == nullptr)
		return false;
	/* Of a long row of UNIONs the server's walker sees none but the last. */
	check_stack_depth();
	List *outer = walk->with;
	switch (nodeTag(node))
	{
		case T_RangeVar:
		{
			auto *name = castNode(RangeVar, node);
			if (name->schemaname != nullptr || !has_name(walk->with, name->relname))
			{
				const char *called = name->alias != nullptr ? name->alias->aliasname : name->relname;
				append(walk, name, walk->locks_all || has_name(walk->locked, called) ? RowShareLock : AccessShareLock);
			}
			return false;
		}
		case T_SelectStmt:
			visit_select(castNode(SelectStmt, node), walk);
			break;
		case T_InsertStmt:
			visit_insert(castNode(InsertStmt, node), walk);
			break;
		case T_UpdateStmt:
			visit_update(castNode(UpdateStmt, node), walk);
			break;
		case T_DeleteStmt:
			visit_delete(castNode(DeleteStmt, node), walk);
			break;
		case T_MergeStmt:
			visit_merge(castNode(MergeStmt, node), walk);
			break;
		case T_ReturnStmt:
			return visit(castNode(ReturnStmt, node)->returnval, context);
		case T_ExecuteStmt:
		case T_NotifyStmt:
			return false;
		default:
			return visit_parts(node, walk);
	}
	walk->with = outer;
	return false;
}

} // namespace

std::vector<NamedTable>
tables_named_in(const Node *statement)
{
	pg::MemoryScope memory("migration_governance query");
	List *found = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		Walk walk = {};
		/* Statements that the walker does not know end it: a body may have any. */
		(void)pg::succeeds_raw([&] { (void)visit(const_cast<Node *>(statement), &walk); });
		MemoryContextSwitchTo(before);
		return walk.found;
	});
	std::vector<NamedTable> result;
	ListCell *cell;
	ListCell *name;

	foreach (cell, found)
	{
		auto *raw = static_cast<NamedRaw *>(lfirst(cell));
		NamedTable named;
		named.name = raw->name;
		named.mode = raw->mode;
		named.command = raw->command;
		named.updates = raw->updates;
		named.removes = raw->removes;
		named.inserts = raw->inserts;
		named.has_all = raw->has_all;
		foreach (name, raw->columns)
			named.columns.emplace_back(static_cast<const char *>(lfirst(name)));
		foreach (name, raw->changed)
			named.changed.emplace_back(static_cast<const char *>(lfirst(name)));
		result.push_back(std::move(named));
	}
	return result;
}

} // namespace mg::lint
