-- mg_register and mg_apply: arguments, names, what a run leaves on record, its errors, what it puts back.
\ir lib/errors.sql
SELECT no_plan();

-- NULL and empty arguments.
SELECT is(t.said(call), wanted, call) FROM (VALUES
	('SELECT mg_apply(NULL)', '22004 name of the migration must not be NULL'), ('SELECT mg_apply(NULL, ''select 1'')', '22004 name of the migration must not be NULL'),
	('SELECT mg_register(NULL, ''select 1'')', '22004 name of the migration must not be NULL'), ('SELECT mg_register(''a'', NULL)', '22004 the up script must not be NULL'),
	('SELECT mg_apply(''nowhere'')', E'MG004 migration "nowhere" is not registered\nHINT: Hand in its up script, or register it with mg_register().'),
	('SELECT mg_apply(''a'', NULL, ''select 1'')', E'22023 the up script is missing\nHINT: Hand in all scripts of the migration, or its name only when it is registered.'),
	('SELECT mg_apply(''a'', ''select 1'', '''')', E'22023 down script is empty\nHINT: Leave the argument out, or NULL, when there is none.'),
	('SELECT mg_apply(''a'', ''select 1'', NULL, '' '')', E'22023 verify script is empty\nHINT: Leave the argument out, or NULL, when there is none.'),
	('SELECT mg_apply(''a'', ''select 1'', precondition => '''')', E'22023 precondition script is empty\nHINT: Leave the argument out, or NULL, when there is none.'),
	('SELECT mg_apply(''a'', ''select 1'', requires => ARRAY[NULL]::text[])', '22004 an array of migration names must not contain NULL'),
	('SELECT mg_verify('''')', E'MG406 migration "" is not applied\nHINT: SELECT migration, status FROM mg.status tells what is.'),
	('SELECT mg_template(NULL, ''x'')', '22004 kind must not be NULL'), ('SELECT mg_template(''create'', NULL)', '22004 description must not be NULL'),
	('SELECT mg_set_policy(''naming'', ''free'', '' '')', '22023 a policy change needs a reason'), ('SELECT mg_set_policy(NULL, ''free'', ''x'')', '22004 setting must not be NULL'),
	('SELECT mg_allow_removal('''')', '22023 a removal needs a reason'), ('SELECT mg_import(NULL)', '22004 dump must not be NULL')) v (call, wanted);
SELECT is((SELECT count(*) FROM mg_parse(NULL)), 0::bigint, 'mg_parse(NULL) gives nothing');
SELECT is((SELECT status FROM mg_apply('no requirements', 'select 1', requires => '{}')), 'applied', 'an empty array requires nothing');

-- Names.
SELECT alike(t.applying(name, 'select 1'), 'MG001 the name of migration "%DETAIL: ' || reason || '%HINT: The pattern is any name, for example %', 'refused: ' || quote_literal(left(name, 20))) FROM (VALUES
	('', 'The name is empty.'), (repeat('x', 201), 'The name has 201 bytes, more than 200.'), (repeat('é', 101), 'The name has 202 bytes, more than 200.'), (E'a\nb', 'The name contains a control character.'),
	(E'a\tb', 'The name contains a control character.'), (E'a\u007f', 'The name contains a control character.'), (' a', 'The name begins or ends with a blank.'), ('a ', 'The name begins or ends with a blank.'), ('a.sql', 'The name ends in ".sql"%')) v (name, reason);
