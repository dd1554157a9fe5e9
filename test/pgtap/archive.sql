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
SELECT results_eq($$SELECT d.* FROM mg.archives a, mg_archive_diff(a.id) d WHERE source = 'public.counted'$$, $$VALUES ('{"id": "3"}'::jsonb, '{"id": "3", "v": "v3"}'::jsonb, '{"id": "3", "v": "mine"}'::jsonb)$$, 'which is shown');
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
CREATE TABLE typed (id int PRIMARY KEY, s smallint, i int, b bigint, n numeric(6, 2), d date, v varchar(5), f real, u uuid, c char(4));
INSERT INTO typed VALUES (1, 7, 70000, 7000000000, 1234.56, '2024-01-01', 'abc', 0.1, gen_random_uuid(), 'c');
SELECT is(status, 'applied', 'types that have all values of others') FROM mg_apply('holds', 'ALTER TABLE typed ALTER s TYPE int, ALTER i TYPE numeric(12, 2), ALTER b TYPE numeric, ALTER n TYPE numeric(8, 3), ALTER d TYPE timestamp, ALTER v TYPE varchar(9), ALTER f TYPE double precision, ALTER u TYPE text', 'SELECT 1');
SELECT is((SELECT count(*) FROM mg.statements WHERE migration = 'holds' AND tag = 'ALTER TABLE'), 1::bigint, 'ran');
SELECT is(pg_temp.archived('holds'), NULL, 'lose nothing');
SELECT is(status, 'applied', 'types that have not') FROM mg_apply('holds_not', 'ALTER TABLE typed ALTER n TYPE numeric(6, 1), ALTER d TYPE date USING d::date + 1, ALTER c TYPE text', 'SELECT 1');
SELECT is(pg_temp.archived('holds_not'), 'values public.typed.c kept, values public.typed.d kept, values public.typed.n kept', 'lose what reads otherwise');
SELECT is(status, 'applied', 'another type') FROM mg_apply('grows', 'ALTER TABLE priced ALTER price TYPE numeric(12, 4)', 'ALTER TABLE priced ALTER price TYPE numeric(10, 4)');
SELECT is(status, 'applied', 'another that is written anew') FROM mg_apply('rewrites', 'ALTER TABLE counted ADD COLUMN n int DEFAULT 1; ALTER TABLE counted ALTER n TYPE bigint; ALTER TABLE counted ALTER n TYPE int');
SELECT is(pg_temp.archived('rewrites'), NULL, 'and reads as before keeps nothing');

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

