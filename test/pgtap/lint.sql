-- Each rule of the linter finds what it is for, at its place, and leaves alone what only looks like it.
\ir lib/errors.sql
SELECT no_plan();
SELECT mg_set_policy('lint_small_table', '64kB', 'a test');

CREATE TABLE other (id int PRIMARY KEY, wide bigint UNIQUE, t text);
INSERT INTO other SELECT g, g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE TABLE large (id int NOT NULL, a int, b text, c int NOT NULL, d int, e int, CONSTRAINT positive CHECK (c > 0));
INSERT INTO large SELECT g, g, repeat('x', 100), g, g, g FROM generate_series(1, 2000) g;
CREATE UNIQUE INDEX large_d_unique ON large (d);
CREATE INDEX large_e ON large (e, a);
ALTER TABLE large ADD CONSTRAINT e_is_there CHECK (e IS NOT NULL AND e > 0);
ALTER TABLE large ADD CONSTRAINT large_other FOREIGN KEY (c) REFERENCES other (id);
ALTER TABLE large ADD CONSTRAINT late CHECK (a > 0) NOT VALID;
CREATE TABLE parted (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (100000);
INSERT INTO part SELECT g, g FROM generate_series(1, 4000) g;
CREATE TABLE small (id int, a int);
CREATE TEMP TABLE passing (id int);
INSERT INTO passing SELECT generate_series(1, 5000);
ANALYZE;

-- Cases: a place is what must be found there, without one nothing may be found by this rule.
CREATE TABLE t.lint_case (rule text, script text, place text);
INSERT INTO t.lint_case VALUES
('fk-without-not-valid', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other (id)', '1:23'),
('fk-without-not-valid', E'SELECT 1;\n  ALTER TABLE public.large ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES other', '2:32'),
('fk-without-not-valid', 'ALTER TABLE large ADD COLUMN n int DEFAULT 5 REFERENCES other', '1:46'),
('fk-without-not-valid', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other (id) NOT VALID', NULL),
('fk-without-not-valid', 'ALTER TABLE large ADD COLUMN n int REFERENCES other', NULL),
('fk-without-not-valid', 'ALTER TABLE small ADD FOREIGN KEY (a) REFERENCES other (id)', NULL),
('fk-without-not-valid', 'CREATE TABLE fresh (a int); ALTER TABLE fresh ADD FOREIGN KEY (a) REFERENCES other', NULL),
('fk-without-not-valid', 'CREATE SCHEMA s; SET search_path = s, public; CREATE TABLE large (a int); ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other', NULL),
('fk-without-not-valid', 'DROP TABLE large; CREATE TABLE large (a int); ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other', NULL),
('fk-without-not-valid', 'ALTER TABLE large RENAME TO huge; ALTER TABLE huge ADD FOREIGN KEY (a) REFERENCES other', '1:56'),
('fk-locks-other', 'CREATE TABLE fresh (i int REFERENCES other)', '1:27'),
('fk-locks-other', 'ALTER TABLE small ADD FOREIGN KEY (a) REFERENCES other NOT VALID', '1:23'),
('fk-locks-other', 'CREATE TABLE one (i int PRIMARY KEY); CREATE TABLE two (i int REFERENCES one)', NULL),
('fk-locks-other', 'ALTER TABLE small ADD COLUMN s int REFERENCES small', NULL),
('drop-fk-locks-both', 'ALTER TABLE large DROP CONSTRAINT large_other', '1:1'),
('drop-fk-locks-both', 'ALTER TABLE large DROP CONSTRAINT positive', NULL),
('check-without-not-valid', 'ALTER TABLE large ADD CHECK (a > 0)', '1:23'),
('check-without-not-valid', 'ALTER TABLE large ADD CHECK (a > 0) NOT VALID', NULL),
('check-without-not-valid', 'ALTER TABLE small ADD CHECK (a > 0)', NULL),
('check-without-not-valid', 'ALTER TABLE passing ADD CHECK (id > 0)', NULL),
('inline-check-on-add-column', 'ALTER TABLE large ADD COLUMN n int CHECK (n > 0)', '1:36'),
('inline-check-on-add-column', 'ALTER TABLE large ADD COLUMN n int', NULL),
('inline-check-on-add-column', 'ALTER TABLE large ADD COLUMN IF NOT EXISTS a int CHECK (a > 0)', NULL),
('inline-check-on-add-column', 'CREATE TABLE fresh (n int CHECK (n > 0))', NULL),
('validate-in-same-transaction', E'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID;\nALTER TABLE large VALIDATE CONSTRAINT k', '2:1'),
('validate-in-same-transaction', 'ALTER TABLE large VALIDATE CONSTRAINT late', NULL),
('not-valid-never-validated', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID', '1:1'),
('not-valid-never-validated', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE large VALIDATE CONSTRAINT k', NULL),
('not-valid-never-validated', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE large DROP CONSTRAINT k', NULL),
('set-not-null-scans', 'ALTER TABLE large ALTER a SET NOT NULL', '1:1'),
('set-not-null-scans', 'ALTER TABLE large ALTER b SET NOT NULL', '1:1'),
('set-not-null-scans', 'ALTER TABLE large ALTER c SET NOT NULL', NULL),
('set-not-null-scans', 'ALTER TABLE large ALTER e SET NOT NULL', NULL),
('set-not-null-scans', 'ALTER TABLE small ALTER a SET NOT NULL', NULL),
('unique-constraint-builds-index', 'ALTER TABLE large ADD UNIQUE (a)', '1:23'),
('unique-constraint-builds-index', 'ALTER TABLE large ADD COLUMN n int UNIQUE', '1:36'),
('unique-constraint-builds-index', 'ALTER TABLE large ADD UNIQUE USING INDEX large_d_unique', NULL),
('unique-constraint-builds-index', 'ALTER TABLE small ADD UNIQUE (a)', NULL),
('pk-builds-index', 'ALTER TABLE large ADD PRIMARY KEY (id)', '1:23'),
('pk-builds-index', 'ALTER TABLE large ADD PRIMARY KEY USING INDEX large_d_unique', NULL),
('pk-builds-index', 'CREATE TABLE fresh (id int PRIMARY KEY)', NULL),
('pk-on-nullable-column', 'ALTER TABLE large ADD PRIMARY KEY USING INDEX large_d_unique', '1:23'),
('pk-on-nullable-column', 'ALTER TABLE large ADD PRIMARY KEY (c, a)', '1:23'),
('pk-on-nullable-column', 'ALTER TABLE large ADD PRIMARY KEY (id, c)', NULL),
('exclusion-constraint', 'ALTER TABLE large ADD EXCLUDE (a WITH =)', '1:23'),
('exclusion-constraint', 'CREATE TABLE fresh (a int, EXCLUDE (a WITH =))', NULL),
('fk-type-mismatch', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other (wide)', '1:23'),
('fk-type-mismatch', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other (id)', NULL),
('fk-no-index', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other', '1:23'),
('fk-no-index', 'ALTER TABLE large ADD FOREIGN KEY (e) REFERENCES other', NULL),
('fk-no-index', 'CREATE INDEX ON large (a); ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other', NULL),
('drop-constraint-loses-check', 'ALTER TABLE large DROP CONSTRAINT positive', '1:1'),
('drop-constraint-loses-check', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE large DROP CONSTRAINT k', NULL),
('drop-constraint-loses-check', 'ALTER TABLE large DROP CONSTRAINT IF EXISTS nothing', NULL),
('check-without-not-valid', 'SET search_path = nowhere; ALTER TABLE large ADD CHECK (a > 0)', NULL),
('check-without-not-valid', 'SET search_path = nowhere; RESET search_path; ALTER TABLE large ADD CHECK (a > 0)', '1:69'),
('check-without-not-valid', 'SET search_path = "$user"; ALTER TABLE large ADD CHECK (a > 0)', NULL),
('check-without-not-valid', 'SET search_path = nowhere; ALTER TABLE public.large ADD CHECK (a > 0)', '1:57');
SELECT is((SELECT string_agg(line || ':' || col, ' ') FROM mg_lint(script) f WHERE f.rule = c.rule), place, rule || CASE WHEN place IS NULL THEN ' leaves alone: ' ELSE ' finds: ' END || script) FROM t.lint_case c;
SELECT is((SELECT string_agg(rule, ' ') FROM mg_lint_rules() r WHERE NOT EXISTS (SELECT FROM t.lint_case c WHERE c.rule = r.rule AND place IS NOT NULL)), NULL, 'each rule has a case that it finds');
SELECT is((SELECT string_agg(rule, ' ') FROM mg_lint_rules() r WHERE NOT EXISTS (SELECT FROM t.lint_case c WHERE c.rule = r.rule AND place IS NULL)), NULL, 'and a near miss');
SELECT is((SELECT string_agg(DISTINCT rule, ' ') FROM t.lint_case WHERE rule NOT IN (SELECT rule FROM mg_lint_rules())), NULL, 'and each case a rule');

-- Nothing of a script runs, and nothing is locked.
BEGIN;
SELECT is((SELECT count(*) FROM mg_lint('DROP TABLE large; CREATE TABLE fresh (i int); SELECT pg_sleep(60)')), 0::bigint, 'a script that would do harm');
SELECT is(to_regclass('large')::text || coalesce(to_regclass('fresh')::text, ''), 'large', 'does none');
SELECT is((SELECT string_agg(relation::regclass::text, ' ') FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('large'::regclass, 'other'::regclass)), NULL, 'and locks nothing');
COMMIT;

-- The server does as it is told that it would.
CREATE FUNCTION t.hint(script text, wanted text) RETURNS text LANGUAGE sql AS $$ SELECT hint FROM mg_lint(script) WHERE rule = wanted $$;
SELECT is(t.hint('ALTER TABLE large ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES other (id) ON DELETE CASCADE', 'fk-without-not-valid'),
	'ALTER TABLE public.large ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES public.other (id) ON DELETE CASCADE NOT VALID; In a migration of its own: ALTER TABLE public.large VALIDATE CONSTRAINT k;', 'the safe way has all names in it');
SELECT is(t.hint('ALTER TABLE large ADD UNIQUE (d)', 'unique-constraint-builds-index'), 'ALTER TABLE public.large ADD CONSTRAINT large_d_key UNIQUE USING INDEX large_d_unique;', 'an index that is there is taken');
SELECT is(t.hint('ALTER TABLE large ADD UNIQUE (a)', 'unique-constraint-builds-index'), 'Outside of migrations: CREATE UNIQUE INDEX CONCURRENTLY large_a_key ON public.large (a); Then: ALTER TABLE public.large ADD CONSTRAINT large_a_key UNIQUE USING INDEX large_a_key;', 'another is built first');
SELECT alike(t.hint('ALTER TABLE parted ADD UNIQUE (id)', 'unique-constraint-builds-index'), 'A partitioned table cannot take over an index:%', 'a partitioned table has a way of its own');

-- Registered migrations.
SELECT status FROM mg_register('makes', 'CREATE TABLE made (id int PRIMARY KEY, a int)', 'DROP TABLE made') \gset
SELECT status FROM mg_register('uses', 'ALTER TABLE made ADD CHECK (a > 0); ALTER TABLE large ADD CHECK (a > 1)', requires => '{makes}') \gset
SELECT is((SELECT string_agg(concat_ws(' ', rule, object, line, col, lock_mode), ', ') FROM mg_lint_migration('uses') WHERE severity = 'warning'), 'check-without-not-valid public.large 1 59 AccessExclusiveLock', 'what a required migration makes is new');
SELECT alike(t.said($$SELECT mg_lint_migration('nobody')$$), 'MG004%', 'a name that nobody knows');
SELECT alike(t.said($$SELECT mg_lint('DROP TABLE a.b.c.d')$$), '42601%', 'a name that is none');
SELECT alike(t.said($$SELECT mg_lint('CREATE TABEL')$$), '42601%', 'what cannot be parsed');
SELECT is((SELECT count(*) FROM mg_lint('ALTER TABLE nowhere ADD CHECK (a > 0); ALTER TABLE large ADD CHECK (nothing > 0) NOT VALID; UPDATE nowhere SET a = 1') WHERE severity <> 'info'), 0::bigint, 'tables that are not there');

-- Statements of every sort, on what is there and what is not.
SELECT lives_ok($$SELECT mg_lint('DROP TABLE IF EXISTS pg_class; ALTER TABLE pg_class ADD COLUMN x int; ALTER INDEX pg_class_oid_index SET (fillfactor = 50); ALTER TYPE int4 RENAME TO x; DROP TABLE a, b, c CASCADE; DROP INDEX large; DROP VIEW large;
	ALTER SEQUENCE nothing RESTART; ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE x; COPY (SELECT 1) TO STDOUT; CREATE TABLE made AS SELECT 1; SELECT 1 INTO q; ALTER TABLE IF EXISTS nope ADD COLUMN y int; MERGE INTO large USING large b ON true WHEN MATCHED THEN DO NOTHING;
	ALTER FOREIGN TABLE f ADD COLUMN x int; REINDEX DATABASE x; REINDEX INDEX x; VACUUM; CLUSTER; LOCK TABLE large; TRUNCATE large, nothing; REFRESH MATERIALIZED VIEW v; SET search_path TO DEFAULT; CREATE TABLE parted2 PARTITION OF parted FOR VALUES FROM (5) TO (6);
	ALTER TABLE parted DETACH PARTITION part; ALTER TABLE parted ATTACH PARTITION nothing DEFAULT; ALTER TABLE small INHERIT nothing; DROP INDEX large_e; DROP TABLE large; CREATE TABLE large (i int PRIMARY KEY REFERENCES large, UNIQUE (i, nope)); ALTER TABLE large RENAME TO large2;
	ALTER TABLE large2 RENAME COLUMN i TO j; ALTER TABLE large2 DROP CONSTRAINT nope; ALTER TABLE large2 ALTER COLUMN nope SET NOT NULL; ALTER TABLE large2 SET SCHEMA other; ALTER TABLE other.large2 DROP COLUMN j CASCADE; DO ''BEGIN END''; CALL x(); GRANT SELECT ON small TO PUBLIC')$$, 'every statement can be looked at');
SELECT is((SELECT count(*) FROM mg_lint(repeat(E'ALTER TABLE large ADD CHECK (a > 0);\n', 20000))), 20000::bigint, 'many statements');

SELECT * FROM finish();
