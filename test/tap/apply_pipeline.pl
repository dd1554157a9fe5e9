# mg_apply over the extended protocol and in a pipeline, where one implicit transaction but no transaction block exists.
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

my $server = new_cluster('pipeline', conf => [ preload() ]);
new_database($server, 'app');

my ($ok, $output) = pgbench_script($server, 'app', <<'EOS');
SELECT mg_apply('single', 'CREATE TABLE single (i int); LOCK TABLE single', 'DROP TABLE single');
EOS
ok($ok && $output !~ /ERROR/, 'the extended protocol applies') or diag $output;

($ok, $output) = pgbench_script($server, 'app', <<'EOS');
\startpipeline
SELECT mg_apply('first', 'CREATE TABLE piped (i int); LOCK TABLE piped', 'DROP TABLE piped');
SELECT mg_apply('second', 'ALTER TABLE piped ADD COLUMN j int', 'ALTER TABLE piped DROP COLUMN j');
\endpipeline
EOS
ok($ok && $output !~ /ERROR/, 'a pipeline applies two migrations') or diag $output;
is($server->safe_psql('app', 'SELECT string_agg(migration_name, \' \' ORDER BY id) FROM mg.history'),
	'single first second', 'all three are in the history');
is($server->safe_psql('app', 'SELECT migration, tag, nested FROM mg.statements WHERE migration IS NOT NULL'),
	"single|CREATE TABLE|f\nfirst|CREATE TABLE|f\nsecond|ALTER TABLE|f", 'and their statements on record, once');

($ok, $output) = pgbench_script($server, 'app', <<'EOS');
\startpipeline
SELECT mg_apply('good', 'CREATE TABLE good (i int)', 'DROP TABLE good');
SELECT mg_apply('bad', 'ALTER TABLE good ADD COLUMN i int');
\endpipeline
EOS
like($output, qr/column "i" of relation "good" already exists/, 'a pipeline that fails says why');
is($server->safe_psql('app', "SELECT to_regclass('good') IS NULL, is_applied FROM (SELECT count(*) AS is_applied FROM mg.applied WHERE migration = 'good') a"),
	't|0', 'and undoes what its earlier members applied');
is($server->safe_psql('app', "SELECT migration, outcome, sqlstate FROM mg.runs WHERE outcome = 'failed'"),
	'bad|failed|42701', 'but the failed attempt stays on record');

done_testing();
