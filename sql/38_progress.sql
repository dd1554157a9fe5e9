-- How far deployments, backfills and migrations are.

CREATE VIEW mg.progress AS
	WITH here AS (
		SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
	), own AS (
		SELECT l.pid, l.objid, l.objsubid, l.mode FROM pg_catalog.pg_locks l, here
		WHERE l.locktype = 'advisory' AND l.database = here.oid AND l.classid = 28007::oid AND l.granted
	), worker AS (
		SELECT o.pid FROM own o WHERE o.objsubid = 3 AND o.objid = 3::oid
	), server AS (
		SELECT c.pid, c.phase, CASE WHEN c.blocks_total > 0 AND c.blocks_done < c.blocks_total THEN 100.0 * c.blocks_done / c.blocks_total
		                            WHEN c.tuples_total > 0 THEN 100.0 * c.tuples_done / c.tuples_total
		                            WHEN c.blocks_total > 0 THEN 100.0 END AS percent
		FROM pg_catalog.pg_stat_progress_create_index c
		UNION ALL
		SELECT v.pid, v.phase, 100.0 * v.heap_blks_scanned / nullif(v.heap_blks_total, 0) FROM pg_catalog.pg_stat_progress_vacuum v
		UNION ALL
		SELECT k.pid, k.phase, 100.0 * k.heap_blks_scanned / nullif(k.heap_blks_total, 0) FROM pg_catalog.pg_stat_progress_cluster k
	), open AS (
		SELECT b.deployment, b.installation, b.migration, b.action, b.at, b.details,
		       coalesce((SELECT n.pid FROM mg.journal n WHERE n.deployment = b.deployment AND n.installation = b.installation
		                 ORDER BY n.at DESC, n.id DESC LIMIT 1), b.pid) AS pid
		FROM mg.journal b
		WHERE b.event = 'begun'
		  AND NOT EXISTS (SELECT FROM mg.journal e WHERE e.deployment = b.deployment AND e.migration IS NOT DISTINCT FROM b.migration AND e.event = 'ended')
	), step AS (
		SELECT o.*, n.step, n.kind, n.line, n.statement, n.event, n.at AS event_at,
		       (SELECT min(f.at) FROM mg.journal f WHERE f.deployment = o.deployment AND f.installation = o.installation
		                                              AND f.step = n.step AND f.event IN ('started', 'planned')) AS step_since,
		       EXISTS (SELECT FROM own l WHERE l.pid = o.pid AND l.mode = 'ExclusiveLock'
		                                   AND (l.objsubid = 3 AND l.objid = 2::oid AND o.migration IS NOT NULL OR l.objsubid = 4 AND o.migration IS NULL)) AS lives
		FROM open o
		LEFT JOIN LATERAL (SELECT j.* FROM mg.journal j WHERE j.deployment = o.deployment AND j.installation = o.installation
		                   AND j.step IS NOT NULL ORDER BY j.at DESC, j.id DESC LIMIT 1) n ON true
	), batches AS (
		SELECT s.deployment, s.installation, sum(b.rows)::bigint AS rows, max((b.details->>'passed')::bigint) AS passed,
		       sum(b.rows) / nullif(extract(epoch FROM max(b.at) - min(b.at)), 0) AS rate,
		       max((b.details->>'passed')::bigint) / nullif(extract(epoch FROM max(b.at) - min(b.at)), 0) AS pace,
		       (SELECT sum((t.t->>'rows')::numeric) FROM mg.journal p, pg_catalog.jsonb_array_elements(p.details->'targets') t (t) WHERE p.deployment = s.deployment AND p.installation = s.installation
		                AND p.step = s.step AND p.event = 'planned') AS estimate
		FROM step s JOIN mg.journal b ON b.deployment = s.deployment AND b.installation = s.installation AND b.step = s.step AND b.event = 'batch'
		GROUP BY s.deployment, s.installation, s.step
	)
	SELECT s.migration, s.action,
	       CASE WHEN NOT s.lives THEN 'interrupted'
	            WHEN s.event = 'blocked' AND w.pid IS NULL THEN 'waiting to try again'
	            WHEN pg_catalog.cardinality(pg_catalog.pg_blocking_pids(coalesce(w.pid, s.pid))) > 0 THEN 'waiting for a lock'
	            ELSE 'running' END AS state,
	       CASE WHEN s.lives THEN s.pid END AS pid, s.at AS since,
	       CASE WHEN s.event = 'done' THEN least(s.step + 1, (s.details->>'steps')::integer) ELSE s.step END AS step,
	       (s.details->>'steps')::integer AS steps,
	       s.kind, s.line, s.statement, s.step_since,
	       CASE WHEN s.lives THEN coalesce(p.phase, CASE WHEN b.rows IS NOT NULL THEN 'updating rows' END) END AS phase,
	       pg_catalog.round(coalesce(p.percent, CASE WHEN b.passed >= b.estimate THEN 100.0 ELSE 100.0 * b.passed / nullif(b.estimate, 0) END), 1) AS percent,
	       b.rows, pg_catalog.round(b.rate)::bigint AS rows_per_second,
	       CASE WHEN s.lives AND b.pace > 0 AND b.estimate > b.passed
	            THEN pg_catalog.make_interval(secs => pg_catalog.round((b.estimate - b.passed) / b.pace)::double precision) END AS remaining,
	       CASE WHEN s.lives THEN nullif(pg_catalog.pg_blocking_pids(coalesce(w.pid, s.pid)), '{}') END AS blocked_by
	FROM step s
	LEFT JOIN worker w ON s.lives AND s.kind = 'alone'
	LEFT JOIN server p ON p.pid = w.pid
	LEFT JOIN batches b ON b.deployment = s.deployment AND b.installation = s.installation AND s.event IN ('batch', 'planned', 'started', 'blocked')
	UNION ALL
	-- Of what is not committed yet only this is to be seen.
	SELECT coalesce((SELECT r.migration FROM mg.newest_registration r
	                 WHERE (pg_catalog.hashtext(r.migration)::bigint & 4294967295) = m.objid::bigint LIMIT 1),
	                pg_catalog.substring(a.query, 'mg_(?:apply|rollback)\s*\(\s*''([^'']+)''')),
	       CASE WHEN a.query ~ 'mg_rollback' THEN 'roll back' ELSE 'apply' END,
	       CASE WHEN pg_catalog.cardinality(pg_catalog.pg_blocking_pids(a.pid)) > 0 THEN 'waiting for a lock' ELSE 'running' END,
	       a.pid, a.xact_start, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	       nullif(pg_catalog.pg_blocking_pids(a.pid), '{}')
	FROM own m JOIN pg_catalog.pg_stat_activity a ON a.pid = m.pid
	WHERE m.objsubid = 5 AND a.pid <> pg_catalog.pg_backend_pid();
COMMENT ON VIEW mg.progress IS
'one row for each deployment and backfill that has not ended, running or interrupted, and for each migration that is running in one transaction: at which step, since when, how far that is by the server''s own progress or by the rows passed, at what rate and for how long still, and who keeps it waiting. Of a migration in one transaction only its name and age can be seen';
