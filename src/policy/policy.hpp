// Policy settings: what a team has decided, kept in the ledger with who and why.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/naming.hpp"
#include "ledger/store.hpp"

namespace mg::policy {

// A setting that teams may change; `fallback` holds until they do.
struct Setting
{
	const char *name;
	const char *fallback;
	const char *meaning;
};
inline constexpr std::array<Setting, 4> settings = {{
	{"naming", "free", "naming convention of migrations: free, sequence, timestamp, typed_timestamp or date_sequence"},
	{"required_tables", "", "tables that mg_verify() must find, schema-qualified and separated by commas"},
	{"ignored_schemas", "",
	 "schemas that snapshots, drift reports and the checks of mg_verify() leave out, separated by commas: a platform's "
	 "own"},
	{"drift_scope", "database",
	 "what snapshots and drift reports look at: database, or cluster with roles and tablespaces"},
}};

// The value in force.
std::string value_of(const std::string &setting);

// Records a new value; raises 22023 for an unknown setting or a value it cannot have, 42501 without the right.
void set(const std::string &setting, const std::string &value, const std::string &reason);

// Rows of mg.policy: setting, value, environment, source, meaning.
std::vector<pg::Row> rows();

// The naming convention in force.
const Convention &naming();

// Raises MG001 when a name does not fit the convention, with its pattern and an example.
void require_name(const std::string &name);

// The tables that mg_verify() looks for, of the setting required_tables.
std::vector<std::string> required_tables();

// The schemas that are not this team's, of the setting ignored_schemas; unquoted.
std::vector<std::string> ignored_schemas();

} // namespace mg::policy
