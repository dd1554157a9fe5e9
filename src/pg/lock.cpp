// Walks this session's own locks. pg_locks would copy every session's, and stop all of them from locking anything meanwhile.
#include "pg/lock.hpp"

#include <algorithm>
#include <cstring>

#include "pg/memory.hpp"

namespace mg::pg {

namespace {

#if PG_VERSION_NUM >= 180000
int
fast_slots()
{
	return FastPathLockSlotsPerBackend();
}
#else
constexpr int
fast_slots()
{
	return FP_LOCK_SLOTS_PER_BACKEND;
}
#endif

// The server's own macros for this do not compile in C++.
template <typename Link>
const PROCLOCK &
lock_of(const Link *link)
{
	return *reinterpret_cast<const PROCLOCK *>(reinterpret_cast<const char *>(link) - offsetof(PROCLOCK, procLink));
}

// Calls each(lock) for this session's entries in one partition of the lock table.
template <typename Each>
void
visit_partition_raw(int partition, Each each)
{
#if PG_VERSION_NUM >= 160000
	const dlist_node *list = &MyProc->myProcLocks[partition].head;
#else
	const SHM_QUEUE *list = &MyProc->myProcLocks[partition];
#endif
	if (list->next == nullptr || list->next == list)
		return;
	LWLockAcquire(LockHashPartitionLockByIndex(partition), LW_SHARED);
	for (const auto *link = list->next; link != list; link = link->next)
		each(lock_of(link));
	LWLockRelease(LockHashPartitionLockByIndex(partition));
}

bool
is_relation_here(const LOCKTAG &tag)
{
	return tag.locktag_type == LOCKTAG_RELATION && tag.locktag_field1 == MyDatabaseId &&
		   tag.locktag_lockmethodid == DEFAULT_LOCKMETHOD;
}

} // namespace

bool
holds_lock(const LOCKTAG &tag, LOCKMODE mode) noexcept
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(&tag, mode, false);
#else
	return LockHeldByMe(&tag, mode);
#endif
}

HeldRaw
held_relations_raw()
{
	int room = fast_slots();
	HeldRaw held = {nullptr, 0};

	/* Nothing may fail while a partition is locked. Another session can only move a lock from a fast slot into the table. */
	for (int i = 0; i < NUM_LOCK_PARTITIONS; i++)
		visit_partition_raw(i, [&](const PROCLOCK &) { room++; });
	room += fast_slots();
	held.items = static_cast<HeldRelation *>(palloc(sizeof(HeldRelation) * room));
	for (int i = 0; i < NUM_LOCK_PARTITIONS; i++)
		visit_partition_raw(i, [&](const PROCLOCK &lock) {
			if (is_relation_here(lock.tag.myLock->tag) && lock.holdMask != 0 && held.count < room)
				held.items[held.count++] = {lock.tag.myLock->tag.locktag_field2, lock.holdMask};
		});

	/* A slot keeps the relation of a lock that is released; whether it is held, the session itself knows. */
	for (int i = 0; i < fast_slots(); i++)
	{
		LOCKTAG tag;
		LOCKMASK mask = 0;

		if (!OidIsValid(MyProc->fpRelId[i]))
			continue;
		SET_LOCKTAG_RELATION(tag, MyDatabaseId, MyProc->fpRelId[i]);
		for (LOCKMODE mode : {AccessShareLock, RowShareLock, RowExclusiveLock})
			if (holds_lock(tag, mode))
				mask |= LOCKBIT_ON(mode);
		if (mask != 0 && held.count < room)
			held.items[held.count++] = {MyProc->fpRelId[i], mask};
	}
	return held;
}

