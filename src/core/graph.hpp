// What migrations require of each other, as a graph.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mg {

// For each migration the ones it requires; a name that is no key requires nothing.
using Requirements = std::map<std::string, std::vector<std::string>>;

// Finds a cycle that can be reached from start and gives it as a chain with its first name repeated at the end: a, b, c, a.
std::optional<std::vector<std::string>> find_cycle(const Requirements &requirements, const std::string &start);

// Lists all that require a migration, directly or not, in an order in which they can be undone: each before what it requires.
std::vector<std::string> transitive_dependants(const Requirements &requirements, const std::string &name);

} // namespace mg
