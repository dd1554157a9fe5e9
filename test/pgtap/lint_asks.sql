-- What the linter asks of the server runs nothing that a user wrote.
\ir lib/lint.sql

CREATE SEQUENCE calls;
CREATE FUNCTION counted(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.calls'); RETURN $1; END $$;
CREATE TYPE wrapped AS (i int);
CREATE FUNCTION unwrapped(wrapped) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT public.counted(1) $$;
CREATE CAST (wrapped AS int) WITH FUNCTION unwrapped(wrapped) AS ASSIGNMENT;
CREATE DOMAIN checked AS int CHECK (counted(VALUE) > 0);
CREATE DOMAIN fixed AS int CHECK (VALUE > counted(0));
CREATE TABLE guarded (a int, b int, w wrapped, c checked[]);
INSERT INTO guarded SELECT g, g FROM generate_series(1, 100000) g;
ALTER TABLE guarded ADD CONSTRAINT above CHECK (a > counted(0));
CREATE INDEX ON guarded (a) WHERE b > counted(5);
ANALYZE;
DO $$ BEGIN PERFORM setval('calls', 1, false); END $$;

CREATE FUNCTION t.calls_of(script text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setval('public.calls', 1, false);
	PERFORM count(*) FROM mg_lint(script);
	RETURN (SELECT CASE WHEN is_called THEN 'called' ELSE 'not called' END FROM public.calls);
END $$;
SELECT is(t.calls_of(script), 'not called', script) FROM (VALUES
	('ALTER TABLE guarded ADD COLUMN d checked[] DEFAULT ''{1}'''),
	('ALTER TABLE guarded ADD COLUMN d fixed DEFAULT 1'),
	('ALTER TABLE guarded ADD CHECK (c <> ''{2}'')'),
	('ALTER TABLE guarded ALTER COLUMN a SET NOT NULL'),
	('ALTER TABLE guarded ADD CHECK (a > counted(7)); ALTER TABLE guarded ALTER COLUMN b TYPE bigint USING counted(3)'),
	('ALTER TABLE guarded ALTER COLUMN w TYPE int'),
	('ALTER TABLE guarded ALTER COLUMN a TYPE fixed'),
	('ALTER TABLE guarded ALTER COLUMN b SET DEFAULT counted(3)'),
	('CREATE INDEX ON guarded ((a + counted(2))) WHERE c = ''{3}'''),
	('UPDATE guarded SET b = 1 WHERE c = ''{4}'''),
	('UPDATE guarded SET b = 1 WHERE a < 10'),
	('DELETE FROM guarded WHERE a = counted(4)'),
	('CREATE VIEW seen AS SELECT a FROM guarded; CREATE OR REPLACE VIEW seen AS SELECT ''{5}''::checked[] AS a')) AS v (script);

SELECT * FROM finish();
