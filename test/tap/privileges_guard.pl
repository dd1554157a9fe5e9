# The ledger is append-only whoever asks, and what a superuser does to it on purpose shows in mg_verify().
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

my $server = new_cluster('guard', conf => [ preload() ]);
my $append_only = qr/ERROR:  55000: .*append-only.*HINT:.*protect_ledger/s;

# Writes migrations that others approve of.
my $author = 'guard_author';
$server->safe_psql('postgres', "CREATE ROLE $author LOGIN");

sub fill
{
	my ($database) = @_;
	new_database($server, $database);
	$server->safe_psql($database, "SELECT mg_apply('m1', 'CREATE TABLE m1 (x int)', 'DROP TABLE m1'); SELECT mg_set_policy('naming', 'free', 'a test'); SELECT count(*) FROM mg_rehearse('CREATE TABLE r (x int)', NULL); CREATE TABLE by_hand (x int)");
	$server->safe_psql($database, "SELECT mg_set_environment('test'); SELECT mg_record_backup('nightly'); SELECT mg_grant_right('$author', 'apply')");
	$server->safe_psql($database, "SELECT mg_register('m3', 'SELECT 1')", extra_params => [ '-U', $author ]);
	$server->safe_psql($database, "SELECT mg_approve('m3')");
	$server->safe_psql($database, "CREATE TABLE filled (id int PRIMARY KEY, n int); CALL mg_backfill('filled', 'n = 1')");
	$server->safe_psql($database, "CREATE SEQUENCE gone; SELECT mg_apply('m4', 'DROP SEQUENCE gone')");
	$server->safe_psql($database, "SELECT mg_apply('m2', 'CREATE TABLE m2 (x int)'); SELECT mg_seal()");
	return;
}
fill('app');

my @tables = split /\n/, $server->safe_psql('app', "SELECT relname FROM pg_class WHERE relnamespace = 'mg'::regnamespace AND relkind = 'r' AND relname NOT IN ('object', 'history_change') ORDER BY 1");
cmp_ok(scalar(@tables), '>=', 8, 'the ledger has its tables: ' . join(', ', @tables));
is($server->safe_psql('app', 'SELECT count(*) FROM mg_verify() WHERE NOT ok'), '0', 'mg_verify() finds nothing wrong at first');

# What a digest of the whole ledger is at first and must be at the end.
my $digest = 'SELECT ' . join(" || ", map { "(SELECT coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM mg.$_ t)" } grep { $_ ne 'statement' } @tables);
my $before = $server->safe_psql('app', $digest);

