-- History tables as teams have them: their names and columns over the ledger, and theirs taken into it.

-- While a migration runs or is rehearsed, what its scripts have said of it: its row is there, or not any more. No row outlives the run that wrote it.
CREATE TABLE mg.history_change (
	migration text COLLATE "C" NOT NULL PRIMARY KEY,
	version   text COLLATE "C" NOT NULL,
	listed    boolean          NOT NULL
);
COMMENT ON TABLE mg.history_change IS 'what scripts that run now have written to a history table of their team''s; empty otherwise, and not dumped';

CREATE VIEW mg.migrations_history AS
	SELECT h.id, h.migration_name, h.applied_at, h.applied_by, h.execution_time, h.checksum,
	       h.rollback_applied, h.rollback_at, h.metadata
	FROM mg.history h
	WHERE NOT h.rollback_applied
	  AND NOT EXISTS (SELECT FROM mg.history_change c
	                  WHERE c.migration OPERATOR(pg_catalog.=) h.migration_name AND NOT c.listed)
	UNION ALL
	SELECT NULL::integer, c.migration, pg_catalog.now(), SESSION_USER::text, NULL::interval, n.up,
	       false, NULL::timestamptz, NULL::jsonb
	FROM mg.history_change c
	LEFT JOIN mg.newest_registration n ON n.migration OPERATOR(pg_catalog.=) c.migration
	WHERE c.listed
	  AND NOT EXISTS (SELECT FROM mg.applied a WHERE a.migration OPERATOR(pg_catalog.=) c.migration);
COMMENT ON VIEW mg.migrations_history IS 'what is applied now, as a history table with a row for each name; mg_history_view() makes one of that name in a schema of the team';

CREATE VIEW mg.schema_migrations AS
	SELECT coalesce(nullif(h.version, ''), h.migration_name) AS version,
	       h.description, h.applied_at
	FROM mg.history h
	WHERE NOT h.rollback_applied
	  AND NOT EXISTS (SELECT FROM mg.history_change c
	                  WHERE c.migration OPERATOR(pg_catalog.=) h.migration_name AND NOT c.listed)
	UNION ALL
	SELECT c.version, coalesce(n.headers OPERATOR(pg_catalog.->>) 'description', n.headers OPERATOR(pg_catalog.->>) 'purpose'), pg_catalog.now()
	FROM mg.history_change c
	LEFT JOIN mg.newest_registration n ON n.migration OPERATOR(pg_catalog.=) c.migration
	WHERE c.listed
	  AND NOT EXISTS (SELECT FROM mg.applied a WHERE a.migration OPERATOR(pg_catalog.=) c.migration);
COMMENT ON VIEW mg.schema_migrations IS 'what is applied now, as a history table with a row for each version; mg_history_view() makes one of that name in a schema of the team';

CREATE FUNCTION pg_catalog.mg_keep_history() RETURNS trigger
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_keep_history';
COMMENT ON FUNCTION pg_catalog.mg_keep_history() IS
'lets a migration''s own scripts write its row to a view that mg_history_view() made, which changes nothing, and refuses everything else: 55000. A trigger on those views';

CREATE FUNCTION pg_catalog.mg_history_view(
	schema_name text, kind text, roles text[] DEFAULT NULL, OUT history text, OUT status text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_history_view';
COMMENT ON FUNCTION pg_catalog.mg_history_view(text, text, text[]) IS
'makes a view called migrations_history or schema_migrations (the kind) in a schema, as the caller, over what is applied now: scripts that look at such a table and write themselves into it run unchanged. The roles may read it and their migrations may write to it; nobody else. Status is created, or kept when it is there already. For superusers and members of pg_database_owner. Raises 42P07 when something else has that name, 3F000 without such a schema, 22023 for another kind';

CREATE FUNCTION pg_catalog.mg_adopt_history(table_name regclass)
	RETURNS TABLE (migration text, status text, applied_at timestamptz, note text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_adopt_history';
COMMENT ON FUNCTION pg_catalog.mg_adopt_history(regclass) IS
'reads the history table of another tool or of a team''s own and records what it says is applied, at the time it says; a row for each: adopted, known already, or skipped with the reason. The table is only read, and nothing is recorded twice. For superusers and members of pg_database_owner. Raises 22023 for a table of no known kind';
