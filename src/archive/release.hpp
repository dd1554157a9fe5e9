// What is kept does not stand in the way of what it was made of.
#pragma once

#include "archive/losses.hpp"

namespace mg::archive {

// Columns in mg_archive of types and collations that are about to go, or to change, become text: else they would hold these, or go along.
void release(const Losses &losses);

} // namespace mg::archive
