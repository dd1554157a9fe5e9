// Writes the down script of a migration that only drops.
#pragma once

#include <string>

#include "script/script.hpp"

namespace mg::migrate {

// Writes statements that make anew what the up script of a registered migration is about to drop, as it is now. The rows come back from the
// archive while they run. Of a migration that is applied, gives what record_down() has written. Raises MG004 for an unknown name; 55000 for one that is applied and has none; 0A000 for an up script that does more than
// drop, or drops what no statement is known for; and what the server raises when something is not there.
//
// Nothing is run for it: a script that only drops makes nothing that it could drop itself, so that all it takes along can be told from the
// catalogs as they are. That needs no rights and no locks, fires no trigger, and gives one script in one order, whatever order the drops have.
std::string generate_down(const std::string &name);

// Puts the same on record for a migration without a down script that is about to be applied, if it only drops and all of that can be written.
void record_down(const std::string &name, const script::Script &up, bool has_down);

} // namespace mg::migrate
