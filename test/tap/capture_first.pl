# A session whose library is not preloaded: its first DDL statement loads the library by the event trigger, and from then on
# the hook sees everything. What comes before is missed, and said to be.
use strict;
use warnings FATAL => 'all';

use Governed;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = new_cluster('lazy', conf => ['max_prepared_transactions = 2']);
new_database($server, 'app');

my $number = 0;

# Runs SQL in a session of its own and compares what is on record, one "nested tag identity: statement" a line.
sub records
{
	my ($sql, $expected, $what, %options) = @_;
	my $after = newest($server, 'app');
	my ($status, $out, $err) = run_sql($server, 'app', $sql, %options);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($err =~ /ERROR/ && !$options{fails} ? $err : '', '', "$what: works");
	my $recorded = statements($server, 'app', $after, "concat(CASE WHEN nested THEN 'nested ' END, tag, ' ', identity, ': ', statement)");
	ref $expected ? like($recorded, $expected, "$what: on record") : is($recorded, $expected, "$what: on record");
	return;
}

records("\n-- a comment\n/* and another */\n  CREATE TABLE a1 (\n    id int -- inside\n  )  ;\n", "CREATE TABLE public.a1: CREATE TABLE a1 (\n    id int -- inside\n  )", 'simple protocol');

# psql -c sends one string; the server runs it as one transaction.
my $after = newest($server, 'app');
command_ok([ 'psql', '-X', '-q', '-d', $server->connstr('app'), '-c', "SELECT 1; CREATE TABLE a2 (x int);\n -- second\n CREATE TABLE a3 (y int); DROP TABLE a3" ], 'a string of several statements');
is(statements($server, 'app', $after), "CREATE TABLE a2 (x int)\nCREATE TABLE a3 (y int)\nDROP TABLE a3", 'a string of several statements: each on record alone');
is(
	$server->safe_psql('app', "SELECT count(*), count(DISTINCT xid), bool_or(nested) FROM mg.statement WHERE id > $after"),
	'3|1|f', 'a string of several statements: one transaction, not nested');

for my $protocol ('extended', 'prepared')
{
	$after = newest($server, 'app');
	my ($ok, $output) = pgbench_script($server, 'app', "CREATE TABLE a_$protocol (x int);\nCREATE TABLE b_$protocol (x int);\n", protocol => $protocol);
	ok($ok, "$protocol protocol works") or diag $output;
	is(statements($server, 'app', $after, 'nested, statement'), "f|CREATE TABLE a_$protocol (x int)\nf|CREATE TABLE b_$protocol (x int)", "$protocol protocol: on record");
}

# The event trigger is not told the text of a nested statement: without the hook it may be unknown, but must not be another.
records("DO 'BEGIN CREATE TABLE a4 (x int); CREATE TABLE a5 (x int); END'",
	qr/^nested CREATE TABLE public.a4: (CREATE TABLE a4 \(x int\))?\nnested CREATE TABLE public.a5: CREATE TABLE a5 \(x int\)$/, 'a DO block');

$server->safe_psql('app', q{CREATE FUNCTION make(name text) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE format('CREATE TABLE %I (x int)', name); END$$});
records("SELECT make('a6'), make('a7')", 
	qr/^nested CREATE TABLE public.a6: (CREATE TABLE a6 \(x int\))?\nnested CREATE TABLE public.a7: CREATE TABLE a7 \(x int\)$/, 'a function');

$server->safe_psql('app', q{CREATE FUNCTION catches() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM 1 / 0; RETURN 0; EXCEPTION WHEN OTHERS THEN RETURN 1; END$$});
records('CREATE TABLE a8 AS SELECT catches()', 'CREATE TABLE AS public.a8: CREATE TABLE a8 AS SELECT catches()', 'a statement inside which an error is caught');

