// Keeps the ledger append-only and the extension in its database.
#include "archive/archive.hpp"
#include "capture/capture.hpp"
#include "capture/frame.hpp"
#include "capture/run.hpp"
#include "capture/settings.hpp"

#include "ledger/store.hpp"

namespace mg::capture {

namespace {

// Set once when the library is loaded.
object_access_hook_type next_access_hook = nullptr;

// The word of mg_allow_removal(): for this session, as its documentation says.
bool removal_allowed = false;

bool
is_own_script(Oid extension)
{
	return creating_extension && CurrentExtensionObject == extension;
}

// Superusers may work on the ledger by hand, on purpose, and binary upgrades rebuild it.
bool
stands_aside(const ledger::Place *place)
{
	return place == nullptr || IsBinaryUpgrade || !ledger_is_protected() || removal_allowed ||
		   is_own_script(place->extension);
}

[[noreturn]] void
refuse_raw(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s is append-only", what),
			 errdetail("The ledger of migration_governance keeps what happened: its records are only ever inserted, "
					   "and only by the extension."),
			 errhint("A superuser who must repair it by hand sets migration_governance.protect_ledger to off; "
					 "mg_verify() shows what was changed.")));
	pg_unreachable();
}

[[noreturn]] void
refuse_removal_raw()
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("extension migration_governance and its parts cannot be dropped just like that"),
		 errdetail("Dropping them would remove the record of every migration of this database."),
		 errhint(
			 "A superuser or a member of pg_database_owner calls mg_allow_removal(reason) first, in this session.")));
	pg_unreachable();
}

void
refuse_relation_raw(Oid relation)
{
	refuse_raw(psprintf("\"mg.%s\"", get_rel_name(relation) != nullptr ? get_rel_name(relation) : "?"));
}

// ALTER TABLE that only switches triggers: pg_restore --disable-triggers does so. It is let through, and mended.
bool
only_switches_triggers(const AlterTableStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->cmds)
		switch (lfirst_node(AlterTableCmd, cell)->subtype)
		{
			case AT_EnableTrig:
			case AT_EnableAlwaysTrig:
			case AT_EnableReplicaTrig:
			case AT_DisableTrig:
			case AT_EnableTrigAll:
			case AT_DisableTrigAll:
			case AT_EnableTrigUser:
			case AT_DisableTrigUser:
				break;
			default:
				return false;
		}
	return true;
}

Oid
ledger_relation_of(RangeVar *relation)
{
	if (relation == nullptr || !ledger::may_be_ledger_relation(relation->relname))
		return InvalidOid;
	Oid oid = RangeVarGetRelid(relation, NoLock, true);
	return OidIsValid(oid) && ledger::is_ledger_relation_raw(oid) ? oid : InvalidOid;
}

// The OID of mg.object when that is meant, which is not append-only and has no guard.
Oid
projection_of(const ledger::Place *place, RangeVar *relation)
{
	if (relation == nullptr || strcmp(relation->relname, "object") != 0)
		return InvalidOid;
	Oid oid = RangeVarGetRelid(relation, NoLock, true);
	return OidIsValid(oid) && get_rel_namespace(oid) == place->schema ? oid : InvalidOid;
}

void
refuse_if_ledger_raw(RangeVar *relation)
{
	Oid oid = ledger_relation_of(relation);

	if (OidIsValid(oid))
		refuse_relation_raw(oid);
}

// Tells whether an object is the extension's: schema mg, what lies in it, its functions.
bool
is_part_raw(const ledger::Place *place, Oid class_id, Oid object)
{
	switch (class_id)
	{
		case NamespaceRelationId:
			return object == place->schema;
		case RelationRelationId:
			return get_rel_namespace(object) == place->schema;
		case ProcedureRelationId:
			return get_func_namespace(object) == PG_CATALOG_NAMESPACE &&
				   getExtensionOfObject(class_id, object) == place->extension;
		default:
			return false;
	}
}

// Refuses a trigger, rule or policy of the ledger to be dropped: the last of its names is its own, the rest its table's.
void
refuse_drop_raw(DropStmt *statement)
{
	ListCell *cell;

	if (statement->removeType != OBJECT_TRIGGER && statement->removeType != OBJECT_RULE &&
		statement->removeType != OBJECT_POLICY)
		return;
	foreach (cell, statement->objects)
	{
		List *names = list_copy(castNode(List, lfirst(cell)));
		if (list_length(names) > 1)
			refuse_if_ledger_raw(makeRangeVarFromNameList(list_truncate(names, list_length(names) - 1)));
	}
}

