-- The caller's transaction: subtransactions, isolation, read-only, deferred constraints, cancelling, nesting, other ways to call.
\ir lib/errors.sql
SELECT no_plan();

-- All or nothing with the caller.
BEGIN;
SELECT is((SELECT status FROM mg_apply('a1', 'create table a1 (i int)')), 'applied', 'applied in a transaction block');
SELECT is((SELECT status FROM mg.status WHERE migration = 'a1'), 'applied', 'which sees it');
ROLLBACK;
SELECT is(t.rows($$SELECT to_regclass('a1'), (SELECT count(*) FROM mg.runs WHERE migration = 'a1'), (SELECT count(*) FROM mg.status WHERE migration = 'a1'), (SELECT count(*) FROM mg.statements WHERE migration = 'a1')$$), '-|0|0|0', 'rolled back by the caller nothing stays');
SELECT is((SELECT status FROM mg_apply('a1', 'create table a1 (i int)')), 'applied', 'and it is applied anew');
BEGIN;
SAVEPOINT s;
SELECT is(t.applying('a2', 'create table a2 (i int); select 1/0'), E'22012 division by zero\nCONTEXT: migration "a2", up, line 1: select 1/0', 'a failed one in a subtransaction');
ROLLBACK TO s;
SELECT is((SELECT status FROM mg_apply('a2', 'create table a2 (i int)')), 'applied', 'the corrected one in the same transaction');
SELECT is((SELECT status FROM mg_apply('a3', 'create table a3 (i int)')), 'applied', 'and another one');
COMMIT;
SELECT is(t.rows($$SELECT outcome, sqlstate FROM mg.runs WHERE migration = 'a2' ORDER BY started_at$$), E'failed|22012\napplied|-', 'both attempts are on record');
BEGIN;
SELECT is(t.applying('a4', 'select 1/0'), E'22012 division by zero\nCONTEXT: migration "a4", up, line 1: select 1/0', 'one that fails');
ROLLBACK;
SELECT is(t.rows($$SELECT outcome FROM mg.runs WHERE migration = 'a4'$$), 'failed', 'is on record although the transaction was rolled back');
SELECT is(t.rows($$SELECT status FROM mg.status WHERE migration = 'a4'$$), 'failed', 'and so is the migration');

-- In functions.
DO $do$
BEGIN
	BEGIN
		PERFORM mg_apply('b1', 'create table b1 (i int); select 1/0');
	EXCEPTION WHEN division_by_zero THEN
		NULL;
	END;
	PERFORM mg_apply('b1', 'create table b1 (i int)');
	BEGIN
		PERFORM mg_apply('b2', 'create table b2 (i int)');
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
		NULL;
	END;
	PERFORM mg_apply('b2', 'create table b2 (i bigint)');
END $do$;
SELECT is(t.rows($$SELECT migration, outcome FROM mg.runs WHERE migration ~ '^b' ORDER BY migration, started_at$$), E'b1|failed\nb1|applied\nb2|applied', 'an exception block undoes a migration whole, and the next one works');
SELECT is((SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'b2'::regclass AND attname = 'i'), 'bigint', 'the second text has run');
SELECT is(t.rows($$SELECT statement, count(*) FROM mg.statements WHERE migration ~ '^b' GROUP BY 1 ORDER BY 1$$), E'create table b1 (i int)|1\ncreate table b2 (i bigint)|1', 'and only what stayed is on record');
CREATE FUNCTION t.with_settings(name text) RETURNS text LANGUAGE plpgsql SET search_path = '' SET work_mem = '9MB' AS $$
DECLARE
	status text;
BEGIN
	SELECT a.status INTO status FROM mg_apply(name, 'create table public.settings (i int); set work_mem = ''3MB'' ') a;
	RETURN status || ' ' || current_setting('work_mem');
