// What happened to roles, whose names are part of the text of everything that has an owner.
#pragma once

#include "pg/boundary.hpp"

namespace mg::drift {

enum class RoleChange
{
	none,
	other,   // made, dropped or changed
	renamed, // what others own reads differently
	unknown  // somebody else had changed them before: everything is looked at until that is accepted
};

// Tells whether a role has another name than a snapshot has seen.
bool has_renamed_roles(Snapshot before);

} // namespace mg::drift
