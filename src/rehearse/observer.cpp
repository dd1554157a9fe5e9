// Looks at locks, files and rows.
#include "rehearse/observer.hpp"

#include <algorithm>

#include "capture/frame.hpp"
#include "pg/lock.hpp"
#include "pg/memory.hpp"

namespace mg::rehearse {

namespace {

std::map<Oid, LOCKMODE>
held_now()
{
	pg::MemoryScope memory("migration_governance held locks");
	std::map<Oid, LOCKMODE> result;
	pg::HeldRaw held = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		pg::HeldRaw found = pg::held_relations_raw();
		MemoryContextSwitchTo(before);
		return found;
	});

	for (int i = 0; i < held.count; i++)
	{
		LOCKMODE &mode = result[held.items[i].relation];
		mode = std::max(mode, pg::strongest(held.items[i].mask));
	}
	return result;
}

std::string
quoted(const std::string &name)
{
	return pg::guarded([&] { return quote_identifier(name.c_str()); });
}

} // namespace

Observer::Observer(const pg::Awaited &early, int line)
	: early_(early), early_line_(line), before_(held_now()), last_us_(capture::clock_us())
{
	before_.erase(early.relation);
}

void
Observer::tell(Oid relation, LOCKMODE mode, int line, std::vector<Taken> &taken)
{
	LOCKMODE &told = told_[relation];
	if (told >= mode)
		return;
	told = mode;
	taken.push_back({relation, mode});
	auto [lock, is_new] = locks_.emplace(relation, Lock{mode, line, last_us_, 0});
	if (!is_new && lock->second.mode < mode)
		lock->second = {mode, line, last_us_, 0};
}

std::vector<Taken>
Observer::look(int line, const ToldLocks *told)
{
	std::vector<Taken> taken;

	for (const auto &[relation, mode] : held_now())
	{
		if (relation == early_.relation && line < early_line_)
			continue;
		auto before = before_.find(relation);
		if (before != before_.end() && before->second >= mode)
			continue;
		auto hidden = hidden_.find(relation);
		if (hidden != hidden_.end() && hidden->second >= mode)
			continue;
		LOCKMODE shown = mode;
		if (told != nullptr && told->is_other_form && mode > ShareUpdateExclusiveLock)
		{
			auto known = told->modes.find(relation);
			shown = std::min(mode, known != told->modes.end() ? known->second : ShareUpdateExclusiveLock);
		}
		if (shown < mode)
			hidden_[relation] = mode;
		tell(relation, shown, line, taken);
	}
	if (told != nullptr)
		for (const auto &[relation, mode] : told->modes)
			if (auto hidden = hidden_.find(relation); hidden != hidden_.end() && hidden->second >= mode)
				tell(relation, mode, line, taken);
	std::sort(taken.begin(), taken.end(), [](const Taken &a, const Taken &b) { return a.relation < b.relation; });
	last_us_ = capture::clock_us();
	return taken;
}

void
Observer::end_step()
{
	const int64_t now = capture::clock_us();

	for (auto &[relation, lock] : locks_)
		if (lock.held_us == 0)
			lock.held_us = now - lock.since_us;
	for (const auto &[relation, mode] : held_now())
		if (auto before = before_.find(relation); before == before_.end() || before->second < mode)
			hidden_[relation] = mode;
	told_.clear();
	last_us_ = capture::clock_us();
}

std::map<Oid, Lock>
Observer::locks() const
{
	std::map<Oid, Lock> result = locks_;
	const int64_t now = capture::clock_us();

	for (auto &[relation, lock] : result)
		if (lock.held_us == 0)
			lock.held_us = now - lock.since_us;
	return result;
}

std::vector<Oid>
Observer::relations() const
{
	std::vector<Oid> result;

	result.reserve(before_.size() + locks_.size());
	for (const auto &[relation, mode] : before_)
		result.push_back(relation);
	for (const auto &[relation, lock] : locks_)
		if (before_.count(relation) == 0)
			result.push_back(relation);
	return result;
}

int64_t
scans_of(Oid table)
{
	return pg::guarded(
		[&] { return DatumGetInt64(DirectFunctionCall1(pg_stat_get_xact_numscans, ObjectIdGetDatum(table))); });
}

