// Calls the server's parser and planner on parts of a statement.
#include "lint/judge.hpp"

#include <algorithm>

#include "pg/subtransaction.hpp"

namespace mg::lint {

namespace {

// Gives what fn gives, or `otherwise` where it raises because something is not there.
template <typename Fn>
auto
ask(std::invoke_result_t<Fn &> otherwise, Fn &&fn) -> std::invoke_result_t<Fn &>
{
	auto result = otherwise;
	std::optional<pg::Error> error = pg::try_and_undo([&] { result = pg::guarded(fn); });

	return error.has_value() ? otherwise : result;
}

// As ATColumnChangeRequiresRewrite() goes through what a change of type makes of the bare column.
bool
needs_rewrite_raw(Node *expression, AttrNumber column)
{
	for (;;)
	{
		if (IsA(expression, Var) && castNode(Var, expression)->varattno == column)
			return false;
		if (IsA(expression, RelabelType))
			expression = reinterpret_cast<Node *>(castNode(RelabelType, expression)->arg);
		else if (IsA(expression, CoerceToDomain))
		{
			auto *domain = castNode(CoerceToDomain, expression);
			if (DomainHasConstraints(domain->resulttype))
				return true;
			expression = reinterpret_cast<Node *>(domain->arg);
		}
		else if (IsA(expression, FuncExpr))
		{
			auto *function = castNode(FuncExpr, expression);
			if ((function->funcid != F_TIMESTAMP_TIMESTAMPTZ && function->funcid != F_TIMESTAMPTZ_TIMESTAMP) ||
				TimestampTimestampTzRequiresRewrite())
				return true;
			expression = static_cast<Node *>(linitial(function->args));
		}
		else
			return true;
	}
}

bool
change_rewrites_raw(const Column &column, const TypeName *type)
{
	Oid target;
	int32 typmod;

	typenameTypeIdAndMod(nullptr, type, &target, &typmod);
	Node *expression = reinterpret_cast<Node *>(
		makeVar(1, static_cast<AttrNumber>(column.number), column.type, column.typmod, column.collation, 0));
	expression = coerce_to_target_type(nullptr, expression, column.type, target, typmod, COERCION_ASSIGNMENT,
									   COERCE_IMPLICIT_CAST, -1);
	/* The server would ask for USING. */
	if (expression == nullptr)
		return true;
	expression = reinterpret_cast<Node *>(expression_planner(reinterpret_cast<Expr *>(expression)));
	return needs_rewrite_raw(expression, static_cast<AttrNumber>(column.number));
}

} // namespace

bool
change_rewrites(const Table &table, const Column &column, const TypeName *type, const Node *by_expression)
{
	if (table.kind == RELKIND_FOREIGN_TABLE || table.kind == RELKIND_VIEW)
		return false;
	/* USING may well say what the server would do anyway; a bare name is the one case that needs no table to tell. */
	if (by_expression != nullptr || column.number == 0)
		return true;
	return ask(true, [&] { return change_rewrites_raw(column, type); });
}

bool
is_volatile(const Node *expression)
{
	return ask(true, [&] {
		ParseState *state = make_parsestate(nullptr);
		Node *result = transformExpr(state, const_cast<Node *>(expression), EXPR_KIND_COLUMN_DEFAULT);
		const bool found = contain_volatile_functions(result);
		free_parsestate(state);
		return found;
	});
}

bool
is_constrained_domain(const TypeName *type)
{
	Oid oid = type_of(type);

	return OidIsValid(oid) && pg::guarded([&] { return DomainHasConstraints(oid); });
}

Oid
type_of(const TypeName *type, int32_t *typmod)
{
	struct Found
	{
		Oid oid;
		int32 typmod;
	};
	Found found = ask(Found{InvalidOid, -1}, [&] {
		Found result = {InvalidOid, -1};
		typenameTypeIdAndMod(nullptr, type, &result.oid, &result.typmod);
		return result;
	});

	if (typmod != nullptr)
		*typmod = found.typmod;
	return found.oid;
}

bool
is_proved_not_null(const Table &table, const std::string &column_name)
{
	const Column *column = table.column(column_name);
	if (column == nullptr || column->number == 0)
		return false;

	std::vector<Oid> checks;
	for (const TableConstraint &constraint : table.constraints)
		if (constraint.type == CONSTRAINT_CHECK && constraint.validated && constraint.enforced &&
			OidIsValid(constraint.oid))
			checks.push_back(constraint.oid);
	if (checks.empty())
		return false;
	return ask(false, [&] {
		List *known = NIL;
		auto *test = makeNode(NullTest);
		for (Oid check : checks)
		{
			HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(check));
			bool is_null = true;
			if (!HeapTupleIsValid(row))
				continue;
			Datum kept = SysCacheGetAttr(CONSTROID, row, Anum_pg_constraint_conbin, &is_null);
			if (!is_null)
			{
				Node *expression = eval_const_expressions(
					nullptr, static_cast<Node *>(stringToNode(text_to_cstring(DatumGetTextPP(kept)))));
				expression = reinterpret_cast<Node *>(canonicalize_qual(reinterpret_cast<Expr *>(expression), true));
				known = list_concat(known, make_ands_implicit(reinterpret_cast<Expr *>(expression)));
			}
			ReleaseSysCache(row);
		}
		test->arg = reinterpret_cast<Expr *>(
			makeVar(1, static_cast<AttrNumber>(column->number), column->type, column->typmod, column->collation, 0));
		test->nulltesttype = IS_NOT_NULL;
		test->argisrow = false;
		test->location = -1;
		return predicate_implied_by(list_make1(test), known, true);
	});
}

LOCKMODE
lock_of(const AlterTableCmd *command)
{
	return pg::guarded([&] { return AlterTableGetLockLevel(list_make1(const_cast<AlterTableCmd *>(command))); });
}

bool
are_comparable(Oid referencing, Oid referenced)
{
	if (referencing == referenced)
		return true;
	return pg::guarded([&] {
		Oid opclass = GetDefaultOpClass(referenced, BTREE_AM_OID);
		if (!OidIsValid(opclass))
			return false;
		Oid family = get_opclass_family(opclass);
		return OidIsValid(get_opfamily_member(family, get_opclass_input_type(opclass), getBaseType(referencing),
											  BTEqualStrategyNumber));
	});
}

} // namespace mg::lint
