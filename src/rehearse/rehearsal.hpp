// One migration run up, down and up again (an applied one down and up), undone in the end; and what was seen of it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "archive/account.hpp"
#include "core/picture.hpp"
#include "migrate/migration.hpp"
#include "migrate/runner.hpp"
#include "rehearse/observer.hpp"
#include "rehearse/outside.hpp"
#include "rehearse/steps.hpp"

namespace mg::rehearse {

enum class Verdict
{
	restores,
	restores_but_order, // of columns
	differs,
	down_fails,
	up_fails,
	second_up_fails,
	no_down,
	cannot // be rehearsed here and now
};

// One script's turn.
struct Turn
{
	std::string phase; // up, down, up again
	int64_t duration_us = 0;
	int statements = 0;
	std::vector<migrate::Timing> timings;
};

// A relation that the first script locked, before it and after it.
struct Touched
{
	std::string name;
	std::optional<Relation> before; // nothing if it was not there
	std::optional<Relation> after;
	std::optional<Lock> lock;
	std::string rewritten; // why, as the server says it; empty if it does not
};

// The rows of a table before the first script, after it and after the second one; nothing where it was not there or was not counted.
struct Rows
{
	std::string table;
	std::optional<Contents> before;
	std::optional<Contents> between;
	std::optional<Contents> after;
	bool counted = true; // false: too large, `estimate` instead
	double estimate = 0;
	std::vector<std::string> lost;         // columns that the first script drops
	std::vector<std::string> lost_by_down; // columns that it leaves, and the second one drops
};

// What went wrong, where.
struct Trouble
{
	std::string phase;
	int line = 0;
	std::string statement;
	std::string sqlstate;
	std::string message;
	std::string detail;
	std::string hint;
};

// How a statement was rehearsed in another way than it is deployed, or how its script is, for people.
struct Note
{
	std::string aspect; // deployment, substitute, left out, sample
	std::string phase;
	int line = 0; // 0: of the script
	std::string statement;
	std::string what;
};

struct Findings
{
	Verdict verdict = Verdict::cannot;
	std::vector<Turn> turns;
	std::vector<Deviation> deviations;  // what the way back leaves different
	std::vector<Deviation> anticipated; // likewise, but had been done before in the name of the migration
	std::vector<Step> steps;            // of the first script
	std::vector<Picture> before;        // of what the scripts changed
	std::vector<Touched> touched;
	std::vector<Rows> rows;
	std::vector<archive::Account> kept; // of what the scripts destroyed
	std::vector<Blocker> blockers;
	std::vector<Note> notes;
	std::vector<Effect> lasting; // what was called or run that no rollback takes back
	std::vector<migrate::Finding> checks;
	std::optional<Trouble> trouble;
	std::string fingerprint; // of the schema that it was rehearsed on

	// Tells whether a relation was there before.
	bool was_there(Oid relation) const;
	bool was_there(const std::string &name) const;
	// Tells whether a statement was left out.
	bool was_left_out(const std::string &phase, int line, const std::string &statement) const;
};

// Raises 25006 on a standby and 55000 inside a migration.
void require_possible();

// Rehearses a migration on this database. Nothing of it stays: locks, rows, files and records go with a subtransaction. Raises what
// is no verdict: a cancelled query, want of memory or of disk space, 25006 on a standby, 55000 inside a migration.
// Migrations that are `assumed` to be applied may be required.
Findings rehearse(const migrate::Migration &migration, bool applied, const std::set<std::string> &assumed = {});

} // namespace mg::rehearse
