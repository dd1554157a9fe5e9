// What indexes are made of, compared as exactly as the server keeps it.
#pragma once

#include <string>
#include <vector>

#include "lint/model.hpp"

namespace mg::lint {

// An index that can do all that another one does: the same method, operator classes, collations, order, predicate and expressions.
struct Match
{
	const Index *index;
	bool is_equal;   // false: it has more keys behind those
	bool is_reverse; // it is the other way round: the new index can do all that this one does
};

// Those of a table for an index that a statement would make, or for one of its own.
std::vector<Match> matches_of(const Table &table, const IndexStmt *statement);
std::vector<Match> matches_of(const Table &table, const Index &index);

// Whether an index that is there is what a statement would make.
bool is_made_so(const Table &table, const Index &index, const IndexStmt *statement);

// What the server says of the expressions and the predicate of a new index.
struct IndexFunctions
{
	bool is_refused = false; // they call what is not IMMUTABLE
	std::vector<Oid> users;  // functions that are not the server's own
};
IndexFunctions functions_of(const Table &table, const IndexStmt *statement);

// As the server would call the index of a table, if the statement gives no name.
std::string chosen_name(const Table &table, const IndexStmt *statement);

// The access method of a new index.
std::string method_of(const IndexStmt *statement);

} // namespace mg::lint
