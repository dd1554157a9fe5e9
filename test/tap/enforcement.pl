# Enforcement for those who log in without rights, in several sessions, with the library preloaded and without, after restore, and on a cluster like Supabase's.
use strict;
use warnings FATAL => 'all';

use Cwd;
use File::Basename;
use Governed;
use Test::More;

my $refused = 'MG409';

for my $preloaded (1, 0)
{
	my $how = $preloaded ? 'preloaded' : 'not preloaded';
	my $server = new_cluster($preloaded ? 'preloaded' : 'lazy', conf => [ $preloaded ? preload() : '', 'max_prepared_transactions = 5' ]);
	$server->safe_psql('postgres', 'CREATE ROLE boss LOGIN; CREATE ROLE dev LOGIN; CREATE ROLE deployer LOGIN; CREATE ROLE firefighter LOGIN; CREATE ROLE service LOGIN; CREATE ROLE maker LOGIN CREATEROLE; CREATE DATABASE app OWNER boss');
	$server->safe_psql('app', 'CREATE EXTENSION migration_governance');
	$server->safe_psql('app', "GRANT dev TO maker; CREATE SCHEMA work AUTHORIZATION dev; GRANT ALL ON SCHEMA work TO deployer, firefighter, service, maker; SET ROLE dev; CREATE TABLE work.own (x int)");
	$server->safe_psql('app', 'CREATE FUNCTION work.run(sql text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN EXECUTE sql; END$$; ALTER FUNCTION work.run(text) OWNER TO service');
	works($server, 'app', "SELECT mg_grant_right('deployer', 'apply'); SELECT mg_grant_right('firefighter', 'break_glass')", "$how: the owner gives rights", user => 'boss');
	my $alerts = sub { return $server->safe_psql('app', "SELECT count(*) FROM mg.alert WHERE kind = 'change outside migrations' AND details->>'refused' = 'true'") };

	# Sessions that were there before the policy, one of them with a snapshot of before.
	my $old = $server->background_psql('app', on_error_stop => 0);
	$old->query_safe('CREATE TABLE work.known_off (x int)');
	my $frozen = $server->background_psql('app', on_error_stop => 0);
	$frozen->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM mg.policy_event; CREATE TABLE work.frozen_off (x int)');
	works($server, 'app', "SELECT mg_set_policy('enforcement', 'block', 'now'); SELECT mg_set_policy('exempt_roles', 'service, supabase_admin', 'a service')", "$how: the owner sets the policy", user => 'boss');
	$old->query('CREATE TABLE work.known_on (x int)');
	$frozen->query('CREATE TABLE work.frozen_on (x int)');
	$frozen->query('COMMIT');
	is($server->safe_psql('app', "SELECT to_regclass('work.known_on') IS NULL AND to_regclass('work.frozen_on') IS NULL"), 't', "$how: sessions that knew another policy learn of it, under REPEATABLE READ too");
	is($alerts->(), '2', "$how: with an alert of each");

	# Whoever has no right: own tables, functions of others, and every switch there is.
	fails_with($server, 'app', $_, $refused, "$how: dev is refused: $_", user => 'dev')
	  for 'ALTER TABLE work.own ADD COLUMN y int', 'DROP TABLE work.own', 'CREATE TABLE work.new (x int)', 'GRANT SELECT ON work.own TO PUBLIC', "COMMENT ON TABLE work.own IS 'x'", 'CREATE INDEX CONCURRENTLY ON work.own (x)', 'ALTER TABLE work.own DISABLE TRIGGER USER',
	  'DO $$BEGIN CREATE TABLE work.new (x int); END$$', "SELECT work.run('CREATE TABLE work.new (x int)')", 'DROP OWNED BY dev', 'DROP OWNED BY CURRENT_USER CASCADE', "SET application_name = 'pg_restore'; DROP TABLE work.own",
	  "SET migration_governance.migration = 'x'; DROP TABLE work.own", "BEGIN; CREATE TABLE work.new (x int); PREPARE TRANSACTION 'x'", 'BEGIN; SAVEPOINT s; DROP TABLE work.own', 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC', 'ALTER SCHEMA work RENAME TO mine', 'DROP SCHEMA work CASCADE';
	fails_with($server, 'app', $_, qr/ERROR/, "$how: dev is refused: $_", user => 'dev')
	  for 'SET session_replication_role = replica', 'SET migration_governance.protect_ledger = off; DROP TABLE work.own', 'ALTER EVENT TRIGGER mg_capture_start DISABLE', 'DROP EVENT TRIGGER mg_capture_end', 'DROP EXTENSION migration_governance CASCADE', "ALTER EXTENSION migration_governance UPDATE", 'DROP FUNCTION mg_capture CASCADE',
	  'SET ROLE service', 'SET SESSION AUTHORIZATION service', "SELECT mg_set_policy('enforcement', 'off', 'x')", "SELECT mg_set_environment('development')", "SELECT mg_break_glass('x')", 'SELECT mg_end_break_glass()', 'SELECT mg_break_glass_report()', "SELECT mg_grant_right('dev', 'break_glass')",
	  "INSERT INTO mg.policy_event DEFAULT VALUES", 'DELETE FROM mg.policy_event', 'LOCK TABLE mg.policy_event', 'BEGIN; LOCK TABLE mg.current', "INSERT INTO mg.evidence DEFAULT VALUES", 'UPDATE pg_event_trigger SET evtenabled = $$D$$', 'SET event_triggers = off', 'TRUNCATE mg.policy_event', 'CREATE TABLE mg.x (x int)';
	works($server, 'app', "SET pgoptions.x = 1; CREATE TEMP TABLE mine (x int); TRUNCATE work.own; ANALYZE work.own", "$how: dev may do what is no change", user => 'dev');
	fails_with($server, 'app', 'DROP TABLE work.own', $refused, "$how: settings at connection do not help", user => 'dev', pgoptions => "-c migration_governance.migration=none -c search_path=work -c client_min_messages=error");
	my ($ok, $out) = pgbench_script($server, 'app', 'CREATE TABLE work.extended (x int);');
	like($out, qr/schema changes outside migrations/, "$how: refused in the extended protocol");
	is($server->safe_psql('app', "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'work'::regnamespace"), 'known_off,own', "$how: nothing was done");
	is($server->safe_psql('app', 'SELECT count(*) FROM pg_prepared_xacts'), '0', "$how: nor prepared");

	# Superusers are no exception, only those who log in as a role that is exempt.
	fails_with($server, 'app', $_, $refused, "$how: the superuser is refused: $_")
	  for "CREATE TABLE work.new (x int)", 'SET session_replication_role = replica; CREATE TABLE work.new (x int)', 'SET SESSION AUTHORIZATION service; CREATE TABLE work.new (x int)', 'SET ROLE service; CREATE TABLE work.new (x int)', 'SET migration_governance.protect_ledger = off; CREATE TABLE work.new (x int)',
	  (major($server) >= 17 ? ('CREATE TEMP TABLE loads (x int); SET event_triggers = off; CREATE TABLE work.new (x int)', 'CREATE TEMP TABLE loads (x int); SET event_triggers = off; CREATE DOMAIN work.new AS int') : ()),
	  'CREATE TEMP TABLE loads (x int); ALTER EVENT TRIGGER mg_capture_start DISABLE', 'CREATE TEMP TABLE loads (x int); REASSIGN OWNED BY dev TO boss', "CREATE TEMP TABLE loads (x int); ALTER ROLE service PASSWORD 'x'";
	works($server, 'app', 'CREATE TABLE work.by_service (x int); DROP TABLE work.by_service', "$how: the service is exempt", user => 'service');
	fails_with($server, 'app', "CREATE TEMP TABLE loads (x int); ALTER ROLE service PASSWORD 'x'", major($server) >= 16 ? qr/ERROR:  (MG409|42501)/ : $refused, "$how: who may make roles does not take one over that is exempt", user => 'maker');
	fails_with($server, 'app', 'CREATE TEMP TABLE loads (x int); CREATE ROLE supabase_admin LOGIN', $refused, "$how: nor make one", user => 'maker');
	my $first = 'ALTER EVENT TRIGGER mg_capture_rewrite ENABLE ALWAYS';
	$preloaded ? fails_with($server, 'app', $first, $refused, "$how: a session's first statement, if no event trigger sees it") : works($server, 'app', $first, "$how: a session's first statement, if no event trigger sees it, is not judged");
	like(status_of($server, 'app', 'enforcement'), $preloaded ? qr/^block in all schemas, not for service, supabase_admin\|t\|$/ : qr/\|f\|.*first statement is not seen.*preload/, "$how: mg_status() says so");

	# Who has the right apply, in migrations and by name.
	works($server, 'app', "SELECT mg_apply('m1', 'CREATE TABLE work.m1 (x int)', 'DROP TABLE work.m1')", "$how: deployer applies", user => 'deployer');
	works($server, 'app', "SELECT mg_register('m2', 'CREATE INDEX CONCURRENTLY m1_x ON work.m1 (x)'); SET migration_governance.migration = 'm2'; CREATE INDEX CONCURRENTLY m1_x ON work.m1 (x)", "$how: deployer runs what he has registered", user => 'deployer') for $preloaded;
	fails_with($server, 'app', "SET migration_governance.migration = 'm1'; CREATE TABLE work.m1 (x int)", $refused, "$how: without the right apply the name does not help", user => 'dev');
	fails_with($server, 'app', "SET migration_governance.migration = 'm1'; DROP TABLE work.own", $refused, "$how: nor with it, for another statement", user => 'deployer');

	# Breaking the glass: for all sessions of one who logs in, until he ends it, the time is up, or the right is gone.
	my $fire = $server->background_psql('app', on_error_stop => 0, extra_params => [ '-U', 'firefighter' ]);
	fails_with($server, 'app', 'CREATE TABLE work.fire (x int)', $refused, "$how: firefighter is refused at first", user => 'firefighter');
	works($server, 'app', "SELECT mg_break_glass('it burns')", "$how: breaks the glass", user => 'firefighter');
	works($server, 'app', "BEGIN; CREATE TABLE work.fire (x int); PREPARE TRANSACTION 'fire'", "$how: and may, in another session", user => 'firefighter');
	$fire->query_safe('CREATE TABLE work.fire2 (x int)');
	fails_with($server, 'app', 'CREATE TABLE work.dev (x int)', $refused, "$how: others may not", user => 'dev');
	fails_with($server, 'app', 'SET SESSION AUTHORIZATION firefighter; CREATE TABLE work.dev (x int)', $refused, "$how: not in his name either");
	is(works($server, 'app', 'SELECT mg_end_break_glass()', "$how: ends it", user => 'firefighter'), '1', '  one statement is on record');
	$fire->query('CREATE TABLE work.fire3 (x int)');
	works($server, 'app', "COMMIT PREPARED 'fire'", "$how: what was prepared meanwhile goes through", user => 'firefighter');
	is(works($server, 'app', "SELECT string_agg(login_role || ' ' || reason || ' ' || statement, ',' ORDER BY at) FROM mg_break_glass_report()", "$how: the report", user => 'firefighter'), 'firefighter it burns CREATE TABLE work.fire (x int),firefighter it burns CREATE TABLE work.fire2 (x int)', '  lists both');
	works($server, 'app', "SELECT mg_break_glass('again', '24 hours')", "$how: breaks it again", user => 'firefighter');
	works($server, 'app', "SELECT mg_revoke_right('firefighter', 'break_glass')", "$how: the owner takes the right back", user => 'boss');
	fails_with($server, 'app', 'CREATE TABLE work.fire4 (x int)', $refused, "$how: which ends it", user => 'firefighter');
	is($server->safe_psql('app', "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'work'::regnamespace AND relname ~ 'fire|dev'"), 'fire,fire2', "$how: only what was allowed is there");
	is($server->safe_psql('app', "SELECT count(*) FROM mg.alert WHERE kind = 'break glass' AND severity = 'high' AND login_role = 'firefighter'"), '2', "$how: two alerts of it");

	# An owner's way out, and the ledger under a lock.
	my $locker = $server->background_psql('app');
	$locker->query_safe('BEGIN; LOCK TABLE mg.alert');
	my $position = log_position($server);
	fails_with($server, 'app', 'CREATE TABLE work.new (x int)', $refused, "$how: refused while the table of alerts is locked", user => 'dev');
	like(log_since($server, $position), qr/could not record an alert: .*\n.*CREATE TABLE on work.new by "dev" outside migrations, refused/, "$how: the alert is in the server log");
	$locker->query_safe('ROLLBACK; BEGIN; LOCK TABLE mg.evidence, mg.registration, mg.script');
	fails_with($server, 'app', "SET statement_timeout = '5s'; CREATE TABLE work.new (x int)", $refused, "$how: nobody waits for a lock on the evidence", user => 'dev');
	$locker->query_safe('ROLLBACK; BEGIN; LOCK TABLE mg.policy_event, mg.environment');
	$old->query('CREATE TABLE work.known_on (x int)');
	is($server->safe_psql('app', "SELECT to_regclass('work.known_on') IS NULL"), 't', "$how: a policy that was read holds while it is locked");
	$locker->query_safe('ROLLBACK');
	$locker->quit;
	$_->quit for $old, $frozen, $fire;

	# A copy of the database is as strict; a dump can be restored, and is enforced when an owner says what it is.
	$server->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE app');
	fails_with($server, 'copy', 'CREATE TABLE work.new (x int)', $refused, "$how: a copy is as strict");
	my $dump = $server->basedir . '/app.sql';
	$server->run_log([ 'pg_dump', '-f', $dump, $server->connstr('app') ]);
	$server->safe_psql('postgres', 'CREATE DATABASE restored');
	$server->safe_psql('restored', "\\i $dump");
	is($server->safe_psql('restored', "SELECT to_regclass('work.m1') IS NOT NULL AND (SELECT count(*) FROM mg.policy_event) = 2"), 't', "$how: a dump is restored with its policy");
	like(status_of($server, 'restored', 'enforcement'), qr/^block.*\|f\|This policy was restored/, "$how: mg_status() says that it waits");
	works($server, 'restored', 'CREATE TABLE work.new (x int)', "$how: nothing is refused before an owner says what it is");
	works($server, 'restored', "SELECT mg_set_environment('staging')", "$how: he does");
	fails_with($server, 'restored', 'CREATE TABLE work.newer (x int)', $refused, "$how: from then on");

	# No worker for the alert.
	if ($preloaded)
	{
		$server->append_conf('postgresql.conf', 'max_worker_processes = 0');
		$server->restart;
		$position = log_position($server);
		fails_with($server, 'app', 'CREATE TABLE work.new (x int)', $refused, 'no worker: refused all the same', user => 'dev');
		like(log_since($server, $position), qr/could not record an alert: no background worker slot is free/, 'no worker: the alert is in the server log');
	}
	# What runs in several transactions, each as the first statement of its session.
	works($server, 'app', "SELECT mg_set_policy('enforcement', 'warn', 'x')", "$how: the owner only warns", user => 'boss');
	for my $sql ('CREATE INDEX CONCURRENTLY own_x ON work.own (x)', 'ALTER INDEX work.own_x RENAME TO own_y', 'DROP INDEX CONCURRENTLY work.own_y', 'EXPLAIN ANALYZE CREATE TABLE work.explained AS SELECT 1 AS x')
	{
		my $newest = $server->safe_psql('app', 'SELECT max(id) FROM mg.alert');
		next if !$preloaded && $sql =~ /EXPLAIN/;
		my ($status, undef, $err) = run_sql($server, 'app', $sql, user => 'dev');
		like("$status $err", qr/^0 .*WARNING:  01000: schema change outside migrations in .*HINT:/s, "$how: a warning of $sql");
		is($server->safe_psql('app', "SELECT count(*), min(details->>'statement') FROM mg.alert WHERE id > $newest"), "1|$sql", "$how: and an alert");
	}
	is($server->safe_psql('app', "SELECT identity FROM mg.statement WHERE statement ~ 'EXPLAIN' AND tag = 'CREATE TABLE AS'"), $preloaded ? 'work.explained' : '', "$how: EXPLAIN ANALYZE CREATE TABLE AS is on record where the library is loaded");

	if ($preloaded)
	{
		my $newest = $server->safe_psql('app', 'SELECT max(id) FROM mg.alert');
		works($server, 'app', 'CREATE TABLE public.later (x int); SET search_path = work, public; EXPLAIN ANALYZE CREATE TABLE IF NOT EXISTS later AS SELECT 1 AS x; EXPLAIN ANALYZE CREATE TABLE IF NOT EXISTS later AS SELECT 1 AS x', "$how: EXPLAIN ANALYZE CREATE TABLE IF NOT EXISTS");
		is($server->safe_psql('app', "SELECT string_agg(identity, ' ') FROM mg.statement WHERE statement ~ 'EXPLAIN.*later'"), 'work.later', "$how: is on record once, a table of that name in a later schema or not");
		is($server->safe_psql('app', "SELECT count(*) FROM mg.alert WHERE id > $newest AND details->>'statement' ~ 'EXPLAIN'"), 1, "$how: and was warned of");
	}

	works($server, 'app', "SELECT mg_set_policy('enforcement', 'off', 'the end')", "$how: the owner ends it", user => 'boss');
	works($server, 'app', 'CREATE TABLE work.new (x int)', "$how: and all is as before", user => 'dev');
	$server->stop;
}

