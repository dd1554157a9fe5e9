-- The linter on types, enums, names, keys and publications.
\ir lib/lint.sql

CREATE TYPE mood AS ENUM ('sad', 'fine', 'glad');
CREATE TYPE smaller AS ENUM ('sad', 'fine');
CREATE TYPE larger AS ENUM ('sad', 'fine', 'glad', 'wild');
CREATE TABLE people (id int NOT NULL, m mood, n text, note text);
INSERT INTO people SELECT g, 'fine', 'n', repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE TABLE few (id int, m mood);
CREATE DOMAIN a_function AS regprocedure;
CREATE TABLE noted (id int PRIMARY KEY, at timestamptz, note text);
INSERT INTO noted SELECT g, now(), repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE TABLE keyless (id int NOT NULL, a int, note text);
INSERT INTO keyless SELECT g, g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE UNLOGGED TABLE scratch (id int, note text);
INSERT INTO scratch SELECT g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE TABLE columns_published (id int PRIMARY KEY, a int);
SET client_min_messages = error;
CREATE PUBLICATION everything FOR TABLE noted, columns_published (id, a);
CREATE PUBLICATION additions FOR TABLE keyless WITH (publish = 'insert');
RESET client_min_messages;
SELECT mg_set_policy('lint_severity', 'enum-value-without-place=info, enum-type-made=info, varchar-with-limit=info, timestamp-without-zone=info, small-integer-key=info, serial-column=info, wide-primary-key=info', 'a test') IS NOT NULL;
ANALYZE;

