// What of a run somebody should know of, and what of it others want to hear.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/run.hpp"
#include "ledger/alert.hpp"
#include "pg/watchdog.hpp"

namespace mg::migrate {

// What the policy says of alerts; read before a run, because a failed transaction can look nothing up.
struct AlertPolicy
{
	int64_t warning_us = 0;
	int64_t alarm_us = 0;
	std::string environment;
	bool is_production = false;
};
AlertPolicy alert_policy();

// A run that has ended.
struct RunEnd
{
	std::string migration;
	std::string action; // apply, roll back, baseline
	int64_t duration_us = 0;
	std::string reason; // of a rollback
	std::string phase;  // of a failed one, with the next three
	int line = 0;
	std::string sqlstate;
	std::string error;
};
std::vector<ledger::Alert> alerts_of_success(const AlertPolicy &policy, const RunEnd &end, int64_t run);
std::vector<ledger::Alert> alerts_of_failure(const AlertPolicy &policy, const RunEnd &end);

// What a run that goes on for too long is watched for: the worker's parcels.
std::vector<pg::Task> alerts_while_running(const AlertPolicy &policy, const std::string &migration,
										   const std::string &action, const ledger::Fields &session);

// Tells logical decoding (prefix migration_governance) and NOTIFY mg_schema_changes what a run changed, when it commits.
void tell_of_change(const AlertPolicy &policy, const RunEnd &end, int64_t run,
					const std::vector<capture::RunObject> &objects);

} // namespace mg::migrate
