// Follows the objects of a migration run.
#include "capture/run.hpp"

#include <algorithm>

#include "pg/object.hpp"

namespace mg::capture {

struct RewriteRaw
{
	const char *relation;
	int reason;
	SubTransactionId subtransaction;
	RewriteRaw *next;
};

struct DropRaw
{
	ObjectAddress address;
	const char *type;
	const char *identity;
	const char *catalog;
	List *names;
	bool was_there; // when the run began
};

namespace {

// The run of this session. Its memory hangs on the transaction: the callback below clears the pointer whichever way
// the transaction or subtransaction ends.
RunRaw *run_now = nullptr;

void
forget_run(void *)
{
	run_now = nullptr;
}

struct Entry
{
	ObjectAddress address; // key
	long order;            // of the first touch
	const char *type;
	const char *identity; // as of the last time it was seen
	const char *was;      // before a rename, else nullptr
	List *names;
	List *arguments;
	bool dropped;
	bool named;                      // by an event of a statement, not only gone along with another
	SubTransactionId subtransaction; // of the first touch
};

// The row of an object as it was when the run began, by reading its catalog with the snapshot taken then; nullptr: there was none.
HeapTuple
tuple_then_raw(const RunRaw *run, Oid catalog_oid, Oid index, ScanKey keys, int count)
{
	Relation catalog = table_open(catalog_oid, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, index, true, run->before, count, keys);
	HeapTuple tuple = heap_copytuple(systable_getnext(scan));

	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return tuple;
}

HeapTuple
tuple_then_raw(const RunRaw *run, const ObjectAddress &address)
{
	Oid index = get_object_oid_index(address.classId);
	ScanKeyData key;

	if (!OidIsValid(index))
		return nullptr;
	ScanKeyInit(&key, get_object_attnum_oid(address.classId), BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(address.objectId));
	return tuple_then_raw(run, address.classId, index, &key, 1);
}

bool
was_there_raw(const RunRaw *run, const ObjectAddress &address)
{
	HeapTuple tuple = tuple_then_raw(run, address);

	if (!HeapTupleIsValid(tuple))
		return false;
	heap_freetuple(tuple);
	return true;
}

bool
column_was_there_raw(const RunRaw *run, const ObjectAddress &address)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(address.objectId));
	ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ,
				Int16GetDatum(static_cast<int16>(address.objectSubId)));
	return HeapTupleIsValid(tuple_then_raw(run, AttributeRelationId, AttributeRelidNumIndexId, keys, 2));
}

// Constraints NOT NULL are objects of their own from PostgreSQL 17 (of domains) and 18 (of tables) on; elsewhere they are marks of columns.
bool
named_was_there_raw(const RunRaw *run, const ObjectAddress &address)
{
	if (address.classId == RelationRelationId && address.objectSubId != 0)
		return column_was_there_raw(run, address);
	HeapTuple tuple = tuple_then_raw(run, address);
	return HeapTupleIsValid(tuple) && (address.classId != ConstraintRelationId ||
									   reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple))->contype != 'n');
}

std::vector<std::string>
strings_of(List *list)
{
	std::vector<std::string> result;
	ListCell *cell;

	foreach (cell, list)
		result.emplace_back(static_cast<const char *>(lfirst(cell)));
	return result;
}

struct Resolved
{
	const char *type;
	const char *identity;
	List *names;
	List *arguments;
	const char *change;
	const char *was;
	const char *catalog;
	Oid catalog_oid;
	Oid oid;
	int column;
	bool named;
	long order;
};

// In the current context, which is `memory`.
RunRaw *
make_raw(MemoryContext memory, int64 id, const char *migration)
{
	auto *run = static_cast<RunRaw *>(palloc0(sizeof(RunRaw)));
	HASHCTL control;

	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(ObjectAddress);
	control.entrysize = sizeof(Entry);
	control.hcxt = memory;
	run->touched = hash_create("migration_governance objects", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	run->id = id;
	run->migration = pstrdup(migration);
	run->memory = memory;
	return run;
}

// Says what became of one object; a nullptr change means that it came and went within the run.
Resolved
resolve_raw(const RunRaw *run, const Entry *entry)
{
	Resolved result = {entry->type,  entry->identity, entry->names,           entry->arguments, nullptr,
					   entry->was,   nullptr,         entry->address.classId, InvalidOid,       0,
					   entry->named, entry->order};
	List *names = NIL;
	List *arguments = NIL;
	char *identity = getObjectIdentityParts(&entry->address, &names, &arguments, true);
	if (entry->address.classId == RelationRelationId && entry->address.objectSubId != 0 &&
		!pg::column_exists_raw(entry->address.objectId, entry->address.objectSubId))
		identity = nullptr;
	bool before = was_there_raw(run, entry->address);

	result.catalog = get_rel_name(entry->address.classId);
	result.oid = entry->address.objectId;
	result.column = entry->address.objectSubId;
	if (identity != nullptr)
	{
		result.type = getObjectTypeDescription(&entry->address, true);
		result.identity = identity;
		result.names = names;
		result.arguments = arguments;
		result.change = before ? "changed" : "created";
	}
	else if (before)
		result.change = "dropped";
	return result;
}

} // namespace

