// Brings back what was kept, into what was made for it again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/entry.hpp"
#include "archive/losses.hpp"

namespace mg::archive {

// What inserts the rows `kept` of an archive into a table: by names of columns, values of other types by way of their text. Empty: they have no
// column in common. Rows whose key is taken are left out, if wanted.
std::string insert_sql(Oid archive, Oid table, const std::string &name, bool leave_out);

// For values that were kept before their column got another type, which it is about to lose again: notes which are still what that type made of
// them, as nobody has written there since. False for an entry of something else.
bool note_unchanged(const Entry &entry, const Loss &loss);

// Whether there is something that could take it.
bool has_room(const Entry &entry);

struct Refilled
{
	int64_t rows;      // that came back
	int64_t conflicts; // that did not: others have their keys, or what they belonged to is gone or was changed since
	bool is_same;      // those that did read as they were kept
	std::vector<std::string> missing; // columns that have nowhere to go
};
// Brings it back as the owner of what it was taken from, without triggers, rules and row level security, puts that on record, and warns of what did not
// come back. Raises 42501 when that has become somebody's who could not read it. `empty`: columns of that which have not
// come back yet, so that they tell no rows apart.
Refilled refill(const Entry &entry, int64_t run, const std::vector<std::string> &empty = {});

// For what the script has brought back itself: if all that was kept is there, it is put on record as restored; else a NOTICE tells how much is not.
void compare(const Entry &entry, int64_t run);

} // namespace mg::archive
