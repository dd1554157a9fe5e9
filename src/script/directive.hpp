// Line comments that say how to treat a statement: -- mg:ignore, -- mg:backfill.
#pragma once

#include <string_view>
#include <vector>

#include "script/script.hpp"

namespace mg::script {

// Those of a name in a script. One directly above a statement, within it or behind it on its last line is about that statement; one that a
// blank line parts from the first statement is about all.
std::vector<Directive> directives_of(const Script &script, std::string_view name);

} // namespace mg::script
