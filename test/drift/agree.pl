#!/usr/bin/env perl
# Tries the changes of the files given, one by one, and compares what pg_dump says of each with what mg_drift_report() says.
#
# Usage: agree.pl FILE... , with libpq's variables leading to a server that has the extension. Prints TAP.
# MG_DRIFT_ONLY=WORDS tries only changes whose title has these words. How a change is written: changes/README.md.
use strict;
use warnings;
use File::Basename qw(dirname);
use IPC::Open2;
use Time::HiRes qw(time);

my $here     = dirname(__FILE__);
my $database = 'drift';
my $template = 'drift_template';
my %keys     = map { $_ => 1 } qw(do undo see error except same remake since until needs);
my $major    = int(run_sql('postgres', 'SHOW server_version_num') / 10000);
my $only     = $ENV{MG_DRIFT_ONLY} // '';
my ($tests, $failures, $tried, $others, $seconds, $remakes) = (0, 0, 0, 0, 0, 0);
my ($hand, $watcher, $start);

# Runs SQL or files in a session of its own and returns what it prints; dies if it fails.
sub run_sql
{
	my ($in, $sql, @files) = @_;
	my @command = ('psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', $in);
	push @command, '-c', $sql if $sql ne '';
	push @command, '-f', "$here/$_" for @files;
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	open(my $out, '-|', @command) or die "psql: $!";
	my $text = join '', <$out>;
	close $out or die "failed in $in: $sql @files\n";
	chomp $text;
	return $text;
}

# Opens a session that stays.
sub open_session
{
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	my $pid = open2(my $out, my $in, "exec psql -X -q -A -t -v VERBOSITY=terse -d $database 2>&1");
	return { pid => $pid, in => $in, out => $out };
}

sub close_session
{
	my ($session) = @_;
	return unless $session;
	close $session->{in};
	close $session->{out};
	waitpid $session->{pid}, 0;
}

# Sends SQL to a session and returns the lines that came back.
sub ask
{
	my ($session, $sql) = @_;
	my @lines;
	local $SIG{PIPE} = 'IGNORE';
	print { $session->{in} } "$sql\n;\n\\echo end of answer\n";
	$session->{in}->flush;
	while (defined(my $line = readline $session->{out}))
	{
		chomp $line;
		return @lines if $line eq 'end of answer';
		push @lines, $line;
	}
	return (@lines, 'ERROR:  the session ended');
}

# Starts pg_dump, so that it works while something else is asked.
sub start_dump
{
	open(my $dump, '-|', 'pg_dump', '-s', '-C', '-d', $database) or die "pg_dump: $!";
	return $dump;
}

# Reads what a dump says, without comments, the random words of newer versions and orders that say nothing: of privileges
# and of storage options.
sub read_dump
{
	my ($dump) = @_;
	my (@lines, @grants);
	while (my $line = readline $dump)
	{
		next if $line =~ /^--|^\\(un)?restrict |^\s*$/;
		$line =~ s/(WITH|SET) \(([^()]*)\)/"$1 (" . join(', ', sort split(', ', $2)) . ')'/e;
		if ($line =~ /^GRANT /) { push @grants, $line; next; }
		push @lines, sort(@grants), $line;
		@grants = ();
	}
	push @lines, sort @grants;
	close $dump or return "pg_dump failed\n";
	return join '', @lines;
}

# Asks for the drift, in the way the files write it, and for secrets of base.sql and of changes, which are all called hidden.
sub read_report
{
	return sort(ask($watcher, q{
		WITH r AS MATERIALIZED (SELECT * FROM mg_drift_report())
		SELECT CASE kind WHEN 'missing' THEN '- ' WHEN 'unexpected' THEN '+ ' ELSE '' END
			|| concat_ws(' | ', object_type, identity, nullif(property, ''))
		FROM r UNION ALL SELECT 'a secret is told: ' || r::text FROM r WHERE r::text LIKE '%hidden%'}));
}

# Gives the dump and the report of now.
sub look
{
	my $dump   = start_dump();
	my @report = read_report();
	return (read_dump($dump), @report);
}

# Makes the database anew from its template and takes what it is as expected.
sub make_database
{
	close_session($_) for $hand, $watcher;
	if (run_sql('postgres', "SELECT 1 FROM pg_database WHERE datname = '$database'"))
	{
		run_sql($database, "DROP SUBSCRIPTION $_")
			for split /\n/, run_sql($database, 'SELECT quote_ident(subname) FROM pg_subscription WHERE subdbid = '
				. "(SELECT oid FROM pg_database WHERE datname = '$database')");
	}
	run_sql('postgres', '', 'remake.sql');
	run_sql($database, '', 'database.sql');
	($hand, $watcher) = (open_session(), open_session());
	ask($watcher, 'SET search_path = public, mg');
	ask($watcher, q{SELECT mg_set_policy('drift_scope', 'cluster', 'roles are tried too')});
	my @said = grep { /^ERROR/ } ask($watcher, q{SELECT mg_accept_drift('the start')});
	die "@said\n" if @said;
	$remakes++;
	($start, my @report) = look();
	die "the snapshot tells a secret\n" if ask($watcher, q{SELECT 1 FROM mg_snapshot() s WHERE s::text LIKE '%hidden%'});
	die "the start differs from itself:\n@report\n" if @report;
}

