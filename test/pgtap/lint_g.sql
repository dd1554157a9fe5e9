-- The linter on locks, timeouts and transactions: each rule finds what it is for, and leaves alone what only looks like it.
\ir lib/lint.sql

-- Another session that goes on: it reads one table, and has done so for some time when the cases run.
CREATE TABLE busy (id int);
INSERT INTO busy SELECT generate_series(1, 5000);
\setenv MG_DATABASE :DBNAME
\! psql -X -q -d "$MG_DATABASE" -c "BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE busy IN ACCESS SHARE MODE; SELECT pg_sleep(90)" > /dev/null 2>&1 &

-- So many partitions that their locks are a fourth of all there is room for.
CREATE TABLE wide (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);
DO $$ BEGIN
	FOR i IN 1 .. 1100 LOOP
		EXECUTE format('CREATE TABLE wide_%s PARTITION OF wide FOR VALUES FROM (%s) TO (%s)', i, i, i + 1);
		IF i % 100 = 0 THEN COMMIT; END IF;
	END LOOP;
END $$;
ANALYZE other, large, parted, small, busy;
SELECT pg_sleep(4);

INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('no-lock-timeout', 'ALTER TABLE large ADD COLUMN n int', '1:1', true),
('no-lock-timeout', E'ALTER TABLE small ADD COLUMN n int;\nCREATE INDEX ON large (a);\nALTER TABLE large ADD COLUMN n int', '2:1', true),
('no-lock-timeout', 'DROP TABLE other CASCADE', '1:1', true),
('no-lock-timeout', 'SET lock_timeout = 0; TRUNCATE large', '1:23', true),
('no-lock-timeout', $$DO 'BEGIN ALTER TABLE large ADD COLUMN n int; END'$$, '1:11', true),
('no-lock-timeout', 'DROP TRIGGER IF EXISTS nothing ON large; DROP POLICY IF EXISTS nothing ON large; DROP RULE IF EXISTS nothing ON large', NULL, true),
('no-lock-timeout', 'SET LOCAL lock_timeout = ''2s''; ALTER TABLE large ADD COLUMN n int', NULL, true),
('no-lock-timeout', 'SET lock_timeout TO 500; ALTER TABLE large ADD COLUMN n int', NULL, true),
('no-lock-timeout', $$SELECT set_config('lock_timeout', '1s', true); ALTER TABLE large ADD COLUMN n int$$, NULL, true),
('no-lock-timeout', 'ALTER TABLE small ADD COLUMN n int; CREATE TABLE fresh (a int); ALTER TABLE fresh ADD b int', NULL, true),
('no-lock-timeout', 'ALTER TABLE large VALIDATE CONSTRAINT late', NULL, true),
('no-lock-timeout', 'UPDATE large SET a = 1 WHERE id = 1', NULL, true),
('statement-while-locked-out', E'ALTER TABLE large ADD COLUMN n int;\nUPDATE large SET n = 1', '2:1', true),
('statement-while-locked-out', E'ALTER TABLE large ADD COLUMN n int;\nCREATE INDEX ON other (t)', '2:1', true),
('statement-while-locked-out', E'DROP INDEX large_e;\nSELECT count(*) FROM other', '2:1', true),
('statement-while-locked-out', 'CREATE INDEX ON large (a); UPDATE large SET a = 1', NULL, true),
('statement-while-locked-out', 'ALTER TABLE large ADD COLUMN n int; INSERT INTO large (id, c) VALUES (1, 1)', NULL, true),
('statement-while-locked-out', 'ALTER TABLE small ADD COLUMN n int; UPDATE large SET a = 1', NULL, true),
('statement-while-locked-out', 'ALTER TABLE large ADD COLUMN n int; UPDATE small SET a = 1', NULL, true),
('table-altered-again', E'ALTER TABLE large ADD COLUMN n int;\nALTER TABLE public.large ADD COLUMN o int', '2:1', true),
('table-altered-again', 'ALTER TABLE large ALTER a TYPE bigint; ALTER TABLE large ALTER d TYPE bigint', '1:40', true),
('table-altered-again', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE large VALIDATE CONSTRAINT k', NULL, true),
('table-altered-again', 'ALTER TABLE other ALTER id TYPE bigint; ALTER TABLE large ALTER c TYPE bigint', NULL, true),
('table-altered-again', 'ALTER TABLE large ALTER c TYPE bigint; ALTER TABLE other ALTER id TYPE bigint', NULL, true),
('table-altered-again', 'ALTER TABLE large ADD COLUMN n int; ALTER TABLE other ADD COLUMN n int', NULL, true),
('table-altered-again', 'ALTER TABLE large ADD COLUMN n int; ALTER TABLE large RENAME TO huge', NULL, true),
('lock-order', E'ALTER TABLE other ADD COLUMN n int;\nALTER TABLE large ADD COLUMN n int', '2:1', true),
('lock-order', 'TRUNCATE other, large; ALTER TABLE large ADD COLUMN n int', NULL, true),
('lock-order', 'ALTER TABLE large ADD COLUMN n int; ALTER TABLE other ADD COLUMN n int', NULL, true),
('lock-order', 'CREATE INDEX ON other (t); ALTER TABLE large ADD COLUMN n int', NULL, true),
('table-in-use', 'ALTER TABLE busy ADD COLUMN n int', '1:1', false),
('table-in-use', 'CREATE INDEX ON busy (id)', NULL, true),
('table-in-use', 'ALTER TABLE large ADD COLUMN n int', NULL, true),
('concurrently-waits', 'CREATE INDEX CONCURRENTLY ON large (a)', '1:1', false),
('concurrently-waits', 'DROP INDEX CONCURRENTLY large_e', '1:1', false),
('concurrently-waits', 'CREATE INDEX ON large (a)', NULL, true),
('lock-table', 'LOCK TABLE large', '1:1', true),
('lock-table', 'LOCK TABLE large IN SHARE MODE', '1:1', true),
('lock-table', 'LOCK TABLE large IN SHARE UPDATE EXCLUSIVE MODE', NULL, true),
('lock-table', 'CREATE TABLE fresh (a int); LOCK TABLE fresh', NULL, true),
('transaction-control', 'SELECT 1; COMMIT; SELECT 2', '1:11', false),
('transaction-control', 'BEGIN; SELECT 1; COMMIT', NULL, false),
('subtransactions-in-loop', $$DO 'BEGIN FOR i IN 1 .. 9 LOOP BEGIN PERFORM 1; EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END'$$, '1:1', true),
('subtransactions-in-loop', $$DO 'BEGIN FOR i IN 1 .. 9 LOOP PERFORM 1; END LOOP; EXCEPTION WHEN OTHERS THEN NULL; END'$$, NULL, true),
('subtransactions-in-loop', $$DO 'BEGIN FOR i IN 1 .. 9 LOOP RAISE NOTICE ''exception when''; END LOOP; END'$$, NULL, true),
('rows-then-lock', E'UPDATE large SET a = 1;\nALTER TABLE large ADD COLUMN n int', '2:1', true),
('rows-then-lock', E'DELETE FROM large WHERE id = 1;\nCREATE INDEX ON other (t)', '2:1', true),
('rows-then-lock', 'UPDATE small SET a = 1; ALTER TABLE large ADD COLUMN n int', NULL, true),
('rows-then-lock', 'ALTER TABLE large ADD COLUMN n int; UPDATE large SET n = 1', NULL, true),
('lock-slots', 'ALTER TABLE wide ADD COLUMN n int', '1:1', true),
('lock-slots', 'ALTER TABLE parted ADD COLUMN n int', NULL, true);

SELECT * FROM t.lint_tests('{}');
-- What is written out instead runs as it stands.
SELECT is(t.done_by(array_to_string(f.steps, ' '), 'large') ->> 'error', NULL, c.rule || ' can be done as told: ' || array_to_string(f.steps, ' '))
FROM t.lint_case c, mg_lint(c.script) f
WHERE c.runs AND f.rule = c.rule AND f.steps IS NOT NULL AND array_to_string(f.steps, ' ') !~ 'INDEX CONCURRENTLY|COMMIT';

SELECT mg_set_policy('lint_severity', 'no-statement-timeout=warning', 'a test');
SELECT is((SELECT line || ':' || col FROM mg_lint('ALTER TABLE large ADD COLUMN n int') WHERE rule = 'no-statement-timeout'), '1:1', 'a statement without an end is found where a team wants that');
SELECT is_empty($$SELECT FROM mg_lint('SET statement_timeout = ''1min''; ALTER TABLE large ADD COLUMN n int') WHERE rule = 'no-statement-timeout'$$, 'and not with a statement_timeout');
SET lock_timeout = '1s';
SELECT is_empty($$SELECT FROM mg_lint('ALTER TABLE large ADD COLUMN n int') WHERE rule = 'no-lock-timeout'$$, 'a lock_timeout of the session counts');
SELECT isnt_empty($$SELECT FROM mg_lint('SET lock_timeout = 0; ALTER TABLE large ADD COLUMN n int') WHERE rule = 'no-lock-timeout'$$, 'unless the script takes it away');
RESET lock_timeout;
SELECT is((SELECT string_agg(rule, ' ') FROM mg_lint_rules() r WHERE rule_group = 'G' AND rule <> 'no-statement-timeout'
	AND (NOT EXISTS (SELECT FROM t.lint_case c WHERE c.rule = r.rule AND place IS NOT NULL) OR NOT EXISTS (SELECT FROM t.lint_case c WHERE c.rule = r.rule AND place IS NULL))),
	NULL, 'each rule has a case that it finds, and a near miss');

-- What each statement locks, as a function.
SELECT results_eq($$SELECT * FROM mg_lint_locks('SELECT 1; ALTER TABLE large RENAME TO huge; UPDATE huge SET c = 1')$$,
	$$VALUES (2, 'public.large', 'AccessExclusiveLock'), (3, 'public.large', 'RowExclusiveLock'), (3, 'public.other', 'RowShareLock')$$, 'locks are told by statement and table');
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(90)%' AND pid <> pg_backend_pid() AND datname = current_database();
SELECT * FROM finish();
