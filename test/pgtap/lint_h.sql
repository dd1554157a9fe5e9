-- The linter on changes of rows: each rule finds what it is for, and leaves alone what only looks like it.
\ir lib/lint.sql
CREATE TABLE fired (id int PRIMARY KEY, a int, b text);
INSERT INTO fired SELECT g, g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN coalesce(NEW, OLD); END';
CREATE TRIGGER each_row BEFORE UPDATE ON fired FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER each_statement AFTER DELETE ON fired EXECUTE FUNCTION touch();
CREATE FUNCTION told() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'it was run'; END $$;
CREATE MATERIALIZED VIEW seen AS SELECT * FROM fired;
CREATE MATERIALIZED VIEW keyed AS SELECT * FROM fired;
CREATE UNIQUE INDEX keyed_id ON keyed (id);
CREATE MATERIALIZED VIEW half AS SELECT * FROM fired;
CREATE UNIQUE INDEX half_id ON half (id) WHERE id > 5;
CREATE TABLE nameless (a text, b text);
INSERT INTO nameless SELECT g, repeat('x', 100) FROM generate_series(1, 2000) g;
ANALYZE;

INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('many-rows-at-once', 'UPDATE large SET a = 1', '1:1', true),
('many-rows-at-once', 'UPDATE other SET t = ''y'' WHERE id > 0', '1:1', true),
('many-rows-at-once', 'DELETE FROM nameless WHERE b LIKE ''x%''', '1:1', true),
('many-rows-at-once', E'SELECT 1;\nUPDATE large l SET b = o.t FROM other o WHERE o.id = l.c', '2:1', true),
('many-rows-at-once', 'UPDATE other SET t = ''y'' WHERE id < 50', NULL, true),
('many-rows-at-once', 'UPDATE large SET a = 1 WHERE id = ANY (ARRAY[1, 2, 3])', NULL, true),
('many-rows-at-once', 'DELETE FROM nameless WHERE a = ''7''', NULL, true),
('many-rows-at-once', 'UPDATE small SET a = 1', NULL, true),
('many-rows-at-once', 'CREATE TABLE fresh AS SELECT * FROM large; UPDATE fresh SET a = 1', NULL, true),
('many-rows-at-once', 'UPDATE large SET a = 1 WHERE id = told()', NULL, false),
('batch-reads-all', 'UPDATE nameless SET b = ''y'' WHERE a = ''7''', '1:1', true),
('batch-reads-all', 'UPDATE nameless SET b = ''y''', NULL, false),
('batch-reads-all', 'UPDATE other SET t = ''y'' WHERE id = 7', NULL, true),
('rows-fire-triggers', 'UPDATE fired SET b = ''y''', '1:1', true),
('rows-fire-triggers', 'DELETE FROM fired', NULL, true),
('rows-fire-triggers', 'UPDATE fired SET b = ''y'' WHERE id = 1', NULL, true),
('rows-fire-triggers', 'UPDATE other SET t = ''y''', NULL, true),
('update-of-indexed-column', 'UPDATE large SET a = a + 1', '1:1', true),
('update-of-indexed-column', 'UPDATE large SET b = ''y''', NULL, true),
('update-of-indexed-column', 'UPDATE other SET wide = -wide WHERE id = 5', NULL, true),
('statistics-grow-old', 'UPDATE large SET b = ''y''', '1:1', true),
('statistics-grow-old', E'SELECT 1;\nUPDATE large SET b = ''y'';\nSELECT 2', '2:1', true),
('statistics-grow-old', 'INSERT INTO nameless SELECT b, b FROM large', '1:1', true),
('statistics-grow-old', 'UPDATE large SET b = ''y''; ANALYZE large', NULL, true),
('statistics-grow-old', 'UPDATE other SET t = ''y'' WHERE id = 5', NULL, true),
('update-then-not-null', E'UPDATE large SET a = 0 WHERE a IS NULL;\nALTER TABLE large ALTER b SET NOT NULL', '2:1', true),
('update-then-not-null', 'ALTER TABLE large ADD COLUMN n int; UPDATE large SET n = 0; ALTER TABLE large ALTER n SET NOT NULL', NULL, true),
('update-then-not-null', 'LOCK TABLE large IN SHARE MODE; UPDATE large SET b = ''y''; ALTER TABLE large ALTER b SET NOT NULL', NULL, true),
('update-then-not-null', 'ALTER TABLE large ALTER b SET NOT NULL', NULL, true),
('column-set-twice', 'UPDATE large SET a = 1, b = ''x'', a = 2', '1:34', false),
('column-set-twice', 'INSERT INTO small (id, a, id) VALUES (1, 2, 3)', '1:27', false),
('column-set-twice', 'UPDATE small SET a = id, id = a', NULL, true),
('refresh-blocks-readers', 'REFRESH MATERIALIZED VIEW seen', '1:1', true),
('refresh-blocks-readers', 'REFRESH MATERIALIZED VIEW keyed', '1:1', true),
('refresh-blocks-readers', 'REFRESH MATERIALIZED VIEW CONCURRENTLY keyed', NULL, false),
('refresh-blocks-readers', 'CREATE MATERIALIZED VIEW fresh AS SELECT * FROM large; REFRESH MATERIALIZED VIEW fresh', NULL, true),
('refresh-without-key', 'REFRESH MATERIALIZED VIEW CONCURRENTLY seen', '1:1', false),
('refresh-without-key', 'REFRESH MATERIALIZED VIEW CONCURRENTLY half', '1:1', false),
('refresh-without-key', 'REFRESH MATERIALIZED VIEW CONCURRENTLY keyed', NULL, true),
('dynamic-sql-unquoted', $$DO 'DECLARE n text := ''x''; BEGIN EXECUTE ''CREATE TABLE '' || n || '' (a int)''; END'$$, '1:1', true),
('dynamic-sql-unquoted', $$CREATE FUNCTION made(n text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE ''DROP TABLE '' || $1; END'$$, '1:1', true),
('dynamic-sql-unquoted', $$DO 'DECLARE n text := ''x''; BEGIN EXECUTE ''CREATE TABLE '' || quote_ident(n) || '' (a int)''; END'$$, NULL, true),
('dynamic-sql-unquoted', $$DO 'DECLARE n text := ''x''; BEGIN EXECUTE format(''CREATE TABLE %I (a int)'', n); END'$$, NULL, true),
('dynamic-sql-unquoted', $$DO 'BEGIN EXECUTE ''ANALYZE '' || ''small''::regclass; EXECUTE ''SELECT $1'' USING 5; END'$$, NULL, true),
('dynamic-sql-unquoted', $$CREATE TRIGGER fresh BEFORE INSERT ON small FOR EACH ROW EXECUTE FUNCTION touch()$$, NULL, true);

SELECT * FROM t.lint_tests('{H}');

-- What is written out instead runs as it stands.
SELECT is(t.done_by(array_to_string(f.steps, ' '), 'large') ->> 'error', NULL, c.rule || ' can be done as told: ' || array_to_string(f.steps, ' '))
FROM t.lint_case c, mg_lint(c.script) f
WHERE c.runs AND f.rule = c.rule AND f.steps IS NOT NULL AND array_to_string(f.steps, ' ') !~ 'INDEX CONCURRENTLY|COMMIT';

-- Asking the planner leaves no lock behind.
BEGIN;
SELECT isnt_empty($$SELECT FROM mg_lint('UPDATE other SET t = ''y''; DELETE FROM parted WHERE id > 5') WHERE rule = 'many-rows-at-once'$$, 'rows are estimated');
SELECT is_empty($$SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('other'::regclass, 'parted'::regclass, 'part'::regclass)$$, 'and no lock is left');
COMMIT;

-- The steps for many rows do the same.
SELECT is((SELECT steps[1] FROM mg_lint('UPDATE other AS o SET t = ''y'' WHERE o.id > 0 OR true') WHERE rule = 'many-rows-at-once'),
	'DO $$ DECLARE low bigint; high bigint; BEGIN SELECT min(id), max(id) INTO low, high FROM public.other; WHILE low <= high LOOP UPDATE other AS o SET t = ''y'' WHERE o.id >= low AND o.id < low + 10000 AND ( o.id > 0 OR true' || E'\n' || '); COMMIT; low := low + 10000; END LOOP; END $$;',
	'batches are written out');
SELECT (SELECT steps[1] FROM mg_lint('UPDATE other AS o SET t = ''y'' WHERE o.id > 0 OR true') WHERE rule = 'many-rows-at-once') AS batches \gset
:batches
SELECT is(count(*) FILTER (WHERE t = 'y'), 2000::bigint, 'and run') FROM other;
SELECT * FROM finish();
