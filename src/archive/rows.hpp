// Keeps rows that a statement of a migration deletes or updates, if they are many.
#pragma once

#include <cstdint>

#include "archive/keep.hpp"

namespace mg::archive {

// Before a statement of a script: what follows changes rows as they are now. And at the script's end.
void watch_rows();
void unwatch_rows();

// Ends the watch however a script ends: one that fails within a subtransaction would leave snapshots behind that its transaction takes along.
class RowsWatch
{
public:
	RowsWatch() = default;
	~RowsWatch() { unwatch_rows(); }
	RowsWatch(const RowsWatch &) = delete;
	RowsWatch &operator=(const RowsWatch &) = delete;
};

// While one of these is there, rows that come back are no rows that change; nor is what the archive itself writes.
class RowsReturn
{
public:
	RowsReturn();
	~RowsReturn();
	RowsReturn(const RowsReturn &) = delete;
	RowsReturn &operator=(const RowsReturn &) = delete;

private:
	bool before_;
};

// Rows of a table were deleted or updated, about so many.
void rows_changed(Oid table, uint64_t count);

// Keeps the rows of tables of which as many were changed as policy setting archive_rows says: after the statement, and before one that the
// tables do not outlive.
void keep_rows(const Occasion &occasion);

// What was kept in a subtransaction that has failed is to be kept still.
void keep_rows_again(SubTransactionId failed);
void forget_rows();

} // namespace mg::archive
