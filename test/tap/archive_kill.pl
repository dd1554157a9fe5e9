# A deployment that destroys is ended again and again, at each of its steps and at random moments: what it destroys is there whole and not kept, or
# gone and kept whole, never both and never neither. Whoever goes on, or goes back, has every row again. What is kept survives crash recovery and is on
# a standby.
#
#   MG_KILLS (20)  how many random moments
#   MG_SEED        to have the same again
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use Deploying;
use Governed;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $moments = $ENV{MG_KILLS} // 20;
my $seed = $ENV{MG_SEED} // time;
srand($seed);
note("MG_SEED=$seed");

my $node = new_cluster('main', streaming => 1, initdb => ['--data-checksums'], conf => [ preload(), 'autovacuum = off', 'restart_after_crash = on', 'max_connections = 30', 'max_wal_senders = 4' ]);

# Tables with rows, one of them with values out of line.
my $things = q{
	CREATE TABLE plain (id int PRIMARY KEY, t text, large text); ALTER TABLE plain ALTER large SET STORAGE EXTERNAL;
	INSERT INTO plain SELECT i, 'p' || i, CASE WHEN i % 50 = 0 THEN repeat(md5(i::text), 200) END FROM generate_series(1, 500) i;
	CREATE TABLE columned (id int PRIMARY KEY, stays text, gone text); INSERT INTO columned SELECT i, 's' || i, 'g' || i FROM generate_series(1, 500) i;
	CREATE TABLE emptied (id int PRIMARY KEY, t text); INSERT INTO emptied SELECT i, 'e' || i FROM generate_series(1, 500) i;
	CREATE TABLE rounded (id int PRIMARY KEY, price numeric); INSERT INTO rounded SELECT i, i / 4.0 FROM generate_series(1, 500) i;
	CREATE TABLE crowd (id int PRIMARY KEY, v int); INSERT INTO crowd SELECT i, i % 7 FROM generate_series(1, 2000) i;
	CREATE SCHEMA shop; CREATE TABLE shop.item (id serial PRIMARY KEY, t text); INSERT INTO shop.item (t) SELECT 'i' || i FROM generate_series(1, 500) i;
	CREATE TABLE shop.note (t text); INSERT INTO shop.note SELECT 'n' || i FROM generate_series(1, 500) i;
	CREATE UNLOGGED TABLE loose (id int PRIMARY KEY, t text); INSERT INTO loose SELECT i, 'l' || i FROM generate_series(1, 500) i};
my $up = q{
	BEGIN; DROP TABLE plain; ALTER TABLE columned DROP COLUMN gone; COMMIT;
	CREATE INDEX CONCURRENTLY crowd_v ON crowd (v);
	BEGIN; TRUNCATE emptied; ALTER TABLE rounded ALTER price TYPE int; COMMIT;
	BEGIN; DELETE FROM crowd WHERE id <= 1500; COMMIT;
	CREATE INDEX CONCURRENTLY rounded_price ON rounded (price);
	BEGIN; DROP TABLE loose; DROP SCHEMA shop CASCADE; COMMIT};
# An abort runs all of it, whatever has been done.
my $down = q{
	BEGIN; CREATE SCHEMA IF NOT EXISTS shop; CREATE TABLE IF NOT EXISTS shop.item (id serial PRIMARY KEY, t text); CREATE TABLE IF NOT EXISTS shop.note (t text); COMMIT;
	DROP INDEX CONCURRENTLY IF EXISTS rounded_price;
	BEGIN; CREATE UNLOGGED TABLE IF NOT EXISTS loose (id int PRIMARY KEY, t text); ALTER TABLE rounded ALTER price TYPE numeric; COMMIT;
	BEGIN; ALTER TABLE columned ADD COLUMN IF NOT EXISTS gone text; CREATE TABLE IF NOT EXISTS plain (id int PRIMARY KEY, t text, large text); ALTER TABLE plain ALTER large SET STORAGE EXTERNAL; COMMIT;
	DROP INDEX CONCURRENTLY IF EXISTS crowd_v};

