// What a rehearsal runs of a statement that runs by itself.
#pragma once

#include <optional>
#include <string>

namespace mg::script {

// The same statement without CONCURRENTLY, which runs in a transaction; nothing for one that has no such form: VACUUM, ALTER SYSTEM, CLUSTER of
// every table, REINDEX of more than a table.
std::optional<std::string> plain_form(const std::string &sql);

} // namespace mg::script
