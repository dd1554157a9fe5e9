// Group F: what is lost.
#include <algorithm>

#include "lint/facts.hpp"
#include "lint/nodes.hpp"
#include "lint/objects.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

// A name that nobody has yet, to put a table away under.
std::string
spare_name(const Table &table, Context &context)
{
	std::string name = table.name + "_dropped";
	while (context.model().find(table.schema, name) != nullptr)
		name += "_";
	return name;
}

// Whether its rows are read through a parent too, whatever it is called.
bool
is_child(const Table &table)
{
	return table.is_partition || std::any_of(table.columns.begin(), table.columns.end(),
											 [](const Column &column) { return column.inherited > 0; });
}

void
report_drop(const Action &action, Context &context)
{
	Table &table = *action.table;
	Report report;
	const std::string spare = spare_name(table, context);
	const std::string keyword = keyword_of(table);

	report.message = "DROP " + keyword + " deletes " + sized(table) + " with " + row_count(table) +
					 ", and an application that still reads it fails";
	if (is_child(table))
		report.hint =
			"Take it out of its parent first, which can be taken back, and drop it when nobody has missed it.";
	else
	{
		report.steps = {step("ALTER " + keyword + " " + table.title() + " RENAME TO " + quoted(spare)),
						step("DROP " + keyword + " " + quoted(table.schema) + "." + quoted(spare) +
							 (action.cascade ? " CASCADE" : ""))};
		report.hint =
			"Put it away under another name first, which can be taken back, and drop it when nobody has missed it.";
	}
	report.lock = AccessExclusiveLock;
	context.report(std::move(report));
}

void
drop_table(const Action &action, Context &context)
{
	report_drop(action, context);
}

void
drop_small_table(const Action &action, Context &context)
{
	if (!context.is_occupied(*action.table))
		report_drop(action, context);
}

void
drop_table_in_use(const Action &action, Context &context)
{
	constexpr const char *sql =
#if PG_VERSION_NUM >= 160000
		"SELECT sum(seq_scan + coalesce(idx_scan, 0)), max(greatest(last_seq_scan, last_idx_scan))::timestamp(0) "
		"FROM pg_stat_all_tables WHERE relid = $1::oid HAVING max(greatest(last_seq_scan, last_idx_scan)) > now() - "
		"interval '30 days'";
#else
		"SELECT sum(seq_scan + coalesce(idx_scan, 0)), max(stats_reset)::timestamp(0) FROM pg_stat_all_tables, "
		"pg_stat_database WHERE relid = $1::oid AND datname = current_database() HAVING sum(seq_scan + "
		"coalesce(idx_scan, 0)) > 0";
#endif
	if (!OidIsValid(action.table->oid))
		return;
	const std::vector<pg::Row> rows = facts(sql, {cell_of(action.table->oid)});
	if (rows.empty() || rows[0][0].value_or("0") == "0")
		return;
	std::string when;
	if (rows[0][1].has_value())
		when = (PG_VERSION_NUM >= 160000 ? ", last at " : " since ") + *rows[0][1];
	context.report({"the server has read " + action.table->title() + " " + *rows[0][0] + " times" + when +
						": somebody may still use it",
					"Find out who does; rename it first, which can be taken back.",
					{},
					AccessExclusiveLock});
}

void
drop_then_create(const Action &action, Context &context)
{
	for (size_t i : context.done_of(What::drop_table))
		if (const Done &done = context.done()[i]; done.table != nullptr && done.table->schema == action.table->schema &&
												  done.table->name == action.table->name &&
												  context.is_occupied(*done.table))
		{
			Report report;
			report.message = "the script drops " + sized(*done.table) +
							 " and makes it again: its rows, privileges, indexes, triggers and policies are gone";
			report.hint = "ALTER TABLE keeps them; or fill the new table before the old one is dropped.";
			report.table = done.table;
			context.report(std::move(report));
			return;
		}
}

// What a DROP is about: its relation, or the object of its parse tree.
Object
subject_of(const Action &action, Context &context)
{
	if (action.what == What::drop_table || (action.table != nullptr && action.part == nullptr))
		return action.table == nullptr ? Object{}
									   : Object{RelationRelationId, action.table->oid, action.table->title()};
	if (action.part == nullptr || !IsA(action.statement, DropStmt))
		return {};
	return object_of(castNode(DropStmt, action.statement)->removeType, action.part, context.model());
}

