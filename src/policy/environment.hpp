// Which environment this database is: development, staging, production, or a team's own names.
#pragma once

#include <string>

namespace mg::policy {

struct Environment
{
	std::string name;         // empty: nobody has said
	bool is_confirmed = true; // false: said of another server or database, as after a restore or an upgrade
	std::string doubt;        // why it is not
};

// The environment whose settings hold here. One that was said of another server or database is not believed: the strictest that has
// settings holds instead.
Environment environment();

// Says which it is, for this server and this database. Raises 42501 without the right, 22023 for no name.
void set_environment(const std::string &name, const std::string &reason);

// Raises 22023 unless it can be the name of an environment.
void require_environment_name(const std::string &name);

} // namespace mg::policy
