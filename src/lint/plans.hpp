// What the planner thinks of the rows that a statement is about.
#pragma once

#include <string>

#include "lint/model.hpp"

namespace mg::lint {

// Planning takes its time: no more statements of a script than this are planned.
constexpr int max_plans = 200;

struct RowsPlan
{
	bool is_known = false;
	double rows = 0;        // that an UPDATE or DELETE finds
	bool reads_all = false; // it goes through the whole table for them
};

// Plans the search of an UPDATE or DELETE, or the source of an INSERT. Tables are locked ACCESS SHARE for that long, if they are free at
// once. Unknown where they are not, where something is not there yet, and where planning might call a function of a user.
RowsPlan plan_of(const Node *statement, const Table &table, Model &model);

} // namespace mg::lint
