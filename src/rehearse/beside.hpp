// What was done beside a migration, before its run, since no transaction can do it.
#pragma once

#include <string>

#include "rehearse/rehearsal.hpp"

namespace mg::rehearse {

// An index that was built CONCURRENTLY in the name of a migration is there before up, and gone after down: that is the way back, and no
// difference. Moves these from `deviations` to `anticipated`.
void set_anticipated_apart(const std::string &migration, Findings &findings);

} // namespace mg::rehearse
