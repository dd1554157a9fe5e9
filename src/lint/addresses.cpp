// Looks names up without the locks of get_object_address().
#include "lint/drops.hpp"

#include "lint/ask.hpp"
#include "lint/nodes.hpp"
#include "lint/scan.hpp"

namespace mg::lint {

namespace {

// What fn finds, or an invalid one where it raises.
template <typename Fn>
Oid
found_by(Fn &&fn)
{
	return ask(static_cast<Oid>(InvalidOid), fn);
}

Oid
constraint_raw(Oid relation, const char *name)
{
	return get_relation_constraint_oid(relation, name, true);
}

// Triggers, rules and policies: the name of the table, then their own.
ObjectAddress
part_of_table(ObjectType type, const List *names, Model &model)
{
	Table *table = model.find(table_in(names));

	if (table == nullptr || !OidIsValid(table->oid))
		return InvalidObjectAddress;
	const char *part = strVal(llast(names));
	switch (type)
	{
		case OBJECT_TRIGGER:
			return {TriggerRelationId, pg::guarded([&] { return get_trigger_oid(table->oid, part, true); }), 0};
		case OBJECT_RULE:
			return {RewriteRelationId, found_by([&] {
						return GetSysCacheOid2(RULERELNAME, Anum_pg_rewrite_oid, ObjectIdGetDatum(table->oid),
											   PointerGetDatum(part));
					}),
					0};
		case OBJECT_POLICY:
		{
			Oid oid = found_by([&] {
				Oid result = InvalidOid;
				scan_raw(PolicyRelationId, PolicyPolrelidPolnameIndexId, Anum_pg_policy_polrelid, table->oid,
						 [&](Relation, HeapTuple row) {
							 auto *form = reinterpret_cast<Form_pg_policy>(GETSTRUCT(row));
							 if (strcmp(NameStr(form->polname), part) == 0)
								 result = form->oid;
						 });
				return result;
			});
			return {PolicyRelationId, oid, 0};
		}
		default:
			return {ConstraintRelationId, pg::guarded([&] { return constraint_raw(table->oid, part); }), 0};
	}
}

Oid
relation_named(const List *names, Model &model)
{
	const RangeVar *name = range_var_of(names);

	if (name == nullptr)
		return InvalidOid;
	/* An index is no table of the model. */
	if (Table *table = model.find(name))
		return table->oid;
	return found_by([&] { return RangeVarGetRelid(name, NoLock, true); });
}

} // namespace

Oid
type_named(const List *names)
{
	return found_by(
		[&] { return LookupTypeNameOid(nullptr, makeTypeNameFromNameList(const_cast<List *>(names)), true); });
}

ObjectAddress
address_of(ObjectType type, const Node *object, Model &model)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_MATVIEW:
		case OBJECT_VIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
			return {RelationRelationId, relation_named(castNode(List, object), model), 0};
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			return part_of_table(type, castNode(List, object), model);
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return {TypeRelationId, type_named(reinterpret_cast<const TypeName *>(object)), 0};
		case OBJECT_SCHEMA:
			return {NamespaceRelationId, pg::guarded([&] { return get_namespace_oid(strVal(object), true); }), 0};
		case OBJECT_EXTENSION:
			return {ExtensionRelationId, pg::guarded([&] { return get_extension_oid(strVal(object), true); }), 0};
		case OBJECT_LANGUAGE:
			return {LanguageRelationId, pg::guarded([&] { return get_language_oid(strVal(object), true); }), 0};
		case OBJECT_FOREIGN_SERVER:
			return {ForeignServerRelationId, found_by([&] {
						return GetSysCacheOid1(FOREIGNSERVERNAME, Anum_pg_foreign_server_oid,
											   CStringGetDatum(strVal(object)));
					}),
					0};
		case OBJECT_FDW:
			return {ForeignDataWrapperRelationId, found_by([&] {
						return GetSysCacheOid1(FOREIGNDATAWRAPPERNAME, Anum_pg_foreign_data_wrapper_oid,
											   CStringGetDatum(strVal(object)));
					}),
					0};
		case OBJECT_ACCESS_METHOD:
			return {AccessMethodRelationId,
					found_by([&] { return GetSysCacheOid1(AMNAME, Anum_pg_am_oid, CStringGetDatum(strVal(object))); }),
					0};
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
			return {ProcedureRelationId, found_by([&] {
						return LookupFuncWithArgs(type, const_cast<ObjectWithArgs *>(castNode(ObjectWithArgs, object)),
												  true);
					}),
					0};
		case OBJECT_COLLATION:
			return {CollationRelationId,
					found_by([&] { return get_collation_oid(const_cast<List *>(castNode(List, object)), true); }), 0};
		case OBJECT_STATISTIC_EXT:
			return {StatisticExtRelationId, found_by([&] {
						return get_statistics_object_oid(const_cast<List *>(castNode(List, object)), true);
					}),
					0};
		case OBJECT_OPCLASS:
		case OBJECT_OPFAMILY:
		{
			const bool is_class = type == OBJECT_OPCLASS;
			return {static_cast<Oid>(is_class ? OperatorClassRelationId : OperatorFamilyRelationId),
					found_by([&]() -> Oid {
						List *names = list_copy(const_cast<List *>(castNode(List, object)));
						Oid method = get_am_oid(strVal(linitial(names)), true);
						names = list_delete_first(names);
						if (!OidIsValid(method))
							return InvalidOid;
						return is_class ? get_opclass_oid(method, names, true) : get_opfamily_oid(method, names, true);
					}),
					0};
		}
		default:
			return InvalidObjectAddress;
	}
}

} // namespace mg::lint
