// One attempt at a migration: what is measured while it runs, and the record that it leaves, whichever way it ends.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "capture/run.hpp"
#include "drift/expected.hpp"
#include "ledger/parcel.hpp"
#include "migrate/alerts.hpp"
#include "migrate/migrate.hpp"
#include "migrate/migration.hpp"
#include "migrate/runner.hpp"

namespace mg::migrate {

// What statements have done to the schema, and the locks that they took: told before their transaction ends.
struct Effects
{
	std::vector<capture::RunObject> objects;
	std::string objects_json = "[]"; // with what has become of each
	std::string locks = "[]";
	std::string rewrites = "[]";
	bool incomplete = false; // there were statements whose objects nobody tells
};

// As the records have it: "differences" is a JSON array, or empty.
std::string object_json(const capture::RunObject &object, const std::string &differences);
std::string evidence_json(const std::vector<Finding> &findings, const std::vector<Finding> &more);
// [[line, microseconds, rows], ...]
std::string timings_json(const std::vector<Timing> &timings);

class Attempt
{
public:
	// `action` is apply or roll back. Looks up whatever the record of a failure needs, because nothing can be then.
	Attempt(std::string migration, std::string action);

	Progress progress;
	std::vector<Finding> evidence;
	std::string reason;
	std::optional<std::string> risk;
	std::vector<Finding> risk_evidence; // comes last
	std::string checksum;
	std::string down_checksum;
	std::string failure_hint =
		"Nothing of the migration stays: the transaction is rolled back."; // of a check that fails
	std::string earlier_evidence; // a JSON array: what an earlier attempt at the same deployment found
	bool is_new = false;          // nobody knew the migration before, so that nobody can have acted in its name

	// Records that go along with that of a run that fails: the scripts and the registration that the error undoes.
	ledger::Parcel with_failure;

	// Does what comes before the run; an error that leaves it is put on record as `run` does, with the outcome refused.
	void guard(const std::function<void()> &work);

	// Runs `work` as this attempt: an error that leaves it is put on record by a background worker and goes on.
	void run(const std::function<void(capture::Run &)> &work);

	// The same over several transactions, each with a capture::Run of its own. begin() comes before, within a transaction: `id` is the
	// number that the run is to have.
	void begin(int64_t id);
	void run_across(const std::function<void()> &work);

	// Runs the queries of a script, if there is one, for the evidence; raises `sqlstate` for the first that does not hold.
	void require_checks(const std::optional<script::Script> &script, const char *sqlstate, const std::string &what);

	// Takes the state that a run leaves as the expected one, and tells what it was.
	Effects effects(const capture::Run &run) const;
	// Writes the record of success.
	void conclude(const std::string &outcome, const Effects &effects);
	// Both; `run` has just ended.
	void succeed(const std::string &outcome, capture::Run &run) { conclude(outcome, effects(run)); }

	// The number of the run, once it has begun.
	int64_t id() const { return id_; }
	// What the caller is told of a success.
	Outcome outcome(const std::string &status) const;

private:
	ledger::Fields fields(const std::string &outcome) const;
	std::vector<drift::Alteration> take_state(const capture::Run &run,
											  const std::vector<capture::RunObject> &objects) const;
	std::string evidence_so_far() const;
	RunEnd end(int64_t duration_us) const;
	void record_failure(const char *sqlstate, const char *message, const char *detail, const char *hint) noexcept;

	std::string migration_;
	std::string action_;
	int64_t id_ = 0;
	int64_t start_;
	int64_t duration_us_ = 0;
	int objects_ = 0;
	bool started_ = false;
	std::string started_at_;
	std::string size_before_;
	AlertPolicy alert_policy_;
	ledger::Fields session_;
	ledger::Place place_;
	std::map<unsigned int, int> locked_before_; // relation, rank of its strongest lock
};

} // namespace mg::migrate
