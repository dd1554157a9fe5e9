-- What the database looks like, and every difference from what it should.

CREATE FUNCTION pg_catalog.mg_snapshot() RETURNS jsonb
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_snapshot';
COMMENT ON FUNCTION pg_catalog.mg_snapshot() IS
'gives the whole schema as one value, the same for the same schema in any database of the same major; no secrets. For mg_drift_report() in another database';

CREATE FUNCTION pg_catalog.mg_fingerprint() RETURNS text
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_fingerprint';
COMMENT ON FUNCTION pg_catalog.mg_fingerprint() IS 'gives the SHA-256 of the whole schema, in hexadecimal';
