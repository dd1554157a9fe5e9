// Checks what the catalogs say: indexes, constraints, triggers, row level security, collations, function bodies.
#include "migrate/integrity.hpp"

#include "pg/memory.hpp"
#include "pg/subtransaction.hpp"
#include "schema/reader.hpp"

namespace mg::migrate {

namespace integrity {

void
Report::add(const std::string &object, const pg::Cell &ok, const std::string &expected, const std::string &actual)
{
	rows_.push_back({check_, object, ok, expected, actual});
}

void
Report::bad(const std::string &object, const std::string &expected, const std::string &actual)
{
	has_bad_ = true;
	add(object, "f", expected, actual);
}

void
Report::note(const std::string &object, const std::string &expected, const std::string &actual)
{
	add(object, "t", expected, actual);
}

void
Report::skipped(const std::string &object, const std::string &reason)
{
	add(object, pg::Cell(), expected_, "skipped: " + reason);
}

void
Report::failed(const std::string &object, const pg::Error &error)
{
	int code = error.data().sqlerrcode;

	if (code == ERRCODE_LOCK_NOT_AVAILABLE)
		skipped(object, "locked");
	else if (code == ERRCODE_INSUFFICIENT_PRIVILEGE || (code == ERRCODE_FEATURE_NOT_SUPPORTED && RecoveryInProgress()))
		skipped(object, error.what());
	else
		bad(object, "no error", error.what());
}

void
Report::close(const std::string &objects, const std::string &remark)
{
	if (!has_bad_)
		add(objects, "t", expected_, remark.empty() ? expected_ : std::string(expected_) + "; " + remark);
}

void
pin(const char *name, const char *value)
{
	pg::guarded([&] { set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false); });
}

std::vector<pg::Cell>
parameters(const Target &target)
{
	return {pg::array_literal(target.scope.ignored_schemas),
			target.objects.has_value() ? pg::Cell(pg::array_literal(*target.objects)) : pg::Cell()};
}

std::vector<pg::Row>
ask(const char *literal, const std::vector<pg::Cell> &params)
{
	return pg::query_as(GetUserId(), literal, params);
}

std::vector<pg::Row>
ask_built(const std::string &sql, Oid role)
{
	return pg::query_as(role, sql.c_str(), {}, pg::Plan::once);
}

std::string
counted(size_t count, const char *one, const char *many)
{
	return std::to_string(count) + " " + (count == 1 ? one : many);
}

} // namespace integrity

