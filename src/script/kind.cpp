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

// What neither mg_apply nor mg_deploy runs.
Refusal
outside(const char *reason)
{
	return {
		reason,
		"Run it outside the migration: mg_register() it, then SET migration_governance.migration to its name keeps the "
		"statement attributed.",
		false};
}

Refusal
refused(const char *reason, const char *hint)
{
	return {reason, hint, false};
}

Refusal
alone(const char *reason)
{
	return {reason,
			"CALL mg_deploy() runs it: a statement like this by itself, and the others in transactions of their own "
			"before and after it.",
			true};
}

constexpr Refusal runnable = {nullptr, nullptr, false};

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

namespace {

Refusal
transaction_refusal(Node *tree)
{
	constexpr const char *reason = "transaction control in the middle of a migration";
	const Transaction kind = transaction_raw(tree);

	if (kind == Transaction::begin || kind == Transaction::commit)
		return {
			reason,
			"CALL mg_deploy() runs it: each BEGIN ... COMMIT as a transaction of its own. For mg_apply() leave them "
			"out, because it runs a migration in one.",
			true};
	return refused(reason,
				   "Leave ROLLBACK, SAVEPOINT and the like out, and options of BEGIN and COMMIT: mg_apply() runs a "
				   "migration in one transaction, and mg_deploy() in one for each plain BEGIN ... COMMIT.");
}

Refusal
copy_refusal(const CopyStmt *statement)
{
	if (statement->filename != nullptr)
		return runnable;
	if (statement->is_from)
		return refused("COPY ... FROM STDIN in a migration", "Use INSERT ... VALUES, or load the data outside it.");
	return refused("COPY ... TO STDOUT in a migration", "Run it outside the migration.");
}

Refusal
drop_refusal(DropStmt *statement)
{
	/* The server would find out when it is the statement's turn, and other steps are committed. */
	if (statement->concurrent && list_length(statement->objects) > 1)
		return refused("DROP INDEX CONCURRENTLY cannot run inside a transaction, nor for several indexes",
					   "Drop them one by one.");
	if (statement->concurrent && statement->behavior == DROP_CASCADE)
		return refused("DROP INDEX CONCURRENTLY cannot run inside a transaction, nor with CASCADE",
					   "Drop what hangs on the index by name, and then the index.");
	if (statement->concurrent)
		return alone("DROP INDEX CONCURRENTLY cannot run inside a transaction");
	if (drops_the_ledger(statement))
		return refused("a migration cannot drop the ledger that it is recorded in",
					   "Call mg_allow_removal() and drop the extension outside a migration.");
	return runnable;
}

Refusal
subscription_refusal(List *options)
{
	if (option_is_on(options, "connect", true) && option_is_on(options, "create_slot", true))
		return outside("CREATE SUBSCRIPTION with create_slot cannot run inside a transaction");
	return runnable;
}

bool
sets_transaction(const VariableSetStmt *statement)
{
	return statement->kind == VAR_SET_MULTI && strcmp(statement->name, "SESSION CHARACTERISTICS") != 0;
}

} // namespace

Refusal
refusal_raw(Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_TransactionStmt:
			return transaction_refusal(tree);
		case T_VariableSetStmt:
			if (sets_transaction(castNode(VariableSetStmt, tree)))
				return refused("SET TRANSACTION in a migration", "Set it in the transaction that calls mg_apply.");
			return runnable;
		case T_CopyStmt:
			return copy_refusal(castNode(CopyStmt, tree));
		case T_IndexStmt:
			if (castNode(IndexStmt, tree)->concurrent)
				return alone("CREATE INDEX CONCURRENTLY cannot run inside a transaction");
			return runnable;
		case T_DropStmt:
			return drop_refusal(castNode(DropStmt, tree));
		case T_ReindexStmt:
			if (!reindex_is_transactional(castNode(ReindexStmt, tree)))
				return alone("REINDEX of this kind cannot run inside a transaction");
			return runnable;
		case T_AlterTableStmt:
			if (detaches_concurrently(castNode(AlterTableStmt, tree)))
				return alone("DETACH PARTITION CONCURRENTLY cannot run inside a transaction");
			return runnable;
		case T_VacuumStmt:
			if (castNode(VacuumStmt, tree)->is_vacuumcmd)
				return alone("VACUUM cannot run inside a transaction");
			return runnable;
		case T_ClusterStmt:
			if (castNode(ClusterStmt, tree)->relation == nullptr)
				return alone("CLUSTER of every table cannot run inside a transaction");
			return runnable;
		case T_CreatedbStmt:
		case T_DropdbStmt:
			return outside("CREATE DATABASE and DROP DATABASE cannot run inside a transaction");
		case T_AlterDatabaseStmt:
			if (sets_tablespace(castNode(AlterDatabaseStmt, tree)->options))
				return outside("ALTER DATABASE ... SET TABLESPACE cannot run inside a transaction");
			return runnable;
		case T_CreateTableSpaceStmt:
		case T_DropTableSpaceStmt:
			return outside("CREATE TABLESPACE and DROP TABLESPACE cannot run inside a transaction");
		case T_AlterSystemStmt:
			return alone("ALTER SYSTEM cannot run inside a transaction");
		case T_CreateSubscriptionStmt:
			return subscription_refusal(castNode(CreateSubscriptionStmt, tree)->options);
		case T_DiscardStmt:
			if (castNode(DiscardStmt, tree)->target == DISCARD_ALL)
				return outside("DISCARD ALL cannot run inside a transaction");
			return runnable;
		default:
			return runnable;
	}
}

bool
is_alone_raw(Node *tree)
{
	return !IsA(tree, TransactionStmt) && refusal_raw(tree).deployable;
}

bool
is_weak_raw(Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_IndexStmt:
			return castNode(IndexStmt, tree)->concurrent;
		case T_DropStmt:
			return castNode(DropStmt, tree)->concurrent;
		case T_ReindexStmt:
			return option_is_on(castNode(ReindexStmt, tree)->params, "concurrently", false);
		case T_VacuumStmt:
			return castNode(VacuumStmt, tree)->is_vacuumcmd &&
				   !option_is_on(castNode(VacuumStmt, tree)->options, "full", false);
		case T_AlterSystemStmt:
			return true;
		default:
			return false;
	}
}

bool
adds_enum_value_raw(Node *tree)
{
	return IsA(tree, AlterEnumStmt) && castNode(AlterEnumStmt, tree)->oldVal == nullptr;
}

} // namespace mg::script
