# The documentation of the linter's rules is what the linter itself says.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__) . '/lib';
use Governed;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(__FILE__) . '/../..';
my $node = new_cluster('docs');
my $made = PostgreSQL::Test::Utils::tempdir();
new_database($node, 'app');
{
	local ($ENV{PGHOST}, $ENV{PGPORT}, $ENV{PGDATABASE}) = ($node->host, $node->port, 'app');
	is(system("$root/test/tools/lint_docs.sh", $made), 0, 'the documentation can be made');
}
# Rules of other majors are rules too: each says since when, or until when.
for my $file ('docs/lint-rules.md', 'README.md')
{
	ok(slurp_file("$root/$file") eq slurp_file("$made/$file"), "$file is as it is made (make it with test/tools/lint_docs.sh)")
		or diag(`diff $root/$file $made/$file | head -n 20`);
}
# The job that README shows for CI: it fails on errors, and leaves a SARIF log for each file. git only names the files here.
my ($job) = slurp_file("$root/README.md") =~ /      run: \|\n(.*?)\n    - uses/s;
$job =~ s/^ {8}//mg;
my $place = PostgreSQL::Test::Utils::tempdir();
mkdir "$place/$_" for ('bin', 'migrations');
append_to_file("$place/bin/git", "#!/bin/sh\nls migrations/*.sql\n");
chmod 0755, "$place/bin/git";
append_to_file("$place/job.sh", $job);
sub run_job
{
	local $ENV{PATH} = "$place/bin:$ENV{PATH}";
	local $ENV{DATABASE_URL} = $node->connstr('app');
	return system("cd $place && bash -e job.sh >&2");
}
append_to_file("$place/migrations/fine.sql", "CREATE TABLE it_is_fine (id int PRIMARY KEY);\n");
is(run_job(), 0, 'the job passes without errors');
$node->safe_psql('app', "SELECT mg_set_policy('lint_severity', 'set-not-null-scans=error, I=error', 'a test')");
append_to_file("$place/migrations/bad.sql", "CREATE TABLE nameless (i int);\n");
isnt(run_job(), 0, 'and fails with one');
like(slurp_file("$place/sarif/fine.sql.sarif"), qr/"version": "2.1.0"/, 'with a log for each file');

cmp_ok($node->safe_psql('app', 'SELECT count(*) FROM mg_lint_rules()'), '>=', 110, 'there are rules');
done_testing();
