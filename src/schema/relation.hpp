// The parts of tables that are many: read from the catalogs' rows, without the server's relation cache where that is possible.
#pragma once

#include "schema/reader.hpp"

namespace mg::schema {

// Columns with type, default, identity, ...: section "columns", keyed by quoted name. Of views only what the query does not tell.
void read_columns(Album &album);

// Constraints, keyed by quoted name, in section "constraints". Of NOT NULL the column tells.
void read_constraints(Album &album);

// Indexes, keyed by qualified identity, in section "indexes"; those of a constraint only with what the constraint does not tell.
void read_indexes(Album &album);

} // namespace mg::schema
