-- Templates that look into a history table of the team's own and write themselves into it, as they stand; and history tables of other tools.
\ir lib/errors.sql
SELECT no_plan();

-- A role that may run migrations, and has no right on schema mg.
CREATE ROLE history_deployer;
CREATE ROLE history_stranger;
GRANT USAGE, CREATE ON SCHEMA public TO history_deployer;
GRANT USAGE ON SCHEMA t TO history_deployer, history_stranger;
GRANT EXECUTE ON FUNCTION mg_apply, mg_register, mg_rollback, mg_rollback_to, mg_rehearse(text), mg_rehearse(text, text), mg_rehearse_all TO history_deployer;
SELECT mg_set_policy('naming', 'typed_timestamp', 'the convention of this policy');
SELECT mg_accept_drift('what the tests need');

-- What is there already stays.
CREATE TABLE migrations_history (migration_name text);
SELECT is(t.said($$SELECT mg_history_view('public', 'migrations_history')$$), '42P07 table public.migrations_history is there already
DETAIL: It is left as it is.
HINT: Take what it says into the ledger with SELECT * FROM mg_adopt_history(''public.migrations_history''), give it another name with ALTER TABLE ... RENAME, and call mg_history_view() again.', 'a table of that name is left alone');
SELECT is((SELECT relkind FROM pg_class WHERE oid = 'migrations_history'::regclass), 'r', 'and is still a table');
DROP TABLE migrations_history;
CREATE VIEW migrations_history AS SELECT 1;
SELECT alike(t.said($$SELECT mg_history_view('public', 'migrations_history')$$), '42P07 view public.migrations_history%', 'a view of somebody else''s is none of ours');
DROP VIEW migrations_history;

-- Arguments.
SELECT alike(t.said($$SELECT mg_history_view(NULL, 'migrations_history')$$), '22004 schema_name %', 'without a schema');
SELECT alike(t.said($$SELECT mg_history_view('public', NULL)$$), '22004 kind %', 'without a kind');
SELECT is(t.said($$SELECT mg_history_view('public', 'history')$$), '22023 there is no kind of history table called "history"
HINT: It is migrations_history or schema_migrations.', 'another kind');
SELECT alike(t.said($$SELECT mg_history_view('nowhere', 'migrations_history')$$), '3F000 schema "nowhere" does not exist%', 'no such schema');
SELECT alike(t.said($$SELECT mg_history_view('mg', 'migrations_history')$$), '22023 schema "mg" is not for%', 'not in ours');
SELECT alike(t.said($$SELECT mg_history_view('pg_catalog', 'schema_migrations')$$), '22023%', 'nor in the server''s');
SELECT alike(t.said($$SELECT mg_history_view('public', 'migrations_history', '{nobody_here}')$$), '42704%', 'for a role that is not there');
SELECT ok(NOT t.there('public.migrations_history'), 'which leaves nothing behind');
SELECT alike(t.said($$SELECT mg_history_view('public', 'migrations_history', ARRAY[NULL])$$), '22004 roles must not contain NULL%', 'for no role');
SET default_transaction_read_only = on;
SELECT alike(t.said($$SELECT mg_history_view('public', 'migrations_history')$$), '25006 cannot make a history view%', 'read-only');
RESET default_transaction_read_only;
GRANT EXECUTE ON FUNCTION mg_history_view, mg_adopt_history TO history_deployer;
SET SESSION AUTHORIZATION history_deployer;
SELECT alike(t.said($$SELECT mg_history_view('public', 'migrations_history')$$), '42501%', 'not by who does not own the database');
SELECT alike(t.said($$SELECT mg_adopt_history('pg_class')$$), '42501%', 'nor adoption');
RESET SESSION AUTHORIZATION;
REVOKE EXECUTE ON FUNCTION mg_history_view, mg_adopt_history FROM history_deployer;
SELECT mg_accept_drift('the grants');

-- Made, and nobody's but for whom it was made, whatever default privileges say.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO history_stranger, PUBLIC;
SELECT mg_accept_drift('a platform has default privileges');
SET search_path = '';
SELECT history || ' ' || status AS made FROM mg_history_view('public', 'migrations_history', '{history_deployer}') \gset
RESET search_path;
SELECT is(:'made'::text, 'public.migrations_history created', 'made');
SELECT is((SELECT history || ' ' || status FROM mg_history_view('public', 'migrations_history')), 'public.migrations_history kept', 'once');
SELECT is((SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'migrations_history'::regclass AND attnum > 0),
	'id integer, migration_name text, applied_at timestamp with time zone, applied_by text, execution_time interval, checksum text, rollback_applied boolean, rollback_at timestamp with time zone, metadata jsonb', 'the nine columns');
SELECT is((SELECT string_agg(DISTINCT a.grantee::regrole::text, ', ') FROM pg_class, aclexplode(relacl) a WHERE oid = 'migrations_history'::regclass AND a.grantee <> relowner), 'history_deployer', 'for one role only');
SELECT is((SELECT relowner::regrole::text FROM pg_class WHERE oid = 'migrations_history'::regclass), current_user::text, 'it is the caller''s');
SELECT is((SELECT count(*) FROM mg_drift_report()), 0::bigint, 'and no drift');
SELECT alike((SELECT string_agg(tag, ', ' ORDER BY id) FROM mg.statements WHERE identity LIKE '%public.migrations_history'), '%CREATE VIEW, CREATE TRIGGER, COMMENT, REVOKE, REVOKE, GRANT', 'but on record as any statement');
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM history_stranger, PUBLIC;
SELECT mg_accept_drift('no more');

-- The first team's template, unchanged, with its banners.
SELECT replace($up$-- Migration: 20250131093000_create_metrics.sql
-- Author: ada
-- Ticket: DASH-7
-- Description: Metrics of the dashboard

-- (banner)
-- Pre-checks
-- (banner)
DO $$
BEGIN
  -- Check if migration has already been applied
  IF EXISTS (
    SELECT 1 FROM migrations_history
    WHERE migration_name = '20250131093000_create_metrics'
  ) THEN
    RAISE NOTICE 'Migration already applied, skipping...';
    RETURN;
  END IF;
END $$;

-- (banner)
-- Migration Up
-- (banner)
BEGIN;

CREATE TABLE metrics (id int PRIMARY KEY, metric_name text NOT NULL);
CREATE TABLE looks (seen text);
INSERT INTO looks SELECT 'before: ' || count(*) FROM migrations_history;

-- Record migration
INSERT INTO migrations_history (migration_name, applied_at, applied_by)
VALUES ('20250131093000_create_metrics', NOW(), current_user);
INSERT INTO looks SELECT 'after: ' || string_agg(migration_name || ' ' || (applied_at = now()), ', ') FROM migrations_history;

COMMIT;
$up$, '-- (banner)', '-- ' || repeat('=', 44)) AS up, $down$-- Rollback: 20250131093000_create_metrics.down.sql
-- CAUTION: Review data loss implications before running

BEGIN;

DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM migrations_history WHERE migration_name = '20250131093000_create_metrics') THEN
    RAISE EXCEPTION 'not applied';
  END IF;
END $$;

DROP TABLE looks;
DROP TABLE metrics;

-- Remove migration record
DELETE FROM migrations_history
WHERE migration_name = '20250131093000_create_metrics';

DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM migrations_history WHERE migration_name = '20250131093000_create_metrics') THEN
    RAISE EXCEPTION 'still listed';
  END IF;
