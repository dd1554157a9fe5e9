// Brings back what was kept, into what was made for it again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archive/losses.hpp"

namespace mg::archive {

// A record of mg.archive.
struct Entry
{
	int64_t id;
	std::string kind;
	std::string schema;
	std::string source;
	std::string column;
	std::string relation; // in mg_archive
	std::vector<std::string> key;
	std::string details;
	bool own = false; // the script brings its rows back itself
};

// What is kept of a migration's script (up, down) and neither restored nor purged, newest first.
std::vector<Entry> kept_of(const std::string &migration, const std::string &script);

std::optional<Entry> entry_of(int64_t id);

// The table that has its rows, if it is there still.
Oid table_of(const Entry &entry);

// What it was taken from, if something of that name is there.
Oid source_of(const Entry &entry);

// Whether a role could read all of the source when it was kept. Row level security showed some rows to some: what it would have shown, nobody can
// tell any more, so that only who stood above it counts.
bool could_read(const Entry &entry, Oid role);

// What inserts the rows `kept` of an archive into a table: by names of columns, values of other types by way of their text. Empty: they have no
// column in common. Rows whose key is taken are left out, if wanted.
std::string insert_sql(Oid archive, Oid table, const std::string &name, bool leave_out);

// For values that were kept before their column got another type, which it is about to lose again: notes which are still what that type made of
// them, as nobody has written there since. False for an entry of something else.
bool note_unchanged(const Entry &entry, const Loss &loss);

// Whether what an entry was taken from has been made again in this transaction; `at_end`: whether it is there.
bool has_room(const Entry &entry, bool at_end);

struct Refilled
{
	int64_t rows;                     // that came back
	int64_t conflicts;                // that did not: others have their keys, or what they belonged to is gone or was changed since
	bool is_same;                     // those that did read as they were kept
	std::vector<std::string> missing; // columns that have nowhere to go
};
// Brings it back as the owner of what it was taken from, without triggers, rules and row level security, puts that on record, and warns of what did not
// come back. Raises 42501 when that has become somebody's who could not read it. `empty`: columns of that which have not
// come back yet, so that they tell no rows apart.
Refilled refill(const Entry &entry, int64_t run, const std::vector<std::string> &empty = {});

// For what the script has brought back itself: if all that was kept is there, it is put on record as restored; else a NOTICE tells how much is not.
void compare(const Entry &entry, int64_t run);

} // namespace mg::archive
