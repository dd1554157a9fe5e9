# mg_health() and mg_metrics() beside other sessions: they wait for nobody, see what holds others up, and read on a standby.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Governed;
use OpenMetrics;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $server = new_cluster('watch', streaming => 1, conf => [ preload(), 'max_prepared_transactions = 5', 'autovacuum = off', 'wal_keep_size = 1GB',
		'autovacuum_freeze_max_age = 100000', 'max_wal_size = 64MB', 'max_slot_wal_keep_size = -1' ]);
new_database($server, 'app');

# The parser of this test finds what is wrong.
my %wrong = (
	"a 1\n# EOF" => qr/a belongs to no family/,
	"# TYPE a gauge\na 1\n# EOF" => qr/a has no HELP/,
	"# HELP a x\na 1\n# EOF" => qr/a belongs to no family/,
	"# TYPE a gauge\n# HELP a x\na 1\na 2\n# EOF" => qr/a comes twice/,
	"# TYPE a gauge\n# HELP a x\na{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n# EOF" => qr/comes twice/,
	"# TYPE a gauge\n# HELP a x\na{x=\"1\"y=\"2\"} 1\n# EOF" => qr/labels are not/,
	"# TYPE a gauge\n# HELP a x\na{x=\"1\\q\"} 1\n# EOF" => qr/labels are not/,
	"# TYPE a counter\n# HELP a x\na_total -1\n# EOF" => qr/negative/,
	"# TYPE a counter\n# HELP a x\na 1\n# EOF" => qr/belongs to no family/,
	"# TYPE a gauge\n# UNIT a seconds\n# HELP a x\na 1\n# EOF" => qr/unit/,
	"# TYPE a gauge\n# HELP a x\na 1" => qr/EOF/,
	"# TYPE a gauge\n# HELP a x\na 1\n# EOF\na 2" => qr/EOF/,
	"# TYPE a gauge\n# HELP a x\n\na 1\n# EOF" => qr/neither/,
	"# TYPE a histogram\n# HELP a x\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 1\n# EOF" => qr/less than/,
	"# TYPE a histogram\n# HELP a x\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 1\n# EOF" => qr/spelled/,
	"# TYPE a histogram\n# HELP a x\na_bucket{le=\"1.0\"} 1\na_count 1\na_sum 1\n# EOF" => qr/no \+Inf/);
like(join("\n", @{ (read_metrics($_))[1] }), $wrong{$_}, 'the parser minds ' . s/\n/ | /gr) for sort keys %wrong;
is_deeply((read_metrics("# TYPE a gauge\n# HELP a x\na{x=\"\\\\\\n\\\"\"} 1\n# EOF"))[1], [], 'and not what is right');

# What mg_metrics() says on a server; it must be well formed.
sub metrics_of
{
	my ($node, $database, $what, %options) = @_;
	my ($samples, $faults) = read_metrics($node->safe_psql($database, 'SELECT mg_metrics()', %options));

	is_deeply($faults, [], "$what: what is scraped is well formed");
	return $samples;
}

# "ok value" of an aspect, a line each.
sub health
{
	my ($node, $aspect) = @_;
	return $node->safe_psql('app', "SELECT concat_ws(' ', coalesce(ok::text, 'unknown'), object, value) FROM mg_health() WHERE aspect = '$aspect'");
}

