// Group J: rights, roles and extensions.
#include <algorithm>
#include <array>

#include "lint/facts.hpp"
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

#include <algorithm>
#include <map>

namespace mg::lint {

namespace {

const GrantStmt *
grant_of(const Action &action)
{
	return IsA(action.statement, GrantStmt) ? reinterpret_cast<const GrantStmt *>(action.statement) : nullptr;
}

std::string
object_of(const GrantStmt *grant, Model &model)
{
	if (grant->objects == NIL)
		return "";
	auto *first = static_cast<const Node *>(linitial(grant->objects));
	if (IsA(first, RangeVar))
	{
		const Table *table = model.find(castNode(RangeVar, first));
		return table != nullptr ? table->title() : quoted(castNode(RangeVar, first)->relname);
	}
	return IsA(first, String) ? quoted(strVal(first)) : "";
}

// The privileges as GRANT names them; "all" for all of them.
std::vector<std::string>
privileges_of(const GrantStmt *grant)
{
	std::vector<std::string> result;
	ListCell *cell;

	foreach (cell, grant->privileges)
		result.push_back(text_of(lfirst_node(AccessPriv, cell)->priv_name));
	if (result.empty())
		result.emplace_back("all");
	return result;
}

// Whether everybody has all of it on a table already.
bool
is_public_already(const GrantStmt *grant, Model &model)
{
	ListCell *cell;

	if (grant->objtype != OBJECT_TABLE || grant->targtype != ACL_TARGET_OBJECT || grant->privileges == NIL)
		return false;
	foreach (cell, grant->objects)
	{
		const Table *table = model.find(lfirst_node(RangeVar, cell));
		if (table == nullptr || !OidIsValid(table->oid))
			return false;
		for (const std::string &privilege : privileges_of(grant))
			if (!fact("SELECT 1 FROM pg_class, aclexplode(relacl) a WHERE oid = $1::oid AND a.grantee = 0 AND "
					  "lower(a.privilege_type) = $2",
					  {cell_of(table->oid), privilege})
					 .has_value())
				return false;
	}
	return true;
}

void
grant_to_public(const Action &action, Context &context)
{
	const GrantStmt *grant = grant_of(action);
	if (grant == nullptr || !grant->is_grant || !has_public(grant->grantees) || grant->targtype == ACL_TARGET_DEFAULTS)
		return;
	std::vector<std::string> privileges = privileges_of(grant);
	const bool writes = std::any_of(privileges.begin(), privileges.end(), [](const std::string &one) {
		return one == "all" || one == "create" || one == "insert" || one == "update" || one == "delete" ||
			   one == "truncate" || one == "trigger" || one == "references" || one == "maintain" || one == "set" ||
			   one == "alter system";
	});
	if ((!writes && grant->objtype != OBJECT_TABLE) || is_public_already(grant, context.model()))
		return;
	if (grant->objtype != OBJECT_TABLE && grant->objtype != OBJECT_SEQUENCE && grant->objtype != OBJECT_SCHEMA &&
		grant->objtype != OBJECT_DATABASE && grant->objtype != OBJECT_PARAMETER_ACL &&
		grant->objtype != OBJECT_FOREIGN_SERVER)
		return;
	Report report;
	report.object = object_of(grant, context.model());
	report.message = "every role, also those made later, gets " +
					 (privileges[0] == "all" ? std::string("all rights") : privileges[0]) + " on " +
					 (report.object.empty() ? "them" : report.object);
	report.hint = "Name the roles that need it.";
	context.report(std::move(report));
}

void
grant_all(const Action &action, Context &context)
{
	const GrantStmt *grant = grant_of(action);
	if (grant == nullptr || !grant->is_grant || grant->privileges != NIL || has_public(grant->grantees) ||
		(grant->objtype != OBJECT_TABLE && grant->objtype != OBJECT_SCHEMA && grant->objtype != OBJECT_DATABASE))
		return;
	Report report;
	report.object = object_of(grant, context.model());
	report.message = std::string("ALL has more in it than reading and writing: ") +
					 (grant->objtype == OBJECT_TABLE ? "TRUNCATE, TRIGGER and REFERENCES" : "CREATE");
	report.hint = "Name the rights that are needed.";
	context.report(std::move(report));
}

void
grant_passed_on(const Action &action, Context &context)
{
	const GrantStmt *grant = grant_of(action);
	if (grant != nullptr && grant->is_grant && grant->grant_option)
	{
		Report report;
		report.object = object_of(grant, context.model());
		report.message = "who gets the right may pass it on to anybody";
		report.hint = "Leave WITH GRANT OPTION out.";
		context.report(std::move(report));
	}
	if (!IsA(action.statement, GrantRoleStmt))
		return;
	const auto *member = reinterpret_cast<const GrantRoleStmt *>(action.statement);
#if PG_VERSION_NUM >= 160000
	const bool is_admin = is_set(member->opt, "admin", false);
#else
	const bool is_admin = member->admin_opt;
#endif
	if (member->is_grant && is_admin)
		context.report({"who becomes a member of the role may make anybody a member", "Leave WITH ADMIN OPTION out."});
}

void
role_in_migration(const Action &action, Context &context)
{
	Report report;
	if (IsA(action.statement, CreateRoleStmt))
		report.object = quoted(reinterpret_cast<const CreateRoleStmt *>(action.statement)->role);
	report.message =
		"roles belong to the whole cluster: the statement changes what other databases see, and no dump of this "
		"one has it";
	report.hint = "Keep roles outside of migrations, or be sure that they are the same on every server.";
	context.report(std::move(report));
}

// A role's attribute or membership that makes its rights as good as the server's.
std::string
power_of(const Node *statement)
{
	const List *options = nullptr;
	ListCell *cell;

	if (IsA(statement, CreateRoleStmt))
		options = castNode(CreateRoleStmt, statement)->options;
	else if (IsA(statement, AlterRoleStmt))
		options = castNode(AlterRoleStmt, statement)->options;
	if (is_set(options, "superuser", false))
		return "SUPERUSER: it may do anything, also outside of the database";
	if (is_set(options, "bypassrls", false))
		return "BYPASSRLS: no row security holds for it";
	if (is_set(options, "isreplication", false))
		return "REPLICATION: it may copy the whole cluster";
	if (!IsA(statement, GrantRoleStmt) || !castNode(GrantRoleStmt, statement)->is_grant)
		return "";
	foreach (cell, castNode(GrantRoleStmt, statement)->granted_roles)
	{
		const std::string role = text_of(lfirst_node(AccessPriv, cell)->priv_name);
		if (role == "pg_execute_server_program" || role == "pg_write_server_files" || role == "pg_read_server_files")
			return "what " + role + " may: it can become superuser by it";
	}
	return "";
}

void
powerful_role(const Action &action, Context &context)
{
	if (const std::string power = power_of(action.statement); !power.empty())
		context.report({"the role gets " + power, "Give it the rights on objects that it needs."});
}

void
copy_on_server(const Action &action, Context &context)
{
	const auto *copy = reinterpret_cast<const CopyStmt *>(action.statement);
	if (copy->filename == nullptr)
		return;
	context.report({copy->is_program
						? std::string("COPY runs a program on the server, as the operating system's user")
						: (copy->is_from ? "COPY reads a file of the server, which may be another one or none "
										   "on another server"
										 : std::string("COPY writes a file of the server")),
					"Put the rows into the script, or load them outside of migrations."});
}

void
owner_changed(const Action &action, Context &context)
{
	const RoleSpec *owner = nullptr;
	if (const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd))
		owner = command->newowner;
	if (owner == nullptr ||
		fact("SELECT 1 FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = $1::oid AND "
			 "r.rolname = $2",
			 {cell_of(action.table->oid), role_name(owner)})
			.has_value())
		return;
	context.report({"the owner of " + action.table->title() +
						" loses all rights on it, and the new one may change and drop "
						"it",
					"Grant rights instead, or see that migrations go on running as a member of the new owner.",
					{},
					AccessExclusiveLock});
}

void
extension_missing(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreateExtensionStmt))
		return;
	const std::string name = reinterpret_cast<const CreateExtensionStmt *>(action.statement)->extname;
	if (fact("SELECT 1 FROM pg_available_extensions WHERE name = $1", {name}).has_value() ||
		fact("SELECT 1 FROM pg_extension WHERE extname = $1", {name}).has_value())
		return;
	Report report;
	report.object = quoted(name);
	report.message = "extension " + quoted(name) + " is not installed on this server: the statement fails";
	report.hint = "Have it installed first: pg_available_extensions lists what there is.";
	context.report(std::move(report));
}

