// Group D: indexes.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
index_rules()
{
	return {};
}

} // namespace mg::lint
