# The linter waits for nobody: with every table locked by another session, each case of each rule is judged at once; and it locks nothing
# that another session would wait for.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__) . '/lib';
use Governed;
use LintCases;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = new_cluster('waits', conf => [ preload(), 'autovacuum = off' ]);

for my $name (case_files())
{
	load_cases($node, $name);
	my $other = $node->background_psql($name);
	$other->query_safe(<<'SQL');
BEGIN;
SELECT string_agg(format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', oid::regclass), '; ') AS everything FROM pg_class
WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND relnamespace <> ALL (ARRAY['pg_catalog'::regnamespace, 'mg'::regnamespace, 't'::regnamespace, 'information_schema'::regnamespace]) \gset
:everything;
SQL
	my ($code, $out, $err) = $node->psql($name, <<'SQL');
SET statement_timeout = '60s'; SET lock_timeout = '2s';
BEGIN;
SELECT c.id, count(*) FROM t.lint_case c, mg_lint(c.script) GROUP BY 1 ORDER BY 1;
SELECT 'locked: ' || relation::regclass || ' ' || mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384
	AND relation <> ALL (SELECT oid FROM pg_class WHERE relnamespace IN ('mg'::regnamespace, 't'::regnamespace)) AND mode <> 'AccessShareLock';
SQL
	is($code, 0, "$name: every case is judged while another session has all tables") or diag($err);
	unlike($out, qr/locked:/, "$name: and none is locked");
	$other->quit;
}
done_testing();
