// What a statement does, taken apart: one action for each thing that a rule may look at.
#pragma once

#include <string>

#include "lint/model.hpp"

namespace mg::lint {

enum class What
{
	statement, // each, before its own actions
	script_end,

	create_table, // plain, AS, LIKE, PARTITION OF
	drop_table,
	truncate,
	rename_table,
	rename_column,
	rename_other,
	set_schema,
	change_owner,

	add_column,
	drop_column,
	change_type,
	set_default,
	drop_default,
	set_not_null,
	drop_not_null,
	set_expression,
	drop_expression,
	add_identity,
	set_identity,
	drop_identity,
	set_column_option, // statistics, storage, compression, options

	add_constraint, // of a table or with a column, by ALTER or by CREATE
	validate_constraint,
	alter_constraint,
	drop_constraint,

	attach_partition,
	detach_partition,
	inherit,
	rewrite_table, // SET LOGGED, SET ACCESS METHOD, SET TABLESPACE, CLUSTER, VACUUM FULL
	set_options,
	replica_identity,
	row_security,
	trigger_state,
	alter_other, // any other form of ALTER TABLE

	create_index,
	drop_index,
	reindex,

	create_view,
	refresh,
	analyze,
	create_function,
	create_trigger,
	create_policy, // and ALTER POLICY
	create_type,
	alter_enum,
	create_domain,
	alter_domain,
	create_sequence,
	alter_sequence,
	create_extension,
	create_schema,
	drop_other,

	update,
	remove, // DELETE
	insert,
	merge,
	select,
	copy,
	call, // DO and CALL
	lock_table,
	grant,
	role,
	set_variable,
	transaction,
	unseen, // what is made at run time, or cannot be read
	other,
	count
};

// One of them. Pointers hold while its rules look at it.
struct Action
{
	What what = What::other;
	const Node *statement = nullptr;
	const Node *part = nullptr; // the ALTER TABLE subcommand, column definition, constraint, or object of DROP
	const ColumnDef *definition =
		nullptr;            // the column that is added, also where it is about a constraint that comes with it
	Table *table = nullptr; // nullptr: nobody knows it
	Table *other = nullptr; // the table of a foreign key, the partition, the source
	Column *column = nullptr;
	std::string name; // of the part: column, constraint, index, trigger, ...
	LOCKMODE lock = NoLock;
	bool cascade = false;
	bool is_new_column = false; // a constraint that comes with ADD COLUMN
	bool is_new_table = false;  // or with CREATE TABLE
	int location = -1;          // of the parse tree; -1: that of the statement
};

// The node, if it is one of that kind.
template <typename Type>
const Type *
part_as(const Action &action, NodeTag tag)
{
	return action.part != nullptr && nodeTag(action.part) == tag ? reinterpret_cast<const Type *>(action.part)
																 : nullptr;
}

} // namespace mg::lint
