// Group A: domains, and what checks call.
#include "lint/definitions.hpp"
#include "lint/facts.hpp"
#include "lint/judge.hpp"
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/sequences.hpp"
#include "lint/words.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

// The tables with a column of a domain, or of a domain over it (get_rels_with_domain).
std::vector<Table *>
tables_with(Oid domain, Context &context)
{
	constexpr const char *sql =
		"WITH RECURSIVE d (oid) AS (SELECT $1::oid UNION SELECT t.oid FROM d JOIN pg_depend p ON p.refclassid = "
		"'pg_type'::regclass AND p.refobjid = d.oid AND p.classid = 'pg_type'::regclass JOIN pg_type t ON t.oid = "
		"p.objid AND t.typbasetype = d.oid) "
		"SELECT DISTINCT c.oid FROM d JOIN pg_depend p ON p.refclassid = 'pg_type'::regclass AND p.refobjid = d.oid "
		"AND p.classid = 'pg_class'::regclass AND p.objsubid > 0 JOIN pg_attribute a ON a.attrelid = p.objid AND "
		"a.attnum = p.objsubid AND a.atttypid = d.oid JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', "
		"'m') ORDER BY 1";
	std::vector<Table *> result;

	for (Oid oid : oids(sql, {cell_of(domain)}))
		if (Table *table = context.model().find(oid))
			result.push_back(table);
	return result;
}

void
domain_constraint(const Action &action, Context &context)
{
	const auto *statement = castNode(AlterDomainStmt, action.statement);
	const bool adds = statement->subtype == 'C';
	const bool sets_not_null = statement->subtype == 'O';

	if (!adds && !sets_not_null && statement->subtype != 'V')
		return;
	if (adds && castNode(Constraint, statement->def)->skip_validation)
		return;
	const Oid domain = context.model().find_type(statement->typeName);
	if (!OidIsValid(domain))
		return;
	for (Table *table : tables_with(domain, context))
	{
		if (!context.is_occupied(*table))
			continue;
		Report report;
		report.message =
			std::string(sets_not_null ? "SET NOT NULL" : (adds ? "the constraint" : "VALIDATE CONSTRAINT")) +
			" of the domain reads every row of " + sized(*table) + " while nobody writes to it";
		report.hint =
			adds ? "Add it NOT VALID, which holds for new values at once, and validate it when few write."
				 : (sets_not_null
						? "Add CHECK (VALUE IS NOT NULL) NOT VALID to the domain, or make the columns NOT NULL."
						: "Set lock_timeout, and validate it when few write: the server has no weaker lock.");
		report.lock = ShareLock;
		report.work = Work::scan;
		report.table = table;
		context.report(std::move(report));
	}
}

void
create_domain_with_constraint(const Action &action, Context &context)
{
	const auto *statement = castNode(CreateDomainStmt, action.statement);
	const std::string name = names_in(statement->domainname).back();
	ListCell *cell;

	foreach (cell, statement->constraints)
		if (const auto *constraint = lfirst_node(Constraint, cell);
			constraint->contype == CONSTR_CHECK || constraint->contype == CONSTR_NOTNULL)
		{
			Report report;
			report.message = "domain " + quoted(name) +
							 " has a constraint, which cannot be changed later without a look at every row of every "
							 "table that uses it, and a column of it rewrites its table";
			report.hint = "Use the base type, and a CHECK of each table.";
			report.object = quoted(name);
			report.location = constraint->location;
			context.report(std::move(report));
			return;
		}
}

// Whether something other than operators over columns and constants is in an expression.
bool
calls_something(const Node *expression)
{
	const std::initializer_list<NodeTag> tags = {T_FuncCall, T_SQLValueFunction, T_TypeCast, T_XmlExpr};

	return std::any_of(tags.begin(), tags.end(), [&](NodeTag tag) { return !nodes_in(expression, tag).empty(); });
}

// Whether a column's operators are all immutable: those of times with and without zone are not.
bool
is_plain(const Column &column)
{
	return OidIsValid(column.type) && column.type < FirstNormalObjectId &&
		   pg::guarded([&] { return TypeCategory(column.type); }) != TYPCATEGORY_DATETIME;
}

void
volatile_check(const Action &action, Context &context)
{
	const auto *definition = part_as<Constraint>(action, T_Constraint);

	if (definition == nullptr || definition->contype != CONSTR_CHECK ||
		(!calls_something(definition->raw_expr) &&
		 std::all_of(action.table->columns.begin(), action.table->columns.end(), is_plain)))
		return;
	const Volatility found =
		volatility_of(definition->raw_expr, *action.table, context.model(), EXPR_KIND_CHECK_CONSTRAINT);
	if (found != Volatility::stable && found != Volatility::is_volatile)
		return;
	context.report({"check " + quoted(action.name) + " of " + action.table->title() +
						" is not immutable: a row that passes it now may break it tomorrow, and then a dump cannot be "
						"restored",
					"Check what does not change by itself, or use a trigger."});
}

