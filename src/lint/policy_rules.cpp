// Group J, row security.
#include "lint/facts.hpp"
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

#include <algorithm>
#include <set>

namespace mg::lint {

namespace {

bool
has_policies(const Table &table)
{
	return OidIsValid(table.oid) &&
		   fact("SELECT 1 FROM pg_policy WHERE polrelid = $1::oid", {cell_of(table.oid)}).has_value();
}

// The tables that the script makes a policy of.
std::set<const Table *>
tables_with_new_policies(const Context &context)
{
	std::set<const Table *> result;

	for (const Done &done : context.done())
		if (done.what == What::create_policy && (done.tree == nullptr || IsA(done.tree, CreatePolicyStmt)))
			result.insert(done.table);
	return result;
}

bool
had_row_security(const Table &table)
{
	return OidIsValid(table.oid) &&
		   fact("SELECT 1 FROM pg_class WHERE oid = $1::oid AND relrowsecurity", {cell_of(table.oid)}).has_value();
}

// Each table once, where the script says last what is looked for.
template <typename Is>
void
report_tables(Context &context, Is is, const std::string &before, const std::string &after, const std::string &hint)
{
	std::set<const Table *> seen;

	for (auto done = context.done().rbegin(); done != context.done().rend(); ++done)
	{
		if (done->table == nullptr || !is(*done) || !seen.insert(done->table).second)
			continue;
		Report report;
		report.message = before + done->table->title() + after;
		report.hint = hint;
		report.table = done->table;
		report.location = done->location;
		context.report(std::move(report));
	}
}

void
row_security_disabled(const Action &, Context &context)
{
	report_tables(
		context,
		[&](const Done &done) {
			return done.what == What::row_security && !done.table->has_row_security &&
				   context.is_existing(*done.table) && had_row_security(*done.table) && has_policies(*done.table);
		},
		"the policies of ", " hold for nobody from here on: who has rights on it has them on all rows",
		"Make a policy that lets through what is missing, or drop the policies, so that nobody counts on them.");
}

void
row_security_without_policy(const Action &, Context &context)
{
	const std::set<const Table *> made = tables_with_new_policies(context);

	report_tables(
		context,
		[&](const Done &done) {
			return done.what == What::row_security && done.table->has_row_security && !had_row_security(*done.table) &&
				   !has_policies(*done.table) && made.count(done.table) == 0;
		},
		"row security of ", " is on and it has no policy: nobody but its owner sees or writes a row",
		"Make the policies in the same migration.");
}

void
policy_without_row_security(const Action &, Context &context)
{
	const std::set<const Table *> made = tables_with_new_policies(context);

	report_tables(
		context,
		[&](const Done &done) {
			return done.what == What::create_policy && !done.table->has_row_security && made.count(done.table) != 0;
		},
		"the policies of ", " hold for nobody, since its row security is off",
		"ALTER TABLE ... ENABLE ROW LEVEL SECURITY.");
}

void
policy_always_true(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreatePolicyStmt))
		return;
	const auto *policy = reinterpret_cast<const CreatePolicyStmt *>(action.statement);
	const std::string command = text_of(policy->cmd_name);
	if (!policy->permissive || command == "select")
		return;
	/* Without a WITH CHECK, USING is the check as well. */
	const bool is_open = command == "insert" ? is_constant_true(policy->with_check)
											 : is_constant_true(policy->qual) && (policy->with_check == nullptr ||
																				  is_constant_true(policy->with_check));
	if (!is_open)
		return;
	context.report(
		{"policy " + quoted(policy->policy_name) + " lets " +
			 (has_public(policy->roles) || policy->roles == NIL ? "everybody who has the right" : "its roles") +
			 (command == "insert"   ? " add any row to "
			  : command == "delete" ? " delete any row of "
									: " write any row of ") +
			 (action.table != nullptr ? action.table->title() : quoted(policy->table->relname)),
		 "Say which rows. For those of a service, name its role in TO."});
}

// A call that gives the same for each row, and that the server makes for each one: stable, and without a column.
const FuncCall *
call_per_row(const Node *expression)
{
	if (expression == nullptr)
		return nullptr;
	for (const Node *node : nodes_in(expression, T_FuncCall, false))
	{
		const auto *call = castNode(FuncCall, node);
		if (!nodes_in(node, T_ColumnRef).empty())
			continue;
		std::vector<std::string> name = names_in(call->funcname);
		/* One that is not in the path is not found by its bare name; both are answered by all functions of that name. */
		const std::string schema = name.size() > 1 ? name[name.size() - 2] : "";
		if (fact("SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.proname = $1 AND ($2 = "
				 "'' OR "
				 "n.nspname = $2) AND p.pronargs <= $3::int4 + p.pronargdefaults AND p.pronargs >= $3::int4 HAVING "
				 "bool_and(p.provolatile = 's') AND count(*) > 0",
				 {name.back(), schema, std::to_string(list_length(call->args))})
				.has_value())
			return call;
	}
	return nullptr;
}

