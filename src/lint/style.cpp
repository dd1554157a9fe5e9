// Group T: what teams ask for in their policies.
#include "lint/bodies.hpp"
#include "lint/environment.hpp"
#include "lint/facts.hpp"
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"
#include "pg/memory.hpp"
#include "pg/subtransaction.hpp"
#include "script/tokens.hpp"

#include <algorithm>
#include <array>

namespace mg::lint {

namespace {

// Whether a query's own list of results has a star, at any depth of subqueries in FROM; EXISTS (SELECT * ...) gives no column.
bool
selects_star(const Node *query)
{
	for (const Node *node : nodes_in(query, T_SelectStmt, false))
		for (int i = 0; i < list_length(castNode(SelectStmt, node)->targetList); i++)
		{
			const auto *target = static_cast<const ResTarget *>(list_nth(castNode(SelectStmt, node)->targetList, i));
			if (target->val != nullptr && IsA(target->val, ColumnRef) &&
				IsA(llast(castNode(ColumnRef, target->val)->fields), A_Star))
				return true;
		}
	return false;
}

bool
text_selects_star(const std::string &sql)
{
	bool found = false;

	(void)pg::try_and_undo([&] {
		List *trees = pg::guarded([&] { return raw_parser(sql.c_str(), RAW_PARSE_DEFAULT); });
		ListCell *cell;
		foreach (cell, trees)
			if (const Node *statement = lfirst_node(RawStmt, cell)->stmt; IsA(statement, SelectStmt))
				found = found || selects_star(statement);
	});
	return found;
}

bool
body_selects_star(const CreateFunctionStmt *create)
{
	const Body body = body_of(reinterpret_cast<const Node *>(create));
	bool found = false;

	if (create->sql_body != nullptr)
		return selects_star(create->sql_body);
	if (body.language == "sql")
		return text_selects_star(body.text);
	if (body.language != "plpgsql")
		return false;
	(void)pg::try_and_undo([&] {
		for (const Piece &piece : pieces_of_block(body.text))
			found = found || (piece.seen && text_selects_star(piece.sql));
	});
	return found;
}

void
select_star(const Action &action, Context &context)
{
	std::string what;
	if (IsA(action.statement, ViewStmt))
		what = selects_star(reinterpret_cast<const ViewStmt *>(action.statement)->query) ? action.table->title() : "";
	else if (IsA(action.statement, CreateTableAsStmt))
	{
		const Node *query = reinterpret_cast<const CreateTableAsStmt *>(action.statement)->query;
		what = IsA(query, SelectStmt) && selects_star(query) ? action.table->title() : "";
	}
	else if (IsA(action.statement, CreateFunctionStmt) &&
			 body_selects_star(reinterpret_cast<const CreateFunctionStmt *>(action.statement)))
		what = quoted_list({names_in(reinterpret_cast<const CreateFunctionStmt *>(action.statement)->funcname).back()});
	if (what.empty())
		return;
	Report report;
	report.object = action.table != nullptr ? "" : what;
	report.message = what +
					 " takes all columns that there are: a view keeps those of today, and a function changes with "
					 "the table";
	report.hint = "Name the columns.";
	context.report(std::move(report));
}

bool
is_change_of_rows(What what)
{
	return what == What::update || what == What::remove || what == What::insert || what == What::merge ||
		   what == What::copy;
}

// Whether it changes the schema. Views, functions and rights are not rows' business either.
bool
is_change_of_schema(const Done &done)
{
	return (done.what >= What::create_table && done.what <= What::drop_other && done.what != What::truncate &&
			done.what != What::refresh && done.what != What::reindex) ||
		   done.what == What::grant;
}

// A view of mg_history_view(): what a script writes into it is not kept there.
bool
is_own_history(const Table &table)
{
	return table.kind == RELKIND_VIEW && fact("SELECT true FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE "
											  "t.tgrelid = $1::oid AND p.proname"
											  " = 'mg_keep_history' AND p.pronamespace = 'pg_catalog'::regnamespace",
											  {cell_of(table.oid)})
											 .has_value();
}

void
schema_and_rows_mixed(const Action &, Context &context)
{
	const std::vector<Done> &done = context.done();

	if (std::none_of(done.begin(), done.end(), is_change_of_schema))
		return;
	for (const Done &one : done)
	{
		if (!is_change_of_rows(one.what) || one.table == nullptr || !context.is_existing(*one.table) ||
			(one.tree != nullptr && IsA(one.tree, CopyStmt) && !castNode(CopyStmt, one.tree)->is_from) ||
			is_own_history(*one.table))
			continue;
		Report report;
		report.message = "the script changes rows of " + one.table->title() +
						 " and the schema in one transaction: the locks "
						 "of the one are held while the other goes on";
		report.hint = "Make two migrations of it.";
		report.table = one.table;
		report.location = one.location;
		context.report(std::move(report));
		return;
	}
}

bool
is_passing(const RangeVar *name)
{
	return name->relpersistence == RELPERSISTENCE_TEMP;
}

// What makes something and could say IF NOT EXISTS or OR REPLACE, and does not; nullptr for another statement.
const char *
missing_words(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			return castNode(CreateStmt, statement)->if_not_exists ||
						   is_passing(castNode(CreateStmt, statement)->relation)
					   ? nullptr
					   : "IF NOT EXISTS";
		case T_CreateTableAsStmt:
			return castNode(CreateTableAsStmt, statement)->if_not_exists ||
						   is_passing(castNode(CreateTableAsStmt, statement)->into->rel)
					   ? nullptr
					   : "IF NOT EXISTS";
		case T_IndexStmt:
			return castNode(IndexStmt, statement)->if_not_exists || is_passing(castNode(IndexStmt, statement)->relation)
					   ? nullptr
					   : "IF NOT EXISTS";
		case T_CreateSeqStmt:
			return castNode(CreateSeqStmt, statement)->if_not_exists ? nullptr : "IF NOT EXISTS";
		case T_CreateSchemaStmt:
			return castNode(CreateSchemaStmt, statement)->if_not_exists ? nullptr : "IF NOT EXISTS";
		case T_CreateExtensionStmt:
			return castNode(CreateExtensionStmt, statement)->if_not_exists ? nullptr : "IF NOT EXISTS";
		case T_ViewStmt:
			return castNode(ViewStmt, statement)->replace || is_passing(castNode(ViewStmt, statement)->view)
					   ? nullptr
					   : "OR REPLACE";
		case T_CreateFunctionStmt:
			return castNode(CreateFunctionStmt, statement)->replace ? nullptr : "OR REPLACE";
		case T_CreateTrigStmt:
			return castNode(CreateTrigStmt, statement)->replace || castNode(CreateTrigStmt, statement)->isconstraint
					   ? nullptr
					   : "OR REPLACE";
		case T_AlterEnumStmt:
			return castNode(AlterEnumStmt, statement)->oldVal != nullptr ||
						   castNode(AlterEnumStmt, statement)->skipIfNewValExists
					   ? nullptr
					   : "IF NOT EXISTS";
		case T_AlterTableStmt:
		{
			ListCell *cell;
			foreach (cell, castNode(AlterTableStmt, statement)->cmds)
				if (const auto *command = lfirst_node(AlterTableCmd, cell);
					command->subtype == AT_AddColumn && !command->missing_ok)
					return "IF NOT EXISTS";
			return nullptr;
		}
		default:
			return nullptr;
	}
}

void
create_not_repeatable(const Action &action, Context &context)
{
	/* A block has conditions of its own. */
	const char *words = context.is_in_body() ? nullptr : missing_words(action.statement);
	if (words != nullptr)
		context.report({"the statement fails when it is run again: it does not say " + std::string(words),
						"Write " + std::string(words) +
							(strcmp(words, "OR REPLACE") == 0
								 ? "."
								 : ", and see that what is there is what was meant: it is not compared.")});
}

void
drop_not_repeatable(const Action &action, Context &context)
{
	bool is_missing = false;
	if (IsA(action.statement, DropStmt))
		is_missing = !reinterpret_cast<const DropStmt *>(action.statement)->missing_ok;
	else if (IsA(action.statement, AlterTableStmt))
	{
		ListCell *cell;
		foreach (cell, reinterpret_cast<const AlterTableStmt *>(action.statement)->cmds)
			if (const auto *command = lfirst_node(AlterTableCmd, cell);
				(command->subtype == AT_DropColumn || command->subtype == AT_DropConstraint) && !command->missing_ok)
				is_missing = true;
	}
	if (is_missing && !context.is_in_body())
		context.report({"the statement fails when it is run again: it does not say IF EXISTS", "Write IF EXISTS."});
}

void
exposed_without_row_security(const Action &, Context &context)
{
	constexpr const char *sql = "SELECT string_agg(DISTINCT coalesce(r.rolname, 'PUBLIC'), ', ') FROM pg_namespace n, "
								"aclexplode(coalesce(n.nspacl, "
								"acldefault('n', n.nspowner))) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE "
								"n.nspname = $1 AND a.privilege_type "
								"= 'USAGE' AND (a.grantee = 0 OR r.rolname IN ('anon', 'authenticated'))";

	for (const Done &done : context.done())
	{
		const Table *table = done.table;
		if (done.what != What::create_table || table == nullptr || table->persistence == RELPERSISTENCE_TEMP ||
			table->has_row_security || (table->kind != RELKIND_RELATION && table->kind != RELKIND_PARTITIONED_TABLE) ||
			context.model().find(table->schema, table->name) != table)
			continue;
		pg::Cell readers = fact(sql, {table->schema});
		if (!readers.has_value())
			continue;
		Report report;
		report.message = *readers + " may use schema " + quoted(table->schema) +
						 ", and no row security keeps rows of " + table->title() +
						 " from whoever is given a right on it";
		report.hint = "ALTER TABLE " + table->title() + " ENABLE ROW LEVEL SECURITY; and make its policies.";
		report.table = table;
		report.location = done.location;
		context.report(std::move(report));
	}
}

void
environment_value(const Action &action, Context &context)
{
	/* A block's statements are looked at one by one. */
	if (IsA(action.statement, DoStmt) || context.text_location() < 0)
		return;
	const std::string source = context.statement_text();
	if (source.find('\'') == std::string::npos && source.find('$') == std::string::npos)
		return;
	std::string before;
	for (const script::Token &token : body_tokens(source))
	{
		const char *what = nullptr;
		if (token.is_string)
			what = before == "password" ? "a password" : environment_in(token.value);
		before = token.word;
		if (what == nullptr)
			continue;
		Report report;
		report.message = std::string("the script has ") + what + " in it, which is another one in another environment";
		report.hint = "Keep it in a table or setting of each environment, and let the script read it there.";
		report.location = context.text_location() + static_cast<int>(token.start);
		context.report(std::move(report));
	}
}

bool
is_first(const Context &context)
{
	return context.statement_number() == 0 && !context.is_in_body();
}

void
header_missing(const Action &, Context &context)
{
	if (!is_first(context))
		return;
	for (const char *key : {"Description", "Author"})
		if (header_value(context.headers(), key).value_or("").empty())
			context.report({"the script does not say its " + header_key(key),
							"Write above its first statement: -- " + std::string(key) + ": ...",
							{},
							NoLock,
							Work::none,
							nullptr,
							"",
							0});
}

void
ticket_missing(const Action &, Context &context)
{
	if (is_first(context) && header_value(context.headers(), "Ticket").value_or("").empty())
		context.report({"the script does not say which ticket asked for it",
						"Write above its first statement: -- Ticket: ...",
						{},
						NoLock,
						Work::none,
						nullptr,
						"",
						0});
}

} // namespace

