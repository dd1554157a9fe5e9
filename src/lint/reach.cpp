// Reads pg_inherits, pg_trigger and pg_rewrite.
#include "lint/reach.hpp"

#include <algorithm>

#include "lint/facts.hpp"
#include "lint/scan.hpp"
#include "pg/memory.hpp"

namespace mg::lint {

namespace {

constexpr char disabled_rule = 'D'; // pg_rewrite.ev_enabled

// In plain memory, since reading may raise.
struct KeyTriggerRaw
{
	Oid other;
	Oid constraint;
	Oid function;
	int16 type;
	int16 keys[INDEX_MAX_KEYS];
	int16 other_keys[INDEX_MAX_KEYS];
	int count;
};

std::vector<Oid>
oids_in(const List *list)
{
	std::vector<Oid> result;
	ListCell *cell;

	foreach (cell, list)
		result.push_back(lfirst_oid(cell));
	return result;
}

int
take_keys_raw(Oid constraint, AttrNumber attribute, int16 *keys)
{
	HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	int count = 0;

	if (!HeapTupleIsValid(row))
		return 0;
	bool is_null;
	Datum value = SysCacheGetAttr(CONSTROID, row, attribute, &is_null);
	if (!is_null)
	{
		ArrayType *numbers = DatumGetArrayTypePCopy(value);
		count = ARR_NDIM(numbers) == 1 ? Min(ARR_DIMS(numbers)[0], INDEX_MAX_KEYS) : 0;
		memcpy(keys, ARR_DATA_PTR(numbers), sizeof(int16) * static_cast<size_t>(count));
	}
	ReleaseSysCache(row);
	return count;
}

List *
key_triggers_raw(Oid oid)
{
	List *found = NIL;

	scan_raw(TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, oid, [&](Relation, HeapTuple row) {
		auto *form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
		if (!OidIsValid(form->tgconstraint) || form->tgenabled == TRIGGER_DISABLED ||
			RI_FKey_trigger_type(form->tgfoid) == RI_TRIGGER_NONE)
			return;
		auto *trigger = static_cast<KeyTriggerRaw *>(palloc0(sizeof(KeyTriggerRaw)));
		const bool is_referenced = RI_FKey_trigger_type(form->tgfoid) == RI_TRIGGER_PK;
		trigger->other = form->tgconstrrelid;
		trigger->constraint = form->tgconstraint;
		trigger->function = form->tgfoid;
		trigger->type = form->tgtype;
		trigger->count = take_keys_raw(
			form->tgconstraint, is_referenced ? Anum_pg_constraint_confkey : Anum_pg_constraint_conkey, trigger->keys);
		take_keys_raw(form->tgconstraint, is_referenced ? Anum_pg_constraint_conkey : Anum_pg_constraint_confkey,
					  trigger->other_keys);
		found = lappend(found, trigger);
	});
	return found;
}

// A relation that a stored query names.
struct NamedRaw
{
	Oid relation;
	LOCKMODE mode;
};

struct QueryWalk
{
	List *named; // of NamedRaw *
	Oid target;  // the only table in the FROM of the outermost query
	Oid view;
};

bool
collect_relations(Node *node, void *context)
{
	auto *walk = static_cast<QueryWalk *>(context);

	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		auto *entry = castNode(RangeTblEntry, node);
		if (entry->rtekind == RTE_RELATION && entry->relid != walk->view)
		{
			auto *named = static_cast<NamedRaw *>(palloc(sizeof(NamedRaw)));
			named->relation = entry->relid;
			named->mode = entry->rellockmode;
			walk->named = lappend(walk->named, named);
		}
		return false;
	}
	if (IsA(node, Query))
#if PG_VERSION_NUM >= 160000
		return query_tree_walker(castNode(Query, node), collect_relations, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, collect_relations, context);
#else
		return query_tree_walker(castNode(Query, node),
								 reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(collect_relations)), context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(collect_relations)),
								  context);
#endif
}

// The relations in the rules of a relation for a command.
QueryWalk
rules_raw(Oid relation, CmdType command)
{
	QueryWalk walk = {NIL, InvalidOid, command == CMD_SELECT ? relation : InvalidOid};

	scan_raw(RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, relation,
			 [&](Relation catalog, HeapTuple row) {
				 auto *form = reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(row));
				 bool is_null;
				 ListCell *cell;
				 if (form->ev_type != '0' + static_cast<int>(command) || form->ev_enabled == disabled_rule)
					 return;
				 Datum value = heap_getattr(row, Anum_pg_rewrite_ev_action, RelationGetDescr(catalog), &is_null);
				 if (is_null)
					 return;
				 auto *actions = static_cast<List *>(stringToNode(text_to_cstring(DatumGetTextPP(value))));
				 foreach (cell, actions)
				 {
					 auto *query = lfirst_node(Query, cell);
					 (void)collect_relations(reinterpret_cast<Node *>(query), &walk);
					 if (query->jointree != nullptr && list_length(query->jointree->fromlist) == 1 &&
						 IsA(linitial(query->jointree->fromlist), RangeTblRef))
					 {
						 int number = linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex;
						 auto *entry = list_nth_node(RangeTblEntry, query->rtable, number - 1);
						 if (entry->rtekind == RTE_RELATION)
							 walk.target = entry->relid;
					 }
				 }
			 });
	return walk;
}