END $$;

COMMIT;
$down$ AS down, '20250131093000_create_metrics' AS name \gset
SET SESSION AUTHORIZATION history_deployer;
SELECT ok(NOT has_schema_privilege('mg', 'USAGE'), 'who runs it has no right on schema mg');
SELECT is((SELECT value FROM mg_rehearse(:'up', :'down') WHERE aspect = 'verdict'), 'restores', 'two scripts without a name are rehearsed');
SELECT is((SELECT status FROM mg_register(:'name', :'up', :'down')), 'pending', 'registered');
SELECT is((SELECT value FROM mg_rehearse(:'name') WHERE aspect = 'verdict'), 'restores', 'rehearsed before it is applied');
SELECT is((SELECT count(*) FROM migrations_history), 0::bigint, 'which is not history');
SELECT is((SELECT status FROM mg_apply(:'name', :'up', :'down', 'SELECT 1 FROM migrations_history WHERE migration_name = ''20250131093000_create_metrics''')), 'applied', 'applied, and verified by a look into the table');
SELECT is((SELECT string_agg(seen, ' ') FROM looks), 'before: 0 after: 20250131093000_create_metrics true', 'the script sees the row from where it wrote it on');
SELECT is(t.rows($$SELECT id, migration_name, rollback_applied, rollback_at, length(checksum), execution_time > '0' FROM migrations_history$$), '1|20250131093000_create_metrics|false|-|64|true', 'one row, as the ledger has it');
SELECT is((SELECT status FROM mg_apply(:'name', :'up', :'down')), 'skipped', 'again is skipped');
SELECT is((SELECT value FROM mg_rehearse(:'name') WHERE aspect = 'verdict'), 'restores', 'the way back is rehearsed');
SELECT is((SELECT count(*) FROM migrations_history), 1::bigint, 'and the row is still there');
SELECT is((SELECT status FROM mg_rollback(:'name')), 'rolled back', 'rolled back');
SELECT is((SELECT count(*) FROM migrations_history), 0::bigint, 'which takes the row away');
SELECT is((SELECT status FROM mg_apply(:'name', :'up', :'down')), 'applied', 'applied once more');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM mg.history_change), 0::bigint, 'no note is left');
SELECT is((SELECT count(*) FROM mg_drift_report()), 0::bigint, 'and nothing has drifted');
SELECT is((SELECT string_agg(rule, ', ') FROM mg_lint(:'up') WHERE line > 20 AND statement LIKE '%migrations_history (%'), NULL, 'the linter has nothing against the record');

