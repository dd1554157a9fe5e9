-- Preset scout, by the stages of that team's governance: locally, review, staging, production; then its categories, emergencies, monitoring
-- and compliance. Its templates run as they stand, with their own history table.
\ir lib/workflow.sql

SELECT t.hire('scout_ada', '{apply}');
SELECT t.hire('scout_ben', '{apply,approve:review}');
SELECT t.hire('scout_sue', '{approve:security}');
SELECT t.hire('scout_rex', '{approve:retention}');
SELECT t.hire('scout_ops', '{policy,approve:promotion,break_glass}');
-- The templates, filled in: look whether it is applied, BEGIN, the change, a row of the history, COMMIT; the way back takes its row along.
CREATE FUNCTION t.file(name text, description text, up text, down text, verify text DEFAULT NULL, ticket text DEFAULT 'SCOUT-7') RETURNS void LANGUAGE sql AS $$
INSERT INTO t.file VALUES (name, format(E'-- Migration: %1$s.sql\n-- Author: ada\n-- Ticket: %4$s\n-- Description: %2$s\n\n-- ====\n-- Pre-checks\n-- ====\n'
'DO $x$\nBEGIN\n  IF EXISTS (\n    SELECT 1 FROM migrations_history\n    WHERE migration_name = %1$L\n  ) THEN\n    RAISE NOTICE ''applied before'';\n    RETURN;\n  END IF;\nEND $x$;\n\n'
'-- ====\n-- Migration Up\n-- ====\nBEGIN;\n\n%3$s\n\nINSERT INTO migrations_history (migration_name, applied_at, applied_by)\nVALUES (%1$L, NOW(), current_user);\n\nCOMMIT;\n', name, description, up, ticket),
format(E'-- Rollback: %1$s.down.sql\n\nBEGIN;\n\n%2$s\n\nDELETE FROM migrations_history\nWHERE migration_name = %1$L;\n\nCOMMIT;\n', name, down), verify)
ON CONFLICT (name) DO UPDATE SET up = excluded.up, down = excluded.down, verify = excluded.verify $$;
SELECT t.found(database, environment, 'scout', 'scout_ada', $$
	CREATE SCHEMA auth;
	CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $f$ SELECT current_setting('request.role', true) $f$;
	CREATE SCHEMA scout_dash;
	CREATE TABLE scout_dash.campaigns (id int PRIMARY KEY, campaign_type text NOT NULL, start_date date, end_date date);
	INSERT INTO scout_dash.campaigns VALUES (1, 'mail', '2026-01-01', '2026-02-01'), (2, 'mail', '2026-03-01', NULL)$$, 'public')
FROM (VALUES ('scout_local', 'development'), ('scout_staging', 'staging'), (current_database(), 'production')) v (database, environment);

SELECT t.file('20260801120000_create_metrics', 'Metrics of campaigns', $$
CREATE TABLE IF NOT EXISTS scout_dash.metrics (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  metric_name TEXT NOT NULL,
  metric_value NUMERIC NOT NULL,
  recorded_at TIMESTAMPTZ DEFAULT NOW()
);
CREATE INDEX idx_metrics_recorded_at ON scout_dash.metrics(recorded_at);
ALTER TABLE scout_dash.metrics ENABLE ROW LEVEL SECURITY;
CREATE POLICY "metrics_read_policy" ON scout_dash.metrics
  FOR SELECT USING (auth.role() IN ('authenticated', 'service_role'));$$, 'DROP TABLE scout_dash.metrics;',
	$$SELECT relrowsecurity FROM pg_class WHERE oid = 'scout_dash.metrics'::regclass; SELECT count(*) FROM migrations_history WHERE migration_name = '20260801120000_create_metrics'; -- expect: 1$$);