namespace {

using integrity::Report;

// A check that the catalogs alone answer. `count` counts what is looked at; `findings` gives object, ok, expected, actual.
struct CatalogCheck
{
	const char *name;
	const char *one;
	const char *many;
	const char *expected;
	const char *count;
	const char *findings;
};

#define MG_INDEXES                                                                                               \
	" FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class x ON x.oid = i.indrelid" MG_OF_TABLE \
	" AND ($2::text[] IS NULL OR " MG_WANTED("pg_class", "x.oid") " OR " MG_WANTED("pg_class", "c.oid") ")"

// Whoever builds one shows with its table; what other roles build is shown to monitors only.
constexpr CatalogCheck indexes = {
	"index",
	"index",
	"indexes",
	"valid",
	"SELECT count(*)" MG_INDEXES,
	"SELECT " MG_TITLE(
		"pg_class",
		"i.indexrelid") ", i.builder IS NOT NULL, 'valid',"
						" CASE WHEN i.builder IS NOT NULL THEN 'being built now, by pid ' || i.builder"
						" WHEN i.relkind = 'I' THEN 'invalid: not every partition has its part of it'"
						" WHEN i.relname ~ '_ccnew[0-9]*$' THEN 'invalid: the new one of a REINDEX CONCURRENTLY that "
						"failed: drop it'"
						" WHEN i.relname ~ '_ccold[0-9]*$' THEN 'invalid: the old one of a REINDEX CONCURRENTLY: drop "
						"it'"
						" WHEN NOT i.indislive THEN 'half dropped: drop it again'"
						" WHEN NOT i.indisready THEN 'half built, and not kept up to date: drop it or build it again'"
						" ELSE 'invalid: its build failed or is not done: drop it or build it again' END"
						" FROM (SELECT i.indexrelid, i.indisready, i.indislive, c.relname, c.relkind,"
						" (SELECT min(b.pid) FROM pg_stat_progress_create_index b WHERE b.datname = current_database()"
						" AND b.relid = i.indrelid) AS builder" MG_INDEXES
						" AND NOT (i.indisvalid AND i.indisready AND i.indislive)) i ORDER BY 1"};

// What MG_OF_TABLE is for tables, for domains.
#define MG_OF_DOMAIN                                                                                         \
	" JOIN pg_type x ON x.oid = k.contypid JOIN pg_namespace n ON n.oid = x.typnamespace WHERE " MG_IN_SCOPE \
	" AND " MG_NOT_MEMBER("pg_type") " AND ($2::text[] IS NULL OR " MG_WANTED("pg_type", "x.oid") ")"
#define MG_CONSTRAINTS                                                              \
	" FROM pg_constraint k JOIN pg_class x ON x.oid = k.conrelid" MG_OF_TABLE       \
	" AND ($2::text[] IS NULL OR " MG_WANTED("pg_class", "x.oid") " OR " MG_WANTED( \
		"pg_constraint", "k.oid") ") AND k.conparentid = 0 AND k.conislocal"

// Only what can be NOT VALID counts; NOT NULL has become such in 18. The column conenforced is there from 18 on.
#define MG_UNVALIDATED                                                                               \
	MG_TITLE("pg_constraint", "k.oid")                                                               \
	", to_jsonb(k)->>'conenforced' IS NOT DISTINCT FROM 'false',"                                    \
	" 'validated', CASE WHEN to_jsonb(k)->>'conenforced' = 'false' THEN 'NOT ENFORCED, as declared'" \
	" ELSE 'NOT VALID: the rows from before it were never checked' END"
constexpr CatalogCheck constraints = {"constraint",
									  "constraint",
									  "constraints",
									  "validated",
									  "SELECT (SELECT count(*)" MG_CONSTRAINTS " AND k.contype IN ('c', 'f'))"
									  " + (SELECT count(*) FROM pg_constraint k" MG_OF_DOMAIN " AND k.contype = 'c')",
									  "SELECT " MG_UNVALIDATED MG_CONSTRAINTS " AND NOT k.convalidated"
									  " UNION ALL SELECT " MG_UNVALIDATED " FROM pg_constraint k" MG_OF_DOMAIN
									  " AND NOT k.convalidated ORDER BY 1"};

#define MG_TRIGGERS                                                       \
	" FROM pg_trigger t JOIN pg_class x ON x.oid = t.tgrelid" MG_OF_TABLE \
	" AND ($2::text[] IS NULL OR " MG_WANTED("pg_class", "x.oid") " OR " MG_WANTED("pg_trigger", "t.oid") ")"

// A partition's copy is told only when it differs from the original. Constraints work by triggers of their own, which
// DISABLE TRIGGER ALL switches off too.
constexpr CatalogCheck triggers = {
	"trigger",
	"trigger",
	"triggers",
	"enabled",
	"SELECT count(*)" MG_TRIGGERS " AND NOT t.tgisinternal AND t.tgparentid = 0",
	"SELECT " MG_TITLE(
		"pg_trigger",
		"t.oid") ", t.tgenabled <> 'D', 'enabled', CASE t.tgenabled WHEN 'D' THEN 'disabled'"
				 " WHEN 'R' THEN 'enabled for replicas only' ELSE 'enabled always' END" MG_TRIGGERS
				 " AND NOT t.tgisinternal AND t.tgenabled <> 'O'"
				 " AND NOT EXISTS (SELECT FROM pg_trigger p WHERE p.oid = t.tgparentid AND p.tgenabled = t.tgenabled)"
				 " UNION SELECT " MG_TITLE("pg_constraint",
										   "t.tgconstraint") ", false, 'enabled', 'its triggers on ' "
															 "|| " MG_NAME("x.relname") " || CASE t.tgenabled "
																						"WHEN 'D' THEN ' are "
																						"disabled' ELSE ' fire "
																						"on replicas only' "
																						"END" MG_TRIGGERS
																						" AND t.tgisinternal "
																						"AND t.tgconstraint <> "
																						"0 AND t.tgenabled IN "
																						"('D', 'R')"
																						" AND NOT EXISTS "
																						"(SELECT FROM "
																						"pg_trigger p WHERE "
																						"p.oid = t.tgparentid "
																						"AND p.tgenabled = "
																						"t.tgenabled) ORDER BY "
																						"1"};

#define MG_SECURED                                                                                          \
	" FROM (SELECT x.*, n.nspname, (SELECT count(*) FROM pg_policy p WHERE p.polrelid = x.oid) AS policies" \
	" FROM pg_class x" MG_OF_TABLE " AND ($2::text[] IS NULL OR " MG_WANTED(                                \
		"pg_class", "x.oid") " OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = x.oid "                \
							 "AND " MG_WANTED("pg_policy", "p.oid") "))) x"                                 \
																	" WHERE (x.relrowsecurity OR "          \
																	"x.policies > 0)"

// Without a policy is how tables are closed on purpose too, so that is only told.
constexpr CatalogCheck row_security = {
	"row level security",
	"table",
	"tables",
	"on where policies are",
	"SELECT count(*)" MG_SECURED,
	"SELECT " MG_TITLE(
		"pg_class",
		"x.oid") ", x.relrowsecurity, 'on where policies are',"
				 " CASE WHEN NOT x.relrowsecurity THEN 'off, so that its ' || x.policies ||"
				 " CASE x.policies WHEN 1 THEN ' policy does nothing' ELSE ' policies do nothing' END"
				 " WHEN x.relforcerowsecurity THEN 'on, without a policy: only roles that bypass it see rows'"
				 " ELSE 'on, without a policy: only its owner and roles that bypass it see rows' END" MG_SECURED
				 " AND (NOT x.relrowsecurity OR x.policies = 0) ORDER BY 1"};

// The database's own default stands in for those of its columns.
#define MG_COLLATIONS                                                                                              \
	" FROM pg_collation c WHERE c.collversion IS NOT NULL AND c.oid IN (SELECT a.attcollation FROM pg_attribute a" \
	" JOIN pg_class x ON x.oid = a.attrelid" MG_OF_TABLE " AND a.attnum > 0 AND NOT a.attisdropped"                \
	" AND ($2::text[] IS NULL OR " MG_WANTED("pg_class", "x.oid") "))"
#define MG_DATABASE \
	" FROM pg_database d WHERE d.datname = current_database() AND d.datcollversion IS NOT NULL AND $2::text[] IS NULL"
constexpr CatalogCheck collations = {
	"collation",
	"collation",
	"collations",
	"as the operating system has it",
	"SELECT (SELECT count(*)" MG_COLLATIONS ") + (SELECT count(*)" MG_DATABASE ")",
	"SELECT " MG_TITLE(
		"pg_collation",
		"c.oid") ", false, 'version ' || c.collversion,"
				 " coalesce('version ' || pg_collation_actual_version(c.oid), 'no version') ||"
				 " ': indexes may be out of order; reindex, then ALTER COLLATION ... REFRESH VERSION'" MG_COLLATIONS
				 " AND c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)"
				 " UNION ALL SELECT 'database ' || quote_ident(d.datname), false, 'version ' || d.datcollversion,"
				 " coalesce('version ' || pg_database_collation_actual_version(d.oid), 'no version') ||"
				 " ': indexes may be out of order; reindex, then ALTER DATABASE ... REFRESH COLLATION "
				 "VERSION'" MG_DATABASE
				 " AND d.datcollversion IS DISTINCT FROM pg_database_collation_actual_version(d.oid) ORDER BY 1"};

void
check_catalog(const CatalogCheck &check, const Target &target, std::vector<pg::Row> &rows)
{
	Report report(check.name, check.expected, rows);
	std::vector<pg::Row> found;
	size_t count = 0;

	std::optional<pg::Error> error = pg::try_and_undo([&] {
		found = integrity::ask(check.findings, integrity::parameters(target));
		count = std::stoul(integrity::ask(check.count, integrity::parameters(target)).at(0).at(0).value_or("0"));
	});
	if (error.has_value())
		return report.failed(check.many, *error);
	for (const pg::Row &row : found)
		if (row[1] == "t")
			report.note(row[0].value_or(""), row[2].value_or(""), row[3].value_or(""));
		else
			report.bad(row[0].value_or(""), row[2].value_or(""), row[3].value_or(""));
	if (count > 0 || !target.objects.has_value())
		report.close(integrity::counted(count, check.one, check.many));
}

// A function whose body its language can check without running it.
struct Routine
{
	Oid oid;
	Oid validator;
	std::string title;
	std::string schema; // quoted
	pg::Cell path;      // the search_path that it sets for itself
	Oid role;           // as whom it is checked
	pg::Cell obstacle;  // why the caller may not
};

// Other languages are left out: PL/Perl's validator, for one, runs BEGIN blocks. These two only read a body; but a literal in it
// can be of a type whose checks are somebody's functions.
constexpr const char *routines_sql = "SELECT x.oid, l.lanvalidator, " MG_TITLE(
	"pg_proc",
	"x.oid") ", quote_ident(n.nspname),"
			 " (SELECT substr(s, length('search_path=') + 1) FROM unnest(x.proconfig) s WHERE s ~ '^search_path='),"
			 " CASE WHEN pg_has_role(x.proowner, current_user, 'USAGE') THEN (SELECT u.oid FROM pg_roles u WHERE "
			 "u.rolname = current_user) ELSE x.proowner END,"
			 " CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'permission denied for schema ' || "
			 "quote_ident(n.nspname)"
			 " WHEN NOT has_function_privilege(x.oid, 'EXECUTE') THEN 'permission denied'"
			 " WHEN NOT has_language_privilege(l.oid, 'USAGE') THEN 'permission denied for language ' || l.lanname END"
			 " FROM pg_proc x JOIN pg_language l ON l.oid = x.prolang JOIN pg_namespace n ON n.oid = x.pronamespace"
			 " WHERE l.lanname IN ('sql', 'plpgsql') AND l.lanvalidator <> 0 AND x.prokind IN ('f', 'p') "
			 "AND " MG_IN_SCOPE " AND " MG_NOT_MEMBER("pg_proc") " AND ($2::text[] IS NULL OR " MG_WANTED(
				 "pg_proc", "x.oid") ") ORDER BY 3";

// Has the language check a body as CREATE FUNCTION would have.
void
validate(const Routine &routine, const std::string &path)
{
	pg::MemoryScope memory("migration_governance function check");
	pg::RoleScope role(routine.role);
	pg::SettingsScope settings;

	integrity::pin("search_path", path.c_str());
	integrity::pin("check_function_bodies", "on");
	pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		OidFunctionCall1(routine.validator, ObjectIdGetDatum(routine.oid));
		MemoryContextSwitchTo(before);
	});
}

