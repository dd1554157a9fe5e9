// Group F: what an application written for the old schema would trip over.
#include <algorithm>

#include "lint/facts.hpp"
#include "lint/objects.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

std::string
title_of(const std::string &schema, const std::string &name)
{
	return quoted(schema) + "." + quoted(name);
}

// A view of a relation under its old name, for those who may use the relation.
std::string
view_of(const Table &table, const std::string &view, const std::string &now, const std::string &columns)
{
	std::string result =
		"CREATE VIEW " + view + " WITH (security_invoker = true) AS SELECT " + columns + " FROM " + now + ";";

	/* The roles are the same ones, by their privileges on the relation. */
	for (const pg::Row &row :
		 facts("SELECT string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type), CASE WHEN a.grantee = 0 THEN "
			   "'PUBLIC' "
			   "ELSE quote_ident(pg_get_userbyid(a.grantee)) END FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = "
			   "$1::oid AND a.grantee <> c.relowner GROUP BY a.grantee ORDER BY 2",
			   {cell_of(table.oid)}))
		result += " GRANT " + row[0].value_or("") + " ON " + view + " TO " + row[1].value_or("") + ";";
	return result;
}

// Whether a view can stand in for it.
bool
can_have_view(const Table &table)
{
	return table.kind != RELKIND_SEQUENCE && table.kind != RELKIND_COMPOSITE_TYPE && table.kind != RELKIND_INDEX;
}

void
rename_table(const Action &action, Context &context)
{
	const Table &table = *action.table;

	/* A name that the script itself gave it is nobody's. */
	if (is_made_later(context, table.schema, table.name) ||
		std::any_of(context.done().begin(), context.done().end(),
					[&](const Done &done) { return done.what == What::rename_table && done.table == &table; }))
		return;
	Report report;
	const std::string keyword = keyword_of(table);
	const std::string now = title_of(table.schema, action.name);
	report.message = "an application that still uses " + table.title() + " fails once it is called " +
					 quoted(action.name) + named_by_routines(table.name);
	if (can_have_view(table))
		report.steps = {{"ALTER " + keyword + " " + table.title() + " RENAME TO " + quoted(action.name) + "; " +
						 view_of(table, table.title(), now, "*")},
						step("DROP VIEW " + table.title())};
	else
		report.hint = "Stop the application meanwhile: there can be nothing else under the old name.";
	report.lock = AccessExclusiveLock;
	context.report(std::move(report));
}

void
rename_column(const Action &action, Context &context)
{
	const Table &table = *action.table;
	const Column *column = table.column(action.name);
	const auto *statement = castNode(RenameStmt, action.statement);

	if (column == nullptr || column->made_here)
		return;
	Report report;
	report.message = "an application that still uses column " + quoted(action.name) + " of " + table.title() +
					 " fails once it is called " + quoted(statement->newname) + named_by_routines(action.name);
	if (table.kind == RELKIND_RELATION || table.kind == RELKIND_PARTITIONED_TABLE)
	{
		std::string spare = table.name + "_base";
		while (context.model().find(table.schema, spare) != nullptr)
			spare += "_";
		report.steps = {{"ALTER TABLE " + table.title() + " RENAME COLUMN " + quoted(action.name) + " TO " +
						 quoted(statement->newname) + "; ALTER TABLE " + table.title() + " RENAME TO " + quoted(spare) +
						 "; " +
						 view_of(table, table.title(), title_of(table.schema, spare),
								 "*, " + quoted(statement->newname) + " AS " + quoted(action.name))},
						{"DROP VIEW " + table.title() + "; ALTER TABLE " + title_of(table.schema, spare) +
						 " RENAME TO " + quoted(table.name) + ";"}};
		report.hint = "The view has both names, and an application may read and write either.";
	}
	else
		report.hint = "Let it have both names until no application uses the old one.";
	report.lock = AccessExclusiveLock;
	context.report(std::move(report));
}

// The object that ALTER ... RENAME or SET SCHEMA is about, if it was there before the script.
Object
object_of(const Action &action, Context &context)
{
	if (IsA(action.statement, RenameStmt))
	{
		const auto *statement = castNode(RenameStmt, action.statement);
		if (statement->renameType == OBJECT_SCHEMA)
		{
			Oid oid = pg::guarded([&] { return get_namespace_oid(statement->subname, true); });
			return {NamespaceRelationId, oid, quoted(statement->subname)};
		}
		return object_of(statement->renameType, statement->object, context.model());
	}
	const auto *statement = castNode(AlterObjectSchemaStmt, action.statement);
	return object_of(statement->objectType, statement->object, context.model());
}

void
report_object(const Object &object, const std::string &message, const std::string &hint, Context &context)
{
	Report report;

	report.message = message;
	report.hint = hint;
	report.object = object.title;
	context.report(std::move(report));
}

void
rename_schema(const Action &action, Context &context)
{
	if (castNode(RenameStmt, action.statement)->renameType != OBJECT_SCHEMA)
		return;
	const Object schema = object_of(action, context);
	if (OidIsValid(schema.oid))
		report_object(schema,
					  "an application that names schema " + schema.title +
						  ", or has it in its search_path, finds nothing once it is called " + quoted(action.name),
					  "Make the new schema, with views of the tables, and move the tables when no application uses the "
					  "old one.",
					  context);
}

void
rename_object(const Action &action, Context &context)
{
	const ObjectType type = castNode(RenameStmt, action.statement)->renameType;

	if (type != OBJECT_FUNCTION && type != OBJECT_PROCEDURE && type != OBJECT_ROUTINE && type != OBJECT_AGGREGATE &&
		type != OBJECT_TYPE && type != OBJECT_DOMAIN)
		return;
	const Object object = object_of(action, context);
	if (OidIsValid(object.oid))
		report_object(object,
					  "an application that still uses " + object.title + " fails once it is called " +
						  quoted(action.name),
					  type == OBJECT_TYPE || type == OBJECT_DOMAIN
						  ? "Leave the name as it is, or wait until no application says it."
						  : "Make a second one with the new name, and drop the old one when nobody calls it.",
					  context);
}

