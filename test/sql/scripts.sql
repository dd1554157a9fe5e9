-- What is in a script, and what is refused before anything runs.
SELECT line, col, tag, captured, refusal, statement FROM mg_parse($$-- Author: Ada
CREATE TABLE a (t text DEFAULT ';');  INSERT INTO a VALUES ($q$;$q$);
/* in between; */
CREATE INDEX CONCURRENTLY ON a (t);
ALTER ROLE ada PASSWORD 'x';
TABLE a$$);

-- A syntax error.
SELECT mg_apply('scripts error', 'CREATE TABLE scripts_a (i int);
INSERT INTO scripts_a VALUES (1);
SELCT 2;');
-- A psql meta-command.
SELECT mg_apply('scripts error', 'CREATE TABLE scripts_a (i int);
\d scripts_a');
SELECT mg_apply('scripts error', 'SELECT 1 AS one \gset');
-- Data of COPY.
SELECT mg_apply('scripts error', 'CREATE TABLE scripts_a (i int, t text);
COPY scripts_a FROM stdin;
1	one
\.
');
-- What a transaction cannot do.
SELECT mg_apply('scripts error', 'CREATE TABLE scripts_a (i int);
CREATE INDEX CONCURRENTLY ON scripts_a (i);');
SELECT mg_apply('scripts error', 'CREATE TABLE scripts_a (i int);
VACUUM scripts_a;');
SELECT mg_apply('scripts error', 'CREATE DATABASE other;');
-- Transaction control in the middle.
SELECT mg_apply('scripts error', 'CREATE TABLE scripts_a (i int);
COMMIT;
SELECT 1;');
SELECT mg_apply('scripts error', 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;');
-- A secret.
SELECT mg_apply('scripts error', 'CREATE ROLE scripts_role LOGIN PASSWORD ''hunter2'';');
-- Nothing at all.
SELECT mg_apply('scripts error', '');
SELECT mg_apply('scripts error', 'SELECT 1', down => '');
-- An error while it runs.
SELECT mg_apply('scripts error', 'CREATE TABLE scripts_a (i int);

INSERT INTO scripts_a
VALUES (1 / 0);');
SELECT mg_apply('scripts error', 'SELECT nothing FROM pg_class;');
-- None of them left anything but its record.
SELECT to_regclass('scripts_a') IS NULL AS nothing, status FROM mg.status WHERE migration = 'scripts error';
SELECT outcome, phase, line, statement, sqlstate, error FROM mg.runs WHERE migration = 'scripts error' ORDER BY started_at;

-- A wrapper is left out, with a note.
SELECT status, statements FROM mg_apply('scripts wrapped', 'DO $$ BEGIN NULL; END $$;
BEGIN;
CREATE TABLE scripts_a (i int);
COMMIT;', 'BEGIN; DROP TABLE scripts_a; COMMIT;');
SELECT status FROM mg_rollback('scripts wrapped');
-- Only comments: allowed, with a note.
SELECT status, statements FROM mg_apply('scripts comment', '-- nothing to do here', '-- nor here');
SELECT status FROM mg_rollback('scripts comment');
-- Headers.
SELECT status FROM mg_apply('scripts headers', '-- Author: Ada
-- Ticket: T-1
-- Description: says what it is
--   for
-- Reviewed-By: Bob

SELECT 1;');
SELECT jsonb_pretty(metadata->'headers') AS headers, description FROM mg.history WHERE migration_name = 'scripts headers';
