// Looks up in which schemas the objects are that a parse tree names.
#include "capture/reach.hpp"

namespace mg::capture {

namespace {

// `relation` is its name there, or nullptr.
void
add_name_raw(ReachRaw *reach, const char *schema, const char *relation = nullptr)
{
	reach->span = Span::schemas;
	reach->schemas = lappend(reach->schemas, pstrdup(schema));
	reach->objects = lappend(reach->objects, relation != nullptr ? quote_qualified_identifier(schema, relation)
																 : psprintf("schema %s", quote_identifier(schema)));
}

// Temporary objects are nobody's business.
void
add_raw(ReachRaw *reach, Oid schema, const char *relation = nullptr)
{
	if (!OidIsValid(schema) || isAnyTempNamespace(schema))
		return;
	if (const char *name = get_namespace_name(schema); name != nullptr)
		add_name_raw(reach, name, relation);
}

// A relation that is there, and those that a change of it goes on to.
void
add_relation_raw(ReachRaw *reach, RangeVar *relation, bool and_children)
{
	Oid oid = relation != nullptr ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
	ListCell *cell;

	if (!OidIsValid(oid))
		return;
	add_raw(reach, get_rel_namespace(oid), relation->relname);
	if (!and_children || !has_subclass(oid))
		return;
	foreach (cell, find_all_inheritors(oid, NoLock, nullptr))
		add_raw(reach, get_rel_namespace(lfirst_oid(cell)), get_rel_name(lfirst_oid(cell)));
}

void
add_relations_raw(ReachRaw *reach, List *relations)
{
	ListCell *cell;

	foreach (cell, relations)
		if (IsA(lfirst(cell), RangeVar))
			add_relation_raw(reach, castNode(RangeVar, lfirst(cell)), false);
}

void
add_names_raw(ReachRaw *reach, List *schemas)
{
	ListCell *cell;

	foreach (cell, schemas)
		if (IsA(lfirst(cell), String))
			add_name_raw(reach, strVal(lfirst(cell)));
}

// The schema that something is about to be made in; nothing where there is none.
Oid
creation_schema_raw(const char *schema)
{
	if (schema != nullptr)
		return get_namespace_oid(schema, true);
	List *path = fetch_search_path(false);
	return path != NIL ? linitial_oid(path) : InvalidOid;
}

// Nothing where the name is taken and that is no error.
void
add_new_raw(ReachRaw *reach, const char *schema, const char *name, bool is_temporary, bool if_not_exists)
{
	if (is_temporary || (schema != nullptr && strncmp(schema, "pg_temp", 7) == 0))
		return;
	if (if_not_exists && is_taken_raw(schema, name))
		return;
	add_raw(reach, creation_schema_raw(schema), name);
}

void
add_new_relation_raw(ReachRaw *reach, const RangeVar *relation, bool if_not_exists)
{
	if (relation != nullptr)
		add_new_raw(reach, relation->schemaname, relation->relname, relation->relpersistence == RELPERSISTENCE_TEMP,
					if_not_exists);
}

void
add_alter_table_raw(ReachRaw *reach, AlterTableStmt *statement)
{
	ListCell *cell;

	add_relation_raw(reach, statement->relation, true);
	foreach (cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
		if (command->def == nullptr)
			continue;
		if (IsA(command->def, PartitionCmd))
			add_relation_raw(reach, castNode(PartitionCmd, command->def)->name, false);
		else if (IsA(command->def, RangeVar))
			add_relation_raw(reach, castNode(RangeVar, command->def), false);
	}
}

void
add_index_raw(ReachRaw *reach, IndexStmt *statement)
{
	Oid table = RangeVarGetRelid(statement->relation, NoLock, true);

	if (statement->if_not_exists && statement->idxname != nullptr && OidIsValid(table) &&
		OidIsValid(get_relname_relid(statement->idxname, get_rel_namespace(table))))
		return;
	add_relation_raw(reach, statement->relation, true);
}

void
add_dropped_raw(ReachRaw *reach, DropStmt *statement)
{
	ListCell *cell;

	switch (statement->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
			foreach (cell, statement->objects)
				add_relation_raw(reach, makeRangeVarFromNameList(castNode(List, lfirst(cell))), false);
			return;
		/* The last of their names is their own, the rest their table's. */
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			foreach (cell, statement->objects)
				if (List *names = castNode(List, lfirst(cell)); list_length(names) > 1)
					add_relation_raw(
						reach, makeRangeVarFromNameList(list_truncate(list_copy(names), list_length(names) - 1)), true);
			return;
		case OBJECT_SCHEMA:
			foreach (cell, statement->objects)
				if (OidIsValid(get_namespace_oid(strVal(lfirst(cell)), true)))
					add_name_raw(reach, strVal(lfirst(cell)));
			return;
		case OBJECT_EVENT_TRIGGER:
			reach->span = Span::protection;
			return;
		case OBJECT_EXTENSION:
			/* Whether this extension goes is decided by mg_allow_removal(). */
			if (list_length(statement->objects) == 1 &&
				strcmp(strVal(linitial(statement->objects)), "migration_governance") == 0)
				reach->span = Span::upkeep;
			else
				foreach (cell, statement->objects)
					if (OidIsValid(get_extension_oid(strVal(lfirst(cell)), true)))
						reach->span = Span::anything;
			return;
		default:
			return;
	}
}

// Whatever else is about to get another schema, from where it is now.
void
add_moved_raw(ReachRaw *reach, AlterObjectSchemaStmt *statement)
{
	add_name_raw(reach, statement->newschema);
	if (statement->relation != nullptr)
	{
		add_relation_raw(reach, statement->relation, false);
		return;
	}
	if (statement->objectType == OBJECT_EXTENSION)
	{
		reach->span = Span::anything;
		return;
	}
	Relation relation = nullptr;
	/* This statement names a type by its parts, where others have a TypeName. */
	Node *object = statement->objectType == OBJECT_TYPE || statement->objectType == OBJECT_DOMAIN
					   ? reinterpret_cast<Node *>(makeTypeNameFromNameList(castNode(List, statement->object)))
					   : statement->object;
	ObjectAddress address = get_object_address(statement->objectType, object, &relation, AccessShareLock, true);
	if (relation != nullptr)
		relation_close(relation, NoLock);
	if (OidIsValid(address.objectId))
		add_raw(reach, get_object_namespace(&address));
}

void
add_renamed_raw(ReachRaw *reach, RenameStmt *statement)
{
	switch (statement->renameType)
	{
		case OBJECT_SCHEMA:
			add_name_raw(reach, statement->subname);
			add_name_raw(reach, statement->newname);
			return;
		case OBJECT_ROLE:
			reach->span = Span::shared;
			reach->roles = list_make2(statement->subname, statement->newname);
			return;
		case OBJECT_DATABASE:
		case OBJECT_TABLESPACE:
			reach->span = Span::shared;
			return;
		case OBJECT_EVENT_TRIGGER:
			reach->span = Span::protection;
			return;
		default:
			add_relation_raw(reach, statement->relation, true);
			return;
	}
}

// No event tells the objects of a GRANT.
void
add_granted_raw(ReachRaw *reach, GrantStmt *grant)
{
	ListCell *cell;

	if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA || grant->objtype == OBJECT_SCHEMA)
	{
		add_names_raw(reach, grant->objects);
		return;
	}
	switch (grant->objtype)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
			add_relations_raw(reach, grant->objects);
			return;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			foreach (cell, grant->objects)
			{
				Oid function = LookupFuncWithArgs(grant->objtype, lfirst_node(ObjectWithArgs, cell), true);
				if (OidIsValid(function))
					add_raw(reach, get_func_namespace(function));
			}
			return;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			foreach (cell, grant->objects)
			{
				Oid type = LookupTypeNameOid(nullptr, makeTypeNameFromNameList(castNode(List, lfirst(cell))), true);
				ObjectAddress address;
				ObjectAddressSet(address, TypeRelationId, type);
				if (OidIsValid(type))
					add_raw(reach, get_object_namespace(&address));
			}
			return;
		case OBJECT_DATABASE:
		case OBJECT_TABLESPACE:
		case OBJECT_PARAMETER_ACL:
			reach->span = Span::shared;
			return;
		case OBJECT_LARGEOBJECT:
			reach->span = Span::upkeep;
			return;
		default:
			reach->span = Span::database;
			return;
	}
}

