// Verifies applied migrations: their own queries, the objects they made, the state of these, required tables, and the ledger.
#include "migrate/migrate.hpp"

#include <algorithm>

#include "drift/compare.hpp"
#include "drift/expected.hpp"
#include "ledger/seal.hpp"
#include "migrate/integrity.hpp"
#include "migrate/objects.hpp"
#include "migrate/runner.hpp"
#include "pg/object.hpp"
#include "pg/subtransaction.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"

namespace mg::migrate {

namespace {

pg::Row
check_row(const std::string &migration, const std::string &check, const std::string &object, bool ok,
		  const std::string &expected, const std::string &actual)
{
	return {migration.empty() ? pg::Cell() : pg::Cell(migration), check, object, ok ? "t" : "f", expected, actual};
}

std::string
spelled(const Deviation &deviation)
{
	std::string what = deviation.type + " " + deviation.identity;

	if (deviation.property.empty())
		return what + " " + deviation.kind;
	return what + ", " + deviation.property + ": " + pg::excerpt(deviation.expected.value_or("none"), 60) + " -> " +
		   pg::excerpt(deviation.actual.value_or("none"), 60);
}

// What of an object is not as runs have left it: of a table all that belongs to it, of an index or a column only that.
std::vector<std::string>
changes_of(const RecordedObject &object, const std::string &identity, const std::vector<drift::Drift> &drifts)
{
	std::vector<std::string> result;
	auto is_it = [&](const std::string &type, const std::string &name) {
		return type == object.type && (name == object.identity || name == identity);
	};

	for (const drift::Drift &drift : drifts)
	{
		const std::string &type = drift.unit.has_value() ? drift.unit->type : drift.expected.type;
		bool whole = is_it(type, drift.identity) || is_it(type, drift.was);
		for (const Deviation &deviation : drift.deviations)
			if (whole || is_it(deviation.type, deviation.identity))
				result.push_back(spelled(deviation));
	}
	return result;
}

// "a, b, c and 2 more".
std::string
shortened(const std::vector<std::string> &items)
{
	constexpr size_t most = 3;
	std::string result;

	for (size_t i = 0; i < std::min(items.size(), most); i++)
		result += (i == 0 ? "" : "; ") + items[i];
	return items.size() > most ? result + " and " + std::to_string(items.size() - most) + " more" : result;
}

// An object may have been dropped and made again by hand, or renamed by a later migration: found by OID or by name, it is there.
pg::Row
check_object(const RecordedObject &object, const std::vector<drift::Drift> &drifts)
{
	std::optional<std::string> identity = find_object(object, true);
	if (!identity.has_value())
		return check_row(object.migration, "object", object.title(), false, "exists", "missing");

	std::string found = *identity == object.identity ? "exists" : "exists as " + *identity;
	std::vector<std::string> changes = changes_of(object, *identity, drifts);
	if (changes.empty())
		return check_row(object.migration, "object", object.title(), true, "exists", found);
	return check_row(object.migration, "object", object.title(), false, "unchanged",
					 found + ", changed by hand: " + shortened(changes));
}

// Runs a migration's own queries; each is undone, so that verifying changes nothing.
void
check_queries(const std::string &name, std::vector<pg::Row> &rows)
{
	std::optional<ledger::Registration> known = ledger::find_registration(name);
	if (!known.has_value() || !known->verify.has_value())
		return;

	script::Script verify = read_kept_script("verify", *known->verify);
	for (const script::Statement &statement : verify.statements())
	{
		if (statement.control)
			continue;
		Finding finding{};
		std::string where =
			"line " + std::to_string(statement.place.line) + ": " + pg::excerpt(verify.text_of(statement), 100);
		std::optional<pg::Error> error = pg::try_and_undo([&] { finding = run_check(verify, statement, name); });
		if (error.has_value())
			rows.push_back(check_row(name, "query", where, false, "no error", error->what()));
		else
			rows.push_back(check_row(name, "query", where, finding.ok, finding.expected, finding.actual));
	}
}

// Where an object is now, as "pg_class 16384"; nothing when it is gone.
std::optional<std::string>
address_of(const RecordedObject &object)
{
	if (OidIsValid(object.oid) && pg::identity_of(object.catalog, object.oid, object.column).has_value())
		return object.catalog + " " + std::to_string(object.oid);

	pg::Cell oid;
	std::optional<pg::Error> error = pg::try_and_undo([&] {
		oid = pg::query_cell_as(GetUserId(), "SELECT objid FROM pg_get_object_address($1, $2::text[], $3::text[])",
								{object.type, pg::array_literal(object.names), pg::array_literal(object.arguments)});
	});
	return error.has_value() || !oid.has_value() ? std::nullopt
												 : std::optional<std::string>(object.catalog + " " + *oid);
}

// Adds the checks of what is in the database: all of it, or what a migration made.
void
check_database(const std::optional<std::string> &migration, const std::vector<RecordedObject> &objects,
			   std::vector<pg::Row> &rows)
{
	Target target = {drift::scope(), std::nullopt};

	if (migration.has_value())
	{
		target.objects.emplace();
		for (const RecordedObject &object : objects)
			if (std::optional<std::string> address = address_of(object))
				target.objects->push_back(*address);
		if (target.objects->empty())
			return;
	}
	for (pg::Row &row : check_integrity(target))
	{
		row.insert(row.begin(), migration);
		rows.push_back(std::move(row));
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
	std::vector<RecordedObject> objects = expected_objects();
	if (name.has_value())
		objects.erase(std::remove_if(objects.begin(), objects.end(),
									 [&](const RecordedObject &object) { return object.migration != *name; }),
					  objects.end());
	std::vector<drift::Drift> drifts = drift::find_drift();
	for (const RecordedObject &object : objects)
		rows.push_back(check_object(object, drifts));
	check_database(name, objects, rows);
	if (name.has_value())
		return rows;

	check_required_tables(rows);
	for (const ledger::Check &check : ledger::check())
		rows.push_back(check_row("", check.name, check.object, check.ok, check.expected, check.actual));
	return rows;
}

} // namespace mg::migrate
