# Who may do what on a plain cluster, and what a role without rights tries to become somebody by way of the extension.
use strict;
use warnings FATAL => 'all';

use Governed;
use Strangers;
use Test::More;

my $server = new_cluster('roles', conf => [ preload() ]);
$server->safe_psql('postgres', q{
	CREATE ROLE owner LOGIN CREATEDB;
	CREATE ROLE member LOGIN IN ROLE owner;
	CREATE ROLE stranger LOGIN;
	CREATE ROLE creator LOGIN;
	CREATE ROLE writer LOGIN IN ROLE pg_write_all_data;
	CREATE ROLE helper LOGIN;
	CREATE DATABASE app OWNER owner;
	CREATE DATABASE lent OWNER owner;
	CREATE DATABASE taken;
	GRANT CREATE ON DATABASE lent TO creator;});

# Default privileges of the superuser let everybody in: nothing of it may leak.
for my $what ('TABLES', 'SEQUENCES', 'FUNCTIONS', 'SCHEMAS', 'TYPES')
{
	$server->safe_psql('app', "ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT ALL ON $what TO stranger WITH GRANT OPTION; ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT ALL ON $what TO PUBLIC");
}

# Who may install.
fails_with($server, 'app', 'CREATE EXTENSION migration_governance', '42501', 'a stranger may not create the extension', user => 'stranger');
works($server, 'app', 'CREATE EXTENSION migration_governance', 'the owner of the database may', user => 'owner');
works($server, 'lent', 'CREATE EXTENSION migration_governance', 'so may who has CREATE on it', user => 'creator');
can_do_nothing($server, 'app', 'stranger');
can_do_nothing($server, 'lent', 'creator');
can_do_nothing($server, 'lent', 'stranger');

# The owner of the database, and a member of his.
for my $user ('owner', 'member')
{
	my $n = "${user}_1";
	is(works($server, 'app', "SELECT status FROM mg_apply('$n', 'CREATE TABLE $n (x int)', 'DROP TABLE $n', 'SELECT count(*) = 0 FROM $n')", "$user applies", user => $user), 'applied', '  applied');
	is($server->safe_psql('app', "SELECT tableowner FROM pg_tables WHERE tablename = '$n'"), $user, "$user owns what the migration made");
	works($server, 'app', "SELECT mg_register('${user}_2', 'SELECT 1'); SELECT mg_rollback('$n', 'a test'); SELECT * FROM mg_verify(); SELECT * FROM mg_status(); SELECT mg_set_policy('naming', 'free', 'x'); SELECT mg_export()", "$user does the rest", user => $user);
	works($server, 'app', "SELECT * FROM mg.history; SELECT * FROM mg.statements; SELECT * FROM mg.runs; SELECT * FROM mg.status; SELECT * FROM mg.policy", "$user reads the views", user => $user);
	fails_with($server, 'app', $_, qr/ERROR:  (42501|55000):/, "$user is refused: $_", user => $user) for 'INSERT INTO mg.run SELECT * FROM mg.run', 'DELETE FROM mg.run', 'CREATE TABLE mg.x (y int)', 'ALTER TABLE mg.run DISABLE TRIGGER ALL', 'SELECT mg_install()',
	  'CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION mg_capture()', "SELECT mg_apply('evil', 'DELETE FROM mg.run')", "SELECT mg_apply('evil', 'SET SESSION AUTHORIZATION postgres')", "SELECT mg_apply('evil', 'SET ROLE postgres')",
	  "SELECT mg_apply('evil', 'SET migration_governance.protect_ledger = off')", "SELECT mg_apply('evil', 'CREATE ROLE r')", 'CREATE TRIGGER t BEFORE INSERT ON member_1 FOR EACH ROW EXECUTE FUNCTION mg_guard()' =~ s/member_1/mg.run/r;
}

