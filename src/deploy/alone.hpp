// Statements that no transaction block can have: what they are about, what a try that was interrupted has left behind, and what they did.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "capture/run.hpp"
#include "pg/errand.hpp"

namespace mg::deploy {

// A statement, with its names resolved under the present search_path.
struct Alone
{
	enum class Kind
	{
		create_index,
		drop_index,
		reindex,
		detach,
		other // leaves nothing behind and changes no object: VACUUM, CLUSTER, ALTER SYSTEM
	};
	Kind kind = Kind::other;
	std::string sql;
	Oid table = InvalidOid; // that it is about; InvalidOid: none, or many
	std::string table_name; // public.t
	bool is_partitioned = false;
	Oid partition = InvalidOid; // that is detached
	std::string partition_name;
	std::string index_schema; // of the index that it makes, if it names one
	std::string index_name;
	std::vector<std::string> index_columns; // how they begin, by which an index is found that the server names
	Oid index = InvalidOid;                 // that it drops or rebuilds, or that has the name already
	std::string index_identity;             // public.i
	bool index_is_valid = false;
	bool is_tolerant = false; // IF NOT EXISTS, IF EXISTS
};
Alone read_alone(const std::string &sql);

// Tells whether a worker may run a statement: one that no transaction block can have, or what stands in for it. Plain server code.
bool is_errand_raw(Node *tree);

// How things are before its first try, as JSON for the journal; and read again.
struct Before
{
	std::vector<Oid> indexes; // of the table, or those of the database that are not valid where there is no one table
	Oid table = InvalidOid;
	Oid index = InvalidOid;
	std::string index_identity;
};
Before look(const Alone &alone);
std::string to_json(const Before &before);
Before read_before(const std::string &json);

// What a try that did not come to its end, or whose end is not on record, has left.
struct Leftover
{
	bool is_done = false;               // it did all that it was to do
	std::vector<std::string> remedies;  // statements to run first, each alone
	std::optional<std::string> instead; // what to run in the statement's place
};
// Raises 55000 when an index of the same name is in the way that is not valid and that no try has made.
Leftover leftover_of(const Alone &alone, const Before &before, bool was_tried);

// The index that a CREATE INDEX has made, in this or an earlier try, valid or not; 0: none yet.
Oid index_made(const Alone &alone, const Before &before);

// An index as records tell of it; `names` are schema and name.
capture::RunObject index_object(Oid oid, const std::string &identity, const std::vector<std::string> &names,
								const std::string &change);

// The objects that it changed.
std::vector<capture::RunObject> effects_of(const Alone &alone, const Before &before);

} // namespace mg::deploy
