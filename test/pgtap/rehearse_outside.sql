-- What reaches out of the database is not done in a rehearsal; what stays in the session is told.
\ir lib/errors.sql
SELECT no_plan();

-- The verdict and one aspect of a rehearsal; of two scripts.
CREATE FUNCTION t.said_of(wanted text, up text, down text DEFAULT NULL) RETURNS text
	LANGUAGE sql AS $$ SELECT string_agg(concat_ws('|', aspect, object, value), E'\n') FROM mg_rehearse(up, down) WHERE aspect = ANY (string_to_array(wanted, ' ')) $$;
CREATE FUNCTION t.advisory() RETURNS text
	LANGUAGE sql AS $$ SELECT string_agg(concat_ws(' ', objid, mode), ', ' ORDER BY objid, mode) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() $$;
CREATE FUNCTION t.elsewhere(sql text) RETURNS text
	LANGUAGE sql AS $$ SELECT format('SELECT dblink_exec(%L, %L)', format('host=%s port=%s dbname=%s', current_setting('unix_socket_directories'), current_setting('port'), current_database()), sql) $$;

CREATE EXTENSION dblink;
CREATE TABLE customer (id int, name text);
CREATE TABLE log (i int);
CREATE FUNCTION ends_others() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_cancel_backend(-1); RETURN 1; END $$;
CREATE FUNCTION hushed() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(-1); RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 2; END $$;
SELECT mg_baseline('start', 'what there is');

-- Functions that reach out.
SELECT is(t.said_of('verdict error', 'ALTER TABLE customer ADD COLUMN c int; SELECT pg_terminate_backend(-1)'),
	E'verdict|rehearsed script|cannot be rehearsed\nerror|up, line 1: SELECT pg_terminate_backend(-1)|0A000: a rehearsal does not call pg_terminate_backend() No rollback takes back what it does: ends another session. With the policy setting rehearsal_outside = allow it is called, each time that the script runs.',
	'another session is not ended');
SELECT alike(t.said_of('verdict error', 'SELECT ends_others()'), E'verdict|rehearsed script|cannot be rehearsed\nerror|%does not call pg_cancel_backend()%', 'nor within a function');
SELECT alike(t.said_of('verdict error', 'DO $$ BEGIN PERFORM pg_reload_conf(); END $$'), E'verdict|rehearsed script|cannot be rehearsed\nerror|%does not call pg_reload_conf()%', 'nor within a block');
SELECT alike(t.said_of('verdict error', 'SELECT hushed()'), E'verdict|rehearsed script|cannot be rehearsed\nerror|%does not call pg_terminate_backend()%', 'nor where the error is caught');
SELECT alike(t.said_of('verdict error', 'SELECT 1', 'SELECT lo_export(1, ''/tmp/never_written'')'), E'verdict|rehearsed script|cannot be rehearsed\nerror|down, line 1:%does not call lo_export()%writes a file%', 'nor on the way back');
SELECT alike(t.said_of('verdict error', t.elsewhere('INSERT INTO log VALUES (1)')), E'verdict|rehearsed script|cannot be rehearsed\nerror|%does not call dblink_exec()%runs in a session of its own%', 'a session of its own is not begun');
SELECT is((SELECT count(*) FROM log), 0::bigint, 'which would have left something');
SELECT alike(t.said_of('verdict error', 'SELECT CASE WHEN count(*) > 5 THEN pg_switch_wal() END FROM customer'), '%pg_switch_wal()%', 'what might be called is not tried');
SELECT unalike(t.said_of('verdict error', name), '%does not call%', name || ' is nobody else''s business')
	FROM unnest(ARRAY['SELECT pg_notify(''c'', ''p'')', 'NOTIFY c', 'SELECT txid_current()', 'SELECT pg_sleep(0)', 'SELECT set_config(''work_mem'', ''1MB'', false)', 'SELECT lo_create(0)', 'SELECT pg_stat_get_xact_numscans(0)', 'SELECT pg_table_size(''customer'')']) AS name;

-- The verification, too.
SELECT status FROM mg_register('verified', 'SELECT 1', 'SELECT 1', 'SELECT pg_rotate_logfile()') \gset
SELECT is((SELECT value FROM mg_rehearse('verified') WHERE aspect = 'verdict'), 'cannot be rehearsed', 'a verification does not reach out either');

