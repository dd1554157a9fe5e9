// How mg_deploy goes through a script.
#pragma once

#include <vector>

#include "script/script.hpp"

namespace mg::script {

// Statements in a row: in a transaction of their own, or one that runs by itself, or one that runs in batches. Statement::control ones among
// them are not run.
struct Step
{
	enum class Kind
	{
		transaction,
		alone,
		backfill
	};
	Kind kind;
	std::size_t first; // numbers of statements
	std::size_t last;  // included
};

// Cuts a script into steps: as psql would, but that statements between BEGINs, COMMITs and steps of other kinds are one transaction, which ends
// behind each ALTER TYPE ... ADD VALUE, since the value can be used after a commit only, and at a COMMIT without BEGIN. A step without anything to run is left out.
// Raises 0A000 for the first statement that mg_deploy cannot run, for BEGIN without COMMIT, and what backfill_of() raises.
std::vector<Step> steps_of(const Script &script);

} // namespace mg::script
