// Group A: checks, NOT NULL, unique constraints and keys.
#include "lint/alter.hpp"
#include "lint/facts.hpp"
#include "lint/judge.hpp"
#include "lint/rule.hpp"
#include "lint/sequences.hpp"
#include "lint/statistics.hpp"
#include "lint/words.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

const Constraint *
definition_of(const Action &action)
{
	return part_as<Constraint>(action, T_Constraint);
}

bool
is(const Action &action, ConstrType type)
{
	const Constraint *definition = definition_of(action);
	return definition != nullptr && definition->contype == type;
}

bool
is_enforced(const Action &action)
{
#if PG_VERSION_NUM >= 180000
	return definition_of(action)->is_enforced &&
		   (action.definition == nullptr ||
			!has_attribute(action.definition, definition_of(action), CONSTR_ATTR_NOT_ENFORCED));
#else
	(void)action;
	return true;
#endif
}

bool
is_there(Context &context, const Table &table)
{
	return context.model().find(table.schema, table.name) == &table;
}

void
check_without_not_valid(const Action &action, Context &context)
{
	if (!is(action, CONSTR_CHECK) || action.is_new_column || definition_of(action)->skip_validation ||
		!is_enforced(action))
		return;
	context.report({"the check reads every row of " + sized(*action.table) + " while nobody reads or writes it", "",
					check_steps(action, context), AccessExclusiveLock, Work::scan});
}

void
inline_check_on_add_column(const Action &action, Context &context)
{
	if (!is(action, CONSTR_CHECK) || !action.is_new_column || !is_enforced(action))
		return;
	std::vector<Step> steps = column_steps(action, context);
	context.report({"a check that comes with a new column reads every row of " + sized(*action.table) +
						" while nobody reads or writes it",
					steps.empty() ? "Add the column without it, then the check as a constraint of the table NOT VALID, "
									"and in a migration of its own: " +
										validate_step(*action.table, action.name).sql
								  : "",
					std::move(steps), AccessExclusiveLock, Work::scan});
}

void
validate_in_same_transaction(const Action &action, Context &context)
{
	const TableConstraint *constraint = action.table->constraint(action.name);

	if (constraint == nullptr || !constraint->made_here || constraint->validated || !constraint->enforced)
		return;
	context.report(
		{"the constraint is added and validated in one migration, so that the lock of ADD CONSTRAINT is held while "
		 "every row of " +
			 sized(*action.table) + " is checked",
		 "Leave the constraint NOT VALID here, and validate it in a migration of its own: " +
			 validate_step(*action.table, action.name).sql,
		 {},
		 constraint->type == CONSTRAINT_FOREIGN ? ShareRowExclusiveLock : AccessExclusiveLock,
		 Work::scan});
}

void
not_valid_never_validated(const Action &, Context &context)
{
	Locations locations = locations_of(context, What::add_constraint);

	for (const std::unique_ptr<Table> &table : context.model().tables())
		for (const TableConstraint &constraint : table->constraints)
		{
			if (!constraint.made_here || constraint.validated || !constraint.enforced || !is_there(context, *table))
				continue;
			Report report;
			report.message = "constraint " + quoted(constraint.name) + " of " + table->title() +
							 " is left NOT VALID: rows from before may break it";
			report.steps = {validate_step(*table, constraint.name)};
			report.afterwards = true;
			report.table = table.get();
			report.location = locations[{table.get(), constraint.name}];
			context.report(std::move(report));
		}
}

void
set_not_null_scans(const Action &action, Context &context)
{
	if (action.what == What::set_not_null)
	{
		if (action.column != nullptr && !is_proved_not_null(*action.table, action.name))
			context.report(
				{"SET NOT NULL reads every row of " + sized(*action.table) + " while nobody reads or writes it", "",
				 not_null_steps(*action.table, action.name), AccessExclusiveLock, Work::scan});
		return;
	}
	/* The constraint of 18. */
	if (!is(action, CONSTR_NOTNULL) || action.is_new_column || definition_of(action)->skip_validation)
		return;
	for (const std::string &name : names_in(definition_of(action)->keys))
		if (const Column *column = action.table->column(name);
			column != nullptr && !column->not_null && !is_proved_not_null(*action.table, name))
			context.report(
				{"the constraint reads every row of " + sized(*action.table) + " while nobody reads or writes it", "",
				 check_steps(action, context), AccessExclusiveLock, Work::scan});
}

