# A deployment that was interrupted is given up with mg_abort(), which leaves the schema as it was before, or says what it cannot undo before
# it begins; one that is applied is rolled back in steps. What closes the gates of mg_apply closes those of mg_deploy.
use strict;
use warnings FATAL => 'all';

use Deploying;
use Governed;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('undone', conf => [ preload(), 'max_worker_processes = 16', "lc_messages = 'C'", 'autovacuum = off' ]);
new_database($node, 'app');
$node->safe_psql('app', <<'SQL');
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT i, i % 10 FROM generate_series(1, 100) i;
CREATE TABLE part (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (10) TO (20) PARTITION BY LIST (b);
CREATE TABLE "part 2.1" PARTITION OF part2 FOR VALUES IN (1);
CREATE TABLE part22 PARTITION OF part2 FOR VALUES IN (2);
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE "ts 1" LOCATION '';
CREATE TYPE kept AS ENUM ('x');
CREATE ROLE other LOGIN;
SELECT mg_grant_right('other', 'apply');
SELECT mg_grant_right('other', 'approve:review');
SELECT mg_accept_drift('start');
SQL

sub dump_of
{
	my ($dump) = ('');
	IPC::Run::run([ 'pg_dump', '-s', '-N', 'mg', '-N', 'mg_archive', '-d', $node->connstr('app') ], '>', \$dump) or die "pg_dump: $?";
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	return $dump;
}

# Gives the lines in which the schema differs from how it was.
sub differences
{
	my ($old) = @_;
	my (%count, @lines);

	$count{$_}++ for split /\n/, dump_of();
	$count{$_}-- for split /\n/, $old;
	return join "\n", map { $count{$_} > 0 ? "+$_" : "-$_" } grep { $count{$_} && !/^--/ && $_ ne '' } sort keys %count;
}

# Deploys what fails in its last statement; the steps before stay.
sub half
{
	my ($name, $up, $down, %options) = @_;
	my $err = deployed($node, 'app', $name, "$up;\nVACUUM t;\nSELECT 1 / 0", $down, %options);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like($err, qr/ERROR:  22012: division by zero\nCONTEXT:.*migration "$name", up, line/s, "$name stops in its last step");
	return;
}

sub aborts
{
	my ($name, $before, $what) = @_;
	my $err = call_of($node, 'app', "CALL mg_abort('$name')");

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($err =~ /ERROR|WARNING/ ? $err : '', '', "$name is aborted: $what");
	is(differences($before), '', '  the schema is as before');
	no_drift($node, 'app', '  afterwards');
	is(one_of($node, 'app', "SELECT outcome FROM mg.runs WHERE migration = '$name' ORDER BY started_at DESC LIMIT 1"), 'aborted', '  on record');
	like(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = '$name'"), qr/^(pending|failed)$/, '  and pending again');
	return $err;
}

my $before = dump_of();
my $everything = <<'SQL';
CREATE SCHEMA made;
CREATE TABLE made."a ""table" (id serial PRIMARY KEY, v int CHECK (v > 0), w text);
CREATE TABLE other (id int GENERATED ALWAYS AS IDENTITY, t int REFERENCES t);
VACUUM t;
ALTER TABLE t ADD COLUMN c int, ADD CONSTRAINT positive CHECK (id > 0);
CREATE INDEX CONCURRENTLY ON t (c);
CREATE FUNCTION made.f(a int, b text[] DEFAULT '{}') RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION made.f(VARIADIC x numeric(10, 2)[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE made.p(INOUT a int) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION made.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "tr 1" BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION made.tr();
CREATE POLICY "pol 1" ON t USING (true);
CREATE RULE "rul 1" AS ON DELETE TO t WHERE false DO INSTEAD NOTHING;
CREATE TYPE made.mood AS ENUM ('a');
CREATE TYPE made.pair AS (a int, b made.mood);
CREATE TYPE made.span AS RANGE (subtype = float8);
CREATE DOMAIN made.d AS made.mood CHECK (VALUE <> 'a');
CREATE VIEW made.v AS SELECT id, c FROM t;
CREATE MATERIALIZED VIEW made.mv AS SELECT * FROM made.v WITH NO DATA;
CREATE UNIQUE INDEX mvi ON made.mv (id);
CREATE SEQUENCE made.s;
CREATE STATISTICS made.st ON id, a FROM t;
CREATE AGGREGATE made.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE AGGREGATE made.rows_of(*) (SFUNC = int8inc, STYPE = int8, INITCOND = 0);
CREATE FUNCTION made.eq(a made.pair, b made.pair) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR made.=== (LEFTARG = made.pair, RIGHTARG = made.pair, FUNCTION = made.eq);
CREATE FUNCTION made.as_int(made.pair) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE CAST (made.pair AS int) WITH FUNCTION made.as_int(made.pair);
CREATE TEXT SEARCH CONFIGURATION made.words (COPY = simple);
CREATE FOREIGN DATA WRAPPER wrap;
CREATE SERVER "serv er" FOREIGN DATA WRAPPER wrap;
CREATE FOREIGN TABLE made.far (a int) SERVER "serv er";
CREATE PUBLICATION pub FOR TABLE made.v_is_none
SQL
$everything =~ s/CREATE PUBLICATION pub FOR TABLE made.v_is_none\n/CREATE COLLATION made.coll FROM "C"/;
half('w1', $everything, undef);
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'w1'"), 'interrupted', 'it is called interrupted');
aborts('w1', $before, 'without a down script all that was made is dropped');
like(call_of($node, 'app', "CALL mg_abort('w1')"), qr/ERROR:  55000: no deployment of migration "w1" was interrupted/, 'there is nothing to give up then');

# With a down script, for what is not there is nothing to undo.
half('w2', "CREATE TABLE w2 (a int);\nALTER TABLE t ALTER COLUMN a SET NOT NULL;\nDROP TYPE kept", "CREATE TYPE kept AS ENUM ('x');\nDROP FUNCTION w2_f(int);\nALTER TABLE t ALTER COLUMN a DROP NOT NULL;\nDROP INDEX CONCURRENTLY w2_i;\nALTER TABLE w2 DROP COLUMN nothing;\nDROP TABLE w2");
like(aborts('w2', $before, 'by its down script'), qr/line 2 of the down script has nothing to undo.*line 4 of.*line 5 of/s, '  which passes over what is not there');

# Without one, what was changed or dropped cannot be undone.
half('w3', "CREATE TABLE w3 (a int);\nALTER TABLE t ALTER COLUMN a SET DEFAULT 1;\nDROP TYPE kept", undef);
my $err = call_of($node, 'app', "CALL mg_abort('w3')");
like($err, qr/ERROR:  55000: the deployment of migration "w3" cannot be undone without a down script\nDETAIL:  Its steps have changed table.*t.*dropped type (public\.)?kept/s, 'without a down script: refused');
is(one_of($node, 'app', "SELECT to_regclass('w3') IS NOT NULL, status FROM mg.status WHERE migration = 'w3'"), 't|interrupted', '  before anything was dropped');
is(one_of($node, 'app', "SELECT count(*) FROM mg.journal WHERE migration = 'w3' AND event = 'aborting'"), '0', '  nor is it being undone');
register_migration($node, 'app', 'w3', "CREATE TABLE w3 (a int);\nALTER TABLE t ALTER COLUMN a SET DEFAULT 1;\nDROP TYPE kept;\nVACUUM t;\nSELECT 1 / 0", "ALTER TABLE t ALTER COLUMN a DROP DEFAULT;\nCREATE TYPE kept AS ENUM ('x')");
aborts('w3', $before, 'with a down script that was handed in, and what it forgets is dropped');

# A new down script passes the gates.
half('w4', "CREATE TABLE w4 (a int)", undef);
$node->safe_psql('app', "SELECT mg_set_policy('required_approvals', 'review', 'test')");
register_migration($node, 'app', 'w4', "CREATE TABLE w4 (a int);\nVACUUM t;\nSELECT 1 / 0", "DROP TABLE w4");
like(call_of($node, 'app', "CALL mg_abort('w4')"), qr/ERROR:  MG407|migration "w4" is undone/, 'a new down script meets the gates');
$node->safe_psql('app', "SELECT mg_set_policy('required_approvals', NULL, 'test')");
call_of($node, 'app', "CALL mg_abort('w4')");
is(differences($before), '', '  and is aborted in the end');

# Something else stands on it; again after that is gone.
half('w5', "CREATE TABLE w5 (a int);\nCREATE TABLE w5b (a int)", undef);
$node->safe_psql('app', "CREATE VIEW on_w5 AS SELECT * FROM w5");
like(call_of($node, 'app', "CALL mg_abort('w5')"), qr/ERROR:  MG403: what the deployment of migration "w5" has made cannot all be dropped\nDETAIL:  Still there: table public\.w5\./, 'something stands on it: MG403');
is(one_of($node, 'app', "SELECT to_regclass('w5b') IS NULL, status FROM mg.status WHERE migration = 'w5'"), 't|interrupted', '  the rest is gone, and it is open');
like(call_of($node, 'app', "CALL mg_resume('w5')"), qr/ERROR:  55000: the deployment of migration "w5" is being undone\nHINT:  CALL mg_abort\('w5'\) goes on/, '  it cannot be resumed any more');
fails_with($node, 'app', $_, '55000', "  refused: $_") for "CALL mg_deploy('w5')", "SELECT mg_apply('w5')";
$node->safe_psql('app', 'DROP VIEW on_w5');
aborts('w5', $before, 'again, after the view is gone');

# Rights, cancel and locks while it is undone.
half('w6', "CREATE TABLE w6 (a int);\nCREATE TABLE w6b (a int)", undef);
$err = interrupted($node, 'app', "CALL mg_abort('w6', lock_timeout := '20s')", 'LOCK TABLE w6', "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'w6'::regclass)");
like($err, qr/ERROR:  57014: canceling statement due to user request/, 'cancelled while it drops');
is(one_of($node, 'app', "SELECT to_regclass('w6') IS NOT NULL, to_regclass('w6b') IS NOT NULL, status FROM mg.status WHERE migration = 'w6'"), 't|t|interrupted', '  it drops all or nothing');
my $other = session($node, 'app');
ask_session($other, 'BEGIN; LOCK TABLE w6');
my $caller = session($node, 'app');
say_to($caller, "CALL mg_abort('w6', lock_timeout := '100ms', retries := 8)");
is_true($node, 'app', "SELECT count(*) > 0 FROM mg.journal WHERE migration = 'w6' AND event = 'blocked' AND kind = 'inverse'");
ask_session($other, 'ROLLBACK');
end_session($other);
wait_for($caller);
like(end_session($caller), qr/NOTICE:  00000: the drop of what the steps have made: canceling statement due to lock timeout\nDETAIL:  In the way: pid \d+ \(postgres, psql, idle in transaction.*the deployment of migration "w6" is undone/s, 'a lock in the way: it is tried again');
is(differences($before), '', '  and undone');

half('w7', "CREATE TABLE w7 (a int);\nINSERT INTO w7 VALUES (1);\nINSERT INTO t VALUES (1000, 1)", undef);
like(call_of($node, 'app', "CALL mg_abort('w7')"), qr/WARNING:  01000: rows that the steps have written stay as they are/, 'rows stay, and it says so');
$node->safe_psql('app', 'DELETE FROM t WHERE id = 1000');

# Aborted migrations may be corrected and deployed.
register_migration($node, 'app', 'w7', "CREATE TABLE w7 (a int);\nVACUUM w7", "DROP TABLE w7");
unlike(call_of($node, 'app', "CALL mg_deploy('w7')"), qr/ERROR/, 'what was aborted may be corrected and deployed');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'w7'"), 'applied', '  applied');

# Verification and precondition.
$err = deployed($node, 'app', 'v1', "CREATE TABLE v1 (a int);\nVACUUM v1", 'DROP TABLE v1', arguments => ", 'SELECT count(*) = 1 FROM v1'");
like($err, qr/ERROR:  MG402: .*HINT:  The steps before it stay: correct what it complains of and CALL mg_resume\(\), or CALL mg_abort\(\)\./s, 'verification fails: it stays open');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'v1'"), 'interrupted', '  interrupted');
is(one_of($node, 'app', "SELECT outcome || ' ' || phase || ' ' || sqlstate FROM mg.runs WHERE migration = 'v1'"), 'failed verify MG402', '  on record');
$node->safe_psql('app', 'INSERT INTO v1 VALUES (1)');
unlike(call_of($node, 'app', "CALL mg_resume('v1')"), qr/ERROR/, '  resumed after the data is mended');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'v1'"), 'applied', '  applied');
like(deployed($node, 'app', 'v2', "CREATE TABLE v2 (a int);\nVACUUM v2", undef, arguments => ", precondition := 'SELECT false'"), qr/ERROR:  MG401/, 'precondition');
is(one_of($node, 'app', "SELECT count(*) FROM mg.journal WHERE migration = 'v2'"), '0', '  before anything has begun');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'v2'"), 'pending', '  pending still');
like(deployed($node, 'app', 'v3', 'SELECT 1', undef, arguments => ", requires := '{v2}'"), qr/ERROR:  MG006/, 'a requirement that is not applied');

# Deferred constraints hold at each COMMIT.
like(deployed($node, 'app', 'v4', "CREATE TABLE v4 (a int PRIMARY KEY, b int REFERENCES v4 DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO v4 VALUES (1, 2);\nVACUUM v4;\nINSERT INTO v4 VALUES (2, 1)", undef), qr/ERROR:  23503/, 'a deferred constraint stops the step');
is(one_of($node, 'app', "SELECT to_regclass('v4') IS NULL"), 't', '  of which nothing stays');
call_of($node, 'app', "CALL mg_abort('v4')");

# Gates.
for my $setting ("SELECT mg_set_policy('required_approvals', 'review', 'test')", "SELECT mg_set_policy('require_down', 'on', 'test')", "SELECT mg_set_policy('freeze', 'on', 'test')")
{
	my ($status) = run_sql($node, 'app', $setting);
	next if $status;
	register_migration($node, 'app', 'g1', "CREATE TABLE g1 (a int);\nVACUUM g1", undef);
	my ($apply) = call_of($node, 'app', "SELECT mg_apply('g0', 'CREATE TABLE g0 (a int)')");
	like($apply, qr/ERROR:  MG407/, "closed for mg_apply(): $setting");
	like(call_of($node, 'app', "CALL mg_deploy('g1')"), qr/ERROR:  MG407/, '  and for mg_deploy()');
	is(one_of($node, 'app', "SELECT count(*) FROM mg.journal WHERE migration = 'g1'"), '0', '  before anything has begun');
	my ($name) = $setting =~ /'(\w+)'/;
	$node->safe_psql('app', "SELECT mg_set_policy('$name', NULL, 'test')");
}
$node->safe_psql('app', "SELECT mg_set_policy('required_approvals', 'review', 'test')");
register_migration($node, 'app', 'g2', "CREATE TABLE g2 (a int);\nVACUUM g2;", "DROP TABLE g2");
works($node, 'app', "SELECT mg_approve('g2', 'review')", 'somebody approves', user => 'other');
unlike(call_of($node, 'app', "CALL mg_deploy('g2')"), qr/ERROR/, '  and the gate is open');
$node->safe_psql('app', "SELECT mg_set_policy('required_approvals', NULL, 'test')");

# All pending ones, in their order, up to the first that fails; what was rolled back is not pending.
$node->safe_psql('app', "CREATE DATABASE many");
$node->safe_psql('many', "CREATE EXTENSION migration_governance; SELECT mg_apply('m0', 'CREATE TABLE m0 (a int)', 'DROP TABLE m0'); SELECT mg_rollback('m0', 'not wanted'); SELECT mg_register('m4', 'CREATE TABLE m4 (a int)'); SELECT mg_register('m2', 'CREATE TABLE m2 (a int); VACUUM m2');"
	  . " SELECT mg_register('m1', 'CREATE TABLE m1 (a int)', requires := '{m2}'); SELECT mg_register('m3', 'SELECT 1 / 0', requires := '{m1}')");
like(call_of($node, 'many', 'CALL mg_deploy()'), qr/migration "m2" is deployed.*migration "m1" is deployed.*ERROR:  22012/s, 'all pending ones in their order');
is(one_of($node, 'many', "SELECT string_agg(migration || ' ' || status, ', ' ORDER BY migration) FROM mg.status"), 'm0 rolled back, m1 applied, m2 applied, m3 interrupted, m4 pending', '  up to the first that fails');
like(call_of($node, 'many', 'CALL mg_deploy()'), qr/ERROR:  55000: the deployment of migration "m3" was interrupted/, '  which has to be ended first');
unlike(call_of($node, 'many', "CALL mg_abort('m3')"), qr/ERROR/, '  aborted');
register_migration($node, 'many', 'm3', 'SELECT 1', undef, arguments => ", requires := '{m1}'");
unlike(call_of($node, 'many', 'CALL mg_deploy()'), qr/ERROR/, '  and corrected');
is(one_of($node, 'many', "SELECT string_agg(migration || ' ' || status, ', ' ORDER BY migration) FROM mg.status"), 'm0 rolled back, m1 applied, m2 applied, m3 applied, m4 applied', '  all are applied but the one that was rolled back');
like(call_of($node, 'many', 'CALL mg_deploy()'), qr/NOTICE:  00000: no migration is pending/, '  nothing is pending');

# Rolling back in steps.
$before = dump_of();
deployed($node, 'app', 'r1', "CREATE INDEX CONCURRENTLY r1_i ON t (a);\nALTER TABLE t ADD COLUMN r1 int", "ALTER TABLE t DROP COLUMN r1;\nDROP INDEX CONCURRENTLY r1_i");
like(call_of($node, 'app', "SELECT mg_rollback('r1', 'why')"), qr/ERROR:  0A000.*mg_deploy_rollback/s, 'mg_rollback() sends to mg_deploy_rollback()');
$node->safe_psql('app', "SELECT mg_set_policy('require_reason', 'on', 'test')");
like(call_of($node, 'app', "CALL mg_deploy_rollback('r1')"), qr/ERROR:  MG40[0-9]/, 'without the reason that the policy asks for');
$node->safe_psql('app', "SELECT mg_set_policy('require_reason', NULL, 'test')");
$err = interrupted($node, 'app', "CALL mg_deploy_rollback('r1', 'not wanted', lock_timeout := '20s')", 'SELECT count(*) FROM t; DECLARE c CURSOR FOR SELECT * FROM t ORDER BY a',
	"SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 't'::regclass)");
like($err, qr/57014.*/s, 'cancelled');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'r1'"), 'interrupted', '  interrupted');
like(call_of($node, 'app', "CALL mg_abort('r1')"), qr/ERROR:  55000: a rollback that was interrupted cannot be given up\nHINT:  CALL mg_resume\('r1'\) goes on where it has stopped\.\n/, '  it cannot be aborted');
unlike(call_of($node, 'app', "CALL mg_resume('r1')"), qr/ERROR|WARNING/, '  but resumed');
is(differences($before), '', '  and the schema is as before');
no_drift($node, 'app', '  afterwards');
is(one_of($node, 'app', "SELECT action || ' ' || outcome || ' ' || reason FROM mg.runs WHERE migration = 'r1' AND outcome = 'rolled back'"), 'roll back rolled back not wanted', '  on record with the reason');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'r1'"), 'rolled back', '  rolled back');
like(call_of($node, 'app', "CALL mg_deploy_rollback('r1', 'again')"), qr/ERROR:  MG406/, '  not again');
deployed($node, 'app', 'r2', "CREATE TABLE r2 (a int);\nVACUUM r2", "VACUUM t");
deployed($node, 'app', 'r3', "ALTER TABLE r2 ADD COLUMN b int", "ALTER TABLE r2 DROP COLUMN b", arguments => ", requires := '{r2}'");
like(call_of($node, 'app', "CALL mg_deploy_rollback('r2', 'why')"), qr/ERROR:  MG405/, 'something else requires it');
unlike(call_of($node, 'app', "CALL mg_deploy_rollback('r3', 'why')"), qr/ERROR/, '  which is rolled back first');
like(call_of($node, 'app', "CALL mg_deploy_rollback('r2', 'why')"), qr/ERROR:  MG403/, 'a down script that leaves something behind');
is(one_of($node, 'app', "SELECT status FROM mg.status WHERE migration = 'r2'"), 'interrupted', '  it stays open');
$node->safe_psql('app', 'DROP TABLE r2');
unlike(call_of($node, 'app', "CALL mg_resume('r2')"), qr/ERROR/, '  until that is gone');
deployed($node, 'app', 'r4', "CREATE TABLE r4 (a int)", undef);
like(call_of($node, 'app', "CALL mg_deploy_rollback('r4', 'why')"), qr/ERROR:  MG404/, 'without a down script');
like(call_of($node, 'app', "CALL mg_deploy_rollback('unknown', 'why')"), qr/ERROR:  MG40[46]|ERROR:  MG004/, 'not known');

# Indexes of partitioned tables.
$before = dump_of();
for my $case (
	[ 'p1', 'CREATE INDEX CONCURRENTLY p1 ON part (b)' ],
	[ 'p2', 'CREATE INDEX CONCURRENTLY ON part (b, a)' ],
	[ 'p3', 'CREATE UNIQUE INDEX CONCURRENTLY "p 3" ON public.part (a, b) INCLUDE (a) WITH (fillfactor = 70) TABLESPACE "ts 1"' ],
	[ 'p4', 'CREATE INDEX CONCURRENTLY p4 ON part USING btree ((a + b) DESC NULLS LAST, b int4_ops) INCLUDE (a) TABLESPACE "ts 1" WHERE a <> 3' ],
	[ 'p5', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS p1 ON part (b)' ])
{
	my ($name, $up) = @$case;
	$err = deployed($node, 'app', $name, $up, undef);
	is($err =~ /ERROR|WARNING/ ? $err : '', '', $up);
	no_drift($node, 'app', '  afterwards');
}
is(one_of($node, 'app', "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT indisvalid "), '0', 'all are valid');
is(one_of($node, 'app', "SELECT count(*) FROM pg_partition_tree('p1')"), '5', 'on all partitions');
my $definitions = <<'SQL';
SELECT string_agg(d, E'\n' ORDER BY d) FROM (SELECT substring(pg_get_indexdef(c.oid) FROM ' ON (?:ONLY )?public.*') || ' ' || c.reltablespace AS d FROM pg_class c
WHERE c.oid IN (SELECT relid FROM unnest(ARRAY['p1', 'p4', 'part_b_a_idx', '"p 3"']::regclass[]) r, pg_partition_tree(r))) x
SQL
my $twin = $node->safe_psql('app', $definitions);
$node->safe_psql('app', 'DROP INDEX p1, part_b_a_idx, "p 3", p4; CREATE INDEX p1 ON part (b); CREATE INDEX ON part (b, a); CREATE UNIQUE INDEX "p 3" ON public.part (a, b) INCLUDE (a) WITH (fillfactor = 70) TABLESPACE "ts 1"; CREATE INDEX p4 ON part USING btree ((a + b) DESC NULLS LAST, b int4_ops) INCLUDE (a) TABLESPACE "ts 1" WHERE a <> 3');
is($node->safe_psql('app', $definitions), $twin, 'they are those that the server makes itself');
$node->safe_psql('app', "DROP INDEX p1, part_b_a_idx, p4, \"p 3\"; SELECT mg_accept_drift('indexes')");

register_migration($node, 'app', 'p6', 'CREATE INDEX CONCURRENTLY p6 ON part (a)', undef);
$err = interrupted($node, 'app', "CALL mg_deploy('p6')", 'INSERT INTO "part 2.1" VALUES (10, 1)', "SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = '\"part 2.1\"'::regclass AND NOT indisvalid)");
like($err, qr/57014/, 'interrupted in a partition');
$node->safe_psql('app', "ALTER TABLE part2 DETACH PARTITION part22; CREATE TABLE part23 (a int, b int); ALTER TABLE part2 ATTACH PARTITION part23 FOR VALUES IN (3); CREATE INDEX somebody ON part (b)");
unlike(call_of($node, 'app', "CALL mg_resume('p6')"), qr/ERROR/, '  resumed, with other partitions');
is(one_of($node, 'app', "SELECT count(*) FROM pg_partition_tree('p6')"), '5', '  all of them have it');
is(one_of($node, 'app', "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), '0', '  all are valid');
is(one_of($node, 'app', "SELECT string_agg(o->>'identity', ', ' ORDER BY 1) FROM mg.runs r, jsonb_array_elements(r.objects) o WHERE r.migration = 'p6' AND o->>'identity' ~ 'somebody'"), '', '  and nobody else\'s is on record');
$node->safe_psql('app', "SELECT mg_accept_drift('partitions')");
$before = dump_of();
register_migration($node, 'app', 'p8', 'CREATE INDEX CONCURRENTLY p8 ON part (a)', undef);
$err = interrupted($node, 'app', "CALL mg_deploy('p8')", 'INSERT INTO "part 2.1" VALUES (10, 1)', "SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = '\"part 2.1\"'::regclass AND NOT indisvalid)");
aborts('p8', $before, 'an index that was half built on a partitioned table');

# DETACH, interrupted.
register_migration($node, 'app', 'd1', 'ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY', undef);
$err = interrupted($node, 'app', "CALL mg_deploy('d1')", 'SELECT * FROM part', "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhdetachpending)");
like($err, qr/57014/, 'DETACH interrupted');
unlike(call_of($node, 'app', "CALL mg_resume('d1')"), qr/ERROR/, '  resumed');
is(one_of($node, 'app', "SELECT count(*) FROM pg_inherits WHERE inhparent = 'part'::regclass"), '1', '  it is detached');
no_drift($node, 'app', '  afterwards');

# REINDEX, interrupted: also of TOAST tables and partitions.
$node->safe_psql('app', "CREATE TABLE long (a text); INSERT INTO long SELECT string_agg(md5(i::text), '') FROM generate_series(1, 10000) i; CREATE INDEX long_i ON long (left(a, 3)); SELECT mg_accept_drift('long')");
for my $case ([ 'x1', 'REINDEX TABLE CONCURRENTLY long', 'long' ], [ 'x2', 'REINDEX INDEX CONCURRENTLY long_i', 'long' ], [ 'x3', 'REINDEX TABLE CONCURRENTLY part', 'part23', 'ACCESS SHARE' ], [ 'x4', 'REINDEX SCHEMA CONCURRENTLY public', 'long' ])
{
	my ($name, $up, $table, $mode) = @$case;
	$mode //= 'ROW EXCLUSIVE';
	register_migration($node, 'app', $name, $up, undef);
	my $n = one_of($node, 'app', "SELECT count(*) FROM pg_index");
	$err = interrupted($node, 'app', "CALL mg_deploy('$name')", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; LOCK TABLE $table IN $mode MODE; SELECT 1", "SELECT EXISTS (SELECT FROM pg_class WHERE relname ~ '_ccnew')");
	like($err, qr/57014/, "$up interrupted");
	isnt(one_of($node, 'app', "SELECT count(*) FROM pg_index"), $n, '  it leaves something');
	unlike(call_of($node, 'app', "CALL mg_resume('$name')"), qr/ERROR/, '  resumed');
	is(one_of($node, 'app', "SELECT count(*) FROM pg_index"), $n, '  nothing is left');
	no_drift($node, 'app', '  afterwards');
}

# Records.
is($node->safe_psql('app', "SELECT DISTINCT check_name || ' ' || coalesce(object, '') || ' ' || coalesce(actual, '') FROM mg_verify() WHERE NOT ok AND migration IS NULL"), '', 'the records are whole');
like($node->safe_psql('app', "SELECT mg_doc('r1')"), qr/r1_i/, 'mg_doc() tells of them');
my $metrics = $node->safe_psql('app', 'SELECT mg_metrics()');
like($metrics, qr/^mg_migrations\{status="$_"\} \d+$/m, "mg_metrics() counts those that are $_") for 'deploying', 'interrupted';
like($metrics, qr/^mg_runs_total\{action="deploy",outcome="applied"\} [1-9]/m, '  and the runs');
my $exported = $node->safe_psql('app', 'SELECT count(*) FROM mg.journal');
new_database($node, 'copy');
$node->safe_psql('app', "COPY (SELECT mg_export()) TO '" . $node->basedir . "/export'");
$node->safe_psql('copy', "CREATE TEMP TABLE x (a jsonb); COPY x FROM '" . $node->basedir . "/export'; SELECT rows_taken FROM x, mg_import(a)");
is($node->safe_psql('copy', 'SELECT count(*) FROM mg.journal'), $exported, 'the journal is exported and imported');
is($node->safe_psql('copy', "SELECT string_agg(check_name || coalesce(object, ''), ', ') FROM mg_verify() WHERE NOT ok AND check_name ~ 'seal|hash|record|ledger'"), '', '  and whole there');

# A ledger that is restored while a deployment is open: OIDs on record mean nothing there, and rows are not changed twice.
$node->safe_psql('postgres', "CREATE DATABASE $_") for 'half', 'resumed', 'aborted';
$node->safe_psql('half', "CREATE EXTENSION migration_governance; CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i; SELECT mg_accept_drift('start')");
$err = deployed($node, 'half', 'z1', "CREATE TABLE z1 (a int);\nALTER TABLE t ADD COLUMN c int;\nALTER TABLE t ADD CONSTRAINT z_check CHECK (id > 0);\nVACUUM t;\nCREATE FUNCTION z1_f(a int) RETURNS int LANGUAGE sql AS 'SELECT a';\n"
	  . "ALTER TABLE z1 RENAME TO z1_new;\n-- mg:backfill batch_size=10\nUPDATE t SET a = a + 1 / (60 - id)", undef);
like($err, qr/ERROR:  22012/, 'half deployed, half backfilled');
my $dump = $node->basedir . '/half.dump';
IPC::Run::run([ 'pg_dump', '-Fc', '-d', $node->connstr('half'), '-f', $dump ]) or die "pg_dump: $?";
for my $database ('resumed', 'aborted')
{
	IPC::Run::run([ 'pg_restore', '-d', $node->connstr($database), $dump ]) or die "pg_restore: $?";
	is(one_of($node, $database, "SELECT migration || ' ' || status FROM mg.status"), 'z1 interrupted', "restored: it is interrupted");
	is(one_of($node, $database, 'SELECT state FROM mg.progress'), 'interrupted', '  mg.progress says so too');
}
$node->safe_psql('resumed', 'UPDATE t SET id = 1060 WHERE id = 60');
unlike(call_of($node, 'resumed', "CALL mg_resume('z1')"), qr/ERROR/, 'resumed where it was restored');
is(one_of($node, 'resumed', "SELECT status FROM mg.status"), 'applied', '  applied');
is(one_of($node, 'resumed', 'SELECT count(*) FROM mg.progress'), '0', '  nothing is open');
is(one_of($node, 'resumed', "SELECT count(*) FROM mg.journal WHERE event = 'batch' AND details->>'batch' = '1'"), '2', '  the first batch was taken over');
is(one_of($node, 'resumed', "SELECT string_agg(o->>'identity', ', ' ORDER BY o->>'identity') FROM mg.runs r, jsonb_array_elements(r.objects) o WHERE outcome = 'applied' AND o->>'change' = 'created'"), 'public.z1_f(integer), public.z1_new', '  what it made is on record');
no_drift($node, 'resumed', '  afterwards');
unlike(call_of($node, 'aborted', "CALL mg_abort('z1')"), qr/ERROR/, 'aborted where it was restored');
is(one_of($node, 'aborted', "SELECT concat_ws(' ', to_regclass('z1'), to_regclass('z1_new'), to_regprocedure('z1_f(int)'), (SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c'), (SELECT count(*) FROM pg_constraint WHERE conname = 'z_check'))"),
	'0 0', '  nothing of it is left');
like(one_of($node, 'aborted', "SELECT status FROM mg.status"), qr/^(pending|failed)$/, '  it is pending again');
$node->stop;
done_testing();
