#!/usr/bin/env perl
# Nothing is left of a rehearsal but its receipt, whichever way it ends: test/rehearse/left.pl FOLDER, TAP without numbers on stdout.
#
# through      to its end, within a transaction block
# cancelled    by pg_cancel_backend() at the end of up, of down, and at any moment
# terminated   by pg_terminate_backend(), likewise
# full volume  no room left where the data directory is: at the end of up, of down, and from the start
# killed       by signal 9, at the end of up and of down: rows and ledger are as before, and the files that stay are as many and as large as
#              those of the same statements in a plain transaction that is killed in the same place
#
# After each way everything of lib/Remains.pm is as before, and after all of them what pg_dump writes.
#
# FOLDER has the hard cases as run.sh cuts them: NUMBER.name, NUMBER.up, NUMBER.down. MG_JUDGE_SERIES, MG_JUDGE_STEP and MG_REAL_DIR are those of
# run.sh. MG_LEFT_ONLY=WORDS tries only cases whose name has these words. Starts a throw-away server (test/tools/server.sh) on a small volume; WAL
# is elsewhere, because without room for WAL the server stops, and that is not what this is about.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use Remains;
use Session;
use Time::HiRes qw(sleep time);

my ($cases) = @ARGV or die "usage: left.pl FOLDER\n";
my $server  = "$FindBin::Bin/../tools/server.sh";
my $real    = $ENV{MG_REAL_DIR} // "$FindBin::Bin/../../build/real";
my @series  = split ' ', $ENV{MG_JUDGE_SERIES} // '';
my $step    = $ENV{MG_JUDGE_STEP} // 1;
my $only    = $ENV{MG_LEFT_ONLY} // '';
my $every   = @series ? 1 : 15;    # every how manyth hard case is killed too; of a series it is every 20th
my @ways    = ('through', 'cancelled', 'terminated', 'full volume', 'killed');
my ($data, $volume) = ('', 256 * 1024 * 1024);
my (%ran, %problems, %verdicts, %seconds);
my ($database, $plain) = ('left_mg', 'left_plain');
my ($folder, $plain_folder, $observer, $worker, $before, $dump);

# Cases where the plain transaction is none, with the reason.
open(my $excepted, '<', "$FindBin::Bin/excepted.tsv") or die "excepted.tsv: $!";
my %excepted = map { /^([^\t]+)\t(.*)/ } <$excepted>;
close $excepted;

my %last = (
	cancelled     => 'SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(10)',
	terminated    => 'SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(10)',
	'full volume' => q{CREATE TABLE public.mg_ballast AS SELECT repeat('x', 1000) FROM generate_series(1, 8000)},
	killed        => 'SELECT pg_sleep(600)');

my %when = (
	up           => 'at the end of up',
	down         => 'at the end of down',
	start        => 'without any room',
	'any moment' => 'at any moment',
	all          => 'at its end');

sub slurp
{
	my ($file) = @_;
	open(my $handle, '<', $file) or die "$file: $!";
	local $/ = undef;
	my $text = <$handle>;
	close $handle;
	return $text;
}

sub run_command
{
	my (@command) = @_;
	system(@command) == 0 or die "@command fails\n";
	return;
}

# Runs SQL or files in a session of its own and goes on after errors.
sub psql
{
	my (@arguments) = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	my @command = ('psql', '-X', '-q', '-o', '/dev/null', @arguments);
	my $pid     = fork // die "fork: $!";
	if (!$pid)
	{
		open(STDIN,  '<', '/dev/null');
		open(STDERR, '>', '/dev/null');
		exec @command or die "psql: $!";
	}
	waitpid $pid, 0;
	return $? == 0;
}

# Gives all room that the volume has, or leaves so many bytes of it.
sub leave_room
{
	my ($bytes) = @_;
	my $size = $volume;

	if (defined $bytes)
	{
		my (undef, $used) = split ' ', qx(df --output=used -B1 $data);
		$size = $used + $bytes;
	}
	run_command('mount', '-o', "remount,size=$size", $data);
	return;
}

# Why there is no small volume; nothing if there is one.
sub no_volume
{
	return 'only root can mount a volume' if $> != 0;
	my $place = "$cases/volume";
	mkdir $place;
	return "a volume cannot be mounted: $1" if qx(mount -t tmpfs -o size=64k tmpfs $place 2>&1) =~ /(.+)/;
	run_command('umount', $place);
	return '';
}

# What up and down are when something happens at the end of one of them.
sub scripts_with
{
	my ($case, $way, $point) = @_;
	my %scripts = (up => $case->{up}, down => $case->{down});

	$scripts{$point} .= "\n;\n$last{$way};\n" if exists $scripts{$point};
	return @scripts{qw(up down)};
}

