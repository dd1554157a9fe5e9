-- What people look at: views over the records.

CREATE VIEW mg.record AS
	SELECT 'installation'::text AS kind, installation, id, xid, hash FROM mg.installation
	UNION ALL SELECT 'script', installation, id, xid, hash FROM mg.script
	UNION ALL SELECT 'registration', installation, id, xid, hash FROM mg.registration
	UNION ALL SELECT 'run', installation, id, xid, hash FROM mg.run
	UNION ALL SELECT 'statement', installation, id, xid, hash FROM mg.statement
	UNION ALL SELECT 'policy_event', installation, id, xid, hash FROM mg.policy_event
	UNION ALL SELECT 'rehearsal', installation, id, xid, hash FROM mg.rehearsal
	UNION ALL SELECT 'environment', installation, id, xid, hash FROM mg.environment
	UNION ALL SELECT 'approval', installation, id, xid, hash FROM mg.approval
	UNION ALL SELECT 'evidence', installation, id, xid, hash FROM mg.evidence
	UNION ALL SELECT 'alert', installation, id, xid, hash FROM mg.alert
	UNION ALL SELECT 'journal', installation, id, xid, hash FROM mg.journal
	UNION ALL SELECT 'archive', installation, id, xid, hash FROM mg.archive
	UNION ALL SELECT 'seal', s.installation, s.id, s.xid, s.hash FROM mg.seal s
	          WHERE s.installation OPERATOR(pg_catalog.<>) (SELECT c.installation FROM mg.current c);
COMMENT ON VIEW mg.record IS 'all records that seals cover: those of other installations with their own seals';

CREATE VIEW mg.newest_registration AS
	SELECT DISTINCT ON (r.migration) r.*
	FROM mg.registration r
	ORDER BY r.migration, r.at DESC, r.id DESC;
COMMENT ON VIEW mg.newest_registration IS 'what each migration says, as last registered';

CREATE VIEW mg.last_run AS
	SELECT DISTINCT ON (r.migration) r.migration, r.id AS run, r.at, r.installation, r.outcome
	FROM mg.run r
	WHERE r.outcome OPERATOR(pg_catalog.=) ANY (ARRAY['applied', 'rolled back'])
	ORDER BY r.migration, r.at DESC, r.id DESC;
COMMENT ON VIEW mg.last_run IS 'the last successful run of each migration';

CREATE VIEW mg.applied AS
	SELECT l.migration, l.run, l.at, l.installation, n.version, n.sort_key
	FROM mg.last_run l LEFT JOIN mg.newest_registration n ON n.migration OPERATOR(pg_catalog.=) l.migration
	WHERE l.outcome OPERATOR(pg_catalog.=) 'applied';
COMMENT ON VIEW mg.applied IS 'the migrations that are applied now';

CREATE VIEW mg.history AS
	WITH ups AS (
		SELECT DISTINCT ON (r.migration) r.*
		FROM mg.run r
		WHERE r.outcome OPERATOR(pg_catalog.=) 'applied'
		ORDER BY r.migration, r.at DESC, r.id DESC
	), downs AS (
		SELECT DISTINCT ON (r.migration) r.*
		FROM mg.run r
		WHERE r.outcome OPERATOR(pg_catalog.=) 'rolled back'
		ORDER BY r.migration, r.at DESC, r.id DESC
	)
	SELECT (pg_catalog.row_number() OVER (ORDER BY u.at, u.id))::integer AS id,
	       u.migration AS migration_name,
	       u.at AS applied_at,
	       u.login_role AS applied_by,
	       u.duration_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS execution_time,
	       u.checksum,
	       d.id IS NOT NULL AS rollback_applied,
	       d.at AS rollback_at,
	       pg_catalog.jsonb_build_object('headers', n.headers, 'requires', pg_catalog.to_jsonb(n.requires),
	                                     'rollback_reason', d.reason, 'statements', u.statements,
	                                     'rows', u.rows, 'application', u.application, 'client', u.client) AS metadata,
	       n.version,
	       coalesce(n.headers OPERATOR(pg_catalog.->>) 'description', n.headers OPERATOR(pg_catalog.->>) 'purpose') AS description,
	       u.installation,
	       u.id AS run_id
	FROM ups u
	LEFT JOIN downs d ON d.migration OPERATOR(pg_catalog.=) u.migration
	     AND (d.at, d.id) OPERATOR(pg_catalog.>) (u.at, u.id)
	LEFT JOIN mg.newest_registration n ON n.migration OPERATOR(pg_catalog.=) u.migration
	ORDER BY u.at, u.id;
COMMENT ON VIEW mg.history IS 'one row for each migration that was ever applied, as of its newest application';

