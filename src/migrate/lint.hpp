// mg_lint and mg_lint_migration: gathers what the linter judges.
#pragma once

#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::migrate {

// Rows: rule, severity, line, col, statement, object, lock_mode, blocks, work, rows, bytes, estimate, basis, message, hint, steps, link,
// ignored. Raises what parsing raises, and MG004 for a name that nobody knows.
std::vector<pg::Row> lint_script(const std::string &text);
std::vector<pg::Row> lint_migration(const std::string &name);

// Rows: statement (from 1 on), object, lock_mode; of tables, materialized views and foreign tables.
std::vector<pg::Row> lint_locks(const std::string &text);

// Rows: rule, rule_group, severity, summary, why, safe_way, since, until, link.
std::vector<pg::Row> lint_rules();

} // namespace mg::migrate
