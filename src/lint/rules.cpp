// Puts the groups together.
#include "lint/rule.hpp"

#include <array>

namespace mg::lint {

const std::vector<Rule> &
rules()
{
	/* Made once for the life of the process: pointers to rules stay. */
	static const std::vector<Rule> all = [] {
		std::vector<Rule> result;
		for (auto group : {constraint_rules, reference_rules, domain_rules, column_rules, column_change_rules,
						   type_rules, index_rules, partition_rules, destruction_rules, rename_rules, transaction_rules,
						   row_rules, design_rules, privilege_rules, routine_rules, style_rules, script_rules})
			for (Rule &rule : group())
				result.push_back(std::move(rule));
		return result;
	}();

	return all;
}

const std::vector<const Rule *> &
rules_on(What what)
{
	static const auto by_kind = [] {
		std::array<std::vector<const Rule *>, static_cast<size_t>(What::count)> result;
		for (const Rule &rule : rules())
			for (What kind : rule.on)
				result[static_cast<size_t>(kind)].push_back(&rule);
		return result;
	}();

	return by_kind[static_cast<size_t>(what)];
}

const Rule *
rule_of(const std::string &name)
{
	for (const Rule &rule : rules())
		if (name == rule.name)
			return &rule;
	return nullptr;
}

} // namespace mg::lint
