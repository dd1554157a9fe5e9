// Asks ruleutils.c, but only for what can be had at once.
#include "lint/definitions.hpp"

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
