# The cases of the linter's rules, which test/pgtap/lint_?.sql have, for tests with several sessions and databases.
package LintCases;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use File::Basename;
use Governed;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(case_files load_cases);

my $folder = dirname(__FILE__) . '/../../pgtap';

# Their names, which are those of the databases too.
sub case_files
{
	return map { basename($_, '.sql') } sort glob("$folder/lint_?.sql");
}

# Makes a database with the tables and cases of a file, which ends before it tests anything.
sub load_cases
{
	my ($node, $name) = @_;
	new_database($node, $name);
	my $sql = slurp_file("$folder/$name.sql");
	$sql =~ s/^SELECT \* FROM t\.lint_tests.*//ms;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($name), '-c', 'CREATE EXTENSION pgtap', '-f', '-' ],
		'<', \$sql, '>', \$out, '2>', \$err, init => sub { chdir $folder or die });
	ok($ok, "$name can be read") or diag($err);
	return;
}

1;
