// What each statement of a script is about to do, by the linter: where no rehearsal has seen it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/lint.hpp"
#include "migrate/pace.hpp"

namespace mg::migrate {

struct Outlook
{
	std::string risk; // safe, controlled, high-risk
	pg::Cell lock_mode;
	pg::Cell object;
	bool rewrites = false;
	int64_t disk = 0; // bytes that are needed besides what is there
	std::optional<Duration> duration;
	std::vector<std::string> notes;
};

// One for each statement of the script.
std::vector<Outlook> outlook_of(const script::Script &script, const lint::Findings &findings);

} // namespace mg::migrate