-- Locally: the name has a type, comments say whose it is and why, and there is a way back.
SELECT alike(t.by('scout_ada', $$SELECT mg_apply('20260801120000_remove_metrics', 'SELECT 1')$$, 'scout_local'), 'MG001%create, alter, drop, seed%fix%', 'a type that is none');
SELECT is(t.told(t.by('scout_ada', $$SELECT mg_apply('20260801120000_create_metrics', '-- Author: ada')$$, 'scout_local'), part), 'require_down required_headers', 'what is missing is told, in its ' || part) FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT matches(t.done('scout_ada', $$SELECT name || up FROM mg_template('create', 'Metrics of campaigns', 'ada', 'SCOUT-7')$$, 'scout_local'), '^\d{14}_create_metrics_of_campaigns.*-- Author: ada\n-- Ticket: SCOUT-7\n-- Description: Metrics', 'the generator has all of it');
SELECT is(t.apply('scout_ada', '20260801120000_create_metrics', 'scout_local'), 'applied', 'the template runs as it stands');
SELECT is(t.done('scout_ada', $$SELECT applied_by || ' ' || length(checksum) || ' ' || (execution_time < '5s') || ' ' || rollback_applied FROM migrations_history$$, 'scout_local'), 'scout_ada 64 true false', 'its row has who, a SHA-256, and how long it took');
SELECT is(t.apply('scout_ada', '20260801120000_create_metrics', 'scout_local'), 'skipped', 'a second time it does nothing');
SELECT alike(t.by('scout_ada', $$SELECT mg_apply('20260801120000_create_metrics', 'SELECT 2', 'SELECT 3')$$, 'scout_local'), 'MG003%', 'nor is it changed under its name');
SELECT is(t.rehearse('scout_ada', '20260801120000_create_metrics', 'scout_local'), 'restores', 'the way back is tried,');
SELECT is(t.told(t.by('scout_ada', $$SELECT mg_rollback('20260801120000_create_metrics')$$, 'scout_local')), 'require_reason', 'wants a reason');
SELECT is(t.done('scout_ada', $$SELECT status FROM mg_rollback('20260801120000_create_metrics', 'only a try')$$, 'scout_local'), 'rolled back', 'and runs as it stands');
SELECT is(t.done('scout_ada', 'SELECT count(*) FROM migrations_history', 'scout_local'), '0', 'its row is gone');
SELECT is(t.done('scout_ada', $$SELECT rollback_applied || ' ' || (rollback_at IS NOT NULL) || ' ' || (metadata ->> 'rollback_reason') FROM mg.history$$, 'scout_local'), 'true true only a try', 'the ledger remembers it');

-- Review: what the checklist asks for is looked at by the linter, the team's own style with it.
SELECT is((SELECT string_agg(DISTINCT rule, ' ' ORDER BY rule) FROM mg_lint('CREATE TABLE scout_dash.x AS SELECT * FROM scout_dash.campaigns; UPDATE scout_dash.campaigns SET end_date = ''2026-01-01''') WHERE severity = 'warning' AND rule IN ('select-star', 'schema-and-rows-mixed', 'create-not-repeatable', 'header-missing', 'ticket-missing')),
	'create-not-repeatable header-missing schema-and-rows-mixed select-star ticket-missing', 'what the policy says not to do is told');
SELECT is(t.done('scout_ada', $$SELECT count(*) FROM mg_lint_migration('20260801120000_create_metrics') WHERE rule IN ('schema-and-rows-mixed', 'header-missing', 'ticket-missing', 'exposed-without-row-security')$$, 'scout_local'), '0', 'a row of the history is no data');

