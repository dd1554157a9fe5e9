// Group A: foreign keys.
#include "lint/definitions.hpp"
#include "lint/facts.hpp"
#include "lint/judge.hpp"
#include "lint/rule.hpp"
#include "lint/sequences.hpp"
#include "lint/statistics.hpp"
#include "lint/words.hpp"
#include "script/tokens.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

// The definition, if it is one of a foreign key.
const Constraint *
key_of(const Action &action)
{
	const auto *definition = part_as<Constraint>(action, T_Constraint);
	return definition != nullptr && definition->contype == CONSTR_FOREIGN ? definition : nullptr;
}

std::vector<std::string>
referring_columns(const Action &action)
{
	return action.is_new_column ? std::vector<std::string>{action.column->name} : names_in(key_of(action)->fk_attrs);
}

// Those that it names, or the primary key; empty where nobody knows.
std::vector<std::string>
referred_columns(const Action &action)
{
	if (key_of(action)->pk_attrs != NIL)
		return names_in(key_of(action)->pk_attrs);
	for (const TableConstraint &constraint : action.other->constraints)
		if (constraint.type == CONSTRAINT_PRIMARY)
			return constraint.columns;
	return {};
}

bool
is_checked_now(const Action &action)
{
	const Constraint *definition = key_of(action);

	if (definition == nullptr || definition->skip_validation)
		return false;
#if PG_VERSION_NUM >= 180000
	if (!definition->is_enforced)
		return false;
#endif
	/* A new column that is NULL everywhere is not checked (transformFKConstraints). */
	return !action.is_new_column || action.column->has_default;
}

void
fk_without_not_valid(const Action &action, Context &context)
{
	if (!is_checked_now(action))
		return;
	std::vector<Step> steps = action.is_new_column ? column_steps(action, context) : key_steps(action, context);
	std::string hint;
	if (steps.empty())
		hint = "Before 18, a foreign key of a partitioned table cannot be NOT VALID: add it to each partition NOT "
			   "VALID, validate it there, and then add it to " +
			   action.table->title() + ", which takes over what is valid.";
	context.report({"the foreign key checks every row of " + sized(*action.table) + " while nobody " +
						(action.is_new_column ? "reads or writes it" : "writes to it"),
					hint, std::move(steps), action.is_new_column ? AccessExclusiveLock : ShareRowExclusiveLock,
					Work::scan});
}

// Whether rows of a small table are changed all the time.
bool
is_busy(const Table &table)
{
	constexpr int64_t many = 1000;

	return OidIsValid(table.oid) && updates_of(table) + deletions_of(table) >= many;
}

void
fk_locks_other(const Action &action, Context &context)
{
	if (key_of(action) == nullptr || action.other == nullptr || action.other == action.table ||
		!context.is_existing(*action.other) || (!context.is_occupied(*action.other) && !is_busy(*action.other)))
		return;
	Report report;
	report.message =
		"the foreign key keeps others from writing to " + sized(*action.other) + " until the migration ends";
	report.hint = "Let the statement be the last one of its migration, and SET lock_timeout before it.";
	report.lock = ShareRowExclusiveLock;
	report.table = action.other;
	context.report(std::move(report));
}

void
report_other(Context &context, const Table *other, const std::string &what)
{
	Report report;

	report.message = what + " locks " + other->title() + " too, against reading and writing";
	report.hint = "SET lock_timeout before it, and let it be the last statement of its migration.";
	report.lock = AccessExclusiveLock;
	report.table = other;
	context.report(std::move(report));
}

