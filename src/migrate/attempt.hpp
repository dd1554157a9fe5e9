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
	bool is_new = false; // nobody knew the migration before, so that nobody can have acted in its name

	// Records that go along with that of a run that fails: the scripts and the registration that the error undoes.
	ledger::Parcel with_failure;

	// Does what comes before the run; an error that leaves it is put on record as `run` does, with the outcome refused.
	void guard(const std::function<void()> &work);

	// Runs `work` as this attempt: an error that leaves it is put on record by a background worker and goes on.
	void run(const std::function<void(capture::Run &)> &work);

	// Writes the record of success; `run` has just ended.
	void succeed(const std::string &outcome, capture::Run &run);

	// The number of the run, once it has begun.
	int64_t id() const { return id_; }
	// What the caller is told of a success.
	Outcome outcome(const std::string &status) const;

private:
	ledger::Fields fields(const std::string &outcome) const;
	std::vector<drift::Alteration> take_state(const capture::Run &run,
											  const std::vector<capture::RunObject> &objects) const;
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
