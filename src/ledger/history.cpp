// Reads migrations out of the ledger.
#include "ledger/history.hpp"

namespace mg::ledger {

namespace {

std::vector<std::string>
first_column(const std::vector<pg::Row> &rows)
{
	std::vector<std::string> result;

	for (const pg::Row &row : rows)
		result.push_back(row[0].value_or(""));
	return result;
}

} // namespace

std::optional<Registration>
find_registration(const std::string &migration)
{
	std::vector<pg::Row> rows =
		query("SELECT r.migration, r.up, r.down, r.verify, r.precondition, r.requires"
			  " FROM mg.registration r WHERE r.migration = $1 ORDER BY r.at DESC, r.id DESC LIMIT 1",
			  {migration});
	if (rows.empty())
		return std::nullopt;
	pg::Row &row = rows.front();
	return Registration{*row[0], *row[1], row[2], row[3], row[4], pg::array_items(*row[5])};
}

std::optional<LastRun>
find_last_run(const std::string &migration)
{
	std::vector<pg::Row> rows = query("SELECT r.installation, r.id, r.outcome = 'applied', r.checksum"
									  " FROM mg.run r"
									  " WHERE r.migration = $1 AND r.outcome IN ('applied', 'rolled back')"
									  " ORDER BY r.at DESC, r.id DESC LIMIT 1",
									  {migration});
	if (rows.empty())
		return std::nullopt;
	pg::Row &row = rows.front();
	return LastRun{*row[0], std::stoll(*row[1]), *row[2] == "t", row[3].value_or("")};
}

bool
is_applied(const std::string &migration)
{
	std::optional<LastRun> run = find_last_run(migration);
	return run.has_value() && run->applied;
}

std::vector<std::string>
applied_migrations()
{
	return first_column(query("SELECT migration FROM mg.applied ORDER BY at DESC, run DESC"));
}

std::vector<std::string>
applied_after(const std::string &migration)
{
	return first_column(query("SELECT a.migration FROM mg.applied a, mg.applied b WHERE b.migration = $1"
							  " AND (a.at, a.run) > (b.at, b.run) ORDER BY a.at DESC, a.run DESC",
							  {migration}));
}

Kept
read_script(const std::string &checksum)
{
	std::vector<pg::Row> rows = query("SELECT body, token_hash FROM mg.script WHERE checksum = $1 LIMIT 1", {checksum});
	if (rows.empty())
		throw UserError("MG301", "the script with checksum " + checksum + " is not in the ledger")
			.hint("SELECT * FROM mg_verify() tells what else is missing.");
	return {rows.front()[0].value_or(""), rows.front()[1].value_or("")};
}

void
keep_script(const std::string &checksum, const std::string &token_hash, int algorithm, const std::string &body)
{
	if (query_cell("SELECT 1 FROM mg.script WHERE checksum = $1 LIMIT 1", {checksum}).has_value())
		return;
	append(
		Table::script,
		{{"checksum", checksum}, {"token_hash", token_hash}, {"algorithm", std::to_string(algorithm)}, {"body", body}});
}

Requirements
all_requirements()
{
	Requirements result;

	for (const pg::Row &row : query("SELECT migration, requires FROM mg.newest_registration WHERE requires <> '{}'"))
		result[*row[0]] = pg::array_items(*row[1]);
	return result;
}

std::vector<std::string>
others_with_version(const std::string &sort_key, const std::string &migration)
{
	return first_column(query("SELECT DISTINCT migration FROM mg.registration WHERE sort_key = $1 AND migration <> $2",
							  {sort_key, migration}));
}

std::string
newest_applied_version()
{
	return query_cell("SELECT version FROM mg.applied ORDER BY sort_key DESC LIMIT 1").value_or("");
}

std::string
newest_version()
{
	return query_cell("SELECT version FROM mg.registration ORDER BY sort_key DESC LIMIT 1").value_or("");
}

std::string
next_run_time()
{
	return query_cell("SELECT greatest(clock_timestamp(), (SELECT max(at) FROM mg.run) + interval '1 microsecond')")
		.value_or("");
}

} // namespace mg::ledger