for my $table (@tables)
{
	my $column = $table eq 'current' ? 'system_identifier' : $server->safe_psql('app', "SELECT attname FROM pg_attribute WHERE attrelid = 'mg.$table'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname = 'id' DESC, attnum LIMIT 1");
	for my $sql (
		"UPDATE mg.$table SET $column = $column",
		"UPDATE ONLY mg.$table SET $column = $column WHERE false",
		"DELETE FROM mg.$table",
		"DELETE FROM mg.$table WHERE false",
		"TRUNCATE mg.$table",
		"TRUNCATE mg.$table CASCADE",
		"INSERT INTO mg.$table SELECT * FROM mg.$table",
		"INSERT INTO mg.$table SELECT * FROM mg.$table ON CONFLICT DO NOTHING",
		"WITH gone AS (DELETE FROM mg.$table RETURNING 1) SELECT count(*) FROM gone",
		"MERGE INTO mg.$table t USING mg.$table s ON t.$column = s.$column WHEN MATCHED THEN DELETE",
		"CREATE VIEW public.writable AS SELECT * FROM mg.$table; DELETE FROM public.writable",
		"DO \$\$BEGIN DELETE FROM mg.$table; END\$\$",
		"SET session_replication_role = replica; DELETE FROM mg.$table",
		"ALTER TABLE mg.$table DISABLE TRIGGER ALL; DELETE FROM mg.$table",
		"ALTER TABLE mg.$table DISABLE TRIGGER mg_guard; DELETE FROM mg.$table",
		"ALTER TABLE mg.$table ENABLE REPLICA TRIGGER mg_guard; DELETE FROM mg.$table",
		"ALTER TABLE mg.$table DISABLE TRIGGER USER; SET session_replication_role = replica; UPDATE mg.$table SET $column = $column",
		"SAVEPOINT s; ALTER TABLE mg.$table DISABLE TRIGGER ALL; RELEASE s; DELETE FROM mg.$table",
		(major($server) >= 17 ? "SET event_triggers = off; ALTER TABLE mg.$table DISABLE TRIGGER ALL; DELETE FROM mg.$table" : ()),
		"DROP TRIGGER mg_guard ON mg.$table; DELETE FROM mg.$table",
		"ALTER TABLE mg.$table ADD COLUMN extra int",
		"ALTER TABLE mg.$table DROP COLUMN $column",
		"ALTER TABLE mg.$table RENAME TO other",
		"ALTER TABLE mg.$table RENAME COLUMN $column TO other",
		"ALTER TABLE mg.$table SET SCHEMA public",
		"ALTER TABLE mg.$table OWNER TO pg_database_owner",
		"ALTER TABLE mg.$table ALTER COLUMN $column SET DEFAULT NULL",
		"ALTER TABLE mg.$table ALTER COLUMN $column TYPE text USING $column\::text",
		"ALTER TABLE mg.$table DISABLE TRIGGER ALL, ADD COLUMN extra int",
		"ALTER TABLE mg.$table ENABLE ROW LEVEL SECURITY",
		"ALTER TABLE mg.$table SET UNLOGGED",
		"ALTER TABLE mg.$table SET (autovacuum_enabled = off)",
		"ALTER TABLE mg.$table REPLICA IDENTITY FULL",
		"ALTER TABLE mg.$table INHERIT public.by_hand",
		"ALTER TABLE mg.$table DROP CONSTRAINT ${table}_pkey",
		"CREATE TABLE public.child () INHERITS (mg.$table)",
		"CREATE TABLE public.child (LIKE mg.$table); ALTER TABLE public.child INHERIT mg.$table",
		"CREATE INDEX ON mg.$table ($column)",
		"CREATE FUNCTION public.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER aaa BEFORE INSERT ON mg.$table FOR EACH ROW EXECUTE FUNCTION public.tf()",
		"CREATE RULE r AS ON INSERT TO mg.$table DO INSTEAD NOTHING",
		"CREATE POLICY p ON mg.$table USING (false)",
		"ALTER TRIGGER mg_guard ON mg.$table RENAME TO other")
	{
		fails_with($server, 'app', "BEGIN; $sql; ROLLBACK", $append_only, "refused: $sql");
	}
	my $copy = $server->data_dir . "/$table.copy";
	$server->safe_psql('app', "COPY mg.$table TO '$copy'");
	fails_with($server, 'app', "COPY mg.$table FROM '$copy'", $append_only, "refused: COPY mg.$table FROM") if -s $copy;
	fails_with($server, 'app', "DROP TABLE mg.$table", qr/ERROR/, "refused: DROP TABLE mg.$table");
	fails_with($server, 'app', "DROP TABLE mg.$table CASCADE", qr/ERROR/, "refused: DROP TABLE mg.$table CASCADE");
	fails_with($server, 'app', "ALTER EXTENSION migration_governance DROP TABLE mg.$table", '55000', "refused: ALTER EXTENSION … DROP TABLE mg.$table");
	is($server->safe_psql('app', "SELECT string_agg(concat(tgname, tgenabled), ',' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'mg.$table'::regclass AND NOT tgisinternal"),
		'mg_guardA,mg_guard_insertA', "the guards of mg.$table are on");
}

