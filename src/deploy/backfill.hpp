// UPDATE of a large table in batches, each in a transaction of its own, that goes on where it ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "deploy/patience.hpp"
#include "ledger/journal.hpp"
#include "pg/settings.hpp"
#include "script/backfill.hpp"

namespace mg::deploy {

// In all runs of it.
struct BackfillResult
{
	int64_t rows;
	int64_t batches;
};

// Runs batches until done, as the caller, each in a transaction of its own with these settings, and journals them as events `batch` of the step, after one
// `planned`; goes on behind the last one on record. Locks that are not to be had, deadlocks and serialization failures are tried again, and journalled as `blocked`.
// Raises 42809, 22023, 57014 after the deadline, and whatever the UPDATE raises: its batch is undone alone. Not within deploy::transact().
BackfillResult run_backfill(const ledger::Deployment &deployment, int step, const script::Backfill &order,
							const pg::Settings &settings, const Patience &patience);

// The same by itself: begins a deployment of action `backfill`, or resumes the one of the same text that has not ended. Raises 55P03 while another session runs it.
void backfill(const script::Backfill &order);

} // namespace mg::deploy
