// Reads the policy, the clock and the server's statistics of replicas.
#include "deploy/backfill_pace.hpp"

#include <algorithm>

#include "capture/frame.hpp"
#include "deploy/transact.hpp"
#include "ledger/store.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"

namespace mg::deploy {

namespace {

constexpr int64_t first_rows = 1000;
constexpr double fewest_rows = 100;
constexpr double most_rows = 100000;
constexpr int64_t telling_us = 10LL * 1000 * 1000;
constexpr int64_t replica_wait_ms = 500;

} // namespace

BackfillPolicy
backfill_policy()
{
	return {policy::milliseconds("backfill_batch_time"), policy::number("backfill_rest"),
			policy::seconds("backfill_replica_lag"), policy::number("backfill_dead_rows"),
			policy::is_on("backfill_triggers")};
}

BatchSize::BatchSize(std::optional<int> fixed, int goal_ms)
	: rows_(fixed.value_or(first_rows)), fixed_(fixed.has_value()), goal_us_(std::max<int64_t>(goal_ms, 1) * 1000)
{
}

void
BatchSize::set(double rows)
{
	if (!fixed_)
		rows_ = static_cast<int64_t>(std::clamp(rows, fewest_rows, most_rows));
}

void
BatchSize::adapt(int64_t us, bool others_waited)
{
	const double factor =
		others_waited ? 0.5 : static_cast<double>(goal_us_) / static_cast<double>(std::max<int64_t>(us, 1));

	set(static_cast<double>(rows_) * std::clamp(factor, 0.5, 2.0));
}

void
BatchSize::halve()
{
	set(static_cast<double>(rows_) / 2);
}

BackfillProgress::BackfillProgress(std::string what, double total, double passed, int64_t rows)
	: what_(std::move(what)), total_(total), passed_before_(passed), rows_before_(rows), began_us_(capture::clock_us()),
	  told_us_(began_us_)
{
}

int64_t
BackfillProgress::elapsed_us() const
{
	return capture::clock_us() - began_us_;
}

bool
BackfillProgress::is_due()
{
	const int64_t now = capture::clock_us();

	if (now - told_us_ < telling_us)
		return false;
	told_us_ = now;
	return true;
}

void
BackfillProgress::tell(double passed, int64_t rows)
{
	if (!is_due())
		return;
	const auto us = static_cast<double>(elapsed_us());
	const double here = passed - passed_before_;
	const auto rate = static_cast<int64_t>(static_cast<double>(rows - rows_before_) * 1e6 / us);
	std::string said = what_ + ": " + std::to_string(rows) + " rows changed";

	if (total_ > 0)
		said += ", about " + std::to_string(std::min(99, static_cast<int>(100 * passed / total_))) + " %";
	said += ", " + std::to_string(rate) + " rows a second";
	if (here > 0 && total_ > passed)
		said += ", about " + pg::span_text(static_cast<int64_t>(us * (total_ - passed) / here / 1e6) * 1000 * 1000) +
				" left";
	pg::report(NOTICE, UserError("00000", said));
}

void
BackfillProgress::tell_end(int64_t rows, int64_t batches) const
{
	pg::report(NOTICE, UserError("00000", what_ + " has ended: " + std::to_string(rows) + " rows changed in " +
											  std::to_string(batches) + " batches, " + pg::span_text(elapsed_us())));
}

void
BackfillProgress::tell_waiting(const std::string &why)
{
	if (is_due())
		pg::report(NOTICE, UserError("00000", what_ + " waits: " + why));
}

namespace {

// The replica that is furthest behind, and by how much.
struct Behind
{
	std::string name;
	double seconds = 0;
};

Behind
furthest_behind()
{
	Behind result;

	transact([&] {
		const std::vector<pg::Row> rows = ledger::query(
			"SELECT coalesce(nullif(r.application_name, ''), r.pid::text), extract(epoch FROM r.replay_lag)"
			" FROM pg_stat_replication r WHERE r.replay_lag IS NOT NULL ORDER BY r.replay_lag DESC LIMIT 1");
		if (!rows.empty())
			result = {rows[0][0].value_or("?"), std::stod(*rows[0][1])};
	});
	return result;
}

} // namespace

void
wait_for_replicas(int limit_s, BackfillProgress &progress)
{
	for (;;)
	{
		const Behind behind = furthest_behind();
		if (behind.seconds <= limit_s)
			return;
		progress.tell_waiting("replica " + behind.name + " is " +
							  pg::span_text(static_cast<int64_t>(behind.seconds * 1e6)) + " behind");
		pg::sleep_ms(replica_wait_ms);
	}
}

} // namespace mg::deploy
