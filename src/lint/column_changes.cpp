// Group B: columns that are dropped or changed.
#include "lint/facts.hpp"
#include "lint/judge.hpp"
#include "lint/rule.hpp"
#include "lint/sequences.hpp"
#include "lint/statistics.hpp"
#include "lint/words.hpp"
#include "pg/text.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

std::string
joined(const std::vector<std::string> &parts)
{
	constexpr size_t enough = 6;
	std::string result;

	for (size_t i = 0; i < parts.size() && i < enough; i++)
		result += (i == 0 ? "" : ", ") + parts[i];
	return parts.size() > enough ? result + " and " + std::to_string(parts.size() - enough) + " more" : result;
}

LOCKMODE
own_lock(const Action &action)
{
	return lock_of(part_as<AlterTableCmd>(action, T_AlterTableCmd));
}

// Whether the script has dropped or replaced something, so that it may not depend on the table any more.
bool
is_gone(Context &context, const Dependent &dependent)
{
	const bool is_relation = dependent.kind == "view" || dependent.kind == "materialized view";

	return std::any_of(context.done().begin(), context.done().end(), [&](const Done &done) {
		if (done.what == What::unseen || done.what == What::call)
			return true;
		if (is_relation)
			return done.table != nullptr &&
				   (done.what == What::drop_other || done.what == What::drop_table || done.what == What::create_view) &&
				   done.table->title() == dependent.title;
		return done.what == What::drop_other || done.what == What::drop_constraint || done.what == What::drop_table ||
			   done.what == What::drop_column || done.what == What::drop_expression;
	});
}

// What keeps a column from being dropped without CASCADE.
std::vector<std::string>
blockers_of(const Action &action, Context &context)
{
	/* Generated columns of the same table: their defaults need it, and go with it only by CASCADE. */
	constexpr const char *generated =
		"SELECT quote_ident(a.attname) FROM pg_depend d JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND "
		"f.oid = d.objid JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum "
		"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid AND d.refobjsubid = $2::int AND "
		"a.attgenerated <> '' AND a.attnum <> $2::int ORDER BY 1";
	std::vector<std::string> result;

	if (action.column == nullptr || action.column->number <= 0 || !OidIsValid(action.table->oid))
		return result;
	for (const Dependent &one : dependents_of(action.table->oid, action.column->number))
		if (!one.is_automatic && one.kind != "default value" && !is_gone(context, one))
			result.push_back(one.kind + " " + one.title);
	const Dependent column = {"table column", "", false};
	if (!is_gone(context, column))
		for (const pg::Row &row : facts(generated, {cell_of(action.table->oid), std::to_string(action.column->number)}))
			result.push_back("generated column " + row[0].value_or(""));
	return result;
}

// Those of a generated column can be made again.
bool
is_without_values(const Table &table, const Column &column)
{
	if (column.generated != '\0' || table.bytes == 0)
		return true;
	const auto known = statistics_of(table, column);
	return known.has_value() && known->nulls >= 1;
}

void
drop_column(const Action &action, Context &context)
{
	const Table &table = *action.table;
	std::string what;

	if (action.column == nullptr || action.column->made_here || is_without_values(table, *action.column))
		return;
	if (auto known = statistics_of(table, *action.column); known.has_value())
	{
		const auto bytes = static_cast<int64_t>((1 - known->nulls) * table.rows * known->width);
		what = ", about " + pg::size_text(bytes);
	}
	std::vector<std::string> along;
	for (const Index &index : table.indexes)
		if (std::find(index.columns.begin(), index.columns.end(), action.name) != index.columns.end())
			along.push_back("index " + quoted(index.name));
	for (const TableConstraint &constraint : table.constraints)
		if ((constraint.type == CONSTRAINT_CHECK || constraint.type == CONSTRAINT_FOREIGN) &&
			std::find(constraint.columns.begin(), constraint.columns.end(), action.name) != constraint.columns.end())
			along.push_back("constraint " + quoted(constraint.name));
	context.report({"the values of column " + quoted(action.name) + " of " + table.title() + what +
						(what.empty() ? "" : ",") + " go" + (along.empty() ? "" : ", and with them " + joined(along)) +
						"; the space is not freed until the rows are written again",
					"Let no application use the column any more, and then drop it in a migration of its own.",
					{},
					own_lock(action)});
}

