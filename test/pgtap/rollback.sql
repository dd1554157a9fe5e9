-- mg_rollback and mg_rollback_to: order, protection of what stands on a migration, the check that it is undone, the record.
\ir lib/errors.sql
SELECT no_plan();

-- Arguments and what cannot be rolled back.
SELECT is(t.said('SELECT mg_rollback()'), 'MG406 no migration is applied', 'nothing to roll back');
SELECT is(t.said('SELECT mg_rollback(''nowhere'')'), E'MG406 migration "nowhere" is not applied\nHINT: SELECT migration, status FROM mg.status tells what is.', 'a name that nobody knows');
SELECT is(t.said('SELECT mg_rollback_to(''nowhere'')'), E'MG406 migration "nowhere" is not applied\nHINT: Name an applied migration: those after it are rolled back, it stays.', 'neither to one');
SELECT is(t.said('SELECT mg_rollback_to(NULL)'), '22004 name of the migration must not be NULL', 'mg_rollback_to() needs a name');

-- Newest first, with a reason.
SELECT is((SELECT objects FROM mg_apply('r1', 'create table r1 (i int); create type r1e as enum (''a''); create function r1f(int, text[]) returns int language sql as ''select 1''; create view r1v as select * from r1; create sequence r1s; create schema r1z; create domain r1d as int',
	'drop domain r1d; drop schema r1z; drop view r1v; drop table r1; drop type r1e; drop function r1f(int, text[]); drop sequence r1s')), 7, 'the first');
SELECT is((SELECT status FROM mg_apply('r2', 'alter table r1 add column j int', 'alter table r1 drop column j')), 'applied', 'the second');
SELECT is((SELECT status FROM mg_apply('r3', 'create table r3 (i int)', 'drop table r3', requires => '{r1}')), 'applied', 'the third');
SELECT is(t.said('SELECT mg_rollback(''r1'')'), E'MG405 migration "r1" cannot be rolled back before those that stand on it\nDETAIL: "r3" requires it, "r2" changed table public.r1.\nHINT: Roll those back first, or all of them with mg_rollback_to().', 'the first is protected');
SELECT is(t.rows($$SELECT outcome, phase, sqlstate FROM mg.runs WHERE migration = 'r1' AND action = 'roll back'$$), 'refused|script|MG405', 'the refusal is on record');
SELECT is(t.rows($$SELECT migration, status, statements, objects > 0, execution_time > '0', risk, run_id > 0 FROM mg_rollback(NULL, 'it was "wrong"; drop it')$$), 'r3|rolled back|1|true|true|-|true', 'NULL is the newest');
SELECT is(t.rows($$SELECT action, outcome, reason FROM mg.runs WHERE migration = 'r3' ORDER BY started_at DESC LIMIT 1$$), 'roll back|rolled back|it was "wrong"; drop it', 'the reason is kept');
SELECT is(t.rows($$SELECT rollback_applied, rollback_at >= applied_at, metadata->>'rollback_reason' FROM mg.history WHERE migration_name = 'r3'$$), 'true|true|it was "wrong"; drop it', 'in mg.history too');
SELECT is(t.rows($$SELECT status, applied_at FROM mg.status WHERE migration = 'r3'$$), 'rolled back|-', 'its status is rolled back');
SELECT is(t.rows($$SELECT tag, statement FROM mg.statements WHERE migration = 'r3'$$), E'CREATE TABLE|create table r3 (i int)\nDROP TABLE|drop table r3', 'the statements of both are on record');
SELECT is((SELECT status FROM mg_rollback('r2')), 'rolled back', 'one by its name');
SELECT is((SELECT status FROM mg_rollback('r1')), 'rolled back', 'then the first');
SELECT is((SELECT count(*) FROM pg_class WHERE relname ~ '^r[123]'), 0::bigint, 'all of it is gone');
SELECT is(t.said('SELECT mg_rollback(''r1'')'), E'MG406 migration "r1" is not applied\nHINT: SELECT migration, status FROM mg.status tells what is.', 'what is rolled back is not applied');
SELECT is(t.said('SELECT mg_rollback()'), 'MG406 no migration is applied', 'nothing is left');

