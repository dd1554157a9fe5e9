#!/usr/bin/env perl
# Runs the cases of the files given for real, and compares what a second session sees of each with what mg_rehearse() and mg_lint_locks() say.
#
# Usage: judge.pl FILE... , with libpq's variables leading to a server that has the extension. Prints TAP.
# MG_LOCKS_ONLY=WORDS tries only cases whose title has these words. How a case is written: README.md.
use strict;
use warnings;
use File::Basename qw(basename dirname);
use IPC::Open2;
use Time::HiRes qw(time);

my $here = dirname(__FILE__);
my %keys = map { $_ => 1 } qw(do on form inside since until needs except undo see error same remake);
my $only = $ENV{MG_LOCKS_ONLY} // '';
my ($tests, $failures) = (0, 0);
my (%done, %sums);
my (@cases, @mislabelled);
my %excepted = map { /^([^\t]+)\t([^\t]+)\t./ ? ($1 => $2) : () } read_lines('excepted.tsv');
my %unforeseen = map { /^([^\t]+)\t([^\t]+)\t./ ? ($1 => $2) : () } read_lines('unforeseen.tsv');
my %without  = map { /^([^\t]+)\t/ ? ($1 => 1) : () } read_lines('without.tsv');

# What is a user's relation, for both databases.
my $users = "c.oid >= 16384 AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'mg')";
my $name  = "format('%I.%I', n.nspname, c.relname)";
my $relations = 'FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid';

