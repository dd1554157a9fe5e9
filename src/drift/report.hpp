// Every difference between what the schema is and what it should be.
#pragma once

#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::drift {

// Rows of mg_drift_report(): kind, object_type, identity, property, expected, actual, changed_at, changed_by, application,
// statement. Writes nothing and runs on a standby.
std::vector<pg::Row> report();

// The same against a snapshot of another database of the same major: expected is the snapshot. Raises 22023 for what is no snapshot.
std::vector<pg::Row> report(Datum snapshot);

} // namespace mg::drift
