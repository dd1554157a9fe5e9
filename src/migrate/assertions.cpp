// Writes assertions.
#include "migrate/assertions.hpp"

#include "drift/report.hpp"

#include "ledger/history.hpp"
#include "lint/rule.hpp"
#include "migrate/lint.hpp"
#include "migrate/migrate.hpp"
#include "pg/memory.hpp"

namespace mg::migrate {

namespace {

// pgTAP's ok(boolean, text), wherever it is.
struct Counter
{
	Oid function = InvalidOid;
	std::string schema; // quoted
};

Counter
find_counter()
{
	std::vector<pg::Row> rows = pg::query_as(
		GetUserId(),
		"SELECT p.oid, quote_ident(n.nspname) FROM pg_extension e"
		" JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'"
		" AND d.classid = 'pg_proc'::regclass JOIN pg_proc p ON p.oid = d.objid"
		" JOIN pg_namespace n ON n.oid = p.pronamespace WHERE e.extname = 'pgtap' AND p.proname = 'ok'"
		" AND p.proargtypes = '16 25' AND has_function_privilege(p.oid, 'EXECUTE')"
		" AND has_schema_privilege(n.oid, 'USAGE')");
	if (rows.empty())
		return {};
	return {static_cast<Oid>(std::stoul(rows[0][0].value_or("0"))), rows[0][1].value_or("")};
}

// Has pgTAP count a result. Its functions call each other without a schema, so that theirs is searched too.
std::string
count_by(const Counter &counter, bool ok, const std::string &description)
{
	pg::MemoryScope memory("migration_governance assertion");
	pg::SettingsScope settings;

	return pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		const char *path = GetConfigOption("search_path", false, false);
		const char *longer =
			path[0] == '\0' ? counter.schema.c_str() : psprintf("%s, %s", path, counter.schema.c_str());
		set_config_option("search_path", longer, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		Datum line = OidFunctionCall2Coll(counter.function, DEFAULT_COLLATION_OID, BoolGetDatum(ok),
										  PointerGetDatum(cstring_to_text(description.c_str())));
		const char *result = TextDatumGetCString(line);
		MemoryContextSwitchTo(before);
		return result;
	});
}

// Puts "# " before every line but, unless told so, the first.
std::string
commented(const std::string &text, bool first)
{
	std::string result = first ? "# " : "";

	for (char c : text)
	{
		result += c == '\r' ? '\n' : c;
		if (c == '\n' || c == '\r')
			result += "# ";
	}
	return result;
}

} // namespace

std::string
tap_text(const std::string &text)
{
	std::string result;

	for (char c : text)
	{
		if (c == '#')
			result += '\\';
		result += c;
	}
	return result;
}

std::string
tap_line(bool ok, const std::string &description, const std::vector<std::string> &diagnostics)
{
	Counter counter = find_counter();
	std::string line = OidIsValid(counter.function)
						   ? count_by(counter, ok, description)
						   : std::string(ok ? "ok - " : "not ok - ") + commented(description, false);

	if (!ok)
		for (const std::string &diagnostic : diagnostics)
			line += "\n" + commented(diagnostic, true);
	return line;
}

std::string
assert_applied(const std::string &migration, bool wanted, const std::optional<std::string> &description)
{
	bool applied = ledger::is_applied(migration);
	std::string status =
		ledger::query_cell("SELECT status FROM mg.status WHERE migration = $1", {migration}).value_or("not known");

	return tap_line(
		applied == wanted,
		description.value_or("migration \"" + tap_text(migration) + "\" is " + (wanted ? "applied" : "not applied")),
		{"migration \"" + migration + "\" is " + status});
}

std::string
assert_verifies(const std::optional<std::string> &migration, const std::optional<std::string> &description)
{
	std::vector<std::string> diagnostics;

	if (migration.has_value() && !ledger::is_applied(*migration))
		diagnostics.push_back("migration \"" + *migration + "\" is not applied");
	else
		for (const pg::Row &row : verify(migration))
			if (row[3] == "f")
				diagnostics.push_back((row[0].has_value() && !migration.has_value() ? *row[0] + ": " : "") +
									  row[1].value_or("") + ": " + row[2].value_or("") + ": expected " +
									  row[4].value_or("") + ", got " + row[5].value_or(""));
	return tap_line(diagnostics.empty(),
					description.value_or(migration.has_value() ? "migration \"" + tap_text(*migration) + "\" verifies"
															   : "everything verifies"),
					diagnostics);
}

std::string
assert_no_drift(const std::optional<std::string> &description)
{
	std::vector<std::string> diagnostics;

	for (const pg::Row &row : drift::report())
		diagnostics.push_back(row[0].value_or("") + " " + row[1].value_or("") + " " + row[2].value_or("") +
							  (row[3].has_value() ? ": " + *row[3] : ""));
	return tap_line(diagnostics.empty(), description.value_or("the schema has not drifted"), diagnostics);
}

std::string
assert_lints(const std::string &script, const std::string &severity, const std::optional<std::string> &description)
{
	const lint::Severity least = lint::severity_by(severity);
	std::vector<std::string> diagnostics;

	for (const lint::Finding &finding : findings_of(script::Script("up", script)))
		if (!finding.is_ignored && finding.severity >= least)
			diagnostics.push_back("line " + std::to_string(finding.line) + ", column " + std::to_string(finding.column) + ": " +
								  lint::word_of(finding.severity) + ": " + finding.message + " (" + finding.rule->name + ")");
	return tap_line(diagnostics.empty(), description.value_or("the linter finds no " + severity), diagnostics);
}

} // namespace mg::migrate
