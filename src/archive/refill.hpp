// Brings back what was kept, into what was made for it again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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
	std::string key;
	std::string details;
};

// What is kept of a migration's script (up, down) and neither restored nor purged, newest first.
std::vector<Entry> kept_of(const std::string &migration, const std::string &script);

// Whether what an entry was taken from has been made again in this transaction; `at_end`: whether it is there.
bool has_room(const Entry &entry, bool at_end);

struct Refilled
{
	int64_t rows;      // that came back
	int64_t conflicts; // that did not, as others have their keys
};
// Brings it back as the owner of what it was taken from, without triggers, and puts that on record.
Refilled refill(const Entry &entry, int64_t run);

} // namespace mg::archive