END $$;
SELECT is(t.with_settings('b3'), 'applied 9MB', 'in a function with settings of its own');
CREATE FUNCTION t.stable(name text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT status FROM mg_apply(name, 'create table stable (i int)') $$;
SELECT is(t.stable('b4'), 'applied', 'in a function that claims to be stable');
CREATE FUNCTION t.by_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM mg_apply('b5 ' || new.i, 'create table by_trigger (i int)'); RETURN new; END $$;
CREATE TABLE fires (i int); CREATE TRIGGER apply BEFORE INSERT ON fires FOR EACH ROW EXECUTE FUNCTION t.by_trigger();
INSERT INTO fires VALUES (1);
SELECT is((SELECT status FROM mg.status WHERE migration = 'b5 1'), 'applied', 'in a trigger');
PREPARE applying (text, text) AS SELECT status FROM mg_apply($1, $2);
CREATE TEMP TABLE first AS EXECUTE applying('b6', 'create table b6 (i int)');
CREATE TEMP TABLE second AS EXECUTE applying('b6', 'create table b6 (i int)');
SELECT is((SELECT status FROM first) || (SELECT status FROM second), 'appliedskipped', 'by a prepared statement');
BEGIN;
DECLARE c CURSOR FOR SELECT status FROM mg_apply('b7', 'create table b7 (i int)');
MOVE 1 FROM c;
COMMIT;
SELECT ok(t.there('b7'), 'through a cursor');
SELECT is((SELECT count(*) FROM (VALUES ('b8'), ('b9')) v (name), LATERAL mg_apply(v.name, 'select 1') a WHERE a.status = 'applied'), 2::bigint, 'two by one statement');

-- Nesting is refused.
SELECT is(t.applying('n1', E'create table n1 (i int);\nselect mg_apply(''n2'', ''select 1'')'), E'55000 a migration cannot run inside a migration\nHINT: Name the other migration in the argument "requires" instead.\nCONTEXT: migration "n1", up, line 2: select mg_apply(''n2'', ''select 1'')', 'mg_apply() in a migration');
SELECT alike(t.applying('n1', call), '55000 a migration cannot run inside a migration%', call) FROM unnest(ARRAY['select mg_register(''n2'', ''select 1'')', 'select mg_rollback()', 'select mg_rollback_to(''a1'')', 'do $$ begin perform mg_apply(''n2'', ''select 1''); end $$']) call;
SELECT alike(t.applying('n1', 'select 1', NULL, 'select mg_apply(''n2'', ''select 1'') is not null'), '55000%verify, line 1%', 'in a verification');
SELECT alike(t.applying('n1', 'select 1', NULL, NULL, NULL, 'select mg_apply(''n2'', ''select 1'') is not null'), '55000%precondition, line 1%', 'in a precondition');
SELECT is(t.applying('n1', 'do $$ begin perform mg_apply(''n2'', ''select 1''); exception when others then null; end $$; create table n1 (i int)'), 'no error', 'a script that catches the refusal goes on');
SELECT is(t.rows($$SELECT migration, statement FROM mg.statements WHERE statement ~ 'table n1'$$), 'n1|create table n1 (i int)', 'as the migration that it is');
SELECT is((SELECT count(*) FROM mg.history WHERE migration_name = 'n2'), 0::bigint, 'and the inner one is not applied');
SELECT is((SELECT status FROM mg_apply('n2', 'select 1')), 'applied', 'nothing is left of it');

-- Read-only and isolation.
BEGIN READ ONLY;
SELECT is(t.said(call), '25006 cannot run a migration in a read-only transaction', 'read-only: ' || call) FROM unnest(ARRAY['SELECT mg_apply(''x'', ''select 1'')', 'SELECT mg_apply(''a1'')', 'SELECT mg_register(''x'', ''select 1'')', 'SELECT mg_rollback()', 'SELECT mg_rollback_to(''a1'')']) call;
SELECT ok((SELECT count(*) > 0 FROM mg_verify('a1')), 'mg_verify() of one may read only');
SELECT ok((SELECT count(*) > 0 FROM mg_verify()), 'and of all');
SELECT ok((SELECT count(*) > 0 FROM mg_status()), 'mg_status() too');
SELECT ok((SELECT count(*) > 0 FROM mg_parse('select 1')), 'mg_parse() too');
SELECT ok(mg_export() IS NOT NULL, 'mg_export() too');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM pg_class;
SELECT is((SELECT status FROM mg_apply('i1', 'create table i1 (i int)', 'drop table i1')), 'applied', 'REPEATABLE READ');
SELECT is((SELECT status FROM mg_apply('i1', 'create table i1 (i int)')), 'skipped', 'sees its own run');
SELECT is((SELECT status FROM mg_apply('i2', 'insert into i1 values (1)', 'delete from i1', 'select count(*) from i1; -- expect: 1')), 'applied', 'a second one sees the first');
SELECT is((SELECT string_agg(migration, ',') FROM mg_rollback_to('n2')), 'i2,i1', 'rolled back in the same transaction');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT is((SELECT status FROM mg_apply('i1', 'create table i1 (i int)', 'drop table i1')), 'applied', 'SERIALIZABLE');
SELECT is((SELECT count(*) FROM mg_verify('i1') WHERE ok), 1::bigint, 'verified there');
COMMIT;
SELECT is(t.applying('i3', 'set transaction_read_only = on; create table i3 (i int)'), E'25006 cannot execute CREATE TABLE in a read-only transaction\nCONTEXT: migration "i3", up, line 1: create table i3 (i int)', 'a script that makes itself read-only');
BEGIN;
SELECT is(t.applying('i4', 'create table i4 (i int); set transaction_read_only = on'), 'no error', 'at its end');
SELECT is(current_setting('transaction_read_only'), 'off', 'is put back');
COMMIT;

-- Deferred constraints fail inside the migration.
CREATE TABLE parent (i int PRIMARY KEY);
CREATE TABLE child (i int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
SELECT is(t.applying('d1', E'insert into child values (1);\ninsert into parent values (1);'), 'no error', 'the order of the rows does not matter');
SELECT is(t.applying('d2', E'create table d2 (i int);\ninsert into child values (2);\nselect 1'), E'23503 insert or update on table "child" violates foreign key constraint "child_i_fkey"\nDETAIL: Key (i)=(2) is not present in table "parent".\n'
	'CONTEXT: migration "d2", deferred constraints', 'a row too many fails');
SELECT is(t.rows($$SELECT outcome, phase, line, statement, sqlstate FROM mg.runs WHERE migration = 'd2'$$), 'failed|deferred constraints|-|-|23503', 'and blames no statement');
SELECT ok(NOT t.there('d2'), 'nothing stays');
BEGIN;
SELECT is(t.applying('d3', 'select 1'), 'no error', 'a migration in a transaction');
SELECT is(t.said('INSERT INTO child VALUES (3)'), 'no error', 'that relies on deferred constraints afterwards');
INSERT INTO parent VALUES (3) ON CONFLICT DO NOTHING;
COMMIT;
BEGIN;
SELECT is(t.applying('d4', 'insert into child values (4); insert into parent values (4)'), 'no error', 'a migration that relies on deferred constraints');
SELECT is(t.applying('d5', 'insert into child values (5); insert into parent values (5)'), 'no error', 'and another in the same transaction');
SELECT is(t.applying('d6', 'create table d6 (i int references parent deferrable initially deferred); insert into d6 values (6); insert into parent values (6)'), 'no error', 'and one with a constraint of its own');
COMMIT;
CREATE TABLE late (i int PRIMARY KEY DEFERRABLE INITIALLY IMMEDIATE);
INSERT INTO late VALUES (1), (2);
BEGIN;
SELECT is(t.applying('d7', 'set constraints all deferred; update late set i = 2 where i = 1; update late set i = 3 where i = 2 and ctid = (select max(ctid) from late where i = 2)'), 'no error', 'SET CONSTRAINTS in a script');
SELECT alike(t.said('INSERT INTO late VALUES (3)'), '23505%', 'ends with it');
COMMIT;

-- Cancelling.
SET statement_timeout = '300ms';
DO $$ BEGIN PERFORM mg_apply('c1', E'create table c1 (i int);\nselect pg_sleep(30)'); EXCEPTION WHEN query_canceled THEN NULL; END $$;
RESET statement_timeout;
SELECT is(t.rows($$SELECT outcome, line, statement, sqlstate, error FROM mg.runs WHERE migration = 'c1'$$), 'failed|2|select pg_sleep(30)|57014|canceling statement due to statement timeout', 'a cancelled migration is on record');
SELECT ok(NOT t.there('c1'), 'and undone');
SELECT is((SELECT status FROM mg_apply('c1', 'create table c1 (i int)')), 'applied', 'the next one works');
SET lock_timeout = '100ms';
SELECT is(t.applying('c2', 'set lock_timeout = 0; create table c2 (i int)'), 'no error', 'a script with a lock_timeout of its own');
SELECT is(current_setting('lock_timeout'), '100ms', 'which is put back');
RESET lock_timeout;
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), 0::bigint, 'no lock is left behind');

