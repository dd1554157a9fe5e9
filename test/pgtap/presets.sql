-- Presets: each makes the choices of a team's policy, and a migration after that policy passes.
\ir lib/errors.sql
SELECT no_plan();
SET client_min_messages = warning;
CREATE FUNCTION t.preset(name text) RETURNS text LANGUAGE sql AS $$ SELECT t.said(format('SELECT * FROM mg_use_preset(%L)', name)) $$;
CREATE FUNCTION t.gates(name text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(string_agg(gate || CASE WHEN is_open THEN '' ELSE '!' END, ' ' ORDER BY gate), '') FROM mg_gates(name) $$;

SELECT is(t.preset('nobody'), E'22023 "nobody" is no preset\nHINT: Presets are: lootaura, scout, omnia, devices, rewards, supabase.', 'no preset');
SELECT alike(t.said($$SELECT * FROM mg_use_preset('scout', 'x', 'moon')$$), '22023 preset scout says nothing of environment "moon"%', 'an environment that it does not know');
SELECT is((SELECT count(DISTINCT preset) FROM mg_presets()), 6::bigint, 'six of them');
SELECT is(t.preset(preset), 'no error', 'every value is one that its setting can have: ' || preset) FROM (SELECT DISTINCT preset FROM mg_presets() ORDER BY 1) x;
SELECT is((SELECT count(*) FROM mg_presets() p WHERE NOT EXISTS (SELECT FROM mg_policy() s WHERE s.setting = p.setting)), 0::bigint, 'and its setting is one');
SELECT is((SELECT array[s.value, s.in_environment] FROM mg_policy('production') s WHERE s.setting = 'promoted_from'), '{staging,production}', 'the last one holds');
SELECT is((SELECT count(*) FROM mg_use_preset('lootaura', 'x', 'preview')), (SELECT count(*) FROM mg_presets() WHERE preset = 'lootaura' AND in_environment = 'preview'), 'for one environment only what is of it');
SELECT alike((SELECT source FROM mg_policy('preview') WHERE setting = 'lint_gate'), 'set by % at %: x', 'with the reason');

-- What every team has in common in development: names, headers and a way back, and nothing that stops work.
CREATE FUNCTION t.develop(preset text, name text, up text, down text, verify text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE made record;
BEGIN
	FOR made IN SELECT DISTINCT p.setting, p.in_environment FROM unnest(ARRAY[NULL, 'preview', 'staging', 'production']) e, mg_policy(e) p WHERE p.source <> 'default' LOOP
		PERFORM mg_set_policy(made.setting, NULL, 'a test', made.in_environment);
		PERFORM mg_set_policy(made.setting, NULL, 'a test');
	END LOOP;
	PERFORM mg_use_preset(preset);
	PERFORM mg_set_environment('development');
	RETURN (SELECT status FROM mg_apply(name, up, down, verify));
END $$;
SELECT is(t.develop('lootaura', '036_add_user_preferences', 'CREATE TABLE preferences (id int PRIMARY KEY)', 'DROP TABLE preferences', 'SELECT count(*) = 0 FROM preferences'), 'applied', 'lootaura');
SELECT alike(t.said($$SELECT t.develop('lootaura', '037_x', 'CREATE TABLE x (id int PRIMARY KEY)', NULL, NULL)$$), 'MG407%require_verify%', 'lootaura: verification queries');
SELECT is(t.develop('scout', '20260101120000_create_metrics', E'-- Author: ada\n-- Ticket: SCOUT-1\n-- Description: metrics\nCREATE TABLE metrics (id int PRIMARY KEY)', 'DROP TABLE metrics', NULL), 'applied', 'scout');
SELECT alike(t.said($$SELECT t.develop('scout', '20260101120001_create_x', 'CREATE TABLE x (id int PRIMARY KEY)', NULL, NULL)$$), 'MG407%required_headers: the up script has no header comment: author, ticket, description%require_down%', 'scout: headers and a way back');
SELECT alike(t.said($$SELECT t.develop('scout', '20260101120001_remove_x', 'SELECT 1', NULL, NULL)$$), 'MG001%', 'scout: types');
SELECT is(t.develop('omnia', '20260101_001_add_priority', E'-- Description: x\n-- Author: y\n-- Date: 2026-01-01\nCREATE TABLE priority (id int PRIMARY KEY)', 'DROP TABLE priority', NULL), 'applied', 'omnia');
SELECT is(t.develop('devices', '005_add_shopify', E'-- Purpose: orders\n-- Estimated Time: 5 minutes\n-- Dependencies: none\nCREATE TABLE shopify_orders (id int PRIMARY KEY)', 'DROP TABLE shopify_orders', NULL), 'applied', 'devices');
SELECT is(t.develop('rewards', '20260101120100_add_user_roles', 'CREATE TABLE roles (id int PRIMARY KEY)', 'DROP TABLE roles', NULL), 'applied', 'rewards');
SELECT is(t.develop('supabase', '20260101120200_init', 'CREATE TABLE profiles (id int PRIMARY KEY)', NULL, NULL), 'applied', 'supabase');

-- In production.
CREATE FUNCTION t.produce(preset text, name text, up text, down text, verify text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM t.develop(preset, name, up, down, verify);
	PERFORM mg_rollback(name, 'a test');
	PERFORM mg_set_environment('production');
	PERFORM mg_register(name, up, down, verify);
	RETURN t.gates(name);
END $$;
SELECT is(t.produce('lootaura', '040_a', 'CREATE TABLE a (id int PRIMARY KEY)', 'DROP TABLE a', 'SELECT true'), 'backup_max_age! lint_gate longest_transaction promoted_from! require_disk require_down require_no_drift! require_rehearsal! require_verify required_approvals!', 'lootaura: backup, preview, rehearsal, review');
SELECT is(t.produce('scout', '20260101120300_create_b', E'-- Author: ada\n-- Ticket: SCOUT-1\n-- Description: b\nCREATE TABLE b (id int PRIMARY KEY)', 'DROP TABLE b', NULL), 'backup_max_age! lint_gate promoted_from! require_down require_no_drift! require_rehearsal! required_approvals! required_headers ticket_pattern', 'scout: a ticket as well');
SELECT is(t.produce('rewards', '20260101120400_c', 'CREATE TABLE c (id int PRIMARY KEY)', 'DROP TABLE c', NULL), 'backup_max_age! lint_gate promoted_from! require_down require_no_drift! require_rehearsal! required_approvals', 'rewards: a safe migration needs no review');

-- The template of a policy as it stands, with its own history table, in production: rehearsed, approved by nobody, so only told.
SELECT is((SELECT count(*) FROM mg_use_preset('scout', 'preset', NULL, 'public') WHERE in_environment = 'staging'), (SELECT count(*) FROM mg_presets() WHERE preset = 'scout' AND in_environment = 'staging'), 'scout, with its history table');
SELECT mg_set_environment('development');
SELECT is((SELECT status FROM mg_apply('20260201120000_create_metrics', $up$
-- Migration: 20260201120000_create_metrics.sql
-- Author: ada
-- Ticket: SCOUT-7
-- Description: metrics of campaigns

DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM migrations_history WHERE migration_name = '20260201120000_create_metrics') THEN
    RAISE NOTICE 'applied already';
    RETURN;
  END IF;
END $$;

BEGIN;
CREATE TABLE campaign_metrics (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), metric_name text NOT NULL);
INSERT INTO migrations_history (migration_name, applied_at, applied_by)
VALUES ('20260201120000_create_metrics', NOW(), current_user);
COMMIT;
$up$, $down$
BEGIN;
DROP TABLE campaign_metrics;
DELETE FROM migrations_history WHERE migration_name = '20260201120000_create_metrics';
COMMIT;
$down$)), 'applied', 'the template runs as it stands');
SELECT is((SELECT applied_by FROM migrations_history WHERE migration_name = '20260201120000_create_metrics'), current_user::text, 'and stands in its table');
SELECT is((SELECT status FROM mg_rollback('20260201120000_create_metrics', 'a test')), 'rolled back', 'so does its way back');
SELECT is((SELECT count(*) FROM migrations_history WHERE migration_name = '20260201120000_create_metrics' AND NOT rollback_applied), 0::bigint, 'and is gone from it');

SELECT * FROM finish();