void
drop_fk_locks_both(const Action &action, Context &context)
{
	constexpr const char *sql =
		"SELECT DISTINCT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid = $1::oid AND conrelid <> "
		"$1::oid AND conparentid = 0 AND ($2::oid = 0 OR conindid = $2::oid) ORDER BY 1";
	std::vector<const Table *> others;
	auto add = [&](const Table *other) {
		if (other != nullptr && other != action.table && context.is_existing(*other) &&
			std::find(others.begin(), others.end(), other) == others.end())
			others.push_back(other);
	};

	for (const TableConstraint &constraint : action.table->constraints)
	{
		const bool goes =
			action.what == What::drop_table ||
			(action.what == What::drop_constraint && constraint.name == action.name) ||
			(action.what == What::drop_column &&
			 std::find(constraint.columns.begin(), constraint.columns.end(), action.name) != constraint.columns.end());
		if (!goes)
			continue;
		if (constraint.type == CONSTRAINT_FOREIGN && OidIsValid(constraint.other))
			add(context.model().find(constraint.other));
		else if ((constraint.type == CONSTRAINT_PRIMARY || constraint.type == CONSTRAINT_UNIQUE) && action.cascade &&
				 OidIsValid(constraint.index) && OidIsValid(action.table->oid))
			for (Oid oid : oids(sql, {cell_of(action.table->oid), cell_of(constraint.index)}))
				add(context.model().find(oid));
	}
	for (const Table *other : others)
		report_other(context, other,
					 action.what == What::drop_constraint ? "dropping a foreign key"
														  : "dropping what has a foreign key");
}

// Each pair of columns with how they fit.
template <typename Each>
void
each_pair(const Action &action, Each each)
{
	if (key_of(action) == nullptr || action.other == nullptr)
		return;
	const std::vector<std::string> from = referring_columns(action);
	const std::vector<std::string> to = referred_columns(action);
	for (size_t i = 0; i < std::min(from.size(), to.size()); i++)
	{
		const Column *a = action.table->column(from[i]);
		const Column *b = action.other->column(to[i]);
		if (a != nullptr && b != nullptr && OidIsValid(a->type) && OidIsValid(b->type))
			each(*a, *b);
	}
}

std::string
type_name(Oid type)
{
	return pg::guarded([&] { return format_type_be(type); });
}

std::string
pair_of(const Action &action, const Column &a, const Column &b)
{
	return "column " + quoted(a.name) + " (" + type_name(a.type) + ") and column " + quoted(b.name) + " (" +
		   type_name(b.type) + ") of " + action.other->title();
}

void
fk_type_mismatch(const Action &action, Context &context)
{
	each_pair(action, [&](const Column &a, const Column &b) {
		const KeyMatch match = a.type == b.type ? KeyMatch::same : match_of(a.type, b.type);
		if (match == KeyMatch::comparable)
			context.report({pair_of(action, a, b) + " that it refers to have different types",
							"Give both the same type, the wider one."});
		else if (match == KeyMatch::converted)
			context.report({pair_of(action, a, b) +
								" that it refers to are compared by a conversion, for which no index of " +
								action.table->title() + " is of use",
							"Give both the same type."});
	});
}

void
fk_types_incomparable(const Action &action, Context &context)
{
	each_pair(action, [&](const Column &a, const Column &b) {
		if (a.type != b.type && match_of(a.type, b.type) == KeyMatch::none)
			context.report(
				{"the statement fails: " + pair_of(action, a, b) + " cannot be compared", "Give both the same type."});
	});
}

void
fk_nondeterministic_collation(const Action &action, Context &context)
{
	each_pair(action, [&](const Column &a, const Column &b) {
		if (a.collation == b.collation || !OidIsValid(a.collation) || !OidIsValid(b.collation) ||
			(is_deterministic(a.collation) && is_deterministic(b.collation)))
			return;
		context.report({"column " + quoted(a.name) + " and column " + quoted(b.name) + " of " + action.other->title() +
							" take different values for equal, by their collations" +
							(PG_VERSION_NUM >= 180000 ? ", and the statement fails" : ", which 18 refuses"),
						"Give both the same collation."});
	});
}

void
fk_on_delete_implicit(const Action &action, Context &context)
{
	const Constraint *definition = key_of(action);

	if (definition == nullptr || definition->fk_del_action != FKCONSTR_ACTION_NOACTION)
		return;
	std::string before;
	for (const script::Token &token : script::tokens_of(context.piece_at(definition->location)))
	{
		if (before == "on" && token.word == "delete")
			return;
		before = token.word;
	}
	context.report({"the foreign key does not say what becomes of rows of " + action.table->title() +
						" when the row that they refer to is deleted",
					"Write ON DELETE CASCADE, SET NULL, RESTRICT or NO ACTION."});
}

