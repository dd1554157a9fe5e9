// What the schema must look like: the state that each governed run left behind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/schema.hpp"
#include "schema/sweep.hpp"

namespace mg::drift {

// What policy leaves out, and whether roles belong to it (settings ignored_schemas and drift_scope).
schema::Scope scope();

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
std::vector<Expected> load_all();
// What is expected of some objects, whole.
std::vector<Expected> load(const std::vector<schema::Address> &addresses);

// What a run did to the schema.
struct Change
{
	std::vector<schema::Address> touched; // still there or dropped
	std::vector<schema::Address> made;    // those among them that were not there before
	bool incomplete = false;              // there were statements whose objects nobody tells
	Snapshot before = nullptr;            // how things were when it began
	int64_t run = 0;
};

// Takes the state that a run leaves as the expected one: what it touched, and what depends on that. Warns of objects that
// had been changed by hand before.
void take(const Change &change);

// Takes the live state of all objects, or of some units, as expected.
void take_all(std::optional<int64_t> run);
void take_units(const std::vector<schema::Unit> &units, const std::vector<schema::Address> &gone);
// Says that the names of roles, which are part of the text of everything that has an owner, are the expected ones: only when nothing differs.
void take_role_names();
// Expects a unit to look like this, whatever it looks like now.
void take_picture(const schema::Unit &unit, const Picture &picture);

} // namespace mg::drift
