// Group F: rows that are lost, and triggers.
#include <algorithm>

#include "lint/facts.hpp"
#include "lint/objects.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

// Foreign keys of other tables that TRUNCATE reaches, from those in its list on.
struct Reached
{
	Table *table;
	std::string constraint;
};

std::vector<Reached>
reached_by(const Action &action, Context &context)
{
	const auto *statement = castNode(TruncateStmt, action.statement);
	std::vector<Oid> known;
	std::vector<Reached> result;
	ListCell *cell;

	foreach (cell, statement->relations)
		if (const Table *table = context.model().find(lfirst_node(RangeVar, cell)); table != nullptr)
			known.push_back(table->oid);
	if (action.table == nullptr || !OidIsValid(action.table->oid) || known.empty())
		return {};
	/* With a table, its partitions are known too. */
	auto is_known = [&](const Table &table) {
		for (const Table *one = &table; one != nullptr;
			 one = OidIsValid(one->parent) ? context.model().find(one->parent) : nullptr)
			if (std::find(known.begin(), known.end(), one->oid) != known.end())
				return true;
		return false;
	};
	std::vector<Oid> next = {action.table->oid};
	while (!next.empty())
	{
		const Oid from = next.back();
		next.pop_back();
		for (const pg::Row &row :
			 facts("SELECT c.conrelid, c.conname, coalesce(p.conrelid, c.conrelid), coalesce(p.conname, c.conname) "
				   "FROM pg_constraint c LEFT JOIN pg_constraint p ON p.oid = c.conparentid WHERE c.contype = 'f' AND "
				   "c.confrelid = $1::oid ORDER BY c.conparentid <> 0, 2",
				   {cell_of(from)}))
		{
			const auto oid = oid_of(row[0]);
			Table *table = context.model().find(oid);
			Table *root = context.model().find(oid_of(row[2]));
			if (table == nullptr || is_known(*table) || table->constraint(*row[1]) == nullptr || root == nullptr ||
				root->constraint(*row[3]) == nullptr)
				continue;
			known.push_back(oid);
			next.push_back(oid);
			result.push_back({table, *row[3]});
		}
	}
	return result;
}

void
truncate(const Action &action, Context &context)
{
	context.report({"TRUNCATE deletes " + row_count(*action.table) + " of " + sized(*action.table) +
						", and nobody reads or writes it until the migration ends",
					"No event trigger and no row trigger sees it. DELETE in batches lets others go on meanwhile.",
					{},
					AccessExclusiveLock});
}

void
truncate_cascade(const Action &action, Context &context)
{
	if (!action.cascade)
		return;
	for (const Reached &reached : reached_by(action, context))
		if (context.is_occupied(*reached.table))
		{
			Report report;
			report.message = "CASCADE also deletes " + row_count(*reached.table) + " of " + sized(*reached.table) +
							 ", whose foreign key " + quoted(reached.constraint) + " leads there";
			report.hint = "Leave out CASCADE, and name each table that is to be emptied.";
			report.lock = AccessExclusiveLock;
			report.table = reached.table;
			context.report(std::move(report));
		}
}

void
truncate_fails(const Action &action, Context &context)
{
	if (action.cascade || action.table == nullptr)
		return;
	for (const Reached &reached : reached_by(action, context))
	{
		context.report({"TRUNCATE fails: foreign key " + quoted(reached.constraint) + " of " + reached.table->title() +
							" leads to " + action.table->title(),
						"DELETE the rows, or name both tables."});
		return;
	}
}

void
drop_trigger(const Action &action, Context &context)
{
	if (!IsA(action.statement, DropStmt) || castNode(DropStmt, action.statement)->removeType != OBJECT_TRIGGER)
		return;
	const std::vector<const Node *> &statements = context.statements();
	for (size_t i = static_cast<size_t>(context.statement_number()) + 1; i < statements.size(); i++)
		if (IsA(statements[i], CreateTrigStmt))
		{
			const auto *create = castNode(CreateTrigStmt, statements[i]);
			if (action.name == create->trigname && action.table->name == create->relation->relname)
				return;
		}
	if (!fact("SELECT true FROM pg_trigger WHERE tgrelid = $1::oid AND tgname = $2",
			  {cell_of(action.table->oid), action.name})
			 .has_value())
		return;
	context.report({"from here on trigger " + quoted(action.name) + " of " + action.table->title() +
						" does no more what it did on each write",
					"See what it kept in order, and let the application do that before.",
					{},
					AccessExclusiveLock});
}

void
disable_trigger(const Action &action, Context &context)
{
	const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd);
	auto is_off = [](AlterTableType form) {
		return form == AT_DisableTrig || form == AT_DisableTrigAll || form == AT_DisableTrigUser;
	};

	if (command == nullptr || !is_off(command->subtype))
		return;
	const std::vector<const Node *> &statements = context.statements();
	ListCell *cell;
	for (size_t i = static_cast<size_t>(context.statement_number()) + 1; i < statements.size(); i++)
		if (IsA(statements[i], AlterTableStmt) &&
			action.table->name == castNode(AlterTableStmt, statements[i])->relation->relname)
			foreach (cell, castNode(AlterTableStmt, statements[i])->cmds)
			{
				const auto *later = lfirst_node(AlterTableCmd, cell);
				const bool is_on = later->subtype == AT_EnableTrig || later->subtype == AT_EnableTrigAll ||
								   later->subtype == AT_EnableTrigUser || later->subtype == AT_EnableAlwaysTrig;
				if (is_on && (later->name == nullptr || text_of(later->name) == action.name))
					return;
			}
	const std::string what = action.name.empty() ? "all triggers" : "trigger " + quoted(action.name);
	context.report({"the script leaves " + what + " of " + action.table->title() + " disabled",
					command->subtype == AT_DisableTrigAll
						? "Foreign keys are checked by triggers too: rows that break them get in. Enable them again."
						: "Enable it again in the same migration.",
					{},
					ShareRowExclusiveLock});
}

} // namespace

std::vector<Rule>
loss_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"truncate",
		 "F",
		 S::warning,
		 About::occupied,
		 {W::truncate},
		 truncate,
		 "a table with rows is truncated",
		 "Only an archive or a backup brings them back, and nobody reads or writes the table meanwhile.",
		 "Delete in batches what has to go.",
		 0,
		 0,
		 false,
		 true},
		{"truncate-cascade",
		 "F",
		 S::warning,
		 About::anything,
		 {W::truncate},
		 truncate_cascade,
		 "TRUNCATE CASCADE reaches a table with rows",
		 "All tables that refer to it are emptied, however far.",
		 "Name each table that is to be emptied.",
		 0,
		 0,
		 false,
		 true},
		{"truncate-fails",
		 "F",
		 S::error,
		 About::anything,
		 {W::truncate},
		 truncate_fails,
		 "TRUNCATE of a table that a foreign key leads to",
		 "The server refuses it, even where no row refers to it.",
		 "Name both tables, or DELETE."},
		{"drop-trigger",
		 "F",
		 S::warning,
		 About::existing,
		 {W::drop_other},
		 drop_trigger,
		 "a trigger is dropped",
		 "What it kept in order is kept no more, and all who use the table are waited for.",
		 "Let the application do it before."},
		{"disable-trigger",
		 "F",
		 S::warning,
		 About::existing,
		 {W::trigger_state},
		 disable_trigger,
		 "a trigger is left disabled",
		 "What it kept in order is kept no more; foreign keys are triggers too.",
		 "Enable it again in the same migration."},
	};
}

} // namespace mg::lint
