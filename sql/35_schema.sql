-- What the database looks like, and every difference from what it should.

CREATE FUNCTION pg_catalog.mg_snapshot() RETURNS jsonb
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_snapshot';
COMMENT ON FUNCTION pg_catalog.mg_snapshot() IS
'gives the whole schema as one value, the same for the same schema in any database of the same major; no secrets. For mg_drift_report() in another database';

CREATE FUNCTION pg_catalog.mg_fingerprint() RETURNS text
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_fingerprint';
COMMENT ON FUNCTION pg_catalog.mg_fingerprint() IS 'gives the SHA-256 of the whole schema, in hexadecimal';

CREATE FUNCTION pg_catalog.mg_drift_report()
	RETURNS TABLE (kind text, object_type text, identity text, property text, expected text, actual text,
	               changed_at timestamptz, changed_by text, application text, statement text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_drift_report';
COMMENT ON FUNCTION pg_catalog.mg_drift_report() IS
'compares the schema with what CREATE EXTENSION found and migrations made of it: a row for each object or property that is missing, unexpected or changed, and the statement that did it as far as it was captured. No row is no drift';

CREATE FUNCTION pg_catalog.mg_drift_report(snapshot jsonb)
	RETURNS TABLE (kind text, object_type text, identity text, property text, expected text, actual text,
	               changed_at timestamptz, changed_by text, application text, statement text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_drift_report_snapshot';
COMMENT ON FUNCTION pg_catalog.mg_drift_report(jsonb) IS
'compares the schema with an mg_snapshot() of another database of the same major, which is what is expected; the last four columns are NULL. Raises 22023 for what is no such snapshot';

CREATE FUNCTION pg_catalog.mg_accept_drift(reason text, identity text DEFAULT NULL) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_accept_drift';
COMMENT ON FUNCTION pg_catalog.mg_accept_drift(text, text) IS
'takes what mg_drift_report() shows as expected from now on, all of it or that of one identity, on record with the reason; gives the number of rows. For superusers and members of pg_database_owner. Raises 22023 without a reason, MG201 when nothing of that identity differs';

CREATE FUNCTION pg_catalog.mg_baseline(
	name text, description text DEFAULT NULL,
	OUT migration text, OUT status text, OUT objects integer, OUT checksum text, OUT run_id bigint)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_baseline';
COMMENT ON FUNCTION pg_catalog.mg_baseline(text, text) IS
'takes the schema as it is as the starting point: an applied migration without statements, after which nothing has drifted. For superusers and members of pg_database_owner. Raises MG001, MG002';
