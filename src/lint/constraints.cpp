// Group A: constraints and their validation.
#include "lint/judge.hpp"
#include "lint/rule.hpp"
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

std::string
add(const Action &action, const std::string &rest)
{
	return "ALTER TABLE " + action.table->title() + " ADD CONSTRAINT " + quoted(action.name) + " " + rest + ";";
}

std::string
validate(const Action &action)
{
	return "ALTER TABLE " + action.table->title() + " VALIDATE CONSTRAINT " + quoted(action.name) + ";";
}

bool
is_partitioned(const Table *table)
{
	return table->kind == RELKIND_PARTITIONED_TABLE;
}

bool
is_enforced(const Constraint *definition)
{
#if PG_VERSION_NUM >= 180000
	return definition->is_enforced;
#else
	(void)definition;
	return true;
#endif
}

void
fk_without_not_valid(const Action &action, Context &context)
{
	if (!is(action, CONSTR_FOREIGN) || definition_of(action)->skip_validation || !is_enforced(definition_of(action)))
		return;
	/* A new column that is NULL everywhere is not checked (transformFKConstraints). */
	if (action.is_new_column && !action.column->has_default)
		return;
	const std::string key = foreign_key_of(definition_of(action), action);
	std::string hint = add(action, key + " NOT VALID") + " In a migration of its own: " + validate(action);
	if (is_partitioned(action.table) && PG_VERSION_NUM < 180000)
		hint =
			"Before 18, a foreign key of a partitioned table cannot be NOT VALID: add it to each partition NOT VALID, "
			"validate it there, and then add it to " +
			action.table->title() + ", which takes over what is valid.";
	context.report({"the foreign key checks every row of " + sized(*action.table) + " while nobody writes to it",
					hint,
					{},
					ShareRowExclusiveLock});
}

void
fk_locks_other(const Action &action, Context &context)
{
	if (!is(action, CONSTR_FOREIGN) || action.other == nullptr || action.other->made_here ||
		action.other == action.table)
		return;
	context.report(
		{"the foreign key keeps others from writing to " + sized(*action.other) + " until the migration ends",
		 "Let the statement be the last one of its migration, and SET lock_timeout before it.",
		 {},
		 ShareRowExclusiveLock});
}

void
drop_fk_locks_both(const Action &action, Context &context)
{
	const TableConstraint *constraint = action.table->constraint(action.name);

	if (constraint == nullptr || constraint->type != CONSTRAINT_FOREIGN || !OidIsValid(constraint->other))
		return;
	const Table *other = context.model().find(constraint->other);
	if (other == nullptr || other == action.table)
		return;
	context.report({"dropping a foreign key locks " + other->title() + " too, against reading and writing",
					"SET lock_timeout before it, and let it be the last statement of its migration.",
					{},
					AccessExclusiveLock});
}

void
check_without_not_valid(const Action &action, Context &context)
{
	if (!is(action, CONSTR_CHECK) || action.is_new_column || definition_of(action)->skip_validation ||
		!is_enforced(definition_of(action)))
		return;
	context.report({"the check reads every row of " + sized(*action.table) + " while nobody reads or writes it",
					"Add it NOT VALID, and in a migration of its own: " + validate(action),
					{},
					AccessExclusiveLock});
}

void
inline_check_on_add_column(const Action &action, Context &context)
{
	if (!is(action, CONSTR_CHECK) || !action.is_new_column)
		return;
	context.report(
		{"a check that comes with a new column reads every row of " + sized(*action.table) +
			 " while nobody reads or writes it",
		 "Add the column without it, then the check as a constraint of the table NOT VALID, and in a migration "
		 "of its own: " +
			 validate(action),
		 {},
		 AccessExclusiveLock});
}

void
validate_in_same_transaction(const Action &action, Context &context)
{
	const TableConstraint *constraint = action.table->constraint(action.name);

	if (constraint == nullptr || !constraint->made_here || constraint->validated)
		return;
	context.report(
		{"the constraint is added and validated in one migration, so that the lock of ADD CONSTRAINT is held while "
		 "every row of " +
			 sized(*action.table) + " is checked",
		 "Validate it in a migration of its own: " + validate(action),
		 {},
		 constraint->type == CONSTRAINT_FOREIGN ? ShareRowExclusiveLock : AccessExclusiveLock});
}

