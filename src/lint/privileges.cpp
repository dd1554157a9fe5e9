// Group J: security and privileges.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
privilege_rules()
{
	return {};
}

} // namespace mg::lint
