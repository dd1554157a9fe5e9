// How fast a backfill may go, and how far it has come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pg/settings.hpp"

namespace mg::deploy {

// What the policy says.
struct BackfillPolicy
{
	int batch_ms;
	int rest_percent;
	int replica_lag_s; // below 0: none
	int dead_percent;  // 0: none
	bool triggers;
};
BackfillPolicy backfill_policy();

// How many rows a batch takes: as many as fit into the time that it is meant to take.
class BatchSize
{
public:
	BatchSize(std::optional<int> fixed, int goal_ms);

	int64_t rows() const { return rows_; }
	// A batch has taken so long; `others_waited` for a row of it.
	void adapt(int64_t us, bool others_waited);
	// A batch was undone.
	void halve();

private:
	void set(double rows);

	int64_t rows_;
	bool fixed_;
	int64_t goal_us_;
};

// Tells the client every ten seconds. What was passed are rows, changed or not, by the estimate of all.
class BackfillProgress
{
public:
	BackfillProgress(std::string what, double total, double passed, int64_t rows);

	void tell(double passed, int64_t rows);
	// Why it does not go on, at most every ten seconds.
	void tell_waiting(const std::string &why);
	// What this run has done.
	void tell_end(int64_t rows, int64_t batches) const;

private:
	int64_t elapsed_us() const;
	bool is_due();

	std::string what_;
	double total_;
	double passed_before_;
	int64_t rows_before_;
	int64_t began_us_;
	int64_t told_us_;
};

// Waits while a replica is further behind. Not within transact().
void wait_for_replicas(int limit_s, BackfillProgress &progress);

} // namespace mg::deploy