void
rename_constraint(const Action &action, Context &context)
{
	const TableConstraint *constraint = action.table->constraint(action.name);

	if (castNode(RenameStmt, action.statement)->renameType != OBJECT_TABCONSTRAINT || constraint == nullptr ||
		constraint->made_here)
		return;
	context.report({"an application that says ON CONFLICT ON CONSTRAINT " + quoted(action.name) +
						", or knows an error by that name, does not find it any more",
					"See that no application names it."});
}

void
rename_attribute(const Action &action, Context &context)
{
	const auto *statement = castNode(RenameStmt, action.statement);

	if (statement->renameType != OBJECT_ATTRIBUTE)
		return;
	const Table *type = context.model().find(statement->relation);
	if (type == nullptr || type->made_here)
		return;
	Report report;
	report.message = "an application that still uses attribute " + quoted(text_of(statement->subname)) + " of type " +
					 type->title() + " fails once it is called " + quoted(statement->newname);
	report.hint = "Wait until no application uses it.";
	report.object = type->title();
	context.report(std::move(report));
}

void
rename_enum_value(const Action &action, Context &context)
{
	const auto *statement = castNode(AlterEnumStmt, action.statement);

	if (statement->oldVal == nullptr)
		return;
	const Object type = object_of(OBJECT_TYPE, reinterpret_cast<const Node *>(statement->typeName), context.model());
	if (OidIsValid(type.oid))
		report_object(type,
					  "an application that still says '" + std::string(statement->oldVal) + "' of type " + type.title +
						  " fails once the value is renamed" + named_by_routines(statement->oldVal, "'"),
					  "Add the new value, let the application know both, move the rows to it, and rename nothing.",
					  context);
}

void
set_schema(const Action &action, Context &context)
{
	if (!IsA(action.statement, AlterObjectSchemaStmt))
		return;
	if (action.table == nullptr)
	{
		const Object object = object_of(action, context);
		if (OidIsValid(object.oid))
			report_object(object,
						  "an application that says " + object.title +
							  ", or has its old schema only in its search_path, "
							  "does not find it any more",
						  "Put the new schema into every search_path first.", context);
		return;
	}
	const Table &table = *action.table;
	if (!context.is_existing(table) || table.schema == action.name || is_made_later(context, table.schema, table.name))
		return;
	Report report;
	report.message = "an application that says " + table.title() +
					 ", or has only that schema in its search_path, does "
					 "not find it any more" +
					 named_by_routines(table.name);
	if (can_have_view(table))
		report.steps = {{"ALTER " + std::string(keyword_of(table)) + " " + table.title() + " SET SCHEMA " +
						 quoted(action.name) + "; " +
						 view_of(table, table.title(), title_of(action.name, table.name), "*")},
						step("DROP VIEW " + table.title())};
	else
		report.hint = "Put the new schema into every search_path first.";
	report.lock = AccessExclusiveLock;
	context.report(std::move(report));
}

} // namespace

std::vector<Rule>
rename_rules()
{
	using S = Severity;
	using W = What;

	return {
		breaking({"rename-table",
				  "F",
				  S::warning,
				  About::existing,
				  {W::rename_table},
				  rename_table,
				  "a table, view or sequence is renamed",
				  "An application written for the old name fails at once.",
				  "Make a view of the old name in the same migration, and drop it when nobody uses it."}),
		breaking({"rename-column",
				  "F",
				  S::warning,
				  About::existing,
				  {W::rename_column},
				  rename_column,
				  "a column is renamed",
				  "An application written for the old name fails at once, and so do functions; views keep working.",
				  "Put a view in front that has both names until nobody uses the old one."}),
		breaking({"rename-schema",
				  "F",
				  S::warning,
				  About::anything,
				  {W::rename_other},
				  rename_schema,
				  "a schema is renamed",
				  "All that names it, or has it in its search_path, finds nothing.",
				  "Make a new schema, and move what is in the old one bit by bit."}),
		breaking({"rename-object",
				  "F",
				  S::warning,
				  About::anything,
				  {W::rename_other},
				  rename_object,
				  "a function or type is renamed",
				  "An application written for the old name fails at once.",
				  "Make a second one, and drop the old one when nobody uses it."}),
		breaking({"rename-constraint",
				  "F",
				  S::info,
				  About::existing,
				  {W::rename_other},
				  rename_constraint,
				  "a constraint is renamed",
				  "ON CONFLICT ON CONSTRAINT and handlers of errors know it by its name.",
				  "See that no application names it."}),
		breaking({"rename-attribute",
				  "F",
				  S::warning,
				  About::anything,
				  {W::rename_other},
				  rename_attribute,
				  "an attribute of a type is renamed",
				  "An application written for the old name fails at once.",
				  "Wait until no application uses it."}),
		breaking({"rename-enum-value",
				  "F",
				  S::warning,
				  About::anything,
				  {W::alter_enum},
				  rename_enum_value,
				  "a value of an enum is renamed",
				  "An application and the text of functions know it by the old name.",
				  "Add a new value, and let both be known until no row has the old one."}),
		breaking({"set-schema",
				  "F",
				  S::warning,
				  About::anything,
				  {W::set_schema},
				  set_schema,
				  "an object is moved to another schema",
				  "All that names the old schema does not find it.",
				  "Make a view in the old schema in the same migration, and drop it when nobody uses it."}),
	};
}

} // namespace mg::lint