for my $sql (
	'ALTER INDEX mg.statement_pkey RENAME TO other',
	'DROP INDEX mg.statement_xid',
	'ALTER SCHEMA mg RENAME TO other',
	'ALTER SCHEMA mg OWNER TO pg_database_owner',
	'ALTER VIEW mg.history RENAME TO other',
	'ALTER VIEW mg.history SET SCHEMA public',
	"CREATE OR REPLACE VIEW mg.status AS SELECT migration, status, applied_at, checksum, risk, approvals, has_down, requires FROM mg.newest_registration, mg.last_run WHERE false",
	"CREATE OR REPLACE FUNCTION pg_catalog.mg_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
	"CREATE OR REPLACE FUNCTION pg_catalog.mg_capture() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
	'ALTER FUNCTION pg_catalog.mg_apply(text, text, text, text, text[], text) SECURITY DEFINER',
	'ALTER EXTENSION migration_governance ADD TABLE public.by_hand')
{
	fails_with($server, 'app', "BEGIN; $sql; ROLLBACK", qr/ERROR/, "refused: $sql");
}
for my $sql (
	'DROP SCHEMA mg', 'DROP SCHEMA mg CASCADE', 'DROP VIEW mg.history', 'DROP VIEW mg.record CASCADE', 'DROP FUNCTION mg_guard()', 'DROP FUNCTION mg_capture() CASCADE',
	'DROP EVENT TRIGGER mg_capture_start', 'ALTER EXTENSION migration_governance SET SCHEMA public')
{
	fails_with($server, 'app', "BEGIN; $sql; ROLLBACK", qr/ERROR/, "refused: $sql");
}
is($server->safe_psql('app', $digest), $before, 'nothing of it has changed the ledger');
is($server->safe_psql('app', "SELECT string_agg(check_name || ' ' || object, ', ') FROM mg_verify() WHERE NOT ok"), '', 'and mg_verify() finds nothing wrong');

# What an administrator must be able to do.
for my $sql ('VACUUM mg.statement', 'VACUUM FULL mg.run', 'CLUSTER mg.statement USING statement_pkey', 'ANALYZE mg.statement', 'REINDEX TABLE mg.run', 'REINDEX INDEX CONCURRENTLY mg.run_pkey',
	'LOCK TABLE mg.run', 'SELECT 1 FROM mg.run FOR UPDATE', 'GRANT SELECT ON mg.history TO PUBLIC', 'REVOKE SELECT ON mg.history FROM PUBLIC', "COMMENT ON TABLE mg.run IS 'x'",
	'CREATE VIEW public.mine AS SELECT * FROM mg.history', 'CREATE PUBLICATION ledger FOR TABLE mg.statement', 'CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM mg.statements')
{
	works($server, 'app', $sql =~ /LOCK|FOR UPDATE/ ? "BEGIN; $sql; COMMIT" : $sql, "allowed: $sql");
}

# The switch is a superuser's.
$server->safe_psql('app', 'CREATE ROLE ordinary LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA mg TO ordinary; GRANT USAGE ON SCHEMA mg TO ordinary');
fails_with($server, 'app', 'SET migration_governance.protect_ledger = off', '42501', 'an ordinary role may not switch the guard off', user => 'ordinary');
fails_with($server, 'app', 'SET migration_governance.protect_ledger = off; DELETE FROM mg.run', $append_only, 'and the guard stays on for it', user => 'ordinary', on_error_stop => 0);
fails_with($server, 'app', 'DELETE FROM mg.run', qr/permission denied to set parameter/, 'nor when it connects', user => 'ordinary', pgoptions => '-c migration_governance.protect_ledger=off');
fails_with($server, 'app', 'ALTER ROLE ordinary SET migration_governance.protect_ledger = off', '42501', 'nor for its later sessions', user => 'ordinary');
my $plant = "INSERT INTO mg.installation SELECT (jsonb_populate_record(i, jsonb_build_object('installation', gen_random_uuid(), 'at', 'infinity'))).* FROM mg.installation i";
fails_with($server, 'app', $plant, $append_only, 'nor may it plant records of another installation, as a restore does', user => 'ordinary');
$server->safe_psql('app', 'CREATE ROLE writer LOGIN IN ROLE pg_write_all_data, pg_read_all_data');
fails_with($server, 'app', $plant, $append_only, 'nor may a member of pg_write_all_data', user => 'writer');
works($server, 'app', 'SET migration_governance.protect_ledger = off; UPDATE mg.run SET reason = reason', 'a superuser may');
is($server->safe_psql('app', "SET migration_governance.protect_ledger = off; SELECT value, ok FROM mg_status() WHERE aspect = 'ledger protection'"), 'off|f', 'and mg_status() says so');