void
add_default_privileges_raw(ReachRaw *reach, AlterDefaultPrivilegesStmt *statement)
{
	ListCell *cell;

	reach->span = Span::database;
	foreach (cell, statement->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "schemas") == 0)
			add_names_raw(reach, castNode(List, lfirst_node(DefElem, cell)->arg));
}

// COMMENT, SECURITY LABEL and OWNER TO of what no event trigger is told of.
void
add_described_raw(ReachRaw *reach, ObjectType type)
{
	if (type == OBJECT_EVENT_TRIGGER)
		reach->span = Span::protection;
	else if (type == OBJECT_ROLE || type == OBJECT_DATABASE || type == OBJECT_TABLESPACE)
		reach->span = Span::shared;
	else if (type == OBJECT_LARGEOBJECT)
		reach->span = Span::upkeep;
}

void
add_roles_raw(ReachRaw *reach, List *roles)
{
	ListCell *cell;

	reach->span = Span::shared;
	foreach (cell, roles)
	{
		auto *role = static_cast<Node *>(lfirst(cell));
		if (role != nullptr && IsA(role, RoleSpec) && castNode(RoleSpec, role)->roletype == ROLESPEC_CSTRING)
			reach->roles = lappend(reach->roles, castNode(RoleSpec, role)->rolename);
	}
}

