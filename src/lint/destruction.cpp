// Group F: what is lost.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
destruction_rules()
{
	return {};
}

} // namespace mg::lint
