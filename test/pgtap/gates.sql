-- Gates: what each refuses, what it lets pass, and the way that its message tells.
\ir lib/errors.sql
SELECT * FROM no_plan();
SET client_min_messages = warning;
SELECT mg_set_environment('production', 'a test');

CREATE FUNCTION t.policy(setting text, value text) RETURNS void LANGUAGE sql AS $$ SELECT mg_set_policy(setting, value, 'a test', 'production') $$;
-- The gates that are closed, each with its reason; 'open' if all are.
CREATE FUNCTION t.closed(name text, action text DEFAULT 'apply') RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(string_agg(gate || ': ' || why, '; '), 'open') FROM mg_gates(name, action) WHERE NOT is_open $$;
CREATE FUNCTION t.refused(name text) RETURNS text LANGUAGE sql AS $$ SELECT t.said(format('SELECT mg_apply(%L)', name)) $$;
CREATE FUNCTION t.take(name text, up text, down text DEFAULT NULL, verify text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$ SELECT status FROM mg_register(name, up, down, verify) $$;

-- Nothing holds a migration back until somebody has said so.
SELECT is(t.take('m', 'CREATE TABLE m (i int)'), 'pending', 'a migration');
SELECT is((SELECT count(*) FROM mg_gates('m')), 0::bigint, 'no gate');

-- Headers and tickets.
SELECT t.policy('required_headers', 'author, Description');
SELECT is(t.closed('m'), 'required_headers: the up script has no header comment: author, Description', 'headers');
SELECT is(t.take('m', E'-- Author: me\n-- description:\nCREATE TABLE m (i int)'), 'pending', 'one of them, and an empty one');
SELECT is(t.closed('m'), 'required_headers: the up script has no header comment: Description', 'is told');
SELECT is(t.take('m', E'-- Author: me\n-- description: a table\n-- Ticket: OPS-12x\nCREATE TABLE m (i int)'), 'pending', 'both');
SELECT is(t.closed('m'), 'open', 'opens');
SELECT t.policy('ticket_pattern', 'OPS-\d+');
SELECT is(t.closed('m'), 'ticket_pattern: "OPS-12x" is no ticket', 'the pattern is for the whole of it');
SELECT is(t.take('m', E'-- Author: me\n-- description: a table\n-- Ticket: OPS-12\nCREATE TABLE m (i int)'), 'pending', 'a ticket');
SELECT is(t.closed('m'), 'open', 'opens');

-- All at once, with the way to open each, and nothing has run.
SELECT t.policy('require_down', 'on'); SELECT t.policy('require_verify', 'on');
SELECT is(t.refused('m'), E'MG407 migration "m" is held back by 2 gates in environment production\nDETAIL: require_down: it has no down script.\nrequire_verify: it has no verification queries.\nHINT: require_down: Hand one in with mg_register() or mg_apply().\nrequire_verify: Hand them in with mg_register() or mg_apply(): verify => ...', 'all of them are told');
SELECT ok(to_regclass('m') IS NULL, 'nothing has run');
SELECT is((SELECT string_agg(outcome || ' ' || phase, ',') FROM mg.runs WHERE migration = 'm'), 'refused gates', 'the attempt is on record');
SELECT is((SELECT count(*) FROM mg.runs WHERE migration = 'm' AND error LIKE '%held back by 2 gates%'), 1::bigint, 'with what held it back');
SELECT is(t.take('m', E'-- Author: me\n-- description: a table\n-- Ticket: OPS-12\nCREATE TABLE m (i int)', 'DROP TABLE m', 'SELECT count(*) = 0 FROM m'), 'pending', 'whole');
SELECT is(t.closed('m'), 'open', 'opens');

-- Rehearsal, and the time of the way back.
SELECT t.policy('require_rehearsal', 'on');
SELECT is(t.closed('m'), 'require_rehearsal: these scripts have never been rehearsed here', 'none');
SELECT count(*) AS facts FROM mg_rehearse('m') \gset
SELECT is(t.closed('m'), 'open', 'a rehearsal opens');
SELECT t.policy('rollback_budget', '0');
SELECT alike(t.closed('m'), 'require_rehearsal: its way back took % of 0', 'the way back takes too long');
SELECT t.policy('rollback_budget', NULL);
SELECT is(t.closed('m'), 'open', 'taken back');
SELECT t.policy('require_rehearsal', 'off');

-- The linter.
CREATE TABLE large AS SELECT i, i % 7 AS n FROM generate_series(1, 100000) i;
SELECT is(t.take('wide', E'-- author: me\n-- description: x\n-- ticket: OPS-1\nALTER TABLE large ALTER i SET NOT NULL', 'ALTER TABLE large ALTER i DROP NOT NULL', 'SELECT true'), 'pending', 'a warning');
SELECT t.policy('lint_gate', 'error');
SELECT is(t.closed('wide'), 'open', 'is no error');
SELECT t.policy('lint_gate', 'warning');
SELECT alike(t.closed('wide'), 'lint_gate: the linter finds 2 things, first in line 4, %', 'and holds back where warnings do');
SELECT is(t.take('wide', E'-- author: me\n-- description: x\n-- ticket: OPS-1\n-- mg:ignore set-not-null-scans at night\n-- mg:ignore no-lock-timeout at night\nALTER TABLE large ALTER i SET NOT NULL', 'ALTER TABLE large ALTER i DROP NOT NULL', 'SELECT true'), 'pending', 'answered for');
SELECT is(t.closed('wide'), 'open', 'opens');
SELECT t.policy('lint_gate', 'off');

-- Approvals: what is asked for. Giving them takes other people: test/tap/governance.pl.
SELECT t.policy('required_approvals', 'review, architecture, security, retention');
SELECT t.policy('required_headers', ''); SELECT t.policy('ticket_pattern', ''); SELECT t.policy('require_down', 'off'); SELECT t.policy('require_verify', 'off');
CREATE SCHEMA auth; CREATE TABLE auth.users (id int, name text); CREATE ROLE mg_gates_anon; INSERT INTO auth.users VALUES (1, 'x');
CREATE TABLE empty_one (i int);
CREATE FUNCTION t.asks(up text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce((SELECT string_agg(m[1], ' ' ORDER BY m[1]) FROM regexp_matches((SELECT t.take('asks', up)) || (SELECT t.closed('asks')), 'has no (\w+) approval', 'g') m), '') $$;
SELECT is(t.asks(up), asked, up) FROM (VALUES
	('CREATE TABLE fresh (i int)', 'review'),
	('CREATE TABLE fresh (i int); DROP TABLE fresh', 'review'),
	('DROP TABLE large', 'architecture retention review'),
	('DROP TABLE empty_one', 'retention review'),
	('DELETE FROM large WHERE i = 1', 'retention review'),
	('DO $$ BEGIN DELETE FROM large WHERE i = 1; END $$', 'retention review'),
	('DO $$ BEGIN EXECUTE ''DELETE FROM large WHERE i = 1''; END $$', 'retention review'),
	('DO $$ BEGIN EXECUTE ''DELETE FROM '' || ''large''; END $$', 'review security'),
	('MERGE INTO large USING (SELECT 1 AS i) s ON s.i = large.i WHEN MATCHED THEN DELETE', 'retention review'),
	('MERGE INTO large USING (SELECT 1 AS i) s ON s.i = large.i WHEN MATCHED THEN DO NOTHING', 'review'),
	('TRUNCATE empty_one', 'retention review'),
	('ALTER TABLE empty_one DROP COLUMN i', 'retention review'),
	('DROP SCHEMA auth', 'architecture retention review security'),
	('GRANT USAGE ON SCHEMA public, auth TO mg_gates_anon', 'review security'),
	('GRANT SELECT ON ALL TABLES IN SCHEMA auth TO mg_gates_anon', 'review security'),
	('ALTER SCHEMA auth RENAME TO auth2', 'review security'),
	('GRANT USAGE ON SCHEMA public TO mg_gates_anon', 'review'),
	('ALTER TABLE auth.users ADD COLUMN x int', 'review security'),
	('SET search_path = auth; ALTER TABLE users ADD COLUMN x int', 'review security'),
	('CREATE FUNCTION auth.f() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'review security'),
	('SELECT count(*) FROM auth.users', 'review'),
	('CREATE POLICY p ON large USING (true)', 'review security'),
	('DROP POLICY IF EXISTS p ON large', 'review security'),
	('ALTER TABLE large ENABLE ROW LEVEL SECURITY', 'review security'),
	('GRANT SELECT ON large TO PUBLIC', 'review security'),
	('GRANT SELECT ON large TO mg_gates_anon', 'review'),
	('REVOKE SELECT ON large FROM PUBLIC', 'review'),
	('ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC', 'review security'),
	('CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '''' AS ''SELECT 1''', 'review security'),
	('CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'review'),
	('CREATE ROLE somebody', 'review security'),
	('UPDATE large SET n = 1 WHERE i = pgp_sym_encrypt(''a'', ''b'')::text::int', 'review security'),
	('COMMENT ON TABLE large IS ''security definer, delete from auth.users''', 'review')) AS c (up, asked);
-- Nor is it to be had in disguise.
CREATE TABLE kept (i int, secret text); CREATE TABLE kick (i int); CREATE VIEW kept_view AS SELECT * FROM kept; CREATE TYPE mood AS ENUM ('a'); CREATE TABLE moody (m mood); CREATE ROLE mg_gates_group;
CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM kept; SELECT 1'; CREATE PROCEDURE wiped() LANGUAGE sql AS 'DELETE FROM kept';
SELECT is(replace(t.asks(up), 'architecture ', ''), 'retention review', up) FROM (VALUES
	('ALTER TABLE kept RENAME TO fresh; DROP TABLE fresh'), ('CREATE SCHEMA n; ALTER TABLE kept SET SCHEMA n; DROP TABLE n.kept'), ('ALTER TABLE kept RENAME secret TO x; ALTER TABLE kept DROP COLUMN x'), ('DELETE FROM kept_view'),
	('WITH d AS (DELETE FROM kept RETURNING 1) SELECT count(*) FROM d'), ('WITH d AS (DELETE FROM kept RETURNING i) INSERT INTO kick SELECT i FROM d'), ('EXPLAIN ANALYZE DELETE FROM kept'), ('EXPLAIN ANALYZE WITH d AS (DELETE FROM kept RETURNING 1) SELECT 1'), ('PREPARE p AS DELETE FROM kept; EXECUTE p'),
	('COPY (DELETE FROM kept RETURNING i) TO ''/dev/null'''), ('DECLARE c CURSOR FOR SELECT * FROM kept; FETCH c; DELETE FROM kept WHERE CURRENT OF c'), ('CREATE RULE r AS ON INSERT TO kick DO ALSO DELETE FROM kept'),
	('SELECT wipe()'), ('CALL wiped()'), ('SELECT * FROM wipe()'), ('DO $$ BEGIN PERFORM wipe(); END $$'), ('INSERT INTO kick SELECT wipe()'), ('INSERT INTO kick VALUES (wipe())'), ('UPDATE kick SET i = wipe()'), ('DELETE FROM kick WHERE i = wipe()'), ('CREATE TABLE fresh AS SELECT wipe()'), ('EXPLAIN ANALYZE SELECT wipe()'),
	('CREATE FUNCTION f() RETURNS void LANGUAGE sql AS ''DELETE FROM kept''; SELECT f()'), ('DROP TYPE mood CASCADE'), ('DROP EXTENSION pgtap')) AS c (up);
SELECT is(t.asks(up), 'review security', up) FROM (VALUES
	('WITH d AS (INSERT INTO auth.users VALUES (1) RETURNING 1) SELECT 1'), ('EXPLAIN ANALYZE UPDATE auth.users SET id = 2'), ('PREPARE p AS INSERT INTO auth.users VALUES (1)'), ('SELECT 1 AS i INTO auth.fresh'), ('ALTER TABLE "auth"."users" ADD COLUMN x int'), ('ALTER TABLE U&"\0061uth".users ADD COLUMN x int'),
	('SELECT set_config(''search_path'', ''auth'', false); ALTER TABLE users ADD COLUMN x int'), ('SELECT set_config(''search_path'', name, false) FROM auth.users'), ('SET LOCAL search_path TO public, auth'), ('DO $$ BEGIN PERFORM set_config(''search_path'', ''auth'', true); END $$'),
	('ALTER TABLE large OWNER TO anon'), ('ALTER FUNCTION wipe() OWNER TO anon'), ('CREATE SCHEMA n AUTHORIZATION anon'), ('CREATE SCHEMA n CREATE TABLE q (i int) GRANT SELECT ON q TO PUBLIC'), ('REASSIGN OWNED BY mg_gates_group TO anon'),
	('GRANT mg_gates_group TO mg_gates_anon'), ('GRANT pg_read_all_data TO mg_gates_group'), ('ALTER GROUP mg_gates_group ADD USER mg_gates_anon'), ('CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION mg_capture()'), ('ALTER EVENT TRIGGER mg_capture_end DISABLE'),
	('ALTER ROUTINE wipe() SECURITY DEFINER'), ('ALTER PROCEDURE wiped() EXTERNAL SECURITY DEFINER'), ('CREATE PROCEDURE p() LANGUAGE sql SECURITY DEFINER AS ''SELECT 1'''), ('GRANT SELECT (i) ON kept TO "anon"'), ('GRANT ALL ON ALL TABLES IN SCHEMA public TO anon')) AS c (up);
SELECT is(t.asks('DROP OWNED BY mg_gates_group'), 'retention review security', 'DROP OWNED');
SELECT is(t.asks(up), 'review', up) FROM (VALUES ('SELECT pg_catalog.set_config(''search_path'', '''', false)'), ('SET search_path = public'), ('WITH x AS (SELECT * FROM auth.users) SELECT count(*) FROM x'), ('PREPARE p AS SELECT * FROM kept'), ('REVOKE mg_gates_group FROM mg_gates_anon'), ('ALTER TABLE large OWNER TO mg_gates_group')) AS c (up);
-- The way back is asked about too, for what security asks.
CREATE FUNCTION t.asks_of(down text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce((SELECT string_agg(m[1], ' ' ORDER BY m[1]) FROM regexp_matches((SELECT t.take('asks', 'CREATE TABLE fresh (i int); ALTER TABLE kept ADD COLUMN n int', down)) || (SELECT t.closed('asks')), 'has no (\w+) approval', 'g') m), '') $$;
SELECT is(t.asks_of(down), asked, down) FROM (VALUES
	('DROP TABLE fresh; ALTER TABLE kept DROP COLUMN n', 'review'), ('DROP TABLE fresh; GRANT SELECT ON kept TO PUBLIC', 'review security'), ('DROP TABLE auth.users', 'review security'), ('DO $$ BEGIN EXECUTE ''DROP '' || ''TABLE fresh''; END $$', 'review security')) AS c (down, asked);
DROP TABLE kept CASCADE; DROP FUNCTION wipe(); DROP PROCEDURE wiped(); DROP ROLE mg_gates_group;
SELECT t.policy('security_roles', 'mg_gates_anon');
SELECT is(t.asks('GRANT SELECT ON large TO mg_gates_anon'), 'review security', 'a role of the team''s own list');
SELECT is(t.asks('GRANT SELECT ON large TO PUBLIC'), 'review', 'and one that is not on it');
SELECT t.policy('unreviewed_risk', 'safe');
SELECT is((SELECT t.asks('CREATE TABLE fresh (i int)')), 'review', 'without a way back it is controlled');
SELECT is((SELECT status FROM mg_register('asks', 'CREATE TABLE fresh (i int PRIMARY KEY)', 'DROP TABLE fresh')), 'pending', 'with one it is safe,');
SELECT is(t.closed('asks'), 'open', 'and needs no review');
SELECT t.policy('unreviewed_risk', 'high-risk');
SELECT is(t.asks('DROP TABLE large'), 'architecture retention', 'nor does anything');
SELECT is((SELECT approvals_needed FROM mg_register('asks', 'DROP TABLE large')), 2, 'registering tells how many are missing');
SELECT t.policy('approval_quorum', '3');
SELECT is((SELECT approvals_needed FROM mg_register('asks', 'DROP TABLE large')), 6, 'of each kind three people''s');
SELECT alike(t.said($$SELECT mg_approve('asks', 'retention')$$), E'MG408 nobody approves of a migration of their own%', 'one''s own is not approved of');
SET ROLE mg_gates_anon; RESET ROLE;
SELECT alike(t.said($$SELECT mg_approve('asks', 'beauty')$$), '22023%', 'no kind');
SELECT alike(t.said($$SELECT mg_approve('nobody')$$), 'MG004%', 'no migration');
SELECT t.policy('required_approvals', '');

-- Windows and freezes, in any time zone.
CREATE FUNCTION t.window_at(from_hour int, to_hour int, zone text) RETURNS text LANGUAGE sql AS $$
	SELECT format('Sun-Sat %s-%s %s', to_char(x + from_hour * interval '1 hour', 'HH24:MI'), to_char(x + to_hour * interval '1 hour', 'HH24:MI'), zone) FROM (SELECT clock_timestamp() AT TIME ZONE zone) AS s (x) $$;
SELECT is(t.take('m2', 'CREATE TABLE m2 (i int)'), 'pending', 'another');
-- The gates that are closed within such a window.
CREATE FUNCTION t.during(windows text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM t.policy('maintenance_window', windows); RETURN t.closed('m2'); END $$;
SELECT is(t.during(t.window_at(-1, 1, zone)), 'open', 'open in ' || zone) FROM unnest(ARRAY['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Pacific/Kiritimati', 'America/St_Johns']) AS zone;
SELECT alike(t.during(t.window_at(1, 2, zone)), 'maintenance_window: it is ___ __:__ ' || zone || ', outside of the maintenance window', 'closed in ' || zone) FROM unnest(ARRAY['UTC', 'Asia/Kathmandu']) AS zone;
SELECT is(t.during(t.window_at(1, 2, 'UTC') || '; ' || t.window_at(-2, 1, 'Europe/Berlin')), 'open', 'one of two is enough');
-- Of days: yesterday's over midnight, and over the end of the week.
CREATE FUNCTION t.day(days int) RETURNS text LANGUAGE sql AS $$ SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC' + days * interval '1 day', 'Dy') $$;
SELECT is(t.during(t.day(0) || ' 00:00-24:00'), 'open', 'today');
SELECT isnt(t.during(t.day(1) || '-' || t.day(6) || ' 00:00-24:00 UTC'), 'open', 'every day but today');
SELECT is(t.during(t.day(-1) || '-' || t.day(1) || ' 00:00-24:00 UTC'), 'open', 'from yesterday to tomorrow, over the end of the week or not');
SELECT is(t.during(t.day(-1) || ' 23:59-23:58 UTC'), CASE WHEN to_char(clock_timestamp() AT TIME ZONE 'UTC', 'HH24:MI') < '23:58' THEN 'open' END, 'yesterday''s, which goes over midnight');
SELECT is(t.said(format('SELECT t.policy(%L, %L)', 'maintenance_window', bad)) ~ '^22023', true, 'no window: ' || bad) FROM unnest(ARRAY['x', 'Mon', 'Mon 10:00', 'Mon 10:00-10:00', 'Mon 25:00-26:00', 'Mon-Foo 10:00-11:00', 'Mon 1:00-2:00', 'Mon 10:00-11:00 Nowhere/Land', 'Mon 10:00-11:00 UTC and more', 'Mon 24:00-10:00']) AS bad;
SELECT t.policy('maintenance_window', '');
SELECT t.policy('freeze', '2020-01-01 00:00 to 2020-02-01 00:00 UTC; 2020-03-01 00:00 to 2100-01-01 00:00 Europe/Berlin');
SELECT is(t.closed('m2') ~ '^freeze: nothing changes until (2099-12-31 23:00|2100)', true, 'a freeze');
SELECT t.policy('freeze', '2020-01-01 00:00 to 2020-02-01 00:00 UTC');
SELECT is(t.closed('m2'), 'open', 'one that is over');
SELECT is(t.said(format('SELECT t.policy(%L, %L)', 'freeze', bad)) ~ '^220', true, 'no freeze: ' || bad) FROM unnest(ARRAY['x', '2020-01-01 to 2021-01-01', '2021-01-01 00:00 to 2020-01-01 00:00', '2020-13-01 00:00 to 2021-01-01 00:00', '2020-01-01 00:00 till 2021-01-01 00:00']) AS bad;

-- Backups.
SELECT alike(t.said($$SELECT t.policy('backup_max_age', '500ms')$$), '22023 backup_max_age is whole seconds, or empty, not "500ms"%', 'half a second is not taken for none');
SELECT t.policy('backup_max_age', '1d');
SELECT is(t.closed('m2'), 'backup_max_age: no backup is on record', 'none');
SELECT mg_record_backup('old', 's3://old', clock_timestamp() - interval '3 days');
SELECT is(t.closed('m2'), 'backup_max_age: the newest backup on record is 3 days old, and may be 1d', 'an old one');
SELECT mg_record_backup('new');
SELECT is(t.closed('m2'), 'open', 'a new one');
SELECT alike(t.said($$SELECT mg_record_backup('x', NULL, clock_timestamp() + interval '1 hour')$$), '22023%', 'one that is not taken yet');
SELECT alike(t.said($$SELECT mg_record_backup(' ')$$), '22023%', 'one without a label');
SELECT t.policy('backup_max_age', '');

-- Drift.
SELECT mg_accept_drift('a test') \gset
SELECT t.policy('require_no_drift', 'on');
SELECT is(t.closed('m2'), 'open', 'no drift');
CREATE TABLE stray (i int);
SELECT alike(t.closed('m2'), 'require_no_drift: the schema differs from what the ledger says in % place%', 'drift');
DROP TABLE stray;
SELECT is(t.closed('m2'), 'open', 'none again');
SELECT mg_grant_right('mg_gates_anon', 'apply');
SELECT is(t.closed('m2'), 'open', 'who holds which right is no drift');
SELECT mg_revoke_right('mg_gates_anon', 'apply'); SELECT mg_revoke_right('mg_gates_anon', 'read');
SELECT t.policy('require_no_drift', 'off');

-- Promotion.
SELECT t.policy('promoted_from', 'staging');
SELECT is(t.closed('m2'), 'promoted_from: nothing says that these scripts were applied and verified in staging', 'no attestation');
SELECT alike(t.said($$SELECT mg_attest('m2')$$), 'MG406%', 'none of what is not applied');
SELECT alike(t.said($$SELECT mg_accept_attestation('{"migration": "m2", "environment": "staging", "hash": "0"}')$$), '22023%', 'nor one made up');
SELECT alike(t.said($$SELECT mg_accept_attestation('[]')$$), '22023%', 'nor another value');
SELECT alike(t.said($$SELECT mg_accept_attestation('nonsense')$$), '22P02%', 'nor nonsense');
SELECT t.policy('promoted_from', '');
SELECT is((SELECT status FROM mg_apply('m2')), 'applied', 'applied');
SELECT is((mg_attest('m2')::jsonb ->> 'environment'), 'production', 'attested');
SELECT alike(t.said(format('SELECT mg_accept_attestation(%L)', mg_attest('m2'))), '22023 the attestation is of this environment%', 'and not taken for another''s');

-- Rollbacks: only what is said to hold for them.
SELECT is((SELECT status FROM mg_register('m2', 'CREATE TABLE m2 (i int)', 'DROP TABLE m2')), 'applied', 'a way back');
SELECT t.policy('backup_max_age', '1s'); SELECT pg_sleep(1.1) \gset
SELECT t.policy('require_reason', 'on');
SELECT is(t.closed('m2', 'roll back'), 'require_reason: no reason is given', 'a reason');
SELECT alike(t.said($$SELECT mg_rollback('m2')$$), E'MG407 migration "m2" is held back by 1 gate in environment production%mg_rollback(''m2'', reason => ...)%', 'is asked for');
SELECT t.policy('rollback_gates', 'backup_max_age, freeze');
SELECT alike(t.said($$SELECT mg_rollback('m2', 'because')$$), 'MG407%backup_max_age: the newest backup%', 'and what the policy names');
SELECT t.policy('rollback_gates', '');
SELECT is((SELECT status FROM mg_rollback('m2', 'because')), 'rolled back', 'back');
SELECT alike(t.said($$SELECT mg_gates('m2', 'look at')$$), '22023%', 'no action');
SELECT alike(t.said($$SELECT t.policy('rollback_gates', 'nothing')$$), '22023 "nothing" is no gate%', 'no gate');
SELECT t.policy('backup_max_age', '');

-- Restore points.
SELECT t.policy('restore_point', 'on');
SELECT is((SELECT status FROM mg_apply('m3', 'CREATE TABLE m3 (i int)', 'DROP TABLE m3')), 'applied', 'a run with one');
SELECT is((SELECT count(*) FROM mg.evidence WHERE kind = 'restore point' AND subject = 'm3' AND body ->> 'name' LIKE 'm3 2%' AND body ->> 'lsn' ~ '/'), 1::bigint, 'is on record');
SELECT t.policy('restore_point', 'off');

-- The way that each message tells, followed as it stands: what is quoted in it is run, what is to be written is written.
CREATE FUNCTION t.way(name text, which text, action text DEFAULT 'apply') RETURNS text LANGUAGE sql AS $$ SELECT way FROM mg_gates(name, action) WHERE gate = which AND NOT is_open $$;
SELECT t.policy(setting, NULL) FROM unnest(ARRAY['unreviewed_risk', 'approval_quorum', 'security_roles']) setting;
-- Runs what the way of a closed gate says, and tells whether it has opened.
CREATE FUNCTION t.follow(name text, which text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE substring(t.way(name, which) FROM 'SELECT .*\)'); RETURN (SELECT is_open FROM mg_gates(name) WHERE gate = which); END $$;
SELECT t.policy(setting, value) FROM (VALUES ('required_headers', 'author'), ('ticket_pattern', 'OPS-\d+'), ('require_down', 'on'), ('require_verify', 'on'), ('require_rehearsal', 'on'), ('lint_gate', 'warning')) v (setting, value);
SELECT is(t.take('ways', 'ALTER TABLE large ALTER i SET NOT NULL'), 'pending', 'a migration that lacks everything');
SELECT is((SELECT string_agg(gate || ': ' || way, E'\n') FROM mg_gates('ways') WHERE NOT is_open), $$required_headers: Write it at the top: -- author: ...
ticket_pattern: Write it at the top: -- Ticket: ..., which fits OPS-\d+
require_down: Hand one in with mg_register() or mg_apply()
require_verify: Hand them in with mg_register() or mg_apply(): verify => ...
require_rehearsal: Rehearse it: SELECT * FROM mg_rehearse('ways'), once it is registered
lint_gate: Follow the hints of mg_lint_migration(), or answer for a finding above its statement: -- mg:ignore rule reason$$, 'is told all ways at once');
SELECT is((SELECT status FROM mg_register('ways', (SELECT E'-- author: me\n-- Ticket: OPS-1\n' || string_agg('-- mg:ignore ' || rule || ' reason', E'\n') || E'\n' FROM (SELECT DISTINCT rule FROM mg_lint_migration('ways') WHERE severity IN ('warning', 'error') AND rule <> 'conflicts-with-pending') f)
	|| 'ALTER TABLE large ALTER i SET NOT NULL', 'ALTER TABLE large ALTER i DROP NOT NULL', verify => 'SELECT true')), 'pending', 'written as they say');
SELECT is((SELECT string_agg(gate, ' ') FROM mg_gates('ways') WHERE NOT is_open), 'require_rehearsal', 'they open, but for the rehearsal of what is new');
SELECT ok(t.follow('ways', 'require_rehearsal'), 'which opens when it is rehearsed');
ALTER TABLE large ADD COLUMN since int;
SELECT alike(t.closed('ways'), 'require_rehearsal: the last rehearsal, of %, is stale: %', 'until what it is about changes');
SELECT ok(t.follow('ways', 'require_rehearsal'), 'and it is rehearsed again');
SELECT is(t.take('lost', E'-- author: me\n-- Ticket: OPS-1\nCREATE TABLE lost (i int PRIMARY KEY)', 'SELECT 1', 'SELECT true'), 'pending', 'one that does not find back');
SELECT count(*) AS facts FROM mg_rehearse('lost') \gset
SELECT alike(t.closed('lost'), 'require_rehearsal: the last rehearsal says: %', 'is held back');
SELECT is(t.way('lost', 'require_rehearsal'), 'Correct the down script, and rehearse it again: SELECT * FROM mg_rehearse(''lost'')', 'with the way');
SELECT is(t.take('lost', E'-- author: me\n-- Ticket: OPS-1\nCREATE TABLE lost (i int PRIMARY KEY)', 'DROP TABLE lost', 'SELECT true'), 'pending', 'which is gone');
SELECT ok(t.follow('lost', 'require_rehearsal'), 'and opens it');
SELECT t.policy('rollback_budget', '0');
SELECT is(t.way('lost', 'require_rehearsal'), 'Make the down script faster, or change the policy setting rollback_budget', 'a way back that takes too long');
SELECT t.policy('rollback_budget', NULL);
SELECT t.policy('backup_max_age', '1s'); SELECT pg_sleep(1.1) \gset
SELECT is(t.way('ways', 'backup_max_age'), 'Take one, and put it on record with mg_record_backup()', 'no backup is young enough');
SELECT t.policy('backup_max_age', '1h'); SELECT mg_record_backup('as the hint says') \gset
SELECT t.policy('require_no_drift', 'on');
SELECT is(t.way('ways', 'require_no_drift'), 'See mg_drift_report(); undo it, or take it as it is with mg_accept_drift()', 'what was changed by hand');
SELECT mg_accept_drift('as the hint says') AS taken \gset
SELECT is(t.closed('ways'), 'open', 'is taken as it is');
SELECT is((SELECT status FROM mg_apply('ways')), 'applied', 'all ways together lead in');
SELECT t.policy(setting, '') FROM unnest(ARRAY['required_headers', 'ticket_pattern', 'backup_max_age']) setting; SELECT t.policy(setting, 'off') FROM unnest(ARRAY['require_down', 'require_verify', 'require_rehearsal', 'lint_gate', 'require_no_drift']) setting;
SELECT alike(t.said($$SELECT mg_rollback('ways')$$), 'MG407%HINT: require_reason: Say why: mg_rollback(''ways'', reason => ...).', 'a rollback without a reason');
SELECT is((SELECT status FROM mg_rollback('ways', reason => 'as the hint says')), 'rolled back', 'and with one');
SELECT is(t.take('gone', 'DROP TABLE empty_one'), 'pending', 'what others must look at'); SELECT t.policy('required_approvals', 'review, retention');
SELECT is(t.way('gone', 'required_approvals'), 'Somebody else than who registered it runs mg_approve(''gone'', ''review'') and mg_approve(''gone'', ''retention'')', 'tells who and how: test/tap/gates_server.pl follows it');
SELECT t.policy('required_approvals', ''); SELECT t.policy('promoted_from', 'staging');
SELECT is(t.way('gone', 'promoted_from'), 'Run SELECT mg_attest(''gone'') in staging, and hand its result to mg_accept_attestation() here', 'what was nowhere else: test/tap/gates_server.pl follows it');
SELECT t.policy('promoted_from', ''); SELECT t.policy('maintenance_window', t.window_at(1, 2, 'UTC')); SELECT t.policy('freeze', '2020-01-01 00:00 to 2100-01-01 00:00 UTC');
SELECT is(t.way('gone', 'maintenance_window'), 'Wait for it: ' || (SELECT value FROM mg.policy WHERE setting = 'maintenance_window'), 'the wrong time');
SELECT is(t.way('gone', 'freeze'), 'Wait, or change the policy setting freeze', 'a freeze');
SELECT t.policy('maintenance_window', ''); SELECT t.policy('freeze', '');
SELECT is(t.closed('gone'), 'open', 'waited for');

-- Settings of the session mean nothing to a gate: dates in other styles, zones that are abbreviated otherwise.
SELECT t.policy('backup_max_age', '1d'); SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Kathmandu';
SELECT mg_record_backup('in another style', NULL, clock_timestamp() - interval '2 hours') \gset
SELECT is(t.closed('gone'), 'open', 'a backup that was put on record in another style of dates'); RESET datestyle; RESET timezone;
SELECT is(t.closed('gone'), 'open', 'is read in any'); SELECT t.policy('backup_max_age', '');
SELECT alike(t.said($$SELECT t.policy('maintenance_window', 'Mon-Fri 10:00-11:00 IST')$$), '22023 time zone "IST" is not known%', 'what an abbreviation means is a setting of the session');

-- What a rollback is judged by is the down script, which is what runs.
SELECT t.policy('rollback_gates', 'required_approvals, lint_gate'); SELECT t.policy('required_approvals', 'security'); SELECT t.policy('require_reason', 'off'); SELECT t.policy('lint_gate', 'error');
SELECT is((SELECT status FROM mg_apply('back', 'CREATE TABLE back (i int)', 'DROP TABLE back')), 'applied', 'a rollback');
SELECT is(t.closed('back', 'roll back'), 'open', 'that is about nothing of that kind');
SELECT t.policy('required_approvals', 'retention');
SELECT alike(t.closed('back', 'roll back'), 'required_approvals: it has no retention approval, which is wanted because of line 1: it drops %back', 'drops a table nevertheless');
SELECT t.policy('required_approvals', ''); SELECT t.policy('rollback_gates', ''); SELECT t.policy('lint_gate', 'off');

-- Values by environment.
SELECT mg_set_policy('lint_small_table', '2MB', 'for all');
SELECT mg_set_policy('lint_small_table', '4MB', 'for staging', 'staging');
SELECT is((SELECT array[value, environment] FROM mg.policy WHERE setting = 'lint_small_table'), '{2MB,NULL}', 'what holds in all');
SELECT is((SELECT array[value, in_environment] FROM mg_policy('staging') WHERE setting = 'lint_small_table'), '{4MB,staging}', 'and in another');
SELECT mg_set_policy('lint_small_table', '3MB', 'for production', 'production');
SELECT is((SELECT value FROM mg.policy WHERE setting = 'lint_small_table'), '3MB', 'one''s own goes first');
SELECT mg_set_policy('lint_small_table', NULL, 'no more', 'production');
SELECT is((SELECT value FROM mg.policy WHERE setting = 'lint_small_table'), '2MB', 'until it is taken back');
SELECT mg_set_environment('staging');
SELECT is((SELECT value FROM mg.policy WHERE setting = 'lint_small_table'), '4MB', 'another environment');
SELECT is((SELECT name || confirmed FROM mg_environment()), 'stagingtrue', 'which is this one now');
SELECT alike(t.said(format('SELECT mg_set_environment(%L)', bad)), '22023%', 'no name: ' || bad) FROM unnest(ARRAY['', 'Prod', 'a b', repeat('x', 64), 'ä']) AS bad;
SELECT alike(t.said($$SELECT mg_set_policy('require_down', 'perhaps', 'x')$$), '22023 require_down is one of off, on, not "perhaps"%', 'no choice');
SELECT alike(t.said($$SELECT mg_set_policy('approval_quorum', '0', 'x')$$), '22023%', 'no quorum');
SELECT alike(t.said($$SELECT mg_set_policy('approval_lifetime', 'long', 'x')$$), '22023%', 'no limit');
SELECT alike(t.said($$SELECT mg_set_policy('ticket_pattern', '(', 'x')$$), '2201B%', 'no pattern');
SELECT alike(t.said($$SELECT mg_grant_right('mg_gates_anon', 'everything')$$), '22023 "everything" is no right%', 'no right');
SELECT alike(t.said($$SELECT mg_grant_right('nobody at all', 'read')$$), '42704%', 'no role');
SELECT alike(t.said($$SELECT mg_set_environment(NULL)$$), '22004%', 'NULL');

DROP ROLE mg_gates_anon;
SELECT * FROM finish();