RunRaw *
current_run()
{
	return run_now;
}

void
join_run_raw(int64 id, const char *migration)
{
	MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);

	run_now = make_raw(TopMemoryContext, id, migration);
	run_now->statement_expected = true;
	MemoryContextSwitchTo(before);
}

bool
is_running()
{
	return run_now != nullptr;
}

void
remember_raw(RunRaw *run, const TouchedRaw *touched, bool named)
{
	if (!OidIsValid(touched->address.objectId) || !is_objectclass_supported(touched->address.classId))
		return;

	MemoryContext before = MemoryContextSwitchTo(run->memory);
	bool found;
	auto *entry = static_cast<Entry *>(hash_search(run->touched, &touched->address, HASH_ENTER, &found));
	if (!found || touched->identity != nullptr)
	{
		entry->type = touched->type != nullptr ? pstrdup(touched->type) : "object";
		entry->identity = touched->identity != nullptr ? pstrdup(touched->identity) : "";
		entry->names = touched->names;
		entry->arguments = touched->arguments;
	}
	if (!found)
		entry->was = nullptr;
	if (!found)
		entry->order = ++run->touches;
	if (!found)
		entry->subtransaction = GetCurrentSubTransactionId();
	entry->dropped = touched->dropped;
	entry->named = named || (found && entry->named);
	MemoryContextSwitchTo(before);
}

bool
is_servers_own_raw(const RunRaw *run, const TouchedRaw *dropped)
{
	if (dropped->address.classId != TriggerRelationId)
		return strcmp(dropped->type, "type") == 0 || strcmp(dropped->type, "default value") == 0;
	HeapTuple tuple = tuple_then_raw(run, dropped->address);
	return HeapTupleIsValid(tuple) && reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple))->tgisinternal;
}

void
remember_name_raw(RunRaw *run, ObjectAddress address)
{
	if (!OidIsValid(address.objectId))
		return;

	TouchedRaw touched = {InvalidObjectAddress, nullptr, nullptr, false, NIL, NIL, nullptr};
	touched.address = address;
	MemoryContext before = MemoryContextSwitchTo(run->memory);
	touched.identity = getObjectIdentity(&touched.address, true);
	MemoryContextSwitchTo(before);
	remember_raw(run, &touched, true);
	bool found;
	auto *entry = static_cast<Entry *>(hash_search(run->touched, &touched.address, HASH_FIND, &found));
	if (found && entry->was == nullptr)
		entry->was = touched.identity;
}

void
remember_default_raw(RunRaw *run, Oid oid)
{
	MemoryContext before = MemoryContextSwitchTo(run->memory);
	run->dropped_defaults = lappend_oid(run->dropped_defaults, oid);
	MemoryContextSwitchTo(before);
}

void
remember_drop_raw(RunRaw *run, const TouchedRaw *touched)
{
	if (!is_objectclass_supported(touched->address.classId))
		return;

	MemoryContext before = MemoryContextSwitchTo(run->memory);
	auto *drop = static_cast<DropRaw *>(palloc0(sizeof(DropRaw)));

	drop->address = touched->address;
	drop->type = pstrdup(touched->type);
	drop->identity = pstrdup(touched->identity);
	drop->catalog = get_rel_name(touched->address.classId);
	drop->names = touched->names;
	run->drops = lappend(run->drops, drop);
	MemoryContextSwitchTo(before);
}

void
remember_rewrite_raw(RunRaw *run, Oid relation, int reason)
{
	MemoryContext before = MemoryContextSwitchTo(run->memory);
	auto *rewrite = static_cast<RewriteRaw *>(palloc(sizeof(RewriteRaw)));
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, relation);
	const char *identity = getObjectIdentity(&address, true);
	rewrite->relation = identity != nullptr ? identity : "";
	rewrite->reason = reason;
	rewrite->subtransaction = GetCurrentSubTransactionId();
	rewrite->next = run->rewrites;
	run->rewrites = rewrite;
	MemoryContextSwitchTo(before);
}

void
forget_undone(SubTransactionId failed)
{
	HASH_SEQ_STATUS status;

	if (run_now == nullptr)
		return;
	hash_seq_init(&status, run_now->touched);
	while (auto *entry = static_cast<Entry *>(hash_seq_search(&status)))
		if (entry->subtransaction >= failed)
			hash_search(run_now->touched, &entry->address, HASH_REMOVE, nullptr);
	for (RewriteRaw **link = &run_now->rewrites; *link != nullptr;)
		if ((*link)->subtransaction >= failed)
			*link = (*link)->next;
		else
			link = &(*link)->next;
}

Run::Run(int64_t id, const std::string &migration)
{
	memory_ = pg::guarded([&] {
		MemoryContext memory =
			AllocSetContextCreate(CurTransactionContext, "migration_governance run", ALLOCSET_DEFAULT_SIZES);
		MemoryContext before = MemoryContextSwitchTo(memory);
		RunRaw *run = make_raw(memory, id, migration.c_str());
		run->before = RegisterSnapshotOnOwner(GetLatestSnapshot(), CurTransactionResourceOwner);

		auto *callback = static_cast<MemoryContextCallback *>(palloc0(sizeof(MemoryContextCallback)));
		callback->func = forget_run;
		MemoryContextRegisterResetCallback(memory, callback);
		run_now = run;
		MemoryContextSwitchTo(before);
		return memory;
	});
}

