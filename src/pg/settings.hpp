// Settings (GUCs) of this session, to be had again in another transaction or another process.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::pg {

using Settings = std::vector<std::pair<std::string, std::string>>;

// What was SET, but not SET LOCAL, since the innermost SettingsScope began, as it is now: what would outlast a COMMIT.
Settings settings_of_scope();

// Whatever this session's client or user has set, but for roles and the present transaction: what another process needs to behave alike.
Settings settings_of_session();

// Sets them as SET does; what a SettingsScope around it undoes.
void apply(const Settings &settings);

} // namespace mg::pg
