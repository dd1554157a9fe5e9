// Reads pg_locks.
#include "lint/others.hpp"

#include "lint/facts.hpp"

namespace mg::lint {

namespace {

LOCKMODE
mode_by(const pg::Cell &name)
{
	LOCKMODE mode = NoLock;

	for (LOCKMODE one = AccessShareLock; one <= AccessExclusiveLock; one++)
		if (name == GetLockmodeName(DEFAULT_LOCKMETHOD, one))
			mode = one;
	return mode;
}

} // namespace

bool
is_kept_from(Oid table, LOCKMODE mode)
{
	return pg::guarded([&] {
		LOCKTAG tag;
		int count = 0;
		SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
		(void)GetLockConflicts(&tag, mode, &count);
		return count > 0;
	});
}

std::map<Oid, std::vector<OtherLock>>
locks_of_others()
{
	constexpr const char *sql =
		"SELECT l.relation, l.pid, l.mode, coalesce(date_trunc('seconds', clock_timestamp() - a.xact_start)::text, 'a "
		"time "
		"that "
		"you may not see'),"
		" coalesce(a.backend_type = 'autovacuum worker' AND a.query LIKE '%(to prevent wraparound)', false)"
		" FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'relation'"
		" AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.granted AND "
		"l.pid <> pg_backend_pid() AND coalesce(a.xact_start < clock_timestamp() - interval '3 seconds', true)"
		" ORDER BY 5 DESC, a.xact_start";
	std::map<Oid, std::vector<OtherLock>> result;

	for (const pg::Row &row : facts(sql, {}))
		result[static_cast<Oid>(std::stoul(row[0].value_or("0")))].push_back(
			{row[1].value_or("?"), mode_by(row[2]), row[3].value_or("?"), row[4] == "t"});
	return result;
}

} // namespace mg::lint