-- What is too large to be kept is refused, or discarded because the script says so.
CREATE TABLE large (id int PRIMARY KEY, pad text, more text); INSERT INTO large SELECT i, repeat('x', 1000), 'm' FROM generate_series(1, 2000) i; ANALYZE large;
CREATE TABLE "Odd name" (id int, v int); INSERT INTO "Odd name" SELECT i, i FROM generate_series(1, 2000) i;
SELECT mg_set_policy('archive_limit', '1MB', 'a trial'), mg_set_policy('archive_copy_limit', '100kB', 'a trial');
PREPARE refused(text) AS SELECT mg_apply('too_large', $1);
SELECT throws_ok('EXECUTE refused(''DROP TABLE large'')', 'MG410', 'what is about to be lost of public.large is too large to be kept', 'a table');
SELECT throws_ok('EXECUTE refused(''ALTER TABLE large DROP COLUMN pad'')', 'MG410', 'what is about to be lost of public.large.pad is too large to be kept', 'a column');
SELECT throws_ok('EXECUTE refused(''UPDATE large SET more = NULL'')', 'MG410', 'what is about to be lost of public.large is too large to be kept', 'rows');
SELECT throws_ok('EXECUTE refused(E''-- mg:discard other it is of no use\nDROP TABLE large'')', 'MG410', NULL, 'a directive about another table');
SELECT throws_ok('EXECUTE refused(E''-- mg:discard large\nDROP TABLE large'')', '22023', 'the directive mg:discard gives no reason', 'a directive without a reason');
SELECT throws_ok('EXECUTE refused(E''-- mg:discard\nDROP TABLE large'')', '22023', 'the directive mg:discard names no table', 'or without a name');
SELECT is(status, 'applied', 'a small column of it') FROM mg_apply('drop_more', 'ALTER TABLE large DROP COLUMN more');
SELECT is(pg_temp.archived('drop_more'), 'column public.large.more kept', 'is kept');
SELECT is(status, 'applied', 'what the script discards') FROM mg_apply('discards', E'-- mg:discard public.large.pad nobody reads it\nALTER TABLE large DROP COLUMN pad;\n-- mg:discard "Odd name" it is of no use\nUPDATE "Odd name" SET v = 0;\nTRUNCATE "Odd name" -- mg:discard "public"."Odd name" nor is this', 'ALTER TABLE large ADD COLUMN pad text');
SELECT is(pg_temp.archived('discards'), 'contents public."Odd name" discarded, rows public."Odd name" discarded, column public.large.pad discarded', 'is not kept');
SELECT is((SELECT string_agg(discarded_for, ', ' ORDER BY id) FROM mg.archives WHERE migration = 'discards'), 'nobody reads it, it is of no use, nor is this', 'with the reason');
SELECT is((SELECT count(*) FROM pg_class WHERE relnamespace = 'mg_archive'::regnamespace AND relname LIKE 'Odd%'), 0::bigint, 'there is no table');
SELECT is(status, 'rolled back', 'the way back') FROM mg_rollback('discards');
SELECT is((SELECT count(pad) FROM large), 0::bigint, 'finds nothing');
SELECT throws_ok('SELECT mg_restore((SELECT id FROM mg.archives WHERE source = ''public.large.pad''), ''again'')', '55000', NULL, 'nor does anybody else');
SELECT mg_set_policy('archive_limit', NULL, 'done'), mg_set_policy('archive_copy_limit', NULL, 'done');
SELECT mg_set_policy('required_approvals', 'retention', 'a trial');
SELECT throws_ok($$SELECT mg_apply('asks', E'-- mg:discard large it is of no use\nUPDATE large SET pad = NULL')$$, 'MG407', NULL, 'what is discarded asks for an approval');
SELECT is(status, 'applied', 'what is kept does not') FROM mg_apply('asks_not', 'UPDATE large SET pad = NULL');
SELECT mg_set_policy('required_approvals', NULL, 'done');

-- What comes back is compared with what was kept.
CREATE TABLE narrow (id int PRIMARY KEY, a text, b numeric); INSERT INTO narrow SELECT i, '0' || i, i + 0.5 FROM generate_series(1, 9) i;
SELECT is(status, 'applied', 'a table') FROM mg_apply('drop_narrow', 'DROP TABLE narrow', 'CREATE TABLE narrow (id int PRIMARY KEY, a int)');
SELECT is(status, 'rolled back', 'whose way back makes it otherwise') FROM mg_rollback('drop_narrow');
SELECT is((SELECT sum(a) FROM narrow), 45::bigint, 'values are read as what they are now');
SELECT results_eq($$SELECT state, restored_whole, rows_restored, conflicts, expires > now() + '80 days' FROM mg.archives WHERE migration = 'drop_narrow'$$, $$VALUES ('restored', false, 9::bigint, 0::bigint, true)$$, 'and what they were is kept still');
SELECT results_eq($$SELECT e.body->>'same', e.body->>'missing' FROM mg.evidence e JOIN mg.archives a ON e.subject = a.id::text WHERE a.migration = 'drop_narrow' AND e.kind = 'archive restored'$$, $$VALUES ('false', '["b"]')$$, 'as it says');
SELECT is((SELECT restored_whole FROM mg.archives WHERE migration = 'drop_whole'), true, 'one that came back whole');
CREATE TABLE ruled (id int PRIMARY KEY); INSERT INTO ruled VALUES (1), (2);
SELECT is(status, 'applied', 'a table with a rule') FROM mg_apply('drop_ruled', 'DROP TABLE ruled', 'CREATE TABLE ruled (id int PRIMARY KEY); CREATE RULE none AS ON INSERT TO ruled DO INSTEAD NOTHING');
SELECT is(status, 'rolled back', 'comes back') FROM mg_rollback('drop_ruled');
SELECT is((SELECT count(*) FROM ruled), 2::bigint, 'with its rows');
SELECT is(status, 'applied', 'emptied') FROM mg_apply('empty_ruled', 'TRUNCATE ruled', 'SELECT 1');
SELECT is(status, 'rolled back', 'it comes back') FROM mg_rollback('empty_ruled');
SELECT is((SELECT count(*) FROM ruled), 2::bigint, 'its rule says nothing to that');
SELECT is((SELECT ev_enabled FROM pg_rewrite WHERE rulename = 'none'), 'O', 'and is as it was');

