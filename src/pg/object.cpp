// Looks objects up.
#include "pg/object.hpp"

#include "pg/query.hpp"
#include "pg/subtransaction.hpp"

namespace mg::pg {

bool
column_exists_raw(Oid table, int column)
{
	HeapTuple tuple = SearchSysCacheAttNum(table, static_cast<int16>(column));

	if (!HeapTupleIsValid(tuple))
		return false;
	ReleaseSysCache(tuple);
	return true;
}

std::optional<std::string>
identity_of(const std::string &catalog, Oid oid, int column)
{
	const char *identity = guarded([&]() -> const char * {
		ObjectAddress address;
		Oid class_id = get_relname_relid(catalog.c_str(), PG_CATALOG_NAMESPACE);

		if (!OidIsValid(class_id) || !is_objectclass_supported(class_id))
			return nullptr;
		ObjectAddressSubSet(address, class_id, oid, column);
		if (class_id == RelationRelationId && column != 0 && !column_exists_raw(oid, column))
			return nullptr;
		return getObjectIdentity(&address, true);
	});
	return identity != nullptr ? std::optional<std::string>(identity) : std::nullopt;
}

bool
object_exists(const std::string &type, const std::vector<std::string> &names, const std::vector<std::string> &arguments)
{
	/* What event triggers tell of, but pg_get_object_address() does not take. */
	if (type == "composite type" || type == "composite type column")
		return query_cell_as(
				   GetUserId(),
				   "SELECT true FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
				   " WHERE c.relkind = 'c' AND n.nspname = ($1::text[])[1] AND c.relname = ($1::text[])[2]"
				   " AND (cardinality($1::text[]) = 2 OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid"
				   " AND a.attname = ($1::text[])[3] AND a.attnum > 0 AND NOT a.attisdropped))",
				   {array_literal(names)}) == "t";

	std::optional<Error> error = try_and_undo([&] {
		query_as(GetUserId(), "SELECT objid FROM pg_get_object_address($1, $2::text[], $3::text[])",
				 {type, array_literal(names), array_literal(arguments)});
	});
	if (!error.has_value())
		return true;

	/* What is not there is a syntax error or access rule violation (42xxx) or a missing schema (3Fxxx). */
	int code = error->data().sqlerrcode;
	if (ERRCODE_TO_CATEGORY(code) == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		ERRCODE_TO_CATEGORY(code) == ERRCODE_TO_CATEGORY(ERRCODE_INVALID_SCHEMA_NAME))
		return false;
	throw std::move(*error);
}

} // namespace mg::pg
