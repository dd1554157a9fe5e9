// Asks receipts and runs.
#include "migrate/pace.hpp"

#include <cmath>

#include "ledger/history.hpp"
#include "pg/text.hpp"

namespace mg::migrate {

namespace {

/* Bytes of the table in a microsecond: round and cautious, until a rehearsal here has measured its own. */
double
common_rate(lint::Work work)
{
	switch (work)
	{
		case lint::Work::scan:
			return 500;
		case lint::Work::rewrite:
			return 100;
		case lint::Work::build:
			return 100;
		case lint::Work::none:
			break;
	}
	return 0;
}

} // namespace

Pace
pace()
{
	Pace result;
	std::vector<pg::Row> rows = ledger::query(
		"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x.real / x.rehearsed), count(*) FROM (SELECT"
		" (SELECT sum((t->>1)::float8) FROM jsonb_array_elements(r.timings) t) AS real, h.rehearsed"
		" FROM mg.run r CROSS JOIN LATERAL (SELECT (SELECT sum((s->>'duration_us')::float8)"
		" FROM jsonb_array_elements(h.steps) s) AS rehearsed FROM mg.rehearsal h WHERE h.installation = r.installation"
		" AND h.checksum = r.checksum AND h.id < r.id AND h.steps->0->>'phase' = 'up'"
		" AND NOT h.steps @> '[{\"partial\": true}]' ORDER BY h.id DESC LIMIT 1) h"
		" WHERE r.outcome = 'applied' AND r.action = 'apply' AND h.rehearsed >= 10000"
		" AND r.installation = (SELECT installation FROM mg.current) ORDER BY r.at DESC LIMIT 20) x WHERE x.real > 0");
	if (rows[0][0].has_value())
	{
		result.factor = std::stod(*rows[0][0]);
		result.runs = std::stoll(*rows[0][1]);
	}
	rows = ledger::query(
		"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (s->>'bytes')::float8 / (s->>'duration_us')::float8)"
		" FROM mg.rehearsal r, jsonb_array_elements(r.steps) s WHERE (s->>'bytes')::float8 >= $1::float8"
		" AND (s->>'duration_us')::float8 > 0 AND r.installation = (SELECT installation FROM mg.current)",
		{std::to_string(telling_bytes)});
	if (rows[0][0].has_value())
		result.bytes_per_us = std::stod(*rows[0][0]);
	return result;
}

Duration
time_for(lint::Work work, int64_t bytes, const Pace &pace)
{
	const bool measured = pace.bytes_per_us > 0;
	const double rate = measured ? pace.bytes_per_us : common_rate(work);
	const double us = rate > 0 ? static_cast<double>(bytes) / rate : 0;

	return {std::llround(us * pace.factor),
			pg::size_text(bytes) + " at " + pg::size_text(static_cast<int64_t>(rate * 1e6)) + "/s, " +
				(measured ? "as rehearsals here have measured" : "a common rate: no rehearsal here has measured it")};
}

} // namespace mg::migrate