void
extension_in_public(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreateExtensionStmt))
		return;
	const auto *create = reinterpret_cast<const CreateExtensionStmt *>(action.statement);
	const DefElem *schema = option_of(create->options, "schema");
	const std::string name = create->extname;
	if (fact("SELECT 1 FROM pg_extension WHERE extname = $1", {name}).has_value())
		return;
	if (schema != nullptr
			? strcmp(strVal(schema->arg), "public") != 0
			/* One with a schema of its own goes there. */
			: (fact("SELECT 1 FROM pg_available_extension_versions WHERE name = $1 AND schema IS NOT NULL", {name})
				   .has_value() ||
			   context.model().new_objects_schema() != "public"))
		return;
	Report report;
	report.object = quoted(name);
	report.message = "the objects of extension " + quoted(name) + " are made in public, among the team's own";
	report.hint =
		"CREATE EXTENSION " + quoted(name) + " SCHEMA ..., one that is in the search_path of those who use it.";
	context.report(std::move(report));
}

void
extension_updated(const Action &action, Context &context)
{
	if (!IsA(action.statement, AlterExtensionStmt))
		return;
	const std::string name = reinterpret_cast<const AlterExtensionStmt *>(action.statement)->extname;
	const DefElem *version =
		option_of(reinterpret_cast<const AlterExtensionStmt *>(action.statement)->options, "new_version");
	std::vector<pg::Row> rows = facts("SELECT e.extversion, a.default_version FROM pg_extension e LEFT JOIN "
									  "pg_available_extensions a ON a.name = e.extname WHERE e.extname = $1",
									  {name});
	if (rows.empty())
		return;
	const std::string to = version != nullptr ? strVal(version->arg) : rows[0][1].value_or("");
	if (rows[0][0] == pg::Cell(to))
		return;
	Report report;
	report.object = quoted(name);
	report.message =
		"extension " + quoted(name) + " goes from " + rows[0][0].value_or("") + " to " + to +
		(version == nullptr ? ", which is another version on a server that has another one installed" : "") +
		", and there is no way back";
	report.hint = "Read its release notes, and write the version: UPDATE TO '" + to + "'.";
	context.report(std::move(report));
}

