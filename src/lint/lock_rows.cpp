// The locks of queries and of changes of rows: what they name, what is below and behind it, and the tables of foreign keys.
#include <algorithm>

#include "lint/locks.hpp"
#include "lint/queries.hpp"

namespace mg::lint {

namespace {

// How far the actions of foreign keys are followed.
constexpr int max_depth = 8;

bool
have_common(const std::vector<int> &keys, const std::vector<int> &columns)
{
	return std::any_of(keys.begin(), keys.end(),
					   [&](int key) { return std::find(columns.begin(), columns.end(), key) != columns.end(); });
}

} // namespace

void
LockSet::read(Table *table, LOCKMODE mode, bool with_children)
{
	if (table == nullptr || table->made_here)
		return;
	add(table, mode);
	if (table->kind == RELKIND_VIEW)
	{
		for (const Reached &one : read_by_view(table->oid, mode, nullptr))
			add_tree(known(one.relation), one.mode);
	}
	else if (with_children)
		add_tree(table, mode);
}

void
LockSet::write(Table *table, const NamedTable &named)
{
	std::vector<int> columns;
	std::vector<int> changed;

	if (table == nullptr || table->made_here)
		return;
	add(table, RowExclusiveLock);
	if ((named.command != CMD_INSERT) && named.name->inh)
		add_tree(table, RowExclusiveLock);
	for (auto [happens, command] : {std::pair(named.inserts, CMD_INSERT), std::pair(named.updates, CMD_UPDATE),
									std::pair(named.removes, CMD_DELETE)})
		if (happens)
			for (const Reached &one : done_by_rules(table->oid, command))
				read(known(one.relation), one.mode, true);
	auto has = [](const std::vector<std::string> &names, const std::string &name) {
		return std::find(names.begin(), names.end(), name) != names.end();
	};
	for (const Column &column : table->columns)
	{
		if (named.has_all || (named.inserts && column.has_default) || has(named.columns, column.name))
			columns.push_back(column.number);
		if (has(named.changed, column.name))
			changed.push_back(column.number);
	}
	fire_keys(table->oid, named.inserts ? TRIGGER_TYPE_INSERT : 0, &columns, 0);
	fire_keys(table->oid, named.updates ? TRIGGER_TYPE_UPDATE : 0, &changed, 0);
	fire_keys(table->oid, named.removes ? TRIGGER_TYPE_DELETE : 0, nullptr, 0);
}

void
LockSet::write_view(Table *view, const NamedTable &named)
{
	Oid target = InvalidOid;

	if (view->made_here)
		return;
	for (const Reached &one : read_by_view(view->oid, AccessShareLock, &target))
		add_tree(known(one.relation), one.mode);
	if (Table *table = has_instead_trigger(view->oid) ? nullptr : known(target))
		write(table, named);
}

// What the triggers of foreign keys do. `columns`: those that get values; nullptr: all.
void
LockSet::fire_keys(Oid relation, int events, const std::vector<int> *columns, int depth)
{
	if (depth > max_depth)
		return;
	for (const KeyTrigger &trigger : key_triggers_of(relation))
	{
		if ((trigger.event & events) == 0)
			continue;
		if ((trigger.event & TRIGGER_TYPE_DELETE) == 0 && columns != nullptr && !have_common(trigger.keys, *columns))
			continue;
		Table *other = known(trigger.other);
		add_tree(other, trigger.writes ? RowExclusiveLock : RowShareLock);
		if (trigger.writes && other != nullptr && trigger.other != relation)
			fire_keys(trigger.other, trigger.removes ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_UPDATE, &trigger.other_keys,
					  depth + 1);
	}
}

void
LockSet::add_query(const Node *statement, bool is_planned)
{
	for (const NamedTable &named : tables_named_in(statement))
	{
		Table *table = model_.find(named.name);
		if (table == nullptr)
			continue;
		if (!is_planned)
			add(table, named.mode);
		else if (named.command == CMD_UNKNOWN)
			read(table, named.mode, named.name->inh);
		else if (table->kind == RELKIND_VIEW)
			write_view(table, named);
		else
			write(table, named);
	}
}

} // namespace mg::lint