sub rehearsal
{
	my ($up, $down) = @_;
	return "SELECT value FROM mg_rehearse(\$mg_left\$$up\$mg_left\$, \$mg_left\$$down\$mg_left\$) WHERE aspect = 'verdict'";
}

sub note_problem
{
	my ($case, $way, @texts) = @_;
	push @{ $problems{$way} }, map { "$case->{name}: $_" } @texts;
	return;
}

# Sessions for what comes next; those of a server that was killed are gone.
sub open_sessions
{
	$observer = Session->new($database);
	prepare_state($observer);
	$worker = Session->new($database);
	$worker->{own} = session_state($worker);
	return;
}

# Notes what is left of a rehearsal.
sub look
{
	my ($case, $way, $point) = @_;
	my $after = state_of($observer, $folder);
	my @left  = difference($before, $after);

	push @left, difference($worker->{own}, session_state($worker)) if $worker->is_open;
	note_problem($case, $way, map { "$when{$point}: $_" } @left);
	# What is left is told once.
	if (@left)
	{
		remove_strays($folder, strays($observer, $folder));
		$before = state_of($observer, $folder);
		$worker->{own} = session_state($worker) if $worker->is_open;
	}
	$ran{$way}++;
	return;
}

# Tells whether a rehearsal gets to the end of up, or of down.
sub gets_to
{
	my ($verdict, $point) = @_;
	return $verdict !~ ($point eq 'up' ? qr/^(up fails|cannot be rehearsed)$/ : qr/^(up fails|down fails|cannot be rehearsed)$/);
}

# Compares how a rehearsal ended with how it has to end.
sub judge_end
{
	my ($case, $way, $point, $text, $state) = @_;
	my %wanted = (cancelled => '57014', terminated => 'lost', 'full volume' => '53100');

	$text =~ s/\n.*//s;
	if ($point eq 'any moment')
	{
		note_problem($case, $way, "$when{$point}: $state $text") if $state ne $wanted{$way} && $state ne '00000';
	}
	elsif ($point eq 'start')
	{
		note_problem($case, $way, "$when{$point}: $state $text") if $state ne '53100' && $state ne '00000';
	}
	elsif (gets_to($case->{verdict}, $point))
	{
		note_problem($case, $way, "$when{$point}: $state $text") if $state ne $wanted{$way};
		note_problem($case, $way, "$when{$point}: $text") if $state eq 'lost' && $text !~ /57P01/;
	}
	else
	{
		note_problem($case, $way, "it fails in another way: $state $text") if $state ne '00000' || $text ne $case->{verdict};
	}
	return;
}

sub try_through
{
	my ($case) = @_;

	$worker->value('BEGIN');
	my $begin = time;
	my ($text, $state) = $worker->run(rehearsal($case->{up}, $case->{down}));
	$case->{took} = time - $begin;
	note_problem($case, 'through', "$state $text") if $state ne '00000';
	$case->{verdict} = $text;
	$verdicts{$text}++;
	# A sequence that was used or altered, and be it one that is gone with the rest, the server itself locks until the transaction ends.
	my $locks = $observer->value(<<"SQL");
SELECT string_agg(concat_ws(' ', locktype, relation::regclass, objid, mode), ', ') FROM pg_locks WHERE pid = $worker->{backend}
AND locktype NOT IN ('virtualxid', 'transactionid') AND NOT (relation < 16384 AND mode = 'AccessShareLock')
AND NOT (mode = 'RowExclusiveLock' AND coalesce((SELECT relkind = 'S' FROM pg_class WHERE oid = relation), true))
AND NOT EXISTS (SELECT FROM pg_class t LEFT JOIN pg_index i ON i.indrelid = t.reltoastrelid
	WHERE t.relnamespace = 'mg'::regnamespace AND relation IN (t.oid, t.reltoastrelid, i.indexrelid))
SQL
	note_problem($case, 'through', "it is over, and still holds $locks") if $locks ne '';
	$worker->value('COMMIT');
	look($case, 'through', 'all');
	return;
}

# Rehearses a case that ends at a point, or gets a signal at any moment.
sub run_until
{
	my ($case, $way, $point, $signal) = @_;

	$worker->begin(rehearsal(scripts_with($case, $way, $point)));
	if ($point eq 'any moment')
	{
		sleep rand $case->{took};
		kill $signal, $worker->{backend};
	}
	return $worker->finish;
}

sub try_cancelled
{
	my ($case, $point) = @_;

	judge_end($case, 'cancelled', $point, run_until($case, 'cancelled', $point, 'INT'));
	# A cancel that comes too late must not be the end of what comes next.
	$worker->run('SELECT');
	look($case, 'cancelled', $point);
	return;
}

