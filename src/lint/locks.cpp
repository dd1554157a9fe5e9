// The server's own word for ALTER TABLE; the manual's for the rest.
#include "lint/locks.hpp"

namespace mg::lint {

std::vector<TableLock>
locks_of(const Action &action, Model &)
{
	if (action.table == nullptr || action.table->made_here || action.part == nullptr ||
		!IsA(action.part, AlterTableCmd))
		return {};
	return {{action.table,
			 pg::guarded([&] { return AlterTableGetLockLevel(list_make1(const_cast<Node *>(action.part))); })}};
}

const char *
blocked_by(LOCKMODE mode)
{
	switch (mode)
	{
		case AccessExclusiveLock:
			return "reads and writes";
		case ExclusiveLock:
			return "writes and SELECT FOR UPDATE";
		case ShareRowExclusiveLock:
		case ShareLock:
			return "writes";
		case ShareUpdateExclusiveLock:
			return "other changes of the schema, VACUUM and ANALYZE";
		default:
			return "";
	}
}

} // namespace mg::lint
