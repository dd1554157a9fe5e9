// The locks of one kind of statement each.
#pragma once

#include "lint/facts.hpp"
#include "lint/locks.hpp"

namespace mg::lint {

void of_create_table(const CreateStmt *create, LockSet &locks);
void of_create_index(const IndexStmt *create, LockSet &locks);
void of_drop(const DropStmt *statement, LockSet &locks);
void of_rename(const RenameStmt *statement, LockSet &locks);
void of_truncate(const TruncateStmt *statement, LockSet &locks);
void of_lock(const LockStmt *statement, LockSet &locks);
void of_vacuum(const VacuumStmt *statement, LockSet &locks);
void of_move_all(const AlterTableMoveAllStmt *statement, LockSet &locks);
void of_cluster(const ClusterStmt *statement, LockSet &locks);
void of_reindex(const ReindexStmt *statement, LockSet &locks);
void of_trigger(const CreateTrigStmt *statement, LockSet &locks);
void of_named_object(ObjectType type, const Node *object, LOCKMODE mode, LockSet &locks);
void of_publication(const List *objects, LockSet &locks);
void of_alter_publication(const AlterPublicationStmt *statement, LockSet &locks);
void of_owned_by(const List *options, LockSet &locks);
void of_alter_domain(const AlterDomainStmt *statement, LockSet &locks);
void of_owner(const char *sql, const List *roles, LOCKMODE mode, LockSet &locks);
void of_drop_owned(const DropOwnedStmt *statement, LockSet &locks);

} // namespace mg::lint
