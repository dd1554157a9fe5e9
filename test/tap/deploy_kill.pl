# Again and again somebody or something ends a deployment of ten migrations, at a random moment: the postmaster is killed, the backend or its
# worker terminated, the call cancelled or timed out. Whoever comes afterwards and goes on gets the schema, the rows and the ledger of an
# undisturbed run, and nothing is left behind.
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
use Time::HiRes qw(time sleep);

my $seed = $ENV{MG_SEED} // time;
srand($seed);
note("MG_SEED=$seed");

my $node = new_cluster('main', conf => [ preload(), 'autovacuum = off', 'restart_after_crash = on', 'max_connections = 30' ]);

# Two hundred on the oldest server; what is different on the others needs fewer.
my $moments = $ENV{MG_KILLS} // (major($node) == 15 ? 200 : 60);

my @migrations = (
	[ '001_tables', 'CREATE TABLE a (id int PRIMARY KEY, v int, w int, t text); CREATE TABLE b (id int, a int);
		INSERT INTO a SELECT g, g % 100, 0, md5(g::text) FROM generate_series(1, 20000) g; INSERT INTO b SELECT g, g FROM generate_series(1, 5000) g',
		'DROP TABLE b; DROP TABLE a' ],
	[ '002_index', 'CREATE INDEX CONCURRENTLY a_v ON a (v); ALTER TABLE a ADD COLUMN n int; CREATE INDEX CONCURRENTLY a_lower ON a (lower(t))',
		'DROP INDEX CONCURRENTLY a_lower; ALTER TABLE a DROP COLUMN n; DROP INDEX CONCURRENTLY a_v' ],
	[ '003_unnamed', "SET maintenance_work_mem = '16MB'; SET search_path = public; CREATE UNIQUE INDEX CONCURRENTLY ON a (t, id); CREATE VIEW av AS SELECT v FROM a",
		'DROP VIEW av; DROP INDEX a_t_id_idx' ],
	[ '004_enum', "CREATE TYPE mood AS ENUM ('sad'); ALTER TYPE mood ADD VALUE 'glad'; CREATE TABLE m (m mood DEFAULT 'glad'); INSERT INTO m DEFAULT VALUES",
		'DROP TABLE m; DROP TYPE mood' ],
	[ '005_partitions', "CREATE TABLE p (id int, k int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
		CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (2000); CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (2000) TO (3000);
		INSERT INTO p SELECT g, g FROM generate_series(0, 2999) g; CREATE INDEX CONCURRENTLY p_k ON p (k)", 'DROP TABLE p' ],
	[ '006_backfill', "-- mg:backfill batch_size=2000\nUPDATE a SET w = w + 1 WHERE v < 90;\nVACUUM (ANALYZE) a", 'UPDATE a SET w = 0' ],
	[ '007_reindex', 'REINDEX INDEX CONCURRENTLY a_v; REINDEX TABLE CONCURRENTLY b; ALTER INDEX a_v RENAME TO a_v2', 'ALTER INDEX a_v2 RENAME TO a_v' ],
	[ '008_drop', 'DROP INDEX CONCURRENTLY a_lower; CREATE FUNCTION f(i int) RETURNS int LANGUAGE sql AS $$SELECT i + 1$$; DROP INDEX CONCURRENTLY IF EXISTS nothing',
		'DROP FUNCTION f(int); CREATE INDEX CONCURRENTLY a_lower ON a (lower(t))' ],
	[ '009_detach', 'ALTER TABLE p DETACH PARTITION p3 CONCURRENTLY; BEGIN; DROP TABLE p3; CREATE TABLE q (id int); COMMIT',
		'DROP TABLE q' ],
	[ '010_constraints', 'ALTER TABLE b ADD CONSTRAINT b_a FOREIGN KEY (a) REFERENCES a NOT VALID; ALTER TABLE b ADD CONSTRAINT a_there CHECK (a IS NOT NULL) NOT VALID;
		CREATE INDEX CONCURRENTLY b_a_idx ON b (a); ALTER TABLE b VALIDATE CONSTRAINT b_a; ALTER TABLE b VALIDATE CONSTRAINT a_there;
		ALTER TABLE b ALTER COLUMN a SET NOT NULL; ALTER TABLE b DROP CONSTRAINT a_there', 'DROP INDEX b_a_idx; ALTER TABLE b DROP CONSTRAINT b_a' ]);

sub dump_of
{
	my ($database) = @_;
	my $dump = '';
	IPC::Run::run([ 'pg_dump', '-s', '-N', 'mg', '-N', 'mg_archive', '--no-comments', '-d', $node->connstr($database) ], '>', \$dump) or die "pg_dump: $?";
	# From 15.14, 16.10, 17.6 and 18 on each dump bears a random key.
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	return $dump;
}

# What must be the same however often it was interrupted: schema, rows, and how often each migration was applied.
sub state_of
{
	my ($database) = @_;
	return dump_of($database) . $node->safe_psql($database, q{
		SELECT count(*), sum(w), sum(v) FROM a;
		SELECT count(*), sum(a) FROM b;
		SELECT count(*), sum(k) FROM p;
		SELECT m FROM m;
		SELECT string_agg(migration || ' ' || outcome, ',' ORDER BY at) FROM mg.run WHERE outcome = 'applied';
		SELECT string_agg(DISTINCT migration || ' ' || status, ',') FROM mg.status});
}

$node->safe_psql('postgres', 'CREATE DATABASE template');
$node->safe_psql('template', 'CREATE EXTENSION migration_governance');
$node->safe_psql('template', join(';', map { "SELECT mg_register('$_->[0]', \$up\$$_->[1]\$up\$, \$down\$$_->[2]\$down\$)" } @migrations));

$node->safe_psql('postgres', 'CREATE DATABASE undisturbed TEMPLATE template');
my $begun = time;
$node->safe_psql('undisturbed', 'CALL mg_deploy()');
my $span = time - $begun;
my $expected = state_of('undisturbed');
is($node->safe_psql('undisturbed', "SELECT count(*) FROM mg.status WHERE status = 'applied'"), 10, 'undisturbed, all ten are applied');
is($node->safe_psql('undisturbed', 'SELECT count(*) FROM mg_drift_report()'), 0, 'and nothing has drifted');
note("undisturbed in $span s");

my $killer;

sub connect_killer
{
	$killer = { in => '', out => '', err => '' };
	$killer->{run} = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-d', $node->connstr('postgres') . ' application_name=killer' ],
		'<', \$killer->{in}, '>', \$killer->{out}, '2>', \$killer->{err});
	return;
}

# Runs a query in the connection that is there already, so that it comes at the moment it is meant for.
sub kill_by
{
	my ($sql) = @_;
	$killer->{out} = '';
	$killer->{in} .= "$sql;\n\\echo done\n";
	$killer->{run}->pump until $killer->{out} =~ /done/ || !$killer->{run}->pumpable;
	return $killer->{out} =~ /^t/m;
}

sub start_again
{
	# Its children have to see that it is gone; until then the memory is in use.
	for (1 .. 300)
	{
		last if system('pg_ctl', '-s', '-w', '-D', $node->data_dir, '-l', $node->logfile, '-o', '--cluster-name=main', 'start') == 0;
		sleep 0.1;
	}
	$node->_update_pid(1);
	connect_killer();
	return;
}

my %ways = (
	postmaster => sub { $node->kill9; return 1 },
	backend => sub { return kill_by("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'deployer' AND backend_type = 'client backend'") },
	# A backfill outlives the end of its VACUUM.
	worker => sub {
		for (1 .. 1000)
		{
			return 1 if kill_by("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'migration_governance' AND state = 'active' AND query ~ 'INDEX|DETACH'");
			sleep 0.001;
		}
		return 0;
	},
	cancel => sub { return kill_by("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'deployer' AND backend_type = 'client backend' AND state = 'active'") },
	timeout => sub { return 1 });
my @plan = shuffle(map { my $way = $_; map { $way } 1 .. $moments / 5 } sort keys %ways);
my (%struck, %stopped, @wrong, $databases, $untold);

connect_killer();
$untold = 0;
while (@plan)
{
	my $database = 'd' . ++$databases;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template");
	my $finished = 0;
	for (my $turn = 0; !$finished; $turn++)
	{
		my $way = @plan ? shift @plan : '';
		my $moment = rand($span * 0.4);
		my $open = $node->safe_psql($database, "SELECT string_agg(quote_literal(migration), ',') FROM mg.status WHERE status = 'interrupted'");
		my @calls = (map({ "CALL mg_resume($_)" } split /,/, $open), 'CALL mg_deploy()');
		local $ENV{PGOPTIONS} = $way eq 'timeout' ? '-c statement_timeout=' . (1 + int($moment * 1000)) : '';
		my ($in, $out, $err) = (join('', map { "$_;\n" } @calls), '', '');
		my $deployer = IPC::Run::start([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database) . ' application_name=deployer' ],
			'<', \$in, '>', \$out, '2>', \$err);
		if ($way ne '' && $way ne 'timeout')
		{
			my $until = time + $moment;
			while (time < $until && $deployer->pumpable) { $deployer->pump_nb; sleep 0.001 }
			$struck{$way}++ if $ways{$way}->();
		}
		my $ended = eval { local $SIG{PIPE} = 'IGNORE'; $deployer->finish; 1 } && $deployer->result == 0;
		start_again() if $way eq 'postmaster';
		$struck{timeout}++ if $way eq 'timeout' && $err =~ /statement timeout/;
		if ($ended) { $finished = 1; last }
		$stopped{$way}++;
		push @wrong, "$database: $err" if $err =~ /PANIC|XX000|internal error|TRAP/ || ($way eq '' && !$ended);
		if ($turn > 60) { push @wrong, "$database does not come to an end: $err"; last }
	}
	my $state = state_of($database);
	push @wrong, "$database differs" if $state ne $expected;
	my $left = $node->safe_psql($database, q{
		SELECT 'invalid index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid;
		SELECT 'lock ' || locktype || ' ' || mode FROM pg_locks WHERE locktype = 'advisory' OR relation >= 16384;
		SELECT 'worker ' || pid FROM pg_stat_activity WHERE backend_type = 'migration_governance' AND query <> '';
		SELECT 'drift ' || identity FROM mg_drift_report();
		SELECT 'open ' || migration FROM mg.progress;
		SELECT 'ledger ' || check_name || ' ' || object || ' ' || coalesce(actual, '') FROM mg_verify() WHERE NOT ok});
	push @wrong, "$database has left: $left" if $left ne '';
	# Each time that somebody went on, the journal says how it was left before.
	$untold += $node->safe_psql($database, q{
		SELECT count(*) FROM mg.journal r WHERE r.event = 'resumed' AND NOT EXISTS (
			SELECT FROM (SELECT j.event FROM mg.journal j WHERE j.deployment = r.deployment AND (j.at, j.id) < (r.at, r.id) AND j.event <> 'batch' ORDER BY j.at DESC, j.id DESC LIMIT 1) l
			WHERE l.event IN ('interrupted', 'failed'))});
	diag($wrong[-1]) if @wrong;
	$node->safe_psql('postgres', "DROP DATABASE $database");
}
$killer->{run}->kill_kill;

note(join(', ', map { "$_ struck " . ($struck{$_} // 0) . ", stopped it " . ($stopped{$_} // 0) } sort keys %ways) . "; $databases databases");
is(scalar(@wrong), 0, "after $moments interruptions schema, rows and ledger are those of the undisturbed run, and nothing is left") or diag("MG_SEED=$seed");
is($untold, 0, 'the ledger tells each interruption');
for my $way (sort keys %ways)
{
	cmp_ok($stopped{$way} // 0, '>', $moments / 5 / 4, "$way has stopped deployments indeed");
}
$node->stop;
done_testing();