// A child table would put rows of its own into the ledger.
void
refuse_children_raw(List *parents)
{
	ListCell *cell;

	foreach (cell, parents)
		if (IsA(lfirst(cell), RangeVar))
			refuse_if_ledger_raw(castNode(RangeVar, lfirst(cell)));
}

// Set while ALTER TABLE ... {ENABLE|DISABLE} TRIGGER on the ledger runs, so that the access hook lets it pass; cleared by
// mend_guards_raw() and, after an error, by the next statement that is guarded.
Oid switching = InvalidOid;

// Tells whether the statement that makes a function may find one of that name; looking a new one up is not for nothing.
bool
may_replace()
{
	const FrameRaw *frame = innermost();

	return frame == nullptr || !IsA(frame->tree, CreateFunctionStmt) ||
		   castNode(CreateFunctionStmt, frame->tree)->replace;
}

// Tells whether an access changes or drops a part of the extension, other than by its own script or on purpose.
bool
changes_part_raw(ObjectAccessType access, Oid class_id, Oid object, void *argument)
{
	/* VACUUM FULL, REINDEX CONCURRENTLY and the like change the storage only, and say so. */
	if (access == OAT_POST_ALTER && argument != nullptr && static_cast<ObjectAccessPostAlter *>(argument)->is_internal)
		return false;
	if (access == OAT_DROP && argument != nullptr &&
		(static_cast<ObjectAccessDrop *>(argument)->dropflags & PERFORM_DELETION_INTERNAL) != 0)
		return false;

	bool looks = access == OAT_POST_ALTER || access == OAT_TRUNCATE ||
				 (access == OAT_DROP && class_id == RelationRelationId) ||
				 (access == OAT_POST_CREATE && class_id == ProcedureRelationId && may_replace());
	if (!looks || object == switching)
		return false;
	const ledger::Place *place = ledger::find_raw();
	return !stands_aside(place) && is_part_raw(place, class_id, object);
}

void
on_access_raw(ObjectAccessType access, Oid class_id, Oid object, int sub_id, void *argument)
{
	if (next_access_hook != nullptr)
		next_access_hook(access, class_id, object, sub_id, argument);
	if (changes_part_raw(access, class_id, object, argument))
	{
		if (access == OAT_DROP)
			refuse_removal_raw();
		refuse_raw("migration_governance");
	}
	if (access == OAT_DROP && class_id == RelationRelationId && current_run() != nullptr && !is_silent() &&
		!creating_extension && (static_cast<ObjectAccessDrop *>(argument)->dropflags & PERFORM_DELETION_INTERNAL) == 0)
	{
		const char kind = get_rel_relkind(object);
		if (kind == RELKIND_RELATION || (kind == RELKIND_MATVIEW && sub_id == 0))
			pg::enter([&] { archive::require_kept(object, sub_id); });
	}
	if (access == OAT_DROP && class_id == ExtensionRelationId)
	{
		/* By name: the extension's row goes last, when its schema is gone already and the ledger cannot be found. */
		const char *name = get_extension_name(object);
		if (name == nullptr || strcmp(name, "migration_governance") != 0 || IsBinaryUpgrade || removal_allowed)
			return;
		refuse_removal_raw();
	}
}

extern "C" void
mg_object_access(ObjectAccessType access, Oid class_id, Oid object, int sub_id, void *argument)
{
	pg::enter([&] { on_access_raw(access, class_id, object, sub_id, argument); });
}

} // namespace

void
install_guard()
{
	next_access_hook = object_access_hook;
	object_access_hook = mg_object_access;
}

void
allow_removal()
{
	removal_allowed = true;
}

bool
ledger_is_guarded()
{
	pg::Cell triggers = ledger::query_cell("SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
										   " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'mg'"
										   " AND t.tgname IN ('mg_guard', 'mg_guard_insert') AND t.tgenabled = 'A'");
	return ledger_is_protected() && !removal_allowed && triggers == std::to_string(2 * (ledger::table_count + 1));
}

