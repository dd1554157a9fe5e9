// Takes a script through its steps, each in transactions of its own and on record before and after: whoever comes after an interruption goes on
// with the first that is not done.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "deploy/alone.hpp"
#include "deploy/blockers.hpp"
#include "deploy/patience.hpp"
#include "deploy/undoing.hpp"
#include "ledger/journal.hpp"
#include "migrate/attempt.hpp"
#include "script/steps.hpp"

namespace mg::deploy {

class Deployer
{
public:
	// All outlive it.
	Deployer(const ledger::Deployment &deployment, const script::Script &script, migrate::Attempt &attempt,
			 Patience patience);

	// Undoes as many steps of another script of the same deployment: its own are numbered from `offset` on, behind those, and statements that
	// have nothing to undo are passed over.
	Deployer(const ledger::Deployment &deployment, const script::Script &script, migrate::Attempt &attempt,
			 Patience patience, int undone, int offset);

	// Runs the steps that are not done. What stops it is on record when it is raised; the deployment stays open.
	void run();

	// Removes what the first step that is not done has left behind, or finds that it is done; for who does not go on.
	void settle();

	// Drops objects in the order that works, as the step behind the last. Gives those that it could not drop.
	std::vector<capture::RunObject> drop(const std::vector<capture::RunObject> &objects);

	int step_count() const { return static_cast<int>(steps_.size()); }

private:
	void run_step(int number);
	void end_script();
	void run_transaction(int number, int attempt);
	void transact_watched(const std::function<void()> &work); // with the lock_timeout, noting who is in the way
	void run_alone(int number, int attempt);
	void run_tolerantly(std::size_t i, capture::Run &run);
	bool has_nothing_to_undo(const pg::Error &error, const script::Statement &statement) const;
	Alone prepare_alone(int number, int attempt, Before &before, Leftover &leftover);
	void run_part(const std::string &sql);
	void run_partitioned(int number, int attempt, const Alone &alone, const Before &before);
	void remove_partitioned(int number, const Alone &alone, const Before &before);
	void remove_leftover(int number, int attempt, const Leftover &leftover);
	void finish_alone(int number, const Alone &alone, const Before &before);
	void run_backfill(int number);
	void run_in_worker(int number, int attempt, const std::string &sql, bool is_weak, Oid table);
	void end_orphan();
	void analyze_expressions();
	void require_time(int number) const; // raises 57014 behind the deadline
	void report_progress(int number) const;
	void wait_for_transactions(int number, Oid table);
	void try_step(int number, const std::function<void(int)> &once);
	void done(int number, const migrate::Effects &effects, const pg::Settings &settings);
	void note(const std::string &event, int number, int attempt, const pg::Error *error, const Blockers &blockers);
	ledger::JournalEntry entry(const std::string &event, int number) const;
	const script::Statement &statement(int number) const; // the first that is run
	std::string title(int number) const;
	std::string summary(int number) const;
	void apply_lock_timeout(bool is_weak) const;

	const ledger::Deployment &deployment_;
	const script::Script &script_;
	migrate::Attempt &attempt_;
	Patience patience_;
	int undone_ = 0;
	std::optional<Undoing> undoing_;
	int offset_ = 0;
	std::vector<script::Step> steps_;
	pg::Settings carried_; // what the steps before have SET
	Blockers blockers_;    // of the last try
	bool was_tried_ = false;
	int64_t step_start_ = 0;
};

// What a deployment's steps have done together, and what they cost.
struct Sum
{
	migrate::Effects effects;
	std::vector<migrate::Timing> timings;
	int64_t rows = 0;
};
Sum sum_of(const ledger::Deployment &deployment, int last_step = std::numeric_limits<int>::max());

// No longer expects what is gone: of these objects of the migration somebody else may have dropped some before it was undone.
void forget_gone(const std::vector<std::pair<std::string, Oid>> &objects); // catalog, oid

// The tables on which the steps have made indexes with expressions.
std::vector<std::string> tables_with_new_expressions(const ledger::Deployment &deployment);

// What the steps so far have SET.
pg::Settings settings_left(const ledger::Deployment &deployment);

// The text that tells a worker for which run it works, and the other way round.
std::string cargo_of(const ledger::Deployment &deployment);
void begin_errand_raw(const char *cargo);

} // namespace mg::deploy
