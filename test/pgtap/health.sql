-- What mg_health() says of a database: each aspect with something that is well, something that is not, and names that hurt.
\ir lib/errors.sql
SELECT no_plan();
\set hurts 'it\'s "quoted" \\ %I $1 ix; --'

-- The findings of one aspect: what is not well, or cannot be told.
CREATE FUNCTION t.bad(wanted text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws('|', h.object, coalesce(h.ok::text, 'unknown'), h.value, h.hint), E'\n' ORDER BY h.object COLLATE "C")
	FROM mg_health() h WHERE h.aspect = wanted AND h.ok IS DISTINCT FROM true $$;
CREATE FUNCTION t.objects(wanted text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(h.object, ', ' ORDER BY h.object COLLATE "C") FROM mg_health() h WHERE h.aspect = wanted AND h.hint IS NOT NULL $$;

SELECT is((SELECT string_agg(DISTINCT aspect, ', ' ORDER BY aspect) FROM mg_health()),
	'activity, connections, constraint not validated, dead rows, duplicate index, idle in transaction, index bloat, invalid index, never analyzed, overlapping index, prepared transaction, replication slot, sequence, statistics, table bloat, transaction, transaction id age, unused index',
	'each aspect has a row at first');
SELECT is((SELECT string_agg(aspect, ', ') FROM mg_health() WHERE ok IS DISTINCT FROM true), NULL, 'and all is well: the ledger, the catalogs and pgTAP are not looked at');
SELECT is((SELECT string_agg(aspect || ' ' || value, ', ' ORDER BY aspect) FROM mg_health() WHERE object IS NULL AND value <> 'none' AND aspect NOT IN ('connections', 'statistics')), NULL, 'where there is nothing, it says none');
SELECT is((SELECT count(*) FROM mg.health), (SELECT count(*) FROM mg_health()), 'mg.health is the same');
SELECT matches((SELECT value FROM mg_health() WHERE aspect = 'statistics'), '^counted since 20\d\d-\d\d-\d\d \d\d:\d\d$', 'since when statistics count');
SELECT matches((SELECT value FROM mg_health() WHERE aspect = 'connections' AND object IS NULL), '^\d+ of 97, \d+ idle$', 'places that are not kept for superusers');
SELECT matches((SELECT string_agg(value, ', ' ORDER BY value) FROM mg_health() WHERE aspect = 'transaction id age' AND object = 'database health'),
	'^multixact ids \d+ old, 0 % of the 400000000 at which autovacuum steps in, transaction ids \d+ old, 0 % of the 200000000 ', 'the age of transaction ids');
SELECT matches((SELECT value FROM mg_health() WHERE aspect = 'transaction' AND object = 'pid ' || pg_backend_pid()), '^open for 00:00:0\d by \S+ with psql, active$', 'the session itself is the oldest transaction');
ALTER DATABASE health CONNECTION LIMIT 1;
SELECT alike(t.bad('connections'), 'database health|false|1 of 1, 0 idle|Close what is idle%CONNECTION LIMIT).', 'a database with a limit of its own');
ALTER DATABASE health CONNECTION LIMIT -1;

-- Rows, dead and alive. What is written is counted at the end of a transaction.
CREATE SCHEMA :"hurts";
CREATE TABLE :"hurts".:"hurts" (id int) WITH (autovacuum_enabled = off);
CREATE TABLE dead (id int) WITH (autovacuum_enabled = off);
CREATE TABLE few (id int) WITH (autovacuum_enabled = off);
INSERT INTO :"hurts".:"hurts" SELECT generate_series(1, 30000);
INSERT INTO dead SELECT generate_series(1, 60000);
INSERT INTO few SELECT generate_series(1, 999);
DELETE FROM :"hurts".:"hurts" WHERE id % 2 = 0;
DELETE FROM dead WHERE id <= 9999;
DELETE FROM few WHERE id > 10;
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT matches(t.bad('dead rows'), '^"it''s ""quoted"" \\ %I \$1 ix; --"\."it''s ""quoted"" \\ %I \$1 ix; --"\|false\|15000 dead rows, 50 % of all, not vacuumed since 20[-0-9 :]{14}\|Autovacuum is off for it: ALTER TABLE "it''s .* RESET \(autovacuum_enabled\), and VACUUM it\.$', 'dead rows, unless they are few');
SELECT is((SELECT string_agg(object || '|' || value, E'\n') FROM (SELECT * FROM mg_health() WHERE aspect = 'activity' LIMIT 2) h),
	E'public.dead|69999 rows written (60000 inserted, 0 updated, 9999 deleted), 1 sequential and 0 index scans\n'
	'"it''s ""quoted"" \\ %I $1 ix; --"."it''s ""quoted"" \\ %I $1 ix; --"|45000 rows written (30000 inserted, 0 updated, 15000 deleted), 1 sequential and 0 index scans', 'where most is written comes first');
SELECT is((SELECT count(*) FROM mg_health() WHERE aspect = 'activity' AND ok), 3::bigint, 'each table once');
SELECT matches(t.bad('never analyzed'), '^"it''s.*\|false\|about 15000 rows\|ANALYZE "it''s .*"; without statistics the planner guesses\.\npublic\.dead\|false\|about 50001 rows\|ANALYZE public\.dead; without', 'tables that were never analyzed, unless they are small');
SELECT mg_set_policy('ignored_schemas', 'other, ' || :'hurts', 'not ours') \g /dev/null
SELECT is(t.bad('dead rows'), NULL, 'a schema that policy leaves out is left out');
SELECT is(t.objects('never analyzed'), 'public.dead', 'everywhere');
SELECT mg_set_policy('ignored_schemas', '', 'all is ours again') \g /dev/null
VACUUM :"hurts".:"hurts";
ANALYZE :"hurts".:"hurts";
ANALYZE dead;
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT is(t.bad('dead rows'), NULL, 'none after VACUUM');
SELECT is(t.bad('never analyzed'), NULL, 'none after ANALYZE');
ALTER TABLE dead RESET (autovacuum_enabled);

-- Partitioned tables are nobody's to analyze but ours.
CREATE TABLE parted (id int, k int) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1) PARTITION BY LIST (id);
CREATE TABLE parted_1_1 PARTITION OF parted_1 DEFAULT;
CREATE TABLE parted_empty (id int) PARTITION BY LIST (id);
INSERT INTO parted SELECT g, 1 FROM generate_series(1, 5000) g;
ANALYZE parted_1_1;
SELECT is(t.bad('never analyzed'), E'public.parted|false|about 5000 rows in all partitions|ANALYZE public.parted; by hand and again now and then: autovacuum looks at the partitions only.\n'
	'public.parted_1|false|about 5000 rows in all partitions|ANALYZE public.parted_1; by hand and again now and then: autovacuum looks at the partitions only.', 'a partitioned table by itself');