namespace {

struct AdvisoryRaw
{
	LOCKTAG *tags;
	LOCKMASK *masks;
	int count;
};

// The advisory locks of SQL functions that this session holds, in the current context.
AdvisoryRaw
advisory_raw()
{
	int room = 0;
	AdvisoryRaw held = {nullptr, nullptr, 0};

	for (int i = 0; i < NUM_LOCK_PARTITIONS; i++)
		visit_partition_raw(i, [&](const PROCLOCK &) { room++; });
	held.tags = static_cast<LOCKTAG *>(palloc(sizeof(LOCKTAG) * (room + 1)));
	held.masks = static_cast<LOCKMASK *>(palloc(sizeof(LOCKMASK) * (room + 1)));
	for (int i = 0; i < NUM_LOCK_PARTITIONS; i++)
		visit_partition_raw(i, [&](const PROCLOCK &lock) {
			const LOCKTAG &tag = lock.tag.myLock->tag;
			if (tag.locktag_type != LOCKTAG_ADVISORY || tag.locktag_field4 >= own_lock_field || held.count >= room)
				return;
			held.tags[held.count] = tag;
			held.masks[held.count++] = lock.holdMask;
		});
	return held;
}

std::vector<std::pair<LOCKTAG, LOCKMODE>>
advisory_locks()
{
	MemoryScope memory("migration_governance advisory locks");
	std::vector<std::pair<LOCKTAG, LOCKMODE>> result;
	AdvisoryRaw held = guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		AdvisoryRaw found = advisory_raw();
		MemoryContextSwitchTo(before);
		return found;
	});

	for (int i = 0; i < held.count; i++)
		for (LOCKMODE mode : {ShareLock, ExclusiveLock})
			if ((held.masks[i] & LOCKBIT_ON(mode)) != 0)
				result.emplace_back(held.tags[i], mode);
	return result;
}

} // namespace

AdvisoryLocks::AdvisoryLocks() : before_(advisory_locks())
{
}

AdvisoryLocks::~AdvisoryLocks()
{
	try
	{
		release();
	}
	catch (const std::exception &)
	{
		/* Without memory they stay until the session ends. */
	}
}

void
AdvisoryLocks::release() const
{
	for (const auto &[tag, mode] : advisory_locks())
	{
		auto same = [&, &tag = tag, &mode = mode](const auto &one) {
			return one.second == mode && memcmp(&one.first, &tag, sizeof(tag)) == 0;
		};
		if (std::any_of(before_.begin(), before_.end(), same))
			continue;
		while (holds_lock(tag, mode))
			if (!guarded([&, &tag = tag, &mode = mode] { return LockRelease(&tag, mode, true); }))
				break;
	}
}

namespace {

LOCKTAG
own_tag(OwnLock what)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, own_lock_class, static_cast<uint32>(what), own_lock_field);
	return tag;
}

} // namespace

bool
share_own_lock(OwnLock what)
{
	return guarded([&] {
		const LOCKTAG tag = own_tag(what);
		return LockAcquire(&tag, ShareLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
	});
}

void
show_migration(const std::string &migration)
{
	guarded([&] {
		const auto hash = DatumGetUInt32(
			hash_any(reinterpret_cast<const unsigned char *>(migration.data()), static_cast<int>(migration.size())));
		LOCKTAG tag;
		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, own_lock_class, hash, own_name_field);
		LockAcquire(&tag, ShareLock, false, true);
	});
}

bool
renew_own_lock(OwnLock what)
{
	return guarded([&] {
		const LOCKTAG tag = own_tag(what);
		return holds_lock(tag, ExclusiveLock) || LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
	});
}

SessionLock::SessionLock(OwnLock what)
	: what_(what), held_(guarded([&] {
		  const LOCKTAG tag = own_tag(what);
		  return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
	  }))
{
}

SessionLock::~SessionLock()
{
	try
	{
		guarded([&] {
			const LOCKTAG tag = own_tag(what_);
			if (held_ && holds_lock(tag, ExclusiveLock))
				LockRelease(&tag, ExclusiveLock, true);
		});
	}
	catch (...)
	{
		return;
	}
}

namespace {

LOCKTAG
work_tag(uint32 number)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, own_lock_class, number, work_lock_field);
	return tag;
}

} // namespace

WorkLock::WorkLock(const std::string &what)
	: number_(hash_bytes(reinterpret_cast<const unsigned char *>(what.data()), static_cast<int>(what.size()))),
	  held_(guarded([&] {
		  const LOCKTAG tag = work_tag(number_);
		  return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
	  }))
{
}

WorkLock::~WorkLock()
{
	const LOCKTAG tag = work_tag(number_);

	if (held_)
		LockRelease(&tag, ExclusiveLock, true);
}

// Who waits for a row waits for the transaction that has changed it.
bool
keeps_others_waiting()
{
	return guarded([] {
		const TransactionId xid = GetCurrentTransactionIdIfAny();
		LOCKTAG tag;

		if (!TransactionIdIsValid(xid))
			return false;
		SET_LOCKTAG_TRANSACTION(tag, xid);
		return LockHasWaiters(&tag, ExclusiveLock, false);
	});
}

void
keep_own_lock_raw(OwnLock what)
{
	const LOCKTAG tag = own_tag(what);

	LockAcquire(&tag, ExclusiveLock, true, false);
}

} // namespace mg::pg