void
fk_cascade_fanout(const Action &action, Context &context)
{
	constexpr double many = 1000;
	const Constraint *definition = key_of(action);

	if (definition == nullptr || action.other == nullptr || action.table->rows < many ||
		(definition->fk_del_action != FKCONSTR_ACTION_CASCADE && definition->fk_del_action != FKCONSTR_ACTION_SETNULL &&
		 definition->fk_del_action != FKCONSTR_ACTION_SETDEFAULT))
		return;
	double rows = action.other->rows > 0 ? action.table->rows / action.other->rows : 0;
	const std::vector<std::string> columns = referring_columns(action);
	const Column *column = columns.size() == 1 ? action.table->column(columns[0]) : nullptr;
	if (column != nullptr)
		if (auto known = statistics_of(*action.table, *column); known.has_value() && known->distinct > 0)
			rows = std::max(known->most_common, (1 - known->nulls) / known->distinct) * action.table->rows;
	if (rows >= many)
		context.report({"deleting one row of " + action.other->title() + " " +
							(definition->fk_del_action == FKCONSTR_ACTION_CASCADE ? "deletes" : "updates") +
							" up to about " + whole(rows) + " rows of " + sized(*action.table),
						"Use ON DELETE RESTRICT, and delete the rows in batches before."});
}

// Of foreign keys that the script made, at its end: an index may come after them.
void
fk_no_index(const Action &, Context &context)
{
	Locations locations = locations_of(context, What::add_constraint);

	for (const std::unique_ptr<Table> &table : context.model().tables())
		for (const TableConstraint &constraint : table->constraints)
		{
			if (constraint.type != CONSTRAINT_FOREIGN || !constraint.made_here || constraint.columns.empty() ||
				table->persistence == RELPERSISTENCE_TEMP ||
				context.model().find(table->schema, table->name) != table.get())
				continue;
			const size_t count = constraint.columns.size();
			const bool is_indexed = std::any_of(table->indexes.begin(), table->indexes.end(), [&](const Index &index) {
				return index.is_valid && !index.is_partial && static_cast<size_t>(index.keys) >= count &&
					   index.columns.size() >= count &&
					   std::is_permutation(index.columns.begin(), index.columns.begin() + static_cast<long>(count),
										   constraint.columns.begin());
			});
			if (is_indexed)
				continue;
			const std::string columns = table->title() + " (" + quoted_list(constraint.columns) + ")";
			Report report;
			report.message =
				"no index of " + table->title() + " begins with the columns of foreign key " + quoted(constraint.name) +
				": each DELETE, and each change of the key, in the table that it refers to reads all of it";
			if (!context.is_existing(*table))
				report.steps = {step("CREATE INDEX ON " + columns)};
			else if (is_partitioned(table.get()))
				report.hint = "Build an index on each partition CONCURRENTLY, then one ON ONLY " + table->title() +
							  ", and attach them.";
			else
				report.steps = {outside_step("CREATE INDEX CONCURRENTLY ON " + columns)};
			report.afterwards = true;
			report.table = table.get();
			report.location = locations[{table.get(), constraint.name}];
			context.report(std::move(report));
		}
}

#if PG_VERSION_NUM >= 180000
const ATAlterConstraint *
change_of(const Action &action)
{
	return castNode(ATAlterConstraint, part_as<AlterTableCmd>(action, T_AlterTableCmd)->def);
}
#endif

void
alter_constraint(const Action &action, Context &context)
{
#if PG_VERSION_NUM >= 180000
	if (!change_of(action)->alterDeferrability)
		return;
	const bool is_deferrable = change_of(action)->deferrable;
#else
	const bool is_deferrable = castNode(Constraint, part_as<AlterTableCmd>(action, T_AlterTableCmd)->def)->deferrable;
#endif
	context.report(
		{"constraint " + quoted(action.name) + " of " + action.table->title() +
			 (is_deferrable ? " can be put off to the end of a transaction from here on, so that COMMIT may fail"
							: " is checked with each statement from here on, so that transactions fail that "
							  "put it right before they end"),
		 "See what the applications rely on before.",
		 {},
		 lock_of(part_as<AlterTableCmd>(action, T_AlterTableCmd))});
}