// Where the table is larger, set_not_null_scans() says so.
void
column_becomes_required(const Action &action, Context &context)
{
	auto look = [&](const Column *column, const std::string &name) {
		if (column == nullptr || column->not_null || context.is_occupied(*action.table) ||
			(column->made_here && (column->has_default || column->identity != '\0' || column->generated != '\0')) ||
			is_proved_not_null(*action.table, name))
			return;
		context.report(
			{"column " + quoted(name) + " of " + action.table->title() +
				 " becomes NOT NULL: an application that leaves it out or writes NULL gets errors from then on",
			 "Change the application first, or give the column a default."});
	};

	if (action.what == What::set_not_null)
		look(action.column, action.name);
	else if (is(action, CONSTR_NOTNULL) && !action.is_new_column)
		for (const std::string &name : names_in(definition_of(action)->keys))
			look(action.table->column(name), name);
}

// Of rows that are NULL by what ANALYZE saw, and that nothing of the script has filled.
void
set_not_null_on_nulls(const Action &action, Context &context)
{
	const Table &table = *action.table;
	const Column *column = action.column;

	if (column == nullptr || table.is_written || table.bytes == 0 || table.rows == 0)
		return;
	if (column->made_here)
	{
		if (!column->has_default && column->identity == '\0' && !has_default_of_its_own(column->type))
			context.report({"the statement fails if " + table.title() + " has a row: column " + quoted(action.name) +
								" is new, and nothing has filled it",
							"Fill it in batches before, in a migration of its own."});
		return;
	}
	auto known = statistics_of(table, *column);
	if (known.has_value() && known->nulls * table.rows >= 1 && !is_proved_not_null(table, action.name))
		context.report({"the statement fails: " + percent(known->nulls) + " of the rows of " + table.title() +
							" had NULL in column " + quoted(action.name) + " when they were last analyzed",
						"Fill them in batches before, in a migration of its own."});
}

void
leftover_check_after_not_null(const Action &, Context &context)
{
	for (const auto &[what, location] : locations_of(context, What::set_not_null))
	{
		const auto &[table, name] = what;
		const Column *column = table->column(name);
		if (column == nullptr || !column->not_null || !context.is_existing(*table) || !is_there(context, *table))
			continue;
		for (const TableConstraint &constraint : table->constraints)
		{
			if (constraint.type != CONSTRAINT_CHECK || constraint.inherited || constraint.columns.size() != 1 ||
				constraint.columns[0] != name || !is_redundant(*table, constraint))
				continue;
			Report report;
			report.message = "constraint " + quoted(constraint.name) + " of " + table->title() +
							 " says nothing that NOT NULL does not say by now";
			report.steps = {step(alter(*table) + " DROP CONSTRAINT " + quoted(constraint.name))};
			report.afterwards = true;
			report.table = table;
			report.location = location;
			context.report(std::move(report));
		}
	}
}

std::vector<std::string>
columns_of(const Action &action)
{
	const Constraint *definition = definition_of(action);

	if (action.is_new_column)
		return {action.column->name};
	if (definition->indexname != nullptr)
		if (const Index *index = action.table->index(definition->indexname))
			return {index->columns.begin(), index->columns.begin() + index->keys};
	return names_in(definition->keys);
}

