// Looks at actions for what asks for somebody's approval.
#include "lint/sensitive.hpp"

#include <algorithm>
#include <array>

#include <boost/algorithm/string/predicate.hpp>

#include "lint/nodes.hpp"
#include "lint/words.hpp"
#include "script/tokens.hpp"

namespace mg::lint {

namespace {

/* Functions of pgcrypto, and schemas of pgsodium and Supabase's vault. */
constexpr std::array<const char *, 12> key_functions = {"crypt",
														"gen_salt",
														"encrypt",
														"decrypt",
														"encrypt_iv",
														"decrypt_iv",
														"pgp_sym_encrypt",
														"pgp_sym_decrypt",
														"pgp_pub_encrypt",
														"pgp_pub_decrypt",
														"pgp_sym_encrypt_bytea",
														"pgp_pub_encrypt_bytea"};
constexpr std::array<const char *, 2> key_schemas = {"pgsodium", "vault"};
constexpr std::array<const char *, 4> key_extensions = {"pgcrypto", "pgsodium", "supabase_vault", "sslinfo"};

bool
has(const std::vector<std::string> &names, const std::string &name)
{
	return std::find(names.begin(), names.end(), name) != names.end();
}

// The first schema of the team's list that the statement names, and the first function of keys that it calls.
struct Named
{
	std::string schema;
	std::string key;
};

Named
named_in(const std::string &what, const Sensitivities &sensitivities)
{
	const std::vector<script::Token> tokens = script::tokens_of(what);
	Named named;
	bool is_of_schemas = false; // GRANT ... ON SCHEMA, DROP SCHEMA, ...
	auto is_one_of = [](const auto &names, const std::string &word) {
		return std::any_of(names.begin(), names.end(), [&](const char *one) { return word == one; });
	};

	for (size_t i = 0; i < tokens.size(); i++)
	{
		const std::string &word = tokens[i].word;
		const int next = i + 1 < tokens.size() ? tokens[i + 1].kind : 0;
		if (word.empty())
			continue;
		if ((next == '.' || is_of_schemas) && named.schema.empty() && has(sensitivities.schemas, word))
			named.schema = word;
		if (named.key.empty() &&
			((next == '(' && is_one_of(key_functions, word)) || (next == '.' && is_one_of(key_schemas, word))))
			named.key = word;
		is_of_schemas = is_of_schemas || word == "schema";
	}
	return named;
}

std::string
sensitive_grantee(const List *roles, const Sensitivities &sensitivities)
{
	ListCell *cell;

	foreach (cell, roles)
	{
		const std::string role = role_name(lfirst_node(RoleSpec, cell));
		if (has(sensitivities.roles, role))
			return role;
	}
	return "";
}

std::string
grant_reason(const GrantStmt *grant, const Sensitivities &sensitivities)
{
	const std::string role = grant->is_grant ? sensitive_grantee(grant->grantees, sensitivities) : "";

	return role.empty() ? "" : "it grants to " + role;
}

std::string
role_reason(const GrantRoleStmt *grant, const Sensitivities &sensitivities)
{
	const std::string role = grant->is_grant ? sensitive_grantee(grant->grantee_roles, sensitivities) : "";

	return role.empty() ? "" : "it makes " + role + " a member of a role";
}

std::string
definer_reason(const List *options)
{
	return is_set(options, "security", false) ? "the function runs with its owner's rights (SECURITY DEFINER)" : "";
}

std::string
drop_reason(const DropStmt *drop)
{
	return drop->removeType == OBJECT_POLICY ? "it drops a row security policy" : "";
}

std::string
extension_reason(const char *name)
{
	return std::any_of(key_extensions.begin(), key_extensions.end(),
					   [&](const char *one) { return strcmp(name, one) == 0; })
			   ? "it is about an extension for keys: " + std::string(name)
			   : "";
}

// Of what a statement is by itself.
std::string
statement_reason(const Node *statement, const Sensitivities &sensitivities)
{
	switch (nodeTag(statement))
	{
		case T_GrantStmt:
			return grant_reason(castNode(GrantStmt, statement), sensitivities);
		case T_AlterDefaultPrivilegesStmt:
			return grant_reason(castNode(AlterDefaultPrivilegesStmt, statement)->action, sensitivities);
		case T_GrantRoleStmt:
			return role_reason(castNode(GrantRoleStmt, statement), sensitivities);
		case T_CreateFunctionStmt:
			return definer_reason(castNode(CreateFunctionStmt, statement)->options);
		case T_AlterFunctionStmt:
			return definer_reason(castNode(AlterFunctionStmt, statement)->actions);
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
			return "it is about a row security policy";
		case T_DropStmt:
			return drop_reason(castNode(DropStmt, statement));
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
		case T_DropRoleStmt:
			return "it is about a role";
		case T_CreateExtensionStmt:
			return extension_reason(castNode(CreateExtensionStmt, statement)->extname);
		case T_AlterExtensionStmt:
			return extension_reason(castNode(AlterExtensionStmt, statement)->extname);
		default:
			return "";
	}
}

std::string
security_reason(const Action &action, const std::string &what, const Sensitivities &sensitivities)
{
	switch (action.what)
	{
		case What::statement:
			break;
		case What::row_security:
			return "it switches row security";
		case What::unseen:
			return "what it runs is made at run time, and nobody can tell";
		default:
			return action.table != nullptr && action.what != What::select && action.what != What::script_end &&
						   has(sensitivities.schemas, action.table->schema)
					   ? "it is about " + action.table->title()
					   : "";
	}
	if (std::string reason = statement_reason(action.statement, sensitivities); !reason.empty())
		return reason;
	if (IsA(action.statement, DoStmt))
		return "";
	const Named named = named_in(what, sensitivities);
	if (!named.key.empty())
		return "it is about keys: " + named.key;
	if (!named.schema.empty() && !IsA(action.statement, SelectStmt))
		return "it names schema " + named.schema;
	return "";
}

bool
deletes(const MergeStmt *merge)
{
	ListCell *cell;

	foreach (cell, merge->mergeWhenClauses)
		if (lfirst_node(MergeWhenClause, cell)->commandType == CMD_DELETE)
			return true;
	return false;
}

std::string
retention_reason(const Action &action)
{
	const std::string title = action.table != nullptr ? action.table->title() : "a table";

	if (action.table != nullptr && action.table->made_here)
		return "";
	switch (action.what)
	{
		case What::remove:
			return "it deletes rows of " + title;
		case What::truncate:
			return "it deletes all rows of " + title;
		case What::drop_table:
			return "it drops " + title;
		case What::drop_column:
			return "it drops column " + quoted(action.name) + " of " + title;
		case What::merge:
			return deletes(castNode(MergeStmt, action.statement)) ? "it deletes rows of " + title : "";
		case What::drop_other:
			return IsA(action.statement, DropStmt) && castNode(DropStmt, action.statement)->removeType == OBJECT_SCHEMA
					   ? "it drops a schema"
					   : "";
		default:
			return "";
	}
}

} // namespace

std::vector<Sensitive>
sensitive_in(const Action &action, const std::string &what, const Sensitivities &sensitivities)
{
	std::vector<Sensitive> result;

	if (std::string why = security_reason(action, what, sensitivities); !why.empty())
		result.push_back({"security", 0, std::move(why)});
	if (std::string why = retention_reason(action); !why.empty())
		result.push_back({"retention", 0, std::move(why)});
	return result;
}

} // namespace mg::lint
