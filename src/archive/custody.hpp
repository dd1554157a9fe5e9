// What becomes of what is kept: it is restored by hand, held, or purged when its time is over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::archive {

struct Restored
{
	std::string into;
	int64_t rows;
	int64_t conflicts;
};

// Brings one archive back: to where it was taken from, as its owner, or with `into` as rows of a table of that name, which is made if it is not
// there, with the caller's rights. Raises 42501 unless the caller holds the right `archive` and could read the source when it was kept; 22023
// for no such archive; 55000 for one that is purged; 42P01 when there is nothing to bring it back to.
Restored restore(int64_t id, const std::optional<std::string> &into);

// What of one archive the table has not as it was kept, as diff() tells it. Raises 42501 as restore() does, and unless the caller may read all of the
// table now.
std::vector<pg::Row> differences(int64_t id, int64_t most);

// Drops what is past its time, and what has come back, unless it is held; tells which: id, source, bytes.
std::vector<pg::Row> purge();

// Keeps an archive from being purged until it is released. Raises 22023 for no such archive.
void hold(int64_t id, const std::string &reason);
void release(int64_t id, const std::string &reason);

} // namespace mg::archive