std::vector<Rule>
style_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"select-star",
		 "T",
		 S::off,
		 About::anything,
		 {W::create_view, W::create_table, W::create_function},
		 select_star,
		 "SELECT * in a view, a function or CREATE TABLE AS",
		 "A view keeps the columns of the day it was made, and depends on all of them; a function's rows change with "
		 "the "
		 "table.",
		 "Name the columns."},
		{"schema-and-rows-mixed",
		 "T",
		 S::off,
		 About::anything,
		 {W::script_end},
		 schema_and_rows_mixed,
		 "one script changes the schema and rows of tables that were there",
		 "Locks are held while rows change, and the one cannot be undone without the other.",
		 "Make two migrations."},
		{"create-not-repeatable",
		 "T",
		 S::off,
		 About::anything,
		 {W::statement},
		 create_not_repeatable,
		 "CREATE or ADD COLUMN without IF NOT EXISTS or OR REPLACE",
		 "Run again, the script fails.",
		 "Write it. Where the migration runs in one transaction, it is not needed."},
		{"drop-not-repeatable",
		 "T",
		 S::off,
		 About::anything,
		 {W::statement},
		 drop_not_repeatable,
		 "DROP without IF EXISTS",
		 "Run again, the script fails.",
		 "Write it. Where the migration runs in one transaction, it is not needed."},
		{"exposed-without-row-security",
		 "T",
		 S::off,
		 About::anything,
		 {W::script_end},
		 exposed_without_row_security,
		 "a new table without row security in a schema that PUBLIC, anon or authenticated may use",
		 "An API that exposes the schema, as on Supabase, gives away every row.",
		 "Enable row security in the same migration."},
		{"environment-value",
		 "T",
		 S::off,
		 About::anything,
		 {W::statement},
		 environment_value,
		 "a URL, host, IP or e-mail address or password in a literal",
		 "It belongs to one environment, and the script runs in all of them.",
		 "Let the script read it from a table or setting. Names that are reserved for examples are left alone."},
		{"header-missing",
		 "T",
		 S::off,
		 About::anything,
		 {W::statement},
		 header_missing,
		 "no Description or Author in the comments above the first statement",
		 "Who reads it later has to guess.",
		 "Write them: mg_template() gives a script with all headers."},
		{"ticket-missing",
		 "T",
		 S::off,
		 About::anything,
		 {W::statement},
		 ticket_missing,
		 "no Ticket in the comments above the first statement",
		 "A change cannot be traced to who asked for it.",
		 "Write it."},
	};
}

} // namespace mg::lint