ANALYZE parted;
SELECT is(t.bad('never analyzed'), NULL, 'with its partitions');

-- Unused room. A table with room on purpose, one with NULLs and one with long values are not bloated.
CREATE TABLE bloated (id int PRIMARY KEY, padding text) WITH (autovacuum_enabled = off);
CREATE TABLE spacious (id int, padding text) WITH (autovacuum_enabled = off, fillfactor = 40);
CREATE TABLE sparse (a int, b bigint, c text, d timestamptz, e numeric, f text) WITH (autovacuum_enabled = off);
CREATE TABLE wide (id int, padding text) WITH (autovacuum_enabled = off);
ALTER TABLE wide ALTER padding SET STORAGE PLAIN;
INSERT INTO bloated SELECT g, 'twenty bytes or so, ' FROM generate_series(1, 800000) g;
INSERT INTO spacious SELECT g, 'twenty bytes or so, ' FROM generate_series(1, 150000) g;
INSERT INTO sparse SELECT g, nullif(g % 3, 1), CASE WHEN g % 5 = 0 THEN repeat('x', g % 70) END, now(), g / 7.0, NULL FROM generate_series(1, 200000) g;
INSERT INTO wide SELECT g, repeat('x', 2500) FROM generate_series(1, 6000) g;
CREATE INDEX sparse_all ON sparse (a, b, d, (lower(c)));
CREATE INDEX spacious_loose ON spacious (padding, id) WITH (fillfactor = 50, deduplicate_items = off);
VACUUM ANALYZE bloated, spacious, sparse, wide;
SELECT is((SELECT count(*) FROM pg_class WHERE relname IN ('bloated', 'spacious', 'sparse', 'wide') AND relpages > 1280), 4::bigint, 'all of them are large enough to be told of');
SELECT is(t.bad('table bloat'), NULL, 'full tables are not bloated');
SELECT is(t.bad('index bloat'), NULL, 'nor are their indexes');
DELETE FROM bloated WHERE id % 10 < 7 AND id < 799000;
VACUUM bloated;
ANALYZE bloated;
SELECT matches(t.bad('table bloat'), '^public\.bloated\|false\|about \d\d MB of \d\d MB are not used \((69|70|71) %\), by estimate\|pgstattuple counts exactly\..*VACUUM FULL', 'two thirds of a table are unused');
SELECT matches(t.bad('index bloat'), '^public\.bloated_pkey\|false\|about \d\d MB of 17 MB are not used \((69|70|71) %\), by estimate\|REINDEX INDEX CONCURRENTLY public\.bloated_pkey;', 'and of its index');
VACUUM FULL bloated;
ANALYZE bloated;
SELECT is(concat(t.bad('table bloat'), t.bad('index bloat')), '', 'none after VACUUM FULL');
DELETE FROM pg_statistic WHERE starelid = 'wide'::regclass AND staattnum = 2;
SELECT is(t.bad('table bloat'), 'unknown|1 of 10 MB or more without statistics of each column|ANALYZE them: without statistics there is no estimate.', 'without statistics there is no guess');
DROP TABLE bloated, spacious, sparse, wide;

