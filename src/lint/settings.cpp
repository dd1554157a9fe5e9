// Reads SET statements.
#include "lint/settings.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "lint/words.hpp"

namespace mg::lint {

namespace {

std::optional<std::string>
constant(const Node *node)
{
	if (node == nullptr || !IsA(node, A_Const))
		return std::nullopt;
	const auto *value = castNode(A_Const, node);
	switch (nodeTag(&value->val))
	{
		case T_Integer:
			return std::to_string(intVal(&value->val));
		case T_Float:
			return castNode(Float, &value->val)->fval;
		case T_String:
			return strVal(&value->val);
		default:
			return std::nullopt;
	}
}

std::string
lower(std::string name)
{
	std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
	return name;
}

} // namespace

std::vector<std::pair<std::string, std::optional<std::string>>>
settings_in(const Node *statement)
{
	std::vector<std::pair<std::string, std::optional<std::string>>> result;
	ListCell *cell;

	if (IsA(statement, VariableSetStmt))
	{
		const auto *set = castNode(VariableSetStmt, statement);
		if (set->kind == VAR_RESET_ALL)
			for (const char *name : {"lock_timeout", "statement_timeout"})
				result.emplace_back(name, std::nullopt);
		else if (set->kind == VAR_SET_VALUE && set->args != NIL)
			result.emplace_back(lower(text_of(set->name)), constant(static_cast<const Node *>(linitial(set->args))));
		else if (set->name != nullptr)
			result.emplace_back(lower(set->name), std::nullopt);
		return result;
	}
	if (!IsA(statement, SelectStmt))
		return result;
	foreach (cell, castNode(SelectStmt, statement)->targetList)
	{
		const Node *value = lfirst_node(ResTarget, cell)->val;
		if (value == nullptr || !IsA(value, FuncCall))
			continue;
		const auto *call = castNode(FuncCall, value);
		if (list_length(call->args) != 3 || names_in(call->funcname).back() != "set_config")
			continue;
		if (std::optional<std::string> name = constant(static_cast<const Node *>(linitial(call->args))))
			result.emplace_back(lower(*name), constant(static_cast<const Node *>(lsecond(call->args))));
	}
	return result;
}

bool
is_no_timeout(const std::string &value)
{
	return std::strtod(value.c_str(), nullptr) == 0;
}

} // namespace mg::lint
