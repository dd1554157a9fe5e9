// One backfill on its way, from plan to end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deploy/backfill_batch.hpp"
#include "deploy/backfill_pace.hpp"
#include "pg/procedure.hpp"

namespace mg::deploy {

// Where it stands: behind the last batch that is on record.
struct Position
{
	std::size_t target = 0;
	KeyValues after;  // empty: at the beginning
	int64_t page = 0; // the next one
	double passed = 0;
	int64_t rows = 0;
	int64_t batches = 0;
};

// Calls attempt(number) until it raises nothing that is worth another try, or patience has come to its end. In between, calls
// blocked(number, sqlstate, message) and sleeps. Not within transact().
template <typename Attempt, typename Blocked>
void
patiently(const Patience &patience, Attempt &&attempt, Blocked &&blocked)
{
	for (int number = 1;; number++)
	{
		std::string sqlstate;
		std::string message;
		try
		{
			return attempt(number);
		}
		catch (const pg::Error &error)
		{
			if (!is_worth_a_try(error.data()) || number > patience.retries || is_over(patience.deadline))
				throw;
			sqlstate = unpack_sql_state(error.data().sqlerrcode);
			message = error.what();
		}
		blocked(number, sqlstate, message);
		pg::sleep_ms(backoff_ms(number));
	}
}

class BackfillRun
{
public:
	BackfillRun(const ledger::Deployment &deployment, int step, const script::Backfill &order,
				const pg::Settings &settings, const Patience &patience);

	// Reads where it stands from the journal, or plans it and puts the plan there. Within transact(); waits for no lock any longer than one try may.
	void prepare();
	// Runs the batches that are left. Not within transact().
	BackfillResult go();

private:
	struct Done
	{
		Position position;
		int64_t us = 0;
		bool others_waited = false;
		double load = 0; // of others
	};

	ledger::JournalEntry entry(const char *event) const;
	void plan();
	void read_position();
	void announce() const;
	void apply_settings() const;
	Done batch(int64_t rows, int attempt) const;
	bool find_range(const Statements &statements, int64_t rows, Range &range, Position &next) const;
	Done batch_with_patience();
	void record_blocked(const std::string &sqlstate, const std::string &error, int attempt) const;
	bool is_empty(const Target &target) const;
	double total_rows() const;

	const ledger::Deployment &deployment_;
	const int step_;
	const script::Backfill &order_;
	const pg::Settings &settings_;
	const Patience &patience_;
	Subject subject_;
	BackfillPolicy policy_{};
	std::vector<Target> targets_;
	Position position_;
	bool is_resumed_ = false;
	BatchSize size_;
};

} // namespace mg::deploy
