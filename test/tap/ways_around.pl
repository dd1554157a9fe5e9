# Ways around the gates that are closed: for who may apply but not approve, who owns what he should not change, who lends his functions to
# others, and for scripts that would say themselves what only people may say.
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

my $server = new_cluster('ways', conf => [ preload(), 'max_prepared_transactions = 5' ]);
$server->safe_psql('postgres', "CREATE ROLE $_ LOGIN") for 'boss', 'ann', 'bob', 'dan', 'eve';
$server->safe_psql('postgres', 'CREATE DATABASE app OWNER boss; CREATE DATABASE other OWNER boss');
$server->safe_psql($_, 'CREATE EXTENSION migration_governance') for 'app', 'other';
$server->safe_psql('app', 'GRANT CREATE ON SCHEMA public TO ann, boss; CREATE ROLE anon; CREATE SCHEMA auth AUTHORIZATION ann; CREATE TABLE kept (i int); INSERT INTO kept VALUES (1); ALTER TABLE kept OWNER TO ann; SET ROLE ann; CREATE TABLE auth.users (i int)');
works($server, 'app', "SELECT mg_set_environment('production'); SELECT mg_grant_right('ann', 'apply'); SELECT mg_grant_right('bob', 'approve:review'); SELECT mg_grant_right('dan', 'approve:review'); SELECT mg_grant_right('dan', 'approve:security'); SELECT mg_grant_right('dan', 'approve:promotion');"
	  . "SELECT mg_set_policy('required_approvals', 'review, security', 'four eyes', 'production')", 'the owner sets it up', user => 'boss');

