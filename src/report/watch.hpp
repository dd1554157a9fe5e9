// Alerts of what reports find, and of runs that are going on.
#pragma once

#include <vector>

#include "pg/query.hpp"

namespace mg::report {

// Takes the rows of mg_verify() and of mg_drift_report(), and raises an alert where they show something new; nothing in a read-only
// transaction. `migration`: the only one that was verified.
void watch_verification(const std::vector<pg::Row> &rows, const std::optional<std::string> &migration);
void watch_drift(const std::vector<pg::Row> &rows);

// Rows of mg_alert_rows(): at, severity, message, details, by_role; sessions that have been at migrations for longer than the policy's
// alert_after.
std::vector<pg::Row> running_alerts();

} // namespace mg::report
