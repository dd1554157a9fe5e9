# Sessions that change the schema side by side: each statement is on record once, in whatever order they commit.
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

my $server = new_cluster('many', conf => [ preload(), 'max_connections = 60' ]);
new_database($server, 'app');

my ($clients, $transactions) = (8, 40);
my $script = <<'EOS';
\set name :client_id * 1000000000 + random(1, 1000000000)
BEGIN;
CREATE TABLE t_:name (id int PRIMARY KEY, a text);
CREATE INDEX ON t_:name (a);
COMMENT ON TABLE t_:name IS 'made by pgbench';
COMMIT;
ALTER TABLE t_:name ADD COLUMN b int;
BEGIN;
DROP TABLE t_:name;
ROLLBACK;
CREATE TEMP TABLE tmp (x int);
DROP TABLE tmp;
EOS
my $after = newest($server, 'app');
my ($ok, $output) = pgbench_script($server, 'app', $script, clients => $clients, transactions => $transactions, protocol => 'simple');
ok($ok && $output !~ /ERROR/, 'all clients finish') or diag $output;
is($server->safe_psql('app', "SELECT tag, count(*), count(DISTINCT identity) FROM mg.statement WHERE id > $after GROUP BY tag ORDER BY tag"),
	join("\n", map { "$_|" . $clients * $transactions . '|' . $clients * $transactions } 'ALTER TABLE', 'COMMENT', 'CREATE INDEX', 'CREATE TABLE'),
	'each statement is on record once, what was rolled back or temporary is not');
is($server->safe_psql('app', "SELECT count(*) FROM mg.statement WHERE id > $after AND tag = 'CREATE TABLE' AND to_regclass(identity) IS NULL"),
	'0', 'each record has its table');

# The same with seals being made meanwhile: no record is left out or covered twice.
(my $sealing = $script) =~ s/^BEGIN;/SELECT mg_seal();\nBEGIN;/m;
($ok, $output) = pgbench_script($server, 'app', $sealing, clients => $clients, transactions => 15, protocol => 'simple');
ok($ok && $output !~ /ERROR/, 'with seals: all clients finish') or diag $output;
$server->safe_psql('app', 'SELECT mg_seal()');
is($server->safe_psql('app', 'SELECT count(*), count(DISTINCT (r.kind, r.id)) FROM mg.record r JOIN mg.seal s ON s.members @> r.id'),
	$server->safe_psql('app', 'SELECT count(*), count(*) FROM mg.record'), 'with seals: each record is covered once');
is($server->safe_psql('app', 'SELECT string_agg(check_name || object, E\'\n\') FROM mg_verify() WHERE NOT ok'), '', 'mg_verify() finds nothing wrong');
is(status_of($server, 'app', 'gaps'), '0 known to the ledger, 0 in this session|t|', 'nothing was missed');

# Concurrent index builds and detachments on one table.
$server->safe_psql('app', 'CREATE TABLE busy (a int, b int, c int, d int)');
$after = newest($server, 'app');
my @sessions = map { $server->background_psql('app', on_error_stop => 0) } 1 .. 4;
my @columns = ('a', 'b', 'c', 'd');
$sessions[$_]->query_until(qr/started/, "\\echo started\nCREATE INDEX CONCURRENTLY busy_$columns[$_] ON busy ($columns[$_]);\n") for 0 .. 3;
my $errors = join '', map { my $said = $_->query('SELECT 1'); $_->{stderr} } @sessions;
$_->quit for @sessions;
my $made = $server->safe_psql('app', "SELECT count(*) FROM pg_index WHERE indrelid = 'busy'::regclass AND indisvalid");
is($server->safe_psql('app', "SELECT count(*) FROM mg.statement WHERE id > $after AND tag = 'CREATE INDEX'"), $made, "$made concurrent index builds side by side: each on record once");

# One that fails leaves an invalid index, and no record because it did not succeed.
$server->safe_psql('app', 'INSERT INTO busy VALUES (1), (1)');
$after = newest($server, 'app');
fails_with($server, 'app', 'CREATE UNIQUE INDEX CONCURRENTLY busy_unique ON busy (a)', '23505', 'CREATE UNIQUE INDEX CONCURRENTLY fails on duplicates');
is(statements($server, 'app', $after), '', 'what failed is not on record');
works($server, 'app', 'DROP INDEX CONCURRENTLY busy_unique', 'the invalid index can be dropped concurrently');
is(statements($server, 'app', $after, 'statement, identity'), 'DROP INDEX CONCURRENTLY busy_unique|public.busy_unique', 'and that is on record');

# A cancelled and a terminated session.
my $victim = $server->background_psql('app', on_error_stop => 0);
my $pid = $victim->query_safe('SELECT pg_backend_pid()');
$victim->query_safe('BEGIN; CREATE TABLE victim (x int)');
$server->safe_psql('app', "SELECT pg_terminate_backend($pid, 10000)");
eval { $victim->quit };
is($server->safe_psql('app', "SELECT count(*) FROM mg.statement WHERE identity = 'public.victim'"), '0', 'a terminated session leaves no record');
fails_with($server, 'app', "SET statement_timeout = '100ms'; CREATE TABLE slow AS SELECT pg_sleep(10)::text", '57014', 'a statement is cancelled');
is($server->safe_psql('app', "SELECT count(*) FROM mg.statement WHERE identity = 'public.slow'"), '0', 'a cancelled statement leaves no record');

# The server dies: what was committed is on record, what was not is not.
my $crash = $server->background_psql('app', on_error_stop => 0);
$crash->query_safe('CREATE TABLE kept (x int)');
$crash->query_safe('BEGIN; CREATE TABLE lost (x int)');
$server->stop('immediate');
eval { $crash->quit };
$server->start;
is($server->safe_psql('app', "SELECT string_agg(identity, ',') FROM mg.statement WHERE identity IN ('public.kept', 'public.lost')"), 'public.kept', 'after a crash the record is what was committed');
is($server->safe_psql('app', "SELECT coalesce(string_agg(check_name || ' ' || object, ', '), 'nothing') FROM mg_verify() WHERE NOT ok AND check_name ~ '^ledger'"), 'nothing', 'and mg_verify() finds nothing wrong in the ledger');

$server->stop;
done_testing();
