// Rules: one small function and one row of a table each.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "lint/action.hpp"
#include "lint/finding.hpp"

namespace mg::lint {

// What a rule's function may ask, and where it says what it found.
class Context
{
public:
	virtual ~Context() = default;

	// Adds a finding about the action's table, column or name.
	virtual void report(const std::string &message, const std::string &hint = "", LOCKMODE lock = NoLock) = 0;
	virtual Model &model() = 0;
	// Whether a table is one whose locks and scans matter: there before the script, not temporary, and not small.
	virtual bool is_occupied(const Table &table) const = 0;
};

// Whose tables a rule leaves alone. Small ones are those of lint_small_table at most.
enum class About
{
	anything, // every table, also new and empty ones
	existing, // not those that the script made, or temporary ones
	occupied  // those among them with more than a few rows
};

struct Rule
{
	const char *name; // kebab case
	const char *group;
	Severity severity;
	About about;
	std::vector<What> on;
	void (*check)(const Action &action, Context &context);
	const char *summary; // what is found
	const char *why;
	const char *safe; // what to do instead
	int since = 0;    // first major that it is true of
	int until = 0;    // last one
};

// Every rule, in the order of README.
const std::vector<Rule> &rules();
// Those that look at such an action.
const std::vector<const Rule *> &rules_on(What what);

// The groups.
std::vector<Rule> constraint_rules();

} // namespace mg::lint
