// Group E: what is done to a table and its partitions or children alike, or cannot be.
#include <algorithm>

#include "lint/facts.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

void
unique_without_partition_key(const Action &action, Context &context)
{
	std::vector<std::string> columns;
	ListCell *cell;

	if (action.table == nullptr || action.table->partition_key.empty())
		return;
	if (const auto *constraint = part_as<Constraint>(action, T_Constraint))
	{
		if (constraint->contype != CONSTR_PRIMARY && constraint->contype != CONSTR_UNIQUE)
			return;
		if (action.is_new_column)
			columns = {action.column->name};
		else if (constraint->indexname != nullptr)
			return;
		else
			columns = names_in(constraint->keys);
	}
	else
	{
		const auto *create = castNode(IndexStmt, action.statement);
		if (!create->unique)
			return;
		foreach (cell, create->indexParams)
			columns.push_back(text_of(lfirst_node(IndexElem, cell)->name));
	}
	const std::string what = action.what == What::create_index ? "a unique index" : "a unique constraint";
	for (const std::string &key : action.table->partition_key)
		if (key.empty())
		{
			context.report(
				{what + " of " + action.table->title() + " fails, since an expression is in its partition key",
				 "Make it unique in each partition."});
			return;
		}
		else if (std::find(columns.begin(), columns.end(), key) == columns.end())
		{
			context.report({what + " of " + action.table->title() + " fails, since column " + quoted(key) +
								" of its partition key is not in it",
							"Put the partition key into it, or make it unique in each partition."});
			return;
		}
}

// Locks that a statement takes for each partition: its own and those of its indexes.
int
locks_for_each(const Action &action)
{
	switch (action.what)
	{
		case What::create_index:
		case What::drop_index:
			return 2;
		case What::add_constraint:
		{
			const auto *constraint = part_as<Constraint>(action, T_Constraint);
			const bool has_index = constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE ||
								   constraint->contype == CONSTR_EXCLUSION;
			return has_index ? 2 : 1;
		}
		case What::drop_table:
		case What::truncate:
		case What::change_type:
			return 1 + static_cast<int>(action.table->indexes.size());
		default:
			return 1;
	}
}

bool
is_only(const Action &action)
{
	if (IsA(action.statement, AlterTableStmt))
		return !castNode(AlterTableStmt, action.statement)->relation->inh;
	if (IsA(action.statement, RenameStmt))
	{
		const RangeVar *relation = castNode(RenameStmt, action.statement)->relation;
		return relation != nullptr && !relation->inh;
	}
	return IsA(action.statement, IndexStmt) && !castNode(IndexStmt, action.statement)->relation->inh;
}

void
ddl_locks_many_partitions(const Action &action, Context &context)
{
	constexpr int few = 100;
	const double needed = static_cast<double>(action.table->partitions) * locks_for_each(action);

	if (needed < few || is_only(action))
		return;
	for (auto done = context.done().rbegin();
		 done != context.done().rend() && done->statement == context.statement_number(); ++done)
		if (done->table == action.table)
			return;
	const double taken = std::stod(fact("SELECT count(*) FROM pg_locks WHERE NOT fastpath").value_or("0"));
	const int prepared = std::stoi(fact("SELECT current_setting('max_prepared_transactions')").value_or("0"));
	const double free_slots = std::max(0.0, static_cast<double>(max_locks_per_xact) * (MaxBackends + prepared) - taken);
	if (needed < free_slots / 4)
		return;
	char needs[64];
	char of[64];
	snprintf(needs, sizeof needs, "%.0f", needed);
	snprintf(of, sizeof of, "%.0f", free_slots);
	context.report({"the statement takes " + std::string(needs) + " locks for the partitions of " +
						action.table->title() + " and keeps them until the migration ends; the server has room for " +
						of + " in all",
					"Raise max_locks_per_transaction, or do it to each partition in a migration of its own."});
}

// Whether children have it by inheritance, rather than by an index or key of their own.
bool
goes_to_children(const TableConstraint &constraint)
{
	return constraint.type == CONSTRAINT_CHECK || constraint.type == 'n';
}

