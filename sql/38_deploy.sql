-- Procedures that change a living database in several transactions.

CREATE PROCEDURE pg_catalog.mg_deploy(name text DEFAULT NULL, lock_timeout interval DEFAULT '2s', retries integer DEFAULT 10, deadline interval DEFAULT NULL)
	LANGUAGE c AS 'MODULE_PATHNAME', 'mg_deploy';
COMMENT ON PROCEDURE pg_catalog.mg_deploy(text, interval, integer, interval) IS
'applies a registered migration, or all pending ones in their order, in steps: statements that can share a transaction do so, others (CREATE INDEX CONCURRENTLY, VACUUM, ...) run by themselves in a background worker, an UPDATE behind -- mg:backfill in batches. Each step is on record before and after, so that mg_resume() goes on after any interruption. Each statement waits for locks as long as lock_timeout, and a step that could not have one is tried again so many times, later and later; no step begins after the deadline. Gates, capture, verification and ledger are those of mg_apply(). It commits: CALL it outside of a transaction block';

CREATE PROCEDURE pg_catalog.mg_resume(name text, lock_timeout interval DEFAULT NULL, retries integer DEFAULT NULL, deadline interval DEFAULT NULL)
	LANGUAGE c AS 'MODULE_PATHNAME', 'mg_resume';
COMMENT ON PROCEDURE pg_catalog.mg_resume(text, interval, integer, interval) IS
'goes on with a deployment or a rollback that was interrupted, from the first step that is not done, with the scripts that it began with; what a try has left half done, such as an invalid index, it removes first. Limits that are not given are those it began with. Raises 55000 when there is none';

CREATE PROCEDURE pg_catalog.mg_abort(name text, lock_timeout interval DEFAULT NULL, retries integer DEFAULT NULL, deadline interval DEFAULT NULL)
	LANGUAGE c AS 'MODULE_PATHNAME', 'mg_abort';
COMMENT ON PROCEDURE pg_catalog.mg_abort(text, interval, integer, interval) IS
'undoes what an interrupted deployment has done: by the newest down script, whose statements about what is not there are passed over, and then by dropping what is left of what the steps made. Raises 55000, before anything has run, when there is no down script and steps have changed or dropped what they had not made; MG403 when something stays';

CREATE PROCEDURE pg_catalog.mg_deploy_rollback(name text, reason text DEFAULT NULL, lock_timeout interval DEFAULT '2s', retries integer DEFAULT 10, deadline interval DEFAULT NULL)
	LANGUAGE c AS 'MODULE_PATHNAME', 'mg_deploy_rollback';
COMMENT ON PROCEDURE pg_catalog.mg_deploy_rollback(text, text, interval, integer, interval) IS
'rolls an applied migration back by its down script in steps, as mg_deploy() applies one: for down scripts with CONCURRENTLY. Raises what mg_rollback() raises';

-- Large UPDATEs in batches.

CREATE PROCEDURE pg_catalog.mg_backfill(table_name text, set_clause text, where_clause text DEFAULT NULL, batch_size integer DEFAULT NULL, pause interval DEFAULT NULL)
	LANGUAGE c AS 'MODULE_PATHNAME', 'mg_backfill';
COMMENT ON PROCEDURE pg_catalog.mg_backfill(text, text, text, integer, interval) IS
'runs UPDATE table_name SET set_clause WHERE where_clause in batches, each in a transaction of its own and on record in mg.journal; called again after it was stopped, it goes on behind the last batch, so that no row is changed twice. Goes by the primary key, or a unique index of columns that are NOT NULL, or else by pages, which takes a where_clause that leaves out what is done. batch_size fixes how many rows a batch looks at, pause is slept after each. Raises 22023, 42601, 42809, 55P03 while another session runs it, 25001 within a transaction block';
