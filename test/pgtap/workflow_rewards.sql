-- Preset rewards, by the phases of that team's policy: development, review, deployment; its three classes; rollbacks, alerts, integrity,
-- emergencies, conflicts.
\ir lib/workflow.sql

SELECT t.hire('rewards_ada', '{apply}');
SELECT t.hire('rewards_ben', '{apply,approve:review}');
SELECT t.hire('rewards_arch', '{approve:architecture}');
SELECT t.hire('rewards_ops', '{policy,approve:promotion,break_glass}');
GRANT rewards_ada TO rewards_ops;
SELECT t.found(database, environment, 'rewards', 'rewards_ada', $$
	CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, nick text);
	CREATE TABLE points (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, amount int NOT NULL);
	CREATE INDEX points_user ON points (user_id);
	INSERT INTO users SELECT n, n || '@example.com', 'n' || n FROM generate_series(1, 50) n;
	INSERT INTO points SELECT n, n, 10 FROM generate_series(1, 50) n$$)
FROM (VALUES ('rewards_development', 'development'), ('rewards_staging', 'staging'), (current_database(), 'production')) v (database, environment);

-- Phase 1, development: the file that Prisma makes, a rollback script, queries that count before and after.
INSERT INTO t.file VALUES ('20260901080000_add_user_roles', $$CREATE TYPE user_role AS ENUM ('user', 'merchant');
ALTER TABLE users ADD COLUMN role user_role NOT NULL DEFAULT 'user';$$, $$ALTER TABLE users DROP COLUMN role;
DROP TYPE user_role;$$, $$SELECT COUNT(*) FROM users WHERE role IS NULL; -- expect: 0$$);
SELECT alike(t.by('rewards_ada', $$SELECT mg_apply('001_add_user_roles', 'SELECT 1')$$, 'rewards_development'), 'MG001%YYYYMMDDHHMMSS_description%', 'names are Prisma''s');
SELECT is(t.told(t.by('rewards_ada', $$SELECT mg_apply('20260901080000_add_user_roles', 'SELECT 1')$$, 'rewards_development')), 'require_down', 'a rollback script goes with each');
SELECT is(t.apply('rewards_ada', '20260901080000_add_user_roles', 'rewards_development'), 'applied', 'applied');
SELECT is(t.done('rewards_ada', $$SELECT string_agg(x, '') FROM (SELECT DISTINCT role::text x FROM users) y$$, 'rewards_development'), 'user', 'who was there is a user');
SELECT is(t.apply('rewards_ada', '20260901080000_add_user_roles', 'rewards_development'), 'skipped', 'a second time it does nothing');
SELECT alike(t.by('rewards_ada', $$SELECT mg_apply('20260901080000_add_user_roles', 'SELECT 2', 'SELECT 1')$$, 'rewards_development'), 'MG003%', 'and it does not change any more');
SELECT is(t.done('rewards_ada', $$SELECT status FROM mg_rollback('20260901080000_add_user_roles')$$, 'rewards_development'), 'rolled back', 'the rollback script works');

-- Phase 2, review: what an application would trip over, and what it does to rows.
SELECT is((SELECT array[risk, backward_compatible::text] FROM mg_script_risk(up, down)), '{safe,true}', 'it is backward compatible') FROM t.file;
SELECT is((SELECT risk FROM mg_script_risk(up, down)), risk, risk || ': ' || up) FROM (VALUES
	('safe', 'ALTER TABLE users ADD COLUMN phone text', 'ALTER TABLE users DROP COLUMN phone'), ('safe', 'CREATE TABLE rewards (id int PRIMARY KEY)', 'DROP TABLE rewards'), ('safe', 'CREATE INDEX ON users (nick)', 'DROP INDEX users_nick_idx'),
	('controlled', 'ALTER TABLE users ALTER COLUMN nick SET NOT NULL', 'ALTER TABLE users ALTER COLUMN nick DROP NOT NULL'), ('controlled', 'ALTER TABLE points ALTER COLUMN amount TYPE bigint', 'ALTER TABLE points ALTER COLUMN amount TYPE int'),
	('controlled', 'ALTER TABLE users RENAME COLUMN nick TO name', 'ALTER TABLE users RENAME COLUMN name TO nick'), ('high-risk', 'ALTER TABLE users ADD COLUMN phone text NOT NULL', 'ALTER TABLE users DROP COLUMN phone'),
	('high-risk', 'ALTER TABLE users DROP COLUMN nick', 'ALTER TABLE users ADD COLUMN nick text'), ('high-risk', 'DROP TABLE points', 'CREATE TABLE points ()')) v (risk, up, down);
