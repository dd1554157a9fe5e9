// Group H: changes of rows.
#include <algorithm>
#include <set>

#include "lint/bodies.hpp"
#include "lint/facts.hpp"
#include "lint/injection.hpp"
#include "lint/plans.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"
#include "script/tokens.hpp"

namespace mg::lint {

namespace {

std::string
count_of(double rows)
{
	return std::to_string(static_cast<int64_t>(rows));
}

// The part of a table that so many of its rows are.
Table
part_of(const Table &table, double rows)
{
	Table part;

	part.persistence = table.persistence;
	part.made_here = table.made_here;
	part.bytes = table.rows > 0 && rows < table.rows
					 ? static_cast<int64_t>(static_cast<double>(table.bytes) * rows / table.rows)
					 : table.bytes;
	return part;
}

const Node *
condition_of(const Node *statement)
{
	return IsA(statement, UpdateStmt) ? castNode(UpdateStmt, statement)->whereClause
									  : castNode(DeleteStmt, statement)->whereClause;
}

// Whether it is about one table only, and gives nothing back.
bool
is_simple(const Node *statement)
{
#if PG_VERSION_NUM >= 180000
	if (IsA(statement, UpdateStmt))
		return castNode(UpdateStmt, statement)->fromClause == NIL &&
			   castNode(UpdateStmt, statement)->withClause == nullptr &&
			   castNode(UpdateStmt, statement)->returningClause == nullptr;
	return castNode(DeleteStmt, statement)->usingClause == NIL &&
		   castNode(DeleteStmt, statement)->withClause == nullptr &&
		   castNode(DeleteStmt, statement)->returningClause == nullptr;
#else
	if (IsA(statement, UpdateStmt))
		return castNode(UpdateStmt, statement)->fromClause == NIL &&
			   castNode(UpdateStmt, statement)->withClause == nullptr &&
			   castNode(UpdateStmt, statement)->returningList == NIL;
	return castNode(DeleteStmt, statement)->usingClause == NIL &&
		   castNode(DeleteStmt, statement)->withClause == nullptr &&
		   castNode(DeleteStmt, statement)->returningList == NIL;
#endif
}

// An integer column whose values are all different and not NULL, to go through a table by.
const Column *
key_of(const Table &table)
{
	for (const Index &index : table.indexes)
	{
		if (!index.is_unique || !index.is_valid || index.is_partial || index.has_expressions || index.keys != 1)
			continue;
		const Column *column = table.column(index.columns.front());
		if (column != nullptr && column->not_null && (column->type == INT4OID || column->type == INT8OID))
			return column;
	}
	return nullptr;
}

// The statement, for the rows of a range of keys at a time.
std::string
in_batches(const Node *statement, const Table &table, const std::string &sql)
{
	const Column *key = key_of(table);
	if (key == nullptr || !is_simple(statement) || sql.find("$$") != std::string::npos)
		return "";
	size_t where = sql.size();
	int depth = 0;
	for (const script::Token &token : script::tokens_of(sql))
	{
		if (token.kind == '(' || token.kind == '[')
			depth++;
		else if (token.kind == ')' || token.kind == ']')
			depth--;
		else if (depth == 0 && token.word == "where" && where == sql.size())
			where = token.start;
	}
	const RangeVar *name = IsA(statement, UpdateStmt) ? castNode(UpdateStmt, statement)->relation
													  : castNode(DeleteStmt, statement)->relation;
	const std::string column =
		quoted(name->alias != nullptr ? name->alias->aliasname : table.name) + "." + quoted(key->name);
	std::string before = sql.substr(0, where);
	while (!before.empty() && (before.back() == ';' || isspace(static_cast<unsigned char>(before.back())) != 0))
		before.pop_back();
	std::string condition = column + " >= low AND " + column + " < low + 10000";
	if (where < sql.size())
	{
		std::string own = sql.substr(where + 5);
		while (!own.empty() && (own.back() == ';' || isspace(static_cast<unsigned char>(own.back())) != 0))
			own.pop_back();
		/* A comment at the end would swallow the parenthesis. */
		condition += " AND (" + own + "\n)";
	}
	return "DO $$ DECLARE low bigint; high bigint; BEGIN SELECT min(" + quoted(key->name) + "), max(" +
		   quoted(key->name) + ") INTO low, high FROM " + table.title() + "; WHILE low <= high LOOP " + before +
		   " WHERE " + condition + "; COMMIT; low := low + 10000; END LOOP; END $$";
}

// Whether mg_deploy() could run it in batches.
bool
can_be_backfill(const Action &action)
{
	if (action.what != What::update || !IsA(action.statement, UpdateStmt) || !is_simple(action.statement))
		return false;
	const RangeVar *name = castNode(UpdateStmt, action.statement)->relation;
	return name->alias == nullptr && name->inh;
}

void
many_rows_at_once(const Action &action, Context &context)
{
	const Table &table = *action.table;
	const RowsPlan plan = context.plan();
	const bool is_all = condition_of(action.statement) == nullptr && is_simple(action.statement);
	const double rows = plan.is_known ? plan.rows : (is_all ? table.rows : -1);

	if (rows < 0 || !context.is_occupied(part_of(table, rows)) || context.is_backfill())
		return;
	Report found;
	found.message = std::string(action.what == What::update ? "UPDATE" : "DELETE") + " finds about " + count_of(rows) +
					" rows of " + sized(table) +
					" at once: each stays locked and keeps its old version until the migration ends";
	found.lock = RowExclusiveLock;
	const std::string batches =
		context.is_in_body() ? "" : in_batches(action.statement, table, context.statement_text());
	if (can_be_backfill(action) && !context.is_in_body())
		found.hint = "With the comment -- mg:backfill above it, mg_deploy() runs it in batches.";
	else if (batches.empty())
		found.hint = "Change a few thousand rows at a time, each lot in a transaction of its own.";
	if (!batches.empty())
		found.steps = {outside_step(batches)};
	context.report(std::move(found));
}

void
batch_reads_all(const Action &action, Context &context)
{
	const Node *condition = condition_of(action.statement);
	if (condition == nullptr)
		return;
	const RowsPlan plan = context.plan();
	if (!plan.is_known || !plan.reads_all || context.is_occupied(part_of(*action.table, plan.rows)))
		return;
	Report found;
	found.message =
		"no index finds the " + count_of(plan.rows) + " rows: all of " + sized(*action.table) + " is read for them";
	found.hint = "An index on the columns of the condition, or one for just these rows, makes it short; build it "
				 "CONCURRENTLY before.";
	found.lock = RowExclusiveLock;
	found.work = Work::scan;
	context.report(std::move(found));
}

void
rows_fire_triggers(const Action &action, Context &context)
{
	int event = action.what == What::remove ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_UPDATE;
	if (!OidIsValid(action.table->oid) || !action.table->has_triggers)
		return;
	std::vector<pg::Row> rows =
		facts("SELECT string_agg(tgname::text, ', ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = $1::oid AND NOT "
			  "tgisinternal AND tgtype & 1 = 1 AND tgtype & $2::int <> 0 AND tgenabled IN ('O', 'A')",
			  {cell_of(action.table->oid), std::to_string(event)});
	if (rows.empty() || !rows[0][0].has_value())
		return;
	const RowsPlan plan = context.plan();
	if (plan.is_known && !context.is_occupied(part_of(*action.table, plan.rows)))
		return;
	context.report({"each row that changes fires " + *rows[0][0] + " of " + sized(*action.table),
					"Measure what that takes: mg_rehearse() does. SET LOCAL session_replication_role = replica keeps "
					"triggers from firing, and foreign keys from being checked."});
}

// The columns that UPDATE gives a value.
std::vector<std::string>
assigned(const List *targets)
{
	std::vector<std::string> result;
	ListCell *cell;

	foreach (cell, targets)
		if (const auto *target = lfirst_node(ResTarget, cell); target->name != nullptr && target->indirection == NIL)
			result.emplace_back(target->name);
	return result;
}

void
update_of_indexed_column(const Action &action, Context &context)
{
	for (const std::string &column : assigned(castNode(UpdateStmt, action.statement)->targetList))
		for (const Index &index : action.table->indexes)
		{
			if (std::find(index.columns.begin(), index.columns.end(), column) == index.columns.end())
				continue;
			const RowsPlan plan = context.plan();
			if (plan.is_known && !context.is_occupied(part_of(*action.table, plan.rows)))
				return;
			context.report({"column " + quoted(column) + " of " + sized(*action.table) + " is in index " +
								quoted(index.name) +
								": each row that changes gets a new entry in every index of the table",
							"Plan for the growth of " + count_of(static_cast<double>(action.table->indexes.size())) +
								" indexes, and for REINDEX CONCURRENTLY afterwards."});
			return;
		}
}

// Whether an earlier statement has changed as many rows as matter.
bool
changed_many(const Done &change, Context &context)
{
	const std::string text = context.text_of_statement(change.statement);
	const Node *statement = pg::guarded([&]() -> const Node * {
		List *trees = raw_parser(text.c_str(), RAW_PARSE_DEFAULT);
		return list_length(trees) == 1 ? linitial_node(RawStmt, trees)->stmt : nullptr;
	});
	/* In a body, it is another one. */
	if (statement == nullptr ||
		!(IsA(statement, UpdateStmt) || IsA(statement, DeleteStmt) || IsA(statement, InsertStmt)))
		return false;
	const RowsPlan plan = plan_of(statement, *change.table, context.model());
	return plan.is_known && context.is_occupied(part_of(*change.table, plan.rows));
}

void
statistics_grow_old(const Action &, Context &context)
{
	std::set<const Table *> seen;

	for (const Done &change : context.done())
	{
		if ((change.what != What::update && change.what != What::insert && change.what != What::remove) ||
			change.table == nullptr || !context.is_occupied(*change.table) || !seen.insert(change.table).second)
			continue;
		const std::vector<size_t> &analyzed = context.done_of(What::analyze);
		const bool is_analyzed = std::any_of(analyzed.begin(), analyzed.end(), [&](size_t i) {
			const Done &later = context.done()[i];
			return (later.table == change.table || later.table == nullptr) && later.statement > change.statement;
		});
		if (is_analyzed || !changed_many(change, context))
			continue;
		Report found;
		found.message = "the planner goes on with statistics of " + sized(*change.table) +
						" from before, until autovacuum comes along";
		found.hint = "ANALYZE " + change.table->title() + " at the end of the migration.";
		found.table = change.table;
		found.location = change.location;
		context.report(std::move(found));
	}
}

void
not_null_race(const Action &action, Context &context)
{
	const Table &table = *action.table;

	if (action.column == nullptr || action.column->made_here || context.is_in_body() ||
		context.held(table) >= ShareLock)
		return;
	for (const TableConstraint &constraint : table.constraints)
		if (constraint.type == CONSTRAINT_CHECK || constraint.type == 'n')
			if (std::find(constraint.columns.begin(), constraint.columns.end(), action.name) !=
				constraint.columns.end())
				return;
	const auto update = std::find_if(context.done().begin(), context.done().end(), [&](const Done &one) {
		return one.what == What::update && one.table == action.table;
	});
	if (update == context.done().end())
		return;
	const std::string title = table.title();
	const std::string column = quoted(action.name);
	const std::string name = quoted(table.name + "_" + action.name + "_filled");
	Report found;
	found.message = "rows that others write between the UPDATE and SET NOT NULL may have no value in column " + column +
					" of " + title + ", and then it fails";
	found.lock = AccessExclusiveLock;
	found.steps = {
		step("ALTER TABLE " + title + " ADD CONSTRAINT " + name + " CHECK (" + column + " IS NOT NULL) NOT VALID"),
		step(context.text_of_statement(update->statement)),
		step("ALTER TABLE " + title + " VALIDATE CONSTRAINT " + name),
		step("ALTER TABLE " + title + " ALTER COLUMN " + column + " SET NOT NULL; ALTER TABLE " + title +
			 " DROP CONSTRAINT " + name)};
	context.report(std::move(found));
}

void
column_set_twice(const Action &action, Context &context)
{
	const List *targets = nullptr;
	ListCell *cell;

	if (IsA(action.statement, UpdateStmt))
		targets = castNode(UpdateStmt, action.statement)->targetList;
	else if (IsA(action.statement, InsertStmt))
		targets = castNode(InsertStmt, action.statement)->cols;
	std::vector<std::string> seen;
	foreach (cell, targets)
	{
		const auto *target = lfirst_node(ResTarget, cell);
		if (target->name == nullptr || target->indirection != NIL)
			continue;
		if (std::find(seen.begin(), seen.end(), target->name) != seen.end())
		{
			Report found;
			found.message = "column " + quoted(target->name) + " gets a value twice, and the statement fails";
			found.hint = "Leave one of them out.";
			found.location = target->location;
			context.report(std::move(found));
		}
		seen.emplace_back(target->name);
	}
}

bool
has_key(const Table &view)
{
	return std::any_of(view.indexes.begin(), view.indexes.end(), [](const Index &index) {
		return index.is_unique && index.is_valid && !index.is_partial && !index.has_expressions;
	});
}

void
refresh_blocks_readers(const Action &action, Context &context)
{
	const auto *refresh = castNode(RefreshMatViewStmt, action.statement);
	const Table &view = *action.table;

	if (refresh->concurrent || refresh->skipData)
		return;
	Report found;
	found.message = "nobody reads " + sized(view) + " while its query runs";
	found.lock = AccessExclusiveLock;
	found.work = Work::rewrite;
	if (has_key(view))
		found.steps = {step("REFRESH MATERIALIZED VIEW CONCURRENTLY " + view.title())};
	else
		found.hint =
			"REFRESH MATERIALIZED VIEW CONCURRENTLY lets readers go on; it needs a unique index on columns of " +
			view.title() + ", without an expression or a condition.";
	context.report(std::move(found));
}

void
refresh_without_key(const Action &action, Context &context)
{
	const auto *refresh = castNode(RefreshMatViewStmt, action.statement);

	if (!refresh->concurrent || action.table == nullptr || action.table->made_here ||
		action.table->kind != RELKIND_MATVIEW)
		return;
	if (!has_key(*action.table))
		context.report({"REFRESH MATERIALIZED VIEW CONCURRENTLY fails: " + action.table->title() +
							" has no unique index on columns alone",
						"Create a unique index on its columns first, without an expression or a condition."});
	else if (refresh->skipData)
		context.report({"CONCURRENTLY and WITH NO DATA do not go together", "Leave one of them out."});
}

void
dynamic_sql_unquoted(const Action &action, Context &context)
{
	const Body body = body_of(action.statement);

	if (body.language != "plpgsql")
		return;
	for (const std::string &value : unquoted_in(body.text))
		context.report({"EXECUTE puts " + value +
							" into SQL as it is: a quote in it ends the literal or name, and what "
							"follows is run",
						"Hand values over with USING, names with format('%I', ...) or quote_ident()."});
}

} // namespace

std::vector<Rule>
row_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"many-rows-at-once",
		 "H",
		 S::warning,
		 About::occupied,
		 {W::update, W::remove},
		 many_rows_at_once,
		 "an UPDATE or DELETE of many rows",
		 "They stay locked until the transaction ends, and as much dead space is left behind.",
		 "Go through the table in batches, each in a transaction of its own: -- mg:backfill above an UPDATE lets "
		 "mg_deploy() do that."},
		{"batch-reads-all",
		 "H",
		 S::info,
		 About::occupied,
		 {W::update, W::remove},
		 batch_reads_all,
		 "an UPDATE or DELETE of few rows that reads the whole table",
		 "A batch that no index finds costs as much as the whole.",
		 "Build an index for the condition."},
		{"rows-fire-triggers",
		 "H",
		 S::info,
		 About::occupied,
		 {W::update, W::remove},
		 rows_fire_triggers,
		 "many rows change in a table with triggers for each row",
		 "The triggers may take longer than the change, and write elsewhere.",
		 "Measure it in a rehearsal."},
		{"update-of-indexed-column",
		 "H",
		 S::info,
		 About::occupied,
		 {W::update},
		 update_of_indexed_column,
		 "many rows change in an indexed column",
		 "No row can stay on its page, and all indexes grow.",
		 "Plan for the room, and for REINDEX CONCURRENTLY."},
		{"statistics-grow-old",
		 "H",
		 S::info,
		 About::anything,
		 {W::script_end},
		 statistics_grow_old,
		 "many rows change, and no ANALYZE follows",
		 "Plans are made for what the table was before.",
		 "ANALYZE at the end of the migration."},
		{"update-then-not-null",
		 "H",
		 S::warning,
		 About::existing,
		 {W::set_not_null},
		 not_null_race,
		 "rows are filled, and the column is made NOT NULL, with nothing that keeps others from writing NULL meanwhile",
		 "What is written in between makes SET NOT NULL fail.",
		 "Add a CHECK NOT VALID first: from then on nobody writes NULL."},
		{"column-set-twice",
		 "H",
		 S::error,
		 About::anything,
		 {W::update, W::insert},
		 column_set_twice,
		 "one column gets two values",
		 "The statement fails.",
		 "Leave one of them out."},
		{"refresh-blocks-readers",
		 "H",
		 S::warning,
		 About::occupied,
		 {W::refresh},
		 refresh_blocks_readers,
		 "a materialized view is refreshed without CONCURRENTLY",
		 "Nobody reads it while its query runs.",
		 "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index."},
		{"refresh-without-key",
		 "H",
		 S::error,
		 About::anything,
		 {W::refresh},
		 refresh_without_key,
		 "REFRESH CONCURRENTLY of a materialized view without a unique index",
		 "The statement fails.",
		 "Create a unique index on columns of it."},
		{"dynamic-sql-unquoted",
		 "H",
		 S::warning,
		 About::anything,
		 {W::call, W::create_function},
		 dynamic_sql_unquoted,
		 "EXECUTE of a text with a variable in it as it is",
		 "A quote in its value ends the literal or name, and what follows is run with the rights of the function.",
		 "USING for values, format('%I') or quote_ident() for names."},
	};
}

} // namespace mg::lint
