// Finds literal secrets in statements, by parse tree, and takes them out of texts, by the server's own scanner.
#include "script/kind.hpp"

#include "script/tokens.hpp"

namespace mg::script {

namespace {

// Options of servers and user mappings that name where to connect and as whom, not with which secret.
constexpr const char *harmless_options[] = {"host",
											"hostaddr",
											"port",
											"dbname",
											"user",
											"service",
											"schema_name",
											"table_name",
											"fetch_size",
											"use_remote_estimate",
											"sslmode",
											"application_name",
											"extensions",
											"updatable",
											"connect_timeout",
											"client_encoding",
											"batch_size",
											"async_capable",
											"truncatable",
											"fdw_startup_cost",
											"fdw_tuple_cost",
											"keep_connections",
											"options"};

bool
is_harmless(const char *name)
{
	for (const char *harmless : harmless_options)
		if (pg_strcasecmp(name, harmless) == 0)
			return true;
	return false;
}

bool
options_have_secret(List *options)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);
		if (option->arg != nullptr && option->defaction != DEFELEM_DROP && !is_harmless(option->defname))
			return true;
	}
	return false;
}

// A connection string carries a secret when it has a password key or user:password@ in a URI.
bool
connection_has_secret(const char *connection)
{
	if (connection == nullptr)
		return false;
	const char *scheme = strstr(connection, "://");
	if (scheme != nullptr)
	{
		const char *at = strchr(scheme + 3, '@');
		const char *colon = strchr(scheme + 3, ':');
		if (at != nullptr && colon != nullptr && colon < at)
			return true;
	}
	for (const char *p = connection; *p != '\0'; p++)
		if (pg_strncasecmp(p, "password", 8) == 0)
			return true;
	return false;
}

bool
role_has_password(List *options)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);
		if (strcmp(option->defname, "password") == 0 && option->arg != nullptr)
			return true;
	}
	return false;
}

bool
setting_is_secret(VariableSetStmt *statement)
{
	return statement != nullptr && statement->name != nullptr && statement->args != NIL &&
		   (strcmp(statement->name, "primary_conninfo") == 0 || strcmp(statement->name, "ssl_passphrase_command") == 0);
}

} // namespace

bool
has_secret_raw(Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_CreateRoleStmt:
			return role_has_password(castNode(CreateRoleStmt, tree)->options);
		case T_AlterRoleStmt:
			return role_has_password(castNode(AlterRoleStmt, tree)->options);
		case T_CreateUserMappingStmt:
			return options_have_secret(castNode(CreateUserMappingStmt, tree)->options);
		case T_AlterUserMappingStmt:
			return options_have_secret(castNode(AlterUserMappingStmt, tree)->options);
		case T_CreateForeignServerStmt:
			return options_have_secret(castNode(CreateForeignServerStmt, tree)->options);
		case T_AlterForeignServerStmt:
			return options_have_secret(castNode(AlterForeignServerStmt, tree)->options);
		case T_CreateSubscriptionStmt:
			return connection_has_secret(castNode(CreateSubscriptionStmt, tree)->conninfo);
		case T_AlterSubscriptionStmt:
			return connection_has_secret(castNode(AlterSubscriptionStmt, tree)->conninfo);
		case T_AlterSystemStmt:
			return setting_is_secret(castNode(AlterSystemStmt, tree)->setstmt);
		default:
			return false;
	}
}

bool
may_have_secret_raw(Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_CreateForeignServerStmt:
		case T_AlterForeignServerStmt:
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
		case T_AlterSystemStmt:
			return true;
		default:
			return false;
	}
}

namespace {

// Replaces string literals after PASSWORD and CONNECTION, values of options that are not known to be harmless, and
// values of the settings that hold connection strings.
char *
redact_tokens_raw(const char *text)
{
	StringInfoData out;
	TokenScanRaw scan(text);
	TokenRaw token;
	char option[NAMEDATALEN] = {0}; // the identifier before a literal
	bool secret_follows = false;    // after PASSWORD, CONNECTION or a secret setting
	bool in_options = false;
	int copied = 0;

	initStringInfo(&out);
	while (scan.next(&token))
	{
		if (token.is_string)
		{
			if (secret_follows || (in_options && !is_harmless(option)))
			{
				appendBinaryStringInfo(&out, text + copied, token.start - copied);
				appendStringInfoString(&out, "'***'");
				copied = token.end;
			}
			option[0] = '\0';
		}
		else if (token.word != nullptr)
		{
			strlcpy(option, token.word, sizeof(option));
			if (pg_strcasecmp(token.word, "password") == 0 || pg_strcasecmp(token.word, "connection") == 0 ||
				pg_strcasecmp(token.word, "primary_conninfo") == 0 ||
				pg_strcasecmp(token.word, "ssl_passphrase_command") == 0)
				secret_follows = true;
			else if (pg_strcasecmp(token.word, "to") != 0)
				secret_follows = false;
			in_options = in_options || pg_strcasecmp(token.word, "options") == 0;
		}
		else if (token.kind == ';')
			in_options = secret_follows = false;
	}
	appendStringInfoString(&out, text + copied);
	return out.data;
}

} // namespace

char *
redact_raw(const char *text)
{
	char *volatile result = nullptr;

	if (!pg::succeeds_raw([&] { result = redact_tokens_raw(text); }))
		return pstrdup("(text left out: it could not be read and might hold a secret)");
	return result;
}

} // namespace mg::script
