// Asks for partition constraints and their proofs. Everything is done in a subtransaction, which gives back the locks it could have at once.
#include "lint/bounds.hpp"

#include "pg/subtransaction.hpp"

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

CheckRaw
judge_raw(Relation relation, List *quals)
{
	return {quals == NIL || PartConstraintImpliedByRelConstraint(relation, quals),
			deparse_expression(reinterpret_cast<Node *>(make_ands_explicit(quals)),
							   deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation)),
							   false, false)};
}

// As in ATExecAttachPartition().
CheckRaw
check_raw(Oid parent_oid, const PartitionBoundSpec *bound, Oid subject_oid, bool of_default)
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
		result = judge_raw(subject, map_partition_varattnos(quals, 1, subject, parent));
	}
	if (subject != nullptr)
		table_close(subject, NoLock);
	if (parent != nullptr)
		table_close(parent, NoLock);
	return result;
}

CheckRaw
check_expression_raw(const char *expression, Oid oid)
{
	CheckRaw result = {false, nullptr};
	Relation relation = open_raw(oid);

	if (relation == nullptr)
		return result;
	ParseState *state = make_parsestate(nullptr);
	addNSItemToQuery(state, addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, true), true,
					 true, true);
	auto *parsed = linitial_node(RawStmt, raw_parser(expression, RAW_PARSE_PLPGSQL_EXPR));
	auto *target = linitial_node(ResTarget, castNode(SelectStmt, parsed->stmt)->targetList);
	Node *qual = coerce_to_boolean(state, transformExpr(state, target->val, EXPR_KIND_CHECK_CONSTRAINT), "CHECK");
	qual = eval_const_expressions(nullptr, qual);
	result = judge_raw(relation, make_ands_implicit(reinterpret_cast<Expr *>(qual)));
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

// Gives what fn gives, or `otherwise` where it raises.
template <typename Fn>
auto
ask(std::invoke_result_t<Fn &> otherwise, Fn &&fn) -> std::invoke_result_t<Fn &>
{
	auto result = otherwise;
	const bool failed = pg::try_and_undo([&] { result = pg::guarded(fn); }).has_value();

	return failed ? otherwise : result;
}

BoundCheck
told(const CheckRaw &raw)
{
	return {raw.is_proved, raw.expression != nullptr ? raw.expression : ""};
}

BoundCheck
check(const Table &parent, const PartitionBoundSpec *bound, const Table &subject, bool of_default)
{
	if (!is_literal_raw(bound->listdatums) || !is_literal_raw(bound->lowerdatums) ||
		!is_literal_raw(bound->upperdatums))
		return {};
	return told(ask(CheckRaw{false, nullptr}, [&] { return check_raw(parent.oid, bound, subject.oid, of_default); }));
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
	return told(ask(CheckRaw{false, nullptr}, [&] { return check_expression_raw(expression.c_str(), partition.oid); }));
}

std::string
check_left_by_detach(const Table &partition)
{
	const char *name = ask(static_cast<const char *>(nullptr), [&] { return left_by_detach_raw(partition.oid); });

	return name != nullptr ? name : "";
}

} // namespace mg::lint
