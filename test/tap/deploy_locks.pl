# What stands in the way of a deployment: locks that are given up in time or not, rows, prepared transactions, other deployments and
# migrations; what the policy ends; and what ends the deployment itself: cancel, timeouts, a worker that goes or is not to be had.
use strict;
use warnings FATAL => 'all';

use Deploying;
use Governed;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_cluster('locks', conf => [ preload(), 'max_prepared_transactions = 4', 'max_worker_processes = 8', "lc_messages = 'C'", 'autovacuum = off', 'max_connections = 30' ]);
new_database($node, 'app');
$node->safe_psql('app', <<'SQL');
CREATE ROLE ann LOGIN;
CREATE ROLE bob LOGIN;
GRANT ALL ON SCHEMA public TO ann;
SELECT mg_grant_right('ann', 'apply');
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i;
GRANT ALL ON t TO ann, bob;
CREATE TABLE anns (a int);
ALTER TABLE anns OWNER TO ann;
GRANT ALL ON anns TO bob;
SELECT mg_accept_drift('start');
SQL
my $n = 0;

# Registers a migration under the next name.
sub next_one
{
	my ($up, $down, %options) = @_;
	my $name = 'm' . ++$n;
	register_migration($node, 'app', $name, $up, $down, %options);
	return $name;
}

sub journal
{
	my ($name, $columns, $condition) = @_;
	return one_of($node, 'app', "SELECT $columns FROM mg.journal WHERE migration = '$name' AND $condition ORDER BY at, id");
}

sub status
{
	my ($name) = @_;
	return one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = '$name'");
}

# Nothing is left of a call that has ended.
sub nothing_left
{
	my ($what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(one_of($node, 'app', "SELECT concat_ws(' ', (SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'migration_governance'), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),"
		  . " (SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'caller'))"), '0 0 0', "$what: no worker, no lock is left");
	return;
}

# A lock that is given up in time.
my $name = next_one('ALTER TABLE t ADD COLUMN m1 int', 'ALTER TABLE t DROP COLUMN m1');
my $other = session($node, 'app', user => 'bob', application => 'slow job');
my $caller = session($node, 'app', application => 'caller');
ask_session($other, 'BEGIN; SELECT count(*) FROM t');
my $pid = ask_session($other, 'SELECT pg_backend_pid()');
say_to($caller, "CALL mg_deploy('$name', lock_timeout := '200ms')");
is_true($node, 'app', "SELECT count(*) >= 2 FROM mg.journal WHERE migration = '$name' AND event = 'blocked'");
is(journal($name, "DISTINCT sqlstate, details->'blockers'->0->>'pid', details->'blockers'->0->>'role', details->'blockers'->0->>'application', details->'blockers'->0->>'state', details->'blockers'->0->>'statement', kind, 1 AS at, 1 AS id", "event = 'blocked'"),
	"55P03|$pid|bob|slow job|idle in transaction|SELECT pg_backend_pid();|transaction|1|1", 'the journal tells who is in the way');
like(one_of($node, 'app', "SELECT migration, state, step, steps, line, statement FROM mg.progress"), qr/^$name\|waiting (to try again|for a lock)\|1\|1\|1\|ALTER TABLE t ADD COLUMN m1 int$/, 'and mg.progress that it waits');
is(status($name), 'deploying', 'and mg.status');
unlike(call_of($node, 'app', 'SELECT count(*) FROM t'), qr/ERROR/, 'between the tries others get through');
ask_session($other, 'COMMIT');
wait_for($caller);
like($caller->{err}, qr/NOTICE:  00000: step 1 of 1, line 1: canceling statement due to lock timeout\nDETAIL:  In the way: pid $pid \(bob, slow job, idle in transaction, in a transaction for [^)]*\)\.\nHINT:  It is tried again in \d+ ms, for the 2\. time of at most 11\./, 'the caller is told who');
unlike($caller->{err}, qr/ERROR/, 'and it succeeds in the end');
is(status($name), 'applied', '  applied');

