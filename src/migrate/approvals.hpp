// Approvals, and what other environments and people say of a migration.
#pragma once

#include <string>
#include <vector>

#include "migrate/migration.hpp"
#include "policy/gates.hpp"

namespace mg::migrate {

// The checksum of everything that a migration consists of: approvals and attestations are of that, and void when any of it changes.
std::string bundle_of(const Migration &migration);

// Keeps what somebody or another database has said, as JSON.
// The approvals that count.
std::vector<policy::Approval> approvals_of(const std::string &migration, const std::string &bundle);
// The attestations of other environments that were accepted here.
std::vector<policy::Promotion> promotions_of(const std::string &migration, const std::string &bundle);

// Approves of a registered migration as it is, or takes that back. Raises 42501 without the right, 22023 for no kind, MG004 for no
// migration, MG408 for one's own.
void approve(const std::string &name, const std::string &kind, const std::string &note, bool given);

// How many approvals the policy asks for that are not there.
int approvals_needed(const Migration &migration);

// Says, for another environment, that a migration is applied and verified here: one line of JSON with its hash. Raises MG406 when it is not
// applied, MG402 when its verification fails, 55000 when nobody has said which environment this is.
std::string attest(const std::string &name);
// Takes such a word of another environment as evidence. Raises 42501 without the right approve:promotion, 22023 for what is none.
void accept_attestation(const std::string &attestation);

// Puts a backup on record. Raises 22023 for a time to come.
void record_backup(const std::string &label, const std::string &location, const pg::Cell &taken_at);

} // namespace mg::migrate