char
kind_of(Oid relation)
{
	return pg::guarded([&] { return get_rel_relkind(relation); });
}

} // namespace

std::vector<Oid>
tree_of(Oid relation)
{
	pg::MemoryScope memory("migration_governance tree");
	List *found = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		List *all = find_all_inheritors(relation, NoLock, nullptr);
		MemoryContextSwitchTo(before);
		return all;
	});
	return oids_in(found);
}

std::vector<Oid>
parents_of(Oid relation)
{
	std::vector<Oid> result;

	Oid found[16];
	int count = 0;
	pg::guarded([&] {
		scan_raw(InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, relation,
				 [&](Relation, HeapTuple row) {
					 if (count < 16)
						 found[count++] = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row))->inhparent;
				 });
	});
	result.assign(found, found + count);
	return result;
}

Oid
default_partition_of(Oid relation)
{
	return pg::guarded([&] {
		return get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE ? get_default_partition_oid(relation)
																	  : InvalidOid;
	});
}

std::vector<KeyTrigger>
key_triggers_of(Oid relation)
{
	pg::MemoryScope memory("migration_governance foreign keys");
	List *found = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		List *all = key_triggers_raw(relation);
		MemoryContextSwitchTo(before);
		return all;
	});
	std::vector<KeyTrigger> result;
	ListCell *cell;

	foreach (cell, found)
	{
		auto *raw = static_cast<KeyTriggerRaw *>(lfirst(cell));
		KeyTrigger trigger;
		trigger.other = raw->other;
		trigger.constraint = raw->constraint;
		trigger.is_referenced = raw->function != F_RI_FKEY_CHECK_INS && raw->function != F_RI_FKEY_CHECK_UPD;
		trigger.removes = raw->function == F_RI_FKEY_CASCADE_DEL;
		trigger.writes = trigger.is_referenced && raw->function != F_RI_FKEY_NOACTION_DEL &&
						 raw->function != F_RI_FKEY_NOACTION_UPD && raw->function != F_RI_FKEY_RESTRICT_DEL &&
						 raw->function != F_RI_FKEY_RESTRICT_UPD;
		trigger.event =
			static_cast<int16>(raw->type & (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE));
		trigger.keys.assign(raw->keys, raw->keys + raw->count);
		trigger.other_keys.assign(raw->other_keys, raw->other_keys + raw->count);
		result.push_back(std::move(trigger));
	}
	return result;
}

std::vector<Reached>
read_by_view(Oid view, LOCKMODE mode, Oid *target)
{
	pg::MemoryScope memory("migration_governance view");
	std::vector<Reached> result;
	std::vector<Oid> views = {view};

	for (size_t i = 0; i < views.size(); i++)
	{
		QueryWalk walk = pg::guarded([&] {
			MemoryContext before = MemoryContextSwitchTo(memory.get());
			QueryWalk found = rules_raw(views[i], CMD_SELECT);
			MemoryContextSwitchTo(before);
			return found;
		});
		ListCell *cell;
		if (target != nullptr && (i == 0 || *target == views[i]))
			*target = walk.target;
		foreach (cell, walk.named)
		{
			auto *named = static_cast<NamedRaw *>(lfirst(cell));
			result.push_back({named->relation, std::max(mode, static_cast<LOCKMODE>(AccessShareLock))});
			if (kind_of(named->relation) == RELKIND_VIEW &&
				std::find(views.begin(), views.end(), named->relation) == views.end())
				views.push_back(named->relation);
		}
	}
	return result;
}

std::vector<Reached>
done_by_rules(Oid relation, CmdType command)
{
	pg::MemoryScope memory("migration_governance rules");
	QueryWalk walk = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		QueryWalk found = rules_raw(relation, command);
		MemoryContextSwitchTo(before);
		return found;
	});
	std::vector<Reached> result;
	ListCell *cell;

	foreach (cell, walk.named)
		result.push_back(
			{static_cast<NamedRaw *>(lfirst(cell))->relation, static_cast<NamedRaw *>(lfirst(cell))->mode});
	return result;
}

bool
has_instead_trigger(Oid view)
{
	bool found = false;

	pg::guarded([&] {
		scan_raw(TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, view,
				 [&](Relation, HeapTuple row) {
					 found = found || TRIGGER_FOR_INSTEAD(reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row))->tgtype);
				 });
	});
	return found;
}

std::vector<Oid>
users_of_domain(Oid domain)
{
	constexpr const char *sql =
		"WITH RECURSIVE made (t) AS (SELECT $1::oid UNION SELECT n.oid FROM made m JOIN pg_type n ON n.typbasetype = "
		"m.t)"
		" SELECT DISTINCT c.oid FROM made m JOIN pg_attribute a ON a.atttypid = m.t AND NOT a.attisdropped"
		" JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind IN ('r', 'm', 'p') ORDER BY 1";

	return oids(sql, {cell_of(domain)});
}

std::vector<Oid>
typed_tables_of(Oid composite)
{
	return oids("SELECT t.oid FROM pg_class c JOIN pg_class t ON t.reloftype = c.reltype"
				" WHERE c.oid = $1::oid AND c.reltype <> 0",
				{cell_of(composite)});
}

} // namespace mg::lint
