-- The linter itself: what it runs and locks, what it says, and every sort of statement.
\ir lib/lint.sql
\ir lib/errors.sql
ANALYZE;
SET lock_timeout = '1min';

-- Nothing of a script runs, and nothing is locked.
BEGIN;
SELECT ok((SELECT count(*) FROM mg_lint('DROP TABLE large; CREATE TABLE fresh (i int); SELECT pg_sleep(60)')) > 0, 'a script that would do harm');
SELECT is(to_regclass('large')::text || coalesce(to_regclass('fresh')::text, ''), 'large', 'does none');
SELECT is((SELECT string_agg(relation::regclass::text, ' ') FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('large'::regclass, 'other'::regclass)), NULL, 'and locks nothing');
COMMIT;

-- The server does as it is told that it would.
CREATE FUNCTION t.hint(script text, wanted text) RETURNS text LANGUAGE sql AS $$ SELECT hint FROM mg_lint(script) WHERE rule = wanted $$;
SELECT is(t.hint('ALTER TABLE large ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES other (id) ON DELETE CASCADE', 'fk-without-not-valid'),
	E'First: ALTER TABLE public.large ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES public.other (id) ON DELETE CASCADE NOT VALID;\nThen, in a migration of its own: ALTER TABLE public.large VALIDATE CONSTRAINT k;', 'the safe way has all names in it');
SELECT is(t.hint('ALTER TABLE large ADD UNIQUE (d)', 'unique-constraint-builds-index'), 'Instead: ALTER TABLE public.large ADD CONSTRAINT large_d_key UNIQUE USING INDEX large_d_unique;', 'an index that is there is taken');
SELECT is(t.hint('ALTER TABLE large ADD UNIQUE (a)', 'unique-constraint-builds-index'), E'First, by mg_deploy(): CREATE UNIQUE INDEX CONCURRENTLY large_a_key ON public.large (a);\nThen, in a migration of its own: ALTER TABLE public.large ADD CONSTRAINT large_a_key UNIQUE USING INDEX large_a_key;', 'another is built first');
SELECT alike(t.hint('ALTER TABLE parted ADD UNIQUE (id)', 'unique-constraint-builds-index'), 'First, by mg_deploy(): CREATE UNIQUE INDEX CONCURRENTLY part_id_key ON public.part (id);%', 'a partitioned table has a way of its own');

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
SELECT is((SELECT count(*) FROM mg_lint(repeat(E'ALTER TABLE large ADD CHECK (a > 0);\n', 20000)) WHERE rule = 'check-without-not-valid'), 20000::bigint, 'many statements');

-- With every rule on: tables and types that nobody knows, or that are shells yet.
SELECT mg_set_policy('lint_severity', (SELECT string_agg(rule || '=info', ', ') FROM mg_lint_rules() WHERE severity = 'off'), 'a test');
CREATE TYPE shelled;
SELECT lives_ok($$SELECT mg_lint('ALTER TABLE nothing ALTER a TYPE varchar(3), ALTER b TYPE char(2), ALTER c TYPE timestamp, ALTER d TYPE money, ALTER e TYPE regproc, ADD f serial, ADD CHECK (f > 1), DROP g, ALTER h SET NOT NULL, ADD PRIMARY KEY (a),
	ADD FOREIGN KEY (a) REFERENCES large, VALIDATE CONSTRAINT k, ALTER CONSTRAINT k DEFERRABLE, DROP CONSTRAINT k, ALTER a DROP NOT NULL, ALTER a ADD GENERATED ALWAYS AS IDENTITY, ALTER a DROP IDENTITY, ALTER a SET STORAGE plain, SET LOGGED, REPLICA IDENTITY FULL, INHERIT large;
	ALTER TYPE nothing ADD ATTRIBUTE a varchar(3), ALTER ATTRIBUTE b TYPE char(2), DROP ATTRIBUTE c; ALTER FOREIGN TABLE nothing ALTER a TYPE money; ALTER TABLE nothing ATTACH PARTITION nothing2 FOR VALUES IN (1); CREATE TABLE of_shell (a shelled, b int, c bigint);
	CREATE FUNCTION pg_temp.f(int) RETURNS int LANGUAGE sql AS ''SELECT 1''; ALTER TABLE large ADD x pg_catalog.a.b')$$, 'every rule does without');
SELECT alike(t.hint('ALTER TABLE large ADD UNIQUE (a) WITH (deduplicate_items)', 'unique-constraint-builds-index'), '% (a) WITH (deduplicate_items);%', 'an option without a value');
SELECT lives_ok(format('SELECT mg_lint(%L)', 'CREATE VIEW deep AS SELECT 1' || repeat(' UNION ALL SELECT 1', 100000)), 'a long row of UNIONs');
SELECT unalike(t.said(format('SELECT mg_lint(%L)', 'INSERT INTO large (id) SELECT 1' || repeat(' UNION ALL SELECT 1', 100000))), 'XX%', 'and one to be planned');
SELECT unalike(t.said(format('SELECT mg_lint(%L)', 'ALTER TABLE large ADD CHECK (a = 1' || repeat('+1', 200000) || ')')), 'XX%', 'a deep check');

SELECT * FROM finish();
