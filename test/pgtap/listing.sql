-- What a run leaves behind is listed one by one, a snapshot lists all: the same relations by the same names.
\ir lib/errors.sql
SELECT no_plan();

CREATE SCHEMA "odd ""schema"""; CREATE SCHEMA left_out;
CREATE TABLE "odd ""schema"""."select" (id int GENERATED ALWAYS AS IDENTITY, n serial, t text);
CREATE TABLE "odd ""schema""".parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE "odd ""schema""".part PARTITION OF "odd ""schema""".parted FOR VALUES FROM (1) TO (2);
CREATE VIEW "odd ""schema""".seen AS SELECT 1 AS one; CREATE MATERIALIZED VIEW "odd ""schema""".kept AS SELECT 1 AS one;
CREATE SEQUENCE "odd ""schema"""."Numbers"; CREATE TYPE "odd ""schema""".pair AS (a int, b int);
CREATE FOREIGN DATA WRAPPER odd_wrapper; CREATE SERVER odd_server FOREIGN DATA WRAPPER odd_wrapper;
CREATE FOREIGN TABLE "odd ""schema""".far (a int) SERVER odd_server;
CREATE TABLE left_out.hidden (a int);
CREATE EXTENSION IF NOT EXISTS hstore; CREATE TABLE "odd ""schema""".member (a int); ALTER EXTENSION hstore ADD TABLE "odd ""schema""".member;
CREATE TEMPORARY TABLE passing (a serial);
SELECT mg_set_policy('ignored_schemas', 'left_out', 'a test');
SELECT is((SELECT status FROM mg_apply('touches all', (SELECT string_agg(format('COMMENT ON %s %s IS %L', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END, c.oid::regclass, 'touched'), E';\n')
	FROM pg_class c WHERE c.oid >= 16384 AND c.relkind <> 't' AND c.relnamespace NOT IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname IN ('mg', 'information_schema'))))), 'applied', 'a run that touches every relation');
SELECT is((SELECT string_agg(format('%s %s', type, identity), E'\n' ORDER BY type, identity) FROM mg.object WHERE run = (SELECT max(id) FROM mg.runs WHERE migration = 'touches all') AND catalog = 'pg_class'::regclass),
	(SELECT string_agg(format('%s %s', y.key, z.key), E'\n' ORDER BY y.key COLLATE "C", z.key COLLATE "C") FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z
	 WHERE y.key IN ('table', 'view', 'materialized view', 'foreign table', 'sequence')), 'lists the relations that a snapshot lists');
SELECT ok((SELECT count(*) = 8 AND count(*) FILTER (WHERE identity ~ 'select') = 2 AND count(*) FILTER (WHERE identity ~ 'hidden|member|passing') = 0 FROM mg.object
	WHERE run = (SELECT max(id) FROM mg.runs WHERE migration = 'touches all') AND catalog = 'pg_class'::regclass), 'which are many');
SELECT is((SELECT count(*) FROM mg_drift_report() WHERE identity ~ 'select|kept|seen|far|Numbers'), 0::bigint, 'and are as they were left');
SELECT * FROM finish();
