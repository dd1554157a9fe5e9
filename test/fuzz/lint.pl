#!/usr/bin/env perl
# Fuzzes mg_lint() with scripts in a server: lint.pl [SECONDS [SEED]], 10 seconds by default. Prints one TAP line.
#
# The environment leads to a running server with the extension (test/tools/server.sh env); its superuser is PGUSER. A longer run is
# `test/fuzz/run.sh 3 600`, which starts one. A seed gives the same scripts again; without one the time of day is it, and is told.
#
# Scripts are mutated statements: those of lint_corpus (paragraphs), of ../locks/cases and of ../drift/changes. They are linted among what
# the tests of locks make, that is relations of every kind, in UTF8 and in LATIN1 (which takes every byte), as superuser and as somebody without rights, with
# every rule on and no table too small. That the parser refuses a script is fine. It is a failure
#
#   - if the backend dies, or takes more than ten seconds, or raises an internal error, or warns of a leak;
#   - if what the parser takes cannot be linted, unless a name has too many parts, an option is no boolean or something is nested too deeply;
#   - if a finding has no message, stands outside of the script, or has a step that cannot be parsed;
#   - if a user's relation is locked afterwards, or the catalogs are not as they were;
#   - if the backend grows when it is given the same scripts again.
#
# A script that fails is made as short as it can be and kept in build/fuzz/failures. MG_FUZZ_SCRIPT=FILE lints this one only.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(time sleep);

