// What the server itself would decide, asked without doing it. Where something is not there yet, since the script makes it, the answer is
// the careful one.
#pragma once

#include <string>

#include "lint/model.hpp"

namespace mg::lint {

// Whether validated constraints prove that a column has no NULL (NotNullImpliedByRelConstraints).
bool is_proved_not_null(const Table &table, const std::string &column);

} // namespace mg::lint
