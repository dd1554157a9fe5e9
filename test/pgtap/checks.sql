-- Preconditions and verification: when a query holds, what its failure says, undoes and leaves on record.
\ir lib/errors.sql
SELECT no_plan();

-- What holds and what does not, alike for both.
CREATE TEMP TABLE cases (query text, verdict text);
INSERT INTO cases VALUES
	('select true', 'no error'), ('select x > 0 from generate_series(1, 3) x', 'no error'), ('values (true), (true)', 'no error'),
	('select false', 'expected true in every row, got false'), ('select null::boolean', 'expected true in every row, got NULL'),
	('select x > 1 from generate_series(1, 3) x', 'expected true in every row, got false'), ('values (true), (null), (true)', 'expected true in every row, got NULL'),
	('values (null), (true)', 'expected true in every row, got NULL'),
	('select false, true', 'expected true in every row, got false'),
	('select 1', 'no error'), ('select 0', 'no error'), ('select null', 'no error'), ('select ''f''::text', 'no error'), ('select', 'no error'),
	('select true where false', 'expected true in every row, got no row'), ('select 1 where false', 'expected at least one row, got no row'), ('show search_path', 'no error'), ('explain select 1', 'no error'),
	('do $$ begin null; end $$', 'no error'), ('-- only a comment', 'no error'), ('create temp table if not exists scratch (i int)', 'no error'),
	(E'select count(*) from pg_class where relname = ''nowhere'';\n-- expect: 0', 'no error'), (E'select 1 -- expect: 1', 'no error'), (E'select 1;--expect:1', 'no error'),
	(E'select 1;\n-- what was 2\n-- expect: 1\n', 'no error'), (E'select 1; -- EXPECT: 2\n-- expect: 1', 'no error'), (E'select 1;\r\n-- expect: 1\r\nselect 2;\r\n-- expect: 2\r\n', 'no error'),
	(E'select 1;\n-- expect: 2', 'expected 2, got 1'), (E'select 1 where false;\n-- expect: 0', 'expected 0, got no row'), (E'select null;\n-- expect: NULL', 'no error'),
	(E'select x from generate_series(1, 3) x;\n-- expect: 3', 'expected 3, got 1'), (E'select x from (values (3), (3), (4)) v (x);\n-- expect: 3', 'expected 3, got 4'), (E'values (3), (3);\n-- expect: 3', 'no error'),
	(E'select false;\n-- expect: f', 'no error'), (E'select false;\n-- expect: false', 'no error'), (E'select false;\n-- expect: none', 'expected no row, got 1 row'), (E'select true;\n-- expect: f', 'expected f, got true'), (E'select ''  two words '';\n-- expect: two words', 'expected two words, got   two words '),
	(E'select ''two words'';\n-- expect:   two words  ', 'no error'), (E'select 1 where false;\n-- expect: none', 'no error'), (E'select 1;\n-- expect: none', 'expected no row, got 1 row'),
	(E'select x from generate_series(1, 3) x;\n-- expect: none', 'expected no row, got 3 rows'), (E'select ''-- expect: 5'';\n', 'no error'), (E'select 5; /* once\n-- expect: 6\n*/', 'no error'),
	(E'-- expect: 6\nselect 5;', 'no error'), (E'select 1 -- expect: 9\n; select 2; -- expect: 2', 'expected 9, got 1'), (E'select array[1, 2];\n-- expect: {1,2}', 'no error');
SELECT is(coalesce(substring(said FROM E'(expected [^\n]*)\\.\nHINT'), said), verdict, 'verify: ' || quote_literal(query))
	FROM (SELECT *, t.applying('c' || row_number() OVER (), 'select 1', NULL, query) AS said FROM cases) c;
SELECT is(split_part(t.applying('p' || row_number, 'select 1', NULL, NULL, NULL, query), ' ', 1), CASE WHEN verdict = 'no error' THEN 'no' ELSE 'MG401' END, 'precondition: ' || quote_literal(query))
	FROM (SELECT *, row_number() OVER () FROM cases) c;

-- A precondition comes first and nothing has run when it fails.
SELECT is(t.applying('pre', 'create table pre_ran (i int)', NULL, 'select true', NULL, E'select true;\n\nselect to_regclass(''pg_class'') is null;\nselect 1/0'),
	E'MG401 precondition of migration "pre" failed\nDETAIL: Line 3: select to_regclass(''pg_class'') is null: expected true in every row, got false.\n'
	'HINT: Nothing of the migration stays: the transaction is rolled back.', 'a precondition that fails says which and why');
SELECT ok(NOT t.there('pre_ran'), 'nothing has run');
SELECT is(t.rows($$SELECT outcome, phase, line, statement, sqlstate, statements, timings FROM mg.runs WHERE migration = 'pre'$$),
	'failed|precondition|3|select to_regclass(''pg_class'') is null|MG401|0|[]', 'the attempt is on record, without a statement');
SELECT is((SELECT count(*) FROM mg.statements WHERE migration = 'pre'), 0::bigint, 'and there is none on record');
SELECT is((SELECT status FROM mg.status WHERE migration = 'pre'), 'failed', 'its status is failed');
SELECT alike(t.applying('pre', 'create table pre_ran (i int)', NULL, NULL, NULL, 'select 1/0'), E'22012 division by zero\nCONTEXT: migration "pre", precondition, line 1: select 1/0', 'one that raises keeps its error');
SELECT is((SELECT status FROM mg_apply('pre', 'create table pre_ran (i int)', NULL, NULL, NULL, 'select to_regclass(''pre_ran'') is null')), 'applied', 'a precondition sees the state before');