# Tampering is found, and the first record that does not fit is named.
my $databases = 0;
sub tampered
{
	my ($sql, $expected, $what) = @_;
	my $database = 'tampered' . ++$databases;
	$server->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE sound");
	$server->safe_psql($database, "SET migration_governance.protect_ledger = off; $sql");
	my $found = $server->safe_psql($database, "SELECT check_name, object, actual FROM mg_verify() WHERE NOT ok AND check_name ~ 'ledger'");
	like($found, $expected, $what);
	$server->safe_psql('postgres', "DROP DATABASE $database");
	return;
}
fill('sound');
$server->safe_psql('sound', "CREATE TABLE more (x int); SELECT mg_seal(); CREATE TABLE still_more (x int); SELECT mg_seal()");
my %first = map { my $table = $_; $table eq 'current' ? () : ($table => $server->safe_psql('sound', "SELECT min(id) FROM mg.$table")) } @tables;
my %change = (
	installation => "version = 'x'", script => "body = body || ' '", registration => "migration = 'other'", run => "login_role = 'somebody'",
	statement => "statement = statement || ' '", policy_event => "reason = 'another'", rehearsal => "verdict = 'restores, truly'", seal => 'records = records + 1');
for my $table (sort keys %change)
{
	my $id = $first{$table};
	tampered("UPDATE mg.$table SET $change{$table} WHERE id = $id", qr/^ledger record\|mg\.$table $id\|/m, "mg.$table: a changed record is named");
	tampered("UPDATE mg.$table SET at = at - interval '1 hour' WHERE id = $id", qr/^ledger record\|mg\.$table $id\|/m, "mg.$table: another time is found");
	tampered("UPDATE mg.$table SET id = id + 999 WHERE id = $id", qr/mg\.$table/, "mg.$table: another number is found");
	next if $table eq 'seal';
	tampered("DELETE FROM mg.$table WHERE id = $id", qr/^ledger seal\|mg\.seal \d+\|missing/m, "mg.$table: a deleted record is found by its seal") if $table ne 'installation';
	tampered("INSERT INTO mg.$table SELECT (json_populate_record(t, '{\"id\": 999999}')).* FROM mg.$table t WHERE id = $id", qr/^ledger record\|mg\.$table 999999\|/m, "mg.$table: an inserted record is found");
	tampered("UPDATE mg.$table SET hash = repeat('0', 64) WHERE id = $id", qr/^ledger record\|mg\.$table $id\|0000/m, "mg.$table: another hash is found");
}
my ($second, $last) = split /\|/, $server->safe_psql('sound', 'SELECT (array_agg(id ORDER BY id))[2], max(id) FROM mg.seal');
tampered("DELETE FROM mg.seal WHERE id = $second", qr/^ledger seal\|mg\.seal \d+\|follows/m, 'a seal taken out of the chain is found');
tampered("DELETE FROM mg.seal WHERE id = $first{seal}", qr/^ledger seal\|mg\.seal $second\|follows/m, 'the first seal taken out is found');
tampered("UPDATE mg.statement SET at = at WHERE false; UPDATE mg.seal SET digest = repeat('0', 64) WHERE id = $last", qr/mg\.seal $last/, 'a changed digest is found');
tampered("DELETE FROM mg.installation", qr/^ledger/m, 'a ledger without its installation is found');
tampered('DELETE FROM mg.statement', qr/missing/, 'an emptied table is found');
for my $sql ('ALTER TABLE mg.statement DISABLE TRIGGER ALL', 'DROP TRIGGER mg_guard ON mg.run')
{
	$server->safe_psql('postgres', 'CREATE DATABASE unguarded TEMPLATE sound');
	$server->safe_psql('unguarded', "SET migration_governance.protect_ledger = off; $sql");
	like(status_of($server, 'unguarded', 'ledger protection'), qr/\|f\|/, "mg_status() shows it: $sql");
	$server->safe_psql('postgres', 'DROP DATABASE unguarded');
}

# The head kept elsewhere shows that the newest seal was taken away.
my $head = $server->safe_psql('sound', "SELECT value FROM mg_status() WHERE aspect = 'ledger head'");
is($head, $server->safe_psql('sound', "SELECT digest FROM mg.seal ORDER BY id DESC LIMIT 1"), 'mg_status() gives the head of the chain');