-- Indexes that are never scanned. What keeps something unique, or is small, is needed all the same.
CREATE TABLE indexed (a int PRIMARY KEY, b int, c int, d text, e int, r int4range);
INSERT INTO indexed SELECT g, g, g, 'x', g, int4range(g, g + 1) FROM generate_series(1, 60000) g;
CREATE INDEX indexed_b ON indexed (b);
CREATE INDEX indexed_c ON indexed (c);
CREATE UNIQUE INDEX indexed_e ON indexed (e);
CREATE INDEX indexed_small ON indexed (b, c) WHERE b < 10;
ALTER TABLE indexed ADD CONSTRAINT indexed_apart EXCLUDE USING gist (r WITH &&);
CREATE INDEX parted_id ON parted (id);
INSERT INTO parted SELECT g, 1 FROM generate_series(1, 60000) g;
ANALYZE indexed, parted, parted_1_1;
SET enable_seqscan = off;
SELECT count(*) FROM indexed WHERE c = 5 \g /dev/null
RESET enable_seqscan;
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT matches(t.bad('unused index'), '^public\.indexed_b\|unknown\|\d+ kB, never scanned since 20[-0-9 :]{14}\|That is less than a week: look again later\.\npublic\.parted_id\|unknown\|\d+ kB, never[^\n]*$',
	'indexes that are never scanned; which of them to drop cannot be told so soon');
SET enable_seqscan = off;
SELECT count(*) FROM indexed WHERE b = 50 \g /dev/null
SELECT count(*) FROM parted WHERE id = 5 \g /dev/null
RESET enable_seqscan;
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT is(t.bad('unused index'), NULL, 'a scan of a partition''s part is one');