-- Staging: a backup first, the rollback tested.
SELECT is(t.told(t.apply('scout_ada', '20260801120000_create_metrics', 'scout_staging'), part), 'backup_max_age require_rehearsal', 'staging tells what is missing, in its ' || part) FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT is(t.register('scout_ada', '20260801120000_create_metrics', 'scout_staging'), 'pending', 'registered');
SELECT is(t.done('scout_ops', $$SELECT mg_record_backup('staging-backup-20260801')$$, 'scout_staging'), '', 'a backup');
SELECT is(t.rehearse('scout_ada', '20260801120000_create_metrics', 'scout_staging'), 'restores', 'a rehearsal');
SELECT is(t.apply('scout_ada', '20260801120000_create_metrics', 'scout_staging'), 'applied', 'applied');
SELECT is(t.done('scout_ada', 'SELECT count(*) FROM mg_verify() WHERE NOT ok', 'scout_staging'), '0', 'and validated');
SELECT is(t.done('scout_ada', 'CREATE TABLE scout_dash.tried ()', 'scout_staging') || t.alerts('change outside migrations', 'scout_staging'), 'CREATE TABLEwarning', 'by hand it is an alert');
SELECT is(t.done('scout_ada', 'DROP TABLE scout_dash.tried', 'scout_staging'), 'DROP TABLE', 'that is taken back');

-- Production: announced, backed up, approved by what it touches; what is missing is told at once.
SELECT mg_set_policy('maintenance_window', t.hours(false), 'announced', 'production');
SELECT is(t.told(t.by('scout_ada', $$SELECT mg_apply('20260801120000_create_metrics', E'-- Author: ada\n-- Ticket: soon\n-- Description: x\nALTER TABLE scout_dash.campaigns ADD COLUMN budget int NOT NULL')$$), part),
	'backup_max_age lint_gate maintenance_window promoted_from require_down require_rehearsal required_approvals ticket_pattern', 'production tells all that is missing, in its ' || part) FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT is(t.register('scout_ada', '20260801120000_create_metrics'), 'pending', 'the file that staging has');
SELECT is(t.closed('20260801120000_create_metrics'), 'backup_max_age maintenance_window promoted_from require_rehearsal required_approvals', 'has a ticket and a way back');
SELECT alike((SELECT why FROM mg_gates('20260801120000_create_metrics') WHERE gate = 'required_approvals'),
	'it has no review approval, which is wanted because every migration needs one here; it has no security approval, which is wanted because of line %', 'a new RLS policy wants the security team');
SELECT alike(t.by('scout_ada', $$SELECT mg_approve('20260801120000_create_metrics', 'review')$$), '42501%', 'Ada does not approve');
SELECT alike(t.by('scout_ben', $$SELECT mg_approve('20260801120000_create_metrics', 'security')$$), '42501%mg_grant_right(role_name, ''approve:security'')%', 'Ben not for the security team');
SELECT is(t.by('scout_ben', $$SELECT mg_approve('20260801120000_create_metrics', 'review', 'naming, comments, indexes')$$), '', 'but he reviews');
SELECT is(t.closed('20260801120000_create_metrics'), 'backup_max_age maintenance_window promoted_from require_rehearsal required_approvals', 'which is not enough');
SELECT is(t.way('20260801120000_create_metrics', 'required_approvals'), $$mg_approve('20260801120000_create_metrics', 'security')$$, 'as is told');
SELECT is(t.by('scout_sue', 'SELECT ' || t.way('20260801120000_create_metrics', 'required_approvals')), '', 'Sue approves of what it does to security');
SELECT is(t.promote('scout_ada', 'scout_staging', 'scout_ops', '20260801120000_create_metrics'), '', 'staging attests it');
SELECT is(t.done('scout_ops', $$SELECT mg_record_backup('prod-backup-20260801', 's3://scout/prod-backup-20260801.sql')$$), '', 'the backup of production');
SELECT mg_set_policy('maintenance_window', t.hours(true), 'announced', 'production');
SELECT is(t.by('scout_ada', 'SELECT value FROM ' || t.way('20260801120000_create_metrics', 'require_rehearsal') || $$ WHERE aspect = 'verdict'$$), 'restores', 'the rehearsal that the hint names');
SELECT is(t.closed('20260801120000_create_metrics'), 'none', 'the way is free');
SELECT is(t.apply('scout_ada', '20260801120000_create_metrics'), 'applied', 'applied');
SELECT mg_verifies('20260801120000_create_metrics', 'validated');
SELECT is(t.ticked('20260801120000_create_metrics', 'named described ticket rollback-tested reviewed security retention promoted backup executed verified no-alerts'),
	'named yes, described yes, ticket yes, rollback-tested yes, reviewed yes, security yes, retention -, promoted yes, backup yes, executed yes, verified yes, no-alerts yes', 'the checklists are ticked by evidence');
