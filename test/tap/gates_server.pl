# Gates that ask the server or other people: each refuses, lets pass, and tells a way that leads in when it is followed as it stands.
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

my $primary = new_cluster('primary', streaming => 1, conf => [ preload() ]);
$primary->safe_psql('postgres', "CREATE ROLE $_ LOGIN") for 'ann', 'bob', 'dan';
new_database($primary, $_) for 'app', 'staging';
$primary->safe_psql($_, "GRANT CREATE ON SCHEMA public TO ann; SELECT mg_set_environment('" . ($_ eq 'app' ? 'production' : $_) . "'); SELECT mg_grant_right('ann', 'apply'); SELECT mg_grant_right('bob', 'approve:review'); SELECT mg_grant_right('dan', 'approve:promotion')") for 'app', 'staging';

sub policy
{
	my ($setting, $value) = @_;
	$primary->safe_psql('app', "SELECT mg_set_policy('$setting', " . (defined $value ? "'$value'" : 'NULL') . ", 'a test')");
	return;
}
sub gate
{
	my ($name, $gate, $columns) = @_;
	return $primary->safe_psql('app', 'SELECT ' . ($columns // 'is_open') . " FROM mg_gates('$name') WHERE gate = '$gate'");
}
my $made = 0;
sub applies
{
	my ($what) = @_;
	my $name = 'm' . ++$made;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(works($primary, 'app', "SELECT status FROM mg_apply('$name', 'CREATE TABLE $name (i int)', 'DROP TABLE $name')", $what, user => 'ann'), 'applied', '  applied');
	return;
}
sub held_back
{
	my ($pattern, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	fails_with($primary, 'app', "SELECT mg_apply('closed', 'CREATE TABLE closed (i int)', 'DROP TABLE closed')", qr/ERROR:  MG407.*$pattern/s, $what, user => 'ann');
	is($primary->safe_psql('app', "SELECT to_regclass('closed') IS NULL"), 't', '  and nothing has run');
	return;
}
$primary->safe_psql('app', "SELECT mg_register('asked', 'SELECT 1', 'SELECT 1')");

# Transactions of others.
policy('longest_transaction', '1s');
applies('nobody else has a transaction');
my $other = $primary->background_psql('app', extra_params => [ '-U', 'bob' ]);
my $elsewhere = $primary->background_psql('staging');
my $idle = $primary->background_psql('app');
$elsewhere->query_safe('BEGIN; SELECT 1');
$idle->query_safe('SELECT 1');
$other->query_safe("SET application_name = 'a report'; BEGIN; SELECT 1");
sleep 2;
held_back(qr/longest_transaction: pid \d+ \(bob, a report\) has been in a transaction for .*HINT:  longest_transaction: Wait for its end, or end it\./s, 'a transaction that is older');
my ($pid) = gate('asked', 'longest_transaction', 'why') =~ /^pid (\d+) /;
is($primary->safe_psql('app', "SELECT usename FROM pg_stat_activity WHERE pid = $pid"), 'bob', '  whose it is');
$primary->safe_psql('app', "SELECT pg_terminate_backend($pid, 5000)");
applies('one that somebody has ended, as the hint says');
eval { $other->quit };
policy('longest_transaction', '1h');
my $young = $primary->background_psql('app');
$young->query_safe('BEGIN; SELECT 1');
applies('younger ones do not count, nor do those of another database, nor sessions without one');
$_->quit for $young, $elsewhere, $idle;
policy('longest_transaction', undef);

# Replicas.
policy('replica_lag', '1s');
applies('no replica');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "wal_receiver_status_interval = '1s'");
$standby->start;
$primary->poll_query_until('app', 'SELECT count(*) = 1 FROM pg_stat_replication') or die 'no replica';
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
$primary->safe_psql('app', 'CREATE TABLE replicated (i int)');
$primary->poll_query_until('app', "SELECT bool_or(replay_lag > interval '1500 ms') FROM pg_stat_replication") or die 'no lag';
held_back(qr/replica_lag: replica standby is .* behind\..*HINT:  replica_lag: Wait until it has caught up\./s, 'a replica that is behind');
policy('replica_lag', '1h');
applies('and may be');
policy('replica_lag', '1s');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$primary->poll_query_until('app', "SELECT coalesce(max(replay_lag), '0') < interval '400 ms' FROM pg_stat_replication") or die 'it does not catch up';
applies('one that has caught up, as the hint says');
$standby->stop;
policy('replica_lag', undef);

# Room on the disk: a table whose files are full of holes.
$primary->safe_psql('app', 'CREATE TABLE large (i int); INSERT INTO large VALUES (1); ALTER TABLE large OWNER TO ann');
my $path = $primary->data_dir . '/' . $primary->safe_psql('app', "CHECKPOINT; SELECT pg_relation_filepath('large')");
policy('require_disk', 'on');
my $change = "'ALTER TABLE large ALTER i TYPE bigint', 'ALTER TABLE large ALTER i TYPE int'";
is($primary->safe_psql('app', "SELECT mg_register('wide', $change) IS NOT NULL; SELECT is_open FROM mg_gates('wide')"), "t\nt", 'there is room for a small table');
my $free = (split ' ', `df -Pk '$path' | tail -1`)[3];
my $segments = int($free / (1024 * 1024)) + 2;
SKIP:
{
	skip "a disk with too much room: $free KB", 3 if $segments > 20000;
	for my $segment (0 .. $segments - 1)
	{
		open(my $file, '>>', $segment == 0 ? $path : "$path.$segment") or die "cannot open a segment: $!";
		truncate($file, 1024 * 1024 * 1024) or die "cannot make it large: $!";
		close $file;
	}
	fails_with($primary, 'app', "SELECT mg_apply('wide')", qr/ERROR:  MG407.*require_disk: it writes about .*, and .* are free\..*HINT:  require_disk: Make room, or split the migration\./s, 'a table for which there is none', user => 'ann');
	for my $segment (reverse 0 .. $segments - 1)
	{
		$segment == 0 ? truncate($path, 8192) : unlink("$path.$segment");
	}
	is(gate('wide', 'require_disk'), 't', 'a smaller one, as the hint says');
	is(works($primary, 'app', "SELECT status FROM mg_apply('wide')", '  goes through', user => 'ann'), 'applied', '  applied');
}
policy('require_disk', undef);

# Approvals and attestations: what the hint quotes is run by those whom it names.
policy('required_approvals', 'review');
works($primary, 'app', "SELECT mg_register('seen', 'CREATE TABLE seen (i int)', 'DROP TABLE seen')", 'ann registers', user => 'ann');
my ($call) = gate('seen', 'required_approvals', 'way') =~ /^Somebody else than who registered it runs (mg_approve\('seen', 'review'\))$/;
ok(defined $call, 'the message quotes a call');
fails_with($primary, 'app', "SELECT $call", qr/ERROR:  (42501|MG408)/, '  which is not for her', user => 'ann');
works($primary, 'app', "SELECT $call", '  but for bob', user => 'bob');
is(works($primary, 'app', "SELECT status FROM mg_apply('seen')", '  and leads in', user => 'ann'), 'applied', '  applied');
policy('required_approvals', undef);
policy('promoted_from', 'staging');
my $scripts = "'CREATE TABLE promoted (i int)', 'DROP TABLE promoted'";
works($primary, 'app', "SELECT mg_register('promoted', $scripts)", 'ann registers', user => 'ann');
my ($attest, $accept) = gate('promoted', 'promoted_from', 'way') =~ /^Run (SELECT mg_attest\('promoted'\)) in staging, and hand its result to (mg_accept_attestation)\(\) here$/;
ok(defined $accept, 'the message quotes two calls');
works($primary, 'staging', "SELECT mg_apply('promoted', $scripts)", '  it is applied there', user => 'ann');
my $word = works($primary, 'staging', $attest, '  attested there', user => 'ann');
works($primary, 'app', "SELECT $accept(\$word\$$word\$word\$)", '  and taken here', user => 'dan');
is(works($primary, 'app', "SELECT status FROM mg_apply('promoted')", '  and leads in', user => 'ann'), 'applied', '  applied');
$primary->stop;
done_testing();