-- FORCE ROW LEVEL SECURITY is the owner's own, and holds for him again afterwards.
CREATE ROLE archive_owner; GRANT ALL ON SCHEMA public TO archive_owner;
CREATE TABLE forced (id int PRIMARY KEY, v text, w text); INSERT INTO forced SELECT i, 'v', 'w' FROM generate_series(1, 9) i; ALTER TABLE forced OWNER TO archive_owner;
ALTER TABLE forced ENABLE ROW LEVEL SECURITY; ALTER TABLE forced FORCE ROW LEVEL SECURITY;
SELECT is(status, 'applied', 'rows that no policy shows') FROM mg_apply('hides', 'TRUNCATE forced; ALTER TABLE forced DROP COLUMN w', 'ALTER TABLE forced ADD COLUMN w text');
SELECT is(status, 'rolled back', 'come back') FROM mg_rollback('hides');
SELECT is((SELECT count(v) || ' ' || count(w) FROM forced), '9 9', 'all of them');
SELECT is((SELECT relforcerowsecurity FROM pg_class WHERE relname = 'forced'), true, 'which are hidden as before');

-- What is kept holds nothing that it was made of: types, domains and collations go and change as if there were no archive.
CREATE TYPE colour AS ENUM ('red', 'blue'); CREATE TYPE couple AS (a int, b text); CREATE DOMAIN tiny AS int CHECK (VALUE < 100); CREATE COLLATION plain_order FROM "C";
CREATE TABLE made_of (id int PRIMARY KEY, c colour, cs colour[], p couple, s tiny, t text COLLATE plain_order); INSERT INTO made_of VALUES (1, 'red', '{blue,NULL}', '(1,x)', 5, 't'), (2, NULL, NULL, NULL, NULL, NULL);
INSERT INTO seen SELECT 'made_of', pg_temp.content('made_of');
SELECT is(status, 'applied', 'a table, then what it was made of') FROM mg_apply('drop_made_of', 'DROP TABLE made_of; DROP TYPE colour, couple; DROP DOMAIN tiny; DROP COLLATION plain_order',
	$$CREATE TYPE colour AS ENUM ('red', 'blue'); CREATE TYPE couple AS (a int, b text); CREATE DOMAIN tiny AS int; CREATE TABLE made_of (id int PRIMARY KEY, c colour, cs colour[], p couple, s tiny, t text)$$);
SELECT is(status, 'rolled back', 'the way back') FROM mg_rollback('drop_made_of');
SELECT is(pg_temp.content('made_of'), (SELECT content FROM seen WHERE what = 'made_of'), 'brings all values back');
SELECT is(status, 'applied', 'a column of a type that is made anew') FROM mg_apply('recreates', $$ALTER TABLE made_of DROP COLUMN c; ALTER TYPE colour RENAME TO colour_old; CREATE TYPE tone AS ENUM ('red', 'green'); ALTER TABLE made_of DROP COLUMN cs; DROP TYPE colour_old$$, $$DROP TYPE tone; CREATE TYPE colour AS ENUM ('red', 'blue'); ALTER TABLE made_of ADD COLUMN c colour, ADD COLUMN cs colour[]$$);
SELECT is(status, 'rolled back', 'the way back') FROM mg_rollback('recreates');
SELECT is((SELECT c::text || cs::text FROM made_of WHERE id = 1), 'red{blue,NULL}', 'knows the old values');
SELECT is(status, 'applied', 'kept still') FROM mg_apply('drop_p_s', 'ALTER TABLE made_of DROP COLUMN p, DROP COLUMN s');
SELECT lives_ok('ALTER TYPE couple DROP ATTRIBUTE b', 'a composite type changes, outside migrations too');
SELECT lives_ok('ALTER DOMAIN tiny ADD CHECK (VALUE < 3)', 'a domain gets a constraint that what is kept does not meet');
SELECT lives_ok('DROP DOMAIN tiny', 'and is dropped');
SELECT lives_ok($q$DO $d$ BEGIN DROP TYPE couple; END $d$ $q$, 'so is the type');
SELECT results_eq($$SELECT (mg_restore(id, 'back_' || (source ~ 's$')::text)).rows FROM mg.archives WHERE migration = 'drop_p_s' ORDER BY source$$, 'VALUES (2::bigint), (2::bigint)', 'values are there');
SELECT is((SELECT t.p || s.s FROM back_false t, back_true s WHERE t.id = 1 AND s.id = 1), '(1,x)5', 'as text');

