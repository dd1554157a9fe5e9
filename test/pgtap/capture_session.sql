-- Who ran a statement, with what, in which transaction, and for which migration.
SELECT no_plan();
CREATE ROLE session_owner SUPERUSER;
CREATE ROLE session_worker;
GRANT CREATE ON SCHEMA public TO session_worker;
GRANT session_worker TO session_owner;

CREATE FUNCTION last(columns text) RETURNS text LANGUAGE plpgsql AS
	$$DECLARE r text; BEGIN EXECUTE format('SELECT concat_ws(''|'', %s) FROM mg.statement ORDER BY id DESC LIMIT 1', columns) INTO r; RETURN r; END$$;
ALTER FUNCTION last(text) SECURITY DEFINER;

SET application_name = 'capture test';
CREATE TABLE a (x int);
SELECT is(last('application, client, login_role, session_role, acting_role'),
	concat_ws('|', 'capture test', '[local]', session_user, session_user, session_user), 'application, client and roles');
SELECT is(last('nested, origin, run IS NULL, migration IS NULL, duration_us > 0'), 'f|session|t|t|t', 'nesting, origin, duration');
SELECT is(last('at BETWEEN now() - interval ''1 minute'' AND clock_timestamp()'), 't', 'time');

SELECT session_user AS me \gset
SET ROLE session_worker;
CREATE TABLE b (x int);
SELECT is(last('login_role, session_role, acting_role'), concat_ws('|', :'me', :'me', 'session_worker'), 'SET ROLE shows in the acting role');
RESET ROLE;

SET SESSION AUTHORIZATION session_owner;
CREATE TABLE c (x int);
SELECT is(last('login_role, session_role, acting_role'), concat_ws('|', :'me', 'session_owner', 'session_owner'), 'SET SESSION AUTHORIZATION shows in the session role, not in the login role');
SET ROLE session_worker;
CREATE TABLE d (x int);
SELECT is(last('login_role, session_role, acting_role'), concat_ws('|', :'me', 'session_owner', 'session_worker'), 'both together');
RESET SESSION AUTHORIZATION;

CREATE FUNCTION makes(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN EXECUTE format('CREATE TABLE %I (x int)', name); END$$;
ALTER FUNCTION makes(text) OWNER TO session_worker;
SELECT makes('e');
SELECT is(last('nested, session_role, acting_role, statement'), concat_ws('|', 't', :'me', :'me', 'CREATE TABLE e (x int)'), 'SECURITY DEFINER: who called, not as whom it ran');

SET application_name = E'it''s "odd" \u2603';
CREATE TABLE f (x int);
SELECT is(last('application'), current_setting('application_name'), 'an odd application name');

BEGIN;
CREATE TABLE g (x int);
SELECT is(last('xid'), pg_current_xact_id()::text, 'the transaction''s number');
SAVEPOINT s;
CREATE TABLE h (x int);
SELECT is(last('xid'), pg_current_xact_id()::text, 'the same in a savepoint');
ROLLBACK TO s;
SELECT is(last('identity'), 'public.g', 'a record goes with its savepoint');
RELEASE s;
COMMIT;

DO $$
BEGIN
	BEGIN
		CREATE TABLE i (x int);
		PERFORM 1 / 0;
	EXCEPTION WHEN division_by_zero THEN
		CREATE TABLE j (x int);
	END;
	BEGIN
		CREATE TABLE j (x int);
	EXCEPTION WHEN duplicate_table THEN
		NULL;
	END;
END $$;
SELECT results_eq($$SELECT statement COLLATE "default" FROM mg.statement WHERE nested AND statement ~ 'TABLE [ij] ' ORDER BY id$$, ARRAY['CREATE TABLE j (x int)'],
	'exception blocks: what was undone is not on record, what handled it is');

SELECT results_eq($$SELECT status FROM mg_register('known', 'CREATE TABLE k (x int)')$$, ARRAY['pending'], 'a migration is registered');
SET migration_governance.migration = 'known';
CREATE TABLE k (x int);
SELECT is(last('migration, origin, run IS NULL'), 'known|session|t', 'migration_governance.migration attributes a statement');
SET migration_governance.migration = 'unknown';
CREATE TABLE l (x int);
SELECT is(last('coalesce(migration, ''none''), origin'), 'none|session', 'a name that is not registered does not');
BEGIN;
SET LOCAL migration_governance.migration = 'known';
ALTER TABLE l ADD COLUMN y int;
COMMIT;
SELECT is(last('migration'), 'known', 'SET LOCAL too');
RESET migration_governance.migration;
ALTER TABLE l ADD COLUMN z int;
SELECT is(last('migration IS NULL'), 't', 'and not after RESET');

SET session_replication_role = replica;
CREATE TABLE m (x int);
RESET session_replication_role;
SELECT is(last('identity, statement'), 'public.m|CREATE TABLE m (x int)', 'session_replication_role = replica hides nothing');

SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'event_triggers') AS has_event_triggers \gset
\if :has_event_triggers
SET event_triggers = off;
CREATE TABLE n (x int);
RESET event_triggers;
SELECT is(last('statement'), 'CREATE TABLE n (x int)', 'event_triggers = off leaves the hook at work');
\else
SELECT skip('no setting event_triggers', 1);
\endif

