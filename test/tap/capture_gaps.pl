# Capture never makes a statement fail or wait: what cannot be recorded goes to the server log and is counted.
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;
use Time::HiRes 'time';

my $server = new_cluster('gaps', streaming => 1, conf => [ preload(), 'deadlock_timeout = 10s', "wal_level = logical" ]);
new_database($server, 'app');
$server->safe_psql('app', 'CREATE TABLE t (id int PRIMARY KEY); CREATE UNIQUE INDEX t_i ON t (id)');

# Runs SQL while another session holds a lock on a table; gives standard error and checks that nothing waited for the lock.
sub while_locked
{
	my ($table, $mode, $sql, $what) = @_;
	my $locker = $server->background_psql('app');
	$locker->query_safe("BEGIN; LOCK TABLE $table IN $mode MODE");
	my $start = time;
	my ($status, $out, $err) = run_sql($server, 'app', "SET statement_timeout = '5s'; $sql");
	my $took = time - $start;
	$locker->query_safe('ROLLBACK');
	$locker->quit;
	is($err =~ /ERROR/ ? $err : '', '', "$what: works");
	cmp_ok($took, '<', 4, "$what: does not wait");
	return $err;
}

my $gaps = sub { return status_of($server, 'app', 'gaps') };
is($gaps->(), '0 known to the ledger, 0 in this session|t|', 'no gaps at first');

for my $mode ('ACCESS EXCLUSIVE', 'EXCLUSIVE', 'SHARE')
{
	my $after = newest($server, 'app');
	my $position = log_position($server);
	(my $table = "locked_$mode") =~ tr/ A-Z/_a-z/;
	while_locked('mg.statement', $mode, "CREATE TABLE $table (x int); CREATE ROLE $table PASSWORD 'hush4711'; DROP ROLE $table", "DDL while mg.statement is locked in $mode mode");
	is(statements($server, 'app', $after), '', "$mode: nothing is on record meanwhile");
	my $log = log_since($server, $position);
	my @lines = $log =~ /migration_governance: could not record a statement: the ledger is locked/g;
	is(scalar(@lines), 3, "$mode: the server log has each");
	like($log, qr/DETAIL:  CREATE TABLE: CREATE TABLE $table \(x int\)/, "$mode: with its text");
	unlike($log, qr/hush4711/, "$mode: without its secrets");
}

# The session that missed something says so in mg_status() and writes it down as soon as it can.
my $session = $server->background_psql('app');
my $locker = $server->background_psql('app');
$locker->query_safe('BEGIN; LOCK TABLE mg.statement');
$session->query_safe('CREATE TABLE missed1 (x int)');
$session->query_safe('CREATE TABLE missed2 (x int)');
$locker->query_safe('ROLLBACK');
like($session->query_safe("SELECT value, ok, hint FROM mg_status() WHERE aspect = 'gaps'"),
	qr/^0 known to the ledger, 2 in this session\|f\|.*server log/, 'the session counts its gaps');
my $after = newest($server, 'app');
$session->query_safe('CREATE TABLE recorded (x int)');
is(statements($server, 'app', $after, 'origin, tag, duration_us, statement'),
	"gap|GAP|2|2 statements before this one could not be recorded; the server log has them\n"
	  . 'session|CREATE TABLE|' . $server->safe_psql('app', "SELECT duration_us FROM mg.statement WHERE identity = 'public.recorded'") . '|CREATE TABLE recorded (x int)',
	'the next statement that is recorded brings the gap along');
like($gaps->(), qr/^2 known to the ledger, 0 in this session\|f\|/, 'every session sees it then');

# A gap that is written in a transaction that rolls back is not forgotten.
$locker->query_safe('BEGIN; LOCK TABLE mg.statement');
$session->query_safe('CREATE TABLE missed3 (x int)');
$locker->query_safe('ROLLBACK');
$session->query_safe('BEGIN; CREATE TABLE undone (x int); ROLLBACK');
$session->query_safe('CREATE TABLE recorded2 (x int)');
like($gaps->(), qr/^3 known to the ledger/, 'also when the first record after it was rolled back');
$session->quit;
$locker->quit;

# The other tables of the ledger are locked: capture reads two of them.
$server->safe_psql('app', "SELECT mg_register('known', 'CREATE TABLE known (x int)')");
while_locked('mg.current', 'ACCESS EXCLUSIVE', 'CREATE TABLE c1 (x int)', 'DDL while mg.current is locked');
while_locked('mg.registration', 'ACCESS EXCLUSIVE', "SET migration_governance.migration = 'known'; CREATE TABLE c2 (x int)", 'attributed DDL while mg.registration is locked');
while_locked('mg.run, mg.script, mg.seal, mg.installation, mg.policy_event', 'ACCESS EXCLUSIVE', 'CREATE TABLE c3 (x int)', 'DDL while the other tables are locked');
while_locked('mg.archive', 'ACCESS EXCLUSIVE', 'CREATE TYPE kind AS ENUM (); CREATE TABLE c5 (x kind); ALTER TABLE c5 DROP COLUMN x; DROP TYPE kind', 'DDL while mg.archive is locked');
while_locked('pg_event_trigger', 'SHARE', 'CREATE TABLE c4 (x int)', 'DDL while pg_event_trigger is locked against writers');

