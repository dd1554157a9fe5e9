# mg_abort() runs a whole down script though only some steps of the up script are done: what others have made, or what the steps have not come
# to, is neither dropped nor made again; what the steps have dropped comes back with its rows.
use strict;
use warnings FATAL => 'all';

use Deploying;
use Governed;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('abandoned', conf => [ preload(), 'max_worker_processes = 16', "lc_messages = 'C'", 'autovacuum = off' ]);
new_database($node, 'app');
$node->safe_psql('app', <<'SQL');
CREATE TABLE t (id int PRIMARY KEY, a int, "B ""b" int, CONSTRAINT theirs_check CHECK (id > 0));
INSERT INTO t SELECT i, i, i FROM generate_series(1, 100) i;
CREATE TABLE theirs (a int);
INSERT INTO theirs VALUES (1), (2);
CREATE INDEX theirs_i ON t (a);
CREATE FUNCTION theirs_f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW theirs_v AS SELECT 1 AS one;
CREATE FUNCTION theirs_t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "theirs t" BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION theirs_t();
CREATE POLICY theirs_p ON t USING (true);
CREATE DOMAIN theirs_d AS int CONSTRAINT theirs_dc CHECK (VALUE > 0);
CREATE TABLE victim (id int PRIMARY KEY, a text);
INSERT INTO victim SELECT i, 'row ' || i FROM generate_series(1, 50) i;
SELECT mg_accept_drift('start');
SQL

sub dump_of
{
	my ($dump) = ('');
	IPC::Run::run([ 'pg_dump', '-N', 'mg', '-N', 'mg_archive', '-d', $node->connstr('app') ], '>', \$dump) or die "pg_dump: $?";
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	return join "\n", sort grep { !/^--/ && $_ ne '' } split /\n/, $dump;
}

# Deploys, and gives what mg_abort() says then.
sub aborted
{
	my ($name, $up, $down) = @_;
	my $err = deployed($node, 'app', $name, $up, $down);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like($err, qr/ERROR: /, "$name stops");
	return call_of($node, 'app', "CALL mg_abort('$name')");
}

my $before = dump_of();

# What the up script could not make, for somebody else has it, the down script does not drop.
my @theirs = (
	[ 'table', 'CREATE TABLE theirs (b int)', 'DROP TABLE theirs', 'table public.theirs' ],
	[ 'column', 'ALTER TABLE t ADD COLUMN a int', 'ALTER TABLE t DROP COLUMN a', 'table column public.t.a' ],
	[ 'quoted', 'ALTER TABLE t ADD COLUMN "B ""b" int', 'ALTER TABLE t DROP COLUMN "B ""b"', 'table column public.t."B ""b"' ],
	[ 'constraint', 'ALTER TABLE t ADD CONSTRAINT theirs_check CHECK (a > 0)', 'ALTER TABLE t DROP CONSTRAINT theirs_check', 'table constraint theirs_check on public.t' ],
	[ 'index', 'CREATE INDEX theirs_i ON t (id)', 'DROP INDEX theirs_i', 'index public.theirs_i' ],
	[ 'index2', 'CREATE INDEX CONCURRENTLY theirs_i ON t (id)', 'DROP INDEX CONCURRENTLY theirs_i', 'index public.theirs_i' ],
	[ 'function', 'CREATE FUNCTION theirs_f() RETURNS int LANGUAGE sql AS \'SELECT 2\'', 'DROP FUNCTION theirs_f()', 'function public.theirs_f()' ],
	[ 'view', 'CREATE VIEW theirs_v AS SELECT 2', 'DROP VIEW IF EXISTS theirs_v', 'view public.theirs_v' ],
	[ 'trigger', 'CREATE TRIGGER "theirs t" AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION theirs_t()', 'DROP TRIGGER "theirs t" ON t', 'trigger "theirs t" on public.t' ],
	[ 'policy', 'CREATE POLICY theirs_p ON t USING (false)', 'DROP POLICY theirs_p ON t', 'policy theirs_p on public.t' ],
	[ 'domain', 'ALTER DOMAIN theirs_d ADD CONSTRAINT theirs_dc CHECK (VALUE < 9)', 'ALTER DOMAIN theirs_d DROP CONSTRAINT theirs_dc', 'domain constraint theirs_dc on public.theirs_d' ],
	[ 'block', 'CREATE TABLE theirs (b int)', 'DO $$ BEGIN DROP TABLE theirs; END $$', 'table public.theirs' ],
	[ 'several', 'CREATE TABLE theirs (b int)', 'DROP TABLE own_several, theirs', 'table public.theirs' ]);