-- A statement of a megabyte, and one with characters of several bytes and every kind of quote.
SELECT 'CREATE TABLE big (x int); COMMENT ON TABLE big IS ''' || repeat('0123456789abcdef', 65536) || '''' AS big \gset
:big;
SELECT is(last('length(statement), md5(statement)'), concat_ws('|', 1048576 + 26, md5('COMMENT ON TABLE big IS ''' || repeat('0123456789abcdef', 65536) || '''')), 'a large statement is kept whole');
CREATE TABLE "täble ☃" ("o'dd ""col""" text DEFAULT $q$it's; -- not the end$q$, /* inner ; comment */ y text DEFAULT E'\'; DROP');
SELECT is(last('statement'), $s$CREATE TABLE "täble ☃" ("o'dd ""col""" text DEFAULT $q$it's; -- not the end$q$, /* inner ; comment */ y text DEFAULT E'\'; DROP')$s$, 'odd characters are kept exactly');
SELECT is(last('identity'), 'public."täble ☃"', 'and in the identity');

CREATE EXTENSION hstore;
SELECT is(last('tag, identity, origin, statement'), 'CREATE EXTENSION|hstore|extension|CREATE EXTENSION hstore', 'CREATE EXTENSION is one record');
SELECT is((SELECT count(*) FROM mg.statement WHERE statement ~ 'hstore'), 1::bigint, 'and only one');

-- Event triggers of the user that run DDL, one inside the other.
CREATE FUNCTION on_table() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE c record;
BEGIN
	FOR c IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' AND object_type = 'table' LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', c.object_identity);
	END LOOP;
END $$;
CREATE FUNCTION on_alter() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE c record;
BEGIN
	FOR c IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'ALTER TABLE' LOOP
		EXECUTE format('COMMENT ON TABLE %s IS ''secured''', c.object_identity);
	END LOOP;
END $$;
CREATE EVENT TRIGGER a_table ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION on_table();
CREATE EVENT TRIGGER z_alter ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION on_alter();
CREATE TABLE governed (x int);
SELECT results_eq($$SELECT nested, identity COLLATE "default", statement COLLATE "default" FROM mg.statement WHERE statement ~ '\mgoverned\M' ORDER BY statement$$,
	$$VALUES (true, 'public.governed', 'ALTER TABLE public.governed ENABLE ROW LEVEL SECURITY'), (true, 'public.governed', 'COMMENT ON TABLE public.governed IS ''secured'''), (false, 'public.governed', 'CREATE TABLE governed (x int)')$$,
	'event triggers of the user: each statement once, with its own objects');
DROP EVENT TRIGGER a_table;
DROP EVENT TRIGGER z_alter;

DROP TABLE a, b, c, d, e, f, g, j, k, l, m, governed;
DROP FUNCTION makes(text);
DROP OWNED BY session_worker;
DROP OWNED BY session_owner;
DROP ROLE session_worker, session_owner;
SELECT * FROM finish();
