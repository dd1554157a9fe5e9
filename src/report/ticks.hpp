// The items of checklists that the database ticks itself, by what it knows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/subject.hpp"

namespace mg::report {

struct Tick
{
	std::optional<bool> done; // nothing: not asked for here, or not on record
	std::string by;
	std::string evidence;
};

struct Item
{
	const char *stage; // pre, during, post
	const char *id;
	const char *task;
	Tick (*tick)(Subject &); // nullptr: somebody has to sign
};
const std::vector<Item> &items();

} // namespace mg::report
