// Pictures of some objects, and how two sets of them differ.
#pragma once

#include <vector>

#include "core/picture.hpp"
#include "schema/schema.hpp"

namespace mg::drift {

// Pictures of units and of what depends on them, by type and identity.
std::vector<Picture> pictures_of(const schema::Scope &scope, const std::vector<schema::Address> &addresses);

// What differs between two sets in that order.
std::vector<Deviation> deviations_between(const std::vector<Picture> &before, const std::vector<Picture> &after);

} // namespace mg::drift
