// Keeps the statements that are running and what they touched.
#include "capture/frame.hpp"

#include "core/text.hpp"
#include "script/kind.hpp"

namespace mg::capture {

namespace {

// The stack of running statements. Hook frames are popped in any case (finally_raw); callbacks in install() empty the
// rest when a transaction ends badly.
FrameRaw *top = nullptr;

// Gives the text between the statement's bounds, without the blanks and comments before it and the blanks behind it.
std::string_view
slice(const FrameRaw *frame)
{
	std::string_view text(frame->source);

	if (frame->location > 0)
		text = text.substr(std::min<std::size_t>(frame->location, text.size()));
	if (frame->length > 0)
		text = text.substr(0, frame->length);
	return trim_statement(text);
}

void
touch_name_raw(FrameRaw *frame, const char *type, const char *name)
{
	touch_raw(frame, InvalidObjectAddress, type, name != nullptr ? quote_identifier(name) : nullptr, false);
}

void
touch_relation_raw(FrameRaw *frame, const char *type, RangeVar *relation)
{
	if (relation == nullptr)
		return;
	Oid oid = RangeVarGetRelid(relation, NoLock, true);
	if (!OidIsValid(oid))
	{
		touch_name_raw(frame, type, relation->relname);
		return;
	}
	if (isAnyTempNamespace(get_rel_namespace(oid)))
	{
		frame->temporary++;
		return;
	}
	ObjectAddress address;
	ObjectAddressSet(address, RelationRelationId, oid);
	touch_raw(frame, address, getObjectTypeDescription(&address, true), getObjectIdentity(&address, true), false);
}

void
touch_roles_raw(FrameRaw *frame, List *roles)
{
	ListCell *cell;

	foreach (cell, roles)
	{
		RoleSpec *role = lfirst_node(RoleSpec, cell);
		touch_name_raw(frame, "role", role->roletype == ROLESPEC_CSTRING ? role->rolename : "current role");
	}
}

// The word that event triggers use for a kind of object.
const char *
kind_name(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
			return "table";
		case OBJECT_SEQUENCE:
			return "sequence";
		case OBJECT_DATABASE:
			return "database";
		case OBJECT_ROLE:
			return "role";
		case OBJECT_TABLESPACE:
			return "tablespace";
		case OBJECT_EVENT_TRIGGER:
			return "event trigger";
		case OBJECT_FUNCTION:
		case OBJECT_ROUTINE:
			return "function";
		case OBJECT_PROCEDURE:
			return "procedure";
		case OBJECT_SCHEMA:
			return "schema";
		case OBJECT_LANGUAGE:
			return "language";
		case OBJECT_TYPE:
			return "type";
		case OBJECT_DOMAIN:
			return "domain";
		case OBJECT_FDW:
			return "foreign-data wrapper";
		case OBJECT_FOREIGN_SERVER:
			return "server";
		case OBJECT_LARGEOBJECT:
			return "large object";
		default:
			return "object";
	}
}

// A function that is not there any more keeps the name that the statement gives it.
void
touch_function_raw(FrameRaw *frame, ObjectType type, ObjectWithArgs *function)
{
	Oid oid = LookupFuncWithArgs(type, function, true);
	ObjectAddress address = InvalidObjectAddress;

	if (OidIsValid(oid))
		ObjectAddressSet(address, ProcedureRelationId, oid);
	touch_raw(frame, address, kind_name(type),
			  OidIsValid(oid) ? getObjectIdentity(&address, true) : NameListToQuotedString(function->objname), false);
}

// Objects that all databases share, and event triggers, have plain names.
void
touch_shared_raw(FrameRaw *frame, ObjectType type, const char *name)
{
	if (type == OBJECT_DATABASE || type == OBJECT_ROLE || type == OBJECT_TABLESPACE || type == OBJECT_EVENT_TRIGGER)
		touch_name_raw(frame, kind_name(type), name);
}

void
touch_shared_object_raw(FrameRaw *frame, ObjectType type, Node *object)
{
	if (object != nullptr && IsA(object, String))
		touch_shared_raw(frame, type, strVal(object));
}

void
touch_grant_raw(FrameRaw *frame, GrantStmt *grant)
{
	ListCell *cell;
	const char *type = grant->targtype == ACL_TARGET_OBJECT ? kind_name(grant->objtype) : "schema";

	frame->first = frame->last = nullptr;
	frame->touched = 0;
	foreach (cell, grant->objects)
	{
		auto *object = static_cast<Node *>(lfirst(cell));

		if (IsA(object, RangeVar))
			touch_relation_raw(frame, type, castNode(RangeVar, object));
		else if (IsA(object, ObjectWithArgs))
			touch_function_raw(frame, grant->objtype, castNode(ObjectWithArgs, object));
		else if (IsA(object, List))
			touch_raw(frame, InvalidObjectAddress, type, NameListToQuotedString(castNode(List, object)), false);
		else if (IsA(object, String))
			touch_name_raw(frame, type, strVal(object));
		else if (IsA(object, Integer))
			touch_raw(frame, InvalidObjectAddress, type, psprintf("%d", intVal(object)), false);
		else if (IsA(object, Float))
			touch_raw(frame, InvalidObjectAddress, type, castNode(Float, object)->fval, false);
	}
}

// What a statement names, not the indexes that event triggers of 17 and later list.
void
touch_reindex_raw(FrameRaw *frame, ReindexStmt *statement)
{
	frame->first = frame->last = nullptr;
	frame->touched = 0;
	touch_relation_raw(frame, "index", statement->relation);
	if (statement->name != nullptr)
		touch_name_raw(frame, statement->kind == REINDEX_OBJECT_SCHEMA ? "schema" : "database", statement->name);
}

// Default privileges belong to the schemas that the statement names, or to none.
void
touch_default_privileges_raw(FrameRaw *frame, AlterDefaultPrivilegesStmt *statement)
{
	ListCell *cell;
	ListCell *name;

	frame->first = frame->last = nullptr;
	frame->touched = 0;
	foreach (cell, statement->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "schemas") == 0)
			foreach (name, castNode(List, lfirst_node(DefElem, cell)->arg))
				touch_name_raw(frame, "schema", strVal(lfirst(name)));
}

} // namespace

