// Group I: types, keys and names.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
design_rules()
{
	return {};
}

} // namespace mg::lint
