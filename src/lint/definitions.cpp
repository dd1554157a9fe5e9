// Asks ruleutils.c, but only for what can be had at once.
#include "lint/definitions.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

pg::Cell
ask_unlocked(const char *sql, Oid object, Oid table)
{
	if (!OidIsValid(table) || !pg::guarded([&] { return ConditionalLockRelationOid(table, AccessShareLock); }))
		return {};
	pg::Cell definition = fact(sql, {cell_of(object)});
	pg::guarded([&] { UnlockRelationOid(table, AccessShareLock); });
	return definition;
}

} // namespace

bool
has_its_names(const Table &table)
{
	return std::all_of(table.columns.begin(), table.columns.end(), [&](const Column &column) {
		return column.number <= 0 || pg::guarded([&] {
				   const char *name = get_attname(table.oid, static_cast<AttrNumber>(column.number), true);
				   return name != nullptr && column.name == name;
			   });
	});
}

pg::Cell
index_definition(Oid index, Oid table)
{
	return ask_unlocked("SELECT pg_get_indexdef($1::oid)", index, table);
}

pg::Cell
constraint_definition(Oid constraint, Oid table)
{
	return ask_unlocked("SELECT pg_get_constraintdef($1::oid)", constraint, table);
}

} // namespace mg::lint
