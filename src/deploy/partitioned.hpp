// CREATE INDEX CONCURRENTLY on a partitioned table, which the server does not do: the index on the table alone, one on each partition concurrently,
// each attached to the one above it. What is there already is found, so that it goes on after an interruption.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "capture/run.hpp"
#include "deploy/alone.hpp"

namespace mg::deploy {

// CREATE INDEX ... ON ONLY, without CONCURRENTLY: the same for the table alone.
std::string on_only(const std::string &sql);

// What comes next for the partitions of an index.
struct Part
{
	std::string sql;
	bool is_alone = false;    // in a worker, else in a transaction
	bool is_leftover = false; // about an index that an interrupted try has made
	Oid table = InvalidOid;
};
// Nothing when every partition has its index. Raises 55000 when an index that is not valid has the name that a partition's is to have.
std::optional<Part> next_part(Oid index);

// The index and those of the partitions, as created; and all tables they are on.
std::vector<capture::RunObject> parts_of(Oid index);
std::vector<Oid> tables_of(Oid index);

} // namespace mg::deploy
