// Deployments of a restored ledger.
#pragma once

#include "ledger/journal.hpp"

namespace mg::deploy {

// Makes an open deployment that another installation began, before a dump and restore, one of this: a new one with the same steps done, whose
// objects are looked up by their names. The old one is closed.
ledger::Deployment adopt(const ledger::Deployment &old);

} // namespace mg::deploy