-- A script that brings rows back itself is left to it, and what it has brought is compared.
CREATE TABLE points (id int PRIMARY KEY, amount int); INSERT INTO points SELECT i, i FROM generate_series(1, 9) i; CREATE TABLE loose (v int); INSERT INTO loose VALUES (1), (1), (2);
SELECT is(status, 'applied', 'a table becomes another') FROM mg_apply('moves', 'CREATE TABLE booked AS SELECT * FROM points; CREATE TABLE freed AS SELECT * FROM loose; DROP TABLE points, loose',
	'CREATE TABLE points (id int PRIMARY KEY, amount int); CREATE INDEX ON points (amount); INSERT INTO points SELECT * FROM booked; CREATE TABLE loose (v int); DO $d$ BEGIN INSERT INTO loose SELECT * FROM freed; END $d$; DROP TABLE booked, freed');
SELECT is(status, 'rolled back', 'and back') FROM mg_rollback('moves');
SELECT is((SELECT count(*) FROM points) || ' ' || (SELECT count(*) FROM loose), '9 3', 'each row is there once');
SELECT is(pg_temp.archived('moves'), 'table public.booked kept, table public.freed kept, table public.loose restored, table public.points restored', 'which is on record');
SELECT is((SELECT bool_and(restored_whole) FROM mg.archives WHERE migration = 'moves' AND script = 'up'), true, 'as whole');
SELECT is(status, 'applied', 'once more') FROM mg_apply('moves', 'CREATE TABLE booked AS SELECT * FROM points; CREATE TABLE freed AS SELECT * FROM loose; DROP TABLE points, loose',
	'CREATE TABLE points (id int PRIMARY KEY, amount int); CREATE INDEX ON points (amount); INSERT INTO points SELECT * FROM booked; CREATE TABLE loose (v int); DO $d$ BEGIN INSERT INTO loose SELECT * FROM freed; END $d$; DROP TABLE booked, freed');
DELETE FROM booked WHERE id = 5;
SELECT is(status, 'rolled back', 'and back') FROM mg_rollback('moves');
SELECT is((SELECT count(*) FROM points), 8::bigint, 'what was deleted meanwhile stays so');
SELECT is((SELECT string_agg(state, ' ' ORDER BY id) FROM mg.archives WHERE migration = 'moves' AND source = 'public.points'), 'restored kept', 'and is kept still');
SELECT is(status, 'applied', 'rows that the way back restores') FROM mg_apply('own_way', 'UPDATE crowd SET late = -1; DELETE FROM keyless; INSERT INTO keyless (x) SELECT i FROM generate_series(1, 1500) i; DELETE FROM keyless', 'UPDATE crowd SET late = 5; INSERT INTO keyless (x) SELECT i FROM generate_series(1, 1500) i');
SELECT is(status, 'rolled back', 'itself') FROM mg_rollback('own_way');
SELECT is((SELECT count(*) FROM keyless), 1500::bigint, 'come once');
-- Rows are there when the script reads them.
CREATE TABLE parent (id int PRIMARY KEY, v text); INSERT INTO parent SELECT i, 'v' || i FROM generate_series(1, 5) i; CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent); INSERT INTO child SELECT i, i FROM generate_series(1, 5) i;
SELECT is(status, 'applied', 'two tables') FROM mg_apply('reads', 'DROP TABLE child, parent', $$CREATE TABLE parent (id int PRIMARY KEY); ALTER TABLE parent ADD COLUMN v text NOT NULL; CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
	CREATE MATERIALIZED VIEW summed AS SELECT count(*) AS n FROM parent; CREATE TABLE seen_by AS SELECT max(id) AS m FROM child; INSERT INTO child SELECT 6, id FROM parent WHERE id = 5; UPDATE parent SET v = upper(v)$$);
SELECT is(status, 'rolled back', 'the way back reads what it made') FROM mg_rollback('reads');
SELECT is((SELECT n FROM summed) || ' ' || (SELECT m FROM seen_by) || ' ' || (SELECT count(*) FROM child) || ' ' || (SELECT string_agg(v, '' ORDER BY id) FROM parent), '5 5 6 V1V2V3V4V5', 'and finds all rows');
SELECT is((SELECT count(*) FROM mg.runs r, jsonb_array_elements(r.objects) o WHERE o->>'identity' ~ 'ConstraintTrigger|_RETURN'), 0::bigint, 'what the server makes for itself is not on record');

