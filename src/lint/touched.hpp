// What a script makes, changes or drops, by name.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "script/script.hpp"

namespace mg::lint {

// For each statement the tables, views, routines and types that it is about, as "table public.t" or "function f". Rows count: who updates
// a table touches it, who reads it does not.
std::vector<std::set<std::string>> touched_by(const script::Script &script);

} // namespace mg::lint