ObjectType
type_of(const Action &action)
{
	return IsA(action.statement, DropStmt) ? castNode(DropStmt, action.statement)->removeType : OBJECT_DATABASE;
}

// Those among them that the script has not dropped by now, and that the statement does not name itself.
std::vector<Victim>
alive(const std::vector<Victim> &victims, const Action &action, Context &context)
{
	std::vector<Oid> named;
	std::vector<Victim> result;
	ListCell *cell;

	if (IsA(action.statement, DropStmt) && action.part == nullptr)
		foreach (cell, castNode(DropStmt, action.statement)->objects)
		{
			const RangeVar *relation = range_var_of(lfirst_node(List, cell));
			if (const Table *table = context.model().find(relation); table != nullptr)
				named.push_back(table->oid);
		}
	for (const Victim &victim : victims)
	{
		if (OidIsValid(victim.relation))
		{
			Table *table = context.model().find(victim.relation);
			if (table == nullptr || std::find(named.begin(), named.end(), victim.relation) != named.end())
				continue;
			if (!victim.name.empty() && table->constraint(victim.name) == nullptr)
				continue;
			if (victim.column > 0 && std::none_of(table->columns.begin(), table->columns.end(),
												  [&](const Column &column) { return column.number == victim.column; }))
				continue;
		}
		result.push_back(victim);
	}
	return result;
}

// Those that go by CASCADE only.
std::vector<Victim>
kept_by(std::vector<Victim> victims)
{
	victims.erase(std::remove_if(victims.begin(), victims.end(), [](const Victim &one) { return !one.keeps; }),
				  victims.end());
	return victims;
}

void
drop_cascade(const Action &action, Context &context)
{
	if (!action.cascade || type_of(action) == OBJECT_SCHEMA)
		return;
	const Object subject = subject_of(action, context);
	const std::vector<Victim> victims = kept_by(alive(victims_of(subject.catalog, subject.oid), action, context));
	if (victims.empty())
		return;
	Report report;
	report.message = "CASCADE also drops " + list_of(victims);
	report.hint = "Drop by name what has to go, without CASCADE.";
	report.object = subject.title;
	context.report(std::move(report));
}

// Whether an earlier statement may have taken out of the way what the catalogs still show.
bool
is_unsure(const Context &context)
{
	return std::any_of(context.done().begin(), context.done().end(), [](const Done &done) {
		switch (done.what)
		{
			case What::drop_table:
			case What::drop_other:
			case What::drop_column:
			case What::drop_constraint:
			case What::drop_default:
			case What::set_default:
			case What::change_type:
			case What::create_view:
			case What::create_function:
			case What::create_policy:
			case What::inherit:
			case What::detach_partition:
			case What::alter_sequence:
			case What::alter_other:
			case What::drop_identity:
			case What::call:
			case What::unseen:
				return true;
			default:
				return false;
		}
	});
}

void
drop_needs_cascade(const Action &action, Context &context)
{
	if (is_unsure(context))
		return;
	const Object subject = subject_of(action, context);
	if (!OidIsValid(subject.oid))
		return;
	if (const pg::Cell whole = fact("SELECT pg_describe_object(refclassid, refobjid, refobjsubid) FROM pg_depend WHERE "
									"classid = $1::oid AND objid = $2::oid AND deptype IN ('i', 'e') AND (refclassid, "
									"refobjid) <> (classid, objid)",
									{cell_of(subject.catalog), cell_of(subject.oid)}))
	{
		Report report;
		report.message = "DROP fails: " + subject.title + " is a part of " + *whole;
		report.hint = "Drop or change that one.";
		report.object = subject.title;
		context.report(std::move(report));
		return;
	}
	if (action.cascade)
		return;
	/* Only what belongs to a relation is known to be there still. */
	std::vector<Victim> keeping = kept_by(alive(victims_of(subject.catalog, subject.oid), action, context));
	keeping.erase(
		std::remove_if(keeping.begin(), keeping.end(), [](const Victim &one) { return !OidIsValid(one.relation); }),
		keeping.end());
	if (keeping.empty())
		return;
	Report report;
	report.message = "DROP fails, since others need it: " + list_of(keeping);
	report.hint = "Drop or change them first.";
	report.object = subject.title;
	context.report(std::move(report));
}