// The functions that CREATE OR REPLACE FUNCTION replaces; arguments of unknown types match any.
std::vector<std::string>
replaced_by(const CreateFunctionStmt *statement, Model &model)
{
	constexpr const char *sql = "SELECT p.oid, p.proargtypes::oid[] FROM pg_proc p JOIN pg_namespace n ON n.oid = "
								"p.pronamespace WHERE p.proname = $1 AND ($2 IS NULL OR n.nspname = $2)";
	const std::vector<std::string> name = names_in(statement->funcname);
	std::vector<Oid> types;
	std::vector<std::string> result;
	ListCell *cell;

	foreach (cell, statement->parameters)
		if (const auto *parameter = lfirst_node(FunctionParameter, cell);
			parameter->mode != FUNC_PARAM_OUT && parameter->mode != FUNC_PARAM_TABLE)
			types.push_back(model.find_type(parameter->argType));
	for (const pg::Row &row : facts(sql, {name.back(), name.size() > 1 ? pg::Cell(name[name.size() - 2]) : pg::Cell()}))
	{
		const std::vector<std::string> own = pg::array_items(row[1].value_or("{}"));
		bool is_same = own.size() == types.size();
		for (size_t i = 0; is_same && i < own.size(); i++)
			is_same = !OidIsValid(types[i]) || own[i] == std::to_string(types[i]);
		if (is_same)
			result.push_back(row[0].value_or("0"));
	}
	return result;
}

void
check_calls_replaced_function(const Action &action, Context &context)
{
	constexpr const char *sql =
		"SELECT 'check', c.conrelid, quote_ident(c.conname), c.oid FROM pg_depend d JOIN "
		"pg_constraint c ON d.classid = 'pg_constraint'::regclass AND c.oid = d.objid WHERE d.refclassid = "
		"'pg_proc'::regclass AND d.refobjid = $1::oid AND c.contype = 'c' AND c.conrelid <> 0 "
		"UNION ALL SELECT 'index', i.indrelid, i.indexrelid::regclass::text, 0 FROM pg_depend d JOIN pg_index i ON "
		"d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid WHERE d.refclassid = 'pg_proc'::regclass AND "
		"d.refobjid = $1::oid "
		"UNION ALL SELECT 'generated column', a.attrelid, quote_ident(a.attname), 0 FROM pg_depend d JOIN pg_attrdef "
		"f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid JOIN pg_attribute a ON a.attrelid = f.adrelid AND "
		"a.attnum = f.adnum AND a.attgenerated = 's' WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = $1::oid "
		"ORDER BY 1, 2, 3";
	const auto *statement = castNode(CreateFunctionStmt, action.statement);

	if (!statement->replace || statement->is_procedure)
		return;
	for (const std::string &function : replaced_by(statement, context.model()))
		for (const pg::Row &row : facts(sql, {function}))
		{
			const Table *table = context.model().find(oid_of(row[1]));
			if (table == nullptr || !context.is_existing(*table) || table->bytes == 0)
				continue;
			const std::string kind = row[0].value_or("");
			const std::string name = row[2].value_or("");
			Report report;
			report.message = kind + " " + name + " of " + table->title() + " calls the function, and ";
			if (kind == "index")
			{
				report.message += "keeps what the old one gave: queries that use it may give wrong rows";
				report.steps = {step(context.statement_text()), outside_step("REINDEX INDEX CONCURRENTLY " + name)};
			}
			else if (kind == "check")
			{
				report.message += "rows that are there are not checked again";
				std::string clause = constraint_definition(oid_of(row[3]), table->oid).value_or("");
				if (const size_t end = clause.find(" NOT VALID"); end != std::string::npos)
					clause.erase(end);
				if (!clause.empty())
					report.steps = {step(context.statement_text() + "; " + alter(*table) + " DROP CONSTRAINT " + name +
										 ", ADD CONSTRAINT " + name + " " + clause + " NOT VALID"),
									step(alter(*table) + " VALIDATE CONSTRAINT " + name)};
			}
			else
			{
				report.message += "keeps what the old one gave until a row is written";
				report.hint = "Write the rows again, in batches, after it.";
			}
			report.table = table;
			context.report(std::move(report));
		}
}

} // namespace

std::vector<Rule>
domain_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"domain-constraint",
		 "A",
		 S::warning,
		 About::anything,
		 {W::alter_domain},
		 domain_constraint,
		 "a constraint of a domain is checked in every table that uses it",
		 "All of them are locked against writes at once.",
		 "Add it NOT VALID, and validate it when few write."},
		{"create-domain-with-constraint",
		 "A",
		 S::off,
		 About::anything,
		 {W::create_domain},
		 create_domain_with_constraint,
		 "a domain with a constraint",
		 "To change it means to read every table that uses it.",
		 "Use the base type, and a CHECK of each table."},
		{"volatile-check",
		 "A",
		 S::warning,
		 About::anything,
		 {W::add_constraint},
		 volatile_check,
		 "a check whose result changes by itself",
		 "Rows break it without being written, and a dump of them cannot be restored.",
		 "Check what is immutable, or use a trigger."},
		{"check-calls-replaced-function",
		 "A",
		 S::warning,
		 About::anything,
		 {W::create_function},
		 check_calls_replaced_function,
		 "a function is replaced that a check, an index or a generated column calls",
		 "What is stored comes from the old one: rows break the check, and index scans miss rows.",
		 "Build the index again, validate the check again."},
	};
}

} // namespace mg::lint
