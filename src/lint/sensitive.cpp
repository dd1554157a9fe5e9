// Looks at actions for what asks for somebody's approval.
#include "lint/sensitive.hpp"

#include <algorithm>
#include <array>

#include <boost/algorithm/string/predicate.hpp>

#include "lint/nodes.hpp"
#include "lint/queries.hpp"
#include "lint/settings.hpp"
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

	if (!grant->is_grant)
		return "";
	return role.empty() ? "it makes a role a member of another" : "it makes " + role + " a member of a role";
}

std::string
owner_reason(const RoleSpec *owner, const Sensitivities &sensitivities)
{
	const std::string role = owner != nullptr ? role_name(owner) : "";

	return has(sensitivities.roles, role) ? "it makes " + role + " the owner" : "";
}

// search_path gives names another meaning.
std::string
path_reason(const Node *statement, const Sensitivities &sensitivities)
{
	ListCell *cell;
	auto reason = [](const std::string &schema) { return "it puts schema " + schema + " into search_path"; };

	if (IsA(statement, VariableSetStmt))
	{
		const auto *set = castNode(VariableSetStmt, statement);
		if (text_of(set->name) == "search_path")
			foreach (cell, set->args)
				if (std::string schema = text_of(string_of(static_cast<const Node *>(lfirst(cell))));
					has(sensitivities.schemas, schema))
					return reason(schema);
		return "";
	}
	for (const auto &[name, value] : settings_in(statement))
	{
		if (name != "search_path")
			continue;
		if (!value.has_value())
			return "it sets search_path to what is made at run time";
		for (const script::Token &token : script::tokens_of(*value))
			if (has(sensitivities.schemas, token.word))
				return reason(token.word);
	}
	return "";
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
		case T_AlterOwnerStmt:
			return owner_reason(castNode(AlterOwnerStmt, statement)->newowner, sensitivities);
		case T_CreateSchemaStmt:
		{
			const auto *create = castNode(CreateSchemaStmt, statement);
			std::string reason = owner_reason(create->authrole, sensitivities);
			ListCell *cell;
			foreach (cell, create->schemaElts)
				if (reason.empty())
					reason = statement_reason(static_cast<const Node *>(lfirst(cell)), sensitivities);
			return reason;
		}
		case T_CreateEventTrigStmt:
		case T_AlterEventTrigStmt:
			return "it is about an event trigger";
		case T_VariableSetStmt:
		case T_SelectStmt:
			return path_reason(statement, sensitivities);
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
		case T_DropOwnedStmt:
		case T_ReassignOwnedStmt:
			return "it is about a role";
		case T_CreateExtensionStmt:
			return extension_reason(castNode(CreateExtensionStmt, statement)->extname);
		case T_AlterExtensionStmt:
			return extension_reason(castNode(AlterExtensionStmt, statement)->extname);
		default:
			return "";
	}
}

// The statement that another runs, makes or keeps for later.
const Node *
within(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_ExplainStmt:
			return within(castNode(ExplainStmt, statement)->query);
		case T_PrepareStmt:
			return within(castNode(PrepareStmt, statement)->query);
		case T_CreateTableAsStmt:
			return within(castNode(CreateTableAsStmt, statement)->query);
		case T_CopyStmt:
			return castNode(CopyStmt, statement)->query;
		default:
			return statement;
	}
}

// The tables that it changes by the way: WITH ... (DELETE ...), EXPLAIN ANALYZE DELETE, PREPARE, the actions of a rule.
std::vector<NamedTable>
changed_within(const Node *statement)
{
	std::vector<NamedTable> result;
	ListCell *cell;
	auto add = [&](const Node *query) {
		for (NamedTable &named : tables_named_in(query))
			if (named.name != nullptr && (named.command == CMD_INSERT || named.command == CMD_UPDATE ||
										  named.command == CMD_DELETE || named.command == CMD_MERGE))
				result.push_back(std::move(named));
	};

	if (IsA(statement, RuleStmt))
	{
		foreach (cell, castNode(RuleStmt, statement)->actions)
			add(static_cast<const Node *>(lfirst(cell)));
		return result;
	}
	const Node *query = within(statement);
	if (query == nullptr)
		return result;
	const WithClause *with = IsA(query, SelectStmt)   ? castNode(SelectStmt, query)->withClause
							 : IsA(query, InsertStmt) ? castNode(InsertStmt, query)->withClause
							 : IsA(query, UpdateStmt) ? castNode(UpdateStmt, query)->withClause
							 : IsA(query, DeleteStmt) ? castNode(DeleteStmt, query)->withClause
							 : IsA(query, MergeStmt)  ? castNode(MergeStmt, query)->withClause
													  : nullptr;
	if (query != statement || with != nullptr)
		add(query);
	return result;
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
		case What::change_owner:
			if (const auto *part = part_as<AlterTableCmd>(action, T_AlterTableCmd); part != nullptr)
				if (std::string reason = owner_reason(part->newowner, sensitivities); !reason.empty())
					return reason;
			[[fallthrough]];
		default:
			return action.table != nullptr && action.what != What::select && action.what != What::script_end &&
						   has(sensitivities.schemas, action.table->schema)
					   ? "it is about " + action.table->title()
					   : "";
	}
	if (std::string reason = statement_reason(action.statement, sensitivities); !reason.empty())
		return reason;
	for (const NamedTable &named : changed_within(action.statement))
		if (has(sensitivities.schemas, text_of(named.name->schemaname)))
			return "it changes rows in schema " + text_of(named.name->schemaname);
	if (IsA(action.statement, DoStmt))
		return "";
	const Named named = named_in(what, sensitivities);
	if (!named.key.empty())
		return "it is about keys: " + named.key;
	const bool only_reads =
		IsA(action.statement, SelectStmt) && castNode(SelectStmt, action.statement)->intoClause == nullptr;
	if (!named.schema.empty() && !only_reads)
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
drop_retention_reason(const DropStmt *drop)
{
	switch (drop->removeType)
	{
		case OBJECT_SCHEMA:
			return "it drops a schema";
		case OBJECT_EXTENSION:
			return "it drops an extension, with its tables and types";
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return drop->behavior == DROP_CASCADE ? "it drops a type with the columns that are of it" : "";
		default:
			return "";
	}
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
			return IsA(action.statement, DropStmt) ? drop_retention_reason(castNode(DropStmt, action.statement)) : "";
		case What::statement:
			if (IsA(action.statement, DropOwnedStmt))
				return "it drops whatever a role owns";
			for (const NamedTable &named : changed_within(action.statement))
				if (named.removes)
					return "it deletes rows of " + quoted(text_of(named.name->relname));
			return "";
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
