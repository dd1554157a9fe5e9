// Applies, rolls back and verifies migrations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "migrate/migration.hpp"

namespace mg::migrate {

// What mg_apply and mg_rollback answer.
struct Outcome
{
	std::string migration;
	std::string status; // applied, skipped, rolled back
	int64_t duration_us = 0;
	int statements = 0;
	int objects = 0;
	std::optional<std::string> risk;
	std::string checksum;
	std::optional<int64_t> run_id;
};

// What mg_register answers.
struct Registered
{
	std::string migration;
	std::string status; // pending, applied
	std::string checksum;
	std::optional<std::string> risk; // nothing once it is applied
	int findings = 0;
	int approvals_needed = 0;
};

Registered register_migration(const Request &request);

// Applies a migration that is handed in, or a registered one when it has no up script; all or nothing.
Outcome apply(const Request &request);

// Takes the present schema as the starting point: a migration without statements, applied, with all objects expected as they are.
Outcome baseline(const std::string &name, const std::optional<std::string> &description);

// Undoes one applied migration (nothing = the newest) by its down script; all or nothing.
Outcome roll_back(const std::optional<std::string> &name, const std::optional<std::string> &reason);

// Undoes all that were applied after `name`, newest first; all or nothing.
std::vector<Outcome> roll_back_to(const std::string &name, const std::optional<std::string> &reason);

// Rows of mg_verify: migration, check_name, object, ok, expected, actual. Nothing = every applied migration and the ledger.
std::vector<pg::Row> verify(const std::optional<std::string> &name);

} // namespace mg::migrate
