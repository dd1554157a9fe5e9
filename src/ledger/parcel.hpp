// Records on their way to the background worker that writes them in a transaction of its own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ledger/store.hpp"

namespace mg::ledger {

using Parcel = std::vector<std::pair<Table, Fields>>;

std::string pack(const Parcel &parcel);
Parcel unpack(std::string_view text);

// Writes the records of a packed parcel, but for scripts and registrations that are known already; waits a little, not for ever, for tables that somebody has locked.
void write_parcel(std::string_view text);

} // namespace mg::ledger