SELECT is((SELECT risk FROM mg_register('20260901070000_rename', 'ALTER TABLE users RENAME COLUMN nick TO name', 'ALTER TABLE users RENAME COLUMN name TO nick')), 'controlled', 'two that touch');
SELECT is((SELECT count(*) FROM mg_register('20260901070001_note', 'ALTER TABLE users ADD COLUMN note text', 'ALTER TABLE users DROP COLUMN note')), 1::bigint, 'the same table');
SELECT alike((SELECT string_agg(message, ' ') FROM mg_lint_migration('20260901070001_note') WHERE rule = 'conflicts-with-pending'), '%20260901070000_rename%', 'are told of one another');

-- Phase 3, deployment. Staging first.
SELECT is(t.told(t.by('rewards_ada', $$SELECT mg_apply('20260901080000_add_user_roles', 'ALTER TABLE users ADD COLUMN role text NOT NULL', 'SELECT 1')$$, 'rewards_staging')), 'lint_gate', 'staging holds back what cannot work');
SELECT is(t.apply('rewards_ada', '20260901080000_add_user_roles', 'rewards_staging'), 'applied', 'staging');
SELECT is(t.done('rewards_ada', 'SELECT count(*) FROM mg_verify() WHERE NOT ok', 'rewards_staging'), '0', 'and its smoke tests');
SELECT is(t.done('rewards_ada', 'CREATE TABLE tried ()', 'rewards_staging') || t.alerts('change outside migrations', 'rewards_staging'), 'CREATE TABLEwarning', 'drift is told there');

-- Production: all that is missing is told at once, and opened as it is told.
SELECT is(t.done('rewards_ops', $$SELECT mg_break_glass('points were stuck', '1 minute') > now()$$) || t.done('rewards_ops', 'ALTER TABLE points ALTER COLUMN amount SET DEFAULT 0') || t.done('rewards_ops', 'SELECT mg_end_break_glass()'), 'tALTER TABLE1', 'somebody had to help by hand');
SELECT mg_set_policy('maintenance_window', t.hours(false), 'low traffic', 'production');
SELECT is(t.told(t.by('rewards_ada', $$SELECT mg_apply('20260901080000_add_user_roles', 'ALTER TABLE users ADD COLUMN role text NOT NULL')$$), part),
	'backup_max_age lint_gate maintenance_window promoted_from require_down require_no_drift require_rehearsal required_approvals', 'production tells all that is missing, in its ' || part) FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT alike(t.by('rewards_ada', $$SELECT mg_apply('20260901080000_add_user_roles', 'ALTER TABLE users ADD COLUMN role text NOT NULL')$$), '%no review approval%its risk class is high-risk%no architecture approval%', 'high risk wants two people');
SELECT is(t.register('rewards_ada', '20260901080000_add_user_roles'), 'pending', 'the file of staging');
SELECT is(t.closed('20260901080000_add_user_roles'), 'backup_max_age maintenance_window promoted_from require_no_drift require_rehearsal', 'is safe, and wants nobody''s approval');
SELECT is(t.promote('rewards_ada', 'rewards_staging', 'rewards_ops', '20260901080000_add_user_roles'), '', 'staging says so');
SELECT is(t.done('rewards_ops', $$SELECT mg_record_backup('backup_20260901_080000.sql')$$), '', 'a backup');
SELECT mg_set_policy('maintenance_window', t.hours(true), 'low traffic', 'production');
SELECT is(mg_accept_drift('INC-7', 'public.points'), 1, 'drift is looked at');
SELECT is(t.by('rewards_ada', 'SELECT value FROM ' || t.way('20260901080000_add_user_roles', 'require_rehearsal') || $$ WHERE aspect = 'verdict'$$), 'restores', 'the rollback is tried');
SELECT is(t.closed('20260901080000_add_user_roles'), 'none', 'the way is free');
SELECT is(t.apply('rewards_ada', '20260901080000_add_user_roles'), 'applied', 'production');
SELECT mg_is_applied('20260901080000_add_user_roles', 'the schema tests find it');
SELECT mg_is_not_applied('20260901070000_rename', 'and nothing else');
SELECT mg_verifies('20260901080000_add_user_roles', 'data integrity is verified');
SELECT is(t.ticked('20260901080000_add_user_roles', 'compatible rollback-tested reviewed architecture promoted backup verified data-intact application-works'),
	'compatible -, rollback-tested yes, reviewed -, architecture -, promoted yes, backup yes, verified yes, data-intact -, application-works no', 'the checklist');
SELECT t.sign('rewards_ben', '20260901080000_add_user_roles', 'application-works');
SELECT is(t.ticked('20260901080000_add_user_roles', 'application-works'), 'application-works yes', 'with the health of the application');

