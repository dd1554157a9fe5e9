// Group F: what an application written for the old schema would trip over.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
rename_rules()
{
	return {};
}

} // namespace mg::lint