# The modes of locks, weakest first, and which of them each does not go together with.
my @modes = qw(AccessShare RowShare RowExclusive ShareUpdateExclusive Share ShareRowExclusive Exclusive AccessExclusive);
my %conflicts;
@conflicts{@modes} = map { my @row = split //; +{ map { $modes[$_] => $row[$_] } 0 .. 7 } }
	qw(00000001 00000011 00001111 00011111 00110111 00111111 01111111 11111111);

# The lines of a file of this folder.
sub read_lines
{
	my ($file) = @_;
	open(my $in, '<', "$here/$file") or die "$file: $!";
	return <$in>;
}

# Runs SQL and files in a session of its own and returns what it prints; dies if it fails.
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

# Opens a session that stays. It prints rows, command tags and errors with their SQLSTATE.
sub open_session
{
	my ($database) = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	my $pid = open2(my $out, my $in, "exec psql -X -A -t -v VERBOSITY=verbose -d $database 2>&1");
	my $session = { pid => $pid, in => $in, out => $out };
	ask($session, "\\pset fieldsep '\\t'");
	return $session;
}

sub close_session
{
	my ($session) = @_;
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
	die "the session ended:\n$sql\n@lines\n";
}

# The errors in such lines: SQLSTATE and message.
sub errors
{
	return map { /^(?:ERROR|FATAL|PANIC):  (\w{5}: .*)/ ? $1 : () } @_;
}

# The rows of a query that must not fail.
sub rows
{
	my ($session, $sql) = @_;
	my @lines = ask($session, $sql);
	die "$sql\n@lines\n" if errors(@lines);
	return map { [ split /\t/, $_, -1 ] } @lines;
}

# Reads a file's cases: blocks that begin with "# title" and have lines "key: value"; indented lines continue a value.
sub read_cases
{
	my ($file) = @_;
	my (@cases, $key);
	my $group = basename($file) =~ s/\.\w+$//r;
	open(my $in, '<', $file) or die "$file: $!";
	while (my $line = <$in>)
	{
		chomp $line;
		if ($line =~ /^# (.+)/) { push @cases, { title => "$group: $1" }; $key = undef; }
		elsif ($line =~ /^(\w+):\s*(.*)/ && $keys{$1} && @cases && !exists $cases[-1]{$1})
		{
			$key = $1;
			$cases[-1]{$key} = $2;
		}
		elsif ($line =~ /^\s+(\S.*)/ && $key) { $cases[-1]{$key} .= "\n$1"; }
		elsif ($line !~ /^(##.*|\s*)$/) { die "$file:$.: not understood: $line\n"; }
	}
	for my $case (@cases)
	{
		die "$file: $case->{title}: what to do?\n" unless defined $case->{do};
		$case->{do} =~ s{\s*\\g /dev/null}{;}g;
	}
	return map { (spread($_), back($_)) } @cases;
}

# A change that can be taken back is a case with that, too.
sub back
{
	my ($case) = @_;
	return unless $case->{undo};
	return { %$case, title => "$case->{title}, and back", do => "$case->{do};\n$case->{undo}" };
}

# A case with a list of relations is one for each, who takes the place of @.
sub spread
{
	my ($case) = @_;
	return $case unless defined $case->{on};
	return map { { %$case, title => "$case->{title}: $_", do => $case->{do} =~ s/\@/$_/gr } } split ' ', $case->{on};
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

my $major     = int(run_sql('postgres', 'SHOW server_version_num') / 10000);
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
my $directory = `$pg_config --includedir-server`;
chomp $directory;

# What a pattern finds in one of the server's headers.
sub header
{
	my ($file, $pattern) = @_;
	open(my $in, '<', "$directory/$file") or die "$directory/$file: $!";
	my $text = join '', <$in>;
	return $text =~ /$pattern/g;
}

my ($enum)  = header('nodes/parsenodes.h', qr/^typedef enum AlterTableType\s*\{(.*?)^\}/ms);
my @members = $enum =~ /^\s+(AT_\w+)/mg;
my @tags    = header('tcop/cmdtaglist.h', qr/^PG_CMDTAG\(\w+, "([^"?]+)"/m);
my ($actor, $witness, $rehearser, $actor_pid);
my ($known, $filled, $first_xid);    # relations before anything is tried, those with rows, and the first transaction that tries

sub make_databases
{
	run_sql('postgres', '', '../drift/cluster.sql');
	for my $database ('drift', 'locks')
	{
		run_sql('postgres', "CREATE DATABASE $database TEMPLATE template0");
		run_sql($database, '', '../drift/base.sql', '../drift/database.sql', 'setup.sql');
	}
	leave_detaching($_) for 'drift', 'locks';
	# What is kept of what a statement destroys is read too: the truth is of the statements themselves.
	run_sql('locks', q{CREATE EXTENSION migration_governance; SELECT mg_set_policy('archive', 'off', 'the statements themselves')});
	($actor, $witness, $rehearser) = (open_session('drift'), open_session('drift'), open_session('locks'));
	$actor_pid = (rows($actor, 'SELECT pg_backend_pid()'))[0][0];
	$known     = relations($witness, 'true');
	$filled    = join ',', map { $_->[0] } rows($witness,
		"SELECT c.oid $relations WHERE $users AND c.relkind IN ('r', 'm') AND pg_table_size(c.oid) > 0");
	$first_xid = (rows($witness, 'SELECT pg_snapshot_xmax(pg_current_snapshot())'))[0][0];
}

# Breaks off a DETACH PARTITION CONCURRENTLY while it waits for a reader, so that it can be brought to its end.
sub leave_detaching
{
	my ($database) = @_;
	my ($reader, $detacher) = (open_session($database), open_session($database));
	ask($reader, 'BEGIN; SELECT count(*) FROM t.pending');
	for my $time ('200ms', '2s', '20s')
	{
		ask($detacher, "SET statement_timeout = '$time'; ALTER TABLE t.pending DETACH PARTITION t.pending_1 CONCURRENTLY");
		last if rows($reader, 'SELECT FROM pg_inherits WHERE inhdetachpending');
	}
	close_session($_) for $reader, $detacher;
}

# The users' relations by oid that a session sees, if a condition holds.
sub relations
{
	my ($session, $condition) = @_;
	my %found;
	for my $row (rows($session, "SELECT c.oid, $name, c.relkind, c.relfilenode, pg_relation_filepath(c.oid), i.indrelid $relations"
			. " WHERE $users AND $condition"))
	{
		my $oid = shift @$row;
		@{ $found{$oid} }{qw(name kind file path table)} = @$row;
	}
	return \%found;
}

# How often the acting session has scanned the tables that are not empty.
sub scans
{
	return map { $_->[0] => $_->[1] } rows($actor, "SELECT oid, n FROM (SELECT oid, pg_stat_get_xact_numscans(oid) AS n FROM pg_class"
			. " WHERE oid IN ($filled)) s WHERE n > 0");
}

# The modes in which the acting session has locked each relation that others know, weakest first, as another session sees it.
sub locks
{
	my %found;
	my @rows = rows($witness, "SELECT $name, l.mode $relations JOIN pg_locks l ON l.relation = c.oid"
			. " WHERE l.pid = $actor_pid AND l.locktype = 'relation' AND l.granted AND $users"
			. ' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())');
	for my $row (@rows) { $found{ $row->[0] }{ $row->[1] =~ s/Lock$//r } = 1; }
	return map { my $held = $found{$_}; ($_ => [ grep { $held->{$_} } @modes ]) } keys %found;
}

# Which relations have another file and which are new indexes. The other session has to find the files.
sub new_files
{
	my (@facts, @paths);
	my %was     = map { $_->{name} => 1 } values %$known;
	my $changed = relations($actor, "c.xmin::text::bigint >= $first_xid");
	for my $oid (keys %$changed)
	{
		my ($old, $new) = ($known->{$oid}, $changed->{$oid});
		my $is_index = $new->{kind} eq 'i';
		if ($old)
		{
			next if $new->{file} == $old->{file} || $new->{file} == 0;
			push @facts, ($is_index ? 'index rebuilt ' : 'rewrite ') . $old->{name};
			push @paths, $old->{path};
		}
		else
		{
			next unless $is_index && $known->{ $new->{table} };
			push @facts, ($was{ $new->{name} } ? 'index rebuilt ' : 'new index ') . $new->{name};
		}
		push @paths, $new->{path};
	}
	return @facts unless @paths;
	my $list = join ', ', map { "('$_')" } @paths;
	return @facts, map { "no file $_->[0]" } rows($witness, "SELECT p FROM (VALUES $list) f (p) WHERE pg_stat_file(p, true) IS NULL");
}

# Runs a case in a transaction that is rolled back; returns what it locked and changed, or how it failed.
sub act
{
	my ($case) = @_;
	my @facts;
	ask($actor, 'BEGIN');
	my %before = scans();
	ask($actor, 'SET LOCAL client_min_messages = log; SET LOCAL debug_pretty_print = off; SET LOCAL debug_print_parse = on')
		if $case->{form} && $major > 15;
	my @lines = ask($actor, "$case->{do}\n;\nSET LOCAL debug_print_parse = off; SET CONSTRAINTS ALL IMMEDIATE");
	note($case, @lines);
	if (my @errors = errors(@lines)) { @facts = "fails $errors[0]"; }
	else
	{
		my %locks = locks();
		my %after = scans();
		$after{$_} -= $before{$_} for keys %before;
		push @facts, map { "lock $_ $locks{$_}[-1]Lock" } keys %locks;
		push @facts, map { "scan $known->{$_}{name} $after{$_}" } grep { $after{$_} > 0 } keys %after;
		push @facts, new_files();
		ask($actor, 'ROLLBACK');
		push @facts, hinder($case, %locks);
	}
	ask($actor, 'ROLLBACK');
	return @facts;
}

# Runs a case again while another session has each table in the strongest mode that goes together with the locks seen: whatever else it
# locks, be it for a moment, makes it wait.
sub hinder
{
	my ($case, %locks) = @_;
	my %tables;
	for my $table (map { $_->{name} } grep { $_->{kind} =~ /^[rp]$/ } values %$known)
	{
		my @free = grep { my $mode = $_; !grep { $conflicts{$_}{$mode} } @{ $locks{$table} // [] } } @modes;
		push @{ $tables{ $free[-1] } }, $table if @free;
	}
	rows($witness, join ';', 'BEGIN', map { 'LOCK TABLE ONLY ' . join(', ONLY ', @{ $tables{$_} }) . ' IN '
			. uc(s/(?<=[a-z])(?=[A-Z])/ /gr) . ' MODE' } keys %tables);
	my ($error) = errors(ask($actor, "BEGIN; SET LOCAL lock_timeout = '20ms'; $case->{do}\n;\nSET CONSTRAINTS ALL IMMEDIATE"));
	ask($witness, 'ROLLBACK');
	return $error ? "more locks: $error" : ();
}

# Keeps which commands a case had, by what psql prints or by the text, and which forms, if it did not fail; from 16 on the parse trees
# tell whether it really had them.
sub note
{
	my ($case, @lines) = @_;
	$done{tag}{$_} = 1 for grep { /^[A-Z][A-Z ]+$/ } map { s/( \d+)+$//r } @lines;
	for my $statement (split /;\s*/, $case->{do}) { $statement =~ /^\Q$_\E\b/ and $done{tag}{$_} = 1 for @tags; }
	if (!errors(@lines)) { $done{form}{$_} = 1 for map { split ' ' } grep { defined } @$case{qw(form inside)}; }
	return unless $case->{form} && $major > 15;
	my $claimed = join ' ', sort split ' ', $case->{form};
	my %seen    = map { $members[$_] => 1 } join(' ', @lines) =~ /\{ALTERTABLECMD\s+:subtype\s+(\d+)/g;
	my $seen    = join ' ', sort keys %seen;
	push @mislabelled, "$case->{title}: says $claimed, is $seen" if $seen ne $claimed;
}

# What mg_rehearse() says of a case, in the same words.
sub rehearse
{
	my ($case) = @_;
	my @lines = ask($rehearser, "SELECT concat_ws(' ', aspect, CASE WHEN aspect IN ('verdict', 'error') THEN NULL ELSE object END,"
			. " CASE aspect WHEN 'lock' THEN split_part(value, ' ', 1) WHEN 'scan' THEN split_part(value, ' ', 1)"
			. " WHEN 'error' THEN split_part(value, E'\\n', 1) WHEN 'verdict' THEN value END)"
			. " FROM mg_rehearse(\$mg_case\$$case->{do}\$mg_case\$, NULL)"
			. " WHERE aspect IN ('verdict', 'error', 'lock', 'rewrite', 'index rebuilt', 'new index', 'scan', 'substitute', 'left out')");
	$case->{apart} = grep { /^(substitute|left out) / } @lines;
	return map { /^MG/ ? "raises $_" : "fails $_" } errors(@lines) if errors(@lines);
	my ($verdict) = map { /^verdict (.*)/ ? $1 : () } @lines;
	my ($error)   = map { /^error (.*)/ ? $1 : () } @lines;
	return grep { /^(lock|rewrite|index rebuilt|new index|scan) / } @lines if $verdict eq 'no down';
	return $verdict eq 'up fails' ? "fails $error" : "$verdict: $error";
}

# Gives what went against a case: what only one of the two says. An error that mg_rehearse() tells goes on with detail and hint.
sub differences
{
	my ($case) = @_;
	my @real = act($case);
	my @said = rehearse($case);
	$case->{real} = \@real;
	if ($real[0] && $real[0] =~ /^fails /)
	{
		$sums{failed}++;
		my $cannot = $real[0] =~ /^fails 25001/ && ($case->{apart} || "@said" =~ /^cannot be rehearsed: /);
		$sums{'of these not for a transaction'}++ if $cannot;
		$case->{title} .= ' (fails in both: ' . substr($real[0], 6, 5) . ')';
		return if $cannot || (@said == 1 && index($said[0], $real[0]) == 0);
	}
	elsif (@said == 1 && $said[0] =~ /^(raises|cannot)/) { return "    refused $said[0]"; }
	else { $sums{ /^(lock|rewrite|index rebuilt|new index|scan)/ ? $1 : 'other' }++ for @real; }
	my %count;
	$count{$_}++ for @said;
	$count{$_}-- for @real;
	return map { ($count{$_} < 0 ? '    really ' : '    said   ') . $_ } grep { $count{$_} } sort keys %count;
}

# Gives where the linter's word on the tables that were there differs from the locks that were really taken.
sub unforeseen
{
	my ($case, @real) = @_;
	my %is_table = map { $_->{name} => 1 } grep { $_->{kind} =~ /^[rpmf]$/ } values %$known;
	my %really   = map { /^lock (.*) (\w+)Lock$/ && $is_table{$1} ? ($1 => $2) : () } @real;
	my %said;
	my @lines = ask($rehearser, "SELECT object, lock_mode FROM mg_lint_locks(\$mg_case\$$case->{do}\$mg_case\$)");
	my @errors = errors(@lines);
	return "    raises $errors[0]" if @errors;
	for my $line (@lines)
	{
		my ($table, $mode) = $line =~ /^(.*)\t(\w+)Lock$/ or next;
		$said{$table}{$mode} = 1 if $is_table{$table};
	}
	my @against;
	for my $table (sort keys %{ { %really, %said } })
	{
		my ($strongest) = grep { $said{$table}{$_} } reverse @modes;
		my ($said, $took) = ($strongest // 'nothing', $really{$table} // 'nothing');
		push @against, "    $table: takes $took, the linter says $said" if $said ne $took;
	}
	$sums{'tables foreseen'} += keys %really;
	return @against;
}

# Judges the linter's word. A case in which only run time can tell may differ in just those tables, and has to.
sub judge_linter
{
	my ($name, $case) = @_;
	my $title   = $name =~ s/, and back$//r;
	my $words   = $unforeseen{$title};
	my @against = unforeseen($case, @{ $case->{real} });
	$done{unforeseen}{$title} += 0 if defined $words;
	return report("$name: as the linter tells", @against)
		unless @against && defined $words && !grep { my $line = $_; !grep { index($line, "$_:") >= 0 } split / /, $words } @against;
	$done{unforeseen}{$title}++;
	$sums{unforeseen}++;
	report("$name: as the linter tells (excepted: $words)");
}

# Tries one case. One that is excepted may differ in just that.
sub try_case
{
	my ($case) = @_;
	my $title   = $case->{title} =~ s/, and back$//r;
	my $words   = $excepted{$title};
	my @against = differences($case);
	$done{exception}{$title} += 0 if defined $words;
	return @against unless @against && defined $words && !grep { index($_, $words) < 0 } @against;
	$case->{title} .= " (excepted: $words)";
	$done{exception}{$title}++;
	$sums{excepted}++;
	return;
}

# What the cases leave out, and what they claim to do and do not.
sub check_completeness
{
	my %titles;
	$titles{ $_->{title} }++ for @cases;
	report('at least 2500 cases', $sums{cases} < 2500 ? $sums{cases} : ());
	report('every case has a name of its own', grep { $titles{$_} > 1 } sort keys %titles);
	report('every form of ALTER TABLE has a case that does not fail', grep { !$done{form}{$_} } @members);
	report('every form is what its case says', @mislabelled);
	report('every command has a case', grep { !$done{tag}{$_} && !$without{$_} } @tags);
	report('every exception is needed', grep { !$done{exception}{$_} } sort keys %{ $done{exception} });
	report('every exception is of a case', grep { my $title = $_; !grep { $_->{title} =~ /^\Q$title\E( \(|$)/ } @cases } sort keys %excepted);
	report('everything unforeseen is so', grep { !$done{unforeseen}{$_} } sort keys %{ $done{unforeseen} });
	report('everything unforeseen is of a case', grep { my $title = $_; !grep { $_->{title} =~ /^\Q$title\E( \(|$)/ } @cases } sort keys %unforeseen);
	report('every command without a case has none', grep { $done{tag}{$_} } sort keys %without);
}

$| = 1;
@cases = map { read_cases($_) } @ARGV;
make_databases();
my $began = time;
for my $case (@cases)
{
	next if $only ne '' && index($case->{title}, $only) < 0;
	if ($major < ($case->{since} // 0) || $major > ($case->{until} // 999)) { $sums{'of other majors'}++; next; }
	if ($case->{needs} && !run_sql('drift', "SELECT 1 FROM pg_available_extensions WHERE name = '$case->{needs}'"))
	{
		$tests++;
		print "ok $tests - $case->{title} # SKIP the server has no $case->{needs}\n";
		next;
	}
	$sums{cases}++;
	my $title   = $case->{title};
	my @against = try_case($case);
	report($case->{title}, @against);
	judge_linter($title, $case) unless grep { /^fails / } @{ $case->{real} };
}
close_session($_) for $actor, $witness, $rehearser;
printf "# in %d s: %s\n", time - $began, join ', ', map { "$_ $sums{$_}" } sort keys %sums;
check_completeness() if $only eq '';
print "1..$tests\n";
exit($failures > 0);
