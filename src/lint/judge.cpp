// Asks the server's planner.
#include "lint/judge.hpp"

#include <algorithm>
#include <vector>

#include "lint/ask.hpp"
#include "lint/nodes.hpp"
#include "lint/scan.hpp"

namespace mg::lint {

namespace {

// The number that a column has in an expression. Those that the script made have none yet.
AttrNumber
number_of(const Table &table, const Column &column)
{
	constexpr ptrdiff_t beyond = 10000;

	return static_cast<AttrNumber>(column.number != 0 ? column.number : beyond + (&column - table.columns.data()));
}

Var *
var_raw(const Table &table, const Column &column)
{
	return makeVar(1, number_of(table, column), column.type, column.typmod, column.collation, 0);
}

Node *
not_null_raw(const Table &table, const Column &column)
{
	auto *test = makeNode(NullTest);

	test->arg = reinterpret_cast<Expr *>(var_raw(table, column));
	test->nulltesttype = IS_NOT_NULL;
	test->argisrow = false;
	test->location = -1;
	return reinterpret_cast<Node *>(test);
}

// Names of columns, as the model has them.
Node *
column_raw(ParseState *state, ColumnRef *reference, Node *found)
{
	const auto *table = static_cast<const Table *>(state->p_ref_hook_state);
	auto *last = static_cast<Node *>(llast(reference->fields));

	if (found != nullptr || !IsA(last, String))
		return found;
	for (const Column &column : table->columns)
		if (OidIsValid(column.type) && column.name == strVal(last))
			return reinterpret_cast<Node *>(var_raw(*table, column));
	return nullptr;
}

Node *
analyzed_raw(const Node *expression, const Table &table, ParseExprKind kind)
{
	ParseState *state = make_parsestate(nullptr);

	state->p_post_columnref_hook = column_raw;
	state->p_ref_hook_state = const_cast<Table *>(&table);
	Node *result = transformExpr(state, static_cast<Node *>(copyObjectImpl(expression)), kind);
	free_parsestate(state);
	return result;
}

// What a check says, as a list of parts that must all be true; NIL if that cannot be told.
List *
said_raw(const TableConstraint &check, const Table &table)
{
	Node *expression = nullptr;

	if (check.expression != nullptr)
		expression = analyzed_raw(check.expression, table, EXPR_KIND_CHECK_CONSTRAINT);
	else if (HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(check.oid)); HeapTupleIsValid(row))
	{
		bool is_null = true;
		Datum kept = SysCacheGetAttr(CONSTROID, row, Anum_pg_constraint_conbin, &is_null);
		if (!is_null)
			expression = eval_const_expressions(
				nullptr, static_cast<Node *>(stringToNode(text_to_cstring(DatumGetTextPP(kept)))));
		ReleaseSysCache(row);
	}
	if (expression == nullptr)
		return NIL;
	return make_ands_implicit(canonicalize_qual(reinterpret_cast<Expr *>(expression), true));
}

bool
is_check(const TableConstraint &constraint)
{
	return constraint.type == CONSTRAINT_CHECK && constraint.enforced &&
		   (OidIsValid(constraint.oid) || constraint.expression != nullptr);
}

bool
proves_not_null(const Table &table, const Column &column, const std::vector<const TableConstraint *> &checks)
{
	if (checks.empty() || !OidIsValid(column.type))
		return false;
	return ask(false, [&] {
		List *known = NIL;
		for (const TableConstraint *check : checks)
			known = list_concat(known, said_raw(*check, table));
		return predicate_implied_by(list_make1(not_null_raw(table, column)), known, true);
	});
}

struct DomainRaw
{
	bool is_not_null;
	bool has_checks;
};

// What a type asks of values, if it is a domain, with the domains below it. Not by DomainHasConstraints(): that plans the checks.
DomainRaw
domain_raw(Oid type)
{
	DomainRaw domain = {false, false};

	while (HeapTuple row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type)))
	{
		const FormData_pg_type form = *reinterpret_cast<Form_pg_type>(GETSTRUCT(row));
		ReleaseSysCache(row);
		if (form.typtype != TYPTYPE_DOMAIN)
			break;
		domain.is_not_null = domain.is_not_null || form.typnotnull;
		scan_raw(ConstraintRelationId, ConstraintTypidIndexId, Anum_pg_constraint_contypid, type,
				 [&](Relation, HeapTuple) { domain.has_checks = true; });
		type = form.typbasetype;
	}
	return domain;
}

} // namespace

