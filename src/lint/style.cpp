// Group T: what teams ask for in their policies.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
style_rules()
{
	return {};
}

} // namespace mg::lint