std::map<Oid, Relation>
relations_now(const std::vector<Oid> &oids)
{
	std::map<Oid, Relation> result;

	for (const pg::Row &row : pg::query_as(
			 BOOTSTRAP_SUPERUSERID,
			 "SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind, c.relfilenode,"
			 " CASE WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid)"
			 " WHEN c.relkind IN ('i', 'S') THEN pg_relation_size(c.oid) ELSE 0 END, c.reltuples,"
			 " pg_stat_get_xact_numscans(c.oid), coalesce(i.indrelid, 0),"
			 " ARRAY(SELECT a.attnum || ' ' || a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0"
			 " AND NOT a.attisdropped)"
			 " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = "
			 "c.oid"
			 " WHERE c.oid = ANY ($1::oid[]) AND c.oid >= 16384 AND c.relpersistence <> 't'"
			 " AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'mg', 'mg_archive')",
			 {pg::array_literal(oids)}))
	{
		Oid oid = static_cast<Oid>(std::stoul(*row[0]));
		result[oid] = {oid,
					   *row[1],
					   (*row[2])[0],
					   static_cast<Oid>(std::stoul(*row[3])),
					   std::stoll(row[4].value_or("0")),
					   std::stod(*row[5]),
					   std::stoll(*row[6]),
					   static_cast<Oid>(std::stoul(*row[7])),
					   {}};
		for (const std::string &column : pg::array_items(*row[8]))
		{
			size_t blank = column.find(' ');
			result[oid].columns[column.substr(blank + 1)] = std::stoi(column);
		}
	}
	return result;
}

const char *
blocks(LOCKMODE mode)
{
	switch (mode)
	{
		case AccessShareLock:
			return "blocks only DROP, TRUNCATE and most ALTER TABLE";
		case RowShareLock:
			return "blocks only DROP, TRUNCATE, most ALTER TABLE and REFRESH MATERIALIZED VIEW CONCURRENTLY";
		case RowExclusiveLock:
			return "blocks CREATE INDEX, new foreign keys and most ALTER TABLE; reads and writes go on";
		case ShareUpdateExclusiveLock:
			return "blocks VACUUM, ANALYZE and schema changes; reads and writes go on";
		case ShareLock:
			return "blocks writes and schema changes; reads go on";
		case ShareRowExclusiveLock:
			return "blocks writes and schema changes; reads go on";
		case ExclusiveLock:
			return "blocks writes, SELECT FOR UPDATE and schema changes; plain reads go on";
		case AccessExclusiveLock:
			return "blocks reads and writes";
		default:
			return "blocks nothing";
	}
}

std::vector<Blocker>
blockers_of(const std::map<Oid, Lock> &locks)
{
	std::vector<Oid> oids;
	std::vector<Blocker> result;

	for (const auto &[oid, lock] : locks)
		oids.push_back(oid);
	for (const pg::Row &row :
		 pg::query_as(BOOTSTRAP_SUPERUSERID,
					  "SELECT l.relation, format('%I.%I', n.nspname, c.relname), l.mode, l.granted, a.pid, a.usename,"
					  " a.application_name, a.state, date_trunc('seconds', clock_timestamp() - a.xact_start)::text"
					  " FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation"
					  " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE l.locktype = 'relation' AND l.database ="
					  " (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())"
					  " AND l.relation = ANY ($1::oid[]) AND l.pid <> pg_backend_pid() ORDER BY 2, a.xact_start",
					  {pg::array_literal(oids)}))
	{
		const Lock &lock = locks.at(static_cast<Oid>(std::stoul(*row[0])));
		LOCKMODE other = NoLock;
		for (LOCKMODE mode = 1; mode <= MaxLockMode; mode++)
			if (*row[2] == GetLockmodeName(DEFAULT_LOCKMETHOD, mode))
				other = mode;
		if (other != NoLock && DoLockModesConflict(lock.mode, other))
			result.push_back({*row[1], "pid " + *row[4] + " (" + row[5].value_or("?") + ", application \"" +
										   row[6].value_or("") + "\", " + row[7].value_or("?") +
										   ") in a transaction for " + row[8].value_or("?") +
										   (*row[3] == "t" ? " holds " : " waits for ") + *row[2]});
	}
	return result;
}

Contents
contents_of(const Relation &table)
{
	std::string list;
	std::string counts;

	for (const auto &[column, number] : table.columns)
	{
		list += (list.empty() ? "" : ", ") + quoted(column);
		counts += ", count(" + quoted(column) + ")";
	}
	/* A row's text is made by the types' own output functions. Adding up forgets the order of rows. */
	std::string sql = "SELECT count(*), coalesce(sum(hashtextextended(ROW(" + list + ")::text, 0)::numeric), 0)" +
					  counts + " FROM ONLY " + table.name;
	std::vector<pg::Row> rows = pg::query_as(BOOTSTRAP_SUPERUSERID, sql.c_str(), {}, pg::Plan::once);
	Contents result = {std::stoll(*rows[0][0]), {}, *rows[0][1]};

	size_t cell = 2;
	for (const auto &[column, number] : table.columns)
		result.values[column] = std::stoll(*rows[0][cell++]);
	return result;
}

} // namespace mg::rehearse