-- Rehearsed as a stair: what comes first is listed for what comes next.
SELECT is((SELECT status FROM mg_register('20250201000000_create_one', 'INSERT INTO migrations_history (migration_name, applied_at, applied_by) VALUES (''20250201000000_create_one'', now(), current_user)', 'DELETE FROM migrations_history WHERE migration_name = ''20250201000000_create_one''')), 'pending', 'a first');
SELECT is((SELECT status FROM mg_register('20250202000000_create_two', $y$DO $x$ BEGIN ASSERT (SELECT count(*) FROM migrations_history) = 2; END $x$$y$, 'SELECT 1')), 'pending', 'and a second that looks for it');
SELECT is((SELECT string_agg(verdict, ', ') FROM mg_rehearse_all()), 'restores, restores', 'rehearsed one on top of the other');
SELECT is((SELECT count(*) FROM mg.history_change), 0::bigint, 'no note is left');

-- Only a migration's own row, and only by its own script.
SELECT is(t.said($$INSERT INTO migrations_history (migration_name, applied_at, applied_by) VALUES ('mine', now(), 'me')$$), '55000 cannot write to public.migrations_history by hand
DETAIL: It shows what mg_apply() has applied, and only the up script of the migration itself may write to it: "mine".
HINT: Apply it with mg_apply(name, up, down); what another tool has applied belongs into a table of another name, which mg_adopt_history() takes in.', 'not by hand');
SELECT alike(t.said('DELETE FROM migrations_history'), '55000 cannot delete from public.migrations_history by hand%HINT: Roll it back with mg_rollback(name).', 'nor deleted');
SELECT alike(t.said('UPDATE migrations_history SET rollback_applied = true'), '55000 cannot update public.migrations_history%HINT: Leave the UPDATE out.', 'nor changed');
SELECT alike(t.applying('20250301000000_fix_other', $$INSERT INTO migrations_history (migration_name, applied_at, applied_by) VALUES ('20250301000000_fix_another', now(), '')$$),
	'55000 migration "20250301000000_fix_other" cannot write to public.migrations_history for another one: "20250301000000_fix_another"%DETAIL: Its own row has the migration_name "20250301000000_fix_other".%', 'nor for another migration');
SELECT alike(t.applying('20250301000000_fix_other', 'INSERT INTO migrations_history (migration_name) VALUES (NULL)'), '55000%NULL%', 'nor for none');
SELECT alike(t.applying('20250301000000_fix_other', 'DELETE FROM migrations_history'), '55000 cannot delete from public.migrations_history here%Delete the row in the down script.%', 'an up script deletes nothing');
SELECT alike(t.applying('20250301000000_fix_other', 'SELECT 1', verify => $$INSERT INTO migrations_history (migration_name) VALUES ('20250301000000_fix_other')$$), '55000 cannot write to public.migrations_history here%', 'a verification writes nothing');
SELECT is((SELECT status FROM mg_apply('20250301000000_fix_other', 'SELECT 1', 'DELETE FROM migrations_history')), 'applied', 'a way back that takes all');
SELECT alike(t.said($$SELECT mg_rollback('20250301000000_fix_other')$$), '55000 migration "20250301000000_fix_other" cannot delete from public.migrations_history for another one: "20250131093000_create_metrics"%', 'takes none');
SELECT is((SELECT count(*) FROM migrations_history), 2::bigint, 'both are still there');
SELECT is((SELECT status FROM mg_register('20250301000000_fix_other', 'SELECT 1', $$INSERT INTO migrations_history (migration_name) VALUES ('20250301000000_fix_other')$$)), 'applied', 'a way back that writes');
SELECT alike(t.said($$SELECT mg_rollback('20250301000000_fix_other')$$), '55000 cannot write to public.migrations_history here%Write the row in the up script.%', 'writes nothing');

-- Other spellings of its own name.
SELECT is((SELECT string_agg(status, ', ') FROM (VALUES ('20250401000000_seed_a', '20250401000000_seed_a.sql'), ('20250402000000_seed_b', ' migrations/20250402000000_seed_b.up.sql'), ('20250403000000_seed_c', 'C:\db\20250403000000_seed_c.SQL')) v (name, given),
	mg_apply(name, format('INSERT INTO migrations_history (migration_name, applied_at, applied_by) VALUES (%L, now(), current_user)', given))), 'applied, applied, applied', 'a file''s suffix and folder do not count');
SELECT alike(t.applying('20250404000000_seed_d', $$INSERT INTO migrations_history (migration_name) VALUES ('20250404000000_SEED_D')$$), '55000%', 'letters do');

-- A row written in a part of the script that is undone is not there.
SELECT is((SELECT status FROM mg_apply('20250405000000_seed_e', $$DO $x$
BEGIN
	BEGIN
		INSERT INTO migrations_history (migration_name) VALUES ('20250405000000_seed_e');
		ASSERT (SELECT count(*) FROM migrations_history WHERE migration_name = '20250405000000_seed_e') = 1;
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
	ASSERT (SELECT count(*) FROM migrations_history WHERE migration_name = '20250405000000_seed_e') = 0;
END $x$; INSERT INTO migrations_history (migration_name) VALUES ('20250405000000_seed_e') RETURNING migration_name$$)), 'applied', 'undone with what it stood in');
SELECT alike(t.applying('20250406000000_seed_f', $$INSERT INTO migrations_history (migration_name) VALUES ('20250406000000_seed_f'); SELECT 1/0$$), '22012%', 'nor is that of a migration that fails');
SELECT is((SELECT count(*) FROM migrations_history WHERE migration_name LIKE '%seed_f'), 0::bigint, 'not listed');

-- What a view cannot do.
SELECT alike(t.said('TRUNCATE migrations_history'), '42809%', 'a limit: TRUNCATE');
SELECT alike(t.said('CREATE INDEX ON migrations_history (migration_name)'), '42809%', 'a limit: an index');
SELECT alike(t.applying('20250407000000_seed_g', $$INSERT INTO migrations_history (migration_name) VALUES ('20250407000000_seed_g') ON CONFLICT (migration_name) DO NOTHING$$), '42P10%', 'a limit: ON CONFLICT with columns');
SELECT is((SELECT status FROM mg_apply('20250407000000_seed_g', $$INSERT INTO migrations_history (migration_name) VALUES ('20250407000000_seed_g') ON CONFLICT DO NOTHING$$)), 'applied', 'without them it does');
SELECT is((SELECT status FROM mg_apply('20250408000000_seed_h', $$CREATE TABLE IF NOT EXISTS migrations_history (id serial); INSERT INTO migrations_history (migration_name) VALUES ('20250408000000_seed_h')$$)), 'applied', 'CREATE TABLE IF NOT EXISTS finds it');

-- The trigger is for these views.
CREATE TABLE other (version text);
SELECT alike(t.said('CREATE TRIGGER x BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION mg_keep_history(); INSERT INTO other VALUES (1)'), '39P01%', 'not before rows of a table');
SELECT alike(t.said('CREATE VIEW foreign_view AS SELECT 1 AS x; CREATE TRIGGER x INSTEAD OF INSERT ON foreign_view FOR EACH ROW EXECUTE FUNCTION mg_keep_history(); INSERT INTO foreign_view VALUES (1)'), '39P01%', 'nor of another view');
DROP TABLE other;

-- Another schema, whose name must be quoted; the same scripts find it by their search_path.
CREATE SCHEMA "Team A";
GRANT USAGE, CREATE ON SCHEMA "Team A" TO history_deployer;
SELECT is((SELECT history FROM mg_history_view('Team A', 'schema_migrations', '{history_deployer}')), '"Team A".schema_migrations', 'in a schema with a blank');
SELECT is((SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '"Team A".schema_migrations'::regclass AND attnum > 0),
	'version text, description text, applied_at timestamp with time zone', 'the three columns');

-- The second team's template, unchanged.
SELECT mg_set_policy('naming', 'date_sequence', 'the convention of this policy');
CREATE TABLE "Team A".required_table (id int);
ALTER TABLE "Team A".required_table OWNER TO history_deployer;
SELECT $up$-- Migration: 20250501_001_add_priority.sql
-- Description: Priority of what is required
-- Author: Ada
-- Date: 2025-05-01

BEGIN;

-- Pre-migration validation
DO $$
BEGIN
    -- Check preconditions
    IF NOT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = 'required_table') THEN
        RAISE EXCEPTION 'Required table does not exist';
    END IF;