SELECT is((SELECT migration || status FROM mg_apply(name, format('create table %I (i int)', 'named ' || row_number), format('drop table %I', 'named ' || row_number))), name || 'applied', 'taken: ' || name)
	FROM (SELECT name, row_number() OVER () FROM unnest(ARRAY[$n$it's "quoted" \ % {a,b} ; -- $1 /* */$n$, 'Ünïcödé 💥 名前', repeat('x', 200), repeat('é', 100), 'null', '{}', '$$', '%s %I %n', '../../etc/passwd', 'a b']) name) n;
SELECT is((SELECT count(*) FROM mg.history WHERE migration_name = $n$it's "quoted" \ % {a,b} ; -- $1 /* */$n$), 1::bigint, 'an odd name is found');
SELECT is((SELECT count(*) FROM mg_verify($n$it's "quoted" \ % {a,b} ; -- $1 /* */$n$) WHERE ok), 1::bigint, 'and verified');
SELECT is((SELECT status FROM mg_apply('odd required', 'select 1', requires => ARRAY[$n$it's "quoted" \ % {a,b} ; -- $1 /* */$n$, 'null', '{}', 'a b'])), 'applied', 'and required');
SELECT is((SELECT requires FROM mg.status WHERE migration = 'odd required'), ARRAY[$n$it's "quoted" \ % {a,b} ; -- $1 /* */$n$, 'null', '{}', 'a b'], 'with the names as they are');
SELECT alike(t.said($$SELECT mg_rollback('null')$$), 'MG405%"odd required" requires it%', 'a migration called null is one');
SELECT alike(t.applying(repeat('é', 100), 'select 1/0; select 2'), 'MG003 migration "' || repeat('é', 100) || '" is applied with another text%', 'a long name is told whole');

-- The same text, another text.
SELECT is((SELECT checksum FROM mg_apply('same', E'create table same (\n  i int, -- note\n  t text\n);\n')), t.sha(E'create table same (\n  i int, -- note\n  t text\n);\n'), 'the checksum is SHA-256 over the text');
SELECT is(t.rows($$SELECT migration, status, execution_time, statements, objects, risk, checksum, run_id FROM mg_apply('same', E'create table same (\n  i int, -- note\n  t text\n);\n')$$),
	'same|skipped|00:00:00|0|0|-|' || t.sha(E'create table same (\n  i int, -- note\n  t text\n);\n') || '|-', 'the same text is skipped');
SELECT is((SELECT status FROM mg_apply('same')), 'skipped', 'by its name alone too');
SELECT is((SELECT status FROM mg_apply('same', E'create table same (\r\n  i int, -- note\r\n  t text\r\n);\r\n')), 'skipped', 'with other line ends too');
SELECT is(t.applying('same', E'create table same (\n  i int, -- note\n  t varchar\n);\n'), E'MG003 migration "same" is applied with another text\nDETAIL: Line 3 was: t text\nand is now: t varchar\nApplied with checksum '
	|| t.sha(E'create table same (\n  i int, -- note\n  t text\n);\n') || E',\nhanded in with checksum ' || t.sha(E'create table same (\n  i int, -- note\n  t varchar\n);\n') || E'.\nHINT: A migration that is applied does not change: put the change into a new one, or roll this one back first.', 'another text is refused');
SELECT alike(t.applying('same', body), 'MG003%' || said || '%', 'what is said of ' || what) FROM (VALUES
	('another comment', E'create table same (\n  i int, -- other\n  t text\n);\n', 'Only comments or spacing differ, first in line 2.'),
	('other spacing and case', E'CREATE   TABLE Same (i INT, T text);', 'Only comments or spacing differ, first in line 1.'), ('a comment more', E'create table same (\n  i int, -- note\n  t text\n);\n-- more\n', 'Only comments or spacing differ, first in line 5.'),
	('a header more', E'-- Author: me\ncreate table same (\n  i int, -- note\n  t text\n);\n', 'Only comments or spacing differ, first in line 1.')) v (what, body, said);
SELECT unalike(t.applying('same', E'create table same (\n  i int, -- note\n  t text\n);\nselect 1;\n'), '%Only comments%', 'a statement more is more than comments');
SELECT alike(t.applying('same', E'create table same (\n  i int, -- note\n  t text\n);'), 'MG003%Only comments or spacing differ, first in line 5.%', 'a line end less');
SELECT alike(t.applying('same', E'create table same (\n  i  int, -- note\n  t text\n);\n'), 'MG003%Only comments or spacing differ, first in line 2.%', 'a blank more');
SELECT alike(t.said($$SELECT mg_register('same', 'select 1')$$), 'MG003%', 'mg_register() refuses it as well');
SELECT is(t.rows($$SELECT outcome, count(*) FROM mg.runs WHERE migration = 'same' GROUP BY 1 ORDER BY 1$$), E'applied|1\nrefused|8', 'skipped is no attempt, refused is one');
SELECT is((SELECT status FROM mg_apply('quoted', 'select ''A'', "x" from (values (1)) v (x)')), 'applied', 'a text with a string and a quoted name');
SELECT unalike(t.applying('quoted', 'select ''a'', "x" from (values (1)) v (x)'), '%Only comments%', 'another string is more than spacing');

-- Registering.
SELECT is(t.rows($$SELECT * FROM mg_register('reg', 'create table reg (i int)', 'drop table reg', 'select true', '{same}', 'select true')$$), 'reg|pending|safe|' || t.sha('create table reg (i int)') || '|0|0', 'a migration is registered');
SELECT ok(NOT t.there('reg'), 'and not run');
SELECT is(t.rows($$SELECT status, applied_at, has_down, requires FROM mg.status WHERE migration = 'reg'$$), 'pending|-|true|["same"]', 'it is pending');
SELECT is((SELECT count(*) FROM mg.runs WHERE migration = 'reg'), 0::bigint, 'registering is no attempt');
SELECT is((SELECT status FROM mg_register('reg', 'create table reg (i bigint)')), 'pending', 'another text replaces it while it is pending');
SELECT is(t.rows($$SELECT has_down, requires FROM mg.status WHERE migration = 'reg'$$), 'false|[]', 'all of it');
SELECT is((SELECT status FROM mg_apply('reg')), 'applied', 'its name is enough to apply it');
SELECT is((SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'reg'::regclass AND attname = 'i'), 'bigint', 'the newest text has run');
SELECT is((SELECT status FROM mg_register('reg', 'create table reg (i bigint)', 'drop table reg')), 'applied', 'the down script of an applied one may come later');
SELECT is((SELECT has_down FROM mg.status WHERE migration = 'reg'), true, 'and is kept');
SELECT is((SELECT status FROM mg_register('later', 'select 1/0')), 'pending', 'a text that will fail is registered');
SELECT alike(t.said($$SELECT mg_apply('later')$$), '22012 division by zero%', 'and fails');
SELECT is((SELECT status FROM mg.status WHERE migration = 'later'), 'failed', 'it has failed');
SELECT is((SELECT status FROM mg_register('later', 'select 1')), 'pending', 'corrected it is pending');
SELECT is((SELECT status FROM mg.status WHERE migration = 'later'), 'pending', 'in mg.status too');
SELECT is((SELECT status FROM mg_apply('later')), 'applied', 'and applied');

-- What a run costs.
CREATE TABLE touched (i int); INSERT INTO touched SELECT generate_series(1, 5);
CREATE TABLE read (i int);
SELECT is(t.rows($$SELECT migration, status, execution_time > '0', execution_time < '1 minute', statements, objects, risk, run_id > 0 FROM mg_apply('cost', E'create table cost (id int primary key, t text);\nalter table touched add column z int not null default (random() * 10)::int;\n'
	'insert into cost select g, ''x'' from generate_series(1, 5) g;\nupdate cost set t = ''y'' where id > 3;\n\nselect * from read;\ndelete from cost where id = 1 returning id;\nlock table read in share mode;\ncreate view over as select * from touched')$$),
	'cost|applied|true|true|8|4|controlled|true', 'what mg_apply() answers');
SELECT is((SELECT jsonb_path_query_array(timings, '$[*][0]') FROM mg.runs WHERE migration = 'cost'), '[1, 2, 3, 4, 6, 7, 8, 9]', 'the lines of its statements');
SELECT is((SELECT jsonb_path_query_array(timings, '$[*][2]') FROM mg.runs WHERE migration = 'cost'), '[0, 0, 5, 2, 0, 1, 0, 0]', 'the rows of each');
SELECT is((SELECT count(*) FROM mg.runs, jsonb_array_elements(timings) e WHERE migration = 'cost' AND (e->>1)::bigint >= 0), 8::bigint, 'the time of each, in microseconds');
SELECT ok((SELECT sum((e->>1)::bigint) <= extract(epoch FROM min(execution_time)) * 1000000 FROM mg.runs, jsonb_array_elements(timings) e WHERE migration = 'cost'), 'which is no more than that of the run');
SELECT is((SELECT rows FROM mg.runs WHERE migration = 'cost'), 8::bigint, 'the rows of all');
SELECT is((SELECT jsonb_agg(l ORDER BY l->>'relation') FROM mg.runs, jsonb_array_elements(locks) l WHERE migration = 'cost'),
	'[{"mode": "ShareLock", "relation": "public.read"}, {"mode": "AccessExclusiveLock", "relation": "public.touched"}]', 'its locks by table, the strongest of each, without its own table');
SELECT is((SELECT rewrites FROM mg.runs WHERE migration = 'cost'), '[{"reason": "default", "relation": "public.touched"}]', 'what it rewrote');
BEGIN;
SELECT format('create table wide_%s (i int)', g) FROM generate_series(1, 60) g \gexec
COMMIT;
SELECT is((SELECT status FROM mg_apply('wide', (SELECT string_agg(format('lock table wide_%s in %s mode', g, CASE g % 4 WHEN 0 THEN 'access share' WHEN 1 THEN 'row share' WHEN 2 THEN 'row exclusive' ELSE 'share' END), ';') FROM generate_series(1, 60) g))), 'applied', 'a migration that locks more tables than a session has fast slots for');
SELECT is((SELECT string_agg(format('%s %s', mode, n), ', ' ORDER BY mode) FROM (SELECT l->>'mode' AS mode, count(DISTINCT l->>'relation') AS n FROM mg.runs, jsonb_array_elements(locks) l WHERE migration = 'wide' GROUP BY 1) m),
	'AccessShareLock 15, RowExclusiveLock 15, RowShareLock 15, ShareLock 15', 'has all of them on record');
SELECT is((SELECT status FROM mg_apply('slow', 'create table slow as select g, repeat(''x'', 1000) as t from generate_series(1, 1000) g; select pg_sleep(0.5)')), 'applied', 'a run that takes long enough to be measured');
SELECT ok((SELECT size_before > 0 AND size_after >= size_before + 1000000 FROM mg.runs WHERE migration = 'slow'), 'the size of the database before and after');
SELECT is((SELECT string_agg(o->>'change' || ' ' || (o->>'type') || ' ' || (o->>'identity'), ', ' ORDER BY o->>'identity') FROM mg.runs, jsonb_array_elements(objects) o WHERE migration = 'cost'),
	'created table public.cost, created index public.cost_pkey, created view public.over, changed table public.touched', 'its objects');
SELECT is(t.rows($$SELECT tag, statement FROM mg.statements WHERE migration = 'cost'$$), E'CREATE TABLE|create table cost (id int primary key, t text)\nALTER TABLE|alter table touched add column z int not null default (random() * 10)::int\nCREATE VIEW|create view over as select * from touched', 'its statements, once each');
SELECT is(t.rows($$SELECT action, outcome, login_role = session_user, acting_role = current_user, error, sqlstate, line, statement, reason FROM mg.runs WHERE migration = 'cost'$$), 'apply|applied|true|true|-|-|-|-|-', 'who, and no error');
SELECT ok((SELECT started_at BETWEEN now() - interval '1 minute' AND clock_timestamp() FROM mg.runs WHERE migration = 'cost'), 'when');
BEGIN;
SELECT count(*) FROM touched;
SELECT is((SELECT status FROM mg_apply('locked', 'alter table touched add column y int')), 'applied', 'a table that the transaction has read before');
SELECT is((SELECT locks FROM mg.runs WHERE migration = 'locked'), '[{"mode": "AccessExclusiveLock", "relation": "public.touched"}]', 'is told with the stronger lock of the run');
SELECT is((SELECT status FROM mg_apply('locked again', 'select * from touched')), 'applied', 'a second migration in the transaction');
SELECT is((SELECT locks FROM mg.runs WHERE migration = 'locked again'), '[]', 'is not told what the first one locked');
COMMIT;
SELECT is((SELECT objects FROM mg_apply('temporary', 'create temp table scratch (i int) on commit drop; insert into scratch values (1); create table gone (i int); drop table gone')), 0, 'what is temporary or came and went is no object');

-- Errors keep what they have and gain their place.
SELECT is(t.applying('err', E'create table err (i int);\n\n  insert into err\n    select 1 / 0;\nselect 1;'), E'22012 division by zero\nCONTEXT: migration "err", up, line 3: insert into err select 1 / 0', 'an error keeps its SQLSTATE and gains its line');
SELECT is(t.applying('err', E'select 1;\ndo $$ begin raise exception ''boo'' using errcode = ''ZZ123'', detail = ''why'', hint = ''how''; end $$'),
	E'ZZ123 boo\nDETAIL: why\nHINT: how\nCONTEXT: migration "err", up, line 2: do $$ begin raise exception ''boo'' using errcode = ''ZZ123'', detail = ''why'', hint = ''how''; end $$', 'detail and hint too');
SELECT is(t.rows($$SELECT outcome, phase, line, statement, sqlstate, error, detail, hint, statements FROM mg.runs WHERE migration = 'err' ORDER BY started_at LIMIT 1$$), 'failed|up|3|insert into err select 1 / 0|22012|division by zero|-|-|1', 'the attempt is on record');
SELECT is(t.rows($$SELECT sqlstate, detail, hint, login_role = session_user, checksum IS NOT NULL FROM mg.runs WHERE migration = 'err' ORDER BY started_at DESC LIMIT 1$$), 'ZZ123|why|how|true|true', 'with what the error said');
SELECT is((SELECT count(*) FROM mg.script WHERE checksum IN (SELECT checksum FROM mg.runs WHERE migration = 'err')), 2::bigint, 'and the texts that failed');
SELECT is((SELECT status FROM mg.status WHERE migration = 'err'), 'failed', 'its status is failed');
SELECT ok(NOT t.there('err'), 'nothing of it stays');
SELECT is((SELECT status FROM mg_apply('err', 'create table err (i int)')), 'applied', 'the corrected text is applied under the same name');
SELECT is((SELECT status FROM mg.status WHERE migration = 'err'), 'applied', 'and its status is applied');
SELECT alike(t.applying('long', 'select 1/0 -- ' || repeat('é', 1000)), '22012%migration "long", up, line 1: select 1/0 -- éé%...', 'a long statement is shortened');
SELECT is(t.applying('cursor', E'select 1;\nselect nocolumn from pg_class'), E'42703 column "nocolumn" does not exist\nCONTEXT: migration "cursor", up, line 2: select nocolumn from pg_class', 'an error of the analyzer');

-- What a script sets is put back.
CREATE ROLE apply_other; GRANT CREATE ON SCHEMA public TO apply_other;
SET search_path = public; SET work_mem = '5MB'; SET my.own = 'before';
SELECT is((SELECT status FROM mg_apply('sets', $$create schema elsewhere; set search_path = elsewhere; create table here (i int);
set local work_mem = '7MB'; set timezone = 'Asia/Tokyo'; select set_config('application_name', 'evil', false); set my.own = 'after'; set session_replication_role = replica;
set client_min_messages = error; set standard_conforming_strings = off; set default_transaction_read_only = on; set statement_timeout = '1h'; set lock_timeout = '1h'; set check_function_bodies = off;
create temp table seen as select current_setting('work_mem') as work_mem, current_setting('my.own') as own; set session authorization apply_other; set role none;$$)), 'applied', 'a script that sets a lot');
SELECT is(t.rows('SELECT * FROM seen'), '7MB|after', 'its settings hold in it');
SELECT ok(t.there('elsewhere.here'), 'search_path too');
SELECT is(t.rows($$SELECT current_user = session_user, current_setting('role'), current_setting('search_path'), current_setting('work_mem'), current_setting('my.own'), current_setting('session_replication_role'), current_setting('standard_conforming_strings'),
	current_setting('default_transaction_read_only'), current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('check_function_bodies'), current_setting('application_name') <> 'evil', current_setting('timezone') <> 'Asia/Tokyo'$$),
	'true|none|public|5MB|before|origin|on|off|0|0|on|true|true', 'and all of them are put back');
SELECT is((SELECT status FROM mg_apply('reset', 'reset all; set role apply_other; create table owned (i int); reset role; create table owned_too (i int); set role apply_other')), 'applied', 'SET ROLE and RESET ALL');
SELECT is(t.rows($$SELECT tableowner = 'apply_other', tablename FROM pg_tables WHERE tablename ~ '^owned' ORDER BY 2$$), E'true|owned\nfalse|owned_too', 'statements run as the role that the script set');
SELECT is(t.rows($$SELECT acting_role = 'apply_other', statement FROM mg.statements WHERE migration = 'reset'$$), E'true|create table owned (i int)\nfalse|create table owned_too (i int)', 'and are on record with it');
SELECT is(current_user, session_user, 'the role is put back');
SELECT is(current_setting('work_mem'), '5MB', 'RESET ALL is put back');
SELECT alike(t.applying('fails', 'set search_path = elsewhere; set work_mem = ''9MB''; set role apply_other; select 1/0'), '22012%', 'a script that sets and fails');
SELECT is(t.rows($$SELECT current_user = session_user, current_setting('search_path'), current_setting('work_mem')$$), 'true|public|5MB', 'everything is put back');
SELECT is((SELECT status FROM mg_apply('own setting', 'set migration_governance.migration = ''same''; create table attributed (i int)')), 'applied', 'a script that claims to be another');
SELECT is((SELECT migration FROM mg.statements WHERE statement = 'create table attributed (i int)'), 'own setting', 'is on record as itself');

SELECT * FROM finish();
