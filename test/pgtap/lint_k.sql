-- The linter on triggers, functions and views.
\ir lib/lint.sql

CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION note_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER first_note BEFORE UPDATE ON large FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER some_note BEFORE INSERT ON large FOR EACH ROW WHEN (NEW.a > 0) EXECUTE FUNCTION note();
CREATE TABLE quiet (id int, note text);
INSERT INTO quiet SELECT g, repeat('x', 100) FROM generate_series(1, 990) g;
CREATE TABLE "Odd Name" (id int, "Camel" int);
CREATE FUNCTION counts_small() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN /* quiet is not read */ RETURN (SELECT count(a) FROM small); END $$;
CREATE FUNCTION counts_dynamic() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM parted' INTO n; RETURN n; END $$;
CREATE FUNCTION counts_odd() RETURNS bigint LANGUAGE sql AS $$ SELECT count("Camel") FROM "Odd Name" $$;
CREATE FUNCTION counts_bound() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM quiet; END;
CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT $1 * 2 $$;
CREATE FUNCTION twice(bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$ SELECT $1 * 2 $$;
CREATE INDEX ON quiet (twice(id));
CREATE FUNCTION thrice(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT $1 * 3 $$;
CREATE TABLE computed (id int, t int GENERATED ALWAYS AS (thrice(id)) STORED);
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE OPERATOR CLASS') EXECUTE FUNCTION on_ddl();
SELECT mg_set_policy('lint_severity', 'triggers-run-by-name=info', 'a test') IS NOT NULL;
ANALYZE;
SELECT pg_stat_force_next_flush() IS NULL;
SELECT evtname AS own FROM pg_event_trigger JOIN pg_depend ON objid = pg_event_trigger.oid AND classid = 'pg_event_trigger'::regclass AND deptype = 'e' ORDER BY 1 LIMIT 1 \gset

INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('trigger-locks-table', 'CREATE TRIGGER x AFTER DELETE ON large EXECUTE FUNCTION note()', '1:1', true),
('trigger-locks-table', 'CREATE OR REPLACE TRIGGER first_note BEFORE UPDATE ON large FOR EACH ROW EXECUTE FUNCTION note()', '1:1', true),
('trigger-locks-table', 'CREATE TRIGGER x AFTER DELETE ON small EXECUTE FUNCTION note()', NULL, true),
('trigger-locks-table', 'CREATE TABLE fresh (i int); CREATE TRIGGER x AFTER DELETE ON fresh EXECUTE FUNCTION note()', NULL, true),
('row-trigger-on-busy-table', 'CREATE TRIGGER x AFTER INSERT OR DELETE ON large FOR EACH ROW EXECUTE FUNCTION note()', '1:1', true),
('row-trigger-on-busy-table', 'CREATE TRIGGER x AFTER DELETE ON large FOR EACH ROW EXECUTE FUNCTION note()', NULL, true),
('row-trigger-on-busy-table', 'CREATE TRIGGER x AFTER INSERT ON large FOR EACH STATEMENT EXECUTE FUNCTION note()', NULL, true),
('row-trigger-on-busy-table', 'CREATE TRIGGER x AFTER INSERT ON quiet FOR EACH ROW EXECUTE FUNCTION note()', NULL, true),
('same-trigger-twice', 'CREATE TRIGGER another BEFORE UPDATE ON public.large FOR EACH ROW EXECUTE FUNCTION note()', '1:1', true),
('same-trigger-twice', 'DROP TRIGGER first_note ON large; CREATE TRIGGER another BEFORE UPDATE ON large FOR EACH ROW EXECUTE FUNCTION note()', NULL, true),
('same-trigger-twice', 'CREATE TRIGGER another AFTER UPDATE ON large FOR EACH ROW EXECUTE FUNCTION note(); CREATE TRIGGER more BEFORE UPDATE ON large FOR EACH ROW EXECUTE FUNCTION note_more()', NULL, true),
('same-trigger-twice', 'CREATE TRIGGER another BEFORE INSERT ON large FOR EACH ROW EXECUTE FUNCTION note(); CREATE OR REPLACE TRIGGER first_note BEFORE UPDATE ON large FOR EACH ROW EXECUTE FUNCTION note()', NULL, true),
('triggers-run-by-name', 'CREATE TRIGGER another BEFORE INSERT OR UPDATE ON large FOR EACH ROW EXECUTE FUNCTION note_more()', '1:1', true),
('triggers-run-by-name', 'CREATE TRIGGER another BEFORE DELETE ON large FOR EACH ROW EXECUTE FUNCTION note_more(); CREATE TRIGGER more AFTER UPDATE ON large FOR EACH ROW EXECUTE FUNCTION note()', NULL, true),
('function-names-what-is-gone', E'SELECT 1;\nDROP TABLE small', '2:1', true),
('function-names-what-is-gone', 'ALTER TABLE parted RENAME TO partitioned', '1:1', true),
('function-names-what-is-gone', 'ALTER TABLE small DROP COLUMN a', '1:1', true),
('function-names-what-is-gone', 'ALTER TABLE "Odd Name" RENAME "Camel" TO camel', '1:1', true),
('function-names-what-is-gone', 'DROP TABLE small; CREATE OR REPLACE FUNCTION counts_small() RETURNS bigint LANGUAGE sql AS ''SELECT 1::bigint''', NULL, true),
('function-names-what-is-gone', 'DROP FUNCTION counts_small(); DROP TABLE small', NULL, true),
('function-names-what-is-gone', 'ALTER TABLE parted RENAME TO partitioned; CREATE VIEW parted AS SELECT id, a FROM partitioned', NULL, true),
('function-names-what-is-gone', 'ALTER TABLE small DROP COLUMN id; ALTER TABLE quiet RENAME TO loud; DROP TABLE computed', NULL, true),
('function-names-what-is-gone', 'CREATE TEMP TABLE small (i int); DROP TABLE small; CREATE TABLE fresh (a int); DROP TABLE fresh', NULL, true),
('matview-without-unique-index', 'CREATE MATERIALIZED VIEW v AS SELECT id FROM small', '1:1', true),
('matview-without-unique-index', 'CREATE MATERIALIZED VIEW v AS SELECT id FROM small; CREATE UNIQUE INDEX ON v (id) WHERE id > 0', '1:1', true),
('matview-without-unique-index', 'CREATE MATERIALIZED VIEW v AS SELECT id FROM small; CREATE UNIQUE INDEX ON public.v (id)', NULL, true),
('matview-without-unique-index', 'CREATE VIEW v AS SELECT id FROM small; CREATE TABLE c AS SELECT id FROM small', NULL, true),
('matview-without-data', 'CREATE MATERIALIZED VIEW v AS SELECT id FROM small WITH NO DATA', '1:1', true),
('matview-without-data', 'CREATE MATERIALIZED VIEW v AS SELECT id FROM small WITH NO DATA; REFRESH MATERIALIZED VIEW public.v', NULL, true),
('matview-without-data', 'CREATE TABLE c AS SELECT id FROM small WITH NO DATA', NULL, true),
('event-trigger-changed', 'CREATE EVENT TRIGGER x ON sql_drop EXECUTE FUNCTION on_ddl()', '1:1', false),
('event-trigger-changed', 'ALTER EVENT TRIGGER watch DISABLE', '1:1', false),
('event-trigger-changed', 'DROP EVENT TRIGGER watch', '1:1', false),
('event-trigger-changed', 'CREATE TABLE event (trigger int); DROP TRIGGER first_note ON large', NULL, true),
('recorder-switched-off', 'ALTER EVENT TRIGGER ' || :'own' || ' DISABLE', '1:1', false),
('recorder-switched-off', 'ALTER EVENT TRIGGER ' || :'own' || ' ENABLE ALWAYS; ALTER EVENT TRIGGER watch DISABLE', NULL, false),
('volatility-weakened', 'CREATE OR REPLACE FUNCTION twice(int) RETURNS int LANGUAGE sql AS ''SELECT $1 * 2''', '1:1', true),
('volatility-weakened', E'SELECT 1;\nALTER FUNCTION thrice(int) STABLE', '2:1', true),
('volatility-weakened', 'CREATE OR REPLACE FUNCTION twice(bigint) RETURNS bigint LANGUAGE sql AS ''SELECT $1 * 2''', NULL, true),
('volatility-weakened', 'CREATE OR REPLACE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS ''SELECT $1 * 2''', NULL, true),
('volatility-weakened', 'ALTER FUNCTION thrice(int) STRICT; ALTER FUNCTION counts_small STABLE', NULL, true);

SELECT * FROM t.lint_tests('{K}');
DROP EVENT TRIGGER watch;
SELECT * FROM finish();
