-- The linter.

CREATE FUNCTION pg_catalog.mg_lint(script text)
	RETURNS TABLE (rule text, severity text, line integer, col integer, statement text, object text, lock_mode text, blocks text, work text,
		rows bigint, bytes bigint, estimate interval, basis text, message text, hint text, steps text[], link text, ignored text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_lint';
COMMENT ON FUNCTION pg_catalog.mg_lint(text) IS
'says what a script would lock, scan and rewrite in this database, and how to do it otherwise; runs nothing of it';

CREATE FUNCTION pg_catalog.mg_lint_migration(name text)
	RETURNS TABLE (rule text, severity text, line integer, col integer, statement text, object text, lock_mode text, blocks text, work text,
		rows bigint, bytes bigint, estimate interval, basis text, message text, hint text, steps text[], link text, ignored text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_lint_migration';
COMMENT ON FUNCTION pg_catalog.mg_lint_migration(text) IS
'the same for the up script of a registered migration, on top of the pending ones that it requires';

CREATE FUNCTION pg_catalog.mg_lint_locks(script text)
	RETURNS TABLE (statement integer, object text, lock_mode text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_lint_locks';
COMMENT ON FUNCTION pg_catalog.mg_lint_locks(text) IS
'the strongest lock that each statement of a script would take on each table that is there now';

CREATE FUNCTION pg_catalog.mg_lint_rules()
	RETURNS TABLE (rule text, rule_group text, severity text, summary text, why text, safe_way text, since integer, until integer, link text)
	LANGUAGE c IMMUTABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_lint_rules';
COMMENT ON FUNCTION pg_catalog.mg_lint_rules() IS
'the rules of mg_lint(): what each finds, why, what to do instead, and the majors that it is true of';
