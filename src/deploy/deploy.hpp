// Applies, rolls back and gives up migrations in steps: what cannot or should not be one transaction. Everything here commits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mg::deploy {

struct Wishes
{
	std::optional<int64_t> lock_timeout_ms; // of each statement that keeps others waiting while it waits
	std::optional<int> retries;             // of a step that a lock has kept from running
	std::optional<int64_t> deadline_ms;     // from now on, for all of it
};

// Applies one migration, or all pending ones, each after those that it requires. Waits until no other session deploys or applies.
void deploy(const std::optional<std::string> &name, const Wishes &wishes);

// Goes on with a deployment or a rollback that was interrupted.
void resume(const std::string &name, const Wishes &wishes);

// Undoes what an interrupted deployment has done, by the down script as far as it applies and else by dropping what it made.
void abort(const std::string &name, const Wishes &wishes);

// Rolls an applied migration back.
void roll_back(const std::string &name, const std::string &reason, const Wishes &wishes);

} // namespace mg::deploy