-- Verification comes last, sees what up did and undoes it by failing.
SELECT is(t.applying('ver', E'create table ver (i int);\ninsert into ver values (1), (2);', NULL, E'select count(*) from ver;\n-- expect: 2\nselect i < 2 from ver;'),
	E'MG402 verification of migration "ver" failed\nDETAIL: Line 3: select i < 2 from ver: expected true in every row, got false.\nHINT: Nothing of the migration stays: the transaction is rolled back.',
	'a verification that fails says which and why');
SELECT ok(NOT t.there('ver'), 'everything is undone');
SELECT is(t.rows($$SELECT outcome, phase, line, statement, sqlstate, statements, rows FROM mg.runs WHERE migration = 'ver'$$), 'failed|verify|3|select i < 2 from ver|MG402|2|2', 'the attempt is on record');
SELECT is((SELECT jsonb_path_query_array(evidence, '$[*].status') FROM mg.runs WHERE migration = 'ver'), '["passed", "failed", "shown"]', 'with its evidence, and the risk class last');
SELECT is((SELECT count(*) FROM mg.statements WHERE migration = 'ver'), 0::bigint, 'its statements are not, because they are undone');
SELECT alike(t.applying('ver', 'create table ver (i int)', NULL, E'select 1;\nselect * from nowhere'), E'42P01 relation "nowhere" does not exist\nCONTEXT: migration "ver", verify, line 2: select * from nowhere', 'one that raises keeps its error');
SELECT is((SELECT status FROM mg_apply('ver', 'create table ver (i int)', 'drop table ver', E'select to_regclass(''ver'') is not null;\nselect relname, null as none, ''"quoted\\'' as odd from pg_class where relname = ''ver'';')), 'applied', 'the corrected one is applied');
SELECT is((SELECT evidence - -1 FROM mg.runs WHERE migration = 'ver' AND outcome = 'applied'), jsonb_build_array(
	jsonb_build_object('line', 1, 'query', 'select to_regclass(''ver'') is not null', 'status', 'passed', 'actual', 'true in 1 row', 'rows', '[{"?column?": "t"}]'::jsonb),
	jsonb_build_object('line', 2, 'query', 'select relname, null as none, ''"quoted\'' as odd from pg_class where relname = ''ver''', 'status', 'shown', 'actual', '1 row',
		'rows', jsonb_build_array(jsonb_build_object('relname', 'ver', 'none', null, 'odd', '"quoted\')))), 'evidence has the rows');
SELECT is((SELECT jsonb_array_length(evidence->0->'rows') FROM mg.runs WHERE migration = (SELECT migration FROM mg_apply('many', 'select 1', NULL, 'select generate_series(1, 1000)'))), NULL, 'a run is not seen by the statement that makes it');
SELECT is((SELECT jsonb_array_length(evidence->0->'rows') FROM mg.runs WHERE migration = 'many'), 20, 'of many rows the first twenty are kept');

-- Settings of the script hold in its verification, and settings of the verification end with it.
SELECT is((SELECT status FROM mg_apply('path', 'create schema path; set search_path = path; create table inside (i int)', NULL, 'select count(*) from inside; -- expect: 0' || E'\nset work_mem = ''3MB''')), 'applied', 'verification has the search_path of the script');
SELECT isnt(current_setting('work_mem'), '3MB', 'what it sets is put back');

-- mg_verify() runs the queries again, one by one, and leaves nothing.
CREATE TABLE counted (i int);
SELECT is((SELECT status FROM mg_apply('again', 'insert into counted values (1)', NULL, E'select count(*) > 0 from counted;\nselect 1/count(*) from counted;\nselect count(*) from counted;\n-- expect: 1')), 'applied', 'a migration with three queries');
SELECT is(t.rows($$SELECT * FROM mg_verify('again')$$), E'again|query|line 1: select count(*) > 0 from counted|true|true in every row|true in 1 row\n'
	'again|query|line 2: select 1/count(*) from counted|true|at least one row|1 row\nagain|query|line 3: select count(*) from counted|true|1|1', 'a row a check');
DELETE FROM counted;
SELECT is(t.rows($$SELECT ok, expected, actual FROM mg_verify('again')$$), E'false|true in every row|false\nfalse|no error|division by zero\nfalse|1|0', 'one that raises does not keep the others from being told');
SELECT is((SELECT status FROM mg_apply('writes', 'create table written (i int)', NULL, 'insert into written values (1) returning true')), 'applied', 'a verification that writes');
SELECT is((SELECT count(*) FROM written), (SELECT count(*) + 0 * (SELECT count(*) FROM mg_verify('writes')) FROM written), 'mg_verify() takes back what it wrote');
SELECT is((SELECT bool_and(ok) FROM mg_verify() WHERE migration IS NULL), true, 'mg_verify() of everything checks the ledger as well');
SELECT is((SELECT count(DISTINCT migration) FROM mg_verify() WHERE migration IN ('again', 'ver', 'path')), 3::bigint, 'and every migration');
DROP TABLE ver;
SELECT is(t.rows($$SELECT check_name, object, ok, expected, actual FROM mg_verify('ver') WHERE check_name = 'object'$$), 'object|table public.ver|false|exists|missing', 'an object that is gone is missing');
SELECT mg_set_policy('required_tables', 'public.counted, public.nowhere', 'test');
SELECT is(t.rows($$SELECT object, ok FROM mg_verify() WHERE check_name = 'required table'$$), E'public.counted|true\npublic.nowhere|false', 'required tables are looked for');
SELECT is(t.said($$SELECT mg_verify('nowhere')$$), E'MG406 migration "nowhere" is not applied\nHINT: SELECT migration, status FROM mg.status tells what is.', 'what is not applied cannot be verified');

SELECT * FROM finish();
