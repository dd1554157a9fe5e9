-- How scripts are cut, what is refused before anything runs, and what becomes of headers and wrappers.
\ir lib/errors.sql
SELECT no_plan();

-- Cutting: exact text, line and column.
CREATE TEMP TABLE cut AS SELECT * FROM mg_parse(
$s$-- leading comment; with a semicolon
/* block ; /* nested ; */ ; */ create table "тест;1" (i int) ;; ;
	select 'é', 1;  select 2 as "a;b""c" -- behind ; it
	from x;
create function f() returns int language sql begin atomic select 1; select 2; end; select 'after';
create rule r as on insert to a do also (select 1; select 2;); create schema s create table q (i int) create view v as select 1;
select U&'d\0061t;\+000061'; select U&'d!0061;' uescape '!'; select $a$ ; $b$ ; $a$, $$;$$, E'\';', B'01', X'1F', 'it''s;';
do $do$ begin execute $q$ select 1; select ';' $q$; end; $do$ language plpgsql; -- the end ;
select 1 /* ; /* ; */ ; */ + 1;
insert into x values ('two
lines;', E'a\nb');
grant select on all tables in schema s to public;select $1;
values (1);
table x$s$);
SELECT results_eq('SELECT ordinal, line, col, tag, statement FROM cut ORDER BY ordinal', $$VALUES
	(1, 2, 32, 'CREATE TABLE', 'create table "тест;1" (i int)'),
	(2, 3, 2, 'SELECT', 'select ''é'', 1'),
	(3, 3, 18, 'SELECT', E'select 2 as "a;b""c" -- behind ; it\n\tfrom x'),
	(4, 5, 1, 'CREATE FUNCTION', 'create function f() returns int language sql begin atomic select 1; select 2; end'),
	(5, 5, 84, 'SELECT', 'select ''after'''),
	(6, 6, 1, 'CREATE RULE', 'create rule r as on insert to a do also (select 1; select 2;)'),
	(7, 6, 64, 'CREATE SCHEMA', 'create schema s create table q (i int) create view v as select 1'),
	(8, 7, 1, 'SELECT', 'select U&''d\0061t;\+000061'''),
	(9, 7, 30, 'SELECT', 'select U&''d!0061;'' uescape ''!'''),
	(10, 7, 62, 'SELECT', 'select $a$ ; $b$ ; $a$, $' || '$;$' || '$, E''\'';'', B''01'', X''1F'', ''it''''s;'''),
	(11, 8, 1, 'DO', 'do $do$ begin execute $q$ select 1; select '';'' $q$; end; $do$ language plpgsql'),
	(12, 9, 1, 'SELECT', 'select 1 /* ; /* ; */ ; */ + 1'),
	(13, 10, 1, 'INSERT', E'insert into x values (''two\nlines;'', E''a\\nb'')'),
	(14, 12, 1, 'GRANT', 'grant select on all tables in schema s to public'),
	(15, 12, 50, 'SELECT', 'select $1'),
	(16, 13, 1, 'SELECT', 'values (1)'),
	(17, 14, 1, 'SELECT', 'table x')$$, 'every statement has its exact text, line and column');
SELECT results_eq('SELECT ordinal FROM cut WHERE captured ORDER BY 1', 'VALUES (1), (4), (6), (7), (14)', 'what goes on record is known beforehand');
SELECT is((SELECT count(*) FROM cut WHERE refusal IS NOT NULL), 0::bigint, 'none of it is refused');
SELECT results_eq($$SELECT line, col, statement FROM mg_parse(E'select 1;\r\n\r\n  select 2;\r\n')$$,
	$$VALUES (1, 1, 'select 1'), (3, 3, 'select 2')$$, 'CRLF ends one line, not two');
SELECT results_eq($$SELECT line, col, statement FROM mg_parse(E'select 1;\rselect 2')$$,
	$$VALUES (1, 1, 'select 1'), (2, 1, 'select 2')$$, 'CR alone ends a line too');
SELECT results_eq($$SELECT line, col, statement FROM mg_parse(E'\uFEFFselect 1')$$, $$VALUES (1, 1, 'select 1')$$, 'a byte order mark has no column');
SELECT is((SELECT count(*) FROM (VALUES (''), (' '), (';; ;'), ('-- x'), ('/* x */ ; -- y')) v (s), LATERAL mg_parse(s)), 0::bigint,
	'scripts without statements have none');
SELECT results_eq($$SELECT tag, captured FROM mg_parse('create temp table a (i int); create temporary view b as select 1; select 1 into temp c; create temp sequence d;'
	' create table pg_temp.e (i int); create table f as select 1; select 1 into g; create role h; truncate f; alter system reset all; comment on table f is null')$$,
	$$VALUES ('CREATE TABLE', false), ('CREATE VIEW', false), ('SELECT INTO', false), ('CREATE SEQUENCE', false), ('CREATE TABLE', false),
	('CREATE TABLE AS', true), ('SELECT INTO', true), ('CREATE ROLE', true), ('TRUNCATE TABLE', true), ('ALTER SYSTEM', true), ('COMMENT', true)$$,
	'temporary objects are left out of the record');

-- Syntax errors, found before anything runs.
SELECT is(t.applying('e1', E'create table e1 (i int);\ninsert into e1 values (1);\n\n  selct 2;\n'),
	E'42601 syntax error at or near "selct"\nDETAIL: It is in the up script, line 4, column 3: selct 2;\n'
	'HINT: Nothing has run: the whole script is checked first.', 'a syntax error in the last statement names its place');
SELECT ok(NOT t.there('e1'), 'and nothing has run');
SELECT is(t.rows($$SELECT outcome, phase, statements, sqlstate, size_before FROM mg.runs WHERE migration = 'e1'$$), 'refused|script|0|42601|-',
	'the refusal is on record');
SELECT alike(t.applying('e1', E'select ''é'', ''é'', from;'), '42601%line 1, column 18: %', 'columns count characters, not bytes');
SELECT alike(t.applying('e1', E'select 1;\r\nselect ''unfinished;\r\nselect 2;'), '42601 unterminated quoted string%line 2, column 8:%', 'an unfinished string is found where it begins');
SELECT alike(t.applying('e1', E'select 1;\n/* unfinished'), '42601 unterminated /* comment%line 2, column 1:%', 'an unfinished comment too');
SELECT alike(t.applying('e1', E'select 1;\nselect $a$ unfinished $b$'), '42601 unterminated dollar-quoted string%line 2, column 8:%', 'an unfinished dollar quote too');
SELECT alike(t.applying('e1', E'select (1;'), '42601 syntax error at or near ";"%line 1, column 10:%', 'an open parenthesis');
SELECT alike(t.applying('e1', E'create table x (i int'), '42601 syntax error at end of input%line 1, column 22:%', 'the end of the text');
SELECT alike(t.applying('e1', E'select U&''\\00'''), '4260_ %line 1, column%', 'a bad escape');
SELECT alike(t.said($$SELECT mg_register('e1', 'select 1', 'selct 2')$$), '42601%It is in the down script, line 1, column 1:%', 'the down script is checked too');
SELECT alike(t.said($$SELECT mg_register('e1', 'select 1', NULL, 'selct 2')$$), '42601%It is in the verify script, line 1, column 1:%', 'and the verify script');
SELECT alike(t.said($$SELECT mg_register('e1', 'select 1', precondition => 'selct 2')$$), '42601%It is in the precondition script, line 1, column 1:%', 'and the precondition');
DO $$ BEGIN PERFORM mg_apply('e1', E'select 1;\nselct 2;\nselect 3;'); EXCEPTION WHEN syntax_error THEN NULL; END $$;
SELECT is((SELECT detail FROM mg.runs WHERE migration = 'e1' ORDER BY id DESC LIMIT 1), 'It is in the up script, line 2, column 1: selct 2;',
	'the place is the same when a function called mg_apply');

-- What psql understands and the server does not.
SELECT is(t.applying('e2', E'create table e2 (i int);\n  \\d e2\n'),
	E'42601 psql meta-command in a migration: \\d e2\nDETAIL: It is in the up script, line 2.\n'
	'HINT: The server runs SQL only: what psql understands by itself has to be left out, or done by psql.', 'a psql meta-command is called by its name');
SELECT alike(t.applying('e2', E'select 1;\n' || command || E'\nselect 2;'), '42601 psql meta-command in a migration: ' || replace(command, '\', '\\') || '%line 2.%', command || ' is a meta-command')
FROM unnest(ARRAY['\i other.sql', '\connect postgres', '\set x 1', '\echo it''s "odd"', '\if true', '\!', '\restrict abc', '\.']) command;
SELECT alike(t.applying('e2', 'select 1 as a ' || command), '42601 psql meta-command%line 1%', command || ' behind a query is one as well')
FROM unnest(ARRAY['\gexec', '\gset', '\watch 1', '\g']) command;
SELECT is(t.applying('e2', E'create table e2 (i int, t text);\nCOPY e2 (i, t) FROM stdin;\n1\tone\n2\tit''s; "two"\n\\.\n\nselect 1;\n'),
	E'0A000 COPY ... FROM STDIN in a migration\nDETAIL: The up script, line 3, is data for it.\nHINT: Use INSERT ... VALUES, or load the data outside the migration.',
	'COPY FROM STDIN with its data is called by its name');
SELECT alike(t.applying('e2', script), '0A000 COPY ... FROM STDIN in a migration%', 'COPY FROM STDIN: ' || name) FROM (VALUES
	('no rows', E'copy e2 from stdin;\n\\.\n'), ('no data', E'select 1;\ncopy e2 from stdin;'), ('NULL first', E'copy e2 from stdin;\n\\N\t1\n\\.\n'),
	('a semicolon in the data', E'copy e2 from stdin;\na; b\n\\.\n'), ('CSV', E'copy e2 from stdin (format csv);\n1,"x"\n\\.\n'),
	('a comment behind', E'copy e2 from stdin; -- the rows; all of them\n1\n\\.\n'), ('CRLF', E'select 1;\r\ncopy e2 from stdin;\r\n1\r\n\\.\r\n')) v (name, script);
SELECT alike(t.applying('e2', 'copy (select 1) to stdout'), '0A000 COPY ... TO STDOUT in a migration%It is in the up script, line 1:%HINT: Run it outside the migration.%', 'COPY TO STDOUT');
SELECT ok(NOT t.there('e2'), 'none of these ran');

-- What cannot run in a transaction, with the line, the reason and the way out.
CREATE TEMP TABLE outside (sql text);
INSERT INTO outside VALUES ('VACUUM'), ('VACUUM FULL e3'), ('VACUUM (ANALYZE) e3'), ('CLUSTER'), ('REINDEX DATABASE postgres'), ('REINDEX SCHEMA public'),
	('REINDEX SYSTEM postgres'), ('REINDEX TABLE CONCURRENTLY e3'), ('REINDEX (CONCURRENTLY) INDEX e3'), ('CREATE INDEX CONCURRENTLY ON e3 (i)'),
	('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS e3_i ON e3 (i)'), ('DROP INDEX CONCURRENTLY e3_i'), ('ALTER TABLE e3 DETACH PARTITION e3p CONCURRENTLY'),
	('CREATE DATABASE e3'), ('DROP DATABASE e3'), ('DROP DATABASE IF EXISTS e3 WITH (FORCE)'), ('ALTER DATABASE e3 SET TABLESPACE pg_default'),
	('CREATE TABLESPACE e3 LOCATION ''/e3'''), ('DROP TABLESPACE e3'), ('ALTER SYSTEM SET work_mem = 1000'), ('ALTER SYSTEM RESET ALL'),
	('CREATE SUBSCRIPTION e3 CONNECTION ''dbname=e3'' PUBLICATION p'), ('DISCARD ALL');
SELECT alike(t.applying('e3', E'create table e3 (i int);\n\n' || sql || E';\nselect 1;'),
	'0A000 % cannot run inside a transaction' || E'\n' || 'DETAIL: It is in the up script, line 3: ' || sql || E'\nHINT: %', 'refused: ' || sql) FROM outside;
SELECT ok(NOT t.there('e3'), 'nothing ran before any of them was refused');
SELECT is((SELECT count(*) FROM outside, LATERAL mg_parse(sql) p WHERE p.refusal IS NULL), 0::bigint, 'mg_parse() tells all of them');
SELECT is(t.rows($$SELECT outcome, sqlstate, statements, count(*) FROM mg.runs WHERE migration = 'e3' GROUP BY 1, 2, 3$$), 'refused|0A000|0|' || (SELECT count(*) FROM outside),
	'and each is on record');
SELECT alike(t.applying('e3', 'select 1', down, verify, NULL, precondition), '0A000 VACUUM%It is in the ' || what || ' script, line 1: vacuum%', 'the ' || what || ' script is refused too') FROM (VALUES ('down', 'vacuum', NULL, NULL), ('verify', NULL, 'vacuum', NULL), ('precondition', NULL, NULL, 'vacuum')) v (what, down, verify, precondition);
SELECT is(t.said($$SELECT mg_apply('e3ok', 'create table e3ok (i int primary key); reindex table e3ok; reindex index e3ok_pkey; reindex (concurrently off) table e3ok;'
	' cluster e3ok using e3ok_pkey; analyze; checkpoint; discard temp; lock table e3ok; listen e3; notify e3; unlisten e3; prepare e3 as select 1; execute e3; deallocate e3;'
	' declare c cursor for select 1; fetch 1 from c; close c; explain select 1; set constraints all deferred; load ''plpgsql''; security label on table e3ok is null')$$),
	E'22023 no security label providers have been loaded\nCONTEXT: migration "e3ok", up, line 1: security label on table e3ok is null', 'all else runs');

-- Transaction control.
SELECT alike(t.applying('e4', script), '0A000 ' || reason || '%line ' || line || ': %HINT: ' || hint || '%', 'refused: ' || script) FROM (VALUES
	('BEGIN without COMMIT in a migration', 2, 'End the transaction with COMMIT', E'create table e4 (i int);\nbegin;\nselect 1;'),
	('COMMIT without BEGIN in a migration', 2, 'CALL mg_deploy() commits there; else put BEGIN where', E'create table e4 (i int);\ncommit;\nselect 1;'),
	('BEGIN within a transaction in a migration', 2, 'COMMIT the transaction that began in line 1', E'begin;\nbegin; commit; commit;'),
	('BEGIN without COMMIT in a migration', 1, '', E'begin; create table e4 (i int); rollback;'),
	('transaction control in the middle of a migration', 1, 'CALL mg_deploy() runs it: each BEGIN ... COMMIT as a transaction of its own.', E'begin; create table e4 (i int);\ncommit; begin; select 1; commit;'),
	('transaction control in the middle of a migration', 1, 'CALL mg_deploy() runs it', E'begin;\nselect 1; commit;\nselect 2;')) v (reason, line, hint, script);
SELECT alike(t.applying('e4', script), '0A000 transaction control in the middle of a migration%line ' || line || ': %HINT: Leave ROLLBACK, SAVEPOINT and the like out%', 'refused: ' || script) FROM (VALUES
	(2, E'begin; create table e4 (i int);\nsavepoint a; commit;'),
	(2, E'begin; create table e4 (i int);\nrelease a; commit;'), (2, E'begin; create table e4 (i int);\nrollback to a; commit;'),
	(1, 'abort'), (1, 'commit and chain'), (1, 'prepare transaction ''x'''),
	(1, 'commit prepared ''x'''), (1, 'rollback prepared ''x'''), (1, 'begin isolation level serializable; select 1')) v (line, script);
SELECT alike(t.applying('e4', 'set transaction isolation level serializable'), '0A000 SET TRANSACTION in a migration%', 'refused: SET TRANSACTION');
SELECT alike(t.applying('e4', 'set transaction snapshot ''x'''), '0A000 SET TRANSACTION in a migration%', 'refused: SET TRANSACTION SNAPSHOT');
SELECT alike(t.applying('e4', E'select 1;\ndo $$ begin commit; end $$'), '2D000 invalid transaction termination%migration "e4", up, line 2: do%', 'COMMIT in a DO block fails as it does in a transaction');
SELECT is((SELECT count(*) FROM pg_class WHERE relname = 'e4'), 0::bigint, 'none of these left anything');

-- The wrapper.
SELECT is((SELECT statements FROM mg_apply(name, script)), statements, 'a wrapper is left out: ' || name) FROM (VALUES
	(1, 'w begin', 'begin; create table w1 (i int); commit;'), (1, 'w start', 'start transaction; create table w2 (i int); end'),
	(1, 'w work', E'BEGIN WORK;\r\ncreate table w3 (i int);\r\nCOMMIT WORK;\r\n'), (2, 'w do first', E'-- Author: me\ndo $$ begin perform 1; end $$;\n\nbegin;\ncreate table w4 (i int);\ncommit;\n-- done'),
	(1, 'w no chain', 'begin transaction; create table w5 (i int); commit and no chain'), (0, 'w nothing', E'begin;\n-- nothing yet\ncommit;')) v (statements, name, script);
SELECT is((SELECT count(*) FROM generate_series(1, 5) g WHERE t.there('w' || g)), 5::bigint, 'what was wrapped has run');
SELECT is(t.rows($$SELECT timings->0->0, timings->1->0 FROM mg.runs WHERE migration = 'w do first'$$), '2|5', 'lines are those of the script as it is');
SELECT is((SELECT status FROM mg_apply('w verify', 'select 1', 'begin; select 2; commit', 'begin; select true; commit', NULL, 'begin; select true; commit')), 'applied', 'the other scripts may be wrapped too');
SELECT is((SELECT status FROM mg_rollback('w verify')), 'rolled back', 'and are run');

-- Empty, comments only, line ends, byte order mark.
SELECT alike(t.applying('n1', body), '22023 up script is empty%HINT: Hand in the text%', 'an empty script: ' || quote_literal(body)) FROM unnest(ARRAY['', ' ', E'\n\t\r\n', E'\uFEFF']) body;
SELECT is((SELECT status || statements || objects FROM mg_apply('n2', '-- nothing to do')), 'applied00', 'a script with only comments is applied');
SELECT is((SELECT checksum FROM mg_apply('n3', E'create table n3 (t text default ''a\r\nb'');\r\n')), t.sha(E'create table n3 (t text default ''a\nb'');\n'), 'the checksum is that of the text with LF');
SELECT is((SELECT status FROM mg_apply('n3', E'create table n3 (t text default ''a\nb'');\n')), 'skipped', 'so that CRLF and LF are the same migration');
INSERT INTO n3 DEFAULT VALUES;
SELECT is((SELECT t FROM n3), E'a\r\nb', 'what runs is the text as it was handed in');
SELECT is((SELECT status FROM mg_apply('n4', E'\uFEFF-- Author: Bom\r\ncreate table n4 (i int);\r\n')), 'applied', 'a byte order mark does no harm');
SELECT is((SELECT metadata->'headers'->>'author' FROM mg.history WHERE migration_name = 'n4'), 'Bom', 'nor to the first header');
SELECT is((SELECT statement FROM mg.statements WHERE migration = 'n4'), 'create table n4 (i int)', 'nor to the record');
SELECT is((SELECT body FROM mg.script WHERE checksum = (SELECT checksum FROM mg.history WHERE migration_name = 'n4')), E'\uFEFF-- Author: Bom\r\ncreate table n4 (i int);\r\n', 'the text is kept byte for byte');
SELECT is((SELECT status FROM mg_apply('n5', E'select 1\n;\n\n;;\n')), 'applied', 'empty statements count nothing');
SELECT is((SELECT statements FROM mg.runs WHERE migration = 'n5'), 1, 'not even in the number');

-- Headers.
SELECT lives_ok($apply$SELECT mg_apply('h1', '-- Migration: h1.sql
-- Author: A. B. <a@b.example>
-- Ticket: ABC-12: second colon
-- Description: first line
--   and the second
-- Date: 2025-01-31
-- Risk Level: low
-- Custom-Key: 1
-- CUSTOM-KEY: 2
-- no header at all
-- url: https://example.org/x
--
/* Block: yes
 * Star: two
 */

--Tight:no
-- After: blank line
select 1; -- Behind: no
-- Later: no
')$apply$, 'a script with headers is applied');
SELECT is((SELECT metadata->'headers' FROM mg.history WHERE migration_name = 'h1'),
	jsonb_build_object('migration', 'h1.sql', 'author', 'A. B. <a@b.example>', 'ticket', 'ABC-12: second colon', 'description', 'first line and the second',
		'date', '2025-01-31', 'risk_level', 'low', 'custom_key', E'1\n2', 'url', 'https://example.org/x', 'block', 'yes', 'star', 'two', 'after', 'blank line'),
	'headers become fields, free keys too');
SELECT is((SELECT description FROM mg.history WHERE migration_name = 'h1'), 'first line and the second', 'the description has a column');

-- Literal secrets.
SELECT alike(t.applying('s1', E'select 1;\n' || sql), 'MG007 literal secret in a migration%line 2: %HINT: %', 'refused: ' || sql) FROM unnest(ARRAY[
	'create role s1 password ''hunter2''', 'alter role postgres encrypted password ''hunter2''', 'create user s1 with login password ''hunter2''',
	'create user mapping for public server s options (password ''hunter2'')', 'alter user mapping for public server s options (set password ''hunter2'')',
	'create server s foreign data wrapper w options (host ''x'', api_key ''hunter2'')',
	'create subscription s connection ''host=x password=hunter2'' publication p with (connect = false)',
	'create subscription s connection ''postgresql://u:hunter2@x/d'' publication p with (connect = false)', 'alter subscription s connection ''password=hunter2''']) sql;
SELECT is((SELECT count(*) FROM mg.runs r WHERE r::text LIKE '%hunter2%'), 0::bigint, 'the secret is in no record of a run');
SELECT is((SELECT count(*) FROM mg.script s WHERE body LIKE '%hunter2%'), 0::bigint, 'and in no script');
SELECT alike((SELECT refusal FROM mg_parse('create role s1 password ''x''')), '%secret%', 'mg_parse() tells it');
SELECT is(t.applying('s2', 'create role s2_role password null; drop role s2_role'), 'no error', 'a password of NULL is none');

SELECT * FROM finish();
