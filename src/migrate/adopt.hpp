// Takes the history tables of other tools, and of a team's own, into the ledger.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::migrate {

// What a history table says of one migration.
struct Entry
{
	std::string name; // empty if the table has versions only
	std::string version;
	std::string description;
	std::string at; // in UTC as ISO 8601 has it, which sorts; empty if the table does not say
	std::string by;
	int64_t duration_us = 0;
	std::string script; // of its statements, if the table has them
	std::string skip;   // why it is not applied now; empty if it is
	std::string row;    // JSON of the rest
};

// A history table in the order of its rows.
struct HistoryTable
{
	std::string name; // qualified
	std::vector<Entry> entries;
};

// Reads a table as the caller, whole. Raises 22023 when it is of no known kind or is the ledger's own view, 42501 when row security would
// hide some of it.
HistoryTable read_history(Oid table);

// Records what a table says is applied and the ledger does not know yet; hands over a row of mg_adopt_history() for each of its rows.
void adopt_history(Oid table, const std::function<void(const pg::Row &row)> &sink);

// The script of a migration whose history table has no text of it.
std::string script_of_adopted(const std::string &name);

// Tells whether an applied migration was taken from a history table.
bool is_adopted(const std::string &migration);

} // namespace mg::migrate
