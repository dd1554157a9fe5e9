// Judges parse trees by their node type, as the server's utility.c does.
#include "script/kind.hpp"

namespace mg::script {

namespace {

// Finds an option of a DefElem list by name; a bare one counts as true.
bool
option_is_on(List *options, const char *name, bool absent)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);
		if (strcmp(option->defname, name) == 0)
			return defGetBoolean(option);
	}
	return absent;
}

bool
reindex_is_transactional(ReindexStmt *statement)
{
	if (option_is_on(statement->params, "concurrently", false))
		return false;
	return statement->kind == REINDEX_OBJECT_INDEX || statement->kind == REINDEX_OBJECT_TABLE;
}

bool
detaches_concurrently(AlterTableStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
		if (command->subtype == AT_DetachPartition && castNode(PartitionCmd, command->def)->concurrent)
			return true;
	}
	return false;
}

bool
sets_tablespace(List *options)
{
	ListCell *cell;

	foreach (cell, options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "tablespace") == 0)
			return true;
	return false;
}

// Tells whether DROP names the extension or its schema; the run would only find out when it holds locks on the ledger.
bool
drops_the_ledger(DropStmt *statement)
{
	ListCell *cell;

	if (statement->removeType != OBJECT_EXTENSION && statement->removeType != OBJECT_SCHEMA)
		return false;
	foreach (cell, statement->objects)
		if (strcmp(strVal(lfirst(cell)), statement->removeType == OBJECT_SCHEMA ? "mg" : "migration_governance") == 0)
			return true;
	return false;
}

Refusal
outside(const char *reason)
{
	return {
		reason,
		"Run it outside the migration: mg_register() it, then SET migration_governance.migration to its name keeps the "
		"statement attributed."};
}

Refusal
outside_index(const char *reason)
{
	return {
		reason,
		"Build it outside the migration first: mg_register() it, then SET migration_governance.migration to its name "
		"keeps the statement attributed. The migration itself can then say CREATE INDEX IF NOT EXISTS."};
}

} // namespace

// The tag as the server completes it: a SELECT with INTO is one, which the raw tree's own tag does not say.
static CommandTag
tag_raw(Node *tree)
{
	SelectStmt *select = IsA(tree, SelectStmt) ? castNode(SelectStmt, tree) : nullptr;

	while (select != nullptr && select->op != SETOP_NONE)
		select = select->larg;
	return select != nullptr && select->intoClause != nullptr ? CMDTAG_SELECT_INTO : CreateCommandTag(tree);
}

const char *
tag_name_raw(Node *tree)
{
	return GetCommandTagName(tag_raw(tree));
}

bool
is_recorded_raw(Node *tree)
{
	CommandTag tag = tag_raw(tree);

	if (command_tag_event_trigger_ok(tag))
		return true;
	switch (tag)
	{
		case CMDTAG_CREATE_ROLE:
		case CMDTAG_ALTER_ROLE:
		case CMDTAG_DROP_ROLE:
		case CMDTAG_GRANT_ROLE:
		case CMDTAG_REVOKE_ROLE:
		case CMDTAG_CREATE_DATABASE:
		case CMDTAG_ALTER_DATABASE:
		case CMDTAG_DROP_DATABASE:
		case CMDTAG_CREATE_TABLESPACE:
		case CMDTAG_ALTER_TABLESPACE:
		case CMDTAG_DROP_TABLESPACE:
		case CMDTAG_CREATE_EVENT_TRIGGER:
		case CMDTAG_ALTER_EVENT_TRIGGER:
		case CMDTAG_DROP_EVENT_TRIGGER:
		case CMDTAG_ALTER_SYSTEM:
		case CMDTAG_TRUNCATE_TABLE:
		case CMDTAG_CLUSTER:
		case CMDTAG_REINDEX:
		case CMDTAG_REASSIGN_OWNED:
			return true;
		default:
			return false;
	}
}

bool
is_temporary_raw(Node *tree)
{
	const RangeVar *relation = nullptr;

	switch (nodeTag(tree))
	{
		case T_CreateStmt:
			relation = castNode(CreateStmt, tree)->relation;
			break;
		case T_CreateTableAsStmt:
			relation = castNode(CreateTableAsStmt, tree)->into->rel;
			break;
		case T_SelectStmt:
			if (castNode(SelectStmt, tree)->intoClause != nullptr)
				relation = castNode(SelectStmt, tree)->intoClause->rel;
			break;
		case T_ViewStmt:
			relation = castNode(ViewStmt, tree)->view;
			break;
		case T_CreateSeqStmt:
			relation = castNode(CreateSeqStmt, tree)->sequence;
			break;
		case T_AlterTableStmt:
			relation = castNode(AlterTableStmt, tree)->relation;
			break;
		case T_IndexStmt:
			relation = castNode(IndexStmt, tree)->relation;
			break;
		default:
			break;
	}
	return relation != nullptr &&
		   (relation->relpersistence == RELPERSISTENCE_TEMP ||
			(relation->schemaname != nullptr && strncmp(relation->schemaname, "pg_temp", 7) == 0));
}

