-- Temporary objects and what is done to them leave no record; what is done to lasting objects beside them does.
SELECT no_plan();
CREATE TEMP TABLE loads_the_library (x int);
CREATE TEMP VIEW mark AS SELECT coalesce(max(id), 0) AS id FROM mg.statement;
CREATE TEMP TABLE before AS SELECT id FROM mark;

CREATE FUNCTION new_statements() RETURNS SETOF text LANGUAGE sql AS
	'SELECT s.statement FROM mg.statement s, before b WHERE s.id > b.id AND s.identity IS DISTINCT FROM ''public.new_statements()'' ORDER BY s.id';

CREATE TEMP TABLE t (id serial PRIMARY KEY, a text UNIQUE CHECK (a <> ''));
CREATE TEMPORARY TABLE IF NOT EXISTS t (id int);
CREATE TABLE pg_temp.t2 (id int REFERENCES t (id));
CREATE TEMP TABLE t3 AS SELECT 1 AS x;
SELECT 1 AS x INTO TEMP t4;
CREATE TEMP SEQUENCE s;
ALTER SEQUENCE s RESTART;
CREATE TEMP VIEW v AS SELECT * FROM t;
CREATE VIEW v2 AS SELECT * FROM t;
CREATE INDEX ON t (a);
CREATE INDEX CONCURRENTLY ON t (a);
ALTER TABLE t ADD COLUMN b int;
ALTER TABLE t RENAME COLUMN b TO c;
ALTER TABLE t ALTER COLUMN c SET DEFAULT 7;
ALTER TABLE t ADD CONSTRAINT positive CHECK (c > 0);
ALTER TABLE t DROP CONSTRAINT positive;
ALTER TABLE t DROP COLUMN c;
COMMENT ON TABLE t IS 'x';
COMMENT ON COLUMN t.a IS 'x';
GRANT SELECT ON t TO PUBLIC;
REVOKE SELECT ON t FROM PUBLIC;
TRUNCATE t, t2;
REINDEX TABLE t;
CLUSTER t USING t_pkey;
CREATE TYPE pg_temp.e AS ENUM ('a');
ALTER TYPE pg_temp.e ADD VALUE 'b';
CREATE DOMAIN pg_temp.d AS int;
CREATE TYPE pg_temp.c AS (x int);
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION pg_temp.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE STATISTICS pg_temp.st ON id, a FROM t;
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION pg_temp.tf();
CREATE RULE r AS ON INSERT TO t2 DO NOTHING;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (true);
SELECT is((SELECT string_agg(n, E'\n') FROM new_statements() n), NULL, 'making and changing temporary objects leaves no record');

DROP POLICY p ON t;
DROP TRIGGER tr ON t;
DROP RULE r ON t2;
DROP STATISTICS pg_temp.st;
DROP FUNCTION pg_temp.f();
DROP DOMAIN pg_temp.d;
DROP TYPE pg_temp.c;
DROP TYPE pg_temp.e;
DROP VIEW v2;
DROP VIEW v;
DROP SEQUENCE s;
DROP TABLE t2, t3, t4;
DROP TABLE t CASCADE;
SELECT is((SELECT string_agg(n, E'\n') FROM new_statements() n), NULL, 'dropping them leaves none either');

CREATE TEMP TABLE on_commit (x int) ON COMMIT DROP;
BEGIN;
CREATE TEMP TABLE on_commit (x int) ON COMMIT DROP;
COMMIT;
SELECT results_eq($$SELECT count(*) FROM mg.statement WHERE statement ~ 'on_commit'$$, ARRAY[0::bigint], 'nor does ON COMMIT DROP');

CREATE TABLE lasting (x int);
CREATE TEMP TABLE passing (x int);
DROP TABLE passing, lasting;
CREATE UNLOGGED TABLE unlogged (x int);
DROP TABLE unlogged;
SELECT results_eq($$SELECT statement COLLATE "default", identity COLLATE "default" FROM mg.statement WHERE statement ~ 'lasting|unlogged' ORDER BY id$$,
	$$VALUES ('CREATE TABLE lasting (x int)', 'public.lasting'), ('DROP TABLE passing, lasting', 'public.lasting'),
	         ('CREATE UNLOGGED TABLE unlogged (x int)', 'public.unlogged'), ('DROP TABLE unlogged', 'public.unlogged')$$,
	'lasting and unlogged tables are on record');
SELECT * FROM finish();
