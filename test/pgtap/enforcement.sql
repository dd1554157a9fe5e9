-- Schema changes outside migrations: what each level makes of them, what it leaves alone, and the ways around it that are closed.
\ir lib/errors.sql
SELECT no_plan();

CREATE SCHEMA app;
CREATE SCHEMA platform;
CREATE TABLE app.parcel (id int PRIMARY KEY, note text);
CREATE INDEX parcel_note_old ON app.parcel (note);
CREATE VIEW app.notes AS SELECT note FROM app.parcel;
CREATE FUNCTION app.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE app.size AS ENUM ('s', 'm');
CREATE MATERIALIZED VIEW app.counted AS SELECT count(*) FROM app.parcel;
CREATE TABLE platform.job (id int PRIMARY KEY);
CREATE TYPE platform.kind AS ENUM ('a');
CREATE TABLE app.kinds (k platform.kind);
CREATE TABLE app.many (id int) PARTITION BY RANGE (id);
CREATE TABLE app.many_1 PARTITION OF app.many FOR VALUES FROM (0) TO (10);
CREATE TABLE platform.roots (id int);
CREATE TABLE app.leaf () INHERITS (platform.roots);
CREATE DOMAIN app.checked AS int;
CREATE TABLE app.uses (c app.checked);
INSERT INTO app.uses VALUES (1);
CREATE FUNCTION t.hides(int) RETURNS boolean LANGUAGE sql AS $$ SELECT set_config('transaction_read_only', 'on', true) IS NOT NULL $$;
CREATE FOREIGN DATA WRAPPER far;
CREATE SERVER "a on pg_temp.b" FOREIGN DATA WRAPPER far;
CREATE ROLE enforcement_someone;
CREATE ROLE enforcement_exempt;
GRANT ALL ON SCHEMA platform TO enforcement_exempt;

-- The newest alerts, oldest first.
CREATE FUNCTION t.alerts(after bigint) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(concat_ws('|', kind, severity, details->>'tag', details->>'object', details->>'refused'), E'\n' ORDER BY at, id) FROM mg.alert WHERE id > after $$;
CREATE FUNCTION t.newest() RETURNS bigint LANGUAGE sql AS $$ SELECT coalesce(max(id), 0) FROM mg.alert $$;
-- The first line of what a statement says, or ''.
CREATE FUNCTION t.brief(sql text) RETURNS text LANGUAGE sql AS $$ SELECT split_part(t.said(sql), E'\n', 1) $$;

-- Off: nothing is said, nothing is kept.
CREATE TABLE app.before (x int);
SELECT is((SELECT count(*) FROM mg.alert), 0::bigint, 'until somebody sets a policy there are no alerts');
SELECT is(t.rows($$SELECT value, ok FROM mg_status() WHERE aspect = 'enforcement'$$), 'off|true', 'and mg_status() says off');
SELECT is(t.rows($$SELECT value, ok FROM mg_status() WHERE aspect = 'broken glass'$$), 'none|true', 'and no glass is broken');

-- Record: an alert, and nothing else.
SELECT mg_set_policy('enforcement', 'record', 'first look');
SELECT t.newest() AS mark \gset
CREATE TABLE app.noted (x int);
SELECT is(t.alerts(:mark), 'change outside migrations|warning|CREATE TABLE|app.noted|false', 'record: an alert');
SELECT is(t.rows(format($$SELECT message = 'CREATE TABLE on app.noted by "' || session_user || '" outside migrations', details->>'statement', details->>'enforcement', details->>'environment', login_role = session_user FROM mg.alert WHERE id > %s$$, :mark)),
	'true|CREATE TABLE app.noted (x int)|record|-|true', 'with the statement, who and where');
