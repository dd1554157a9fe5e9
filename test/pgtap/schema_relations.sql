-- Pictures of tables, views, sequences and their triggers, rules and policies: property for property.
\ir lib/errors.sql
SELECT no_plan();

CREATE ROLE relation_boss; CREATE ROLE "Relation reader"; -- roles outlive the test's database: dropped at the end
CREATE SCHEMA s;
CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;

-- Runs a statement, unless it is empty, and gives what the picture of an object says afterwards: one property, or one of a part.
CREATE FUNCTION t.after(change text, object text, path text[]) RETURNS text
	LANGUAGE plpgsql AS $$
BEGIN
	IF change <> '' THEN
		EXECUTE change;
	END IF;
	RETURN (SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z)->object #>> path;
END $$;
CREATE FUNCTION t.is_there(object text) RETURNS boolean
	LANGUAGE sql AS $$ SELECT (SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z) ? object $$;
-- All that is said of an object itself, without its columns, constraints and indexes.
CREATE FUNCTION t.own(object text) RETURNS jsonb
	LANGUAGE sql AS $$ SELECT ((SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z)->object) - '{columns,constraints,indexes,owner}'::text[] $$;

-- What is a unit.
CREATE TABLE s.plain (id int PRIMARY KEY, name text);
CREATE TABLE s."Odd "" name" (i int GENERATED ALWAYS AS IDENTITY, n serial);
CREATE VIEW s.watch AS SELECT id, name FROM s.plain;
CREATE MATERIALIZED VIEW s.kept AS SELECT id, name FROM s.plain;
CREATE SEQUENCE s.numbers;
CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere; CREATE SERVER further FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE s.distant (a int) SERVER far;
CREATE TABLE s.parted (a int, at timestamptz) PARTITION BY RANGE (a);
CREATE TYPE s.shape AS (x int, y text);
CREATE TEMP TABLE passing (a int);
SELECT is(t.own('table s.plain'), '{}', 'a usual table');
SELECT is(t.own('table s."Odd "" name"'), '{}', 'a quoted name');
SELECT is(t.own('sequence s."Odd "" name_n_seq"'), '{"type": "integer", "owned by": "s.\"Odd \"\" name\".n"}', 'the sequence of a serial column');
SELECT is(t.own('sequence s.numbers'), '{}', 'a usual sequence');
SELECT is(t.own('view s.watch') - 'definition', '{}', 'a usual view');
SELECT is(t.own('materialized view s.kept') - 'definition', '{}', 'a usual materialized view');
SELECT is(t.own('foreign table s.distant'), '{"server": "far"}', 'a usual foreign table');
SELECT is(t.own('table s.parted'), '{"partition key": "RANGE (a)"}', 'a usual partitioned table');
SELECT is((SELECT string_agg(key, ', ' ORDER BY key COLLATE "C") FROM jsonb_object_keys((SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z)) key WHERE key ~ '^(foreign table|table|view|materialized view|sequence) '),
	'foreign table s.distant, materialized view s.kept, sequence s."Odd "" name_n_seq", sequence s.numbers, table s."Odd "" name", table s.parted, table s.plain, view s.watch',
	'no indexes, composite types, identity sequences, temporary tables, or members of extensions');

