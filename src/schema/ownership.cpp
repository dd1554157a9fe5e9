// The catalogs of the server, one line for each way in which rows belong to objects.
#include "schema/ownership.hpp"

namespace mg::schema {

namespace {

// Rows that are objects, which have their OID in the first column.
constexpr Ownership
object(Oid catalog, Oid index, AttrNumber schema = 0)
{
	Ownership rule{};
	rule.catalog = catalog;
	rule.index = index;
	rule.owner = 1;
	rule.owner_catalog = catalog;
	rule.schema = schema;
	rule.unit = true;
	return rule;
}

// Rows that belong to an object of another catalog and to which nothing else refers.
constexpr Ownership
detail(Oid catalog, Oid index, Oid owner_catalog, AttrNumber owner, const char *kinds = nullptr)
{
	Ownership rule{};
	rule.catalog = catalog;
	rule.index = index;
	rule.owner = owner;
	rule.owner_catalog = owner_catalog;
	rule.kinds = kinds;
	return rule;
}

// Rows that belong to an object of another catalog and can have comments.
constexpr Ownership
part(Oid catalog, Oid index, Oid owner_catalog, AttrNumber owner, const char *kinds = nullptr)
{
	Ownership rule = detail(catalog, index, owner_catalog, owner, kinds);
	rule.part = 1;
	rule.part_catalog = catalog;
	return rule;
}

// Rows of which another object is a part: an index, a multirange type.
constexpr Ownership
brings(Ownership rule, Oid part_catalog, AttrNumber oid)
{
	rule.part = oid;
	rule.part_catalog = part_catalog;
	return rule;
}

// Rows about objects of all catalogs.
constexpr Ownership
note(Oid catalog, Oid index, AttrNumber owner, AttrNumber owner_class, bool shared = false)
{
	Ownership rule = detail(catalog, index, InvalidOid, owner);
	rule.owner_class = owner_class;
	rule.shared = shared;
	return rule;
}

constexpr Ownership
privileged(Ownership rule)
{
	rule.privileged = true;
	return rule;
}

// Rows of which this database has its own.
constexpr Ownership
of_database(Ownership rule, AttrNumber database)
{
	rule.database = database;
	return rule;
}

constexpr Ownership
where_zero(Ownership rule, AttrNumber zero)
{
	rule.zero = zero;
	return rule;
}

constexpr Ownership all[] = {
	note(DescriptionRelationId, DescriptionObjIndexId, Anum_pg_description_objoid, Anum_pg_description_classoid),
	note(SecLabelRelationId, SecLabelObjectIndexId, Anum_pg_seclabel_objoid, Anum_pg_seclabel_classoid),
	note(SharedDescriptionRelationId, SharedDescriptionObjIndexId, Anum_pg_shdescription_objoid,
		 Anum_pg_shdescription_classoid, true),
	note(SharedSecLabelRelationId, SharedSecLabelObjectIndexId, Anum_pg_shseclabel_objoid, Anum_pg_shseclabel_classoid,
		 true),
	privileged(note(InitPrivsRelationId, InitPrivsObjIndexId, Anum_pg_init_privs_objoid, Anum_pg_init_privs_classoid)),

	// Relations; those of composite types have columns only, those of indexes are parts of their tables.
	privileged(object(RelationRelationId, ClassOidIndexId)),
	privileged(detail(AttributeRelationId, AttributeRelidNumIndexId, RelationRelationId, Anum_pg_attribute_attrelid)),
	detail(AttrDefaultRelationId, AttrDefaultIndexId, RelationRelationId, Anum_pg_attrdef_adrelid, "rvfpm"),
	brings(detail(IndexRelationId, IndexIndrelidIndexId, RelationRelationId, Anum_pg_index_indrelid, "rpm"),
		   RelationRelationId, Anum_pg_index_indexrelid),
	part(ConstraintRelationId, ConstraintRelidTypidNameIndexId, RelationRelationId, Anum_pg_constraint_conrelid,
		 "rpfvm"),
	part(ConstraintRelationId, ConstraintTypidIndexId, TypeRelationId, Anum_pg_constraint_contypid, "d"),
	part(TriggerRelationId, TriggerRelidNameIndexId, RelationRelationId, Anum_pg_trigger_tgrelid, "rpfvm"),
	part(RewriteRelationId, RewriteRelRulenameIndexId, RelationRelationId, Anum_pg_rewrite_ev_class, "rpfvm"),
	part(PolicyRelationId, PolicyPolrelidPolnameIndexId, RelationRelationId, Anum_pg_policy_polrelid, "rpf"),
	detail(InheritsRelationId, InheritsRelidSeqnoIndexId, RelationRelationId, Anum_pg_inherits_inhrelid, "rpfiI"),
	detail(PartitionedRelationId, PartitionedRelidIndexId, RelationRelationId, Anum_pg_partitioned_table_partrelid,
		   "p"),
	detail(SequenceRelationId, SequenceRelidIndexId, RelationRelationId, Anum_pg_sequence_seqrelid, "S"),
	detail(ForeignTableRelationId, ForeignTableRelidIndexId, RelationRelationId, Anum_pg_foreign_table_ftrelid, "f"),
	object(StatisticExtRelationId, StatisticExtOidIndexId, Anum_pg_statistic_ext_stxnamespace),

	privileged(object(TypeRelationId, TypeOidIndexId, Anum_pg_type_typnamespace)),
	detail(EnumRelationId, EnumTypIdLabelIndexId, TypeRelationId, Anum_pg_enum_enumtypid, "e"),
	brings(detail(RangeRelationId, RangeTypidIndexId, TypeRelationId, Anum_pg_range_rngtypid, "r"), TypeRelationId,
		   Anum_pg_range_rngmultitypid),

	privileged(object(ProcedureRelationId, ProcedureOidIndexId, Anum_pg_proc_pronamespace)),
	detail(AggregateRelationId, AggregateFnoidIndexId, ProcedureRelationId, Anum_pg_aggregate_aggfnoid),

	object(OperatorRelationId, OperatorOidIndexId, Anum_pg_operator_oprnamespace),
	object(OperatorClassRelationId, OpclassOidIndexId, Anum_pg_opclass_opcnamespace),
	object(OperatorFamilyRelationId, OpfamilyOidIndexId, Anum_pg_opfamily_opfnamespace),
	detail(AccessMethodOperatorRelationId, AccessMethodStrategyIndexId, OperatorFamilyRelationId,
		   Anum_pg_amop_amopfamily),
	detail(AccessMethodProcedureRelationId, AccessMethodProcedureIndexId, OperatorFamilyRelationId,
		   Anum_pg_amproc_amprocfamily),

	object(TSParserRelationId, TSParserOidIndexId, Anum_pg_ts_parser_prsnamespace),
	object(TSDictionaryRelationId, TSDictionaryOidIndexId, Anum_pg_ts_dict_dictnamespace),
	object(TSTemplateRelationId, TSTemplateOidIndexId, Anum_pg_ts_template_tmplnamespace),
	object(TSConfigRelationId, TSConfigOidIndexId, Anum_pg_ts_config_cfgnamespace),
	detail(TSConfigMapRelationId, TSConfigMapIndexId, TSConfigRelationId, Anum_pg_ts_config_map_mapcfg),

	privileged(object(LanguageRelationId, LanguageOidIndexId)),
	object(TransformRelationId, TransformOidIndexId),
	object(AccessMethodRelationId, AmOidIndexId),
	object(CastRelationId, CastOidIndexId),
	object(ConversionRelationId, ConversionOidIndexId, Anum_pg_conversion_connamespace),
	object(CollationRelationId, CollationOidIndexId, Anum_pg_collation_collnamespace),

	privileged(object(NamespaceRelationId, NamespaceOidIndexId, Anum_pg_namespace_oid)),
	object(DefaultAclRelationId, DefaultAclOidIndexId),
	object(ExtensionRelationId, ExtensionOidIndexId),
	object(EventTriggerRelationId, EventTriggerOidIndexId),

	object(ForeignDataWrapperRelationId, ForeignDataWrapperOidIndexId),
	object(ForeignServerRelationId, ForeignServerOidIndexId),
	object(UserMappingRelationId, UserMappingOidIndexId),

	object(PublicationRelationId, PublicationObjectIndexId),
	detail(PublicationRelRelationId, PublicationRelPrpubidIndexId, PublicationRelationId,
		   Anum_pg_publication_rel_prpubid),
	// No index begins with the publication; there are few rows.
	detail(PublicationNamespaceRelationId, PublicationNamespacePnnspidPnpubidIndexId, PublicationRelationId,
		   Anum_pg_publication_namespace_pnpubid),
	of_database(object(SubscriptionRelationId, SubscriptionObjectIndexId), Anum_pg_subscription_subdbid),

	of_database(object(DatabaseRelationId, DatabaseOidIndexId), Anum_pg_database_oid),
	of_database(detail(DbRoleSettingRelationId, DbRoleSettingDatidRolidIndexId, DatabaseRelationId,
					   Anum_pg_db_role_setting_setdatabase),
				Anum_pg_db_role_setting_setdatabase),
	where_zero(detail(DbRoleSettingRelationId, DbRoleSettingDatidRolidIndexId, AuthIdRelationId,
					  Anum_pg_db_role_setting_setrole),
			   Anum_pg_db_role_setting_setdatabase),
	object(AuthIdRelationId, AuthIdOidIndexId),
	detail(AuthIdRelationId, InvalidOid, AuthIdRelationId, 0),
	detail(AuthMemRelationId, AuthMemRoleMemIndexId, AuthIdRelationId, Anum_pg_auth_members_roleid),
	detail(AuthMemRelationId, AuthMemMemRoleIndexId, AuthIdRelationId, Anum_pg_auth_members_member),
	object(TableSpaceRelationId, TablespaceOidIndexId),
	object(ParameterAclRelationId, ParameterAclOidIndexId),
};

} // namespace

Ownerships
ownerships()
{
	return {all, all + lengthof(all)};
}

} // namespace mg::schema
