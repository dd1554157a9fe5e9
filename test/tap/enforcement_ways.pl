# Ways around enforcement that are closed: what is left on after a run that did not end well, statements in disguise, two-phase commit, and
# what is seen only with the library preloaded.
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

my $refused = 'MG409';
my @shared = ("COMMENT ON ROLE dev IS 'x'", "COMMENT ON DATABASE app IS 'x'", "ALTER DATABASE app SET work_mem = '4MB'", 'GRANT CONNECT ON DATABASE app TO dev', "ALTER ROLE dev SET work_mem = '4MB'", 'GRANT boss TO dev', "ALTER SYSTEM SET work_mem = '4MB'", 'CREATE ROLE passing',
	'GRANT CREATE ON TABLESPACE pg_default TO dev', 'GRANT SET ON PARAMETER work_mem TO dev', 'ALTER DATABASE app CONNECTION LIMIT 50');
my @protection = ('ALTER EVENT TRIGGER mg_capture_rewrite ENABLE ALWAYS', "COMMENT ON EVENT TRIGGER mg_capture_end IS 'x'", 'CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION mg_capture()');
my @moved = ('REASSIGN OWNED BY nobody TO dev', 'EXPLAIN ANALYZE CREATE TABLE work.explained AS SELECT 1 AS x', 'EXPLAIN ANALYZE SELECT 1 AS x INTO work.explained_2', 'EXPLAIN ANALYZE CREATE MATERIALIZED VIEW work.explained_3 AS SELECT 1 AS x');

sub set_up
{
	my ($name, @conf) = @_;
	my $server = new_cluster($name, conf => [ @conf, 'max_prepared_transactions = 5' ]);
	$server->safe_psql('postgres', 'CREATE ROLE boss LOGIN; CREATE ROLE dev LOGIN; CREATE ROLE nobody; CREATE DATABASE app OWNER boss');
	$server->safe_psql('app', 'CREATE EXTENSION migration_governance; CREATE EXTENSION postgres_fdw');
	$server->safe_psql('app', 'CREATE SCHEMA work AUTHORIZATION dev; GRANT ALL ON SCHEMA work TO boss; CREATE TABLE work.by_nobody (x int); ALTER TABLE work.by_nobody OWNER TO nobody');
	$server->safe_psql('app', q{SET ROLE dev; CREATE TABLE work.own (x int PRIMARY KEY); CREATE TABLE work.many (x int) PARTITION BY RANGE (x); CREATE TABLE work.one PARTITION OF work.many FOR VALUES FROM (0) TO (10);
		CREATE FUNCTION work.run(sql text) RETURNS int LANGUAGE plpgsql AS $$BEGIN EXECUTE sql; RETURN 1; END$$;
		CREATE FUNCTION work.makes() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN CREATE TABLE work.by_trigger (x int); RETURN NULL; END$$;
		CREATE TABLE work.kicks (x int); CREATE CONSTRAINT TRIGGER t AFTER INSERT ON work.kicks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION work.makes();
		CREATE TABLE work.kicks_now (x int); CREATE TRIGGER t AFTER INSERT ON work.kicks_now FOR EACH ROW EXECUTE FUNCTION work.makes();
		CREATE VIEW work.looks AS SELECT work.run('CREATE TABLE work.by_view (x int)') AS x;
		CREATE FUNCTION work.kicked() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO work.kicks_now VALUES (1); RETURN NULL; END$$;
		CREATE TABLE work.defaults (x int DEFAULT work.run('CREATE TABLE work.by_default (x int)'), y int);
		CREATE MATERIALIZED VIEW work.kept AS SELECT work.run('CREATE TABLE work.by_refresh (x int)') AS x WITH NO DATA;
		CREATE PROCEDURE work.proceed() LANGUAGE plpgsql AS $$BEGIN COMMIT; CREATE TABLE work.by_call (x int); END$$;
		CREATE FUNCTION work.parallel() RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS $$BEGIN CREATE TABLE work.by_parallel (x int); RETURN 1; END$$;});
	works($server, 'app', "SELECT mg_grant_right('dev', 'apply'); SELECT mg_set_policy('enforcement', 'block', 'x')", "$name: the owner blocks", user => 'boss');
	return $server;
}
my $server = set_up('preloaded', preload());
my $tables = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'work'::regnamespace AND relkind IN ('r', 'm', 'f', 'v')";
my $before = $server->safe_psql('app', $tables);

