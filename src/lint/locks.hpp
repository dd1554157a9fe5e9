// Which lock a statement takes on which table.
#pragma once

#include <vector>

#include "lint/action.hpp"
#include "lint/reach.hpp"

namespace mg::lint {

struct TableLock
{
	Table *table;
	LOCKMODE mode;
};

// Those of a whole statement, as the server would take them, each relation once in its strongest mode; for its action What::statement,
// before the model is changed by it. None for what the script itself made. Not told: what functions, triggers and EXECUTE do, and which
// partition a row goes to. Where the rows decide (a foreign key that is NULL, a DELETE that finds nothing), what may be locked.
std::vector<TableLock> locks_of(const Action &action, Model &model);

// What others cannot do meanwhile: reads and writes, writes, ...; empty where only the like of it waits.
const char *blocked_by(LOCKMODE mode);

// Gathers them.
class LockSet
{
public:
	explicit LockSet(Model &model) : model_(model) {}

	void add(Table *table, LOCKMODE mode);
	void add(Oid relation, LOCKMODE mode) { add(known(relation), mode); }
	void add(const std::vector<Reached> &relations);
	void add(const RangeVar *name, LOCKMODE mode) { add(model_.find(name), mode); }
	// With all that inherit from it.
	void add_tree(Table *table, LOCKMODE mode);
	// What a query or a change of rows locks; only what it names, if it is not planned.
	void add_query(const Node *statement, bool is_planned = true);
	// What comes with a foreign key that is added to a table, or dropped.
	void add_referenced(const Constraint *constraint);
	void alter_table(const AlterTableStmt *statement);

	Table *known(Oid relation) { return OidIsValid(relation) ? model_.find(relation) : nullptr; }
	Model &model() { return model_; }

	std::vector<TableLock> found;

private:
	void read(Table *table, LOCKMODE mode, bool with_children);
	void write(Table *table, const struct NamedTable &named);
	void write_view(Table *view, const struct NamedTable &named);
	void fire_keys(Oid relation, int events, const std::vector<int> *columns, int depth);
	void alter(const AlterTableCmd *command, Table *table, LOCKMODE mode, bool is_recursive);
	void alter_type(const AlterTableCmd *command, Table *table);
	void attach(const AlterTableCmd *command, Table *table);
	void detach(const AlterTableCmd *command, Table *table);
	void drop_part(Table *table, const ObjectAddress &part, bool cascade);

	Model &model_;
};

} // namespace mg::lint