// Whether a subcommand that says ONLY cannot leave children out.
bool
must_recurse(const Action &action)
{
	const bool is_partitioned = action.table->kind == RELKIND_PARTITIONED_TABLE;

	switch (action.what)
	{
		case What::add_column:
		case What::change_type:
		case What::rename_column:
			return true;
		case What::add_constraint:
		{
			const auto *constraint = part_as<Constraint>(action, T_Constraint);
			if (constraint->contype == CONSTR_CHECK)
				return is_partitioned || !constraint->is_no_inherit;
			return constraint->contype == CONSTR_FOREIGN && is_partitioned;
		}
		case What::drop_column:
			return is_partitioned;
		case What::drop_not_null:
			return is_partitioned && PG_VERSION_NUM < 180000;
		case What::rename_other:
		case What::drop_constraint:
		{
			const TableConstraint *constraint = action.table->constraint(action.name);
			if (action.what == What::rename_other)
				return castNode(RenameStmt, action.statement)->renameType == OBJECT_TABCONSTRAINT &&
					   constraint != nullptr && goes_to_children(*constraint);
			/* From 18 on, partitions may keep what their parent lets go of. */
			return PG_VERSION_NUM < 180000 && is_partitioned && constraint != nullptr && goes_to_children(*constraint);
		}
		default:
			return false;
	}
}

// Whether children are there for sure: none of them can be gone by an earlier statement.
bool
has_children(const Action &action, const Context &context)
{
	if (action.table == nullptr || action.table->partitions == 0)
		return false;
	return std::none_of(context.done().begin(), context.done().end(), [&](const Done &done) {
		return done.what == What::drop_table || done.what == What::inherit || done.what == What::detach_partition ||
			   done.what == What::drop_other;
	});
}

void
only_on_parent_fails(const Action &action, Context &context)
{
	if (action.is_new_table || !is_only(action) || !has_children(action, context) || !must_recurse(action))
		return;
	context.report({"the statement fails: " + action.table->title() +
						" has children or partitions, and what it does cannot leave them out",
					"Leave out ONLY."});
}

void
only_on_parent_differs(const Action &action, Context &context)
{
	if (action.is_new_table || !is_only(action) || !has_children(action, context) || must_recurse(action))
		return;
	if (action.what == What::add_constraint)
		return;
	context.report({"the statement leaves the children or partitions of " + action.table->title() +
						" as they are, so that they differ from it",
					"Leave out ONLY, or do the same to each of them."});
}

void
inherited_part_fails(const Action &action, Context &context)
{
	if (action.table == nullptr || action.is_new_table)
		return;
	if (action.what == What::add_column)
	{
		if (action.table->is_partition)
			context.report({"the statement fails: " + action.table->title() +
								" is a partition, and cannot have a column of its own",
							"Add the column to the partitioned table."});
		return;
	}
	const Column *column = action.table->column(action.name);
	const TableConstraint *constraint = action.table->constraint(action.name);
	std::string part;
	switch (action.what)
	{
		case What::drop_column:
		case What::change_type:
		case What::rename_column:
			if (column != nullptr && column->inherited > 0)
				part = "column " + quoted(action.name);
			break;
		case What::drop_not_null:
			if (column != nullptr && column->inherited > 0 && OidIsValid(action.table->parent))
				if (const Table *parent = context.model().find(action.table->parent))
					if (const Column *above = parent->column(action.name); above != nullptr && above->not_null)
						part = "NOT NULL of column " + quoted(action.name);
			break;
		case What::rename_other:
			if (!IsA(action.statement, RenameStmt) ||
				castNode(RenameStmt, action.statement)->renameType != OBJECT_TABCONSTRAINT || constraint == nullptr ||
				!goes_to_children(*constraint))
				break;
			[[fallthrough]];
		case What::drop_constraint:
			if (constraint != nullptr && constraint->inherited)
				part = "constraint " + quoted(action.name);
			break;
		default:
			break;
	}
	if (!part.empty())
		context.report({"the statement fails: " + action.table->title() + " has " + part + " from its parent",
						"Do it to the parent."});
}

