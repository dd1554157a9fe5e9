# A rehearsal waits for a lock only while it holds none, and never for long.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__) . '/lib';
use Governed;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_cluster('waits', conf => [ preload(), 'autovacuum = off' ]);
new_database($node, 'app');
$node->safe_psql('app', <<'SQL');
CREATE TABLE customer (id int PRIMARY KEY, name text);
CREATE TABLE invoice (id int PRIMARY KEY, customer int REFERENCES customer);
INSERT INTO customer VALUES (1, 'one');
SELECT mg_baseline('start', 'what there is');
SELECT mg_set_policy('rehearsal_lock_timeout', '30s', 'a test');
SQL

# Begins a rehearsal in a session of its own.
my %session;
sub begin_rehearsal
{
	my ($up, $down) = @_;
	%session = (in => '', out => '', err => '');
	$session{run} = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-d', $node->connstr('app') . ' application_name=rehearsing' ],
		'<', \$session{in}, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(60));
	$session{in} .= "SELECT aspect, object, value FROM mg_rehearse(\$u\$$up\$u\$, \$d\$$down\$d\$);\n\\q\n";
	$session{run}->pump_nb;
	return;
}

# Gives what it said, once it has ended.
sub end_rehearsal
{
	$session{run}->finish;
	return $session{out} . $session{err};
}

my $its = "pid = (SELECT pid FROM pg_stat_activity WHERE application_name = 'rehearsing') AND locktype = 'relation'";
sub waits_for
{
	my ($table) = @_;
	return $node->poll_query_until('app', "SELECT EXISTS (SELECT FROM pg_locks WHERE $its AND NOT granted AND relation = '$table'::regclass)");
}

my @alter = ('ALTER TABLE customer ADD COLUMN c int; ALTER TABLE invoice ADD COLUMN c int',
	'ALTER TABLE invoice DROP COLUMN c; ALTER TABLE customer DROP COLUMN c');
my $holder = $node->background_psql('app');
$holder->query_safe('BEGIN; LOCK TABLE invoice IN ROW EXCLUSIVE MODE');
begin_rehearsal(@alter);
ok(waits_for('invoice'), 'it waits for a table that another session has');
is($node->safe_psql('app', "SELECT mode FROM pg_locks WHERE $its AND NOT granted"), 'AccessExclusiveLock', 'in the mode that the statement wants');
is($node->safe_psql('app', "SELECT string_agg(relation::regclass || ' ' || mode, ', ') FROM pg_locks WHERE $its AND granted AND relation >= 16384 AND mode <> 'AccessShareLock'"),
	'', 'and has locked nothing meanwhile');
$holder->query_safe('COMMIT');
my $said = end_rehearsal();
like($said, qr/^verdict\|rehearsed script\|restores$/m, 'then it runs');
like($said, qr/^lock\|public\.customer\|AccessExclusiveLock from line 1 on/m, 'and tells the locks');
like($said, qr/^lock\|public\.invoice\|AccessExclusiveLock from line 1 on/m, 'of both tables');

# Where the lock is wanted late, it is told from there on.
$holder->query_safe('BEGIN; LOCK TABLE invoice IN ROW EXCLUSIVE MODE');
begin_rehearsal("ALTER TABLE customer ADD COLUMN c int;\nCREATE TABLE more (i int);\nALTER TABLE invoice ADD COLUMN c int", 'SELECT 1');
ok(waits_for('invoice'), 'it waits for a lock of the third line');
$holder->query_safe('COMMIT');
like(end_rehearsal(), qr/^lock\|public\.invoice\|AccessExclusiveLock from line 3 on/m, 'which is told from the third line on');

# A lock that only the way back wants.
$holder->query_safe('BEGIN; LOCK TABLE invoice IN ROW EXCLUSIVE MODE');
begin_rehearsal('ALTER TABLE customer ADD COLUMN c int', 'ALTER TABLE customer DROP COLUMN c; ALTER TABLE invoice ADD COLUMN d int; ALTER TABLE invoice DROP COLUMN d');
ok(waits_for('invoice'), 'it waits for a lock of the way back');
$holder->query_safe('COMMIT');
$said = end_rehearsal();
unlike($said, qr/^lock\|public\.invoice/m, 'which is none of the way there');

# The end of patience.
$node->safe_psql('app', "SELECT mg_set_policy('rehearsal_lock_timeout', '50ms', 'a test')");
$holder->query_safe('BEGIN; LOCK TABLE invoice IN ACCESS SHARE MODE');
begin_rehearsal(@alter);
$said = end_rehearsal();
like($said, qr/^verdict\|rehearsed script\|cannot be rehearsed$/m, 'after the time that policy gives it gives up');
like($said, qr/^error\|up, line 1: ALTER TABLE invoice ADD COLUMN c int\|55P03: canceling statement due to lock timeout$/m, 'with the statement that wanted the lock');
like($said, qr/^blocked by\|public\.invoice\|pid \d+ .* holds AccessShareLock$/m, 'and who has it');
$holder->query_safe('ROLLBACK');

# Rows that another session has written cannot be queued for; a short transaction is waited out.
$node->safe_psql('app', "SELECT mg_set_policy('rehearsal_lock_timeout', '1s', 'a test')");
$holder->query_safe("BEGIN; UPDATE customer SET name = 'two'");
begin_rehearsal("UPDATE customer SET name = 'three'", "UPDATE customer SET name = 'two'");
usleep(300_000);
is($node->safe_psql('app', "SELECT string_agg(relation::regclass || ' ' || mode, ', ') FROM pg_locks WHERE $its AND granted AND relation >= 16384 AND mode <> 'AccessShareLock'"),
	'', 'while another session has a row, nothing is locked');
$holder->query_safe('COMMIT');
like(end_rehearsal(), qr/^verdict\|rehearsed script\|restores$/m, 'and then it runs');
$holder->quit;

$node->stop;
done_testing();
