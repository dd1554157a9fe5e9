// Makes a SELECT of a statement and has it planned.
#include "lint/plans.hpp"

#include <vector>

#include "lint/locks.hpp"
#include "lint/queries.hpp"
#include "pg/subtransaction.hpp"

namespace mg::lint {

namespace {

// SELECT FROM the tables of the statement WHERE its condition holds; nullptr for a statement of another kind.
SelectStmt *
search_raw(const Node *statement)
{
	auto *select = makeNode(SelectStmt);

	switch (nodeTag(statement))
	{
		case T_UpdateStmt:
		{
			const auto *update = castNode(UpdateStmt, statement);
			select->fromClause = lcons(update->relation, list_copy(update->fromClause));
			select->whereClause = update->whereClause;
			select->withClause = update->withClause;
			break;
		}
		case T_DeleteStmt:
		{
			const auto *remove = castNode(DeleteStmt, statement);
			select->fromClause = lcons(remove->relation, list_copy(remove->usingClause));
			select->whereClause = remove->whereClause;
			select->withClause = remove->withClause;
			break;
		}
		case T_InsertStmt:
		{
			const Node *source = castNode(InsertStmt, statement)->selectStmt;
			if (source == nullptr || castNode(InsertStmt, statement)->withClause != nullptr)
				return nullptr;
			return static_cast<SelectStmt *>(copyObjectImpl(source));
		}
		default:
			return nullptr;
	}
	return static_cast<SelectStmt *>(copyObjectImpl(select));
}

bool
is_users(Oid function, void *)
{
	return function >= FirstNormalObjectId;
}

// Whether a query calls what is not the server's own.
bool
calls_users_raw(Node *node, void *context)
{
	if (node == nullptr)
		return false;
	if (check_functions_in_node(node, is_users, context))
		return true;
#if PG_VERSION_NUM >= 160000
	if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), calls_users_raw, context, 0);
	return expression_tree_walker(node, calls_users_raw, context);
#else
	auto walker = reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(calls_users_raw));
	if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), walker, context, 0);
	return expression_tree_walker(node, walker, context);
#endif
}

bool
scans_all_raw(const Plan *plan, const PlannedStmt *planned, Oid table)
{
	if (plan == nullptr)
		return false;
	if (IsA(plan, SeqScan) && plan->qual != NIL)
	{
		const auto number = static_cast<int>(reinterpret_cast<const Scan *>(plan)->scanrelid);
		if (list_nth_node(RangeTblEntry, planned->rtable, number - 1)->relid == table)
			return true;
	}
	return scans_all_raw(plan->lefttree, planned, table) || scans_all_raw(plan->righttree, planned, table);
}

// Tables by the names that they have now, so that the session's search_path finds them.
bool
name_tables(SelectStmt *search, Model &model, std::vector<Oid> *tables)
{
	const auto *node = reinterpret_cast<const Node *>(search);
	LockSet locks(model);

	for (const NamedTable &named : tables_named_in(node))
	{
		const Table *found = model.find(named.name);
		if (found == nullptr || !OidIsValid(found->oid) || found->made_here)
			return false;
		auto *name = const_cast<RangeVar *>(named.name);
		const Oid oid = found->oid;
		const bool is_there = pg::guarded([&] {
			name->catalogname = nullptr;
			name->schemaname = get_namespace_name(get_rel_namespace(oid));
			if (name->alias == nullptr)
				name->alias = makeAlias(name->relname, NIL);
			name->relname = get_rel_name(oid);
			return name->schemaname != nullptr && name->relname != nullptr;
		});
		if (!is_there)
			return false;
	}
	locks.add_query(node);
	for (const TableLock &lock : locks.found)
		tables->push_back(lock.table->oid);
	return true;
}

} // namespace

RowsPlan
plan_of(const Node *statement, const Table &table, Model &model)
{
	RowsPlan result;
	std::vector<Oid> tables;

	if (table.made_here || !OidIsValid(table.oid) || table.kind == RELKIND_VIEW)
		return result;
	SelectStmt *search = pg::guarded([&] { return search_raw(statement); });
	/* CURRENT OF is one row, and no SELECT has it. */
	if (search == nullptr || (search->whereClause != nullptr && IsA(search->whereClause, CurrentOfExpr)) ||
		!name_tables(search, model, &tables))
		return result;
	(void)pg::try_and_undo([&] {
		pg::guarded([&] {
			for (Oid oid : tables)
				if (!ConditionalLockRelationOid(oid, AccessShareLock))
					return;
			auto *raw = makeNode(RawStmt);
			raw->stmt = reinterpret_cast<Node *>(search);
			/* Without the hooks that count statements: this one is nobody's. */
			ParseState *state = make_parsestate(nullptr);
			state->p_sourcetext = "";
			Query *query = transformTopLevelStmt(state, raw);
			free_parsestate(state);
			if (calls_users_raw(reinterpret_cast<Node *>(query), nullptr))
				return;
			List *queries = pg_rewrite_query(query);
			if (list_length(queries) != 1 || linitial_node(Query, queries)->commandType != CMD_SELECT ||
				calls_users_raw(static_cast<Node *>(linitial(queries)), nullptr))
				return;
			PlannedStmt *planned = pg_plan_query(linitial_node(Query, queries), "", 0, nullptr);
			result.rows = planned->planTree->plan_rows;
			result.reads_all = scans_all_raw(planned->planTree, planned, table.oid);
			result.is_known = true;
		});
	});
	return result;
}

} // namespace mg::lint