void
partition_key_change(const Action &action, Context &context)
{
	if (action.table == nullptr)
		return;
	const std::vector<std::string> &key = action.table->partition_key;
	if (std::find(key.begin(), key.end(), action.name) != key.end() && !action.name.empty())
		context.report({"the statement fails: column " + quoted(action.name) + " is in the partition key of " +
							action.table->title(),
						"Make a new table with the partition key that is wanted, and move the rows to it in batches."});
}

void
no_inherit_on_partitioned(const Action &action, Context &context)
{
	const auto *constraint = part_as<Constraint>(action, T_Constraint);

	if (action.table != nullptr && action.table->kind == RELKIND_PARTITIONED_TABLE && constraint != nullptr &&
		constraint->contype == CONSTR_CHECK && constraint->is_no_inherit)
		context.report({"the statement fails: " + action.table->title() +
							" is partitioned, and has no rows that a check with NO INHERIT could be about",
						"Leave out NO INHERIT, or add the check to a partition."});
}

} // namespace

std::vector<Rule>
inheritance_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"unique-without-partition-key",
		 "E",
		 S::error,
		 About::anything,
		 {W::add_constraint, W::create_index},
		 unique_without_partition_key,
		 "a unique constraint or index leaves out the partition key",
		 "The server can only look within one partition, and refuses it.",
		 "Put the partition key into it."},
		{"partition-key-change",
		 "E",
		 S::error,
		 About::anything,
		 {W::drop_column, W::change_type},
		 partition_key_change,
		 "a column of a partition key is dropped or gets another type",
		 "The server refuses it.",
		 "Make a new table, and move the rows to it."},
		{"no-inherit-on-partitioned",
		 "E",
		 S::error,
		 About::anything,
		 {W::add_constraint},
		 no_inherit_on_partitioned,
		 "a check with NO INHERIT is added to a partitioned table",
		 "The server refuses it.",
		 "Leave out NO INHERIT."},
		{"ddl-locks-many-partitions",
		 "E",
		 S::warning,
		 About::existing,
		 {W::add_column, W::drop_column, W::change_type, W::set_default, W::drop_default, W::set_not_null,
		  W::drop_not_null, W::add_constraint, W::drop_constraint, W::validate_constraint, W::create_index,
		  W::drop_index, W::drop_table, W::truncate, W::lock_table},
		 ddl_locks_many_partitions,
		 "a statement locks many partitions at once",
		 "Locks of all transactions share one table of fixed size; when it is full, others' queries fail too.",
		 "Raise max_locks_per_transaction, or go partition by partition."},
		{"only-on-parent-fails",
		 "E",
		 S::error,
		 About::anything,
		 {W::add_column, W::drop_column, W::change_type, W::rename_column, W::rename_other, W::add_constraint,
		  W::drop_constraint, W::drop_not_null},
		 only_on_parent_fails,
		 "ALTER TABLE ONLY where children must follow",
		 "The server refuses it.",
		 "Leave out ONLY."},
		{"only-on-parent-differs",
		 "E",
		 S::warning,
		 About::existing,
		 {W::drop_column, W::drop_constraint, W::set_default, W::drop_default, W::set_not_null, W::drop_not_null,
		  W::trigger_state, W::row_security, W::set_column_option},
		 only_on_parent_differs,
		 "ALTER TABLE ONLY leaves children behind",
		 "Rows behave in another way depending on which table they are in.",
		 "Leave out ONLY, or do it to each child."},
		{"inherited-part-fails",
		 "E",
		 S::error,
		 About::anything,
		 {W::add_column, W::drop_column, W::change_type, W::rename_column, W::rename_other, W::drop_not_null,
		  W::drop_constraint},
		 inherited_part_fails,
		 "a child loses or changes what it inherits",
		 "The server refuses it.",
		 "Do it to the parent."},
	};
}

} // namespace mg::lint
