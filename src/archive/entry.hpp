// What is on record as kept, and where it belongs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pg/boundary.hpp"

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

// What source_of() finds, and whose it is.
struct Target
{
	Oid table;
	Oid owner;
	std::string name; // with its schema, quoted
};
Target target_of(const Entry &entry);

// Errors for whoever wants its rows: that there are none, and that nothing is there for them.
UserError no_rows(const Entry &entry);
UserError no_room(const Entry &entry);

// What stands now where it was taken from: the table, and the number of the column, if it is one; 0 where there is none.
using Spot = std::pair<Oid, int>;
Spot spot_of(const Entry &entry);

// Whether the table of that name is the one that it was taken from.
bool is_source_there(const Entry &entry);

} // namespace mg::archive