bool
gets_rights(const Table &table, const Context &context)
{
	for (const Done &done : context.done())
	{
		if (done.what != What::grant)
			continue;
		if (done.tree == nullptr || IsA(done.tree, AlterDefaultPrivilegesStmt))
			return true;
		if (!IsA(done.tree, GrantStmt))
			continue;
		const auto *grant = castNode(GrantStmt, done.tree);
		ListCell *cell;
		foreach (cell, grant->objects)
		{
			auto *object = static_cast<const Node *>(lfirst(cell));
			if (IsA(object, String) ? grant->targtype == ACL_TARGET_ALL_IN_SCHEMA && table.schema == strVal(object)
									: IsA(object, RangeVar) && table.name == castNode(RangeVar, object)->relname)
				return true;
		}
	}
	return false;
}

void
new_table_lacks_rights(const Action &, Context &context)
{
	constexpr const char *sql = "WITH n AS (SELECT oid FROM pg_namespace WHERE nspname = $1), "
								"s AS (SELECT c.oid, c.relacl, c.relowner FROM pg_class c WHERE c.relnamespace = "
								"(SELECT oid FROM n) AND c.relkind IN "
								"('r', 'p') AND NOT c.relispartition LIMIT 200), "
								"g AS (SELECT a.grantee, a.privilege_type, count(DISTINCT s.oid) AS tables FROM s, "
								"aclexplode(s.relacl) a WHERE "
								"a.grantee <> s.relowner GROUP BY 1, 2) "
								"SELECT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END, "
								"string_agg(g.privilege_type, ', ' ORDER "
								"BY g.privilege_type) "
								"FROM g LEFT JOIN pg_roles r ON r.oid = g.grantee "
								"WHERE g.tables = (SELECT count(*) FROM s) AND g.tables >= 3 AND r.rolname IS DISTINCT "
								"FROM current_user AND NOT EXISTS "
								"(SELECT FROM pg_default_acl d JOIN pg_roles o ON o.oid = d.defaclrole, "
								"aclexplode(d.defaclacl) x WHERE o.rolname = "
								"current_user AND d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, (SELECT oid FROM "
								"n)) AND x.grantee = g.grantee "
								"AND x.privilege_type = g.privilege_type) GROUP BY 1 ORDER BY 1";
	std::map<std::string, std::vector<pg::Row>> by_schema;

	for (const Done &done : context.done())
	{
		const Table *table = done.table;
		if (done.what != What::create_table || table == nullptr || table->persistence == RELPERSISTENCE_TEMP ||
			table->is_partition || context.model().find(table->schema, table->name) != table)
			continue;
		auto known = by_schema.find(table->schema);
		if (known == by_schema.end())
			known = by_schema.emplace(table->schema, facts(sql, {table->schema})).first;
		if (known->second.empty() || gets_rights(*table, context))
			continue;
		for (const pg::Row &row : known->second)
		{
			Report report;
			report.message = row[0].value_or("") + " has " + row[1].value_or("") + " on every other table of schema " +
							 quoted(table->schema) + ", and gets nothing on " + table->title();
			report.hint = "If it should: GRANT " + row[1].value_or("") + " ON " + table->title() + " TO " +
						  row[0].value_or("") + ";";
			report.table = table;
			report.location = done.location;
			context.report(std::move(report));
		}
	}
}

