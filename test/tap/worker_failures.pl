# A failed attempt stays on record although its transaction is gone, however it was made; where no worker can write the
# record, the caller still gets his own error, soon.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'migration_governance'\nmax_prepared_transactions = 2");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE app OWNER owner');
$node->safe_psql('app', 'CREATE EXTENSION migration_governance; CREATE TABLE taken (id int)');

# Runs SQL in one session as a role; gives what came to standard error, the time, and standard output.
sub attempt
{
	my ($database, $sql, %options) = @_;
	my ($out, $err) = ('', '');
	my $on = $options{node} // $node;
	my $begun = time;
	$on->psql($database, "\\set VERBOSITY verbose\n$sql",
		stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => $options{params} // []);
	return ($err, time - $begun, $out);
}

sub runs
{
	my ($migration, $columns, %options) = @_;
	return ($options{node} // $node)
	  ->safe_psql($options{database} // 'app', "SELECT $columns FROM mg.runs WHERE migration = '$migration' ORDER BY started_at");
}

# A session that stays: send() hands it SQL and waits for the answer, unless told not to.
sub session
{
	my ($on, $database, $application) = @_;
	my %session = (in => '', out => '', err => '');
	my $connection = $on->connstr($database) . ($application ? " application_name=$application" : '');
	$session{run} = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-d', $connection ],
		'<', \$session{in}, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(60));
	return \%session;
}

my $marker = 0;

sub send_sql
{
	my ($session, $sql, $wait) = @_;
	$marker++;
	$session->{out} = '';
	$session->{in} .= "$sql\n\\echo done-$marker\n";
	$session->{run}->pump_nb;
	$session->{run}->pump until !($wait // 1) || $session->{out} =~ /done-$marker/;
	return $session->{out};
}

sub finish
{
	my ($session) = @_;
	$session->{in} .= "\\q\n";
	$session->{run}->finish;
	return $session->{err};
}

my $bad = "SELECT * FROM mg_apply('%s', E'CREATE TABLE %s_t (id int);\\nINSERT INTO %s_t VALUES (1);\\nSELECT 1 / 0;')";

sub bad
{
	my ($name) = @_;
	return sprintf($bad, $name, "t$name", "t$name");
}

# What must be on record of each of the ways, and what must not be left of them.
sub check_failed
{
	my ($name, $way) = @_;
	is(runs($name, "outcome, action, phase, line, statement, sqlstate, error, statements, login_role, started_at > now() - interval '1 minute'"),
		'failed|apply|up|3|SELECT 1 / 0|22012|division by zero|2|' . $node->safe_psql('app', 'SELECT current_user') . '|t',
		"$way: the attempt is on record");
	is($node->safe_psql('app', "SELECT to_regclass('t${name}_t') IS NULL, status FROM mg.status WHERE migration = '$name'"),
		't|failed', "$way: nothing of it stays, and mg.status knows");
	is( $node->safe_psql('app', "SELECT status FROM mg_apply('$name', 'CREATE TABLE t${name}_t (id int)', 'DROP TABLE t${name}_t')"),
		'applied', "$way: its corrected text is applied under the same name");
	is(runs($name, 'outcome'), "failed\napplied", "$way: both attempts are there");
	return;
}

my ($err, $seconds, $out);
($err) = attempt('app', bad('0001_plain') . ';');
like($err, qr/ERROR:  22012: division by zero/, 'plain call: the error is the statement\'s own');
like($err, qr/migration "0001_plain", up, line 3: SELECT 1 \/ 0/, 'plain call: and says where');
unlike($err, qr/WARNING/, 'plain call: without a warning');
check_failed('0001_plain', 'plain call');

($err, $seconds, $out) = attempt('app', 'BEGIN; CREATE TABLE before (id int); ' . bad('0002_block') . '; COMMIT;');
like($err, qr/ERROR:  22012/, 'in a block: the same error');
is($node->safe_psql('app', "SELECT to_regclass('before') IS NULL"), 't', 'in a block: it is rolled back');
check_failed('0002_block', 'in a block');

($err) = attempt('app',
	'DO $$ BEGIN CREATE TABLE outer_table (id int); BEGIN PERFORM 1 FROM (' . bad('0003_exception')
	  . ') x; EXCEPTION WHEN division_by_zero THEN RAISE NOTICE \'caught %\', SQLSTATE; END; END $$;');
like($err, qr/caught 22012/, 'in an exception block: the exception is caught');
is($node->safe_psql('app', "SELECT to_regclass('outer_table') IS NOT NULL"), 't', 'in an exception block: what is outside stays');
check_failed('0003_exception', 'in an exception block');

($err) = attempt('app', 'BEGIN; SAVEPOINT s; ' . bad('0004_savepoint') . '; ROLLBACK TO s; CREATE TABLE afterwards (id int); COMMIT;');
is($node->safe_psql('app', "SELECT to_regclass('afterwards') IS NOT NULL"), 't', 'in a savepoint: the transaction goes on');
check_failed('0004_savepoint', 'in a savepoint');

for my $mode (qw(extended prepared))
{
	my $name = $mode eq 'extended' ? '0005_extended' : '0006_prepared';
	my $file = "$PostgreSQL::Test::Utils::tmp_check/$mode.sql";
	PostgreSQL::Test::Utils::append_to_file($file, bad($name) . ";\n");
	my $run = IPC::Run::run([ 'pgbench', '-n', '-M', $mode, '-t', '1', '-f', $file, '-d', $node->connstr('app') ], '>', \my $stdout, '2>', \$err);
	like($err, qr/division by zero/, "$mode protocol: the error comes");
	check_failed($name, "$mode protocol");
}

($err) = attempt('app', "SET statement_timeout = '300ms'; SELECT * FROM mg_apply('0007_timeout', E'SELECT 1;\\nSELECT pg_sleep(60)');");
like($err, qr/ERROR:  57014: canceling statement due to statement timeout/, 'statement_timeout: the error is the server\'s own');
is(runs('0007_timeout', 'outcome, line, sqlstate'), 'failed|2|57014', 'statement_timeout: the attempt is on record');

my $session = session($node, 'app', 'victim');
send_sql($session, "\\set VERBOSITY verbose");
send_sql($session, "SELECT * FROM mg_apply('0008_cancel', E'SELECT 1;\\nSELECT pg_sleep(60)');", 0);
$node->poll_query_until('app', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'PgSleep'");
$node->safe_psql('app', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'");
send_sql($session, 'SELECT 1;');
like(finish($session), qr/ERROR:  57014: canceling statement due to user request/, 'cancel: the error is the server\'s own');
is(runs('0008_cancel', 'outcome, line, sqlstate, application'), 'failed|2|57014|victim', 'cancel: the attempt is on record');

($err) = attempt('app', "SET lock_timeout = '200ms'; SELECT * FROM mg_apply('0009_lock', 'ALTER TABLE taken ADD COLUMN x int');")
  if ($session = session($node, 'app')) && send_sql($session, 'BEGIN; LOCK TABLE taken;');
finish($session);
like($err, qr/ERROR:  55P03/, 'lock_timeout: the error is the server\'s own');
is(runs('0009_lock', 'outcome, sqlstate'), 'failed|55P03', 'lock_timeout: the attempt is on record');

($err) = attempt('app', "SELECT * FROM mg_apply('0010_raise', 'DO \$\$ BEGIN RAISE EXCEPTION USING ERRCODE = ''ZZ123'', MESSAGE = ''m'', DETAIL = ''d'', HINT = ''h''; END \$\$');");
like($err, qr/ERROR:  ZZ123: m\nDETAIL:  d\nHINT:  h/, 'an error of the script\'s own keeps code, detail and hint');
is(runs('0010_raise', 'sqlstate, error, detail, hint'), 'ZZ123|m|d|h', 'and they are on record');
($err) = attempt('app', "SELECT * FROM mg_apply('0011_long', format('DO %L', format('BEGIN RAISE EXCEPTION %L, repeat(%L, 3000000); END', '%', 'ü')));");
is(runs('0011_long', 'length(error)'), '3000000', 'a very long message is on record whole');
($err) = attempt('app', "SELECT * FROM mg_apply('0012_verify', 'CREATE TABLE v (id int)', NULL, 'SELECT count(*) = 1 FROM v');");
is(runs('0012_verify', 'outcome, phase, sqlstate'), 'failed|verify|MG402', 'a failed verification is on record');
($err) = attempt('app', "SELECT * FROM mg_apply('0013_pre', 'CREATE TABLE v (id int)', precondition := 'SELECT false');");
is(runs('0013_pre', 'outcome, phase, sqlstate'), 'failed|precondition|MG401', 'a failed precondition is on record');
($err) = attempt('app', "SELECT * FROM mg_apply('0014_deferred', 'CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE q (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED); INSERT INTO q VALUES (1)');");
is(runs('0014_deferred', 'outcome, sqlstate'), 'failed|23503', 'a deferred constraint that does not hold is on record');
($err) = attempt('app', "SELECT * FROM mg_apply('0015_syntax', E'SELECT 1;\\nSELEC 2');");
is(runs('0015_syntax', 'outcome, sqlstate'), 'refused|42601', 'a syntax error is on record');
($err) = attempt('app', "SELECT mg_apply('0016_down', 'CREATE TABLE w (id int)', E'SELECT 1;\\nDROP TABLE w_'); SELECT mg_rollback('0016_down', 'why');");
is(runs('0016_down', 'outcome, action, line, sqlstate, reason'), "applied|apply|||\nfailed|roll back|2|42P01|why", 'a failed rollback is on record, with its reason');
($err) = attempt('app', "SELECT * FROM mg_apply('0017_owner', 'SELECT 1 / 0');", params => [ '-U', 'owner' ]);
is(runs('0017_owner', 'outcome, login_role, session_role, acting_role'), 'failed|owner|owner|owner', 'a failure of the owner of the database is on record under his name');
unlike($err, qr/WARNING/, 'without a warning');

# What the failed transaction has registered itself is gone with it, but the worker has the text.
($err) = attempt('app', "BEGIN; SELECT mg_register('0020_registered', 'SELECT 1 / 0'); SELECT mg_apply('0020_registered'); ROLLBACK;");
like($err, qr/ERROR:  22012/, 'registered in the same transaction: the same error');
is(runs('0020_registered', 'outcome'), 'failed', 'registered in the same transaction: the attempt is on record');
is($node->safe_psql('app', "SELECT s.status, c.body FROM mg.status s JOIN mg.script c USING (checksum) WHERE migration = '0020_registered'"),
	'failed|SELECT 1 / 0', 'registered in the same transaction: with its text');
attempt('app', "SELECT mg_apply('0021_refused', 'SELECT 21', requires := '{nothing}');") for 1 .. 3;
is(runs('0021_refused', 'outcome, sqlstate'), join("\n", ('refused|MG004') x 3), 'refused attempts are on record');
is($node->safe_psql('app', "SELECT (SELECT count(*) FROM mg.script WHERE body = 'SELECT 21') < 2, (SELECT count(*) FROM mg.registration WHERE migration = '0021_refused') < 2"),
	't|t', 'but their text is not kept again and again');
($err) = attempt('app', "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; SAVEPOINT s; SELECT mg_apply('0022_rr', 'SELECT 1 / 0'); ROLLBACK TO s; SELECT mg_apply('0022_rr', 'SELECT 1'); COMMIT;");
is(runs('0022_rr', 'outcome'), "failed\napplied", 'REPEATABLE READ: one\'s own failure does not stand in the way of the next try');

# Nothing that the failed transaction holds may keep it from its error.
my %held = (
	'tables of the ledger' => 'LOCK TABLE mg.run, mg.script, mg.registration IN SHARE ROW EXCLUSIVE MODE',
	'everything of the ledger' => 'LOCK TABLE mg.run, mg.script, mg.registration, mg.statement, mg.current, mg.seal, mg.installation IN ACCESS EXCLUSIVE MODE',
	'pg_class' => 'LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE',
	'pg_database' => 'LOCK TABLE pg_database IN ACCESS EXCLUSIVE MODE',
	'pg_authid' => 'LOCK TABLE pg_authid IN ACCESS EXCLUSIVE MODE',
	'pg_db_role_setting' => 'LOCK TABLE pg_db_role_setting IN ACCESS EXCLUSIVE MODE',
	'the sealing lock' => "SELECT pg_advisory_lock(x'6d677365616c'::bigint)",
	'its own role and database settings' => "ALTER ROLE owner SET work_mem = '5MB'; ALTER DATABASE app SET work_mem = '5MB'");
my $number = 100;
for my $what (sort keys %held)
{
	my $name = sprintf('%04d_held', $number++);
	($err, $seconds) = attempt('app', "BEGIN; $held{$what}; SELECT mg_apply('$name', 'SELECT 1 / 0'); ROLLBACK;");
	like($err, qr/ERROR:  22012: division by zero/, "a transaction that holds $what: its own error");
	cmp_ok($seconds, '<', 7, "a transaction that holds $what: it comes soon");
	my $recorded = runs($name, 'outcome');
	ok($recorded eq 'failed' || $err =~ /WARNING:  01000: the failed attempt at migration "$name" is not on record/,
		"a transaction that holds $what: on record, or with a warning") or diag("$recorded: $err");
}
($err, $seconds) = attempt('postgres', "BEGIN; CREATE EXTENSION migration_governance; SELECT mg_apply('0001_new', 'SELECT 1 / 0'); ROLLBACK;");
like($err, qr/WARNING:  01000.*ERROR:  22012/s, 'in the transaction that made the extension: a warning and the error');
cmp_ok($seconds, '<', 7, 'soon');

# Another session has locked the ledger.
$session = session($node, 'app', 'locker');
send_sql($session, 'BEGIN; LOCK TABLE mg.run IN SHARE MODE;');
($err, $seconds) = attempt('app', "SELECT mg_apply('0200_locked', 'SELECT 1 / 0');");
like($err, qr/WARNING:  01000: the failed attempt at migration "0200_locked" is not on record.*ERROR:  22012: division by zero/s, 'ledger locked: a warning and the error');
cmp_ok($seconds, '<', 6, 'ledger locked: it does not wait for ever');
like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/attempt at migration "0200_locked" failed in line 1: division by zero/, 'ledger locked: the server log has it');
finish($session);
is($node->safe_psql('app', "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'governance'"), '0', 'no worker stays behind');
is($node->safe_psql('app', 'SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relnamespace = \'mg\'::regnamespace'), '0', 'nor a lock');

# Settings of the database do not get in the worker's way.
my %settings = (
	'default_transaction_read_only' => 'on', 'default_transaction_isolation' => 'serializable', 'default_transaction_deferrable' => 'on',
	'statement_timeout' => "'1ms'", 'lock_timeout' => "'1ms'", 'search_path' => "''", 'client_encoding' => 'SQL_ASCII',
	'session_preload_libraries' => "'migration_governance'", 'row_security' => 'off', 'DateStyle' => "'SQL, DMY'", 'IntervalStyle' => 'sql_standard',
	'TimeZone' => "'Asia/Kathmandu'", 'standard_conforming_strings' => 'off', 'synchronous_commit' => 'off', 'client_min_messages' => 'error');
$number = 300;
for my $name (sort keys %settings)
{
	my $migration = sprintf('%04d_setting', $number++);
	$session = session($node, 'app');
	send_sql($session, 'SELECT 1;');
	$node->safe_psql('postgres', "ALTER DATABASE app SET $name = $settings{$name}");
	send_sql($session, "SELECT mg_apply('$migration', 'SELECT 1 / 0');");
	$err = finish($session);
	$node->safe_psql('postgres', "ALTER DATABASE app RESET $name");
	is(runs($migration, 'outcome, sqlstate'), 'failed|22012', "ALTER DATABASE … SET $name: the attempt is on record") or diag($err);
}
$session = session($node, 'app');
send_sql($session, 'SELECT 1;');
$node->safe_psql('postgres', 'ALTER DATABASE app ALLOW_CONNECTIONS false');
send_sql($session, "SELECT mg_apply('0400_closed', 'SELECT 1 / 0');");
$node->safe_psql('postgres', 'ALTER DATABASE app ALLOW_CONNECTIONS true');
like(finish($session), qr/ERROR:  division by zero/, 'a database that takes no connections: the error');
is(runs('0400_closed', 'outcome'), 'failed', 'and the attempt is on record');
$node->safe_psql('postgres', 'ALTER DATABASE app CONNECTION LIMIT 1');
($err) = attempt('app', "SELECT mg_apply('0401_limit', 'SELECT 1 / 0');");
$node->safe_psql('postgres', 'ALTER DATABASE app CONNECTION LIMIT -1');
is(runs('0401_limit', 'outcome'), 'failed', 'a connection limit does not keep the attempt from its record');
is($node->safe_psql('app', "SELECT string_agg(concat_ws(' ', check_name, object, expected, actual), '; ') FROM mg_verify() WHERE NOT ok"), '', 'the ledger verifies');

# Databases can be dropped and copied right after a failure.
$node->safe_psql('postgres', 'CREATE DATABASE short_lived TEMPLATE app');
my $failures = 0;
for my $round (1 .. 5)
{
	attempt('short_lived', "SELECT mg_apply('050${round}_short', 'SELECT 1 / 0');");
	$failures += $node->psql('postgres', "CREATE DATABASE copy$round TEMPLATE short_lived; DROP DATABASE copy$round;") != 0;
	attempt('app', "SELECT mg_apply('060${round}_short', 'SELECT 1 / 0');");
}
$failures += $node->psql('postgres', 'DROP DATABASE short_lived') != 0;
is($failures, 0, 'CREATE DATABASE … TEMPLATE and DROP DATABASE go through right after a failure');

# Many at once.
my @sessions = map { session($node, 'app') } 1 .. 12;
for my $i (0 .. $#sessions)
{
	send_sql($sessions[$i], sprintf("SELECT mg_apply('%04d_many', 'SELECT 1 / 0');", 700 + $i), 0);
}
my $warnings = 0;
for my $many (@sessions)
{
	send_sql($many, 'SELECT 1;');
	$warnings += finish($many) =~ /not on record/ ? 1 : 0;
}
is($node->safe_psql('app', "SELECT count(*) FROM mg.runs WHERE migration ~ '_many'") + $warnings, 12, 'twelve sessions that fail at once: each on record or warned');
is($warnings, 0, 'and all of them on record');
is($node->safe_psql('app', "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'governance'"), '0', 'no worker stays behind');
$node->stop;

# Servers without a free slot for a worker; the library comes with the first statement here.
my %without = ('max_worker_processes = 0' => 'no slot at all', "max_worker_processes = 1\nmax_logical_replication_workers = 1" => 'the only slot taken');
$number = 0;
for my $setting (sort keys %without)
{
	my $small = PostgreSQL::Test::Cluster->new('small' . $number++);
	$small->init;
	$small->append_conf('postgresql.conf', $setting);
	$small->start;
	$small->safe_psql('postgres', 'CREATE EXTENSION migration_governance');
	($err, $seconds) = attempt('postgres', "SELECT mg_apply('0001_a', E'CREATE TABLE a (id int);\\nSELECT 1 / 0;');", node => $small);
	like($err, qr/WARNING:  01000: the failed attempt at migration "0001_a" is not on record\nDETAIL:  .*slot.*\nHINT:  .*max_worker_processes/, "$without{$setting}: a warning that says why");
	like($err, qr/ERROR:  22012: division by zero\n.*migration "0001_a", up, line 2/s, "$without{$setting}: the error is unchanged");
	cmp_ok($seconds, '<', 3, "$without{$setting}: it does not wait");
	like(PostgreSQL::Test::Utils::slurp_file($small->logfile), qr/LOG:  .*0001_a.* line 2: division by zero/, "$without{$setting}: the server log has it");
	($err) = attempt('postgres', "DO \$\$ BEGIN PERFORM mg_apply('0002_b', 'SELECT 1 / 0'); EXCEPTION WHEN division_by_zero THEN RAISE NOTICE 'caught'; END \$\$;", node => $small);
	like($err, qr/caught/, "$without{$setting}: an exception block catches the error");
	is($small->safe_psql('postgres', "SELECT status FROM mg_apply('0001_a', 'CREATE TABLE a (id int)', 'DROP TABLE a')"), 'applied', "$without{$setting}: migrations apply");
	is($small->safe_psql('postgres', "SELECT count(*) FROM mg_verify() WHERE NOT ok"), '0', "$without{$setting}: and verify");
	$small->stop;
}

done_testing();
