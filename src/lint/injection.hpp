// Values that get into dynamic SQL unquoted.
#pragma once

#include <string>
#include <vector>

namespace mg::lint {

// What the EXECUTE statements of a PL/pgSQL body concatenate without quote_ident(), quote_literal(), format() or a type that has no
// quotes in it.
std::vector<std::string> unquoted_in(const std::string &body);

} // namespace mg::lint
