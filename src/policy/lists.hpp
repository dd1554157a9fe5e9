// Names separated by commas, as settings have them.
#pragma once

#include <string>
#include <vector>

namespace mg::policy {

// Without blanks around them, and without empty ones.
std::vector<std::string> names_in(const std::string &list);
std::string joined(const std::vector<std::string> &items);

} // namespace mg::policy
