// Group B: columns that are added.
#include "lint/alter.hpp"
#include "lint/judge.hpp"
#include "lint/rule.hpp"
#include "lint/sequences.hpp"
#include "lint/words.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

const Constraint *
constraint_of(const Action &action, ConstrType type)
{
	ListCell *cell;

	foreach (cell, action.definition->constraints)
		if (const auto *constraint = lfirst_node(Constraint, cell); constraint->contype == type)
			return constraint;
	return nullptr;
}

bool
is_numbered(const Action &action)
{
	return OidIsValid(serial_type(action.definition->typeName)) || constraint_of(action, CONSTR_IDENTITY) != nullptr;
}

// Whether the rows get a value with the column.
bool
is_filled(const Action &action)
{
	const Node *value = default_of(action.definition);

	if (value != nullptr)
		return !is_null_constant(value);
	return is_numbered(action) || constraint_of(action, CONSTR_GENERATED) != nullptr ||
		   has_default_of_its_own(action.column->type);
}

void
report_rewrite(const Action &action, Context &context, const std::string &what, const std::string &hint,
			   std::vector<Step> steps)
{
	context.report({what + " writes " + sized(*action.table) + " anew while nobody reads or writes it", hint,
					std::move(steps), AccessExclusiveLock, Work::rewrite});
}

void
add_column_volatile_default(const Action &action, Context &context)
{
	const Node *value = default_of(action.definition);

	if (value == nullptr)
		return;
	/* Most are constants. */
	if (IsA(value, A_Const) || is_constrained_domain(action.column->type))
		return;
	const Volatility found =
		volatility_of(value, *action.table, context.model(), EXPR_KIND_COLUMN_DEFAULT, action.column);
	if (found < Volatility::is_volatile)
		return;
	std::vector<Step> steps = column_steps(action, context);
	const std::string hint =
		steps.empty() ? "Add the column without it, SET DEFAULT, and fill the rows in batches." : "";
	report_rewrite(action, context,
				   found == Volatility::unknown ? "the default, if it is not stable,"
												: "the default is another one for each row, and the column",
				   hint, std::move(steps));
}

void
add_column_constrained_domain(const Action &action, Context &context)
{
	if (is_constrained_domain(action.column->type))
		report_rewrite(action, context, "a column of a domain with constraints",
					   "Use the base type, and a CHECK of the table that is NOT VALID and validated later.", {});
}

void
add_numbered_column(const Action &action, Context &context)
{
	if (!is_numbered(action))
		return;
	std::vector<Step> steps = column_steps(action, context);
	const std::string hint =
		steps.empty() ? "Add the column without it, fill the rows in batches, and then add the identity." : "";
	report_rewrite(action, context, "numbering the rows", hint, std::move(steps));
}

void
add_stored_generated(const Action &action, Context &context)
{
	if (action.column->generated == ATTRIBUTE_GENERATED_STORED)
		report_rewrite(
			action, context, "the generated column",
			PG_VERSION_NUM >= 180000
				? "Make it VIRTUAL, which stores nothing; or use an ordinary column, a trigger that fills "
				  "it, and batches."
				: "Use an ordinary column, a trigger that fills it, and batches for the rows that are there.",
			{});
}

// Unless the table is empty, which only the server can tell when it runs.
void
add_required_column(const Action &action, Context &context)
{
	const Table &table = *action.table;
	const bool is_required = action.column->not_null || is_not_null_domain(action.column->type);

	if (!is_required || is_filled(action) || table.bytes == 0 || table.rows == 0 || table.is_written)
		return;
	context.report({"the statement fails: the rows of " + table.title() + " have no value for column " +
						quoted(action.name) + ", which is NOT NULL",
					"Give it a DEFAULT, which writes no row unless it is volatile; or add it without NOT NULL, fill it "
					"in batches, and then SET NOT NULL as rule set-not-null-scans tells."});
}

void
json_column(const Action &action, Context &context)
{
	if (action.definition == nullptr || !OidIsValid(action.column->type) ||
		pg::guarded([&] { return getBaseType(action.column->type); }) != JSONOID)
		return;
	context.report({"column " + quoted(action.name) +
						" of type json cannot be compared, so that DISTINCT, GROUP BY and "
						"UNION over rows of " +
						action.table->title() + " fail",
					"Use jsonb."});
}

void
report_limit(const Action &action, Context &context, const std::string &message)
{
	const auto dropped = static_cast<size_t>(action.table->attributes) - action.table->columns.size();

	context.report({message + (dropped > 0 ? ", " + std::to_string(dropped) + " of which are dropped ones" : ""),
					dropped > 0 ? "Dropped columns count until the table is made anew: CREATE TABLE LIKE, copy, rename."
								: "Put some into a table of their own, or into a jsonb."});
}

void
too_many_columns(const Action &action, Context &context)
{
	if (action.table != nullptr && action.table->attributes >= MaxHeapAttributeNumber &&
		action.table->kind != RELKIND_VIEW)
		report_limit(action, context,
					 "the statement fails: " + action.table->title() + " has " +
						 std::to_string(action.table->attributes) + " columns");
}

