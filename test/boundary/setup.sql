-- The probes, what they work on, and how a result becomes a line of TAP.
CREATE FUNCTION boundary_fail(kind text) RETURNS integer PARALLEL SAFE LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_descend(kind text, depth integer) RETURNS integer LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_event() RETURNS event_trigger LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_trigger() RETURNS trigger LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_work(job text) RETURNS void LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_run_in_worker(payload text) RETURNS integer LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_cross(depth integer) RETURNS text LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_scenarios() RETURNS TABLE (scenario text) LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_run(scenario text) RETURNS text LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_usage(OUT allocated bigint, OUT resident bigint, OUT witnesses integer, OUT errors integer) LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_exhaust(kind text) RETURNS void LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_devour(in_context boolean) RETURNS void LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_limit(bytes bigint) RETURNS void LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_leak() RETURNS void LANGUAGE c AS 'mg_boundary';
CREATE FUNCTION boundary_nothing() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';

CREATE ROLE boundary_other;
CREATE TABLE marker (id integer);
CREATE TABLE notes (name text, value text);
CREATE TABLE guarded_by_trigger (id integer);
CREATE TRIGGER boundary BEFORE INSERT ON guarded_by_trigger FOR EACH ROW EXECUTE FUNCTION boundary_trigger();
CREATE EVENT TRIGGER boundary_start ON ddl_command_start EXECUTE FUNCTION boundary_event();
CREATE EVENT TRIGGER boundary_end ON ddl_command_end EXECUTE FUNCTION boundary_event();
CREATE EVENT TRIGGER boundary_drop ON sql_drop EXECUTE FUNCTION boundary_event();
CREATE EVENT TRIGGER boundary_rewrite ON table_rewrite EXECUTE FUNCTION boundary_event();

CREATE FUNCTION tap(fine boolean, name text, VARIADIC details text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN fine THEN 'ok - ' || name
                ELSE concat('not ok - ', name, E'\n# ', replace(array_to_string(details, E'\n', 'NULL'), E'\n', E'\n# ')) END $$;

-- Every kind of entry, and the statement that leads there once the setting boundary.ENTRY is armed.
CREATE TABLE entries (entry text PRIMARY KEY, statement text, catchable boolean GENERATED ALWAYS AS (entry <> 'commit') STORED);
INSERT INTO entries VALUES
    ('function', 'SELECT boundary_fail(current_setting(''boundary.function''))'),
    ('nested', 'SELECT boundary_descend(current_setting(''boundary.nested''), 3)'),
    ('trigger', 'INSERT INTO guarded_by_trigger VALUES (1)'),
    ('utility', 'COMMENT ON TABLE marker IS ''x'''),
    ('ddl_command_start', 'COMMENT ON TABLE marker IS ''x'''),
    ('ddl_command_end', 'COMMENT ON TABLE marker IS ''x'''),
    ('sql_drop', 'DROP TABLE marker'),
    ('table_rewrite', 'ALTER TABLE marker ALTER id TYPE bigint'),
    ('access', 'CREATE TABLE made ()'),
    ('execute', 'SELECT boundary_nothing()'),
    ('subcommit', 'DO $do$ BEGIN BEGIN PERFORM 1; EXCEPTION WHEN division_by_zero THEN NULL; END; END $do$'),
    ('commit', 'COMMIT');

-- What each failure has to look like.
CREATE TABLE kinds (kind text PRIMARY KEY, sqlstate text, message text);
INSERT INTO kinds VALUES
    ('server_error', 'BD001', 'a server error, 100% %s'),
    ('rethrown', 'BD001', 'a server error, 100% %s'),
    ('cancel', '57014', 'canceling statement due to user request'),
    ('invalid_size', 'XX000', 'invalid memory alloc request size 1073741824'),
    ('out_of_memory', '53200', 'out of memory'),
    ('bad_alloc', '53200', 'out of memory'),
    ('std_exception', 'XX000', 'a standard exception, 100% %s'),
    ('other_exception', 'XX000', 'unrecognized C++ exception'),
    ('user_error', 'BD002', 'a user''s error, 100% %s'),
    ('odd_error', 'XX000', 'unknown error');

-- Catches what comes of an entry that fails in some way, and goes on working.
CREATE FUNCTION caught(entry text, kind text, OUT state text, OUT message text, OUT detail text, OUT hint text, OUT context text,
                       OUT goes_on boolean) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        INSERT INTO notes VALUES ('rolled back');
        PERFORM set_config('boundary.' || entry, kind, true);
        EXECUTE (SELECT e.statement FROM entries e WHERE e.entry = caught.entry);
    EXCEPTION WHEN query_canceled OR others THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
            hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    END;
    goes_on := NOT EXISTS (SELECT FROM notes WHERE name = 'rolled back') AND 1 / 1 = 1;
END $$;

-- Does the same so many times, every kind of failure in turn; counts those that were caught.
CREATE FUNCTION storm(entry text, times integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    kinds constant text[] := '{server_error,rethrown,cancel,invalid_size,bad_alloc,std_exception,other_exception,user_error}';
    statement constant text := (SELECT e.statement FROM entries e WHERE e.entry = storm.entry);
    setting constant text := 'boundary.' || entry;
    found integer := 0;
BEGIN
    FOR i IN 1..times LOOP
        BEGIN
            PERFORM set_config(setting, kinds[1 + i % 8], true);
            EXECUTE statement;
        EXCEPTION WHEN query_canceled OR others THEN
            found := found + 1;
        END;
    END LOOP;
    RETURN found;
END $$;
