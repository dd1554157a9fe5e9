// Safe sequences for columns and constraints: what a statement does, in migrations that keep nobody waiting for long.
#pragma once

#include <map>

#include "lint/rule.hpp"

namespace mg::lint {

// More partitions than this are told in words.
constexpr size_t max_leaves = 32;

bool is_partitioned(const Table *table);
// The partitions that hold the rows, `max_leaves` + 1 at most; the table itself where it has none.
std::vector<Table *> leaves_of(Table *table, Context &context);

// ALTER TABLE public.t
std::string alter(const Table &table);
Step validate_step(const Table &table, const std::string &constraint);

// CONSTRAINT name CHECK (a > 0), as a constraint of the table, also for one that comes with a column.
std::string clause_of(const Action &action, Context &context);
// NOT VALID, and validated in a migration of its own; none for what the server cannot do so.
std::vector<Step> check_steps(const Action &action, Context &context);
std::vector<Step> key_steps(const Action &action, Context &context);

// Makes a column NOT NULL while others go on.
std::vector<Step> not_null_steps(Table &table, const std::string &column);
// Builds the index of a unique constraint or primary key, and hands it over; `index` is one that is there already.
std::vector<Step> unique_steps(const Action &action, Context &context, const std::string &index);
// Adds a column with all that its definition says; none where there is no such way.
std::vector<Step> column_steps(const Action &action, Context &context);
// Sets a column where it is NULL, in transactions of a thousand pages.
Step backfill_step(const Table &table, const std::string &column, const std::string &value);

// Where the script does something by a name, for rules that tell of it at its end.
using Locations = std::map<std::pair<const Table *, std::string>, int>;
Locations locations_of(Context &context, What what);

void append(std::vector<Step> &steps, std::vector<Step> more);

// The expression behind DEFAULT in a column's definition, or nullptr.
const Node *default_of(const ColumnDef *definition);
bool is_null_constant(const Node *expression);

} // namespace mg::lint
