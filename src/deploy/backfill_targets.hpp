// What a backfill goes through: tables in turn, each by a key or by its pages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deploy/backfill.hpp"

namespace mg::deploy {

// A column of a key, in the index's own order, as text for SQL.
struct KeyColumn
{
	std::string name;      // quoted
	std::string type;      // to cast literals to
	std::string collation; // COLLATE ..., or empty
	bool descending;
	bool nulls_first;
	std::string less; // operators, with their schema
	std::string at_most;
	std::string equal;
	std::string at_least;
	std::string greater;

	const std::string &after() const { return descending ? less : greater; }
	const std::string &from() const { return descending ? at_most : at_least; }
	const std::string &up_to() const { return descending ? at_least : at_most; }
};

// Tells whether comparing rows as wholes means the order of the index: columns in one direction, by operators of one name.
bool is_uniform(const std::vector<KeyColumn> &key);

using KeyValues = std::vector<std::string>; // as the types write them, whatever the session's settings

struct Target
{
	Oid table;
	std::string name;     // with its schema, as it was at the beginning
	bool with_partitions; // else UPDATE ONLY
	std::string index;    // empty: no key, then pages
	bool is_primary = false;
	std::vector<KeyColumn> key;
	KeyValues last;    // the greatest key at the beginning; empty with a key: the table had no row
	int64_t pages = 0; // at the beginning
	double rows = 0;   // about so many

	bool has_key() const { return !index.empty(); }
};

// The table that the user named, by his search_path; raises 42P01, or 42809 for what is no table or not the user's to fill.
struct Subject
{
	Oid table;
	std::string name;      // with its schema, quoted
	std::string reference; // by which the clauses may name it: without, quoted
	bool is_partitioned;
	bool is_temporary;
	bool has_policies;
};
Subject find_subject(const std::string &table);

// The tables to go through, without `last`. Raises 42809 for what cannot be updated so, 22023 for a key that is written and for pages without a WHERE clause.
std::vector<Target> find_targets(const Subject &subject, const script::Backfill &order);

// As the journal keeps them.
std::string to_json(const std::vector<Target> &targets);
std::vector<Target> targets_in(const std::string &json);

// What a table is called now; raises 55000 when it is gone.
std::string name_now(const Target &target);

} // namespace mg::deploy