// A valid unique index over these columns that a constraint can take over, as transformIndexConstraint() asks.
std::string
index_for(const Action &action)
{
	constexpr const char *sql =
		"SELECT i.indimmediate AND c.relam = 403 AND i.indnatts = i.indnkeyatts AND NOT EXISTS (SELECT FROM "
		"generate_subscripts(i.indkey, 1) k JOIN pg_opclass o ON o.oid = i.indclass[k] JOIN pg_attribute a ON "
		"a.attrelid = i.indrelid AND a.attnum = i.indkey[k] WHERE i.indoption[k] <> 0 OR NOT o.opcdefault OR "
		"i.indcollation[k] <> a.attcollation) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
		"WHERE i.indexrelid = $1::oid";
	const Constraint *definition = definition_of(action);

	if (is_partitioned(action.table) || definition->including != NIL || definition->nulls_not_distinct)
		return "";
	for (const Index &index : action.table->indexes)
		if (index.is_unique && index.is_valid && !index.is_partial && !index.has_expressions && !index.is_constraint &&
			index.columns == columns_of(action) && OidIsValid(index.oid) &&
			fact(sql, {cell_of(index.oid)}).value_or("") == "t")
			return index.name;
	return "";
}

void
report_index(const Action &action, Context &context, const char *what)
{
	std::vector<Step> steps =
		action.is_new_column ? column_steps(action, context) : unique_steps(action, context, index_for(action));
	std::string hint;

	if (steps.empty() && is_partitioned(action.table))
		hint = "A partitioned table cannot take over an index: build a unique index on each partition CONCURRENTLY, "
			   "let a constraint of the partition take it over, and then add the constraint to " +
			   action.table->title() + ", which takes those over.";
	else if (steps.empty())
		hint = "Add the column without it, build the index CONCURRENTLY, and hand it over with USING INDEX.";
	context.report(
		{std::string(what) + " builds an index over " + sized(*action.table) + " while nobody reads or writes it", hint,
		 std::move(steps), AccessExclusiveLock, Work::build});
}

void
unique_constraint_builds_index(const Action &action, Context &context)
{
	if (is(action, CONSTR_UNIQUE) && definition_of(action)->indexname == nullptr)
		report_index(action, context, "the unique constraint");
}

void
pk_builds_index(const Action &action, Context &context)
{
	if (is(action, CONSTR_PRIMARY) && definition_of(action)->indexname == nullptr)
		report_index(action, context, "the primary key");
}

void
pk_on_nullable_column(const Action &action, Context &context)
{
	if (!is(action, CONSTR_PRIMARY) || action.is_new_column)
		return;
	const std::vector<std::string> columns = columns_of(action);
	auto is_scanned = [&](const std::string &name) {
		const Column *column = action.table->column(name);
		return column != nullptr && !column->not_null && !is_proved_not_null(*action.table, name);
	};
	if (std::none_of(columns.begin(), columns.end(), is_scanned))
		return;
	std::vector<Step> steps;
	if (definition_of(action)->indexname == nullptr)
		steps = unique_steps(action, context, index_for(action));
	else
	{
		for (const std::string &name : columns)
			if (is_scanned(name))
				append(steps, not_null_steps(*action.table, name));
		steps.push_back(step(alter(*action.table) + " ADD " + clause_of(action, context)));
	}
	for (const std::string &name : columns)
		if (is_scanned(name))
			context.report({"the primary key makes column " + quoted(name) + " NOT NULL, which reads every row of " +
								sized(*action.table) + " while nobody reads or writes it",
							"", steps, AccessExclusiveLock, Work::scan});
}

// By what ANALYZE saw; rows may have changed since, but not by the script.
void
report_duplicates(const Action &action, Context &context, const std::vector<std::string> &columns, bool null_is_equal)
{
	Table &table = *action.table;
	double combinations = 1;
	double most_common = 0;
	double nulls = 0;

	if (table.is_written || table.rows < 2 || columns.empty())
		return;
	for (const std::string &name : columns)
	{
		const Column *column = table.column(name);
		auto known = column != nullptr ? statistics_of(table, *column) : std::nullopt;
		if (!known.has_value())
			return;
		combinations *= known->distinct + (known->nulls > 0 && null_is_equal ? 1 : 0);
		nulls = std::max(nulls, known->nulls);
		most_common = known->most_common;
	}
	const double rows = null_is_equal ? table.rows : table.rows * (1 - nulls);
	std::string what;
	if (columns.size() == 1 && most_common * table.rows >= 2)
		what = "about " + whole(most_common * table.rows) + " rows have one and the same value";
	else if (columns.size() == 1 && null_is_equal && nulls * table.rows >= 2)
		what = "about " + whole(nulls * table.rows) + " rows have NULL";
	else if (combinations < 0.99 * rows)
		what = "about " + whole(rows) + " rows have at most " + whole(combinations) + " different values";
	else
		return;
	context.report({"the statement fails if " + table.title() + " is still as ANALYZE saw it: " + what + " of (" +
						quoted_list(columns) + ")",
					"This finds them: SELECT " + quoted_list(columns) + ", count(*) FROM " + table.title() +
						" GROUP BY " + quoted_list(columns) + " HAVING count(*) > 1;"});
}

