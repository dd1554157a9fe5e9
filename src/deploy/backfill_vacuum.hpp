// The rows that a backfill leaves behind dead.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deploy/backfill_targets.hpp"

namespace mg::deploy {

// Runs VACUUM in a worker between batches and at the end; what keeps it from that is a WARNING. Neither within transact().
class BackfillVacuum
{
public:
	// `any`: rows were changed before, by a run that did not come to its end.
	BackfillVacuum(const Subject &subject, int dead_percent, pg::Settings settings, bool any);

	// A batch has changed so many rows of a table.
	void changed(const Target &target, int64_t rows);
	// With ANALYZE, of whatever was changed.
	void finish(const std::vector<Target> &targets);

private:
	bool was_vacuumed(const Target &target);
	void begin_anew();
	void analyze(const std::string &names) const;

	const Subject &subject_;
	int dead_percent_;
	pg::Settings settings_;
	Oid table_ = InvalidOid;
	int64_t dead_ = 0; // of `table_`, since the last VACUUM
	int64_t since_us_;
	bool any_;
};

} // namespace mg::deploy
