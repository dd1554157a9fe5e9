// Who may do what with migrations: rights that an owner of the database gives to roles.
#pragma once

#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::policy {

// Gives a role a right, on record: read, apply, policy, break_glass, or approve:KIND; grants the EXECUTE and SELECT that go with it, as the
// caller. Raises 42501 unless the caller owns the database, 22023 for no right, 42704 for no role.
void give_right(const std::string &role, const std::string &right, bool given);

// The roles that were given a right.
std::vector<std::string> holders_of(const std::string &right);

// Whether the user that logged in holds a right: by a role that it is a member of, as a superuser or an owner of the database. Neither SET ROLE
// nor SET SESSION AUTHORIZATION changes that.
bool holds_right(const std::string &right);
bool holds_right(const std::string &right, Oid user);

// Raises 42501 unless it does. `what` continues "permission denied to".
void require_right(const std::string &right, const std::string &what);

} // namespace mg::policy
