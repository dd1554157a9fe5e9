# mg_verify() beside other sessions: it waits for no lock, tells builds that run from builds that failed, and reads on a standby.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Governed;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $server = new_cluster('integrity', conf => [ preload() ], streaming => 1);
new_database($server, 'app');
$server->safe_psql('app', <<'SQL');
CREATE TABLE parent (id serial PRIMARY KEY);
CREATE TABLE child (id int REFERENCES parent, word text);
CREATE FUNCTION counts() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM child';
CREATE UNLOGGED TABLE fleeting (id serial PRIMARY KEY, up int REFERENCES fleeting);
INSERT INTO parent DEFAULT VALUES;
INSERT INTO child VALUES (1, 'twice'), (1, 'twice');
SQL

# What mg_verify() does not call right, a line each.
sub doubts
{
	my ($node) = @_;
	return $node->safe_psql('app', "SELECT object || ' ' || coalesce(ok::text, 'unknown') || ' ' || actual FROM mg_verify() WHERE ok IS DISTINCT FROM true ORDER BY 1");
}
is(doubts($server), '', 'all is well at first');

# Somebody keeps a table to himself.
my $locker = $server->background_psql('app');
$locker->query_safe('BEGIN; LOCK TABLE child IN ACCESS EXCLUSIVE MODE');
my $begin = time;
is(doubts($server), "function public.counts() unknown skipped: locked\ntable constraint child_id_fkey on public.child unknown skipped: locked",
	'a table that is locked is skipped');
cmp_ok(time - $begin, '<', 4, 'and not waited for');
$locker->query_safe('ROLLBACK');
is(doubts($server), '', 'later it is looked at again');

# An index that is being built, which takes until the last older transaction ends.
$locker->query_safe(q(BEGIN; INSERT INTO child VALUES (1, 'once')));
my ($out, $err) = ('', '');
my $builder = IPC::Run::start([ 'psql', '-X', '-d', $server->connstr('app'), '-c', 'CREATE INDEX CONCURRENTLY child_id ON child (id)' ],
	'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
$server->poll_query_until('app', "SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE phase ~ '^waiting'");
my $found = "SELECT ok, actual FROM mg_verify() WHERE object = 'index public.child_id'";
like($server->safe_psql('app', $found), qr/^t\|being built now, by pid [0-9]+$/, 'an index that is being built is told, and is no fault');
$server->safe_psql('app', 'SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index');
$builder->finish;
$locker->query_safe('ROLLBACK');
$locker->quit;
is($server->safe_psql('app', $found), 'f|half built, and not kept up to date: drop it or build it again', 'one that was given up is');
fails_with($server, 'app', 'CREATE UNIQUE INDEX CONCURRENTLY child_word ON child (word)', '23505', 'a unique index that cannot be');
is($server->safe_psql('app', "SELECT ok, actual FROM mg_verify() WHERE object = 'index public.child_word'"),
	'f|half built, and not kept up to date: drop it or build it again', 'is left behind, and found');
$server->safe_psql('app', 'DROP INDEX child_id, child_word');

# A statement that is cancelled ends it all: that is no finding.
$locker = $server->background_psql('app');
$locker->query_safe('BEGIN; LOCK TABLE child IN ACCESS EXCLUSIVE MODE');
fails_with($server, 'app', "SET statement_timeout = '50ms'; SELECT * FROM mg_verify()", '57014', 'statement_timeout ends it');
$locker->query_safe('ROLLBACK');
$locker->quit;

# The same on a standby, but for what has no rows there.
$server->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('integrity_standby');
$standby->init_from_backup($server, 'backup', has_streaming => 1);
$standby->start;
$server->safe_psql('app', 'SET session_replication_role = replica; INSERT INTO child VALUES (2)');
$server->wait_for_catchup($standby, 'replay', $server->lsn('insert'));
is(doubts($server), 'table constraint child_id_fkey on public.child false 1 row without: (id) = (2)', 'a row on the primary');
is(doubts($standby), "sequence public.fleeting_id_seq unknown skipped: cannot access temporary or unlogged relations during recovery\n"
	  . "table constraint child_id_fkey on public.child false 1 row without: (id) = (2)\n"
	  . 'table constraint fleeting_up_fkey on public.fleeting unknown skipped: cannot access temporary or unlogged relations during recovery',
	'and on the standby');
$standby->stop;
$server->stop;

done_testing();
