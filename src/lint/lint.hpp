// Judges a script against the database as it is, and runs nothing of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lint/finding.hpp"
#include "lint/sensitive.hpp"
#include "script/script.hpp"

namespace mg::lint {

// By its word; raises 22023 for another one.
Severity severity_by(const std::string &word);
// Severities by rule or group, as a team wants them.
using Severities = std::map<std::string, Severity, std::less<>>;
// Reads "drop-column=error, T=warning"; raises 22023 for what is no rule, no group or no severity (off, info, warning, error).
Severities severities_of(const std::string &text);

// That of a rule: its own, its group's, or the one it comes with.
Severity severity_of(const Rule &rule, const Severities &severities);

struct Options
{
	int64_t small_bytes = 1024 * 1024; // tables up to this size are worth no warning
	Severities severities = {};
	bool with_disk = false; // whether findings say what they write, which takes a query each
	bool for_risk = false;  // only what the risk class may depend on
	Sensitivities sensitivities = {};
};

// Findings of a script in their order. `before` are scripts that will have run by then: migrations that it requires. What asks for an
// approval is added to `sensitive`, if that is wanted.
Findings lint(const script::Script &script, const std::vector<const script::Script *> &before, const Options &options,
			  std::vector<Sensitive> *sensitive = nullptr);

// A lock that a statement takes on a table that was there before.
struct Lock
{
	int statement; // its number, from 0 on
	Oid table;
	LOCKMODE mode; // the strongest
};
std::vector<Lock> locks(const script::Script &script, const Options &options);

} // namespace mg::lint
