# Who may deploy, as whom the statements run, in the worker too, and that neither a hostile search_path nor anybody's own call of the worker
# gets more than that.
use strict;
use warnings FATAL => 'all';

use Cwd;
use Deploying;
use File::Basename;
use Governed;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('roles', conf => [ preload(), 'max_worker_processes = 16', "lc_messages = 'C'", "session_preload_libraries = 'auto_explain'" ]);
my $major = major($node);
new_database($node, 'app');
$node->safe_psql('app', <<'SQL');
CREATE ROLE ann LOGIN;
CREATE ROLE eve LOGIN;
CREATE ROLE team;
CREATE ROLE nologin;
GRANT team TO ann;
GRANT ALL ON SCHEMA public TO ann, team, nologin;
SELECT mg_grant_right('ann', 'apply');
SELECT mg_grant_right('nologin', 'apply');
SELECT mg_grant_right('team', 'apply');
CREATE TABLE mine (a int, secret text);
INSERT INTO mine SELECT i, 'secret ' || i FROM generate_series(1, 10) i;
CREATE TABLE teams (a int);
ALTER TABLE teams OWNER TO team;
CREATE TABLE anns (a int, b text);
ALTER TABLE anns OWNER TO ann;
INSERT INTO anns VALUES (1, 'x'), (1, 'y');
SELECT mg_accept_drift('start');
SQL

sub owner_of
{
	my ($relation) = @_;
	return one_of($node, 'app', "SELECT relowner::regrole FROM pg_class WHERE oid = to_regclass('$relation')");
}

# The right to apply is the right to deploy.
my $err = deployed($node, 'app', 'a1', "CREATE TABLE a1 (a int);\nCREATE INDEX CONCURRENTLY a1_i ON a1 (a);\nVACUUM a1;\nREINDEX TABLE CONCURRENTLY a1", 'DROP INDEX CONCURRENTLY a1_i; DROP TABLE a1', user => 'ann');
unlike($err, qr/ERROR|WARNING/, 'a role with the right apply deploys');
is(owner_of('a1') . owner_of('a1_i'), 'annann', '  what it makes is its own');
is(one_of($node, 'app', "SELECT DISTINCT login_role || ' ' || acting_role FROM mg.statements WHERE migration = 'a1'"), 'ann ann', '  on record under its name, what the worker did too');
unlike(call_of($node, 'app', "CALL mg_deploy_rollback('a1', 'why')", user => 'ann'), qr/ERROR|WARNING/, '  and rolls back');
for my $call ("mg_deploy('a1')", "mg_resume('a1')", "mg_abort('a1')", "mg_deploy_rollback('a1', 'why')", "mg_backfill('anns', 'a = 1')")
{
	fails_with($node, 'app', "CALL $call", '42501', "without it, refused: $call", user => 'eve');
}
fails_with($node, 'app', 'TABLE mg.progress', '42501', 'nor may others read mg.progress', user => 'eve');

# What the caller may not do the worker does not do for him.
for my $case (
	[ 'b1', 'CREATE INDEX CONCURRENTLY b1_i ON mine (a)', qr/ERROR:  42501: must be owner of table mine/ ],
	[ 'b2', 'DROP INDEX CONCURRENTLY a_i', qr/ERROR:  42704/ ],
	[ 'b3', 'REINDEX TABLE CONCURRENTLY mine', qr/ERROR:  42501/ ],
	[ 'b4', "ALTER SYSTEM SET work_mem = '1MB'", qr/ERROR:  42501/ ],
	[ 'b5', 'REINDEX SYSTEM app', qr/ERROR:  (42501|0A000)/ ])
{
	my ($name, $up, $pattern) = @$case;
	$err = deployed($node, 'app', $name, $up, undef, user => 'ann');
	like($err, $pattern, "its own error: $up");
	like($err, qr/CONTEXT:  (.*\n)?migration "$name", up, line 1/, '  with its place') if $err !~ /0A000/;
	call_of($node, 'app', "CALL mg_abort('$name')", user => 'ann');
}
$node->safe_psql('app', 'CREATE INDEX b6_i ON mine (a)');
like(deployed($node, 'app', 'b6', 'VACUUM mine', undef, user => 'ann'), qr/WARNING:  .*permission denied to vacuum "mine", skipping it|WARNING:.*skipping/, 'VACUUM of what is not its own is passed over');

