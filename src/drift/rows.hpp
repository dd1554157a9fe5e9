// The rows of mg.object, read and written without SQL: each migration has a few, and planning and running a query takes longer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/picture.hpp"
#include "schema/schema.hpp"
#include "schema/sweep.hpp"

namespace mg::drift {

// What is expected of one object.
struct Expected
{
	Oid catalog;
	Oid oid;
	uint64_t versions;
	uint64_t xid;
	bool own; // recorded by this installation on this major: OIDs and versions mean something
	std::string type;
	std::string identity;
	std::string at;
	std::string definition; // JSON of its picture
};

// The picture that its definition is of.
Picture picture_of(const Expected &expected);

enum class Wanted
{
	all,
	sums // all but the definition
};

// The sums of catalog rows that were recorded with what is expected; `own` is false if even one of them was recorded by another
// installation or another major. Raises 55000 when the extension's tables are of an older version.
struct Recorded
{
	std::vector<schema::Version> versions; // sorted as schema::Versions are
	uint64_t oldest_xid;
	bool own;
};
Recorded recorded();

// Everything expected; of other installations only where this one has nothing under the same type and identity.
std::vector<Expected> find_all_rows();

// What this installation expects of some objects.
std::vector<Expected> find_rows(const std::vector<schema::Address> &addresses, Wanted wanted);

// Writes what is expected of a unit, instead of what was expected of it or of another one of the same type and identity. Whoever
// writes another row meanwhile waits for the end of this transaction.
void write_row(const schema::Unit &unit, const std::string &definition, uint64_t versions, std::optional<int64_t> run);

// Removes what is expected of some objects, and what other installations expect under the same type and identity.
void remove_rows(const std::vector<schema::Address> &addresses);

// Removes everything.
void remove_all_rows();

} // namespace mg::drift
