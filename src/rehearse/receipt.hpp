// What a rehearsal found, as rows for people and as a record of the ledger.
#pragma once

#include <string>
#include <vector>

#include "rehearse/rehearsal.hpp"

namespace mg::rehearse {

const char *word_of(Verdict verdict);

// One line of the result of mg_rehearse().
struct Fact
{
	std::string aspect;
	std::string object;
	std::string value;
	std::optional<bool> ok; // nothing where nothing is to be judged
};
std::vector<Fact> facts_of(const migrate::Migration &migration, const Findings &findings);

// Keeps a receipt in the caller's transaction; nothing in a read-only one.
std::optional<int64_t> keep(const migrate::Migration &migration, bool named, const Findings &findings,
							const std::vector<Fact> &facts);

} // namespace mg::rehearse
