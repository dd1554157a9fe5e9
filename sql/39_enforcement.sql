-- Exceptions from enforcement.

CREATE FUNCTION pg_catalog.mg_break_glass(reason text, duration interval DEFAULT '1 hour') RETURNS timestamptz
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_break_glass';
COMMENT ON FUNCTION pg_catalog.mg_break_glass(text, interval) IS
'lets the user that logged in change the schema outside migrations in all its sessions, and gives until when: up to 24 hours. On record with its reason, as an alert of severity high too. Needs the right break_glass, or to own the database. Raises 42501, 22023 for no reason or another duration';

CREATE FUNCTION pg_catalog.mg_end_break_glass() RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_end_break_glass';
COMMENT ON FUNCTION pg_catalog.mg_end_break_glass() IS
'ends early what mg_break_glass() began for the user that logged in, and gives how many statements on record ran meanwhile. Raises 55000 when nothing is to be ended';

CREATE FUNCTION pg_catalog.mg_break_glass_report()
	RETURNS TABLE (login_role text, reason text, opened_at timestamptz, ended_at timestamptz, at timestamptz, tag text, object text, statement text, migration text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_break_glass_report';
COMMENT ON FUNCTION pg_catalog.mg_break_glass_report() IS
'what was done outside migrations under each mg_break_glass(), oldest first, with the text for a migration that follows up; one row without a statement where nothing was. ended_at is when it ended or will end';
