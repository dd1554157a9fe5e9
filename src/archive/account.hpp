// What is kept of a run, and what would be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archive/losses.hpp"
#include "script/discard.hpp"

namespace mg::archive {

// A row of mg.archives.
struct Account
{
	std::string source; // as mg.archives writes it
	std::string kind;
	std::string script; // that destroyed it
	int64_t rows;       // -1: nobody knows
	bool is_counted;
	int64_t bytes;
	bool is_moved;                        // else copied
	std::optional<std::string> discarded; // why it was not kept at all
	bool is_back;                         // brought back, with:
	int64_t back;
	int64_t conflicts;
	bool is_whole; // all of it, as it was
};
// What a run has kept so far, in that order.
std::vector<Account> accounts_of(int64_t run);

// What a statement would have kept if it ran now, as far as its parse tree tells: rows that it updates or deletes by a condition nobody knows.
struct Estimate
{
	std::string source;
	int64_t bytes;
	bool is_copied;
	std::string refusal;                  // why it would be refused; else empty
	std::optional<std::string> discarded; // why it would not be kept
};
std::vector<Estimate> estimates_of(Node *statement, const std::vector<script::Discard> &discards);

// Whether policy lets be kept what is lost of such a table (schema.table[.column]).
bool is_kept_here(const std::string &name);

} // namespace mg::archive
