-- Preset devices, by the sections of that team's strategy: numbered files with rollbacks, safe, risky and complex changes, the production
-- workflow, rollbacks, development, emergencies, documents, health.
\ir lib/workflow.sql

SELECT t.hire('devices_ada', '{apply}');
SELECT t.hire('devices_ben', '{apply,approve:review}');
SELECT t.hire('devices_ops', '{policy,approve:promotion,break_glass}');
GRANT devices_ada TO devices_ops;
GRANT EXECUTE ON FUNCTION pg_create_restore_point TO devices_ada;

-- Production had a table of its own for what was applied: it is taken in, and a view takes its place.
CREATE TABLE schema_migrations (version VARCHAR(20) PRIMARY KEY, applied_at TIMESTAMP DEFAULT NOW(), description TEXT);
INSERT INTO schema_migrations VALUES ('001', '2024-01-10', 'initial_schema'), ('002', '2024-01-12', 'add_batch_tracking');
SELECT is((SELECT string_agg(migration || ' ' || status, ', ' ORDER BY applied_at) FROM mg_adopt_history('schema_migrations')), '001_initial_schema adopted, 002_add_batch_tracking adopted', 'the table of before is taken in');
ALTER TABLE schema_migrations RENAME TO schema_migrations_until_2026;
SELECT t.found(database, environment, 'devices', 'devices_ada', $$
	CREATE TABLE devices (id int PRIMARY KEY, serial text NOT NULL, batch text, place text);
	CREATE TABLE orders (id int PRIMARY KEY, device int REFERENCES devices);
	CREATE INDEX ON orders (device);
	INSERT INTO devices SELECT n, 'SN' || n, 'A', 'shelf ' || n FROM generate_series(1, 100) n;$$, 'public')
FROM (VALUES ('devices_development', 'development'), ('devices_staging', 'staging'), (current_database(), 'production')) v (database, environment);
SELECT is((SELECT string_agg(version || ' ' || description, ', ' ORDER BY version) FROM schema_migrations), '001 initial_schema, 002 add_batch_tracking', 'the view has what the table had');
SELECT is(t.done(session_user, $$SELECT status FROM mg_baseline('001_initial_schema', 'the schema as it is')$$, database), 'applied', 'in ' || database || ' the schema is migration 001') FROM unnest(ARRAY['devices_development', 'devices_staging']) database;