# Used up.
$name = next_one('ALTER TABLE t ADD COLUMN m2 int', 'ALTER TABLE t DROP COLUMN m2');
ask_session($other, 'BEGIN; SELECT count(*) FROM t');
my $err = call_of($node, 'app', "CALL mg_deploy('$name', lock_timeout := '50ms', retries := 2)");
like($err, qr/ERROR:  55P03: canceling statement due to lock timeout\n(.*\n)*?CONTEXT:.*\n.*migration "$name", up, line 1/, 'retries used up: the error is the server\'s own');
is(journal($name, "string_agg(event, ' ' ORDER BY at, id), 1 AS at, 1 AS id", 'true'), 'begun started blocked started blocked started failed|1|1', '  the journal');
is(status($name), 'interrupted', '  it is interrupted');
$err = call_of($node, 'app', "CALL mg_resume('$name', lock_timeout := '50ms', deadline := '1s')");
like($err, qr/ERROR:  55P03/, 'so does the deadline end it');
my $beside = next_one('ALTER TABLE t ADD COLUMN m21 int', 'ALTER TABLE t DROP COLUMN m21');
say_to($caller, "CALL mg_deploy('$beside', lock_timeout := '200ms', retries := 1000)");
is_true($node, 'app', "SELECT count(*) >= 1 FROM mg.journal WHERE migration = '$beside' AND event = 'blocked'");
is(status($name) . ' ' . status($beside), 'interrupted deploying', 'while another one is being deployed it stays interrupted');
ask_session($other, 'COMMIT');
wait_for($caller);
unlike(call_of($node, 'app', "CALL mg_resume('$name')"), qr/ERROR/, '  resumed');

