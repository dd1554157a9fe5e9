// What kind of statement a parse tree is: recorded or not, able to run in a transaction or not, with a secret or not.
#pragma once

#include "pg/boundary.hpp"

namespace mg::script {

// Tells whether capture records statements of this kind: those whose tag event triggers see, and those that only the
// utility hook sees (roles, databases, tablespaces, TRUNCATE, ALTER SYSTEM, event triggers, ...).
bool is_recorded_raw(Node *tree);

// The command tag as the server completes the statement: CREATE TABLE, SELECT INTO.
const char *tag_name_raw(Node *tree);

// Tells whether the statement makes or changes a temporary object and nothing else, as far as its text says.
bool is_temporary_raw(Node *tree);

enum class Transaction
{
	none,
	begin,
	commit,
	other // SAVEPOINT, ROLLBACK, PREPARE TRANSACTION, ...
};
Transaction transaction_raw(Node *tree);

// Gives the reason why mg_apply cannot run the statement, and the way out; nullptr members when it can.
struct Refusal
{
	const char *reason;
	const char *hint;
	bool deployable; // mg_deploy can: by itself, or as the end of a transaction
};
Refusal refusal_raw(Node *tree);

// Tells whether mg_deploy runs the statement by itself, because the server lets it run in no transaction with others.
bool is_alone_raw(Node *tree);

// Tells of one of these whether the locks that it waits for first let others read and write meanwhile: none of them is stronger than SHARE
// UPDATE EXCLUSIVE. (DETACH PARTITION CONCURRENTLY ends with a stronger one.)
bool is_weak_raw(Node *tree);

// Tells whether the statement adds a value to an enum, which can be used only after a commit.
bool adds_enum_value_raw(Node *tree);

// Tells whether the statement carries a literal password or connection secret.
bool has_secret_raw(Node *tree);

// Tells whether the kind may carry a secret, so that its text must be looked through before it is kept.
bool may_have_secret_raw(Node *tree);

// Gives the text with every literal that may be a secret replaced by '***', in the current context. Uses the server's
// own scanner; a text that it cannot read comes back as a note without any of it.
char *redact_raw(const char *text);

} // namespace mg::script