-- Properties of relations; a usual value is left out.
CREATE TEMP TABLE changes (place int GENERATED ALWAYS AS IDENTITY, change text, object text, path text[], says text);
INSERT INTO changes (change, object, path, says) VALUES
	('ALTER TABLE s.plain OWNER TO relation_boss', 'table s.plain', '{owner}', 'relation_boss'),
	('ALTER TABLE s.plain SET UNLOGGED', 'table s.plain', '{persistence}', 'unlogged'),
	('ALTER TABLE s.plain SET LOGGED', 'table s.plain', '{persistence}', NULL),
	('ALTER TABLE s.plain SET (fillfactor = 70, autovacuum_enabled = off)', 'table s.plain', '{options}', 'autovacuum_enabled=off, fillfactor=70'),
	('ALTER TABLE s.plain SET (toast.autovacuum_enabled = on)', 'table s.plain', '{options}', 'autovacuum_enabled=off, fillfactor=70, toast.autovacuum_enabled=on'),
	('ALTER TABLE s.plain RESET (fillfactor, autovacuum_enabled)', 'table s.plain', '{options}', 'toast.autovacuum_enabled=on'),
	('ALTER TABLE s.plain RESET (toast.autovacuum_enabled)', 'table s.plain', '{options}', NULL),
	('ALTER TABLE s.plain SET ACCESS METHOD other_heap', 'table s.plain', '{access method}', 'other_heap'),
	('ALTER TABLE s.plain SET ACCESS METHOD heap', 'table s.plain', '{access method}', NULL),
	('ALTER TABLE s.plain ENABLE ROW LEVEL SECURITY', 'table s.plain', '{row security}', 'enabled'),
	('ALTER TABLE s.plain FORCE ROW LEVEL SECURITY', 'table s.plain', '{row security}', 'enabled, forced'),
	('ALTER TABLE s.plain DISABLE ROW LEVEL SECURITY', 'table s.plain', '{row security}', 'forced'),
	('ALTER TABLE s.plain NO FORCE ROW LEVEL SECURITY', 'table s.plain', '{row security}', NULL),
	('ALTER TABLE s.plain REPLICA IDENTITY FULL', 'table s.plain', '{replica identity}', 'full'),
	('ALTER TABLE s.plain REPLICA IDENTITY NOTHING', 'table s.plain', '{replica identity}', 'nothing'),
	('ALTER TABLE s.plain REPLICA IDENTITY USING INDEX plain_pkey', 'table s.plain', '{replica identity}', NULL),
	('ALTER TABLE s.plain REPLICA IDENTITY DEFAULT', 'table s.plain', '{replica identity}', NULL),
	('COMMENT ON TABLE s.plain IS ''first''', 'table s.plain', '{comment}', 'first'),
	('COMMENT ON TABLE s.plain IS NULL', 'table s.plain', '{comment}', NULL),
	('COMMENT ON COLUMN s.plain.id IS ''no comment of the table''', 'table s.plain', '{comment}', NULL),
	('REVOKE ALL ON s.plain FROM relation_boss', 'table s.plain', '{privileges}', 'none'),
	('GRANT SELECT, INSERT ON s.plain TO PUBLIC', 'table s.plain', '{privileges}', 'PUBLIC=INSERT/SELECT'),
	('GRANT SELECT ON s.plain TO "Relation reader" WITH GRANT OPTION', 'table s.plain', '{privileges}', 'PUBLIC=INSERT/SELECT, Relation reader=SELECT*'),
	('REVOKE ALL ON s.plain FROM PUBLIC, "Relation reader"; GRANT ALL ON s.plain TO relation_boss', 'table s.plain', '{privileges}', NULL),
	('CREATE TABLE s.of_type OF s.shape', 'table s.of_type', '{of type}', 's.shape'),
	('ALTER TABLE s.of_type NOT OF', 'table s.of_type', '{of type}', NULL),
	('CREATE TABLE s.mother (m int); CREATE TABLE s.father (f int); CREATE TABLE s.child () INHERITS (s.mother, s.father)', 'table s.child', '{inherits}', 's.mother, s.father'),
	('ALTER TABLE s.child NO INHERIT s.mother', 'table s.child', '{inherits}', 's.father'),
	('ALTER TABLE s.child INHERIT s.mother', 'table s.child', '{inherits}', 's.father, s.mother'),
	('CREATE TABLE s.part (a int DEFAULT 3, at timestamptz); ALTER TABLE s.parted ATTACH PARTITION s.part FOR VALUES FROM (MINVALUE) TO (10)', 'table s.part', '{partition bound}', 'FOR VALUES FROM (MINVALUE) TO (10)'),
	('', 'table s.part', '{partition of}', 's.parted'), ('', 'table s.part', '{inherits}', NULL),
	('CREATE TABLE s.rest PARTITION OF s.parted DEFAULT PARTITION BY RANGE (at, (a + 1))', 'table s.rest', '{partition bound}', 'DEFAULT'),
	('', 'table s.rest', '{partition key}', 'RANGE (at, ((a + 1)))'),
	('SET TimeZone = ''Asia/Tokyo''; SET DateStyle = ''SQL, DMY''; CREATE TABLE s.leaf PARTITION OF s.rest FOR VALUES FROM (''2020-02-01 09:00'', 1) TO (''2021-02-01 09:00'', MAXVALUE)', 'table s.leaf', '{partition bound}',
		'FOR VALUES FROM (''2020-02-01 00:00:00+00'', 1) TO (''2021-02-01 00:00:00+00'', MAXVALUE)'),
	('RESET TimeZone; RESET DateStyle', 'table s.leaf', '{partition of}', 's.rest'),
	('ALTER TABLE s.parted DETACH PARTITION s.part', 'table s.part', '{partition of}', NULL), ('', 'table s.part', '{partition bound}', NULL),
	('ALTER FOREIGN TABLE s.distant OPTIONS (b ''it''''s'', "A" ''1, 2'')', 'foreign table s.distant', '{options}', '"A" ''1, 2'', b ''it''''s'''),
	('ALTER FOREIGN TABLE s.distant OPTIONS (SET b ''c'')', 'foreign table s.distant', '{options}', '"A" ''1, 2'', b ''c'''),
	('DROP FOREIGN TABLE s.distant; CREATE FOREIGN TABLE s.distant (a int) SERVER further', 'foreign table s.distant', '{server}', 'further'),
	('ALTER VIEW s.watch SET (security_barrier = true, check_option = local)', 'view s.watch', '{options}', 'check_option=local, security_barrier=true'),
	('ALTER VIEW s.watch RESET (security_barrier, check_option)', 'view s.watch', '{options}', NULL),
	('REVOKE ALL ON s.watch FROM current_user; GRANT SELECT ON s.watch TO PUBLIC, current_user', 'view s.watch', '{privileges}', 'PUBLIC=SELECT, ' || current_user || '=SELECT'),
	('ALTER MATERIALIZED VIEW s.kept SET (fillfactor = 80)', 'materialized view s.kept', '{options}', 'fillfactor=80'),
	('ALTER MATERIALIZED VIEW s.kept DEPENDS ON EXTENSION plpgsql', 'materialized view s.kept', '{depends on extension}', 'plpgsql'),
	('ALTER MATERIALIZED VIEW s.kept NO DEPENDS ON EXTENSION plpgsql', 'materialized view s.kept', '{depends on extension}', NULL),
	('ALTER SEQUENCE s.numbers AS smallint', 'sequence s.numbers', '{type}', 'smallint'), ('', 'sequence s.numbers', '{maximum}', NULL),
	('ALTER SEQUENCE s.numbers INCREMENT 5', 'sequence s.numbers', '{increment}', '5'),
	('ALTER SEQUENCE s.numbers MINVALUE -5 MAXVALUE 9', 'sequence s.numbers', '{minimum}', '-5'), ('', 'sequence s.numbers', '{maximum}', '9'), ('', 'sequence s.numbers', '{start}', '1'),
	('ALTER SEQUENCE s.numbers START -5', 'sequence s.numbers', '{start}', NULL),
	('ALTER SEQUENCE s.numbers CACHE 20 CYCLE', 'sequence s.numbers', '{cache}', '20'), ('', 'sequence s.numbers', '{cycle}', 'true'),
	('ALTER SEQUENCE s.numbers SET UNLOGGED', 'sequence s.numbers', '{persistence}', 'unlogged'),
	('ALTER SEQUENCE s.numbers OWNED BY s.mother.m', 'sequence s.numbers', '{owned by}', 's.mother.m'),
	('ALTER SEQUENCE s.numbers OWNED BY NONE', 'sequence s.numbers', '{owned by}', NULL),
	('GRANT USAGE ON SEQUENCE s.numbers TO PUBLIC', 'sequence s.numbers', '{privileges}', 'PUBLIC=USAGE, ' || current_user || '=SELECT/UPDATE/USAGE'),
	('CREATE SEQUENCE s.down INCREMENT -1', 'sequence s.down', '{increment}', '-1');
