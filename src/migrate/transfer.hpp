// The ledger as one jsonb value, for owners who may not restore into a superuser's tables.
#pragma once

#include "pg/query.hpp"

namespace mg::migrate {

// All records of all installations.
Datum export_ledger();

// Takes the records of other installations that are not here yet and checks every hash and seal; raises MG302, and
// takes nothing, when one does not fit. Gives rows taken and seals checked.
pg::Row import_ledger(Datum dump);

} // namespace mg::migrate
