// Database objects by the names that the server gives them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::pg {

// The identity of the object with this OID (and column, or 0) in a system catalog, or nothing when there is none.
std::optional<std::string> identity_of(const std::string &catalog, Oid oid, int column);

// Tells whether a table has this column still; a dropped one keeps its place in the catalog, under another name.
bool column_exists_raw(Oid table, int column);

// Tells whether an object is there, by what pg_get_object_address() takes.
bool object_exists(const std::string &type, const std::vector<std::string> &names,
				   const std::vector<std::string> &arguments);

} // namespace mg::pg
