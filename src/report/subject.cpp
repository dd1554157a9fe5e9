// Looks a migration up for its checklist.
#include "report/subject.hpp"

#include "migrate/approvals.hpp"
#include "migrate/migrate.hpp"

namespace mg::report {

Subject::Subject(const migrate::Migration &which)
	: migration(which), surroundings(which, policy::Action::apply, ""), bundle(migrate::bundle_of(which))
{
	const std::optional<ledger::LastRun> last = ledger::find_last_run(which.name);

	is_applied = last.has_value() && last->applied;
	if (!is_applied)
		return;
	const std::vector<pg::Row> rows = ledger::query(
		"SELECT r.at::text, r.started_at::text, r.login_role, r.duration_us, pg_size_pretty(r.size_before),"
		" jsonb_array_length(r.locks), (SELECT e.v->>'actual' FROM jsonb_array_elements(r.evidence) e(v)"
		" WHERE e.v->>'query' = 'risk class' LIMIT 1), (SELECT count(*) FROM jsonb_array_elements(r.evidence) e(v)"
		" WHERE (e.v->>'line')::int > 0) FROM mg.run r WHERE r.installation = $1::uuid AND r.id = $2::int8",
		{last->installation, std::to_string(last->id)});
	const pg::Row &row = rows.front();
	run = {last->installation,
		   last->id,
		   row[0].value_or(""),
		   row[1].value_or(""),
		   row[2].value_or(""),
		   std::stoll(row[3].value_or("0")),
		   row[4],
		   row[5],
		   row[6],
		   row[7].value_or("0")};
}

const std::vector<pg::Row> &
Subject::verification()
{
	if (!verification_.has_value())
		verification_ = migrate::verify(migration.name);
	return *verification_;
}

const std::optional<Subject::Rehearsal> &
Subject::rehearsal()
{
	if (rehearsal_.has_value())
		return *rehearsal_;
	const pg::Cell down = migration.down.has_value() ? pg::Cell(migration.down->checksum()) : pg::Cell();
	const std::vector<pg::Row> rows = ledger::query(
		"SELECT r.id, r.at::timestamptz(0)::text, r.login_role, r.verdict, r.up_us, r.down_us FROM mg.rehearsal r"
		" WHERE r.checksum = $1 AND r.down_checksum IS NOT DISTINCT FROM $2 AND r.installation = (SELECT installation"
		" FROM mg.current) AND r.at <= coalesce($3::timestamptz, clock_timestamp()) ORDER BY r.at DESC, r.id DESC "
		"LIMIT "
		"1",
		{migration.up.checksum(), down, until()});

	rehearsal_.emplace();
	if (!rows.empty())
	{
		const pg::Row &row = rows.front();
		Rehearsal found = {
			row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3].value_or(""), row[4], row[5], ""};
		/* What the schema has become since matters only while it is still to be applied. */
		if (!is_applied)
			if (std::optional<policy::Rehearsed> newest = surroundings.rehearsed())
				found.stale = newest->stale.value_or("");
		*rehearsal_ = std::move(found);
	}
	return *rehearsal_;
}

} // namespace mg::report
