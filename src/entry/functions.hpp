// What functions that people call have in common.
#pragma once

#include <string>
#include <vector>

#include "capture/run.hpp"
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

// Raises 55000 within a run: what people answer for is nothing that a script does in the name of whoever applies it.
inline void
require_person(const char *function)
{
	if (capture::is_running())
		throw UserError("55000", std::string("a migration cannot call ") + function)
			.hint("Whoever has the right calls it by itself: it is somebody's word, and no part of a script.");
}

inline void
add_all(pg::RowSet &set, const std::vector<pg::Row> &rows)
{
	for (const pg::Row &row : rows)
		set.add(row);
}

} // namespace mg::entry
