// Enforcement: what becomes of schema changes outside migrations, by the policy settings enforcement, enforced_schemas and exempt_roles.
#pragma once

#include <vector>

#include "capture/frame.hpp"
#include "pg/query.hpp"

namespace mg::capture {

enum Level
{
	level_off,
	level_record,
	level_warn,
	level_block
};

// Judges a statement by its parse tree, before it takes a lock. Under `block` raises MG409.
void enforce_start(FrameRaw *frame);

// Judges an object that the statement is said to have touched or dropped; enforce_end() acts on it. `first_name` is that of a dropped
// object; what is not `named` went along with another.
void enforce_touched_raw(FrameRaw *frame, ObjectAddress address, const char *schema, const char *type,
						 const char *identity);
void enforce_dropped_raw(FrameRaw *frame, const char *schema, const char *type, const char *identity,
						 const char *first_name, bool named);

// Acts on what was found while the statement ran: an alert, a warning, or MG409, which undoes it.
void enforce_end(FrameRaw *frame);

// Tells whether what was kept can be asked for without waiting for a lock on the ledger.
bool can_ask_archive();

// Tells whether policy wants what a statement outside migrations destroys to be kept.
bool keeps_outside();

// While one of these is there, statements are the extension's own, which are recorded as ever and not judged.
class OwnStatements
{
public:
	OwnStatements();
	~OwnStatements();
	OwnStatements(const OwnStatements &) = delete;
	OwnStatements &operator=(const OwnStatements &) = delete;

private:
	bool before_;
};

// Rows of mg_status(): name, value, whether all is well, and what to do if not.
std::vector<pg::Row> enforcement_status();

} // namespace mg::capture
