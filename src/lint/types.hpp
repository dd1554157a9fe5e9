// What the two files of group C share.
#pragma once

#include <algorithm>

#include "lint/coercion.hpp"
#include "lint/rule.hpp"

namespace mg::lint {

// The definition behind ALTER COLUMN ... TYPE.
inline const ColumnDef *
new_definition(const Action &action)
{
	return castNode(ColumnDef, part_as<AlterTableCmd>(action, T_AlterTableCmd)->def);
}

// Whether a table has a constraint still, and a list a name.
inline bool
has_constraint(const Table &table, Oid oid)
{
	return std::any_of(table.constraints.begin(), table.constraints.end(),
					   [&](const TableConstraint &constraint) { return constraint.oid == oid; });
}
inline bool
has(const std::vector<std::string> &columns, const std::string &column)
{
	return std::find(columns.begin(), columns.end(), column) != columns.end();
}

// Whether there is a column of a table with rows of its own, or partitions with some, that the server knows the type of.
bool is_change_of_table(const Action &action);

// The statement with one subcommand alone changes nothing else.
bool has_one_command(const Action &action);

// Rules on what hangs on the column (dependents.cpp) and on its sequence and statistics.
std::vector<Rule> type_dependent_rules();
std::vector<Rule> sequence_rules();

// Its foreign keys (type_keys.cpp).
void type_change_rechecks_fk(const Action &action, Context &context);
void type_change_locks_other(const Action &action, Context &context);

} // namespace mg::lint
