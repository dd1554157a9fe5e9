// Group C: what hangs on a column whose type changes, and is rebuilt, rechecked or in the way.
#include <algorithm>

#include "lint/ask.hpp"
#include "lint/definitions.hpp"
#include "lint/facts.hpp"
#include "lint/types.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

bool
has_members(const Table &table)
{
	return table.kind == RELKIND_PARTITIONED_TABLE || table.has_children;
}

// A change that the server makes without writing the table anew; of one that it does, everything else is a matter of course.
bool
is_in_place(const Action &action, Context &context, TypeChange *change)
{
	if (!is_change_of_table(action))
		return false;
	*change = change_of(*action.table, *action.column, new_definition(action), context.model().time_zone());
	return change->is_known && change->is_castable && !change->rewrites;
}

// An index over the column: one row for each of its keys that is the column, or one for an expression or predicate over it.
struct Rebuilt
{
	std::string title;
	std::string definition; // empty: cannot be had, or it is one of a partition or constraint
};

// Whether the server keeps an index's file (TryReuseIndex, CheckIndexCompatible): with the same operator class and collation, which it
// takes anew where they were those of the column.
bool
keeps_key(const Column &column, const TypeChange &change, Oid method, Oid opclass, Oid collation)
{
	struct Key
	{
		Oid opclass;
		bool is_polymorphic;
	};
	const Key key = ask(Key{InvalidOid, true}, [&] {
		return Key{opclass == GetDefaultOpClass(column.type, method) ? GetDefaultOpClass(change.type, method) : opclass,
				   static_cast<bool>(IsPolymorphicType(get_opclass_input_type(opclass)))};
	});

	return key.opclass == opclass && (collation == column.collation ? change.collation : collation) == collation &&
		   !(key.is_polymorphic && change.type != column.type);
}

std::vector<Rebuilt>
rebuilt_indexes(const Action &action, const TypeChange &change)
{
	/* OFFSET 0 keeps the planner from looking for the column in every table that has one of that name; for EXISTS it would read all
	   of pg_depend. */
	constexpr const char *sql =
		"WITH RECURSIVE m (oid) AS (SELECT $1::oid UNION SELECT inhrelid FROM m JOIN pg_inherits ON inhparent = m.oid) "
		"SELECT i.indexrelid, c.oid::regclass, c.relam, i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR NOT "
		"i.indisvalid, "
		"       i.indclass[k], i.indcollation[k], m.oid = $1::oid AND con.oid IS NULL AND NOT c.relispartition "
		"FROM m CROSS JOIN LATERAL (SELECT attnum FROM pg_attribute WHERE attrelid = m.oid AND attname = (SELECT "
		"attname "
		"FROM pg_attribute WHERE attrelid = $1::oid AND attnum = $2::int2) OFFSET 0) a "
		"JOIN pg_index i ON i.indrelid = m.oid JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' "
		"LEFT JOIN pg_constraint con ON con.conrelid = m.oid AND con.conindid = i.indexrelid AND con.contype IN ('p', "
		"'u', 'x') "
		"LEFT JOIN LATERAL generate_series(0, i.indnkeyatts - 1) k ON i.indkey[k] = a.attnum "
		"WHERE k IS NOT NULL OR a.attnum = ANY (i.indkey) OR i.indexrelid IN (SELECT d.objid FROM pg_depend d "
		"  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = m.oid "
		"    AND d.refobjsubid = a.attnum) "
		"ORDER BY 2";
	std::vector<Rebuilt> result;
	Oid last = InvalidOid;

	if (!has_members(*action.table) &&
		std::none_of(action.table->indexes.begin(), action.table->indexes.end(), [&](const Index &index) {
			return index.has_expressions || index.is_partial || has(index.columns, action.column->name);
		}))
		return result;

	for (const pg::Row &row : facts(sql, {cell_of(action.table->oid), std::to_string(action.column->number)}))
	{
		const Oid index = oid_of(row[0]);
		if (index == last || (row[3] != "t" && (!row[4].has_value() || keeps_key(*action.column, change, oid_of(row[2]),
																				 oid_of(row[4]), oid_of(row[5])))))
			continue;
		last = index;
		result.push_back({row[1].value_or(""),
						  row[6] == "t" ? index_definition(index, action.table->oid).value_or("") : std::string()});
	}
	return result;
}

std::string
titles(const std::vector<Rebuilt> &indexes)
{
	std::string result;

	for (size_t i = 0; i < indexes.size() && i < 5; i++)
		result += (i == 0 ? "" : ", ") + indexes[i].title;
	if (indexes.size() > 5)
		result += " and " + std::to_string(indexes.size() - 5) + " more";
	return result;
}

