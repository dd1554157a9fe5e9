// Group I: types, names, keys and storage of tables.
#include "lint/facts.hpp"
#include "lint/judge.hpp"
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

// What a new or changed column is declared as, or nullptr, also where nobody knows the table.
const TypeName *
declared_type(const Action &action)
{
	if (action.table == nullptr)
		return nullptr;
	if (const auto *definition = part_as<ColumnDef>(action, T_ColumnDef))
		return definition->typeName;
	if (const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd);
		command != nullptr && action.what == What::change_type && command->def != nullptr &&
		IsA(command->def, ColumnDef))
		return castNode(ColumnDef, command->def)->typeName;
	return nullptr;
}

int
location_of(const TypeName *type)
{
	return type->location;
}

// Whether the declared type is exactly one of the server's own, without a domain or an array around it.
bool
is_declared(const Action &action, Oid type)
{
	const TypeName *declared = declared_type(action);
	return declared != nullptr && declared->arrayBounds == NIL && type_named(declared) == type;
}

std::string
column_of(const Action &action)
{
	return "column " + quoted(action.name) + " of " + action.table->title();
}

void
report_type(const Action &action, Context &context, const std::string &message, const std::string &hint)
{
	Report report;
	report.message = column_of(action) + message;
	report.hint = hint;
	report.location = location_of(declared_type(action));
	context.report(std::move(report));
}

void
varchar_with_limit(const Action &action, Context &context)
{
	if (is_declared(action, VARCHAROID) && declared_type(action)->typmods != NIL)
		report_type(action, context, " is a varchar with a limit",
					"Use text, with a CHECK on its length if there must be a limit: a check can be changed without a "
					"rewrite.");
}

void
char_with_blanks(const Action &action, Context &context)
{
	if (is_declared(action, BPCHAROID) && declared_type(action)->typmods != NIL)
		report_type(action, context, " is a char: values are filled up with blanks, which comparisons do not see",
					"Use text, with a CHECK on its length if that is what is meant.");
}

void
timestamp_without_zone(const Action &action, Context &context)
{
	if (is_declared(action, TIMESTAMPOID))
		report_type(action, context, " is a timestamp that does not say of which time zone",
					"Use timestamptz, which is a point in time.");
}

void
money_column(const Action &action, Context &context)
{
	if (is_declared(action, CASHOID))
		report_type(action, context, " is of type money, whose fractions and symbol depend on lc_monetary",
					"Use numeric, and keep the currency in a column of its own.");
}

void
small_integer_key(const Action &action, Context &context)
{
	const auto *definition = part_as<Constraint>(action, T_Constraint);
	if (definition == nullptr || definition->contype != CONSTR_PRIMARY || definition->indexname != nullptr)
		return;
	std::vector<std::string> names =
		action.is_new_column ? std::vector<std::string>{action.column->name} : names_in(definition->keys);
	if (names.size() != 1)
		return;
	const Column *column = action.table->column(names[0]);
	if (column != nullptr && (column->type == INT4OID || column->type == INT2OID))
		context.report(
			{"the primary key " + quoted(names[0]) + " of " + action.table->title() + " is a" +
				 (column->type == INT4OID ? "n integer, which ends at 2147483647" : " smallint, which ends at 32767"),
			 "Use bigint: to change the type later rewrites the table."});
}

void
serial_column(const Action &action, Context &context)
{
	const TypeName *type = declared_type(action);
	if (type == nullptr || list_length(type->names) != 1)
		return;
	const std::string name = strVal(linitial(type->names));
	for (const char *serial : {"serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"})
		if (name == serial)
			report_type(action, context, " is a " + name + ", whose sequence has rights and an owner of its own",
						"Use GENERATED ALWAYS AS IDENTITY.");
}

void
type_blocks_upgrade(const Action &action, Context &context)
{
	const TypeName *declared = declared_type(action);
	if (declared == nullptr)
		return;
	/* The list of check_for_reg_data_type_usage() in pg_upgrade: their oids differ in the new cluster. */
	constexpr const char *sql =
		"WITH RECURSIVE t (oid) AS (SELECT $1::oid UNION SELECT x.oid FROM t JOIN pg_type y ON y.oid = t.oid, "
		"LATERAL (SELECT y.typbasetype UNION ALL SELECT y.typelem UNION ALL "
		"         SELECT a.atttypid FROM pg_attribute a WHERE y.typtype = 'c' AND a.attrelid = y.typrelid AND a.attnum "
		"> "
		"0 AND NOT a.attisdropped UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = y.oid) x (oid) "
		"WHERE x.oid <> 0) "
		"SELECT p.typname FROM t JOIN pg_type p ON p.oid = t.oid WHERE p.typnamespace = 'pg_catalog'::regnamespace AND "
		"p.typname IN ('regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator', "
		"'regproc', "
		"'regprocedure')";
	const Oid type = type_named(declared);
	if (!OidIsValid(type) || (type < FirstNormalObjectId && strncmp(strVal(llast(declared->names)), "reg", 3) != 0))
		return;
	if (pg::Cell found = fact(sql, {cell_of(type)}))
		report_type(action, context, " holds oids (" + *found + "), which pg_upgrade refuses to take along",
					"Store the name as text, and cast it where it is used.");
}