END
$$;

-- Migration steps
ALTER TABLE required_table
ADD COLUMN priority INTEGER DEFAULT 0 NOT NULL;

-- Post-migration validation
DO $$
BEGIN
    -- Verify migration success
    IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'required_table' AND column_name = 'priority') THEN
        RAISE EXCEPTION 'Migration validation failed';
    END IF;
END
$$;

-- Record migration
INSERT INTO schema_migrations (version, description, applied_at)
VALUES ('20250501_001', 'Priority of what is required', NOW());

COMMIT;
$up$ AS up, $down$-- Rollback: 20250501_001_rollback_add_priority.sql

BEGIN;

-- Reverse migration steps in opposite order
ALTER TABLE required_table DROP COLUMN IF EXISTS priority;

-- Remove migration record
DELETE FROM schema_migrations
WHERE version = '20250501_001';

COMMIT;
$down$ AS down, '20250501_001_add_priority' AS name \gset
SET SESSION AUTHORIZATION history_deployer;
SET search_path = "Team A", public;
SELECT is((SELECT value FROM mg_rehearse(:'up', :'down') WHERE aspect = 'verdict'), 'restores', 'two scripts without a name are rehearsed');
SELECT is((SELECT status FROM mg_register(:'name', :'up', :'down')), 'pending', 'registered');
SELECT is((SELECT value FROM mg_rehearse(:'name') WHERE aspect = 'verdict'), 'restores', 'rehearsed');
SELECT is((SELECT status FROM mg_apply(:'name', :'up', :'down')), 'applied', 'applied');
SELECT is((SELECT status FROM mg_apply(:'name', :'up', :'down')), 'skipped', 'again');
SELECT is(t.rows($$SELECT version, description, applied_at < now() + interval '1 hour' FROM schema_migrations WHERE version LIKE '202505%'$$), '20250501_001|Priority of what is required|true', 'its row');
SELECT is((SELECT value FROM mg_rehearse(:'name') WHERE aspect = 'verdict'), 'restores', 'the way back is rehearsed');
SELECT is((SELECT status FROM mg_rollback(:'name')), 'rolled back', 'rolled back');
SELECT is((SELECT count(*) FROM schema_migrations WHERE version LIKE '202505%'), 0::bigint, 'no row');
SELECT is((SELECT status FROM mg_apply(:'name', :'up', :'down')), 'applied', 'applied once more');
SELECT alike(t.applying('20250502_001_other', $$INSERT INTO schema_migrations (version) VALUES ('20250502_002')$$), '55000 migration "20250502_001_other" cannot write to "Team A".schema_migrations for another one: "20250502_002"%DETAIL: Its own row has the version "20250502_001".%', 'not another version');
RESET search_path;
RESET SESSION AUTHORIZATION;