# For each that is destroyed: a query that says whether it is whole, of rows (t) that its archive has too.
my %parts = (
	'public.plain' => { kind => 'table', rows => 'SELECT id, t, large FROM %s', there => q{to_regclass('public.plain') IS NOT NULL} },
	'public.columned.gone' => { kind => 'column', rows => 'SELECT id, gone FROM %s', table => 'public.columned',
		there => q{EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'public.columned'::regclass AND attname = 'gone')} },
	'public.emptied' => { kind => 'contents', rows => 'SELECT id, t FROM %s', there => 'EXISTS (SELECT FROM public.emptied)' },
	'public.rounded.price' => { kind => 'values', rows => 'SELECT id, price FROM %s WHERE price <> trunc(price)', table => 'public.rounded',
		there => q{(SELECT atttypid = 'numeric'::regtype FROM pg_attribute WHERE attrelid = 'public.rounded'::regclass AND attname = 'price')} },
	'public.crowd' => { kind => 'rows', rows => 'SELECT id, v FROM %s WHERE id <= 1500', there => 'EXISTS (SELECT FROM public.crowd WHERE id <= 1500)' },
	'shop.item' => { kind => 'table', rows => 'SELECT id, t FROM %s', there => q{to_regclass('shop.item') IS NOT NULL} },
	'shop.note' => { kind => 'table', rows => 'SELECT t FROM %s', there => q{to_regclass('shop.note') IS NOT NULL} });

sub content
{
	my ($on, $database, $part, $table) = @_;
	my $rows = sprintf $part->{rows}, $table;
	return $on->safe_psql($database, "SELECT count(*) || ' ' || coalesce(md5(string_agg(x::text, ',' ORDER BY x::text)), '') FROM ($rows) x");
}