INSERT INTO t.lint_case (rule, script, place, runs) VALUES
-- The server refuses a label that is not committed yet, wherever it reads one.
('enum-value-used-at-once', E'ALTER TYPE mood ADD VALUE ''wild'';\nUPDATE people SET m = ''wild''', '2:23', false),
('enum-value-used-at-once', E'ALTER TYPE mood ADD VALUE ''wild'' AFTER ''glad'';\nINSERT INTO few (m, id) VALUES (''glad'', 1), (''wild'', 2)', '2:46', false),
('enum-value-used-at-once', E'ALTER TYPE mood ADD VALUE ''wild'';\nINSERT INTO few SELECT 1, ''wild''', '2:27', false),
('enum-value-used-at-once', E'ALTER TYPE public.mood ADD VALUE ''wild'';\nSELECT ''wild''::mood', '2:8', false),
('enum-value-used-at-once', E'ALTER TYPE mood ADD VALUE ''wild'';\nDELETE FROM people WHERE m IN (''sad'', ''wild'')', '2:39', false),
('enum-value-used-at-once', E'ALTER TYPE mood ADD VALUE ''wild'';\nALTER TABLE people ALTER m SET DEFAULT ''wild''', '2:40', false),
('enum-value-used-at-once', E'ALTER TYPE mood ADD VALUE ''wild'';\nCREATE TABLE fresh (m mood DEFAULT ''wild'')', '2:36', false),
('enum-value-used-at-once', E'ALTER TYPE mood ADD VALUE ''wild'';\nCREATE VIEW v AS SELECT * FROM people p WHERE p.m = ''wild''', '2:53', false),
('enum-value-used-at-once', E'ALTER TYPE mood ADD VALUE ''wild'';\nCREATE INDEX ON people (id) WHERE m = ''wild''', '2:39', false),
('enum-value-used-at-once', E'ALTER TYPE mood ADD VALUE ''wild'';\nDO $$BEGIN UPDATE people SET m = ''wild''; END$$', '2:34', false),
('enum-value-used-at-once', 'ALTER TYPE mood ADD VALUE ''wild''; UPDATE people SET n = ''wild'' WHERE note = ''wild''', NULL, true),
('enum-value-used-at-once', 'ALTER TYPE mood ADD VALUE ''wild''; UPDATE people SET m = ''glad''', NULL, true),
('enum-value-used-at-once', 'ALTER TYPE mood ADD VALUE IF NOT EXISTS ''glad''; UPDATE people SET m = ''glad''', NULL, true),
('enum-value-used-at-once', 'ALTER TYPE mood RENAME VALUE ''glad'' TO ''wild''; UPDATE people SET m = ''wild''', NULL, true),
('enum-value-used-at-once', 'CREATE TYPE made AS ENUM (''a'', ''b''); CREATE TABLE fresh (m made DEFAULT ''b''); INSERT INTO fresh VALUES (''b'')', NULL, true),
('enum-value-used-at-once', 'CREATE TYPE made AS ENUM (''a''); ALTER TYPE made ADD VALUE ''b''; SELECT ''b''::made', CASE WHEN current_setting('server_version_num')::int < 170000 THEN '1:71' END, current_setting('server_version_num')::int >= 170000),
('enum-value-used-at-once', 'ALTER TYPE mood ADD VALUE ''wild''; INSERT INTO few VALUES (1, ''sad''); SELECT ''wild''::larger', NULL, true),
('enum-value-without-place', 'ALTER TYPE mood ADD VALUE ''wild''', '1:1', true),
('enum-value-without-place', 'ALTER TYPE mood ADD VALUE ''meh'' BEFORE ''fine''', NULL, true),
('enum-value-without-place', 'ALTER TYPE mood RENAME VALUE ''sad'' TO ''low''', NULL, true),
('enum-type-made', 'CREATE TYPE made AS ENUM (''a'')', '1:1', true),
('enum-type-made', 'CREATE TYPE made AS (enum int)', NULL, true),
('enum-value-taken-away', 'ALTER TABLE people ALTER m TYPE smaller USING m::text::smaller', '1:1', true),
('enum-value-taken-away', 'ALTER TYPE mood RENAME TO mood_old; CREATE TYPE mood AS ENUM (''fine'', ''glad''); ALTER TABLE people ALTER m TYPE mood USING m::text::mood; DROP TYPE mood_old CASCADE', '1:80', true),
('enum-value-taken-away', 'ALTER TABLE people ALTER m TYPE larger USING m::text::larger', NULL, true),
('enum-value-taken-away', 'ALTER TABLE few ALTER m TYPE smaller USING m::text::smaller', NULL, true),
('enum-value-taken-away', 'ALTER TABLE people ALTER m TYPE text', NULL, true),
('varchar-with-limit', 'CREATE TABLE fresh (a int, b varchar(20))', '1:30', true),
('varchar-with-limit', 'ALTER TABLE small ADD COLUMN b character varying(20)', '1:32', true),
('varchar-with-limit', 'CREATE TABLE fresh (a varchar, b text, c varchar(20)[])', NULL, true),
('char-with-blanks', 'CREATE TABLE fresh (a char(2))', '1:23', true),
('char-with-blanks', 'CREATE TABLE fresh (a "char", b varchar(2))', NULL, true),
('timestamp-without-zone', 'ALTER TABLE small ADD COLUMN b timestamp', '1:32', true),
('timestamp-without-zone', 'ALTER TABLE small ADD COLUMN b timestamp with time zone, ADD COLUMN c timestamptz(3)', NULL, true),
('money-column', 'CREATE TABLE fresh (a money)', '1:23', true),
('money-column', 'CREATE DOMAIN s.money AS numeric; CREATE TABLE fresh (a numeric, money int)', NULL, false),
('small-integer-key', 'CREATE TABLE fresh (id int PRIMARY KEY)', '1:28', true),
('small-integer-key', 'CREATE TABLE fresh (id serial, PRIMARY KEY (id))', '1:32', true),
('small-integer-key', 'ALTER TABLE keyless ADD PRIMARY KEY (id)', '1:25', true),
('small-integer-key', 'CREATE TABLE fresh (id bigserial PRIMARY KEY, a int); CREATE TABLE two (a int, b int, PRIMARY KEY (a, b))', NULL, true),
('serial-column', 'CREATE TABLE fresh (id serial PRIMARY KEY)', '1:24', true),
('serial-column', 'CREATE TABLE fresh (serial int, id bigint GENERATED ALWAYS AS IDENTITY)', NULL, true),
('type-blocks-upgrade', 'CREATE TABLE fresh (p regprocedure)', '1:23', true),
('type-blocks-upgrade', 'CREATE TABLE fresh (p a_function)', '1:23', true),
('type-blocks-upgrade', 'CREATE TABLE fresh (p regproc[])', '1:23', true),
('type-blocks-upgrade', 'CREATE TABLE fresh (p regclass, q regtype, r regrole)', NULL, true),
('no-primary-key', 'CREATE TABLE fresh (id int UNIQUE)', '1:1', true),
('no-primary-key', E'SELECT 1;\nCREATE TABLE fresh AS SELECT 1 AS id', '2:1', true),
('no-primary-key', 'CREATE TABLE fresh (LIKE noted INCLUDING DEFAULTS)', '1:1', true),
('no-primary-key', 'CREATE TABLE fresh (id int); ALTER TABLE fresh ADD PRIMARY KEY (id)', NULL, true),
('no-primary-key', 'CREATE TABLE fresh (id int NOT NULL); CREATE UNIQUE INDEX k ON public.fresh (id); ALTER TABLE public.fresh ADD CONSTRAINT k PRIMARY KEY USING INDEX k', NULL, true),
('no-primary-key', 'CREATE TABLE fresh (LIKE noted INCLUDING ALL)', NULL, true),
('no-primary-key', 'CREATE TEMP TABLE fresh (id int); CREATE TABLE p PARTITION OF parted FOR VALUES FROM (100000) TO (200000)', NULL, true),
('no-primary-key', 'CREATE TABLE fresh (id int); ALTER TABLE fresh RENAME TO other_fresh; DROP TABLE other_fresh', NULL, true),
('no-primary-key', 'CREATE TABLE IF NOT EXISTS small (id int)', NULL, true),
('wide-primary-key', 'CREATE TABLE fresh (a int, b int, c int, d int, e int, PRIMARY KEY (a, b, c, d, e))', '1:56', true),
('wide-primary-key', 'CREATE TABLE fresh (a int, b int, c int, d int, e int, PRIMARY KEY (a, b), UNIQUE (a, b, c, d, e))', NULL, true),
('reserved-name', 'CREATE TABLE "order" (id int)', '1:1', true),
('reserved-name', 'ALTER TABLE small ADD COLUMN "user" text', '1:30', true),
('reserved-name', 'ALTER TABLE small RENAME a TO "left"', '1:1', true),
('reserved-name', 'CREATE TABLE name (value int, "year" int, type text, "Order" int)', NULL, true),
('reserved-name', 'CREATE TABLE users (id int, orders int)', NULL, true),
('storage-rewrites-table', 'ALTER TABLE people SET UNLOGGED', '1:1', true),
('storage-rewrites-table', 'ALTER TABLE scratch SET LOGGED', '1:1', true),
('storage-rewrites-table', 'ALTER TABLE people SET LOGGED', NULL, true),
('storage-rewrites-table', 'ALTER TABLE people SET ACCESS METHOD heap, SET TABLESPACE pg_default', NULL, true),
('storage-rewrites-table', 'ALTER TABLE small SET UNLOGGED', NULL, true),
('unlogged-table', 'CREATE UNLOGGED TABLE fresh (id int)', '1:1', true),
('unlogged-table', 'ALTER TABLE small SET UNLOGGED', '1:1', true),
('unlogged-table', 'ALTER TABLE scratch SET UNLOGGED; CREATE TABLE unlogged (id int)', NULL, true),
('autovacuum-disabled', 'ALTER TABLE people SET (fillfactor = 90, autovacuum_enabled = off)', '1:1', true),
('autovacuum-disabled', 'CREATE TABLE fresh (id int) WITH (autovacuum_enabled = false)', '1:1', true),
('autovacuum-disabled', 'ALTER TABLE people SET (autovacuum_enabled, autovacuum_vacuum_scale_factor = 0.01); ALTER TABLE people RESET (autovacuum_enabled)', NULL, true),
('autovacuum-disabled', 'CREATE TEMP TABLE fresh (id int) WITH (autovacuum_enabled = false)', NULL, true),
('replica-identity-nothing', 'ALTER TABLE noted REPLICA IDENTITY NOTHING', '1:1', true),
('replica-identity-nothing', 'ALTER TABLE keyless REPLICA IDENTITY NOTHING', NULL, true),
('replica-identity-nothing', 'ALTER TABLE noted REPLICA IDENTITY DEFAULT', NULL, true),
('replica-identity-lost', E'SELECT 1;\nALTER TABLE noted DROP CONSTRAINT noted_pkey', '2:1', true),
('replica-identity-lost', 'ALTER TABLE noted DROP COLUMN id', '1:1', true),
('replica-identity-lost', 'ALTER TABLE noted DROP CONSTRAINT noted_pkey; ALTER TABLE noted ADD PRIMARY KEY (id, note)', NULL, true),
('replica-identity-lost', 'ALTER TABLE noted DROP CONSTRAINT noted_pkey; ALTER TABLE noted REPLICA IDENTITY FULL', NULL, true),
('replica-identity-lost', 'ALTER TABLE noted DROP COLUMN note; ALTER TABLE large DROP CONSTRAINT positive', NULL, true),
('replica-identity-full', 'ALTER TABLE keyless REPLICA IDENTITY FULL', '1:1', true),
('replica-identity-full', 'ALTER TABLE noted REPLICA IDENTITY USING INDEX noted_pkey', NULL, true),
('published-without-key', 'CREATE PUBLICATION p FOR TABLE keyless', '1:1', true),
('published-without-key', 'ALTER PUBLICATION everything ADD TABLE keyless', '1:1', true),
('published-without-key', 'CREATE PUBLICATION p FOR TABLE other; ALTER PUBLICATION additions ADD TABLE large', NULL, true),
('published-without-key', 'CREATE PUBLICATION p FOR TABLE keyless WITH (publish = ''insert'')', NULL, true),
('published-table-changed', 'ALTER TABLE noted ADD COLUMN x int', '1:30', true),
('published-table-changed', 'ALTER TABLE noted RENAME note TO words', '1:1', true),
('published-table-changed', 'ALTER TABLE columns_published ADD COLUMN x int', NULL, true),
('published-table-changed', 'ALTER TABLE noted ADD COLUMN x int GENERATED ALWAYS AS (id + 1) STORED; ALTER TABLE people ADD COLUMN x int', NULL, true),
('published-table-changed', 'CREATE INDEX ON noted (at); ALTER TABLE noted ADD CHECK (id > 0)', NULL, true);

