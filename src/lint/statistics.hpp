// What ANALYZE has found out about columns.
#pragma once

#include <optional>

#include "lint/model.hpp"

namespace mg::lint {

struct ColumnStatistics
{
	double nulls;       // the fraction of rows
	double distinct;    // how many values
	double most_common; // the fraction of rows that have the most common value; 0 if all differ
	double width;       // bytes on average
	double widest;      // bytes of the longest value that ANALYZE has kept, which are none above a kilobyte
};

// Nothing for a column that was never analyzed, or that the caller may not see.
std::optional<ColumnStatistics> statistics_of(const Table &table, const Column &column);

// How many rows were updated, and how many deleted, since the server began to count.
int64_t updates_of(const Table &table);
int64_t deletions_of(const Table &table);

// 42%, less than 1%
std::string percent(double fraction);
// 12345
std::string whole(double number);

} // namespace mg::lint
