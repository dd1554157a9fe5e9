// Keeps rows that a statement of a migration deletes or updates, if they are many.
#pragma once

#include <cstdint>

#include "archive/keep.hpp"

namespace mg::archive {

// While the statements of a script run; no row is watched before the first call of next().
class RowsWatch
{
public:
	RowsWatch() = default;
	~RowsWatch();
	RowsWatch(const RowsWatch &) = delete;
	RowsWatch &operator=(const RowsWatch &) = delete;

	// Before each: what follows changes rows as they are now.
	void next();
	// Before one whose rows are not to be kept.
	void skip();
};

// While one of these is there, rows are changed by the archive itself: kept, or brought back.
class OwnChanges
{
public:
	OwnChanges();
	~OwnChanges();
	OwnChanges(const OwnChanges &) = delete;
	OwnChanges &operator=(const OwnChanges &) = delete;

	static bool is_there();

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
