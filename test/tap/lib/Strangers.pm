# Tries everything of the extension as a role that has no rights to it.
package Strangers;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use Governed;
use Test::More;

our @EXPORT = qw(can_do_nothing calls_of);

# Gives a call of each function of the extension, with arguments that would do something.
sub calls_of
{
	my ($node, $database) = @_;
	my %arguments = (
		mg_apply => "'stolen', 'CREATE TABLE stolen (x int)'", mg_register => "'stolen', 'CREATE TABLE stolen (x int)'", mg_rollback_to => "'m1'",
		mg_rehearse => "'SELECT 1', NULL", mg_plan => "'m1'", mg_lint => "'SELECT 1'", mg_lint_json => "'SELECT 1'", mg_lint_sarif => "'SELECT 1', 'a.sql'", mg_lints => "'SELECT 1', 'error', NULL",
		mg_risk => "'m1'", mg_script_risk => "'SELECT 1', NULL", mg_lint_migration => "'m1'",
		mg_lint_locks => "'SELECT 1'",
		mg_accept_drift => "'stolen'", mg_baseline => "'stolen'", mg_history_view => "'public', 'migrations_history'", mg_adopt_history => "'pg_class'",
		mg_parse => "'SELECT 1'", mg_template => "'create', 'x'", mg_set_policy => "'naming', 'free', 'x'", mg_allow_removal => "'x'", mg_import => "'{}'",
		mg_set_environment => "'stolen'", mg_gates => "'m1'", mg_approve => "'m1'", mg_revoke_approval => "'m1'", mg_grant_right => "current_user, 'apply'", mg_revoke_right => "current_user, 'apply'",
		mg_attest => "'m1'", mg_accept_attestation => "'{}'", mg_record_backup => "'x'", mg_use_preset => "'scout'",
		mg_checklist => "'m1'", mg_sign => "'m1', 'tested'",
		mg_break_glass => "'x'",
		mg_backfill => "'pg_class', 'x = 1'", mg_resume => "'m1'", mg_abort => "'m1'", mg_deploy_rollback => "'m1'",
		mg_restore => '1', mg_archive_diff => '1', mg_generate_down => "'a'", mg_hold_archive => "1, 'x'", mg_release_archive => "1, 'x'",
		mg_is_applied => "'m1'", mg_is_not_applied => "'m1'");
	my $names = $node->safe_psql($database, "SELECT (CASE p.prokind WHEN 'p' THEN 'CALL ' ELSE 'SELECT * FROM ' END) || p.proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'"
		  . " JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'migration_governance' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) ORDER BY p.proname");
	return map { "$_(" . ($arguments{ (split / /)[-1] } // '') . ')' } split /\n/, $names;
}

# Checks that a role has no privilege on anything of the extension and is refused everything; `set_role` is for roles that cannot log in.
sub can_do_nothing
{
	my ($node, $database, $role, %options) = @_;
	my $as = $options{set_role} ? "SET ROLE $role; " : '';
	my %login = (user => $options{set_role} // $role);

	is($node->safe_psql($database, "SELECT concat_ws(' ', has_schema_privilege('$role', 'mg', 'USAGE'), has_schema_privilege('$role', 'mg', 'CREATE'))"), 'f f', "$role: nothing on schema mg");
	is($node->safe_psql($database, "SELECT concat_ws(' ', has_schema_privilege('$role', 'mg_archive', 'USAGE'), has_schema_privilege('$role', 'mg_archive', 'CREATE'))"), 'f f', "$role: nothing on schema mg_archive");
	is($node->safe_psql($database, "SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relnamespace = 'mg'::regnamespace AND c.relkind IN ('r', 'v')"
			  . " AND has_table_privilege('$role', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"), '', "$role: nothing on any table or view");
	is($node->safe_psql($database, "SELECT string_agg(a.attrelid::regclass || '.' || a.attname, ', ') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'mg'::regnamespace"
			  . " AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND has_column_privilege('$role', c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')"), '', "$role: nothing on any column");
	is($node->safe_psql($database, "SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relnamespace = 'mg'::regnamespace AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('$role', c.oid, 'USAGE, SELECT, UPDATE') END"),
		'', "$role: nothing on any sequence");
	is($node->safe_psql($database, "SELECT string_agg(p.proname, ', ') FROM pg_proc p WHERE p.proname ~ '^mg_' AND p.pronamespace = 'pg_catalog'::regnamespace AND has_function_privilege('$role', p.oid, 'EXECUTE')"), '', "$role: no function");
	fails_with($node, $database, "$as$_", qr/ERROR:  (42501|55000):/, "$role is refused: $_", %login) for calls_of($node, $database),
	  (map { "TABLE $_" } split /\n/, $node->safe_psql($database, "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'mg'::regnamespace AND relkind IN ('r', 'v')")),
	  'CREATE TABLE mg.mine (x int)', 'CREATE FUNCTION mg.mine() RETURNS int LANGUAGE sql AS $$SELECT 1$$', 'INSERT INTO mg.run DEFAULT VALUES', 'DELETE FROM mg.run', 'UPDATE mg.run SET reason = 1', 'TRUNCATE mg.run',
	  'ALTER TABLE mg.run DISABLE TRIGGER ALL', 'DROP TABLE mg.run', 'SELECT mg_install()', 'GRANT SELECT ON mg.history TO PUBLIC', 'COMMENT ON TABLE mg.run IS NULL', 'BEGIN; LOCK TABLE mg.run',
	  'ALTER EVENT TRIGGER mg_capture_start DISABLE', 'ALTER FUNCTION mg_status() OWNER TO CURRENT_USER', 'DROP EVENT TRIGGER mg_capture_end';
	fails_with($node, $database, "$as$_", qr/ERROR/, "$role is refused: $_", %login) for 'SELECT mg_capture()', 'SELECT mg_guard()', 'CREATE TABLE child () INHERITS (mg.run)', 'DROP EXTENSION migration_governance',
	  'DROP EXTENSION migration_governance CASCADE', 'DROP SCHEMA mg CASCADE';
	return;
}

1;
