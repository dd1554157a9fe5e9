// Lists a few relations as the query in relations.cpp lists all of them.
#include <algorithm>
#include <cstring>

#include "schema/catalog.hpp"

namespace mg::schema {

namespace {

// The type of a relation that stands for itself, or nullptr.
const char *
type_of(char kind)
{
	switch (kind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return "table";
		case RELKIND_VIEW:
			return "view";
		case RELKIND_MATVIEW:
			return "materialized view";
		case RELKIND_FOREIGN_TABLE:
			return "foreign table";
		case RELKIND_SEQUENCE:
			return "sequence";
		default:
			return nullptr;
	}
}

bool
is_system_schema(const char *name)
{
	return strcmp(name, "pg_catalog") == 0 || strcmp(name, "information_schema") == 0 || strcmp(name, "mg_archive") == 0 ||
		   strncmp(name, "pg_toast", strlen("pg_toast")) == 0 || strncmp(name, "pg_temp_", strlen("pg_temp_")) == 0;
}

bool
is_identity_sequence_raw(Oid sequence)
{
	Oid table;
	int32 column;

	return sequenceIsOwned(sequence, DEPENDENCY_INTERNAL, &table, &column);
}

struct FoundRaw
{
	const char *type; // nullptr: not a unit, or out of scope
	const char *schema;
	const char *name;
};

FoundRaw
find_raw(Oid oid)
{
	FoundRaw found = {};
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));

	if (!HeapTupleIsValid(tuple))
		return found;
	auto *relation = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
	const char *schema = get_namespace_name(relation->relnamespace);
	if (oid >= FirstNormalObjectId && relation->relpersistence != RELPERSISTENCE_TEMP && schema != nullptr &&
		!is_system_schema(schema) && !OidIsValid(getExtensionOfObject(RelationRelationId, oid)) &&
		!(relation->relkind == RELKIND_SEQUENCE && is_identity_sequence_raw(oid)))
		found = {type_of(relation->relkind), schema, pstrdup(NameStr(relation->relname))};
	ReleaseSysCache(tuple);
	return found;
}

} // namespace

std::vector<Unit>
find_relations(const Scope &scope, const std::vector<Oid> &oids)
{
	pg::MemoryScope memory("migration_governance relations");
	std::vector<Unit> result;

	for (Oid oid : oids)
	{
		FoundRaw found = {};
		const char *name = pg::guarded([&] {
			MemoryContext before = MemoryContextSwitchTo(memory.get());
			found = find_raw(oid);
			const char *quoted = found.type != nullptr ? quote_qualified_identifier(found.schema, found.name) : nullptr;
			MemoryContextSwitchTo(before);
			return quoted;
		});
		if (name != nullptr && std::find(scope.ignored_schemas.begin(), scope.ignored_schemas.end(), found.schema) ==
								   scope.ignored_schemas.end())
			result.push_back({RelationRelationId, oid, found.type, name});
	}
	return result;
}

} // namespace mg::schema
