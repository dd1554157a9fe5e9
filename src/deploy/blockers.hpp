// Who keeps a deployment waiting.
#pragma once

#include <string>
#include <vector>

#include "pg/wait.hpp"

namespace mg::deploy {

struct Blocker
{
	int pid = 0; // 0: a prepared transaction
	std::string role;
	std::string application;
	std::string state;
	std::string transaction_age; // empty: none, or not to be seen
	std::string statement;       // as far as the caller may see it
	std::string json;            // all of that and more, for the record
	std::string ended;           // cancelled, terminated; empty: left alone

	// pid 123 (alice, psql, idle in transaction for 00:05:00)
	std::string title() const;
};
using Blockers = std::vector<Blocker>;

// Who holds a lock that this session has waited for in vain; nobody if they are gone by now.
Blockers holders_of(const pg::Awaited &awaited);

// For whom another process waits now.
Blockers blockers_of(int pid);

// The transactions of other sessions that a statement with CONCURRENTLY on a table would have to wait for: those that write to it, and those
// whose snapshot is as old.
Blockers transactions_before(Oid table);

// Ends those that the policy end_blockers does not let keep a deployment waiting any longer, with the caller's rights: what they do is cancelled,
// or they are terminated where they do nothing. A refusal is a warning.
void end_some(Blockers &blockers);

// [{"pid": ..., ...}, ...]
std::string to_json(const Blockers &blockers);
std::string list_of(const Blockers &blockers);

} // namespace mg::deploy
