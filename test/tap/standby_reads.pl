# On a streaming standby everything that reads works, and everything that writes is refused with 25006.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "shared_preload_libraries = 'migration_governance'");
$primary->start;
$primary->safe_psql('postgres', 'CREATE ROLE owner LOGIN');
$primary->safe_psql('postgres', 'CREATE DATABASE app OWNER owner');
$primary->safe_psql('app', <<'SQL');
CREATE EXTENSION migration_governance;
SELECT mg_apply('0001_a', 'CREATE TABLE a (id int PRIMARY KEY)', 'DROP TABLE a', 'SELECT count(*) = 0 FROM a');
SELECT mg_apply('0002_b', 'CREATE TABLE b (id int)', 'DROP TABLE b');
SELECT mg_rollback('0002_b', 'not wanted');
DO $$ BEGIN PERFORM mg_apply('0003_c', 'SELECT 1 / 0'); EXCEPTION WHEN division_by_zero THEN END $$;
SELECT mg_register('0004_d', 'CREATE TABLE d (id int)', 'DROP TABLE d');
CREATE TABLE by_hand (id int);
SQL
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

sub catch_up
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	return;
}
catch_up();

# The same on both servers.
my %reads = (
	(map { ("mg.$_" => "SELECT * FROM mg.$_") } qw(history status runs statements applied last_run newest_registration record policy seal current journal progress)),
	'mg_parse' => "SELECT * FROM mg_parse('CREATE TABLE x (id int); SELECT 1')",
	'mg_fingerprint' => 'SELECT mg_fingerprint()',
	'mg_snapshot' => 'SELECT md5(mg_snapshot()::text)',
	'mg_policy' => 'SELECT * FROM mg_policy()',
	'mg_break_glass_report' => 'SELECT * FROM mg_break_glass_report()',
	'mg_drift_report' => 'SELECT * FROM mg_drift_report()',
	'mg_drift_report of a snapshot' => q{SELECT * FROM mg_drift_report((SELECT s #- '{objects,table,public.a}' FROM mg_snapshot() s))},
	'mg_has_no_drift' => 'SELECT mg_has_no_drift()',
	'mg_export' => 'SELECT md5(mg_export()::text)',
	'mg_template' => "SELECT name ~ 'thing', up <> '' FROM mg_template('create', 'thing')",
	'the objects and the ledger in mg_verify' => "SELECT * FROM mg_verify() WHERE check_name <> 'ledger unsealed'",
	'mg_verify of one' => "SELECT * FROM mg_verify('0001_a')");
for my $read (sort keys %reads)
{
	$primary->safe_psql('app', 'SELECT mg_seal()');
	my $wanted = $primary->safe_psql('app', $reads{$read});
	catch_up();
	my ($status, $out, $err) = $standby->psql('app', $reads{$read});
	is("$status: $out$err", "0: $wanted", "$read reads on the standby as on the primary");
}
my ($status, $out, $err) = $standby->psql('app', 'SELECT aspect, ok FROM mg_status()');
is("$status$err", '0', 'mg_status() works on the standby');
like($out, qr/^installation\|t$/m, 'and knows the installation');
($status, $out, $err) = $standby->psql('app', 'SELECT count(*) FROM mg_verify() WHERE NOT ok', extra_params => [ '-U', 'owner' ]);
is("$status$err", '0', 'the owner of the database verifies there') or diag($err);
($status, $out, $err) = $standby->psql('app', 'BEGIN READ ONLY; SELECT count(*) FROM mg_verify(); SELECT count(*) FROM mg_status(); COMMIT');
is("$status$err", '0', 'and in a read-only transaction');
is($standby->safe_psql('app', 'SELECT kind, identity, application, statement FROM mg_drift_report()'),
	"unexpected|public.by_hand|standby_reads.pl|CREATE TABLE by_hand (id int)", 'what was done by hand is reported on the standby, with its statement');
is($primary->safe_psql('app', 'BEGIN READ ONLY; SELECT count(*) FROM mg_drift_report(); COMMIT'), '1', 'and in a read-only transaction of the primary');

($status, $out, $err) = $standby->psql('app', "\\set VERBOSITY verbose\nSELECT mg_rehearse('CREATE TABLE e (id int)', 'DROP TABLE e')");
like($err, qr/ERROR:  25006:/, 'nothing is rehearsed on a standby');

my %writes = (
	'mg_break_glass' => "SELECT mg_break_glass('fire')",
	'mg_end_break_glass' => 'SELECT mg_end_break_glass()',
	'mg_apply' => "SELECT mg_apply('0005_e', 'CREATE TABLE e (id int)')",
	'mg_apply of a registered one' => "SELECT mg_apply('0004_d')",
	'mg_apply of an applied one' => "SELECT mg_apply('0001_a', 'CREATE TABLE a (id int PRIMARY KEY)')",
	'mg_register' => "SELECT mg_register('0005_e', 'CREATE TABLE e (id int)')",
	'mg_rollback' => "SELECT mg_rollback('0001_a')",
	'mg_rollback without a name' => 'SELECT mg_rollback()',
	'mg_rollback_to' => "SELECT mg_rollback_to('0001_a')",
	'mg_set_policy' => "SELECT mg_set_policy('naming', 'sequence', 'why')",
	'mg_import' => q(SELECT mg_import(jsonb_set(mg_export(), '{installation,0,installation}', '"00000000-0000-0000-0000-000000000000"'))),
	'mg_seal' => 'SELECT mg_seal()',
	'DDL by hand' => 'CREATE TABLE e (id int)');
for my $write (sort keys %writes)
{
	next if $write eq 'mg_seal';
	($status, $out, $err) = $standby->psql('app', "\\set VERBOSITY verbose\n$writes{$write}");
	like($err, qr/ERROR:  25006:/, "$write is refused on the standby with 25006");
}
for my $call ("mg_deploy('0004_d')", 'mg_deploy()', "mg_resume('0004_d')", "mg_abort('0004_d')", "mg_deploy_rollback('0001_a', 'why')", "mg_backfill('a', 'id = 1')")
{
	($status, $out, $err) = $standby->psql('app', "\\set VERBOSITY verbose\nCALL $call");
	like($err, qr/ERROR:  25006:/, "$call is refused on the standby with 25006");
}
# Nothing can be sealed there; the head is told all the same.
($status, $out, $err) = $standby->psql('app', 'SELECT mg_seal()');
is("$status: $out", '0: ' . $primary->safe_psql('app', "SELECT value FROM mg_status() WHERE aspect = 'ledger head'"), 'mg_seal() tells the head on the standby');

for my $write (sort keys %writes)
{
	next if $write eq 'mg_seal';
	($status, $out, $err) = $primary->psql('app', "\\set VERBOSITY verbose\nBEGIN READ ONLY;\n$writes{$write};\nCOMMIT;");
	like($err, qr/ERROR:  25006:/, "$write is refused in a read-only transaction with 25006");
}

is($primary->safe_psql('app', "SELECT count(*) FROM mg.policy_event WHERE setting = 'naming'"), '0', 'and nothing of that is kept');

# What happens on the primary arrives, also in a session of the standby that knows the ledger already.
$primary->safe_psql('app', "SELECT mg_apply('0006_f', 'CREATE TABLE f (id int)', 'DROP TABLE f')");
catch_up();
is($standby->safe_psql('app', "SELECT status FROM mg.status WHERE migration = '0006_f'"), 'applied', 'a new migration shows on the standby');

# The standby becomes the primary.
$primary->stop('immediate');
$standby->promote;
is($standby->safe_psql('app', "SELECT ok FROM mg_status() WHERE aspect = 'installation'"), 't', 'after promotion it is the same installation');
is($standby->safe_psql('app', "SELECT status FROM mg_apply('0007_g', 'CREATE TABLE g (id int)', 'DROP TABLE g')"), 'applied', 'after promotion migrations apply');
is($standby->safe_psql('app', "SELECT migration, status FROM mg_rollback('0006_f')"), '0006_f|rolled back', 'and roll back');
($status, $out, $err) = $standby->psql('app', "SELECT mg_apply('0008_h', 'SELECT 1 / 0')");
unlike($err, qr/WARNING/, 'failures are recorded');
is($standby->safe_psql('app', "SELECT string_agg(concat_ws(' ', check_name, object, expected, actual), '; ') FROM mg_verify() WHERE NOT ok"), '', 'and all verifies');
is($standby->safe_psql('app', 'SELECT count(*) - count(DISTINCT id) FROM mg.record'), '0', 'no number is given twice');
$standby->stop;

done_testing();
