// Settings that a script makes for itself.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::lint {

// What SET, SET LOCAL, RESET and SELECT set_config() leave, by name in lower case; nothing for a RESET.
std::vector<std::pair<std::string, std::optional<std::string>>> settings_in(const Node *statement);

// Whether a timeout's value means that there is none.
bool is_no_timeout(const std::string &value);

} // namespace mg::lint