void
column_limit_near(const Action &action, Context &context)
{
	constexpr int near = 1400;

	if (action.table == nullptr || action.table->attributes < near ||
		action.table->attributes >= MaxHeapAttributeNumber)
		return;
	/* Once for each table. */
	if (action.table->attributes > near &&
		std::any_of(context.done().begin(), context.done().end(),
					[&](const Done &done) { return done.what == What::add_column && done.table == action.table; }))
		return;
	report_limit(action, context,
				 action.table->title() + " has " + std::to_string(action.table->attributes) + " of the " +
					 std::to_string(MaxHeapAttributeNumber) + " columns that a table can have");
}

// How many bytes a row's columns take in an order, without NULLs and what is long.
int
width_of(const std::vector<TypeCacheEntry *> &types)
{
	int width = 0;

	for (const TypeCacheEntry *type : types)
	{
		/* A short value of variable length needs no alignment. */
		if (type->typlen > 0)
			width = static_cast<int>(att_align_nominal(width, type->typalign)) + type->typlen;
		else
			width += 8;
	}
	return width;
}

void
alignment_padding(const Action &, Context &context)
{
	constexpr int worth_it = 8;

	for (const std::unique_ptr<Table> &table : context.model().tables())
	{
		std::vector<TypeCacheEntry *> types;
		if (!table->made_here || table->columns.size() < 2)
			continue;
		for (const Column &column : table->columns)
			if (OidIsValid(column.type))
				if (TypeCacheEntry *type = pg::guarded(
						[&] { return get_typisdefined(column.type) ? lookup_type_cache(column.type, 0) : nullptr; }))
					types.push_back(type);
		if (types.size() < table->columns.size())
			continue;
		const int width = width_of(types);
		std::stable_sort(types.begin(), types.end(), [](const TypeCacheEntry *a, const TypeCacheEntry *b) {
			return (a->typlen > 0 ? a->typlen : 0) > (b->typlen > 0 ? b->typlen : 0);
		});
		const int wasted = width - width_of(types);
		if (wasted < worth_it)
			continue;
		Report report;
		report.message =
			"the order of the columns of " + table->title() + " costs " + std::to_string(wasted) + " bytes in each row";
		report.hint = "Put columns of eight bytes first, then those of four, two and one, and text and the like last.";
		report.table = table.get();
		for (const Done &done : context.done())
			if (done.what == What::create_table && done.table == table.get())
				report.location = done.location;
		context.report(std::move(report));
	}
}

} // namespace

std::vector<Rule>
column_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"add-column-volatile-default",
		 "B",
		 S::warning,
		 About::occupied,
		 {W::add_column},
		 add_column_volatile_default,
		 "a new column has a volatile default",
		 "It is another one for each row, so that the table is written anew; now() and constants are not.",
		 "Add the column, set the default, and fill the rows in batches."},
		{"add-column-constrained-domain",
		 "B",
		 S::warning,
		 About::occupied,
		 {W::add_column},
		 add_column_constrained_domain,
		 "a new column of a domain with constraints",
		 "The table is written anew, even where the column is NULL in each row.",
		 "Use the base type and a CHECK of the table."},
		{"add-numbered-column",
		 "B",
		 S::warning,
		 About::occupied,
		 {W::add_column},
		 add_numbered_column,
		 "a new column is serial or an identity",
		 "Each row gets a number of its own, so that the table is written anew.",
		 "Add the column, fill the rows from a sequence in batches, and then add the identity."},
		{"add-stored-generated",
		 "B",
		 S::warning,
		 About::occupied,
		 {W::add_column},
		 add_stored_generated,
		 "a new generated column is stored",
		 "It is computed for each row, so that the table is written anew.",
		 "From 18 on, make it VIRTUAL; before, fill an ordinary column by a trigger and in batches."},
		{"add-required-column",
		 "B",
		 S::error,
		 About::existing,
		 {W::add_column},
		 add_required_column,
		 "a new column is NOT NULL and the rows have no value for it",
		 "The statement fails.",
		 "Give it a default, or make it NOT NULL once it is filled."},
		{"json-column",
		 "B",
		 S::info,
		 About::anything,
		 {W::add_column},
		 json_column,
		 "a column of type json",
		 "It has no equality: SELECT DISTINCT, GROUP BY and UNION fail.",
		 "Use jsonb."},
		{"too-many-columns",
		 "B",
		 S::error,
		 About::anything,
		 {W::add_column},
		 too_many_columns,
		 "a table is full",
		 "The statement fails; dropped columns count too.",
		 "Make the table anew, or put columns into another one."},
		{"column-limit-near",
		 "B",
		 S::warning,
		 About::anything,
		 {W::add_column},
		 column_limit_near,
		 "a table has nearly as many columns as it can have",
		 "Dropped ones count too, and nothing frees them but a new table.",
		 "Put columns into another table."},
		{"alignment-padding",
		 "B",
		 S::off,
		 About::anything,
		 {W::script_end},
		 alignment_padding,
		 "a new table's columns are in an order that wastes space",
		 "Values of eight bytes begin at multiples of eight, and the gaps are stored in each row.",
		 "Order the columns by their size."},
	};
}

} // namespace mg::lint