// Statements about relations that are there, or are about to be.
bool
add_relation_statement_raw(ReachRaw *reach, Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_CreateStmt:
			add_new_relation_raw(reach, castNode(CreateStmt, tree)->relation,
								 castNode(CreateStmt, tree)->if_not_exists);
			if (reach->span == Span::schemas)
				add_relations_raw(reach, castNode(CreateStmt, tree)->inhRelations);
			return true;
		case T_CreateForeignTableStmt:
			add_new_relation_raw(reach, reinterpret_cast<CreateForeignTableStmt *>(tree)->base.relation,
								 reinterpret_cast<CreateForeignTableStmt *>(tree)->base.if_not_exists);
			return true;
		case T_CreateTableAsStmt:
			add_new_relation_raw(reach, castNode(CreateTableAsStmt, tree)->into->rel,
								 castNode(CreateTableAsStmt, tree)->if_not_exists);
			return true;
		case T_CreateSeqStmt:
			add_new_relation_raw(reach, castNode(CreateSeqStmt, tree)->sequence,
								 castNode(CreateSeqStmt, tree)->if_not_exists);
			return true;
		case T_CompositeTypeStmt:
			add_new_relation_raw(reach, castNode(CompositeTypeStmt, tree)->typevar, false);
			return true;
		case T_AlterTableStmt:
			add_alter_table_raw(reach, castNode(AlterTableStmt, tree));
			return true;
		case T_IndexStmt:
			add_index_raw(reach, castNode(IndexStmt, tree));
			return true;
		case T_AlterSeqStmt:
			add_relation_raw(reach, castNode(AlterSeqStmt, tree)->sequence, false);
			return true;
		case T_CreateTrigStmt:
			add_relation_raw(reach, castNode(CreateTrigStmt, tree)->relation, true);
			return true;
		case T_RuleStmt:
			add_relation_raw(reach, castNode(RuleStmt, tree)->relation, false);
			return true;
		case T_CreatePolicyStmt:
			add_relation_raw(reach, castNode(CreatePolicyStmt, tree)->table, false);
			return true;
		case T_AlterPolicyStmt:
			add_relation_raw(reach, castNode(AlterPolicyStmt, tree)->table, false);
			return true;
		default:
			return false;
	}
}

// Statements that no event trigger sees, but for those of databases, tablespaces and settings.
bool
add_unseen_raw(ReachRaw *reach, Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_CreateEventTrigStmt:
		case T_AlterEventTrigStmt:
			reach->span = Span::protection;
			return true;
		case T_ReassignOwnedStmt:
		case T_DropOwnedStmt:
		case T_AlterTableMoveAllStmt:
			reach->span = Span::anything;
			return true;
		case T_CreateRoleStmt:
			reach->span = Span::shared;
			reach->roles = list_make1(castNode(CreateRoleStmt, tree)->role);
			return true;
		case T_AlterRoleStmt:
			add_roles_raw(reach, list_make1(castNode(AlterRoleStmt, tree)->role));
			return true;
		case T_AlterRoleSetStmt:
			add_roles_raw(reach, list_make1(castNode(AlterRoleSetStmt, tree)->role));
			return true;
		case T_DropRoleStmt:
			add_roles_raw(reach, castNode(DropRoleStmt, tree)->roles);
			return true;
		case T_GrantRoleStmt:
		case T_CreatedbStmt:
		case T_DropdbStmt:
		case T_AlterDatabaseStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterDatabaseRefreshCollStmt:
		case T_CreateTableSpaceStmt:
		case T_DropTableSpaceStmt:
		case T_AlterTableSpaceOptionsStmt:
		case T_AlterSystemStmt:
			reach->span = Span::shared;
			return true;
		default:
			return false;
	}
}

} // namespace

