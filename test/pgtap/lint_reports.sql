-- What the linter's findings are put to: bodies, severities by policy, JSON and SARIF, the risk class, pending migrations in each other's way.
\ir lib/lint.sql
\ir lib/errors.sql
ANALYZE;
SET lock_timeout = '1min';

CREATE FUNCTION t.found(script text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(rule || ' ' || line || ':' || col, ', ' ORDER BY line, col, rule) FROM mg_lint(script) WHERE rule IN ('check-without-not-valid', 'set-not-null-scans', 'not-looked-into') $$;

-- Bodies of DO blocks.
SELECT is(t.found(E'DO $$\nBEGIN\n  IF EXISTS (SELECT FROM pg_class) THEN\n    ALTER TABLE large ADD CHECK (a > 0);\n  ELSE\n    ALTER TABLE large ALTER a SET NOT NULL;\n  END IF;\nEND $$'),
	'check-without-not-valid 4:27, set-not-null-scans 6:5', 'both branches of a block, at their places');
SELECT is(t.found($s$DO $$ DECLARE n int := 1; r record; BEGIN FOR r IN SELECT 1 LOOP ALTER TABLE large ADD CHECK (a > 0); END LOOP; SELECT 1 INTO STRICT n; UPDATE large SET a = 1 RETURNING id INTO n; PERFORM 1; EXCEPTION WHEN others THEN ALTER TABLE large ALTER a SET NOT NULL; END $$$s$),
	'check-without-not-valid 1:88, set-not-null-scans 1:219', 'loops, INTO, and what an exception leads to');
SELECT is(t.found($s$DO 'BEGIN EXECUTE ''ALTER TABLE large ADD CHECK (a > 0)''; END'$s$), 'check-without-not-valid 1:1', 'a literal with escapes is placed where its statement is');
SELECT is(t.found($s$DO $$ BEGIN EXECUTE 'ALTER TABLE large ADD CHECK (a > 0)'; EXECUTE format('DROP TABLE %I', 'large'); END $$$s$),
	'check-without-not-valid 1:13, not-looked-into 1:60', 'dynamic statements: a literal is read, another is told');
SELECT is(t.found($s$DO LANGUAGE plperl 'anything'$s$), 'not-looked-into 1:21', 'another language');
SELECT is(t.found($s$DO $$ BEGIN 'unfinished $$$s$), 'not-looked-into 1:6', 'what cannot be scanned');
SELECT is(t.found($s$DO $$ BEGIN ALTER TABEL large; ALTER TABLE large ADD CHECK (a > 0); END $$$s$), 'not-looked-into 1:13, check-without-not-valid 1:54', 'what cannot be parsed, and what follows it');

-- Functions run when they are called, not when they are made.
SELECT is(t.found('CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE large ADD CHECK (a > 0); END $$'), NULL, 'a function that is made');
SELECT is(t.found(E'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE large ADD CHECK (a > 0); END $$;\nSELECT f();'), 'check-without-not-valid 2:1', 'and called');
CREATE FUNCTION changes() RETURNS void LANGUAGE sql AS 'ALTER TABLE large ADD CHECK (a > 0)';
CREATE PROCEDURE changes_too() LANGUAGE plpgsql AS 'BEGIN PERFORM changes(); END';
CREATE FUNCTION endless() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM endless(); ALTER TABLE large ADD CHECK (a > 0); END';
SELECT is(t.found('SELECT changes()'), 'check-without-not-valid 1:1', 'one that is there');
SELECT is(t.found('CALL changes_too()'), 'check-without-not-valid 1:1', 'one that calls another');
SELECT alike(t.found('SELECT endless()'), 'check-without-not-valid 1:1%', 'one that calls itself');
SELECT is(t.found('SELECT now(), nobody(), length(''x'')'), NULL, 'the server''s own, and one that is not there');

-- Severities.
SELECT is(t.said($$SELECT mg_set_policy('lint_severity', 'nothing=error', 'x')$$), E'22023 "nothing" is no rule of the linter, and no group of rules\nHINT: mg_lint_rules() lists them.', 'a rule that is none');
SELECT is(t.said($$SELECT mg_set_policy('lint_severity', 'A=fatal', 'x')$$), E'22023 "fatal" is no severity\nHINT: It is off, info, warning or error.', 'a severity that is none');
SELECT is(t.said($$SELECT mg_set_policy('lint_severity', 'set-not-null-scans', 'x')$$), E'22023 "set-not-null-scans" is given no severity\nHINT: Write set-not-null-scans=error.', 'none');
SELECT mg_set_policy('lint_severity', ' A = error , set-not-null-scans=off,', 'a test');
SELECT is((SELECT string_agg(rule || ' ' || severity, ', ') FROM mg_lint('ALTER TABLE large ALTER a SET NOT NULL, ADD CHECK (a > 0)') WHERE rule IN ('set-not-null-scans', 'check-without-not-valid')), 'check-without-not-valid error', 'a rule goes before its group');
SELECT mg_set_policy('lint_severity', '', 'a test');

-- What a finding says of its work.
SELECT is((SELECT concat_ws(' ', object, lock_mode, blocks, rows, bytes = pg_table_size('large'), estimate > interval '0', basis ~ '^\d+ kB at \d+ MB/s, a common rate: no rehearsal here has measured it$', link)
	FROM mg_lint('ALTER TABLE large ALTER a SET NOT NULL') WHERE rule = 'set-not-null-scans'),
	'public.large AccessExclusiveLock reads and writes 2000 t t t docs/lint-rules.md#set-not-null-scans', 'lock, what it blocks, rows, bytes, time with its basis, and where more is said');

-- Sizes are those of the files, as pg_table_size() has them, and need no lock: another's ALTER TABLE does not keep them from being read.
CREATE TABLE t.wide (id int, note text); ALTER TABLE t.wide ALTER note SET STORAGE EXTERNAL;
INSERT INTO t.wide SELECT i, repeat(i::text, 9000) FROM generate_series(1, 100) i;
CREATE UNLOGGED TABLE t.unlogged AS SELECT i FROM generate_series(1, 50000) i;
CREATE TABLE t.whole (id int) PARTITION BY RANGE (id);
CREATE TABLE t.first PARTITION OF t.whole FOR VALUES FROM (1) TO (100000);
CREATE TABLE t.second PARTITION OF t.whole FOR VALUES FROM (100000) TO (200000);
INSERT INTO t.whole SELECT i FROM generate_series(1, 150000) i;
CREATE TABLE t.mapped AS SELECT i AS id FROM generate_series(1, 50000) i;
VACUUM ANALYZE t.mapped;
ANALYZE t.wide, t.unlogged, t.whole;
CREATE FUNCTION t.bytes(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT max(bytes) FROM mg_lint(format('ALTER TABLE %s ADD CHECK (true)', name)) WHERE rule = 'check-without-not-valid' $$;
SELECT is(t.bytes(name), pg_table_size(name::regclass), 'the size of ' || name) FROM unnest(ARRAY['t.wide', 't.unlogged', 't.mapped']) AS name;
SELECT is(t.bytes('t.whole'), pg_table_size('t.first') + pg_table_size('t.second'), 'the size of a partitioned table');

-- What ANALYZE knows of values is told to those who may read them.
CREATE FUNCTION t.nulls() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(substring(message FROM '\d+% of the rows'), ',') FROM mg_lint('ALTER TABLE t.half ALTER id SET NOT NULL') WHERE message ~ 'had NULL' $$;
CREATE TABLE t.half AS SELECT nullif(i % 2, 0) AS id, i FROM generate_series(1, 50000) i;
ANALYZE t.half;
CREATE ROLE mg_lint_stranger;
GRANT USAGE ON SCHEMA t TO mg_lint_stranger;
GRANT EXECUTE ON FUNCTION mg_lint(text) TO mg_lint_stranger;
SELECT is(t.nulls(), '50% of the rows', 'the owner');
SET ROLE mg_lint_stranger;
SELECT is(t.nulls(), NULL, 'a stranger');
RESET ROLE;
GRANT SELECT (i) ON t.half TO mg_lint_stranger;
SET ROLE mg_lint_stranger;
SELECT is(t.nulls(), NULL, 'who may read another column');
RESET ROLE;
GRANT SELECT (id) ON t.half TO mg_lint_stranger;
SET ROLE mg_lint_stranger;
SELECT is(t.nulls(), '50% of the rows', 'who may read it');
RESET ROLE;
ALTER TABLE t.half ENABLE ROW LEVEL SECURITY;
SET ROLE mg_lint_stranger;
SELECT is(t.nulls(), NULL, 'and from whom rows are hidden');
RESET ROLE;
REVOKE ALL ON t.half FROM mg_lint_stranger; REVOKE ALL ON SCHEMA t FROM mg_lint_stranger; REVOKE ALL ON FUNCTION mg_lint(text) FROM mg_lint_stranger;
DROP ROLE mg_lint_stranger;

-- JSON and SARIF.
SELECT is(mg_lint_json('ALTER TABLE large ALTER a SET NOT NULL -- mg:ignore set-not-null-scans at night') - 'findings' - 'version', '{"errors": 0, "warnings": 0, "infos": 0, "ignored": 1}', 'the numbers')
	WHERE (SELECT count(*) = 1 FROM mg_lint('ALTER TABLE large ALTER a SET NOT NULL'));
SELECT is((SELECT string_agg(f ->> 'rule', ',') FROM jsonb_array_elements(mg_lint_json('ALTER TABLE large ALTER a SET NOT NULL') -> 'findings') f WHERE f ->> 'severity' = 'warning'), 'set-not-null-scans', 'the findings');
SELECT is(mg_lint_json('') - 'version', '{"errors": 0, "warnings": 0, "infos": 0, "ignored": 0, "findings": []}', 'an empty script');
SELECT is(mg_lint_sarif('') #> '{runs,0,results}', '[]', 'the same as SARIF');
SELECT is((SELECT r #- '{message}' #- '{properties}' #- '{ruleIndex}' FROM jsonb_array_elements(mg_lint_sarif(E'SELECT ''ä'';\n ALTER TABLE large ALTER a SET NOT NULL', 'db/ä b%.sql') #> '{runs,0,results}') r WHERE r ->> 'ruleId' = 'set-not-null-scans'),
	'{"ruleId": "set-not-null-scans", "level": "warning", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "db/%C3%A4%20b%25.sql"}, "region": {"startLine": 2, "startColumn": 2}}}]}', 'a result of SARIF');
SELECT is((SELECT r -> 'suppressions' FROM jsonb_array_elements(mg_lint_sarif('ALTER TABLE large ALTER a SET NOT NULL -- mg:ignore set-not-null-scans at night') #> '{runs,0,results}') r WHERE r ->> 'ruleId' = 'set-not-null-scans'),
	'[{"kind": "inSource", "justification": "at night"}]', 'one that is ignored');
SELECT is((SELECT count(*) FROM jsonb_array_elements(s #> '{runs,0,results}') r WHERE s #>> ARRAY['runs', '0', 'tool', 'driver', 'rules', r ->> 'ruleIndex', 'id'] IS DISTINCT FROM r ->> 'ruleId'), 0::bigint, 'each result names its rule by number and name')
	FROM mg_lint_sarif('ALTER TABLE large ALTER a SET NOT NULL, ADD CHECK (a > 0), ADD UNIQUE (a)') s;
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.concat_ws(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT 1 / 0';
CREATE FUNCTION hostile.mg_lint(script text) RETURNS int LANGUAGE sql AS 'SELECT 1 / 0';
SET search_path = hostile, pg_catalog, public;
SELECT is(mg_lint_json('ALTER TABLE large ALTER a SET NOT NULL') ->> 'warnings', '1', 'a hostile search_path is for the script''s names only');
RESET search_path;

-- The risk class.
CREATE FUNCTION t.risk(up text, down text DEFAULT 'SELECT 1') RETURNS text LANGUAGE sql AS $$ SELECT risk FROM mg_script_risk(up, down) $$;
SELECT is(t.risk('CREATE TABLE fresh (id int PRIMARY KEY)'), 'safe', 'a new table');
SELECT is(t.risk('CREATE TABLE fresh (id int PRIMARY KEY)', NULL), 'controlled', 'one without a way back');
SELECT is(t.risk('ALTER TABLE large ALTER a SET NOT NULL'), 'controlled', 'a warning');
SELECT is(t.risk('ALTER TABLE large ALTER a SET NOT NULL -- mg:ignore set-not-null-scans well'), 'controlled', 'what is ignored is done all the same');
SELECT is(t.risk('DROP TABLE large'), 'high-risk', 'rows that are lost');
SELECT is((SELECT reasons[1] FROM mg_script_risk('CREATE TABLE fresh (id int PRIMARY KEY)')), 'there is no way back: it has no down script', 'with the reason');
SELECT is((SELECT backward_compatible FROM mg_script_risk('CREATE TABLE fresh (id int PRIMARY KEY)', 'DROP TABLE fresh')), true, 'an application goes on with a new table');
SELECT is((SELECT array[backward_compatible::text, cardinality(breaks)::text] FROM mg_script_risk('ALTER TABLE large RENAME COLUMN a TO z', 'ALTER TABLE large RENAME COLUMN z TO a')), '{false,1}', 'and trips over another name');
SELECT is((SELECT concat_ws(' ', status, risk, findings) FROM mg_register('scans', 'ALTER TABLE large ALTER a SET NOT NULL', 'ALTER TABLE large ALTER a DROP NOT NULL')), 'pending controlled 1', 'registering tells');
SELECT is((SELECT risk FROM mg_risk('scans')), 'controlled', 'and mg_risk()');
SELECT is((SELECT risk FROM mg.status WHERE migration = 'scans'), NULL, 'the status has only what is on record');
SELECT is((SELECT count(*) FROM mg_rehearse('scans') WHERE aspect = 'verdict' AND value = 'restores'), 1::bigint, 'rehearsed,');
SELECT ok((SELECT 'its rehearsal says: restores' = ANY (reasons) FROM mg_risk('scans')), 'it is a reason');
SELECT is((SELECT risk FROM mg_apply('scans')), 'controlled', 'and so does applying it');
SELECT is((SELECT risk FROM mg.status WHERE migration = 'scans'), 'controlled', 'of an applied one it is what was told then,');
SELECT is((SELECT evidence #>> '{0,actual}' FROM mg.runs WHERE migration = 'scans' ORDER BY id DESC LIMIT 1), 'controlled', 'as its run has it on record');
SELECT is((SELECT risk FROM mg_risk('scans')), 'safe', 'now there would be nothing left to do');
SELECT alike(t.said($$SELECT mg_risk('nobody')$$), 'MG004%', 'a name that nobody knows');
SELECT status FROM mg_register('bad way back', 'CREATE TABLE bad_way (i int)', 'SELECT 1') \gset
SELECT ok((SELECT count(*) > 0 FROM mg_rehearse('bad way back')), 'a way back that leaves the table');
SELECT is((SELECT risk FROM mg_risk('bad way back')), 'high-risk', 'is a high risk');

-- The assertion.
SELECT mg_lints('CREATE TABLE fresh (id int PRIMARY KEY)', 'error');
SELECT mg_lints('ALTER TABLE large ADD CHECK (a > 0) -- mg:ignore check-without-not-valid well', description => 'what is ignored does not fail');
SELECT alike(t.said($$SELECT mg_lints('SELECT 1', 'fatal')$$), '22023%', 'a severity that is none');

-- Pending migrations.
SELECT status FROM mg_register('one', 'ALTER TABLE large ADD COLUMN x int; CREATE FUNCTION twice() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'SELECT 1') \gset
SELECT status FROM mg_register('two', E'CREATE TABLE shared (i int);\nALTER TABLE public.large ADD COLUMN y int; CREATE FUNCTION twice() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'SELECT 1') \gset
SELECT status FROM mg_register('three', 'CREATE TABLE shared (i int); SELECT * FROM large', 'SELECT 1', requires => '{one}') \gset
CREATE FUNCTION t.conflicts(name text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(line || ':' || col || ' ' || message, '; ') FROM mg_lint_migration(name) WHERE rule = 'conflicts-with-pending' $$;
SELECT is(t.conflicts('one'), '1:1 other pending migrations touch it too: table public.large: two; 1:37 other pending migrations touch it too: function twice: two', 'the same table and function');
SELECT is(t.conflicts('two'), '1:1 other pending migrations touch it too: table public.shared: three; 2:1 other pending migrations touch it too: table public.large: one; 2:44 other pending migrations touch it too: function twice: one', 'the other way round');
SELECT is(t.conflicts('three'), '1:1 other pending migrations touch it too: table public.shared: two', 'what is read only is not touched, and what is required comes first');

SELECT * FROM finish();