-- Duplicates. What differs in anything but its name is none.
CREATE TABLE twins (a int, b int, c text COLLATE "C", d text);
CREATE INDEX twins_a1 ON twins (a);
CREATE INDEX twins_a_desc ON twins (a DESC);
CREATE INDEX twins_a_part ON twins (a) WHERE b > 0;
CREATE INDEX twins_a_hash ON twins USING hash (a);
CREATE INDEX twins_b_incl ON twins (b) INCLUDE (d);
CREATE INDEX twins_c ON twins (c);
CREATE INDEX twins_c_ops ON twins (c text_pattern_ops);
CREATE INDEX twins_c_coll ON twins (c COLLATE "POSIX");
CREATE INDEX twins_d_lower ON twins (lower(d));
CREATE INDEX twins_d_upper ON twins (upper(d));
CREATE TABLE ranges (a int, b int, v tsvector);
CREATE INDEX ranges_narrow ON ranges USING brin (a) WITH (pages_per_range = 4);
CREATE INDEX ranges_wide ON ranges USING brin (a) WITH (pages_per_range = 128);
CREATE INDEX ranges_short ON ranges USING gist (v tsvector_ops (siglen = 100));
CREATE INDEX ranges_long ON ranges USING gist (v tsvector_ops (siglen = 200));
CREATE INDEX ranges_full ON ranges (b);
SELECT is(t.bad('duplicate index'), NULL, 'no duplicates');
CREATE INDEX ranges_narrow2 ON ranges USING brin (a) WITH (pages_per_range = 4);
CREATE INDEX ranges_long2 ON ranges USING gist (v tsvector_ops (siglen = 200));
CREATE INDEX ranges_loose ON ranges (b) WITH (fillfactor = 50);
SELECT is(t.objects('duplicate index'), 'public.ranges_long2, public.ranges_loose, public.ranges_narrow2', 'options count, but for how full a B-tree is');
DROP TABLE ranges;
CREATE INDEX :"hurts" ON twins (a);
SELECT is(t.bad('duplicate index'), format('public.%I|false|the same as public.twins_a1, 8192 bytes|DROP INDEX CONCURRENTLY public.%I;', :'hurts', :'hurts'), 'the younger of two');
DROP INDEX :"hurts";
CREATE INDEX twins_a_part2 ON twins (a)
	WHERE    b > 0;
CREATE INDEX twins_d_lower2 ON twins
	(  lower(d));
CREATE INDEX twins_a_hash2 ON twins USING hash (a);
CREATE INDEX twins_b_incl2 ON twins (b) INCLUDE (d);
SELECT is(t.objects('duplicate index'), 'public.twins_a_hash2, public.twins_a_part2, public.twins_b_incl2, public.twins_d_lower2', 'by expression, condition, method and included columns');
DROP INDEX twins_a_part2, twins_d_lower2, twins_a_hash2, twins_b_incl2;
CREATE UNIQUE INDEX twins_a_unique ON twins (a);
SELECT is(t.bad('duplicate index'), 'public.twins_a1|false|the same as public.twins_a_unique, 8192 bytes|DROP INDEX CONCURRENTLY public.twins_a1;', 'the one that is not unique goes');
ALTER TABLE twins ADD CONSTRAINT twins_a_key UNIQUE (a);
SELECT is(t.bad('duplicate index'), E'public.twins_a1|false|the same as public.twins_a_key, 8192 bytes|DROP INDEX CONCURRENTLY public.twins_a1;\n'
	'public.twins_a_unique|false|the same as public.twins_a_key, 8192 bytes|DROP INDEX CONCURRENTLY public.twins_a_unique;', 'and the one that no constraint needs');
DROP INDEX twins_a_unique, twins_a1;
ALTER TABLE twins ADD CONSTRAINT twins_a_key2 UNIQUE (a);
SELECT is(t.bad('duplicate index'), 'public.twins_a_key2|false|the same as public.twins_a_key, 8192 bytes|ALTER TABLE public.twins DROP CONSTRAINT twins_a_key2, which needs it, once nothing refers to it.', 'of two constraints one goes');
ALTER TABLE twins DROP CONSTRAINT twins_a_key2, ADD CONSTRAINT twins_a_late UNIQUE (a) DEFERRABLE, ADD CONSTRAINT twins_a_nulls UNIQUE NULLS NOT DISTINCT (a);
SELECT is(t.bad('duplicate index'), NULL, 'a deferrable one, and one where NULLs are alike, are others');
CREATE INDEX parted_id2 ON parted (id);
CREATE INDEX parted_1_1_own ON parted_1_1 (id);
SELECT matches(t.bad('duplicate index'), '^public\.parted_1_1_own\|false\|the same as public\.parted_1_1_id_idx1?, \d+ kB\|DROP INDEX CONCURRENTLY public\.parted_1_1_own;\n'
	'public\.parted_id2\|false\|the same as public\.parted_id, 0 bytes\|DROP INDEX public\.parted_id2;$', 'of a partitioned table the whole, of a partition its own');
DROP TABLE twins, parted;

