// The parts of tables that are many: read from the catalogs' rows, without the server's relation cache where that is possible.
#pragma once

#include "schema/reader.hpp"

namespace mg::schema {

// Reads the parts of the relations in an album:
// - section "columns", keyed by quoted name: type, default, identity, ...; of views only what the query does not tell;
// - section "constraints", keyed by quoted name; of NOT NULL the column tells;
// - section "indexes", keyed by qualified identity; those of a constraint only with what the constraint does not tell.
void read_parts(Album &album);

} // namespace mg::schema
