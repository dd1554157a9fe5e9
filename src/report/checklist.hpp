// What has to be done before, during and after a migration, and what of it is done.
#pragma once

#include <string>
#include <vector>

#include "pg/query.hpp"

namespace mg::report {

// Rows of mg_checklist(): stage, item, task, done, by, evidence; done is NULL for what is not asked for here or not on record. Verifies an
// applied migration. Raises MG004 for a migration that nobody registered.
std::vector<pg::Row> checklist(const std::string &migration);

// Puts on record that somebody answers for an item that the database cannot know; void when a script changes, or the migration is
// rolled back. Raises 42501 without the right, 22023 for another item, MG004 for no migration, MG406 for what comes after it while it is
// not applied.
void sign(const std::string &migration, const std::string &item, const std::string &note);

} // namespace mg::report
