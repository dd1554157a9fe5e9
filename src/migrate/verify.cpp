// Verifies applied migrations: their own queries, the objects they made, required tables, and the ledger.
#include "migrate/migrate.hpp"

#include <algorithm>
#include <map>

#include "ledger/seal.hpp"
#include "migrate/runner.hpp"
#include "pg/object.hpp"
#include "pg/subtransaction.hpp"
#include "policy/policy.hpp"

namespace mg::migrate {

namespace {

// An object that a migration made and that nothing has dropped since.
struct Expected
{
	std::string migration;
	std::string type;
	std::string identity;
	std::string catalog;
	std::vector<std::string> names;
	std::vector<std::string> arguments;
	Oid oid; // InvalidOid when another installation recorded it
};

// Goes through all successful runs in their order: what they created and did not drop must be there.
std::vector<Expected>
expected_objects()
{
	std::map<std::string, Expected> expected; // by catalog and OID, or by type and identity
	std::vector<std::string> order;

	for (const pg::Row &row :
		 ledger::query("SELECT r.migration, o->>'type', o->>'identity', o->>'catalog', o->>'change', o->>'oid',"
					   " ARRAY(SELECT jsonb_array_elements_text(o->'names')),"
					   " ARRAY(SELECT jsonb_array_elements_text(o->'arguments')),"
					   " r.installation = (SELECT installation FROM mg.current)"
					   " FROM mg.run r JOIN mg.installation i ON i.installation = r.installation,"
					   " jsonb_array_elements(r.objects) WITH ORDINALITY AS e(o, position)"
					   " WHERE r.outcome IN ('applied', 'rolled back') ORDER BY i.at, r.id, position"))
	{
		bool own = row[8] == "t";
		std::string by_name = *row[1] + " " + *row[2];
		std::string key = own ? *row[3] + " " + *row[5] : by_name;

		if (*row[4] == "created")
		{
			order.push_back(key);
			expected[key] = {*row[0], *row[1], *row[2], *row[3], pg::array_items(*row[6]), pg::array_items(*row[7]),
							 own ? static_cast<Oid>(std::stoul(*row[5])) : InvalidOid};
		}
		else if (*row[4] == "dropped")
		{
			expected.erase(key);
			expected.erase(by_name);
		}
		else if (auto found = expected.find(key); found != expected.end())
		{
			found->second.identity = *row[2];
			found->second.names = pg::array_items(*row[6]);
			found->second.arguments = pg::array_items(*row[7]);
		}
	}

	std::vector<Expected> result;
	for (const std::string &key : order)
		if (auto found = expected.find(key); found != expected.end())
		{
			result.push_back(found->second);
			expected.erase(found);
		}
	return result;
}

pg::Row
check_row(const std::string &migration, const std::string &check, const std::string &object, bool ok,
		  const std::string &expected, const std::string &actual)
{
	return {migration.empty() ? pg::Cell() : pg::Cell(migration), check, object, ok ? "t" : "f", expected, actual};
}

// An object may have been renamed, or dropped and made again by hand: found by OID or by name, it is there.
pg::Row
check_object(const Expected &object)
{
	std::string what = object.type + " " + object.identity;

	if (OidIsValid(object.oid))
		if (std::optional<std::string> identity = pg::identity_of(object.catalog, object.oid))
			return check_row(object.migration, "object", what, true, "exists",
							 *identity == object.identity ? "exists" : "exists as " + *identity);
	bool exists = !object.names.empty() && pg::object_exists(object.type, object.names, object.arguments);
	return check_row(object.migration, "object", what, exists, "exists", exists ? "exists" : "missing");
}

// Runs a migration's own queries; each is undone, so that verifying changes nothing.
void
check_queries(const std::string &name, std::vector<pg::Row> &rows)
{
	std::optional<ledger::Registration> known = ledger::find_registration(name);
	if (!known.has_value() || !known->verify.has_value())
		return;

	script::Script verify("verify", ledger::read_script(*known->verify).body);
	for (const script::Statement &statement : verify.statements())
	{
		if (statement.control)
			continue;
		Finding finding{};
		std::string where = "line " + std::to_string(statement.place.line) + ": " + shorten(verify.text_of(statement), 100);
		std::optional<pg::Error> error = pg::try_and_undo([&] { finding = run_check(verify, statement, name); });
		if (error.has_value())
			rows.push_back(check_row(name, "query", where, false, "no error", error->what()));
		else
			rows.push_back(check_row(name, "query", where, finding.ok, finding.expected, finding.actual));
	}
}

void
check_required_tables(std::vector<pg::Row> &rows)
{
	for (const std::string &table : policy::required_tables())
	{
		bool exists = ledger::query_cell("SELECT to_regclass($1) IS NOT NULL", {table}) == "t";
		rows.push_back(check_row("", "required table", table, exists, "exists", exists ? "exists" : "missing"));
	}
}

} // namespace

std::vector<pg::Row>
verify(const std::optional<std::string> &name)
{
	std::vector<pg::Row> rows;
	std::vector<std::string> migrations;

	ledger::place();
	if (name.has_value())
	{
		if (!ledger::is_applied(*name))
			throw UserError("MG406", "migration \"" + *name + "\" is not applied")
				.hint("SELECT migration, status FROM mg.status tells what is.");
		migrations.push_back(*name);
	}
	else
	{
		ledger::seal(true);
		migrations = ledger::applied_migrations();
		std::reverse(migrations.begin(), migrations.end());
	}

	for (const std::string &migration : migrations)
		check_queries(migration, rows);
	for (const Expected &object : expected_objects())
		if (!name.has_value() || object.migration == *name)
			rows.push_back(check_object(object));
	if (name.has_value())
		return rows;

	check_required_tables(rows);
	for (const ledger::Check &check : ledger::check())
		rows.push_back(check_row("", check.name, check.object, check.ok, check.expected, check.actual));
	return rows;
}

} // namespace mg::migrate
