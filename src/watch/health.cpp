// Asks each check in turn, and keeps what it says short.
#include "watch/health.hpp"

#include "ledger/store.hpp"
#include "migrate/integrity.hpp"
#include "pg/subtransaction.hpp"
#include "policy/policy.hpp"
#include "watch/check.hpp"

namespace mg::watch {

namespace {

// More than this nobody reads at once.
constexpr size_t most_rows = 20;

class Report
{
public:
	// Takes the rows object, value, ok, hint of an aspect; what is not well and has no hint gets the usual one.
	void add(const std::string &aspect, const std::vector<pg::Row> &found, const std::string &hint)
	{
		size_t bad = 0;

		for (size_t i = 0; i < found.size(); i++)
		{
			const pg::Row &row = found[i];
			if (i < most_rows)
				rows.push_back({aspect, row[0], row[1], row[2], row[2] == "f" && !row[3].has_value() ? hint : row[3]});
			else if (row[2] != "t")
				bad++;
		}
		if (found.size() > most_rows)
			rows.push_back({aspect, std::nullopt, std::to_string(found.size() - most_rows) + " more",
							bad == 0 ? "t" : "f", bad == 0 ? pg::Cell() : "Begin with those above."});
		if (found.empty())
			rows.push_back({aspect, std::nullopt, "none", "t", std::nullopt});
	}

	// Takes what `ask` gives, or says why there is nothing.
	template <typename Ask>
	void try_to_add(const std::string &aspect, const std::string &hint, Ask ask)
	{
		std::vector<pg::Row> found;
		std::optional<pg::Error> error = pg::try_and_undo([&] { found = ask(); });

		if (!error.has_value())
			add(aspect, found, hint);
		else if (error->data().sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
			rows.push_back(
				{aspect, std::nullopt, "not looked at: a system catalog is locked", std::nullopt, "Look again later."});
		else
			throw std::move(*error);
	}

	std::vector<pg::Row> rows;
};

std::vector<pg::Row>
ask(const Check &check, const pg::Cell &ignored)
{
	if (check.is_counted_here && RecoveryInProgress())
		return {{std::nullopt, "not counted on a standby", std::nullopt, "Ask the primary."}};
	return pg::query_as(check.eyes == Eyes::caller ? GetUserId() : ledger::place().owner, check.sql, {ignored});
}

// What mg_verify() finds of one kind: check_name, object, ok, expected, actual.
std::vector<pg::Row>
invalid(const std::vector<pg::Row> &checked, const std::string &name)
{
	std::vector<pg::Row> found;

	for (const pg::Row &row : checked)
		if (row[0] == name && row[4] != row[3])
			found.push_back({row[1], row[4], row[2], std::nullopt});
	return found;
}

} // namespace

std::vector<pg::Row>
health()
{
	std::vector<Check> checks;
	Report report;
	pg::SettingsScope settings;

	migrate::integrity::pin("lock_timeout", migrate::lock_patience);
	const std::vector<std::string> ignored = policy::ignored_schemas();
	const pg::Cell ignored_literal = pg::array_literal(ignored);
	add_server(checks);
	add_tables(checks);
	add_indexes(checks);
	for (const Check &check : checks)
		report.try_to_add(check.aspect, check.hint, [&] { return ask(check, ignored_literal); });

	migrate::Target target = {{}, std::nullopt};
	target.scope.ignored_schemas = ignored;
	std::vector<pg::Row> checked = migrate::check_validity(target);
	report.add(
		"invalid index", invalid(checked, "index"),
		"Nothing finds by it, and what writes may still keep it up: DROP INDEX CONCURRENTLY, and build it again.");
	report.add(
		"constraint not validated", invalid(checked, "constraint"),
		"ALTER TABLE ... VALIDATE CONSTRAINT, which keeps nobody from writing; the rows that fail it come first.");
	report.try_to_add("sequence", "", [&] { return sequences(ignored_literal); });
	return report.rows;
}

} // namespace mg::watch
