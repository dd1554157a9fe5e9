# mg_deploy runs each kind of statement that no transaction block can have, leaves nothing half done behind, carries settings from step to
# step as psql would, and is refused wherever it could not commit.
use strict;
use warnings FATAL => 'all';
use utf8;

use Deploying;
use Governed;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('deploy', conf => [ preload(), 'max_prepared_transactions = 4', 'max_worker_processes = 16', "lc_messages = 'C'" ]);
new_database($node, 'app');
$node->safe_psql('app', 'CREATE TABLE t (id int PRIMARY KEY, a int, b text); INSERT INTO t SELECT i, i, i FROM generate_series(1, 1000) i; SELECT mg_accept_drift($$start$$)');

sub deploys
{
	my ($name, $up, $down, $what) = @_;
	my $err = deployed($node, 'app', $name, $up, $down);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$what //= 'deploys: ' . $up =~ s/\n/ /gr;
	is($err =~ /ERROR|WARNING(?!.*system catalogs concurrently)/ ? $err : '', '', $what);
	is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = '$name'"), 'applied', '  and is applied');
	no_drift($node, 'app', "  $what");
	return $err;
}

sub stops
{
	my ($name, $up, $down, $pattern, $what) = @_;
	my $err = deployed($node, 'app', $name, $up, $down);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like($err, $pattern, $what // "stops: $up");
	return $err;
}

sub objects_of
{
	my ($name) = @_;
	return one_of($node, 'app', "SELECT string_agg(o->>'change' || ' ' || (o->>'type') || ' ' || (o->>'identity'), ', ' ORDER BY o->>'identity')"
		  . " FROM mg.runs r, jsonb_array_elements(r.objects) o WHERE r.migration = '$name' AND r.outcome IN ('applied', 'rolled back', 'aborted')");
}

my $err;

# Indexes.
$err = deploys('i1', "CREATE INDEX CONCURRENTLY i1 ON t (a)", 'DROP INDEX i1');
is(objects_of('i1'), 'created index public.i1', 'the index is on record');
is(one_of($node, 'app', "SELECT action || ' ' || outcome || ' ' || login_role FROM mg.runs WHERE migration = 'i1'"), 'deploy applied postgres', 'and the run');
is(one_of($node, 'app', "SELECT s.tag || ' ' || s.origin || ' ' || s.identity || ' ' || (s.run = r.id)::text FROM mg.statements s JOIN mg.runs r USING (migration) WHERE migration = 'i1' AND s.tag = 'CREATE INDEX'"),
	'CREATE INDEX migration public.i1 true', 'and the statement, as one of the run');
deploys('i2', "CREATE INDEX CONCURRENTLY ON t (b)", 'DROP INDEX t_b_idx');
is(objects_of('i2'), 'created index public.t_b_idx', 'one without a name is on record');
$err = deploys('i3', "CREATE INDEX CONCURRENTLY IF NOT EXISTS i3 ON t (a, b)", 'DROP INDEX i3');
is(objects_of('i3'), 'created index public.i3', 'IF NOT EXISTS makes what is not there');
$err = deploys('i4', "CREATE INDEX CONCURRENTLY IF NOT EXISTS i3 ON t (a, b)", 'SELECT 1');
like($err, qr/relation "i3" already exists, skipping/, 'IF NOT EXISTS passes over what is there');
is(objects_of('i4'), '', '  which is no deed of it');

# An invalid index of somebody else's.
$node->psql('app', 'INSERT INTO t VALUES (1001, 1, 1)');
$node->psql('app', 'CREATE UNIQUE INDEX CONCURRENTLY foreign_i ON t (a)');
$node->safe_psql('app', "SELECT mg_accept_drift('invalid')");
$err = stops('i5', "CREATE INDEX CONCURRENTLY IF NOT EXISTS foreign_i ON t (a)", 'DROP INDEX foreign_i', qr/ERROR:  55000: index "public.foreign_i" is there already, and is not valid/);
like($err, qr/HINT:  DROP INDEX CONCURRENTLY public.foreign_i, and CALL mg_resume\(\)/, '  the hint says what to do');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'i5'"), 'interrupted', '  it stays open');
$node->safe_psql('app', 'DROP INDEX CONCURRENTLY foreign_i');
unlike(call_of($node, 'app', "CALL mg_resume('i5')"), qr/ERROR/, '  and goes on afterwards');
no_drift($node, 'app', '  resumed');

# A unique violation leaves an invalid index, which is the deployment's own.
$err = stops('i6', "CREATE UNIQUE INDEX CONCURRENTLY i6 ON t (a)", 'DROP INDEX i6', qr/ERROR:  23505: could not create unique index "i6"\nDETAIL:  Key \(a\)=\(1\) is duplicated\./);
like($err, qr/CONTEXT:  .*migration "i6", up, line 1: CREATE UNIQUE INDEX CONCURRENTLY i6/s, '  with its place');
like($err, qr/NOTICE:  00000: the deployment of migration "i6" has stopped\nHINT:  CALL mg_resume\('i6'\) goes on where it has stopped; CALL mg_abort\('i6'\) undoes/, '  and the ways on');
is(one_of($node, 'app', "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i6'::regclass"), 'f', '  it leaves an invalid index');
fails_with($node, 'app', $_, qr/ERROR:  55000: (the deployment of migration "i6" was interrupted|migration "i6" is half deployed).*HINT:  CALL mg_resume.*CALL mg_abort/s, "meanwhile refused: $_")
  for "SELECT mg_apply('i6')", "CALL mg_deploy('i6')", "CALL mg_deploy()", "SELECT mg_register('i6', 'SELECT 2')", "SELECT mg_apply('i6', 'SELECT 2')";
fails_with($node, 'app', "SELECT mg_rollback('i6')", qr/ERROR:  (55000|MG406)/, 'meanwhile refused: mg_rollback()');
fails_with($node, 'app', "CALL mg_deploy_rollback('i6', 'why')", qr/ERROR:  55000/, 'meanwhile refused: mg_deploy_rollback()');
$node->safe_psql('app', 'DELETE FROM t WHERE id = 1001');
$err = call_of($node, 'app', "CALL mg_resume('i6')");
like($err, qr/NOTICE:  00000: what an interrupted try has left is removed: DROP INDEX CONCURRENTLY IF EXISTS public.i6/, '  it is removed first');
like($err, qr/migration "i6" is deployed/, '  and built again');
is(objects_of('i6'), 'created index public.i6', '  and on record');
no_drift($node, 'app', '  resumed');
$err = call_of($node, 'app', "CALL mg_resume('i6')");
like($err, qr/ERROR:  55000: no deployment of migration "i6" was interrupted/, 'there is nothing to go on with then');
like(call_of($node, 'app', "CALL mg_deploy('i6')"), qr/NOTICE:  00000: migration "i6" is applied already, skipping/, 'applied already: passed over');

$node->safe_psql('app', "CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN IF a = 500 THEN RAISE EXCEPTION ''five hundred'' USING HINT = ''no''; END IF; RETURN a; END'; SELECT mg_accept_drift('f')");
$err = stops('i7', "CREATE INDEX CONCURRENTLY i7 ON t (f(a))", 'DROP INDEX i7', qr/ERROR:  P0001: five hundred\nHINT:  no\nCONTEXT:  PL\/pgSQL function (public\.)?f\(integer\) line 1 at RAISE.*\nmigration "i7", up, line 1/s);
unlike(call_of($node, 'app', "CALL mg_abort('i7')"), qr/ERROR|WARNING/, '  given up');
is(one_of($node, 'app', "SELECT to_regclass('i7') IS NULL"), 't', '  nothing of it stays');
no_drift($node, 'app', '  aborted');

# One without a name, interrupted; meanwhile somebody else has made another one on the same table.
register_migration($node, 'app', 'i8', 'CREATE INDEX CONCURRENTLY ON t (a, id)', 'DROP INDEX t_a_id_idx');
$err = interrupted($node, 'app', "CALL mg_deploy('i8')", "INSERT INTO t VALUES (5000, 5000)", "SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = 't'::regclass AND NOT indisvalid)");
like($err, qr/ERROR:  57014: canceling statement due to user request/, 'cancelled: the error is the server\'s own');
is(one_of($node, 'app', "SELECT string_agg(indexrelid::regclass::text, ', ') FROM pg_index WHERE NOT indisvalid"), 't_a_id_idx', '  leaves an invalid index');
is(one_of($node, 'app', "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'migration_governance'"), '0', '  and no worker');
is(one_of($node, 'app', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0', '  and no lock');
$node->safe_psql('app', "CREATE INDEX somebody ON t (b, id); SELECT mg_accept_drift('somebody')");
$err = call_of($node, 'app', "CALL mg_resume('i8')");
is(one_of($node, 'app', "SELECT string_agg(indexrelid::regclass::text || indisvalid, ', ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indexrelid::regclass::text IN ('t_a_id_idx', 'somebody')"),
	'somebodytrue, t_a_id_idxtrue', '  resumed: it is there, and the other is left alone');
is(objects_of('i8'), 'created index public.t_a_id_idx', '  and alone on record');
no_drift($node, 'app', '  resumed');

# Names.
$node->safe_psql('app', <<'SQL');
CREATE SCHEMA "Odd "" schema";
CREATE TABLE "Odd "" schema"."on USING ( x" ("a b" int, " on " text);
CREATE TABLE "Odd "" schema".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc (abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabd int);
SELECT mg_accept_drift('names');
SQL
deploys('n1', 'CREATE INDEX CONCURRENTLY "i on "" USING (" ON "Odd "" schema"."on USING ( x" USING btree ("a b", " on ")', 'DROP INDEX "Odd "" schema"."i on "" USING ("');
deploys('n2', 'CREATE INDEX CONCURRENTLY ON "Odd "" schema"."on USING ( x" ("a b")', undef);
deploys('n3', 'CREATE INDEX CONCURRENTLY ON "Odd "" schema".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc (abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabd)', undef);
deploys('n4', 'CREATE INDEX CONCURRENTLY "ü😀 ix" ON "Odd "" schema"."on USING ( x" ((length(" on ") + 1))', undef, 'a name of wide characters');
deploys('n5', 'REINDEX INDEX CONCURRENTLY "Odd "" schema"."i on "" USING ("', undef);
deploys('n6', "SET search_path = \"Odd \"\" schema\";\nCREATE INDEX CONCURRENTLY n6 ON \"on USING ( x\" (\" on \");\nDROP INDEX CONCURRENTLY \"i on \"\" USING (\"", undef);
is(objects_of('n6'), 'dropped index "Odd "" schema"."i on "" USING (", created index "Odd "" schema".n6', 'the search_path of an earlier step holds');
deploys('n7', "SELECT set_config('search_path', 'public, \"Odd \"\" schema\"', false);\nCREATE INDEX CONCURRENTLY n7 ON \"on USING ( x\" (\" on \")", undef, 'so does one of set_config()');
is(one_of($node, 'app', 'SHOW search_path'), '"$user", public', 'new sessions do not have it');

# What SET leaves, and what it does not.
$node->safe_psql('app', "CREATE ROLE builder; GRANT ALL ON SCHEMA public TO builder; CREATE TABLE builders (a int); ALTER TABLE builders OWNER TO builder; CREATE TABLE seen (what text, value text); GRANT ALL ON seen TO builder; SELECT mg_accept_drift('sets')");
$err = deploys('s1', <<'SQL', undef, 'SET over steps');
SET my.own = 'x y '' z';
SET LOCAL my.gone = 'local';
SET work_mem = '17MB';
VACUUM seen;
INSERT INTO seen VALUES ('own', current_setting('my.own')), ('gone', current_setting('my.gone', true)), ('mem', current_setting('work_mem'));
SET LOCAL work_mem = '18MB';
INSERT INTO seen VALUES ('local mem', current_setting('work_mem'));
VACUUM seen;
INSERT INTO seen VALUES ('mem again', current_setting('work_mem'));
RESET work_mem;
BEGIN;
SET work_mem = '19MB';
COMMIT;
VACUUM seen;
INSERT INTO seen VALUES ('mem last', current_setting('work_mem'));
SQL
is($node->safe_psql('app', "SELECT string_agg(what || '=' || coalesce(value, ''), ', ' ORDER BY ctid) FROM seen"),
	"own=x y ' z, gone=, mem=17MB, local mem=18MB, mem again=17MB, mem last=19MB", 'values are as in psql');
$err = deploys('s2', "SET ROLE builder;\nCREATE INDEX CONCURRENTLY s2 ON builders (a);\nCREATE TABLE by_builder (a int);\nRESET ROLE;\nVACUUM t;\nCREATE TABLE by_me (a int)", undef, 'SET ROLE over steps');
is(one_of($node, 'app', "SELECT string_agg(relname || ' ' || relowner::regrole, ', ' ORDER BY relname) FROM pg_class WHERE relname IN ('s2', 'by_builder', 'by_me')"),
	'by_builder builder, by_me postgres, s2 builder', 'things belong to whom they should');
is($node->safe_psql('app', "SET my.own = 'before'; SET search_path = pg_catalog, public; SELECT mg_register('s3', \$\$SET my.own = 'after'; SET search_path = public; SET ROLE builder; VACUUM; SET work_mem = '5MB'\$\$) IS NULL;"), 'f', 'registered');
my (undef, $out) = run_sql($node, 'app', "SET my.own = 'before'; SET search_path = pg_catalog, public;\nCALL mg_deploy('s3');\nSELECT current_setting('my.own'), current_setting('search_path'), current_setting('work_mem'), current_user, current_setting('lock_timeout')", on_error_stop => 0);
is($out, 'before|pg_catalog, public|4MB|postgres|0', 'the session is as before afterwards');
register_migration($node, 'app', 's4', "SET my.own = 'after'; SET search_path = public; SET ROLE builder;\nVACUUM;\nSET work_mem = '5MB';\nSELECT 1 / 0");
(undef, $out) = run_sql($node, 'app', "SET my.own = 'before'; SET search_path = pg_catalog, public;\nCALL mg_deploy('s4');\nSELECT current_setting('my.own'), current_setting('search_path'), current_setting('work_mem'), current_user, current_setting('lock_timeout')", on_error_stop => 0);
is($out, 'before|pg_catalog, public|4MB|postgres|0', '  after an error too');
call_of($node, 'app', "CALL mg_abort('s4')");
deploys('s5', "SET standard_conforming_strings = off;\nVACUUM t;\nCREATE TABLE s5 (a text DEFAULT E'a\\\\b');\nCREATE INDEX CONCURRENTLY s5_i ON s5 (a) WHERE a <> E'\\\\'", undef, 'standard_conforming_strings = off');

# What the worker takes of the machine, beside others and alone.
$node->safe_psql('app', q{CREATE FUNCTION tells(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'parallel %, pauses %', current_setting('max_parallel_maintenance_workers'), current_setting('vacuum_cost_delay'); RETURN i; END $$; SELECT mg_accept_drift('tells')});
my $other = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', 'SELECT pg_sleep(600)' ], '<', \undef, '>', \my $slept, '2>', \my $woken);
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'");
sub of_worker { my ($name, $up) = @_; return (deploys($name, $up, 'SELECT 1') =~ /(parallel .*)/)[0] }
is(of_worker('g1', 'CREATE INDEX CONCURRENTLY g1 ON t (tells(a)) WHERE id = 1'), 'parallel 0, pauses 1ms', 'beside others, the worker leaves them room');
is(of_worker('g2', "SET max_parallel_maintenance_workers = 1; SET vacuum_cost_delay = 0;\nCREATE INDEX CONCURRENTLY g2 ON t (tells(a)) WHERE id = 1"), 'parallel 1, pauses 0', '  unless the script says otherwise');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'");
$other->finish;
is(of_worker('g3', 'CREATE INDEX CONCURRENTLY g3 ON t (tells(a)) WHERE id = 1'), 'parallel 2, pauses 0', 'alone, it takes what there is');

# DROP INDEX, REINDEX, VACUUM, CLUSTER, ALTER SYSTEM, ALTER TYPE.
deploys('d1', "DROP INDEX CONCURRENTLY i1;\nDROP INDEX CONCURRENTLY IF EXISTS i1;\nDROP INDEX CONCURRENTLY IF EXISTS nowhere.i1", undef);
is(objects_of('d1'), 'dropped index public.i1', 'the dropped index is on record');
stops('d2', "DROP INDEX CONCURRENTLY i1", undef, qr/ERROR:  42704: index "i1" does not exist/);
call_of($node, 'app', "CALL mg_abort('d2')");
deploys('r1', "REINDEX INDEX CONCURRENTLY i3;\nREINDEX TABLE CONCURRENTLY t;\nREINDEX (VERBOSE) TABLE CONCURRENTLY t;\nREINDEX SCHEMA CONCURRENTLY public;\nREINDEX DATABASE CONCURRENTLY app;\nREINDEX (CONCURRENTLY) TABLE t;\nREINDEX DATABASE app", undef);
deploys('v1', "VACUUM t;\nVACUUM (FULL, ANALYZE) t;\nVACUUM (ANALYZE, VERBOSE) t, seen;\nCLUSTER t USING t_pkey;\nCLUSTER;\nVACUUM;\nALTER SYSTEM SET work_mem = '6MB';\nALTER SYSTEM RESET work_mem", undef);
deploys('e1', "CREATE TYPE mood AS ENUM ('a');\nALTER TYPE mood ADD VALUE 'b';\nCREATE TABLE moods (m mood DEFAULT 'b');\nINSERT INTO moods VALUES ('b');\nALTER TYPE mood ADD VALUE IF NOT EXISTS 'c' BEFORE 'b';\nINSERT INTO moods VALUES ('c')", undef);
is(objects_of('e1'), 'created type public.mood, created table public.moods', 'what several steps did to one object is one');
deploys('b1', "BEGIN;\nCREATE TABLE b1 (a int);\nCOMMIT;\nVACUUM b1;\nSTART TRANSACTION;\nALTER TABLE b1 ADD COLUMN b int;\nALTER TABLE b1 RENAME TO b1_new;\nEND;\nCREATE TABLE b2 (a int);\nVACUUM;\nDROP TABLE b2", undef);
deploys('b3', 'CREATE TABLE b3 (a int); COMMIT; ALTER TABLE b3 ADD COLUMN b int', 'DROP TABLE b3', 'COMMIT without BEGIN ends a transaction');
is(objects_of('b1'), 'created table public.b1_new', 'created and renamed is created, created and dropped is nothing');

# Refused before anything runs.
for my $case (
	[ 'x1', 'CREATE TABLE x1 (a int); CREATE DATABASE other', qr/ERROR:  0A000/ ],
	[ 'x2', 'CREATE TABLE x2 (a int); BEGIN; CREATE INDEX CONCURRENTLY x ON t (a); COMMIT', qr/ERROR:  0A000/ ],
	[ 'x3', 'CREATE TABLE x3 (a int); ROLLBACK', qr/ERROR:  0A000/ ],
	[ 'x4', "CREATE TABLE x4 (a int); COPY t FROM STDIN", qr/ERROR:  0A000/ ],
	[ 'x5', 'CREATE TABLE x5 (a int); BEGIN; SELECT 1', qr/ERROR:  0A000/ ],
	[ 'x6', 'CREATE TABLE x6 (a int); BEGIN; BEGIN; SELECT 1; COMMIT', qr/ERROR:  0A000/ ],
	[ 'x7', "CREATE TABLE x7 (a int); PREPARE TRANSACTION 'x'", qr/ERROR:  0A000/ ],
	[ 'x8', "CREATE TABLE x8 (a int); CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", qr/ERROR:  0A000/ ],
	[ 'x9', "CREATE TABLE x9 (a int); CREATE TABLESPACE x LOCATION '/x'", qr/ERROR:  0A000/ ])
{
	my ($name, $up, $pattern) = @$case;
	my $text = deployed($node, 'app', $name, $up, undef);
	like($text, $pattern, "refused: $up");
	is(one_of($node, 'app', "SELECT to_regclass('$name') IS NULL AND NOT EXISTS (SELECT FROM mg.journal WHERE migration = '$name')"), 't', '  before anything ran');
}
like(call_of($node, 'app', "CALL mg_deploy('unknown')"), qr/ERROR:  MG004: migration "unknown" is not registered/, 'not registered');
like(call_of($node, 'app', "CALL $_"), qr/ERROR:  22004|ERROR:  22023/, "refused: $_") for "mg_resume(NULL)", "mg_abort(NULL)", "mg_deploy_rollback(NULL, 'x')";
like(call_of($node, 'app', "CALL mg_deploy('i1', $_)"), qr/ERROR:  22023/, "refused: $_") for "lock_timeout := '-1s'", "lock_timeout := '100 days'", 'retries := -1', "deadline := '0'", "deadline := '-1 hour'";

# Where it cannot commit.
register_migration($node, 'app', 'a1', "CREATE TABLE a1 (a int);\nVACUUM a1;\nINSERT INTO a1 VALUES (1)");
$node->safe_psql('app', "CREATE FUNCTION caller() RETURNS void LANGUAGE plpgsql AS 'BEGIN CALL mg_deploy(''a1''); END'; CREATE PROCEDURE calls() LANGUAGE plpgsql AS 'BEGIN CALL mg_deploy(''a1''); END';"
	  . " CREATE PROCEDURE sql_calls() LANGUAGE sql AS 'CALL mg_deploy(''a1'')'; CREATE PROCEDURE calls_set() LANGUAGE plpgsql SET work_mem = '4MB' AS 'BEGIN CALL mg_deploy(''a1''); END'; SELECT mg_accept_drift('callers')");
for my $sql ("BEGIN; CALL mg_deploy('a1')", 'SELECT caller()', 'CALL sql_calls()', 'CALL calls_set()', "BEGIN; DO 'BEGIN CALL mg_deploy(''a1''); END'",
	"DO 'BEGIN BEGIN CALL mg_deploy(''a1''); EXCEPTION WHEN division_by_zero THEN NULL; END; END'", "BEGIN; CALL mg_resume('a1')", "BEGIN; CALL mg_abort('a1')", "BEGIN; CALL mg_deploy_rollback('a1', 'x')")
{
	fails_with($node, 'app', $sql, qr/ERROR:  25001: mg_\w+\(\) cannot run inside a transaction block|ERROR:  2D000/, "refused: $sql");
}
$node->command_fails_like([ 'psql', '-X', '-d', $node->connstr('app'), '-c', "CALL mg_deploy('a1'); SELECT 1" ], qr/cannot run inside a transaction block/, 'refused: several statements in one -c');
fails_with($node, 'app', "SET default_transaction_read_only = on; CALL mg_deploy('a1')", '25006', 'refused: read only');
is(one_of($node, 'app', "SELECT to_regclass('a1') IS NULL AND NOT EXISTS (SELECT FROM mg.journal WHERE migration = 'a1')"), 't', 'nothing of it has happened');
works($node, 'app', 'CALL calls()', 'a procedure of the user\'s may call it', on_error_stop => 1);
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'a1'"), 'applied', '  and it is applied');
register_migration($node, 'app', 'a2', "CREATE TABLE a2 (a int);\nVACUUM a2");
works($node, 'app', "DO 'BEGIN CALL mg_deploy(''a2''); END'", 'so may a DO block by itself');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'a2'"), 'applied', '  and it is applied');
for my $protocol (qw(simple extended prepared))
{
	register_migration($node, 'app', "p_$protocol", "CREATE TABLE p_$protocol (a int);\nVACUUM p_$protocol");
	my ($ok, $text) = pgbench_script($node, 'app', "CALL mg_deploy('p_$protocol');\n", protocol => $protocol);
	ok($ok, "$protocol protocol") or diag($text);
	is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'p_$protocol'"), 'applied', '  and it is applied');
}
like(call_of($node, 'app', "DO 'BEGIN CREATE TABLE pending_of_do (a int); CALL mg_deploy(); END'"), qr/ERROR/, 'all pending ones: the first failing stops');

is($node->safe_psql('app', "SELECT string_agg(check_name || ' ' || coalesce(object, ''), ', ') FROM mg_verify() WHERE NOT ok AND check_name ~ 'seal|hash|record|ledger'"), '', 'the records are whole');
$node->stop;
done_testing();
