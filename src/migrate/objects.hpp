// The objects that runs have on record, and what of them must be there now.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "capture/run.hpp"
#include "drift/expected.hpp"
#include "pg/query.hpp"

namespace mg::migrate {

struct RecordedObject
{
	std::string migration;
	std::string type;
	std::string identity;
	std::string was;    // its identity before the run renamed it, else empty
	std::string change; // created, changed, dropped
	std::string catalog;
	std::vector<std::string> names; // as pg_get_object_address() takes them
	std::vector<std::string> arguments;
	Oid oid; // InvalidOid when another installation or another major of the server recorded it
	int column;

	std::string title() const { return type + " " + identity; }
	std::string key() const { return catalog + " " + std::to_string(oid) + " " + std::to_string(column); }
};

std::vector<RecordedObject> objects_of_run(const std::string &installation, int64_t run);

// Goes through all successful runs in their order: what they created and did not drop again must be there.
std::vector<RecordedObject> expected_objects();

// Gives the identity under which an object is there now, or nothing. One of this installation is known by its OID
// whatever it is called; with `by_name_too` also one that was dropped and made again under the same name.
std::optional<std::string> find_object(const RecordedObject &object, bool by_name_too);

// What a run that is about to end did to the schema, with its objects resolved.
drift::Change change_of(const capture::Run &run, const std::vector<capture::RunObject> &objects);

} // namespace mg::migrate