FrameRaw *
innermost()
{
	return top;
}

void
push_raw(FrameRaw *frame)
{
	frame->outer = top;
	top = frame;
}

void
pop(FrameRaw *frame)
{
	top = frame != nullptr ? frame->outer : nullptr;
}

TouchedRaw *
touch_raw(FrameRaw *frame, ObjectAddress address, const char *type, const char *identity, bool dropped)
{
	MemoryContext before = MemoryContextSwitchTo(frame->memory);
	auto *touched = static_cast<TouchedRaw *>(palloc(sizeof(TouchedRaw)));

	touched->address = address;
	touched->type = type != nullptr ? pstrdup(type) : nullptr;
	touched->identity = identity != nullptr ? pstrdup(identity) : nullptr;
	touched->dropped = dropped;
	touched->names = touched->arguments = NIL;
	touched->next = nullptr;
	if (frame->last != nullptr)
		frame->last->next = touched;
	else
		frame->first = touched;
	frame->last = touched;
	frame->touched++;
	MemoryContextSwitchTo(before);
	return touched;
}

void
describe_raw(FrameRaw *frame)
{
	Node *tree = frame->tree;
	ListCell *cell;

	if (frame->described)
		return;
	frame->described = true;
	if (IsA(tree, GrantStmt))
	{
		touch_grant_raw(frame, castNode(GrantStmt, tree));
		return;
	}
	if (IsA(tree, ReindexStmt))
	{
		touch_reindex_raw(frame, castNode(ReindexStmt, tree));
		return;
	}
	if (IsA(tree, AlterDefaultPrivilegesStmt))
	{
		touch_default_privileges_raw(frame, castNode(AlterDefaultPrivilegesStmt, tree));
		return;
	}
	if (frame->touched > 0)
		return;
	switch (nodeTag(tree))
	{
		case T_CreateRoleStmt:
			touch_name_raw(frame, "role", castNode(CreateRoleStmt, tree)->role);
			break;
		case T_AlterRoleStmt:
			touch_roles_raw(frame, list_make1(castNode(AlterRoleStmt, tree)->role));
			break;
		case T_AlterRoleSetStmt:
			if (castNode(AlterRoleSetStmt, tree)->role != nullptr)
				touch_roles_raw(frame, list_make1(castNode(AlterRoleSetStmt, tree)->role));
			break;
		case T_DropRoleStmt:
			touch_roles_raw(frame, castNode(DropRoleStmt, tree)->roles);
			break;
		case T_ReassignOwnedStmt:
			touch_roles_raw(frame, castNode(ReassignOwnedStmt, tree)->roles);
			break;
		case T_GrantRoleStmt:
			foreach (cell, castNode(GrantRoleStmt, tree)->granted_roles)
				touch_name_raw(frame, "role", lfirst_node(AccessPriv, cell)->priv_name);
			break;
		case T_CreatedbStmt:
			touch_name_raw(frame, "database", castNode(CreatedbStmt, tree)->dbname);
			break;
		case T_DropdbStmt:
			touch_name_raw(frame, "database", castNode(DropdbStmt, tree)->dbname);
			break;
		case T_AlterDatabaseStmt:
			touch_name_raw(frame, "database", castNode(AlterDatabaseStmt, tree)->dbname);
			break;
		case T_AlterDatabaseSetStmt:
			touch_name_raw(frame, "database", castNode(AlterDatabaseSetStmt, tree)->dbname);
			break;
		case T_CreateTableSpaceStmt:
			touch_name_raw(frame, "tablespace", castNode(CreateTableSpaceStmt, tree)->tablespacename);
			break;
		case T_DropTableSpaceStmt:
			touch_name_raw(frame, "tablespace", castNode(DropTableSpaceStmt, tree)->tablespacename);
			break;
		case T_CreateEventTrigStmt:
			touch_name_raw(frame, "event trigger", castNode(CreateEventTrigStmt, tree)->trigname);
			break;
		case T_AlterEventTrigStmt:
			touch_name_raw(frame, "event trigger", castNode(AlterEventTrigStmt, tree)->trigname);
			break;
		case T_AlterSystemStmt:
			touch_name_raw(frame, "setting", castNode(AlterSystemStmt, tree)->setstmt->name);
			break;
		case T_TruncateStmt:
			foreach (cell, castNode(TruncateStmt, tree)->relations)
				touch_relation_raw(frame, "table", lfirst_node(RangeVar, cell));
			break;
		/* EXPLAIN ANALYZE runs it, which no event tells. */
		case T_CreateTableAsStmt:
			if (!frame->started)
				touch_relation_raw(frame, "table", castNode(CreateTableAsStmt, tree)->into->rel);
			break;
		case T_ClusterStmt:
			touch_relation_raw(frame, "table", castNode(ClusterStmt, tree)->relation);
			break;
		case T_CommentStmt:
			touch_shared_object_raw(frame, castNode(CommentStmt, tree)->objtype, castNode(CommentStmt, tree)->object);
			break;
		case T_SecLabelStmt:
			touch_shared_object_raw(frame, castNode(SecLabelStmt, tree)->objtype, castNode(SecLabelStmt, tree)->object);
			break;
		case T_AlterOwnerStmt:
			touch_shared_object_raw(frame, castNode(AlterOwnerStmt, tree)->objectType,
									castNode(AlterOwnerStmt, tree)->object);
			break;
		case T_RenameStmt:
			touch_shared_raw(frame, castNode(RenameStmt, tree)->renameType, castNode(RenameStmt, tree)->newname);
			break;
		case T_DropStmt:
			foreach (cell, castNode(DropStmt, tree)->objects)
				touch_shared_object_raw(frame, castNode(DropStmt, tree)->removeType, static_cast<Node *>(lfirst(cell)));
			break;
		case T_AlterTableSpaceOptionsStmt:
			touch_name_raw(frame, "tablespace", castNode(AlterTableSpaceOptionsStmt, tree)->tablespacename);
			break;
		case T_AlterDatabaseRefreshCollStmt:
			touch_name_raw(frame, "database", castNode(AlterDatabaseRefreshCollStmt, tree)->dbname);
			break;
		default:
			break;
	}
}