CREATE VIEW mg.status AS
	SELECT n.migration,
	       CASE WHEN o.deployment IS NOT NULL AND EXISTS (SELECT FROM pg_catalog.pg_locks k
	                 WHERE k.locktype OPERATOR(pg_catalog.=) 'advisory' AND k.mode OPERATOR(pg_catalog.=) 'ExclusiveLock' AND k.granted
	                       AND k.classid OPERATOR(pg_catalog.=) 28007::pg_catalog.oid AND k.objid OPERATOR(pg_catalog.=) 2::pg_catalog.oid
	                       AND k.objsubid OPERATOR(pg_catalog.=) 3 AND k.pid OPERATOR(pg_catalog.=) o.pid
	                       AND k.database OPERATOR(pg_catalog.=) (SELECT c.oid FROM pg_catalog.pg_database c
	                                                              WHERE c.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()))
	            THEN 'deploying'
	            WHEN o.deployment IS NOT NULL THEN 'interrupted'
	            WHEN l.outcome IS NULL AND f.id IS NOT NULL THEN 'failed'
	            ELSE coalesce(l.outcome, 'pending') END AS status,
	       CASE WHEN l.outcome OPERATOR(pg_catalog.=) 'applied' THEN h.applied_at END AS applied_at,
	       n.up AS checksum,
	       (SELECT e.v OPERATOR(pg_catalog.->>) 'actual'
	        FROM mg.run r, pg_catalog.jsonb_array_elements(r.evidence) e (v)
	        WHERE r.installation OPERATOR(pg_catalog.=) h.installation AND r.id OPERATOR(pg_catalog.=) h.run_id
	              AND e.v OPERATOR(pg_catalog.->>) 'query' OPERATOR(pg_catalog.=) 'risk class' LIMIT 1) AS risk,
	       (SELECT pg_catalog.count(*)::integer
	        FROM (SELECT DISTINCT ON (a.kind, a.login_role) a.given FROM mg.approval a
	              WHERE a.migration OPERATOR(pg_catalog.=) n.migration AND a.at OPERATOR(pg_catalog.>=) n.at
	                    AND a.installation OPERATOR(pg_catalog.=) n.installation
	              ORDER BY a.kind, a.login_role, a.at DESC, a.id DESC) x
	        WHERE x.given) AS approvals,
	       n.down IS NOT NULL AS has_down,
	       n.requires
	FROM mg.newest_registration n
	LEFT JOIN mg.last_run l ON l.migration OPERATOR(pg_catalog.=) n.migration
	LEFT JOIN mg.history h ON h.migration_name OPERATOR(pg_catalog.=) n.migration
	LEFT JOIN LATERAL (SELECT r.id FROM mg.run r WHERE r.migration OPERATOR(pg_catalog.=) n.migration
	                   AND r.outcome OPERATOR(pg_catalog.=) 'failed' AND r.at OPERATOR(pg_catalog.>=) n.at LIMIT 1) f ON true
	LEFT JOIN LATERAL (SELECT b.deployment,
	                          (SELECT j.pid FROM mg.journal j
	                           WHERE j.deployment OPERATOR(pg_catalog.=) b.deployment AND j.installation OPERATOR(pg_catalog.=) b.installation
	                                 AND j.pid IS NOT NULL
	                           ORDER BY j.at DESC, j.id DESC LIMIT 1) AS pid
	                   FROM mg.journal b
	                   WHERE b.migration OPERATOR(pg_catalog.=) n.migration AND b.event OPERATOR(pg_catalog.=) 'begun'
	                     AND NOT EXISTS (SELECT FROM mg.journal e WHERE e.deployment OPERATOR(pg_catalog.=) b.deployment
	                                     AND e.migration OPERATOR(pg_catalog.=) b.migration
	                                     AND e.event OPERATOR(pg_catalog.=) 'ended') LIMIT 1) o ON true
	ORDER BY n.sort_key, n.migration;
COMMENT ON VIEW mg.status IS 'one row for each registered migration: pending, applied, rolled back, failed, deploying, or interrupted, which mg_resume() or mg_abort() ends; the risk class is that of when it was applied, mg_risk() tells that of a pending one';

CREATE VIEW mg.runs AS
	SELECT r.id, r.migration, r.action, r.outcome, r.started_at,
	       r.duration_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS execution_time,
	       r.login_role, r.acting_role, r.error, r.sqlstate, r.line, r.statement, r.rows, r.locks, r.rewrites,
	       r.size_before, r.size_after, r.phase, r.reason, r.detail, r.hint, r.statements, r.timings, r.objects,
	       r.evidence, r.checksum, r.session_role, r.application, r.client, r.server_version, r.installation
	FROM mg.run r
	ORDER BY r.at, r.id;
COMMENT ON VIEW mg.runs IS 'one row for each attempt at a migration, failed ones too, with what it cost';

CREATE VIEW mg.statements AS
	SELECT s.id, s.at, s.migration, s.origin, s.login_role, s.acting_role, s.application, s.client, s.tag,
	       s.object_type, s.identity, s.statement,
	       s.duration_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS duration,
	       s.nested, s.objects, s.run, s.session_role, s.xid, s.installation
	FROM mg.statement s
	ORDER BY s.at, s.id;
COMMENT ON VIEW mg.statements IS 'one row for each statement that changed the schema, whoever ran it and with what';