-- The third team's: a running number, and the columns that its table has.
SELECT mg_set_policy('naming', 'sequence', 'the convention of this policy');
SELECT is((SELECT status FROM mg_history_view('public', 'schema_migrations')), 'created', 'another schema');
SELECT is((SELECT status FROM mg_apply('005_add_shopify_tables', $$CREATE TABLE shopify_orders (id int PRIMARY KEY);
DO $x$
BEGIN
  ASSERT (SELECT COUNT(*) FROM shopify_orders) = 0, 'no order yet';
END $x$;
INSERT INTO schema_migrations (version, applied_at, description) VALUES ('005', NOW(), 'Shopify');$$, $$DROP TABLE shopify_orders; DELETE FROM schema_migrations WHERE version = '005'$$)), 'applied', 'a numbered one');
SELECT is((SELECT count(*) FROM schema_migrations WHERE version = '005'), 1::bigint, 'is listed by its number');
SELECT is((SELECT status FROM mg_apply('006_add_more', $$INSERT INTO schema_migrations (version) VALUES ('6')$$)), 'applied', 'zeros in front do not count');
SELECT is((SELECT status FROM mg_rollback('005_add_shopify_tables')), 'rolled back', 'and back');
SELECT is((SELECT count(*) FROM schema_migrations WHERE version = '005'), 0::bigint, 'without its row');
SELECT mg_set_policy('naming', 'free', 'before a convention is agreed');
SELECT is((SELECT status FROM mg_apply('20250601_001_free', $$INSERT INTO schema_migrations (version) VALUES ('20250601_001')$$)), 'applied', 'without a convention, the version that a convention would find');
SELECT is((SELECT status FROM mg_apply('007_free', $$INSERT INTO schema_migrations (version) VALUES ('007')$$)), 'applied', 'or another');
SELECT alike(t.applying('008_free', $$INSERT INTO schema_migrations (version) VALUES ('00')$$), '55000%', 'but not any');

-- Made by a migration, it belongs to that.
SELECT mg_accept_drift('what the tests made');
CREATE SCHEMA made;
SELECT mg_accept_drift('a schema');
SELECT is((SELECT status FROM mg_apply('view by migration', $$SELECT mg_history_view('made', 'migrations_history')$$, 'DROP VIEW made.migrations_history')), 'applied', 'called by a migration');
SELECT is((SELECT count(*) FROM mg_drift_report()), 0::bigint, 'expected as what the migration made');
SELECT is((SELECT status FROM mg_rollback('view by migration')), 'rolled back', 'and rolled back with it');
SELECT ok(NOT t.there('made.migrations_history'), 'gone');

-- History tables of other tools. What is recorded: name, time, and where it came from.
SELECT alike(t.said('SELECT mg_adopt_history(NULL)'), '22004 table_name%', 'no table');
SELECT alike(t.said($$SELECT mg_adopt_history('no_such_table')$$), '42P01%', 'no such table');
SELECT alike(t.said($$SELECT mg_adopt_history('migrations_history')$$), '22023 public.migrations_history shows the ledger itself%', 'not our own view');
SELECT alike(t.said($$SELECT mg_adopt_history('mg.history')$$), '22023 mg.history shows the ledger itself%', 'nor the ledger');
SELECT alike(t.said($$SELECT mg_adopt_history('metrics')$$), '22023 public.metrics is no history table of a known kind%DETAIL: Its columns are: id, metric_name.%', 'nor any table');
SELECT alike(t.said($$SELECT mg_adopt_history('metrics_pkey')$$), '42809%', 'nor an index');
CREATE TABLE go_migrations (version bigint, dirty boolean);
SELECT alike(t.said($$SELECT mg_adopt_history('go_migrations')$$), '22023 public.go_migrations is the table of golang-migrate%', 'a table with the newest version only');
SET default_transaction_read_only = on;
SELECT alike(t.said($$SELECT mg_adopt_history('go_migrations')$$), '25006%', 'read-only');
RESET default_transaction_read_only;

