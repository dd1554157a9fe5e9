// What the extension can say about itself in this database.
#pragma once

#include <vector>

#include "pg/query.hpp"

namespace mg::migrate {

// Rows of mg_status: aspect, value, ok, hint.
std::vector<pg::Row> status();

// Rows of mg_parse: ordinal, line, col, tag, captured, refusal, statement.
std::vector<pg::Row> parse(const std::string &script);

// Rows of mg_template: name, up, down.
pg::Row make_template(const std::string &kind, const std::string &description, const std::string &author,
					  const std::string &ticket);

} // namespace mg::migrate
