// Walks parse trees with the server's own walker.
#include "lint/nodes.hpp"

namespace mg::lint {

bool
walk_parts(Node *node, bool (*walker)(Node *, void *), void *context)
{
#if PG_VERSION_NUM >= 160000
	return raw_expression_tree_walker(node, walker, context);
#else
	return raw_expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)),
									  context);
#endif
}

namespace {

struct Search
{
	NodeTag tag;
	bool subqueries;
	List *found;
};

bool
collect(Node *node, void *context)
{
	auto *search = static_cast<Search *>(context);

	if (node == nullptr)
		return false;
	if (nodeTag(node) == search->tag)
		search->found = lappend(search->found, node);
	if (IsA(node, SubLink) && !search->subqueries)
		return false;
	return walk_parts(node, collect, context);
}

} // namespace

std::vector<const Node *>
nodes_in(const Node *tree, NodeTag tag, bool subqueries)
{
	Search search = {tag, subqueries, NIL};
	std::vector<const Node *> result;
	ListCell *cell;

	pg::guarded([&] { (void)pg::succeeds_raw([&] { (void)collect(const_cast<Node *>(tree), &search); }); });
	foreach (cell, search.found)
		result.push_back(static_cast<const Node *>(lfirst(cell)));
	return result;
}

const DefElem *
option_of(const List *options, const char *name)
{
	ListCell *cell;

	foreach (cell, options)
		if (const auto *option = lfirst_node(DefElem, cell); strcmp(option->defname, name) == 0)
			return option;
	return nullptr;
}

bool
is_set(const List *options, const char *name, bool otherwise)
{
	const DefElem *option = option_of(options, name);

	if (option == nullptr)
		return otherwise;
	if (option->arg == nullptr)
		return true;
	if (IsA(option->arg, Integer))
		return intVal(option->arg) != 0;
	/* A word of the grammar, such as on, true or 'off'. */
	bool value = otherwise;
	if (IsA(option->arg, String))
		(void)parse_bool(strVal(option->arg), &value);
	else if (IsA(option->arg, TypeName))
		(void)parse_bool(strVal(llast(castNode(TypeName, option->arg)->names)), &value);
	else if (IsA(option->arg, Boolean))
		value = boolVal(option->arg);
	return value;
}

const char *
string_of(const Node *node)
{
	if (node == nullptr || !IsA(node, A_Const))
		return nullptr;
	const auto *constant = castNode(A_Const, node);
	return !constant->isnull && IsA(&constant->val, String) ? strVal(&constant->val) : nullptr;
}

bool
is_constant_true(const Node *node)
{
	if (node == nullptr || !IsA(node, A_Const))
		return false;
	const auto *constant = castNode(A_Const, node);
	return !constant->isnull && IsA(&constant->val, Boolean) && boolVal(&constant->val);
}

const RangeVar *
range_var_of(const List *names)
{
	if (names == NIL || list_length(names) > 3)
		return nullptr;
	return pg::guarded([&] { return makeRangeVarFromNameList(const_cast<List *>(names)); });
}

const RangeVar *
table_in(const List *names)
{
	if (list_length(names) < 2)
		return nullptr;
	return range_var_of(
		pg::guarded([&] { return list_truncate(list_copy(const_cast<List *>(names)), list_length(names) - 1); }));
}

std::string
role_name(const RoleSpec *role)
{
	switch (role->roletype)
	{
		case ROLESPEC_CSTRING:
			return role->rolename;
		case ROLESPEC_PUBLIC:
			return "public";
		default:
			return pg::guarded([] { return GetUserNameFromId(GetUserId(), false); });
	}
}

bool
has_public(const List *roles)
{
	ListCell *cell;

	foreach (cell, roles)
		if (lfirst_node(RoleSpec, cell)->roletype == ROLESPEC_PUBLIC)
			return true;
	return false;
}

} // namespace mg::lint