void
type_change_rebuilds_index(const Action &action, Context &context)
{
	TypeChange change;
	if (!is_in_place(action, context, &change))
		return;
	const std::vector<Rebuilt> indexes = rebuilt_indexes(action, change);
	if (indexes.empty())
		return;

	Report report;
	report.message = "changing the type of column " + quoted(action.name) + " leaves the rows of " +
					 sized(*action.table) + " as they are, but builds anew " + titles(indexes) +
					 " while nobody reads or writes it";
	report.lock = AccessExclusiveLock;
	report.work = Work::build;
	const bool are_definable =
		action.table->kind == RELKIND_RELATION && !action.table->has_children &&
		std::all_of(indexes.begin(), indexes.end(), [](const Rebuilt &index) { return !index.definition.empty(); });
	if (are_definable)
	{
		for (const Rebuilt &index : indexes)
			report.steps.push_back(outside_step("DROP INDEX CONCURRENTLY " + index.title));
		report.steps.push_back(step(context.statement_text()));
		for (const Rebuilt &index : indexes)
			report.steps.push_back(outside_step(with_words(index.definition, "index", "CONCURRENTLY")));
	}
	else
		report.hint =
			"Drop the indexes before it where the table can do without them for a while, and build them "
			"CONCURRENTLY afterwards; those of constraints belong to a constraint that is dropped and added again.";
	context.report(std::move(report));
}

void
type_change_rechecks_constraints(const Action &action, Context &context)
{
	constexpr const char *sql =
		"WITH RECURSIVE m (oid) AS (SELECT $1::oid UNION SELECT inhrelid FROM m JOIN pg_inherits ON inhparent = m.oid) "
		"SELECT DISTINCT ON (c.conname) c.oid, c.conname, c.conrelid = $1::oid "
		"FROM m CROSS JOIN LATERAL (SELECT attnum FROM pg_attribute WHERE attrelid = m.oid AND attname = (SELECT "
		"attname "
		"FROM pg_attribute WHERE attrelid = $1::oid AND attnum = $2::int2) OFFSET 0) a "
		"JOIN pg_constraint c ON c.conrelid = m.oid AND a.attnum = ANY (c.conkey) "
		"WHERE c.contype = 'c' AND c.convalidated "
#if PG_VERSION_NUM >= 180000
		"AND c.conenforced "
#endif
		"ORDER BY c.conname, c.conrelid <> $1::oid";
	TypeChange change;
	if (!has_members(*action.table) && std::none_of(action.table->constraints.begin(), action.table->constraints.end(),
													[&](const TableConstraint &constraint) {
														return constraint.type == CONSTRAINT_CHECK &&
															   action.column != nullptr &&
															   has(constraint.columns, action.column->name);
													}))
		return;
	if (!is_in_place(action, context, &change))
		return;

	Report report;
	std::string names;
	std::string drops;
	std::string adds;
	std::string validates;
	bool are_definable = action.table->kind == RELKIND_RELATION && !action.table->has_children &&
						 !action.table->is_partition && has_its_names(*action.table);
	for (const pg::Row &row : facts(sql, {cell_of(action.table->oid), std::to_string(action.column->number)}))
	{
		const std::string name = quoted(row[1].value_or(""));
		/* Dropped by the script itself. */
		if (row[2] == "t" && !has_constraint(*action.table, oid_of(row[0])))
			continue;
		const pg::Cell definition = constraint_definition(oid_of(row[0]), action.table->oid);
		const std::string alter = "ALTER TABLE " + action.table->title() + " ";
		are_definable = are_definable && definition.has_value();
		names += (names.empty() ? "" : ", ") + name;
		drops += alter + "DROP CONSTRAINT " + name + ";\n";
		adds += ";\n" + alter + "ADD CONSTRAINT " + name + " " + definition.value_or("") + " NOT VALID";
		validates += (validates.empty() ? "" : ";\n") + alter + "VALIDATE CONSTRAINT " + name;
	}
	if (names.empty())
		return;
	report.message = "changing the type of column " + quoted(action.name) + " checks " + names + " of every row of " +
					 sized(*action.table) + " again while nobody reads or writes it";
	report.lock = AccessExclusiveLock;
	report.work = Work::scan;
	if (are_definable)
		report.steps = {step(drops + context.statement_text() + adds), step(validates)};
	else
		report.hint =
			"Drop the constraint before it, add it NOT VALID behind it, and validate it in a migration of its own.";
	context.report(std::move(report));
}