SELECT is(t.after(change, object, path), says, coalesce(nullif(change, ''), path::text || ' of ' || object)) FROM changes ORDER BY place;

-- Definitions are the server's, with every name qualified.
CREATE OR REPLACE VIEW s.watch AS SELECT id, name FROM s.plain WHERE id > 3;
SELECT is(t.after('', 'view s.watch', '{definition}'), pg_get_viewdef('s.watch'::regclass), 'a view''s definition');
SET search_path = s, public, t;
SELECT alike(t.after('', 'view s.watch', '{definition}'), '%FROM s.plain%', 'whatever the search_path');
RESET search_path;
SELECT alike(t.after('ALTER VIEW s.watch RENAME name TO label', 'view s.watch', '{definition}'), '%name AS label%', 'a column''s name is in the definition');
ALTER MATERIALIZED VIEW s.kept RENAME name TO label;
SELECT is(t.after('', 'materialized view s.kept', '{definition}'), pg_get_viewdef('s.kept'::regclass), 'a materialized view''s definition');
SELECT is(t.after('REFRESH MATERIALIZED VIEW s.kept WITH NO DATA', 'materialized view s.kept', '{populated}'), NULL, 'whether it is filled is data');
CREATE TEMP TABLE before AS SELECT mg_fingerprint() AS fingerprint;
SELECT is((SELECT count(nextval('s.down')) FROM generate_series(1, 9)), 9::bigint, 'numbers are taken');
SELECT is(mg_fingerprint(), (SELECT fingerprint FROM before), 'a sequence''s last value is data');