Datum
guard_trigger_raw(TriggerData *trigger)
{
	const ledger::Place *place = ledger::find_raw();
	Oid relation = RelationGetRelid(trigger->tg_relation);

	/* What comes by other ways than the extension's own is news for sessions that keep what they read. */
	if (place != nullptr &&
		(relation == place->of(ledger::Table::policy_event) || relation == place->of(ledger::Table::environment)))
		CacheInvalidateRelcache(trigger->tg_relation);
	bool is_insert = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	bool by_row = TRIGGER_FIRED_FOR_ROW(trigger->tg_event);

	if (stands_aside(place))
		return by_row ? PointerGetDatum(is_insert ? trigger->tg_trigtuple : trigger->tg_newtuple)
					  : PointerGetDatum(nullptr);
	if (!is_insert || !by_row || relation == place->current)
		refuse_relation_raw(relation);
	/* A restore is a superuser's; pg_write_all_data must not be enough to plant scripts that others will run. */
	if (GetUserId() != place->owner && !superuser())
		refuse_relation_raw(relation);

	bool is_null;
	int column = SPI_fnumber(RelationGetDescr(trigger->tg_relation), "installation");
	Datum installation = heap_getattr(trigger->tg_trigtuple, column, RelationGetDescr(trigger->tg_relation), &is_null);
	if (is_null || memcmp(DatumGetUUIDP(installation), &place->installation, sizeof(pg_uuid_t)) == 0)
		refuse_relation_raw(relation);
	return PointerGetDatum(trigger->tg_trigtuple);
}

void
guard_statement_raw(Node *tree)
{
	const ledger::Place *place = ledger::find_raw();

	switching = InvalidOid;
	if (stands_aside(place))
		return;
	switch (nodeTag(tree))
	{
		case T_AlterTableStmt:
		{
			auto *statement = castNode(AlterTableStmt, tree);
			Oid oid = ledger_relation_of(statement->relation);
			ListCell *cell;
			foreach (cell, statement->cmds)
				if (lfirst_node(AlterTableCmd, cell)->subtype == AT_AddInherit)
					refuse_children_raw(list_make1(lfirst_node(AlterTableCmd, cell)->def));
			/* Of what must be there no guard keeps watch: a restore may switch what it likes. */
			if (!OidIsValid(oid) && only_switches_triggers(statement))
				switching = projection_of(place, statement->relation);
			if (!OidIsValid(oid))
				return;
			if (!only_switches_triggers(statement))
				refuse_relation_raw(oid);
			switching = oid;
			return;
		}
		case T_AlterExtensionContentsStmt:
		{
			auto *statement = castNode(AlterExtensionContentsStmt, tree);
			if (strcmp(statement->extname, "migration_governance") == 0)
				refuse_raw("extension migration_governance");
			return;
		}
		case T_CreateStmt:
			refuse_children_raw(castNode(CreateStmt, tree)->inhRelations);
			return;
		case T_DropStmt:
			refuse_drop_raw(castNode(DropStmt, tree));
			return;
		case T_CreateTrigStmt:
			refuse_if_ledger_raw(castNode(CreateTrigStmt, tree)->relation);
			return;
		case T_RuleStmt:
			refuse_if_ledger_raw(castNode(RuleStmt, tree)->relation);
			return;
		case T_IndexStmt:
			refuse_if_ledger_raw(castNode(IndexStmt, tree)->relation);
			return;
		case T_CreatePolicyStmt:
			refuse_if_ledger_raw(castNode(CreatePolicyStmt, tree)->table);
			return;
		case T_RenameStmt:
			refuse_if_ledger_raw(castNode(RenameStmt, tree)->relation);
			return;
		case T_AlterObjectSchemaStmt:
			refuse_if_ledger_raw(castNode(AlterObjectSchemaStmt, tree)->relation);
			return;
		default:
			return;
	}
}

void
mend_guards_raw(Node *tree)
{
	if (!OidIsValid(switching) || !IsA(tree, AlterTableStmt))
		return;

	const char *table = get_rel_name(switching);
	const ledger::Place *place = ledger::find_raw();
	Oid user;
	int security;

	if (place == nullptr)
		return;
	if (!ledger::is_ledger_relation_raw(switching))
	{
		switching = InvalidOid;
		return;
	}
	if (table == nullptr || SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(place->owner, security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	const char *sql =
		psprintf("ALTER TABLE mg.%s ENABLE ALWAYS TRIGGER mg_guard, ENABLE ALWAYS TRIGGER mg_guard_insert",
				 quote_identifier(table));
	silence_raw(true);
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not put the guard of mg.%s back", table);
	silence_raw(false);
	SetUserIdAndSecContext(user, security);
	SPI_finish();
	switching = InvalidOid;
	ereport(NOTICE, (errmsg("the guard of \"mg.%s\" stays on", table)));
}

} // namespace mg::capture