-- Outside migrations, if policy says so.
CREATE TABLE aside (id int PRIMARY KEY, v text); INSERT INTO aside VALUES (1, 'x');
TRUNCATE aside; INSERT INTO aside VALUES (1, 'x');
SELECT is((SELECT count(*) FROM mg.archives WHERE source = 'public.aside'), 0::bigint, 'nothing is kept outside migrations');
SELECT mg_set_policy('archive_outside', 'on', 'a trial');
TRUNCATE aside; INSERT INTO aside VALUES (2, 'y'); ALTER TABLE aside DROP COLUMN v;
DO $$ BEGIN DROP TABLE aside; END $$;
CREATE TEMP TABLE aside (id int); INSERT INTO aside VALUES (1); DROP TABLE aside;
SELECT is((SELECT string_agg(concat_ws(' ', kind, source, statement, rows, coalesce(migration, '-'), coalesce(run_id::text, '-')), ', ' ORDER BY id) FROM mg.archives WHERE source LIKE 'public.aside%'),
	'contents public.aside TRUNCATE TABLE 1 - -, column public.aside.v ALTER TABLE 1 - -, table public.aside DROP TABLE 1 - -', 'but if policy says so');
SELECT is((mg_restore((SELECT id FROM mg.archives WHERE source = 'public.aside' AND kind = 'contents'), 'aside_again')).rows, 1::bigint, 'and comes back by hand');
SELECT mg_set_policy('archive_outside', NULL, 'done');

-- What has the name of something that was kept, but is not what the script makes, is somebody else's.
CREATE TABLE named (id int PRIMARY KEY, c text); INSERT INTO named SELECT i, 'old' FROM generate_series(1, 3) i; CREATE TABLE lone (id int PRIMARY KEY); INSERT INTO lone VALUES (1);
CREATE SEQUENCE counted_on; SELECT setval('counted_on', 50);
SELECT is(status, 'applied', 'a column, a table and a sequence') FROM mg_apply('frees_names', 'ALTER TABLE named DROP COLUMN c; DROP TABLE lone; DROP SEQUENCE counted_on', 'ALTER TABLE named ADD COLUMN IF NOT EXISTS c text; CREATE TABLE IF NOT EXISTS lone (id int PRIMARY KEY); SELECT 1');
ALTER TABLE named ADD COLUMN c text DEFAULT 'theirs'; CREATE TABLE lone (id int PRIMARY KEY); CREATE SEQUENCE counted_on; SELECT setval('counted_on', 90);
SELECT is(status, 'rolled back', 'whose names others have taken') FROM mg_rollback('frees_names');
SELECT is((SELECT string_agg(DISTINCT c, ' ') FROM named), 'theirs', 'their values stay');
SELECT is((SELECT count(*) FROM lone), 0::bigint, 'their table');
SELECT is((SELECT last_value FROM counted_on), 90::bigint, 'and how far they have counted');
SELECT is(pg_temp.archived('frees_names'), 'sequence public.counted_on restored, table public.lone kept, column public.named.c kept', 'it is kept still');
CREATE TABLE emptied (id int); INSERT INTO emptied VALUES (1);
SELECT is(status, 'applied', 'contents of a table') FROM mg_apply('empties_one', 'TRUNCATE emptied', 'SELECT 1');
DROP TABLE emptied; CREATE TABLE emptied (id int);
SELECT is(status, 'rolled back', 'that is another one now') FROM mg_rollback('empties_one');
SELECT is((SELECT count(*) FROM emptied), 0::bigint, 'do not come back to that');
SELECT is(status, 'applied', 'a table that is made anew') FROM mg_apply('rebuilds', 'DROP TABLE named; CREATE TABLE named (id int PRIMARY KEY, d int)', 'DROP TABLE named; CREATE TABLE named (id int PRIMARY KEY, c text)');
SELECT is(status, 'rolled back', 'and again') FROM mg_rollback('rebuilds');
SELECT is((SELECT count(c) FROM named), 3::bigint, 'has its rows');

