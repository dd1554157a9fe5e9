// Calls the server's parser and planner on the cast from the old type to the new one.
#include "lint/coercion.hpp"

#include "lint/ask.hpp"

extern "C" {
#include "parser/parse_collate.h"
}

namespace mg::lint {

namespace {

// Resolves a column's name without a relation that would have to be opened.
Node *
column_hook(ParseState *state, ColumnRef *reference)
{
	auto *columns = static_cast<const ColumnsRaw *>(state->p_ref_hook_state);
	Node *last = static_cast<Node *>(llast(reference->fields));

	if (!IsA(last, String))
		return nullptr;
	for (size_t i = 0; i < columns->count; i++)
	{
		const ColumnRaw &column = columns->columns[i];
		if (strcmp(column.name, strVal(last)) == 0)
			return reinterpret_cast<Node *>(makeVar(1, column.number, column.type, column.typmod, column.collation, 0));
	}
	return nullptr;
}

bool
is_users_function(Oid function, void *)
{
	return function >= FirstNormalObjectId;
}

bool
calls_walker(Node *node, void *context)
{
	if (node == nullptr)
		return false;
	if (check_functions_in_node(node, is_users_function, context))
		return true;
#if PG_VERSION_NUM >= 160000
	if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), calls_walker, context, 0);
	return expression_tree_walker(node, calls_walker, context);
#else
	auto walker = reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(calls_walker));
	if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), walker, context, 0);
	return expression_tree_walker(node, walker, context);
#endif
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

// Whether an expression is one column and casts of it, whoever wrote them.
bool
is_cast_of_raw(Node *expression, AttrNumber column)
{
	for (;;)
	{
		if (IsA(expression, Var))
			return castNode(Var, expression)->varattno == column;
		if (IsA(expression, RelabelType))
			expression = reinterpret_cast<Node *>(castNode(RelabelType, expression)->arg);
		else if (IsA(expression, CoerceToDomain))
			expression = reinterpret_cast<Node *>(castNode(CoerceToDomain, expression)->arg);
		else if (IsA(expression, CoerceViaIO))
			expression = reinterpret_cast<Node *>(castNode(CoerceViaIO, expression)->arg);
		else if (IsA(expression, ArrayCoerceExpr))
			expression = reinterpret_cast<Node *>(castNode(ArrayCoerceExpr, expression)->arg);
		else if (IsA(expression, CollateExpr))
			expression = reinterpret_cast<Node *>(castNode(CollateExpr, expression)->arg);
		else if (IsA(expression, FuncExpr) && castNode(FuncExpr, expression)->funcformat != COERCE_EXPLICIT_CALL)
			expression = static_cast<Node *>(linitial(castNode(FuncExpr, expression)->args));
		else
			return false;
	}
}

struct Digits
{
	int whole; // before the point
	int scale;
};

// What a type of whole numbers or numeric(p,s) can hold; whole below 0: anything.
Digits
digits_of(Oid type, int32 typmod)
{
	switch (type)
	{
		case INT2OID:
			return {5, 0};
		case INT4OID:
			return {10, 0};
		case INT8OID:
			return {19, 0};
		case NUMERICOID:
			if (typmod >= static_cast<int32>(VARHDRSZ))
			{
				/* As numeric.c packs them; the scale is signed from 15 on. */
				const int packed = typmod - VARHDRSZ;
				const int scale = ((packed & 0x7ff) ^ 1024) - 1024;
				return {((packed >> 16) & 0xffff) - scale, scale};
			}
			return {-1, -1};
		default:
			return {-1, -1};
	}
}

// The longest text of a type, or -1.
int
longest_text(Oid type, int32 typmod)
{
	switch (type)
	{
		case INT2OID:
			return 6;
		case INT4OID:
			return 11;
		case INT8OID:
			return 20;
		case UUIDOID:
			return 36;
		case BOOLOID:
			return 5;
		case VARCHAROID:
		case BPCHAROID:
			return typmod >= static_cast<int32>(VARHDRSZ) ? typmod - VARHDRSZ : -1;
		default:
			return -1;
	}
}

bool
is_float(Oid type)
{
	return type == FLOAT4OID || type == FLOAT8OID;
}

// Whether a length, precision or scale leaves less room than there was; `changes`: whether the server goes through the values for it.
bool
limit_loses_raw(Oid from, int32 from_typmod, Oid to, int32 to_typmod, bool changes)
{
	switch (to)
	{
		case VARCHAROID:
		case BPCHAROID:
		{
			const int longest = longest_text(from, from_typmod);
			return longest < 0 || longest > to_typmod - static_cast<int32>(VARHDRSZ);
		}
		case NUMERICOID:
		{
			const Digits before = digits_of(from, from_typmod);
			const Digits after = digits_of(to, to_typmod);
			return before.whole < 0 || before.whole > after.whole || before.scale > after.scale;
		}
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return from != DATEOID && to_typmod < (from_typmod < 0 ? MAX_TIMESTAMP_PRECISION : from_typmod);
		case VARBITOID:
			return from_typmod < 0 || to_typmod < from_typmod;
		default:
			return changes;
	}
}

