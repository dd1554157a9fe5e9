// Procedures that commit on their way: what a CALL at top level may do between its transactions.
#pragma once

#include <cstdint>

#include "pg/subtransaction.hpp"

namespace mg::pg {

// A procedure's own connection to SPI. Raises 25001 within a transaction block, a function, or whatever else cannot commit.
class Procedure
{
public:
	Procedure(FunctionCallInfo fcinfo, const char *name);
	~Procedure();
	Procedure(const Procedure &) = delete;
	Procedure &operator=(const Procedure &) = delete;
};

// Commits, and begins the next transaction, in which the session holds neither a snapshot nor a lock until it does something.
// What COMMIT raises (deferred constraints, 40001) comes back as pg::Error, in a new transaction.
void commit_and_go_on();

// Lets the present transaction's COMMIT not wait for the disk, nor for replicas: a crash may undo it, but never it and not what came after it.
void commit_lazily();
// Gives synchronous_commit another value for the present transaction. Plain server code.
void commit_as_raw(const char *value);

// Sees to the snapshot that whatever reads or writes tables needs; the first thing in each transaction.
void ensure_snapshot();

// Sleeps; a cancelled query is raised at once.
void sleep_ms(int64_t milliseconds);

} // namespace mg::pg