-- Triggers, rules and policies.
TRUNCATE changes RESTART IDENTITY;
CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
INSERT INTO changes (change, object, path, says) VALUES
	('CREATE TRIGGER "T 1" BEFORE UPDATE ON s.plain FOR EACH ROW WHEN (old.name <> new.name) EXECUTE FUNCTION s.f(''x'')', 'table s.plain', '{triggers,"\"T 1\"",definition}',
		'CREATE TRIGGER "T 1" BEFORE UPDATE ON s.plain FOR EACH ROW WHEN ((old.name <> new.name)) EXECUTE FUNCTION s.f(''x'')'),
	('', 'table s.plain', '{triggers,"\"T 1\"",enabled}', NULL),
	('ALTER TABLE s.plain DISABLE TRIGGER "T 1"', 'table s.plain', '{triggers,"\"T 1\"",enabled}', 'disabled'),
	('ALTER TABLE s.plain ENABLE REPLICA TRIGGER "T 1"', 'table s.plain', '{triggers,"\"T 1\"",enabled}', 'replica'),
	('ALTER TABLE s.plain ENABLE ALWAYS TRIGGER "T 1"', 'table s.plain', '{triggers,"\"T 1\"",enabled}', 'always'),
	('COMMENT ON TRIGGER "T 1" ON s.plain IS ''of a trigger''', 'table s.plain', '{triggers,"\"T 1\"",comment}', 'of a trigger'),
	('ALTER TRIGGER "T 1" ON s.plain DEPENDS ON EXTENSION plpgsql', 'table s.plain', '{triggers,"\"T 1\"",depends on extension}', 'plpgsql'),
	('ALTER TRIGGER "T 1" ON s.plain RENAME TO t2', 'table s.plain', '{triggers,t2,enabled}', 'always'), ('', 'table s.plain', '{triggers,"\"T 1\""}', NULL),
	('CREATE CONSTRAINT TRIGGER late AFTER INSERT ON s.plain DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION s.f()', 'table s.plain', '{triggers,late,definition}',
		'CREATE CONSTRAINT TRIGGER late AFTER INSERT ON s.plain DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION s.f()'),
	('CREATE TRIGGER instead INSTEAD OF UPDATE ON s.watch FOR EACH ROW EXECUTE FUNCTION s.f()', 'view s.watch', '{triggers,instead,definition}', 'CREATE TRIGGER instead INSTEAD OF UPDATE ON s.watch FOR EACH ROW EXECUTE FUNCTION s.f()'),
	('CREATE TRIGGER down AFTER INSERT ON s.parted FOR EACH ROW EXECUTE FUNCTION s.f()', 'table s.parted', '{triggers,down,definition}', 'CREATE TRIGGER down AFTER INSERT ON s.parted FOR EACH ROW EXECUTE FUNCTION s.f()'),
	('', 'table s.rest', '{triggers}', NULL), ('', 'table s.leaf', '{triggers}', NULL),
	('ALTER TABLE s.leaf DISABLE TRIGGER down', 'table s.leaf', '{triggers}', '{"down": {"enabled": "disabled"}}'), ('', 'table s.rest', '{triggers}', NULL),
	('ALTER TABLE s.parted DISABLE TRIGGER down', 'table s.leaf', '{triggers}', NULL), ('', 'table s.parted', '{triggers,down,enabled}', 'disabled'),
	('ALTER TABLE s.leaf ENABLE TRIGGER down', 'table s.leaf', '{triggers}', '{"down": {"enabled": "origin"}}'),
	('CREATE TABLE s.pointing (plain int CONSTRAINT points REFERENCES s.plain)', 'table s.pointing', '{triggers}', NULL),
	('ALTER TABLE s.pointing DISABLE TRIGGER ALL', 'table s.pointing', '{constraint triggers}', 'points on s.pointing disabled'), ('', 'table s.plain', '{constraint triggers}', NULL),
	('ALTER TABLE s.plain DISABLE TRIGGER ALL', 'table s.plain', '{constraint triggers}', 'points on s.pointing disabled'),
	('ALTER TABLE s.pointing ENABLE TRIGGER ALL', 'table s.pointing', '{constraint triggers}', NULL),
	('CREATE RULE "Not now" AS ON DELETE TO s.plain DO INSTEAD NOTHING', 'table s.plain', '{rules,"\"Not now\"",definition}', E'CREATE RULE "Not now" AS\n    ON DELETE TO s.plain DO INSTEAD NOTHING;'),
	('ALTER TABLE s.plain ENABLE ALWAYS RULE "Not now"', 'table s.plain', '{rules,"\"Not now\"",enabled}', 'always'),
	('COMMENT ON RULE "Not now" ON s.plain IS ''of a rule''', 'table s.plain', '{rules,"\"Not now\"",comment}', 'of a rule'),
	('CREATE RULE add AS ON INSERT TO s.watch DO INSTEAD NOTHING', 'view s.watch', '{rules}', '{"add": {"definition": "CREATE RULE add AS\n    ON INSERT TO s.watch DO INSTEAD NOTHING;"}}'),
	('CREATE POLICY p ON s.plain', 'table s.plain', '{policies}', '{"p": {}}'),
	('ALTER POLICY p ON s.plain USING (id > 3)', 'table s.plain', '{policies,p,using}', '(id > 3)'),
	('ALTER POLICY p ON s.plain WITH CHECK (name = current_user)', 'table s.plain', '{policies,p,check}', '(name = CURRENT_USER)'),
	('ALTER POLICY p ON s.plain TO relation_boss, "Relation reader"', 'table s.plain', '{policies,p,roles}', '"Relation reader", relation_boss'),
	('COMMENT ON POLICY p ON s.plain IS ''of a policy''', 'table s.plain', '{policies,p,comment}', 'of a policy'),
	('DROP POLICY p ON s.plain; CREATE POLICY p ON s.plain AS RESTRICTIVE FOR DELETE', 'table s.plain', '{policies}', '{"p": {"command": "DELETE", "restrictive": "true"}}');
