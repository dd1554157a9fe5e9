// What the schema must look like: the state that each governed run left behind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/picture.hpp"
#include "drift/rows.hpp"

namespace mg::drift {

// What policy leaves out, and whether roles belong to it (settings ignored_schemas and drift_scope).
schema::Scope scope();

// What a run did to the schema.
struct Change
{
	std::vector<schema::Address> touched; // still there or dropped
	std::vector<schema::Address> made;    // those among them that were not there before
	bool incomplete = false;              // there were statements whose objects nobody tells
	Snapshot before = nullptr;            // how things were when it began
	int64_t run = 0;
};

// How an object that a run touched differs from what was expected of it before.
struct Alteration
{
	Oid catalog;
	Oid oid;
	std::vector<Deviation> differences;
};

// Takes the state that a run leaves as the expected one: what it touched, and what depends on that. Warns of objects that
// had been changed by hand before. Tells what has become of those that it touched, if they were there before.
std::vector<Alteration> take(const Change &change);

// Takes the live state of all objects, or of some units, as expected.
void take_all(std::optional<int64_t> run);
// Warns of units that differ from what is expected of them before something is about to change them.
void warn_of_drift(const std::vector<schema::Unit> &units);
void take_units(const std::vector<schema::Unit> &units, const std::vector<schema::Address> &gone);
// Says that the names of roles, which are part of the text of everything that has an owner, are the expected ones: only when nothing differs.
void take_role_names();
// Expects a unit to look like this, whatever it looks like now.
void take_picture(const schema::Unit &unit, const Picture &picture);

} // namespace mg::drift