for my $case (@theirs)
{
	my ($name, $up, $down, $what) = @$case;
	my $err = aborted($name, "CREATE TABLE own_$name (a int);\nVACUUM t;\n$up", "$down;\nDROP TABLE own_$name");

	like($err, qr/NOTICE:  00000: line 1 of the down script has nothing to undo: \Q$what\E is not what the deployment has made\n/, '  and does not drop what somebody else has made');
	like($err, qr/migration "$name" is undone/, '  when it is undone');
	is(dump_of(), $before, '  all is as before, with its rows');
	no_drift($node, 'app', '  no drift');
}
is(one_of($node, 'app', 'SELECT count(*) FROM mg.archives'), '0', 'nothing was kept, as nothing was lost');

# What others have made under the name of what a step had made, and they have dropped.
register_migration($node, 'app', 'again', "CREATE TABLE again (a int);\nVACUUM t;\nSELECT 1 / 0", 'DROP TABLE again');
call_of($node, 'app', "CALL mg_deploy('again')");
$node->safe_psql('app', 'DROP TABLE again; CREATE TABLE again (somebody int); INSERT INTO again VALUES (7)');
like(call_of($node, 'app', "CALL mg_abort('again')"), qr/table public.again is not what the deployment has made.*is undone/s, 'the table that somebody has made since under the same name stays');
is(one_of($node, 'app', 'SELECT somebody FROM again'), '7', '  with its rows');
$node->safe_psql('app', "DROP TABLE again; SELECT mg_accept_drift('again')");

# What a statement touches that is passed over is as it was: also where it had drifted.
$node->safe_psql('app', 'ALTER TABLE theirs ADD COLUMN drifted int');
aborted('drifting', "CREATE TABLE own_drifting (a int);\nVACUUM t;\nCREATE TABLE theirs (b int)", "DROP TABLE theirs;\nDROP TABLE own_drifting");
is(one_of($node, 'app', "SELECT objects FROM mg.runs WHERE migration = 'drifting' AND action = 'abort'"), '[]', 'what was passed over is not on record as changed');
is(one_of($node, 'app', 'SELECT string_agg(identity, \' \') FROM mg_drift_report()'), 'public.theirs.drifted', '  and what had drifted is drift still');
$node->safe_psql('app', "ALTER TABLE theirs DROP COLUMN drifted; SELECT mg_accept_drift('drifted')");
$before = dump_of();

# What the steps have not come to.
my $err = aborted('early', "CREATE TABLE early (a int);\nVACUUM t;\nSELECT 1 / 0;\nDROP TABLE victim;\nALTER TABLE t DROP COLUMN a",
	"ALTER TABLE t ADD COLUMN a int;\nCREATE TABLE victim (id int PRIMARY KEY, a text);\nDROP TABLE early");
like($err, qr/line 1 of the down script has nothing to undo: column "a" of relation "t" already exists.*line 2 of .* relation "victim" already exists.*is undone/s, 'what no step has dropped is not made again');
is(dump_of(), $before, '  all is as before, with its rows');

