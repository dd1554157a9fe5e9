// Group H: changes of rows.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
row_rules()
{
	return {};
}

} // namespace mg::lint
