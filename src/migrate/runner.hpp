// Runs the statements of a script one by one as the caller, in the caller's transaction.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "capture/run.hpp"
#include "script/script.hpp"

namespace mg::migrate {

struct Timing
{
	int line;
	int64_t duration_us;
	int64_t rows;
};

// Where a run is, for the record of a failed one.
struct Progress
{
	std::string phase; // precondition, up, down, verify
	int line = 0;
	std::string statement; // shortened, without secrets
	std::vector<Timing> timings;
	int64_t rows = 0;
};

// Who looks on while a script runs. Each may be empty.
struct Watch
{
	std::function<std::optional<std::string>(const script::Statement &statement)>
		instead;                                        // what runs in its place; nothing: it is left out
	std::function<void(const std::string &sql)> before; // each statement; raises to keep it from running
	std::function<void(int line)> after;
};

// Runs every statement but the script's own BEGIN and COMMIT; an error keeps all it has and gains a context line.
void run_script(const script::Script &script, const std::string &migration, capture::Run &run, Progress &progress,
				const Watch &watch = {});

// The same for the statements [first, end).
void run_statements(const script::Script &script, std::size_t first, std::size_t end, const std::string &migration,
					capture::Run &run, Progress &progress, const Watch &watch = {});

// After the last of them: what the way back has not made anew has its rows again too.
void end_script(const script::Script &script, const std::string &migration, capture::Run &run);

// As records and messages show a statement: shortened; one that may hold a secret is named by its tag only.
std::string excerpt(const script::Script &script, const script::Statement &statement);

// What a query of a precondition or verification said.
struct Finding
{
	int line;
	std::string query; // shortened
	bool ok;
	bool shown; // no boolean and no expectation: rows are kept as evidence
	std::string expected;
	std::string actual;
	std::string evidence; // jsonb array of the first rows
};

// Runs the queries of a precondition or verification script and judges each, up to the first that does not hold;
// a query that raises, raises. Whatever a query writes is undone.
std::vector<Finding> run_checks(const script::Script &script, const std::string &migration, Progress &progress);

// The same for one statement.
Finding run_check(const script::Script &script, const script::Statement &statement, const std::string &migration);

// Checks every deferrable constraint now, so that a deferred one fails here and not at COMMIT; afterwards each is as it
// was declared.
void check_constraints(const std::string &migration, Progress &progress);

} // namespace mg::migrate
