// What the ledger knows of migrations.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/graph.hpp"
#include "ledger/store.hpp"

namespace mg::ledger {

// The newest registration of a migration; scripts by their checksums.
struct Registration
{
	std::string migration;
	std::string up;
	std::optional<std::string> down;
	std::optional<std::string> verify;
	std::optional<std::string> precondition;
	std::vector<std::string> requirements;
};
std::optional<Registration> find_registration(const std::string &migration);

// The last thing that happened to a migration: applied or rolled back; nothing when neither ever did.
struct LastRun
{
	std::string installation;
	int64_t id;
	bool applied;
	std::string checksum;
};
std::optional<LastRun> find_last_run(const std::string &migration);
bool is_applied(const std::string &migration);

// The receipt of the newest rehearsal of an up script together with a down script.
struct Receipt
{
	int64_t id;
	std::string installation;
	std::string verdict;
	std::string at;
	std::optional<std::string> stale; // why, if it is
	std::optional<int64_t> down_us;
};
std::optional<Receipt> newest_receipt(const std::string &checksum, const std::optional<std::string> &down_checksum);

// Registered and never applied, in the order of mg.status.
std::vector<std::string> pending_migrations();
// The applied migrations, newest first.
std::vector<std::string> applied_migrations();
// Those applied after `migration`, newest first.
std::vector<std::string> applied_after(const std::string &migration);

// The text and token hash of a kept script.
struct Kept
{
	std::string body;
	std::string token_hash;
};
Kept read_script(const std::string &checksum);

// Keeps a script unless its checksum is kept already.
void keep_script(const std::string &checksum, const std::string &token_hash, int algorithm, const std::string &body);

// Who requires whom, of the newest registration of every migration.
Requirements all_requirements();

// Migrations whose version has this sort key, under another name.
std::vector<std::string> others_with_version(const std::string &sort_key, const std::string &migration);
// The highest version among applied migrations; empty when none has one.
std::string newest_applied_version();
// The highest version among registered migrations.
std::string newest_version();
// The time of the next run that changes the schema: now, but later than any before, whatever the clock does. Right only
// under the lock that lets one run at a time.
std::string next_run_time();

} // namespace mg::ledger
