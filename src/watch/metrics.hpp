// The ledger and the database in numbers.
#pragma once

#include <string>

namespace mg::watch {

// The text of mg_metrics(), OpenMetrics 1.0. What cannot be read because somebody keeps a table of the ledger locked has no samples, and
// mg_families_not_read counts it.
std::string metrics();

} // namespace mg::watch
