// Group B: columns.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
column_rules()
{
	return {};
}

} // namespace mg::lint
