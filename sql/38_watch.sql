-- Watching: what is in good shape and what is not, and numbers for a monitoring system.

CREATE FUNCTION pg_catalog.mg_health()
	RETURNS TABLE (aspect text, object text, value text, ok boolean, hint text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_health';
COMMENT ON FUNCTION pg_catalog.mg_health() IS
'says what is in good shape here and what to do where something is not: connections, transactions, activity, indexes that nobody needs, bloat, dead rows, statistics, sequences, replication slots; at least a row for each aspect, ok is NULL where it cannot be told. Takes no argument, reads catalogs and statistics only, waits for no table; sessions are those that the caller may see. Raises 55P03 when the settings of the policy stay locked for 100 ms';

CREATE VIEW mg.health AS SELECT * FROM pg_catalog.mg_health();
COMMENT ON VIEW mg.health IS 'what mg_health() says: aspect, object, value, ok, and what to do';

CREATE FUNCTION pg_catalog.mg_metrics() RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_metrics';
COMMENT ON FUNCTION pg_catalog.mg_metrics() IS
'gives the ledger and the database in numbers, as OpenMetrics 1.0: runs, their durations, migrations, statements, rehearsals, seals, sizes, ages, locks waiting. Takes no argument; drift is not among them, since mg_drift_report() is too dear for a scrape. What is locked for 100 ms has no samples; raises 55P03 when that is a system catalog';