# SET ROLE before the CALL, and in the script.
register_migration($node, 'app', 'c1', "CREATE INDEX CONCURRENTLY c1_i ON teams (a);\nCREATE TABLE c1 (a int)", undef);
$err = call_of($node, 'app', "SET ROLE team;\nCALL mg_deploy('c1')", user => 'ann', on_error_stop => 0);
unlike($err, qr/ERROR/, 'SET ROLE before the CALL');
is(owner_of('c1') . owner_of('c1_i'), 'teamteam', '  holds in the worker');
register_migration($node, 'app', 'c2', "CREATE INDEX CONCURRENTLY c2_i ON mine (a)", undef);
like(call_of($node, 'app', "SET ROLE team;\nCALL mg_deploy('c2')"), qr/ERROR:  42501: (must be owner of table mine|permission denied)/, 'a superuser who is another role has not the superuser\'s rights');
call_of($node, 'app', "CALL mg_abort('c2')");
like(deployed($node, 'app', 'c3', "SET ROLE postgres;\nCREATE INDEX CONCURRENTLY c3_i ON mine (a)", undef, user => 'ann'), qr/ERROR:  42501: permission denied to set role "postgres"/, 'SET ROLE in the script: as the role may');
call_of($node, 'app', "CALL mg_abort('c3')");

# SET SESSION AUTHORIZATION.
register_migration($node, 'app', 'd1', "CREATE TABLE d1 (a int);\nCREATE INDEX CONCURRENTLY d1_i ON d1 (a)", undef);
$err = call_of($node, 'app', "SET SESSION AUTHORIZATION nologin;\nCALL mg_deploy('d1')");
if ($major >= 17)
{
	unlike($err, qr/ERROR/, 'as a user who may not log in');
	is(owner_of('d1_i'), 'nologin', '  it is his');
}
else
{
	like($err, qr/ERROR:  55000: no background worker can be session user "nologin"\nDETAIL:.*\nHINT:  RESET SESSION AUTHORIZATION and use SET ROLE instead/, 'as a user who may not log in: an error that says so');
	unlike(call_of($node, 'app', "SET ROLE nologin;\nCALL mg_resume('d1')"), qr/ERROR/, '  and what it hints at works');
	is(owner_of('d1_i'), 'nologin', '  it is his');
}
register_migration($node, 'app', 'd2', "CREATE TABLE d2 (a int);\nCREATE INDEX CONCURRENTLY d2_i ON d2 (a)", undef);
unlike(call_of($node, 'app', "SET SESSION AUTHORIZATION ann;\nCALL mg_deploy('d2')"), qr/ERROR/, 'as another user who may');
is(owner_of('d2_i'), 'ann', '  it is hers');
like(deployed($node, 'app', 'd3', "SET SESSION AUTHORIZATION ann;\nCREATE TABLE d3 (a int);\nCREATE INDEX CONCURRENTLY d3_i ON d3 (a);\nRESET SESSION AUTHORIZATION;\nVACUUM mine;\nCREATE TABLE d3b (a int)", undef), qr/migration "d3" is deployed|ERROR:  \w+: .*SESSION AUTHORIZATION/, 'SET SESSION AUTHORIZATION in the script: carried, or refused');
is(one_of($node, 'app', "SELECT coalesce(string_agg(DISTINCT relowner::regrole::text, ' '), 'ann') FROM pg_class WHERE relname IN ('d3', 'd3_i')"), 'ann', '  never as somebody else');

# Row level security, and a function of an index that reads.
$node->safe_psql('app', "CREATE TABLE rls (a int); ALTER TABLE rls OWNER TO ann; INSERT INTO rls VALUES (1), (2); ALTER TABLE rls ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON rls USING (a = 1);"
	  . " CREATE FUNCTION whoami(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''% % %'', session_user, current_user, current_setting(''search_path''); RETURN a; END'; SELECT mg_accept_drift('rls')");
$err = deployed($node, 'app', 'r1', "UPDATE rls SET a = 1;\nCREATE INDEX CONCURRENTLY r1_i ON rls (whoami(a))", undef, user => 'ann');
like($err, qr/NOTICE:  00000: ann ann /, 'notices of the worker come, and it is whom it should be');
is(one_of($node, 'app', 'SELECT string_agg(a::text, \',\' ORDER BY a) FROM rls'), '1,2', 'policies hold');

# Libraries of the session are the worker's.
unlike(deployed($node, 'app', 'l1', "SET auto_explain.log_min_duration = 0;\nVACUUM mine;\nSET auto_explain.log_min_duration = -1;\nVACUUM mine", undef), qr/ERROR|WARNING/, 'a setting of a preloaded library holds');
unlike(deployed($node, 'app', 'l2', "LOAD 'auto_explain';\nSET auto_explain.log_nested_statements = on;\nSET plpgsql.extra_warnings = 'all';\nVACUUM mine", undef), qr/ERROR|WARNING/, 'LOAD in a script');

