// What the linter has to say.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::lint {

enum class Severity
{
	off, // only by policy
	info,
	warning,
	error
};

const char *word_of(Severity severity);

// What a statement does with every row at stake, while it holds its lock.
enum class Work
{
	none,
	scan,
	rewrite,
	build // of an index
};

const char *word_of(Work work);

// One migration of a safe sequence.
struct Step
{
	std::string sql;      // statements with their semicolons
	bool outside = false; // of a transaction: CREATE INDEX CONCURRENTLY and the like
};

struct Rule;

struct Finding
{
	const Rule *rule = nullptr;
	Severity severity = Severity::warning;
	int number = 0; // of the statement in its script, from 0 on
	int line = 0;
	int column = 0;
	std::string statement; // shortened, without secrets
	std::string object;    // schema-qualified and quoted
	LOCKMODE lock = NoLock;
	Work work = Work::none;
	std::string message;
	std::string hint;
	std::vector<Step> steps; // the safe way, written out for this object
	bool afterwards = false; // the steps come behind the statement, not instead of it
	int64_t bytes = -1;      // at stake; below 0: none
	double rows = -1;        // below 0: nobody knows
	int64_t disk = 0;        // that the work needs besides what is there
	int64_t us = 0;          // that the work may take
	std::string basis;       // of that; empty: there is no estimate
	bool is_ignored = false; // by a comment of the script
	std::string reason;      // that the comment gives
};

// Of a long script there are so many that moving them as they grow would double what they take.
using Findings = std::deque<Finding>;

} // namespace mg::lint