# What the owner grants on.
works($server, 'app', 'GRANT EXECUTE ON FUNCTION mg_apply TO helper; GRANT EXECUTE ON FUNCTION mg_rollback TO helper; GRANT USAGE ON SCHEMA mg TO helper; GRANT SELECT ON mg.history TO helper; GRANT CREATE ON SCHEMA public TO helper', 'the owner grants on', user => 'owner');
is(works($server, 'app', "SELECT status FROM mg_apply('helped', 'CREATE TABLE helped (x int)', 'DROP TABLE helped')", 'a helper applies', user => 'helper'), 'applied', '  applied');
is($server->safe_psql('app', "SELECT concat_ws(' ', login_role, acting_role) FROM mg.run WHERE migration = 'helped'"), 'helper helper', '  as himself');
fails_with($server, 'app', "SELECT mg_set_policy('naming', 'free', 'x')", '42501', 'a helper has only what was granted', user => 'helper');
$server->safe_psql('app', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog TO helper');
fails_with($server, 'app', $_, '42501', "EXECUTE alone is not enough: $_", user => 'helper') for "SELECT mg_set_policy('naming', 'free', 'x')", "SELECT mg_allow_removal('x')", "SELECT mg_import('{\"format\": 1}')";
fails_with($server, 'app', 'SELECT mg_install()', '55000', 'EXECUTE on mg_install() does nothing outside the install script', user => 'helper');
fails_with($server, 'app', 'SELECT mg_install()', '55000', 'not even for a superuser');
fails_with($server, 'app', 'SELECT mg_capture()', qr/ERROR/, 'mg_capture() cannot be called', user => 'helper');
fails_with($server, 'app', 'CREATE TABLE guarded (x int); CREATE TRIGGER t BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION mg_guard(); INSERT INTO guarded VALUES (1)', qr/ERROR/, 'mg_guard() on another table harms nobody', user => 'helper');
$server->safe_psql('app', 'REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog FROM helper');

# SECURITY DEFINER functions: the script runs with the rights of the function's owner, as any SQL there; rights are the session user's.
$server->safe_psql('app', q{
	CREATE FUNCTION public.deploy(name text, up text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT status FROM mg_apply(name, up)';
	ALTER FUNCTION public.deploy(text, text) OWNER TO owner;
	CREATE FUNCTION public.policy() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$SELECT mg_set_policy('naming', 'free', 'x')$$;
	ALTER FUNCTION public.policy() OWNER TO owner;
	CREATE FUNCTION public.removal() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$SELECT mg_allow_removal('x')$$;
	ALTER FUNCTION public.removal() OWNER TO owner;});
is(works($server, 'app', "SELECT public.deploy('defined', 'CREATE TABLE defined (x int)')", 'mg_apply() in a SECURITY DEFINER function', user => 'stranger'), 'applied', '  applies');
is($server->safe_psql('app', "SELECT concat_ws(' ', tableowner, login_role, session_role, acting_role) FROM pg_tables, mg.run WHERE tablename = 'defined' AND migration = 'defined'"), 'owner stranger stranger stranger', '  as its owner, on record is who called');
fails_with($server, 'app', "SELECT public.deploy('defined2', 'SET ROLE postgres')", '42501', '  and cannot leave it', user => 'stranger');
fails_with($server, 'app', 'SELECT public.policy()', '42501', 'the policy is for whom the session belongs to', user => 'stranger');
fails_with($server, 'app', 'SELECT public.removal()', '42501', 'removal too', user => 'stranger');

# A script changes the role or the session: it is as it was afterwards, and so is the search_path.
$server->safe_psql('app', 'GRANT stranger TO owner');
is(works($server, 'app', "SELECT status FROM mg_apply('roles', 'SET ROLE stranger; SET search_path = pg_temp; SET work_mem = ''77MB''; SET application_name = ''changed'''); SELECT current_user, current_setting('search_path'), current_setting('work_mem')", 'a script that sets the role', user => 'owner'),
	"applied\nowner|\"\$user\", public|4MB", '  leaves it as it was');
is(works($server, 'app', "SELECT status FROM mg_apply('session', 'SET SESSION AUTHORIZATION stranger'); SELECT session_user, current_user; CREATE TABLE after_session (x int)", 'a superuser\'s script that sets the session\'s user'),
	"applied\npostgres|postgres", '  leaves it as it was');
is($server->safe_psql('app', "SELECT concat_ws(' ', login_role, session_role, acting_role) FROM mg.run WHERE migration = 'session'"), 'postgres postgres postgres', '  and is on record as who called');
fails_with($server, 'app', "SET ROLE stranger; SELECT mg_apply('x', 'SELECT 1')", '42501', 'SET ROLE to a stranger loses the right to the functions');
fails_with($server, 'app', "SELECT mg_apply('failing', 'SET ROLE stranger; SELECT 1 / 0')", '22012', 'a script that fails after it set the role', user => 'owner');

# A hostile search_path, and functions, operators, casts and tables of the stranger's that look like the system's.
$server->safe_psql('app', 'CREATE SCHEMA evil AUTHORIZATION stranger; GRANT CREATE, USAGE ON SCHEMA public TO stranger; GRANT USAGE ON SCHEMA evil TO PUBLIC; CREATE TABLE public.caught (who text, what text); GRANT INSERT ON public.caught TO PUBLIC');
my $traps = '';
for my $schema ('evil', 'public')
{
	my $trap = "INSERT INTO public.caught VALUES (current_user, ''%s'')";
	$traps .= "CREATE FUNCTION $schema.$_ LANGUAGE plpgsql AS 'BEGIN " . sprintf($trap, $_ =~ s/\(.*//r) . "; RETURN NULL; END';\n"
	  for 'count(int) RETURNS bigint', 'coalesce_(text) RETURNS text', 'lower(text) RETURNS text', 'gen_random_uuid() RETURNS uuid', 'current_database() RETURNS name', 'to_regclass(text) RETURNS regclass',
	  'pg_try_advisory_xact_lock(bigint) RETURNS boolean', 'jsonb_array_elements_text(jsonb) RETURNS text', 'encode(bytea, text) RETURNS text', 'sha256(bytea) RETURNS bytea', 'now() RETURNS timestamptz', 'clock_timestamp() RETURNS timestamptz',
	  'pg_database_size(name) RETURNS bigint', 'pg_control_system() RETURNS record', 'mg_apply(text, text) RETURNS text', 'mg_status() RETURNS text', 'string_agg(text, text) RETURNS text', 'convert_to(text, name) RETURNS bytea', 'to_jsonb(text) RETURNS jsonb';
	$traps .= "CREATE FUNCTION $schema.same(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN " . sprintf($trap, 'operator') . "; RETURN true; END';\n";
	$traps .= "CREATE OPERATOR $schema.= (leftarg = text, rightarg = text, function = $schema.same);\nCREATE OPERATOR $schema.~ (leftarg = text, rightarg = text, function = $schema.same);\nCREATE OPERATOR $schema.|| (leftarg = text, rightarg = text, function = $schema.same);\n";
	$traps .= "CREATE FUNCTION $schema.same(uuid, uuid) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN " . sprintf($trap, 'uuid operator') . "; RETURN true; END';\nCREATE OPERATOR $schema.= (leftarg = uuid, rightarg = uuid, function = $schema.same);\n";
	$traps .= "CREATE TABLE $schema.$_ AS SELECT 1 AS x;\n" for 'pg_class', 'pg_database', 'pg_event_trigger', 'pg_extension', 'statement', 'run', 'registration', 'current';
}
is((run_sql($server, 'app', $traps, user => 'stranger'))[2] =~ /ERROR/ ? 'error' : '', '', 'the traps are set');
for my $path ('evil, public, pg_catalog', 'public, pg_catalog', 'evil, pg_temp, pg_catalog, mg')
{
	my ($n) = $path =~ /(\w+)/;
	$n .= length $path;
	works($server, 'app', "SET search_path = $path; CREATE TABLE public.trap_$n (x int); SELECT mg_apply('trap_$n', 'CREATE TABLE public.trapped_$n (x int)', 'DROP TABLE public.trapped_$n', 'SELECT true'); SELECT * FROM mg_verify(); SELECT * FROM pg_catalog.mg_status();"
		  . " SELECT * FROM mg.history; SELECT mg_seal(); SELECT mg_rollback('trap_$n'); SELECT mg_import(mg_export()); ALTER TABLE mg.run DISABLE TRIGGER ALL; DROP TABLE public.trap_$n", "a superuser with search_path $path");
}
is($server->safe_psql('app', 'SELECT string_agg(who || \' \' || what, \', \') FROM public.caught'), '', 'no trap was sprung');
is($server->safe_psql('app', 'SELECT count(*) FROM mg_verify() WHERE NOT ok'), '0', 'and the ledger is sound');
my $temp = "CREATE TEMP TABLE pg_class AS SELECT 1 AS x; CREATE TEMP TABLE statement (x int); CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.caught VALUES (current_user, ''temp''); RETURN \$1; END'; SET search_path = pg_temp, pg_catalog, public;";
works($server, 'app', "$temp SELECT pg_catalog.mg_apply('temp_traps', 'CREATE TABLE public.temp_traps (x int)'); SELECT * FROM pg_catalog.mg_verify(); SELECT * FROM pg_catalog.mg_status()", 'temporary objects in front of the catalog', user => 'owner');
is($server->safe_psql('app', 'SELECT count(*) FROM public.caught'), '0', 'no trap was sprung');

# Security-restricted operations: an index function and a materialized view of the stranger's, run by the superuser.
$server->safe_psql('app', q{
	SET ROLE stranger;
	CREATE TABLE public.bait (x int);
	CREATE FUNCTION public.make() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'CREATE TABLE IF NOT EXISTS public.from_index_' || current_user || ' (x int)'; END$$;
	CREATE FUNCTION public.ddl(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN PERFORM public.make(); RETURN 1; END$$;
	INSERT INTO public.bait VALUES (1);
	CREATE INDEX ON public.bait (public.ddl(x));});
my $after = newest($server, 'app');
works($server, 'app', 'REINDEX TABLE public.bait', 'an index function that runs DDL, reindexed by a superuser');
is($server->safe_psql('app', "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE tablename ~ '^from_index'"), 'stranger', '  runs as the owner of the table');
is($server->safe_psql('app', "SELECT string_agg(DISTINCT concat_ws(' ', login_role, nested), ',') FROM mg.statement WHERE id > $after AND statement ~ 'from_index'"), 'postgres t', '  and is on record');
$server->safe_psql('app', "DROP TABLE public.bait; CREATE FUNCTION public.become() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM mg_apply(''become'', ''ALTER ROLE stranger SUPERUSER''); RETURN 1; END'; GRANT EXECUTE ON FUNCTION mg_apply(text, text, text, text, text[], text) TO stranger;"
	  . ' SET ROLE stranger; CREATE MATERIALIZED VIEW public.escalate AS SELECT public.become() WITH NO DATA; RESET ROLE');
fails_with($server, 'app', 'REFRESH MATERIALIZED VIEW public.escalate', qr/ERROR/, 'mg_apply() in a materialized view that a superuser refreshes gains nothing');
is($server->safe_psql('app', "SELECT rolsuper FROM pg_roles WHERE rolname = 'stranger'"), 'f', '  the stranger is no superuser');
$server->safe_psql('app', 'DROP MATERIALIZED VIEW public.escalate; REVOKE EXECUTE ON FUNCTION mg_apply(text, text, text, text, text[], text) FROM stranger');

# Planted records: a role that may write every table must not make a superuser run its script.
my $plant = q{INSERT INTO mg.registration SELECT (jsonb_populate_record(r, jsonb_build_object('installation', gen_random_uuid(), 'at', 'infinity', 'down', r.up))).* FROM mg.registration r LIMIT 1};
$server->safe_psql('app', 'GRANT USAGE ON SCHEMA mg TO writer; GRANT SELECT ON ALL TABLES IN SCHEMA mg TO writer');
fails_with($server, 'app', $plant, '55000', 'a member of pg_write_all_data cannot plant a registration', user => 'writer');

# A stranger's locks keep nobody from sealing or applying.
my $blocker = $server->background_psql('app', extra_params => [ '-U', 'stranger' ]);
$blocker->query_safe("SELECT pg_advisory_lock(x'6d677365616c'::bigint)");
$server->safe_psql('app', 'CREATE TABLE to_be_sealed (x int); SELECT mg_seal()');
$server->safe_psql('app', 'SELECT mg_seal()');
is($server->safe_psql('app', "SELECT count(*) FROM mg.statement r WHERE r.identity = 'public.to_be_sealed' AND EXISTS (SELECT FROM mg.seal s WHERE s.covers = r.installation AND s.members @> r.id)"),
	'1', 'a stranger who holds an advisory lock does not keep the ledger from being sealed');
$blocker->quit;

# A schema mg that is not the extension's.
$server->safe_psql('taken', 'GRANT CREATE ON DATABASE taken TO stranger; GRANT CREATE ON SCHEMA public TO stranger');
works($server, 'taken', 'CREATE SCHEMA mg; CREATE SEQUENCE mg.record_id; CREATE TABLE mg.current (installation uuid, a bigint, b bigint); INSERT INTO mg.current VALUES (gen_random_uuid(), 1, 1);'
	  . join('', map { "CREATE TABLE mg.$_ (installation uuid, id bigint, xid xid8, at timestamptz, statement text, migration text, hash text);" } 'installation', 'script', 'registration', 'run', 'statement', 'policy_event', 'rehearsal', 'environment', 'approval', 'evidence', 'alert', 'seal')
	  . 'CREATE TABLE public.mine (x int); DROP TABLE public.mine; CREATE SCHEMA other', 'a user\'s schema mg with the ledger\'s tables, without the extension', user => 'stranger');
works($server, 'taken', 'CREATE TABLE super (x int); TRUNCATE super; CREATE ROLE passing; DROP ROLE passing; DELETE FROM mg.run; DROP TABLE mg.policy_event; ALTER TABLE mg.seal ADD COLUMN x int', 'is an ordinary schema');
is($server->safe_psql('taken', 'SELECT count(*) FROM mg.statement'), '0', 'into which nothing is written');
fails_with($server, 'taken', 'CREATE EXTENSION migration_governance', '42P06', 'and which keeps the extension from being created');
is($server->safe_psql('taken', 'SELECT count(*) FROM mg.statement'), '0', 'still nothing is written');
works($server, 'taken', 'DROP SCHEMA mg CASCADE; CREATE EXTENSION migration_governance; CREATE TABLE recorded (x int)', 'without it the extension can be created');
is($server->safe_psql('taken', 'SELECT string_agg(identity, \',\' ORDER BY id) FROM mg.statement'), 'migration_governance,public.recorded', 'and records');

# Another kind of taker: the functions' names are taken in public before the extension comes.
$server->safe_psql('postgres', 'CREATE DATABASE shadowed; GRANT CREATE ON DATABASE shadowed TO stranger');
$server->safe_psql('shadowed', q{GRANT CREATE ON SCHEMA public TO stranger; CREATE TABLE public.caught (who text); GRANT INSERT ON public.caught TO PUBLIC; SET ROLE stranger;
	CREATE FUNCTION public.format(text, VARIADIC anyarray) RETURNS text LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.caught VALUES (current_user); RETURN 'SELECT 1'; END$$;
	CREATE FUNCTION public.noregex(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.caught VALUES (current_user); RETURN false; END$$;
	CREATE OPERATOR public.!~ (leftarg = text, rightarg = text, function = public.noregex);
	CREATE FUNCTION public.mg_install() RETURNS void LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.caught VALUES (current_user); END$$;});
works($server, 'shadowed', 'SET search_path = public, pg_catalog; CREATE EXTENSION migration_governance', 'the install script with a hostile search_path', user => 'stranger');
is($server->safe_psql('shadowed', 'SELECT count(*) FROM public.caught'), '0', 'runs nothing of the stranger\'s');
can_do_nothing($server, 'shadowed', 'stranger');

# Removal is the owner's, not the one's who happened to create the extension.
my $refused = qr/ERROR:  55000: .*mg_allow_removal/s;
fails_with($server, 'lent', $_, $refused, "refused to who created it: $_", user => 'creator') for 'DROP EXTENSION migration_governance', 'DROP EXTENSION migration_governance CASCADE', 'DROP OWNED BY creator', 'DROP OWNED BY creator CASCADE', 'DROP OWNED BY CURRENT_USER';
fails_with($server, 'lent', 'DROP OWNED BY creator', $refused, 'refused to a superuser: DROP OWNED BY creator');
fails_with($server, 'lent', "SELECT mg_allow_removal('x')", '42501', 'who created it may not allow it', user => 'creator');
works($server, 'lent', 'REASSIGN OWNED BY creator TO owner', 'its ownership can be handed on');
works($server, 'lent', "SELECT mg_allow_removal('x'); DROP EXTENSION migration_governance", 'the owner of the database allows and drops it', user => 'owner');
works($server, 'app', 'ALTER EXTENSION migration_governance UPDATE', 'ALTER EXTENSION … UPDATE without a version', user => 'owner');
$server->stop;
done_testing();
