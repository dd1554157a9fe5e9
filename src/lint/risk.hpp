// How much care a migration needs, by what the linter found and what is known of its past.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lint/finding.hpp"

namespace mg::lint {

enum class Risk
{
	safe,
	controlled, // somebody should look at it
	high        // it can lose data, stop the application, or is known not to work
};

const char *word_of(Risk risk); // safe, controlled, high-risk

// What the script itself does not say.
struct Past
{
	bool has_down = false;
	bool has_statements = true;
	std::optional<std::string> verdict; // of a fresh rehearsal
	bool restores = false;
};

struct RiskReport
{
	Risk risk = Risk::safe;
	bool is_compatible = true;        // an application written for the old schema goes on working
	std::vector<std::string> reasons; // for the class, gravest first
	std::vector<std::string> breaks;  // what such an application would trip over
};

// Ignored findings count: what a script answers for is still done.
RiskReport judge_risk(const Findings &findings, const Past &past);

} // namespace mg::lint