void
policy_calls_per_row(const Action &action, Context &context)
{
	const Node *qual;
	const Node *check;
	const char *name;

	if (IsA(action.statement, CreatePolicyStmt))
	{
		const auto *policy = reinterpret_cast<const CreatePolicyStmt *>(action.statement);
		qual = policy->qual;
		check = policy->with_check;
		name = policy->policy_name;
	}
	else
	{
		const auto *policy = reinterpret_cast<const AlterPolicyStmt *>(action.statement);
		qual = policy->qual;
		check = policy->with_check;
		name = policy->policy_name;
	}
	const FuncCall *call = call_per_row(qual);
	if (call == nullptr)
		call = call_per_row(check);
	if (call == nullptr)
		return;
	const std::string function = names_in(call->funcname).back();
	Report report;
	report.message =
		"policy " + quoted(name) + " calls " + function + "() for each row, though it gives the same for all";
	report.hint = "Put the call into a subquery, which runs once: (SELECT " + function + "(...)).";
	report.location = call->location;
	context.report(std::move(report));
}

void
several_permissive_policies(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreatePolicyStmt) || action.table == nullptr || !OidIsValid(action.table->oid))
		return;
	const auto *policy = reinterpret_cast<const CreatePolicyStmt *>(action.statement);
	if (!policy->permissive)
		return;
	std::vector<std::string> roles;
	ListCell *cell;
	foreach (cell, policy->roles)
		roles.push_back(role_name(lfirst_node(RoleSpec, cell)));
	const std::string command = text_of(policy->cmd_name);
	const std::string letter = command == "select"   ? "r"
							   : command == "insert" ? "a"
							   : command == "update" ? "w"
							   : command == "delete" ? "d"
													 : "*";
	pg::Cell other =
		fact("SELECT string_agg(quote_ident(polname), ', ' ORDER BY polname) FROM pg_policy WHERE polrelid = "
			 "$1::oid AND polpermissive AND (polcmd = $2 OR polcmd = '*' OR $2 = '*') AND (0 = ANY (polroles) "
			 "OR 'public' = ANY ($3::text[]) OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = ANY (polroles) AND "
			 "r.rolname = ANY ($3::text[]))) HAVING count(*) > 0",
			 {cell_of(action.table->oid), letter, pg::array_literal(roles)});
	if (other.has_value())
		context.report(
			{"policy " + quoted(policy->policy_name) + " adds to what " + *other + " of " + action.table->title() +
				 " already let through, and all of them are worked out for each row",
			 "Put both conditions into one policy with OR, or make this one AS RESTRICTIVE if it was meant to "
			 "narrow."});
}

// The tables with row security that a query reads by name.
std::vector<const Table *>
secured_tables(const Node *query, Model &model)
{
	std::vector<const Table *> result;
	std::set<std::string> common;

	for (const Node *node : nodes_in(query, T_CommonTableExpr))
		common.insert(castNode(CommonTableExpr, node)->ctename);
	for (const Node *node : nodes_in(query, T_RangeVar))
	{
		const auto *name = castNode(RangeVar, node);
		if (name->schemaname == nullptr && common.count(name->relname) != 0)
			continue;
		const Table *table = model.find(name);
		if (table != nullptr && table->has_row_security &&
			std::find(result.begin(), result.end(), table) == result.end())
			result.push_back(table);
	}
	return result;
}

void
view_bypasses_row_security(const Action &action, Context &context)
{
	const Node *query = nullptr;
	if (IsA(action.statement, ViewStmt))
	{
		const auto *view = reinterpret_cast<const ViewStmt *>(action.statement);
		if (is_set(view->options, "security_invoker", false))
			return;
		query = view->query;
	}
	else if (IsA(action.statement, CreateTableAsStmt))
	{
		const auto *view = reinterpret_cast<const CreateTableAsStmt *>(action.statement);
		if (view->objtype != OBJECT_MATVIEW)
			return;
		query = view->query;
	}
	if (query == nullptr || !IsA(query, SelectStmt))
		return;
	for (const Table *table : secured_tables(query, context.model()))
	{
		const bool is_view = IsA(action.statement, ViewStmt);
		context.report(
			{"who may read " + action.table->title() + " reads " + table->title() +
				 (is_view ? " with the rights of the view's owner: its row security does not hold for the reader"
						  : " as it was when the view was filled: row security does not hold for what is stored"),
			 is_view
				 ? "CREATE VIEW ... WITH (security_invoker = true)."
				 : "Do not grant it to those whom the policies are for, or make a view of it that selects by role."});
	}
}