void
drop_empty_column(const Action &action, Context &context)
{
	if (action.column == nullptr || action.column->made_here || !is_without_values(*action.table, *action.column))
		return;
	context.report({"column " + quoted(action.name) + " of " + action.table->title() +
						" is dropped: no values are lost, but an application that names it gets errors",
					"Let no application use the column any more, and then drop it in a migration of its own."});
}

void
drop_column_blocked(const Action &action, Context &context)
{
	if (action.cascade || action.column == nullptr)
		return;
	std::vector<std::string> blockers = blockers_of(action, context);
	if (!blockers.empty())
		context.report({"the statement fails: " + joined(blockers) + " " + (blockers.size() == 1 ? "needs" : "need") +
							" column " + quoted(action.name) + " of " + action.table->title(),
						"Drop or replace what needs it first, in the same migration."});
}

void
drop_column_cascade(const Action &action, Context &context)
{
	if (!action.cascade || action.column == nullptr)
		return;
	std::vector<std::string> blockers = blockers_of(action, context);
	if (!blockers.empty())
		context.report({"CASCADE drops " + joined(blockers) + " with column " + quoted(action.name) + " of " +
							action.table->title(),
						"Drop or replace them by name, so that the script says what goes.",
						{},
						own_lock(action)});
}

// As ATExecDropNotNull() refuses it.
std::string
why_not_null(const Action &action)
{
	if (action.column->identity != '\0')
		return "it is an identity";
	for (const TableConstraint &constraint : action.table->constraints)
		if (constraint.type == CONSTRAINT_PRIMARY &&
			std::find(constraint.columns.begin(), constraint.columns.end(), action.name) != constraint.columns.end())
			return "primary key " + quoted(constraint.name) + " needs it";
	return "";
}

void
drop_not_null(const Action &action, Context &context)
{
	if (action.column == nullptr || action.column->made_here || !why_not_null(action).empty())
		return;
	context.report({"from here on column " + quoted(action.name) + " of " + action.table->title() + " may be NULL",
					"See to it that whoever reads the column expects it, before it happens.",
					{},
					own_lock(action)});
}

void
drop_not_null_refused(const Action &action, Context &context)
{
	if (action.column == nullptr)
		return;
	const std::string why = why_not_null(action);
	if (!why.empty())
		context.report({"the statement fails: column " + quoted(action.name) + " of " + action.table->title() +
							" must be NOT NULL, since " + why,
						"Drop that first."});
}

void
change_default(const Action &action, Context &context)
{
	if (action.column == nullptr || action.column->made_here)
		return;
	context.report({"rows of " + action.table->title() + " that are there keep what they have in column " +
						quoted(action.name) + "; those that are written without it get another value from here on",
					"Tell those who rely on the old one.",
					{},
					own_lock(action)});
}

void
set_expression_rewrites(const Action &action, Context &context)
{
	if (action.column != nullptr && action.column->generated == ATTRIBUTE_GENERATED_STORED)
		context.report({"SET EXPRESSION writes " + sized(*action.table) + " anew while nobody reads or writes it",
						"Add another generated column in a quiet hour, or an ordinary one that a trigger fills.",
						{},
						own_lock(action),
						Work::rewrite});
}

void
drop_identity(const Action &action, Context &context)
{
	if (action.column == nullptr || action.column->identity == '\0')
		return;
	context.report({"from here on column " + quoted(action.name) + " of " + action.table->title() +
						" numbers no row, and an INSERT without it fails",
					"Give it a default first, or let those who insert give the value.",
					{},
					own_lock(action)});
}

void
sequence_without_owner(const Action &action, Context &context)
{
	const auto *statement = castNode(AlterSeqStmt, action.statement);
	ListCell *cell;

	foreach (cell, statement->options)
	{
		const auto *option = lfirst_node(DefElem, cell);
		if (strcmp(option->defname, "owned_by") != 0)
			continue;
		const std::vector<std::string> owner = names_in(castNode(List, option->arg));
		if (owner.size() != 1 || owner[0] != "none")
			return;
		const Table *sequence = context.model().find(statement->sequence);
		Report report;
		report.message = "from here on sequence " +
						 (sequence != nullptr ? sequence->title() : quoted(statement->sequence->relname)) +
						 " stays when its table or column is dropped";
		report.hint = "Give it another owner: ALTER SEQUENCE OWNED BY, or drop it with its column.";
		report.table = sequence;
		context.report(std::move(report));
	}
}

