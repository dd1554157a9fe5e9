// Group J: functions that run with more rights than their callers have.
#include "lint/facts.hpp"
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

#include <map>
#include <set>

namespace mg::lint {

namespace {

// What a function of the script is like once the script has run.
struct Function
{
	std::string title;
	int location = 0;
	bool is_definer = false;
	bool has_path = false;
	bool is_bound = false; // its names are resolved when it is made, or nobody can call it
	bool is_trigger = false;
};

bool
sets_path(const DefElem *option)
{
	if (strcmp(option->defname, "set") != 0 || !IsA(option->arg, VariableSetStmt))
		return false;
	const auto *set = castNode(VariableSetStmt, option->arg);
	return set->kind == VAR_SET_VALUE && text_of(set->name) == "search_path";
}

void
take_options(const List *options, Function &function)
{
	ListCell *cell;

	function.is_definer = is_set(options, "security", function.is_definer);
	foreach (cell, options)
		function.has_path = function.has_path || sets_path(lfirst_node(DefElem, cell));
}

// The functions that the script makes or alters, by the last part of their names.
std::map<std::string, Function>
functions_of(const Context &context)
{
	std::map<std::string, Function> result;

	for (const Done &done : context.done())
	{
		if (done.tree == nullptr)
			continue;
		if (done.what == What::create_function && IsA(done.tree, CreateFunctionStmt))
		{
			const auto *create = castNode(CreateFunctionStmt, done.tree);
			std::vector<std::string> name = names_in(create->funcname);
			Function function;
			function.title = (name.size() > 1 ? quoted(name[name.size() - 2]) + "." : "") + quoted(name.back());
			function.location = done.location;
			function.is_bound = create->sql_body != nullptr;
			function.is_trigger =
				create->returnType != nullptr && (text_of(strVal(llast(create->returnType->names))) == "trigger" ||
												  text_of(strVal(llast(create->returnType->names))) == "event_trigger");
			take_options(create->options, function);
			result[name.back()] = function;
		}
		else if (IsA(done.tree, AlterFunctionStmt))
		{
			const auto *alter = castNode(AlterFunctionStmt, done.tree);
			std::vector<std::string> name = names_in(alter->func->objname);
			auto known = result.find(name.back());
			if (known == result.end())
			{
				std::vector<pg::Row> rows = facts("SELECT prosecdef, coalesce(proconfig::text LIKE '%search_path=%', "
												  "false) FROM pg_proc WHERE proname = $1 "
												  "AND oid >= 16384",
												  {name.back()});
				if (rows.size() != 1)
					continue;
				Function function;
				function.title = quoted(name.back());
				function.is_definer = false;
				function.has_path = rows[0][1] == pg::Cell("t");
				known = result.emplace(name.back(), function).first;
			}
			known->second.location = done.location;
			take_options(alter->actions, known->second);
		}
	}
	return result;
}

void
definer_without_path(const Action &, Context &context)
{
	for (const auto &[name, function] : functions_of(context))
	{
		if (!function.is_definer || function.has_path || function.is_bound)
			continue;
		Report report;
		report.message = "function " + function.title +
						 " runs with the rights of its owner, and finds names by the search_path of whoever calls it";
		report.hint = "Add SET search_path = '' and name schemas in its body, or SET search_path = ... , pg_temp with "
					  "schemas that nobody else can make objects in.";
		report.object = function.title;
		report.location = function.location;
		context.report(std::move(report));
	}
}

void
function_without_path(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreateFunctionStmt))
		return;
	const auto *create = reinterpret_cast<const CreateFunctionStmt *>(action.statement);
	Function function;
	take_options(create->options, function);
	if (function.is_definer || function.has_path || create->sql_body != nullptr)
		return;
	Report report;
	report.object = quoted_list({names_in(create->funcname).back()});
	report.message = "function " + report.object + " finds names by the search_path of whoever calls it";
	report.hint = "Add SET search_path = '' and name schemas in its body.";
	context.report(std::move(report));
}

// The functions that the script takes rights away from, by the last part of their names.
struct Decided
{
	bool all = false; // of a schema, or by default privileges
	std::set<std::string> functions;
};