my ($seconds, $seed) = (shift // 10, shift // time);
$seed = int($seed);
srand $seed;
my $here = dirname(__FILE__);
my $kept = "$here/../../build/fuzz/failures";
my $user = $ENV{PGUSER} // 'postgres';
my ($slow, $most_failures) = (10, 20);
my ($session, %failures, %file, %refused, $linted, $findings);
my (@names, @words);    # names of the catalogs, and what else may stand in a script

# What is linted, and in which places it is: the steps of a finding come one a row.
my %statements = (
	begin  => 'BEGIN',
	lint   => 'SELECT rule, line, col, message, step FROM mg_lint($1) LEFT JOIN LATERAL unnest(steps) step ON true',
	locked => q{SELECT string_agg(c.oid::regclass || ' ' || l.mode, ', ') FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
		WHERE l.pid = pg_backend_pid() AND c.relnamespace = ANY ('{public,shop,audit,spare,t,other}'::regnamespace[])},
	rollback => 'ROLLBACK',
	state    => q{SELECT md5(string_agg(concat_ws(' ', c.oid, c.xmin, c.relfilenode), ',' ORDER BY c.oid)) || pg_snapshot_xmax(pg_current_snapshot())
		FROM pg_class c WHERE c.relnamespace <> 'mg'::regnamespace},
	memory => q{SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts},
	grown  => q{SELECT string_agg(name || ' ' || bytes, ', ' ORDER BY bytes DESC) FROM
		(SELECT name, sum(used_bytes)::bigint AS bytes FROM pg_backend_memory_contexts GROUP BY name ORDER BY 2 DESC LIMIT 8) c});

# Runs files and SQL in a database by psql, as far as they can be run.
sub make
{
	my ($database, @arguments) = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	my $pid = open(my $out, '-|') // die "fork: $!";
	if ($pid == 0)
	{
		open(STDERR, '>&', \*STDOUT) or die;
		exec('psql', '-X', '-q', '-A', '-t', '-d', $database, @arguments) or die "psql: $!";
	}
	my $said = join '', <$out>;
	close $out;
	return $said;
}

# Sends one message of the protocol.
sub message
{
	my ($type, $body) = @_;
	return $type . pack('N', 4 + length $body) . $body;
}

sub bind_and_execute
{
	my ($name, @parameters) = @_;
	return message('B', "\0$name\0" . pack('n', 0) . pack('n', scalar @parameters) . join('', map { pack('N/a*', $_) } @parameters) . pack('n', 0))
		. message('E', "\0" . pack('N', 0));
}

# Opens a session on a database; what it runs is prepared.
sub open_session
{
	my ($database, $role) = @_;
	my $socket;
	for my $try (1 .. 300)
	{
		$socket = IO::Socket::UNIX->new(Peer => "$ENV{PGHOST}/.s.PGSQL." . ($ENV{PGPORT} // 5432));
		$session = { socket => $socket, in => '', database => $database, role => $role };
		my %start = (user => $user, database => $database, statement_timeout => $slow * 1000);
		my $start = pack('N', 196608) . join('', map { "$_\0$start{$_}\0" } sort keys %start) . "\0";
		# A server of which a backend has just died lets one in that it is about to throw out.
		return if $socket && !ask(pack('N', 4 + length $start) . $start)->{error} && eval { prepare_session(); 1 };
		die "no connection to $database: $@\n" if $try == 300;
		sleep 0.1;
	}
}

sub prepare_session
{
	my ($database, $role) = @$session{qw(database role)};
	my $encoding = $database eq 'fuzz' ? 'UTF8' : 'LATIN1';
	for my $sql ("SET client_encoding = '$encoding'", 'SET search_path = shop, t, public', "SET ROLE $role")
	{
		my $answer = ask(message('Q', "$sql\0"));
		die "$sql: $answer->{error}{M}\n" if $answer->{error};
	}
	for my $name (sort keys %statements)
	{
		my $answer = ask(message('P', "$name\0$statements{$name}\0" . pack('n', 0)) . message('S', ''));
		die "$name: $answer->{error}{M}\n" if $answer->{error};
	}
	return;
}

sub fields { return map { (substr($_, 0, 1), substr($_, 1)) } grep { $_ ne '' } split /\0/, $_[0]; }

# Sends messages and reads until the server waits for more: {rows, error, notices, gone, slow}.
sub ask
{
	my ($messages) = @_;
	my %answer = (rows => [], notices => []);
	my $until  = time + 3 * $slow;
	local $SIG{PIPE} = 'IGNORE';
	my $select = IO::Select->new($session->{socket});
	while (1)
	{
		while (length $session->{in} >= 5)
		{
			my ($type, $length) = unpack('a N', $session->{in});
			last if length $session->{in} < 1 + $length;
			my $body = substr($session->{in}, 5, $length - 4);
			substr($session->{in}, 0, 1 + $length) = '';
			if    ($type eq 'Z') { $answer{status} = $body; return \%answer; }
			elsif ($type eq 'D') { push @{ $answer{rows} }, [ map { defined $_ ? $_ : undef } row($body) ]; }
			elsif ($type eq 'K') { $session->{pid} = unpack('N', $body); }
			elsif ($type eq 'N') { push @{ $answer{notices} }, +{ fields($body) }; }
			elsif ($type eq 'E') { $answer{error} //= +{ fields($body) }; }
		}
		my $wants = $messages ne '' && $select->can_write(0);
		if ($wants)
		{
			my $sent = $session->{socket}->syswrite($messages, 65536);
			substr($messages, 0, $sent) = '' if $sent;
			$messages = '' unless $sent;
		}
		next if !$select->can_read($wants ? 0 : 0.2) && time < $until;
		if (time >= $until) { $answer{slow} = 1; return \%answer; }
		my $got = $session->{socket}->sysread($session->{in}, 65536, length $session->{in});
		if (!$got) { $answer{gone} = 1; $answer{error} //= { C => 'gone', M => 'the session has ended' }; return \%answer; }
	}
}

sub row
{
	my ($body) = @_;
	my ($n, $at) = (unpack('n', $body), 2);
	my @cells;
	for (1 .. $n)
	{
		my $length = unpack('l>', substr($body, $at, 4));
		push @cells, $length < 0 ? undef : substr($body, $at + 4, $length);
		$at += 4 + ($length < 0 ? 0 : $length);
	}
	return @cells;
}

sub value { my $answer = ask(bind_and_execute(@_) . message('S', '')); return $answer->{rows}[0] ? $answer->{rows}[0][0] : undef; }

# In a transaction that has failed, what the server says to SQL before it looks at anything but the syntax: nothing if it can be parsed.
sub syntax_error
{
	my ($sql) = @_;
	my $answer = ask(message('P', "\0$sql\0" . pack('n', 0)) . message('S', ''));
	return 'the session has ended' if $answer->{gone};
	my $error = $answer->{error} or return '';
	return '' if $error->{C} eq '25P02' || $error->{M} =~ /cannot insert multiple commands/;
	return "$error->{C} $error->{M}";
}

# Lints a script and gives what is wrong with that, or nothing: a kind of failure, which stays the same when the script gets shorter, and
# the whole of it.
sub judge
{
	my ($script) = @_;
	my ($kind, $what) = ('', '');
	my $answer = ask(bind_and_execute('begin') . bind_and_execute('lint', $script) . bind_and_execute('locked') . bind_and_execute('rollback') .
			message('S', ''));
	my $error = $answer->{error};

	return ('dies', 'the backend dies: ' . ($error ? $error->{M} : '')) if $answer->{gone};
	return ('hangs', 'the backend hangs') if $answer->{slow};
	for my $notice (@{ $answer->{notices} })
	{
		($kind, $what) = ("warns: $notice->{C}", "warns: $notice->{M}") if $notice->{M} =~ /leak|not owned|don't own|still referenced|refcount/;
	}
	if ($error)
	{
		my $parser = syntax_error($script);
		($kind, $what) = judge_error($error, $parser);
		$refused{"$error->{C} " . ($error->{M} =~ s/"[^"]*"|\(.*\)|".*|0x.*/.../gsr)}++ unless $kind;
	}
	else
	{
		my $locked = pop @{ $answer->{rows} };
		($kind, $what) = ('locks', "locked afterwards: $locked->[0]") if defined $locked->[0];
		$findings += @{ $answer->{rows} };
		($kind, $what) = judge_rows($script, $answer->{rows}) unless $kind;
	}
	ask(message('Q', "ROLLBACK\0")) if $error;
	return ($kind, $what);
}

sub judge_error
{
	my ($error, $parser) = @_;
	my $what = "$error->{C} $error->{M}" . ($error->{W} ? " ($error->{W})" : '');

	return ("internal error in $error->{R}", "raises $what, $error->{F}:$error->{L}") if $error->{C} =~ /^XX/;
	return ('takes too long', "takes more than $slow seconds") if $error->{C} eq '57014';
	return ('', '') if $parser ne '' || $error->{C} eq '54001';
	return ('', '') if $error->{C} eq '42601' && $error->{M} =~ /^improper (qualified|relation) name|requires a Boolean value$/;
	return ("raises $error->{C} in $error->{R}", "the parser takes it, but it raises $what, $error->{F}:$error->{L}");
}

sub judge_rows
{
	my ($script, $rows) = @_;
	my $lines = 1 + (() = $script =~ /\r\n?|\n/g);
	my ($kind, $what, %steps) = ('', '');

	for my $row (@$rows)
	{
		my ($rule, $line, $column, $text, $step) = @$row;
		($kind, $what) = ("$rule: message", "$rule has no message") if ($text // '') eq '';
		($kind, $what) = ("$rule: place", "$rule finds something at " . ($line // '') . ':' . ($column // '') . " of $lines lines")
			if !$line || !$column || $line < 1 || $column < 1 || $line > $lines;
		$steps{$step} //= $rule if defined $step;
	}
	return ($kind, $what) if $kind || !%steps;
	# So that nothing but its syntax is looked at.
	ask(message('Q', "$_\0")) for 'BEGIN', 'SELECT 1 / 0';
	for my $step (sort keys %steps)
	{
		my $error = syntax_error($step) or next;
		next if $error =~ /^54001/;
		($kind, $what) = ("$steps{$step}: step", "$steps{$step} has a step that cannot be parsed ($error): $step");
	}
	ask(message('Q', "ROLLBACK\0"));
	return ($kind, $what);
}

# Gives the shortest script that fails in the same way, within some seconds.
sub shortened
{
	my ($script, $kind) = @_;
	my $until = time + 20;
	for (my $length = length($script) / 2; $length >= 1; $length = int($length / 2))
	{
		$length = int $length;
		for (my $at = 0; $at < length $script && time < $until;)
		{
			my $shorter = $script;
			substr($shorter, $at, $length) = '';
			my ($found) = judge($shorter);
			open_again() if $found =~ /^(dies|hangs)/;
			if ($found eq $kind) { $script = $shorter; }
			else                 { $at += $length; }
		}
	}
	return $script;
}

sub open_again { open_session($session->{database}, $session->{role}); return; }

sub fail
{
	my ($kind, $what, $script) = @_;
	$file{$kind} //= sprintf('%s/lint-%s-%d.sql', $kept, $seed, scalar keys %file);
	my $file = $file{$kind};

	make_path($kept);
	open(my $out, '>', $file) or die "$file: $!";
	print $out $script;
	close $out;
	$failures{$kind} = "$what\n  in $session->{database} as $session->{role}, kept as build/fuzz/failures/" . ($file =~ s/.*\///r) .
		(length $script < 2000 ? ":\n$script" : '');
	return;
}

# Lints a script; tells whether that was all right.
sub try_script
{
	my ($script) = @_;
	my ($kind, $what) = judge($script);

	$linted++;
	return 1 if $kind eq '';
	open_again() if $kind =~ /^(dies|hangs)/;
	return 0 if $failures{$kind} || keys %failures >= $most_failures;
	# Kept at once as it is, in case that nothing shorter can be tried.
	fail($kind, $what, $script);
	my $short = shortened($script, $kind);
	(my $again, $what) = judge($short);
	open_again() if $again =~ /^(dies|hangs)/;
	fail($kind, $what, $short) if $again ne '';
	return 0;
}

# The corpus.

my $part  = qr{[^\W\d]\w*|"(?:[^"]++|"")*+"};
my $token = qr{\$(\w*)\$.*?\$\1\$|[eEbBxX]?'(?:[^']++|'')*+'|$part(?:\.$part)*|--[^\n]*|/\*.*?\*/|\d+(?:\.\d+)?|\s+|[-+*/<>=~!@#%^&|?]+|::|:=|.}s;

sub tokens_of { my @found; push @found, $& while $_[0] =~ /$token/g; return @found; }

sub text_of
{
	my ($file) = @_;
	open(my $in, '<', $file) or die "$file: $!";
	return join '', <$in>;
}

my @corpus;
for my $file (sort glob("$here/lint_corpus/*.sql"))
{
	push @corpus, grep { /\S/ } split /\n\s*\n/, text_of($file) =~ s/^-- .*\n//r;
}
for my $file (sort(glob("$here/../locks/cases/*.txt"), glob("$here/../drift/changes/*.txt")))
{
	for my $case (split /^# /m, text_of($file))
	{
		my ($on) = $case =~ /^on: (.*)/m;
		my @on = split ' ', $on // '@';
		for my $key ('do', 'undo')
		{
			my ($script) = $case =~ /^$key: (.*(?:\n\s+\S.*)*)/m or next;
			push @corpus, $script =~ s{\s*\\g /dev/null}{;}gr =~ s/\@/$_/gr for @on;
		}
	}
}
my @pieces = map { [ tokens_of($_) ] } @corpus;

# The mutations: each gets the tokens of a script and changes them.

sub one_of { return $_[ int rand @_ ]; }
sub range { my ($n) = @_; my $from = int rand $n; my $length = 1 + int(rand(one_of(1, 3, 8, 30))); return ($from, $from + $length > $n ? $n - $from : $length); }

my @literals = ('0', '-1', '1', '2147483648', '9223372036854775808', '1e400', '0.0000001', "''", "' '", "E'\\\\x41\\n'", "'\x{27}\x{27}'", 'NULL',
	"B'101'", "X'ff'", '$$$$', '$a$ $$ $a$', 'true', "'{}'", "'{1,2}'", "U&'\\0061'", "'1 day'", "'2024-01-01'", "'t.plain'", "'nextval'", '$1', '1' x 200);
my @identifiers = ('nothing', '"Größe"', '"a""b"', '"' . ('x' x 63) . '"', '"' . ('x' x 70) . '"', 'x' x 64, '"select"', '"a.b"', '"a b;"', 'U&"\0061"', '"$$"', "\"'\"",
	'pg_class', 'pg_catalog', 'information_schema', 'pg_temp', 'pg_toast', 'public', 'mg', 'history', 'a.b', 'a.b.c', 'a.b.c.d', 'shop.orders', 't.parted', 't.keyed',
	'int4', 'serial', 'bigserial', 'regclass', 'record', 'anyelement', 'ctid', 'xmin', 'tableoid', 'old', 'new', 'excluded', '"ß"', '"漢字"', '"\\"');
my @punctuation = (';', ',', '(', ')', '.', '*', '=', '::', '[', ']', ';;', '--', '/*', '*/', "'", '"', '$$', '$a$', '\\', ':', "\n", "\r\n", "\t");

sub random_word
{
	my $kind = rand;
	return $kind < 0.45 ? one_of(@words) : $kind < 0.6 ? one_of(@identifiers) : $kind < 0.75 ? one_of(@literals) : $kind < 0.85 ? one_of(@punctuation) : one_of(@{ one_of(@pieces) });
}

# Names are in lower case in the corpus, and keywords in upper case.
sub is_name { return $_[0] =~ /^(?:[a-z]|"[^"])/; }
sub is_keyword { return $_[0] =~ /^[A-Z]+$/; }
sub is_word { return $_[0] =~ /^(\w|"|'|\$)/; }
sub places { my ($tokens, $is) = @_; return grep { $is->($tokens->[$_]) } 0 .. $#$tokens; }

# Where each keyword is in the corpus: [piece, place].
my %keywords;
for my $piece (@pieces) { push @{ $keywords{ $piece->[$_] } }, [ $piece, $_ ] for places($piece, \&is_keyword); }
my @clauses = map { [ tokens_of($_) ] } map { /^ALTER TABLE (?:ONLY |IF EXISTS )?[\w.]+ ([A-Z][^;]*)/ ? $1 : () } @corpus;

# Something within something within something.
sub nested
{
	my $n = one_of(2, 5, 20, 100, 1000, 4000, 20000);
	my ($open, $inner, $close) = @{ one_of(
		[ '(', 'a', ')' ], [ 'NOT ', 'true', '' ], [ '- ', '1', '' ], [ '(SELECT ', '1', ')' ], [ 'CASE WHEN true THEN ', '1', ' END' ], [ '', 'a', ' + a' ], [ '', 'a', ' AND a' ],
		[ '', 'a', ' || a' ], [ 'ARRAY[', '1', ']' ], [ 'f(', '1', ')' ], [ '', 'a', '::text' ], [ '', 'a', '.b' ], [ '', 'a', '[1]' ], [ 'ROW(', '1', ')' ], [ '', 'a', ', a' ],
		[ '', '1', ' UNION SELECT 1' ], [ 'coalesce(', 'NULL', ', 1)' ], [ '(a = 1 OR ', 'b', ')' ], [ '', 'a', ' COLLATE "C"' ], [ '', 'a', ' IS NULL' ]) };
	return $open x $n . $inner . $close x $n;
}

# A statement with that in it.
sub deep_statement
{
	my $n = one_of(2, 5, 20, 200, 2000);
	my $expression = nested();
	my $quoted = 'ALTER TABLE t.plain ADD CHECK (n > 0)';
	for (1 .. one_of(1, 2, 3, 5, 8)) { $quoted = one_of("DO \$q$_\$ BEGIN $quoted; END \$q$_\$", "DO \$q$_\$ BEGIN EXECUTE '" . ($quoted =~ s/'/''/gr) . "'; END \$q$_\$"); }
	return one_of(
		"ALTER TABLE t.plain ADD CHECK ($expression)", "ALTER TABLE t.keyed ADD COLUMN deep int DEFAULT $expression", "CREATE INDEX ON t.keyed (($expression))",
		"SELECT $expression FROM t.plain", "UPDATE t.plain SET n = $expression", "DELETE FROM t.keyed WHERE $expression", "CREATE TABLE deep (a int DEFAULT $expression, CHECK ($expression))",
		"CREATE VIEW deep AS SELECT $expression", "CREATE POLICY deep ON shop.orders USING ($expression)", "ALTER TABLE t.plain ALTER COLUMN n TYPE bigint USING $expression",
		"CREATE FUNCTION deep() RETURNS int LANGUAGE sql RETURN $expression", "INSERT INTO t.plain VALUES ($expression)", $quoted,
		"CREATE INDEX ON t.plain (id) WHERE $expression", "CALL shop.tidy($expression)", 'SELECT * FROM ' . '(' x $n . 't.plain' . ' JOIN t.keyed ON true)' x $n,
		'DO $$ ' . 'BEGIN ' x $n . 'DROP TABLE t.plain; ' . 'END; ' x $n . '$$', 'DO $$ BEGIN ' . 'IF true THEN ' x $n . 'DELETE FROM t.plain; ' . 'END IF; ' x $n . 'END $$',
		'WITH a AS (' x $n . 'DELETE FROM t.plain RETURNING 1' . ') SELECT 1' x $n, 'SELECT * FROM ' . '(SELECT * FROM ' x $n . 't.plain' . ') a' x $n,
		'CREATE SCHEMA deep ' . 'CREATE TABLE a (i int) ' x $n, 'ALTER TABLE t.plain ' . join(', ', ("ADD CHECK (n > 0)") x $n), 'DROP TABLE ' . join(', ', ('t.plain') x $n),
		"CREATE FUNCTION deep() RETURNS int LANGUAGE plpgsql AS \$\$ BEGIN RETURN $expression; END \$\$; SELECT deep()", "CREATE RULE deep AS ON INSERT TO t.plain DO ALSO SELECT $expression",
		'EXPLAIN ' x $n . 'SELECT 1', "PREPARE p AS SELECT $expression", "COMMENT ON TABLE t.plain IS '" . 'x' x $n . "'", '/*' x $n . ' deep ' . '*/' x $n . ' DROP TABLE t.plain');
}

my @mutations = (
	# A name is another one, and a statement goes on as another does: much of what comes out can still be parsed.
	(sub { my ($t) = @_; for (1 .. 1 + rand 3) { my @at = places($t, \&is_name) or return; $t->[ one_of(@at) ] = rand() < 0.9 ? one_of(@names) : one_of(@identifiers); } }) x 12,
	(sub { my ($t) = @_; my @at = places($t, \&is_keyword) or return; my $at = one_of(@at); my ($other, $place) = @{ one_of(@{ $keywords{ $t->[$at] } // return }) }; splice @$t, $at, 1000, @$other[ $place .. $#$other ]; }) x 6,
	(sub { my ($t) = @_; my $all = join '', @$t; $all =~ /^ALTER TABLE [\w.]+ [A-Z]/ or return; pop @$t while @$t && $t->[-1] =~ /^[\s;]*$/; push @$t, ', ', @{ one_of(@clauses) }; }) x 4,
	(sub { my ($t) = @_; my @at = places($t, sub { $_[0] =~ /^(\d|')/ }) or return; $t->[ one_of(@at) ] = one_of(@literals); }) x 4,
	# A word is any other, here or everywhere.
	(sub { my ($t) = @_; my @at = places($t, \&is_word) or return; $t->[ one_of(@at) ] = one_of(@words); }) x 2,
	(sub { my ($t) = @_; my @at = grep { is_word($_) } @$t; return unless @at; my ($old, $new) = (one_of(@at), random_word()); $_ = $_ eq $old ? $new : $_ for @$t; }) x 2,
	(sub { my ($t) = @_; $t->[ rand @$t ] = random_word(); }) x 2,
	(sub { my ($t) = @_; splice @$t, rand @$t, 0, ' ', random_word(), ' '; }) x 2,
	(sub { my ($t) = @_; splice @$t, rand @$t, 0, ' ', one_of(@words), ' ', random_word(), ' '; }),
	(sub { my ($t) = @_; my ($at, $n) = range(scalar @$t); splice @$t, $at, $n; }) x 2,
	(sub { my ($t) = @_; my ($at, $n) = range(scalar @$t); splice @$t, rand @$t, 0, @$t[ $at .. $at + $n - 1 ]; }) x 2,
	(sub { my ($t) = @_; my ($at, $n) = range(scalar @$t); my @cut = splice @$t, $at, $n; splice @$t, rand(@$t + 1), 0, @cut; }),
	# A piece of another statement, put in or in place of something.
	(sub { my ($t) = @_; my $other = one_of(@pieces); my ($at, $n) = range(scalar @$other); splice @$t, rand @$t, one_of(0, 0, 1, 3), @$other[ $at .. $at + $n - 1 ]; }) x 4,
	# The rest of another statement.
	(sub { my ($t) = @_; my $other = one_of(@pieces); splice @$t, rand @$t, 1000, @$other[ rand(@$other) .. $#$other ]; }) x 2,
	# A quote loses its end, its tag, or what is in it changes.
	(sub { my ($t) = @_; my @at = grep { $t->[$_] =~ /^[\$'"eE]/ } 0 .. $#$t; return unless @at; my $one = \$t->[ one_of(@at) ]; substr($$one, rand length $$one) = ''; }),
	(sub {
		my ($t) = @_;
		my @at = grep { $t->[$_] =~ /^\$\w*\$/ } 0 .. $#$t;
		return unless @at;
		my $one = \$t->[ one_of(@at) ];
		my ($tag, $inside) = $$one =~ /^(\$\w*\$)(.*)\1$/s or return;
		my @inside = tokens_of($inside) or return;
		$inside[ rand @inside ] = random_word() for 1 .. 1 + rand 3;
		$$one = $tag . join('', @inside) . $tag;
	}) x 3,
	# Everything within a block, a function, an EXPLAIN, a statement that is prepared.
	(sub { my ($t) = @_; my $tag = one_of('$$', '$body$', '$x1$'); @$t = ("DO $tag BEGIN ", @$t, one_of('', ';', ';;'), " END $tag"); }) x 2,
	(sub { my ($t) = @_; my $all = join('', @$t) =~ s/'/''/gr; @$t = tokens_of("DO \$e\$ BEGIN EXECUTE '$all'; END \$e\$"); }),
	(sub { my ($t) = @_; my $all = join('', @$t); my $language = one_of('sql', 'plpgsql', 'shopscript', 'nothing'); @$t = tokens_of("CREATE FUNCTION made_here() RETURNS void LANGUAGE $language AS \$f\$ $all \$f\$; SELECT made_here()"); }),
	(sub { my ($t) = @_; unshift @$t, one_of('EXPLAIN ', 'EXPLAIN ANALYZE ', 'PREPARE p AS ', 'BEGIN; ', 'SAVEPOINT s; ', 'SET lock_timeout = 0; ', 'SET search_path = t; ', 'CREATE SCHEMA s ', 'COPY (', 'WITH a AS ('); }),
	# Comments that ignore.
	(sub { my ($t) = @_; splice @$t, rand @$t, 0, one_of("-- mg:ignore fk-without-not-valid it is so\n", "-- mg:ignore\n", "--mg:ignore drop-table", "-- mg:ignore nothing \r", "/* mg:ignore x */", "\n\n-- mg:ignore check-without-not-valid  \n\n"); }),
	# Something deep.
	(sub { my ($t) = @_; splice @$t, rand @$t, 1, nested(); }),
	(sub { my ($t) = @_; @$t = (@$t, ";\n", deep_statement()); }),
	# Bytes.
	(sub {
		my ($t) = @_;
		my $all = join '', @$t;
		for (1 .. 1 + rand 4)
		{
			my $noise = $session->{database} eq 'fuzz' && rand() < 0.8 ? one_of("\x{c3}\x{a4}", "\x{e2}\x{82}\x{ac}", "\x{f0}\x{9f}\x{98}\x{80}", "\x{ef}\x{bb}\x{bf}", "\x{c2}\x{a0}", chr(1 + int rand 127)) : chr(1 + int rand 255);
			substr($all, rand length $all, one_of(0, 1)) = $noise;
		}
		@$t = tokens_of($all);
	}),
	(sub { my ($t) = @_; my $all = join '', @$t; @$t = tokens_of(substr($all, 0, rand length $all)); }));

# One to many statements, some of them mutated.
sub new_script
{
	my @statements = map { rand() < 0.01 ? [ deep_statement() ] : [ @{ one_of(@pieces) } ] } 1 .. one_of(1, 1, 1, 2, 2, 3, 5, 12);
	for (1 .. one_of(0, 1, 1, 1, 2, 2, 3, 6))
	{
		my $tokens = one_of(@statements);
		one_of(@mutations)->($tokens);
		@$tokens = (' ') unless @$tokens;
	}
	my $script = join(one_of(";\n", ";\n", ";\n", ";\n", '; ', ";\r\n"), map { join '', @$_ } @statements) =~ tr/\0//dr;
	# The server refuses broken characters before anybody sees them.
	$script =~ s/[^\x01-\x7f]+//g if $session->{database} eq 'fuzz' && !utf8::decode(my $copy = $script);
	return $script;
}

# How much private memory a process has, in kB.
sub rss { my ($kb) = text_of("/proc/$session->{pid}/status") =~ /^RssAnon:\s+(\d+)/m; return $kb; }

# Gives the same scripts again and again; tells of a growth.
sub test_memory
{
	my (@scripts) = @_;
	my $database = $session->{database};
	my @sizes;

	for my $pass (0 .. 4)
	{
		judge($_) for @scripts;
		push @sizes, [ value('memory'), rss() ];
	}
	# The first passes fill caches; what malloc() hands out of the process comes in pieces.
	my $grown = $sizes[4][0] - $sizes[2][0];
	my $more  = $sizes[4][1] - $sizes[2][1];
	return if $grown < 16384 && $more < 1024;
	fail('leak', "the backend grows by $grown bytes of its memory contexts and $more kB of all when it lints @{[scalar @scripts]} scripts twice (" . join(', ', map { "$_->[0]/$_->[1]" } @sizes) . '): ' . value('grown'), leaking(@scripts));
	return;
}

# The script that takes most of it.
sub leaking
{
	my ($worst, $most) = ('', 0);
	for my $script (@_)
	{
		judge($script);
		my ($before, $kb) = (value('memory'), rss());
		judge($script) for 1 .. 10;
		my $grown = value('memory') - $before + (rss() - $kb) * 1024;
		($worst, $most) = ($script, $grown) if $grown > $most;
	}
	return $worst;
}

# Makes what scripts are about.
sub make_databases
{
	make('postgres', '-f', "$here/../drift/cluster.sql");
	for my $database ('fuzz', 'fuzz_latin')
	{
		my $encoding = $database eq 'fuzz' ? 'UTF8' : 'LATIN1';
		make('postgres', '-c', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
		make($database, '-f', "$here/../drift/base.sql", '-f', "$here/../drift/database.sql", '-f', "$here/../locks/setup.sql", '-c', 'VACUUM ANALYZE',
			'-c', 'CREATE EXTENSION migration_governance', '-c', 'GRANT EXECUTE ON FUNCTION mg_lint(text), pg_get_backend_memory_contexts() TO reader',
			'-c', 'GRANT SELECT ON pg_backend_memory_contexts TO reader');
		my $on = make($database, '-c', "SELECT string_agg(rule || '=info', ', ') FROM mg_lint_rules() WHERE severity = 'off'") =~ s/\n//r;
		make($database, '-c', "SELECT mg_set_policy('lint_small_table', '0', 'a test')", $on eq '' ? () : ('-c', "SELECT mg_set_policy('lint_severity', '$on', 'a test')"));
	}
	my $names = make('fuzz', '-c', q{
		WITH s AS (SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('shop', 'audit', 'spare', 't', 'other', 'public'))
		SELECT DISTINCT word FROM (
			SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN s ON s.oid = relnamespace UNION ALL SELECT quote_ident(relname) FROM pg_class JOIN s ON s.oid = relnamespace
			UNION ALL SELECT quote_ident(attname) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN s ON s.oid = relnamespace WHERE attnum > 0 AND NOT attisdropped
			UNION ALL SELECT quote_ident(conname) FROM pg_constraint JOIN s ON s.oid = connamespace
			UNION ALL SELECT format('%I.%I', nspname, typname) FROM pg_type JOIN s ON s.oid = typnamespace WHERE typtype IN ('e', 'd', 'r') OR typcategory = 'A'
			UNION ALL SELECT format('%I.%I', nspname, proname) FROM pg_proc JOIN s ON s.oid = pronamespace WHERE nspname IN ('shop', 't')
			UNION ALL SELECT quote_ident(tgname) FROM pg_trigger WHERE NOT tgisinternal UNION ALL SELECT quote_ident(polname) FROM pg_policy
			UNION ALL SELECT quote_ident(rolname) FROM pg_roles UNION ALL SELECT nspname FROM s
			UNION ALL SELECT format_type(oid, NULL) FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b' AND typcategory IN ('N', 'S', 'D', 'B', 'U')
		) w (word)});
	@names = grep { $_ ne '' } split /\n/, $names;
	@words = (@names, grep { /^[A-Za-z]\w+$/ } map { @$_ } @pieces);
	return;
}

# One session's scripts, and whether it grew.
sub run_round
{
	my ($database, $role, $until) = @_;
	my @again = map { one_of(@corpus) } 1 .. 100;

	open_session($database, $role);
	my $state = value('state');
	while (time < $until && keys %failures < $most_failures)
	{
		my $script = new_script();
		my $fine   = try_script($script);
		$again[ rand @again ] = $script if $fine && length $script < 10000 && rand() < 0.2;
	}
	fail('changes', 'the catalogs are not as they were, or a transaction has got a number', '') if $state ne value('state');
	test_memory(@again) unless $failures{leak};
	$session->{socket}->close;
	return;
}

sub text_of_failures { return map { "# $_\n" } map { split /\n/ } map { $failures{$_} =~ tr/\r/ /r } sort keys %failures; }

if (my $file = $ENV{MG_FUZZ_SCRIPT})
{
	make_databases();
	for my $database ('fuzz', 'fuzz_latin')
	{
		open_session($database, $user);
		my ($kind, $what) = judge(text_of($file));
		print "$database: ", $kind eq '' ? 'fine' : $what, "\n";
	}
	exit;
}
print "1..1\n";
make_databases();
my $end = time + $seconds;
my @sessions = ([ 'fuzz', $user ], [ 'fuzz_latin', $user ], [ 'fuzz', 'reader' ]);
for (my $round = 0; time < $end && keys %failures < $most_failures; $round++)
{
	my $length = $seconds / 3 > 60 ? 60 : $seconds / 3;
	run_round(@{ $sessions[ $round % 3 ] }, time + $length < $end ? time + $length : $end);
}
print '# seed ', $seed, ', ', $linted // 0, ' scripts, ', $findings // 0, " findings and steps; refused:\n";
print "#   $refused{$_} $_\n" =~ s/\n(?=.)/ /gr for (sort { $refused{$b} <=> $refused{$a} } keys %refused)[ 0 .. (keys %refused > 40 ? 39 : keys(%refused) - 1) ];
print text_of_failures();
print %failures ? 'not ' : '', "ok 1 - fuzz lint\n";
exit(%failures ? 1 : 0);
