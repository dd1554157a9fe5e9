# What the linter advises works: each safe sequence that it writes out is run, step by step, beside the statement that it is about. None of
# its steps reads or writes the table while holding the lock that the finding was about, and in the end the schema is the same.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__) . '/lib';
use Governed;
use LintCases;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('advice', conf => [ preload(), 'autovacuum = off', 'max_connections = 20' ]);
my $json = JSON::PP->new->utf8;

sub findings_in
{
	my ($name) = @_;
	return @{ $json->decode($node->safe_psql($name, <<'SQL')) };
SELECT coalesce(json_agg(x), '[]') FROM (
	SELECT DISTINCT ON (c.rule, c.script, f.object, f.steps) c.rule, c.script, f.steps, f.object, f.lock_mode, f.work, f.hint ~ '^(.*\n)?Afterwards' AS afterwards,
		s.before, s.after
	FROM t.lint_case c, mg_lint(c.script) f,
		LATERAL (SELECT coalesce(string_agg(p.statement || ';', E'\n' ORDER BY ordinal) FILTER (WHERE ordinal < own), '') AS before,
			coalesce(string_agg(p.statement || ';', E'\n' ORDER BY ordinal) FILTER (WHERE ordinal > own), '') AS after
			FROM (SELECT *, max(ordinal) FILTER (WHERE (line, col) <= (f.line, f.col)) OVER () AS own FROM mg_parse(c.script)) p) s
	WHERE f.rule = c.rule AND f.steps IS NOT NULL AND c.place IS NOT NULL AND c.runs) x
SQL
}

my $copies = 0;
sub copy_of
{
	my ($name) = @_;
	my $copy = 'copy_' . ++$copies;
	$node->safe_psql('postgres', "CREATE DATABASE $copy TEMPLATE $name STRATEGY file_copy");
	return $copy;
}

my @modes = qw(AccessShareLock RowShareLock RowExclusiveLock ShareUpdateExclusiveLock ShareLock ShareRowExclusiveLock ExclusiveLock AccessExclusiveLock);
my %strength = map { $modes[$_] => $_ + 1 } 0 .. $#modes;

# Runs a step in the database; gives what is wrong with it, if anything.
sub trouble_with
{
	my ($database, $step, $finding) = @_;
	# What cannot run in a transaction takes no strong lock for long: CONCURRENTLY and COMMIT are there for that.
	if ($step =~ /\bCONCURRENTLY\b/ && $step !~ /;.*\S/s || $step =~ /^\s*VACUUM/ || $step =~ /^\s*DO \$.*\bCOMMIT\b/s)
	{
		my ($code, $out, $err) = $node->psql($database, $step);
		return $code == 0 ? undef : $err;
	}
	my $object = $finding->{object};
	my $sql = <<"SQL";
\\set ON_ERROR_STOP 1
BEGIN;
CREATE TEMP TABLE seen_before ON COMMIT DROP AS SELECT s.*, to_regclass(\$o\$$object\$o\$)::oid AS object FROM t.state s;
$step
SELECT json_build_object(
	'locks', (SELECT coalesce(json_agg(DISTINCT mode), '[]') FROM pg_locks WHERE pid = pg_backend_pid() AND granted AND relation = (SELECT max(object) FROM seen_before)),
	'work', EXISTS (SELECT FROM t.state s JOIN seen_before b USING (oid) WHERE s.oid = b.object AND (s.file IS DISTINCT FROM b.file OR s.scans > b.scans))
		OR EXISTS (SELECT FROM t.state s LEFT JOIN seen_before b USING (oid) WHERE s.indrelid = (SELECT max(object) FROM seen_before) AND s.file IS DISTINCT FROM b.file));
COMMIT;
SQL
	my ($code, $out, $err) = $node->psql($database, $sql);
	return $err if $code != 0;
	my ($last) = $out =~ /(\{"locks".*\})/ or return "no answer: $out";
	my $seen = $json->decode($last);
	# A lock that is held for a moment is not what these findings are about.
	return undef unless $finding->{work} && $finding->{lock_mode} && $strength{ $finding->{lock_mode} } >= $strength{ShareLock};
	my ($strong) = grep { $strength{$_} >= $strength{ $finding->{lock_mode} } } @{ $seen->{locks} };
	return "takes $strong and goes through the table" if $strong && $seen->{work};
	return undef;
}

# The schema in a file.
my $dumps = 0;
sub dump_of
{
	my ($database) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/' . ++$dumps . '.sql';
	my $dump = `pg_dump -s -d '${\ $node->connstr($database)}' 2>&1`;
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	append_to_file($file, $dump);
	return $file;
}

# Advice that takes the place of an earlier statement of the script as well.
my %of_both = map { $_ => 1 } qw(table-altered-again lock-order);
# Advice that leaves something better than the statement would, on purpose.
my @better = (
	[ 'invalid-index-leftover', qr/./, 'the statement keeps the invalid index, which no dump has' ],
	[ 'reindex-not-concurrent', qr/^REINDEX TABLE large$/, 'REINDEX TABLE CONCURRENTLY leaves an invalid index alone' ],
	[ 'set-not-null-scans', qr/ADD CONSTRAINT k CHECK \(a IS NOT NULL\) NOT VALID/, 'the constraint is validated' ]);

my $tried = 0;
for my $name (case_files())
{
	load_cases($node, $name);
	for my $finding (findings_in($name))
	{
		my $title = "$finding->{rule}: $finding->{script}";
		my $advised = copy_of($name);
		my $wrong;
		# Advice for afterwards comes behind the script, other advice takes the place of a statement.
		my ($code, $out, $err) = $node->psql($advised, $finding->{afterwards} ? $finding->{script} : $of_both{ $finding->{rule} } ? '' : $finding->{before});
		$wrong = $err if $code != 0;
		for my $step (@{ $finding->{steps} })
		{
			last if defined $wrong;
			$wrong = trouble_with($advised, $step, $finding);
			$wrong = "$step: $wrong" if defined $wrong;
		}
		is($wrong, undef, "the advice works: $title");
		$tried++;
		if (!$finding->{afterwards} && !defined $wrong)
		{
			my $plain = copy_of($name);
			($code, $out, $err) = $node->psql($advised, $finding->{after});
			is($code, 0, "with what follows: $title") or diag($err);
			($code, $out, $err) = $node->psql($plain, $finding->{script});
			is($code, 0, "so does what it is about: $title") or diag($err);
			my @files = map { dump_of($_) } ($plain, $advised);
			my $difference = `diff @files`;
			if (my ($why) = map { $_->[2] } grep { $finding->{rule} eq $_->[0] && $finding->{script} =~ $_->[1] } @better)
			{
				isnt($difference, '', "and ends in another schema, since $why: $title");
			}
			else
			{
				is($difference, '', "and ends in the same schema: $title");
			}
			$node->safe_psql('postgres', "DROP DATABASE $plain");
		}
		$node->safe_psql('postgres', "DROP DATABASE $advised");
	}
}
cmp_ok($tried, '>=', 20, 'there is advice to try');
done_testing();
