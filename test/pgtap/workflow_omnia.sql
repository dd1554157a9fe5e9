-- Preset omnia, after that team's patterns: its template, safe and dangerous changes, tests, rollbacks, deployment, checklists, monitoring.
\ir lib/workflow.sql

SELECT t.hire('omnia_ada', '{apply}');
SELECT t.hire('omnia_ben', '{apply,approve:review}');
SELECT t.hire('omnia_ops', '{policy,approve:promotion}');
-- The template, filled in: comments, BEGIN, what must be there before, the steps, what must be there after, a row of the history, COMMIT.
CREATE FUNCTION t.file(name text, description text, before text, up text, after text, down text, verify text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
INSERT INTO t.file VALUES (name, format(E'-- Migration: %1$s.sql\n-- Description: %3$s\n-- Author: Ada\n-- Date: 2026-08-10\n\nBEGIN;\n\n'
'DO $x$\nBEGIN\n    IF NOT EXISTS (%4$s) THEN\n        RAISE EXCEPTION ''what it stands on is missing'';\n    END IF;\nEND\n$x$;\n\n%5$s\n\n'
'DO $x$\nBEGIN\n    IF NOT EXISTS (%6$s) THEN\n        RAISE EXCEPTION ''it did not come about'';\n    END IF;\nEND\n$x$;\n\n'
'INSERT INTO schema_migrations (version, description, applied_at)\nVALUES (%2$L, %3$L, NOW());\n\nCOMMIT;\n', name, substr(name, 1, 12), description, before, up, after),
format(E'-- Rollback: %1$s\n\nBEGIN;\n\n%3$s\n\nDELETE FROM schema_migrations\nWHERE version = %2$L;\n\nCOMMIT;\n', name, substr(name, 1, 12), down), verify)
ON CONFLICT (name) DO UPDATE SET up = excluded.up, down = excluded.down, verify = excluded.verify $$;
SELECT t.found(database, environment, 'omnia', 'omnia_ada', $$
	CREATE SCHEMA auth;
	CREATE TABLE auth.users (id uuid PRIMARY KEY);
	CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $f$ SELECT nullif(current_setting('request.user', true), '')::uuid $f$;
	CREATE TABLE user_enabled_modules (user_id uuid, module text, old_column int);
	CREATE TABLE user_data (id int PRIMARY KEY, old_name text, email text);
	CREATE TABLE user_settings (id int PRIMARY KEY, setting_value text);
	INSERT INTO user_data SELECT n, 'name ' || n, 'U' || n || '@EXAMPLE.COM' FROM generate_series(1, 2000) n;
	INSERT INTO user_settings VALUES (1, '5'), (2, 'many');
	INSERT INTO user_enabled_modules SELECT gen_random_uuid(), 'notes', 1 FROM generate_series(1, 20)$$, 'public')
FROM (VALUES ('omnia_development', 'development'), ('omnia_staging', 'staging'), (current_database(), 'production')) v (database, environment);

-- The template: its name, its comments, a way back; its checks hold or nothing happens.
SELECT t.file('20260810_001_add_priority', 'Modules have a priority', $$SELECT 1 FROM information_schema.tables WHERE table_name = 'user_enabled_modules'$$,
	$$ALTER TABLE user_enabled_modules
ADD COLUMN priority INTEGER DEFAULT 0 NOT NULL;

CREATE INDEX idx_user_enabled_modules_priority
ON user_enabled_modules(priority)
WHERE priority > 0;$$, $$SELECT 1 FROM information_schema.columns WHERE table_name = 'user_enabled_modules' AND column_name = 'priority'$$,
	$$DROP INDEX IF EXISTS idx_user_enabled_modules_priority;
ALTER TABLE user_enabled_modules DROP COLUMN IF EXISTS priority;$$, $$SELECT COUNT(*) FILTER (WHERE priority IS NULL) FROM user_enabled_modules; -- expect: 0$$);
SELECT alike(t.by('omnia_ada', $$SELECT mg_apply('2026-08-10_add_priority', 'SELECT 1')$$, 'omnia_development'), 'MG001%YYYYMMDD_NNN_description%', 'a name that has no date and number');
SELECT is(t.told(t.by('omnia_ada', $$SELECT mg_apply('20260810_001_add_priority', '-- Author: Ada')$$, 'omnia_development'), part), 'require_down required_headers', 'what the template would have is told, in the ' || part) FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT is(t.apply('omnia_ada', '20260810_001_add_priority', 'omnia_development'), 'applied', 'the template runs as it stands');
SELECT is(t.done('omnia_ada', 'SELECT version || '' '' || description || '' '' || (applied_at > now() - interval ''1h'') FROM schema_migrations', 'omnia_development'), '20260810_001 Modules have a priority true', 'and stands in its table');
SELECT is(t.done('omnia_ada', $$SELECT status FROM mg_rollback('20260810_001_add_priority')$$, 'omnia_development') || t.done('omnia_ada', 'SELECT count(*) FROM schema_migrations', 'omnia_development'), 'rolled back0', 'and its rollback takes it out');
SELECT t.file('20260810_002_fails_before', 'x', 'SELECT 1 WHERE false', 'CREATE TABLE never ();', 'SELECT 1', 'DROP TABLE never;'), t.file('20260810_003_fails_after', 'x', 'SELECT 1', 'CREATE TABLE never ();', 'SELECT 1 WHERE false', 'DROP TABLE never;');
SELECT alike(t.apply('omnia_ada', '20260810_002_fails_before', 'omnia_development'), 'P0001 what it stands on is missing%', 'a check before it stops it');
SELECT alike(t.apply('omnia_ada', '20260810_003_fails_after', 'omnia_development'), 'P0001 it did not come about%', 'and so does one after it');
SELECT is(t.done('omnia_ada', 'SELECT to_regclass(''never'')::text', 'omnia_development'), NULL, 'which leaves nothing');

-- Patterns: what is safe needs nobody's review, what is dangerous has its steps written out.
SELECT is((SELECT risk FROM mg_script_risk(substring(up from 'ALTER TABLE.*?> 0;'), 'SELECT 1')), 'safe', 'a column with a default and an index: safe') FROM t.file WHERE name ~ 'priority';
SELECT is((SELECT risk || ' ' || backward_compatible FROM mg_script_risk(up, down)), wanted, pattern) FROM (VALUES
	('a new table is safe', 'CREATE TABLE new_feature_data (id UUID PRIMARY KEY DEFAULT gen_random_uuid())', 'DROP TABLE new_feature_data', 'safe true'),
	('a column that goes breaks what runs, and loses', 'ALTER TABLE user_enabled_modules DROP COLUMN IF EXISTS old_column', 'ALTER TABLE user_enabled_modules ADD COLUMN old_column int', 'high-risk false'),
	('so does another type', 'ALTER TABLE user_settings ALTER COLUMN setting_value TYPE INTEGER USING setting_value::INTEGER', 'ALTER TABLE user_settings ALTER COLUMN setting_value TYPE text', 'high-risk false'),
	('so does a new name', 'ALTER TABLE user_data RENAME COLUMN old_name TO new_name', 'ALTER TABLE user_data RENAME COLUMN new_name TO old_name', 'controlled false'),
	('the first step of a new name does not', 'ALTER TABLE user_data ADD COLUMN new_name TEXT', 'ALTER TABLE user_data DROP COLUMN new_name', 'safe true'),
	('NOT NULL may', 'ALTER TABLE user_data ALTER COLUMN email SET NOT NULL', 'ALTER TABLE user_data ALTER COLUMN email DROP NOT NULL', 'controlled false')) v (pattern, up, down, wanted);
SELECT ok((SELECT bool_and(length(hint) > 50) AND bool_and(breaks) FROM mg_lint(script) WHERE rule = wanted), wanted || ' has its steps written out, and is told to break what runs') FROM (VALUES
	('rename-column', 'ALTER TABLE user_data RENAME COLUMN old_name TO new_name'), ('drop-column', 'ALTER TABLE user_data DROP COLUMN old_name'),
	('type-changes', 'ALTER TABLE user_settings ALTER COLUMN id TYPE bigint'), ('column-becomes-required', 'ALTER TABLE user_enabled_modules ALTER COLUMN module SET NOT NULL')) v (wanted, script);

-- Testing: in staging, on rows like production's, counted before and after.
SELECT is(t.told(t.apply('omnia_ada', '20260810_001_add_priority', 'omnia_staging')), 'require_rehearsal', 'staging wants the way back tried');
SELECT is(t.register('omnia_ada', '20260810_001_add_priority', 'omnia_staging') || t.rehearse('omnia_ada', '20260810_001_add_priority', 'omnia_staging'), 'pendingrestores', 'which it is');
SELECT is(t.done('omnia_ada', $$SELECT value FROM mg_rehearse('20260810_001_add_priority') WHERE aspect = 'rows'$$, 'omnia_staging'), '20 before, 20 between, 20 after', 'with the rows counted');
SELECT is(t.apply('omnia_ada', '20260810_001_add_priority', 'omnia_staging'), 'applied', 'applied in staging');
SELECT is(t.done('omnia_ada', 'ALTER TABLE user_data ADD COLUMN tried int', 'omnia_staging') || t.alerts('change outside migrations', 'omnia_staging') || t.done('omnia_ada', 'ALTER TABLE user_data DROP COLUMN tried', 'omnia_staging'), 'ALTER TABLEwarningALTER TABLE', 'changes by hand are warned of there');

-- Production: a safe migration needs no review; who blocks it is known before.
SELECT is(t.told(t.by('omnia_ada', $$SELECT mg_apply('20260810_001_add_priority', E'-- Author: A\n-- Date: today\nALTER TABLE user_data DROP COLUMN email, ADD COLUMN x int NOT NULL')$$), part),
	'lint_gate promoted_from require_down require_rehearsal required_approvals required_headers', 'production tells all that is missing, in its ' || part) FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT is(t.register('omnia_ada', '20260810_001_add_priority'), 'pending', 'the file itself');
SELECT is(t.closed('20260810_001_add_priority'), 'promoted_from require_rehearsal', 'is safe, and needs no review');
SELECT is(t.promote('omnia_ada', 'omnia_staging', 'omnia_ops', '20260810_001_add_priority'), '', 'staging says that it was there');
SELECT mg_set_policy('longest_transaction', '1s', 'for the test', 'production');
SELECT t.dblink_connect('reader', t.login('omnia_ada', current_database()));
SELECT t.dblink_exec('reader', 'BEGIN');
SELECT t.dblink_exec('reader', 'LOCK TABLE user_enabled_modules IN ACCESS SHARE MODE');
SELECT pg_sleep(1.1) \gset
SELECT is(t.done('omnia_ada', $$SELECT substring(string_agg(aspect || ' ' || object || ' ' || value, ', ') FROM 'blocked by.*omnia_ada') IS NOT NULL FROM mg_rehearse('20260810_001_add_priority') WHERE aspect IN ('verdict', 'blocked by')$$), 't', 'while somebody reads, a rehearsal says who it is');
SELECT alike((SELECT why || way FROM mg_gates('20260810_001_add_priority') WHERE gate = 'require_rehearsal'), 'the last rehearsal says: cannot be rehearsed%mg.rehearsals says what is in the way%', 'it has to be done again');
SELECT is(t.closed('20260810_001_add_priority'), 'longest_transaction require_rehearsal', 'and the gate that it takes too long');
SELECT alike((SELECT why FROM mg_gates('20260810_001_add_priority') WHERE gate = 'longest_transaction'), 'pid % (omnia_ada%) has been in a transaction for %', 'of whom');
SELECT is(t.dblink_exec('reader', 'COMMIT'), 'COMMIT', 'who ends it');
SELECT is(t.closed('20260810_001_add_priority'), 'require_rehearsal', 'so that it opens');
SELECT mg_set_policy('longest_transaction', '5min', 'as it was', 'production');
SELECT is(t.by('omnia_ada', 'SELECT value FROM ' || t.way('20260810_001_add_priority', 'require_rehearsal') || $$ WHERE aspect = 'verdict'$$), 'restores', 'then the rehearsal goes through,');
SELECT is(t.closed('20260810_001_add_priority'), 'none', 'and the way is free');
SELECT t.dblink_exec('reader', 'BEGIN'), t.dblink_exec('reader', 'LOCK TABLE user_enabled_modules IN ACCESS SHARE MODE');
SELECT alike((SELECT string_agg(note, ' ') FROM mg_plan('20260810_001_add_priority')), '%omnia_ada%', 'by now the plan says as well who is in the way');
SELECT is(t.dblink_exec('reader', 'COMMIT'), 'COMMIT', 'until he is gone');
SELECT is(t.left_to_do('20260810_001_add_priority', 'pre'), 'backup data-handled tested application-ready monitoring announced documented', 'before it: the backup is as needed, the rest is for people');
SELECT t.sign('omnia_ben', '20260810_001_add_priority', 'data-handled tested application-ready monitoring announced documented');
SELECT is(t.apply('omnia_ada', '20260810_001_add_priority'), 'applied', 'applied');
SELECT t.sign('omnia_ben', '20260810_001_add_priority', 'performance-watched logs-watched rollback-ready application-works performance-kept cleaned-up documentation reported');
SELECT mg_seal() \gset
SELECT is(t.left_to_do('20260810_001_add_priority', 'during') || ', ' || t.left_to_do('20260810_001_add_priority', 'post'), 'nothing, nothing', 'during and after it nothing is left to do');
SELECT is((SELECT version || ' ' || description FROM schema_migrations), '20260810_001 Modules have a priority', 'it stands in its table');
SELECT mg_verifies('20260810_001_add_priority', 'validated');

-- What the running application would trip over is reviewed by another one, in each of its phases.
SELECT t.file('20260811_001_add_new_name', 'The name under its new name', $$SELECT 1 FROM information_schema.columns WHERE table_name = 'user_data' AND column_name = 'old_name'$$, 'ALTER TABLE user_data ADD COLUMN new_name TEXT;', 'SELECT 1', 'ALTER TABLE user_data DROP COLUMN new_name;'),
	t.file('20260811_002_fill_new_name', 'Every name', 'SELECT 1', 'UPDATE user_data SET new_name = old_name WHERE new_name IS NULL;', 'SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM user_data WHERE new_name IS DISTINCT FROM old_name)', 'UPDATE user_data SET new_name = NULL;'),
	t.file('20260811_003_drop_old_name', 'The old name goes', 'SELECT 1', 'ALTER TABLE user_data DROP COLUMN old_name;', 'SELECT 1', 'ALTER TABLE user_data ADD COLUMN old_name text; UPDATE user_data SET old_name = new_name;');
SELECT is(t.register('omnia_ada', name, 'omnia_staging') || ' ' || t.rehearse('omnia_ada', name, 'omnia_staging') || ' ' || t.deliver(name, 'omnia_ada', 'omnia_staging', 'omnia_ada', 'omnia_ops'), wanted, name || ': ' || why) FROM (VALUES
	('20260811_001_add_new_name', 'pending restores none', 'breaks nothing')) v (name, wanted, why);
SELECT is(t.apply('omnia_ada', '20260811_001_add_new_name'), 'applied', 'phase 1');
SELECT is(t.register('omnia_ada', '20260811_002_fill_new_name', 'omnia_staging') || ' ' || t.rehearse('omnia_ada', '20260811_002_fill_new_name', 'omnia_staging') || ' ' || t.deliver('20260811_002_fill_new_name', 'omnia_ada', 'omnia_staging', 'omnia_ada', 'omnia_ops'), 'pending restores none', 'phase 2 fills it');
SELECT is(t.apply('omnia_ada', '20260811_002_fill_new_name'), 'applied', 'and the application is deployed, phase 3');
SELECT is(t.register('omnia_ada', '20260811_003_drop_old_name', 'omnia_staging') || ' ' || t.rehearse('omnia_ada', '20260811_003_drop_old_name', 'omnia_staging') || ' ' || t.deliver('20260811_003_drop_old_name', 'omnia_ada', 'omnia_staging', 'omnia_ada', 'omnia_ops'), 'pending restores, but column order required_approvals', 'phase 4 is what an old application would trip over');
SELECT alike((SELECT why FROM mg_gates('20260811_003_drop_old_name') WHERE NOT is_open), 'it has no review approval, which is wanted because its risk class is high-risk', 'which is why');
SELECT is(t.by('omnia_ben', 'SELECT ' || t.way('20260811_003_drop_old_name', 'required_approvals')), '', 'Ben reviews it');
SELECT is(t.apply('omnia_ada', '20260811_003_drop_old_name'), 'applied', 'and it goes');

-- Rollback procedures: the template, and one that keeps the data that it changes.
SELECT t.file('20260812_001_lower_emails', 'Addresses in small letters', 'SELECT 1', 'CREATE TABLE user_data_backup_20260812 AS SELECT id, email FROM user_data; UPDATE user_data SET email = lower(email);', 'SELECT 1',
	'UPDATE user_data d SET email = b.email FROM user_data_backup_20260812 b WHERE b.id = d.id; DROP TABLE user_data_backup_20260812;', 'SELECT count(*) FROM user_data WHERE email <> lower(email); -- expect: 0');
SELECT is(t.register('omnia_ada', '20260812_001_lower_emails', 'omnia_staging') || ' ' || t.rehearse('omnia_ada', '20260812_001_lower_emails', 'omnia_staging') || ' ' || t.deliver('20260812_001_lower_emails', 'omnia_ada', 'omnia_staging', 'omnia_ben', 'omnia_ops'), 'pending restores none', 'rows change, and change back');
SELECT is((SELECT value FROM mg_rehearse('20260812_001_lower_emails') WHERE aspect = 'values' AND object = 'public.user_data'), 'come back as they were', 'all of them');
SELECT is(t.apply('omnia_ada', '20260812_001_lower_emails'), 'applied', 'applied');
SELECT is((SELECT email FROM user_data WHERE id = 7), 'u7@example.com', 'they are small');
SELECT is(t.done('omnia_ada', $$SELECT status FROM mg_rollback('20260812_001_lower_emails')$$), 'rolled back', 'rolled back by its template');
SELECT is((SELECT email FROM user_data WHERE id = 7), 'U7@EXAMPLE.COM', 'they are what they were');
SELECT is((SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations), '20260810_001 20260811_001 20260811_002 20260811_003', 'which takes its row out');
SELECT is(t.alerts('rollback'), 'high 20260812_001_lower_emails', 'a rollback in production is an alert');

-- Schema validation, and nothing by hand.
SELECT mg_set_policy('required_tables', 'public.user_enabled_modules, public.tracking_entries', 'our list');
SELECT is((SELECT string_agg(object, ' ') FROM mg_verify() WHERE NOT ok), 'public.tracking_entries', 'a table of the list that is not there is told');
SELECT mg_set_policy('required_tables', 'public.user_enabled_modules', 'our list');
SELECT alike(t.by('omnia_ada', 'CREATE TABLE by_hand ()'), 'MG409%mg_register(''2026%_001_create_public_by_hand''%', 'by hand nothing is changed');
SELECT is((SELECT count(*) FROM mg_drift_report()), 0::bigint, 'and nothing has drifted');
SELECT is((SELECT count(*) FROM mg_health() WHERE aspect = 'activity') > 0, true, 'activity is in the health report');
SELECT t.leave();
SELECT * FROM finish();