# Numbers before anything has happened, and after.
my $none = metrics_of($server, 'app', 'at first');
is($none->{'mg_runs_total{action="apply",outcome="applied"}'}, 0, 'no run yet is a 0, for rates');
is($none->{'mg_run_duration_seconds_count{action="roll back"}'}, 0, 'nor a duration');
is($none->{mg_seals_total}, 0, 'nor a seal');
ok(!exists $none->{mg_last_seal_age_seconds}, 'whose age there is not');
$server->safe_psql('app', <<'SQL');
SELECT mg_apply('a', 'CREATE TABLE a (id serial PRIMARY KEY)', 'DROP TABLE a');
SELECT mg_apply('b', 'CREATE TABLE b (id int); SELECT pg_sleep(0.15)', 'DROP TABLE b');
SELECT mg_rollback('b', 'no');
SELECT mg_register('c', 'CREATE TABLE c (id int)', 'DROP TABLE c');
SELECT mg_rehearse('c');
DO $$ BEGIN PERFORM mg_apply('d', 'SELECT 1 / 0'); EXCEPTION WHEN OTHERS THEN END $$;
DO $$ BEGIN PERFORM mg_apply('a', 'SELECT 2'); EXCEPTION WHEN OTHERS THEN END $$;
SELECT mg_seal();
CREATE TABLE by_hand (id serial PRIMARY KEY);
SQL
my $some = metrics_of($server, 'app', 'after some runs');
my %expected = (
	'mg_runs_total{action="apply",outcome="applied"}' => 2,
	'mg_runs_total{action="apply",outcome="failed"}' => 1,
	'mg_runs_total{action="roll back",outcome="rolled back"}' => 1,
	'mg_run_duration_seconds_count{action="apply"}' => 3,
	'mg_run_duration_seconds_bucket{action="apply",le="30.0"}' => 3,
	'mg_run_duration_seconds_bucket{action="apply",le="+Inf"}' => 3,
	'mg_migrations{status="applied"}' => 1,
	'mg_migrations{status="pending"}' => 1,
	'mg_migrations{status="rolled back"}' => 1,
	'mg_statements_total{origin="migration"}' => 3,
	'mg_statements_total{origin="session"}' => 1,
	'mg_rehearsals_total{verdict="restores"}' => 1,
	'mg_alerts_total{kind="failure",severity="high"}' => 1,
	'mg_alerts_total{kind="drift",severity="warning"}' => 0,
	'mg_sessions_waiting_for_lock' => 0,
	'mg_oldest_transaction_age_seconds' => 0,
	'mg_families_not_read' => 0);
is($some->{$_}, $expected{$_}, "$_ is $expected{$_}") for sort keys %expected;
cmp_ok($some->{'mg_run_duration_seconds_bucket{action="apply",le="0.1"}'}, '<=', 2, 'one took longer than a tenth of a second');
cmp_ok($some->{'mg_run_duration_seconds_sum{action="apply"}'}, '>', 0.15, 'the time that runs took');
cmp_ok(abs($some->{'mg_last_run_timestamp_seconds{action="apply",outcome="applied"}'} - time), '<', 60, 'when the last one was');
cmp_ok($some->{mg_last_seal_age_seconds}, '<', 60, 'the age of the last seal');
is($some->{mg_database_size_bytes}, $server->safe_psql('app', 'SELECT pg_database_size(current_database())'), 'the size of the database');
is($some->{"mg_ledger_size_bytes{table=\"$_\"}"}, $server->safe_psql('app', "SELECT pg_total_relation_size('mg.$_')"), "the size of mg.$_ is as the server has it")
  for split /\n/, $server->safe_psql('app', "SELECT relname FROM pg_class WHERE relnamespace = 'mg'::regnamespace AND relkind = 'r'");
my $later = metrics_of($server, 'app', 'later');
is(join(', ', grep { /_total\b|_count\b|_bucket\b/ && $later->{$_} < $some->{$_} } sort keys %$some), '', 'what is counted never falls');

