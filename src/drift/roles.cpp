// Compares the names of roles.
#include "drift/roles.hpp"

#include <map>
#include <string>

#include "pg/memory.hpp"

namespace mg::drift {

namespace {

// The names of all roles by their OIDs, as a snapshot sees them.
std::map<Oid, std::string>
names_of_roles(Snapshot snapshot)
{
	struct Role
	{
		Oid oid;
		NameData name;
	};
	struct List
	{
		Role *items;
		int count;
	};
	pg::MemoryScope memory("migration_governance roles");
	std::map<Oid, std::string> result;

	auto found = pg::guarded([&] {
		List roles = {nullptr, 0};
		int room = 64;
		roles.items = static_cast<Role *>(MemoryContextAlloc(memory.get(), sizeof(Role) * room));
		Relation relation = table_open(AuthIdRelationId, AccessShareLock);
		SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, snapshot, 0, nullptr);
		while (HeapTuple tuple = systable_getnext(scan))
		{
			auto *row = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple));
			if (roles.count == room)
				roles.items = static_cast<Role *>(repalloc(roles.items, sizeof(Role) * (room *= 2)));
			roles.items[roles.count++] = {row->oid, row->rolname};
		}
		systable_endscan(scan);
		table_close(relation, AccessShareLock);
		return roles;
	});
	for (int i = 0; i < found.count; i++)
		result[found.items[i].oid] = NameStr(found.items[i].name);
	return result;
}

} // namespace

bool
has_renamed_roles(Snapshot before)
{
	std::map<Oid, std::string> now = names_of_roles(nullptr);

	for (const auto &[oid, name] : names_of_roles(before))
		if (auto found = now.find(oid); found != now.end() && found->second != name)
			return true;
	return false;
}

} // namespace mg::drift
