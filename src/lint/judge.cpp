// Asks the server's planner.
#include "lint/judge.hpp"

#include <vector>

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

} // namespace

Oid
type_named(const TypeName *name)
{
	if (name == nullptr || name->names == NIL)
		return InvalidOid;
	auto look_up = [&] { return LookupTypeNameOid(nullptr, name, true); };
	/* Another schema may be out of the caller's reach, and what %TYPE names may not be there. */
	const bool is_sure =
		!name->pct_type && (list_length(name->names) == 1 || strcmp(strVal(linitial(name->names)), "pg_catalog") == 0);
	return is_sure ? pg::guarded(look_up) : ask(static_cast<Oid>(InvalidOid), look_up);
}

Oid
function_named(const List *name, const std::vector<Oid> &arguments, bool any)
{
	return ask(static_cast<Oid>(InvalidOid), [&] {
		return LookupFuncName(const_cast<List *>(name), any ? -1 : static_cast<int>(arguments.size()), arguments.data(),
							  true);
	});
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

} // namespace mg::lint