# A hostile search_path.
$node->safe_psql('app', <<'SQL');
CREATE SCHEMA evil;
GRANT ALL ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.bad(a int, b int) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil, as %', current_user; END$$;
CREATE FUNCTION evil.bad(a text, b text) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil, as %', current_user; END$$;
CREATE FUNCTION evil.bad(a oid, b oid) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil, as %', current_user; END$$;
CREATE FUNCTION evil.bad(a name, b name) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil, as %', current_user; END$$;
CREATE FUNCTION evil.bad(a name, b text) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil, as %', current_user; END$$;
CREATE FUNCTION evil.bad(a jsonb, b text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil, as %', current_user; END$$;
CREATE FUNCTION evil.bad(a timestamptz, b timestamptz) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil, as %', current_user; END$$;
CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.bad);
CREATE OPERATOR evil.<> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.bad);
CREATE OPERATOR evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.bad);
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.bad);
CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.bad);
CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.bad);
CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.bad);
CREATE OPERATOR evil.->> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = evil.bad);
CREATE OPERATOR evil.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.bad);
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil, as %', current_user; END$$;
CREATE FUNCTION evil.current_database() RETURNS name LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil, as %', current_user; END$$;
CREATE TABLE evil.pg_class (oid oid, relname name);
CREATE TABLE evil.pg_locks (pid int);
SELECT mg_accept_drift('evil');
SQL
my $hostile = 'SET search_path = evil, public, pg_catalog';
register_migration($node, 'app', 'h1', "CREATE TABLE public.h1 (a int);\nCREATE INDEX CONCURRENTLY h1_i ON public.h1 (a);\nALTER TABLE public.h1 ADD COLUMN b int;\nDROP INDEX CONCURRENTLY public.h1_i;\nSELECT pg_catalog.set_config('search_path', 'evil, public, pg_catalog', false);\nVACUUM public.h1;\nREINDEX TABLE CONCURRENTLY public.h1", 'DROP TABLE public.h1');
my $other = session($node, 'app');
ask_session($other, 'BEGIN; LOCK TABLE anns IN SHARE MODE');
$err = call_of($node, 'app', "$hostile;\nCREATE TEMP TABLE pg_index (a int);\nCALL mg_deploy('h1')");
unlike($err, qr/ERROR|evil, as/, 'a hostile search_path: deployed');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'h1'"), 'applied', '  applied');
register_migration($node, 'app', 'h2', "CREATE TABLE public.h2 (a int);\nVACUUM public.h2;\nALTER TABLE public.anns ADD COLUMN c int", undef);
$err = call_of($node, 'app', "$hostile;\nCALL mg_deploy('h2', lock_timeout := '50ms', retries := 1)");
like($err, qr/In the way: pid \d+ \(postgres/, '  who is in the way is found');
unlike($err, qr/evil, as/, '  without calling anything there');
ask_session($other, 'ROLLBACK');
end_session($other);
unlike(call_of($node, 'app', "$hostile;\nCALL mg_abort('h2')"), qr/ERROR|evil, as/, '  aborted');
unlike(call_of($node, 'app', "$hostile;\nCALL mg_deploy_rollback('h1', 'why')"), qr/ERROR|evil, as/, '  rolled back');
unlike(call_of($node, 'app', "$hostile;\nTABLE mg.progress"), qr/ERROR|evil, as/, '  mg.progress');

# The worker's entry is no function, and no SQL gets there.
fails_with($node, 'app', "CREATE FUNCTION errand(internal) RETURNS void LANGUAGE c AS 'migration_governance', 'mg_errand_main'", qr/ERROR:  42501/, 'the worker cannot be called from SQL', user => 'ann');
fails_with($node, 'app', "CREATE FUNCTION errand(internal) RETURNS void LANGUAGE c AS 'migration_governance', 'mg_errand_main'; SELECT errand(NULL)", qr/ERROR:  (42883|0A000|42501|42P13)/, '  not by a superuser either');

# A connection limit keeps nobody from deploying: one more connection than it has is not asked for, or the error says so.
$node->safe_psql('app', 'ALTER ROLE ann CONNECTION LIMIT 1');
$err = deployed($node, 'app', 'k1', "CREATE TABLE k1 (a int);\nCREATE INDEX CONCURRENTLY k1_i ON k1 (a)", 'DROP TABLE k1', user => 'ann');
unlike($err, qr/ERROR/, 'a connection limit of one');
$node->safe_psql('app', 'ALTER ROLE ann CONNECTION LIMIT -1; ALTER DATABASE app CONNECTION LIMIT 1');
$err = deployed($node, 'app', 'k2', "CREATE TABLE k2 (a int);\nCREATE INDEX CONCURRENTLY k2_i ON k2 (a)", 'DROP TABLE k2', user => 'ann');
unlike($err, qr/ERROR/, 'one of the database');
$node->safe_psql('postgres', 'ALTER DATABASE app CONNECTION LIMIT -1');

# Settings of roles and databases.
$node->safe_psql('app', "ALTER ROLE ann SET search_path = evil, public; ALTER ROLE ann SET statement_timeout = '1min'; ALTER DATABASE app SET default_transaction_isolation = 'serializable'");
unlike(deployed($node, 'app', 'q1', "CREATE TABLE q1 (a int);\nCREATE INDEX CONCURRENTLY q1_i ON q1 (a)", 'DROP TABLE evil.q1', user => 'ann'), qr/ERROR/, 'settings of a role, and serializable transactions');
is(owner_of('evil.q1_i'), 'ann', '  where its search_path leads');
$node->safe_psql('app', 'ALTER DATABASE app RESET default_transaction_isolation');
no_drift($node, 'app', 'in the end');

# Another encoding.
$node->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('latin', "CREATE EXTENSION migration_governance; SET client_encoding = 'UTF8'; CREATE TABLE \"t\xc3\xa4belle\" (\"sp\xc3\xa4lte\" int); SELECT mg_accept_drift('start')");
{
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	$err = deployed($node, 'latin', 'e1', "SET my.text = '\xc3\xbc';\nCREATE INDEX CONCURRENTLY \"\xc3\xbcx\" ON \"t\xc3\xa4belle\" (\"sp\xc3\xa4lte\");\nCREATE UNIQUE INDEX CONCURRENTLY \"\xc3\xbcy\" ON \"t\xc3\xa4belle\" ((\"sp\xc3\xa4lte\" + 1))", undef);
	unlike($err, qr/ERROR/, 'names that are not ASCII in LATIN1');
	$node->safe_psql('latin', "SET client_encoding = 'UTF8'; INSERT INTO \"t\xc3\xa4belle\" VALUES (2), (3), (NULL), (5)");
	$err = deployed($node, 'latin', 'e2', "CREATE UNIQUE INDEX CONCURRENTLY \"\xc3\xbcz\" ON \"t\xc3\xa4belle\" ((\"sp\xc3\xa4lte\" % 1))", undef);
	like($err, qr/ERROR:  23505: could not create unique index "\xc3\xbcz"/, '  nor are messages damaged');
}
is(one_of($node, 'latin', "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indisvalid AND c.relname IN (E'\\u00fcx', E'\\u00fcy')"), '2', '  they are there');

# A platform where the owner of the database is no superuser.
my $platform = new_cluster('platform', superuser => 'supabase_admin', conf => [ preload(), 'max_worker_processes = 16', "lc_messages = 'C'" ]);
{
	local $ENV{PGUSER} = 'supabase_admin';
	$platform->safe_psql('postgres', slurp_file(dirname(Cwd::abs_path(__FILE__)) . '/lib/supabase_like.sql'));
}
works($platform, 'postgres', 'CREATE EXTENSION migration_governance', 'postgres, no superuser, creates the extension');
unlike(deployed($platform, 'postgres', 's1', "CREATE TABLE public.todos (id int, owner uuid REFERENCES auth.users);\nCREATE INDEX CONCURRENTLY ON public.todos (owner);\nVACUUM public.todos;\nALTER TABLE public.todos ENABLE ROW LEVEL SECURITY", 'DROP TABLE public.todos'), qr/ERROR|WARNING/, '  and deploys');
is(one_of($platform, 'postgres', "SELECT count(*) FROM mg_drift_report()"), '0', '  no drift');
like(deployed($platform, 'postgres', 's2', "CREATE TABLE public.s2 (a int);\nCREATE INDEX CONCURRENTLY ON auth.users (email)", undef), qr/ERROR:  42501: must be owner of table users/, '  not what is the platform\'s');
unlike(call_of($platform, 'postgres', "CALL mg_abort('s2')"), qr/ERROR/, '  aborted');
fails_with($platform, 'postgres', "SET ROLE anon; CALL mg_deploy()", '42501', '  nor may the API\'s roles', user => 'authenticator');
$platform->stop;
$node->stop;
done_testing();
