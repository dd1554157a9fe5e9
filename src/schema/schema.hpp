// What the database looks like: its objects, each with everything that pg_dump would write about it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/picture.hpp"
#include "pg/boundary.hpp"

namespace mg::schema {

// An object, or a part of one (a column, an index, a constraint), as the server's catalogs name it.
struct Address
{
	Oid catalog;
	Oid oid;
};

// An object that stands for itself: parts belong to theirs (columns, constraints, indexes, triggers, rules and policies to
// their table, array and row types to nobody).
struct Unit
{
	Oid catalog;
	Oid oid;
	std::string type;
	std::string identity;
};

// What to look at. Left out always: objects of the system, of extensions and temporary ones.
struct Scope
{
	std::vector<std::string> ignored_schemas; // a platform's own, by name
	bool cluster = false;                     // roles and memberships, which all databases share
};

// Tells whether a unit belongs to all databases.
bool is_cluster(const Unit &unit);

// Every unit in scope, by type and identity.
std::vector<Unit> units(const Scope &scope);

// The units in scope among those to which these addresses belong; what is gone or out of scope is left out.
std::vector<Unit> units_of(const Scope &scope, const std::vector<Address> &addresses);

// Tells whether objects of a catalog can be units.
bool has_units(Oid catalog);

// The units in scope whose picture may name one of these, because they depend on them; and those whose catalog rows bear a mark
// of relations like these or, on which nothing depends yet, like the new ones: tables of foreign keys, and parents.
std::vector<Unit> dependants_of(const Scope &scope, const std::vector<Address> &addresses,
								const std::vector<Address> &made = {});

// The objects to which parts that are gone by now belonged, as a snapshot taken before saw them.
std::vector<Address> owners_before(const std::vector<Address> &addresses, Snapshot snapshot);

// Reads pictures of units, in their order, and hands each over sorted. In batches, so that memory does not grow with the
// schema. The same schema gives the same pictures whatever the OIDs, the search_path, the locale or the role that asks.
using Sink = std::function<void(const Unit &unit, const Picture &picture)>;
void read(const std::vector<Unit> &units, const Sink &sink);

// Catalog rows in scope of which no reader tells, as they are not among the units: type and identity, to be reported and not
// skipped in silence.
std::vector<std::pair<std::string, std::string>> unmodelled(const Scope &scope, const std::vector<Unit> &units);

} // namespace mg::schema