CREATE FUNCTION t.adopted(source regclass) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws('|', migration, status, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), note), E'\n') FROM mg_adopt_history(source)
$$;
CREATE FUNCTION t.recorded(name text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws('|', r.action, r.outcome, r.reason, r.execution_time, h.version, h.description) FROM mg.runs r LEFT JOIN mg.history h ON h.run_id = r.id WHERE r.migration = name ORDER BY r.id DESC LIMIT 1
$$;

SELECT mg_set_policy('naming', 'typed_timestamp', 'the convention of this policy');
CREATE TABLE "Old history" (id serial PRIMARY KEY, migration_name text UNIQUE NOT NULL, applied_at timestamptz, applied_by text NOT NULL, execution_time interval, checksum text, rollback_applied boolean DEFAULT false, rollback_at timestamptz, metadata jsonb);
INSERT INTO "Old history" (migration_name, applied_at, applied_by, execution_time, rollback_applied, rollback_at, metadata) VALUES
	('20200101000000_create_a', '2020-01-02 10:00+02', 'ada', '1.5 s', false, NULL, '{"ticket": "T-1"}'),
	('20200102000000_create_b', '2020-01-03 10:00+00', 'bob', NULL, true, '2020-01-05 11:00+00', NULL),
	('odd name', '2020-01-04 10:00+00', 'ada', NULL, NULL, NULL, NULL),
	('20200104000000_create_d.sql', '2999-01-04 10:00+00', 'ada', NULL, false, NULL, NULL),
	('20200105000000_create_e', NULL, 'ada', NULL, false, NULL, NULL),
	(E'two\nlines', '2020-01-06 10:00+00', 'ada', NULL, false, NULL, NULL),
	(repeat('x', 300), '2020-01-07 10:00+00', 'ada', NULL, false, NULL, NULL);
CREATE TEMP TABLE first_time AS SELECT * FROM mg_adopt_history('"Old history"');
SELECT is((SELECT string_agg(concat_ws('|', left(replace(migration, E'\n', '/'), 30), status, CASE WHEN applied_at > '2025-01-01' AND applied_at <= now() + interval '1 min' THEN 'now' ELSE to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') END, note), E'\n') FROM first_time), $$20200101000000_create_a|adopted|2020-01-02 08:00
20200102000000_create_b|skipped|2020-01-03 10:00|rolled back at 2020-01-05 11:00:00+00
odd name|adopted|2020-01-04 10:00
two/lines|skipped|2020-01-06 10:00|The name contains a control character.
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|skipped|2020-01-07 10:00|The name has 300 bytes, more than 200.
20200104000000_create_d|adopted|now|the table has a time to come: 2999-01-04 10:00:00.000000+00
20200105000000_create_e|adopted|now|the table does not say when$$, 'a team''s own table: what it says, each with its answer');
SELECT is(t.recorded('20200101000000_create_a'), 'adopt|applied|adopted from public."Old history": applied by ada|00:00:01.5|20200101000000', 'who and how long');
SELECT is((SELECT evidence -> 0 -> 'rows' -> 0 -> 'metadata' ->> 'ticket' FROM mg.runs WHERE migration = '20200101000000_create_a'), 'T-1', 'the row as it was');
SELECT is((SELECT count(*) FROM "Old history"), 7::bigint, 'the table is as it was');
SELECT is((SELECT string_agg(DISTINCT status, ', ') FROM mg_adopt_history('"Old history"')), 'known already, skipped', 'nothing twice');
SELECT is((SELECT count(*) FROM mg.runs WHERE action = 'adopt'), 4::bigint, 'four runs');
SELECT is((SELECT applied_at FROM migrations_history WHERE migration_name = '20200101000000_create_a'), '2020-01-02 08:00+00'::timestamptz, 'it is in the history, where it belongs');
SELECT is((SELECT body FROM mg.script JOIN mg.runs r USING (checksum) WHERE r.migration = 'odd name'), E'-- Migration: odd name\n-- Adopted: it was applied before; the history table does not have its text.\n', 'a script that says so');
SELECT is((SELECT string_agg(migration, ', ') FROM mg_verify() WHERE NOT ok), NULL, 'which verifies');
SELECT is((SELECT status FROM mg.status WHERE migration = 'odd name'), 'applied', 'and is applied');
SELECT is(t.said($$SELECT mg_rollback('odd name')$$), 'MG404 migration "odd name" has no down script
HINT: Hand one in with mg_register(name, up, down): the up script stays as it is.', 'no way back');

-- The text comes later, once.
SELECT is((SELECT status FROM mg_apply('20200101000000_create_a', 'CREATE TABLE a (i int)')), 'skipped', 'applied again with its file: skipped');
SELECT is((SELECT status FROM mg_register('20200101000000_create_a', 'CREATE TABLE a (i int)', 'DROP TABLE IF EXISTS a')), 'applied', 'registered with its file');
SELECT is((SELECT status FROM mg_apply('20200101000000_create_a', 'CREATE TABLE a (i int)')), 'skipped', 'which is the text from then on');
SELECT alike(t.applying('20200101000000_create_a', 'CREATE TABLE a (i bigint)'), 'MG003%', 'and no other');
SELECT is((SELECT status FROM mg_rollback('20200101000000_create_a')), 'rolled back', 'now there is a way back');
SELECT is((SELECT status || ' ' || (note LIKE 'rolled back since, at %') FROM mg_adopt_history('"Old history"') LIMIT 1), 'skipped true', 'and the table does not bring it back');

-- By version only: names come from what is registered, else from the description.
SELECT mg_set_policy('naming', 'date_sequence', 'the convention of this policy');
CREATE TABLE omnia (version text PRIMARY KEY, description text, applied_at timestamptz);
INSERT INTO omnia VALUES ('20210101_002', 'Second thing: more!', '2021-01-03'), ('20210101_001', 'Something else', '2021-01-02'), ('20210101_010', NULL, '2021-01-04'), ('', 'no version', '2021-01-05');
SELECT is((SELECT status FROM mg_register('20210101_001_first_thing', 'SELECT 1', 'SELECT 2')), 'pending', 'the file is registered');
SELECT is(t.adopted('omnia'), $$20210101_001_first_thing|adopted|2021-01-02 00:00
20210101_002_second_thing_more|adopted|2021-01-03 00:00
20210101_010|adopted|2021-01-04 00:00
|skipped|2021-01-05 00:00|The name is empty.$$, 'version, description, applied_at') FROM set_config('timezone', 'UTC', false);
SELECT is((SELECT string_agg(DISTINCT status, ', ') FROM mg_adopt_history('omnia')), 'known already, skipped', 'nothing twice');
SELECT is(t.recorded('20210101_002_second_thing_more'), 'adopt|applied|adopted from public.omnia|00:00:00|20210101_002|Second thing: more!', 'version and description');
SELECT is((SELECT string_agg(version, ' ' ORDER BY applied_at) FROM schema_migrations WHERE version LIKE '2021%'), '20210101_001 20210101_002 20210101_010', 'listed by version');
SELECT is((SELECT status FROM mg_rollback('20210101_001_first_thing')), 'rolled back', 'what was registered has its way back');
SELECT alike(t.applying('20210101_010_tenth', 'SELECT 1'), 'MG002 version 20210101_010 is taken by migration "20210101_010"%', 'a version is taken');

CREATE TABLE rails (version varchar PRIMARY KEY);
INSERT INTO rails VALUES ('20100101000000'), ('9'), ('10');
SELECT is((SELECT string_agg(concat_ws('|', migration, status, applied_at > '2025-01-01', note), ' ') FROM mg_adopt_history('rails')), '9|adopted|t|the table does not say when 10|adopted|t|the table does not say when 20100101000000|adopted|t|the table does not say when', 'versions only: in their order');
SELECT is((SELECT string_agg(migration, ' ' ORDER BY id) FROM mg.runs WHERE reason = 'adopted from public.rails'), '9 10 20100101000000', 'which is that of the history');

CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);
INSERT INTO supabase_migrations.schema_migrations VALUES
	('20220101000000', ARRAY['-- Author: ada' || E'\n' || 'CREATE TABLE s (i int)', 'CREATE INDEX CONCURRENTLY ON s (i)'], 'create_s'),
	('20220102000000', ARRAY['CREATE ROLE r PASSWORD ''hidden'''], 'with_secret'),
	('20220103000000', ARRAY['CREATE TABL'], 'broken'),
	('20220104000000', NULL, NULL), ('20220105000000', '{}', 'empty');
SELECT is((SELECT string_agg(concat_ws('|', migration, status, note), E'\n') FROM mg_adopt_history('supabase_migrations.schema_migrations')), $$20220101000000_create_s|adopted|the table does not say when
20220102000000_with_secret|adopted|the table does not say when; its text is left out: literal secret in a migration
20220103000000_broken|adopted|the table does not say when; its text is left out: syntax error at or near "TABL"
20220104000000|adopted|the table does not say when
20220105000000_empty|adopted|the table does not say when$$, 'Supabase');
SELECT is((SELECT body FROM mg.script JOIN mg.runs r USING (checksum) WHERE r.migration = '20220101000000_create_s'), E'-- Author: ada\nCREATE TABLE s (i int);\nCREATE INDEX CONCURRENTLY ON s (i);', 'with the text of its statements');
SELECT is((SELECT status FROM mg_register('20220101000000_create_s', E'-- The file.\nCREATE TABLE s (i int);\n\nCREATE INDEX CONCURRENTLY ON s (i);\n', 'DROP TABLE s')), 'applied', 'whose file may be spaced otherwise');
SELECT alike(t.said($$SELECT mg_register('20220101000000_create_s', 'CREATE TABLE s (i bigint);', 'DROP TABLE s')$$), 'MG003%', 'and say nothing else');
SELECT is((SELECT count(*) FROM mg.script WHERE body LIKE '%hidden%') + (SELECT count(*) FROM mg.run WHERE evidence::text LIKE '%hidden%'), 0::bigint, 'no secret is kept');

CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0);
INSERT INTO _prisma_migrations VALUES
	('1', 'x', '2023-01-01 00:00:02+00', '20230101000000_init', NULL, NULL, '2023-01-01 00:00:00+00', 1),
	('2', 'x', NULL, '20230102000000_roles', 'long', '2023-01-02 00:00:02+00', '2023-01-02 00:00:00+00', 0),
	('3', 'x', '2023-01-03 00:00:02+00', '20230102000000_roles', NULL, NULL, '2023-01-03 00:00:00+00', 1),
	('4', 'x', NULL, '20230103000000_more', 'long', NULL, '2023-01-04 00:00:00+00', 0);
SELECT is(t.adopted('_prisma_migrations'), $$20230101000000_init|adopted|2023-01-01 00:00
20230102000000_roles|skipped|rolled back at 2023-01-02 00:00:02+00
20230102000000_roles|adopted|2023-01-03 00:00
20230103000000_more|skipped|not finished$$, 'Prisma');
SELECT is(t.recorded('20230101000000_init'), 'adopt|applied|adopted from public._prisma_migrations|00:00:02|', 'with the time it took');

CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success boolean NOT NULL);
INSERT INTO flyway_schema_history VALUES
	(0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', '"x"', NULL, 'fly', '2019-01-01', 0, true),
	(1, '1', 'init', 'SQL', 'sub/V1__init.sql', 1, 'fly', '2019-01-02', 250, true),
	(2, '2', 'users', 'SQL', 'sub\V2__users.sql', 1, 'fly', '2019-01-03', 0, true),
	(3, '3', 'bad', 'SQL', 'V3__bad.sql', 1, 'fly', '2019-01-04', 0, false),
	(4, NULL, 'views', 'SQL', 'R__views.sql', 1, 'fly', '2019-01-05', 0, true),
	(5, NULL, 'views', 'SQL', 'R__views.sql', 2, 'fly', '2019-01-06', 0, true),
	(6, '2', 'users', 'UNDO_SQL', 'U2__users.sql', 1, 'fly', '2019-01-07', 0, true);
SET standard_conforming_strings = off;
SELECT is(t.adopted('flyway_schema_history'), $$"x"|skipped|2019-01-01 00:00|no migration: it made the schema
V1__init|adopted|2019-01-02 00:00
V2__users|skipped|2019-01-03 00:00|undone
V3__bad|skipped|2019-01-04 00:00|failed
R__views|skipped|2019-01-05 00:00|another row of that name comes later
R__views|adopted|2019-01-06 00:00
U2__users|skipped|2019-01-07 00:00|no migration: it undid one$$, 'Flyway');
RESET standard_conforming_strings;
SELECT is(t.recorded('V1__init'), 'adopt|applied|adopted from public.flyway_schema_history: applied by fly|00:00:00.25|1|init', 'with version and description');

CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL);
INSERT INTO pgmigrations (name, run_on) VALUES ('1512345678_create-users', '2017-12-04'), ('1512345679_more', '2017-12-05');
SELECT is(t.adopted('pgmigrations'), $$1512345678_create-users|adopted|2017-12-04 00:00
1512345679_more|adopted|2017-12-05 00:00$$, 'node-pg-migrate');
CREATE TABLE django_migrations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL);
INSERT INTO django_migrations (app, name, applied) VALUES ('auth', '0001_initial', '2018-01-01'), ('shop', '0001_initial', '2018-01-02');
SELECT is(t.adopted('django_migrations'), $$auth.0001_initial|adopted|2018-01-01 00:00
shop.0001_initial|adopted|2018-01-02 00:00$$, 'Django');

-- A table that row security hides in part is not half read.
CREATE ROLE history_owner;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO history_owner', current_database()); END $$;
CREATE TABLE hidden (migration_name text, applied_at timestamptz);
INSERT INTO hidden VALUES ('hidden one', '2016-01-01');
GRANT SELECT ON hidden TO history_owner;
GRANT USAGE ON SCHEMA t TO history_owner;
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE POLICY none ON hidden FOR SELECT USING (false);
SET SESSION AUTHORIZATION history_owner;
SELECT alike(t.said($$SELECT mg_adopt_history('hidden')$$), '42501%row-level security%', 'rows that are hidden');
RESET SESSION AUTHORIZATION;
ALTER TABLE hidden DISABLE ROW LEVEL SECURITY;
CREATE SCHEMA owned AUTHORIZATION history_owner;
SET SESSION AUTHORIZATION history_owner;
SELECT is((SELECT string_agg(status, ', ') FROM mg_adopt_history('hidden')), 'adopted', 'the database''s owner adopts what he may read');
SELECT is((SELECT status FROM mg_history_view('owned', 'migrations_history')), 'created', 'and has a view of his own');
SELECT ok((SELECT count(*) > 10 FROM owned.migrations_history), 'which shows the history');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(check_name, ', ') FROM mg_verify() WHERE NOT ok AND check_name LIKE 'ledger%'), NULL, 'the ledger is whole');

-- The views go with the extension, and keep it meanwhile.
SELECT mg_allow_removal('the end of the tests');
SELECT alike(t.said('DROP EXTENSION migration_governance'), '2BP01%migrations_history%', 'views stand on the extension');

SELECT * FROM finish();