-- One that is the beginning of another.
CREATE TABLE stairs (a int, b int, c int, d int);
CREATE INDEX stairs_ab ON stairs (a, b);
CREATE INDEX stairs_ba ON stairs (b, a);
CREATE INDEX stairs_cd ON stairs (c, d) WHERE a > 0;
CREATE INDEX stairs_c ON stairs (c);
CREATE INDEX stairs_a_desc ON stairs (a DESC);
CREATE UNIQUE INDEX stairs_a_unique ON stairs (a);
CREATE INDEX stairs_a_incl ON stairs (a) INCLUDE (d);
SELECT is((SELECT string_agg(object, ', ') FROM mg_health() WHERE aspect = 'overlapping index' AND object ~ 'stairs'), NULL, 'another order, another direction, a condition, uniqueness, and included columns make a difference');
CREATE INDEX stairs_a ON stairs (a);
CREATE INDEX stairs_b_incl ON stairs (b) INCLUDE (a);
CREATE INDEX stairs_cd_c ON stairs (c) WHERE a > 0;
SELECT is((SELECT string_agg(concat_ws('|', object, ok, value, hint), E'\n' ORDER BY object) FROM mg_health() WHERE aspect = 'overlapping index' AND object ~ 'stairs'),
	E'public.stairs_a|t|its columns are the first of public.stairs_ab, 8192 bytes|The larger one serves the same queries, a little slower; DROP INDEX CONCURRENTLY public.stairs_a;\n'
	'public.stairs_b_incl|t|its columns are the first of public.stairs_ba, 8192 bytes|The larger one serves the same queries, a little slower; DROP INDEX CONCURRENTLY public.stairs_b_incl;\n'
	'public.stairs_cd_c|t|its columns are the first of public.stairs_cd, 8192 bytes|The larger one serves the same queries, a little slower; DROP INDEX CONCURRENTLY public.stairs_cd_c;', 'the beginning of another, which is a weaker finding');
UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('stairs_ab'::regclass, 'stairs_ba'::regclass, 'stairs_cd'::regclass);
SELECT is((SELECT string_agg(object, ', ' ORDER BY object) FROM mg_health() WHERE aspect = 'overlapping index' AND object ~ 'stairs'), 'public.stairs_a', 'one that is not valid serves nobody');
SELECT matches(t.bad('invalid index'), '^index public\.stairs_ab\|false\|invalid: its build failed or is not done: drop it or build it again\|Nothing finds by it, [^\n]*\nindex public\.stairs_ba\|[^\n]*\nindex public\.stairs_cd\|[^\n]*$', 'which is told by itself');
ALTER TABLE stairs ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;
SELECT is(t.bad('constraint not validated'), 'table constraint positive on public.stairs|false|NOT VALID: the rows from before it were never checked|ALTER TABLE ... VALIDATE CONSTRAINT, which keeps nobody from writing; the rows that fail it come first.', 'a constraint that is not validated');
DROP TABLE stairs;

-- Sequences: what has been given out, of what the column can take.
CREATE TABLE counted (id smallserial, n int GENERATED ALWAYS AS IDENTITY, b bigserial);
CREATE SEQUENCE downwards INCREMENT -1 MINVALUE -1000;
CREATE SEQUENCE round MAXVALUE 10 CYCLE;
CREATE SEQUENCE wider AS bigint;
ALTER TABLE counted ADD s int DEFAULT nextval('wider');
ALTER SEQUENCE wider OWNED BY counted.s;
SELECT setval('round', 9), setval('counted_b_seq', 4000000000000), setval('counted_id_seq', 22000), setval('downwards', -500) \g /dev/null
SELECT is((SELECT string_agg(concat_ws('|', object, ok, value), E'\n') FROM mg_health() WHERE aspect = 'sequence'), 'public.counted_id_seq|t|67 % of its numbers are given out', 'the fullest of all when none is near its end');
SELECT setval('wider', 1900000000), setval('counted_id_seq', 32767), setval('downwards', -800), setval('counted_n_seq', 2147483647, false) \g /dev/null
SELECT is(regexp_replace(t.bad('sequence'), 'Make column (\S+) bigint[^\n]*', 'column \1', 'g'), E'public.counted_id_seq|false|100 % of its numbers are given out|column public.counted.id\n'
	'public.downwards|false|79 % of its numbers are given out|ALTER SEQUENCE public.downwards AS bigint, or give it more room with MINVALUE.\n'
	'public.wider|false|88 % of its numbers are given out|column public.counted.s', 'those that are near it, counted by the column and downwards; one that cycles has no end');

