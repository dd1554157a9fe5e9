// What the two files of group C share.
#pragma once

#include "lint/coercion.hpp"
#include "lint/rule.hpp"

namespace mg::lint {

// The definition behind ALTER COLUMN ... TYPE.
inline const ColumnDef *
new_definition(const Action &action)
{
	return castNode(ColumnDef, part_as<AlterTableCmd>(action, T_AlterTableCmd)->def);
}

// Whether there is a column of a table with rows of its own, or partitions with some, that the server knows the type of.
bool is_change_of_table(const Action &action);

// The statement with one subcommand alone changes nothing else.
bool has_one_command(const Action &action);

// Rules on what hangs on the column (dependents.cpp) and on its sequence and statistics.
std::vector<Rule> type_dependent_rules();
std::vector<Rule> sequence_rules();

} // namespace mg::lint
