// The parts of relations that are few: read by SQL.
#pragma once

#include <vector>

#include "schema/reader.hpp"

namespace mg::schema {

// Triggers, rules and policies: sections "triggers", "rules" and "policies", keyed by quoted name.
void add_part_readers(std::vector<Reader> &readers);

} // namespace mg::schema
