# Twenty sessions deploy the same twenty migrations at once, some of them all, some one by one: each is applied exactly once.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use Governed;
use IPC::Run;
use List::Util qw(shuffle);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_cluster('main', conf => [ preload(), 'max_worker_processes = 32', 'max_connections = 60' ]);
new_database($node, 'app');
$node->safe_psql('app', 'CREATE TABLE counted (migration text); CREATE TABLE big (id int PRIMARY KEY, v int DEFAULT 0); INSERT INTO big SELECT generate_series(1, 2000); SELECT mg_baseline(\'000_base\')');

my @names = map { sprintf('%03d_step', $_) } 1 .. 20;
for my $i (1 .. 20)
{
	my $name = $names[ $i - 1 ];
	my $requires = $i > 1 && $i % 4 == 0 ? "ARRAY['$names[$i - 2]']" : 'NULL';
	my $special = (
		"CREATE INDEX CONCURRENTLY ON big ((v + $i))",
		"ALTER TABLE big ADD COLUMN c$i int",
		"-- mg:backfill batch_size=500\nUPDATE big SET v = v + 1",
		"CREATE TABLE t$i (id int)")[ $i % 4 ];
	$node->safe_psql('app', "SELECT mg_register('$name', \$up\$INSERT INTO counted VALUES ('$name');\n$special;\n\$up\$, requires => $requires)");
}

# All of them wait for one that is running in a transaction, so that they begin together.
my %first = (in => "BEGIN; SELECT status FROM mg_apply('900_first', 'CREATE TABLE first ()');\n", out => '', err => '');
$first{run} = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('app') ], '<', \$first{in}, '>', \$first{out}, '2>', \$first{err}, IPC::Run::timeout(300));
$first{run}->pump until $first{out} =~ /applied/;
my @deployers;
for my $i (1 .. 20)
{
	my @calls = $i % 2 ? ('CALL mg_deploy();') : map { "CALL mg_deploy('$_');" } @names;
	@calls = (@calls[ 0 .. 1 ], shuffle(@calls[ 2 .. $#calls ])) if $i == 20;
	my %deployer = (in => join("\n", @calls, ''), out => '', err => '');
	$deployer{run} = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('app') . " application_name=deployer$i" ],
		'<', \$deployer{in}, '>', \$deployer{out}, '2>', \$deployer{err}, IPC::Run::timeout(300));
	push @deployers, \%deployer;
}
# They are sent what they have to do as they can take it.
for (1 .. 100)
{
	$_->{run}->pump_nb for @deployers;
	last if $node->safe_psql('app', "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'deployer%' AND state = 'active'") eq '20';
	sleep 0.1;
}
sleep 0.5;
is($node->safe_psql('app', "SELECT state, pid IS NOT NULL FROM mg.progress"), 'running|t', 'mg.progress shows whom all of them wait for');
is($node->safe_psql('app', "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'deployer%' AND backend_xmin IS NOT NULL"), 0, 'those who wait hold no snapshot');
$first{in} .= "COMMIT;\n\\q\n";
$first{run}->finish;
my $errors = '';
for my $deployer (@deployers)
{
	$deployer->{run}->finish;
	# One that takes them in a mixed order may ask for one before what it requires.
	$errors .= join('', grep { /ERROR/ && !/requires "\d+_step", which is not applied/ } split /^/, $deployer->{err});
}
is($errors, '', 'nobody meets an error');
is($node->safe_psql('app', "SELECT count(*), count(DISTINCT migration) FROM mg.runs WHERE outcome = 'applied' AND action = 'deploy'"), '20|20', 'each migration is on record as applied once');
is($node->safe_psql('app', 'SELECT count(*), count(DISTINCT migration) FROM counted'), '20|20', 'and has run once');
is($node->safe_psql('app', 'SELECT min(v), max(v) FROM big'), '5|5', 'its rows were changed once by each');
is($node->safe_psql('app', "SELECT count(*) FROM pg_index WHERE indrelid = 'big'::regclass AND indisvalid"), 6, 'each index was built once');
is($node->safe_psql('app', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0, 'no lock is left');
is($node->safe_psql('app', 'SELECT count(*) FROM mg_drift_report()'), 0, 'nothing has drifted');
is($node->safe_psql('app', 'SELECT count(*) FROM mg_verify() WHERE NOT ok'), 0, 'the ledger verifies');
my $waited = grep { $_->{err} =~ /waiting for the (?:migration|deployment) that pid \d+ is running/ } @deployers;
is($waited, 20, 'all had to wait, and said for whom');
$node->stop;
done_testing();
