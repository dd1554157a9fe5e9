// What a statement is about to destroy, as far as its parse tree and the catalogs tell.
#pragma once

#include <set>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::archive {

enum class Kind
{
	table,    // all rows, and the table goes too; materialized views as well
	contents, // all rows, and the table stays: TRUNCATE
	column,   // one column of all rows
	values,   // one column of those rows in which its new type has another value for it
	rows,     // some of its rows, whole
	versions, // the same, where nothing tells which rows they have become
	sequence  // how far it has counted
};

struct Loss
{
	Kind kind;
	Oid relation;
	int column; // 0: none
};

struct Losses
{
	std::vector<Loss> items;   // those of a table with all its rows without its columns
	std::vector<Loss> retyped; // columns that get another type, whatever becomes of their values
	std::set<Oid> types;       // that go too, or change: what is kept cannot stay of them
	std::set<Oid> collations;  // likewise
};

// Nothing when there is nothing to be lost, or when the current user may not do it, of which the statement itself will tell. Takes no lock
// on tables. It may name too much: what has stayed afterwards was not lost.
Losses losses_of(Node *statement);

} // namespace mg::archive