# Removal.
my $refused = qr/ERROR:  55000: .*cannot be dropped.*HINT:.*mg_allow_removal/s;
fill('removal');
$server->safe_psql('removal', 'CREATE ROLE owns_it; CREATE TABLE keeps (x int)');
for my $sql ('DROP EXTENSION migration_governance', 'DROP EXTENSION migration_governance CASCADE', 'DROP EXTENSION IF EXISTS plpgsql, migration_governance CASCADE',
	'DO $$BEGIN DROP EXTENSION migration_governance CASCADE; END$$', 'SET session_replication_role = replica; DROP EXTENSION migration_governance',
	'BEGIN; DROP EXTENSION migration_governance; COMMIT')
{
	fails_with($server, 'removal', $sql, $refused, "refused: $sql");
}
fails_with($server, 'removal', "SELECT mg_allow_removal('')", '22023', 'mg_allow_removal() wants a reason');
fails_with($server, 'removal', 'SELECT mg_allow_removal(NULL)', '22004', 'mg_allow_removal() wants one that is not NULL');
is($server->safe_psql('removal', 'SELECT count(*) FROM mg.history'), '3', 'all is still there');
my $position = log_position($server);
works($server, 'removal', "SELECT mg_allow_removal('the test is over'); DROP EXTENSION migration_governance", 'a superuser drops it after mg_allow_removal()');
like(log_since($server, $position), qr/removal allowed in this session: the test is over/, 'the reason is in the server log');
is($server->safe_psql('removal', "SELECT count(*) FROM pg_class c WHERE relnamespace = to_regnamespace('mg')::oid"), '0', 'nothing stays behind');
is($server->safe_psql('removal', "SELECT count(*) FROM pg_proc WHERE proname ~ '^mg_'"), '0', 'nor any function');
works($server, 'removal', 'CREATE TABLE free (x int); DROP TABLE free', 'DDL works without it');
fails_with($server, 'removal', "BEGIN; CREATE EXTENSION migration_governance; DROP EXTENSION migration_governance", $refused, 'a fresh one is guarded at once');
works($server, 'removal', 'CREATE EXTENSION migration_governance; CREATE TABLE fresh (x int)', 'a fresh one can be created');
is($server->safe_psql('removal', 'SELECT string_agg(identity, \',\' ORDER BY id) FROM mg.statement'), 'migration_governance,public.fresh', 'and begins its own ledger');
is($server->safe_psql('removal', 'SELECT count(*) FROM mg_verify() WHERE NOT ok'), '0', 'which mg_verify() finds sound');
my $both = $server->background_psql('removal');
$both->query_safe("SELECT mg_allow_removal('twice'); DROP EXTENSION migration_governance; CREATE EXTENSION migration_governance");
is($both->query_safe('SELECT count(*) FROM mg.installation'), '1', 'dropped and created in one session');
$both->query_safe('CREATE TABLE again (x int)');
is($both->query_safe("SELECT count(*) FROM mg.statement WHERE identity = 'public.again'"), '1', 'which goes on recording');
$both->quit;
$server->stop;

# Not preloaded: the library is loaded by what it has to refuse.
my $lazy = new_cluster('lazy');
new_database($lazy, 'app');
$lazy->safe_psql('app', "SELECT mg_apply('m1', 'CREATE TABLE m1 (x int)'); CREATE ROLE ordinary LOGIN; GRANT ALL ON SCHEMA mg TO ordinary; GRANT ALL ON ALL TABLES IN SCHEMA mg TO ordinary");
fails_with($lazy, 'app', "BEGIN; $_; ROLLBACK", $append_only, "not preloaded, refused: $_") for
    'DELETE FROM mg.run', 'TRUNCATE mg.run', 'ALTER TABLE mg.run ADD COLUMN x int', 'DROP TRIGGER mg_guard ON mg.run', 'ALTER TABLE mg.run DISABLE TRIGGER ALL; DELETE FROM mg.run', 'CREATE INDEX ON mg.run (migration)';
fails_with($lazy, 'app', $_, $refused, "not preloaded, refused: $_") for 'DROP EXTENSION migration_governance', 'DROP EXTENSION migration_governance CASCADE', 'SET session_replication_role = replica; DROP EXTENSION migration_governance';
fails_with($lazy, 'app', 'SET migration_governance.protect_ledger = off; DELETE FROM mg.run', $append_only, 'not preloaded: an ordinary role\'s placeholder does not switch the guard off', user => 'ordinary', on_error_stop => 0);
works($lazy, 'app', 'BEGIN; SET LOCAL migration_governance.protect_ledger = off; DELETE FROM mg.run; ROLLBACK', 'not preloaded: a superuser\'s does');
is($lazy->safe_psql('app', 'SELECT count(*) FROM mg.run'), '1', 'all is still there');
$lazy->stop;
done_testing();