void
view_loses_invoker(const Action &action, Context &context)
{
	const auto *view = reinterpret_cast<const ViewStmt *>(action.statement);
	if (!view->replace || is_set(view->options, "security_invoker", false))
		return;
	if (fact("SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest(c.reloptions) o WHERE "
			 "n.nspname "
			 "= $1 AND c.relname = $2 AND c.relkind = 'v' AND o IN ('security_invoker=true', 'security_invoker=on', "
			 "'security_invoker=1', 'security_invoker=yes')",
			 {action.table->schema, action.table->name})
			.has_value())
		context.report({"CREATE OR REPLACE VIEW takes security_invoker away from " + action.table->title() +
							", since it does not say it again: from here on it reads with the rights of its owner",
						"Write WITH (security_invoker = true) behind its name."});
}

void
policy_locks_table(const Action &action, Context &context)
{
	if (action.what == What::drop_other &&
		reinterpret_cast<const DropStmt *>(action.statement)->removeType != OBJECT_POLICY)
		return;
	context.report({"a change of policies locks " + sized(*action.table) +
						" against reading and writing until the "
						"migration ends",
					"Set lock_timeout before it, and let it be the last statement of its migration.",
					{},
					AccessExclusiveLock});
}

} // namespace

std::vector<Rule>
policy_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"row-security-disabled",
		 "J",
		 S::warning,
		 About::anything,
		 {W::script_end},
		 row_security_disabled,
		 "row security is switched off for a table with policies",
		 "Its policies hold for nobody any more, and look as if they did.",
		 "Make a policy for who needs more."},
		{"row-security-without-policy",
		 "J",
		 S::info,
		 About::anything,
		 {W::script_end},
		 row_security_without_policy,
		 "row security is switched on for a table without a policy",
		 "Nobody but the owner sees a row, without an error.",
		 "Make the policies in the same migration."},
		{"policy-without-row-security",
		 "J",
		 S::warning,
		 About::anything,
		 {W::script_end},
		 policy_without_row_security,
		 "a policy of a table whose row security is off",
		 "It holds for nobody.",
		 "Enable row security."},
		{"policy-always-true",
		 "J",
		 S::warning,
		 About::anything,
		 {W::create_policy},
		 policy_always_true,
		 "a permissive policy that lets any row be written",
		 "It is as good as none, and one that is true makes all others useless.",
		 "Say which rows."},
		{"policy-calls-per-row",
		 "J",
		 S::info,
		 About::anything,
		 {W::create_policy},
		 policy_calls_per_row,
		 "a policy calls a stable function for each row",
		 "It gives the same for all rows of a query, and is worked out for each of them.",
		 "Put it into a subquery."},
		{"several-permissive-policies",
		 "J",
		 S::info,
		 About::anything,
		 {W::create_policy},
		 several_permissive_policies,
		 "a second permissive policy for the same command and roles",
		 "They are joined by OR: a new one only ever lets more through, and each costs time.",
		 "Put both into one, or make it restrictive."},
		{"view-bypasses-row-security",
		 "J",
		 S::warning,
		 About::anything,
		 {W::create_view, W::create_table},
		 view_bypasses_row_security,
		 "a view over a table with row security reads it as its owner",
		 "The reader's policies do not hold.",
		 "Make it WITH (security_invoker = true)."},
		{"view-loses-security-invoker",
		 "J",
		 S::warning,
		 About::anything,
		 {W::create_view},
		 view_loses_invoker,
		 "CREATE OR REPLACE VIEW without the security_invoker that the view has",
		 "Options that are not said again are taken away.",
		 "Say it again."},
		{"policy-locks-table",
		 "J",
		 S::info,
		 About::occupied,
		 {W::create_policy, W::drop_other},
		 policy_locks_table,
		 "CREATE, ALTER or DROP POLICY on a table in use",
		 "It takes the strongest lock there is (policy.c).",
		 "Set lock_timeout."},
	};
}

} // namespace mg::lint
