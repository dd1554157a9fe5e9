// Asks for partition constraints and their proofs. Everything is done in a subtransaction, which gives back the locks it could have at once.
#include "lint/bounds.hpp"

#include "lint/ask.hpp"

namespace mg::lint {

namespace {

struct CheckRaw
{
	bool is_proved;
	const char *expression; // nullptr: nobody can tell
};

// Whether a bound is of literals only, so that nothing of the user's has to run for it.
bool
is_literal_raw(const List *values)
{
	ListCell *cell;

	foreach (cell, values)
	{
		auto *value = static_cast<Node *>(lfirst(cell));
		if (IsA(value, TypeCast))
			value = castNode(TypeCast, value)->arg;
		if (!IsA(value, A_Const) && !IsA(value, ColumnRef))
			return false;
	}
	return true;
}

// Opens a relation if that needs no wait; nullptr otherwise.
Relation
open_raw(Oid oid)
{
	if (!OidIsValid(oid) || !ConditionalLockRelationOid(oid, AccessShareLock))
		return nullptr;
	return try_table_open(oid, NoLock);
}

// Whether the ancestors, whose bounds count too, can be read without a wait.
bool
can_read_ancestors_raw(Relation relation)
{
	ListCell *cell;

	if (!relation->rd_rel->relispartition)
		return true;
	foreach (cell, get_partition_ancestors(RelationGetRelid(relation)))
		if (!ConditionalLockRelationOid(lfirst_oid(cell), AccessShareLock))
			return false;
	return true;
}

// The columns and checks that are valid already, as ConstraintImpliedByRelConstraint() takes them.
List *
known_raw(Relation relation)
{
	TupleDesc columns = RelationGetDescr(relation);
	List *known = NIL;

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);
#if PG_VERSION_NUM >= 180000
		const bool not_null = TupleDescCompactAttr(columns, i)->attnullability == ATTNULLABLE_VALID;
#else
		const bool not_null = column->attnotnull;
#endif
		if (!not_null || column->attisdropped)
			continue;
		auto *test = makeNode(NullTest);
		test->arg = reinterpret_cast<Expr *>(
			makeVar(1, column->attnum, column->atttypid, column->atttypmod, column->attcollation, 0));
		test->nulltesttype = IS_NOT_NULL;
		test->location = -1;
		known = lappend(known, test);
	}
	for (int i = 0; columns->constr != nullptr && i < columns->constr->num_check; i++)
		if (columns->constr->check[i].ccvalid)
		{
			auto *qual = static_cast<Node *>(stringToNode(columns->constr->check[i].ccbin));
			qual = eval_const_expressions(nullptr, qual);
			qual = reinterpret_cast<Node *>(canonicalize_qual(reinterpret_cast<Expr *>(qual), true));
			known = list_concat(known, make_ands_implicit(reinterpret_cast<Expr *>(qual)));
		}
	return known;
}

// A CHECK of the script's, as the server would have it.
List *
qual_of_raw(Relation relation, const Node *expression)
{
	ParseState *state = make_parsestate(nullptr);

	addNSItemToQuery(state, addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, true), true,
					 true, true);
	Node *qual = transformExpr(state, static_cast<Node *>(copyObjectImpl(expression)), EXPR_KIND_CHECK_CONSTRAINT);
	qual = eval_const_expressions(nullptr, coerce_to_boolean(state, qual, "CHECK"));
	qual = reinterpret_cast<Node *>(canonicalize_qual(reinterpret_cast<Expr *>(qual), true));
	return make_ands_implicit(reinterpret_cast<Expr *>(qual));
}

// Whether what the script has validated by now proves it, which the catalogs do not show.
bool
is_proved_by_script_raw(Relation relation, List *quals, const List *checks)
{
	ListCell *cell;

	if (checks == NIL)
		return false;
	List *known = known_raw(relation);
	foreach (cell, checks)
		known = list_concat(known, qual_of_raw(relation, static_cast<const Node *>(lfirst(cell))));
	auto *goal = canonicalize_qual(make_ands_explicit(quals), true);
	return predicate_implied_by(make_ands_implicit(goal), known, true);
}

CheckRaw
judge_raw(Relation relation, List *quals, const List *checks)
{
	return {quals == NIL || PartConstraintImpliedByRelConstraint(relation, quals) ||
				is_proved_by_script_raw(relation, quals, checks),
			deparse_expression(reinterpret_cast<Node *>(make_ands_explicit(quals)),
							   deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation)),
							   false, false)};
}