sub held_back
{
	my ($sql, $what, %options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	fails_with($server, 'app', $sql, 'MG407', $what, user => 'ann', %options);
	return;
}
sub register
{
	my ($name, $up, $down) = @_;
	works($server, 'app', "SELECT mg_register('$name', \$up\$$up\$up\$, \$down\$" . ($down // "DROP TABLE IF EXISTS $name") . '$down$)', "ann registers $name", user => 'ann');
	return;
}
sub approve
{
	my ($name, $user, $kind) = @_;
	$kind //= 'review';
	works($server, 'app', "SELECT mg_approve('$name', '$kind')", "$user approves of $name ($kind)", user => $user);
	return;
}
sub is_there
{
	my ($table) = @_;
	return $server->safe_psql('app', "SELECT to_regclass('$table') IS NOT NULL");
}

# Approvals in two sessions: what counts is committed when the migration's turn has come.
register('t1', 'CREATE TABLE t1 (i int)');
my $bob = $server->background_psql('app', extra_params => [ '-U', 'bob' ]);
$bob->query_safe("BEGIN; SELECT mg_approve('t1')");
held_back("SELECT mg_apply('t1')", 'an approval that is not committed');
$bob->query_safe('COMMIT');
my $ann = $server->background_psql('app', on_error_stop => 0, extra_params => [ '-U', 'ann' ]);
$ann->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM mg.status');
$bob->query_safe("SELECT mg_revoke_approval('t1')");
$ann->query("SELECT mg_apply('t1')");
$ann->query('COMMIT');
is(is_there('t1'), 'f', 'one that was taken back since, out of sight of an old snapshot');
$bob->query_safe("SELECT mg_approve('t1')");
my $runs = $server->background_psql('app', extra_params => [ '-U', 'boss' ]);
works($server, 'app', "SELECT mg_set_policy('required_approvals', '', 'x', 'production'); SELECT mg_register('t0', 'SELECT 1', 'SELECT 1')", 'another migration', user => 'boss');
$runs->query_safe("BEGIN; SELECT mg_apply('t0')");
works($server, 'app', "SELECT mg_set_policy('required_approvals', 'review, security', 'four eyes', 'production')", 'is running', user => 'boss');
$ann->query_until(qr/^$/, "\\echo\nSELECT mg_apply('t1');\n");
$server->poll_query_until('app', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") or die 'nobody waits';
$bob->query_safe("SELECT mg_revoke_approval('t1')");
$runs->query_safe('COMMIT');
$ann->query('SELECT 1');
is(is_there('t1'), 'f', 'one that is taken back while the migration waits for its turn');
$_->quit for $ann, $runs;

# Who has lost the right has approved of nothing; a transaction that began before has lost it too.
approve('t1', 'bob');
is($server->safe_psql('app', "SELECT bool_and(is_open) FROM mg_gates('t1')"), 't', 'approved');
my $old = $server->background_psql('app', on_error_stop => 0, extra_params => [ '-U', 'bob' ]);
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM mg.status');
works($server, 'app', "SELECT mg_revoke_right('bob', 'approve:review')", 'the owner takes the right away', user => 'boss');
held_back("SELECT mg_apply('t1')", 'what was approved by who may not any more');
$old->query("SELECT mg_approve('t1', 'review', 'too late')");
$old->query('COMMIT');
is($server->safe_psql('app', "SELECT count(*) FROM mg.approval WHERE note = 'too late'"), '0', 'nor does he approve in an old transaction');
$_->quit for $old, $bob;
works($server, 'app', "SELECT mg_grant_right('bob', 'approve:review')", 'the owner gives it back', user => 'boss');
is(works($server, 'app', "SELECT status FROM mg_apply('t1')", 'it counts again', user => 'ann'), 'applied', '  and lets in');

# The way back of an approved migration is no way in: another one than it was applied with is approved of before it runs, and security
# is asked about both from the start.
register('t1', 'CREATE TABLE t1 (i int)', 'DROP TABLE t1; DELETE FROM kept');
held_back("SELECT mg_rollback('t1', 'x')", 'another down script');
like($server->safe_psql('app', "SELECT why FROM mg_gates('t1', 'roll back')"), qr/^its down script, which is new since it was applied, has no review approval, which is wanted because every migration needs one here$/, '  and the message says so');
register('t1', 'CREATE TABLE t1 (i int)');
is(works($server, 'app', "SELECT status FROM mg_rollback('t1', 'x')", 'the old one again', user => 'ann'), 'rolled back', '  needs nobody');
register('t2', 'CREATE TABLE t2 (i int)', 'SELECT 1');
approve('t2', 'bob');
works($server, 'app', "SELECT mg_apply('t2')", 'applied', user => 'ann');
register('t2', 'CREATE TABLE t2 (i int)');
held_back("SELECT mg_rollback('t2', 'x')", 'a corrected one is looked at');
approve('t2', 'bob');
is(works($server, 'app', "SELECT status FROM mg_rollback('t2', 'x')", 'and then', user => 'ann'), 'rolled back', '  goes through');
works($server, 'app', "SELECT mg_set_policy('unreviewed_risk', 'safe', 'x', 'production')", 'what is safe needs no review', user => 'boss');
is(works($server, 'app', "SELECT approvals_needed FROM mg_register('t3', 'CREATE TABLE t3 (i int PRIMARY KEY)', 'DROP TABLE t3; GRANT SELECT ON auth.users TO anon')", 'a safe migration', user => 'ann'), '1', '  with a way back that is none');
like($server->safe_psql('app', "SELECT why FROM mg_gates('t3')"), qr/^it has no security approval, which is wanted because of line 1: it grants to anon \(in the down script\)$|^it has no security approval, which is wanted because of line 1: it names schema auth \(in the down script\)$/, '  and the message says where');
held_back("SELECT mg_apply('t3')", '  is held back');
works($server, 'app', "SELECT mg_register('t3', 'CREATE TABLE t3 (i int PRIMARY KEY)', 'DROP TABLE t3'); SELECT mg_apply('t3')", 'with a good one it is not', user => 'ann');
register('t3', 'CREATE TABLE t3 (i int PRIMARY KEY)', 'DROP TABLE t3; TRUNCATE kept');
held_back("SELECT mg_rollback('t3', 'x')", 'one that comes later is weighed by itself');
works($server, 'app', "SELECT mg_set_policy('unreviewed_risk', NULL, 'x', 'production')", 'as before', user => 'boss');
is($server->safe_psql('app', 'SELECT count(*) FROM kept'), '1', 'nothing was deleted');

# Scripts do not say what people say, whoever applies them.
works($server, 'app', "SELECT mg_set_policy('required_approvals', '', 'x', 'production')", 'no gates', user => 'boss');
$server->safe_psql('app', 'CREATE FUNCTION says(sql text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE sql; RETURN true; END $$');
for my $call ("mg_set_policy('require_down', 'off', 'x')", "mg_set_environment('development')", "mg_approve('t1')", "mg_revoke_approval('t1')", "mg_grant_right('ann', 'approve:review')", "mg_revoke_right('dan', 'approve:review')", "mg_break_glass('x')", 'mg_end_break_glass()',
	"mg_accept_attestation('{}')", "mg_record_backup('x')", "mg_use_preset('scout')", "mg_sign('t1', 'tested')", "mg_accept_drift('x')", "mg_allow_removal('x')", "mg_import('{}')")
{
	my ($function) = $call =~ /^(\w+)/;
	my $expected = qr/ERROR:  55000: a migration cannot call $function\(\).*HINT:  Whoever has the right calls it by itself/s;
	(my $literal = "SELECT $call") =~ s/'/''/g;
	fails_with($server, 'app', "SELECT mg_apply('calls', '$literal')", $expected, "a script cannot call $function()", user => 'boss');
	(my $nested = "SELECT says('$literal')") =~ s/'/''/g;
	fails_with($server, 'app', "SELECT mg_apply('calls', '$nested')", $expected, '  nor a function of it', user => 'boss');
	fails_with($server, 'app', "SELECT mg_apply('calls', 'SELECT 1', verify => '$nested')", $expected, '  nor its verification', user => 'boss');
}
fails_with($server, 'app', "SELECT mg_apply('calls', 'SELECT 1', 'SELECT mg_set_policy(''require_down'', ''off'', ''x'')'); SELECT mg_rollback('calls', 'x')", qr/ERROR:  55000: a migration cannot call/, 'nor its way back', user => 'boss');
is($server->safe_psql('app', "SELECT count(*) FROM mg.evidence WHERE kind = 'break glass' OR kind = 'backup'"), '0', 'nothing of it is on record');
works($server, 'app', "SELECT mg_set_policy('required_approvals', 'review', 'x', 'production')", 'gates again', user => 'boss');

# Functions that others lend: the right is that of who logged in.
$server->safe_psql('app', 'CREATE FUNCTION lent(sql text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE sql; END $$; ALTER FUNCTION lent(text) OWNER TO boss');
$server->safe_psql('app', 'CREATE FUNCTION lent_by_all(sql text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE sql; END $$');
register('t4', 'CREATE TABLE t4 (i int)');
for my $call ("mg_set_policy('required_approvals', '', 'x', 'production')", "mg_set_environment('development')", "mg_approve('t4')", "mg_grant_right('ann', 'approve:review')", "mg_break_glass('x')", "mg_accept_attestation('{}')", "mg_record_backup('x')", "mg_use_preset('scout')", "mg_accept_drift('x')", "mg_import('{}')", "mg_allow_removal('x')")
{
	fails_with($server, 'app', "SELECT $_(\$\$SELECT $call\$\$)", '42501', "lent, it is refused: $_: $call", user => 'ann') for 'lent', 'lent_by_all';
}
held_back("SELECT lent('SELECT mg_apply(''t4'')')", 'lent or not, the gates are closed');

# Settings of the session, of the role and of the database; temporary objects, and a schema of one's own in front of everything.
my $traps = join ' ', map { "CREATE TEMP TABLE $_ AS SELECT 'approval' AS kind, 't4' AS migration, 'dan' AS login_role, true AS given, 'infinity'::timestamptz AS at;" } 'approval', 'evidence', 'policy_event', 'current', 'registration', 'environment';
held_back("$_; SELECT mg_apply('t4')", "after $_") for 'SET search_path = pg_temp, auth, mg, pg_catalog', "SET datestyle = 'SQL, DMY'", "SET timezone = 'Pacific/Kiritimati'", 'SET default_transaction_isolation = serializable', 'SET transform_null_equals = on', 'SET array_nulls = off', 'SET quote_all_identifiers = on',
  'SET standard_conforming_strings = off', "SET application_name = 'pg_restore'", 'SET plan_cache_mode = force_custom_plan', 'SET enable_indexscan = off; SET enable_seqscan = off', 'SET row_security = off', "SET stats_fetch_consistency = snapshot", "SET migration_governance.migration = 't1'", "SET timezone_abbreviations = 'Australia'",
  "$traps SET search_path = pg_temp, mg, pg_catalog", 'SET ROLE ann', 'BEGIN; SAVEPOINT s', 'PREPARE p AS SELECT 1; EXECUTE p';
held_back("PREPARE p AS SELECT mg_apply('t4'); EXECUTE p", 'prepared');
held_back("BEGIN; DECLARE c CURSOR FOR SELECT mg_apply('t4'); FETCH c", 'by a cursor');
held_back("CREATE TEMP TABLE x AS SELECT (mg_apply('t4')).status", 'in CREATE TABLE AS');
held_back("EXPLAIN ANALYZE SELECT mg_apply('t4')", 'in EXPLAIN ANALYZE');
held_back("COPY (SELECT mg_apply('t4')) TO STDOUT", 'in COPY');
held_back("DO \$\$ BEGIN PERFORM mg_apply('t4'); END \$\$", 'in a DO block');
held_back("SELECT mg_apply('t4')", 'by settings of the connection', pgoptions => '-c search_path=auth,mg -c datestyle=German -c timezone=Asia/Kathmandu -c ignore_system_indexes=on');
works($server, 'app', "SET search_path = auth; CREATE FUNCTION same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR = (leftarg = text, rightarg = text, function = same); CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''-infinity''::timestamptz';"
	  . " CREATE TABLE approval AS SELECT 't4' AS migration; ALTER ROLE ann SET search_path = auth, public, pg_catalog; ALTER ROLE ann IN DATABASE app SET datestyle = 'SQL, DMY'", 'functions, operators and tables of her own', user => 'ann');
held_back("SELECT mg_apply('t4')", '  do not help');
fails_with($server, 'app', $_, qr/ERROR/, "not hers to set: $_", user => 'ann') for 'SET session_replication_role = replica', 'SET migration_governance.protect_ledger = off', 'ALTER ROLE ann SET migration_governance.protect_ledger = off', 'ALTER DATABASE app SET migration_governance.protect_ledger = off', "LOAD 'pgcrypto'",
  'SET SESSION AUTHORIZATION bob', 'SET ROLE bob', 'ALTER ROLE ann RENAME TO bob2', 'CREATE ROLE carl', 'GRANT bob TO ann', 'SET allow_system_table_mods = on', 'ALTER SYSTEM SET session_preload_libraries = \'\'';
is(is_there('t4'), 'f', 'nothing was applied');
works($server, 'app', 'ALTER ROLE ann RESET ALL; ALTER ROLE ann IN DATABASE app RESET ALL', 'as before', user => 'ann');

# Records by other ways than the functions, whoever writes them.
$server->safe_psql('app', 'CREATE ROLE writer LOGIN IN ROLE pg_write_all_data, pg_read_all_data');
my %forged = (
	approval => q{jsonb_build_object('migration', 't4', 'kind', 'review', 'given', true, 'login_role', 'dan')},
	evidence => q{jsonb_build_object('kind', 'right', 'subject', 'approve:review', 'body', '{"role": "ann", "given": true}'::jsonb)},
	policy_event => q{jsonb_build_object('setting', 'required_approvals', 'environment', 'production', 'value', '')},
	environment => q{jsonb_build_object('name', 'development')});
$server->safe_psql('app', "SELECT mg_approve('t4', 'review'); SELECT mg_revoke_approval('t4', 'review')");
for my $table (sort keys %forged)
{
	for my $installation ("''", q{'{"installation": "00000000-0000-0000-0000-000000000001"}'})
	{
		my $extra = $installation eq "''" ? '' : " || $installation\::jsonb";
		my $forge = "INSERT INTO mg.$table SELECT (jsonb_populate_record(r, $forged{$table} || '{\"at\": \"infinity\"}'$extra)).* FROM mg.$table r LIMIT 1";
		fails_with($server, 'app', $forge, qr/ERROR:  (55000|42501)/, "forged: mg.$table" . ($extra ? ' of elsewhere' : ''), user => $_) for 'writer', 'boss', ($extra ? () : 'postgres');
	}
	fails_with($server, 'app', "BEGIN; ALTER TABLE mg.$table DISABLE TRIGGER ALL; DELETE FROM mg.$table", '55000', "  nor without its triggers", user => 'postgres');
}
held_back("SELECT mg_apply('t4')", 'still held back');

# An import takes records along, and no policy.
works($server, 'other', "SELECT mg_set_environment('production'); SELECT mg_set_policy('required_approvals', '', 'x', 'production')", 'another database without gates', user => 'boss');
my $ledger = $server->safe_psql('other', 'SELECT mg_export()');
works($server, 'app', "SELECT rows_taken > 0 FROM mg_import(\$json\$$ledger\$json\$)", 'its ledger is imported', user => 'boss');
held_back("SELECT mg_apply('t4')", '  which changes nothing of the policy');

# Attestations: of this text, of that environment, by who has the right, once or often.
works($server, 'app', "SELECT mg_set_policy('required_approvals', '', 'x', 'production'); SELECT mg_set_policy('promoted_from', 'staging', 'x', 'production')", 'what was in staging before', user => 'boss');
works($server, 'other', "SELECT mg_set_environment('staging')", 'staging', user => 'boss');
sub attested
{
	my ($name, @scripts) = @_;
	my $arguments = join ', ', map { "\$q\$$_\$q\$" } $name, @scripts;
	works($server, 'other', "SELECT mg_apply($arguments)", "$name in staging", user => 'boss');
	return $server->safe_psql('other', "SELECT mg_attest('$name')");
}
my $word = attested('p1', 'CREATE TABLE p1 (i int)', 'DROP TABLE p1');
works($server, 'app', "SELECT mg_accept_attestation(\$q\$$word\$q\$)", 'taken', user => 'dan') for 1 .. 2;
held_back("SELECT mg_apply('p2', 'CREATE TABLE p1 (i int)', 'DROP TABLE p1')", 'another name');
held_back("SELECT mg_apply('p1', 'CREATE TABLE p1 (i int); DELETE FROM kept', 'DROP TABLE p1')", 'another text');
held_back("SELECT mg_apply('p1', 'CREATE TABLE p1 (i int)', 'DROP TABLE p1; DELETE FROM kept')", 'another way back');
works($server, 'other', "SELECT mg_set_environment('development')", 'development', user => 'boss');
my $of_development = attested('p3', 'CREATE TABLE p3 (i int)', 'DROP TABLE p3');
works($server, 'app', "SELECT mg_accept_attestation(\$q\$$of_development\$q\$)", 'taken too', user => 'dan');
held_back("SELECT mg_apply('p3', 'CREATE TABLE p3 (i int)', 'DROP TABLE p3')", 'is not of staging');
(my $renamed = $of_development) =~ s/"environment": "development"/"environment": "staging"/;
fails_with($server, 'app', "SELECT mg_accept_attestation(\$q\$$renamed\$q\$)", '22023', 'changed, it is none', user => 'dan');
$server->psql('app', "BEGIN; SELECT mg_accept_attestation(\$q\$$word\$q\$); ROLLBACK", extra_params => [ '-U', 'dan' ]);
is(works($server, 'app', "SELECT status FROM mg_apply('p1', 'CREATE TABLE p1 (i int)', 'DROP TABLE p1')", 'the very same', user => 'ann'), 'applied', '  is let in');
is($server->safe_psql('app', "SELECT string_agg(check_name || ' ' || object, ', ') FROM mg_verify() WHERE NOT ok AND check_name ~ 'ledger'"), '', 'the ledger is sound');

# What is planted as a restore plants it does not go before what was said here.
for my $table ('policy_event', 'environment')
{
	$server->safe_psql('app', "INSERT INTO mg.$table SELECT (jsonb_populate_record(r, $forged{$table} || '{\"at\": \"2100-01-01\", \"installation\": \"00000000-0000-0000-0000-000000000001\"}')).* FROM mg.$table r LIMIT 1");
}
works($server, 'app', "SELECT mg_set_policy('required_approvals', 'review', 'x', 'production')", 'gates again', user => 'boss');
held_back("SELECT mg_apply('t4')", 'a dump that is restored over it loosens nothing');
is($server->safe_psql('app', 'SELECT name, confirmed FROM mg_environment()'), 'production|t', '  nor makes another environment of it');
is($server->safe_psql('app', "SELECT value FROM mg.policy WHERE setting = 'required_approvals'"), 'review', '  as mg.policy says');
$server->stop;
done_testing();