# Reads a file's changes: blocks that begin with "# title" and have lines "key: value"; indented lines continue a value.
sub read_changes
{
	my ($file) = @_;
	my (@changes, $key);
	open(my $in, '<', $file) or die "$file: $!";
	while (my $line = <$in>)
	{
		chomp $line;
		if ($line =~ /^# (.+)/) { push @changes, { title => $1, file => $file, line => $. }; $key = undef; }
		elsif ($line =~ /^(\w+):\s*(.*)/ && $keys{$1} && @changes && !exists $changes[-1]{$1})
		{
			$key = $1;
			$changes[-1]{$key} = $2;
		}
		elsif ($line =~ /^\s+(\S.*)/ && $key) { $changes[-1]{$key} .= "\n$1"; }
		elsif ($line !~ /^(##.*|\s*)$/) { die "$file:$.: not understood: $line\n"; }
	}
	for my $change (@changes)
	{
		my $place = "$file:$change->{line}";
		die "$place: what to do?\n" unless defined $change->{do};
		die "$place: either undo or remake\n" unless defined $change->{undo} xor defined $change->{remake};
		die "$place: see nothing and no reason\n" unless length($change->{see} // '') || $change->{except} || $change->{same};
		$change->{see} = join "\n", sort grep { length } split /\n/, $change->{see} // '';
	}
	return @changes;
}

# Prints one TAP line and, below it, what went against it.
sub report
{
	my ($title, @against) = @_;
	$tests++;
	$failures++ if @against;
	print @against ? 'not ' : '', "ok $tests - $title\n";
	for my $text (@against) { print "# $_\n" for split /\n/, $text; }
}

# Gives the lines that are in one of two texts only, with - and +.
sub difference
{
	my ($before, $after) = @_;
	my (%count, @lines);
	$count{$_}++ for split /\n/, $after;
	$count{$_}-- for split /\n/, $before;
	@lines = map { ($count{$_} < 0 ? '    - ' : '    + ') . $_ } grep { $count{$_} } sort keys %count;
	return join "\n", @lines ? @lines : '    the same lines in another order';
}

# Tries one change and gives back what went against it; a database that is not as it was is made again.
sub try_change
{
	my ($change) = @_;
	my @against;
	my $shown = length $change->{see};

	my @errors = grep { /^(ERROR|FATAL|PANIC|psql)/ } ask($hand, $change->{do});
	if (defined $change->{error} ? @errors != 1 || index($errors[0], $change->{error}) < 0 : @errors)
	{
		push @against, 'do: ' . (@errors ? "@errors" : 'no error');
	}
	my ($dump, @report) = look();
	my $see = join "\n", @report;
	push @against, "the report should say\n" . difference($see, $change->{see}) if $see ne $change->{see};
	if ($dump eq $start && $shown && !$change->{except}) { push @against, 'pg_dump says nothing of it'; }
	if ($dump ne $start && $shown && $change->{except})
	{
		push @against, "an exception, but pg_dump says\n" . difference($start, $dump);
	}
	push @against, "not the same: pg_dump says\n" . difference($start, $dump) if $change->{same} && $dump ne $start;
	if ($dump eq $start && !$shown && !$change->{same}) { push @against, 'an exception, but pg_dump says nothing either'; }
	if (defined $change->{undo})
	{
		my @left = grep { /^(ERROR|FATAL|PANIC|psql)/ } ask($hand, $change->{undo});
		push @against, "undo: @left" if @left;
		($dump, @report) = look();
		push @against, "left in the report\n" . join "\n", map { "    $_" } @report if @report;
		push @against, "left in the dump\n" . difference($start, $dump) if $dump ne $start;
		if (!@report && $dump eq $start)
		{
			# What was made again is another object under the same name, whose renaming nobody could tell.
			ask($watcher, q{SELECT mg_accept_drift('made again')}) if $change->{undo} =~ /CREATE /;
			return @against;
		}
	}
	make_database();
	return @against;
}

$| = 1;
my @changes = map { read_changes($_) } @ARGV;
run_sql('postgres', '', 'cluster.sql');
run_sql('postgres', "CREATE DATABASE $template TEMPLATE template0");
run_sql($template, 'CREATE EXTENSION migration_governance', 'base.sql');
make_database();
my $began = time;
for my $change (@changes)
{
	my $title = (split m{/}, $change->{file})[-1] =~ s/\.\w+$//r . ': ' . $change->{title};
	next if $only ne '' && index($title, $only) < 0;
	if ($major < ($change->{since} // 0) || $major > ($change->{until} // 999)) { $others++; next; }
	if ($change->{needs} && !run_sql($database, "SELECT 1 FROM pg_available_extensions WHERE name = '$change->{needs}'"))
	{
		$tests++;
		print "ok $tests - $title # SKIP the server has no $change->{needs}\n";
		next;
	}
	$tried++;
	report($title, try_change($change));
}
close_session($_) for $hand, $watcher;
printf "# %d changes in %d s, the database made %d times; %d changes are of other majors\n", $tried, time - $began, $remakes, $others;
report('at least 400 changes', $tried < 400 ? $tried : ()) if $only eq '';
print "1..$tests\n";
exit($failures > 0);