void
not_valid_never_validated(const Action &, Context &context)
{
	for (const std::unique_ptr<Table> &table : context.model().tables())
		for (const TableConstraint &constraint : table->constraints)
			if (constraint.made_here && !constraint.validated && constraint.enforced)
				context.report({"constraint " + quoted(constraint.name) + " of " + table->title() +
									" is left NOT VALID: rows from before may break it",
								"In a migration of its own: ALTER TABLE " + table->title() + " VALIDATE CONSTRAINT " +
									quoted(constraint.name) + ";"});
}

void
set_not_null_scans(const Action &action, Context &context)
{
	if (action.column == nullptr || action.column->made_here || is_proved_not_null(*action.table, action.name))
		return;
	/* One that the script itself has validated proves it as well; what it says, the text alone would have to tell. */
	const std::string table = action.table->title();
	const std::string column = quoted(action.name);
	const std::string name = quoted(action.table->name + "_" + action.name + "_not_null");
	const std::string hint =
		PG_VERSION_NUM >= 180000
			? "ALTER TABLE " + table + " ADD CONSTRAINT " + name + " NOT NULL " + column +
				  " NOT VALID; In a migration of its own: ALTER TABLE " + table + " VALIDATE CONSTRAINT " + name + ";"
			: "ALTER TABLE " + table + " ADD CONSTRAINT " + name + " CHECK (" + column +
				  " IS NOT NULL) NOT VALID; In a migration of its own: ALTER TABLE " + table + " VALIDATE CONSTRAINT " +
				  name + "; In a third one: ALTER TABLE " + table + " ALTER COLUMN " + column +
				  " SET NOT NULL; ALTER TABLE " + table + " DROP CONSTRAINT " + name + ";";
	context.report({"SET NOT NULL reads every row of " + sized(*action.table) + " while nobody reads or writes it",
					hint,
					{},
					AccessExclusiveLock});
}

// A valid unique index over these columns that no constraint has yet.
const Index *
index_for(const Action &action)
{
	std::vector<std::string> columns =
		action.is_new_column ? std::vector<std::string>{action.column->name} : names_in(definition_of(action)->keys);

	for (const Index &index : action.table->indexes)
		if (index.is_unique && index.is_valid && !index.is_partial && !index.has_expressions && !index.is_constraint &&
			index.columns == columns)
			return &index;
	return nullptr;
}

void
report_index(const Action &action, Context &context, const char *what)
{
	const std::string keyword = is(action, CONSTR_PRIMARY) ? "PRIMARY KEY" : "UNIQUE";
	std::vector<std::string> columns =
		action.is_new_column ? std::vector<std::string>{action.column->name} : names_in(definition_of(action)->keys);
	std::string hint;

	if (is_partitioned(action.table))
		hint = "A partitioned table cannot take over an index: build a unique index on each partition CONCURRENTLY, "
			   "then add "
			   "the constraint to " +
			   action.table->title() + ", which takes those over.";
	else if (const Index *index = index_for(action))
		hint = add(action, keyword + " USING INDEX " + quoted(index->name));
	else
		hint = "Outside of migrations: CREATE UNIQUE INDEX CONCURRENTLY " + quoted(action.name) + " ON " +
			   action.table->title() + " (" + quoted_list(columns) +
			   "); Then: " + add(action, keyword + " USING INDEX " + quoted(action.name));
	context.report(
		{std::string(what) + " builds an index over " + sized(*action.table) + " while nobody reads or writes it",
		 hint,
		 {},
		 AccessExclusiveLock});
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
	std::vector<std::string> columns = names_in(definition_of(action)->keys);
	if (definition_of(action)->indexname != nullptr)
		if (const Index *index = action.table->index(definition_of(action)->indexname))
			columns = index->columns;
	for (const std::string &name : columns)
		if (const Column *column = action.table->column(name); column != nullptr && !column->not_null)
			context.report({"the primary key makes column " + quoted(name) + " NOT NULL, which reads every row of " +
								sized(*action.table) + " while nobody reads or writes it",
							"Make it NOT NULL before, as rule set-not-null-scans tells.",
							{},
							AccessExclusiveLock});
}

void
exclusion_constraint(const Action &action, Context &context)
{
	if (is(action, CONSTR_EXCLUSION))
		context.report({"the exclusion constraint builds an index over " + sized(*action.table) +
							" while nobody reads or writes it, and there is no other way",
						"Plan for the time it takes: mg_rehearse() measures it.",
						{},
						AccessExclusiveLock});
}

