// What only some people may approve of: security, and data that is deleted.
#pragma once

#include <string>
#include <vector>

#include "lint/action.hpp"

namespace mg::lint {

// Names that a team takes for sensitive.
struct Sensitivities
{
	std::vector<std::string> schemas;
	std::vector<std::string> roles; // public is everybody
};

// A statement that asks for a kind of approval.
struct Sensitive
{
	std::string kind; // security or retention
	int line = 0;
	std::string why;
};

// What an action asks for, without its line: nothing for most. `what` is the text of its statement.
std::vector<Sensitive> sensitive_in(const Action &action, const std::string &what, const Sensitivities &sensitivities);

} // namespace mg::lint
