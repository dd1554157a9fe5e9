// Which tables a query or a change of rows names, by its parse tree.
#pragma once

#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::lint {

struct NamedTable
{
	const RangeVar *name;
	LOCKMODE mode;                 // AccessShareLock, or RowShareLock where FOR UPDATE and the like mean it
	CmdType command = CMD_UNKNOWN; // of those whose rows change; CMD_UNKNOWN for the ones that are read
	bool updates = false;          // also ON CONFLICT DO UPDATE and the branches of MERGE
	bool removes = false;
	bool inserts = false;
	bool has_all = false;             // no list of columns: all of them
	std::vector<std::string> columns; // that INSERT gives values
	std::vector<std::string> changed; // and UPDATE
};

std::vector<NamedTable> tables_named_in(const Node *statement);

} // namespace mg::lint
