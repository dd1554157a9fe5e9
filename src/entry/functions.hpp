// What functions that people call have in common.
#pragma once

#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::entry {

// An argument that must not be NULL: raises 22004, with its name.
inline std::string
required_text(FunctionCallInfo fcinfo, int number, const char *name)
{
	std::optional<std::string> value = pg::text_argument(fcinfo, number);
	if (!value.has_value())
		throw UserError("22004", std::string(name) + " must not be NULL");
	return *value;
}

inline void
add_all(pg::RowSet &set, const std::vector<pg::Row> &rows)
{
	for (const pg::Row &row : rows)
		set.add(row);
}

} // namespace mg::entry
