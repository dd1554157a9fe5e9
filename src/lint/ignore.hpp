// -- mg:ignore rule-name reason: findings that a script answers for.
#pragma once

#include <string>
#include <vector>

#include "core/text.hpp"
#include "script/script.hpp"

namespace mg::lint {

struct Ignore
{
	Place place;
	std::string rule;
	std::string reason; // empty: none is given, and nothing is ignored
	int statement = -1; // the number of the one it stands above, in or behind; -1: all of them
	bool used = false;
};

// Those of a script. One directly above a statement, within it or behind it on its last line is about that statement; one that a blank
// line parts from the first statement is about all.
std::vector<Ignore> ignores_of(const script::Script &script);

} // namespace mg::lint