# A database whose name needs escaping.
my $strange = "we\"ird\\db\nname";
$server->safe_psql('postgres', qq{CREATE DATABASE "we""ird\\db\nname"});
my ($status, $out, $err) = (0, '', '');
{
	local $ENV{PGHOST} = $server->host;
	local $ENV{PGPORT} = $server->port;
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', 'CREATE EXTENSION migration_governance', '-c', 'SELECT mg_metrics()' ],
		'>', \$out, '2>', \$err, init => sub { $ENV{PGDATABASE} = $strange; });
}
my ($escaped, $faults_of) = read_metrics($out);
is_deeply($faults_of, [], 'a database with a strange name: what is scraped is well formed') or diag($err);
is((grep { /^mg_installation\{database="we\\"ird\\\\db\\nname",/ } keys %$escaped), 1, 'and the name is escaped');

# Somebody keeps tables, sequences, a catalog or the ledger to himself.
my $locker = $server->background_psql('app');
$locker->query_safe('BEGIN; LOCK TABLE a, by_hand IN ACCESS EXCLUSIVE MODE; DROP TABLE by_hand');
my $begin = time;
is($server->safe_psql('app', 'SELECT count(*) > 18 FROM mg_health()'), 't', 'mg_health() while tables are locked');
like(health($server, 'sequence'), qr/^unknown 1 that others have locked/m, 'says which sequence it could not look at');
is(metrics_of($server, 'app', 'while tables are locked')->{mg_families_not_read}, 0, 'mg_metrics() has everything');
cmp_ok(time - $begin, '<', 5, 'and nothing was waited for');
$locker->query_safe('ROLLBACK');
is(health($server, 'sequence'), 'true public.a_id_seq 0 % of its numbers are given out', 'later it is looked at');
$locker->query_safe('BEGIN; LOCK TABLE pg_sequence IN ACCESS EXCLUSIVE MODE');
$begin = time;
is(health($server, 'sequence'), 'unknown not looked at: a system catalog is locked', 'a locked catalog costs its aspect only');
is(health($server, 'duplicate index'), 'true none', 'the others are there');
cmp_ok(time - $begin, '<', 5, 'and nobody waits for long');
$locker->query_safe('ROLLBACK');
$locker->query_safe('BEGIN; LOCK TABLE mg.rehearsal IN ACCESS EXCLUSIVE MODE');
$begin = time;
($status, $out, $err) = run_sql($server, 'app', 'SELECT mg_metrics()');
cmp_ok(time - $begin, '<', 5, 'with a table of the ledger locked mg_metrics() answers soon');
my ($samples, $faults) = read_metrics($out);
is($status == 0 ? join('', @$faults) : '', '', 'in the format');
is($samples->{mg_families_not_read}, 1, 'and says that something is missing');
ok(!(grep { /^mg_rehearsals/ } keys %$samples) && exists $samples->{'mg_runs_total{action="apply",outcome="applied"}'}, 'which has no samples');
$locker->query_safe('ROLLBACK');

# Transactions: idle ones, prepared ones, those that wait.
$locker->query_safe('BEGIN; LOCK TABLE a IN ACCESS EXCLUSIVE MODE');
my $pid = $locker->query_safe('SELECT pg_backend_pid()');
sleep 2;
like(health($server, 'idle in transaction'), qr/^true pid $pid idle for 00:00:0[2-9] by postgres with \S+$/, 'who is idle in a transaction, and for how long');
like(health($server, 'transaction'), qr/^true pid $pid open for 00:00:0[2-9] by postgres with \S+, idle in transaction$/, 'the oldest transaction');
my $waiting = $server->background_psql('app');
$waiting->query_until(qr/waits/, "\\echo waits\nBEGIN;\nLOCK TABLE a IN ACCESS SHARE MODE;\n");
$server->poll_query_until('app', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
my $held = metrics_of($server, 'app', 'while one waits');
is($held->{mg_sessions_waiting_for_lock}, 1, 'a session that waits for a lock');
cmp_ok($held->{mg_oldest_transaction_age_seconds}, '>=', 2, 'the age of the oldest transaction');
$locker->query_safe('COMMIT');
$waiting->quit;
is(health($server, 'prepared transaction'), 'true none', 'no prepared transaction');
$server->safe_psql('app', q{BEGIN; CREATE TABLE half (id int); PREPARE TRANSACTION 'it''s half'});
like(health($server, 'prepared transaction'), qr/^true it's half prepared 00:00:0\d ago by postgres$/, 'one that was prepared just now is usual');
cmp_ok(metrics_of($server, 'app', 'with a prepared transaction')->{mg_oldest_transaction_age_seconds}, '>', 0, 'and counts as open');

# Transaction ids go by while that one keeps the oldest from being frozen.
is($server->safe_psql('app', q{SELECT bool_and(ok) FROM mg_health() WHERE aspect = 'transaction id age'}), 't', 'transaction ids are young');
$server->safe_psql('app', <<'SQL');
CREATE TABLE burnt (id int);
DO $$ BEGIN FOR i IN 1..115000 LOOP BEGIN INSERT INTO burnt VALUES (i); EXCEPTION WHEN OTHERS THEN END; END LOOP; END $$;
SQL
like(health($server, 'transaction id age'), qr/^false database app transaction ids 11\d{4} old, 11\d % of the 100000 at which autovacuum steps in$/m, 'transaction ids are old');
like(health($server, 'transaction id age'), qr/^false \S+ transaction ids 11\d{4} old/m, 'and the tables whose they are');
$server->safe_psql('app', q{COMMIT PREPARED 'it''s half'});
$server->safe_psql('app', 'VACUUM (FREEZE)');
is($server->safe_psql('app', q{SELECT bool_and(ok) FROM mg_health() WHERE aspect = 'transaction id age'}), 't', 'VACUUM FREEZE freezes them');

# A slot that nobody reads.
$server->safe_psql('app', q{SELECT pg_create_physical_replication_slot('left_behind', true), pg_create_physical_replication_slot('empty')});
is(health($server, 'replication slot') =~ s/\d+ \w+ of log/some log/r, "true left_behind not in use, holds back some log\ntrue empty not in use, holds back no log", 'slots that hold back little');
$server->safe_psql('app', 'CREATE TABLE log_filler (id int)');
$server->safe_psql('app', 'INSERT INTO log_filler VALUES (1); SELECT pg_switch_wal()') for 1 .. 6;
$server->safe_psql('app', 'INSERT INTO log_filler VALUES (1)');
like(health($server, 'replication slot'), qr/^false left_behind not in use, holds back \d\d+ MB of log$/m, 'a slot that holds back more than max_wal_size');
like($server->safe_psql('app', q{SELECT hint FROM mg_health() WHERE aspect = 'replication slot' AND NOT ok}), qr/pg_drop_replication_slot/, 'and what to do');
$server->safe_psql('app', q{SELECT pg_drop_replication_slot('left_behind'), pg_drop_replication_slot('empty')});

# On a standby, which has the tables but counts for itself.
$server->safe_psql('app', 'CREATE UNLOGGED TABLE fleeting (id serial); CREATE INDEX a_twice ON a (id)');
$server->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($server, 'backup', has_streaming => 1);
$standby->start;
$server->wait_for_catchup($standby, 'replay', $server->lsn('insert'));
is(health($standby, $_), 'unknown not counted on a standby', "$_ is not known on a standby") for ('activity', 'unused index', 'dead rows');
is(health($standby, 'duplicate index'), 'false public.a_twice the same as public.a_pkey, 8192 bytes', 'what the catalogs say is');
like(health($standby, 'sequence'), qr/^true public.by_hand_id_seq|^true public.a_id_seq/, 'and where sequences stand');
is(metrics_of($standby, 'app', 'on a standby')->{'mg_runs_total{action="apply",outcome="applied"}'}, 2, 'with the numbers of the primary\'s ledger');
$standby->stop;

# Who may call it: whom the owner lets. Nothing of other sessions but numbers.
$server->safe_psql('app', 'CREATE ROLE monitor LOGIN');
fails_with($server, 'app', "SELECT $_()", '42501', "$_() is not for everybody", user => 'monitor') for qw(mg_health mg_metrics);
$server->safe_psql('app', 'GRANT EXECUTE ON FUNCTION mg_health, mg_metrics TO monitor');
$locker->query_safe('BEGIN; SELECT 1');
my $seen = works($server, 'app', q{SELECT value FROM mg_health() WHERE object IS NULL AND aspect = 'transaction'}, 'a monitor calls mg_health()', user => 'monitor');
like($seen, qr/^\d of sessions that you may not see$/, 'which says what it may not see');
is(works($server, 'app', q{SELECT count(*) FROM mg_health() WHERE aspect IN ('transaction', 'idle in transaction') AND value ~ 'postgres'}, 'and not who they are', user => 'monitor'), '0', 'nothing of them');
$locker->query_safe('COMMIT');
$locker->quit;
done_testing();