ReachRaw
reach_raw(Node *tree)
{
	ReachRaw reach = {Span::unknown, NIL, NIL, NIL};

	if (add_relation_statement_raw(&reach, tree))
	{
		if (reach.span == Span::unknown)
			reach.span = Span::nothing;
		return reach;
	}
	if (add_unseen_raw(&reach, tree))
		return reach;
	switch (nodeTag(tree))
	{
		case T_RefreshMatViewStmt:
		case T_ReindexStmt:
		case T_ClusterStmt:
		case T_TruncateStmt:
			reach.span = Span::upkeep;
			break;
		case T_DropStmt:
			add_dropped_raw(&reach, castNode(DropStmt, tree));
			break;
		case T_RenameStmt:
			add_renamed_raw(&reach, castNode(RenameStmt, tree));
			break;
		case T_AlterObjectSchemaStmt:
			add_moved_raw(&reach, castNode(AlterObjectSchemaStmt, tree));
			break;
		case T_GrantStmt:
			add_granted_raw(&reach, castNode(GrantStmt, tree));
			break;
		case T_AlterDefaultPrivilegesStmt:
			add_default_privileges_raw(&reach, castNode(AlterDefaultPrivilegesStmt, tree));
			break;
		case T_CommentStmt:
			add_described_raw(&reach, castNode(CommentStmt, tree)->objtype);
			break;
		case T_SecLabelStmt:
			add_described_raw(&reach, castNode(SecLabelStmt, tree)->objtype);
			break;
		case T_AlterOwnerStmt:
			add_described_raw(&reach, castNode(AlterOwnerStmt, tree)->objectType);
			break;
		case T_CreateSchemaStmt:
			if (const char *name = castNode(CreateSchemaStmt, tree)->schemaname;
				name != nullptr &&
				!(castNode(CreateSchemaStmt, tree)->if_not_exists && OidIsValid(get_namespace_oid(name, true))))
				add_name_raw(&reach, name);
			break;
		case T_ImportForeignSchemaStmt:
			add_name_raw(&reach, castNode(ImportForeignSchemaStmt, tree)->local_schema);
			break;
		case T_CreateFunctionStmt:
		{
			char *schema = nullptr;
			char *name = nullptr;
			DeconstructQualifiedName(castNode(CreateFunctionStmt, tree)->funcname, &schema, &name);
			add_new_raw(&reach, schema, name, false, false);
			break;
		}
		case T_CreateExtensionStmt:
			if (!castNode(CreateExtensionStmt, tree)->if_not_exists ||
				!OidIsValid(get_extension_oid(castNode(CreateExtensionStmt, tree)->extname, true)))
				reach.span = Span::anything;
			break;
		case T_AlterExtensionStmt:
		case T_AlterExtensionContentsStmt:
			reach.span = Span::anything;
			break;
		case T_CreateSubscriptionStmt:
		case T_DropSubscriptionStmt:
			reach.span = Span::database;
			break;
		default:
			break;
	}
	return reach;
}

bool
is_taken_raw(const char *schema, const char *name)
{
	Oid oid = creation_schema_raw(schema);

	return OidIsValid(oid) && OidIsValid(get_relname_relid(name, oid));
}

const char *
schema_of_part_raw(const ObjectAddress &address)
{
	List *names = NIL;
	List *arguments = NIL;

	if (address.classId != TriggerRelationId && address.classId != RewriteRelationId &&
		address.classId != PolicyRelationId && address.classId != AttrDefaultRelationId)
		return nullptr;
	if (getObjectIdentityParts(&address, &names, &arguments, true) == nullptr || names == NIL)
		return nullptr;
	return static_cast<const char *>(linitial(names));
}

Node *
explained(Node *tree)
{
	ListCell *cell;
	bool runs = false;

	if (!IsA(tree, ExplainStmt))
		return tree;
	auto *explain = castNode(ExplainStmt, tree);
	foreach (cell, explain->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "analyze") == 0)
			runs = defGetBoolean(lfirst_node(DefElem, cell));
	if (!runs || explain->query == nullptr || !IsA(explain->query, Query))
		return tree;
	Node *inner = castNode(Query, explain->query)->utilityStmt;
	return inner != nullptr && IsA(inner, CreateTableAsStmt) ? inner : tree;
}

} // namespace mg::capture
