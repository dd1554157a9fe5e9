-- The linter on what is dropped, renamed or replaced. What is told to fail is run, and fails.
\ir lib/lint.sql

CREATE ROLE lint_reader NOLOGIN;
CREATE TABLE stock (id int PRIMARY KEY, qty int, place text);
INSERT INTO stock SELECT g, g, repeat('x', 100) FROM generate_series(1, 2000) g;
GRANT SELECT, UPDATE ON stock TO lint_reader;
CREATE VIEW stock_view AS SELECT id, qty FROM stock;
CREATE VIEW alone AS SELECT 1 AS one, 'x'::text AS two;
CREATE VIEW over_alone AS SELECT one FROM alone;
CREATE MATERIALIZED VIEW stock_copy AS SELECT * FROM stock;
CREATE FUNCTION stock_left(wanted int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT qty FROM stock WHERE id = wanted); END $$;
CREATE FUNCTION with_default(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT a + b';
CREATE FUNCTION calls_it() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN stock_left(1); END';
CREATE PROCEDURE proc(a int) LANGUAGE sql AS 'SELECT 1';
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (x int, y int);
CREATE DOMAIN positive_int AS int CHECK (value > 0);
CREATE TABLE moods (id int, m mood, p positive_int, t text);
INSERT INTO moods SELECT g, 'ok', g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE FUNCTION is_ok(m mood) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN m = 'ok'; END $$;
CREATE TABLE refers (id int PRIMARY KEY, stock int REFERENCES stock, t text);
INSERT INTO refers SELECT g, g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE TABLE refers_further (refers int REFERENCES refers, t text);
INSERT INTO refers_further SELECT g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE SEQUENCE used_sequence;
CREATE SEQUENCE idle_sequence;
CREATE TABLE numbered (id int DEFAULT nextval('used_sequence'), own serial);
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER watch BEFORE INSERT ON stock FOR EACH ROW EXECUTE FUNCTION noop();
CREATE SCHEMA filled;
CREATE TABLE filled.t AS SELECT g AS id FROM generate_series(1, 100) g;
CREATE VIEW filled.v AS SELECT * FROM filled.t;
CREATE VIEW outside AS SELECT * FROM filled.t;
CREATE SCHEMA hollow;
CREATE TABLE unread (id int);
CREATE TABLE watched (id int PRIMARY KEY);
INSERT INTO watched SELECT generate_series(1, 10);
SELECT count(*) FROM watched;
SELECT pg_stat_force_next_flush();
CREATE TABLE keyed (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE keyed_1 PARTITION OF keyed FOR VALUES FROM (0) TO (100);
CREATE TABLE to_keyed (id int REFERENCES keyed) PARTITION BY RANGE (id);
CREATE TABLE to_keyed_1 PARTITION OF to_keyed FOR VALUES FROM (0) TO (100);
CREATE TABLE identified (id int GENERATED ALWAYS AS IDENTITY);
ANALYZE;

INSERT INTO t.lint_case (rule, script, place) VALUES
('drop-table', 'DROP TABLE moods', '1:1'),
('drop-table', E'SELECT 1;\n DROP TABLE IF EXISTS nothing, moods', '2:2'),
('drop-table', 'DROP MATERIALIZED VIEW stock_copy', '1:1'),
('drop-table', 'DROP TABLE small', NULL),
('drop-table', 'DROP TABLE passing', NULL),
('drop-table', 'DROP TABLE IF EXISTS nothing', NULL),
('drop-table', 'CREATE TABLE public.fresh AS SELECT * FROM moods; DROP TABLE fresh', NULL),
('drop-small-table', 'DROP TABLE small', '1:1'),
('drop-small-table', 'DROP TABLE moods', NULL),
('drop-small-table', 'CREATE TABLE fresh (i int); DROP TABLE fresh', NULL),
('drop-table-in-use', 'DROP TABLE watched', '1:1'),
('drop-table-in-use', 'DROP TABLE unread', NULL),
('drop-then-create', 'DROP TABLE moods; CREATE TABLE public.moods (i int)', '1:19'),
('drop-then-create', 'DROP TABLE small; CREATE TABLE small (i int)', NULL),
('drop-then-create', 'ALTER TABLE moods RENAME TO moods_old; CREATE TABLE moods (i int)', NULL),
('truncate', 'TRUNCATE moods', '1:1'),
('truncate', 'TRUNCATE small, public.moods', '1:1'),
('truncate', 'TRUNCATE small', NULL),
('truncate', 'CREATE TEMP TABLE moods AS SELECT 1; SET search_path = pg_temp; TRUNCATE moods', NULL),
('truncate-cascade', 'TRUNCATE stock CASCADE', '1:1 1:1'),
('truncate-cascade', 'TRUNCATE refers, refers_further CASCADE', NULL),
('truncate-cascade', 'TRUNCATE moods CASCADE', NULL),
('truncate-cascade', 'ALTER TABLE refers DROP CONSTRAINT refers_stock_fkey; TRUNCATE stock CASCADE', NULL),
('truncate-fails', 'TRUNCATE stock, refers, refers_further', NULL),
('truncate-fails', 'TRUNCATE refers_further', NULL),
('truncate-fails', 'DROP TABLE refers_further; TRUNCATE refers', NULL),
('drop-cascade', 'DROP TABLE stock CASCADE', '1:1'),
('drop-cascade', 'DROP VIEW alone CASCADE', '1:1'),
('drop-cascade', 'DROP TYPE mood CASCADE', '1:1'),
('drop-cascade', 'DROP SEQUENCE used_sequence CASCADE', '1:1'),
('drop-cascade', 'DROP FUNCTION noop() CASCADE', '1:1'),
('drop-cascade', 'DROP TABLE numbered CASCADE', NULL),
('drop-cascade', 'DROP VIEW over_alone, alone CASCADE', NULL),
('drop-cascade', 'DROP VIEW over_alone; DROP VIEW alone CASCADE', NULL),
('drop-cascade', 'DROP SEQUENCE idle_sequence CASCADE', NULL),
('drop-needs-cascade', 'DROP TABLE numbered', NULL),
('drop-needs-cascade', 'DROP VIEW over_alone, alone', NULL),
('drop-needs-cascade', 'DROP VIEW over_alone; DROP VIEW alone', NULL),
('drop-needs-cascade', 'DROP TABLE refers, refers_further', NULL),
('drop-needs-cascade', 'ALTER TABLE refers_further DROP CONSTRAINT refers_further_refers_fkey; DROP TABLE refers', NULL),
('drop-needs-cascade', 'DROP SEQUENCE idle_sequence', NULL),
('drop-needs-cascade', 'DROP TABLE parted', NULL),
('drop-needs-cascade', 'DROP TYPE pair', NULL),
('drop-schema', 'DROP SCHEMA filled CASCADE', '1:1'),
('drop-schema', 'DROP SCHEMA hollow CASCADE', NULL),
('drop-schema', 'CREATE SCHEMA newer; CREATE TABLE newer.t (i int); DROP SCHEMA newer CASCADE', NULL),
('drop-type-drops-columns', 'DROP TYPE mood CASCADE', '1:1'),
('drop-type-drops-columns', 'DROP DOMAIN positive_int CASCADE', '1:1'),
('drop-type-drops-columns', 'DROP TYPE pair CASCADE', NULL),
('drop-sequence', 'DROP SEQUENCE used_sequence CASCADE', '1:1'),
('drop-sequence', 'DROP SEQUENCE idle_sequence', NULL),
('drop-view', 'DROP VIEW stock_view', '1:1'),
('drop-view', 'DROP VIEW stock_view; CREATE VIEW stock_view AS SELECT id, qty, place FROM stock', NULL),
('drop-view', 'CREATE VIEW fresh AS SELECT 1; DROP VIEW fresh', NULL),
('drop-view', 'DROP SEQUENCE idle_sequence', NULL),
('drop-trigger', 'DROP TRIGGER watch ON stock', '1:1'),
('drop-trigger', 'DROP TRIGGER IF EXISTS nothing ON stock', NULL),
('drop-trigger', 'DROP TRIGGER watch ON public.stock; CREATE TRIGGER watch BEFORE INSERT OR UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION noop()', NULL),
('disable-trigger', 'ALTER TABLE stock DISABLE TRIGGER watch', '1:1'),
('disable-trigger', 'ALTER TABLE stock DISABLE TRIGGER ALL', '1:1'),
('disable-trigger', 'ALTER TABLE stock ENABLE TRIGGER watch', NULL),
('disable-trigger', 'ALTER TABLE stock DISABLE TRIGGER watch; UPDATE stock SET qty = 1 WHERE id = 1; ALTER TABLE stock ENABLE TRIGGER ALL', NULL),
('rename-table', 'ALTER TABLE stock RENAME TO goods', '1:1'),
('rename-table', 'ALTER VIEW stock_view RENAME TO goods_view', '1:1'),
('rename-table', 'ALTER SEQUENCE idle_sequence RENAME TO lazy', '1:1'),
('rename-table', 'ALTER TABLE IF EXISTS nothing RENAME TO something', NULL),
('rename-table', 'ALTER TABLE stock RENAME TO goods; CREATE VIEW public.stock AS SELECT * FROM goods', NULL),
('rename-table', 'ALTER TABLE stock RENAME TO goods; CREATE VIEW hollow.stock AS SELECT * FROM goods', '1:1'),
('rename-table', 'CREATE TABLE fresh (LIKE stock); ALTER TABLE stock RENAME TO goods; ALTER TABLE fresh RENAME TO stock', NULL),
('rename-table', 'ALTER TABLE stock RENAME TO between; ALTER TABLE moods RENAME TO stock; ALTER TABLE between RENAME TO moods', NULL),
('rename-column', 'ALTER TABLE stock RENAME qty TO quantity', '1:1'),
('rename-column', 'ALTER VIEW alone RENAME COLUMN two TO three', '1:1'),
('rename-column', 'ALTER TABLE stock ADD COLUMN n int; ALTER TABLE stock RENAME n TO m', NULL),
('rename-column', 'CREATE TABLE fresh (i int); ALTER TABLE fresh RENAME i TO j', NULL),
('rename-schema', 'ALTER SCHEMA filled RENAME TO full_one', '1:1'),
('rename-schema', 'CREATE SCHEMA newer; ALTER SCHEMA newer RENAME TO newest', NULL),
('rename-object', 'ALTER FUNCTION stock_left(int) RENAME TO goods_left', '1:1'),
('rename-object', 'ALTER TYPE mood RENAME TO feeling', '1:1'),
('rename-object', 'ALTER DOMAIN positive_int RENAME TO natural_int', '1:1'),
('rename-object', 'CREATE TYPE newer AS ENUM (''a''); ALTER TYPE newer RENAME TO newest', NULL),
('rename-object', 'CREATE FUNCTION stock_left(wanted text) RETURNS int LANGUAGE sql AS ''SELECT 1''; ALTER FUNCTION stock_left(text) RENAME TO goods_left', NULL),
('rename-constraint', 'ALTER TABLE stock RENAME CONSTRAINT stock_pkey TO stock_key', '1:1'),
('rename-constraint', 'ALTER TABLE stock ADD CONSTRAINT k CHECK (qty > 0); ALTER TABLE stock RENAME CONSTRAINT k TO l', NULL),
('rename-attribute', 'ALTER TYPE pair RENAME ATTRIBUTE x TO left_one', '1:1'),
('rename-attribute', 'ALTER TYPE pair RENAME TO couple', NULL),
('rename-enum-value', 'ALTER TYPE mood RENAME VALUE ''ok'' TO ''fine''', '1:1'),
('rename-enum-value', 'ALTER TYPE mood ADD VALUE ''fine''', NULL),
('rename-enum-value', 'CREATE TYPE newer AS ENUM (''a''); ALTER TYPE newer RENAME VALUE ''a'' TO ''b''', NULL),
('set-schema', 'ALTER TABLE stock SET SCHEMA hollow', '1:1'),
('set-schema', 'ALTER FUNCTION stock_left(int) SET SCHEMA hollow', '1:1'),
('set-schema', 'ALTER TABLE stock SET SCHEMA hollow; CREATE VIEW stock AS SELECT * FROM hollow.stock', NULL),
('set-schema', 'ALTER TABLE stock SET SCHEMA public', NULL),
('set-schema', 'CREATE TABLE fresh (i int); ALTER TABLE fresh SET SCHEMA hollow', NULL),
('function-overload', 'CREATE OR REPLACE FUNCTION stock_left(wanted bigint) RETURNS int LANGUAGE sql AS ''SELECT 1''', '1:1'),
('function-overload', 'CREATE OR REPLACE FUNCTION stock_left(wanted int4) RETURNS integer LANGUAGE sql AS ''SELECT 1''', NULL),
('function-overload', 'CREATE OR REPLACE FUNCTION stock_left(wanted bigint) RETURNS int LANGUAGE sql AS ''SELECT 1''; DROP FUNCTION stock_left(int)', NULL),
('function-overload', 'CREATE OR REPLACE FUNCTION hollow.stock_left(wanted bigint) RETURNS int LANGUAGE sql AS ''SELECT 1''', NULL),
('function-overload', 'SET search_path = hollow, public; CREATE OR REPLACE FUNCTION stock_left(wanted bigint) RETURNS int LANGUAGE sql AS ''SELECT 1''', NULL),
('drop-function', 'DROP FUNCTION stock_left', '1:1'),
('drop-function', 'DROP PROCEDURE proc(int)', '1:1'),
('drop-function', 'DROP FUNCTION stock_left(int); CREATE FUNCTION stock_left(wanted int) RETURNS bigint LANGUAGE sql AS ''SELECT 1::bigint''', '1:1'),
('drop-function', 'DROP FUNCTION stock_left(int); CREATE FUNCTION stock_left(wished int) RETURNS int LANGUAGE sql AS ''SELECT 1''', '1:1'),
('drop-function', 'DROP FUNCTION stock_left(int); CREATE FUNCTION stock_left(wanted int4) RETURNS integer LANGUAGE sql AS ''SELECT 1''', NULL),
('drop-function', 'DROP FUNCTION IF EXISTS stock_left(text)', NULL),
('drop-function', 'CREATE FUNCTION fresh() RETURNS int LANGUAGE sql AS ''SELECT 1''; DROP FUNCTION fresh()', NULL),
('view-change-fails', 'CREATE OR REPLACE VIEW stock_view AS SELECT id, qty, place FROM stock', NULL),
('view-change-fails', 'CREATE OR REPLACE VIEW stock_view (id, qty) AS SELECT id + 0, id FROM stock', NULL),
('view-change-fails', 'CREATE OR REPLACE VIEW fresh AS SELECT qty FROM stock', NULL),
('view-change-fails', 'CREATE OR REPLACE VIEW alone AS SELECT 2 AS one, ''y'' AS two', NULL),
('view-change-fails', 'DROP VIEW stock_view; CREATE OR REPLACE VIEW stock_view AS SELECT qty FROM stock', NULL),
('function-change-fails', 'CREATE OR REPLACE FUNCTION stock_left(wanted int) RETURNS int LANGUAGE sql AS ''SELECT 1''', NULL),
('function-change-fails', 'CREATE OR REPLACE FUNCTION with_default(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql AS ''SELECT 1''', NULL),
('function-change-fails', 'DROP FUNCTION stock_left(int); CREATE FUNCTION stock_left(id int) RETURNS bigint LANGUAGE sql AS ''SELECT 1::bigint''', NULL);

-- These fail, or cannot run in a transaction or without superuser's files.
INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('truncate-fails', 'TRUNCATE stock', '1:1', false),
('truncate-fails', 'TRUNCATE keyed_1', '1:1', false),
('truncate-fails', 'TRUNCATE keyed', '1:1', false),
('truncate-fails', 'TRUNCATE keyed, to_keyed', NULL, true),
('truncate-fails', 'ALTER TABLE to_keyed DROP CONSTRAINT to_keyed_id_fkey; TRUNCATE keyed_1', NULL, true),
('drop-needs-cascade', 'DROP SEQUENCE identified_id_seq CASCADE', '1:1', false),
('drop-needs-cascade', 'DROP TABLE identified', NULL, true),
('truncate-fails', 'TRUNCATE refers, stock', '1:1', false),
('drop-needs-cascade', 'DROP TABLE refers', '1:1', false),
('drop-needs-cascade', 'DROP VIEW alone', '1:1', false),
('drop-needs-cascade', 'DROP SEQUENCE used_sequence', '1:1', false),
('drop-needs-cascade', 'DROP TYPE mood', '1:1', false),
('drop-needs-cascade', 'DROP SCHEMA filled', '1:1', false),
('drop-needs-cascade', 'DROP FUNCTION noop', '1:1', false),
('drop-extension', 'DROP EXTENSION pgtap', '1:1', false),
('drop-extension', 'DROP EXTENSION IF EXISTS nothing', NULL, true),
('drop-database', 'DROP DATABASE elsewhere', '1:1', false),
('drop-database', 'DROP TABLE "DATABASE"', NULL, false),
('function-change-fails', 'CREATE OR REPLACE FUNCTION stock_left(wanted int) RETURNS bigint LANGUAGE sql AS ''SELECT 1::bigint''', '1:1', false),
('function-change-fails', 'CREATE OR REPLACE FUNCTION stock_left(wished int) RETURNS int LANGUAGE sql AS ''SELECT 1''', '1:1', false),
('function-change-fails', 'CREATE OR REPLACE FUNCTION with_default(a int, b int) RETURNS int LANGUAGE sql AS ''SELECT 1''', '1:1', false),
('function-change-fails', 'CREATE FUNCTION stock_left(wanted int) RETURNS int LANGUAGE sql AS ''SELECT 1''', '1:1', false),
('function-change-fails', 'CREATE OR REPLACE PROCEDURE stock_left(wanted int) LANGUAGE sql AS ''SELECT 1''', '1:1', false),
('view-change-fails', 'CREATE OR REPLACE VIEW stock_view AS SELECT id FROM stock', '1:1', false),
('view-change-fails', 'CREATE OR REPLACE VIEW stock_view AS SELECT qty, id FROM stock', '1:1', false),
('view-change-fails', 'CREATE OR REPLACE VIEW stock_view AS SELECT id, qty::bigint FROM stock', '1:1', false);

SELECT * FROM t.lint_tests('{F}');

SELECT ok(t.done_by(script, 'large') ? 'error', 'fails: ' || script)
FROM t.lint_case WHERE NOT runs AND place IS NOT NULL AND rule NOT IN ('drop-extension', 'drop-database');

-- Steps lead to where the statement leads. What they leave is compared by name: a view that stands in must be gone.
CREATE FUNCTION t.shape() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(line, E'\n' ORDER BY line) FROM (
		SELECT format('%s %s %s', c.oid::regclass, c.relkind, c.relacl) FROM pg_class c WHERE relnamespace = ANY ('{public,hollow,filled}'::regnamespace[]) AND relkind IN ('r', 'p', 'v', 'm')
		UNION ALL SELECT format('%s %s %s %s %s', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = ANY ('{public,hollow,filled}'::regnamespace[]) AND attnum > 0 AND relkind IN ('r', 'p', 'v', 'm')
		UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = ANY ('{public,hollow,filled}'::regnamespace[])) s (line)
$$;
CREATE FUNCTION t.after(statements text[], OUT shape text) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(statements) LOOP
		EXECUTE statements[i];
	END LOOP;
	shape := t.shape();
	RAISE EXCEPTION 'done' USING ERRCODE = 'MGT01';
EXCEPTION WHEN SQLSTATE 'MGT01' THEN NULL;
END $$;
CREATE TABLE t.steps AS
	SELECT c.rule, c.script, f.steps FROM t.lint_case c, mg_lint(c.script) f
	WHERE c.runs AND f.rule = c.rule AND f.steps IS NOT NULL AND c.script NOT LIKE '%;%';
SELECT ok(count(*) >= 7, 'there are steps to try') FROM t.steps;
SELECT is(t.after(steps), t.after(ARRAY[script]), 'steps lead there: ' || script) FROM t.steps;

-- The first of them leaves both schemas working, for those who had the privileges.
SELECT steps[1] FROM mg_lint('ALTER TABLE stock RENAME qty TO quantity') WHERE rule = 'rename-column' \gexec
SET ROLE lint_reader;
SELECT lives_ok('SELECT qty, quantity FROM stock WHERE id = 1', 'both names are read');
RESET ROLE;
SELECT lives_ok('UPDATE stock SET qty = 5 WHERE id = 1', 'the old name is written');
SELECT lives_ok('INSERT INTO stock (id, quantity) VALUES (-1, 6)', 'and the new one');
SELECT is((SELECT array_agg(qty ORDER BY id) FROM stock WHERE id < 2), '{6,5}', 'what was written is there');
SELECT steps[2] FROM (VALUES (ARRAY['', 'DROP VIEW public.stock; ALTER TABLE public.stock_base RENAME TO stock;'])) s (steps) \gexec
SELECT steps[1] FROM mg_lint('ALTER TABLE refers RENAME TO points') WHERE rule = 'rename-table' \gexec
SELECT lives_ok('INSERT INTO refers (id) VALUES (-1)', 'the old name of a table is written');

SELECT * FROM finish();
DROP OWNED BY lint_reader;
DROP ROLE lint_reader;