Oid
type_named(const TypeName *name)
{
	if (name == nullptr || name->names == NIL)
		return InvalidOid;
	auto look_up = [&] { return LookupTypeNameOid(nullptr, name, true); };
	/* Another schema may be out of the caller's reach, what %TYPE names may not be there, and a modifier may be wrong. */
	const bool is_sure = !name->pct_type && name->typmods == NIL &&
						 (list_length(name->names) == 1 ||
						  (list_length(name->names) == 2 && strcmp(strVal(linitial(name->names)), "pg_catalog") == 0));
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
	std::vector<const TableConstraint *> checks;

	for (const TableConstraint &constraint : table.constraints)
		if (is_check(constraint) && constraint.validated)
			checks.push_back(&constraint);
	return column != nullptr && proves_not_null(table, *column, checks);
}

const TableConstraint *
unvalidated_proof(const Table &table, const std::string &column_name)
{
	const Column *column = table.column(column_name);

	for (const TableConstraint &constraint : table.constraints)
		if (!constraint.validated && constraint.enforced &&
			((constraint.type == 'n' && constraint.columns.front() == column_name) ||
			 (column != nullptr && is_check(constraint) && proves_not_null(table, *column, {&constraint}))))
			return &constraint;
	return nullptr;
}

bool
is_redundant(const Table &table, const TableConstraint &check)
{
	if (!is_check(check))
		return false;
	return ask(false, [&] {
		List *known = NIL;
		for (const TableConstraint &other : table.constraints)
			if (is_check(other) && other.validated && other.name != check.name)
				known = list_concat(known, said_raw(other, table));
		for (const Column &column : table.columns)
			if (column.not_null && OidIsValid(column.type))
				known = lappend(known, not_null_raw(table, column));
		List *said = said_raw(check, table);
		return said != NIL && known != NIL && predicate_implied_by(said, known, true);
	});
}

Volatility
volatility_of(const Node *expression, const Table &table, Model &model, ParseExprKind kind, const Column *target)
{
	const Volatility found = ask(Volatility::unknown, [&] {
		Node *result = analyzed_raw(expression, table, kind);
		if (target != nullptr && OidIsValid(target->type))
			result = coerce_to_target_type(nullptr, result, exprType(result), target->type, target->typmod,
										   COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
		if (result == nullptr)
			return Volatility::unknown;
		if (contain_volatile_functions(result))
			return Volatility::is_volatile;
		return contain_mutable_functions(result) ? Volatility::stable : Volatility::immutable;
	});
	if (found != Volatility::unknown)
		return found;

	/* What the script makes says itself what it is. */
	Volatility worst = Volatility::unknown;
	for (const Node *call : nodes_in(expression, T_FuncCall))
		if (const char *made = model.made_function(strVal(llast(castNode(FuncCall, call)->funcname))))
		{
			const Volatility own = *made == PROVOLATILE_IMMUTABLE ? Volatility::immutable
								   : *made == PROVOLATILE_STABLE  ? Volatility::stable
																  : Volatility::is_volatile;
			worst = worst == Volatility::unknown ? own : std::max(worst, own);
		}
	return worst;
}

bool
is_constrained_domain(Oid type)
{
	const DomainRaw domain = pg::guarded([&] { return domain_raw(type); });

	return domain.is_not_null || domain.has_checks;
}

bool
is_not_null_domain(Oid type)
{
	return pg::guarded([&] { return domain_raw(type); }).is_not_null;
}

bool
has_default_of_its_own(Oid type)
{
	return OidIsValid(type) && ask(false, [&] { return get_typdefault(type) != nullptr; });
}

LOCKMODE
lock_of(const AlterTableCmd *command)
{
	return pg::guarded([&] { return AlterTableGetLockLevel(list_make1(const_cast<AlterTableCmd *>(command))); });
}

KeyMatch
match_of(Oid referring, Oid referred)
{
	if (referring == referred)
		return KeyMatch::same;
	return ask(KeyMatch::same, [&] {
		Oid class_of_key = GetDefaultOpClass(referred, BTREE_AM_OID);
		if (!OidIsValid(class_of_key))
			return KeyMatch::same;
		const Oid family = get_opclass_family(class_of_key);
		const Oid input = get_opclass_input_type(class_of_key);
		const Oid from = getBaseType(referring);
		if (from == getBaseType(referred))
			return KeyMatch::same;
		if (OidIsValid(get_opfamily_member(family, input, from, BTEqualStrategyNumber)) &&
			OidIsValid(get_opfamily_member(family, from, from, BTEqualStrategyNumber)))
			return from == input ? KeyMatch::same : KeyMatch::comparable;
		Oid given[] = {getBaseType(referred), from};
		Oid wanted[] = {input, input};
		if (!can_coerce_type(2, given, wanted, COERCION_IMPLICIT))
			return KeyMatch::none;
		return IsBinaryCoercible(from, input) ? KeyMatch::same : KeyMatch::converted;
	});
}

bool
is_deterministic(Oid collation)
{
	return !OidIsValid(collation) || ask(true, [&] { return get_collation_isdeterministic(collation); });
}

} // namespace mg::lint
