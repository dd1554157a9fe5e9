// Lists the units of the database.
#include <algorithm>
#include <map>
#include <tuple>

#include "schema/reader.hpp"

namespace mg::schema {

namespace {

// The unit to which each address belongs. $1 and $2 are the addresses' catalogs and OIDs.
constexpr const char *owners_sql =
	"WITH a AS (SELECT * FROM unnest($1::oid[], $2::oid[]) AS a (classid, objid))"
	", u (classid, objid) AS ("
	" SELECT 'pg_class'::regclass::oid, i.indrelid FROM a JOIN pg_index i ON i.indexrelid = a.objid"
	" WHERE a.classid = 'pg_class'::regclass"
	" UNION ALL SELECT 'pg_type'::regclass, c.reltype FROM a JOIN pg_class c ON c.oid = a.objid"
	" WHERE a.classid = 'pg_class'::regclass AND c.relkind = 'c'"
	" UNION ALL SELECT 'pg_class'::regclass, c.oid FROM a JOIN pg_class c ON c.oid = a.objid"
	" WHERE a.classid = 'pg_class'::regclass AND c.relkind NOT IN ('c', 'i', 'I', 't')"
	" UNION ALL SELECT 'pg_class'::regclass, d.refobjid FROM a JOIN pg_class c ON c.oid = a.objid JOIN pg_depend d"
	" ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = "
	"'i'"
	" WHERE a.classid = 'pg_class'::regclass AND c.relkind = 'S'"
	" UNION ALL SELECT CASE WHEN k.conrelid <> 0 THEN 'pg_class'::regclass ELSE 'pg_type'::regclass END,"
	" CASE WHEN k.conrelid <> 0 THEN k.conrelid ELSE k.contypid END FROM a JOIN pg_constraint k ON k.oid = a.objid"
	" WHERE a.classid = 'pg_constraint'::regclass"
	" UNION ALL SELECT 'pg_class'::regclass, d.adrelid FROM a JOIN pg_attrdef d ON d.oid = a.objid"
	" WHERE a.classid = 'pg_attrdef'::regclass"
	" UNION ALL SELECT 'pg_class'::regclass, t.tgrelid FROM a JOIN pg_trigger t ON t.oid = a.objid"
	" WHERE a.classid = 'pg_trigger'::regclass"
	" UNION ALL SELECT 'pg_class'::regclass, p.polrelid FROM a JOIN pg_policy p ON p.oid = a.objid"
	" WHERE a.classid = 'pg_policy'::regclass"
	" UNION ALL SELECT 'pg_class'::regclass, r.ev_class FROM a JOIN pg_rewrite r ON r.oid = a.objid"
	" WHERE a.classid = 'pg_rewrite'::regclass"
	" UNION ALL SELECT 'pg_class'::regclass, t.typrelid FROM a JOIN pg_type t ON t.oid = a.objid"
	" JOIN pg_class c ON c.oid = t.typrelid WHERE a.classid = 'pg_type'::regclass AND c.relkind <> 'c'"
	" UNION ALL SELECT 'pg_type'::regclass, t.typelem FROM a JOIN pg_type t ON t.oid = a.objid"
	" WHERE a.classid = 'pg_type'::regclass AND t.typelem <> 0"
	" UNION ALL SELECT 'pg_type'::regclass, r.rngtypid FROM a JOIN pg_range r ON r.rngmultitypid = a.objid"
	" WHERE a.classid = 'pg_type'::regclass"
	" UNION ALL SELECT 'pg_opfamily'::regclass, o.amopfamily FROM a JOIN pg_amop o ON o.oid = a.objid"
	" WHERE a.classid = 'pg_amop'::regclass"
	" UNION ALL SELECT 'pg_opfamily'::regclass, o.amprocfamily FROM a JOIN pg_amproc o ON o.oid = a.objid"
	" WHERE a.classid = 'pg_amproc'::regclass"
	" UNION ALL SELECT 'pg_publication'::regclass, p.prpubid FROM a JOIN pg_publication_rel p ON p.oid = a.objid"
	" WHERE a.classid = 'pg_publication_rel'::regclass"
	" UNION ALL SELECT 'pg_publication'::regclass, p.pnpubid FROM a JOIN pg_publication_namespace p ON p.oid = a.objid"
	" WHERE a.classid = 'pg_publication_namespace'::regclass"
	" UNION ALL SELECT a.classid, a.objid FROM a WHERE a.classid <> ALL (ARRAY['pg_class', 'pg_constraint', "
	"'pg_attrdef',"
	" 'pg_trigger', 'pg_policy', 'pg_rewrite', 'pg_amop', 'pg_amproc', 'pg_publication_rel',"
	" 'pg_publication_namespace']::regclass[]::oid[])"
	") SELECT u.classid, u.objid FROM u"
	/* What belongs to an extension is told by the extension, what belongs to the system by the database. */
	" UNION SELECT d.refclassid, d.refobjid FROM u JOIN pg_depend d ON d.classid = u.classid AND d.objid = u.objid"
	" AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'"
	" UNION SELECT 'pg_database'::regclass, b.oid FROM u JOIN pg_database b ON b.datname = current_database()"
	" WHERE u.objid < 16384";

// What depends on the addresses, and what depends on that: a table's own type and key constraint, then what uses them.
constexpr const char *dependants_sql =
	"WITH a AS (SELECT * FROM unnest($1::oid[], $2::oid[]) AS a (classid, objid)),"
	" b AS (SELECT d.classid, d.objid FROM a JOIN pg_depend d ON d.refclassid = a.classid AND d.refobjid = a.objid),"
	" c AS (SELECT d.classid, d.objid FROM b JOIN pg_depend d ON d.refclassid = b.classid AND d.refobjid = b.objid)"
	" SELECT classid, objid FROM b UNION SELECT classid, objid FROM c";

// Tells whether a catalog has rows that are not the system's. Most kinds of object are not used by most databases, and planning
// a query takes longer than looking.
bool
has_users_rows(Oid catalog)
{
	if (catalog == NamespaceRelationId || IsSharedRelation(catalog))
		return true;
	return pg::guarded([&] {
		ScanKeyData key;
		Relation relation = table_open(catalog, AccessShareLock);
		Relation index = index_open(get_object_oid_index(catalog), AccessShareLock);
		ScanKeyInit(&key, 1, BTGreaterEqualStrategyNumber, F_OIDGE, ObjectIdGetDatum(FirstNormalObjectId));
		SysScanDesc scan = systable_beginscan_ordered(relation, index, nullptr, 1, &key);
		bool found = HeapTupleIsValid(systable_getnext_ordered(scan, ForwardScanDirection));
		systable_endscan_ordered(scan);
		index_close(index, AccessShareLock);
		table_close(relation, AccessShareLock);
		return found;
	});
}

std::string
literal_of(const std::vector<Oid> &oids)
{
	std::string list = "{";

	for (Oid oid : oids)
		list += (list.size() > 1 ? "," : "") + std::to_string(oid);
	return list + "}";
}

Oid
oid_of(const pg::Cell &cell)
{
	return static_cast<Oid>(std::stoul(cell.value_or("0")));
}

std::vector<Address>
query_addresses(const char *sql, const std::vector<Address> &addresses)
{
	std::vector<Oid> catalogs;
	std::vector<Oid> oids;
	std::vector<Address> result;

	for (const Address &address : addresses)
	{
		catalogs.push_back(address.catalog);
		oids.push_back(address.oid);
	}
	for (const pg::Row &row : pg::query_as(BOOTSTRAP_SUPERUSERID, sql, {literal_of(catalogs), literal_of(oids)}))
		result.push_back({oid_of(row[0]), oid_of(row[1])});
	return result;
}

void
add_units(std::vector<Unit> &units, const Family &family, const std::vector<pg::Row> &rows)
{
	for (const pg::Row &row : rows)
		units.push_back({family.catalog, oid_of(row[0]), row[1].value_or(""), row[2].value_or("")});
}

// By catalog first, since readers take one family at a time.
void
sort(std::vector<Unit> &units)
{
	std::sort(units.begin(), units.end(), [](const Unit &a, const Unit &b) {
		return std::tie(a.catalog, a.type, a.identity, a.oid) < std::tie(b.catalog, b.type, b.identity, b.oid);
	});
}

bool
is_in(const Family &family, const Scope &scope)
{
	return !family.cluster || scope.cluster;
}

} // namespace

std::vector<Unit>
units(const Scope &scope)
{
	PlainSettings settings;
	std::vector<Unit> result;

	for (const Family &family : families())
		if (is_in(family, scope) && has_users_rows(family.catalog))
			add_units(result, family,
					  pg::query_as(BOOTSTRAP_SUPERUSERID, family.list, {pg::array_literal(scope.ignored_schemas)}));
	sort(result);
	return result;
}

std::vector<Unit>
units_of(const Scope &scope, const std::vector<Address> &addresses)
{
	PlainSettings settings;
	std::map<Oid, std::vector<Oid>> by_catalog;
	std::vector<Unit> result;

	if (addresses.empty())
		return result;
	for (const Address &owner : query_addresses(owners_sql, addresses))
		by_catalog[owner.catalog].push_back(owner.oid);
	for (const Family &family : families())
	{
		auto wanted = by_catalog.find(family.catalog);
		if (wanted != by_catalog.end() && is_in(family, scope))
			add_units(result, family,
					  pg::query_as(BOOTSTRAP_SUPERUSERID, family.list_some.c_str(),
								   {pg::array_literal(scope.ignored_schemas), literal_of(wanted->second)}));
	}
	sort(result);
	return result;
}

std::vector<Unit>
dependants_of(const Scope &scope, const std::vector<Address> &addresses)
{
	return addresses.empty() ? std::vector<Unit>() : units_of(scope, query_addresses(dependants_sql, addresses));
}

} // namespace mg::schema
