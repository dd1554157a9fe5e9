// How a script that only mg_deploy runs is rehearsed, in one transaction.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rehearse/observer.hpp"
#include "script/script.hpp"
#include "script/steps.hpp"

namespace mg::rehearse {

// What is run in place of a statement.
struct StandIn
{
	std::optional<std::string> sql; // nothing: it is left out
	std::string aspect;             // substitute, left out or sample; empty for the statement itself
	std::string what;               // for people
};

class Deployment
{
public:
	// Tells whether mg_deploy would run a script in another way than mg_apply.
	static bool is_wanted(const script::Script &script);

	// Raises what script::steps_of() raises. With `judged` the linter tells which locks its statements take by themselves, as long as nothing
	// has run.
	Deployment(const script::Script &script, bool judged);

	// For each statement, just before its turn. Raises what the server would say of the form with CONCURRENTLY.
	StandIn stand_in(const script::Statement &statement);

	// Of the statement that stand_in() was asked about last.
	const ToldLocks &locks() const { return told_; }
	bool ends_step() const;

	// 3 steps: 2 transactions, 1 statement by itself
	std::string summary() const;

private:
	const script::Script &script_;
	const std::vector<script::Step> steps_;
	std::map<size_t, std::map<Oid, LOCKMODE>> modes_; // by the number of the statement
	size_t number_ = 0;
	ToldLocks told_ = {false, {}};
};

// Whether mg_deploy commits a value of an enum before the last step of a script, which can use it then. In one transaction nothing can.
bool commits_enum_value(const script::Script &script);

} // namespace mg::rehearse
