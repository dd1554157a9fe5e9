// Group C: changes of type.
#include "lint/types.hpp"

#include <algorithm>

#include "lint/facts.hpp"
#include "lint/words.hpp"

namespace mg::lint {

bool
is_change_of_table(const Action &action)
{
	return action.table != nullptr && action.column != nullptr && action.column->number > 0 &&
		   OidIsValid(action.column->type) &&
		   (action.table->kind == RELKIND_RELATION || action.table->kind == RELKIND_PARTITIONED_TABLE ||
			action.table->kind == RELKIND_MATVIEW);
}

bool
has_one_command(const Action &action)
{
	return list_length(castNode(AlterTableStmt, action.statement)->cmds) == 1;
}

namespace {

TypeChange
change_by(const Action &action, Context &context)
{
	return change_of(*action.table, *action.column, new_definition(action), context.model().time_zone());
}

// integer -> bigint
std::string
change_title(const Action &action, const TypeChange &change)
{
	return type_title(action.column->type, action.column->typmod) + " to " +
		   (OidIsValid(change.type) ? type_title(change.type, change.typmod) : "a type that is not there");
}

// Whether a column has nothing but its name and type, and no other one stands behind it: one that is added can take its place.
bool
is_replaceable(const Action &action)
{
	const Table &table = *action.table;
	const Column &column = *action.column;

	if (table.kind != RELKIND_RELATION || table.is_partition || table.has_children ||
		table.columns.back().name != column.name || column.not_null || column.has_default || column.identity != '\0' ||
		column.generated != '\0' || table.made_here || new_definition(action)->raw_default != nullptr ||
		!has_one_command(action))
		return false;
	for (const Index &index : table.indexes)
		if (std::find(index.columns.begin(), index.columns.end(), column.name) != index.columns.end())
			return false;
	/* The option is one that some builds of the server keep for themselves. */
	return !fact("SELECT true FROM pg_attribute a WHERE attrelid = $1::oid AND attnum = $2::int "
				 "AND (attacl IS NOT NULL OR EXISTS (SELECT FROM unnest(attoptions) o WHERE o NOT LIKE 'pg_attver=%') "
				 "OR attcompression <> '' OR attinhcount > 0 "
				 "  OR coalesce(attstattarget, -1) <> -1 "
				 "  OR attstorage <> (SELECT typstorage FROM pg_type t WHERE t.oid = atttypid) "
				 "  OR EXISTS (SELECT FROM pg_description WHERE classoid = 'pg_class'::regclass AND objoid = attrelid "
				 "AND "
				 "objsubid = attnum) "
				 "  OR EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid = attrelid "
				 "AND "
				 "refobjsubid = attnum))",
				 {cell_of(table.oid), std::to_string(column.number)})
				.has_value();
}

// A second column that a trigger keeps in step, filled in batches, takes the place of the first.
std::vector<Step>
expand_and_contract(const Action &action, const TypeChange &change)
{
	const std::string table = action.table->title();
	const std::string column = quoted(action.name);
	const std::string next = quoted(action.name + "_new");
	const std::string trigger = quoted(action.table->name + "_" + action.name + "_new");
	const std::string function = quoted(action.table->schema) + "." + trigger;
	std::string type = type_title(change.type, change.typmod);

	if (new_definition(action)->collClause != nullptr)
	{
		std::string collation;
		for (const std::string &name : names_in(new_definition(action)->collClause->collname))
			collation += (collation.empty() ? "" : ".") + quoted(name);
		type += " COLLATE " + collation;
	}
	return {step("ALTER TABLE " + table + " ADD COLUMN " + next + " " + type + ";\nCREATE FUNCTION " + function +
				 "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW." + next + " := NEW." + column +
				 "; RETURN NEW; END $$;\nCREATE TRIGGER " + trigger + " BEFORE INSERT OR UPDATE ON " + table +
				 " FOR EACH ROW EXECUTE FUNCTION " + function + "()"),
			outside_step("DO $$\nDECLARE\n\tat bigint := 0;\n\tpages bigint := pg_relation_size(" + literal(table) +
						 ") / current_setting('block_size')::bigint;\nBEGIN\n\tWHILE at <= pages LOOP\n\t\tUPDATE " +
						 table + " SET " + column + " = " + column +
						 " WHERE ctid >= format('(%s,0)', at)::tid AND ctid < format('(%s,0)', at + 1000)::tid AND " +
						 column + " IS NOT NULL AND " + next +
						 " IS NULL;\n\t\tCOMMIT;\n\t\tat := at + 1000;\n\tEND LOOP;\nEND $$"),
			step("DROP TRIGGER " + trigger + " ON " + table + ";\nDROP FUNCTION " + function + "();\nALTER TABLE " +
				 table + " DROP COLUMN " + column + ";\nALTER TABLE " + table + " RENAME COLUMN " + next + " TO " +
				 column)};
}

bool
is_time(Oid type)
{
	return type == TIMESTAMPOID || type == TIMESTAMPTZOID;
}

void
type_change_rewrites(const Action &action, Context &context)
{
	if (!is_change_of_table(action))
		return;
	const TypeChange change = change_by(action, context);
	if (!change.rewrites || !change.is_castable)
		return;
	const std::string column = quoted(action.name);
	const std::string next = quoted(action.name + "_new");
	Report report;
	report.message = "changing column " + column + " from " + change_title(action, change) + " writes all of " +
					 sized(*action.table) + " and its indexes anew while nobody reads or writes it";
	report.lock = AccessExclusiveLock;
	report.work = Work::rewrite;
	if (change.is_known && is_replaceable(action))
		report.steps = expand_and_contract(action, change);
	else
		report.hint =
			"Add a column " + next + " of the new type, let a trigger fill it from " + column +
			" with each INSERT and UPDATE, fill the other rows in batches, build its indexes CONCURRENTLY and its "
			"constraints NOT VALID and validate them, and in a last migration drop " +
			column + " and rename " + next + ". It is then the last column of the table.";
	if (is_time(action.column->type) && is_time(change.type) && new_definition(action)->raw_default == nullptr)
		report.hint += std::string(report.hint.empty() ? "" : " ") +
					   "Where the values are in UTC, SET LOCAL TimeZone = 'UTC' before the statement spares all of it.";
	context.report(std::move(report));
}

void
type_change_loses(const Action &action, Context &context)
{
	if (!is_change_of_table(action) || action.table->bytes == 0)
		return;
	const TypeChange change = change_by(action, context);
	if (!change.is_known || !change.is_castable || !change.loses)
		return;
	context.report(
		{"changing column " + quoted(action.name) + " of " + action.table->title() + " from " +
			 change_title(action, change) + " fails if a value does not fit, or loses what the new type cannot hold",
		 "Look for such values first, and keep new ones out with a CHECK; a rehearsal with data shows whether "
		 "there are any."});
}

// Of types whose bytes are the same, as of varchar and text, an application knows nothing.
void
type_changes(const Action &action, Context &context)
{
	if (!is_change_of_table(action))
		return;
	const TypeChange change = change_by(action, context);
	if (!change.is_known || change.type == action.column->type || (!change.rewrites && !is_time(change.type)))
		return;
	context.report({"column " + quoted(action.name) + " of " + action.table->title() + " goes from " +
						change_title(action, change) + ": an application written for the one may trip over the other",
					"Add a second column of the new type, let the application go over to it, and drop the first one in "
					"a later migration."});
}

void
type_change_volatile(const Action &action, Context &context)
{
	if (!is_change_of_table(action) || new_definition(action)->raw_default == nullptr)
		return;
	const TypeChange change = change_by(action, context);
	if (!change.is_known || !change.is_volatile)
		return;
	context.report({"USING " + context.piece_at(exprLocation(new_definition(action)->raw_default)) +
						" gives another value each time it runs, in every row of " + sized(*action.table),
					"Compute the values by an UPDATE, where they can be looked at before they count."});
}

std::string
collation_title(Oid collation)
{
	return fact("SELECT format('%I.%I', nspname, collname) FROM pg_collation c JOIN pg_namespace n ON n.oid = "
				"collnamespace "
				"WHERE c.oid = $1::oid",
				{cell_of(collation)})
		.value_or("?");
}

bool
changes_collation(const Action &action, TypeChange *target)
{
	if (!is_change_of_table(action) || !OidIsValid(action.column->collation))
		return false;
	*target = target_of(new_definition(action));
	return OidIsValid(target->collation) && target->collation != action.column->collation;
}

void
collation_change(const Action &action, Context &context)
{
	TypeChange target;
	if (new_definition(action)->collClause == nullptr || !changes_collation(action, &target))
		return;
	context.report({"column " + quoted(action.name) + " of " + action.table->title() + " sorts and compares by " +
						collation_title(target.collation) + " from here on, instead of " +
						collation_title(action.column->collation),
					"Look at the queries that order or compare it, and at ranges of partitions and checks over it.",
					{},
					AccessExclusiveLock});
}

void
collation_reset(const Action &action, Context &context)
{
	TypeChange target;
	if (new_definition(action)->collClause != nullptr || !changes_collation(action, &target))
		return;
	context.report({"TYPE without COLLATE gives column " + quoted(action.name) + " of " + action.table->title() +
						" the collation of its type, " + collation_title(target.collation) + ", instead of " +
						collation_title(action.column->collation),
					"To keep it, write the type with COLLATE " + collation_title(action.column->collation) + ".",
					{},
					AccessExclusiveLock});
}

// Changes of type in big tables that no ANALYZE comes after.
void
statistics_lost(const Action &, Context &context)
{
	const std::vector<Done> &done = context.done();
	const std::vector<size_t> &analyzed = context.done_of(What::analyze);

	for (size_t i : context.done_of(What::change_type))
	{
		const Done &change = done[i];
		if (change.table == nullptr || !context.is_occupied(*change.table))
			continue;
		const bool is_analyzed = std::any_of(analyzed.begin(), analyzed.end(), [&](size_t later) {
			return later > i && (done[later].table == change.table || done[later].table == nullptr);
		});
		if (is_analyzed || change.table->column(change.name) == nullptr)
			continue;
		Report report;
		report.message = "the server forgets its statistics of column " + quoted(change.name) + " of " +
						 change.table->title() + ", and plans badly until the next ANALYZE";
		report.hint = "End the migration with ANALYZE " + change.table->title() + " (" + quoted(change.name) + ").";
		report.table = change.table;
		report.statement = change.statement;
		report.location = change.location;
		context.report(std::move(report));
	}
}

} // namespace

std::vector<Rule>
type_rules()
{
	using S = Severity;
	using W = What;

	std::vector<Rule> rules = {
		{"type-change-rewrites",
		 "C",
		 S::warning,
		 About::occupied,
		 {W::change_type},
		 type_change_rewrites,
		 "a change of type writes the whole table anew",
		 "Nobody reads or writes the table meanwhile, and all of its indexes are built again. The server spares it "
		 "where the bytes "
		 "stay the same, as from varchar(10) to varchar(20) or text.",
		 "Fill a second column in batches, which takes the place of the first."},
		{"type-change-loses",
		 "C",
		 S::warning,
		 About::existing,
		 {W::change_type},
		 type_change_loses,
		 "a change to a type that holds less",
		 "One value that does not fit makes the migration fail; others are rounded or cut.",
		 "Look for such values first, and rehearse with data.",
		 0,
		 0,
		 true,
		 true},
		breaking({"type-changes",
				  "C",
				  S::info,
				  About::existing,
				  {W::change_type},
				  type_changes,
				  "a column gets another type",
				  "Drivers and programs take the values for what they were.",
				  "Let the application go over to a second column."}),
		{"type-change-volatile",
		 "C",
		 S::warning,
		 About::occupied,
		 {W::change_type},
		 type_change_volatile,
		 "USING with an expression that gives another value each time",
		 "What a rehearsal shows is not what the migration writes.",
		 "Compute the values by an UPDATE."},
		{"collation-reset",
		 "C",
		 S::warning,
		 About::existing,
		 {W::change_type},
		 collation_reset,
		 "a change of type without COLLATE drops the column's own collation",
		 "The server takes that of the type, and sorts and compares otherwise from then on.",
		 "Write COLLATE with the type."},
		{"collation-change",
		 "C",
		 S::info,
		 About::existing,
		 {W::change_type},
		 collation_change,
		 "a column gets another collation",
		 "It sorts and compares otherwise, and its indexes are built anew.",
		 "Look at the queries that order or compare it."},
		{"statistics-lost",
		 "C",
		 S::info,
		 About::anything,
		 {W::script_end},
		 statistics_lost,
		 "a change of type with no ANALYZE behind it",
		 "The server drops the column's statistics, and plans badly until it has new ones.",
		 "End the migration with ANALYZE of the column."},
	};
	for (std::vector<Rule> more : {type_dependent_rules(), sequence_rules()})
		std::move(more.begin(), more.end(), std::back_inserter(rules));
	return rules;
}

} // namespace mg::lint
