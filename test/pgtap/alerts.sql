-- Alerts: what raises one, what does not, what they say, and what becomes of them when things are undone.
\ir lib/errors.sql
SELECT no_plan();

CREATE FUNCTION t.alerts(kind text DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(concat_ws('|', a.kind, a.severity, a.migration, a.message), E'\n' ORDER BY a.id) FROM mg.alerts a WHERE a.kind = coalesce($1, a.kind) $$;

SELECT is(t.alerts(), NULL, 'nothing is an alert at first');
SELECT mg_apply('001_quick', 'CREATE TABLE quick (id int PRIMARY KEY)', 'DROP TABLE quick', 'SELECT count(*) = 0 FROM quick');
SELECT is(t.alerts(), NULL, 'a run that goes well is none');

-- Policy and environment.
SELECT mg_set_policy('alert_after', '50ms', 'for the test');
SELECT is(t.alerts('policy'), 'policy|info|policy setting "alert_after" was changed', 'a change of the policy is one');
SELECT is((SELECT details FROM mg.alerts WHERE kind = 'policy'), '{"setting": "alert_after", "environment": null, "value": "50ms", "before": null, "reason": "for the test"}', 'with what it was and is');
SELECT mg_set_policy('alert_after', NULL, 'back', 'staging');
SELECT is((SELECT message || coalesce(details ->> 'value', ' none') FROM mg.alerts WHERE kind = 'policy' ORDER BY id DESC LIMIT 1), 'policy setting "alert_after" was changed for environment "staging" none', 'and for an environment');
SELECT mg_set_policy('alert_after', '40ms', 'again');
SELECT is((SELECT details ->> 'before' FROM mg.alerts WHERE kind = 'policy' ORDER BY id DESC LIMIT 1), '50ms', 'what it was before');
SELECT matches(t.said($$SELECT mg_set_policy('alert_after', 'soon', 'x')$$), '^22023', 'a value that it cannot have');
SELECT is((SELECT count(*) FROM mg.alerts WHERE kind = 'policy'), 3::bigint, 'is refused, and no alert');
SELECT mg_set_environment('staging', 'a copy');
SELECT is(t.alerts('environment'), 'environment|warning|this database was said to be "staging"', 'saying the environment is one');
SELECT is((SELECT details FROM mg.alerts WHERE kind = 'environment'), '{"environment": "staging", "before": null, "reason": "a copy"}', 'with its reason');
SELECT is((SELECT by FROM mg.alerts WHERE kind = 'environment'), session_user::text, 'and by whom');

-- Slow runs.
SELECT mg_apply('002_slow', 'SELECT pg_sleep(0.1)', 'SELECT pg_sleep(0.1)');
SELECT matches(t.alerts('slow'), '^slow\|warning\|002_slow\|migration "002_slow" took 00:00:00\.1\d*$', 'a run longer than alert_after is one');
SELECT is((SELECT details ->> 'run' FROM mg.alerts WHERE kind = 'slow'), (SELECT id::text FROM mg.runs WHERE migration = '002_slow'), 'of that run');
SELECT mg_set_policy('alarm_after', '60ms', 'for the test');
SELECT mg_rollback('002_slow');
SELECT matches((SELECT severity || '|' || message FROM mg.alerts WHERE kind = 'slow' ORDER BY id DESC LIMIT 1), '^high\|rollback of migration "002_slow" took', 'longer than alarm_after: a high one');
SELECT mg_set_policy('alert_after', '30s', 'as it was');
SELECT mg_set_policy('alarm_after', NULL, 'as it was');
SELECT is(t.alerts('rollback'), NULL, 'a rollback outside of production is none');

-- Rollbacks in production, under whatever name.
SELECT mg_set_policy('production', 'live, production', 'our names');
SELECT mg_set_environment('live');
SELECT mg_apply('003_gone', 'CREATE TABLE gone ()', 'DROP TABLE gone');
SELECT mg_rollback('003_gone', 'it hurts');
SELECT is(t.alerts('rollback'), 'rollback|high|003_gone|migration "003_gone" was rolled back in environment "live"', 'a rollback in production is one');
SELECT is((SELECT details ->> 'reason' FROM mg.alerts WHERE kind = 'rollback'), 'it hurts', 'with its reason');
SELECT mg_apply('003_gone');
SELECT mg_apply('004_gone', 'CREATE TABLE gone_too ()', 'DROP TABLE gone_too');
SELECT count(*) FROM mg_rollback_to('001_quick');
SELECT is((SELECT count(*) FROM mg.alerts WHERE kind = 'rollback'), 3::bigint, 'and each of several');
SELECT mg_rehearse('004_gone');
SELECT is((SELECT count(*) FROM mg.alerts WHERE kind = 'rollback'), 3::bigint, 'that of a rehearsal is none');

-- What is undone was never an alert.
BEGIN;
SELECT mg_set_policy('naming', 'sequence', 'undone');
ROLLBACK;
DO $$BEGIN PERFORM mg_set_policy('naming', 'sequence', 'undone'); RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END$$;
SELECT is((SELECT count(*) FROM mg.alerts WHERE details ->> 'reason' = 'undone'), 0::bigint, 'what is undone leaves no alert');

-- Drift: told once, and again when it is another one, or gone.
SELECT count(*) FROM mg_accept_drift('the functions of this test');
SELECT is((SELECT count(*) FROM mg_drift_report()), 0::bigint, 'no drift');
SELECT is(t.alerts('drift'), NULL, 'no alert, not even that all is well');
ALTER TABLE quick ADD COLUMN by_hand int;
SELECT is((SELECT count(*) FROM mg_drift_report()), 1::bigint, 'drift');
SELECT is(t.alerts('drift'), 'drift|warning|the schema differs from what the ledger says in 1 place', 'is an alert');
SELECT is((SELECT details -> 'first' ->> 0 FROM mg.alerts WHERE kind = 'drift'), 'table column public.quick.by_hand unexpected', 'that names it');
SELECT count(*) FROM mg_drift_report();
SELECT is((SELECT count(*) FROM mg.alerts WHERE kind = 'drift'), 1::bigint, 'but not again for the same');
ALTER TABLE quick ADD COLUMN by_hand_too int;
SELECT count(*) FROM mg_drift_report();
SELECT is((SELECT message FROM mg.alerts WHERE kind = 'drift' ORDER BY id DESC LIMIT 1), 'the schema differs from what the ledger says in 2 places', 'more of it is another one');
BEGIN READ ONLY;
SELECT is((SELECT count(*) FROM mg_drift_report()), 2::bigint, 'in a read-only transaction it is told');
COMMIT;
ALTER TABLE quick DROP COLUMN by_hand, DROP COLUMN by_hand_too;
BEGIN READ ONLY;
SELECT is((SELECT count(*) FROM mg_drift_report() WHERE object_type = 'table column'), 0::bigint, 'also that it is gone');
COMMIT;
SELECT is((SELECT count(*) FROM mg.alerts WHERE kind = 'drift'), 2::bigint, 'without an alert');
SELECT count(*) FROM mg_accept_drift('what dropped columns leave') WHERE EXISTS (SELECT FROM mg_drift_report());
SELECT count(*) FROM mg_drift_report();
SELECT is((SELECT severity || '|' || message FROM mg.alerts WHERE kind = 'drift' ORDER BY id DESC LIMIT 1), 'info|the schema is what the ledger says again', 'its end is told');
SELECT count(*) FROM mg_drift_report();
SELECT is((SELECT severity FROM mg.alerts WHERE kind = 'drift' ORDER BY id DESC LIMIT 1), 'info', 'once');

-- A verification that fails later.
INSERT INTO quick VALUES (1);
SELECT is((SELECT count(*) FROM mg_verify('001_quick') WHERE NOT ok), 1::bigint, 'a verification fails later');
SELECT is(t.alerts('verification'), 'verification|high|001_quick|1 check of migration "001_quick" fails', 'which is an alert of its migration');
SELECT count(*) FROM mg_verify();
SELECT is((SELECT count(*) FROM mg.alerts WHERE kind = 'verification'), 1::bigint, 'not again by mg_verify() of all');
DELETE FROM quick;
SELECT count(*) FROM mg_verify();
SELECT is((SELECT severity || '|' || message FROM mg.alerts WHERE kind = 'verification' ORDER BY id DESC LIMIT 1), 'info|the checks of migration "001_quick" hold again', 'its end is told');
SELECT is(t.alerts('tampering'), NULL, 'the ledger is as it was written');
SELECT mg_set_policy('required_tables', 'public.nowhere', 'for the test');
SELECT count(*) FROM mg_verify();
SELECT is((SELECT message FROM mg.alerts WHERE kind = 'verification' ORDER BY id DESC LIMIT 1), '1 check of the database fails', 'what belongs to no migration is of the database');
SELECT mg_set_policy('required_tables', NULL, 'for the test');

-- Tampering.
SELECT mg_seal();
SET migration_governance.protect_ledger = off;
UPDATE mg.run SET reason = 'nothing' WHERE reason = 'it hurts';
RESET migration_governance.protect_ledger;
SELECT count(*) FROM mg_verify();
SELECT matches(t.alerts('tampering'), '^tampering\|high\|the ledger is not as it was written: \d records? or seals?$', 'tampering with the ledger is an alert');
SELECT count(*) FROM mg_verify();
SELECT is((SELECT count(*) FROM mg.alerts WHERE kind = 'tampering'), 1::bigint, 'once');

-- The view, and who sees it.
SELECT is((SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'mg.alerts'::regclass),
	'id bigint, at timestamp with time zone, kind text, severity text, migration text, message text, details jsonb, by text, installation uuid', 'the columns of mg.alerts');
SELECT is((SELECT count(*) FROM mg.alerts), (SELECT count(*) FROM mg.alert), 'nothing runs: the view is what is on record');
SELECT is((SELECT count(*) FROM mg_alert_rows()), 0::bigint, 'and its function says so');
CREATE ROLE alerts_stranger;
SET ROLE alerts_stranger;
SELECT throws_ok('SELECT * FROM mg.alerts', '42501', NULL, 'strangers see none');
SELECT throws_ok('SELECT * FROM mg_alert_rows()', '42501', NULL, 'nor what runs');
RESET ROLE;
SELECT mg_grant_right('alerts_stranger', 'read');
SET ROLE alerts_stranger;
SELECT lives_ok('SELECT count(*) FROM mg.alerts', 'who may read sees them');
RESET ROLE;
SELECT mg_revoke_right('alerts_stranger', 'read');
DROP ROLE alerts_stranger;

-- Names and messages of any kind and length.
SELECT lives_ok(format($$SELECT mg_set_policy('production', %L, 'long')$$, repeat('a"\', 4000)), 'a long value with quotes');
SELECT mg_set_policy('production', 'production', 'as it was');
SELECT lives_ok(format($$SELECT mg_apply(%L, 'CREATE TABLE longest ()')$$, '005_' || repeat(E'\u00e4"\\', 40)), 'a name of 200 bytes with quotes');

SELECT * FROM finish();
