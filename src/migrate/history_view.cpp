// Makes views that stand in for the history tables of a team.
#include "migrate/own_history.hpp"

#include "capture/enforce.hpp"
#include "capture/run.hpp"
#include "drift/expected.hpp"
#include "pg/session.hpp"

namespace mg::migrate {

namespace {

std::string
quoted(const std::string &name)
{
	return pg::guarded([&] { return quote_identifier(name.c_str()); });
}

const HistoryKind &
find_kind(const std::string &kind)
{
	std::string known;

	for (const HistoryKind &one : history_kinds)
	{
		if (kind == one.name)
			return one;
		known += (known.empty() ? "" : " or ") + std::string(one.name);
	}
	throw UserError("22023", "there is no kind of history table called \"" + kind + "\"").hint("It is " + known + ".");
}

void
require_schema(const std::string &schema)
{
	if (ledger::query_cell("SELECT true FROM pg_namespace WHERE nspname = $1", {schema}) != "t")
		throw UserError("3F000", "schema \"" + schema + "\" does not exist")
			.hint("Create it first; give its name as it is, without quotes.");
	if (schema == "mg" || schema == "pg_catalog" || schema == "information_schema" ||
		ledger::query_cell("SELECT $1 ~ '^pg_'", {schema}) == "t")
		throw UserError("22023", "schema \"" + schema + "\" is not for tables of a team")
			.hint("Name the schema in which the team's scripts find their history table, such as public.");
}

// What there is of that name: nothing, "ours", or what it is.
std::optional<std::string>
what_is_there(const std::string &schema, const std::string &name)
{
	return ledger::query_cell(
		"SELECT CASE WHEN EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
		" WHERE t.tgrelid = c.oid AND p.proname = 'mg_keep_history' AND p.pronamespace = 'pg_catalog'::regnamespace)"
		" THEN 'ours' ELSE (pg_identify_object('pg_class'::regclass, c.oid, 0)).type END"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
		{schema, name});
}

// A statement of the extension's own, for capture and enforcement.
void
run_own(const std::string &sql)
{
	const capture::OwnStatements own;

	pg::query_as_caller(sql);
}

void
create_view(const std::string &name, const HistoryKind &kind)
{
	run_own("CREATE VIEW " + name + " AS SELECT " + kind.columns + " FROM mg." + kind.name);
	run_own("CREATE TRIGGER mg_keep_history INSTEAD OF INSERT OR UPDATE OR DELETE ON " + name +
			" FOR EACH ROW EXECUTE FUNCTION pg_catalog.mg_keep_history()");
	run_own("COMMENT ON VIEW " + name +
			" IS 'what migration_governance has applied; scripts of its migrations write their own rows'");
	/* Default privileges of a platform would show the history to whoever asks. */
	std::vector<pg::Row> grantees = ledger::query(
		"SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END"
		" FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = to_regclass($1) AND a.grantee <> c.relowner",
		{name});
	for (const pg::Row &grantee : grantees)
		run_own("REVOKE ALL ON " + name + " FROM " + grantee[0].value_or(""));
}

// It reads the ledger with its owner's rights, which are gone if the database has come to belong to somebody else.
bool
mend_owner(const std::string &name, const HistoryKind &kind)
{
	if (ledger::query_cell("SELECT has_table_privilege(c.relowner, to_regclass('mg.' || $2), 'SELECT')"
						   " FROM pg_class c WHERE c.oid = to_regclass($1)",
						   {name, std::string(kind.name)}) == "t")
		return false;
	run_own("ALTER VIEW " + name + " OWNER TO CURRENT_USER");
	return true;
}

// Otherwise it would be reported as made by hand. Inside a migration its run sees to that.
void
expect(const std::string &name)
{
	if (capture::is_running())
		return;
	Oid oid = static_cast<Oid>(std::stoul(ledger::query_cell("SELECT to_regclass($1)::oid", {name}).value_or("0")));
	drift::take_units(schema::units_of(drift::scope(), {{RelationRelationId, oid}}), {});
}

} // namespace

pg::Row
make_history_view(const std::string &schema, const std::string &kind, const std::vector<std::string> &roles)
{
	const HistoryKind &wanted = find_kind(kind);

	pg::require_database_owner("make a history view");
	pg::require_recording("make a history view");
	ledger::place();
	require_schema(schema);

	const std::string name = quoted(schema) + "." + wanted.name;
	const std::optional<std::string> there = what_is_there(schema, wanted.name);
	if (there.has_value() && *there != "ours")
		throw UserError("42P07", *there + " " + name + " is there already")
			.detail("It is left as it is.")
			.hint("Take what it says into the ledger with SELECT * FROM mg_adopt_history('" + name +
				  "'), give it another name with ALTER TABLE ... RENAME, and call mg_history_view() again.");
	const bool mended = there.has_value() && mend_owner(name, wanted);
	if (!there.has_value())
		create_view(name, wanted);
	for (const std::string &role : roles)
		run_own("GRANT SELECT, INSERT, DELETE ON " + name + " TO " + (role == "public" ? "PUBLIC" : quoted(role)));
	if (!there.has_value() || mended || !roles.empty())
		expect(name);
	else
		pg::report(NOTICE, UserError("00000", "history view " + name + " is there already, skipping"));
	return {name, there.has_value() ? "kept" : "created"};
}

void
share_history_views(const std::string &role, bool given)
{
	/* Those of somebody else are not the caller's to share. */
	for (const pg::Row &row : ledger::query(
			 "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = "
			 "c.relnamespace"
			 " WHERE EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = c.oid"
			 " AND p.proname = 'mg_keep_history' AND p.pronamespace = 'pg_catalog'::regnamespace)"
			 " AND pg_has_role($1::oid, c.relowner, 'USAGE') ORDER BY 1",
			 {std::to_string(pg::guarded([] { return GetUserId(); }))}))
	{
		const std::string name = row[0].value_or("");
		run_own(std::string(given ? "GRANT" : "REVOKE") + " SELECT, INSERT, DELETE ON " + name +
				(given ? " TO " : " FROM ") + quoted(role));
		expect(name);
	}
}

} // namespace mg::migrate
