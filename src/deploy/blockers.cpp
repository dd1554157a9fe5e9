// Asks pg_locks and pg_stat_activity with the caller's rights: what he may not see there he does not see here.
#include "deploy/blockers.hpp"

#include "core/json.hpp"
#include "pg/procedure.hpp"
#include "pg/query.hpp"
#include "policy/policy.hpp"

namespace mg::deploy {

namespace {

constexpr size_t most_shown = 5;

// Of the processes in `who`, a query with one column: pid.
std::string
about(const std::string &who)
{
	return "SELECT w.pid, coalesce(a.usename, p.owner, ''), coalesce(a.application_name, ''),"
		   " CASE WHEN w.pid = 0 THEN 'prepared' ELSE coalesce(a.state, '') END,"
		   " coalesce(pg_catalog.date_trunc('milliseconds', pg_catalog.clock_timestamp() - coalesce(a.xact_start,"
		   " p.prepared))::text, ''), coalesce(a.query, ''),"
		   " pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('pid', w.pid, 'role', coalesce(a.usename, "
		   "p.owner),"
		   " 'application', a.application_name, 'client', a.client_addr, 'state', a.state, 'wait', a.wait_event,"
		   " 'transaction_start', coalesce(a.xact_start, p.prepared), 'query_start', a.query_start,"
		   " 'statement', pg_catalog.left(a.query, 1000), 'prepared', p.gid))"
		   " FROM (SELECT DISTINCT x.pid FROM (" +
		   who +
		   ") x (pid)) w LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid AND w.pid <> 0"
		   " LEFT JOIN LATERAL (SELECT p.gid, p.owner, p.prepared FROM pg_catalog.pg_prepared_xacts p WHERE w.pid = 0"
		   " ORDER BY p.prepared LIMIT 1) p ON true ORDER BY coalesce(a.xact_start, p.prepared) NULLS LAST, w.pid";
}

Blockers
ask(const std::string &who, const std::vector<pg::Cell> &params)
{
	Blockers result;

	for (const pg::Row &row : pg::query_as_caller(about(who), params))
	{
		Blocker one;
		one.pid = std::stoi(row[0].value_or("0"));
		one.role = row[1].value_or("");
		one.application = row[2].value_or("");
		one.state = row[3].value_or("");
		one.transaction_age = row[4].value_or("");
		one.statement = row[5].value_or("");
		one.json = row[6].value_or("{}");
		result.push_back(std::move(one));
	}
	return result;
}

// The modes that conflict with one, as an array of names.
std::string
conflicting(LOCKMODE mode)
{
	std::vector<std::string> names;

	for (LOCKMODE other = 1; other <= MaxLockMode; other++)
		if (DoLockModesConflict(mode, other))
			names.emplace_back(GetLockmodeName(DEFAULT_LOCKMETHOD, other));
	return pg::array_literal(names);
}

} // namespace

std::string
Blocker::title() const
{
	if (pid == 0)
		return "a prepared transaction (" + role + ")";
	std::string inner = role;
	if (!application.empty())
		inner += ", " + application;
	if (!state.empty())
		inner += ", " + state;
	if (!transaction_age.empty())
		inner += ", in a transaction for " + transaction_age;
	return "pid " + std::to_string(pid) + (inner.empty() ? "" : " (" + inner + ")");
}

Blockers
holders_of(const pg::Awaited &awaited)
{
	const LOCKTAG &tag = awaited.tag;

	if (!awaited.any)
		return {};
	switch (tag.locktag_type)
	{
		case LOCKTAG_RELATION:
			return ask(
				"SELECT coalesce(l.pid, 0) FROM pg_catalog.pg_locks l WHERE l.granted AND l.locktype = 'relation'"
				" AND l.database = $1::oid AND l.relation = $2::oid AND l.mode = ANY ($3::text[])"
				" AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()",
				{std::to_string(tag.locktag_field1), std::to_string(tag.locktag_field2), conflicting(awaited.mode)});
		case LOCKTAG_TRANSACTION:
			return ask("SELECT coalesce(l.pid, 0) FROM pg_catalog.pg_locks l WHERE l.granted"
					   " AND l.locktype = 'transactionid' AND l.transactionid::text = $1"
					   " AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()",
					   {std::to_string(tag.locktag_field1)});
		case LOCKTAG_OBJECT:
			return ask("SELECT coalesce(l.pid, 0) FROM pg_catalog.pg_locks l WHERE l.granted AND l.locktype = 'object'"
					   " AND l.classid = $1::oid AND l.objid = $2::oid"
					   " AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()",
					   {std::to_string(tag.locktag_field2), std::to_string(tag.locktag_field3)});
		default:
			return {};
	}
}

Blockers
blockers_of(int pid)
{
	return ask("SELECT u.pid FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::integer)) u (pid)",
			   {std::to_string(pid)});
}

Blockers
transactions_before(Oid table)
{
	return ask(
		"SELECT coalesce(l.pid, 0) FROM pg_catalog.pg_locks l WHERE l.granted AND l.locktype = 'relation'"
		" AND l.relation = $1::oid AND l.mode = ANY ($2::text[])"
		" AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())"
		" AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()"
		" UNION SELECT s.pid FROM pg_catalog.pg_stat_activity s WHERE s.datname = pg_catalog.current_database()"
		" AND s.backend_xmin IS NOT NULL AND s.pid <> pg_catalog.pg_backend_pid() AND s.backend_type = 'client backend'"
		" AND s.xact_start < pg_catalog.clock_timestamp() - interval '1 second'",
		{std::to_string(table), conflicting(ShareLock)});
}

void
end_some(Blockers &blockers)
{
	const int limit = policy::seconds("end_blockers");

	if (limit < 0)
		return;
	for (Blocker &blocker : blockers)
	{
		if (blocker.pid == 0)
			continue;
		const bool idles = blocker.state.rfind("idle in transaction", 0) == 0;
		const std::string call = idles ? "pg_catalog.pg_terminate_backend" : "pg_catalog.pg_cancel_backend";
		std::vector<pg::Row> rows;
		std::optional<pg::Error> error = pg::try_and_keep([&] {
			rows = pg::query_as_caller("SELECT " + call +
										   "(a.pid) FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1::integer"
										   " AND a.backend_type = 'client backend'"
										   " AND pg_catalog.clock_timestamp() - CASE WHEN a.state LIKE 'idle%' THEN"
										   " a.state_change ELSE a.xact_start END > $2::integer * interval '1 second'",
									   {std::to_string(blocker.pid), std::to_string(limit)});
		});
		if (error.has_value())
			pg::report(WARNING, UserError("01000", "could not end " + blocker.title()).detail(error->what()));
		else if (!rows.empty() && rows[0][0] == "t")
			blocker.ended = idles ? "terminated" : "cancelled";
		else if (rows.empty() && blocker.statement == "<insufficient privilege>")
			pg::report(WARNING,
					   UserError("01000", "could not end " + blocker.title())
						   .detail("The policy setting end_blockers would, but the caller may not see what that "
								   "session does.")
						   .hint("pg_read_all_stats and pg_signal_backend give the right to."));
	}
}

std::string
to_json(const Blockers &blockers)
{
	JsonArray json;

	for (const Blocker &blocker : blockers)
		json.json(blocker.ended.empty() ? blocker.json
										: blocker.json.substr(0, blocker.json.size() - 1) +
											  ", \"ended\": " + json_quote(blocker.ended) + "}");
	return json.str();
}

std::string
list_of(const Blockers &blockers)
{
	std::string list;

	for (size_t i = 0; i < blockers.size() && i < most_shown; i++)
		list += (list.empty() ? "" : "; ") + blockers[i].title() +
				(blockers[i].ended.empty() ? "" : ", " + blockers[i].ended);
	if (blockers.size() > most_shown)
		list += "; and " + std::to_string(blockers.size() - most_shown) + " more";
	return list;
}

} // namespace mg::deploy
