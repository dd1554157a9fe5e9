# What another session hears of alerts and schema changes, and sees of a run that goes on.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Governed;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $node = new_cluster('main', conf => [ 'wal_level = logical', 'max_prepared_transactions = 2' ]);
new_database($node, 'app');

# Sessions that stay: send() hands one SQL and waits for the answer, unless told not to.
sub session
{
	my %session = (in => '', out => '', err => '');
	$session{run} = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-d', $node->connstr('app') ],
		'<', \$session{in}, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(60));
	return \%session;
}

my $marker = 0;

sub send_sql
{
	my ($session, $sql, %options) = @_;
	$marker++;
	$session->{out} = '';
	$session->{in} .= "$sql\n\\echo done-$marker\n";
	$session->{run}->pump_nb;
	$session->{run}->pump until $options{go_on} || $session->{out} =~ /done-$marker\n/;
	return $session->{out};
}

my $listener = session();
send_sql($listener, 'LISTEN mg_alerts; LISTEN mg_schema_changes;');

# What it has heard since the last time, by channel.
sub heard
{
	my ($channel) = @_;
	my $out = send_sql($listener, 'SELECT 1;');
	return join "\n", $out =~ /Asynchronous notification "$channel" with payload "(.*)" received/g;
}

# A value in JSON that the server reads.
sub value
{
	my ($json, $path) = @_;
	return $node->safe_psql('app', "SELECT \$json\$$json\$json\$::jsonb #>> '$path'");
}

# Schema changes.
$node->safe_psql('app', "SELECT slot_name FROM pg_create_logical_replication_slot('changes', 'test_decoding')");
$node->safe_psql('app', "SELECT mg_apply('001_made', 'CREATE TABLE made (id int)', 'DROP TABLE made')");
my $change = heard('mg_schema_changes');
is(value($change, '{migration}') . value($change, '{action}') . value($change, '{by}'), '001_madeapplypostgres', 'a run is told');
is(value($change, '{objects,0,identity}') . value($change, '{objects,0,change}') . value($change, '{changes}'), 'public.madecreated1', 'with its objects');
is(value($change, '{run}'), $node->safe_psql('app', 'SELECT id FROM mg.runs'), 'and the number of its run');
my $messages = "SELECT substring(data FROM 'content:(.*)') FROM pg_logical_slot_get_changes('changes', NULL, NULL) WHERE data LIKE 'message: transactional: 1 prefix: migration_governance%'";
is(value($node->safe_psql('app', $messages), '{objects,0,identity}'), 'public.made', 'logical decoding has it too');

$node->safe_psql('app', "BEGIN; SELECT mg_apply('002_undone', 'CREATE TABLE undone ()'); ROLLBACK");
$node->safe_psql('app', "BEGIN; SAVEPOINT a; SELECT mg_apply('002_undone', 'CREATE TABLE undone ()'); ROLLBACK TO a; SAVEPOINT b; SELECT mg_apply('003_kept', 'CREATE TABLE kept ()'); RELEASE b; COMMIT");
is(value(heard('mg_schema_changes'), '{migration}'), '003_kept', 'what is undone is not told, nor what a savepoint undoes');
is(value($node->safe_psql('app', $messages), '{migration}'), '003_kept', 'nor to logical decoding');
$node->safe_psql('app', "SELECT mg_rehearse('003_kept')");
is(heard('mg_schema_changes'), '', 'a rehearsal is not told');
$node->safe_psql('app', "SELECT mg_apply('004_rows', 'INSERT INTO made VALUES (1)')");
is(heard('mg_schema_changes'), '', 'nor a run that leaves the schema as it is');
$node->safe_psql('app', "SELECT mg_apply('005_many', (SELECT string_agg(format('CREATE TABLE %I (id int);', 'many_' || n || repeat('x', 50)), '') FROM generate_series(1, 150) n))");
$change = heard('mg_schema_changes');
is(value($change, '{changes}'), 150, 'of many objects the number');
ok(length $change < 8000 && value($change, '{objects,0,type}') eq 'table', 'and those that there is room for');
like($node->safe_psql('app', $messages), qr/many_150x/, 'logical decoding has all');

# A prepared transaction: NOTIFY would not let it be.
works($node, 'app', "BEGIN; SELECT mg_apply('006_prepared', 'CREATE TABLE prepared ()', 'DROP TABLE prepared'); SELECT mg_set_policy('naming', 'free', 'prepared'); PREPARE TRANSACTION 'p'", 'a run can be prepared');
$node->safe_psql('app', "COMMIT PREPARED 'p'");
is(heard('mg_schema_changes') . heard('mg_alerts'), '', 'of which nobody hears');
is($node->safe_psql('app', "SELECT message FROM mg.alerts WHERE kind = 'policy'"), 'policy setting "naming" was changed', 'but its alert is there');