// As in ATExecAttachPartition().
CheckRaw
check_raw(Oid parent_oid, const PartitionBoundSpec *bound, Oid subject_oid, bool of_default, const List *checks)
{
	CheckRaw result = {false, nullptr};
	Relation parent = open_raw(parent_oid);
	Relation subject = open_raw(subject_oid);

	if (parent != nullptr && subject != nullptr && parent->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		can_read_ancestors_raw(parent))
	{
		PartitionBoundSpec *known =
			transformPartitionBound(make_parsestate(nullptr), parent, const_cast<PartitionBoundSpec *>(bound));
		List *quals = get_qual_from_partbound(parent, known);
		if (of_default)
			quals = get_proposed_default_constraint(quals);
		else
			quals = list_concat(quals, RelationGetPartitionQual(parent));
		quals = reinterpret_cast<List *>(eval_const_expressions(nullptr, reinterpret_cast<Node *>(quals)));
		result = judge_raw(subject, map_partition_varattnos(quals, 1, subject, parent), checks);
	}
	if (subject != nullptr)
		table_close(subject, NoLock);
	if (parent != nullptr)
		table_close(parent, NoLock);
	return result;
}

CheckRaw
check_expression_raw(const char *expression, Oid oid, const List *checks)
{
	CheckRaw result = {false, nullptr};
	Relation relation = open_raw(oid);

	if (relation == nullptr)
		return result;
	auto *parsed = linitial_node(RawStmt, raw_parser(expression, RAW_PARSE_PLPGSQL_EXPR));
	auto *target = linitial_node(ResTarget, castNode(SelectStmt, parsed->stmt)->targetList);
	result = judge_raw(relation, qual_of_raw(relation, target->val), checks);
	table_close(relation, NoLock);
	return result;
}

// Whether a partition is one by hash, whose bound no CHECK can say.
bool
is_by_hash_raw(Oid partition)
{
	HeapTuple row = SearchSysCache1(PARTRELID, ObjectIdGetDatum(get_partition_parent(partition, true)));
	if (!HeapTupleIsValid(row))
		return false;
	const char strategy = reinterpret_cast<Form_pg_partitioned_table>(GETSTRUCT(row))->partstrat;
	ReleaseSysCache(row);
	return strategy == PARTITION_STRATEGY_HASH;
}

// As ATExecDetachPartition(), DetachAddConstraintIfNeeded() and AddRelationNewConstraints() do.
const char *
left_by_detach_raw(Oid oid)
{
	const char *name = nullptr;
	Relation relation = open_raw(oid);

	if (relation == nullptr)
		return nullptr;
	if (relation->rd_rel->relispartition && !is_by_hash_raw(oid) && can_read_ancestors_raw(relation))
	{
		List *quals = RelationGetPartitionQual(relation);
		if (quals != NIL && !PartConstraintImpliedByRelConstraint(relation, quals))
		{
			List *columns = list_union(NIL, pull_var_clause(reinterpret_cast<Node *>(quals), 0));
			const char *column =
				list_length(columns) == 1 ? get_attname(oid, linitial_node(Var, columns)->varattno, true) : nullptr;
			name = ChooseConstraintName(RelationGetRelationName(relation), column, "check",
										RelationGetNamespace(relation), NIL);
		}
	}
	table_close(relation, NoLock);
	return name;
}

BoundCheck
told(const CheckRaw &raw)
{
	return {raw.is_proved, raw.expression != nullptr ? raw.expression : ""};
}

// The checks that the script has made and validated.
const List *
checks_of(const Table &table)
{
	const List *result = NIL;

	for (const TableConstraint &constraint : table.constraints)
		if (constraint.expression != nullptr && constraint.validated && constraint.enforced)
			result = pg::guarded(
				[&] { return lappend(const_cast<List *>(result), const_cast<Node *>(constraint.expression)); });
	return result;
}

BoundCheck
check(const Table &parent, const PartitionBoundSpec *bound, const Table &subject, bool of_default)
{
	if (!is_literal_raw(bound->listdatums) || !is_literal_raw(bound->lowerdatums) ||
		!is_literal_raw(bound->upperdatums))
		return {};
	const List *checks = checks_of(subject);
	return told(
		ask(CheckRaw{false, nullptr}, [&] { return check_raw(parent.oid, bound, subject.oid, of_default, checks); }));
}

} // namespace

BoundCheck
check_of_partition(const Table &parent, const PartitionBoundSpec *bound, const Table &partition)
{
	return check(parent, bound, partition, false);
}

BoundCheck
check_of_default(const Table &parent, const PartitionBoundSpec *bound, const Table &default_partition)
{
	return check(parent, bound, default_partition, true);
}

BoundCheck
check_of_expression(const std::string &expression, const Table &partition)
{
	const List *checks = checks_of(partition);
	return told(
		ask(CheckRaw{false, nullptr}, [&] { return check_expression_raw(expression.c_str(), partition.oid, checks); }));
}

std::string
check_left_by_detach(const Table &partition)
{
	const char *name = ask(static_cast<const char *>(nullptr), [&] { return left_by_detach_raw(partition.oid); });

	return name != nullptr ? name : "";
}

} // namespace mg::lint