void
unique_may_fail_on_duplicates(const Action &action, Context &context)
{
	if (action.what == What::create_index)
	{
		const auto *create = castNode(IndexStmt, action.statement);
		std::vector<std::string> columns;
		ListCell *cell;
		if (!create->unique || create->whereClause != nullptr)
			return;
		foreach (cell, create->indexParams)
			columns.push_back(text_of(lfirst_node(IndexElem, cell)->name));
		report_duplicates(action, context, columns, create->nulls_not_distinct);
		return;
	}
	if ((is(action, CONSTR_UNIQUE) || is(action, CONSTR_PRIMARY)) && definition_of(action)->indexname == nullptr &&
		!action.is_new_column)
		report_duplicates(action, context, columns_of(action), definition_of(action)->nulls_not_distinct);
}

void
exclusion_constraint(const Action &action, Context &context)
{
	if (is(action, CONSTR_EXCLUSION))
		context.report({"the exclusion constraint builds an index over " + sized(*action.table) +
							" while nobody reads or writes it, and there is no other way",
						"Plan for the time it takes: mg_rehearse() measures it.",
						{},
						AccessExclusiveLock,
						Work::build});
}

bool
includes(const std::vector<std::string> &all, const std::vector<std::string> &some)
{
	return std::all_of(some.begin(), some.end(),
					   [&](const std::string &name) { return std::find(all.begin(), all.end(), name) != all.end(); });
}

// Whether something that is there at the end of the script says as much.
bool
is_replaced(const Table &table, const TableConstraint &lost)
{
	for (const TableConstraint &other : table.constraints)
		if (other.type == lost.type && other.made_here && includes(other.columns, lost.columns) &&
			includes(lost.columns, other.columns))
			return true;
	switch (lost.type)
	{
		case CONSTRAINT_CHECK:
			return is_redundant(table, lost);
		case CONSTRAINT_PRIMARY:
		case CONSTRAINT_UNIQUE:
			return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const Index &index) {
				return index.is_unique && index.is_valid && !index.is_partial && !index.has_expressions &&
					   includes(lost.columns, {index.columns.begin(), index.columns.begin() + index.keys});
			});
		case 'n':
			return table.column(lost.columns.front())->not_null;
		default:
			return false;
	}
}

void
drop_constraint_loses_check(const Action &, Context &context)
{
	const Locations locations = locations_of(context, What::drop_constraint);

	if (locations.empty())
		return;
	for (const std::unique_ptr<Table> &table : context.model().tables())
		for (const TableConstraint &lost : table->dropped)
		{
			auto location = locations.find({table.get(), lost.name});
			if (lost.made_here || location == locations.end() || !context.is_existing(*table) ||
				!is_there(context, *table) ||
				std::any_of(lost.columns.begin(), lost.columns.end(),
							[&](const std::string &name) { return table->column(name) == nullptr; }) ||
				is_replaced(*table, lost))
				continue;
			Report report;
			report.message = "from here on nothing keeps " + table->title() + " to constraint " + quoted(lost.name);
			report.hint = "Add the one that takes its place first.";
			report.lock = AccessExclusiveLock;
			report.table = table.get();
			report.location = location->second;
			context.report(std::move(report));
		}
}

} // namespace

