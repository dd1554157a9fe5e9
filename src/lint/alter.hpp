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

// A constraint of the table, or of a column that is being added.
void add_constraint(const Constraint *definition, const Node *statement, Table *table, Column *column,
					bool is_new_table, Model &model, const Look &look);

} // namespace mg::lint
