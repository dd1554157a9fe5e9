// ADD COLUMN ... NOT NULL where only what was kept will fill the column.
#pragma once

#include "archive/keep.hpp"

namespace mg::archive {

// A statement without what its rows could not meet before they have come back; `later` is the SQL that puts it in force, nullptr: there is nothing.
struct Relaxed
{
	PlannedStmt *statement;
	const char *later;
};

// Copies the statement if there is something to be put off, else gives it as it is.
Relaxed relax(PlannedStmt *statement, const Occasion &occasion);

// Runs what was put off, as the current user.
void tighten(const Relaxed &relaxed);

} // namespace mg::archive