# What they have come to.
$err = aborted('late', "DROP TABLE victim;\nALTER TABLE t DROP COLUMN a;\nVACUUM t;\nSELECT 1 / 0", "ALTER TABLE t ADD COLUMN a int;\nCREATE INDEX theirs_i ON t (a);\nCREATE TABLE victim (id int PRIMARY KEY, a text)");
like($err, qr/is undone/, 'what they have dropped comes back');
unlike($err, qr/nothing to undo|WARNING/, '  all of it');
is(one_of($node, 'app', "SELECT (SELECT count(*) FROM victim WHERE a = 'row ' || id), (SELECT count(*) FROM t WHERE a = id)"), '50|100', '  with its rows');
$before = dump_of();
no_drift($node, 'app', '  no drift');

# One is dropped, the other is not.
$node->safe_psql('app', "CREATE TABLE victim2 (a int); INSERT INTO victim2 VALUES (1); SELECT mg_accept_drift('victim2')");
$before = dump_of();
$err = aborted('between', "DROP TABLE victim;\nVACUUM t;\nSELECT 1 / 0;\nDROP TABLE victim2", "CREATE TABLE victim2 (a int);\nCREATE TABLE victim (id int PRIMARY KEY, a text)");
like($err, qr/ERROR:  42P07/, 'between two of like names: it does not guess');
register_migration($node, 'app', 'between', "DROP TABLE victim;\nVACUUM t;\nSELECT 1 / 0;\nDROP TABLE victim2", "CREATE TABLE IF NOT EXISTS victim2 (a int);\nCREATE TABLE victim (id int PRIMARY KEY, a text)");
like(call_of($node, 'app', "CALL mg_abort('between')"), qr/is undone/, '  until the down script says so');
is(dump_of(), $before, '  all is as before, with its rows');

# Somebody else has taken the name of what is gone: it is not passed over.
$err = deployed($node, 'app', 'taken', "DROP TABLE victim;\nVACUUM t;\nSELECT 1 / 0", 'CREATE TABLE victim (id int PRIMARY KEY, a text)');
$node->safe_psql('app', 'CREATE TABLE victim (somebody int)');
like(call_of($node, 'app', "CALL mg_abort('taken')"), qr/ERROR:  42P07: relation "victim" already exists/, 'the name of what is gone is taken: an error');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'taken'"), 'interrupted', '  it stays open');
$node->safe_psql('app', 'DROP TABLE victim');
like(call_of($node, 'app', "CALL mg_abort('taken')"), qr/is undone/, '  until that is gone');
is(dump_of(), $before, '  all is as before, with its rows');

# What the server calls an object of its own, but nobody drops by name.
$err = aborted('parts', "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1, ALTER COLUMN a SET NOT NULL;\nALTER DOMAIN theirs_d SET NOT NULL;\nCREATE PUBLICATION parts FOR TABLE t;\nGRANT SELECT ON t TO PUBLIC;\nALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;\nVACUUM t;\nSELECT 1 / 0",
	"ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC;\nREVOKE SELECT ON t FROM PUBLIC;\nALTER PUBLICATION parts DROP TABLE t;\nDROP PUBLICATION parts;\nALTER DOMAIN theirs_d DROP NOT NULL;\nALTER TABLE t ALTER COLUMN a DROP DEFAULT, ALTER COLUMN a DROP NOT NULL");
unlike($err, qr/nothing to undo|ERROR|WARNING/, 'what nobody drops by name goes back');
is(dump_of(), $before, '  all is as before');
no_drift($node, 'app', '  no drift');

# The down script's own tools.
$err = aborted('tools', "CREATE TABLE tools (a int);\nALTER TABLE t ADD COLUMN tools int;\nVACUUM t;\nSELECT 1 / 0",
	"CREATE TABLE helper (a int);\nVACUUM helper;\nCREATE TABLE helper2 (a int);\nALTER TABLE t ADD COLUMN helper int;\nALTER TABLE t DROP COLUMN helper;\nDROP TABLE helper2, helper;\nALTER TABLE t DROP COLUMN tools;\nDROP TABLE tools");
unlike($err, qr/nothing to undo|ERROR|WARNING/, 'what the down script makes for itself it may drop');
is(dump_of(), $before, '  all is as before');
no_drift($node, 'app', '  no drift');
$node->stop;
done_testing();
