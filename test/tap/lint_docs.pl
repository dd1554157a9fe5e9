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
cmp_ok($node->safe_psql('app', 'SELECT count(*) FROM mg_lint_rules()'), '>=', 110, 'there are rules');
done_testing();
