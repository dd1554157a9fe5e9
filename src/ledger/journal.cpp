// Writes the journal and reads where a deployment stands.
#include "ledger/journal.hpp"

namespace mg::ledger {

namespace {

pg::Cell
some(const std::string &value)
{
	return value.empty() ? pg::Cell() : pg::Cell(value);
}

pg::Cell
number(int64_t value)
{
	return value == 0 ? pg::Cell() : pg::Cell(std::to_string(value));
}

Fields
fields_of(const std::string &migration, const std::string &action, const JournalEntry &entry)
{
	Fields fields = {{"migration", some(migration)},
					 {"action", action},
					 {"event", entry.event},
					 {"step", number(entry.step)},
					 {"kind", some(entry.kind)},
					 {"line", number(entry.line)},
					 {"statement", some(entry.statement)},
					 {"attempt", number(entry.attempt)},
					 {"rows", entry.rows.has_value() ? pg::Cell(std::to_string(*entry.rows)) : pg::Cell()},
					 {"duration_us", number(entry.duration_us)},
					 {"pid", std::to_string(MyProcPid)},
					 {"sqlstate", some(entry.sqlstate)},
					 {"error", some(entry.error)},
					 {"details", some(entry.details)}};

	add_session(fields);
	return fields;
}

constexpr const char *open_sql =
	"SELECT b.installation, b.id, coalesce(b.migration, ''), b.action, coalesce(b.details, '{}'),"
	" b.installation = (SELECT installation FROM mg.current)"
	" FROM mg.journal b WHERE b.event = 'begun' AND (b.migration IS NOT NULL) = $3::boolean"
	" AND ($1 IS NULL OR b.migration = $1) AND ($2 IS NULL OR b.details->>'what' = $2)"
	" AND NOT EXISTS (SELECT FROM mg.journal e WHERE e.deployment = b.id AND e.migration IS NOT DISTINCT FROM"
	" b.migration AND e.event = 'ended') ORDER BY b.at, b.id";

std::vector<Deployment>
read_open(const pg::Cell &migration, const pg::Cell &what)
{
	std::vector<Deployment> result;

	if (is_empty(Table::journal))
		return result;
	for (const pg::Row &row : query(open_sql, {migration, what, what.has_value() ? "f" : "t"}))
		result.push_back({*row[0], std::stoll(*row[1]), *row[2], *row[3], *row[4], row[5] == "t"});
	return result;
}

std::optional<Deployment>
first_of(std::vector<Deployment> found)
{
	return found.empty() ? std::nullopt : std::optional<Deployment>(std::move(found.front()));
}

} // namespace

Deployment
begin_deployment(const std::string &migration, const std::string &action, const std::string &details)
{
	Deployment deployment;
	JournalEntry entry;

	deployment.id = new_id();
	deployment.installation = pg::guarded(
		[&] { return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&place().installation))); });
	deployment.migration = migration;
	deployment.action = action;
	deployment.details = details;
	entry.event = "begun";
	entry.details = details;
	Fields fields = fields_of(migration, action, entry);
	fields.emplace_back("deployment", std::to_string(deployment.id));
	append(Table::journal, fields, deployment.id);
	return deployment;
}

void
append_journal(const Deployment &deployment, const JournalEntry &entry)
{
	Fields fields = fields_of(deployment.migration, deployment.action, entry);

	fields.emplace_back("deployment", std::to_string(deployment.id));
	append(Table::journal, fields);
}

std::optional<Deployment>
open_deployment(const std::string &migration)
{
	return first_of(read_open(migration, std::nullopt));
}

std::vector<Deployment>
open_deployments()
{
	return read_open(std::nullopt, std::nullopt);
}

std::optional<Deployment>
open_backfill(const std::string &what)
{
	return first_of(read_open(std::nullopt, what));
}

std::optional<JournalRecord>
newest_entry(const Deployment &deployment, int step, const std::string &event)
{
	std::vector<pg::Row> rows =
		query("SELECT j.event, coalesce(j.attempt, 0), j.pid, coalesce(j.details, '{}') FROM mg.journal j"
			  " WHERE j.deployment = $1::bigint AND j.installation = $2::uuid AND j.step = $3::integer"
			  " AND ($4 IS NULL OR j.event = $4) ORDER BY j.at DESC, j.id DESC LIMIT 1",
			  {std::to_string(deployment.id), deployment.installation, std::to_string(step), some(event)});

	if (rows.empty())
		return std::nullopt;
	const pg::Row &row = rows[0];
	return JournalRecord{*row[0], std::stoi(*row[1]),
						 row[2].has_value() ? std::optional<int>(std::stoi(*row[2])) : std::nullopt, *row[3]};
}

int
steps_done(const Deployment &deployment)
{
	return std::stoi(*query_cell("SELECT coalesce(max(j.step), 0) FROM mg.journal j WHERE j.deployment = $1::bigint"
								 " AND j.installation = $2::uuid AND j.event = 'done'",
								 {std::to_string(deployment.id), deployment.installation}));
}

} // namespace mg::ledger
