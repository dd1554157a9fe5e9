// SQL over the rows of a table that whoever it runs as may not read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::pg {

// Runs one statement as `role`, with search_path pg_catalog and as little else as REINDEX may do, in which the name "kept" stands for the
// rows of `table`. Meanwhile `target`, if there is one, has neither triggers nor rules of users, and shows its owner all rows.
struct Answer
{
	uint64_t rows;          // that it processed
	std::vector<Row> given; // as text
};
Answer run_over(Oid table, Oid role, Oid target, const std::string &sql);

} // namespace mg::pg
