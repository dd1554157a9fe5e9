// From the server's own list of sessions.
#include "deploy/load.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "deploy/transact.hpp"
#include "ledger/store.hpp"

namespace mg::deploy {

double
load_of_others()
{
	const auto processors = static_cast<double>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
	const pg::Cell count =
		ledger::query_cell("SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'client backend'"
						   " AND a.pid <> pg_backend_pid() AND a.wait_event_type IS DISTINCT FROM 'Lock'"
						   " AND (a.state = 'active' OR a.state_change > clock_timestamp() - interval '1s')");

	return std::min(1.0, std::stod(count.value_or("0")) / processors);
}

pg::Settings
leaving_room(const pg::Settings &settings)
{
	pg::Settings result = settings;

	transact([&] {
		const pg::SettingsScope scope;
		pg::apply(settings);
		if (load_of_others() == 0)
			return;
		for (const pg::Row &row : ledger::query(
				 "SELECT v.name, v.value FROM (VALUES ('max_parallel_maintenance_workers', '0'),"
				 " ('vacuum_cost_delay', '1'), ('vacuum_cost_limit', '1000')) v (name, value)"
				 " JOIN pg_settings s ON s.name = v.name WHERE s.source IN ('default', 'configuration file')"))
			result.emplace_back(*row[0], *row[1]);
	});
	return result;
}

int64_t
rest_ms(int64_t worked_us, int percent, double load)
{
	return std::llround(static_cast<double>(worked_us) / 1000 * percent / 100 * load);
}

} // namespace mg::deploy