# A cluster like Supabase's: the platform's services and the owner's deployments go on, people at the prompt do not.
my $script = dirname(Cwd::abs_path(__FILE__)) . '/lib/supabase_like.sql';
my $server = new_cluster('supabase', superuser => 'supabase_admin');
{
	local $ENV{PGUSER} = 'supabase_admin';
	$server->safe_psql('postgres', PostgreSQL::Test::Utils::slurp_file($script));
}
works($server, 'postgres', 'CREATE EXTENSION migration_governance', 'supabase: postgres creates the extension');
works($server, 'postgres', "SELECT mg_set_policy('enforcement', 'block', 'x'); SELECT mg_set_policy('ignored_schemas', 'auth, storage, realtime', 'x'); SELECT mg_set_policy('exempt_roles', 'supabase_admin', 'x')", 'supabase: postgres sets the policy');
works($server, 'postgres', 'ALTER TABLE auth.users ADD COLUMN phone text', 'supabase: a service migrates its own tables', user => 'supabase_auth_admin');
works($server, 'postgres', 'CREATE TABLE public.by_platform (x int)', 'supabase: the platform is exempt', user => 'supabase_admin');
fails_with($server, 'postgres', $_, $refused, "supabase: postgres is refused: $_") for 'CREATE TABLE public.x (y int)', 'GRANT SELECT ON public.by_platform TO anon; CREATE TABLE public.x (y int)', 'DROP OWNED BY postgres';
fails_with($server, 'postgres', 'SET SESSION ROLE postgres; CREATE TABLE public.x (y int)', $refused, 'supabase: the command line tool is refused', user => 'cli_login_postgres');
works($server, 'postgres', "SELECT mg_apply('x', 'CREATE TABLE public.x (y int); GRANT SELECT ON public.x TO anon', 'DROP TABLE public.x')", 'supabase: a migration goes through');
$server->stop;
done_testing();
