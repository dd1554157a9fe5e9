// Group C: changes of type.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
type_rules()
{
	return {};
}

} // namespace mg::lint