-- What a script discards is that script's.
CREATE TABLE precious (id int PRIMARY KEY); INSERT INTO precious VALUES (1);
SELECT mg_set_policy('archive_outside', 'on', 'a trial');
DO $$ BEGIN PERFORM mg_apply('gives_up', E'-- mg:discard precious it is a trial\nDO $d$ BEGIN RAISE ''no''; END $d$'); EXCEPTION WHEN raise_exception THEN NULL; END $$;
TRUNCATE precious;
SELECT is((SELECT string_agg(state, ' ') FROM mg.archives WHERE source = 'public.precious'), 'kept', 'not of one that has failed');
SELECT mg_set_policy('archive_outside', NULL, 'done');

-- Few rows of a large table, which WITH changes: nobody counts them before.
SELECT mg_set_policy('archive_copy_limit', '100kB', 'a trial');
SELECT is(status, 'applied', 'few rows') FROM mg_apply('with_few', 'WITH one AS (UPDATE crowd SET v = ''few'' WHERE id = 11 RETURNING 1) SELECT count(*) FROM one');
SELECT throws_ok($$SELECT mg_apply('with_many', 'WITH all_of_them AS (UPDATE crowd SET v = ''all'' RETURNING 1) SELECT count(*) FROM all_of_them')$$, 'MG410', NULL, 'and many');
SELECT mg_set_policy('archive_copy_limit', NULL, 'done');
SELECT is((mg_restore((SELECT id FROM mg.archives WHERE migration = 'raises'), 'rows_back')).rows, 3000::bigint, 'rows by hand');
SELECT is((SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'rows_back'::regclass AND attnum > 0), 'id v late', 'have the columns that they had');

