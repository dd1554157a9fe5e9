-- mg_apply: skipped, refused, failed, put back.
SELECT migration, status, statements, objects, risk, checksum FROM mg_apply('apply one', E'CREATE TABLE apply_one (\n  i int, -- a number\n  t text\n);\n', 'DROP TABLE apply_one');
SELECT migration, status, statements, objects, risk, checksum FROM mg_apply('apply one');
SELECT mg_apply('apply one', E'CREATE TABLE apply_one (\n  i int, -- another number\n  t text\n);\n');
SELECT mg_apply('apply one', E'CREATE TABLE apply_one (\n  i int, -- a number\n  t varchar\n);\n');
SELECT mg_apply('apply nothing');
SELECT mg_apply(NULL, 'SELECT 1');
SELECT mg_apply('apply nothing', NULL, 'SELECT 1');

-- A migration cannot run inside another one, nor in a read-only transaction.
SELECT mg_apply('apply outer', 'SELECT mg_apply(''apply inner'', ''SELECT 1'')');
BEGIN READ ONLY;
SELECT mg_apply('apply outer', 'SELECT 1');
ROLLBACK;

-- A failed attempt stays on record; the corrected text may be applied.
BEGIN;
SELECT mg_apply('apply two', E'CREATE TABLE apply_two (i int);\nINSERT INTO apply_two VALUES (''x'');');
ROLLBACK;
SELECT status FROM mg.status WHERE migration = 'apply two';
SELECT status, statements FROM mg_apply('apply two', E'CREATE TABLE apply_two (i int);\nINSERT INTO apply_two VALUES (1), (2);', 'DROP TABLE apply_two');
SELECT outcome, phase, line, statement, sqlstate, error, rows FROM mg.runs WHERE migration = 'apply two' ORDER BY started_at;

-- What it cost.
CREATE TABLE apply_old (i int);
SELECT status, statements FROM mg_apply('apply three', E'ALTER TABLE apply_old ALTER COLUMN i TYPE bigint;\nINSERT INTO apply_old SELECT generate_series(1, 10);\nDELETE FROM apply_old WHERE i > 7;', 'SELECT 1');
SELECT statements, rows, locks, rewrites, jsonb_path_query_array(timings, '$[*][0]') AS lines, jsonb_path_query_array(timings, '$[*][2]') AS rows_each FROM mg.runs WHERE migration = 'apply three';

-- Settings are put back.
SET search_path = public;
SELECT status FROM mg_apply('apply four', 'CREATE SCHEMA apply_schema; SET search_path = apply_schema; CREATE TABLE four (i int); SET work_mem = ''3MB''', 'DROP SCHEMA apply_schema CASCADE');
SHOW search_path;
SELECT to_regclass('apply_schema.four') IS NOT NULL AS there, current_setting('work_mem') <> '3MB' AS put_back;

-- Deferred constraints fail inside the migration.
CREATE TABLE apply_parent (i int PRIMARY KEY);
CREATE TABLE apply_child (i int REFERENCES apply_parent DEFERRABLE INITIALLY DEFERRED);
\set VERBOSITY terse
SELECT mg_apply('apply five', E'INSERT INTO apply_child VALUES (1);\nSELECT 1;');
\set VERBOSITY default
SELECT outcome, phase, line, sqlstate FROM mg.runs WHERE migration = 'apply five';

SELECT migration, status FROM mg_rollback('apply four');
DROP TABLE apply_child, apply_parent, apply_old, apply_one, apply_two;
RESET search_path;