SELECT is(t.after(change, object, path), says, coalesce(nullif(change, ''), path::text || ' of ' || object)) FROM changes ORDER BY place;

-- What the server ties in unusual ways.
CREATE VIEW s.grouped AS SELECT id, name, count(*) FROM s.plain GROUP BY id;
SELECT is(t.after('', 'view s.grouped', '{definition}'), pg_get_viewdef('s.grouped'::regclass), 'a view that leans on a primary key');
CREATE TABLE s.itself (a int, CHECK (itself IS NOT NULL));
CREATE FUNCTION s.of_itself(s.itself) RETURNS SETOF s.itself LANGUAGE sql BEGIN ATOMIC SELECT ($1).a; END;
CREATE VIEW s.round AS SELECT x.a FROM s.itself x, LATERAL s.of_itself(x) y;
SELECT alike(t.after('', 'view s.round', '{definition}'), '%FROM s.itself x,%', 'a table whose row type is used');
CREATE FOREIGN TABLE s.far_part PARTITION OF s.parted FOR VALUES FROM (500) TO (600) SERVER far OPTIONS (name 'x');
SELECT is(t.own('foreign table s.far_part') - 'triggers', '{"server": "far", "options": "name ''x''", "partition of": "s.parted", "partition bound": "FOR VALUES FROM (500) TO (600)"}', 'a partition elsewhere');
SELECT is(t.after('CREATE SCHEMA tools; CREATE EXTENSION citext SCHEMA tools; CREATE TABLE tools.member (a int); ALTER EXTENSION citext ADD TABLE tools.member', 'table tools.member', '{owner}'), NULL, 'an extension''s table');
SELECT is(t.after('ALTER EXTENSION citext DROP TABLE tools.member', 'table tools.member', '{owner}'), current_user::text, 'no extension''s any more');

-- How a session writes names, times and numbers makes no difference.
UPDATE before SET fingerprint = mg_fingerprint();
SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'; SET IntervalStyle = iso_8601; SET bytea_output = escape; SET extra_float_digits = -3; SET quote_all_identifiers = on; SET standard_conforming_strings = off;
SELECT is(mg_fingerprint(), (SELECT fingerprint FROM before), 'the session''s settings');
SELECT is(current_setting('DateStyle') || ', ' || current_setting('quote_all_identifiers'), 'German, DMY, on', 'which stay as they are');
RESET ALL;

SET client_min_messages = warning;
DROP OWNED BY relation_boss, "Relation reader" CASCADE;
DROP ROLE relation_boss, "Relation reader";

SELECT * FROM finish();