void
drop_schema(const Action &action, Context &context)
{
	if (type_of(action) != OBJECT_SCHEMA || !action.cascade)
		return;
	const Object subject = subject_of(action, context);
	if (!OidIsValid(subject.oid))
		return;
	const std::vector<Victim> victims = alive(victims_of(subject.catalog, subject.oid), action, context);
	if (victims.empty())
		return;
	double rows = 0;
	size_t tables = 0;
	for (const Victim &victim : victims)
		if (victim.column == 0 && victim.name.empty() && OidIsValid(victim.relation))
			if (const Table *table = context.model().find(victim.relation);
				table != nullptr && (table->kind == RELKIND_RELATION || table->kind == RELKIND_MATVIEW))
			{
				tables++;
				rows += std::max(0.0, table->rows);
			}
	char counts[96];
	snprintf(counts, sizeof counts, "%zu objects (tables: %zu, rows in them: about %.0f)", victims.size(), tables,
			 rows);
	Report report;
	report.message = "DROP SCHEMA CASCADE drops " + std::string(counts) + ": " + list_of(victims);
	report.hint = "Drop by name what has to go, and then the schema without CASCADE.";
	report.object = subject.title;
	context.report(std::move(report));
}

void
drop_type(const Action &action, Context &context)
{
	if (type_of(action) != OBJECT_TYPE && type_of(action) != OBJECT_DOMAIN)
		return;
	if (!action.cascade)
		return;
	const Object subject = subject_of(action, context);
	for (const Victim &victim : alive(victims_of(subject.catalog, subject.oid), action, context))
		if (victim.column > 0)
			if (const Table *table = context.model().find(victim.relation);
				table != nullptr && context.is_existing(*table) && table->kind != RELKIND_VIEW)
			{
				Report report;
				report.message = "CASCADE also drops column " + victim.title + " of that type, with what is in it";
				report.hint = "Change the column to another type first.";
				report.lock = AccessExclusiveLock;
				report.table = table;
				context.report(std::move(report));
			}
}

void
drop_extension(const Action &action, Context &context)
{
	if (type_of(action) != OBJECT_EXTENSION)
		return;
	const Object subject = subject_of(action, context);
	if (!OidIsValid(subject.oid))
		return;
	const pg::Cell count = fact("SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND "
								"refobjid = $1::oid AND deptype = 'e'",
								{cell_of(subject.oid)});
	Report report;
	report.message = "DROP EXTENSION takes away the " + count.value_or("0") + " objects of extension " + subject.title +
					 ", and what an application calls among them";
	report.hint = "See that nobody uses them; CREATE EXTENSION may need a superuser to bring them back.";
	report.object = subject.title;
	context.report(std::move(report));
}

void
drop_database(const Action &action, Context &context)
{
	if (!IsA(action.statement, DropdbStmt))
		return;
	const std::string name = castNode(DropdbStmt, action.statement)->dbname;
	Report report;
	report.message = "DROP DATABASE deletes all there is in database " + quoted(name);
	report.hint = "It cannot run in a transaction, and nothing but a backup takes it back: keep it out of migrations.";
	report.object = quoted(name);
	context.report(std::move(report));
}

void
drop_sequence(const Action &action, Context &context)
{
	if (action.table->kind != RELKIND_SEQUENCE || is_made_later(context, action.table->schema, action.table->name))
		return;
	std::vector<Victim> defaults = alive(victims_of(RelationRelationId, action.table->oid), action, context);
	if (defaults.empty())
		return;
	context.report({"sequence " + action.table->title() + " is dropped while it is used by " + list_of(defaults) +
						": rows get no number any more",
					"Give the columns another default first."});
}

