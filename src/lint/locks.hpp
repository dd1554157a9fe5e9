// Which lock a statement takes on which table.
#pragma once

#include <vector>

#include "lint/action.hpp"

namespace mg::lint {

struct TableLock
{
	Table *table;
	LOCKMODE mode;
};

// Those of one action, as the server would take them (AlterTableGetLockLevel for ALTER TABLE); none for what the script itself made.
std::vector<TableLock> locks_of(const Action &action, Model &model);

// What others cannot do meanwhile: reads and writes, writes, ...; empty where only the like of it waits.
const char *blocked_by(LOCKMODE mode);

} // namespace mg::lint
