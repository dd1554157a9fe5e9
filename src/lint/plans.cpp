// Makes a SELECT of a statement and has it planned.
#include "lint/plans.hpp"

#include <utility>
#include <vector>

#include "lint/ask.hpp"
#include "lint/coercion.hpp"
#include "lint/locks.hpp"
#include "lint/queries.hpp"

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

// Whether the caller may read all that a plan reads: the planner's guesses tell something of what is in a table. Without the hook of those
// who record what is read.
bool
may_read_raw(const PlannedStmt *planned)
{
	const ExecutorCheckPerms_hook_type hook = std::exchange(ExecutorCheckPerms_hook, nullptr);
	bool result = false;

	pg::finally_raw(
		[&] {
#if PG_VERSION_NUM >= 160000
			result = ExecCheckPermissions(planned->rtable, planned->permInfos, false);
#else
			result = ExecCheckRTPerms(planned->rtable, false);
#endif
		},
		[&] { ExecutorCheckPerms_hook = hook; });
	return result;
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
name_tables(SelectStmt *search, Model &model, std::vector<Reached> *tables)
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
		tables->push_back({lock.table->oid, lock.mode});
	return true;
}

} // namespace

RowsPlan
plan_of(const Node *statement, const Table &table, Model &model)
{
	RowsPlan result;
	std::vector<Reached> tables;

	if (table.made_here || !OidIsValid(table.oid) || table.kind == RELKIND_VIEW)
		return result;
	SelectStmt *search = pg::guarded([&] { return search_raw(statement); });
	/* CURRENT OF is one row, and no SELECT has it. */
	if (search == nullptr || (search->whereClause != nullptr && IsA(search->whereClause, CurrentOfExpr)) ||
		!name_tables(search, model, &tables))
		return result;
	return ask(result, [&] {
		RowsPlan plan;
		/* Those of a policy are found by the server only. */
		refuse_waits_raw();
		for (const Reached &one : tables)
			if (!ConditionalLockRelationOid(one.relation, one.mode))
				return plan;
		auto *raw = makeNode(RawStmt);
		raw->stmt = reinterpret_cast<Node *>(search);
		/* Without the hooks that count statements: this one is nobody's. */
		ParseState *state = make_parsestate(nullptr);
		state->p_sourcetext = "";
		Query *query = transformTopLevelStmt(state, raw);
		free_parsestate(state);
		if (calls_users_functions_raw(reinterpret_cast<Node *>(query)))
			return plan;
		List *queries = pg_rewrite_query(query);
		if (list_length(queries) != 1 || linitial_node(Query, queries)->commandType != CMD_SELECT ||
			calls_users_functions_raw(static_cast<Node *>(linitial(queries))))
			return plan;
		PlannedStmt *planned = pg_plan_query(linitial_node(Query, queries), "", 0, nullptr);
		if (!may_read_raw(planned))
			return plan;
		plan.rows = planned->planTree->plan_rows;
		plan.reads_all = scans_all_raw(planned->planTree, planned, table.oid);
		plan.is_known = true;
		return plan;
	});
}

} // namespace mg::lint
