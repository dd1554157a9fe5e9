// Policy settings: what a team has decided, kept in the ledger with who and why.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/naming.hpp"
#include "ledger/store.hpp"

namespace mg::policy {

// What a value looks like.
enum class Form
{
	text,
	duration, // 100ms, 5min
	size      // 64MB
};

// A setting that teams may change; `fallback` holds until they do.
struct Setting
{
	const char *name;
	const char *fallback;
	const char *meaning;
	Form form = Form::text;
};
inline constexpr std::array<Setting, 12> settings = {{
	{"naming", "free", "naming convention of migrations: free, sequence, timestamp, typed_timestamp or date_sequence"},
	{"required_tables", "", "tables that mg_verify() must find, schema-qualified and separated by commas"},
	{"ignored_schemas", "",
	 "schemas that snapshots, drift reports, mg_health() and the checks of mg_verify() leave out, separated by commas: a "
	 "platform's own"},
	{"drift_scope", "database",
	 "what snapshots and drift reports look at: database, or cluster with roles and tablespaces"},
	{"lint_small_table", "1MB", "the linter does not warn of what goes through a table up to this size", Form::size},
	{"lint_severity", "",
	 "severities of the linter's rules or groups of rules that differ from its own: drop-column=error, T=warning"},
	{"rehearsal_lock_timeout", "100ms", "how long a rehearsal waits for a lock, before it holds any", Form::duration},
	{"rehearsal_max_size", "1GB", "a rehearsal does not read or write a table from end to end that is larger",
	 Form::size},
	{"rehearsal_count_size", "64MB",
	 "tables up to this size are counted and compared by a rehearsal; of larger ones it gives the planner's estimate",
	 Form::size},
	{"rehearsal_outside", "refuse",
	 "what a rehearsal does with functions and statements that reach out of the database, which nothing undoes: refuse "
	 "or "
	 "allow"},
	{"require_rehearsal", "off",
	 "whether mg_apply() needs a fresh receipt of mg_rehearse() that says restores: on or off"},
	{"rollback_budget", "5min", "how long the way back may take in a rehearsal", Form::duration},
}};

// The value in force.
std::string value_of(const std::string &setting);

// The value in force of a duration or a size.
int milliseconds(const std::string &setting);
int64_t bytes(const std::string &setting);

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
