# A rehearsal leaves nothing but its receipt, whichever way it ends: through, cancelled, its backend terminated, its server killed, no room left.
# Who is in its way is told, and it does not stand in others' way.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__) . '/lib';
use Governed;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('rehearse', conf => [ preload(), 'autovacuum = off', 'restart_after_crash = on' ]);
new_database($node, 'app');
$node->safe_psql('app', <<'SQL');
CREATE TABLE customer (id int PRIMARY KEY, name text);
CREATE TABLE invoice (id serial PRIMARY KEY, customer int REFERENCES customer, amount numeric, note text);
CREATE SEQUENCE numbers;
INSERT INTO customer SELECT g, 'c' || g FROM generate_series(1, 1000) g;
INSERT INTO invoice (customer, amount) SELECT g % 1000 + 1, g FROM generate_series(1, 5000) g;
CREATE VIEW open AS SELECT * FROM invoice WHERE amount > 0;
SELECT mg_baseline('start', 'what there is');
SQL

# Everything that must not change, a line each.
sub state_of
{
	my @parts = ($node->safe_psql('app', 'SELECT mg_fingerprint()'),
		$node->safe_psql('app', "SELECT count(*), sum(hashtext(c::text)) FROM customer c; SELECT count(*), sum(hashtext(i::text)) FROM invoice i"),
		$node->safe_psql('app', 'SELECT seqrelid, seqstart, seqincrement, seqcache FROM pg_sequence ORDER BY 1'),
		$node->safe_psql('app', 'SELECT count(*), sum(hashtext(concat_ws(\' \', classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype))::bigint) FROM pg_depend'),
		$node->safe_psql('app', 'SELECT oid, relfilenode FROM pg_class WHERE oid >= 16384 AND relnamespace = \'public\'::regnamespace ORDER BY oid'),
		$node->safe_psql('app', "SELECT kind, count(*) FROM mg.record WHERE kind NOT IN ('seal', 'rehearsal') GROUP BY kind ORDER BY kind"));
	command_ok([ 'pg_dump', '-s', '-d', $node->connstr('app'), '-f', $node->basedir . '/dump' ], 'the schema is dumped');
	my $dump = slurp_file($node->basedir . '/dump');
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	return join("\n", @parts, $dump);
}

# The files of the database's tables and indexes, once those that wait for a checkpoint to go are gone.
sub files_of
{
	$node->safe_psql('app', 'CHECKPOINT');
	my $folder = $node->data_dir . '/' . $node->safe_psql('app', "SELECT regexp_replace(pg_relation_filepath('customer'), '/[^/]*\$', '')");
	opendir(my $handle, $folder) or die "$folder: $!";
	my @files = sort grep { /^\d+(_\w+)?(\.\d+)?$/ } readdir $handle;
	closedir $handle;
	return join(' ', @files);
}

sub locks_of_others
{
	return $node->safe_psql('app', "SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = 'app')");
}

# A rehearsal that does much, and waits for `wait` while it has everything locked.
sub rehearsal
{
	my ($wait) = @_;
	return qq{SELECT value FROM mg_rehearse(\$up\$
		ALTER TABLE invoice ALTER COLUMN amount TYPE bigint;
		CREATE TABLE more AS SELECT * FROM invoice; CREATE INDEX ON more (id);
		UPDATE invoice SET note = 'x'; DELETE FROM customer WHERE id > 2000; SELECT nextval('numbers');
		SELECT $wait \$up\$,
		\$down\$ DROP TABLE more; ALTER TABLE invoice ALTER COLUMN amount TYPE numeric; UPDATE invoice SET note = NULL \$down\$) WHERE aspect = 'verdict'};
}
$node->safe_psql('app', 'DROP VIEW open; SELECT mg_accept_drift(\'a view less\')');

my $before = state_of();
my $files = files_of();

# Passes when everything is as before.
sub nothing_left
{
	my ($way) = @_;
	is(state_of(), $before, "$way: schema, rows, dependencies, files and ledger are as before");
	is(locks_of_others(), '0', "$way: nothing is locked");
	is($node->safe_psql('app', "SELECT string_agg(concat_ws(' ', check_name, object, expected, actual), '; ') FROM mg_verify() WHERE NOT ok"), '', "$way: all verifies");
	return;
}

is($node->safe_psql('app', rehearsal('1')), 'restores', 'a rehearsal that does much');
nothing_left('through');
is(files_of(), $files, 'through: files are as before');

