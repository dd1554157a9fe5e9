# What README tells to paste into psql about governing behaves as it shows: every answer that stands there comes back, and no other error.
use strict;
use warnings FATAL => 'all';
use File::Basename;
use lib dirname(__FILE__) . '/lib';
use Governed;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = new_cluster('readme', conf => [ preload() ]);
my ($section) = slurp_file(dirname(__FILE__) . '/../../README.md') =~ /^### Govern a team's database in ten minutes\n(.*?)^###? /ms;
my @blocks = $section =~ /^```(sql)?\n(.*?)^```/msg;
my ($sql, @shown) = ('');
while (my ($kind, $text) = splice @blocks, 0, 2)
{
	if   ($kind) { $sql .= $text }
	else         { push @shown, $text }
}
cmp_ok(length $sql, '>', 1000, 'there is something to paste');
my $out = '';
my $run = IPC::Run::run([ 'psql', '-X', '-d', $server->connstr('postgres') ], '<', \$sql, '>', \$out, '2>&1');
ok($run, 'psql goes on to the end');
# psql pads columns to the right; README does not.
$out =~ s/psql:<stdin>:\d+: //g;
s/[ \t]+$//mg for $out, @shown;
my $at = 0;
for my $answer (@shown)
{
	for my $part (split /\n\n/, $answer)
	{
		$part =~ s/\s+\z//;
		my $found = index $out, $part, $at;
		cmp_ok($found, '>=', 0, 'it answers: ' . (split /\n/, $part)[0]) or diag("in: $out");
		$at = $found + length $part if $found >= 0;
	}
}
my @errors = $out =~ /^ERROR: .*$/mg;
my @told = join("\n", @shown) =~ /^ERROR: .*$/mg;
is(join("\n", @errors), join("\n", @told), 'no error that is not shown');
done_testing();
