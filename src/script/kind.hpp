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

// Gives the reason why the statement cannot run inside a migration, and the way out; nullptr members when it can.
struct Refusal
{
	const char *reason;
	const char *hint;
};
Refusal refusal_raw(Node *tree);

// Tells whether the statement carries a literal password or connection secret.
bool has_secret_raw(Node *tree);

// Tells whether the kind may carry a secret, so that its text must be looked through before it is kept.
bool may_have_secret_raw(Node *tree);

// Gives the text with every literal that may be a secret replaced by '***', in the current context. Uses the server's
// own scanner; a text that it cannot read comes back as a note without any of it.
char *redact_raw(const char *text);

} // namespace mg::script
