-- Receipts of rehearsals.

CREATE FUNCTION pg_catalog.mg_catalog_fingerprint() RETURNS text
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_catalog_fingerprint';
COMMENT ON FUNCTION pg_catalog.mg_catalog_fingerprint() IS
'gives a sum over the catalog rows of the whole schema, in hexadecimal: other than mg_fingerprint() it is quick to make, and another one after dump and restore. Receipts of rehearsals bear it';

CREATE VIEW mg.rehearsals AS
	SELECT r.id, r.at, r.migration, r.verdict,
	       CASE WHEN r.server_version OPERATOR(pg_catalog.<>) (SELECT pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1))
	            THEN pg_catalog.format('the server was %s and is %s', r.server_version, (SELECT pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1)))
	            WHEN r.fingerprint OPERATOR(pg_catalog.<>) (SELECT pg_catalog.mg_catalog_fingerprint())
	            THEN 'the schema has changed'
	            WHEN n.up OPERATOR(pg_catalog.<>) r.checksum
	              OR coalesce(n.down, '') OPERATOR(pg_catalog.<>) coalesce(r.down_checksum, '')
	              AND n.migration IS NOT NULL THEN 'the scripts have changed' END AS stale,
	       r.up_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS up_time,
	       r.down_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS down_time,
	       r.again_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS again_time,
	       r.checksum, r.down_checksum, r.fingerprint, r.server_version, r.facts, r.steps,
	       r.login_role, r.session_role, r.acting_role, r.application, r.client, r.installation
	FROM mg.rehearsal r
	LEFT JOIN mg.newest_registration n ON n.migration OPERATOR(pg_catalog.=) r.migration
	ORDER BY r.at, r.id;
COMMENT ON VIEW mg.rehearsals IS 'one row for each rehearsal that was kept, with what it found, and why it is stale, if it is';

CREATE FUNCTION pg_catalog.mg_plan(name text, sizes jsonb DEFAULT NULL)
	RETURNS TABLE (step integer, statement text, lock_mode text, object text, rewrite boolean, estimate interval, note text, disk bigint, risk text, conflicts text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_plan';
COMMENT ON FUNCTION pg_catalog.mg_plan(text, jsonb) IS
'tells what each statement of a migration is about to do (of an applied one, of its way back), by its last rehearsal, or without one by the linter: strongest lock, rewrites, the time by the size of its table here, or in another database whose mg_sizes() are handed in, the disk space that it needs, its risk class, and which other pending migrations touch the same objects. Runs nothing';

CREATE FUNCTION pg_catalog.mg_sizes() RETURNS jsonb
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_sizes';
COMMENT ON FUNCTION pg_catalog.mg_sizes() IS
'gives the bytes of each table with its partitions, children and TOAST, without indexes, as one object, for mg_plan() in another database';