$node->safe_psql('postgres', 'CREATE DATABASE template');
$node->safe_psql('template', "CREATE EXTENSION migration_governance; $things; SELECT mg_register('destroys', \$up\$$up\$up\$, \$down\$$down\$down\$)");
my %whole = map { $_ => content($node, 'template', $parts{$_}, $parts{$_}{table} // $_) } keys %parts;

# What is neither whole nor kept, or both: nothing, if all is well; and how many are gone. `wanted` is whether it must be there (t, f) or may be either.
sub faults_of
{
	my ($database, $wanted) = @_;
	my $must = defined $wanted ? "'$wanted'" : 'NULL';
	my $sql = q{
		CREATE FUNCTION pg_temp.content(rows text, relation text) RETURNS text LANGUAGE plpgsql AS $$
		DECLARE result text;
		BEGIN
			EXECUTE 'SELECT count(*) || '' '' || coalesce(md5(string_agg(x::text, '','' ORDER BY x::text)), '''') FROM (' || format(rows, relation) || ') x' INTO result;
			RETURN result;
		END $$;
		CREATE FUNCTION pg_temp.faults(source text, there boolean, wanted boolean, rows text, relation text, whole text) RETURNS SETOF text LANGUAGE plpgsql AS $$
		DECLARE
			kept text[] := ARRAY(SELECT a.relation FROM mg.archives a WHERE a.source = faults.source AND a.state <> 'restored');
		BEGIN
			IF there IS DISTINCT FROM coalesce(wanted, there) THEN RETURN NEXT source || ' is there: ' || there; END IF;
			IF there AND cardinality(kept) > 0 THEN RETURN NEXT source || ' is there, and kept too'; END IF;
			IF NOT there AND cardinality(kept) <> 1 THEN RETURN NEXT source || ' is gone, and kept as ' || kept::text; RETURN; END IF;
			IF pg_temp.content(rows, CASE WHEN there THEN relation ELSE 'mg_archive.' || kept[1] END) <> whole THEN
				RETURN NEXT format('%s has other rows, there: %s', source, there);
			END IF;
			IF NOT there THEN RETURN NEXT 'gone'; END IF;
		END $$;
		-- What unlogged tables had is gone after a crash; that they can be read is enough.
		CREATE FUNCTION pg_temp.faults_of_loose() RETURNS SETOF text LANGUAGE plpgsql AS $$
		DECLARE
			name text;
			kept text[] := ARRAY(SELECT 'mg_archive.' || a.relation FROM mg.archives a WHERE a.source = 'public.loose');
		BEGIN
			FOREACH name IN ARRAY kept || to_regclass('public.loose')::text LOOP
				CONTINUE WHEN name IS NULL;
				EXECUTE 'SELECT count(*) FROM ' || name;
			END LOOP;
		EXCEPTION WHEN OTHERS THEN RETURN NEXT 'loose: ' || SQLERRM;
		END $$;
		SELECT pg_temp.faults_of_loose();
		SELECT 'a table of nobody: ' || relname FROM pg_class WHERE relnamespace = 'mg_archive'::regnamespace AND relkind = 'r' AND relname NOT IN (SELECT relation FROM mg.archives WHERE relation IS NOT NULL);
	};
	$sql .= join '', map { my $part = $parts{$_}; "SELECT pg_temp.faults('$_', $part->{there}, $must, '$part->{rows}', '" . ($part->{table} // $_) . "', '$whole{$_}');\n" } sort keys %parts;
	my @faults = split /\n/, $node->safe_psql($database, $sql);
	return ([ grep { $_ ne 'gone' } @faults ], scalar(grep { $_ eq 'gone' } @faults));
}

sub start_again
{
	for (1 .. 300)
	{
		last if system('pg_ctl', '-s', '-w', '-D', $node->data_dir, '-l', $node->logfile, '-o', '--cluster-name=main', 'start') == 0;
		sleep 0.1;
	}
	$node->_update_pid(1);
	return;
}

my $killer;

# The connection is there already, so that the blow comes at the moment it is meant for.
sub kill_by
{
	my ($sql) = @_;
	my $answer = eval { ask_session($killer, $sql) };
	return ($answer // '') =~ /^t/m;
}

my $deployers = "FROM pg_stat_activity WHERE application_name = 'deployer' AND backend_type = 'client backend'";
my %ways = (
	postmaster => sub { $node->kill9; return 1 },
	# The server sees that one of its processes is gone, and begins anew.
	process => sub {
		my $pid = ask_session($killer, "SELECT pid $deployers");
		return $pid =~ /^\d+$/ && kill('KILL', $pid);
	},
	backend => sub { return kill_by("SELECT pg_terminate_backend(pid) $deployers") },
	worker => sub {
		for (1 .. 500)
		{
			return 1 if kill_by("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'migration_governance' AND state = 'active' AND query ~ 'INDEX'");
			sleep 0.002;
		}
		return 0;
	},
	cancel => sub { return kill_by("SELECT pg_cancel_backend(pid) $deployers AND state = 'active'") });

# Calls, and ends the call by a blow as soon as `when` says; gives whether it has come to its end, and its messages.
sub struck
{
	my ($database, $call, $way, $when) = @_;
	my ($in, $out, $err) = ("$call;\n", '', '');

	$killer = session($node, 'postgres', application => 'killer') if $way ne '';
	my $deployer = IPC::Run::start([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-d', $node->connstr($database) . ' application_name=deployer' ],
		'<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(180));
	my $has_struck = 0;
	if ($way ne '')
	{
		while ($deployer->pumpable && !$when->()) { $deployer->pump_nb; sleep 0.002 }
		$has_struck = $ways{$way}->();
	}
	return ($deployer, \$err, $has_struck);
}

sub ended
{
	my ($deployer, $err, $way) = @_;
	my $is_well = eval { local $SIG{PIPE} = 'IGNORE'; $deployer->finish; 1 } && $deployer->result == 0;
	start_again() if $way eq 'postmaster';
	if ($way eq 'process')
	{
		# Until all of its processes are gone and it has begun anew.
		for (1 .. 300)
		{
			last if $$err !~ /./ || (system("psql -X -q -c 'SELECT 1' -d '" . $node->connstr('postgres') . "' >/dev/null 2>&1") == 0 && log_since($node, 0) !~ /all server processes terminated; reinitializing(?!.*database system is ready to accept connections)/s);
			sleep 0.1;
		}
	}
	if ($killer) { eval { local $SIG{PIPE} = 'IGNORE'; $killer->{run}->kill_kill }; undef $killer }
	return $is_well;
}

# Beside that, what they make of the schema, of rows that were never in danger, and of a sequence.
my $sums = q{SELECT mg_fingerprint(), (SELECT sum(v) || ' of ' || count(*) FROM crowd), (SELECT sum(price) || ' of ' || count(*) FROM rounded), nextval('shop.item_id_seq')};
my $as_before = $node->safe_psql('template', $sums);
$node->safe_psql('template', "SELECT setval('shop.item_id_seq', 500)");

# All is as it was, and the ledger is sound.
sub is_as_before
{
	my ($database) = @_;
	my ($faults) = faults_of($database, 't');
	my $now = $node->safe_psql($database, $sums);
	push @$faults, "$now, not $as_before" if $now ne $as_before;
	push @$faults, 'the ledger: ' . $_ for grep { $_ ne '' } $node->safe_psql($database, "SELECT string_agg(check_name || ' ' || object || ' ' || coalesce(actual, ''), '; ') FROM mg_verify() WHERE NOT ok");
	return @$faults;
}

# An undisturbed one is what the others are measured by.
$node->safe_psql('postgres', 'CREATE DATABASE undisturbed TEMPLATE template');
my $begun = time;
my $said = call_of($node, 'undisturbed', 'CALL mg_deploy()');
my $span = time - $begun;
unlike($said, qr/ERROR/, 'undisturbed, it is deployed');
my ($faults, $gone) = faults_of('undisturbed', 'f');
is("@$faults", '', 'and all that it has destroyed is kept');
unlike(call_of($node, 'undisturbed', "CALL mg_deploy_rollback('destroys', 'a test')"), qr/ERROR/, 'and rolled back');
is(join('; ', is_as_before('undisturbed')), '', 'all is as before');
is($node->safe_psql('undisturbed', 'SELECT count(*) FROM loose'), '500', 'unlogged rows too, as long as nothing crashes');
$node->safe_psql('postgres', 'DROP DATABASE undisturbed');

# The ways on, after a blow: forward and then back, or at once back.
my (%stopped, $databases, @wrong, %seen);

sub go_on_and_back
{
	my ($database, $what) = @_;
	my (@log, @faults);
	my $status = $node->safe_psql($database, "SELECT status FROM mg.status WHERE migration = 'destroys'");
	if ($status eq 'interrupted' && rand() < 0.5)
	{
		push @log, call_of($node, $database, "CALL mg_abort('destroys')");
	}
	else
	{
		push @log, call_of($node, $database, $status eq 'interrupted' ? "CALL mg_resume('destroys')" : 'CALL mg_deploy()') if $status ne 'applied';
		my ($after) = faults_of($database, 'f');
		@faults = @$after;
		push @log, call_of($node, $database, "CALL mg_deploy_rollback('destroys', 'a test')");
	}
	push @wrong, map { "$what ($status): $_" } (grep { /ERROR|FATAL|PANIC|leak/ } @log), @faults;
	push @wrong, map { "$what ($status): $_" } is_as_before($database);
	return;
}

sub fresh_database
{
	my $database = 'd' . ++$databases;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template");
	return $database;
}

sub look
{
	my ($database, $what) = @_;
	my ($found, $many) = faults_of($database);
	push @wrong, map { "$what: $_" } @$found;
	$seen{$many}++;
	return;
}

# At each step: somebody else stands in its way, so that it is known where the blow falls.
my %stops = (columned => 'backend', crowd => 'worker', rounded => 'cancel', loose => 'process', 'shop.note' => 'backend');
my @kinds = sort keys %ways;
for my $stop (sort keys %stops)
{
	for my $way ($stops{$stop}, 'postmaster')
	{
		my $database = fresh_database();
		my $what = "$way at $stop";
		my $other = session($node, $database);
		ask_session($other, "BEGIN; LOCK TABLE $stop IN SHARE UPDATE EXCLUSIVE MODE");
		my $watcher = session($node, $database);
		my ($deployer, $err, $has_struck) = struck($database, 'CALL mg_deploy()', $way, sub { return ask_session($watcher, 'SELECT count(*) > 0 FROM pg_locks WHERE NOT granted') eq 't' });
		if ($way !~ /postmaster|process/) { ask_session($other, 'ROLLBACK') }
		my $is_well = ended($deployer, $err, $way);
		eval { local $SIG{PIPE} = 'IGNORE'; $_->{run}->kill_kill } for $other, $watcher;
		$stopped{$way}++ unless $is_well;
		push @wrong, "$what: $$err" if $$err =~ /PANIC|XX000|internal error|TRAP/;
		look($database, $what);
		go_on_and_back($database, $what);
		$node->safe_psql('postgres', "DROP DATABASE $database");
	}
}
is(join("\n", @wrong), '', 'at each step: all of it is there or kept') or diag("MG_SEED=$seed");
@wrong = ();

# At random moments, on the way forth and on the way back.
for my $moment (1 .. $moments)
{
	my $way = $kinds[ $moment % @kinds ];
	my $is_back = $moment % 3 == 0;
	my $database = fresh_database();
	call_of($node, $database, 'CALL mg_deploy()') if $is_back;
	my $until = rand($span);
	my $start = time;
	my ($deployer, $err, $has_struck) = struck($database, $is_back ? "CALL mg_deploy_rollback('destroys', 'a test')" : 'CALL mg_deploy()', $way, sub { return time - $start > $until });
	my $is_well = ended($deployer, $err, $way);
	my $what = sprintf '%s after %.3f s on the way %s', $way, $until, $is_back ? 'back' : 'forth';
	$stopped{$way}++ unless $is_well;
	push @wrong, "$what: $$err" if $$err =~ /PANIC|XX000|internal error|TRAP/;
	look($database, $what);
	my $status = $node->safe_psql($database, "SELECT status FROM mg.status WHERE migration = 'destroys'");
	push @wrong, map { "$what: $_" } grep { /ERROR/ } call_of($node, $database, "CALL mg_resume('destroys')") if $is_back && $status eq 'interrupted';
	if ($is_back && $status ne 'applied') { push @wrong, map { "$what: $_" } is_as_before($database) }
	else { go_on_and_back($database, $what) }
	diag($wrong[-1]) if @wrong;
	$node->safe_psql('postgres', "DROP DATABASE $database");
	last if @wrong > 20;
}
is(join("\n", @wrong), '', "at $moments moments: all of it is there or kept") or diag("MG_SEED=$seed");
note(join(', ', map { "$_ stopped it " . ($stopped{$_} // 0) } @kinds) . '; gone at the time: ' . join(', ', map { "$_ parts $seen{$_} times" } sort { $a <=> $b } keys %seen));
cmp_ok($stopped{postmaster} // 0, '>=', scalar(keys %stops), 'the blows have stopped deployments indeed');

# mg_apply() and mg_rollback(), each in one transaction.
my $simple = fresh_database();
$node->safe_psql($simple, 'CREATE TABLE gate ()');
my $new = 'CREATE TABLE plain (id int PRIMARY KEY, t text, large text); ALTER TABLE plain ALTER large SET STORAGE EXTERNAL; CREATE UNLOGGED TABLE loose (id int PRIMARY KEY, t text)';
$node->safe_psql($simple, "SELECT mg_register('drops', 'DROP TABLE plain; TRUNCATE emptied; DROP TABLE loose; LOCK TABLE gate', '$new; LOCK TABLE gate')");

sub struck_at_gate
{
	my ($sql) = @_;
	my $other = session($node, $simple);
	ask_session($other, 'BEGIN; LOCK TABLE gate');
	my $watcher = session($node, $simple);
	my ($deployer, $err) = struck($simple, $sql, 'postmaster', sub { return ask_session($watcher, "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'gate'::regclass AND NOT granted") eq 't' });
	ended($deployer, $err, 'postmaster');
	eval { local $SIG{PIPE} = 'IGNORE'; $_->{run}->kill_kill } for $other, $watcher;
	return;
}

sub kept_of { return $node->safe_psql($simple, "SELECT relation FROM mg.archives WHERE source = '$_[0]' AND state <> 'restored'") }

struck_at_gate("SELECT mg_apply('drops')");
($faults, $gone) = faults_of($simple, 't');
is("@$faults", '', 'mg_apply() struck at its end: nothing is gone and nothing is kept');
# The last crash has emptied it.
$node->safe_psql($simple, "INSERT INTO loose SELECT i, 'l' FROM generate_series(1, 10) i; CHECKPOINT");
is($node->safe_psql($simple, "SELECT status FROM mg_apply('drops')"), 'applied', 'applied');
$node->kill9;
start_again();
is(content($node, $simple, $parts{$_}, 'mg_archive.' . kept_of($_)), $whole{$_}, "$_: kept rows are there after recovery, with no checkpoint in between") for 'public.plain', 'public.emptied';
is($node->safe_psql($simple, 'SELECT count(*) FROM mg_archive.' . kept_of('public.loose')), '0', 'those of an unlogged table are not, and can be read');
struck_at_gate("SELECT mg_rollback('drops', 'a test')");
is(content($node, $simple, $parts{$_}, 'mg_archive.' . kept_of($_)), $whole{$_}, "$_: mg_rollback() struck at its end has taken nothing away") for 'public.plain', 'public.emptied';
is($node->safe_psql($simple, "SELECT to_regclass('plain') IS NULL AND NOT EXISTS (SELECT FROM emptied)"), 't', 'and brought nothing back');

# Moved files are as good as any.
my $has_amcheck = $node->safe_psql($simple, "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'") eq '1';
$node->safe_psql($simple, 'CREATE EXTENSION amcheck') if $has_amcheck;

sub check_files
{
	my ($table, $what) = @_;
	my $toast = $node->safe_psql($simple, "SELECT reltoastrelid::regclass FROM pg_class WHERE oid = '$table'::regclass AND reltoastrelid <> 0");
	works($node, $simple, "VACUUM (FREEZE, ANALYZE) $table; REINDEX TABLE $table; CLUSTER $table" =~ s/; CLUSTER.*//r, "$what: VACUUM and REINDEX");
	is($node->safe_psql($simple, "SELECT count(*) FROM pg_class t JOIN pg_class r ON t.oid = r.reltoastrelid JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid WHERE r.oid = '$table'::regclass AND t.relname = 'pg_toast_' || r.oid AND x.relname = t.relname || '_index'"),
		$toast eq '' ? '0' : '1', "$what: what it has out of line is named after it");
	return unless $has_amcheck;
	is($node->safe_psql($simple, "SELECT string_agg(msg, '; ') FROM verify_heapam('$table', check_toast => true)"), '', "$what: verify_heapam()");
	works($node, $simple, "SELECT bt_index_check(i.indexrelid, true) FROM pg_index i WHERE i.indrelid IN ('$table'::regclass, (SELECT reltoastrelid FROM pg_class WHERE oid = '$table'::regclass))", "$what: bt_index_check()");
	return;
}
check_files('mg_archive.' . kept_of($_), "kept $_") for 'public.plain', 'public.emptied', 'public.loose';
check_files('public.emptied', 'the table that was emptied');
is($node->safe_psql($simple, "SELECT status FROM mg_rollback('drops', 'a test')"), 'rolled back', 'mg_rollback() after all that');
is(content($node, $simple, $parts{$_}, $_), $whole{$_}, "$_: its rows are back") for 'public.plain', 'public.emptied';
check_files($_, "restored $_") for 'public.plain', 'public.emptied', 'public.loose';
$node->kill9;
start_again();
is(content($node, $simple, $parts{$_}, $_), $whole{$_}, "$_: and after another crash") for 'public.plain', 'public.emptied';

# A standby.
my $replicated = fresh_database();
$node->safe_psql($replicated, 'CREATE TABLE gate ()');
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->safe_psql($replicated, "SELECT mg_apply('drops', 'DROP TABLE plain; TRUNCATE emptied; ALTER TABLE columned DROP COLUMN gone; DROP TABLE loose; DELETE FROM crowd WHERE id <= 1500', '$new; ALTER TABLE columned ADD COLUMN gone text')");
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
for my $source ('public.plain', 'public.emptied', 'public.columned.gone', 'public.crowd')
{
	my $relation = $standby->safe_psql($replicated, "SELECT relation FROM mg.archives WHERE source = '$source' AND state = 'kept'");
	is(content($standby, $replicated, $parts{$source}, "mg_archive.$relation"), $whole{$source}, "$source: the standby has what is kept");
}
$node->safe_psql($replicated, "VACUUM (FREEZE) mg_archive.$_") for split /\n/, $node->safe_psql($replicated, 'SELECT relation FROM mg.archives WHERE relation IS NOT NULL');
is($node->safe_psql($replicated, "SELECT status FROM mg_rollback('drops', 'a test')"), 'rolled back', 'rolled back');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
for my $source ('public.plain', 'public.emptied', 'public.columned.gone', 'public.crowd')
{
	is(content($standby, $replicated, $parts{$source}, $parts{$source}{table} // $source), $whole{$source}, "$source: the standby has what is restored");
}
$node->stop;
$standby->promote;
is(content($standby, $replicated, $parts{$_}, $_), $whole{$_}, "$_: and keeps it when it is promoted") for 'public.plain', 'public.emptied';
works($standby, $replicated, "SELECT status FROM mg_apply('drops')", 'where it goes on');
$standby->stop;
for my $server ($node, $standby)
{
	my ($out, $err) = ('', '');
	my $is_sound = IPC::Run::run([ 'pg_checksums', '--check', '-D', $server->data_dir ], '>', \$out, '2>', \$err);
	ok($is_sound, 'checksums of ' . $server->name) or diag($out, $err);
}
done_testing();