# Whatever becomes of a run, what follows in the session is outside of it.
$server->safe_psql('app', "SELECT mg_register('locked', 'LOCK TABLE work.own'); SELECT mg_register('no_way_back', 'SELECT 1', 'SELECT 1 / 0'); SELECT mg_apply('no_way_back')");
my $locker = $server->background_psql('app');
$locker->query_safe('BEGIN; LOCK TABLE work.own IN ACCESS SHARE MODE');
my $later = 'CREATE TABLE work.later (x int)';
sub still_refused
{
	my ($sql, $what, %options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = run_sql($server, 'app', "$sql;\n\\echo now\n\\warn now\n$later;", on_error_stop => 0, user => $options{user} // 'dev');
	like($err, qr/now\n.*ERROR:  MG409:.*on work\.later/s, "refused after $what");
	is(($err =~ /^(.*?)now\n/s ? $1 : '') =~ /ERROR|FATAL/ ? 1 : 0, $options{fails} // 1, '  which ' . (($options{fails} // 1) ? 'fails' : 'goes through'));
	return;
}
still_refused("SELECT mg_apply('fails', 'SELECT 1 / 0')", 'a run that fails');
still_refused("SET statement_timeout = '200ms'; SELECT mg_apply('sleeps', 'CREATE TABLE work.x (i int); SELECT pg_sleep(60)');\nRESET statement_timeout", 'statement_timeout in its middle');
still_refused("SET lock_timeout = '200ms'; SELECT mg_apply('locked');\nRESET lock_timeout", 'lock_timeout');
still_refused("SELECT mg_apply('cancelled', 'CREATE TABLE work.x (i int); SELECT pg_cancel_backend(pg_backend_pid()); SELECT pg_sleep(60)')", 'a cancelled run');
still_refused("DO \$\$ BEGIN PERFORM mg_apply('fails', 'SELECT 1 / 0'); EXCEPTION WHEN OTHERS THEN NULL; END \$\$", 'one whose error somebody catches', fails => 0);
still_refused("DO \$\$ BEGIN PERFORM mg_apply('fails', 'CREATE TABLE work.x (i int); SELECT pg_cancel_backend(pg_backend_pid()); SELECT pg_sleep(60)'); EXCEPTION WHEN query_canceled THEN NULL; END \$\$", 'a cancelled one too', fails => 0);
still_refused("BEGIN; SAVEPOINT s; SELECT mg_apply('fails', 'SELECT 1 / 0');\nROLLBACK TO s", 'one that is undone to a savepoint');
still_refused("BEGIN; SAVEPOINT s; SELECT mg_apply('undone', 'CREATE TABLE work.x (i int)'); ROLLBACK TO s", 'one that went well and is undone', fails => 0);
still_refused("BEGIN; SELECT mg_apply('prepared', 'SELECT 1'); PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'", 'one that is prepared and rolled back', fails => 0);
still_refused("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT mg_apply('by_cursor', 'SELECT 1') FROM generate_series(1, 3); FETCH c", 'one that a cursor runs', fails => 0);
still_refused("SELECT mg_apply('verified', 'SELECT 1', verify => 'SELECT false')", 'a verification that fails');
still_refused("SELECT mg_rollback('no_way_back')", 'a rollback that fails');
still_refused("SELECT mg_apply('outer', 'SELECT mg_apply(''inner'', ''SELECT 1'')')", 'a migration in a migration');
still_refused("SELECT mg_apply('outer_2', 'DO \$\$ BEGIN PERFORM mg_apply(''inner'', ''SELECT 1''); EXCEPTION WHEN OTHERS THEN NULL; END \$\$; CREATE TABLE work.outer_2 (x int); DROP TABLE work.outer_2')", 'one whose error the script catches, and goes on', fails => 0);
still_refused("SELECT count(*) FROM mg_rehearse('SELECT 1 / 0', NULL)", 'a rehearsal', fails => 0);
still_refused("SET statement_timeout = '200ms'; SELECT mg_rehearse('SELECT pg_sleep(60)', NULL);\nRESET statement_timeout", 'a rehearsal in statement_timeout');
still_refused("SELECT mg_history_view('work', 'own')", 'a history view that cannot be made', user => 'boss');
still_refused("DO \$\$ BEGIN PERFORM mg_history_view('work', 'schema_migrations', ARRAY['no', 'such']); EXCEPTION WHEN OTHERS THEN NULL; END \$\$", 'one whose error somebody catches', user => 'boss', fails => 0);
still_refused("SELECT mg_grant_right('nobody_at_all', 'apply')", 'a right for nobody', user => 'boss');
still_refused("DO \$\$ BEGIN ALTER TABLE mg.run DISABLE TRIGGER ALL; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END \$\$", 'the guard that was put back and undone', user => 'postgres', fails => 0);
still_refused("SELECT mg_apply('settings', 'SET migration_governance.migration = ''settings''; SET search_path = work; SET ROLE dev')", 'a script that changes settings', fails => 0);
still_refused('DISCARD ALL', 'DISCARD ALL', fails => 0);
still_refused("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT mg_apply('serial', 'SELECT 1')", 'a serializable session', fails => 0);
$locker->query_safe('COMMIT');
$locker->quit;
is($server->safe_psql('app', $tables), $before, 'nothing of it was made');

# What a call goes on to do, and what it leaves for the end of the transaction.
fails_with($server, 'app', $_, $refused, "refused: $_", user => 'dev') for "DO \$\$ BEGIN PERFORM mg_apply('goes_on', 'CREATE TABLE work.goes_on (x int)'); $later; END \$\$", "SELECT mg_apply('goes_on', 'CREATE TABLE work.goes_on (x int)'), work.run('$later')", "SELECT mg_apply('goes_on', 'SELECT 1'); BEGIN; SELECT mg_apply('goes_on_2', 'SELECT 1'); $later",
  "BEGIN; SELECT mg_apply('deferred', 'SELECT 1'); INSERT INTO work.kicks VALUES (1); COMMIT", 'INSERT INTO work.kicks VALUES (1)', 'INSERT INTO work.kicks_now VALUES (1)', 'SELECT * FROM work.looks', 'INSERT INTO work.defaults (y) VALUES (1)', 'REFRESH MATERIALIZED VIEW work.kept', 'CALL work.proceed()',
  "DO \$\$ BEGIN INSERT INTO work.kicks_now VALUES (1); END \$\$", "PREPARE p AS INSERT INTO work.kicks_now VALUES (1); EXECUTE p", 'EXPLAIN ANALYZE INSERT INTO work.kicks_now VALUES (1)', 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM work.looks; FETCH c', 'WITH x AS (INSERT INTO work.kicks_now VALUES (1) RETURNING 1) SELECT * FROM x',
  "MERGE INTO work.kicks_now k USING (SELECT 1 AS x) s ON k.x = s.x WHEN NOT MATCHED THEN INSERT VALUES (1)", 'COPY (SELECT * FROM work.looks) TO STDOUT', 'CREATE TEMP TABLE t AS SELECT * FROM work.looks';
fails_with($server, 'app', "SET " . (major($server) >= 16 ? 'debug_parallel_query' : 'force_parallel_mode') . ' = on; SELECT work.parallel()', qr/ERROR/, 'nor by a parallel worker', user => 'dev');
works($server, 'app', "SELECT mg_apply('kicked', 'INSERT INTO work.kicks VALUES (1)', 'DROP TABLE work.by_trigger')", 'a deferred trigger fires within the run', user => 'dev');
works($server, 'app', "SELECT mg_rollback('kicked')", '  and back', user => 'dev');

# Another session is another session.
my $psql = 'psql -X -h ' . $server->host . ' -p ' . $server->port . ' -U dev -d app -c';
$server->psql('app', "COPY work.own FROM PROGRAM '$psql \"CREATE TABLE work.by_program (x int)\"'");
is($server->safe_psql('app', $tables), $before, 'COPY FROM PROGRAM makes nothing');

# Statements of every kind, in disguise or not.
$server->safe_psql('app', "SELECT mg_apply('far', 'CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; CREATE TEXT SEARCH CONFIGURATION work.words (COPY = simple)')");
fails_with($server, 'app', $_, $refused, "refused: $_")
  for 'IMPORT FOREIGN SCHEMA public FROM SERVER far INTO work', 'CREATE FOREIGN TABLE work.x (i int) SERVER far', "CREATE SUBSCRIPTION x CONNECTION '' PUBLICATION y WITH (connect = false)", 'CREATE ACCESS METHOD x TYPE TABLE HANDLER heap_tableam_handler', 'CREATE OPERATOR work.## (leftarg = int, rightarg = int, function = int4pl)',
  'CREATE OPERATOR FAMILY work.f USING btree', "CREATE OPERATOR CLASS work.c FOR TYPE int USING btree AS OPERATOR 1 <", 'CREATE AGGREGATE work.total (int) (sfunc = int4pl, stype = int)', "CREATE COLLATION work.c (locale = 'C')", "CREATE CONVERSION work.c FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1",
  'CREATE TEXT SEARCH CONFIGURATION work.x (COPY = simple)', 'CREATE TEXT SEARCH DICTIONARY work.d (template = simple)', 'ALTER TEXT SEARCH CONFIGURATION work.words DROP MAPPING FOR word', 'CREATE SERVER y FOREIGN DATA WRAPPER postgres_fdw', "ALTER SERVER far OPTIONS (ADD host 'x')", "CREATE PROCEDURE work.p() LANGUAGE sql AS 'SELECT 1'",
  'CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))', 'ALTER TABLE work.many DETACH PARTITION work.one CONCURRENTLY', 'ALTER TABLE work.many DETACH PARTITION work.one', 'CREATE UNIQUE INDEX CONCURRENTLY ON work.own (x)', 'PREPARE p AS SELECT 1 AS i; EXPLAIN ANALYZE CREATE TABLE work.x AS EXECUTE p',
  'CREATE TABLE work.x (LIKE work.own INCLUDING ALL)', 'CREATE TABLE work.x OF pg_catalog.pg_class', 'CREATE RECURSIVE VIEW work.x (n) AS SELECT 1', 'CREATE TABLE work.x AS TABLE work.own', 'CREATE TABLE work.x PARTITION OF work.many DEFAULT', 'ALTER TABLE work.own REPLICA IDENTITY FULL', 'ALTER TABLE work.own CLUSTER ON own_pkey',
  'ALTER TABLE work.own SET UNLOGGED', 'ALTER TABLE work.own ALTER x SET STATISTICS 100', "ALTER VIEW work.looks RENAME TO looked", 'ALTER MATERIALIZED VIEW work.kept SET (autovacuum_enabled = off)', 'ALTER TABLE work.kicks_now ENABLE REPLICA TRIGGER t', 'DROP FUNCTION work.run(text) CASCADE', 'DROP ROUTINE work.makes() CASCADE', 'DROP PROCEDURE work.proceed()',
  'DROP MATERIALIZED VIEW work.kept', 'DROP OWNED BY dev CASCADE', 'DROP SCHEMA work CASCADE', 'DROP SERVER far CASCADE', 'DROP EXTENSION postgres_fdw CASCADE', 'ALTER EXTENSION postgres_fdw ADD TABLE work.own', 'ALTER EXTENSION postgres_fdw SET SCHEMA work', @protection, @moved;
fails_with($server, 'app', "BEGIN; $_; ROLLBACK", qr/ERROR:  (MG409|55000|42501|2BP01)/, "refused: $_")
  for map { ("ALTER FUNCTION $_ RENAME TO other", "ALTER FUNCTION $_ OWNER TO dev", "ALTER FUNCTION $_ SET SCHEMA work", "ALTER FUNCTION $_ SECURITY DEFINER", "ALTER FUNCTION $_ SET search_path = work", "DROP FUNCTION $_ CASCADE", "ALTER EXTENSION migration_governance DROP FUNCTION $_") } 'mg_capture()', 'mg_gates(text, text)';
fails_with($server, 'app', $_, qr/ERROR/, "refused: $_", user => 'boss') for 'ALTER EVENT TRIGGER mg_capture_start DISABLE', 'DROP EXTENSION migration_governance CASCADE', 'ALTER EXTENSION migration_governance UPDATE', 'ALTER SCHEMA mg RENAME TO other', 'DROP OWNED BY postgres', 'REASSIGN OWNED BY postgres TO boss', "SELECT mg_apply('x', 'DROP EVENT TRIGGER mg_capture_start')",
  "SELECT mg_apply('x', 'ALTER EVENT TRIGGER mg_capture_end DISABLE')", "SELECT mg_apply('x', 'DROP EXTENSION migration_governance')", "SELECT mg_apply('x', 'ALTER SCHEMA mg OWNER TO boss')", "SELECT mg_apply('x', 'SET session_replication_role = replica')", 'ALTER DATABASE app SET session_preload_libraries = \'\'';
is($server->safe_psql('app', $tables), $before, 'nothing of it was made');
is($server->safe_psql('app', "SELECT string_agg(concat(evtname, evtenabled), ',' ORDER BY evtname) FROM pg_event_trigger WHERE evtname ~ '^mg_'"), 'mg_capture_dropA,mg_capture_endA,mg_capture_rewriteA,mg_capture_startA', 'and all event triggers are on');

# A policy that is prepared is none yet.
works($server, 'app', "BEGIN; SELECT mg_set_policy('enforcement', 'off', 'x'); PREPARE TRANSACTION 'policy'", 'the owner prepares to switch it off', user => 'boss');
fails_with($server, 'app', $later, $refused, '  which is not yet', user => 'dev');
works($server, 'app', "ROLLBACK PREPARED 'policy'", 'and never is', user => 'boss');
fails_with($server, 'app', $later, $refused, '  still not', user => 'dev');
works($server, 'app', "BEGIN; SELECT mg_break_glass('x'); CREATE TABLE work.in_need (x int); PREPARE TRANSACTION 'glass'", 'a broken glass is prepared', user => 'boss');
fails_with($server, 'app', $later, $refused, '  which is none yet', user => 'boss');
works($server, 'app', "ROLLBACK PREPARED 'glass'", '  and never is', user => 'boss');

# What belongs to the server, where drift is looked for there.
works($server, 'app', "SELECT mg_set_policy('drift_scope', 'cluster', 'x')", 'the whole server', user => 'boss');
fails_with($server, 'app', $_, $refused, "refused: $_") for @shared;
$server->stop;

# Not preloaded, a session's first statement is judged if an event trigger sees it; the rest is what the manual says.
$server = set_up('lazy');
works($server, 'app', "SELECT mg_set_policy('drift_scope', 'cluster', 'x')", 'the whole server', user => 'boss');
works($server, 'app', $_, "not preloaded, a first statement that is not judged: $_") for @shared, @protection, @moved;
fails_with($server, 'app', "CREATE TEMP TABLE loads (x int); $_", $refused, "not preloaded, a second one: $_")
  for @shared, "COMMENT ON EVENT TRIGGER mg_capture_end IS 'x'", map { s/explained/again/r } @moved;
fails_with($server, 'app', $_, $refused, "not preloaded, a first statement that is judged: $_")
  for 'CREATE TABLE work.x (i int)', 'SELECT 1 AS x INTO work.x', 'DROP OWNED BY dev', 'CREATE TABLE work.x AS SELECT 1 AS i', 'DO $$BEGIN CREATE TABLE work.x (i int); END$$', 'INSERT INTO work.kicks_now VALUES (1)', "SELECT work.run('CREATE DOMAIN work.d AS int')", 'CREATE INDEX CONCURRENTLY ON work.own (x)',
  'GRANT SELECT ON work.own TO boss', 'COMMENT ON TABLE work.own IS \'x\'', 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO boss', 'CREATE PUBLICATION p', 'CREATE EXTENSION hstore', "SELECT mg_apply('x', 'SELECT 1'), work.run('CREATE TABLE work.x (i int)')";
like(status_of($server, 'app', 'enforcement'), qr/\|f\|.*event triggers.*roles.*REASSIGN OWNED.*EXPLAIN ANALYZE.*preload/, 'mg_status() says which');
$server->stop;
done_testing();