void
no_primary_key(const Action &, Context &context)
{
	for (const Done &done : context.done())
	{
		const Table *table = done.table;
		if (done.what != What::create_table || table == nullptr || table->persistence == RELPERSISTENCE_TEMP ||
			table->is_partition || (table->kind != RELKIND_RELATION && table->kind != RELKIND_PARTITIONED_TABLE))
			continue;
		if (table->has_primary_key() || context.model().find(table->schema, table->name) != table)
			continue;
		Report report;
		report.message = "nothing tells the rows of " + table->title() + " apart: it has no primary key";
		report.hint = "Logical replication of its updates needs one as well.";
		report.table = table;
		report.location = done.location;
		context.report(std::move(report));
	}
}

void
wide_primary_key(const Action &action, Context &context)
{
	const auto *definition = part_as<Constraint>(action, T_Constraint);
	if (definition == nullptr || definition->contype != CONSTR_PRIMARY || list_length(definition->keys) <= 4)
		return;
	context.report({"the primary key of " + action.table->title() + " has " +
						std::to_string(list_length(definition->keys)) +
						" columns, which each table that refers to it has to repeat",
					"Give it a column of its own as key, and keep these unique."});
}

// The category of a word in the server's grammar, or -1 for one that is no keyword.
int
category_of(const std::string &word)
{
	/* The look-up goes by lower case; a name with capitals has to be quoted anyway. */
	const int number = ScanKeywordLookup(word.c_str(), &ScanKeywords);
	return number >= 0 && word == GetScanKeyword(number, &ScanKeywords) ? ScanKeywordCategories[number] : -1;
}

void
reserved_name(const Action &action, Context &context)
{
	std::string name = action.name;
	if (action.what == What::create_table || action.what == What::create_view)
		name = action.table != nullptr ? action.table->name : "";
	else if (action.what == What::rename_column || action.what == What::rename_table)
		name = text_of(reinterpret_cast<const RenameStmt *>(action.statement)->newname);
	const int category = category_of(name);
	if (category != RESERVED_KEYWORD && category != TYPE_FUNC_NAME_KEYWORD)
		return;
	Report report;
	report.message = "\"" + name + "\" is a reserved word: it has to be quoted wherever it is used";
	report.hint = "Call it something else.";
	if (action.table == nullptr)
		report.object = quoted(name);
	context.report(std::move(report));
}

// What the table has now of what a storage clause sets.
std::string
present(const Table &table, const char *sql)
{
	return fact(sql, {cell_of(table.oid)}).value_or("");
}

void
storage_rewrites_table(const Action &action, Context &context)
{
	const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd);
	if (command == nullptr || (action.table->kind != RELKIND_RELATION && action.table->kind != RELKIND_MATVIEW))
		return;
	std::string what;
	if (command->subtype == AT_SetLogged && action.table->persistence == RELPERSISTENCE_UNLOGGED)
		what = "SET LOGGED";
	else if (command->subtype == AT_SetUnLogged && action.table->persistence == RELPERSISTENCE_PERMANENT)
		what = "SET UNLOGGED";
	else if (command->subtype == AT_SetAccessMethod &&
			 present(*action.table,
					 "SELECT a.amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.oid = "
					 "$1::oid") != (command->name != nullptr
										? std::string(command->name)
										: fact("SELECT current_setting('default_table_access_method')").value_or("")))
		what = "SET ACCESS METHOD";
	else if (command->subtype == AT_SetTableSpace &&
			 present(*action.table,
					 "SELECT t.spcname FROM pg_class c JOIN pg_database d ON d.datname = current_database() "
					 "JOIN pg_tablespace t ON t.oid = coalesce(nullif(c.reltablespace, 0), "
					 "d.dattablespace) WHERE c.oid = $1::oid") != text_of(command->name))
		what = "SET TABLESPACE";
	else
		return;
	context.report({what + " copies " + sized(*action.table) + " while nobody reads or writes it",
					"There is no way to do it while others go on. Plan for the time it takes.",
					{},
					AccessExclusiveLock,
					Work::rewrite});
}

void
unlogged_table(const Action &action, Context &context)
{
	if (action.table == nullptr)
		return;
	if (action.what == What::create_table)
	{
		if (action.table->persistence != RELPERSISTENCE_UNLOGGED)
			return;
	}
	else if (const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd);
			 command == nullptr || command->subtype != AT_SetUnLogged ||
			 action.table->persistence != RELPERSISTENCE_PERMANENT)
		return;
	context.report(
		{action.table->title() + " is emptied when the server has crashed, and standbys have none of its rows",
		 "Keep only in it what can be made again."});
}

