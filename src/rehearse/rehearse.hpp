// mg_rehearse and mg_rehearse_all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::rehearse {

// Rows of mg_rehearse(): aspect, object, value, ok. Of a registered migration, or of scripts that are handed in. Raises MG004 for a
// name that nobody knows, what parsing raises, and what rehearse() raises.
std::vector<pg::Row> rehearse_one(const std::string &name);
std::vector<pg::Row> rehearse_scripts(const std::string &up, const std::optional<std::string> &down);

// Rows of mg_rehearse_all(): migration, verdict, up_time, down_time, differences. The pending migrations in their order, from `first` to
// `last`, each on top of the ones before; what comes behind one that cannot be applied is left out. Raises MG004 for a name that is not
// that of a pending migration.
std::vector<pg::Row> rehearse_all(const std::optional<std::string> &first, const std::optional<std::string> &last);

} // namespace mg::rehearse
