// Lists the units of the database.
#include <algorithm>
#include <map>
#include <tuple>

#include "schema/owners.hpp"
#include "schema/reader.hpp"

namespace mg::schema {

namespace {

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

Oid
oid_of(const pg::Cell &cell)
{
	return static_cast<Oid>(std::stoul(cell.value_or("0")));
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

// What is kept there belongs to nobody's schema any more.
std::vector<std::string>
left_out(const Scope &scope)
{
	std::vector<std::string> result = scope.ignored_schemas;

	result.emplace_back("mg_archive");
	return result;
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
					  pg::query_as(BOOTSTRAP_SUPERUSERID, family.list, {pg::array_literal(left_out(scope))}));
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
	for (const Address &owner : owners_of(addresses))
		by_catalog[owner.catalog].push_back(owner.oid);
	for (const Family &family : families())
	{
		auto wanted = by_catalog.find(family.catalog);
		if (wanted == by_catalog.end() || !is_in(family, scope))
			continue;
		if (family.find != nullptr)
		{
			std::vector<Unit> found = family.find(scope, wanted->second);
			result.insert(result.end(), found.begin(), found.end());
		}
		else
			add_units(result, family,
					  pg::query_as(BOOTSTRAP_SUPERUSERID, family.list_some.c_str(),
								   {pg::array_literal(left_out(scope)), pg::array_literal(wanted->second)}));
	}
	sort(result);
	return result;
}

bool
has_units(Oid catalog)
{
	return std::any_of(families().begin(), families().end(),
					   [&](const Family &family) { return family.catalog == catalog; });
}

std::vector<Unit>
dependants_of(const Scope &scope, const std::vector<Address> &addresses, const std::vector<Address> &made)
{
	std::vector<Address> found = dependants_on(addresses);

	for (const std::vector<Address> &relations : {addresses, made})
		for (const Address &relative : relatives_of(relations))
			found.push_back(relative);
	return units_of(scope, found);
}

} // namespace mg::schema