void
autovacuum_disabled(const Action &action, Context &context)
{
	const List *options = nullptr;
	if (const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd))
		options = command->subtype == AT_SetRelOptions ? reinterpret_cast<const List *>(command->def) : nullptr;
	else if (IsA(action.statement, CreateStmt))
		options = reinterpret_cast<const CreateStmt *>(action.statement)->options;
	if (action.table == nullptr || action.table->persistence == RELPERSISTENCE_TEMP ||
		is_set(options, "autovacuum_enabled", true))
		return;
	Report report;
	report.message = "nothing vacuums or analyzes " + action.table->title() +
					 " from here on: dead rows stay, and the planner goes by old figures";
	report.hint = "Set autovacuum_vacuum_scale_factor or autovacuum_vacuum_cost_delay of the table instead.";
	if (action.what == What::set_options)
		report.lock = ShareUpdateExclusiveLock;
	context.report(std::move(report));
}

} // namespace

std::vector<Rule>
design_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"varchar-with-limit",
		 "I",
		 S::off,
		 About::anything,
		 {W::add_column, W::change_type},
		 varchar_with_limit,
		 "a varchar(n) column",
		 "The limit is part of the type: to narrow it rewrites the table.",
		 "Use text with a CHECK."},
		{"char-with-blanks",
		 "I",
		 S::info,
		 About::anything,
		 {W::add_column, W::change_type},
		 char_with_blanks,
		 "a char(n) column",
		 "Values are filled up with blanks, which comparisons do not see and length() does not count.",
		 "Use text with a CHECK."},
		{"timestamp-without-zone",
		 "I",
		 S::off,
		 About::anything,
		 {W::add_column, W::change_type},
		 timestamp_without_zone,
		 "a timestamp column without time zone",
		 "It is no point in time: sessions in different time zones read it differently.",
		 "Use timestamptz."},
		{"money-column",
		 "I",
		 S::info,
		 About::anything,
		 {W::add_column, W::change_type},
		 money_column,
		 "a column of type money",
		 "What is stored means another amount where lc_monetary is another one.",
		 "Use numeric."},
		{"small-integer-key",
		 "I",
		 S::off,
		 About::anything,
		 {W::add_constraint},
		 small_integer_key,
		 "a primary key that is a smallint or an integer",
		 "It runs out, and to change its type rewrites the table.",
		 "Use bigint."},
		{"serial-column",
		 "I",
		 S::off,
		 About::anything,
		 {W::add_column},
		 serial_column,
		 "a column of type serial",
		 "Its sequence has rights of its own, and anybody may write another value.",
		 "Use GENERATED ALWAYS AS IDENTITY."},
		{"type-blocks-upgrade",
		 "I",
		 S::info,
		 About::anything,
		 {W::add_column, W::change_type},
		 type_blocks_upgrade,
		 "a column that holds oids of objects which pg_upgrade gives new ones",
		 "pg_upgrade refuses a database that has such a column.",
		 "Store names."},
		{"no-primary-key",
		 "I",
		 S::info,
		 About::anything,
		 {W::script_end},
		 no_primary_key,
		 "a table without a primary key",
		 "Two equal rows cannot be told apart, by people or by logical replication.",
		 "Give it one."},
		{"wide-primary-key",
		 "I",
		 S::off,
		 About::anything,
		 {W::add_constraint},
		 wide_primary_key,
		 "a primary key of more than four columns",
		 "Each table that refers to it has to repeat them.",
		 "Give it a column of its own as key."},
		{"reserved-name",
		 "I",
		 S::info,
		 About::anything,
		 {W::create_table, W::create_view, W::add_column, W::rename_table, W::rename_column},
		 reserved_name,
		 "a table, view or column is called by a reserved word of this server",
		 "Whoever forgets to quote it gets a syntax error, or something else.",
		 "Call it something else."},
		{"storage-rewrites-table",
		 "I",
		 S::warning,
		 About::occupied,
		 {W::rewrite_table},
		 storage_rewrites_table,
		 "SET LOGGED, UNLOGGED, ACCESS METHOD or TABLESPACE",
		 "The table is copied, and nobody reads or writes it meanwhile.",
		 "Plan for it."},
		{"unlogged-table",
		 "I",
		 S::info,
		 About::anything,
		 {W::create_table, W::rewrite_table},
		 unlogged_table,
		 "a table that is not logged",
		 "It is empty after a crash, and on standbys.",
		 "Keep only in it what can be made again."},
		{"autovacuum-disabled",
		 "I",
		 S::warning,
		 About::anything,
		 {W::create_table, W::set_options},
		 autovacuum_disabled,
		 "autovacuum is switched off for a table",
		 "It grows, its statistics age, and an emergency vacuum comes in the end.",
		 "Tune autovacuum for the table instead."},
	};
}

} // namespace mg::lint
