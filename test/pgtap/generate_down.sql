-- The down script of a migration that only drops is written by the server, and brings everything back.
SELECT * FROM no_plan();
SET client_min_messages = error;

CREATE ROLE gd_owner; CREATE ROLE gd_reader; CREATE ROLE gd_writer;
GRANT CREATE ON SCHEMA public TO gd_owner;

-- Rows of all tables, and how far sequences are.
CREATE FUNCTION pg_temp.contents(kinds text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE t record; one text; result text := '';
BEGIN
	FOR t IN SELECT c.oid::regclass AS name, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE strpos(kinds, c.relkind::text) > 0 AND c.relpersistence <> 't' AND c.relispopulated AND n.nspname !~ '^(mg|mg_archive|pg_.*|information_schema)$' ORDER BY c.oid::regclass::text COLLATE "C"
	LOOP
		IF t.relkind = 'S' THEN EXECUTE format('SELECT last_value || '' '' || is_called FROM %s', t.name) INTO one;
		ELSE EXECUTE format('SELECT count(*) || '' '' || coalesce(md5(string_agg(r, E''\n'' ORDER BY r)), '''') FROM (SELECT to_jsonb(t)::text AS r FROM %s t) x', t.name) INTO one; END IF;
		result := result || format(E'%s %s\n', t.name, one);
	END LOOP;
	RETURN result;
END $$;

-- Drops, and comes back by a script that nobody wrote. The archive has no rows of materialized views: they are made from what they read.
CREATE TEMP TABLE tried (name text, down text);
CREATE FUNCTION pg_temp.comes_back(name text, up text, what text, kinds text DEFAULT 'rpmS') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	was text := mg_fingerprint();
	looked jsonb := mg_snapshot();
	rows text := pg_temp.contents(kinds);
	script text;
	state text; message text; details text;
BEGIN
	PERFORM mg_register(name, up);
	script := mg_generate_down(name);
	INSERT INTO tried VALUES (name, script);
	PERFORM mg_apply(name, up, script);
	IF mg_fingerprint() = was THEN RETURN NEXT fail(what || ': nothing was dropped'); END IF;
	PERFORM mg_rollback(name);
	RETURN NEXT is(mg_fingerprint(), was, what || ': the schema is as it was');
	IF mg_fingerprint() <> was THEN
		RETURN NEXT diag(script);
		RETURN NEXT diag((SELECT string_agg(format('%s: %s, not %s', coalesce(a.key, b.key), b.value, a.value), E'\n') FROM jsonb_each(looked -> 'objects') a
			FULL JOIN jsonb_each(mg_snapshot() -> 'objects') b USING (key) WHERE a.value IS DISTINCT FROM b.value));
	END IF;
	RETURN NEXT is(pg_temp.contents(kinds), rows, what || ': and so are the rows');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, details = PG_EXCEPTION_DETAIL;
	RETURN NEXT fail(format('%s: %s %s (%s)', what, state, message, details));
	RETURN NEXT diag(script);
END $$;
CREATE FUNCTION pg_temp.is_refused(name text, up text, state text, message text, detail text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE said text; found text;
BEGIN
	PERFORM mg_register(name, up);
	PERFORM mg_generate_down(name);
	RETURN NEXT fail(name || ' was written');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, found = PG_EXCEPTION_DETAIL;
	RETURN NEXT is(SQLSTATE || ' ' || said || ': ' || found, state || ' ' || message || ': ' || detail, name || ' is refused');
END $$;

-- A table with everything.
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'glad'); CREATE DOMAIN positive AS int DEFAULT 1 NOT NULL CONSTRAINT above CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text COLLATE "C");
CREATE FUNCTION half(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE kind (id int PRIMARY KEY, label text UNIQUE); INSERT INTO kind SELECT i, 'k' || i FROM generate_series(1, 5) i;
CREATE TABLE thing (
	id int GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5 CACHE 3) PRIMARY KEY,
	serial bigserial, gone int, "Odd ""name" text COLLATE "C" DEFAULT 'it''s' NOT NULL, mood mood DEFAULT 'glad', much positive, both_ pair,
	large text, halved int GENERATED ALWAYS AS (half(kind)) STORED, kind int REFERENCES kind ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	at timestamptz DEFAULT '2024-01-01 00:00+00', tags text[] COMPRESSION pglz, span int4range, CONSTRAINT sane CHECK (kind <> 77), EXCLUDE USING gist (span WITH &&) WITH (fillfactor = 80)
) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE thing DROP COLUMN gone; ALTER TABLE thing ALTER large SET STORAGE EXTERNAL, ALTER kind SET STATISTICS 55, ALTER kind SET (n_distinct = -0.5);
INSERT INTO thing ("Odd ""name", mood, much, both_, large, kind, tags, span) SELECT 'o' || i, 'sad', i, ROW(i, 'x, "')::pair, repeat('y', 4000), i, ARRAY['a', NULL], int4range(i, i + 1) FROM generate_series(1, 5) i;
ALTER TABLE thing ADD CONSTRAINT later CHECK (much < 3) NOT VALID;
CREATE UNIQUE INDEX thing_expr ON thing (lower("Odd ""name"), kind DESC) INCLUDE (at) WHERE kind > 0; CREATE INDEX thing_tags ON thing USING gin (tags);
ALTER INDEX thing_expr ALTER COLUMN 1 SET STATISTICS 44; ALTER TABLE thing CLUSTER ON thing_pkey; ALTER TABLE thing REPLICA IDENTITY USING INDEX thing_pkey;
ALTER INDEX thing_pkey SET (fillfactor = 60);
CREATE STATISTICS thing_st (ndistinct) ON kind, mood FROM thing; ALTER STATISTICS thing_st SET STATISTICS 33;
CREATE TRIGGER one BEFORE INSERT OR UPDATE OF kind ON thing FOR EACH ROW WHEN (NEW.kind > 3) EXECUTE FUNCTION spoil(); ALTER TABLE thing DISABLE TRIGGER one;
CREATE CONSTRAINT TRIGGER two AFTER INSERT ON thing DEFERRABLE FOR EACH ROW EXECUTE FUNCTION spoil(); ALTER TABLE thing ENABLE ALWAYS TRIGGER two;
CREATE RULE quiet AS ON DELETE TO thing WHERE OLD.kind = 1 DO INSTEAD NOTHING; ALTER TABLE thing DISABLE RULE quiet;
ALTER TABLE thing ENABLE ROW LEVEL SECURITY; ALTER TABLE thing FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON thing AS RESTRICTIVE FOR UPDATE TO gd_reader, gd_writer USING (kind > 0) WITH CHECK (kind > 1); CREATE POLICY everybody ON thing USING (true);
ALTER TRIGGER one ON thing DEPENDS ON EXTENSION pgtap; ALTER INDEX thing_tags DEPENDS ON EXTENSION pgtap;
CREATE PUBLICATION news FOR TABLE thing (id, kind) WHERE (id > 0), kind;
GRANT SELECT, INSERT ON thing TO gd_reader WITH GRANT OPTION; GRANT UPDATE (kind, "Odd ""name") ON thing TO gd_writer; GRANT USAGE ON SEQUENCE thing_id_seq TO gd_reader; GRANT SELECT ON thing TO PUBLIC;
SET ROLE gd_reader; GRANT SELECT ON thing TO gd_writer; RESET ROLE;
COMMENT ON TABLE thing IS E'a \\ table''s'; COMMENT ON COLUMN thing."Odd ""name" IS 'odd'; COMMENT ON CONSTRAINT sane ON thing IS 'sane'; COMMENT ON INDEX thing_expr IS 'expr'; COMMENT ON TRIGGER one ON thing IS 'one';
COMMENT ON POLICY few ON thing IS 'some'; COMMENT ON RULE quiet ON thing IS 'quiet'; COMMENT ON STATISTICS thing_st IS 'st'; COMMENT ON SEQUENCE thing_id_seq IS 'seq'; COMMENT ON CONSTRAINT thing_kind_fkey ON thing IS 'fk';
ALTER TABLE thing OWNER TO gd_owner;
CREATE VIEW seen WITH (security_barrier, check_option = local) AS SELECT id AS number, kind FROM thing WHERE kind > 0; ALTER VIEW seen ALTER kind SET DEFAULT 3; COMMENT ON COLUMN seen.number IS 'n'; GRANT SELECT ON seen TO gd_reader; COMMENT ON VIEW seen IS 'v';
CREATE TRIGGER instead INSTEAD OF INSERT ON seen FOR EACH ROW EXECUTE FUNCTION spoil();
CREATE VIEW above AS SELECT s.number, t FROM seen s JOIN thing t ON t.id = s.number;
CREATE MATERIALIZED VIEW summed WITH (fillfactor = 90) AS SELECT kind, count(*) AS n FROM above a JOIN thing ON thing.id = a.number GROUP BY kind; CREATE UNIQUE INDEX summed_i ON summed (kind); ALTER MATERIALIZED VIEW summed OWNER TO gd_owner; COMMENT ON MATERIALIZED VIEW summed IS 'm';
CREATE MATERIALIZED VIEW empty AS SELECT * FROM summed WITH NO DATA;
CREATE FUNCTION of_thing(thing) RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS 'SELECT $1.id'; REVOKE ALL ON FUNCTION of_thing(thing) FROM PUBLIC; GRANT EXECUTE ON FUNCTION of_thing(thing) TO gd_reader; COMMENT ON FUNCTION of_thing(thing) IS 'f'; ALTER FUNCTION of_thing(thing) DEPENDS ON EXTENSION pgtap;
SELECT pg_temp.comes_back('gd_everything', 'DROP TABLE thing CASCADE', 'a table with everything');
SELECT is((SELECT split_part(down, E'\n', 1) FROM tried WHERE name = 'gd_everything'), '-- Generated by mg_generate_down(): makes function public.of_thing(public.thing), table public.thing, view public.seen, view public.above, materialized view public.summed, materialized view public.empty again, as it was before. Rows come back from the archive when their table is first read.', 'the first line says what it is');
SELECT is((SELECT conflicts FROM mg.archives WHERE migration = 'gd_everything' AND source = 'public.thing'), 0::bigint, 'all rows come back');
SELECT * FROM pg_temp.comes_back('gd_drops', 'SET LOCAL lock_timeout = ''1s''; DROP MATERIALIZED VIEW empty; DROP VIEW above CASCADE; DROP TRIGGER two ON thing; DROP RULE quiet ON thing; DROP POLICY few ON thing; DROP STATISTICS thing_st; DROP INDEX thing_expr; ALTER TABLE thing DROP CONSTRAINT sane, DROP CONSTRAINT thing_kind_fkey', 'one of each');
SELECT pg_temp.comes_back('gd_key', 'ALTER TABLE thing DROP CONSTRAINT thing_pkey CASCADE', 'a key with what needs it');
SELECT pg_temp.comes_back('gd_referenced', 'ALTER TABLE kind DROP CONSTRAINT kind_pkey CASCADE', 'a key that is referred to');
SELECT pg_temp.comes_back('gd_function', 'DROP FUNCTION spoil() CASCADE', 'a function with its triggers');
SELECT pg_temp.comes_back('gd_both', 'DROP TABLE kind, thing CASCADE', 'two tables');

-- Columns. The last one keeps its place.
CREATE TABLE last_one (id int PRIMARY KEY, mood mood, note text DEFAULT 'x' NOT NULL, owned int);
CREATE SEQUENCE last_seq OWNED BY last_one.owned; ALTER TABLE last_one ALTER owned SET DEFAULT nextval('last_seq'), ALTER owned SET NOT NULL;
INSERT INTO last_one SELECT i, 'sad', 'n' || i FROM generate_series(1, 10) i;
CREATE INDEX last_i ON last_one (owned, id); ALTER TABLE last_one ADD CONSTRAINT few CHECK (owned > 0); GRANT SELECT (owned) ON last_one TO gd_reader; COMMENT ON COLUMN last_one.owned IS 'c'; ALTER TABLE last_one ALTER owned SET STATISTICS 9;
CREATE VIEW last_view AS SELECT id, owned FROM last_one;
-- Its default takes numbers for the rows that are there, before they have theirs again.
SELECT pg_temp.comes_back('gd_column', 'ALTER TABLE last_one DROP COLUMN owned CASCADE', 'a column with its sequence', 'rpm');
SELECT pg_temp.comes_back('gd_sequence', 'DROP SEQUENCE last_seq CASCADE', 'a sequence with the default that takes from it');
CREATE TABLE ends (id int PRIMARY KEY, counts int GENERATED BY DEFAULT AS IDENTITY); INSERT INTO ends SELECT i FROM generate_series(1, 10) i;
SELECT pg_temp.comes_back('gd_identity', 'ALTER TABLE ends DROP COLUMN counts', 'an identity column');
CREATE TABLE computed (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (half(id) * 4) STORED); INSERT INTO computed SELECT i FROM generate_series(1, 10) i;
SELECT pg_temp.comes_back('gd_half', 'DROP TABLE thing CASCADE; DROP FUNCTION half(int) CASCADE', 'a function that a generated column calls');

-- Types. What is kept of tables with columns of a type would hold it.
SELECT count(*) FROM mg_purge_archives() \g /dev/null
CREATE TYPE mood2 AS ENUM ('sad', 'it''s ok', 'glad'); CREATE DOMAIN positive2 AS int DEFAULT 1 NOT NULL CONSTRAINT above CHECK (VALUE > 0);
CREATE TABLE moody (id int PRIMARY KEY, m mood2 DEFAULT 'sad', n positive2); INSERT INTO moody SELECT i, 'glad', i FROM generate_series(1, 5) i;
CREATE TYPE pair2 AS (a int, b text COLLATE "C"); CREATE TABLE typed OF pair2 (PRIMARY KEY (a), b WITH OPTIONS DEFAULT 'q'); INSERT INTO typed SELECT i FROM generate_series(1, 3) i;
CREATE TABLE ranged (id int PRIMARY KEY, m mood2[]); INSERT INTO ranged VALUES (1, '{sad,glad}');
CREATE TYPE floatish AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi); CREATE TABLE floats (id int PRIMARY KEY, r floatish); INSERT INTO floats VALUES (1, '[1.5,2]');
GRANT USAGE ON TYPE mood2 TO gd_reader; COMMENT ON TYPE mood2 IS 'm'; COMMENT ON DOMAIN positive2 IS 'p'; COMMENT ON CONSTRAINT above ON DOMAIN positive2 IS 'c'; COMMENT ON COLUMN pair2.a IS 'a';
SELECT pg_temp.comes_back('gd_types', 'DROP TYPE mood2, pair2 CASCADE; DROP DOMAIN positive2 CASCADE; DROP TYPE floatish CASCADE', 'types with columns, and a typed table');

-- Partitions and children.
CREATE TABLE parted (id int, at date, v text DEFAULT 'p', PRIMARY KEY (id, at), CONSTRAINT sane CHECK (id > 0)) PARTITION BY RANGE (at);
CREATE TABLE parted_old PARTITION OF parted (v DEFAULT 'old') FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE parted_new (v text, id int NOT NULL, at date NOT NULL, CONSTRAINT sane CHECK (id > 0), CONSTRAINT own_name PRIMARY KEY (id, at)) PARTITION BY LIST (id);
ALTER TABLE parted ATTACH PARTITION parted_new FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
CREATE TABLE parted_one PARTITION OF parted_new FOR VALUES IN (1, 2); CREATE TABLE parted_rest PARTITION OF parted_new DEFAULT;
CREATE INDEX parted_v ON parted (v); CREATE INDEX old_only ON parted_old (upper(v));
ALTER TABLE parted ADD FOREIGN KEY (id) REFERENCES kind; CREATE TRIGGER tr AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION spoil(); ALTER TABLE parted_old DISABLE TRIGGER tr;
INSERT INTO parted SELECT i % 5 + 1, date '2023-06-01' + 40 * i, 'v' || i FROM generate_series(1, 20) i;
CREATE TABLE refers (id int, at date, FOREIGN KEY (id, at) REFERENCES parted); INSERT INTO refers SELECT id, at FROM parted;
COMMENT ON TABLE parted_old IS 'old'; GRANT SELECT ON parted_old TO gd_reader; COMMENT ON INDEX parted_v IS 'v';
SELECT pg_temp.comes_back('gd_parted', 'DROP TABLE parted CASCADE', 'a partitioned table');
SELECT pg_temp.comes_back('gd_partition', 'ALTER TABLE refers DROP CONSTRAINT refers_id_at_fkey; DROP TABLE parted_old; DROP TABLE parted_one', 'partitions');
SELECT pg_temp.comes_back('gd_parted_index', 'DROP INDEX parted_v; ALTER TABLE parted DROP CONSTRAINT parted_pkey CASCADE', 'an index and a key of all partitions');
SELECT pg_temp.comes_back('gd_parted_parts', 'ALTER TABLE parted DROP CONSTRAINT sane, DROP CONSTRAINT parted_id_fkey; DROP TRIGGER tr ON parted', 'a check, a foreign key and a trigger of all partitions');
CREATE TABLE parent (id int PRIMARY KEY, v text DEFAULT 'p', CONSTRAINT sane CHECK (id > 0)); CREATE TABLE child (extra int, CONSTRAINT more CHECK (extra > 0)) INHERITS (parent); CREATE TABLE grandchild (id int NOT NULL, own int) INHERITS (child);
ALTER TABLE ONLY child ALTER v SET DEFAULT 'c', ALTER v SET NOT NULL; ALTER TABLE grandchild ALTER v DROP DEFAULT; COMMENT ON COLUMN child.v IS 'cv'; CREATE INDEX child_v ON child (v);
INSERT INTO parent SELECT i FROM generate_series(1, 3) i; INSERT INTO child (id, extra) SELECT i, i FROM generate_series(4, 6) i; INSERT INTO grandchild (id, v, extra) SELECT i, 'g', i FROM generate_series(7, 9) i;
SELECT pg_temp.comes_back('gd_children', 'DROP TABLE parent CASCADE', 'a table with children');
SELECT pg_temp.comes_back('gd_child', 'DROP TABLE child CASCADE', 'children alone');
SELECT pg_temp.comes_back('gd_check', 'ALTER TABLE parent DROP CONSTRAINT sane', 'a check that children inherit');

-- What only newer servers have.
SELECT current_setting('server_version_num')::int >= 180000 AS newer \gset
\if :newer
CREATE TABLE newer (id int CONSTRAINT named NOT NULL, v int, virtual int GENERATED ALWAYS AS (id * 2) VIRTUAL, spot int4range, at tstzrange, CONSTRAINT loose CHECK (v > 0) NOT ENFORCED, CONSTRAINT during PRIMARY KEY (spot, at WITHOUT OVERLAPS));
INSERT INTO newer (id, spot, at) SELECT i, int4range(i, i + 1), tstzrange('2024-01-01', '2024-02-01') FROM generate_series(1, 3) i;
ALTER TABLE newer ADD CONSTRAINT v_there NOT NULL v NOT VALID; COMMENT ON CONSTRAINT named ON newer IS 'n';
CREATE TABLE newer_part (id int NOT NULL NO INHERIT, spot int4range, at tstzrange, w int CONSTRAINT w_there NOT NULL, FOREIGN KEY (spot, PERIOD at) REFERENCES newer (spot, PERIOD at)); INSERT INTO newer_part SELECT id, spot, at, 1 FROM newer;
CREATE TABLE newer_list (id int CONSTRAINT list_named NOT NULL, counts int GENERATED ALWAYS AS IDENTITY) PARTITION BY LIST (id); CREATE TABLE newer_list_1 PARTITION OF newer_list FOR VALUES IN (1); INSERT INTO newer_list VALUES (1), (1);
CREATE TABLE newer_parent (id int CONSTRAINT parent_named NOT NULL); CREATE TABLE newer_child (id int CONSTRAINT child_named NOT NULL) INHERITS (newer_parent); CREATE TABLE newer_grandchild () INHERITS (newer_parent);
SELECT pg_temp.comes_back('gd_newer', 'DROP TABLE newer, newer_part, newer_list, newer_parent CASCADE', 'what is new in 18');
SELECT pg_temp.comes_back('gd_newer_parts', 'ALTER TABLE newer DROP CONSTRAINT loose, DROP CONSTRAINT v_there; ALTER TABLE newer_part DROP CONSTRAINT w_there; ALTER TABLE newer_parent DROP CONSTRAINT parent_named; DROP TABLE newer_list_1', 'parts of it');
\endif

-- Where everything is granted by default.
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO gd_writer; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO gd_writer;
CREATE SCHEMA shop AUTHORIZATION gd_owner; GRANT USAGE ON SCHEMA shop TO gd_reader; COMMENT ON SCHEMA shop IS 's';
CREATE TABLE shop.item (id serial PRIMARY KEY, mood mood, name text); INSERT INTO shop.item (name) SELECT 'i' || i FROM generate_series(1, 9) i;
CREATE FUNCTION shop.newest() RETURNS int LANGUAGE sql AS 'SELECT max(id) FROM shop.item'; CREATE PROCEDURE shop.nothing(INOUT a int, b text DEFAULT 'x') LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION shop.counted() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM shop.item; END;
CREATE UNLOGGED TABLE shop.cart (id bigint GENERATED BY DEFAULT AS IDENTITY, newest int DEFAULT shop.newest()); INSERT INTO shop.cart SELECT FROM generate_series(1, 3);
SELECT pg_temp.comes_back('gd_schema', 'DROP SCHEMA shop CASCADE', 'a schema');
SELECT pg_temp.comes_back('gd_all_again', 'DROP TABLE thing, kind, parted, parent, typed, refers, last_one CASCADE; DROP SCHEMA shop CASCADE', 'all of it at once');

-- What is refused.
SELECT throws_ok('SELECT mg_generate_down(''nobody'')', 'MG004', 'migration "nobody" is not registered', 'a name that is not known');
SELECT throws_ok('SELECT mg_generate_down(NULL)', '22004', 'name of the migration must not be NULL', 'no name');
SELECT lives_ok($$SELECT mg_apply('gd_applied', 'DROP TABLE ends')$$, 'a migration without a down script');
SELECT ok(mg_generate_down('gd_applied') LIKE '-- Generated by mg_generate_down(): makes table public.ends%', 'whose way back was written down when it was applied');
SELECT lives_ok($$SELECT mg_register('gd_applied', 'DROP TABLE ends', mg_generate_down('gd_applied'))$$, 'can be handed in');
SELECT is((SELECT status FROM mg_rollback('gd_applied')), 'rolled back', 'and works');
SELECT isnt(to_regclass('ends'), NULL, 'the table is there');
SELECT lives_ok($$SELECT mg_apply('gd_makes', 'CREATE TABLE made_by (i int)')$$, 'one that makes something');
SELECT throws_ok('SELECT mg_generate_down(''gd_makes'')', '55000', 'migration "gd_makes" is applied', 'has none');
SELECT lives_ok($$SELECT mg_apply('gd_fails', 'DROP TABLE IF EXISTS not_there')$$, 'one that drops nothing');
SELECT throws_ok('SELECT mg_generate_down(''gd_fails'')', '55000', 'migration "gd_fails" is applied', 'has none either');
SELECT pg_temp.is_refused('gd_more', 'DROP INDEX summed_i; CREATE TABLE x (id int)', '0A000', 'no down script can be generated for migration "gd_more"', 'Line 1, CREATE TABLE x (id int): it does more than drop.');
SELECT pg_temp.is_refused('gd_alter', 'ALTER TABLE kind DROP COLUMN label, ADD COLUMN other int', '0A000', 'no down script can be generated for migration "gd_alter"', 'Line 1, ALTER TABLE kind DROP COLUMN label, ADD COLUMN other int: it does more than drop.');
SELECT pg_temp.is_refused('gd_extension', 'DROP EXTENSION pgtap', '0A000', 'no down script can be generated for migration "gd_extension"', 'Line 1, DROP EXTENSION pgtap: what it drops is not written by mg_generate_down().');
SELECT pg_temp.is_refused('gd_only', 'ALTER TABLE ONLY parent DROP COLUMN v', '0A000', 'no down script can be generated for migration "gd_only"', 'Line 1, ALTER TABLE ONLY parent DROP COLUMN v: with ONLY, what it drops stays in other tables.');
SELECT pg_temp.is_refused('gd_absent', 'DROP TABLE IF EXISTS not_there', '0A000', 'no down script can be generated for migration "gd_absent"', 'Nothing that it drops is there.');
SELECT pg_temp.is_refused('gd_missing', 'DROP TABLE not_there', '42P01', 'relation "not_there" does not exist', '');
CREATE AGGREGATE total(mood) (SFUNC = array_append, STYPE = mood[]);
SELECT pg_temp.is_refused('gd_aggregate', 'DROP TYPE mood CASCADE', '0A000', 'no down script can be generated for migration "gd_aggregate"', 'No statement is known for aggregate public.total(public.mood).');
ALTER TABLE thing DISABLE TRIGGER ALL;
SELECT pg_temp.is_refused('gd_disabled', 'DROP TABLE thing CASCADE', '0A000', 'no down script can be generated for migration "gd_disabled"', 'No statement is known for table constraint thing_kind_fkey on public.thing, as its triggers are disabled.');
SELECT throws_ok('SELECT mg_generate_down(''gd_everything'')', '0A000', NULL, 'a migration that was rolled back can be asked about again');

SELECT * FROM finish();