SELECT t.newest() AS mark \gset
CREATE TABLE app.a (x int); ALTER TYPE app.size ADD VALUE 'l'; DROP TABLE app.a; COMMENT ON FUNCTION app.one() IS 'one'; GRANT SELECT ON app.parcel TO enforcement_someone;
SELECT is(t.alerts(:mark), E'change outside migrations|warning|CREATE TABLE|app.a|false\nchange outside migrations|warning|ALTER TYPE|type app.size|false\nchange outside migrations|warning|DROP TABLE|app.a|false\n'
	|| E'change outside migrations|warning|COMMENT|function app.one()|false\nchange outside migrations|warning|GRANT|app.parcel|false', 'one for each statement');
SELECT t.newest() AS mark \gset
BEGIN; CREATE TABLE app.gone (x int); ROLLBACK;
SELECT is(t.alerts(:mark), NULL, 'what is undone leaves none');
SELECT mg_apply('by_migration', 'CREATE TABLE app.proper (x int); CREATE FUNCTION app.two() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN CREATE TABLE app.nested (x int); RETURN 2; END $f$; SELECT app.two()', 'DROP FUNCTION app.two; DROP TABLE app.proper, app.nested');
SELECT mg_rehearse('by_migration');
SELECT mg_rollback('by_migration');
SELECT is(t.alerts(:mark), NULL, 'migrations, rehearsals and rollbacks give none, whatever they call');

-- Warn: a warning too, which tells the proper way.
SELECT mg_set_policy('enforcement', 'warn', 'second look');
SELECT t.newest() AS mark \gset
SET client_min_messages = error;
CREATE TABLE app.warned (x int);
RESET client_min_messages;
SELECT is(t.alerts(:mark), 'change outside migrations|warning|CREATE TABLE|app.warned|false', 'warn: an alert');
SELECT ok(t.there('app.warned'), 'and the statement goes through');