-- What a script undoes itself is as it was: nothing of it is on record, and what had drifted is drift still.
CREATE TABLE undone (id int PRIMARY KEY, a int); INSERT INTO undone SELECT i, i FROM generate_series(1, 10) i;
SELECT mg_accept_drift('start') \g /dev/null
ALTER TABLE undone ADD COLUMN drifted int;
SELECT is(status, 'applied', 'a block that undoes half of what it does') FROM mg_apply('half', $$DO $d$ BEGIN
	CREATE TABLE stays (a int);
	BEGIN
		ALTER TABLE undone ALTER a TYPE bigint;
		BEGIN DROP TABLE stays; CREATE TABLE stays (b text); EXCEPTION WHEN division_by_zero THEN NULL; END;
		RAISE 'no';
	EXCEPTION WHEN raise_exception THEN CREATE TABLE stays_too (a int);
	END; END $d$ $$);
SELECT is((SELECT string_agg(o->>'change' || ' ' || (o->>'identity'), ', ') FROM mg.runs, jsonb_array_elements(objects) o WHERE migration = 'half'), 'created public.stays, created public.stays_too', 'has the other half on record');
SELECT is((SELECT rewrites FROM mg.runs WHERE migration = 'half'), '[]', 'no table that was written again');
SELECT is((SELECT string_agg(identity, ' ') FROM mg_drift_report()), 'public.undone.drifted', 'and what had drifted before');

SELECT * FROM finish();