-- Controlled ones: a review. High-risk ones: the architects as well.
INSERT INTO t.file VALUES ('20260902080000_nick_required', 'ALTER TABLE users ALTER COLUMN nick SET NOT NULL', 'ALTER TABLE users ALTER COLUMN nick DROP NOT NULL', 'SELECT COUNT(*) FROM users WHERE nick IS NULL; -- expect: 0'),
	('20260903080000_points_as_ledger', 'CREATE TABLE ledger (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, amount int NOT NULL); CREATE INDEX ledger_user ON ledger (user_id); INSERT INTO ledger SELECT id, user_id, amount FROM points; DROP TABLE points;',
	'CREATE TABLE points (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, amount int NOT NULL DEFAULT 0); CREATE INDEX points_user ON points (user_id); INSERT INTO points SELECT id, user_id, amount FROM ledger; DROP TABLE ledger;', 'SELECT sum(amount) FROM ledger; -- expect: 500');
SELECT is(t.deliver('20260902080000_nick_required', 'rewards_ada', 'rewards_staging', 'rewards_arch', 'rewards_ops'), 'required_approvals', 'NOT NULL without a review');
SELECT alike((SELECT why FROM mg_gates('20260902080000_nick_required') WHERE NOT is_open), 'it has no review approval, which is wanted because its risk class is controlled', 'is told why not');
SELECT is(t.by('rewards_ben', 'SELECT ' || t.way('20260902080000_nick_required', 'required_approvals')) || t.apply('rewards_ada', '20260902080000_nick_required'), 'applied', 'with one it goes');
SELECT is(t.deliver('20260903080000_points_as_ledger', 'rewards_ada', 'rewards_staging', 'rewards_ben', 'rewards_ops'), 'required_approvals', 'restructuring, reviewed');
SELECT is(t.way('20260903080000_points_as_ledger', 'required_approvals'), $$mg_approve('20260903080000_points_as_ledger', 'architecture')$$, 'wants the architects');
SELECT is(t.by('rewards_arch', 'SELECT ' || t.way('20260903080000_points_as_ledger', 'required_approvals')) || t.closed('20260903080000_points_as_ledger'), 'none', 'who have a look');
SELECT is(t.apply('rewards_ada', '20260903080000_points_as_ledger'), 'applied', 'and it is applied');

-- Alerts: half an hour, errors, data that is no more what it was.
SELECT is((SELECT string_agg(value, ' ') FROM mg.policy WHERE setting IN ('alert_after', 'alarm_after')), '30min 30min', 'what takes longer than 30 minutes');
INSERT INTO ledger VALUES (51, 1, 10);
SELECT is((SELECT count(*) FROM mg_verify() WHERE NOT ok), 1::bigint, 'rows change');
SELECT is(t.alerts('verification'), 'high 20260903080000_points_as_ledger', 'and an inconsistency is an alert');
DELETE FROM ledger WHERE id = 51;
SELECT alike(mg_metrics(), '%mg_run_duration_seconds_count%action="apply"%', 'durations are counted');

-- Failure in production: nothing stays of what fails; what is applied is rolled back by its script.
INSERT INTO t.file VALUES ('20260904080000_unique_nick', 'ALTER TABLE users ADD CONSTRAINT users_nick UNIQUE (nick)', 'ALTER TABLE users DROP CONSTRAINT users_nick', NULL);
SELECT is(t.deliver('20260904080000_unique_nick', 'rewards_ada', 'rewards_staging', 'rewards_ben', 'rewards_ops'), 'none', 'what goes well in staging');
UPDATE users SET nick = 'n1' WHERE id = 2;
SELECT alike(t.apply('rewards_ada', '20260904080000_unique_nick'), '23505%', 'fails in production');
SELECT is((SELECT string_agg(kind || ' ' || severity, ', ') FROM mg.alerts WHERE migration = '20260904080000_unique_nick'), 'failure high', 'which is an alert,');
SELECT is((SELECT count(*) FROM pg_constraint WHERE conname = 'users_nick'), 0::bigint, 'and leaves nothing');
SELECT is(t.done('rewards_ada', $$SELECT status FROM mg_rollback('20260903080000_points_as_ledger', 'the shop cannot find points')$$), 'rolled back', 'the one before is rolled back');
SELECT is((SELECT sum(amount) FROM points), 500::bigint, 'with every point');
SELECT is((SELECT severity || ' ' || (details ->> 'reason') FROM mg.alerts WHERE kind = 'rollback'), 'high the shop cannot find points', 'and told');
SELECT alike(t.by('rewards_ada', 'ALTER TABLE users ADD COLUMN hot_fix int'), 'MG409%mg_register(''20%_alter_public_users''%', 'a hot fix is a migration too');
SELECT is((SELECT count(*) FROM mg_drift_report()), 0::bigint, 'so that nothing drifts');
SELECT is((SELECT count(*) FROM mg_verify() WHERE NOT ok), 0::bigint, 'and all is on record');
SELECT t.leave();
SELECT * FROM finish();