-- With leave.
SELECT alike(t.said($$SELECT mg_set_policy('rehearsal_outside', 'maybe', 'a test')$$), '22023 rehearsal_outside is one of refuse, allow, not "maybe"%', 'one or the other');
SELECT mg_set_policy('rehearsal_outside', 'allow', 'a test');
SELECT is((SELECT string_agg(concat_ws('|', aspect, object, value), E'\n') FROM mg_rehearse('SELECT ends_others(), ends_others()', 'SELECT 1') WHERE aspect IN ('verdict', 'not undone')),
	E'verdict|rehearsed script|restores\nnot undone|pg_cancel_backend()|cancels another session''s query', 'a policy may allow it, and then it is told');
SELECT is(t.said_of('verdict', t.elsewhere('INSERT INTO log VALUES (1)'), 'SELECT 1'), 'verdict|rehearsed script|restores', 'another session');
SELECT is((SELECT count(*) FROM log), 2::bigint, 'leaves what it did, twice: up and up again');
SELECT mg_set_policy('rehearsal_outside', 'refuse', 'a test');

-- What stays in the session.
SELECT is((SELECT string_agg(concat_ws('|', object, value), E'\n') FROM mg_rehearse('PREPARE kept AS SELECT 1', 'DEALLOCATE kept') WHERE aspect = 'not undone'), E'up, line 1|the session keeps the prepared statement\nup again, line 1|the session keeps the prepared statement', 'a prepared statement');
SELECT is((SELECT string_agg(concat_ws('|', object, value), E'\n') FROM mg_rehearse('SELECT pg_stat_reset_single_table_counters(0)', NULL) WHERE aspect = 'not undone'), 'pg_stat_reset_single_table_counters()|statistics that are reset do not come back', 'statistics');
DEALLOCATE ALL;

-- Advisory locks of the session.
SELECT pg_advisory_lock(1), pg_advisory_lock_shared(2) \gset
SELECT is(t.said_of('verdict', 'SELECT pg_advisory_lock(7), pg_advisory_lock(7), pg_advisory_lock_shared(8), pg_advisory_xact_lock(9), pg_advisory_lock(1)', 'SELECT pg_advisory_lock_shared(1)'), 'verdict|rehearsed script|restores', 'advisory locks');
SELECT is(t.advisory(), '1 ExclusiveLock, 2 ShareLock', 'are let go, but for those that the session had');
SELECT is(t.said_of('verdict', 'SELECT pg_advisory_lock(7); SELECT 1/0'), 'verdict|rehearsed script|up fails', 'also when a script fails');
SELECT is(t.advisory(), '1 ExclusiveLock, 2 ShareLock', 'nothing stays locked');
SELECT is((SELECT string_agg(verdict, ', ') FROM mg_rehearse_all()), 'cannot be rehearsed', 'a stair');
SELECT pg_advisory_unlock_all();

-- Languages that are not trusted; this one is none in truth.
CREATE LANGUAGE wild HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE FUNCTION goes_out() RETURNS int LANGUAGE wild AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION goes_out_too() RETURNS trigger LANGUAGE wild AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER out BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION goes_out_too();
SELECT alike(t.said_of('verdict error', 'SELECT goes_out()'), E'verdict|rehearsed script|cannot be rehearsed\nerror|%does not call goes_out()%what a language that is not trusted does outside the database%', 'a function in another language');
SELECT alike(t.said_of('verdict error', 'INSERT INTO log VALUES (3)'), '%does not call goes_out_too()%', 'a trigger');
SELECT alike(t.said_of('verdict error', 'CREATE FUNCTION fresh() RETURNS int LANGUAGE wild AS $$ BEGIN RETURN 1; END $$; SELECT fresh()'), '%does not call fresh()%', 'one that the script made');
SELECT alike(t.said_of('verdict error', 'CREATE FUNCTION fresh() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$; SELECT fresh(); CREATE OR REPLACE FUNCTION fresh() RETURNS int LANGUAGE wild AS $$ BEGIN RETURN 2; END $$; SELECT fresh()'), '%does not call fresh()%', 'one that it made harmless first');
SELECT is(t.said_of('verdict error', 'CREATE FUNCTION fresh() RETURNS int LANGUAGE wild AS $$ BEGIN RETURN 1; END $$', 'DROP FUNCTION fresh'), 'verdict|rehearsed script|restores', 'which may be made');
SELECT alike(t.said_of('verdict error', 'DO LANGUAGE wild $$ BEGIN END $$'), '%0A000: DO in a language that is not trusted may reach out of the database%', 'a block');
SELECT is(t.said_of('verdict error', 'DO $$ BEGIN END $$', 'SELECT 1'), 'verdict|rehearsed script|restores', 'but not one in a language that is');
SELECT is(goes_out(), 1, 'outside of rehearsals it is called');

SELECT * FROM finish();