-- Applied again, with the same and with another text.
SELECT is((SELECT status FROM mg_apply('r1')), 'applied', 'what was rolled back is applied again by its name');
SELECT is((SELECT status FROM mg_apply('r3')), 'applied', 'and what requires it');
SELECT is((SELECT status FROM mg_rollback('r3')), 'rolled back', 'and rolled back again');
SELECT is((SELECT status FROM mg_apply('r3', 'create table r3 (i bigint)', 'drop table r3')), 'applied', 'another text may be applied after a rollback');
SELECT is((SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'r3'::regclass AND attname = 'i'), 'bigint', 'and has run');
SELECT is(t.rows($$SELECT count(*), max(checksum), bool_or(rollback_applied) FROM mg.history WHERE migration_name = 'r3'$$), '1|' || t.sha('create table r3 (i bigint)') || '|false', 'mg.history has it once, as it is now');
SELECT is(t.rows($$SELECT action, outcome FROM mg.runs WHERE migration = 'r3' ORDER BY started_at$$), E'apply|applied\nroll back|rolled back\napply|applied\nroll back|rolled back\napply|applied', 'mg.runs has all of it');
SELECT is((SELECT count(*) FROM mg.script WHERE checksum = t.sha('create table r3 (i int)')), 1::bigint, 'the earlier text is still there');
SELECT alike(t.applying('r3', 'create table r3 (i int)'), 'MG003%', 'which is another text now');
SELECT is((SELECT string_agg(migration, ',') FROM mg_rollback_to('r1')), 'r3', 'r1 stays');
SELECT is((SELECT status FROM mg_rollback('r1')), 'rolled back', 'to begin anew');

-- The down script.
SELECT is((SELECT status FROM mg_apply('d1', 'create table d1 (i int)')), 'applied', 'a migration without a down script');
SELECT is(t.said('SELECT mg_rollback(''d1'')'), E'MG404 migration "d1" has no down script\nHINT: Hand one in with mg_register(name, up, down): the up script stays as it is.', 'cannot be rolled back');
SELECT is((SELECT status FROM mg_register('d1', 'create table d1 (i int)', E'select 1;\nselect 1/0;')), 'applied', 'a down script comes later');
SELECT is(t.said('SELECT mg_rollback(''d1'')'), E'22012 division by zero\nCONTEXT: migration "d1", down, line 2: select 1/0', 'its error has its place');
SELECT is(t.rows($$SELECT outcome, phase, line, sqlstate, statements FROM mg.runs WHERE migration = 'd1' AND action = 'roll back' ORDER BY started_at$$), E'refused|script|-|MG404|0\nfailed|down|2|22012|1', 'both attempts are on record');
SELECT is(t.rows($$SELECT status FROM mg.status WHERE migration = 'd1'$$), 'applied', 'it is still applied');
SELECT is((SELECT status FROM mg_register('d1', 'create table d1 (i int)', 'select 1')), 'applied', 'one that does nothing');
SELECT is(t.said('SELECT mg_rollback(''d1'')'), E'MG403 rollback of migration "d1" leaves objects behind that it made\nDETAIL: Still there: table public.d1.\nHINT: Correct the down script with mg_register() and try again; nothing of the rollback stays.', 'leaves the table behind');
SELECT is(t.rows($$SELECT outcome, phase, line, statement, sqlstate FROM mg.runs WHERE migration = 'd1' ORDER BY started_at DESC LIMIT 1$$), 'failed|rollback check|-|-|MG403', 'which is on record');
SELECT is((SELECT status FROM mg_register('d1', 'create table d1 (i int)', 'alter table d1 rename to d1_old')), 'applied', 'one that renames');
SELECT alike(t.said('SELECT mg_rollback(''d1'')'), 'MG403 rollback of migration "d1" leaves objects behind that it made%', 'leaves the table behind under another name');
SELECT ok(t.there('d1') AND NOT t.there('d1_old'), 'nothing of it stays');
SELECT is((SELECT status FROM mg_register('d1', 'create table d1 (i int)', 'vacuum')), 'applied', 'one that cannot run in a transaction');
SELECT alike(t.said('SELECT mg_rollback(''d1'')'), '0A000 VACUUM cannot run inside a transaction%It is in the down script, line 1: vacuum%', 'is refused before it runs');
DROP TABLE IF EXISTS d1_old;
SELECT is((SELECT status FROM mg_apply('d2', 'create table d2 (i int primary key); create index on d2 (i); alter table d2 add check (i > 0); create policy p on d2; create trigger t before update on d2 for each row execute function suppress_redundant_updates_trigger(); create rule r as on delete to d2 do nothing', 'drop table d2')), 'applied', 'a table with all that belongs to it');
SELECT is((SELECT status FROM mg_rollback('d2')), 'rolled back', 'is gone with the table');
SELECT is((SELECT status FROM mg_apply('d3', 'create table "D3 ""x""; y" (i int); create function "D3.f"("char", text[], numeric(5,2)) returns int language sql as ''select 1''; create schema "D.3" create table "a.b" (i int)', 'select 1')), 'applied', 'odd names');
SELECT alike(t.said('SELECT mg_rollback(''d3'')'), 'MG403%table public."D3 ""x""; y"%function public."D3.f"%schema "D.3"%table "D.3"."a.b"%', 'are found');
SELECT is((SELECT status FROM mg_register('d3', 'create table "D3 ""x""; y" (i int); create function "D3.f"("char", text[], numeric(5,2)) returns int language sql as ''select 1''; create schema "D.3" create table "a.b" (i int)',
	'drop table "D3 ""x""; y"; drop function "D3.f"; drop schema "D.3" cascade')), 'applied', 'a right down script');
