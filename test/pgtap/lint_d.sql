-- The linter on indexes: how they are made and dropped, which are there already, and what they need.
\ir lib/lint.sql
SET client_min_messages = warning;

CREATE COLLATION german (provider = icu, locale = 'de');
CREATE TABLE keyed (id int PRIMARY KEY, code int, name text, lang text COLLATE german, doc jsonb, at timestamptz, long text, tags int[], EXCLUDE (code WITH =), CONSTRAINT keyed_name UNIQUE (name));
INSERT INTO keyed SELECT g, g, g || repeat('x', 20), 'x', '{}', now(), (SELECT string_agg(md5((g * 100 + i)::text), '') FROM generate_series(1, 31) i), '{1}' FROM generate_series(1, 2000) g;
CREATE INDEX keyed_code_name ON keyed (code, name);
CREATE UNIQUE INDEX keyed_at ON keyed (at, id);
CREATE UNIQUE INDEX keyed_tags ON keyed (tags, id);
CREATE INDEX keyed_lower ON keyed (lower(name)) WHERE code > 5;
CREATE INDEX keyed_gin ON keyed USING gin (doc);
CREATE INDEX keyed_lang ON keyed (lang);
CREATE UNIQUE INDEX keyed_code ON keyed (code);
CREATE INDEX keyed_code_again ON keyed (code);
CREATE TABLE refers (code int REFERENCES keyed (code));
CREATE UNIQUE INDEX large_c_unique ON large (c, id);
ALTER TABLE large ALTER c SET NOT NULL, REPLICA IDENTITY USING INDEX large_c_unique;
CREATE INDEX large_broken ON large (b);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'large_broken'::regclass;
CREATE INDEX part_a ON part (a);
CREATE INDEX parted_id_idx ON parted (id);
CREATE TABLE split (id int, a int, b text) PARTITION BY RANGE (id);
CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (2000);
CREATE TABLE split_2 PARTITION OF split FOR VALUES FROM (2000) TO (100000) PARTITION BY RANGE (id);
CREATE TABLE split_21 PARTITION OF split_2 FOR VALUES FROM (2000) TO (3000);
CREATE TABLE "Split 22" PARTITION OF split_2 FOR VALUES FROM (3000) TO (100000);
INSERT INTO split SELECT g, g, g FROM generate_series(1, 5000) g;
CREATE TABLE hot (id int, a int, b int, t text) WITH (fillfactor = 50);
INSERT INTO hot SELECT g, g, g, repeat('x', 40) FROM generate_series(1, 2000) g;
CREATE INDEX ON hot (a);
UPDATE hot SET b = b + 1 WHERE id <= 1500;
CREATE TABLE vast (a int, b text);
INSERT INTO vast SELECT g, repeat('x', 60) FROM generate_series(1, 2000) g;
CREATE FUNCTION helper(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(t) $$;
CREATE FUNCTION by_path(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN helper(t); END $$;
CREATE FUNCTION by_name(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.helper(t); END $$;
CREATE FUNCTION by_setting(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = public AS $$ BEGIN RETURN helper(t); END $$;
CREATE FUNCTION by_body(t text) RETURNS text LANGUAGE sql IMMUTABLE RETURN helper(t);
CREATE FUNCTION changing(t text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN t; END $$;
SELECT count(*) AS scans FROM large WHERE d = 5 \gset
SET enable_seqscan = off;
SELECT count(*) AS scans FROM large WHERE d = 5 \gset
SELECT count(*) AS scans FROM keyed WHERE code = 5 \gset
RESET enable_seqscan;
SELECT pg_stat_force_next_flush() \gset
SELECT 1 AS flushed \gset
ANALYZE;
UPDATE pg_class SET reltuples = 1e14 WHERE oid = 'vast'::regclass;
SET maintenance_work_mem = '1MB';

INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('index-not-concurrent', 'CREATE INDEX ON large (a)', '1:1', true),
('index-not-concurrent', 'CREATE UNIQUE INDEX i ON ONLY public.large USING btree (a)', '1:1', true),
('index-not-concurrent', 'CREATE INDEX ON parted (a, id)', '1:1', true),
('index-not-concurrent', 'CREATE INDEX CONCURRENTLY ON large (a)', NULL, false),
('index-not-concurrent', 'CREATE INDEX ON ONLY parted (a)', NULL, true),
('index-not-concurrent', 'CREATE INDEX IF NOT EXISTS large_e ON large (e, a)', NULL, true),
('index-not-concurrent', 'CREATE INDEX ON small (a)', NULL, true),
('index-not-concurrent', 'CREATE INDEX ON passing (id)', NULL, true),
('index-not-concurrent', 'CREATE TABLE fresh (a int); CREATE INDEX ON fresh (a)', NULL, true),
('not-in-transaction', 'CREATE INDEX CONCURRENTLY ON small (a)', '1:1', false),
('not-in-transaction', E'SELECT 1;\n DROP INDEX CONCURRENTLY large_e', '2:2', false),
('not-in-transaction', 'REINDEX TABLE CONCURRENTLY large', '1:1', false),
('not-in-transaction', 'REINDEX SCHEMA public', '1:1', false),
('not-in-transaction', 'REINDEX TABLE parted', '1:1', false),
('not-in-transaction', 'REINDEX INDEX parted_id_idx', '1:1', false),
('not-in-transaction', 'ALTER TABLE parted DETACH PARTITION part CONCURRENTLY', '1:1', false),
('not-in-transaction', 'VACUUM large', '1:1', false),
('not-in-transaction', 'ALTER SYSTEM SET work_mem = ''8MB''', '1:1', false),
('not-in-transaction', 'CREATE DATABASE elsewhere', '1:1', false),
('not-in-transaction', 'CLUSTER', '1:1', false),
('not-in-transaction', 'ANALYZE large; REINDEX TABLE large; CREATE INDEX ON small (a); DROP INDEX large_e; CLUSTER large USING large_d_unique', NULL, true),
('not-in-transaction', 'ALTER TABLE parted DETACH PARTITION part', NULL, true),
('invalid-index-leftover', 'CREATE INDEX IF NOT EXISTS large_broken ON large (b)', '1:1', true),
('invalid-index-leftover', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS large_broken ON large (b)', '1:1', false),
('invalid-index-leftover', 'CREATE INDEX IF NOT EXISTS large_e ON large (e, a)', NULL, true),
('invalid-index-leftover', 'DROP INDEX large_broken; CREATE INDEX IF NOT EXISTS large_broken ON large (b)', NULL, true),
('index-exists-otherwise', 'CREATE INDEX IF NOT EXISTS large_e ON large (e)', '1:1', true),
('index-exists-otherwise', 'CREATE UNIQUE INDEX IF NOT EXISTS large_e ON large (e, a)', '1:1', true),
('index-exists-otherwise', 'CREATE INDEX IF NOT EXISTS large_e ON large USING btree (e ASC NULLS LAST, a int4_ops)', NULL, true),
('index-exists-otherwise', 'CREATE INDEX IF NOT EXISTS keyed_lower ON keyed (lower(name)) WHERE code > 5', NULL, true),
('duplicate-index', 'CREATE INDEX again ON large (e, a)', '1:1', true),
('duplicate-index', 'CREATE INDEX ON keyed (id)', '1:1', true),
('duplicate-index', 'CREATE INDEX ON keyed (lower(keyed.name)) WHERE (code > 5)', '1:1', true),
('duplicate-index', 'CREATE INDEX ON keyed ((code), (name))', '1:1', true),
('duplicate-index', 'CREATE INDEX ON keyed USING gin (doc)', '1:1', true),
('duplicate-index', 'CREATE INDEX ON large (e DESC, a)', NULL, true),
('duplicate-index', 'CREATE INDEX ON large (a, e)', NULL, true),
('duplicate-index', 'CREATE UNIQUE INDEX ON large (e, a)', NULL, true),
('duplicate-index', 'CREATE INDEX ON large (e, a) WHERE e > 0', NULL, true),
('duplicate-index', 'CREATE INDEX ON large (e, a) INCLUDE (c)', NULL, true),
('duplicate-index', 'CREATE INDEX ON keyed (lower(name)) WHERE code > 6', NULL, true),
('duplicate-index', 'CREATE INDEX ON keyed (lang COLLATE "C")', NULL, true),
('duplicate-index', 'CREATE INDEX ON keyed (lang text_pattern_ops)', NULL, true),
('duplicate-index', 'CREATE INDEX ON keyed USING gin (doc jsonb_path_ops)', NULL, true),
('duplicate-index', 'CREATE INDEX ON keyed USING hash (id)', NULL, true),
('duplicate-index', 'CREATE INDEX ON large (b)', NULL, true),
('duplicate-index', 'DROP INDEX large_e; CREATE INDEX large_e ON large (e, a)', NULL, true),
('redundant-index', 'CREATE INDEX ON large (e)', '1:1', true),
('redundant-index', 'CREATE INDEX ON keyed (lang, code)', '1:1', true),
('redundant-index', 'CREATE UNIQUE INDEX ON large (e)', NULL, true),
('redundant-index', 'CREATE INDEX ON large (a)', NULL, true),
('redundant-index', 'CREATE INDEX ON large (e DESC)', NULL, true),
('redundant-index', 'CREATE INDEX ON keyed (id, tags)', NULL, true),
('drop-index-not-concurrent', 'DROP INDEX large_e', '1:1', true),
('drop-index-not-concurrent', 'DROP INDEX large_e, large_d_unique', '1:1 1:1', true),
('drop-index-not-concurrent', 'DROP INDEX parted_id_idx', '1:1', true),
('drop-index-not-concurrent', 'DROP INDEX CONCURRENTLY large_e', NULL, false),
('drop-index-not-concurrent', 'DROP INDEX IF EXISTS nothing', NULL, true),
('drop-index-not-concurrent', 'CREATE INDEX i ON large (a); DROP INDEX i', NULL, true),
('drop-index-refused', 'DROP INDEX keyed_pkey', '1:1', false),
('drop-index-refused', 'DROP INDEX keyed_name CASCADE', '1:1', false),
('drop-index-refused', 'DROP INDEX keyed_code', '1:1', false),
('drop-index-refused', 'DROP INDEX part_id_idx', '1:1', false),
('drop-index-refused', 'DROP INDEX keyed_code CASCADE; DROP INDEX large_e; DROP INDEX part_a', NULL, true),
('drop-index-cascades', 'DROP INDEX keyed_code CASCADE', '1:1', true),
('drop-index-cascades', 'DROP INDEX keyed_at CASCADE', NULL, true),
('drop-index-in-use', 'DROP INDEX large_d_unique', '1:1', true),
('drop-index-in-use', 'DROP INDEX large_e', NULL, true),
('drop-index-in-use', 'DROP INDEX keyed_code_again', NULL, true),
('drop-unique-index', 'DROP INDEX large_d_unique', '1:1', true),
('drop-unique-index', 'DROP INDEX large_e', NULL, true),
('drop-replica-identity', 'DROP INDEX large_c_unique', '1:1', true),
('drop-replica-identity', 'DROP INDEX large_d_unique', NULL, true),
('reindex-not-concurrent', 'REINDEX TABLE large', '1:1', true),
('reindex-not-concurrent', 'REINDEX (VERBOSE) INDEX large_e', '1:1', true),
('reindex-not-concurrent', 'REINDEX TABLE small', NULL, true),
('reindex-not-concurrent', 'REINDEX TABLE pg_catalog.pg_class', NULL, false),
('reindex-not-concurrent', 'REINDEX INDEX CONCURRENTLY large_e', NULL, false),
('reindex-not-concurrent', 'REINDEX (CONCURRENTLY) TABLE large', NULL, false),
('index-option-locks', 'ALTER INDEX keyed_gin SET (fastupdate = off)', '1:1', true),
('index-option-locks', 'ALTER INDEX keyed_gin RESET (gin_pending_list_limit)', '1:1', true),
('index-option-locks', 'ALTER INDEX large_e SET (fillfactor = 70)', NULL, true),
('index-option-locks', 'SET LOCAL lock_timeout = ''1s''; ALTER INDEX keyed_gin SET (fastupdate = off)', NULL, true),
('table-written-anew', 'CLUSTER large USING large_e', '1:1', true),
('table-written-anew', 'VACUUM (FULL, ANALYZE) large', '1:1', false),
('table-written-anew', 'CLUSTER small USING nothing', NULL, false),
('table-written-anew', 'VACUUM (FULL off) large; ANALYZE large', NULL, false),
('index-function-mutable', 'CREATE INDEX ON keyed ((at::date))', '1:1', false),
('index-function-mutable', 'CREATE INDEX ON keyed (id) WHERE at > now()', '1:1', false),
('index-function-mutable', 'CREATE INDEX ON keyed (changing(name))', '1:1', false),
('index-function-mutable', 'CREATE INDEX ON keyed (((at AT TIME ZONE ''UTC'')::date))', NULL, true),
('index-function-mutable', 'CREATE INDEX ON keyed (id) WHERE at > ''2026-01-01 00:00+00''', NULL, true),
('index-function-mutable', 'CREATE INDEX ON keyed (upper(name))', NULL, true),
('index-function-search-path', 'CREATE INDEX ON keyed (by_path(name))', '1:1', current_setting('server_version_num')::int < 170000),
('index-function-search-path', 'CREATE INDEX ON keyed (by_name(name))', NULL, true),
('index-function-search-path', 'CREATE INDEX ON keyed (by_setting(name))', NULL, true),
('index-function-search-path', 'CREATE INDEX ON keyed (by_body(name))', NULL, true),
('index-function-search-path', 'CREATE INDEX ON keyed (helper(name))', NULL, true),
('index-row-too-large', 'CREATE INDEX ON keyed (long)', '1:1', true),
('index-row-too-large', 'CREATE INDEX ON keyed (name)', NULL, true),
('index-row-too-large', 'CREATE INDEX ON keyed USING hash (long)', NULL, true),
('index-row-too-large', 'CREATE INDEX ON keyed (md5(long))', NULL, true),
('name-truncated', 'CREATE INDEX index_of_all_the_values_that_somebody_may_ever_have_looked_for_here ON small (a)', '1:1', true),
('name-truncated', 'ALTER TABLE small RENAME a TO "a column with a name that is much longer than the server would ever keep"', '1:1', true),
('name-truncated', 'CREATE INDEX index_of_all_the_values_that_somebody_may_ever_have_looked_for ON small (a)', NULL, true),
('name-truncated', 'CREATE VIEW v AS SELECT ''a text as long as it likes, which is no name at all, and is not cut by anybody at all'' AS t /* a_comment_as_long_as_it_likes_which_is_no_name_at_all_and_is_not_cut_by_anybody */', NULL, true),
('index-ends-hot', 'CREATE INDEX ON hot (a, b)', '1:1', true),
('index-ends-hot', 'CREATE INDEX ON hot (a DESC)', NULL, true),
('index-ends-hot', 'CREATE INDEX ON large (b)', NULL, true),
('index-ends-hot', CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'CREATE INDEX ON hot USING brin (b)' ELSE 'CREATE INDEX ON small (a)' END, NULL, true),
('disk-headroom', 'CREATE INDEX ON vast (a)', '1:1', true),
('disk-headroom', 'CREATE INDEX ON large (a)', NULL, true),
('disk-headroom', 'ALTER TABLE large ALTER b TYPE varchar', NULL, true),
('index-build-memory', 'CREATE INDEX ON keyed USING gin (tags)', '1:1', true),
('index-build-memory', 'SET maintenance_work_mem = ''1GB''; CREATE INDEX ON keyed USING gin (tags)', NULL, true),
('index-build-memory', 'CREATE INDEX ON keyed (tags)', NULL, true);
SELECT is((SELECT string_agg(rule, ' ' ORDER BY rule) FROM mg_lint_rules() WHERE rule_group = 'D' AND severity = 'off'), 'gin-pending-list wide-index', 'matters of taste');
SELECT mg_set_policy('lint_severity', 'wide-index=info, gin-pending-list=info', 'a test') \gset
INSERT INTO t.lint_case (rule, script, place) VALUES
('wide-index', 'CREATE INDEX ON large (a, b, c, d)', '1:1'),
('wide-index', 'CREATE UNIQUE INDEX ON large (a, b, c, d)', NULL),
('wide-index', 'CREATE INDEX ON large (a) INCLUDE (b, c, d)', NULL),
('gin-pending-list', 'CREATE INDEX ON keyed USING gin (tags)', '1:1'),
('gin-pending-list', 'CREATE INDEX ON keyed USING gin (tags) WITH (fastupdate = off)', NULL);

SELECT * FROM t.lint_tests('{D}');

-- Each error is one: the server says so too.
SELECT ok(t.done_by(script, 'large') ? 'error', rule || ' fails: ' || script) FROM t.lint_case WHERE place IS NOT NULL AND NOT runs AND rule IN ('not-in-transaction', 'drop-index-refused', 'index-function-mutable') AND script NOT LIKE 'REINDEX SCHEMA%';

-- The safe way.
CREATE FUNCTION t.steps(script text, wanted text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(step, E'\n') FROM mg_lint(script), unnest(steps) step WHERE rule = wanted $$;
SELECT is(t.steps('CREATE INDEX i ON large (a)', 'index-not-concurrent'), 'CREATE INDEX CONCURRENTLY i ON large (a);', 'an index');
SELECT is(t.steps('DROP INDEX IF EXISTS public.large_e', 'drop-index-not-concurrent'), 'DROP INDEX CONCURRENTLY IF EXISTS public.large_e;', 'one that is dropped');
SELECT is(t.steps('DROP INDEX keyed_name', 'drop-index-refused'), 'ALTER TABLE public.keyed DROP CONSTRAINT keyed_name;', 'one of a constraint');
SELECT is(t.steps('REINDEX INDEX large_e', 'reindex-not-concurrent'), 'REINDEX INDEX CONCURRENTLY large_e;', 'one that is built again');
SELECT is(t.steps('CREATE INDEX IF NOT EXISTS large_broken ON large (b)', 'invalid-index-leftover'), E'DROP INDEX CONCURRENTLY public.large_broken;\nCREATE INDEX CONCURRENTLY IF NOT EXISTS large_broken ON large (b);', 'an invalid one');
SELECT is(t.steps('CREATE UNIQUE INDEX ON public.split (id, a) WHERE a > 0', 'index-not-concurrent'), $$CREATE UNIQUE INDEX split_id_a_idx ON ONLY public.split (id, a) WHERE a > 0;
CREATE UNIQUE INDEX split_2_id_a_idx ON ONLY public.split_2 (id, a) WHERE a > 0;
CREATE UNIQUE INDEX CONCURRENTLY split_1_id_a_idx ON public.split_1 (id, a) WHERE a > 0;
CREATE UNIQUE INDEX CONCURRENTLY "Split 22_id_a_idx" ON public."Split 22" (id, a) WHERE a > 0;
CREATE UNIQUE INDEX CONCURRENTLY split_21_id_a_idx ON public.split_21 (id, a) WHERE a > 0;
ALTER INDEX public.split_id_a_idx ATTACH PARTITION public.split_1_id_a_idx;
ALTER INDEX public.split_id_a_idx ATTACH PARTITION public.split_2_id_a_idx;
ALTER INDEX public.split_2_id_a_idx ATTACH PARTITION public."Split 22_id_a_idx";
ALTER INDEX public.split_2_id_a_idx ATTACH PARTITION public.split_21_id_a_idx;$$, 'one of a partitioned table');
SELECT alike((SELECT hint FROM mg_lint('CREATE INDEX ON parted (a)') WHERE rule = 'index-not-concurrent'), '%which are too many or too different%', 'a partition that has one already');

-- Its steps as they are written, against the statement itself.
SELECT step AS "step" FROM mg_lint('CREATE INDEX ON split (lower(b), a)'), unnest(steps) WITH ORDINALITY s (step, n) WHERE rule = 'index-not-concurrent' ORDER BY n \gexec
SELECT string_agg(format('%s %s %s', indexrelid::regclass, indisvalid, pg_get_indexdef(indexrelid)), E'\n' ORDER BY indexrelid::regclass::text) AS stepped FROM pg_index WHERE indrelid IN (SELECT relid FROM pg_partition_tree('split')) \gset
DROP INDEX split_lower_a_idx;
CREATE INDEX ON split (lower(b), a);
SELECT is(:'stepped', string_agg(format('%s %s %s', indexrelid::regclass, indisvalid, pg_get_indexdef(indexrelid)), E'\n' ORDER BY indexrelid::regclass::text), 'partition by partition comes to the same') FROM pg_index WHERE indrelid IN (SELECT relid FROM pg_partition_tree('split'));
SELECT * FROM finish();
