// Group E: partitions and inheritance.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
partition_rules()
{
	return {};
}

} // namespace mg::lint