SELECT t.sign('scout_ben', '20260801120000_create_metrics', 'tested announced application-works performance-kept');
SELECT is(t.ticked('20260801120000_create_metrics', 'tested announced application-works reported'), 'tested yes, announced yes, application-works yes, reported no', 'and signed by people');
SELECT is((SELECT count(*) FROM mg_drift_report((SELECT snapshot FROM t.dblink(t.login('scout_ada', 'scout_staging'), 'SELECT mg_snapshot()') x (snapshot jsonb))) WHERE identity ~ 'scout_dash'), 0::bigint, 'staging and production are the same');

-- Categories: data by themselves, and what is deleted by who answers for retention.
SELECT t.file('20260802120000_seed_metrics', 'Campaigns as metrics', $$INSERT INTO scout_dash.metrics (metric_name, metric_value, recorded_at)
SELECT 'campaign_' || campaign_type, COUNT(*), NOW() FROM scout_dash.campaigns GROUP BY campaign_type;$$, 'DELETE FROM scout_dash.metrics WHERE metric_name LIKE ''campaign\_%'';', 'SELECT count(*) FROM scout_dash.metrics; -- expect: 1');
SELECT is(t.register('scout_ada', '20260802120000_seed_metrics', 'scout_staging'), 'pending', 'rows are a migration of their own');
SELECT is(t.rehearse('scout_ada', '20260802120000_seed_metrics', 'scout_staging'), 'restores', 'they come and go');
SELECT is(t.deliver('20260802120000_seed_metrics', 'scout_ada', 'scout_staging', 'scout_ben', 'scout_ops'), 'none', 'a data migration wants a review only');
SELECT is(t.apply('scout_ada', '20260802120000_seed_metrics'), 'applied', 'and is applied');
SELECT t.file('20260803120000_drop_end_date', 'Campaigns have no end', 'ALTER TABLE scout_dash.campaigns DROP COLUMN IF EXISTS end_date;', 'ALTER TABLE scout_dash.campaigns ADD COLUMN end_date date;');
SELECT is(t.register('scout_ada', '20260803120000_drop_end_date', 'scout_staging'), 'pending', 'a column is to go');
SELECT is(t.rehearse('scout_ada', '20260803120000_drop_end_date', 'scout_staging'), 'restores', 'it comes back,');
SELECT is(t.done('scout_ada', $$SELECT substring(value from ';.*') FROM mg_rehearse('20260803120000_drop_end_date') WHERE aspect = 'kept'$$, 'scout_staging'), '; down brings all of it back', 'with its values');
SELECT is(t.deliver('20260803120000_drop_end_date', 'scout_ada', 'scout_staging', 'scout_ben', 'scout_ops'), 'required_approvals', 'a review is not enough');
SELECT is(t.by('scout_rex', 'SELECT ' || t.way('20260803120000_drop_end_date', 'required_approvals')), '', 'Rex has looked at the retention policy');
SELECT is(t.closed('20260803120000_drop_end_date'), 'none', 'now it may');
SELECT is(t.apply('scout_ada', '20260803120000_drop_end_date'), 'applied', 'and does');
SELECT alike(t.by('scout_ada', $$SELECT mg_apply('20260804120000_create_index', E'-- Author: a\n-- Ticket: S-1\n-- Description: x\nCREATE INDEX CONCURRENTLY i ON scout_dash.campaigns (start_date)', 'DROP INDEX i')$$), '0A000%HINT: CALL mg_deploy() runs it: %', 'what no transaction can run has another way, which is told');

