// Which statements take as long as a table is large.
#pragma once

#include "pg/boundary.hpp"

namespace mg::script {

// The relation that a statement may read or write from end to end, and what of the statement does it; relation nullptr if it only changes
// catalogs, or if its text does not say. Judged by the parse tree alone: a change of type counts even where the server can do without.
struct Whole
{
	RangeVar *relation;
	const char *what;
};
Whole whole_raw(Node *tree);

// What of a statement no rollback undoes, or nullptr; it reaches out of the session if it does more than the session itself keeps.
struct Lasting
{
	const char *what;
	bool reaches_out;
};
Lasting lasting_raw(Node *tree);

} // namespace mg::script