SELECT is((SELECT status FROM mg_rollback('d3')), 'rolled back', 'removes them');
SELECT is((SELECT status FROM mg_apply('d4', 'create table d4 (i int); create table d4_moved (i int); create schema d4s; alter table d4_moved set schema d4s; drop table d4', 'drop schema d4s cascade')), 'applied', 'what came and went in up');
SELECT is((SELECT status FROM mg_rollback('d4')), 'rolled back', 'is not expected');
SELECT is((SELECT status FROM mg_apply('d5', 'create table d5 (i int)', 'drop table if exists d5; create table d5 (i int)')), 'applied', 'a down script that makes the table anew');
SELECT alike(t.said('SELECT mg_rollback(''d5'')'), 'MG403%Still there: table public.d5.%', 'leaves a table of that name');
DROP TABLE d5;

-- Dropped or renamed by hand.
SELECT is((SELECT status FROM mg_apply('h1', 'create table h1 (i int)', 'drop table if exists h1')), 'applied', 'a table');
ALTER TABLE h1 RENAME TO h1_renamed;
SELECT is(t.rows($$SELECT object, ok, actual FROM mg_verify('h1')$$), 'table public.h1|false|exists as public.h1_renamed, changed by hand: table public.h1, name: public.h1 -> public.h1_renamed', 'renamed by hand it is still there, but not as it was');
SELECT alike(t.said('SELECT mg_rollback(''h1'')'), 'MG403%h1_renamed%', 'and a down script that misses it leaves it behind');
DROP TABLE IF EXISTS h1_renamed;
SELECT is(t.said('SELECT mg_rollback(''h1'')'), 'no error', 'dropped by hand, a down script that allows for it works');

-- Renamed by a later migration.
SELECT is(t.applying('n0', 'select 1', 'select 1'), 'no error', 'where to go back to');
SELECT is((SELECT status FROM mg_apply('n1', 'create table n1 (i int)', 'drop table if exists n1')), 'applied', 'a table');
SELECT is((SELECT status FROM mg_apply('n2', 'alter table n1 rename to n2', 'alter table n2 rename to n1')), 'applied', 'another migration renames it');
SELECT alike(t.said('SELECT mg_rollback(''n1'')'), 'MG405 %"n2" changed table public.n%', 'which protects it');
SELECT is((SELECT string_agg(migration || ' ' || status, ', ') FROM mg_rollback_to('n0')), 'n2 rolled back, n1 rolled back', 'newest first it works');
SELECT ok(NOT t.there('n1') AND NOT t.there('n2'), 'and nothing is left');

