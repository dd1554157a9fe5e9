// The parts of relations that are few: read by SQL.
#pragma once

#include <vector>

#include "schema/reader.hpp"

namespace mg::schema {

// The units of the batch: c.oid = MG_BATCH. The array is read once and not for every row of a catalog that the server reads
// from end to end, as it does with a small one.
#define MG_BATCH "ANY ((SELECT $1::oid[])::oid[])"

// Triggers, rules and policies: sections "triggers", "rules" and "policies", keyed by quoted name.
void add_part_readers(std::vector<Reader> &readers);

} // namespace mg::schema
