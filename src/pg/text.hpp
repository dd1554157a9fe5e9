// Text in the database's encoding.
#pragma once

#include <string>
#include <string_view>

#include "pg/boundary.hpp"

namespace mg::pg {

// Puts a text on one line of at most max_bytes bytes, cut between two characters of the database's encoding.
std::string excerpt(std::string_view text, std::size_t max_bytes);

// The beginning of the character that the byte at `offset` belongs to.
std::size_t character_start(std::string_view text, std::size_t offset);

// A name as SQL has it, quoted where it must be.
std::string quoted_identifier(const std::string &name);
// A string as SQL has it, whatever standard_conforming_strings is.
std::string quoted_literal(const std::string &value);

// 12 GB
std::string size_text(int64_t bytes);
// 2 days 03:04:05, as the server writes intervals; from ten seconds on without fractions.
std::string span_text(int64_t us);

} // namespace mg::pg
