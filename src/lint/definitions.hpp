// Definitions of what is there, as SQL.
#pragma once

#include "lint/facts.hpp"

namespace mg::lint {

// CREATE INDEX, or ADD CONSTRAINT's part behind the name, as the server writes them. The server reads the table for it under a lock that
// it would wait for: nothing, where somebody else locks the table just now.
pg::Cell index_definition(Oid index, Oid table);
pg::Cell constraint_definition(Oid constraint, Oid table);
// Whether the columns are called as in the catalogs, which constraints are written out from.
bool has_its_names(const Table &table);

} // namespace mg::lint
