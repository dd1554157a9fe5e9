# What the tests of capture and privileges share: clusters, sessions, and looks at the ledger.
package Governed;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_cluster preload new_database run_sql fails_with works newest statements places_of pgbench_script
	status_of log_since log_position major);

# The superuser is called the same whoever runs the tests.
$ENV{PGUSER} = 'postgres';

# Makes a cluster and starts it; `conf` are lines of postgresql.conf, `superuser` is the bootstrap superuser's name,
# `initdb` are more of its options.
sub new_cluster
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $superuser = $options{superuser} // 'postgres';

	local $ENV{PGUSER} = $superuser;
	$node->init(
		extra => [ '-U', $superuser, '-E', 'UTF8', '--no-locale', @{ $options{initdb} // [] } ],
		allows_streaming => $options{streaming} // 0);
	$node->append_conf('postgresql.conf', join("\n", @{ $options{conf} // [] }, "log_statement = none", ''));
	$node->start;
	return $node;
}

# The line of postgresql.conf that loads the library with the server.
sub preload
{
	return "shared_preload_libraries = 'migration_governance'";
}

# Makes a database; with the extension unless told otherwise.
sub new_database
{
	my ($node, $database, %options) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION migration_governance') unless $options{bare};
	return $database;
}

# Runs SQL as a role; gives exit status, standard output and standard error with SQLSTATEs.
sub run_sql
{
	my ($node, $database, $sql, %options) = @_;
	my ($out, $err) = ('', '');

	local $ENV{PGOPTIONS} = $options{pgoptions} if defined $options{pgoptions};
	my $status = $node->psql(
		$database, $sql,
		stdout => \$out,
		stderr => \$err,
		on_error_stop => $options{on_error_stop} // 1,
		extra_params => [ '-U', $options{user} // $ENV{PGUSER}, '-v', 'VERBOSITY=verbose' ]);
	return ($status, $out, $err);
}

# Passes when the SQL fails with the SQLSTATE or a message like the pattern.
sub fails_with
{
	my ($node, $database, $sql, $expected, $what, %options) = @_;
	my ($status, $out, $err) = run_sql($node, $database, $sql, %options);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $pattern = ref $expected ? $expected : qr/(ERROR|FATAL):  $expected:/;
	like($err, $pattern, $what // "refused: $sql");
	return;
}

# Passes when the SQL runs without an error; gives what it prints.
sub works
{
	my ($node, $database, $sql, $what, %options) = @_;
	my ($status, $out, $err) = run_sql($node, $database, $sql, %options);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($err =~ /ERROR|FATAL/ ? $err : '', '', $what // "works: $sql");
	return $out;
}

# Gives the number of the newest record, to be used as `after`.
sub newest
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, 'SELECT coalesce(max(id), 0) FROM mg.statement');
}

# Gives the statements recorded after a number, one a line: columns joined by "|".
sub statements
{
	my ($node, $database, $after, $columns) = @_;
	$columns //= 'statement';
	return $node->safe_psql($database, "SELECT $columns FROM mg.statement WHERE id > $after ORDER BY id");
}

# Gives "table column" for every place in the ledger and its views where the text is found.
sub places_of
{
	my ($node, $database, $text) = @_;
	my @tables = split /\n/,
	  $node->safe_psql($database,
		"SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'mg'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY 1");
	my $sql = join ' UNION ALL ',
	  map { "SELECT '$_' WHERE EXISTS (SELECT FROM $_ t WHERE strpos(t::text, '$text') > 0)" } @tables;
	return $node->safe_psql($database, $sql);
}

# Runs one statement by the extended protocol, which psql cannot do on every major.
sub pgbench_script
{
	my ($node, $database, $script, %options) = @_;
	my $file = $node->basedir . '/script_' . int(rand(1e9)) . '.sql';

	append_to_file($file, $script);
	my @command = (
		'pgbench', '-n', '-M', $options{protocol} // 'extended',
		'-c', $options{clients} // 1, '-j', $options{clients} // 1, '-t', $options{transactions} // 1,
		'-f', $file, $database);
	my ($out, $err) = ('', '');
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $ok = IPC::Run::run(\@command, '>', \$out, '2>', \$err);
	return ($ok, $out . $err);
}

# Gives "value|ok|hint" of an aspect of mg_status().
sub status_of
{
	my ($node, $database, $aspect) = @_;
	return $node->safe_psql($database, "SELECT value, ok, hint FROM mg_status() WHERE aspect = '$aspect'");
}

sub log_position
{
	my ($node) = @_;
	return -s $node->logfile;
}

sub log_since
{
	my ($node, $position) = @_;
	return slurp_file($node->logfile, $position);
}

sub major
{
	my ($node) = @_;
	return int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);
}

1;
