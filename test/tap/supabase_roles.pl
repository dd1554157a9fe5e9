# On a cluster that looks like a Supabase project the non-superuser postgres governs its database; the API's roles can do nothing.
use strict;
use warnings FATAL => 'all';

use Cwd;
use File::Basename;
use Governed;
use Strangers;
use Test::More;

my $script = dirname(Cwd::abs_path(__FILE__)) . '/lib/supabase_like.sql';

for my $preloaded (1, 0)
{
	my $how = $preloaded ? 'preloaded' : 'not preloaded';
	my $server = new_cluster($preloaded ? 'preloaded' : 'lazy', superuser => 'supabase_admin', conf => [ $preloaded ? preload() : '' ]);
	{
		local $ENV{PGUSER} = 'supabase_admin';
		$server->safe_psql('postgres', PostgreSQL::Test::Utils::slurp_file($script));
	}
	is($server->safe_psql('postgres', "SELECT concat_ws(' ', session_user, rolsuper) FROM pg_roles WHERE rolname = session_user"), 'postgres f', "$how: postgres is no superuser");

	# Trusted: the database's owner installs it.
	works($server, 'postgres', 'CREATE EXTENSION migration_governance', "$how: postgres creates the extension");
	is($server->safe_psql('postgres', "SELECT string_agg(DISTINCT pg_get_userbyid(o), ',') FROM (SELECT nspowner AS o FROM pg_namespace WHERE nspname = 'mg' UNION SELECT relowner FROM pg_class WHERE relnamespace = 'mg'::regnamespace"
			  . " UNION SELECT proowner FROM pg_proc WHERE proname ~ '^mg_' UNION SELECT evtowner FROM pg_event_trigger WHERE evtname ~ '^mg_') x(o)"), 'supabase_admin', "$how: all it is made of belongs to the superuser");
	is($server->safe_psql('postgres', 'SELECT concat_ws(\' \', login_role, session_role, acting_role) FROM mg.installation'), 'postgres postgres postgres', "$how: who created it is on record");

	# The whole story.
	my $up = "CREATE TABLE public.todos (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), owner uuid REFERENCES auth.users, title text NOT NULL);
ALTER TABLE public.todos ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.todos USING (owner = auth.uid());
GRANT SELECT ON public.todos TO authenticated;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS \$\$BEGIN RETURN NEW; END\$\$;";
	is(works($server, 'postgres', "SELECT status FROM mg_apply('todos', \$up\$$up\$up\$, 'DROP TABLE public.todos; DROP FUNCTION public.touch()', 'SELECT count(*) = 0 FROM public.todos')", "$how: postgres applies"), 'applied', '  applied');
	is($server->safe_psql('postgres', "SELECT count(*), bool_and(login_role = 'postgres' AND acting_role = 'postgres' AND origin = 'migration') FROM mg.statement WHERE migration = 'todos'"), '5|t', "$how: its statements are on record");
	is($server->safe_psql('postgres', "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'todos'"), 'postgres', "$how: what it makes belongs to postgres");
	is(works($server, 'postgres', "SELECT status FROM mg_register('later', 'CREATE TABLE public.later (x int)', 'DROP TABLE public.later')", "$how: postgres registers"), 'pending', '  pending');
	is(works($server, 'postgres', "SELECT status FROM mg_apply('later')", "$how: postgres applies what is registered"), 'applied', '  applied');
	is(works($server, 'postgres', 'SELECT count(*) FROM mg_verify() WHERE NOT ok', "$how: postgres verifies"), '0', '  all is well');
	is(works($server, 'postgres', "SELECT status FROM mg_rollback('later', 'a test')", "$how: postgres rolls back"), 'rolled back', '  rolled back');
	is(works($server, 'postgres', 'SELECT string_agg(migration_name || rollback_applied, \',\' ORDER BY id) FROM mg.history', "$how: postgres reads the history"), 'todosfalse,latertrue', '  the history');
	works($server, 'postgres', "SELECT mg_set_policy('naming', 'free', 'a test'); SELECT * FROM mg.policy; SELECT * FROM mg_status(); SELECT mg_seal(); SELECT mg_parse('SELECT 1'); SELECT mg_template('create', 'x')", "$how: the other functions");
	is(works($server, 'postgres', 'SELECT string_agg(aspect, \',\') FROM mg_status() WHERE NOT ok', "$how: mg_status()"), $preloaded ? '' : 'capture', '  and all is well');
	works($server, 'postgres', 'SELECT rows_taken FROM mg_import(mg_export())', "$how: export and import");

	# postgres cannot write the ledger, whatever it tries.
	fails_with($server, 'postgres', $_, qr/ERROR:  (42501|55000):/, "$how: postgres is refused: $_") for 'DELETE FROM mg.run', 'INSERT INTO mg.run SELECT * FROM mg.run', 'UPDATE mg.run SET reason = NULL', 'TRUNCATE mg.run', 'ALTER TABLE mg.run DISABLE TRIGGER ALL',
	  'CREATE TABLE mg.mine (x int)', 'CREATE TRIGGER t BEFORE INSERT ON mg.run EXECUTE FUNCTION public.touch()', 'CREATE INDEX ON mg.run (migration)', 'DROP TABLE mg.run', 'DROP SCHEMA mg CASCADE', 'ALTER SCHEMA mg OWNER TO postgres',
	  'SET ROLE supabase_admin', 'ALTER EVENT TRIGGER mg_capture_start DISABLE', 'CREATE RULE r AS ON INSERT TO mg.run DO INSTEAD NOTHING',
	  'CREATE OR REPLACE VIEW mg.history AS SELECT 1', 'SELECT mg_install()',
	  "SELECT mg_apply('evil1', 'SET ROLE supabase_admin')", "SELECT mg_apply('evil2', 'SET SESSION AUTHORIZATION supabase_admin')", "SELECT mg_apply('evil3', 'DELETE FROM mg.run')",
	  "SELECT mg_apply('evil4', 'ALTER ROLE postgres SUPERUSER')", "SELECT mg_apply('evil5', 'SELECT 1', verify => 'CREATE TABLE auth.x (y int)')", "SELECT mg_apply('evil6', 'SELECT 1', precondition => 'SELECT pg_read_file(''/etc/hostname'')')";
	fails_with($server, 'postgres', $_, qr/ERROR/, "$how: postgres is refused: $_") for 'ALTER EXTENSION migration_governance DROP TABLE mg.run', 'ALTER EXTENSION migration_governance ADD TABLE public.todos', 'DROP EVENT TRIGGER mg_capture_start', 'DROP FUNCTION mg_apply';
	is(works($server, 'postgres', 'SELECT count(*) FROM mg_verify() WHERE NOT ok', "$how: the ledger is sound"), '0', '  still');

	# The roles of the API.
	can_do_nothing($server, 'postgres', $_, set_role => 'postgres') for 'anon', 'authenticated', 'service_role';
	can_do_nothing($server, 'postgres', $_) for 'authenticator', 'supabase_auth_admin', 'supabase_storage_admin';
	fails_with($server, 'postgres', "SET ROLE anon; SELECT mg_apply('x', 'SELECT 1')", '42501', "$how: anon by way of authenticator", user => 'authenticator');

	# Services of the platform and the command line tool.
	my $after = newest($server, 'postgres');
	works($server, 'postgres', 'ALTER TABLE auth.users ADD COLUMN phone text', "$how: a service migrates its own tables", user => 'supabase_auth_admin');
	is(statements($server, 'postgres', $after, 'origin, login_role, statement'), 'platform|supabase_auth_admin|ALTER TABLE auth.users ADD COLUMN phone text', "$how: as the platform's");
	$after = newest($server, 'postgres');
	works($server, 'postgres', "SET SESSION ROLE postgres; CREATE TABLE public.by_cli (x int); SELECT mg_apply('by_cli', 'CREATE TABLE public.by_cli2 (x int)')", "$how: the command line tool's login role", user => 'cli_login_postgres');
	is(statements($server, 'postgres', $after, 'origin, login_role, session_role, acting_role'), "session|cli_login_postgres|cli_login_postgres|postgres\nmigration|cli_login_postgres|cli_login_postgres|postgres", "$how: with its own name and postgres's");
	$after = newest($server, 'postgres');
	works($server, 'postgres', 'SET session_replication_role = replica; CREATE TABLE public.replica (x int)', "$how: replica role", user => 'supabase_admin');
	is(statements($server, 'postgres', $after, 'origin, statement'), 'platform|CREATE TABLE public.replica (x int)', "$how: hides nothing");
	works($server, 'postgres', "CREATE FUNCTION public.resolve() RETURNS int LANGUAGE sql AS 'SELECT 1'", "$how: event triggers of the platform that count commands");

	# Removal.
	fails_with($server, 'postgres', $_, qr/ERROR:  55000: .*mg_allow_removal/s, "$how: refused: $_") for 'DROP EXTENSION migration_governance', 'DROP EXTENSION migration_governance CASCADE', 'DROP OWNED BY postgres CASCADE', 'DROP OWNED BY CURRENT_USER CASCADE',
	  'DO $$BEGIN DROP EXTENSION migration_governance CASCADE; END$$';
	fails_with($server, 'postgres', "SELECT mg_allow_removal('x')", '42501', "$how: a service may not allow it", user => 'supabase_storage_admin');
	works($server, 'postgres', "SELECT mg_allow_removal('moving on'); DROP EXTENSION migration_governance", "$how: postgres allows and drops it");
	is($server->safe_psql('postgres', "SELECT count(*) FROM pg_namespace WHERE nspname = 'mg'"), '0', "$how: nothing stays");
	works($server, 'postgres', 'CREATE EXTENSION migration_governance', "$how: and creates it again");
	$server->stop;
}
done_testing();
