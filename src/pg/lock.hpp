// Locks of the extension's own in the server's lock manager, held until the transaction ends.
#pragma once

#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::pg {

// What is locked; the numbers stand in pg_locks.objid, beside classid own_lock_class and objsubid own_lock_field.
enum class OwnLock : uint32
{
	run = 0,
	seal = 1,
	deployment = 2, // of the session that deploys; shared by the runs of mg_apply
	step = 3        // of the worker that runs a step
};

// Advisory locks whose fourth field no SQL function uses, so that nobody can take one, by chance or to do harm.
constexpr uint32 own_lock_class = 28007;
constexpr uint16 own_lock_field = 3;
constexpr uint16 work_lock_field = 4; // there objid is the hash of a text

// Takes the exclusive lock of this database; without `wait` gives false when another session has it.
inline bool
take_own_lock(OwnLock what, bool wait)
{
	return guarded([&] {
		LOCKTAG tag;

		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, own_lock_class, static_cast<uint32>(what), own_lock_field);
		return LockAcquire(&tag, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
	});
}

// The same lock shared; false when another session has it exclusively, for whose end it does not wait.
bool share_own_lock(OwnLock what);

// A lock that outlives transactions, until it goes out of scope. Does not wait: is_held() tells whether another session has it.
class SessionLock
{
public:
	explicit SessionLock(OwnLock what);
	~SessionLock();
	SessionLock(const SessionLock &) = delete;
	SessionLock &operator=(const SessionLock &) = delete;

	bool is_held() const { return held_; }

private:
	OwnLock what_;
	bool held_;
};

// The same for a piece of work that a text describes: two such texts may in theory share one.
class WorkLock
{
public:
	explicit WorkLock(const std::string &what);
	~WorkLock();
	WorkLock(const WorkLock &) = delete;
	WorkLock &operator=(const WorkLock &) = delete;

	bool is_held() const { return held_; }
	uint32 number() const { return number_; } // objid in pg_locks

private:
	uint32 number_;
	bool held_;
};

// Tells whether another session waits for a row that the current (sub)transaction has changed or locked.
bool keeps_others_waiting();

// Takes again what a SessionLock of this session has and pg_advisory_unlock_all() has let go; false when another session was faster.
bool renew_own_lock(OwnLock what);

// Shows, until the transaction ends, for which migration the session works: pg_locks.objid is pg_catalog.hashtext() of its name, objsubid
// this.
constexpr uint16 own_name_field = 5;
void show_migration(const std::string &migration);

// Takes such a lock for the rest of this process, waiting for it.
void keep_own_lock_raw(OwnLock what);

// Tells whether this session holds a lock in just this mode.
bool holds_lock(const LOCKTAG &tag, LOCKMODE mode) noexcept;

// The locks that this session holds on relations of its database, in the current context. A relation may come twice.
struct HeldRelation
{
	Oid relation;
	LOCKMASK mask;
};
struct HeldRaw
{
	HeldRelation *items;
	int count;
};
HeldRaw held_relations_raw();

// Session-level advisory locks outlive a rollback: those that the session gets while this lives are let go at its end. How often a lock
// was taken that the session had before is not counted.
class AdvisoryLocks
{
public:
	AdvisoryLocks();
	~AdvisoryLocks();
	AdvisoryLocks(const AdvisoryLocks &) = delete;
	AdvisoryLocks &operator=(const AdvisoryLocks &) = delete;

private:
	void release() const;

	std::vector<std::pair<LOCKTAG, LOCKMODE>> before_;
};

// The strongest mode of a mask.
inline LOCKMODE
strongest(LOCKMASK mask)
{
	LOCKMODE mode = MaxLockMode;

	while (mode > NoLock && (mask & LOCKBIT_ON(mode)) == 0)
		mode--;
	return mode;
}

} // namespace mg::pg