# A failure, which a worker writes.
fails_with($node, 'app', "SELECT mg_apply('007_fails', 'CREATE TABLE made_again ();\nINSERT INTO made VALUES (''the secret of a row''::int)')", '22P02', 'a run fails');
my $alert = heard('mg_alerts');
is(value($alert, '{kind}') . '|' . value($alert, '{severity}') . '|' . value($alert, '{migration}') . '|' . value($alert, '{message}'),
	'failure|high|007_fails|migration "007_fails" failed in up, line 2, SQLSTATE 22P02', 'a failure is told');
is(value($alert, '{by}') . ' ' . value($alert, '{database}'), 'postgres app', 'whose, and where');
is(value($alert, '{id}') . '|' . value($alert, '{at}'), $node->safe_psql('app', "SELECT id, at FROM mg.alerts WHERE kind = 'failure'"), 'and which record it is');
unlike($alert, qr/secret/, 'what the error says is not for everybody');
like($node->safe_psql('app', "SELECT details ->> 'error' FROM mg.alerts WHERE kind = 'failure'"), qr/the secret of a row/, 'and in the record');
is($node->safe_psql('app', "SELECT count(*) FROM mg.runs WHERE migration = '007_fails' AND outcome = 'failed'"), 1, 'with that of the run');
fails_with($node, 'app', "SELECT mg_apply('008_refused', 'CREATE TABEL x ()')", '42601', 'what does not even parse');
is(heard('mg_alerts'), '', 'is no alert');

# A run that fails after too long is two.
$node->safe_psql('app', "SELECT mg_set_policy('alert_after', '200ms', 'for the test')");
fails_with($node, 'app', "SELECT mg_apply('009_slow', 'SELECT pg_sleep(0.3); SELECT 1/0')", '22012', 'a run fails late');
is($node->safe_psql('app', "SELECT string_agg(kind, ' ' ORDER BY kind) FROM mg.alerts WHERE migration = '009_slow' AND kind <> 'running'"), 'failure slow', 'a failure, and slow');

# Another's lock on the alerts does not cost the record of the failure.
my $other = session();
send_sql($other, 'BEGIN; LOCK TABLE mg.alert IN SHARE MODE;');
fails_with($node, 'app', "SELECT mg_apply('010_locked', 'SELECT 1/0')", '22012', 'the alerts are locked');
is($node->safe_psql('app', "SELECT count(*) FROM mg.runs WHERE migration = '010_locked'"), 1, 'the failure is on record all the same');
send_sql($other, 'COMMIT;');
works($node, 'app', "BEGIN; LOCK TABLE mg.alert IN SHARE MODE; DO \$\$BEGIN PERFORM mg_apply('011_own', 'SELECT 1/0'); EXCEPTION WHEN division_by_zero THEN NULL; END\$\$; COMMIT", 'the session itself has locked them');
is($node->safe_psql('app', "SELECT count(*) FROM mg.runs WHERE migration = '011_own'"), 1, 'the same');

# A run while it goes on.
my $running = "SELECT count(*) FROM mg.alerts WHERE kind = 'running' AND id IS NULL";
my $watchdog = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'migration_governance'";
$node->safe_psql('app', "SELECT mg_set_policy('alarm_after', '2s', 'for the test')");
heard('mg_alerts');
send_sql($other, "BEGIN; SELECT status FROM mg_apply('012_long', 'SELECT pg_sleep(4)');", go_on => 1);
$node->poll_query_until('app', "$running AND severity = 'warning'", 1) or die 'never seen';
like($node->safe_psql('app', "SELECT severity, id IS NULL, migration IS NULL, message, by FROM mg.alerts WHERE kind = 'running' AND id IS NULL"),
	qr/^warning\|t\|t\|pid \d+ has been at a migration for 00:00:0\d\|postgres$/, 'a run that goes on for too long is seen');
is($node->safe_psql('app', "SELECT details ->> 'wait_event' FROM mg.alerts WHERE kind = 'running' AND id IS NULL"), 'PgSleep', 'with what it waits for');
$node->poll_query_until('app', "SELECT count(*) FROM mg.alert WHERE kind = 'running' AND migration = '012_long'", 1) or die 'never told';
$alert = heard('mg_alerts');
is(join('|', map { value($alert, "{$_}") } 'kind', 'severity', 'migration', 'message', 'by'), 'running|warning|012_long|migration "012_long" has been running for 00:00:00.2|postgres', 'and told by a worker, by name');
ok($node->poll_query_until('app', "SELECT severity = 'high' FROM mg.alerts WHERE kind = 'running' AND id IS NULL"), 'and gets graver');
$node->poll_query_until('app', "SELECT count(*) FROM mg.alert WHERE kind = 'running' AND migration = '012_long'", 2) or die 'never told';
is(value(heard('mg_alerts'), '{severity}'), 'high', 'which is told as well');
like($node->safe_psql('app', "SELECT details - 'pid', details ? 'pid' FROM mg.alert WHERE kind = 'running' ORDER BY id DESC LIMIT 1"), qr/^\{"action": "apply", "environment": null\}\|t$/, 'with the pid');
send_sql($other, '');
$node->poll_query_until('app', "$running AND message LIKE '%keeping migrations waiting%'", 1) or die 'never seen';
pass('a transaction that stays open keeps others waiting');
ok($node->poll_query_until('app', $watchdog, 0), 'its worker has left the database');
is(heard('mg_alerts'), '', 'nothing more is told before it commits');
send_sql($other, 'COMMIT;');
is(value(heard('mg_alerts'), '{kind}'), 'slow', 'then it is');
is($node->safe_psql('app', $running), 0, 'and nothing goes on');
is($node->safe_psql('app', "SELECT count(*) FROM mg_verify() WHERE NOT ok"), 0, 'the ledger is whole');

