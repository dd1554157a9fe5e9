-- Every kind of object renamed and moved to another schema within a migration, and rolled back: what capture looks up before the statement runs.
\ir lib/errors.sql
SELECT no_plan();

CREATE SCHEMA a; CREATE SCHEMA b;
CREATE TABLE a.t (i int CONSTRAINT positive CHECK (i > 0)); CREATE INDEX x ON a.t (i);
CREATE VIEW a.v AS SELECT 1 AS one; CREATE MATERIALIZED VIEW a.m AS SELECT 1 AS one; CREATE SEQUENCE a.s;
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER r FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE a.f (i int) SERVER r;
CREATE FUNCTION a.plain(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE a.does() LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION a.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE AGGREGATE a.adds(int) (SFUNC = int4pl, STYPE = int);
CREATE TYPE a.mood AS ENUM ('sad'); CREATE TYPE a.pair AS (x int); CREATE TYPE a.span AS RANGE (SUBTYPE = int4); CREATE DOMAIN a.small AS int CONSTRAINT little CHECK (VALUE < 9);
CREATE COLLATION a.plainly FROM "C"; CREATE CONVERSION a.reads FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TRIGGER firing BEFORE INSERT ON a.t FOR EACH ROW EXECUTE FUNCTION a.fires(); CREATE RULE rules AS ON DELETE TO a.t DO INSTEAD NOTHING; CREATE POLICY allows ON a.t;
CREATE OPERATOR FAMILY a.of USING btree; CREATE OPERATOR CLASS a.oc FOR TYPE int USING btree FAMILY a.of AS FUNCTION 1 btint4cmp(int, int);
CREATE OPERATOR a.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE TEXT SEARCH CONFIGURATION a.tc (COPY = simple); CREATE TEXT SEARCH DICTIONARY a.td (TEMPLATE = simple); CREATE TEXT SEARCH PARSER a.tp (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype); CREATE TEXT SEARCH TEMPLATE a.tt (LEXIZE = dsimple_lexize);
CREATE STATISTICS a.st ON i, (i + 1) FROM a.t; CREATE PUBLICATION p; CREATE FUNCTION a.watches() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION a.watches();
SELECT mg_baseline('start', 'what there is');
SELECT mg_fingerprint() AS fingerprint \gset

CREATE TEMPORARY TABLE trials (number int GENERATED ALWAYS AS IDENTITY, up text, down text);
INSERT INTO trials (up, down) SELECT format('ALTER %s a.%s%s RENAME TO other', kind, name, arguments), format('ALTER %s a.other%s RENAME TO %s', kind, arguments, name)
	FROM (VALUES ('TABLE', 't', ''), ('TABLE', 'v', ''), ('INDEX', 'x', ''), ('VIEW', 'v', ''), ('MATERIALIZED VIEW', 'm', ''), ('SEQUENCE', 's', ''), ('FOREIGN TABLE', 'f', ''),
		('FUNCTION', 'plain', '(int)'), ('FUNCTION', 'plain', ''), ('PROCEDURE', 'does', '()'), ('ROUTINE', 'does', '()'), ('AGGREGATE', 'adds', '(int)'), ('TYPE', 'mood', ''), ('TYPE', 'pair', ''), ('TYPE', 'span', ''), ('TYPE', 'small', ''), ('DOMAIN', 'small', ''),
		('COLLATION', 'plainly', ''), ('CONVERSION', 'reads', ''), ('OPERATOR CLASS', 'oc', ' USING btree'), ('OPERATOR FAMILY', 'of', ' USING btree'),
		('TEXT SEARCH CONFIGURATION', 'tc', ''), ('TEXT SEARCH DICTIONARY', 'td', ''), ('TEXT SEARCH PARSER', 'tp', ''), ('TEXT SEARCH TEMPLATE', 'tt', ''), ('STATISTICS', 'st', '')) AS k (kind, name, arguments);
INSERT INTO trials (up, down) SELECT format('ALTER %s a.%s SET SCHEMA b', kind, name), format('ALTER %s b.%s SET SCHEMA a', kind, name)
	FROM (VALUES ('TABLE', 't'), ('VIEW', 'v'), ('MATERIALIZED VIEW', 'm'), ('SEQUENCE', 's'), ('FOREIGN TABLE', 'f'), ('FUNCTION', 'plain(int)'), ('PROCEDURE', 'does()'), ('ROUTINE', 'does()'), ('AGGREGATE', 'adds(int)'),
		('TYPE', 'mood'), ('TYPE', 'pair'), ('TYPE', 'span'), ('TYPE', 'small'), ('DOMAIN', 'small'), ('COLLATION', 'plainly'), ('CONVERSION', 'reads'), ('OPERATOR', '=== (int, int)'), ('OPERATOR CLASS', 'oc USING btree'), ('OPERATOR FAMILY', 'of USING btree'),
		('TEXT SEARCH CONFIGURATION', 'tc'), ('TEXT SEARCH DICTIONARY', 'td'), ('TEXT SEARCH PARSER', 'tp'), ('TEXT SEARCH TEMPLATE', 'tt'), ('STATISTICS', 'st')) AS k (kind, name);
INSERT INTO trials (up, down) VALUES
	('ALTER TABLE a.t RENAME COLUMN i TO other', 'ALTER TABLE a.t RENAME COLUMN other TO i'), ('ALTER VIEW a.v RENAME COLUMN one TO other', 'ALTER VIEW a.v RENAME COLUMN other TO one'),
	('ALTER TABLE a.t RENAME CONSTRAINT positive TO other', 'ALTER TABLE a.t RENAME CONSTRAINT other TO positive'), ('ALTER DOMAIN a.small RENAME CONSTRAINT little TO other', 'ALTER DOMAIN a.small RENAME CONSTRAINT other TO little'),
	('ALTER TYPE a.pair RENAME ATTRIBUTE x TO other', 'ALTER TYPE a.pair RENAME ATTRIBUTE other TO x'), ('ALTER TYPE a.mood RENAME VALUE ''sad'' TO ''other''', 'ALTER TYPE a.mood RENAME VALUE ''other'' TO ''sad'''),
	('ALTER TRIGGER firing ON a.t RENAME TO other', 'ALTER TRIGGER other ON a.t RENAME TO firing'), ('ALTER RULE rules ON a.t RENAME TO other', 'ALTER RULE other ON a.t RENAME TO rules'), ('ALTER POLICY allows ON a.t RENAME TO other', 'ALTER POLICY other ON a.t RENAME TO allows'),
	('ALTER SCHEMA b RENAME TO other', 'ALTER SCHEMA other RENAME TO b'), ('ALTER FOREIGN DATA WRAPPER w RENAME TO other', 'ALTER FOREIGN DATA WRAPPER other RENAME TO w'), ('ALTER SERVER r RENAME TO other', 'ALTER SERVER other RENAME TO r'),
	('ALTER PUBLICATION p RENAME TO other', 'ALTER PUBLICATION other RENAME TO p'), ('ALTER EVENT TRIGGER e RENAME TO other', 'ALTER EVENT TRIGGER other RENAME TO e'),
	('ALTER TABLE IF EXISTS a.none RENAME TO other', 'SELECT 1'), ('SET search_path = a; ALTER TYPE mood RENAME TO other', 'ALTER TYPE a.other RENAME TO mood');

SELECT format('SELECT is((SELECT status FROM mg_apply(%L, %L, %L)), ''applied'', %L)', 'r' || number, up, down, up),
	format('SELECT is((SELECT status FROM mg_rollback(%L)), ''rolled back'', %L)', 'r' || number, down) FROM trials ORDER BY number
\gexec
SELECT is((SELECT string_agg(concat_ws(' ', kind, object_type, identity, property), ', ') FROM mg_drift_report()), NULL, 'nothing has drifted');
SELECT is(mg_fingerprint(), :'fingerprint', 'all is as it was');
SELECT is(t.said('SELECT mg_apply(''nothing'', ''ALTER TYPE a.nothing RENAME TO other'')') LIKE '42704 type "a.nothing" does not exist%', true, 'a type that is not there');
SELECT * FROM finish();