-- Emergency: what failed is found, and corrected; a rollback in production says why.
SELECT t.file('20260805120000_alter_campaigns', 'Types are known', 'ALTER TABLE scout_dash.campaigns ADD CONSTRAINT known_type CHECK (campaign_type = ''mail'');', 'ALTER TABLE scout_dash.campaigns DROP CONSTRAINT IF EXISTS known_type;');
SELECT is(t.register('scout_ada', '20260805120000_alter_campaigns', 'scout_staging') || t.rehearse('scout_ada', '20260805120000_alter_campaigns', 'scout_staging'), 'pendingrestores', 'staging');
SELECT is(t.deliver('20260805120000_alter_campaigns', 'scout_ada', 'scout_staging', 'scout_ben', 'scout_ops'), 'none', 'goes well');
INSERT INTO scout_dash.campaigns VALUES (3, 'radio');
SELECT alike(t.apply('scout_ada', '20260805120000_alter_campaigns'), '23514%', 'production does not');
SELECT is((SELECT string_agg(migration_name, ' ' ORDER BY id) FROM migrations_history WHERE applied_at > NOW() - INTERVAL '1 hour'), '20260801120000_create_metrics 20260802120000_seed_metrics 20260803120000_drop_end_date', 'the policy''s query finds what is applied,');
SELECT is((SELECT string_agg(migration || ' ' || error, ', ') FROM mg.runs WHERE outcome = 'failed'), '20260805120000_alter_campaigns check constraint "known_type" of relation "campaigns" is violated by some row', 'and the ledger what failed');
DELETE FROM scout_dash.campaigns WHERE id = 3;
SELECT is(t.apply('scout_ada', '20260805120000_alter_campaigns'), 'applied', 'applied again');
SELECT is(t.told(t.by('scout_ada', $$SELECT mg_rollback('20260805120000_alter_campaigns')$$), 'HINT'), 'require_reason', 'a rollback must say why');
SELECT is(t.done('scout_ada', $$SELECT status FROM mg_rollback('20260805120000_alter_campaigns', 'INC-9: radio is coming')$$), 'rolled back', 'and then is done');

-- Monitoring and alerts.
SELECT is((SELECT string_agg(kind || ' ' || severity, ', ' ORDER BY id) FROM mg.alerts WHERE migration = '20260805120000_alter_campaigns'), 'failure high, rollback high', 'failures and rollbacks are alerts');
SELECT is((SELECT value FROM mg.policy WHERE setting = 'alert_after'), '30s', 'so is what takes longer than 30 seconds');
SELECT is((SELECT count(*) FROM migrations_history WHERE execution_time > INTERVAL '5 seconds'), 0::bigint, 'nothing took more than five');
SELECT is((SELECT string_agg(migration, ' ') FROM mg.status WHERE status = 'rolled back'), '20260805120000_alter_campaigns', 'what is not applied is known');
SELECT alike(t.by('scout_ada', 'ALTER TABLE scout_dash.campaigns ADD COLUMN budget numeric'), 'MG409%mg_register(''20%_alter_scout_dash_campaigns''%', 'drift is prevented, and the way told by the convention');

-- Compliance: tickets, approvals, reasons.
SELECT is((SELECT string_agg(DISTINCT metadata -> 'headers' ->> 'ticket', ' ') FROM mg.history), 'SCOUT-7', 'each is traceable to a ticket');
SELECT is((SELECT string_agg(DISTINCT kind || ' ' || login_role, ', ' ORDER BY kind || ' ' || login_role) FROM mg.approval), 'retention scout_rex, review scout_ben, security scout_sue', 'approvals have names');
SELECT is((SELECT metadata ->> 'rollback_reason' FROM mg.history WHERE rollback_applied), 'INC-9: radio is coming', 'rollbacks have reasons');
SELECT is((SELECT count(*) FROM mg_verify() WHERE NOT ok), 0::bigint, 'and the ledger is whole');
SELECT t.leave();
SELECT * FROM finish();