// Whether an earlier statement of the script has dropped what is in the way.
bool
is_out_of_the_way(const pg::Row &row, const Action &action, Context &context)
{
	const std::string kind = row[0].value_or("");
	const std::string name = row[3].value_or("");

	if (kind == "view" || kind == "materialized view")
		return context.model().find(oid_of(row[2])) == nullptr;
	if (kind == "table column")
		return action.table->column(name) == nullptr ||
			   std::any_of(context.done().begin(), context.done().end(), [&](const Done &done) {
				   return done.what == What::drop_expression && done.table == action.table && done.name == name;
			   });
	return std::any_of(context.done().begin(), context.done().end(), [&](const Done &done) {
		/* A function, or a table of a publication, is not told by name: any DROP may be it. */
		return done.what == What::drop_other && (name.empty() || (done.name == name && done.table == action.table));
	});
}

void
type_change_blocked(const Action &action, Context &context)
{
	/* As RememberAllDependentForRebuilding() and ATPrepAlterColumnType() refuse: kind, title, oid of a view, name, what the server calls it. */
	constexpr const char *sql =
		"SELECT i.type, i.identity, r.ev_class, "
		"       CASE WHEN d.classid = 'pg_attrdef'::regclass THEN ga.attname ELSE coalesce(t.tgname, p.polname, "
		"r.rulename)::name END "
		"FROM (SELECT DISTINCT classid, objid FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND "
		"d.refobjid = $1::oid "
		"        AND d.refobjsubid = $2::int AND d.classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, "
		"          'pg_policy'::regclass, 'pg_proc'::regclass, 'pg_attrdef'::regclass, "
		"'pg_publication_rel'::regclass)) d "
		"LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid "
		"LEFT JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm') "
		"LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid "
		"LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid "
		"LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid "
		"LEFT JOIN pg_attribute ga ON ga.attrelid = f.adrelid AND ga.attnum = f.adnum "
		"CROSS JOIN LATERAL pg_identify_object(coalesce(CASE WHEN v.oid IS NOT NULL OR f.oid IS NOT NULL THEN "
		"'pg_class'::regclass END, "
		"  d.classid), coalesce(v.oid, f.adrelid, d.objid), coalesce(f.adnum, 0)) i "
		"WHERE f.oid IS NULL OR f.adrelid <> $1::oid OR f.adnum <> $2::int2 "
		"UNION ALL "
		"SELECT 'partition key', $1::oid::regclass::text, NULL, NULL FROM pg_partitioned_table "
		"WHERE partrelid = $1::oid AND $2::int2 = ANY (partattrs) "
		"UNION ALL "
		"SELECT 'parent table', string_agg(h.inhparent::regclass::text, ', '), NULL, NULL "
		"FROM pg_attribute a JOIN pg_inherits h ON h.inhrelid = a.attrelid "
		"WHERE a.attrelid = $1::oid AND a.attnum = $2::int2 AND a.attinhcount > 0 HAVING count(*) > 0 "
		"UNION ALL "
		"SELECT 'row type in column', format('%s.%I', a.attrelid::regclass, a.attname), NULL, NULL "
		"FROM pg_class own JOIN pg_type y ON y.oid = own.reltype "
		"JOIN pg_depend yd ON yd.refclassid = 'pg_type'::regclass AND yd.refobjid IN (y.oid, y.typarray) "
		"  AND yd.classid = 'pg_class'::regclass AND yd.objsubid > 0 "
		"JOIN pg_attribute a ON a.attrelid = yd.objid AND a.attnum = yd.objsubid AND a.atttypid IN (y.oid, y.typarray) "
		"JOIN pg_class u ON u.oid = a.attrelid AND u.relkind IN ('r', 'm', 'p') "
		"WHERE own.oid = $1::oid AND own.relkind IN ('r', 'p') "
		"ORDER BY 1, 2";
	if (!is_change_of_table(action))
		return;
	std::string in_the_way;
	std::string kinds;
	for (const pg::Row &row : facts(sql, {cell_of(action.table->oid), std::to_string(action.column->number)}))
	{
		if (is_out_of_the_way(row, action, context))
			continue;
		const std::string kind = row[0] == "table column" ? "generated column" : row[0].value_or("");
		in_the_way += (in_the_way.empty() ? "" : ", ") + kind + " " + row[1].value_or("");
		kinds += kind + " ";
	}
	if (in_the_way.empty())
		return;
	std::string hint = "Drop what uses the column before it, and make it again behind it, in the same migration.";
	if (kinds.find("partition key") != std::string::npos || kinds.find("row type") != std::string::npos)
		hint = "Make a new table with the type, and move the rows there.";
	else if (kinds.find("parent table") != std::string::npos)
		hint = "Change the column of the parent table, which changes that of its children.";
	context.report({"the type of column " + quoted(action.name) + " of " + action.table->title() +
						" cannot be changed while something uses it: " + in_the_way,
					hint});
}

