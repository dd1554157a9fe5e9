// SQL for hints.
#pragma once

#include <string>
#include <vector>

#include "lint/action.hpp"

namespace mg::lint {

// Empty for what the parser has left out.
std::string text_of(const char *text);
std::string quoted(const std::string &name);
// a, b
std::string quoted_list(const std::vector<std::string> &names);
// The names in a list of the parse tree.
std::vector<std::string> names_in(const List *list);
// FOREIGN KEY (a) REFERENCES o (b) ON DELETE CASCADE, as a constraint of the parse tree says.
std::string foreign_key_of(const Constraint *definition, const Action &action);
// public.t (12 GB)
std::string sized(const Table &table);

} // namespace mg::lint