# What a role may not see it is not told.
$name = next_one('ALTER TABLE anns ADD COLUMN b int', undef, user => 'ann');
ask_session($other, 'BEGIN; SELECT count(*) FROM anns');
$err = call_of($node, 'app', "CALL mg_deploy('$name', lock_timeout := '50ms', retries := 1)", user => 'ann');
like($err, qr/In the way: pid \d+ \(bob/, 'a role without rights is told who');
is(journal($name, "details->'blockers'->0->>'statement'", "event = 'blocked'"), '<insufficient privilege>', '  but not what he does');
$node->safe_psql('app', "SELECT mg_set_policy('end_blockers', '0s', 'test')");
$err = call_of($node, 'app', "CALL mg_resume('$name', lock_timeout := '50ms', retries := 1)", user => 'ann');
like($err, qr/WARNING:  01000: could not end pid \d+ \(bob, slow job\)\nDETAIL:  The policy setting end_blockers would, but the caller may not see/, 'who may not end a session is warned that he cannot');
is(ask_session($other, 'SELECT 1'), '1', '  and it lives on');
$err = call_of($node, 'app', "CALL mg_resume('$name', lock_timeout := '50ms', retries := 3)");
like($err, qr/In the way: pid \d+ \([^)]*\), terminated\./, 'who may does');
unlike($err, qr/ERROR/, '  and goes on');
is(one_of($node, 'app', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bob'"), '0', '  the other is terminated');
eval { end_session($other) };
$node->safe_psql('app', "SELECT mg_set_policy('end_blockers', NULL, 'test')");

# Rows, and what a worker waits for.
$other = session($node, 'app', application => 'holder');
ask_session($other, 'BEGIN; UPDATE t SET a = 0 WHERE id = 7');
$name = next_one('UPDATE t SET a = 1 WHERE id = 7');
$err = call_of($node, 'app', "CALL mg_deploy('$name', lock_timeout := '100ms', retries := 1)");
like($err, qr/In the way: pid \d+ \(postgres, holder/, 'a row that is locked');
call_of($node, 'app', "CALL mg_abort('$name')");
$name = next_one("CREATE INDEX CONCURRENTLY rows_i ON t (a)", 'DROP INDEX rows_i');
say_to($caller, "CALL mg_deploy('$name')");
is_true($node, 'app', "SELECT count(*) > 0 FROM mg.journal WHERE migration = '$name' AND event = 'blocked'");
like(one_of($node, 'app', "SELECT state, phase, cardinality(blocked_by) FROM mg.progress WHERE migration = '$name'"), qr/^waiting for a lock\|waiting for writers before build\|1$/, 'mg.progress tells for what a worker waits');
sleep 4;
is(journal($name, 'count(*), 1 AS at, 1 AS id', "event = 'blocked'"), '1|1|1', 'a long wait is one record');
ask_session($other, 'COMMIT');
wait_for($caller);
is(status($name), 'applied', '  applied');
end_session($other);

# A prepared transaction.
$node->safe_psql('app', "BEGIN; LOCK TABLE t IN SHARE MODE; PREPARE TRANSACTION 'p1'");
$name = next_one('ALTER TABLE t ADD COLUMN m5 int', undef);
$err = call_of($node, 'app', "CALL mg_deploy('$name', lock_timeout := '50ms', retries := 1)");
like($err, qr/In the way: a prepared transaction \(postgres\)/, 'a prepared transaction in the way');
is(journal($name, "details->'blockers'->0->>'prepared'", "event = 'blocked'"), 'p1', '  by its name');
$node->safe_psql('app', "ROLLBACK PREPARED 'p1'");
unlike(call_of($node, 'app', "CALL mg_resume('$name')"), qr/ERROR/, '  resumed');

# Old transactions.
$node->safe_psql('app', "SELECT mg_set_policy('wait_for_transactions', '1s', 'test')");
$name = next_one("CREATE INDEX CONCURRENTLY old_i ON t (a, id)", 'DROP INDEX old_i');
$other = session($node, 'app', application => 'holder');
ask_session($other, 'BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE');
$err = call_of($node, 'app', "CALL mg_deploy('$name', retries := 0)");
like($err, qr/NOTICE:  00000: step 1 of 1, line 1 has to wait for transactions that are older than it\nDETAIL:  pid \d+ \(postgres, holder.*ERROR:  55P03: transactions that the statement would have to wait for have not ended in 1 s/s, 'wait_for_transactions: it does not begin');
is(one_of($node, 'app', "SELECT to_regclass('old_i') IS NULL"), 't', '  nothing is left half built');
$node->safe_psql('app', "SELECT mg_set_policy('end_blockers', '0s', 'test')");
unlike(call_of($node, 'app', "CALL mg_resume('$name')"), qr/ERROR/, 'end_blockers: it ends them');
eval { end_session($other) };
$node->safe_psql('app', "SELECT mg_set_policy('end_blockers', NULL, 'test'); SELECT mg_set_policy('wait_for_transactions', NULL, 'test')");

# Beside one another.
$name = next_one("CREATE INDEX CONCURRENTLY beside_i ON t (id, a)", 'DROP INDEX beside_i');
my $next = next_one('CREATE TABLE beside (a int)', 'DROP TABLE beside');
$other = session($node, 'app', application => 'holder');
ask_session($other, 'BEGIN; INSERT INTO t VALUES (9999, 1)');
say_to($caller, "CALL mg_deploy('$name')");
is_true($node, 'app', "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'beside_i')");
my $begun = time;
like(call_of($node, 'app', "SELECT mg_apply('$next')"), qr/ERROR:  55P03: .*pid \d+.*|ERROR:  55P03.*\n.*$name/, 'mg_apply() is refused at once');
like(call_of($node, 'app', "SELECT mg_apply('$next')"), qr/$name/, '  and tells by what');
cmp_ok(time - $begun, '<', 2, '  at once');
like(call_of($node, 'app', $_), qr/ERROR:  55P03: a deployment is going on in this database\nDETAIL:  Pid \d+ \(postgres\) deploys migration "$name"\./, "at once, too: $_")
  for "SELECT mg_register('later', 'SELECT 1')", "SELECT mg_rollback('m1', 'why')", "SELECT mg_baseline('base')";
unlike(call_of($node, 'app', "SET statement_timeout = '5s'; SELECT mg_drift_report(); SELECT mg_status(); SELECT mg_verify()"), qr/ERROR/, 'what only reads is not');
$err = call_of($node, 'app', "CALL mg_deploy('$next', deadline := '1s')");
like($err, qr/NOTICE:  00000: waiting for the deployment that pid \d+ is running\nDETAIL:  Its session is postgres, application "caller"\.\n(.*\n)*.*ERROR:  55P03: another session was deploying until the deadline/, 'mg_deploy() waits for its turn, to its deadline');
like(call_of($node, 'app', "CALL mg_resume('$name', deadline := '500ms')"), qr/ERROR:  55P03: another session was deploying/, 'so does mg_resume() of the same');
my $second = session($node, 'app', application => 'second');
say_to($second, "CALL mg_deploy('$next')");
is_true($node, 'app', "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'second' AND query ~ 'mg_deploy' AND state = 'active'");
sleep 0.5;
is(one_of($node, 'app', "SELECT count(backend_xmin) FROM pg_stat_activity WHERE application_name = 'second'"), '0', 'who waits for his turn holds no snapshot');
ask_session($other, 'ROLLBACK');
wait_for($caller);
wait_for($second);
is(status($name) . status($next), 'appliedapplied', 'both are applied');

# Behind mg_apply().
$name = next_one('CREATE TABLE behind (a int)');
ask_session($other, "BEGIN; SELECT status FROM mg_apply('by_apply', 'CREATE TABLE by_apply (a int)', 'DROP TABLE by_apply')");
like(one_of($node, 'app', "SELECT migration, action, state FROM mg.progress"), qr/^by_apply\|apply\|running$/, 'mg.progress shows a migration in one transaction');
say_to($second, "CALL mg_deploy('$name')");
sleep 0.5;
is(one_of($node, 'app', "SELECT state, backend_xmin IS NULL FROM pg_stat_activity WHERE application_name = 'second'"), 'active|t', 'mg_deploy() waits for mg_apply(), without a snapshot');
ask_session($other, 'COMMIT');
wait_for($second);
is(status($name), 'applied', '  applied');
nothing_left('afterwards');

# Cancelled and timed out: waiting for the turn, for a lock, between tries, for the worker.
$name = next_one("CREATE INDEX CONCURRENTLY c1_i ON t (a) WHERE a > 1", 'DROP INDEX c1_i');
ask_session($other, 'BEGIN; INSERT INTO t VALUES (9998, 1)');
for my $case ([ 'for the worker', "CALL mg_deploy('$name')", "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'c1_i')" ])
{
	my ($what, $call, $condition) = @$case;
	say_to($caller, $call);
	is_true($node, 'app', $condition);
	$begun = time;
	$node->safe_psql('app', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'");
	wait_for($caller);
	cmp_ok(time - $begun, '<', 3, "cancelled while it waits $what: at once");
	nothing_left("cancelled while it waits $what");
}
is(journal($name, 'event, sqlstate', "event = 'interrupted'"), 'interrupted|57014', '  the journal says so');
is(ask_session($caller, "SHOW lock_timeout"), '0', '  the session is as before');
$err = call_of($node, 'app', "SET statement_timeout = '1s'; CALL mg_resume('$name')");
like($err, qr/ERROR:  57014: canceling statement due to statement timeout/, 'statement_timeout');
nothing_left('statement_timeout');
$err = call_of($node, 'app', "CALL mg_resume('$name', deadline := '1s')");
like($err, qr/ERROR:  57014: the deployment's deadline has come/, 'the deadline');
nothing_left('the deadline');
say_to($caller, "CALL mg_resume('$name')");
is_true($node, 'app', "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'c1_i' AND NOT indisvalid) AND EXISTS (SELECT FROM pg_locks WHERE locktype IN ('virtualxid', 'transactionid') AND NOT granted)");
$node->safe_psql('app', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type ~ 'migration_governance'");
wait_for($caller);
like($caller->{err}, qr/ERROR:  57P01: terminating background worker "migration_governance[^"]*" due to administrator command/, 'the worker is terminated: the call ends');
is(ask_session($caller, 'SELECT 1'), '1', '  but not its session');
nothing_left('the worker is terminated');
say_to($caller, "CALL mg_resume('$name')");
is_true($node, 'app', "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type ~ 'migration_governance' AND wait_event_type = 'Lock')");
$node->safe_psql('app', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller' AND backend_type = 'client backend'");
is_true($node, 'app', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type ~ 'migration_governance' OR application_name = 'caller'");
nothing_left('the caller is terminated');
is(status($name), 'interrupted', '  it is interrupted');
ask_session($other, 'ROLLBACK');
like(call_of($node, 'app', "CALL mg_resume('$name')"), qr/is deployed/, '  resumed');
is(journal($name, "count(*), 1 AS at, 1 AS id", "error = 'the session ended without a word'"), '1|1|1', '  the journal says that the session ended without a word');
eval { end_session($caller) };
$caller = session($node, 'app', application => 'caller');
ask_session($other, 'BEGIN; SELECT count(*) FROM t');
$name = next_one('ALTER TABLE t ADD COLUMN m9 int', undef);
say_to($caller, "CALL mg_deploy('$name', lock_timeout := '50ms', retries := 100)");
is_true($node, 'app', "SELECT count(*) >= 3 FROM mg.journal WHERE migration = '$name' AND event = 'blocked'");
$node->safe_psql('app', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'");
$begun = time;
wait_for($caller);
cmp_ok(time - $begun, '<', 3, 'cancelled between the tries: at once');
nothing_left('cancelled between the tries');
is(journal($name, 'count(*), 1 AS at, 1 AS id', "event = 'interrupted'"), '1|1|1', '  the journal says so');
ask_session($other, 'ROLLBACK');
unlike(call_of($node, 'app', "CALL mg_resume('$name')"), qr/ERROR/, '  resumed');

# Many steps: the session does not grow.
my $steps = join '', map { "CREATE TABLE s$_ (a int);\nCOMMENT ON TABLE s$_ IS 'x';\nALTER TYPE many ADD VALUE 'v$_';\n" } 1 .. 300;
$name = next_one("CREATE TYPE many AS ENUM ();\n$steps", undef);
say_to($caller, "SET client_min_messages = warning; CALL mg_deploy('$name')");
is_true($node, 'app', "SELECT count(*) >= 30 FROM mg.journal WHERE migration = '$name' AND event = 'done'");
my $caller_pid = one_of($node, 'app', "SELECT pid FROM pg_stat_activity WHERE application_name = 'caller'");
my $size = sub { slurp_file("/proc/$caller_pid/statm") =~ /^\d+ (\d+) (\d+)/ ? ($1 - $2) * 4 : 0 };
my $early = $size->();
wait_for($caller);
my $late = $size->();
note("kilobytes after 30 steps: $early, at the end: $late");
is(status($name), 'applied', 'three hundred steps');
cmp_ok($late - $early, '<', 30000, 'the session does not grow with them');

# No worker to be had.
end_session($caller);
end_session($second);
end_session($other);
$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
$node->restart;
$name = next_one("CREATE TABLE w (a int);\nCREATE INDEX CONCURRENTLY w_i ON w (a)", 'DROP TABLE w');
$begun = time;
$err = call_of($node, 'app', "CALL mg_deploy('$name')");
like($err, qr/ERROR:  53400: no background worker slot is free\nDETAIL:.*\nHINT:  max_worker_processes must leave room for one; CALL mg_resume\(\)/, 'no worker is to be had');
cmp_ok(time - $begun, '<', 30, '  and it does not wait for long');
is(status($name), 'interrupted', '  it is interrupted');
nothing_left('no worker');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
is(status($name), 'interrupted', '  still after a restart');
unlike(call_of($node, 'app', "CALL mg_resume('$name')"), qr/ERROR/, '  and resumed then');
no_drift($node, 'app', 'in the end');
$node->stop;
done_testing();
