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