void
enforcing_scans(const Action &action, Context &context)
{
#if PG_VERSION_NUM >= 180000
	const TableConstraint *constraint = action.table->constraint(action.name);

	if (!change_of(action)->alterEnforceability || !change_of(action)->is_enforced || constraint == nullptr ||
		constraint->enforced)
		return;
	std::vector<Step> steps;
	const std::string clause =
		OidIsValid(constraint->oid) ? constraint_definition(constraint->oid, action.table->oid).value_or("") : "";
	if (const size_t end = clause.find(" NOT ENFORCED"); end != std::string::npos)
		steps = {step(alter(*action.table) + " DROP CONSTRAINT " + quoted(action.name) + ", ADD CONSTRAINT " +
					  quoted(action.name) + " " + clause.substr(0, end) + " NOT VALID"),
				 validate_step(*action.table, action.name)};
	context.report({"ENFORCED checks every row of " + sized(*action.table) + " while nobody reads or writes it", "",
					std::move(steps), lock_of(part_as<AlterTableCmd>(action, T_AlterTableCmd)), Work::scan});
#else
	(void)action;
	(void)context;
#endif
}

} // namespace

std::vector<Rule>
reference_rules()
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
		 {W::drop_constraint, W::drop_column, W::drop_table},
		 drop_fk_locks_both,
		 "dropping a foreign key, or what has one, locks both tables",
		 "The server removes triggers from the other table too.",
		 "Set lock_timeout, and let it be the last statement."},
		{"fk-type-mismatch",
		 "A",
		 S::info,
		 About::anything,
		 {W::add_constraint},
		 fk_type_mismatch,
		 "the columns of a foreign key have different types",
		 "What the narrower one cannot hold cannot be referred to, and a conversion keeps indexes from being used.",
		 "Give both the same type."},
		{"fk-types-incomparable",
		 "A",
		 S::error,
		 About::anything,
		 {W::add_constraint},
		 fk_types_incomparable,
		 "the columns of a foreign key cannot be compared",
		 "The statement fails.",
		 "Give both the same type."},
		{"fk-no-index",
		 "A",
		 S::info,
		 About::anything,
		 {W::script_end},
		 fk_no_index,
		 "a foreign key without an index",
		 "Each DELETE and each change of the key in the other table reads this one from end to end.",
		 "Create an index, CONCURRENTLY if the table was there before."},
		{"fk-nondeterministic-collation",
		 "A",
		 S::warning,
		 About::anything,
		 {W::add_constraint},
		 fk_nondeterministic_collation,
		 "the columns of a foreign key differ in their collations, one of which is not deterministic",
		 "The tables do not agree on which values are equal, and 18 refuses such a key.",
		 "Give both the same collation."},
		{"fk-on-delete-implicit",
		 "A",
		 S::off,
		 About::anything,
		 {W::add_constraint},
		 fk_on_delete_implicit,
		 "a foreign key does not say what a DELETE does",
		 "Readers cannot tell whether NO ACTION is meant.",
		 "Write ON DELETE and what it does."},
		{"fk-cascade-fanout",
		 "A",
		 S::info,
		 About::occupied,
		 {W::add_constraint},
		 fk_cascade_fanout,
		 "a DELETE of one row goes on to thousands",
		 "It runs in one transaction, which keeps locks on all those rows.",
		 "Delete them in batches before."},
		{"alter-constraint",
		 "A",
		 S::info,
		 About::existing,
		 {W::alter_constraint},
		 alter_constraint,
		 "a constraint is made deferrable, or is no longer",
		 "Errors come at another time, which applications may not expect.",
		 "Tell those who write to the table."},
		{"enforcing-scans",
		 "A",
		 S::warning,
		 About::occupied,
		 {W::alter_constraint},
		 enforcing_scans,
		 "a constraint that was NOT ENFORCED is enforced",
		 "Every row is checked while nobody reads or writes the table.",
		 "Drop it and add it NOT VALID, and validate it in a migration of its own.",
		 18},
	};
}

} // namespace mg::lint