records('CREATE INDEX CONCURRENTLY a1_id ON a1 (id)', 'CREATE INDEX public.a1_id: CREATE INDEX CONCURRENTLY a1_id ON a1 (id)', 'CREATE INDEX CONCURRENTLY');
records('DROP INDEX CONCURRENTLY a1_id', 'DROP INDEX public.a1_id: DROP INDEX CONCURRENTLY a1_id', 'DROP INDEX CONCURRENTLY');
$server->safe_psql('app', 'CREATE TABLE part (x int) PARTITION BY LIST (x); CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1)');
records('ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY', 'ALTER TABLE public.part: ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY', 'DETACH PARTITION CONCURRENTLY');
records('CREATE SCHEMA s1 CREATE TABLE t (x int) CREATE VIEW v AS SELECT x FROM t', 'CREATE SCHEMA s1: CREATE SCHEMA s1 CREATE TABLE t (x int) CREATE VIEW v AS SELECT x FROM t', 'CREATE SCHEMA with elements');
records('CREATE EXTENSION hstore', 'CREATE EXTENSION hstore: CREATE EXTENSION hstore', 'CREATE EXTENSION');
records('DROP EXTENSION hstore', 'DROP EXTENSION hstore: DROP EXTENSION hstore', 'DROP EXTENSION');
records('CREATE TEMP TABLE tmp (x int)', '', 'a temporary table');
records("BEGIN; CREATE TABLE gone (x int); ROLLBACK", '', 'rolled back');
records("BEGIN; SAVEPOINT s; CREATE TABLE gone (x int); ROLLBACK TO s; CREATE TABLE a9 (x int); COMMIT", 'CREATE TABLE public.a9: CREATE TABLE a9 (x int)', 'rolled back to a savepoint');
records("CREATE TABLE a1 (x int); CREATE TABLE a10 (x int)", 'CREATE TABLE public.a10: CREATE TABLE a10 (x int)', 'after a statement that failed', fails => 1, on_error_stop => 0);
records("BEGIN; CREATE TABLE a11 (x int); PREPARE TRANSACTION 'two'; COMMIT PREPARED 'two'", 'CREATE TABLE public.a11: CREATE TABLE a11 (x int)', 'a prepared transaction');
records("PREPARE p AS SELECT 1 AS x; CREATE TABLE a12 AS EXECUTE p", 'CREATE TABLE AS public.a12: CREATE TABLE a12 AS EXECUTE p', 'CREATE TABLE AS EXECUTE');

# A user's event trigger that sorts before the extension's own and runs DDL itself.
$server->safe_psql('app', q{
	CREATE FUNCTION auto_rls() RETURNS event_trigger LANGUAGE plpgsql AS $$
	DECLARE c record;
	BEGIN
		FOR c IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' AND object_type = 'table' LOOP
			BEGIN
				EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', c.object_identity);
				PERFORM 1 / 0;
			EXCEPTION WHEN division_by_zero THEN
				EXECUTE format('COMMENT ON TABLE %s IS %L', c.object_identity, 'made by hand');
			END;
		END LOOP;
	END$$;
	CREATE EVENT TRIGGER a_rls ON ddl_command_end EXECUTE FUNCTION auto_rls();});
records('CREATE TABLE a13 (x int)', "nested COMMENT public.a13: COMMENT ON TABLE public.a13 IS 'made by hand'\nCREATE TABLE public.a13: CREATE TABLE a13 (x int)", 'an event trigger that runs DDL and catches an error, before ours');
$server->safe_psql('app', 'ALTER EVENT TRIGGER a_rls RENAME TO z_rls');
records('CREATE TABLE a14 (x int)', "CREATE TABLE public.a14: CREATE TABLE a14 (x int)\nnested COMMENT public.a14: COMMENT ON TABLE public.a14 IS 'made by hand'", 'the same after ours');
$server->safe_psql('app', 'DROP EVENT TRIGGER z_rls');

# What is missed: everything that no event trigger sees, before the first statement that one does see.
records("CREATE ROLE unseen; TRUNCATE a1; CREATE TABLE a15 (x int); DROP ROLE unseen",
	"CREATE TABLE public.a15: CREATE TABLE a15 (x int)\nDROP ROLE unseen: DROP ROLE unseen", 'what event triggers do not see');
like(status_of($server, 'app', 'capture'), qr/^event triggers only\|f\|.*preload/,
	'mg_status() says what is missed');

# The text of the whole request is all that is known of a nested first statement: it must not bring secrets with it.
my $secret = 'hush4711';
run_sql($server, 'app', "DO \$\$BEGIN CREATE TABLE b1 (x int); EXECUTE 'CREATE ROLE hidden PASSWORD ''$secret'''; DROP ROLE hidden; END\$\$");
is(places_of($server, 'app', $secret), '', 'a DO block whose first DDL is recorded does not bring a password along');
$server->safe_psql('app', 'CREATE FUNCTION new_tenant(name text, pass text) RETURNS void LANGUAGE plpgsql AS $$BEGIN CREATE TABLE b2 (x int); EXECUTE format($x$CREATE ROLE %I PASSWORD %L$x$, name, pass); EXECUTE format($x$DROP ROLE %I$x$, name); END$$');
run_sql($server, 'app', "SELECT new_tenant('bob', '$secret')");
is(places_of($server, 'app', $secret), '', 'nor does the call of a function');

$server->stop;
done_testing();