std::vector<Rule>
constraint_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"check-without-not-valid",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::add_constraint},
		 check_without_not_valid,
		 "a check is made of all rows as it is added",
		 "Nobody reads or writes the table meanwhile.",
		 "Add it NOT VALID, and validate it in a migration of its own."},
		{"inline-check-on-add-column",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::add_constraint},
		 inline_check_on_add_column,
		 "a check comes with a new column",
		 "All rows are read, though the column is the same in each.",
		 "Add it to the table afterwards, NOT VALID."},
		{"validate-in-same-transaction",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::validate_constraint},
		 validate_in_same_transaction,
		 "a constraint is added NOT VALID and validated in one transaction",
		 "The stronger lock of ADD CONSTRAINT is held until the end, also while rows are checked.",
		 "Validate it in a migration of its own."},
		{"not-valid-never-validated",
		 "A",
		 S::info,
		 About::anything,
		 {W::script_end},
		 not_valid_never_validated,
		 "a constraint is left NOT VALID",
		 "The planner does not believe it, and old rows may break it.",
		 "Validate it in a migration of its own."},
		{"set-not-null-scans",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::set_not_null, W::add_constraint},
		 set_not_null_scans,
		 "SET NOT NULL reads the whole table",
		 "Nobody reads or writes it meanwhile.",
		 "Prove it first: by a validated CHECK, from 18 on by NOT NULL NOT VALID.",
		 0,
		 0,
		 true},
		breaking({"column-becomes-required",
				  "A",
				  S::info,
				  About::existing,
				  {W::set_not_null, W::add_constraint},
				  column_becomes_required,
				  "a column of a small table becomes NOT NULL",
				  "An application that leaves it out or writes NULL gets errors.",
				  "Change the application first, or give the column a default."}),
		{"set-not-null-on-nulls",
		 "A",
		 S::warning,
		 About::existing,
		 {W::set_not_null},
		 set_not_null_on_nulls,
		 "SET NOT NULL on a column that has NULLs",
		 "The statement fails.",
		 "Fill the column first, in batches."},
		{"leftover-check-after-not-null",
		 "A",
		 S::info,
		 About::anything,
		 {W::script_end},
		 leftover_check_after_not_null,
		 "a check that proved NOT NULL is still there",
		 "It is evaluated for each row that is written, and says nothing new.",
		 "Drop it once the column is NOT NULL."},
		{"unique-constraint-builds-index",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::add_constraint},
		 unique_constraint_builds_index,
		 "a unique constraint builds its index",
		 "Nobody reads or writes the table meanwhile.",
		 "Build the index CONCURRENTLY and hand it over with USING INDEX."},
		{"unique-may-fail-on-duplicates",
		 "A",
		 S::warning,
		 About::existing,
		 {W::add_constraint, W::create_index},
		 unique_may_fail_on_duplicates,
		 "a unique constraint or index over columns that have duplicates",
		 "The statement fails once it has read the table, and CONCURRENTLY leaves an invalid index behind.",
		 "Find the duplicates and settle them first."},
		{"pk-builds-index",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::add_constraint},
		 pk_builds_index,
		 "a primary key builds its index",
		 "Nobody reads or writes the table meanwhile.",
		 "Build the index CONCURRENTLY and hand it over with USING INDEX."},
		{"pk-on-nullable-column",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::add_constraint},
		 pk_on_nullable_column,
		 "a primary key over a column that may be NULL",
		 "The column is made NOT NULL, and all rows are read.",
		 "Make it NOT NULL before."},
		{"exclusion-constraint",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::add_constraint},
		 exclusion_constraint,
		 "an exclusion constraint builds its index",
		 "There is no way to build it while others go on.",
		 "Plan for it."},
		{"drop-constraint-loses-check",
		 "A",
		 S::info,
		 About::anything,
		 {W::script_end},
		 drop_constraint_loses_check,
		 "a constraint is dropped",
		 "Nothing keeps rows to it any more.",
		 "Add what takes its place first."},
	};
}

} // namespace mg::lint
