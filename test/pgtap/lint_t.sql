-- The linter on what teams ask for in their policies: off until a policy switches it on.
\ir lib/lint.sql
CREATE SCHEMA kept;
CREATE SCHEMA given;
CREATE ROLE mg_lint_t_reader;
GRANT USAGE ON SCHEMA given TO PUBLIC;
GRANT USAGE ON SCHEMA kept TO mg_lint_t_reader;
ANALYZE;
SELECT is((SELECT count(*) FROM mg_lint('CREATE TABLE "Fresh" (id int)') f JOIN mg_lint_rules() r USING (rule) WHERE r.rule_group = 'T'), 0::bigint, 'nothing of it is told unasked');
SELECT mg_set_policy('lint_severity', 'T=warning', 'a test') IS NOT NULL;

INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('select-star', 'CREATE VIEW v AS SELECT * FROM small', '1:1', true),
('select-star', 'CREATE VIEW v AS SELECT x.id FROM (SELECT s.* FROM small s) x', '1:1', true),
('select-star', 'CREATE MATERIALIZED VIEW v AS SELECT * FROM small', '1:1', true),
('select-star', 'CREATE FUNCTION f() RETURNS SETOF small LANGUAGE sql AS ''SELECT * FROM small''', '1:1', true),
('select-star', 'CREATE FUNCTION f() RETURNS SETOF small LANGUAGE plpgsql AS $$ DECLARE r small; BEGIN SELECT * INTO r FROM small; RETURN NEXT r; END $$', '1:1', true),
('select-star', 'CREATE FUNCTION f() RETURNS SETOF small LANGUAGE sql BEGIN ATOMIC SELECT * FROM small; END', '1:1', true),
('select-star', 'CREATE VIEW v AS SELECT count(*), 2 * 3 AS six FROM small WHERE EXISTS (SELECT * FROM large)', NULL, true),
('select-star', 'CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS ''SELECT count(*) /* SELECT * */ FROM small''', NULL, true),
('select-star', 'SELECT * FROM small; CREATE TABLE fresh (note text DEFAULT ''SELECT * FROM small'')', NULL, true),
('schema-and-rows-mixed', E'ALTER TABLE small ADD COLUMN b int;\nUPDATE small SET b = 1', '2:1', true),
('schema-and-rows-mixed', E'DELETE FROM small;\nCREATE INDEX ON small (a)', '1:1', true),
('schema-and-rows-mixed', 'CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1)', NULL, true),
('schema-and-rows-mixed', 'UPDATE small SET a = 1; DELETE FROM small; SELECT 1', NULL, true),
('schema-and-rows-mixed', 'ALTER TABLE small ADD COLUMN b int; CREATE TEMP TABLE t2 (id int); INSERT INTO t2 SELECT id FROM small', NULL, true),
('create-not-repeatable', 'CREATE TABLE fresh (id int)', '1:1', true),
('create-not-repeatable', 'ALTER TABLE small ADD COLUMN b int', '1:1', true),
('create-not-repeatable', 'CREATE VIEW v AS SELECT 1 AS one', '1:1', true),
('create-not-repeatable', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT 1''', '1:1', true),
('create-not-repeatable', 'CREATE TABLE IF NOT EXISTS fresh (id int); ALTER TABLE small ADD COLUMN IF NOT EXISTS b int; CREATE TEMP TABLE t2 (id int)', NULL, true),
('create-not-repeatable', 'DO $$ BEGIN IF to_regclass(''fresh'') IS NULL THEN CREATE TABLE fresh (id int); END IF; END $$', NULL, true),
('create-not-repeatable', 'CREATE OR REPLACE VIEW v AS SELECT 1 AS one; CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT 1''', NULL, true),
('drop-not-repeatable', 'DROP TABLE small', '1:1', true),
('drop-not-repeatable', 'ALTER TABLE small DROP COLUMN a', '1:1', true),
('drop-not-repeatable', 'DROP TABLE IF EXISTS small; ALTER TABLE IF EXISTS large DROP COLUMN IF EXISTS a; ALTER TABLE large ALTER id DROP NOT NULL', NULL, true),
('exposed-without-row-security', E'SELECT 1;\nCREATE TABLE given.fresh (id int)', '2:1', true),
('exposed-without-row-security', 'CREATE TABLE given.fresh (id int); ALTER TABLE given.fresh ENABLE ROW LEVEL SECURITY', NULL, true),
('exposed-without-row-security', 'SET search_path = kept; CREATE TABLE fresh (id int)', NULL, true),
('exposed-without-row-security', 'CREATE TEMP TABLE t2 (id int); CREATE VIEW given.v AS SELECT 1 AS one', NULL, true),
('environment-value', E'UPDATE small SET a = 1;\nINSERT INTO other VALUES (0, 0, ''https://api.acme.io/v1'')', '2:33', true),
('environment-value', 'SELECT ''ops@acme.io''', '1:8', true),
('environment-value', 'SELECT ''10.1.2.3''::inet', '1:8', true),
('environment-value', 'SELECT ''host=db1 dbname=x''', '1:8', true),
('environment-value', 'SELECT $x$postgres://db.acme.io/x$x$', '1:8', true),
('environment-value', 'CREATE ROLE mg_lint_t_new PASSWORD ''hidden''', '1:36', true),
('environment-value', 'DO $$ BEGIN PERFORM ''https://api.acme.io''; END $$', '1:21', true),
('environment-value', E'-- https://api.acme.io ops@acme.io\nSELECT ''unknown@example.com'', ''https://example.org/x'', ''a@b'', ''1.2.3'', ''1.2.3.4.5'', ''999.1.1.1'', ''0.0.0.0/0''', NULL, true),
('header-missing', 'SELECT 1', '1:1 1:1', true),
('header-missing', E'-- Author: a\nSELECT 1;\nSELECT 2', '1:1', true),
('header-missing', E'-- Author: a\n-- Description: b\nSELECT 1', NULL, true),
('header-missing', E'/* author: a\n * DESCRIPTION: b */\nSELECT 1; SELECT 2', NULL, true),
('ticket-missing', E'SELECT 1;\n-- Ticket: 7\nSELECT 2', '1:1', true),
('ticket-missing', E'-- Ticket: 7\nSELECT 1', NULL, true),
('name-without-schema', 'ALTER TABLE small ADD COLUMN b int', '1:13', true),
('name-without-schema', 'DROP TABLE public.other, small', '1:1', false),
('name-without-schema', 'CREATE INDEX ON small (a)', '1:17', true),
('name-without-schema', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT 1''', '1:1', true),
('name-without-schema', 'SET search_path = public; ALTER TABLE small ADD COLUMN b int', NULL, true),
('name-without-schema', 'ALTER TABLE public.small ADD COLUMN b int; CREATE TEMP TABLE t2 (id int); INSERT INTO t2 SELECT id FROM small', NULL, true),
('name-in-other-style', 'CREATE TABLE "Fresh" (id int)', '1:1', true),
('name-in-other-style', 'ALTER TABLE small ADD COLUMN "userId" int', '1:30', true),
('name-in-other-style', 'ALTER TABLE small ADD CONSTRAINT "Check It" CHECK (a > 0)', '1:23', true),
('name-in-other-style', 'CREATE TABLE Fresh (ID int, "quoted" int, a_1 int); ALTER TABLE small ADD CHECK (a > 0)', NULL, true),
('table-without-comment', 'CREATE TABLE fresh (id int)', '1:1', true),
('table-without-comment', 'CREATE TABLE fresh (id int); COMMENT ON COLUMN fresh.id IS ''its number''', '1:1', true),
('table-without-comment', 'CREATE TABLE fresh (id int); COMMENT ON TABLE public.fresh IS ''new ones''', NULL, true),
('table-without-comment', 'CREATE TEMP TABLE t2 (id int); CREATE TABLE part2 PARTITION OF parted FOR VALUES FROM (100000) TO (200000)', NULL, true);

SELECT * FROM t.lint_tests('{T}');
DROP OWNED BY mg_lint_t_reader;
DROP ROLE mg_lint_t_reader;
SELECT * FROM finish();