# Starts the rehearsal in a session of its own and gives its pid once it waits.
my %session;
sub begin_rehearsal
{
	%session = (in => '', out => '', err => '');
	$session{run} = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-d', $node->connstr('app') . ' application_name=rehearsing' ],
		'<', \$session{in}, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(60));
	$session{in} .= rehearsal('pg_sleep(60)') . ";\n";
	$session{run}->pump_nb;
	$node->poll_query_until('app', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'rehearsing' AND wait_event = 'PgSleep'")
	  or die 'the rehearsal did not get to its wait';
	return $node->safe_psql('app', "SELECT pid FROM pg_stat_activity WHERE application_name = 'rehearsing'");
}

sub end_session
{
	local $SIG{PIPE} = 'IGNORE';
	eval { $session{in} .= "\\q\n"; $session{run}->finish; 1 } or $session{run}->kill_kill;
	return $session{err};
}

my $pid = begin_rehearsal();
is($node->safe_psql('app', "SELECT count(*) FROM pg_locks WHERE pid = $pid AND mode = 'AccessExclusiveLock' AND relation = 'invoice'::regclass"), '1', 'while it runs its locks are real');
$node->safe_psql('app', "SELECT pg_cancel_backend($pid)");
like(end_session(), qr/canceling statement due to user request/, 'a cancelled rehearsal says so');
nothing_left('cancelled');
is(files_of(), $files, 'cancelled: files are as before');

$pid = begin_rehearsal();
$node->safe_psql('app', "SELECT pg_terminate_backend($pid, 5000)");
end_session();
nothing_left('terminated');
is(files_of(), $files, 'terminated: files are as before');

$pid = begin_rehearsal();
kill 'KILL', $pid;
end_session();
$node->poll_query_until('app', 'SELECT true') or die 'the server did not come back';
nothing_left('killed');

# Want of room for temporary files.
my ($status, $out, $err) = run_sql($node, 'app', q{SET temp_file_limit = '64kB'; SET work_mem = '64kB';
	SELECT mg_rehearse('ALTER TABLE customer ADD COLUMN c int; CREATE TABLE more AS SELECT g FROM generate_series(1, 100000) g ORDER BY random()', 'DROP TABLE more')});
isnt($status, 0, 'want of room is an error');
like($err, qr/ERROR:  53400:/, 'and no verdict');
nothing_left('no room');

# Two sessions.
my $holder = $node->background_psql('app');
$holder->query_safe('BEGIN; LOCK TABLE invoice IN ROW EXCLUSIVE MODE');
my $said = $node->safe_psql('app', "SELECT aspect, value FROM mg_rehearse('ALTER TABLE invoice ADD COLUMN c int', 'ALTER TABLE invoice DROP COLUMN c')");
like($said, qr/^verdict\|cannot be rehearsed$/m, 'a table that somebody holds cannot be had');
like($said, qr/^blocked by\|pid \d+ \(postgres, application "[^"]*", idle in transaction\) in a transaction for [0-9:]+ holds RowExclusiveLock$/m, 'who holds it is told');
unlike($node->safe_psql('app', "SELECT aspect, value FROM mg_rehearse('CREATE INDEX ON customer (name)', NULL)"), qr/blocked/, 'who holds another one is not');
$said = $node->safe_psql('app', "SELECT aspect, value FROM mg_rehearse('SET lock_timeout = 0; CREATE INDEX ON customer (name); ALTER TABLE customer ADD COLUMN c int', NULL)");
like($said, qr/^verdict\|no down$/m, 'and what is free can be rehearsed');
$said = $node->safe_psql('app', "SELECT aspect, value FROM mg_rehearse('SET lock_timeout = 0; ALTER TABLE invoice ADD COLUMN c int', NULL)");
like($said, qr/^verdict\|cannot be rehearsed$/m, 'nor does a script that would wait for ever');
$holder->query_safe('COMMIT');
$holder->query_safe(q{BEGIN; SELECT mg_apply('takes its time', 'CREATE TABLE takes (i int)', 'DROP TABLE takes')});
like($node->safe_psql('app', "SELECT aspect, value FROM mg_rehearse('CREATE TABLE c (i int)', 'DROP TABLE c')"), qr/^error\|55P03: another migration is running/m, 'nothing is rehearsed while a migration runs');
$holder->query_safe('ROLLBACK');
$holder->quit;
nothing_left('two sessions');

$node->stop;
done_testing();