void
column_storage(const Action &action, Context &context)
{
	const AlterTableType form = part_as<AlterTableCmd>(action, T_AlterTableCmd)->subtype;

	if (form != AT_SetStorage && form != AT_SetCompression)
		return;
	context.report({"rows of " + sized(*action.table) + " that are there keep the " +
						(form == AT_SetStorage ? "storage" : "compression") + " that column " + quoted(action.name) +
						" had, until they are written again",
					"Write them again in batches if it matters; VACUUM FULL does not compress anew.",
					{},
					own_lock(action)});
}

} // namespace

std::vector<Rule>
column_change_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"drop-column",
		 "B",
		 S::warning,
		 About::existing,
		 {W::drop_column},
		 drop_column,
		 "a column is dropped",
		 "Its values go with it, and what still uses it fails.",
		 "Drop it once nothing uses it.",
		 0,
		 0,
		 true,
		 true},
		breaking({"drop-empty-column",
				  "B",
				  S::info,
				  About::existing,
				  {W::drop_column},
				  drop_empty_column,
				  "a column without values of its own is dropped",
				  "What still names it fails.",
				  "Drop it once nothing uses it."}),
		{"drop-column-blocked",
		 "B",
		 S::error,
		 About::existing,
		 {W::drop_column},
		 drop_column_blocked,
		 "a column is dropped that something else needs",
		 "The statement fails.",
		 "Drop or replace first what needs it."},
		{"drop-column-cascade",
		 "B",
		 S::warning,
		 About::existing,
		 {W::drop_column},
		 drop_column_cascade,
		 "a column is dropped with all that needs it",
		 "The script does not say what else goes.",
		 "Drop or replace by name what needs it.",
		 0,
		 0,
		 true,
		 true},
		{"drop-not-null",
		 "B",
		 S::info,
		 About::existing,
		 {W::drop_not_null},
		 drop_not_null,
		 "a column may be NULL from here on",
		 "Applications that rely on a value fail when they meet the first NULL.",
		 "Change the applications first.",
		 0,
		 0,
		 true},
		{"drop-not-null-refused",
		 "B",
		 S::error,
		 About::anything,
		 {W::drop_not_null},
		 drop_not_null_refused,
		 "DROP NOT NULL on a column of the primary key or an identity",
		 "The statement fails.",
		 "Drop the key or the identity first."},
		{"change-default",
		 "B",
		 S::off,
		 About::existing,
		 {W::set_default, W::drop_default},
		 change_default,
		 "the default of a column changes",
		 "Those who insert without the column get another value.",
		 "Tell those who rely on it."},
		{"set-expression-rewrites",
		 "B",
		 S::warning,
		 About::occupied,
		 {W::set_expression},
		 set_expression_rewrites,
		 "the expression of a stored generated column changes",
		 "It is computed again for each row, so that the table is written anew.",
		 "Use another column, and change over.",
		 17},
		{"drop-identity",
		 "B",
		 S::info,
		 About::existing,
		 {W::drop_identity},
		 drop_identity,
		 "a column is no identity any more",
		 "It is still NOT NULL, and an INSERT without it fails.",
		 "Give it a default first.",
		 0,
		 0,
		 true},
		{"sequence-without-owner",
		 "B",
		 S::info,
		 About::anything,
		 {W::alter_sequence},
		 sequence_without_owner,
		 "a sequence belongs to no column any more",
		 "It stays when the column goes, and nobody knows what it is for.",
		 "Give it another owner."},
		{"column-storage",
		 "B",
		 S::info,
		 About::occupied,
		 {W::set_column_option},
		 column_storage,
		 "the storage or compression of a column changes",
		 "Only rows that are written from here on have it.",
		 "Write the others again in batches."},
	};
}

} // namespace mg::lint