# A lock_timeout is not used up by capture, nor does capture put one on.
$after = newest($server, 'app');
works($server, 'app', "SET lock_timeout = '1ms'; CREATE TABLE quick (x int)", 'DDL under a lock_timeout');
is(statements($server, 'app', $after), 'CREATE TABLE quick (x int)', 'DDL under a lock_timeout is on record');
while_locked('mg.statement', 'ACCESS EXCLUSIVE', "SET lock_timeout = '1ms'; CREATE TABLE quick2 (x int)", 'DDL under a lock_timeout while the ledger is locked');

# What is legal in a read-only transaction stays so.
for my $sql ('REINDEX TABLE t', 'REINDEX INDEX t_i', 'CLUSTER t USING t_i')
{
	my $position = log_position($server);
	works($server, 'app', "BEGIN READ ONLY; $sql; COMMIT", "read-only: $sql works");
	like(log_since($server, $position), qr/could not record a statement: the transaction is read-only\n.*DETAIL:  \w+: \Q$sql\E/, "read-only: $sql is in the server log");
}
works($server, 'app', "SET default_transaction_read_only = on; VACUUM t; ANALYZE t; REINDEX TABLE CONCURRENTLY t", 'read-only by default: VACUUM, ANALYZE, REINDEX CONCURRENTLY work');
fails_with($server, 'app', "BEGIN READ ONLY; CREATE TABLE ro (x int)", '25006', 'read-only: CREATE TABLE is refused as ever');

# A REINDEX or VACUUM FULL of the ledger itself works and is on record once the table is free.
for my $sql ('VACUUM mg.statement', 'VACUUM FULL mg.statement', 'ANALYZE mg.statement', 'REINDEX TABLE mg.statement', 'REINDEX TABLE CONCURRENTLY mg.statement', 'REINDEX SCHEMA mg')
{
	works($server, 'app', $sql, "$sql works");
}
is($server->safe_psql('app', "SELECT count(*) FROM mg_verify() WHERE NOT ok"), '0', 'mg_verify() finds nothing wrong afterwards');

# Serializable and repeatable-read transactions.
$after = newest($server, 'app');
works($server, 'app', "BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE TABLE ser (x int); COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t; CREATE TABLE rep (x int); COMMIT", 'serializable and repeatable read');
is(statements($server, 'app', $after), "CREATE TABLE ser (x int)\nCREATE TABLE rep (x int)", 'serializable and repeatable read: on record');

# A hot standby reads everything and records nothing.
$server->safe_psql('app', "SELECT mg_apply('m1', 'CREATE TABLE m1 (x int)', 'DROP TABLE m1', 'SELECT count(*) = 0 FROM m1')");
$server->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($server, 'base', has_streaming => 1);
$standby->start;
$server->safe_psql('app', "SELECT mg_apply('m2', 'CREATE TABLE m2 (x int)')");
$server->wait_for_catchup($standby);
is($standby->safe_psql('app', 'SELECT string_agg(migration_name, \',\' ORDER BY id) FROM mg.history'), 'm1,m2', 'standby: mg.history');
is($standby->safe_psql('app', "SELECT count(*) FROM mg.statements WHERE migration IN ('m1', 'm2')"), '2', 'standby: mg.statements');
is($standby->safe_psql('app', "SELECT string_agg(migration, ',' ORDER BY migration) FROM mg.status"), 'known,m1,m2', 'standby: mg.status');
works($standby, 'app', "SELECT * FROM mg.runs; SELECT * FROM mg.policy; SELECT * FROM mg.applied; SELECT * FROM mg.record", 'standby: the other views');
works($standby, 'app', 'SELECT * FROM mg_status()', 'standby: mg_status()');
is(works($standby, 'app', "SELECT count(*) FROM mg_verify() WHERE NOT ok AND check_name ~ 'query|object|record'", 'standby: mg_verify()'), '0', 'standby: mg_verify() finds nothing wrong');
works($standby, 'app', "SELECT mg_export() IS NOT NULL; SELECT * FROM mg_parse('SELECT 1'); SELECT mg_template('create', 'x')", 'standby: mg_export(), mg_parse(), mg_template()');
fails_with($standby, 'app', "SELECT mg_apply('m3', 'CREATE TABLE m3 (x int)')", '25006', 'standby: mg_apply() is refused');
fails_with($standby, 'app', "SELECT mg_register('m3', 'CREATE TABLE m3 (x int)')", '25006', 'standby: mg_register() is refused');
fails_with($standby, 'app', 'CREATE TABLE nope (x int)', '25006', 'standby: DDL is refused as ever');
works($standby, 'app', 'SELECT mg_seal()', 'standby: mg_seal() gives the head');
$standby->promote;
$standby->safe_psql('app', 'CREATE TABLE promoted (x int)');
is($standby->safe_psql('app', "SELECT count(*) FROM mg.statement WHERE identity = 'public.promoted'"), '1', 'the standby records once it is promoted');
$standby->stop;
$server->stop;
done_testing();
