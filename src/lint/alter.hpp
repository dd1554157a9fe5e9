// The parts of tables: what CREATE TABLE and ALTER TABLE say of columns and constraints.
#pragma once

#include <functional>

#include "lint/action.hpp"

namespace mg::lint {

using Look = std::function<void(Action &)>;

// Each subcommand of ALTER TABLE, INDEX, VIEW and so on.
void alter_table(const AlterTableStmt *statement, Model &model, const Look &look);

// A column with its constraints; `is_new_table` in CREATE TABLE.
void add_column(const ColumnDef *definition, const Node *statement, Table *table, bool is_new_table, Model &model,
				const Look &look);

// A constraint of the table, or of a column that is being added, whose definition is `whole`.
void add_constraint(const Constraint *definition, const Node *statement, Table *table, Column *column,
					const ColumnDef *whole, bool is_new_table, Model &model, const Look &look);

// Takes out the constraints and indexes that go with a column.
void drop_parts_of(Table &table, const std::string &column);

// The type behind serial and its like, or InvalidOid for any other.
Oid serial_type(const TypeName *type);
// What follows a constraint in a column's definition and belongs to it: DEFERRABLE, NOT ENFORCED and so on.
bool has_attribute(const ColumnDef *whole, const Constraint *definition, ConstrType attribute);

} // namespace mg::lint