-- Block.
SELECT mg_set_environment('production', 'for the test');
SELECT mg_set_policy('enforcement', 'block', 'third look', 'production');
SELECT is(t.rows($$SELECT value FROM mg_status() WHERE aspect = 'enforcement'$$), 'block in all schemas', 'mg_status() says block');
SELECT t.newest() AS mark \gset
SELECT is(t.said('CREATE TABLE app.refused (x int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"' || E'\n'
	|| 'DETAIL: CREATE TABLE on app.refused by "' || session_user || '": CREATE TABLE app.refused (x int)' || E'\n'
	|| $$HINT: Make it a migration: SELECT mg_register('create_app_refused', $up$CREATE TABLE app.refused (x int)$up$); SELECT mg_apply('create_app_refused'); In an emergency, who has the right break_glass says why: SELECT mg_break_glass('...').$$,
	'block: refused, with who, where and the proper way');
SELECT ok(NOT t.there('app.refused'), 'and not done');
SELECT is(t.alerts(:mark), 'change outside migrations|high|CREATE TABLE|app.refused|true', 'and the alert outlives the error');
SELECT is((SELECT status FROM mg_register('create_app_refused', $up$CREATE TABLE app.refused (x int)$up$)) || (SELECT status FROM mg_apply('create_app_refused')), 'pendingapplied', 'the way in the hint works as it stands');
SELECT ok(t.there('app.refused'), 'and does it');
SELECT alike(t.said('DROP TABLE app.refused; CREATE TABLE app.refused (x int)'), '%mg_register(''drop_app_refused''%', 'another name for another statement');
SELECT alike(t.said('CREATE UNLOGGED TABLE app.refused (x text)'), '%mg_register(''create_app_refused_2''%', 'that nobody has yet');

-- Each way to change an enforced schema, and the database.
SELECT is(t.brief(sql), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'block: ' || left(sql, 100)) FROM (VALUES
	('CREATE TABLE app.x (i int)'), ('CREATE TABLE app.x AS SELECT 1 AS i'), ('CREATE UNLOGGED TABLE app.x (i int)'), ('CREATE VIEW app.x AS SELECT 1'), ('CREATE OR REPLACE VIEW app.notes AS SELECT note FROM app.parcel'),
	('CREATE MATERIALIZED VIEW app.x AS SELECT 1'), ('CREATE SEQUENCE app.x'), ('CREATE TYPE app.x AS (i int)'), ('CREATE TYPE app.x AS ENUM ()'), ('CREATE DOMAIN app.x AS int'), ('CREATE INDEX ON app.parcel (note)'), ('CREATE INDEX CONCURRENTLY ON app.parcel (note)'),
	('CREATE FUNCTION app.x() RETURNS int LANGUAGE sql AS ''SELECT 1'''), ('CREATE OR REPLACE FUNCTION app.one() RETURNS int LANGUAGE sql AS ''SELECT 2'''), ('CREATE STATISTICS app.x ON id, note FROM app.parcel'),
	('CREATE TRIGGER x BEFORE UPDATE ON app.parcel FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'), ('CREATE RULE x AS ON DELETE TO app.parcel DO INSTEAD NOTHING'), ('CREATE POLICY x ON app.parcel'),
	('CREATE SCHEMA x'), ('CREATE SCHEMA AUTHORIZATION enforcement_someone'), ('CREATE SCHEMA x CREATE TABLE y (i int) GRANT SELECT ON y TO enforcement_someone'),
	('ALTER TABLE app.parcel ADD COLUMN x int'), ('ALTER TABLE app.parcel RENAME TO x'), ('ALTER TABLE app.parcel RENAME note TO x'), ('ALTER TABLE app.parcel SET SCHEMA public'), ('ALTER TABLE app.parcel ENABLE ROW LEVEL SECURITY'), ('ALTER TABLE app.parcel DISABLE TRIGGER ALL'),
	('ALTER TABLE app.parcel OWNER TO enforcement_someone'), ('ALTER TABLE app.parcel INHERIT platform.roots'), ('ALTER VIEW app.notes SET (security_barrier)'), ('ALTER INDEX app.parcel_pkey RENAME TO x'), ('ALTER SEQUENCE IF EXISTS app.x RESTART'),
	('ALTER FUNCTION app.one() OWNER TO enforcement_someone'), ('ALTER FUNCTION app.one() RENAME TO x'), ('ALTER FUNCTION app.one() SET SCHEMA public'), ('ALTER FUNCTION app.one() SECURITY DEFINER'), ('ALTER TYPE app.size ADD VALUE ''xl'''), ('ALTER TYPE app.size SET SCHEMA public'),
	('ALTER SCHEMA app RENAME TO x'), ('ALTER SCHEMA app OWNER TO enforcement_someone'), ('ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE pg_global'),
	('ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO enforcement_someone'), ('ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO enforcement_someone'),
	('GRANT SELECT ON app.parcel TO enforcement_someone'), ('GRANT SELECT (note) ON app.parcel TO enforcement_someone'), ('GRANT SELECT ON ALL TABLES IN SCHEMA app TO enforcement_someone'), ('GRANT USAGE ON SCHEMA app TO enforcement_someone'), ('GRANT EXECUTE ON FUNCTION app.one TO enforcement_someone'),
	('REVOKE SELECT ON app.parcel FROM enforcement_someone'), ('GRANT USAGE ON TYPE app.size TO enforcement_someone'), ('GRANT USAGE ON LANGUAGE sql TO enforcement_someone'),
	('COMMENT ON TABLE app.parcel IS ''x'''), ('COMMENT ON COLUMN app.parcel.note IS ''x'''), ('COMMENT ON SCHEMA app IS ''x'''), ('COMMENT ON TRIGGER x ON app.parcel IS ''x'''), ('DROP TABLE app.parcel CASCADE'), ('DROP VIEW app.notes'), ('DROP FUNCTION app.one()'), ('DROP TYPE app.size'), ('DROP SCHEMA app CASCADE'),
	('DROP TABLE platform.job, app.parcel'), ('DROP OWNED BY enforcement_someone'), ('REASSIGN OWNED BY enforcement_someone TO enforcement_exempt'),
	('CREATE EXTENSION hstore'), ('CREATE PUBLICATION x FOR ALL TABLES'), ('CREATE FOREIGN DATA WRAPPER x'), ('CREATE CAST (app.size AS int) WITH INOUT'), ('CREATE LANGUAGE x HANDLER plpgsql_call_handler'),
	('CREATE EVENT TRIGGER x ON ddl_command_end EXECUTE FUNCTION mg_capture()'), ('ALTER EVENT TRIGGER mg_capture_start DISABLE'), ('ALTER EVENT TRIGGER mg_capture_end RENAME TO x'), ('ALTER EVENT TRIGGER mg_capture_end OWNER TO enforcement_exempt'), ('DROP EVENT TRIGGER mg_capture_drop'),
	('ALTER DOMAIN app.checked ADD CONSTRAINT seen CHECK (t.hides(VALUE))'), ('CREATE USER MAPPING FOR PUBLIC SERVER "a on pg_temp.b"'), ('CREATE POLICY "x on pg_temp.y" ON app.parcel'), ('SET LOCAL transaction_read_only = on; EXPLAIN ANALYZE CREATE TABLE app.x AS SELECT 1 AS i'),
	('EXPLAIN ANALYZE CREATE TABLE app.x AS SELECT 1 AS i'), ('EXPLAIN (ANALYZE, COSTS off) SELECT 1 AS i INTO app.x'), ('ALTER EXTENSION plpgsql UPDATE'), ('DROP EXTENSION plpgsql CASCADE'),
	('DO $$BEGIN CREATE TABLE app.x (i int); END$$'), ('DO $$BEGIN EXECUTE ''CREATE '' || ''TABLE app.x (i int)''; END$$'), ('DO $$BEGIN EXECUTE ''DO $i$BEGIN CREATE TABLE app.x (i int); END$i$''; END$$')) v (sql)
	WHERE sql !~ 'TRIGGER x ON app.parcel IS|SEQUENCE IF EXISTS|CONCURRENTLY';
SELECT ok(NOT t.there('app.x') AND to_regnamespace('x') IS NULL AND to_regtype('app.x') IS NULL AND to_regproc('app.x') IS NULL, 'and nothing of it was done');
SELECT is((SELECT string_agg(evtname::text || evtenabled::text, ',' ORDER BY evtname) FROM pg_event_trigger WHERE evtname ~ '^mg_'), 'mg_capture_dropA,mg_capture_endA,mg_capture_rewriteA,mg_capture_startA', 'nor with the event triggers');

-- Prepared, with parameters, by functions, with other roles, settings of all kinds.
PREPARE making AS SELECT 1 AS i;
SELECT is(t.brief('CREATE TABLE app.x AS EXECUTE making'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'block: CREATE TABLE AS EXECUTE');
DEALLOCATE making;
SELECT is(t.brief(format('SET %s; CREATE TABLE app.x (i int)', setting)), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'block: after SET ' || setting) FROM (VALUES
	('session_replication_role = replica'), ('migration_governance.protect_ledger = off'), ('migration_governance.log_level = debug5'), ('migration_governance.migration = ''by_migration'''), ('migration_governance.migration = ''nobody'''), ('search_path = app'), ('search_path = pg_temp, app'),
	('check_function_bodies = off'), ('default_transaction_isolation = ''repeatable read'''), ('client_min_messages = error'), ('role = enforcement_exempt'), ('application_name = pg_restore')) v (setting) WHERE setting !~ 'role = e';
RESET ALL;
SELECT is(t.brief('SET LOCAL session_replication_role = replica; SET LOCAL search_path = app; CREATE TABLE x (i int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'block: by search_path');

SELECT t.newest() AS mark \gset
\set ON_ERROR_STOP off
\set QUIET on
SELECT 1 AS i INTO app.x;
CREATE INDEX CONCURRENTLY x ON app.parcel (note);
DROP INDEX CONCURRENTLY app.parcel_note_old;
SELECT 1 AS i INTO TEMP tt3;
\set ON_ERROR_STOP on
SELECT ok(NOT t.there('app.x') AND t.there('app.parcel_note_old') AND t.there('tt3'), 'block: SELECT INTO, and what no transaction can run');
SELECT is(t.alerts(:mark), E'change outside migrations|high|SELECT INTO|app.x|true\nchange outside migrations|high|CREATE INDEX|app.parcel|true\nchange outside migrations|high|DROP INDEX|app.parcel_note_old|true', 'and an alert of each');

-- An error that somebody catches takes the statement along.
DO $$BEGIN CREATE TABLE app.caught (i int); EXCEPTION WHEN OTHERS THEN NULL; END$$;
DO $$BEGIN CREATE DOMAIN app.caught2 AS int; EXCEPTION WHEN OTHERS THEN NULL; END$$;
SELECT ok(NOT t.there('app.caught') AND to_regtype('app.caught2') IS NULL, 'a caught error leaves nothing');

-- Roles: only the one that logged in counts.
SELECT mg_set_policy('exempt_roles', 'enforcement_exempt, postgres_of_another', 'for the test');
SELECT is(t.brief('SET LOCAL ROLE enforcement_exempt; CREATE TABLE platform.x (i int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'block: SET ROLE to one that is exempt');
SELECT is(t.brief('ALTER ROLE enforcement_exempt LOGIN PASSWORD ''x'''), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'block: a role that is exempt is not taken over');
SELECT is(t.brief('CREATE ROLE postgres_of_another LOGIN SUPERUSER'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'nor made');
SELECT is(t.brief('ALTER ROLE enforcement_someone RENAME TO postgres_of_another'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'nor named so');
SELECT is(t.brief('ALTER ROLE enforcement_someone CONNECTION LIMIT 3'), 'no error', 'other roles are of the server, not of this database');
SELECT mg_set_policy('drift_scope', 'cluster', 'for the test');
SELECT is(t.brief('ALTER ROLE enforcement_someone CONNECTION LIMIT 4'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'unless drift is looked for there too');
SELECT mg_set_policy('drift_scope', NULL, 'for the test');
SELECT session_user AS me \gset
SELECT mg_set_policy('exempt_roles', :'me', 'for the test');
SELECT is(t.brief('CREATE TABLE app.by_exempt (i int)'), 'no error', 'a role that is exempt may');
SELECT mg_set_policy('exempt_roles', NULL, 'for the test');
SELECT is(t.brief('DROP TABLE app.by_exempt'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'until it is not any more');

-- What is no change of the schema, or nobody's business.
SELECT is(t.said(sql), 'no error', 'goes through: ' || sql) FROM (VALUES
	('CREATE TEMP TABLE tt (i int)'), ('ALTER TABLE tt ADD COLUMN j int'), ('CREATE INDEX ON tt (i)'), ('CREATE TABLE pg_temp.tt2 AS SELECT 1 AS i'), ('CREATE TEMP VIEW tv AS SELECT * FROM app.parcel'), ('CREATE VIEW tv2 AS SELECT * FROM tt'),
	('CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS ''SELECT 1'''), ('CREATE TYPE pg_temp.ty AS ENUM (''a'')'), ('CREATE TEMP SEQUENCE ts'), ('CREATE TRIGGER x BEFORE UPDATE ON tt FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'), ('COMMENT ON TABLE tt IS ''x'''), ('GRANT SELECT ON tt TO enforcement_someone'),
	('EXPLAIN ANALYZE CREATE TEMP TABLE tt4 AS SELECT 1 AS i'), ('EXPLAIN CREATE TABLE app.x AS SELECT 1 AS i'), ('DROP VIEW tv2'), ('DROP TABLE tt CASCADE'), ('DROP FUNCTION pg_temp.f()'),
	('CREATE TABLE IF NOT EXISTS app.parcel (i int)'), ('CREATE TABLE IF NOT EXISTS app.parcel AS SELECT 1'), ('DROP TABLE IF EXISTS app.nothing'), ('CREATE SCHEMA IF NOT EXISTS app'), ('CREATE INDEX IF NOT EXISTS parcel_pkey ON app.parcel (id)'), ('CREATE EXTENSION IF NOT EXISTS plpgsql'), ('DROP FUNCTION IF EXISTS app.nothing()'),
	('ALTER SEQUENCE IF EXISTS app.nothing RESTART'), ('DROP SCHEMA IF EXISTS nothing'),
	('REFRESH MATERIALIZED VIEW app.counted'), ('ANALYZE app.parcel'), ('REINDEX TABLE app.parcel'), ('CLUSTER app.parcel USING parcel_pkey'), ('TRUNCATE app.kinds'), ('INSERT INTO app.parcel VALUES (1, ''x'')'), ('SELECT lo_create(4711)'), ('GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC'), ('COMMENT ON LARGE OBJECT 4711 IS ''x'''),
	('SELECT mg_grant_right(''enforcement_someone'', ''apply'')'), ('SELECT mg_revoke_right(''enforcement_someone'', ''apply'')'), ('CREATE ROLE enforcement_new'), ('DROP ROLE enforcement_new')) v (sql);

-- Schemas.
SELECT mg_set_policy('ignored_schemas', 'platform', 'for the test');
SELECT is(t.rows($$SELECT value FROM mg_status() WHERE aspect = 'enforcement'$$), 'block in all schemas but platform', 'mg_status() tells the schemas');
SELECT is(t.said(sql), 'no error', 'an ignored schema: ' || sql) FROM (VALUES ('CREATE TABLE platform.y (i int)'), ('ALTER TABLE platform.y ADD COLUMN j app.size'), ('CREATE FUNCTION platform.f() RETURNS int LANGUAGE sql AS ''SELECT 1'''), ('GRANT SELECT ON platform.y TO enforcement_someone'), ('COMMENT ON SCHEMA platform IS ''x'''),
	('CREATE TRIGGER x BEFORE UPDATE ON platform.y FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'), ('DROP TRIGGER x ON platform.y'), ('CREATE POLICY p ON platform.y'), ('DROP POLICY p ON platform.y'), ('ALTER TABLE platform.y ALTER j SET DEFAULT ''s'''), ('DROP TABLE platform.y')) v (sql);
SELECT is(t.brief(sql), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'a way from an ignored schema: ' || sql) FROM (VALUES
	('ALTER TABLE platform.job SET SCHEMA app'), ('ALTER TABLE app.parcel SET SCHEMA platform'), ('ALTER FUNCTION app.one() SET SCHEMA platform'), ('ALTER FUNCTION platform.f() SET SCHEMA app'), ('ALTER TYPE app.size SET SCHEMA platform'), ('ALTER SCHEMA platform RENAME TO mine'), ('ALTER SCHEMA app RENAME TO platform2'),
	('DROP TYPE platform.kind CASCADE'), ('DROP SCHEMA platform CASCADE'), ('ALTER TABLE platform.roots ADD COLUMN x int'), ('ALTER TABLE platform.roots RENAME id TO x'), ('CREATE TABLE platform.part PARTITION OF app.many FOR VALUES FROM (10) TO (20)'), ('CREATE TABLE platform.child () INHERITS (app.parcel)'),
	('ALTER TABLE platform.job INHERIT app.leaf'), ('GRANT SELECT ON platform.job, app.parcel TO enforcement_someone')) v (sql);
SELECT mg_set_policy('ignored_schemas', NULL, 'for the test');
SELECT mg_set_policy('enforced_schemas', 'app', 'for the test');
SELECT is(t.brief('CREATE TABLE app.z (i int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'enforced_schemas: that one');
SELECT is(t.said('CREATE TABLE platform.z (i int)'), 'no error', 'and no other');
SELECT is(t.said('CREATE PUBLICATION z'), 'no error', 'nor what is in no schema');
SELECT is(t.brief('CREATE EXTENSION hstore SCHEMA platform'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'but what may do anything');
SELECT is(t.brief('ALTER EVENT TRIGGER mg_capture_start DISABLE'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'and what sees changes');
SELECT mg_set_policy('enforced_schemas', NULL, 'for the test');

-- Attribution.
SELECT mg_register('attributed', 'CREATE INDEX IF NOT EXISTS parcel_note ON app.parcel (note); ALTER TABLE app.parcel ADD COLUMN weight int', 'ALTER TABLE app.parcel DROP COLUMN weight');
SET migration_governance.migration = 'attributed';
SELECT is(t.said('alter table  app.parcel add /* so */ column weight int'), 'no error', 'a statement of the migration that is named');
SELECT is(t.said('ALTER TABLE app.parcel DROP COLUMN weight'), 'no error', 'or of its way back');
SELECT is(t.brief('ALTER TABLE app.parcel ADD COLUMN width int'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'no other');
SELECT mg_set_policy('require_down', 'on', 'for the test');
SELECT alike(t.said('CREATE INDEX CONCURRENTLY parcel_note ON app.parcel (note)'), 'MG409 %CALL mg_deploy(%', 'where there are gates, what mg_deploy() can run goes through them');
SELECT mg_set_policy('require_down', NULL, 'for the test');
CREATE INDEX CONCURRENTLY parcel_note ON app.parcel (note);
SELECT ok(t.there('app.parcel_note'), 'CREATE INDEX CONCURRENTLY of the migration');
SELECT mg_set_policy('require_down', 'on', 'for the test');
SELECT is(t.brief('ALTER TABLE app.parcel ADD COLUMN weight int'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'where there are gates, what mg_apply() can run goes through them');
SELECT alike(t.said('DROP INDEX CONCURRENTLY app.parcel_note'), 'MG409 %SELECT mg_register(%$up$DROP INDEX CONCURRENTLY app.parcel_note$up$); CALL mg_deploy(%', 'what it cannot run mg_deploy() can');
SELECT mg_set_policy('require_down', NULL, 'for the test');
SELECT is(t.brief('CREATE INDEX parcel_other ON app.parcel (note)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'another index is another statement');
SELECT is(t.brief('ALTER TABLE app.parcel ADD COLUMN "Weight" int'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'another column too');
RESET migration_governance.migration;

-- Breaking the glass.
SELECT is(t.brief(sql), said, sql) FROM (VALUES ('SELECT mg_break_glass('''')', '22023 breaking the glass needs a reason'), ('SELECT mg_break_glass(NULL)', '22004 reason must not be NULL'), ('SELECT mg_break_glass(''x'', NULL)', '22004 duration must not be NULL'),
	('SELECT mg_break_glass(''x'', ''0'')', '22023 a glass can be broken for at most 24 hours'), ('SELECT mg_break_glass(''x'', ''-1 hour'')', '22023 a glass can be broken for at most 24 hours'), ('SELECT mg_break_glass(''x'', ''24:00:01'')', '22023 a glass can be broken for at most 24 hours'),
	('SELECT mg_break_glass(''x'', ''1 month'')', '22023 a glass can be broken for at most 24 hours'), ('SELECT mg_break_glass(''x'', ''178000000 years'')', '22023 a glass can be broken for at most 24 hours'), ('BEGIN; END', '0A000 EXECUTE of transaction commands is not implemented'),
	('SELECT mg_end_break_glass()', format('55000 there is no broken glass of "%s"', session_user))) v (sql, said);
SELECT is(t.brief('SET LOCAL transaction_read_only = on; SELECT mg_break_glass(''x'')'), '25006 cannot break the glass in a read-only transaction', 'not in a read-only transaction');
SELECT t.newest() AS mark \gset
SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Kolkata';
SELECT ok(x BETWEEN now() + interval '19 minutes' AND clock_timestamp() + interval '20 minutes', 'mg_break_glass() gives until when') FROM mg_break_glass('the disk is full', '20 minutes') x;
RESET datestyle; RESET timezone;
SELECT is(t.alerts(:mark), 'break glass|high', 'an alert');
SELECT is(t.rows($$SELECT kind, subject = session_user, note FROM mg.evidence WHERE kind = 'break glass'$$), 'break glass|true|the disk is full', 'and evidence');
SELECT alike(t.rows($$SELECT value, ok FROM mg_status() WHERE aspect = 'broken glass'$$), session_user || ' until %: the disk is full|false', 'mg_status() says so');
SELECT t.newest() AS mark \gset
CREATE TABLE app.in_need (i int);
DROP VIEW app.notes;
SELECT is(t.alerts(:mark), NULL, 'what is done meanwhile is no alert of its own');
SELECT is(mg_end_break_glass(), 2::bigint, 'mg_end_break_glass() counts what was done');
SELECT is(t.brief('CREATE TABLE app.too_late (i int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'and ends it');
SELECT is(t.rows('SELECT login_role = session_user, reason, ended_at < now() + interval ''1 minute'', tag, object, statement, migration FROM mg_break_glass_report()'),
	E'true|the disk is full|true|CREATE TABLE|app.in_need|CREATE TABLE app.in_need (i int)|-\ntrue|the disk is full|true|DROP VIEW|app.notes|DROP VIEW app.notes|-', 'mg_break_glass_report() lists it');
SELECT mg_break_glass('again', '1 second');
SELECT pg_sleep(1.1);
SELECT is(t.brief('CREATE TABLE app.too_late (i int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'a glass mends by itself');
SELECT is(t.rows('SELECT reason, statement FROM mg_break_glass_report() OFFSET 2'), 'again|-', 'one under which nothing was done is listed too');
BEGIN; SELECT mg_break_glass('undone'); CREATE TABLE app.undone (i int); ROLLBACK;
SELECT is(t.brief('CREATE TABLE app.too_late (i int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'one that is undone is none');
BEGIN; SAVEPOINT s; SELECT mg_break_glass('undone'); CREATE TABLE app.undone (i int); ROLLBACK TO s;
SELECT is(t.brief('CREATE TABLE app.too_late (i int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'nor one of a savepoint');
ROLLBACK;

-- The policy is of now: what a transaction undoes does not hold, and it is not looked for in old snapshots.
BEGIN; SELECT mg_set_policy('enforcement', 'off', 'undone', 'production'); CREATE TABLE app.undone (i int); ROLLBACK;
SELECT is(t.brief('CREATE TABLE app.too_late (i int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'a policy that is undone does not hold');
BEGIN; SAVEPOINT s; SELECT mg_set_policy('enforcement', 'off', 'undone', 'production'); ROLLBACK TO s;
SELECT is(t.brief('CREATE TABLE app.too_late (i int)'), 'MG409 schema changes outside migrations are not allowed in environment "production"', 'nor one of a savepoint');
ROLLBACK;

SELECT is((SELECT count(*) FROM mg_verify() WHERE NOT ok AND migration IS NULL AND check_name ~ 'seal|record'), 0::bigint, 'the ledger is sound');
SELECT mg_set_policy('enforcement', 'off', 'the end', 'production');
SELECT mg_set_policy('enforcement', 'off', 'the end');
SELECT is(t.said('CREATE TABLE app.at_last (i int)'), 'no error', 'off again');
SELECT * FROM finish();
