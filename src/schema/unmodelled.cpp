// Finds the objects of which no family tells, so that a kind of object that a future major brings is not skipped in silence.
#include <algorithm>
#include <set>
#include <tuple>

#include "schema/ownership.hpp"
#include "schema/reader.hpp"
#include "schema/sweep.hpp"

namespace mg::schema {

namespace {

using Addresses = std::vector<std::pair<Oid, Oid>>;

// The catalogs of objects. Large objects are data.
constexpr const char *catalogs_sql =
	"SELECT c.oid, c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
	" WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND a.attname = 'oid'"
	" AND a.atttypid = 'oid'::regtype AND a.attnum > 0 AND c.relname <> 'pg_largeobject_metadata' ORDER BY c.relname";

// Type and identity of those among the addresses that are neither the system's, nor an extension's, nor temporary, nor in an ignored
// schema, nor made by the server together with another object, as the functions and casts of a range type are, nor only
// the name of an operator that another one mentions. An object may have gone since it was listed.
constexpr const char *identities_sql =
	"SELECT i.type, i.identity FROM unnest($1::oid[], $2::oid[]) a (classid, objid)"
	" CROSS JOIN LATERAL pg_identify_object(a.classid, a.objid, 0) i"
	" WHERE i.identity IS NOT NULL"
	" AND (a.objid < 16384 OR coalesce(i.schema, '') !~ "
	"'^(pg_catalog|information_schema|mg_archive|pg_toast|(pg_temp|pg_toast_temp)_[0-9]+)$')"
	" AND coalesce(i.schema, '') <> ALL ($3::text[])"
	" AND NOT (a.classid = 'pg_namespace'::regclass AND i.name = ANY ($3::text[]))"
	" AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = a.classid AND e.objid = a.objid"
	" AND (e.deptype = 'e' AND e.refclassid = 'pg_extension'::regclass OR e.deptype = 'i'))"
	" AND NOT EXISTS (SELECT FROM pg_operator o WHERE a.classid = 'pg_operator'::regclass AND o.oid = a.objid"
	" AND o.oprcode = 0)"
	" ORDER BY i.type COLLATE \"C\", i.identity COLLATE \"C\"";

Oid
oid_of(const pg::Cell &cell)
{
	return static_cast<Oid>(std::stoul(cell.value_or("0")));
}

bool
has_rule(Oid catalog)
{
	const Ownerships all = ownerships();
	return std::any_of(all.begin(), all.end(), [&](const Ownership &rule) { return rule.catalog == catalog; });
}

bool
is_of_cluster(Oid catalog)
{
	return catalog == AuthIdRelationId || catalog == TableSpaceRelationId || catalog == ParameterAclRelationId;
}

// Objects that stand for themselves, in catalogs that rules tell of.
void
add_known(Addresses &found, const Scope &scope)
{
	for (const Version &version : versions())
		if (version.oid != InvalidOid && (scope.cluster || !is_of_cluster(version.catalog)))
			found.emplace_back(version.catalog, version.oid);
}

// All users' objects in catalogs that no rule tells of; of a catalog whose objects the server can't name, the catalog itself.
void
add_unknown(Addresses &found)
{
	std::string sql;

	for (const pg::Row &row : pg::query_as(BOOTSTRAP_SUPERUSERID, catalogs_sql))
	{
		Oid catalog = oid_of(row[0]);
		if (has_rule(catalog))
			continue;
		bool named = pg::guarded([&] { return is_objectclass_supported(catalog); });
		sql += (sql.empty() ? "" : " UNION ALL ") +
			   std::string(named ? "SELECT " : "SELECT DISTINCT 'pg_class'::regclass::oid, ") +
			   (named ? *row[0] + "::oid, oid" : *row[0] + "::oid") + " FROM pg_catalog." + row[1].value_or("") +
			   " WHERE oid >= 16384";
	}
	if (sql.empty())
		return;
	for (const pg::Row &row : pg::query_as(BOOTSTRAP_SUPERUSERID, sql.c_str(), {}, pg::Plan::once))
		found.emplace_back(oid_of(row[0]), oid_of(row[1]));
}

} // namespace

std::vector<std::pair<std::string, std::string>>
unmodelled(const Scope &scope, const std::vector<Unit> &units)
{
	Addresses found;
	std::vector<Unit> all;
	std::set<std::pair<Oid, Oid>> modelled;
	std::vector<std::string> catalogs;
	std::vector<std::string> oids;
	std::vector<std::pair<std::string, std::string>> result;

	add_known(found, scope);
	add_unknown(found);
	/* What a cast or default privileges belong to may lie in a schema that is left out, and they with it. */
	if (!scope.ignored_schemas.empty())
		all = mg::schema::units({{}, scope.cluster});
	for (const Unit &unit : scope.ignored_schemas.empty() ? units : all)
		modelled.emplace(unit.catalog, unit.oid);
	for (const auto &[catalog, oid] : found)
		if (modelled.count({catalog, oid}) == 0)
		{
			catalogs.push_back(std::to_string(catalog));
			oids.push_back(std::to_string(oid));
		}
	if (oids.empty())
		return result;
	for (const pg::Row &row :
		 pg::query_as(BOOTSTRAP_SUPERUSERID, identities_sql,
					  {pg::array_literal(catalogs), pg::array_literal(oids), pg::array_literal(scope.ignored_schemas)}))
		/* A cast of a temporary type, statistics of a temporary table. */
		if (row[1].value_or("").find("pg_temp.") == std::string::npos)
			result.emplace_back(row[0].value_or(""), row[1].value_or(""));
	return result;
}

} // namespace mg::schema
