// Group G: locks, timeouts and transactions.
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

std::vector<Rule>
transaction_rules()
{
	return {};
}

} // namespace mg::lint
