// Which schemas a statement is about, as far as its parse tree tells before it takes a lock.
#pragma once

#include "pg/boundary.hpp"

namespace mg::capture {

enum class Span
{
	upkeep,     // changes no schema: REFRESH, REINDEX, CLUSTER, TRUNCATE; or cannot be judged here
	unknown,    // the objects it touches will tell
	nothing,    // what it names is temporary, or not there
	schemas,    // objects of these schemas
	database,   // an object that is in no schema
	anything,   // whatever there is: REASSIGN OWNED, or the script of an extension
	protection, // what sees changes itself: event triggers
	shared      // roles, databases, tablespaces and the server's settings
};

struct ReachRaw
{
	Span span;
	List *schemas; // names; of Span::schemas
	List *objects; // what of each schema, for people
	List *roles;   // names; of Span::shared
};

// Looks names up without a lock. Raises what the statement itself would raise.
ReachRaw reach_raw(Node *tree);

// Tells whether what a statement is about to make under that name is there: in the schema it would be made in, not in the whole path.
bool is_taken_raw(const char *schema, const char *name);

// The schema of an object that has none of its own but stands on a relation, or nullptr.
const char *schema_of_part_raw(const ObjectAddress &address);

// What EXPLAIN ANALYZE is about to run, if that makes a table; else the statement itself. No event trigger sees it.
Node *explained(Node *tree);

} // namespace mg::capture