void
type_change_needs_using(const Action &action, Context &context)
{
	if (!is_change_of_table(action))
		return;
	const TypeChange change =
		change_of(*action.table, *action.column, new_definition(action), context.model().time_zone());
	if (!change.is_known || change.is_castable)
		return;
	const std::string type = type_title(change.type, change.typmod);
	Report report;
	report.message =
		(new_definition(action)->raw_default == nullptr ? "column " + quoted(action.name)
														: "what USING gives for column " + quoted(action.name)) +
		" of " + action.table->title() + " cannot be cast to " + type + " without being told how";
	report.hint = "Say so with USING " + quoted(action.name) + "::" + type + ", or with another expression.";
	context.report(std::move(report));
}

void
type_change_keeps_no_default(const Action &action, Context &context)
{
	if (!is_change_of_table(action) || !action.column->has_default || action.column->generated != '\0' ||
		action.column->identity != '\0')
		return;
	for (const Done &done : context.done())
		if ((done.what == What::set_default || done.what == What::drop_default) && done.table == action.table &&
			done.name == action.name)
			return;
	/* Dropped or set by the same statement: the server does that first. */
	ListCell *cell;
	foreach (cell, castNode(AlterTableStmt, action.statement)->cmds)
		if (const auto *command = lfirst_node(AlterTableCmd, cell);
			command->subtype == AT_ColumnDefault && command->name != nullptr && action.name == command->name &&
			command->def == nullptr)
			return;
	const TypeChange change = target_of(new_definition(action));
	if (!OidIsValid(change.type))
		return;
	const pg::Cell kept = fact("SELECT adbin FROM pg_attrdef WHERE adrelid = $1::oid AND adnum = $2::int2",
							   {cell_of(action.table->oid), std::to_string(action.column->number)});
	if (!kept.has_value() || default_follows(*kept, change.type, change.typmod))
		return;
	context.report({"the default of column " + quoted(action.name) + " of " + action.table->title() +
						" cannot be cast to " + type_title(change.type, change.typmod) + " on its own",
					"ALTER COLUMN " + quoted(action.name) +
						" DROP DEFAULT before it, and SET DEFAULT to a value of the new type behind it."});
}

} // namespace

std::vector<Rule>
type_dependent_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"type-change-rebuilds-index",
		 "C",
		 S::warning,
		 About::occupied,
		 {W::change_type},
		 type_change_rebuilds_index,
		 "a change of type that leaves the rows as they are, but not an index",
		 "Another operator class or collation, or an expression over the column, makes the server build the index "
		 "anew, and nobody "
		 "reads or writes the table meanwhile.",
		 "Drop the index CONCURRENTLY before it, and build it CONCURRENTLY afterwards."},
		{"type-change-rechecks-constraints",
		 "C",
		 S::warning,
		 About::occupied,
		 {W::change_type},
		 type_change_rechecks_constraints,
		 "a change of type that leaves the rows as they are, but checks them again",
		 "A CHECK over the column is made anew, and nobody reads or writes the table meanwhile.",
		 "Drop the CHECK before it, add it NOT VALID behind it, and validate it in a migration of its own."},
		{"type-change-rechecks-fk",
		 "C",
		 S::warning,
		 About::existing,
		 {W::change_type},
		 type_change_rechecks_fk,
		 "a change of type that checks a foreign key again",
		 "Every row is looked up in the other table while both are locked.",
		 "Drop the foreign key before it, add it NOT VALID behind it, and validate it in a migration of its own."},
		{"type-change-locks-other",
		 "C",
		 S::warning,
		 About::existing,
		 {W::change_type},
		 type_change_locks_other,
		 "a change of type locks the other table of a foreign key",
		 "The server drops the foreign key and makes it anew, for which it changes triggers of both tables.",
		 "Set lock_timeout, and let it be the last statement."},
		{"type-change-blocked",
		 "C",
		 S::error,
		 About::existing,
		 {W::change_type},
		 type_change_blocked,
		 "a change of type of a column that something uses",
		 "The server refuses it because of a view, rule, policy, trigger, function, publication, generated column, "
		 "partition key or "
		 "row type.",
		 "Drop what uses the column, and make it again in the same migration."},
		{"type-change-needs-using",
		 "C",
		 S::error,
		 About::existing,
		 {W::change_type},
		 type_change_needs_using,
		 "a change to a type that the server does not cast to on its own",
		 "The statement fails, also with an empty table.",
		 "Say how with USING."},
		{"type-change-default",
		 "C",
		 S::error,
		 About::existing,
		 {W::change_type},
		 type_change_keeps_no_default,
		 "a change of type that the column's default cannot follow",
		 "The statement fails: USING is for the rows only.",
		 "Drop the default before it, and set one of the new type behind it."},
	};
}

} // namespace mg::lint
