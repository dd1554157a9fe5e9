// A table's rows change hands with their files; nothing is copied.
#pragma once

#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::pg {

// Makes an empty table with the columns of another, dropped ones included, whose files would fit it as they are, and of `more` behind them, which are text: no constraints, indexes or
// privileges. For a table that is locked. Visible at once.
Oid make_alike(Oid table, Oid schema, const std::string &name, Oid owner, const std::vector<std::string> &more = {});

// Makes an empty table of these columns of a table, in their order, likewise; and of `more`, which are text.
Oid make_with(Oid table, const std::vector<int> &columns, const std::vector<std::string> &more, Oid schema,
			  const std::string &name, Oid owner);

// Drops a table that one of these has made.
void drop_made(Oid table);

// Exchanges the files of two tables of one layout, TOAST included, as CLUSTER does: rows, tablespace, access method, persistence. Locks both
// (ACCESS EXCLUSIVE) until the transaction ends. Visible at once. Indexes are left as they are, so that they fit neither table.
void exchange_storage(Oid one, Oid other);

// Locks a table (ACCESS EXCLUSIVE) until the transaction ends; raises 55006 when a query of this session has it open. False when it is gone.
bool lock_unused(Oid table, const std::string &statement);

// Whether a table was made in this transaction, and whether it has a row that can be seen. For one that is locked.
bool is_made_here(Oid table);
bool has_rows(Oid table);

// Its files, or none when it is gone; and whether they are of this transaction.
Oid files_of(Oid table);
bool has_new_files(Oid table);

} // namespace mg::pg