// Whether a name, or a word of it, is one of what should not be read by everybody.
bool
is_sensitive(const std::string &name)
{
	constexpr std::array<const char *, 17> words = {
		"password",   "passwd",      "secret", "token",    "apikey",     "api_key",
		"privatekey", "private_key", "ssn",    "passport", "creditcard", "credit_card",
		"cardnumber", "card_number", "cvv",    "iban",     "pin"};
	const std::string whole = "_" + name + "_";

	return std::any_of(words.begin(), words.end(), [&](const char *word) {
		return whole.find("_" + std::string(word) + "_") != std::string::npos;
	});
}

void
sensitive_column(const Action &action, Context &context)
{
	if (action.table->has_row_security || !is_sensitive(action.name))
		return;
	/* Who may use the schema and read the table, of those that everybody is. */
	constexpr const char *sql =
		"SELECT string_agg(DISTINCT coalesce(r.rolname, 'PUBLIC'), ', ') FROM pg_class c JOIN pg_namespace n ON n.oid "
		"= "
		"c.relnamespace, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE c.oid = $1::oid AND "
		"a.privilege_type = 'SELECT' AND (a.grantee = 0 OR r.rolname IN ('anon', 'authenticated')) AND EXISTS (SELECT "
		"FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) u WHERE u.grantee IN (0, a.grantee) AND "
		"u.privilege_type = 'USAGE')";
	if (pg::Cell readers = fact(sql, {cell_of(action.table->oid)}))
		context.report(
			{*readers + " can read column " + quoted(action.name) + " of " + action.table->title() + " in every row",
			 "Enable row security, or revoke SELECT and grant it on the columns that may be seen."});
}

} // namespace

std::vector<Rule>
privilege_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"grant-to-public",
		 "J",
		 S::warning,
		 About::anything,
		 {W::grant},
		 grant_to_public,
		 "rights for PUBLIC",
		 "Every role has them, also those made later.",
		 "Name the roles."},
		{"grant-all",
		 "J",
		 S::info,
		 About::anything,
		 {W::grant},
		 grant_all,
		 "GRANT ALL",
		 "It has more in it than people think of, and a new major may add to it.",
		 "Name the rights."},
		{"grant-passed-on",
		 "J",
		 S::info,
		 About::anything,
		 {W::grant},
		 grant_passed_on,
		 "WITH GRANT OPTION or WITH ADMIN OPTION",
		 "Nobody can tell from migrations any more who has which rights.",
		 "Leave it out."},
		{"role-in-migration",
		 "J",
		 S::info,
		 About::anything,
		 {W::role},
		 role_in_migration,
		 "a role is made, changed or dropped",
		 "It belongs to the cluster, not to the database, and event triggers do not see it.",
		 "Keep roles outside of migrations."},
		{"powerful-role",
		 "J",
		 S::warning,
		 About::anything,
		 {W::role, W::grant},
		 powerful_role,
		 "a role that is as good as a superuser",
		 "No right of the database holds for it.",
		 "Give it the rights that it needs."},
		{"copy-on-server",
		 "J",
		 S::warning,
		 About::anything,
		 {W::copy},
		 copy_on_server,
		 "COPY with a file or program of the server",
		 "It runs with the rights of the server's user, and is another file on another server.",
		 "Put the rows into the script."},
		{"owner-changed",
		 "J",
		 S::info,
		 About::existing,
		 {W::change_owner},
		 owner_changed,
		 "a table is given another owner",
		 "The former one loses its rights, and with them perhaps the migrations.",
		 "Grant rights instead."},
		{"extension-missing",
		 "J",
		 S::error,
		 About::anything,
		 {W::create_extension},
		 extension_missing,
		 "an extension that this server does not have",
		 "The statement fails.",
		 "Have it installed first."},
		{"extension-in-public",
		 "J",
		 S::info,
		 About::anything,
		 {W::create_extension},
		 extension_in_public,
		 "an extension is made in schema public",
		 "Its functions are among the team's own, and exposed with them.",
		 "Give it a schema."},
		{"extension-updated",
		 "J",
		 S::info,
		 About::anything,
		 {W::create_extension},
		 extension_updated,
		 "an extension is updated",
		 "Extensions have no way back to an older version.",
		 "Write the version, and rehearse it."},
		{"new-table-lacks-rights",
		 "J",
		 S::info,
		 About::anything,
		 {W::script_end},
		 new_table_lacks_rights,
		 "a role has rights on all tables of the schema but the new one",
		 "The default privileges of who runs the migration do not have them.",
		 "Grant them, or alter the default privileges."},
		{"sensitive-column",
		 "J",
		 S::info,
		 About::existing,
		 {W::add_column},
		 sensitive_column,
		 "a column with the name of a secret that everybody can read",
		 "Everybody who may read the table reads it.",
		 "Enable row security, or grant columns."},
	};
}

} // namespace mg::lint