// After an error the transaction's abort releases the snapshot and the memory.
Run::~Run()
{
	if (run_now != nullptr && std::uncaught_exceptions() == 0)
	{
		UnregisterSnapshotFromOwner(run_now->before, CurTransactionResourceOwner);
		MemoryContextDelete(memory_);
	}
	run_now = nullptr;
}

void
Run::expect_statement()
{
	if (run_now != nullptr)
		run_now->statement_expected = true;
}

void
Run::expect_nothing()
{
	if (run_now != nullptr)
		run_now->statement_expected = false;
}

void
Run::enter(const char *script)
{
	if (run_now != nullptr)
		run_now->script =
			script != nullptr ? pg::guarded([&] { return MemoryContextStrdup(run_now->memory, script); }) : nullptr;
}

int
Run::recorded() const
{
	return run_now != nullptr ? run_now->recorded : 0;
}

bool
Run::is_incomplete() const
{
	return run_now != nullptr && run_now->incomplete;
}

std::vector<std::pair<uint32_t, uint32_t>>
Run::dropped_defaults() const
{
	std::vector<std::pair<uint32_t, uint32_t>> result;
	ListCell *cell;

	if (run_now != nullptr)
		foreach (cell, run_now->dropped_defaults)
			result.emplace_back(AttrDefaultRelationId, lfirst_oid(cell));
	return result;
}

std::vector<RunObject>
Run::take_drops()
{
	std::vector<RunObject> result;
	ListCell *cell;

	if (run_now == nullptr)
		return result;
	pg::guarded([&] {
		foreach (cell, run_now->drops)
		{
			auto *drop = static_cast<DropRaw *>(lfirst(cell));
			drop->was_there = named_was_there_raw(run_now, drop->address);
		}
	});
	foreach (cell, run_now->drops)
	{
		const auto *drop = static_cast<const DropRaw *>(lfirst(cell));
		if (!drop->was_there)
			continue;
		RunObject object;
		object.type = drop->type;
		object.identity = drop->identity;
		object.names = strings_of(drop->names);
		object.change = "dropped";
		object.catalog = drop->catalog != nullptr ? drop->catalog : "";
		object.catalog_oid = drop->address.classId;
		object.oid = drop->address.objectId;
		object.column = drop->address.objectSubId;
		result.push_back(std::move(object));
	}
	run_now->drops = NIL;
	return result;
}

Snapshot
Run::before() const
{
	return run_now != nullptr ? run_now->before : nullptr;
}

std::vector<Rewrite>
Run::rewrites() const
{
	std::vector<Rewrite> result;

	for (const RewriteRaw *r = run_now != nullptr ? run_now->rewrites : nullptr; r != nullptr; r = r->next)
	{
		std::string reason;
		auto add = [&](int bit, const char *name) {
			if ((r->reason & bit) != 0)
				reason += (reason.empty() ? "" : ", ") + std::string(name);
		};
		add(AT_REWRITE_ALTER_PERSISTENCE, "persistence");
		add(AT_REWRITE_DEFAULT_VAL, "default");
		add(AT_REWRITE_COLUMN_REWRITE, "type");
		add(AT_REWRITE_ACCESS_METHOD, "access method");
		result.insert(result.begin(), {r->relation, reason});
	}
	return result;
}

std::vector<RunObject>
Run::objects() const
{
	std::vector<RunObject> result;
	if (run_now == nullptr)
		return result;

	struct Found
	{
		Resolved *items;
		int count;
	};
	Found found = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(run_now->memory);
		long size = hash_get_num_entries(run_now->touched);
		Found all = {static_cast<Resolved *>(MemoryContextAllocHuge(run_now->memory, sizeof(Resolved) * (size + 1))),
					 0};
		HASH_SEQ_STATUS status;

		hash_seq_init(&status, run_now->touched);
		while (auto *entry = static_cast<Entry *>(hash_seq_search(&status)))
		{
			Resolved resolved = resolve_raw(run_now, entry);
			if (resolved.change != nullptr)
				all.items[all.count++] = resolved;
		}
		MemoryContextSwitchTo(before);
		return all;
	});
	std::sort(found.items, found.items + found.count,
			  [](const Resolved &a, const Resolved &b) { return a.order < b.order; });
	for (int i = 0; i < found.count; i++)
	{
		const Resolved &r = found.items[i];
		bool renamed = r.was != nullptr && strcmp(r.was, r.identity) != 0;
		result.push_back({r.type != nullptr ? r.type : "object", r.identity, renamed ? r.was : "", strings_of(r.names),
						  strings_of(r.arguments), r.change, r.catalog != nullptr ? r.catalog : "", r.catalog_oid,
						  r.oid, r.column, r.named});
	}
	return result;
}

} // namespace mg::capture