# The next one of the same session, a rollback that fails, and one whose session is ended.
send_sql($other, "SELECT status FROM mg_apply('012_again', 'SELECT 1', 'SELECT pg_sleep(1); SELECT 1/0');");
send_sql($other, "SELECT status FROM mg_rollback('012_again', 'for the test');", go_on => 1);
$node->poll_query_until('app', "SELECT count(*) FROM mg.alert WHERE kind = 'running' AND message LIKE 'rollback of migration \"012_again\" has been running%'", 1) or die 'never told';
pass('a way back is told too');
ok($node->poll_query_until('app', $watchdog, 0), 'and its worker leaves');
send_sql($other, '');
send_sql($other, "SELECT status FROM mg_apply('012_quick', 'SELECT 1');") for 1 .. 3;
is($node->safe_psql('app', "SELECT count(*) FROM mg.alert WHERE kind = 'running' AND migration = '012_quick'"), 0, 'what is quick is not');
heard('mg_alerts');
my $killed = session();
send_sql($killed, "SELECT status FROM mg_apply('012_killed', 'SELECT pg_sleep(60)');", go_on => 1);
$node->poll_query_until('app', "SELECT count(*) FROM mg.alert WHERE kind = 'running' AND migration = '012_killed'", 1) or die 'never told';
$node->safe_psql('app', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%012_killed%' AND pid <> pg_backend_pid()");
ok($node->poll_query_until('app', $watchdog, 0), 'a worker does not outlive its session');
eval { $killed->{run}->finish };

works($node, 'app', "BEGIN; SELECT mg_apply('013_prepared', 'CREATE TABLE waits ()'); PREPARE TRANSACTION 'it''s'", 'a run is prepared');
$node->poll_query_until('app', $running, 1) or die 'never seen';
like($node->safe_psql('app', "SELECT message, by FROM mg.alerts WHERE kind = 'running' AND id IS NULL"), qr/^the prepared transaction it's has kept migrations waiting for 00:00:0\d\|postgres$/,
	'a prepared transaction that keeps others waiting is seen');
$node->safe_psql('app', "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA mg TO reader; GRANT SELECT ON mg.blocking TO reader");
$other = session();
send_sql($other, "SELECT status FROM mg_apply('013_waits', 'SELECT 1')", go_on => 1);
send_sql($other, ';', go_on => 1);
my $blocking = "SELECT concat_ws('|', wants, what, blocking_pid, blocking_role, blocking_state, holds, transaction_since < now(), blocking_statement) FROM mg.blocking";
ok($node->poll_query_until('app', $blocking, "ExclusiveLock|migrations, one at a time|postgres|prepared|ExclusiveLock|t|it's"), 'mg.blocking tells whom it keeps waiting, though it has no session');
is((run_sql($node, 'app', 'SELECT blocked_role, blocked_statement FROM mg.blocking', user => 'reader'))[1], 'postgres|<insufficient privilege>', 'of what others do there is as much as the server shows');
$node->safe_psql('app', "ROLLBACK PREPARED 'it''s'");
send_sql($other, '');
is($node->safe_psql('app', $running), 0, 'until it ends');

# Without a worker to be had a run goes on as it would.
$_->{in} .= "\\q\n", $_->{run}->finish for $listener, $other;
$node->append_conf('postgresql.conf', "max_worker_processes = 1\nmax_logical_replication_workers = 0");
$node->restart;
fails_with($node, 'app', "SELECT status FROM mg_apply('015_fine', 'SELECT 1'); SELECT status FROM mg_apply('015_fails', 'SELECT 1/0')", '22012', 'the one worker slot is the watchdog\'s: a failure');
is($node->safe_psql('app', "SELECT outcome FROM mg.runs WHERE migration = '015_fails'"), 'failed', 'is on record all the same');
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
works($node, 'app', "SELECT status FROM mg_apply('014_alone', 'SELECT pg_sleep(1)')", 'no worker is to be had: a long run');
is($node->safe_psql('app', "SELECT string_agg(kind, ' ') FROM mg.alert WHERE migration = '014_alone'"), 'slow', 'is told of when it has ended');

$node->stop;
done_testing();