-- Nobody is kept waiting afterwards.
BEGIN;
SELECT count(*) FROM mg_health() \g /dev/null
SELECT length(mg_metrics()) \g /dev/null
SELECT is((SELECT string_agg(l.relation::regclass::text, ', ') FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
	WHERE l.pid = pg_backend_pid() AND l.relation >= 16384 AND c.relnamespace <> 'mg'::regnamespace AND c.relname !~ 'tap|__t' AND c.relpersistence <> 't'), NULL, 'no lock of a table or sequence is kept');
COMMIT;

-- Not more than one can read.
DO $$ BEGIN FOR i IN 1..25 LOOP EXECUTE format('CREATE SEQUENCE small_%s MAXVALUE 100', i); EXECUTE format('SELECT setval(''small_%s'', 99)', i); END LOOP; END $$;
SELECT is((SELECT string_agg(concat_ws('|', coalesce(object, '-'), value, ok, hint), ' ') FROM (SELECT * FROM mg_health() WHERE aspect = 'sequence' OFFSET 20) h), '-|8 more|f|Begin with those above.', 'twenty rows of an aspect, and how many more there are');

-- Whoever may call it: catalogs are everybody's, other people's sessions are not.
SELECT quote_ident('health_' || pg_backend_pid()) AS monitor \gset
CREATE ROLE :monitor;
GRANT EXECUTE ON FUNCTION mg_health, mg_metrics TO :monitor;
GRANT USAGE ON SCHEMA mg TO :monitor;
GRANT SELECT ON mg.health TO :monitor;
SELECT count(*) AS all_rows FROM mg_health() WHERE aspect IN ('sequence', 'never analyzed', 'activity', 'duplicate index', 'unused index') \gset
SET ROLE :monitor;
SELECT is((SELECT count(*) FROM mg.health WHERE aspect IN ('sequence', 'never analyzed', 'activity', 'duplicate index', 'unused index')), :all_rows::bigint, 'a monitor with EXECUTE sees what the owner sees of tables');
SELECT is((SELECT concat_ws('|', object, coalesce(ok::text, 'unknown'), value, hint) FROM mg_health() WHERE aspect = 'transaction'), 'unknown|1 of sessions that you may not see|A superuser or a member of pg_read_all_stats sees them.', 'and not the sessions of others');
SELECT alike(mg_metrics(), '%# EOF', 'mg_metrics() too');
RESET ROLE;
SELECT is((SELECT bool_and(aspect IS NOT NULL AND value IS NOT NULL AND (ok OR hint IS NOT NULL)) FROM mg_health()), true, 'what is not well has a hint');

-- Settings of the session change nothing.
CREATE SCHEMA evil;
CREATE FUNCTION evil.count() RETURNS bigint LANGUAGE sql AS 'SELECT -1::bigint';
CREATE FUNCTION evil.no(int, int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;
CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.no);
CREATE VIEW evil.pg_class AS SELECT 1 AS oid;
SELECT md5(string_agg(h::text, E'\n')) AS before FROM mg_health() h WHERE aspect IN ('sequence', 'duplicate index', 'never analyzed', 'invalid index') \gset
SET search_path = evil, public, pg_catalog;
SET quote_all_identifiers = on;
SET standard_conforming_strings = off;
SET row_security = off;
SET extra_float_digits = -15;
BEGIN READ ONLY;
SELECT pg_catalog.md5(pg_catalog.string_agg(h::pg_catalog.text, E'\n')) AS after FROM mg_health() h WHERE aspect OPERATOR(pg_catalog.=) ANY (ARRAY['sequence', 'duplicate index', 'never analyzed', 'invalid index']) \gset
SELECT mg_metrics() AS metrics \gset
COMMIT;
RESET ALL;
SELECT is(:'after'::text, :'before', 'a hostile search_path, other settings, a read-only transaction');
SELECT alike(:'metrics'::text, '%# EOF', 'mg_metrics() there');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT is((SELECT md5(string_agg(h::text, E'\n')) FROM mg_health() h WHERE aspect IN ('sequence', 'duplicate index', 'never analyzed', 'invalid index')), :'before', 'and SERIALIZABLE');
COMMIT;
REVOKE ALL ON FUNCTION mg_health, mg_metrics FROM :monitor;
DROP OWNED BY :monitor;
DROP ROLE :monitor;

SELECT * FROM finish();