sub try_full
{
	my ($case, $point) = @_;

	leave_room($point eq 'start' ? 0 : 4 * 1024 * 1024);
	my @end = $worker->run(rehearsal(scripts_with($case, 'full volume', $point)));
	leave_room();
	judge_end($case, 'full volume', $point, @end);
	look($case, 'full volume', $point);
	return;
}

sub try_terminated
{
	my ($case, $point) = @_;
	my $backend = $worker->{backend};

	# So often a rehearsal looks for whom it waits that it does so, too, while the session ends.
	$worker->value("SET lock_timeout = '3ms'");
	judge_end($case, 'terminated', $point, run_until($case, 'terminated', $point, 'TERM'));
	if ($worker->is_open && $point ne 'any moment')
	{
		$worker->value('RESET lock_timeout');
	}
	else
	{
		my $end = time + 20;
		sleep 0.002 while time < $end && $observer->value("SELECT count(*) FROM pg_stat_activity WHERE pid = $backend");
		$worker->close;
	}
	look($case, 'terminated', $point);
	if (!$worker->is_open)
	{
		$worker = Session->new($database);
		$worker->{own} = session_state($worker);
	}
	return;
}

# Runs a rehearsal and the same statements plainly up to one point and kills both there.
sub try_killed
{
	my ($case, $point) = @_;
	my ($up, $down) = scripts_with($case, 'killed', $point);

	return if !gets_to($case->{verdict}, $point);
	my $by_hand = Session->new($plain);
	open(my $file, '>', "$cases/plain.sql") or die "plain.sql: $!";
	print {$file} "BEGIN;\n", $up, "\n;\n", $down, "\n;\n";
	close $file;
	$worker->begin(rehearsal($up, $down));
	$by_hand->begin("\\o /dev/null\n\\i $cases/plain.sql\n\\o");
	my $waiting = "SELECT count(*) FROM pg_stat_activity WHERE pid IN ($worker->{backend}, $by_hand->{backend}) AND wait_event = 'PgSleep'";
	my $end     = time + 60;
	while ($observer->value($waiting) != 2)
	{
		die "$case->{name} does not get to its wait at the end of $point\n" if time > $end || $worker->has_spoken || $by_hand->has_spoken;
		sleep 0.005;
	}
	kill 'KILL', $worker->{backend}, $by_hand->{backend};
	(undef, my $state) = $observer->run('SELECT pg_sleep(60)');
	die "the server goes on without a backend that was killed\n" if $state ne 'lost';
	$_->close for $worker, $by_hand, $observer;
	for (my $tries = 0; !psql('-d', $database, '-c', ''); $tries++)
	{
		die "the server does not come back\n" if $tries > 600;
		sleep 0.05;
	}

	open_sessions();
	$by_hand = Session->new($plain);
	my @strays       = strays($observer, $folder);
	my @plain_strays = strays($by_hand,  $plain_folder);
	my ($size, $plain_size) = (sizes_of($folder, @strays), sizes_of($plain_folder, @plain_strays));
	note_problem($case, 'killed', "files at the end of $point: $size, plainly $plain_size") if $size ne $plain_size;
	remove_strays($folder, @strays);
	remove_strays($plain_folder, @plain_strays);
	$by_hand->close;
	look($case, 'killed', $point);
	return;
}

# Tries a case in all ways.
sub try_case
{
	my ($case, $is_killed) = @_;
	my %tries = ('full volume' => \&try_full, cancelled => \&try_cancelled, terminated => \&try_terminated, killed => \&try_killed);
	my $timed = sub {
		my ($way, @points) = @_;
		my $begin = time;
		$tries{$way}->($case, $_) for @points;
		$seconds{$way} += time - $begin;
	};

	my $begin = time;
	$before //= state_of($observer, $folder);
	$dump //= dump_of($database);
	try_through($case);
	$seconds{through} += time - $begin;
	$timed->('cancelled', 'up', 'down', 'any moment');
	$timed->('full volume', 'up', 'down', 'start') if $data ne '';
	$timed->('terminated', 'up', 'down', 'any moment');
	$timed->('killed', 'up', 'down') if $is_killed && !$excepted{ $case->{name} };

	$begin = time;
	my $after = dump_of($database);
	note_problem($case, 'through', 'pg_dump writes something else') if $after ne $dump;
	$dump = $after;
	$seconds{pg_dump} += time - $begin;
	return;
}

