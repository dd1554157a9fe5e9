-- The guard of the ledger, the privileges, the first records, and last of all the event triggers.

CREATE FUNCTION pg_catalog.mg_guard() RETURNS trigger
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_guard';
COMMENT ON FUNCTION pg_catalog.mg_guard() IS 'refuses to change the ledger; a trigger on each of its tables';

CREATE FUNCTION pg_catalog.mg_capture() RETURNS event_trigger
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_capture';
COMMENT ON FUNCTION pg_catalog.mg_capture() IS 'records statements; what the extension''s event triggers call';

CREATE FUNCTION pg_catalog.mg_install() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_install';
COMMENT ON FUNCTION pg_catalog.mg_install() IS 'writes the first records of an installation; for the install script only';

INSERT INTO mg.current (installation, system_identifier, database_oid)
	SELECT pg_catalog.gen_random_uuid(), s.system_identifier, d.oid::bigint
	FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d
	WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database();

DO $guards$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['current', 'installation', 'script', 'registration', 'run', 'statement', 'policy_event', 'rehearsal', 'environment', 'approval', 'evidence', 'alert', 'journal', 'archive', 'seal'] LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER mg_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON mg.%I'
		                          ' FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.mg_guard()', name);
		EXECUTE pg_catalog.format('CREATE TRIGGER mg_guard_insert BEFORE INSERT ON mg.%I'
		                          ' FOR EACH ROW EXECUTE FUNCTION pg_catalog.mg_guard()', name);
		EXECUTE pg_catalog.format('ALTER TABLE mg.%I ENABLE ALWAYS TRIGGER mg_guard, ENABLE ALWAYS TRIGGER mg_guard_insert', name);
	END LOOP;
END
$guards$;

-- Nobody has a right here but the owner of the database, whoever default privileges would have let in.
DO $privileges$
DECLARE
	item record;
BEGIN
	FOR item IN
		SELECT DISTINCT c.oid::pg_catalog.regclass::text AS name, a.grantee
		FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
		WHERE c.relnamespace OPERATOR(pg_catalog.=) 'mg'::pg_catalog.regnamespace
		  AND a.grantee OPERATOR(pg_catalog.<>) c.relowner
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', item.name,
			CASE WHEN item.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC' ELSE item.grantee::pg_catalog.regrole::text END);
	END LOOP;
	FOR item IN
		SELECT p.oid::pg_catalog.regprocedure::text AS name, g.grantee
		FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_depend d ON d.objid OPERATOR(pg_catalog.=) p.oid
		     AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
		     AND d.deptype OPERATOR(pg_catalog.=) 'e'::"char"
		JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
		     AND e.extname OPERATOR(pg_catalog.=) 'migration_governance',
		LATERAL (SELECT 0::pg_catalog.oid AS grantee
		         UNION SELECT a.grantee FROM pg_catalog.aclexplode(p.proacl) a
		         WHERE a.grantee OPERATOR(pg_catalog.<>) p.proowner) g
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM %s', item.name,
			CASE WHEN item.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC' ELSE item.grantee::pg_catalog.regrole::text END);
		IF item.name !~ 'mg_(guard|capture|install)\(' THEN
			EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO pg_database_owner WITH GRANT OPTION', item.name);
		END IF;
	END LOOP;
END
$privileges$;
DO $schema$
DECLARE
	item record;
BEGIN
	FOR item IN
		SELECT DISTINCT n.nspname, a.grantee FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
		WHERE n.nspname OPERATOR(pg_catalog.=) ANY (ARRAY['mg', 'mg_archive']) AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON SCHEMA %I FROM %s', item.nspname,
			CASE WHEN item.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC' ELSE item.grantee::pg_catalog.regrole::text END);
	END LOOP;
END
$schema$;
GRANT USAGE ON SCHEMA mg TO pg_database_owner WITH GRANT OPTION;
GRANT SELECT ON ALL TABLES IN SCHEMA mg TO pg_database_owner WITH GRANT OPTION;

SELECT pg_catalog.mg_install();

CREATE EVENT TRIGGER mg_capture_start ON ddl_command_start EXECUTE FUNCTION pg_catalog.mg_capture();
CREATE EVENT TRIGGER mg_capture_end ON ddl_command_end EXECUTE FUNCTION pg_catalog.mg_capture();
CREATE EVENT TRIGGER mg_capture_drop ON sql_drop EXECUTE FUNCTION pg_catalog.mg_capture();
CREATE EVENT TRIGGER mg_capture_rewrite ON table_rewrite EXECUTE FUNCTION pg_catalog.mg_capture();
COMMENT ON EVENT TRIGGER mg_capture_start IS 'migration_governance: a statement begins';
COMMENT ON EVENT TRIGGER mg_capture_end IS 'migration_governance: what a statement touched';
COMMENT ON EVENT TRIGGER mg_capture_drop IS 'migration_governance: what a statement dropped';
COMMENT ON EVENT TRIGGER mg_capture_rewrite IS 'migration_governance: which tables a migration rewrote';
ALTER EVENT TRIGGER mg_capture_start ENABLE ALWAYS;
ALTER EVENT TRIGGER mg_capture_end ENABLE ALWAYS;
ALTER EVENT TRIGGER mg_capture_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER mg_capture_rewrite ENABLE ALWAYS;
