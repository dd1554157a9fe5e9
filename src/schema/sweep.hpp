// Which objects may have changed: from the versions of their catalog rows, without reading what the rows say.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "schema/schema.hpp"

namespace mg::schema {

struct AddressHash
{
	size_t operator()(const std::pair<Oid, Oid> &key) const
	{
		return (static_cast<size_t>(key.first) << 32) ^ key.second;
	}
};

// A sum over the row versions (where a row lies and which transaction wrote it) of everything that belongs to a unit. Equal sums
// mean that not one of its rows was inserted, updated or deleted since, as long as fewer than 2^31 transactions
// went by; unequal ones that its picture must be looked at. Keyed by (catalog, oid) of the unit.
using Versions = std::unordered_map<std::pair<Oid, Oid>, uint64_t, AddressHash>;

// The sums of every unit of this database that is neither the system's nor an extension's, in one pass over the catalogs.
// Schemas that are ignored are in it too. As a snapshot sees them, or as they are now.
Versions versions(Snapshot snapshot = nullptr);

// The same for some units only, by index.
Versions versions_of(const std::vector<Unit> &units, Snapshot snapshot = nullptr);

} // namespace mg::schema