void
drop_view(const Action &action, Context &context)
{
	if ((action.table->kind != RELKIND_VIEW && action.table->kind != RELKIND_FOREIGN_TABLE) ||
		is_made_later(context, action.table->schema, action.table->name))
		return;
	const std::string keyword = keyword_of(*action.table);
	context.report({"DROP " + keyword + " takes " + action.table->title() +
						" away from the applications that still read it" + named_by_routines(action.table->name),
					"See that nobody reads it; rename it first, which can be taken back.",
					{},
					AccessExclusiveLock});
}

} // namespace

std::vector<Rule>
destruction_rules()
{
	using S = Severity;
	using W = What;

	return {
		breaking({"drop-table",
				  "F",
				  S::warning,
				  About::occupied,
				  {W::drop_table},
				  drop_table,
				  "a table is dropped that has rows",
				  "Only an archive or a backup brings them back.",
				  "Rename it first, and drop it when nobody has missed it.",
				  0,
				  0,
				  false,
				  true}),
		breaking({"drop-small-table",
				  "F",
				  S::info,
				  About::existing,
				  {W::drop_table},
				  drop_small_table,
				  "a table is dropped that has no rows or few",
				  "An application may still read it.",
				  "Rename it first, and drop it when nobody has missed it.",
				  0,
				  0,
				  false,
				  true}),
		breaking({"drop-table-in-use",
				  "F",
				  S::warning,
				  About::existing,
				  {W::drop_table},
				  drop_table_in_use,
				  "a table is dropped that is still read",
				  "The server's statistics show it.",
				  "Find out who reads it before."}),
		{"drop-then-create",
		 "F",
		 S::warning,
		 About::anything,
		 {W::create_table},
		 drop_then_create,
		 "a table is dropped and made again",
		 "Its rows do not move over, nor does what else belonged to it.",
		 "Alter it, or fill the new one before.",
		 0,
		 0,
		 false,
		 true},
		breaking({"drop-cascade",
				  "F",
				  S::warning,
				  About::anything,
				  {W::drop_table, W::drop_other},
				  drop_cascade,
				  "CASCADE drops more than is named",
				  "What else hangs on it goes without a word.",
				  "Drop by name what has to go.",
				  0,
				  0,
				  false,
				  true}),
		{"drop-needs-cascade",
		 "F",
		 S::error,
		 About::anything,
		 {W::drop_table, W::drop_other},
		 drop_needs_cascade,
		 "DROP of something that others need",
		 "The server refuses it.",
		 "Drop or change them first."},
		breaking({"drop-schema",
				  "F",
				  S::warning,
				  About::anything,
				  {W::drop_other},
				  drop_schema,
				  "a schema is dropped with all that is in it",
				  "What is in it goes without a word.",
				  "Drop by name what has to go.",
				  0,
				  0,
				  false,
				  true}),
		breaking({"drop-type-drops-columns",
				  "F",
				  S::warning,
				  About::anything,
				  {W::drop_other},
				  drop_type,
				  "a type is dropped with the columns that are of it",
				  "What is in them goes with it.",
				  "Change the columns to another type first.",
				  0,
				  0,
				  false,
				  true}),
		breaking({"drop-extension",
				  "F",
				  S::warning,
				  About::anything,
				  {W::drop_other},
				  drop_extension,
				  "an extension is dropped",
				  "Its functions and types go with it.",
				  "See that nobody uses them.",
				  0,
				  0,
				  false,
				  true}),
		breaking({"drop-database",
				  "F",
				  S::warning,
				  About::anything,
				  {W::drop_other},
				  drop_database,
				  "a database is dropped",
				  "All there is in it is lost.",
				  "Do it outside of migrations, after a backup.",
				  0,
				  0,
				  false,
				  true}),
		breaking({"drop-sequence",
				  "F",
				  S::warning,
				  About::existing,
				  {W::drop_other},
				  drop_sequence,
				  "a sequence is dropped that columns take numbers from",
				  "Rows get no number any more.",
				  "Give the columns another default first.",
				  0,
				  0,
				  false,
				  true}),
		breaking({"drop-view",
				  "F",
				  S::warning,
				  About::existing,
				  {W::drop_other},
				  drop_view,
				  "a view or foreign table is dropped",
				  "An application may still read it.",
				  "See that nobody reads it before."}),
	};
}

} // namespace mg::lint
