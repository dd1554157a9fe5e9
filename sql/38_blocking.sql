-- Who waits for whom.

CREATE VIEW mg.blocking WITH (security_invoker = true) AS
	SELECT w.pid AS blocked_pid, a.usename AS blocked_role, a.application_name AS blocked_application,
	       w.waitstart AS since, w.mode AS wants,
	       CASE
	           WHEN w.locktype = 'relation' THEN w.relation::regclass::text
	           WHEN w.locktype = 'extend' THEN 'growth of ' || w.relation::regclass
	           WHEN w.locktype IN ('page', 'tuple') THEN w.locktype || ' of ' || w.relation::regclass
	           WHEN w.locktype = 'transactionid' THEN
	               coalesce('row of ' || (SELECT min(t.relation::regclass::text) FROM pg_locks t WHERE t.pid = w.pid AND t.locktype = 'tuple' AND t.granted),
	                        'transaction ' || w.transactionid)
	           WHEN w.locktype = 'virtualxid' THEN 'end of a transaction'
	           WHEN w.locktype = 'object' THEN coalesce(pg_describe_object(w.classid, w.objid, w.objsubid), 'an object that is gone')
	           WHEN w.locktype = 'advisory' AND w.classid = 28007 AND w.objid = 0 AND w.objsubid = 3 THEN 'migrations, one at a time'
	           WHEN w.locktype = 'advisory' THEN format('advisory lock %s, %s', w.classid, w.objid)
	           ELSE w.locktype
	       END AS what,
	       a.query AS blocked_statement,
	       nullif(b.pid, 0) AS blocking_pid, coalesce(h.usename, p.owner) AS blocking_role, h.application_name AS blocking_application,
	       CASE WHEN b.pid = 0 THEN 'prepared' ELSE h.state END AS blocking_state,
	       CASE WHEN b.pid = 0 THEN p.modes ELSE m.modes END AS holds,
	       coalesce(h.xact_start, p.prepared) AS transaction_since,
	       CASE WHEN b.pid = 0 THEN p.gid ELSE h.query END AS blocking_statement
	FROM pg_locks w
	JOIN pg_stat_activity a ON a.pid = w.pid AND a.datname = current_database()
	CROSS JOIN LATERAL (SELECT DISTINCT u.pid FROM unnest(pg_blocking_pids(w.pid)) u (pid)) b
	LEFT JOIN pg_stat_activity h ON h.pid = b.pid
	-- What the other holds of the same; nothing if it only waits before this one.
	CROSS JOIN LATERAL (
	    SELECT string_agg(g.mode, ', ' ORDER BY g.mode) AS modes FROM pg_locks g
	    WHERE g.granted AND g.pid = b.pid AND g.locktype = w.locktype
	      AND (g.database, g.relation, g.page, g.tuple, g.virtualxid, g.transactionid, g.classid, g.objid, g.objsubid)
	          IS NOT DISTINCT FROM (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)) m
	-- A prepared transaction has no session; its locks are those that go with the one on its own number.
	LEFT JOIN LATERAL (
	    SELECT x.gid, x.owner, x.prepared, string_agg(g.mode, ', ' ORDER BY g.mode) AS modes
	    FROM pg_prepared_xacts x
	    JOIN pg_locks t ON t.locktype = 'transactionid' AND t.granted AND t.pid IS NULL AND t.transactionid = x.transaction
	    JOIN pg_locks g ON g.granted AND g.pid IS NULL AND g.virtualtransaction = t.virtualtransaction AND g.locktype = w.locktype
	      AND (g.database, g.relation, g.page, g.tuple, g.virtualxid, g.transactionid, g.classid, g.objid, g.objsubid)
	          IS NOT DISTINCT FROM (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
	    GROUP BY x.gid, x.owner, x.prepared) p ON b.pid = 0
	WHERE NOT w.granted
	ORDER BY w.waitstart, w.pid, b.pid;
COMMENT ON VIEW mg.blocking IS
'who keeps whom waiting in this database: one row for each session that waits for a lock and each that it waits for, with the lock it wants, on what, since when, and what the other holds of it (nothing if it only waits before it) in a transaction since when. Of other roles'' sessions statements are shown as pg_stat_activity shows them to the caller; of a prepared transaction, which has no session, its name';
