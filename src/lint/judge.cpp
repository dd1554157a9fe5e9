// Asks the server's planner.
#include "lint/judge.hpp"

#include <vector>

#include "lint/ask.hpp"

namespace mg::lint {

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