Transaction
transaction_raw(Node *tree)
{
	if (!IsA(tree, TransactionStmt))
		return Transaction::none;

	auto *statement = castNode(TransactionStmt, tree);
	switch (statement->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			return statement->options == NIL ? Transaction::begin : Transaction::other;
		case TRANS_STMT_COMMIT:
			return statement->chain ? Transaction::other : Transaction::commit;
		default:
			return Transaction::other;
	}
}

Refusal
refusal_raw(Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_TransactionStmt:
			return {"transaction control in the middle of a migration",
					"A migration is one transaction already: leave BEGIN, COMMIT, ROLLBACK and SAVEPOINT out, or split "
					"it into several migrations."};
		case T_VariableSetStmt:
			if (castNode(VariableSetStmt, tree)->kind == VAR_SET_MULTI &&
				strcmp(castNode(VariableSetStmt, tree)->name, "SESSION CHARACTERISTICS") != 0)
				return {"SET TRANSACTION in a migration", "Set it in the transaction that calls mg_apply."};
			return {nullptr, nullptr};
		case T_CopyStmt:
			if (castNode(CopyStmt, tree)->filename != nullptr)
				return {nullptr, nullptr};
			if (castNode(CopyStmt, tree)->is_from)
				return {"COPY ... FROM STDIN in a migration", "Use INSERT ... VALUES, or load the data outside it."};
			return {"COPY ... TO STDOUT in a migration", "Run it outside the migration."};
		case T_IndexStmt:
			if (castNode(IndexStmt, tree)->concurrent)
				return outside_index("CREATE INDEX CONCURRENTLY cannot run inside a transaction");
			return {nullptr, nullptr};
		case T_DropStmt:
			if (castNode(DropStmt, tree)->concurrent)
				return outside("DROP INDEX CONCURRENTLY cannot run inside a transaction");
			if (drops_the_ledger(castNode(DropStmt, tree)))
				return {"a migration cannot drop the ledger that it is recorded in",
						"Call mg_allow_removal() and drop the extension outside a migration."};
			return {nullptr, nullptr};
		case T_ReindexStmt:
			if (!reindex_is_transactional(castNode(ReindexStmt, tree)))
				return outside("REINDEX of this kind cannot run inside a transaction");
			return {nullptr, nullptr};
		case T_AlterTableStmt:
			if (detaches_concurrently(castNode(AlterTableStmt, tree)))
				return outside("DETACH PARTITION CONCURRENTLY cannot run inside a transaction");
			return {nullptr, nullptr};
		case T_VacuumStmt:
			if (castNode(VacuumStmt, tree)->is_vacuumcmd)
				return outside("VACUUM cannot run inside a transaction");
			return {nullptr, nullptr};
		case T_ClusterStmt:
			if (castNode(ClusterStmt, tree)->relation == nullptr)
				return outside("CLUSTER of every table cannot run inside a transaction");
			return {nullptr, nullptr};
		case T_CreatedbStmt:
		case T_DropdbStmt:
			return outside("CREATE DATABASE and DROP DATABASE cannot run inside a transaction");
		case T_AlterDatabaseStmt:
			if (sets_tablespace(castNode(AlterDatabaseStmt, tree)->options))
				return outside("ALTER DATABASE ... SET TABLESPACE cannot run inside a transaction");
			return {nullptr, nullptr};
		case T_CreateTableSpaceStmt:
		case T_DropTableSpaceStmt:
			return outside("CREATE TABLESPACE and DROP TABLESPACE cannot run inside a transaction");
		case T_AlterSystemStmt:
			return outside("ALTER SYSTEM cannot run inside a transaction");
		case T_CreateSubscriptionStmt:
		{
			List *options = castNode(CreateSubscriptionStmt, tree)->options;
			if (option_is_on(options, "connect", true) && option_is_on(options, "create_slot", true))
				return outside("CREATE SUBSCRIPTION with create_slot cannot run inside a transaction");
			return {nullptr, nullptr};
		}
		case T_DiscardStmt:
			if (castNode(DiscardStmt, tree)->target == DISCARD_ALL)
				return outside("DISCARD ALL cannot run inside a transaction");
			return {nullptr, nullptr};
		default:
			return {nullptr, nullptr};
	}
}

} // namespace mg::script
