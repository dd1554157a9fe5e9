// Copies rows: as they are, and as they were before this transaction's own statements changed them.
#pragma once

#include <cstdint>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::pg {

// How tables look before the next statement of this transaction. It is there until it is let go, or the transaction ends.
Snapshot take_snapshot();
void let_go(Snapshot snapshot);

// Copies into another table of the same layout (make_alike()) the rows that could be seen then and cannot be seen now: deleted, or updated
// since. Gives their number. The server keeps them as long as the transaction lasts.
int64_t copy_changed(Oid table, Oid into, Snapshot before);

// Copies these columns of all rows into the first columns of another table, in that order; its others are NULL. Gives the number of rows.
int64_t copy_columns(Oid table, const std::vector<int> &columns, Oid into);

// Whether there are rows that can be seen now and could not be seen then: inserted, or updated since.
bool has_new_rows(Oid table, Snapshot before);

} // namespace mg::pg
