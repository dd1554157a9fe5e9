// SQL for hints.
#pragma once

#include <string>
#include <vector>

#include "lint/action.hpp"
#include "lint/finding.hpp"

namespace mg::lint {

// Empty for what the parser has left out.
std::string text_of(const char *text);
std::string quoted(const std::string &name);
// 'it''s'
std::string literal(const std::string &value);
// a, b
std::string quoted_list(const std::vector<std::string> &names);
// The names in a list of the parse tree.
std::vector<std::string> names_in(const List *list);
// FOREIGN KEY (a) REFERENCES o (b) ON DELETE CASCADE, as a constraint of the parse tree says.
std::string foreign_key_of(const Constraint *definition, const Action &action);
// The piece of a statement that begins at an offset: up to the next comma, semicolon or closing parenthesis at the same depth.
std::string piece_of(const std::string &statement, size_t offset);
// A statement with words put behind the first keyword of that name: CREATE INDEX -> CREATE INDEX CONCURRENTLY.
std::string with_words(const std::string &statement, const std::string &keyword, const std::string &words);
// One statement, closed.
Step step(const std::string &sql);
Step outside_step(const std::string &sql);
// public.t (12 GB)
std::string sized(const Table &table);

} // namespace mg::lint