-- Made on it by a later migration.
SELECT is((SELECT status FROM mg_apply('c1', 'create table c1 (i int)', 'drop table c1 cascade')), 'applied', 'a table');
SELECT is((SELECT status FROM mg_apply('c2', 'create view c2 as select * from c1', 'drop view c2')), 'applied', 'a view on it by another migration');
SELECT alike(t.said('SELECT mg_rollback(''c1'')'), 'MG405 %"c2"%', 'is not dropped with it');
SELECT ok(t.there('c2'), 'it is there');
SELECT is(t.said('SELECT mg_rollback(''c2'')'), 'no error', 'first the view');
SELECT is(t.applying('c3', 'create index c3 on c1 (i)', 'drop index c3'), 'no error', 'an index on it by another migration');
SELECT alike(t.said('SELECT mg_rollback(''c1'')'), 'MG405 %"c3"%', 'is not dropped with it either');
SELECT is(t.said('SELECT mg_rollback(''c3'')'), 'no error', 'first the index');
SELECT is(t.said('SELECT mg_rollback(''c1'')'), 'no error', 'then the table');

-- What up dropped.
CREATE TABLE lost (i int);
SELECT is((SELECT objects FROM mg_apply('l1', 'drop table lost', 'select 1')), 1, 'a dropped table is one object');
SELECT is((SELECT o->'names' FROM mg.runs, jsonb_array_elements(objects) o WHERE migration = 'l1' AND o->>'type' = 'table'), '["public", "lost"]', 'which can be looked up afterwards');

CREATE SCHEMA "lost Ones"; CREATE TYPE "lost Ones".pair AS (a int, "B ""c""" int);
SELECT is((SELECT status FROM mg_apply('l2', 'alter type "lost Ones".pair drop attribute "B ""c"""', 'alter type "lost Ones".pair add attribute "B ""c""" int')), 'applied', 'an attribute of a composite type');
SELECT is(t.said('SELECT mg_rollback(''l2'')'), 'no error', 'comes back');
SELECT is((SELECT status FROM mg_apply('l3', 'drop type "lost Ones".pair', 'create type "lost Ones".pair as (a int)')), 'applied', 'a composite type');
SELECT is(t.said('SELECT mg_rollback(''l3'')'), 'no error', 'too');
SELECT is((SELECT status FROM mg_apply('l4', 'drop schema "lost Ones" cascade', 'create schema "lost Ones"; create type "lost Ones".pair as (a int)')), 'applied', 'a schema with one');
SELECT is(t.said('SELECT mg_rollback(''l4'')'), 'no error', 'with it');
SELECT is((SELECT status FROM mg_apply('l5', 'drop schema "lost Ones" cascade', 'create schema "lost Ones"')), 'applied', 'and without it');
SELECT is(t.said('SELECT mg_rollback(''l5'')'), 'no error', 'which is a warning');

-- mg_rollback_to: all or nothing.
SELECT is((SELECT status FROM mg_apply('t' || g, format('create table t%s (i int)', g), CASE WHEN g <> 3 THEN format('drop table t%s', g) END)), 'applied', 't' || g) FROM generate_series(1, 5) g;
SELECT is(t.said('SELECT mg_rollback_to(''t1'', ''back'')'), E'MG404 migration "t3" has no down script\nHINT: Hand one in with mg_register(name, up, down): the up script stays as it is.', 'one that cannot be rolled back');
SELECT is((SELECT count(*) FROM mg.status WHERE migration ~ '^t\d' AND status = 'applied'), 5::bigint, 'keeps all of them');
SELECT is((SELECT count(*) FROM pg_class WHERE relname ~ '^t\d$'), 5::bigint, 'and their tables');
SELECT is(t.rows($$SELECT migration, sqlstate FROM mg.runs WHERE migration ~ '^t\d' AND action = 'roll back'$$), 't3|MG404', 'the one that could not is on record');
SELECT is((SELECT status FROM mg_register('t3', 'create table t3 (i int)', 'drop table t3')), 'applied', 'corrected');
SELECT is((SELECT string_agg(migration || ' ' || status || ' ' || statements, ', ') FROM mg_rollback_to('t1', 'back')), 't5 rolled back 1, t4 rolled back 1, t3 rolled back 1, t2 rolled back 1', 'all after the one named, newest first');
SELECT is((SELECT status FROM mg.status WHERE migration = 't1'), 'applied', 'the one named stays');
SELECT is((SELECT count(*) FROM mg_rollback_to('t1')), 0::bigint, 'nothing is left after it');
SELECT is((SELECT count(*) FROM mg.runs WHERE reason = 'back' AND outcome = 'rolled back'), 4::bigint, 'the reason is kept for each');

SELECT * FROM finish();
