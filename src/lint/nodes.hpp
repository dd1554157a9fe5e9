// Looks for things in parse trees.
#pragma once

#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::lint {

// Calls walker(part, context) for each part of a node, until one gives true: the server's walker, for a walker to call. Raises for what that
// does not know, such as most statements.
bool walk_parts(Node *node, bool (*walker)(Node *, void *), void *context);

// Every node of a kind in an expression or in SELECT, INSERT, UPDATE, DELETE or MERGE, in the order of the text as a rule; without
// `subqueries` not those within one of an expression. What the server's walker does not know ends the search.
std::vector<const Node *> nodes_in(const Node *tree, NodeTag tag, bool subqueries = true);

// The option of that name, or nullptr.
const DefElem *option_of(const List *options, const char *name);
// The value of an option that is true or false; `otherwise` where it is not there.
bool is_set(const List *options, const char *name, bool otherwise);

// The string that a literal says, or nullptr for another node.
const char *string_of(const Node *node);
bool is_constant_true(const Node *node);

// The relation that a list names; nullptr if it has no names, or more than a relation can have.
const RangeVar *range_var_of(const List *names);
// The table in the name of one of its parts: schema.table.part.
const RangeVar *table_in(const List *names);

// The name of a role, "public" for everybody; that of the session for CURRENT_USER and its like.
std::string role_name(const RoleSpec *role);

// Whether a list of roles has everybody in it.
bool has_public(const List *roles);

} // namespace mg::lint