bool
is_incomplete(const FrameRaw *frame)
{
	ListCell *cell;

	switch (nodeTag(frame->tree))
	{
		case T_AlterDefaultPrivilegesStmt:
		case T_DropOwnedStmt:
		case T_ReassignOwnedStmt:
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
		case T_AlterExtensionContentsStmt:
			return true;
		case T_AlterTableStmt:
			/* The partition depends on its table no more. */
			foreach (cell, castNode(AlterTableStmt, frame->tree)->cmds)
				if (AlterTableType type = lfirst_node(AlterTableCmd, cell)->subtype;
					type == AT_DetachPartition || type == AT_DropInherit)
					return true;
			break;
		default:
			break;
	}
	for (const TouchedRaw *touched = frame->first; touched != nullptr; touched = touched->next)
		if (!OidIsValid(touched->address.objectId))
			return true;
	return false;
}

const TouchedRaw *
principal(const FrameRaw *frame)
{
	const char *kind = strchr(GetCommandTagName(frame->tag), ' ');

	for (const TouchedRaw *touched = frame->first; touched != nullptr && kind != nullptr; touched = touched->next)
		if (touched->type != nullptr && pg_strcasecmp(touched->type, kind + 1) == 0)
			return touched;
	return frame->first;
}

char *
text_of_raw(const FrameRaw *frame)
{
	if (frame->source == nullptr)
		return nullptr;
	std::string_view exact = slice(frame);
	char *copy = pnstrdup(exact.data(), exact.size());

	return script::may_have_secret_raw(frame->tree) ? script::redact_raw(copy) : copy;
}

int64
clock_us()
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return static_cast<int64>(INSTR_TIME_GET_MICROSEC(now));
}

} // namespace mg::capture
