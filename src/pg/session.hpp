// Who is connected here and what this backend is.
#pragma once

#include <string>

#include "pg/boundary.hpp"

namespace mg::pg {

// Names of the session's roles and client, in the current context; a member is nullptr when it is not known.
struct SessionRaw
{
	const char *login_role;   // who authenticated
	const char *session_role; // SESSION AUTHORIZATION
	const char *acting_role;  // SET ROLE; not what SECURITY DEFINER or a platform's delegation made of it
	const char *application;
	const char *client; // address, or [local]
};
SessionRaw session_raw();

// Who authenticated, whatever role was set since.
std::string login_role();

// Raises 25006 where nothing can be put on record: "cannot WHAT in a read-only transaction".
void require_recording(const std::string &what);

// The version of the server that runs, not of the one that this was built with: 15.4.
std::string server_version();

// Tells whether the session's user is a superuser or a member of the database's owner.
bool session_owns_database();

// Raises 42501 unless session_owns_database().
void require_database_owner(const char *what);

// SHA-256 in lower-case hexadecimal, in the current context.
char *sha256_hex_raw(const char *data, size_t length);

// The same over a text in the database's encoding, taken in UTF-8: a database restored in another encoding agrees.
char *sha256_hex_of_text_raw(const char *text, size_t length);

} // namespace mg::pg
