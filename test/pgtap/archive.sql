-- What a migration destroys is kept first, and comes back with its opposite.
SELECT * FROM no_plan();
SET client_min_messages = warning;

CREATE FUNCTION pg_temp.content(relation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	EXECUTE format('SELECT md5(string_agg(r, E''\n'' ORDER BY r)) FROM (SELECT t::text AS r FROM %s t) x', relation) INTO result;
	RETURN result;
END $$;
-- Contents that a test compares with.
CREATE TEMP TABLE seen (what text, content text);
CREATE FUNCTION pg_temp.archived(name text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s %s', kind, source, state), ', ' ORDER BY source, kind) FROM mg.archives WHERE migration = name
$$;

-- Tables: values as they were, wherever they are stored.
CREATE TABLE whole (id int PRIMARY KEY, gone int, small text, large text, plain text);
INSERT INTO whole SELECT i, i, 's' || i, NULL, repeat('x', 100) FROM generate_series(1, 1000) i;
ALTER TABLE whole DROP COLUMN gone;
ALTER TABLE whole ADD COLUMN late int DEFAULT 7, ADD COLUMN doubled int GENERATED ALWAYS AS (id * 2) STORED;
ALTER TABLE whole ALTER large SET STORAGE EXTERNAL;
UPDATE whole SET large = (SELECT string_agg(md5(g::text || id), '') FROM generate_series(1, 300) g) WHERE id <= 10;
INSERT INTO seen SELECT 'whole', pg_temp.content('whole');
SELECT is(status, 'applied', 'a migration drops a table') FROM mg_apply('drop_whole', 'DROP TABLE whole',
	'CREATE TABLE whole (id int PRIMARY KEY, small text, large text, plain text, late int DEFAULT 7, doubled int GENERATED ALWAYS AS (id * 2) STORED)');
SELECT is(to_regclass('whole'), NULL, 'it is gone');
SELECT is(pg_temp.archived('drop_whole'), 'table public.whole kept', 'and is kept');
SELECT is((SELECT pg_temp.content('mg_archive.' || relation) FROM mg.archives WHERE source = 'public.whole'), (SELECT content FROM seen WHERE what = 'whole'), 'with every value');
SELECT is((SELECT count(*) FROM mg_drift_report()), 0::bigint, 'which is no drift');
SELECT is((SELECT count(*) FROM jsonb_array_elements((SELECT objects FROM mg.runs WHERE migration = 'drop_whole' AND action = 'apply')) o WHERE o->>'identity' LIKE 'mg_archive%'), 0::bigint, 'and no object of the run');
SELECT is(status, 'rolled back', 'the way back makes the table again') FROM mg_rollback('drop_whole');
SELECT is(pg_temp.content('whole'), (SELECT content FROM seen WHERE what = 'whole'), 'and all rows are there');
SELECT is(pg_temp.archived('drop_whole'), 'table public.whole restored', 'which is on record');
SELECT is((SELECT rows_restored || ' ' || conflicts FROM mg.archives WHERE source = 'public.whole'), '1000 0', 'with how many');
SELECT throws_ok('INSERT INTO whole (id) VALUES (5)', '23505', NULL, 'the index knows them');

-- What is empty, temporary or new is not kept.
CREATE TABLE hollow (id int);
SELECT is(status, 'applied', 'nothing to lose') FROM mg_apply('drop_nothing', 'DROP TABLE hollow; CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1); DROP TABLE fresh; CREATE TEMP TABLE t (id int); INSERT INTO t VALUES (1); DROP TABLE t');
SELECT is(pg_temp.archived('drop_nothing'), NULL, 'nothing is kept');

-- Everything that goes along: a schema with a type that other columns have, and sequences.
CREATE SCHEMA shop; CREATE TYPE shop.mood AS ENUM ('sad', 'glad');
CREATE TABLE shop.item (id serial PRIMARY KEY, mood shop.mood, at timestamptz DEFAULT '2024-01-01');
INSERT INTO shop.item (mood) SELECT CASE i % 2 WHEN 0 THEN 'sad' END::shop.mood FROM generate_series(1, 9) i;
CREATE TABLE visitor (id int PRIMARY KEY, mood shop.mood); INSERT INTO visitor SELECT i, 'glad' FROM generate_series(1, 5) i;
CREATE MATERIALIZED VIEW shop.summary AS SELECT mood, count(*) FROM shop.item GROUP BY mood;
INSERT INTO seen SELECT 'item', pg_temp.content('shop.item') UNION ALL SELECT 'visitor', pg_temp.content('visitor');
SELECT is(status, 'applied', 'DROP SCHEMA ... CASCADE') FROM mg_apply('drop_shop', 'DROP SCHEMA shop CASCADE',
	$$CREATE SCHEMA shop; CREATE TYPE shop.mood AS ENUM ('sad', 'glad'); CREATE TABLE shop.item (id serial PRIMARY KEY, mood shop.mood, at timestamptz DEFAULT '2024-01-01'); ALTER TABLE visitor ADD COLUMN mood shop.mood$$);
SELECT is(pg_temp.archived('drop_shop'), 'column public.visitor.mood kept, table shop.item kept, sequence shop.item_id_seq kept, table shop.summary kept', 'whatever has rows is kept');
INSERT INTO visitor VALUES (6);
SELECT is(status, 'rolled back', 'the way back') FROM mg_rollback('drop_shop');
SELECT is(pg_temp.content('shop.item'), (SELECT content FROM seen WHERE what = 'item'), 'rows of the table');
SELECT is(nextval('shop.item_id_seq'), 10::bigint, 'how far its sequence was');
SELECT is(pg_temp.content('(SELECT * FROM visitor WHERE id < 6)'), (SELECT content FROM seen WHERE what = 'visitor'), 'the column elsewhere');
SELECT is((SELECT mood FROM visitor WHERE id = 6), NULL, 'a row that has come meanwhile stays as it is');

-- Rows written since stay, whatever the archive has.
CREATE TABLE counted (id int PRIMARY KEY, v text NOT NULL); INSERT INTO counted SELECT i, 'v' || i FROM generate_series(1, 5) i;
CREATE TABLE keyless (x int, note text, j json); INSERT INTO keyless SELECT i % 3, 'n' || i % 6, '{"a": 1}' FROM generate_series(1, 12) i;
INSERT INTO seen SELECT 'keyless', pg_temp.content('keyless');
SELECT is(status, 'applied', 'TRUNCATE, and a column without a key') FROM mg_apply('empties', 'TRUNCATE counted; ALTER TABLE keyless DROP COLUMN j, DROP COLUMN note', 'ALTER TABLE keyless ADD COLUMN note text, ADD COLUMN j json');
SELECT is(pg_temp.archived('empties'), 'contents public.counted kept, column public.keyless.j kept, column public.keyless.note kept', 'are kept');
INSERT INTO counted VALUES (3, 'mine'), (7, 'mine');
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON counted FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT is(status, 'rolled back', 'the way back') FROM mg_rollback('empties');
SELECT results_eq('SELECT id, v FROM counted ORDER BY id', $$VALUES (1, 'v1'), (2, 'v2'), (3, 'mine'), (4, 'v4'), (5, 'v5'), (7, 'mine')$$, 'what is there stays');
SELECT is((SELECT rows_restored || ' ' || conflicts FROM mg.archives WHERE source = 'public.counted'), '4 1', 'and counts as a conflict');
SELECT is((SELECT tgenabled FROM pg_trigger WHERE tgname = 'refuse'), 'O', 'triggers are as they were');
SELECT is(pg_temp.content('keyless'), (SELECT content FROM seen WHERE what = 'keyless'), 'rows without a key have their values again');

-- Forward again: what users wrote before the way back.
SELECT is(status, 'applied', 'up') FROM mg_apply('adds', 'ALTER TABLE visitor ADD COLUMN score int; CREATE TABLE born (id int PRIMARY KEY, t text)', 'DROP TABLE born; ALTER TABLE visitor DROP COLUMN score');
UPDATE visitor SET score = id * 2; INSERT INTO born VALUES (1, 'x');
SELECT is(status, 'rolled back', 'down') FROM mg_rollback('adds');
SELECT is(status, 'applied', 'and up again') FROM mg_apply('adds', 'ALTER TABLE visitor ADD COLUMN score int; CREATE TABLE born (id int PRIMARY KEY, t text)', 'DROP TABLE born; ALTER TABLE visitor DROP COLUMN score');
SELECT is((SELECT sum(score) FROM visitor), 42::bigint, 'the column has its values');
SELECT is((SELECT t FROM born), 'x', 'the table its rows');

-- A type that makes other values of some.
CREATE TABLE priced (id int PRIMARY KEY, price numeric(10, 4)); INSERT INTO priced VALUES (1, 1.2345), (2, 2), (3, NULL), (4, 4.4444);
SELECT is(status, 'applied', 'a type with less room') FROM mg_apply('rounds', 'ALTER TABLE priced ALTER price TYPE int', 'ALTER TABLE priced ALTER price TYPE numeric(10, 4)');
SELECT is((SELECT rows FROM mg.archives WHERE migration = 'rounds'), 3::bigint, 'keeps the values that read otherwise');
UPDATE priced SET price = 40 WHERE id = 4;
SELECT is(status, 'rolled back', 'the way back') FROM mg_rollback('rounds');
SELECT results_eq('SELECT id, price FROM priced ORDER BY id', 'VALUES (1, 1.2345), (2, 2), (3, NULL), (4, 40)', 'brings them back, but for those that somebody has written since');
SELECT is(status, 'applied', 'a type with more room') FROM mg_apply('widens', 'ALTER TABLE counted ALTER v TYPE varchar; ALTER TABLE counted ALTER v TYPE text');
SELECT is(pg_temp.archived('widens'), NULL, 'keeps nothing');

CREATE TABLE sized (id int PRIMARY KEY, n int); INSERT INTO sized SELECT i, i FROM generate_series(1, 5) i;
SELECT is(status, 'applied', 'a type that keeps every value') FROM mg_apply('enlarges', 'ALTER TABLE sized ALTER n TYPE bigint', 'ALTER TABLE sized ALTER n TYPE int');
SELECT is(pg_temp.archived('enlarges'), NULL, 'keeps nothing');
SELECT is(status, 'rolled back', 'either way') FROM mg_rollback('enlarges');
SELECT is(status, 'applied', 'rows of a table that is gone by the end of its statement') FROM mg_apply('passing', $u$DO $d$ BEGIN CREATE TABLE passing AS SELECT 1 AS i; WITH gone AS (DELETE FROM passing RETURNING i) UPDATE passing SET i = 2; DROP TABLE passing; END $d$ $u$);

-- Rows, if they are many.
CREATE TABLE crowd (id int PRIMARY KEY, v text, gone int); INSERT INTO crowd SELECT i, 'v' || i, 0 FROM generate_series(1, 3000) i; ALTER TABLE crowd DROP COLUMN gone; ALTER TABLE crowd ADD COLUMN late int DEFAULT 5;
CREATE TABLE crowd_part (id int PRIMARY KEY, crowd int REFERENCES crowd ON DELETE CASCADE); INSERT INTO crowd_part SELECT i, i FROM generate_series(1, 3000) i;
INSERT INTO seen SELECT 'crowd', pg_temp.content('crowd') UNION ALL SELECT 'crowd_part', pg_temp.content('crowd_part');
SELECT is(status, 'applied', 'a few rows') FROM mg_apply('few', 'DELETE FROM crowd WHERE id BETWEEN 2001 AND 2999; INSERT INTO crowd SELECT i, ''v'' || i, 5 FROM generate_series(2001, 2999) i; INSERT INTO crowd_part SELECT i, i FROM generate_series(2001, 2999) i');
SELECT is(pg_temp.archived('few'), NULL, 'are not kept');
SELECT is(status, 'applied', 'many rows') FROM mg_apply('many', $u$DO $d$ BEGIN DELETE FROM crowd WHERE id <= 2000; END $d$ $u$, 'SELECT 1');
SELECT is(pg_temp.archived('many'), 'rows public.crowd kept, rows public.crowd_part kept', 'are, and those that go along with them');
SELECT is((SELECT string_agg(rows::text, ' ' ORDER BY source) FROM mg.archives WHERE migration = 'many'), '2000 2000', 'all of them');
SELECT is(status, 'rolled back', 'the way back') FROM mg_rollback('many');
SELECT is(pg_temp.content('crowd'), (SELECT content FROM seen WHERE what = 'crowd'), 'brings them back');
SELECT is(pg_temp.content('crowd_part'), (SELECT content FROM seen WHERE what = 'crowd_part'), 'all of them');

UPDATE crowd SET v = 'mine' WHERE id = 7;
INSERT INTO seen SELECT 'crowd again', pg_temp.content('crowd');
SELECT is(status, 'applied', 'an update of many') FROM mg_apply('raises', 'UPDATE crowd SET late = late + id, v = upper(v)', 'SELECT 1');
UPDATE crowd SET v = 'theirs' WHERE id = 9;
SELECT is(status, 'rolled back', 'the way back') FROM mg_rollback('raises');
SELECT is((SELECT rows_restored || ' ' || conflicts FROM mg.archives WHERE migration = 'raises'), '2999 1', 'gives them their values');
SELECT results_eq('SELECT id, v, late FROM crowd WHERE id IN (7, 8, 9) ORDER BY id', $$VALUES (7, 'mine', 5), (8, 'v8', 5), (9, 'theirs', 14)$$, 'but for what somebody has written since');

-- A statement that fails leaves the table as it was.
SELECT is(status, 'applied', 'a drop that is undone') FROM mg_apply('fails', $u$DO $d$ BEGIN BEGIN DROP TABLE born; RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END; END $d$ $u$);
SELECT is((SELECT t FROM born), 'x', 'its rows are there');
SELECT is(pg_temp.archived('fails'), NULL, 'nothing is kept');

-- A run that fails within a subtransaction leaves the session as it was.
CREATE FUNCTION pg_temp.tries() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mg_apply('breaks', 'UPDATE crowd SET v = v; SELECT 1 / 0');
	RETURN 'applied';
EXCEPTION WHEN division_by_zero THEN
	RETURN 'failed';
END $$;
SELECT is(pg_temp.tries(), 'failed', 'a script that fails');
SELECT is(status, 'applied', 'the next one') FROM mg_apply('after_breaks', 'SELECT 1');

-- A type goes after its tables, although archives have columns of it.
CREATE TYPE shade AS ENUM ('dark', 'pale'); CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE TABLE painted (id int PRIMARY KEY, shade shade, n small); INSERT INTO painted SELECT i, 'pale', i FROM generate_series(1, 5) i; INSERT INTO painted VALUES (6);
CREATE TABLE dyed (id int PRIMARY KEY, shade shade); INSERT INTO dyed SELECT i, 'dark' FROM generate_series(1, 5) i;
INSERT INTO seen SELECT 'painted', pg_temp.content('painted') UNION ALL SELECT 'dyed', pg_temp.content('dyed');
SELECT is(status, 'applied', 'tables, then their types') FROM mg_apply('drop_painted', 'DROP TABLE painted; ALTER TABLE dyed DROP COLUMN shade; DROP TYPE shade CASCADE; DROP DOMAIN small',
	$$CREATE TYPE shade AS ENUM ('dark', 'pale'); CREATE DOMAIN small AS int CHECK (VALUE < 100); CREATE TABLE painted (id int PRIMARY KEY, shade shade, n small); ALTER TABLE dyed ADD COLUMN shade shade$$);
SELECT is(status, 'rolled back', 'the way back') FROM mg_rollback('drop_painted');
SELECT is(pg_temp.content('painted'), (SELECT content FROM seen WHERE what = 'painted'), 'rows with values of a type that was gone');
SELECT is(pg_temp.content('dyed'), (SELECT content FROM seen WHERE what = 'dyed'), 'and a column of it');

-- By hand.
SELECT is(status, 'applied', 'another drop') FROM mg_apply('drop_born', 'DROP TABLE born');
SELECT throws_ok('SELECT mg_restore(1)', '22023', 'there is no archive 1', 'no such archive');
SELECT throws_ok('SELECT mg_restore((SELECT id FROM mg.archives WHERE migration = ''drop_born''))', '42P01', 'public.born is not there to be filled', 'nowhere to go');
SELECT is((mg_restore((SELECT id FROM mg.archives WHERE migration = 'drop_born'), 'public.born_again')).rows, 1::bigint, 'into a new table');
SELECT is((SELECT t FROM born_again), 'x', 'which has the rows');
SELECT lives_ok('SELECT mg_hold_archive((SELECT id FROM mg.archives WHERE migration = ''drop_born''), ''a trial'')', 'held');
SELECT is((SELECT state || ' ' || held_for FROM mg.archives WHERE migration = 'drop_born'), 'held a trial', 'and told so');

SELECT * FROM finish();