# Makes both databases, with what FILE has in them.
sub begin_source
{
	my ($file) = @_;

	for my $name ($database, $plain)
	{
		psql('-d', 'postgres', '-c', "CREATE DATABASE $name TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
		  or die "no database $name\n";
		psql('-v', 'ON_ERROR_STOP=1', '-d', $name, '-f', $file) or die "$file fails\n" if -e $file;
	}
	psql('-d', $database, '-c', 'CREATE EXTENSION migration_governance', '-c', q{SELECT mg_set_policy('rehearsal_outside', 'allow', 'scripts end their own session')}) or die "no extension\n";
	($folder, $plain_folder) = map { my $one = Session->new($_); my $path = $one->value(
			"SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database WHERE datname = current_database()"); $one->close; $path }
	  ($database, $plain);
	(%ran, %problems, %verdicts, %seconds) = ();
	return;
}

# Prints what came of a series, and forgets it.
sub end_source
{
	my ($source, $reason) = @_;

	$_->close for $worker, $observer;
	undef $before;
	undef $dump;
	print "# $source: ", join(', ', map { "$verdicts{$_} $_" } sort keys %verdicts), "\n";
	print "# $source: ", join(', ', map { sprintf '%s %.0f s', $_, $seconds{$_} } sort keys %seconds), "\n";
	for my $way (@ways)
	{
		my @found = @{ $problems{$way} // [] };
		my $what  = "$source: " . ($ran{$way} // 0) . " rehearsals, $way: nothing is left";
		if ($way eq 'full volume' && $data eq '') { print "ok - $source: $way # SKIP $reason\n"; }
		elsif (!$ran{$way})                       { print "ok - $source: $way # SKIP no case was chosen\n"; }
		elsif (@found)
		{
			print "not ok - $what\n", map { "# $_\n" } map { split /\n/ } @found[ 0 .. ($#found < 40 ? $#found : 40) ];
		}
		else { print "ok - $what\n"; }
	}
	psql('-d', 'postgres', '-c', "DROP DATABASE $_ WITH (FORCE)") for $database, $plain;
	return;
}

# Row versions that rehearsals have left dead would slow down what comes next.
sub tidy
{
	psql('-d', $database, '-c', 'VACUUM');
	undef $before;
	return;
}

$| = 1;
$ENV{MG_REAL_DIR} = $real;
$SIG{TERM} = $SIG{INT} = sub { die "ended from outside\n" };
my $reason = no_volume();
{
	local $ENV{MG_VOLUME} = $volume if $reason eq '';
	run_command("$server start left \"shared_preload_libraries = 'migration_governance'\" 'autovacuum = off' 'restart_after_crash = on' " .
		"'checkpoint_timeout = 1h' 'shared_buffers = 32MB' >&2");
}
END { my $status = $?; system("$server stop left > /dev/null 2>&1"); $? = $status; }
for (split /\n/, qx($server env left))
{
	$ENV{$1} = $2 =~ s/\\(.)/$1/gr if /^export (\w+)=(.*)/;
}
my $log       = "$ENV{MG_HOME}/log/left.log";
my $log_begin = -s $log;
if ($reason eq '')
{
	my $hand = Session->new('postgres');
	$data = $hand->value('SHOW data_directory');
	$hand->close;
}

for my $source (@series)
{
	open(my $manifest, '<', "$real/$source/manifest.tsv") or do { print "ok - $source # SKIP cannot be fetched\n"; next };
	begin_source("$real/$source/prelude.sql");
	my ($number, $tried) = (0, 0);
	while (my $line = <$manifest>)
	{
		chomp $line;
		my (undef, $name, $up, $down) = split /\t/, $line;
		if (($down // '') ne '' && ++$number % $step == 0 && index("$source/$name", $only) >= 0)
		{
			open_sessions();
			try_case({ name => "$source/$name", up => slurp("$real/$source/$up"), down => slurp("$real/$source/$down") }, ++$tried % 20 == 0);
			$_->close for $worker, $observer;
		}
		psql('-1', '-v', 'ON_ERROR_STOP=1', '-d', $_, '-f', "$real/$source/$up") for $database, $plain;
		tidy() if $tried % 10 == 0;
		undef $before;
		undef $dump;
	}
	close $manifest;
	open_sessions();
	end_source($source, $reason);
}

begin_source("$FindBin::Bin/setup.sql");
open_sessions();
my $tried = 0;
for my $file (sort glob("$cases/*.name"))
{
	my $base = $file =~ s/\.name$//r;
	my $name = slurp($file) =~ s/\n//r;
	next if index($name, $only) < 0;
	try_case({ name => $name, up => slurp("$base.up"), down => slurp("$base.down") }, ++$tried % $every == 0);
	tidy() if $tried % 20 == 0;
}
end_source('cases', $reason);

# Only what was killed on purpose has come to such an end.
my @crashes = grep { /PANIC: |TRAP: |terminated by signal (?!9\b)/ } split /^/, substr(slurp($log), $log_begin);
print @crashes ? 'not ok' : 'ok', " - the server went on through all of it\n", map { "# $_" } @crashes;