void
fk_no_index(const Action &action, Context &context)
{
	if (!is(action, CONSTR_FOREIGN))
		return;
	std::vector<std::string> columns = action.is_new_column ? std::vector<std::string>{action.column->name}
															: names_in(definition_of(action)->fk_attrs);
	for (const Index &index : action.table->indexes)
	{
		if (!index.is_valid || index.is_partial || index.columns.size() < columns.size())
			continue;
		std::vector<std::string> leading(index.columns.begin(),
										 index.columns.begin() + static_cast<long>(columns.size()));
		if (std::is_permutation(leading.begin(), leading.end(), columns.begin()))
			return;
	}
	context.report({"no index of " + action.table->title() +
						" begins with the columns of the foreign key: each DELETE in the other "
						"table reads all of it",
					"CREATE INDEX CONCURRENTLY ON " + action.table->title() + " (" + quoted_list(columns) + ");"});
}

void
fk_type_mismatch(const Action &action, Context &context)
{
	if (!is(action, CONSTR_FOREIGN) || action.other == nullptr || definition_of(action)->pk_attrs == NIL)
		return;
	std::vector<std::string> from = action.is_new_column ? std::vector<std::string>{action.column->name}
														 : names_in(definition_of(action)->fk_attrs);
	std::vector<std::string> to = names_in(definition_of(action)->pk_attrs);
	for (size_t i = 0; i < std::min(from.size(), to.size()); i++)
	{
		const Column *a = action.table->column(from[i]);
		const Column *b = action.other->column(to[i]);
		if (a == nullptr || b == nullptr || !OidIsValid(a->type) || !OidIsValid(b->type) || a->type == b->type)
			continue;
		context.report({"column " + quoted(from[i]) + " and the column " + quoted(to[i]) + " of " +
							action.other->title() + " that it refers to have different types",
						"Give both the same type."});
	}
}

void
drop_constraint_loses_check(const Action &action, Context &context)
{
	const TableConstraint *constraint = action.table->constraint(action.name);

	if (constraint == nullptr || constraint->made_here || constraint->type == CONSTRAINT_FOREIGN)
		return;
	context.report({"from here on nothing keeps " + action.table->title() + " to constraint " + quoted(action.name),
					"Add the one that takes its place first.",
					{},
					AccessExclusiveLock});
}

} // namespace

std::vector<Rule>
constraint_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"fk-without-not-valid",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::add_constraint},
		 fk_without_not_valid,
		 "a foreign key is checked as it is added",
		 "Both tables are locked against writes while every row is looked up.",
		 "Add it NOT VALID, and validate it in a migration of its own, which locks out nobody's writes."},
		{"fk-locks-other",
		 "A",
		 S::info,
		 About::anything,
		 {W::add_constraint},
		 fk_locks_other,
		 "a foreign key locks the table that it refers to",
		 "A new table is nobody's, but the other one may be busy.",
		 "Set lock_timeout, and let it be the last statement."},
		{"drop-fk-locks-both",
		 "A",
		 S::warning,
		 About::existing,
		 {W::drop_constraint},
		 drop_fk_locks_both,
		 "dropping a foreign key locks both tables",
		 "The server removes triggers from the other table too.",
		 "Set lock_timeout, and let it be the last statement."},
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
		 {W::set_not_null},
		 set_not_null_scans,
		 "SET NOT NULL reads the whole table",
		 "Nobody reads or writes it meanwhile.",
		 "Prove it first: by a validated CHECK, from 18 on by NOT NULL NOT VALID."},
		{"unique-constraint-builds-index",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::add_constraint},
		 unique_constraint_builds_index,
		 "a unique constraint builds its index",
		 "Nobody reads or writes the table meanwhile.",
		 "Build the index CONCURRENTLY and hand it over with USING INDEX."},
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
		{"fk-type-mismatch",
		 "A",
		 S::info,
		 About::anything,
		 {W::add_constraint},
		 fk_type_mismatch,
		 "the columns of a foreign key have different types",
		 "What the narrower one cannot hold cannot be referred to.",
		 "Give both the same type."},
		{"fk-no-index",
		 "A",
		 S::info,
		 About::existing,
		 {W::add_constraint},
		 fk_no_index,
		 "a foreign key without an index",
		 "Each DELETE and each change of the key in the other table reads this one from end to end.",
		 "Create an index CONCURRENTLY."},
		{"drop-constraint-loses-check",
		 "A",
		 S::info,
		 About::existing,
		 {W::drop_constraint},
		 drop_constraint_loses_check,
		 "a constraint is dropped",
		 "Nothing keeps rows to it any more.",
		 "Add what takes its place first."},
	};
}

} // namespace mg::lint