SELECT * FROM t.lint_tests('{I}');
-- The server does what is told of it.
SELECT alike(t.done_by(script, 'people') ->> 'error', '55P04%', 'refused by the server: ' || script) FROM t.lint_case WHERE rule = 'enum-value-used-at-once' AND place IS NOT NULL;
SELECT alike(t.done_by(script || '; UPDATE noted SET note = ''x''', 'noted') ->> 'error', '55000%', 'updates fail: ' || script) FROM t.lint_case WHERE rule IN ('replica-identity-nothing', 'replica-identity-lost') AND place IS NOT NULL;
SELECT alike(t.done_by(script || '; UPDATE keyless SET a = 1', 'keyless') ->> 'error', '55000%', 'updates fail: ' || script) FROM t.lint_case WHERE rule = 'published-without-key' AND place IS NOT NULL;
-- Every kind of statement can be looked at, by the rules that are off as well.
SELECT mg_set_policy('lint_severity', 'I=info, J=info, K=info, L=info, T=info', 'a test') IS NOT NULL;
SELECT lives_ok($x$SELECT mg_lint($y$ALTER TYPE mood ADD VALUE 'wild';
	CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1; CREATE FUNCTION g() RETURNS int LANGUAGE sql BEGIN ATOMIC CREATE TABLE q (i int); SELECT 1; END;
	MERGE INTO people p USING few f ON p.id = f.id WHEN MATCHED AND f.m = 'sad' THEN UPDATE SET m = 'fine' WHEN NOT MATCHED THEN INSERT VALUES (1, 'sad', DEFAULT, DEFAULT);
	INSERT INTO people AS p (id, m) VALUES (1, DEFAULT) ON CONFLICT (id) DO UPDATE SET m = excluded.m WHERE p.m = 'sad' RETURNING *; INSERT INTO people DEFAULT VALUES; INSERT INTO nothing SELECT 1;
	UPDATE people SET (m, n) = (SELECT 'sad', 'x'), n[1] = 'x' FROM few WHERE CURRENT OF c; DELETE FROM ONLY people USING few WHERE (people.id, 1) = (few.id, 2);
	WITH RECURSIVE q AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM q) SEARCH DEPTH FIRST BY i SET o CYCLE i SET c USING p SELECT *, (r).*, sum(i) OVER w, a[1:2], 'x' COLLATE "C", ROW(1, 2) IS NULL, ARRAY[1], CASE WHEN true THEN 1 END, coalesce(1), xmlforest(1 AS a), grouping(i), x IS DISTINCT FROM 1, x BETWEEN 1 AND 2, EXISTS (SELECT), x = ANY (ARRAY[1]), CURRENT_DATE
		FROM q TABLESAMPLE system (1), LATERAL generate_series(1, 2) WITH ORDINALITY s (a, b), ROWS FROM (f(), g()) x, XMLTABLE('/' PASSING '' COLUMNS a int), (VALUES (1), (2)) v WHERE m = 'wild'::nowhere.mood GROUP BY GROUPING SETS ((i), ()) HAVING true WINDOW w AS (PARTITION BY i ORDER BY i DESC NULLS LAST) LIMIT 1 FOR UPDATE OF q;
	VALUES (1); TABLE people; SELECT 1 INTO fresh; CREATE TABLE c AS EXECUTE p; CREATE TABLE d (m mood DEFAULT 'sad' CHECK (m <> 'sad'), CHECK (m = 'sad'), n numeric(3)[], p nowhere.type, EXCLUDE (m WITH =)) INHERITS (few) WITH (autovacuum_enabled, fillfactor = 50);
	CREATE TABLE e OF nowhere (m WITH OPTIONS DEFAULT 'sad'); CREATE TABLE f (LIKE nothing INCLUDING ALL, LIKE people INCLUDING INDEXES); CREATE VIEW v (a) WITH (security_barrier) AS VALUES (1); CREATE RECURSIVE VIEW w (n) AS SELECT 1; CREATE MATERIALIZED VIEW x AS TABLE people WITH NO DATA;
	CREATE POLICY p ON nothing; CREATE POLICY p ON people AS RESTRICTIVE FOR DELETE TO CURRENT_USER, SESSION_USER, PUBLIC USING (id IN (SELECT 1) AND nowhere.f(1)); ALTER POLICY p ON people RENAME TO q; ALTER POLICY p ON people TO nobody; DROP POLICY p ON nothing; DROP TRIGGER t ON nothing; DROP RULE r ON people; DROP TRIGGER IF EXISTS t ON nowhere.nothing;
	CREATE TRIGGER t INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f('a', 1); CREATE CONSTRAINT TRIGGER t AFTER UPDATE OF a, b ON people FROM few DEFERRABLE FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION nowhere.f();
	ALTER TYPE mood ADD ATTRIBUTE a int; ALTER TYPE nothing ADD VALUE 'x'; ALTER TYPE mood RENAME VALUE 'sad' TO 'low'; ALTER TYPE nowhere.mood RENAME TO x; DROP TYPE mood, nowhere.nothing; DROP TYPE IF EXISTS nothing; CREATE TYPE e AS ENUM (); CREATE TYPE r AS RANGE (subtype = int); CREATE TYPE s; CREATE AGGREGATE a (int) (sfunc = f, stype = int);
	ALTER PUBLICATION everything DROP TABLE noted; ALTER PUBLICATION everything SET TABLES IN SCHEMA public; ALTER PUBLICATION nothing SET (publish = 'insert'); CREATE PUBLICATION a FOR ALL TABLES; CREATE PUBLICATION b; ALTER TABLE noted REPLICA IDENTITY USING INDEX nothing;
	ALTER TABLE people ALTER m TYPE nothing USING m::text::nothing, SET ACCESS METHOD heap, SET TABLESPACE nothing, SET LOGGED, OWNER TO CURRENT_ROLE, ALTER COLUMN nothing SET DEFAULT 'wild', ALTER n DROP DEFAULT, SET (autovacuum_enabled = 'no', toast.autovacuum_enabled = 0), RESET (autovacuum_enabled); ALTER VIEW v SET (security_invoker = off); ALTER VIEW v OWNER TO nobody;
	GRANT ALL ON ALL TABLES IN SCHEMA public, nowhere TO PUBLIC WITH GRANT OPTION; GRANT SELECT (id, n) ON people TO PUBLIC; GRANT USAGE ON LANGUAGE sql TO PUBLIC; GRANT SET ON PARAMETER work_mem TO PUBLIC; GRANT USAGE ON TYPE mood TO PUBLIC; GRANT nobody TO PUBLIC; GRANT ALL ON LARGE OBJECT 1 TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC; REVOKE EXECUTE ON FUNCTION f, g(int) FROM PUBLIC;
	CREATE ROLE r SUPERUSER PASSWORD NULL IN ROLE a; ALTER ROLE ALL SET work_mem = 1; DROP ROLE r; ALTER GROUP r ADD USER s; CREATE FUNCTION f(INOUT a int, OUT b text, VARIADIC c int[] DEFAULT NULL) RETURNS record LANGUAGE c SECURITY DEFINER SET work_mem FROM CURRENT SET search_path TO DEFAULT AS 'a', 'b'; CREATE PROCEDURE p() LANGUAGE plpgsql SECURITY DEFINER AS 'this is no block $';
	CREATE OR REPLACE FUNCTION f(nowhere.nothing, people.n%TYPE) RETURNS TABLE (a int) LANGUAGE sql AS 'no sql'; ALTER FUNCTION nothing VOLATILE; ALTER FUNCTION nothing(nowhere.t) SECURITY DEFINER RESET ALL; ALTER PROCEDURE p() SET search_path = ''; ALTER ROUTINE p OWNER TO nobody; DROP FUNCTION f, g(int); DROP AGGREGATE a(*); DROP OPERATOR = (int, int); DROP CAST (int AS text); DROP EVENT TRIGGER x; ALTER EVENT TRIGGER x ENABLE REPLICA;
	CREATE EXTENSION nothing SCHEMA public VERSION '1' CASCADE; ALTER EXTENSION nothing UPDATE; ALTER EXTENSION nothing ADD TABLE people; COMMENT ON TABLE people IS NULL; COMMENT ON COLUMN people.n IS 'x'; COMMENT ON TYPE mood IS 'x'; COMMENT ON CONSTRAINT c ON people IS 'x'; COPY (SELECT 1) TO PROGRAM 'x'; COPY people FROM STDIN; CREATE SEQUENCE s; CREATE SCHEMA a CREATE TABLE b (i int)$y$)$x$, 'every kind of statement can be looked at');
SELECT * FROM finish();
