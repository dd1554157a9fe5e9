// Who belongs to whom, and who depends on whom, as pg_depend and the catalogs of parts have it.
#pragma once

#include "schema/schema.hpp"

namespace mg::schema {

// The objects that stand for themselves to which these addresses belong; of a part that is gone nothing. What nobody lists as
// a unit, because it is gone or out of scope, is in it all the same.
std::vector<Address> owners_of(const std::vector<Address> &addresses);

// What depends on these, and what depends on that: a table's own type and key constraint, then what uses them.
std::vector<Address> dependants_on(const std::vector<Address> &addresses);

// The tables that the foreign keys of relations name, and their parents.
std::vector<Address> relatives_of(const std::vector<Address> &addresses);

} // namespace mg::schema
