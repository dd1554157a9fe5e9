-- Assertions for tests: lines in the Test Anything Protocol, together with pgTAP or without it.

CREATE FUNCTION pg_catalog.mg_is_applied(name text, description text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_is_applied';
COMMENT ON FUNCTION pg_catalog.mg_is_applied(text, text) IS
'asserts that a migration is applied: a line of TAP, counted by pgTAP where that is installed';

CREATE FUNCTION pg_catalog.mg_is_not_applied(name text, description text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_is_not_applied';
COMMENT ON FUNCTION pg_catalog.mg_is_not_applied(text, text) IS
'asserts that a migration is not applied: a line of TAP, counted by pgTAP where that is installed';

CREATE FUNCTION pg_catalog.mg_verifies(name text DEFAULT NULL, description text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_verifies';
COMMENT ON FUNCTION pg_catalog.mg_verifies(text, text) IS
'asserts that mg_verify() of a migration, or without a name of everything, finds nothing wrong: a line of TAP, and a comment for each failure';

CREATE FUNCTION pg_catalog.mg_has_no_drift(description text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_has_no_drift';
COMMENT ON FUNCTION pg_catalog.mg_has_no_drift(text) IS
'asserts that mg_drift_report() finds nothing: a line of TAP, and a comment for each difference';

CREATE FUNCTION pg_catalog.mg_lints(script text, severity text DEFAULT 'warning', description text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_lints';
COMMENT ON FUNCTION pg_catalog.mg_lints(text, text, text) IS
'asserts that mg_lint() finds nothing in a script of that severity or a graver one (info, warning, error): a line of TAP, and a comment for each finding';
