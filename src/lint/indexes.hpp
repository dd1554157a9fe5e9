// What the files of group D share.
#pragma once

#include <string>

#include "lint/rule.hpp"

namespace mg::lint {

inline const IndexStmt *
index_statement(const Action &action)
{
	return castNode(IndexStmt, action.statement);
}

// Rules on indexes that are dropped, built again or set otherwise; on what an index holds; on room and memory.
std::vector<Rule> index_change_rules();
std::vector<Rule> index_content_rules();
std::vector<Rule> headroom_rules();

// About how many bytes the work of an action writes, beside what is there: a copy of the table with its indexes, or an index.
int64_t written_bytes(const Action &action, const Table &table, Work work);
// What the file system of the database has left; below 0 if nobody knows.
int64_t free_bytes();

} // namespace mg::lint
