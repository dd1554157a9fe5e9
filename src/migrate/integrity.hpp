// Checks whether what is in the database is whole: what the catalogs say of it, and the rows themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/query.hpp"
#include "schema/schema.hpp"

namespace mg::migrate {

// What to check: all that is in scope, or only these objects, as "pg_class 16384".
struct Target
{
	schema::Scope scope;
	std::optional<std::vector<std::string>> objects;
};

// Rows of mg_verify without the migration: check_name, object, ok, expected, actual. A row for each finding, and one for a
// check that found nothing; checks that have nothing to look at have no row when only some objects are wanted. `ok` is NULL
// for what could not be looked at, because it is locked or because the caller may not read it.
// With the caller's rights; what can run code of an object's owner runs as a role that the owner could act as anyway, so that
// nobody lies in wait for a superuser who verifies. Raises nothing but a cancelled query: what fails becomes a row. Never waits longer than lock_patience.
std::vector<pg::Row> check_integrity(const Target &target);

// Of these only whether indexes and constraints are valid, which takes nothing but the catalogs. Waits for no lock but on those.
std::vector<pg::Row> check_validity(const Target &target);

// Largest number of rows that a table may have to be read whole, and about how many are read of a larger one.
constexpr int64_t most_rows = 100000;
constexpr int64_t sample_rows = 10000;
constexpr const char *lock_patience = "100ms";

namespace integrity {

// What one check has found so far.
class Report
{
public:
	Report(const char *check, const char *expected, std::vector<pg::Row> &rows)
		: check_(check), expected_(expected), rows_(rows)
	{
	}
	void bad(const std::string &object, const std::string &expected, const std::string &actual);
	// What is worth knowing and no fault.
	void note(const std::string &object, const std::string &expected, const std::string &actual);
	void skipped(const std::string &object, const std::string &reason);
	// An error: what is locked or not to be read counts as skipped, everything else as bad.
	void failed(const std::string &object, const pg::Error &error);
	// The row of a check that has found nothing bad; `remark` is added to it.
	void close(const std::string &objects, const std::string &remark = "");

private:
	void add(const std::string &object, const pg::Cell &ok, const std::string &expected, const std::string &actual);

	const char *check_;
	const char *expected_;
	std::vector<pg::Row> &rows_;
	bool has_bad_ = false;
};

// Sets a setting until the SettingsScope around it ends.
void pin(const char *name, const char *value);

// $1 and $2 of every query here: the ignored schemas, and the objects or NULL.
std::vector<pg::Cell> parameters(const Target &target);

// Runs a query as the caller, or a query that was built from the catalogs as a role, with search_path pg_catalog.
std::vector<pg::Row> ask(const char *literal, const std::vector<pg::Cell> &params);
std::vector<pg::Row> ask_built(const std::string &sql, Oid role);

// "1 index", "2 indexes".
std::string counted(size_t count, const char *one, const char *many);

// Foreign keys whose rows have no counterpart, and sequences that are going to give values that their column has.
void check_foreign_keys(const Target &target, std::vector<pg::Row> &rows);
void check_sequences(const Target &target, std::vector<pg::Row> &rows);

// Is among the wanted objects, if only some are: MG_WANTED("pg_class", "x.oid")
#define MG_WANTED(catalog, oid) "('" catalog " ' || " oid ") IN (SELECT unnest($2::text[]))"

// Belongs to a relation `x` in schema `n` that is in scope.
#define MG_OF_TABLE                                                     \
	" JOIN pg_namespace n ON n.oid = x.relnamespace WHERE " MG_IN_SCOPE \
	" AND x.relpersistence <> 't' AND " MG_NOT_MEMBER("pg_class")

// Type and identity of an object, as mg_verify() names it.
#define MG_TITLE(catalog, oid) \
	"(SELECT o.type || ' ' || o.identity FROM pg_identify_object('" catalog "'::regclass, " oid ", 0) o)"

} // namespace integrity

} // namespace mg::migrate
