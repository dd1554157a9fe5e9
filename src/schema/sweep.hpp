// Which objects may have changed: told by the versions of their catalog rows, without reading what the rows say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/schema.hpp"

namespace mg::schema {

// A unit and the sum over the versions of all rows that belong to it. A row's version is where it lies and which transaction
// wrote it; neither freezing nor the server's updates in place change that. Of pg_class it is what the row says of the relation,
// since TRUNCATE, CLUSTER, VACUUM FULL and REINDEX write rows for other files. Equal sums mean that no row was inserted,
// updated or deleted since, as long as fewer than 2^31 transactions went by; unequal ones that the unit must be looked at again.
// What other units' rows say, such as the name of a column's type, is not in it: for that there is dependants_of().
struct Version
{
	Oid catalog;
	Oid oid;
	uint64_t sum;
};

// Sorted by catalog and OID, so that two of them can be merged.
using Versions = std::vector<Version>;

// Reads every catalog once, as of one moment: what the snapshot sees, or what a statement that began now would see. Has each unit of this database, of
// roles and of tablespaces that is neither the system's, an extension's nor temporary, whatever its schema, and beyond those:
// (pg_extension, oid)       with everything that is a member of the extension; of this extension's own members nothing
// (pg_database, own oid)    with all objects of the system, since their privileges can be changed
// (pg_authid, 0)            all roles, whose names are everywhere
Versions versions(Snapshot snapshot = nullptr);

// The same sums for some units only, by index. What is no unit, or is gone, is left out.
Versions versions_of(const std::vector<Unit> &units, Snapshot snapshot = nullptr);

// What is in only one of two sums, or has another sum in each.
std::vector<Address> changed_between(const Versions &before, const Versions &after);

// One text for all of versions(): changes with every change of the schema, whatever it is, and with dump and restore.
std::string fingerprint_of(const Versions &versions);

// The version of a unit, or nullptr.
const Version *find(const Versions &versions, Oid catalog, Oid oid);

} // namespace mg::schema
