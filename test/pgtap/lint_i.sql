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
SELECT * FROM finish();
