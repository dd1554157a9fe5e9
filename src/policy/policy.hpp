// Policy settings: what a team has decided, kept in the ledger with who and why.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/naming.hpp"
#include "ledger/store.hpp"
#include "policy/settings.hpp"

namespace mg::policy {

// The value in force: that of this database's environment, else of every environment, else the one it comes with.
std::string value_of(const std::string &setting);

// The value in force of a duration, a limit (below 0: there is none) or a size.
int milliseconds(const std::string &setting);
int seconds(const std::string &setting);
int64_t bytes(const std::string &setting);
int number(const std::string &setting);
bool is_on(const std::string &setting);
// The value in force as names, separated by commas.
std::vector<std::string> names(const std::string &setting);

// Records a new value for one environment, or, when that is empty, for all that have none of their own; without a value, what held
// before anybody set it holds again. Raises 22023 for an unknown setting or a value it cannot have, 42501 without the right.
void set(const std::string &setting, const pg::Cell &value, const std::string &reason, const std::string &environment);

// Rows of mg_policy(): setting, value, environment, source, meaning; as they hold in an environment, empty: in this one.
std::vector<pg::Row> rows(const std::string &environment);

// What has been set, by environment (empty: all) and setting.
using Values = std::map<std::string, std::map<std::string, std::string>>;
const Values &values_set();
// What was read before holds no longer.
void forget_values();

// The naming convention in force.
const Convention &naming();

// Raises MG001 when a name does not fit the convention, with its pattern and an example.
void require_name(const std::string &name);

// The tables that mg_verify() looks for, of the setting required_tables.
std::vector<std::string> required_tables();

// The schemas that are not this team's, of the setting ignored_schemas; unquoted.
std::vector<std::string> ignored_schemas();

} // namespace mg::policy
