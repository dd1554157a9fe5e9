// Group T: names and comments.
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

#include <algorithm>
#include <set>

namespace mg::lint {

namespace {

// The relation that a statement makes, changes or writes to, or nullptr.
const RangeVar *
subject_of(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			return castNode(CreateStmt, statement)->relation;
		case T_CreateTableAsStmt:
			return castNode(CreateTableAsStmt, statement)->into->rel;
		case T_ViewStmt:
			return castNode(ViewStmt, statement)->view;
		case T_IndexStmt:
			return castNode(IndexStmt, statement)->relation;
		case T_AlterTableStmt:
			return castNode(AlterTableStmt, statement)->relation;
		case T_RenameStmt:
			return castNode(RenameStmt, statement)->relation;
		case T_CreateTrigStmt:
			return castNode(CreateTrigStmt, statement)->relation;
		case T_CreatePolicyStmt:
			return castNode(CreatePolicyStmt, statement)->table;
		case T_CreateSeqStmt:
			return castNode(CreateSeqStmt, statement)->sequence;
		case T_InsertStmt:
			return castNode(InsertStmt, statement)->relation;
		case T_UpdateStmt:
			return castNode(UpdateStmt, statement)->relation;
		case T_DeleteStmt:
			return castNode(DeleteStmt, statement)->relation;
		default:
			return nullptr;
	}
}

void
name_without_schema(const Action &action, Context &context)
{
	if (context.model().is_path_set())
		return;
	std::string name;
	int location = -1;
	if (const RangeVar *subject = subject_of(action.statement))
	{
		const Table *table = context.model().find(subject);
		if (subject->schemaname != nullptr || subject->relpersistence == RELPERSISTENCE_TEMP ||
			(table != nullptr && table->persistence == RELPERSISTENCE_TEMP))
			return;
		name = subject->relname;
		location = subject->location;
	}
	else if (IsA(action.statement, CreateFunctionStmt) &&
			 list_length(reinterpret_cast<const CreateFunctionStmt *>(action.statement)->funcname) == 1)
		name = names_in(reinterpret_cast<const CreateFunctionStmt *>(action.statement)->funcname).back();
	else if (IsA(action.statement, DropStmt))
	{
		const auto *drop = reinterpret_cast<const DropStmt *>(action.statement);
		ListCell *cell;
		if (drop->removeType != OBJECT_TABLE && drop->removeType != OBJECT_VIEW && drop->removeType != OBJECT_MATVIEW &&
			drop->removeType != OBJECT_INDEX && drop->removeType != OBJECT_SEQUENCE)
			return;
		foreach (cell, drop->objects)
			if (list_length(lfirst_node(List, cell)) == 1 && name.empty())
				name = strVal(linitial(lfirst_node(List, cell)));
	}
	if (name.empty())
		return;
	Report report;
	report.message = quoted(name) + " is in whichever schema the search_path of the session has first";
	report.hint = "Write the schema, or SET LOCAL search_path at the top of the script.";
	report.object = quoted(name);
	report.location = location;
	context.report(std::move(report));
}

bool
is_snake(const std::string &name)
{
	return name.empty() || ((islower(static_cast<unsigned char>(name[0])) != 0 || name[0] == '_') &&
							std::all_of(name.begin(), name.end(), [](char c) {
								return islower(static_cast<unsigned char>(c)) != 0 ||
									   isdigit(static_cast<unsigned char>(c)) != 0 || c == '_';
							}));
}

void
name_in_other_style(const Action &action, Context &context)
{
	std::string name = action.name;
	if (action.what == What::create_table || action.what == What::create_view)
		name = action.table->name;
	else if (action.what == What::rename_column || action.what == What::rename_table)
		name = reinterpret_cast<const RenameStmt *>(action.statement)->newname;
	else if (action.what == What::create_function && IsA(action.statement, CreateFunctionStmt))
		name = names_in(reinterpret_cast<const CreateFunctionStmt *>(action.statement)->funcname).back();
	else if (const auto *constraint = part_as<Constraint>(action, T_Constraint))
		name = text_of(constraint->conname);
	if (is_snake(name))
		return;
	Report report;
	report.message = "\"" + name + "\" is not in lower case with underscores: it has to be quoted wherever it is used";
	report.hint = "Call it something_like_this.";
	if (action.table == nullptr)
		report.object = quoted(name);
	context.report(std::move(report));
}

// The names of tables that the script comments on.
std::set<std::string>
commented_tables(const Context &context)
{
	std::set<std::string> result;

	for (const Done &done : context.done())
	{
		if (done.tree == nullptr || !IsA(done.tree, CommentStmt))
			continue;
		const auto *comment = castNode(CommentStmt, done.tree);
		if ((comment->objtype == OBJECT_TABLE || comment->objtype == OBJECT_MATVIEW) && comment->comment != nullptr)
			result.insert(names_in(reinterpret_cast<const List *>(comment->object)).back());
	}
	return result;
}

void
table_without_comment(const Action &, Context &context)
{
	const std::set<std::string> commented = commented_tables(context);

	for (const Done &done : context.done())
	{
		const Table *table = done.table;
		if (done.what != What::create_table || table == nullptr || table->persistence == RELPERSISTENCE_TEMP ||
			table->is_partition || commented.count(table->name) != 0 ||
			context.model().find(table->schema, table->name) != table)
			continue;
		Report report;
		report.message = "nothing says what " + table->title() + " is for";
		report.hint = std::string("COMMENT ON ") + (table->kind == RELKIND_MATVIEW ? "MATERIALIZED VIEW " : "TABLE ") +
					  table->title() + " IS '...';";
		report.table = table;
		report.location = done.location;
		context.report(std::move(report));
	}
}

} // namespace

std::vector<Rule>
naming_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"name-without-schema",
		 "T",
		 S::off,
		 About::anything,
		 {W::statement},
		 name_without_schema,
		 "a name without a schema, in a script that sets no search_path",
		 "It means another table in another session.",
		 "Write the schema."},
		{"name-in-other-style",
		 "T",
		 S::off,
		 About::anything,
		 {W::create_table, W::create_view, W::add_column, W::add_constraint, W::create_index, W::rename_table,
		  W::rename_column, W::create_function},
		 name_in_other_style,
		 "a name that is not in lower case with underscores",
		 "It has to be quoted wherever it is used.",
		 "Use lower case, digits and underscores."},
		{"table-without-comment",
		 "T",
		 S::off,
		 About::anything,
		 {W::script_end},
		 table_without_comment,
		 "a new table without a comment",
		 "Nobody knows what it is for when its author has left.",
		 "COMMENT ON TABLE."},
	};
}

} // namespace mg::lint
