// Group K: triggers, functions and views.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
routine_rules()
{
	return {};
}

} // namespace mg::lint