-- A file of the team: comments say what it is for, how long it takes and what it hangs on; it tests its data; the rollback is in another file.
CREATE FUNCTION pg_temp.file(name text, up text, down text, verify text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
INSERT INTO t.file VALUES (name, format(E'-- Purpose: the warehouse asked for it\n-- Estimated Time: 5 minutes\n-- Dependencies: application 2.4\n%s\nDO $x$\nBEGIN\n'
'  ASSERT (SELECT COUNT(*) FROM devices) > 0, ''Devices table should not be empty'';\n  ASSERT (SELECT COUNT(*) FROM devices WHERE serial IS NULL) = 0, ''No devices should have null serials'';\nEND $x$;', up), down, verify)
ON CONFLICT (name) DO UPDATE SET up = excluded.up, down = excluded.down, verify = excluded.verify $$;
SELECT pg_temp.file('003_add_location', 'ALTER TABLE devices ADD COLUMN location VARCHAR(255) DEFAULT ''Warehouse A'';', 'ALTER TABLE devices DROP COLUMN IF EXISTS location;', 'SELECT count(*) FROM devices WHERE location IS NULL; -- expect: 0');

-- Names and files.
SELECT alike(t.by('devices_ada', $$SELECT mg_apply('add_location', 'SELECT 1')$$, 'devices_development'), 'MG001%', 'a name without a number');
SELECT alike(t.by('devices_ada', $$SELECT mg_apply('001_something_else', 'SELECT 1', 'SELECT 1')$$, 'devices_development'), 'MG002%', 'a number that is taken');
SELECT is(t.told(t.by('devices_ada', $$SELECT mg_apply('003_add_location', '-- Purpose: ?')$$, 'devices_development'), part), 'require_down required_headers', 'what a file has to say is told, in the ' || part) FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT alike(t.by('devices_ada', $$SELECT mg_apply('003_add_location', '-- Purpose: ?', 'SELECT 1')$$, 'devices_development'), 'MG407%no header comment: estimated_time, dependencies%-- estimated_time: ...%', 'each by its name');

-- Types: safe ones, risky ones, and complex ones in their steps.
SELECT is((SELECT risk FROM mg_script_risk(up, down)), risk, up) FROM (VALUES
	('safe', 'CREATE TABLE shopify_orders (id int PRIMARY KEY)', 'DROP TABLE shopify_orders'), ('safe', 'ALTER TABLE devices ADD COLUMN location VARCHAR(255) DEFAULT ''Warehouse A''', 'ALTER TABLE devices DROP COLUMN location'),
	('safe', 'ALTER TABLE devices ADD CONSTRAINT has_serial CHECK (serial <> '''')', 'ALTER TABLE devices DROP CONSTRAINT has_serial'), ('safe', 'CREATE FUNCTION one() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'DROP FUNCTION one'),
	('high-risk', 'ALTER TABLE devices DROP COLUMN batch', 'ALTER TABLE devices ADD COLUMN batch text'), ('controlled', 'ALTER TABLE devices RENAME COLUMN batch TO lot', 'ALTER TABLE devices RENAME COLUMN lot TO batch'),
	('controlled', 'ALTER TABLE devices RENAME TO things', 'ALTER TABLE things RENAME TO devices'), ('controlled', 'ALTER TABLE orders ALTER COLUMN device SET NOT NULL', 'ALTER TABLE orders ALTER COLUMN device DROP NOT NULL'),
	('controlled', 'ALTER TABLE devices ALTER COLUMN id TYPE bigint', 'ALTER TABLE devices ALTER COLUMN id TYPE int'), ('high-risk', 'DROP TABLE devices CASCADE', 'SELECT 1')) v (risk, up, down);

-- Development: test it, with its rollback, as often as you like.
SELECT is(t.apply('devices_ada', '003_add_location', 'devices_development'), 'applied', 'applied');
SELECT is(t.done('devices_ada', 'SELECT status FROM mg_rollback(''003_add_location'')', 'devices_development'), 'rolled back', 'rolled back');
SELECT is(t.apply('devices_ada', '003_add_location', 'devices_development'), 'applied', 'and applied again');
SELECT is(t.done('devices_ada', 'SELECT count(*) FROM mg_rollback_to(''001_initial_schema'')', 'devices_development'), '1', 'or all of it at once');
SELECT is(t.done('devices_ada', 'CREATE TABLE scribble ()', 'devices_development') || t.alerts('change outside migrations', 'devices_development'), 'CREATE TABLEnone', 'by hand too');
SELECT pg_temp.file('004_empties', 'DELETE FROM orders; DELETE FROM devices;', 'SELECT 1');
SELECT alike(t.apply('devices_ada', '004_empties', 'devices_development'), 'P0004 Devices table should not be empty%', 'a test of its data that fails undoes it');
SELECT is(t.done('devices_ada', 'SELECT count(*) FROM devices', 'devices_development'), '100', 'all of it');

-- Staging, first.
SELECT is(t.apply('devices_ada', '003_add_location', 'devices_staging'), 'applied', 'staging');
SELECT is(t.done('devices_ada', 'SELECT count(*) FROM mg_verify() WHERE NOT ok', 'devices_staging'), '0', 'with its data whole');
SELECT is(t.done('devices_ada', 'CREATE TABLE scribble ()', 'devices_staging') || t.alerts('change outside migrations', 'devices_staging'), 'CREATE TABLEwarning', 'by hand is an alert there');

-- Production: what the checklist asks for is told at once, and each is opened as its hint says.
SELECT mg_set_policy('maintenance_window', t.hours(false), 'needed this time', 'production');
SELECT mg_set_policy('restore_point', 'on', 'a point to recover to', 'production');
SELECT is(t.done('devices_ops', $$SELECT mg_break_glass('a scanner was stuck', '1 minute') > now()$$) || t.done('devices_ops', 'ALTER TABLE devices ALTER COLUMN place SET DEFAULT ''floor''') || t.done('devices_ops', 'SELECT mg_end_break_glass()'), 'tALTER TABLE1', 'somebody had to help by hand');
SELECT is(t.told(t.by('devices_ada', $$SELECT mg_apply('003_add_location', 'ALTER TABLE devices ADD COLUMN location text NOT NULL')$$), part),
	'backup_max_age lint_gate maintenance_window promoted_from require_down require_no_drift require_rehearsal required_approvals required_headers', 'production tells all that is missing, in its ' || part) FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT is(t.register('devices_ada', '003_add_location'), 'pending', 'the file of staging');
SELECT is(t.closed('003_add_location'), 'backup_max_age maintenance_window promoted_from require_no_drift require_rehearsal required_approvals', 'has its comments and its rollback');
SELECT is((SELECT is_open FROM mg_gates('003_add_location') WHERE gate = 'require_disk'), true, 'there is room for it');
SELECT is((SELECT count(*) FROM mg_plan('003_add_location') WHERE estimate IS NULL AND lock_mode = 'AccessExclusiveLock'), 1::bigint, 'the plan has its lock');
SELECT is(t.promote('devices_ada', 'devices_staging', 'devices_ops', '003_add_location'), '', 'tested on staging');
SELECT is(t.by('devices_ben', 'SELECT ' || t.way('003_add_location', 'required_approvals')), '', 'reviewed by Ben');
SELECT is(t.done('devices_ops', $$SELECT mg_record_backup('backup_20260810_210000')$$), '', 'critical data backed up');
SELECT mg_set_policy('maintenance_window', t.hours(true), 'needed this time', 'production');
SELECT is((SELECT array_agg(identity || ' ' || property) FROM mg_drift_report()), '{public.devices.place default}', 'what was done by hand');
SELECT is(mg_accept_drift('INC-5, the next release has it', 'public.devices'), 1, 'is accepted with a reason');
SELECT is(t.by('devices_ada', 'SELECT value FROM ' || t.way('003_add_location', 'require_rehearsal') || $$ WHERE aspect = 'verdict'$$), 'restores', 'the rollback is tried');
SELECT is(t.closed('003_add_location'), 'none', 'and nothing is in the way');
SELECT ok((SELECT bool_and(estimate < '5 minutes') FROM mg_plan('003_add_location')), 'it takes less than was estimated');
SELECT is(t.apply('devices_ada', '003_add_location'), 'applied', 'applied');
SELECT is((SELECT count(*) FROM mg.evidence WHERE kind = 'restore point' AND subject = '003_add_location'), 1::bigint, 'behind a restore point');
SELECT mg_verifies('003_add_location', 'verified');
SELECT is(t.ticked('003_add_location', 'promoted data-intact duration rollback-tested window backup application-ready'), 'promoted yes, data-intact -, duration yes, rollback-tested yes, window -, backup yes, application-ready no', 'the checklist');
SELECT t.sign('devices_ben', '003_add_location', 'application-ready application-works');
SELECT is(t.ticked('003_add_location', 'application-ready application-works'), 'application-ready yes, application-works yes', 'and what people sign');
SELECT is((SELECT description FROM schema_migrations WHERE version = '003'), 'the warehouse asked for it', 'it stands in the table');

-- A complex one: a new name in three files; the last one is risky, and says so.
SELECT pg_temp.file('004_add_device_place', 'ALTER TABLE devices ADD COLUMN device_place VARCHAR(255);', 'ALTER TABLE devices DROP COLUMN IF EXISTS device_place;'),
	pg_temp.file('005_fill_device_place', 'UPDATE devices SET device_place = place;', 'UPDATE devices SET device_place = NULL;'),
	pg_temp.file('006_drop_place', 'ALTER TABLE devices DROP COLUMN place;', 'ALTER TABLE devices ADD COLUMN place text DEFAULT ''floor''; UPDATE devices SET place = device_place;');
SELECT is(t.deliver('004_add_device_place', 'devices_ada', 'devices_staging', 'devices_ben', 'devices_ops') || ' ' || t.apply('devices_ada', '004_add_device_place'), 'none applied', 'add');
SELECT is(t.deliver('005_fill_device_place', 'devices_ada', 'devices_staging', 'devices_ben', 'devices_ops') || ' ' || t.apply('devices_ada', '005_fill_device_place'), 'none applied', 'fill');
SELECT is(t.deliver('006_drop_place', 'devices_ada', 'devices_staging', 'devices_ben', 'devices_ops') || ' ' || t.apply('devices_ada', '006_drop_place'), 'none applied', 'and drop');
SELECT is((SELECT string_agg(migration || ' ' || risk, ', ' ORDER BY migration) FROM mg.status WHERE migration > '004'), '004_add_device_place safe, 005_fill_device_place safe, 006_drop_place high-risk', 'with the risk of each');

-- Emergencies: assess, roll back, write it down.
SELECT is(t.done('devices_ada', 'SELECT string_agg(migration || '' '' || status, '', '') FROM mg_rollback_to(''005_fill_device_place'', ''labels are printed from the old column'')'), '006_drop_place rolled back', 'the quick way back');
SELECT is((SELECT count(*) FROM devices WHERE place = 'shelf ' || id), 100::bigint, 'with every value');
SELECT is((SELECT details ->> 'reason' FROM mg.alerts WHERE kind = 'rollback'), 'labels are printed from the old column', 'is an alert with its reason');
SELECT is((SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations), '001 002 003 004 005', 'and no more in the table');

-- Documents: the log of a migration as it really was.
SELECT matches(mg_doc('006_drop_place'), 'Estimated time.*5 minutes.*### Purpose\n\nthe warehouse asked for it\n\n- dependencies: application 2\.4.*### Risk.*high-risk.*### Rollback.*ADD COLUMN place.*### Impact.*### Approvals.*devices_ben', 'date, time, risk, changes, rollback, approvals');

-- Health: the weekly look.
SELECT is((SELECT count(DISTINCT aspect) FROM mg_health() WHERE aspect IN ('activity', 'unused index', 'table bloat', 'connections')), 4::bigint, 'activity, index usage, bloat, connections');
SELECT mg_set_policy('required_tables', 'public.devices, public.orders', 'our list');
SELECT is((SELECT count(*) FROM mg_verify() WHERE NOT ok), 0::bigint, 'tables, columns and indexes are there');
SELECT alike(t.by('devices_ada', 'DROP INDEX orders_device_idx'), 'MG409%mg_register(''007_drop_public_orders_device_idx''%', 'and nobody changes them by hand');
REVOKE EXECUTE ON FUNCTION pg_create_restore_point FROM devices_ada;
SELECT t.leave();
SELECT * FROM finish();
