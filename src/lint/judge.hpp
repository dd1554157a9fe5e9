// What the server itself would decide, asked without doing it. Where something is not there yet, since the script makes it, the answer is
// the careful one.
#pragma once

#include <string>

#include "lint/model.hpp"

namespace mg::lint {

// The type that a name means now, or InvalidOid: for a script's own types, and for serial, which is none.
Oid type_named(const TypeName *name);

// The function or procedure of that name with these arguments, or with any if there is but one; InvalidOid if there is none.
Oid function_named(const List *name, const std::vector<Oid> &arguments, bool any);

// Whether validated constraints prove that a column has no NULL (NotNullImpliedByRelConstraints).
bool is_proved_not_null(const Table &table, const std::string &column);

} // namespace mg::lint