-- The linter knows of it.
CREATE TABLE linted (id int PRIMARY KEY, v text); INSERT INTO linted SELECT i, repeat('x', 1000) FROM generate_series(1, 3000) i; ANALYZE linted;
CREATE FUNCTION pg_temp.hints(script text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(rule, ' ' ORDER BY rule) FROM mg_lint(script) WHERE hint LIKE '%What goes is kept for 90d, and a way back finds it there: mg.archives.%' $$;
SELECT is(pg_temp.hints('DROP TABLE linted'), 'drop-table', 'of a table that is dropped');
SELECT is(pg_temp.hints('ALTER TABLE linted DROP COLUMN v'), 'drop-column', 'of a column');
SELECT is(pg_temp.hints('TRUNCATE linted'), 'truncate', 'of rows');
SELECT is(pg_temp.hints(E'-- mg:discard linted nobody wants it\nDROP TABLE linted'), NULL, 'not of what the script discards');
SELECT mg_set_policy('never_archived', 'public.linted', 'a trial');
SELECT is(pg_temp.hints('DROP TABLE linted'), NULL, 'nor of what is never kept');
SELECT mg_set_policy('never_archived', NULL, 'done');
SELECT mg_set_policy('archive', 'off', 'a trial');
SELECT is(pg_temp.hints('DROP TABLE linted'), NULL, 'nor of anything where nothing is kept');
SELECT mg_set_policy('archive', NULL, 'done');

-- A row with a NULL in it is neither NULL nor NOT NULL.
CREATE TYPE partial AS (a int, b text);
CREATE TABLE partly (id int PRIMARY KEY, p partial, ps partial[]);
INSERT INTO partly VALUES (1, ROW(1, NULL), ARRAY[ROW(NULL, 'b')::partial]), (2, ROW(NULL, NULL), NULL), (3, NULL, '{}'), (4, ROW(4, ''), ARRAY[NULL]::partial[]);
INSERT INTO seen SELECT 'partly', pg_temp.content('partly');
SELECT is(status, 'applied', 'a table and the type of its rows') FROM mg_apply('drop_partly', 'DROP TABLE partly; DROP TYPE partial', 'CREATE TYPE partial AS (a int, b text); CREATE TABLE partly (id int PRIMARY KEY, p partial, ps partial[])');
SELECT is(status, 'rolled back', 'and back') FROM mg_rollback('drop_partly');
SELECT is(pg_temp.content('partly'), (SELECT content FROM seen WHERE what = 'partly'), 'with every value');
SELECT is(status, 'applied', 'to text') FROM mg_apply('text_partly', 'DROP TABLE partly', 'CREATE TABLE partly (id int PRIMARY KEY, p text, ps text)');
SELECT is(status, 'rolled back', 'by way of what the values read') FROM mg_rollback('text_partly');
SELECT results_eq('SELECT id, p, ps FROM partly ORDER BY id', $$VALUES (1, '(1,)', '{"(,b)"}'), (2, '(,)', NULL), (3, NULL, '{}'), (4, '(4,"")', '{NULL}')$$, 'all of them');
CREATE TABLE twisted (id int PRIMARY KEY, p partial);
INSERT INTO twisted VALUES (1, ROW(1, NULL)), (2, ROW(2, NULL));
SELECT is(status, 'applied', 'values of a column that gets another type') FROM mg_apply('twists', $$CREATE TYPE partial2 AS (b text, a int); ALTER TABLE twisted ALTER p TYPE partial2 USING ROW((p).b, (p).a)::partial2$$, $$ALTER TABLE twisted ALTER p TYPE partial USING ROW(0, NULL)::partial; DROP TYPE partial2$$);
UPDATE twisted SET p = ROW(NULL, 77) WHERE id = 2;
SELECT is(status, 'rolled back', 'and back') FROM mg_rollback('twists');
SELECT results_eq('SELECT p::text FROM twisted ORDER BY id', $$VALUES ('(1,)'), ('(0,)')$$, 'come back but where somebody has written since');

-- What is kept and not there.
SELECT results_eq($$SELECT d.* FROM mg.archives a, mg_archive_diff(a.id) d WHERE migration = 'twists' AND script = 'up'$$, $$VALUES ('{"id": "2"}'::jsonb, '{"p": "(2,)", "id": "2"}'::jsonb, '{"p": "(0,)", "id": "2"}'::jsonb)$$, 'a value that differs');
SELECT is((SELECT count(*) FROM mg.archives a, mg_archive_diff(a.id) d WHERE migration = 'text_partly'), 0::bigint, 'nothing does after the way by text');
DELETE FROM partly WHERE id = 1; UPDATE partly SET ps = NULL WHERE id = 3; ALTER TABLE partly DROP COLUMN p;
SELECT results_eq($$SELECT d.* FROM mg.archives a, mg_archive_diff(a.id) d WHERE migration = 'text_partly'$$,
	$$VALUES ('{"id": "1"}'::jsonb, '{"p": "(1,)", "id": "1", "ps": "{\"(,b)\"}"}'::jsonb, NULL::jsonb), ('{"id": "3"}', '{"p": null, "id": "3", "ps": "{}"}', '{"id": "3", "ps": null}')$$, 'a row that is gone and one that was changed, with a column that is gone');
SELECT is((SELECT count(*) FROM mg.archives a, mg_archive_diff(a.id, 1) d WHERE migration = 'text_partly'), 1::bigint, 'no more than are wanted');
CREATE TABLE alike (a int, b text); INSERT INTO alike VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, NULL);
SELECT is(status, 'applied', 'rows without a key') FROM mg_apply('drop_alike', 'DROP TABLE alike', 'CREATE TABLE alike (a int, b text)');
SELECT throws_ok($$SELECT mg_archive_diff(id) FROM mg.archives WHERE migration = 'drop_alike'$$, '42P01', 'public.alike is not there to be filled', 'without the table');
SELECT is(status, 'rolled back', 'and back') FROM mg_rollback('drop_alike');
DELETE FROM alike WHERE ctid = (SELECT ctid FROM alike WHERE a = 1 LIMIT 1); UPDATE alike SET b = '' WHERE a = 2; INSERT INTO alike VALUES (3, 'x');
SELECT results_eq($$SELECT d.* FROM mg.archives a, mg_archive_diff(a.id) d WHERE migration = 'drop_alike'$$, $$VALUES (NULL::jsonb, '{"a": "1", "b": "x"}'::jsonb, NULL::jsonb), (NULL, '{"a": "2", "b": null}', NULL)$$, 'are told by how many there are');
SELECT throws_ok('SELECT mg_archive_diff(-1)', '22023', 'there is no archive -1', 'no such archive');
SELECT throws_ok('SELECT mg_archive_diff(NULL)', '22004', 'archive_id must not be NULL', 'none');
SELECT throws_ok($$SELECT mg_archive_diff(id, NULL) FROM mg.archives WHERE migration = 'drop_alike'$$, '22023', 'most must be at least 1', 'how many is not NULL');
SELECT throws_ok($$SELECT mg_archive_diff(id, 0) FROM mg.archives WHERE migration = 'drop_alike'$$, '22023', 'most must be at least 1', 'nor none');
SELECT throws_ok($$SELECT mg_archive_diff(id) FROM mg.archives WHERE kind = 'sequence' LIMIT 1$$, '55000', NULL, 'how far a sequence has counted is no row');

SELECT * FROM finish();