// Whether values may not fit the new type, or lose something: no implicit cast (the server's own mark of those that keep a value), a
// tighter limit, or a domain that checks them.
bool
loses_raw(const ColumnRaw &column, Oid type, int32 typmod, bool changes)
{
	const Oid from = getBaseType(column.type);
	int32 to_typmod = typmod;
	const Oid to = getBaseTypeAndTypmod(type, &to_typmod);
	Oid function;

	if (type != column.type && DomainHasConstraints(type))
		return true;
	/* Whatever has a text can be written as one, and jsonb is json. */
	if (find_coercion_pathway(to, from, COERCION_IMPLICIT, &function) == COERCION_PATH_NONE &&
		TypeCategory(to) != TYPCATEGORY_STRING && !(from == JSONBOID && to == JSONOID))
	{
		const Digits before = digits_of(from, column.typmod);
		const Digits after = digits_of(to, to_typmod);
		return before.whole < 0 || before.whole >= after.whole || before.scale > after.scale;
	}
	if (is_float(to) && from != to && from != FLOAT4OID && from != INT2OID && !(from == INT4OID && to == FLOAT8OID))
		return true;
	return to_typmod >= 0 && limit_loses_raw(from, column.typmod, to, to_typmod, changes);
}

struct Answer
{
	bool is_known;
	bool is_castable;
	bool rewrites;
	bool loses;
	bool is_volatile;
};

Answer
change_raw(const ColumnsRaw &columns, const ColumnRaw &column, const Node *by_expression, Oid type, int32 typmod)
{
	Answer answer = {true, true, true, false, false};
	Node *expression =
		by_expression != nullptr
			? understood_raw(columns, by_expression)
			: reinterpret_cast<Node *>(makeVar(1, column.number, column.type, column.typmod, column.collation, 0));

	answer.is_volatile = contain_volatile_functions(expression);
	const bool is_cast = is_cast_of_raw(expression, column.number);
	expression = coerce_to_target_type(nullptr, expression, exprType(expression), type, typmod, COERCION_ASSIGNMENT,
									   COERCE_IMPLICIT_CAST, -1);
	if (expression == nullptr)
	{
		answer.is_castable = false;
		return answer;
	}
	assign_expr_collations(nullptr, expression);
	/* The planner would take apart what users wrote, and evaluate parts of it. */
	if (!calls_users_functions_raw(expression))
	{
		Node *planned = reinterpret_cast<Node *>(expression_planner(reinterpret_cast<Expr *>(expression)));
		answer.rewrites = needs_rewrite_raw(planned, column.number);
	}
	answer.loses = is_cast && loses_raw(column, type, typmod, answer.rewrites);
	return answer;
}

struct Target
{
	Oid type;
	int32 typmod;
	Oid collation;
};

} // namespace

std::vector<ColumnRaw>
columns_of(const Table &table)
{
	std::vector<ColumnRaw> result;

	for (const Column &column : table.columns)
		if (column.number > 0 && OidIsValid(column.type))
			result.push_back({column.name.c_str(), static_cast<AttrNumber>(column.number), column.type, column.typmod,
							  column.collation});
	return result;
}

Node *
understood_raw(const ColumnsRaw &columns, const Node *expression)
{
	ParseState *state = make_parsestate(nullptr);

	state->p_pre_columnref_hook = column_hook;
	state->p_ref_hook_state = const_cast<ColumnsRaw *>(&columns);
	/* It writes into the tree. */
	Node *result = transformExpr(state, static_cast<Node *>(copyObjectImpl(expression)), columns.kind);
	assign_expr_collations(state, result);
	free_parsestate(state);
	return result;
}

bool
calls_users_functions_raw(Node *expression)
{
	return calls_walker(expression, nullptr);
}

TypeChange
target_of(const ColumnDef *definition)
{
	TypeChange change;
	const Target target = ask(Target{InvalidOid, -1, InvalidOid}, [&] {
		Target found = {InvalidOid, -1, InvalidOid};
		typenameTypeIdAndMod(nullptr, definition->typeName, &found.type, &found.typmod);
		found.collation = GetColumnDefCollation(nullptr, const_cast<ColumnDef *>(definition), found.type);
		return found;
	});

	change.type = target.type;
	change.typmod = target.typmod;
	change.collation = target.collation;
	return change;
}

TypeChange
change_of(const Table &table, const Column &column, const ColumnDef *definition, const std::optional<std::string> &zone)
{
	TypeChange change = target_of(definition);
	const std::vector<ColumnRaw> known = columns_of(table);
	const ColumnsRaw columns = {known.data(), known.size(), EXPR_KIND_ALTER_COL_TRANSFORM};
	const ColumnRaw *own = nullptr;

	for (const ColumnRaw &one : known)
		if (one.name == column.name)
			own = &one;
	if (!OidIsValid(change.type) || own == nullptr)
		return change;
	const Answer answer = ask(Answer{false, true, true, false, false}, [&] {
		/* Is the session's again once the question is undone. */
		if (zone.has_value())
			(void)set_config_option("TimeZone", zone->c_str(), PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
									false);
		return change_raw(columns, *own, definition->raw_default, change.type, change.typmod);
	});
	change.is_known = answer.is_known;
	change.is_castable = answer.is_castable;
	change.rewrites = answer.rewrites;
	change.loses = answer.loses;
	change.is_volatile = answer.is_volatile;
	/* Nothing is stored of a virtual one. */
	if (column.generated == 'v')
		change.rewrites = false;
	return change;
}

std::string
type_title(Oid type, int32_t typmod)
{
	return pg::guarded([&] { return format_type_with_typemod(type, typmod); });
}

bool
default_follows(const std::string &kept, Oid type, int32_t typmod)
{
	return ask(true, [&] {
		auto *expression = strip_implicit_coercions(static_cast<Node *>(stringToNode(kept.c_str())));
		return coerce_to_target_type(nullptr, expression, exprType(expression), type, typmod, COERCION_ASSIGNMENT,
									 COERCE_IMPLICIT_CAST, -1) != nullptr;
	});
}

} // namespace mg::lint