Decided
decided_rights(const Context &context)
{
	Decided result;

	for (const Done &done : context.done())
	{
		if (done.what != What::grant)
			continue;
		if (done.tree == nullptr || IsA(done.tree, AlterDefaultPrivilegesStmt))
			result.all = true;
		else if (IsA(done.tree, GrantStmt))
		{
			const auto *grant = castNode(GrantStmt, done.tree);
			ListCell *cell;
			if (grant->is_grant || (grant->objtype != OBJECT_FUNCTION && grant->objtype != OBJECT_ROUTINE &&
									grant->objtype != OBJECT_PROCEDURE))
				continue;
			if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA)
				result.all = true;
			else
				foreach (cell, grant->objects)
					result.functions.insert(names_in(lfirst_node(ObjectWithArgs, cell)->objname).back());
		}
	}
	return result;
}

void
definer_for_everybody(const Action &, Context &context)
{
	const std::map<std::string, Function> functions = functions_of(context);
	const Decided decided = decided_rights(context);
	std::vector<std::string> open;

	for (const auto &[name, function] : functions)
		if (function.is_definer && !function.is_trigger && decided.functions.count(name) == 0)
			open.push_back(name);
	if (decided.all || open.empty())
		return;
	/* One that is there keeps its rights; default privileges may keep EXECUTE from everybody. */
	for (const pg::Row &row :
		 facts("SELECT f FROM unnest($1::text[]) f WHERE NOT EXISTS (SELECT FROM pg_proc WHERE proname = f AND proacl "
			   "IS NOT "
			   "NULL AND NOT EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0)) AND NOT EXISTS (SELECT FROM "
			   "pg_default_acl d JOIN pg_roles r ON r.oid = d.defaclrole WHERE r.rolname = current_user AND "
			   "d.defaclobjtype = "
			   "'f' AND d.defaclnamespace = 0 AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) WHERE grantee = 0))",
			   {pg::array_literal(open)}))
	{
		const Function &function = functions.at(row[0].value_or(""));
		Report report;
		report.message = "everybody may call function " + function.title + ", which runs with the rights of its owner";
		report.hint = "REVOKE EXECUTE ON FUNCTION ... FROM PUBLIC, and grant it to those who need it.";
		report.object = function.title;
		report.location = function.location;
		context.report(std::move(report));
	}
}

void
untrusted_language(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreateFunctionStmt))
		return;
	const auto *create = reinterpret_cast<const CreateFunctionStmt *>(action.statement);
	const DefElem *option = option_of(create->options, "language");
	if (option == nullptr || !IsA(option->arg, String))
		return;
	const std::string language = strVal(option->arg);
	if (!fact("SELECT 1 FROM pg_language WHERE lanname = $1 AND NOT lanpltrusted", {language}).has_value())
		return;
	Report report;
	report.object = quoted_list({names_in(create->funcname).back()});
	report.message = "function " + report.object + " is in language " + quoted(language) +
					 ", which may do what the server's user may: only a superuser can make it";
	report.hint = "Use a trusted language.";
	context.report(std::move(report));
}

} // namespace

std::vector<Rule>
function_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"definer-without-search-path",
		 "J",
		 S::warning,
		 About::anything,
		 {W::script_end},
		 definer_without_path,
		 "a SECURITY DEFINER function without a search_path of its own",
		 "Whoever calls it can put objects of the same names before those that it means, and they run with its rights.",
		 "Add SET search_path."},
		{"definer-for-everybody",
		 "J",
		 S::info,
		 About::anything,
		 {W::script_end},
		 definer_for_everybody,
		 "a SECURITY DEFINER function that everybody may call",
		 "Functions are made with EXECUTE for PUBLIC.",
		 "Revoke it, and grant it to those who need it."},
		{"function-without-search-path",
		 "J",
		 S::off,
		 About::anything,
		 {W::create_function},
		 function_without_path,
		 "a function without a search_path of its own",
		 "What its names mean depends on who calls it, also in indexes and constraints.",
		 "Add SET search_path."},
		{"untrusted-language",
		 "J",
		 S::info,
		 About::anything,
		 {W::create_function},
		 untrusted_language,
		 "a function in an untrusted language",
		 "It may do what the server's user may.",
		 "Use a trusted one."},
	};
}

} // namespace mg::lint
