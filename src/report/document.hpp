// Migrations as documents.
#pragma once

#include <optional>
#include <string>

namespace mg::report {

// A migration in Markdown: what it is for, what it did, how it is verified and undone, what it cost, who approved of it, every attempt.
// Nothing: all of them, with a table of contents. Raises MG004 for a migration that nobody registered.
std::string document(const std::optional<std::string> &migration);

} // namespace mg::report
