-- The sums as SQL sees them, and how a result becomes a line of TAP.
CREATE SCHEMA sweep;
CREATE FUNCTION sweep.versions() RETURNS TABLE (classid oid, objid oid, sum bigint) LANGUAGE c AS 'mg_sweep', 'sweep_versions';
CREATE FUNCTION sweep.versions_of(classids text[], objids text[]) RETURNS TABLE (classid oid, objid oid, sum bigint) LANGUAGE c
    AS 'mg_sweep', 'sweep_versions_of';
CREATE FUNCTION sweep.units() RETURNS integer LANGUAGE c AS 'mg_sweep', 'sweep_count';
CREATE FUNCTION sweep.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';

-- Makes tables as they are in the wild: 10 columns, 3 indexes, 2 checks, a foreign key, 3 defaults and 2 comments each.
CREATE PROCEDURE sweep.fill(tables integer) LANGUAGE plpgsql AS $$
BEGIN
    CREATE SCHEMA big;
    FOR i IN 1..tables LOOP
        EXECUTE format('CREATE TABLE big.t%s (id bigint PRIMARY KEY, a integer DEFAULT 1 CHECK (a > 0), b text DEFAULT ''x'','
                       ' c timestamptz DEFAULT now(), d numeric(10, 2) CHECK (d < 5), e text, f boolean, g date, h uuid,'
                       ' r bigint REFERENCES big.t%s)', i, greatest(i - 1, 1));
        EXECUTE format('CREATE INDEX ON big.t%s (a, b)', i);
        EXECUTE format('CREATE INDEX ON big.t%s (c) WHERE f', i);
        EXECUTE format('COMMENT ON TABLE big.t%s IS ''a table''', i);
        EXECUTE format('COMMENT ON COLUMN big.t%s.a IS ''a column''', i);
        IF i % 100 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END $$;

-- The best of ten runs of a query, in milliseconds.
CREATE FUNCTION sweep.time(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    begun timestamptz;
    best interval;
BEGIN
    FOR i IN 1..10 LOOP
        begun := clock_timestamp();
        EXECUTE query;
        best := least(best, clock_timestamp() - begun);
    END LOOP;
    RETURN round(1000 * extract(epoch FROM best)::numeric, 1);
END $$;