// Which path a caller will have is not known, so that of the session is tried, and then the function's own schema first. What
// the session has on its path must not be taken for the owner's.
std::vector<std::string>
paths_of(const Routine &routine, const std::string &session)
{
	if (routine.path.has_value())
		return {*routine.path};
	if (routine.role != GetUserId())
		return {routine.schema + ", public"};
	return {session, routine.schema + ", public" + (session.empty() ? "" : ", " + session)};
}

void
check_function(const Routine &routine, const std::string &session_path, Report &report)
{
	if (routine.obstacle.has_value())
		return report.skipped(routine.title, *routine.obstacle);

	std::vector<std::string> paths = paths_of(routine, session_path);
	for (size_t i = 0; i < paths.size(); i++)
	{
		std::optional<pg::Error> error = pg::try_and_undo([&] { validate(routine, paths[i]); });
		if (!error.has_value())
			return;
		if (i + 1 == paths.size() || error->data().sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
			return report.failed(routine.title, *error);
	}
}

void
check_functions(const Target &target, const std::string &session_path, std::vector<pg::Row> &rows)
{
	Report report("function", "valid", rows);
	std::vector<Routine> routines;

	std::optional<pg::Error> error = pg::try_and_undo([&] {
		for (const pg::Row &row : integrity::ask(routines_sql, integrity::parameters(target)))
			routines.push_back({static_cast<Oid>(std::stoul(row[0].value_or("0"))),
								static_cast<Oid>(std::stoul(row[1].value_or("0"))), row[2].value_or(""),
								row[3].value_or(""), row[4], static_cast<Oid>(std::stoul(row[5].value_or("0"))),
								row[6]});
	});
	if (error.has_value())
		return report.failed("functions", *error);
	for (const Routine &routine : routines)
		check_function(routine, session_path, report);
	if (!routines.empty() || !target.objects.has_value())
		report.close(integrity::counted(routines.size(), "function", "functions") + " in SQL and PL/pgSQL");
}

} // namespace

std::vector<pg::Row>
check_validity(const Target &target)
{
	std::vector<pg::Row> rows;

	for (const CatalogCheck *check : {&indexes, &constraints})
		check_catalog(*check, target, rows);
	return rows;
}

std::vector<pg::Row>
check_integrity(const Target &target)
{
	std::vector<pg::Row> rows;
	std::string path = pg::guarded([] { return GetConfigOption("search_path", false, false); });
	pg::SettingsScope settings;

	integrity::pin("lock_timeout", lock_patience);
	/* Rows that a policy hides would be missed or taken for missing: a query that one applies to is refused instead. */
	integrity::pin("row_security", "off");
	integrity::pin("client_min_messages", "error");

	for (const CatalogCheck *check : {&indexes, &constraints, &triggers, &row_security, &collations})
		check_catalog(*check, target, rows);
	check_functions(target, path, rows);
	integrity::check_foreign_keys(target, rows);
	integrity::check_sequences(target, rows);
	return rows;
}

} // namespace mg::migrate
