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

// Puts names into an order in which each comes after those among them that it requires, and else as they are. In a circle nothing comes
// first: its names come as they are.
std::vector<std::string> in_order(const Requirements &requirements, std::vector<std::string> names);

// Lists all that require a migration, directly or not, in an order in which they can be undone: each before what it requires.
std::vector<std::string> transitive_dependants(const Requirements &requirements, const std::string &name);

} // namespace mg
