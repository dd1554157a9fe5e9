-- What mg_verify() finds in the catalogs and in the rows: each check with something sound, something broken, and names that hurt.
\ir lib/errors.sql
SELECT no_plan();

-- The findings of one check, and its row when it finds nothing wrong.
CREATE FUNCTION t.found(name text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws('|', v.object, coalesce(v.ok::text, 'unknown'), v.expected, v.actual), E'\n' ORDER BY v.object COLLATE "C")
	FROM mg_verify() v WHERE v.check_name = name AND v.migration IS NULL $$;
CREATE FUNCTION t.bad(name text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(v.object || '|' || v.actual, E'\n' ORDER BY v.object COLLATE "C") FROM mg_verify() v WHERE v.check_name = name AND NOT v.ok $$;
\set hurts 'it\'s "quoted" \\ %I $1 fk; --'

SELECT is((SELECT count(*) FROM mg_verify() WHERE ok IS DISTINCT FROM true), 0::bigint, 'all is well at first');
SELECT is((SELECT count(DISTINCT check_name) FROM mg_verify() WHERE check_name !~ 'ledger'), 8::bigint, 'each check has one row');
SELECT is((SELECT count(*) FROM mg_verify() WHERE check_name !~ 'ledger'), 8::bigint, 'and no more');
SELECT is(t.found('index'), '0 indexes|true|valid|valid', 'objects of extensions are not looked at');

-- Indexes. Builds that fail leave what is set by hand here.
CREATE SCHEMA :"hurts";
CREATE TABLE :"hurts".:"hurts" (:"hurts" int PRIMARY KEY);
CREATE TABLE fine (id int PRIMARY KEY, b int);
CREATE INDEX fine_b_ccnew ON fine (b);
CREATE INDEX fine_b ON fine (b);
CREATE INDEX fine_b_ccold1 ON fine (b);
SELECT is(t.found('index'), '5 indexes|true|valid|valid', 'valid indexes, whatever they are called');
UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('fine_b'::regclass, 'fine_b_ccnew'::regclass, 'fine_b_ccold1'::regclass);
UPDATE pg_index SET indisvalid = false, indisready = false WHERE indrelid = (SELECT oid FROM pg_class WHERE relname = :'hurts');
SELECT is(t.bad('index'), E'index "it''s ""quoted"" \\ %I $1 fk; --"."it''s ""quoted"" \\ %I $1 fk; --_pkey"|half built, and not kept up to date: drop it or build it again\n'
	'index public.fine_b|invalid: its build failed or is not done: drop it or build it again\n'
	'index public.fine_b_ccnew|invalid: the new one of a REINDEX CONCURRENTLY that failed: drop it\n'
	'index public.fine_b_ccold1|invalid: the old one of a REINDEX CONCURRENTLY: drop it', 'invalid ones, and how they came about');
UPDATE pg_index SET indisvalid = true, indisready = true WHERE NOT indisvalid;
CREATE TABLE parted (id int, k int) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE INDEX parted_id ON ONLY parted (id);
SELECT is(t.bad('index'), 'index public.parted_id|invalid: not every partition has its part of it', 'one of a partitioned table');
DROP INDEX parted_id;

-- Constraints.
ALTER TABLE fine ADD CONSTRAINT positive CHECK (id > 0), ADD CONSTRAINT :"hurts" CHECK (b > 0) NOT VALID;
CREATE DOMAIN small AS int CHECK (VALUE < 10);
SELECT is(t.found('constraint'), 'table constraint "it''s ""quoted"" \ %I $1 fk; --" on public.fine|false|validated|NOT VALID: the rows from before it were never checked', 'a constraint that is not validated');
ALTER TABLE fine VALIDATE CONSTRAINT :"hurts";
ALTER DOMAIN small ADD CONSTRAINT even CHECK (VALUE % 2 = 0) NOT VALID;
SELECT alike(t.bad('constraint'), 'domain constraint even on %small%|NOT VALID%', 'one of a domain');
ALTER DOMAIN small VALIDATE CONSTRAINT even;
SELECT is(t.found('constraint'), '4 constraints|true|validated|validated', 'validated ones');
ALTER TABLE parted ADD CONSTRAINT k_positive CHECK (k > 0) NOT VALID;
SELECT is(t.bad('constraint'), 'table constraint k_positive on public.parted|NOT VALID: the rows from before it were never checked', 'of a partitioned table it is told once');
ALTER TABLE parted DROP CONSTRAINT k_positive;

CREATE SCHEMA platform;
CREATE TABLE platform.broken (id int);
ALTER TABLE platform.broken ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
SELECT is(t.bad('constraint'), 'table constraint positive on platform.broken|NOT VALID: the rows from before it were never checked', 'a platform''s like any other');
SELECT mg_set_policy('ignored_schemas', 'other, platform', 'not ours') \g /dev/null
SELECT is(t.bad('constraint'), NULL, 'unless its schema is one that the policy leaves out');
SELECT mg_set_policy('ignored_schemas', '', 'all is ours again') \g /dev/null
DROP SCHEMA platform CASCADE;

-- Triggers.
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER good BEFORE INSERT ON fine FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TRIGGER :"hurts" BEFORE INSERT ON fine FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TRIGGER everywhere BEFORE INSERT ON parted FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT is(t.found('trigger'), '3 triggers|true|enabled|enabled', 'enabled triggers');
ALTER TABLE fine DISABLE TRIGGER :"hurts", ENABLE REPLICA TRIGGER good;
ALTER TABLE parted_1 DISABLE TRIGGER everywhere;
SELECT is(t.found('trigger'), E'trigger "it''s ""quoted"" \\ %I $1 fk; --" on public.fine|false|enabled|disabled\ntrigger everywhere on public.parted_1|false|enabled|disabled\n'
	'trigger good on public.fine|true|enabled|enabled for replicas only', 'a disabled one, one of a partition, and one for replicas');
ALTER TABLE parted DISABLE TRIGGER everywhere;
ALTER TABLE fine ENABLE TRIGGER :"hurts", ENABLE ALWAYS TRIGGER good;
SELECT is(t.found('trigger'), E'trigger everywhere on public.parted|false|enabled|disabled\ntrigger good on public.fine|true|enabled|enabled always', 'of a partitioned table it is told once');
ALTER TABLE parted ENABLE TRIGGER everywhere;
CREATE TABLE "order" (id int REFERENCES fine);
ALTER TABLE "order" DISABLE TRIGGER ALL;
SELECT is(t.bad('trigger'), 'table constraint order_id_fkey on public."order"|its triggers on public."order" are disabled', 'DISABLE TRIGGER ALL switches a foreign key off');
ALTER TABLE "order" ENABLE TRIGGER ALL;
SELECT is(t.bad('trigger'), NULL, 'and on again');

-- Row level security.
CREATE TABLE secured (id int);
CREATE POLICY p ON secured USING (true);
CREATE POLICY q ON secured USING (true);
ALTER TABLE :"hurts".:"hurts" ENABLE ROW LEVEL SECURITY;
SELECT is(t.found('row level security'), E'table "it''s ""quoted"" \\ %I $1 fk; --"."it''s ""quoted"" \\ %I $1 fk; --"|true|on where policies are|on, without a policy: only its owner and roles that bypass it see rows\n'
	'table public.secured|false|on where policies are|off, so that its 2 policies do nothing', 'policies that do nothing, and none at all');
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
ALTER TABLE :"hurts".:"hurts" DISABLE ROW LEVEL SECURITY;
SELECT is(t.found('row level security'), '1 table|true|on where policies are|on where policies are', 'on, with policies');

-- Foreign keys, with rows that came in while triggers were off.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE place (a int, b text COLLATE "C", m mood, n numeric, PRIMARY KEY (a, b), UNIQUE (m), UNIQUE (n));
CREATE TABLE visit (a bigint, b varchar(10) COLLATE "C", m mood, n int,
	CONSTRAINT simple FOREIGN KEY (a, b) REFERENCES place, CONSTRAINT whole FOREIGN KEY (a, b) REFERENCES place MATCH FULL,
	CONSTRAINT mood FOREIGN KEY (m) REFERENCES place (m), CONSTRAINT number FOREIGN KEY (n) REFERENCES place (n));
INSERT INTO place VALUES (1, 'one', 'ok', 1), (2, 'two', NULL, 2);
INSERT INTO visit VALUES (1, 'one', 'ok', 1), (NULL, NULL, NULL, NULL);
CREATE TABLE :"hurts".child (:"hurts" int CONSTRAINT :"hurts" REFERENCES :"hurts".:"hurts", up int);
CREATE TABLE tree (id int PRIMARY KEY, up int CONSTRAINT tree_up REFERENCES tree);
INSERT INTO tree VALUES (1, NULL), (2, 1);
SELECT is(t.found('foreign key'), '7 foreign keys|true|each row has its counterpart|each row has its counterpart', 'foreign keys that hold');
SET session_replication_role = replica;
INSERT INTO visit VALUES (1, 'two', 'sad', 3), (2, NULL, NULL, NULL), (3, 'x', 'sad', NULL);
INSERT INTO :"hurts".child VALUES (5), (6);
UPDATE tree SET up = 7 WHERE id = 2;
RESET session_replication_role;
SELECT is(t.bad('foreign key'), E'table constraint "it''s ""quoted"" \\ %I $1 fk; --" on "it''s ""quoted"" \\ %I $1 fk; --".child|2 rows without: ("it''s ""quoted"" \\ %I $1 fk; --") = (5)\n'
	'table constraint mood on public.visit|2 rows without: (m) = (sad)\ntable constraint number on public.visit|1 row without: (n) = (3)\n'
	'table constraint simple on public.visit|2 rows without: (a, b) = (1, two)\ntable constraint tree_up on public.tree|1 row without: (up) = (7)\n'
	'table constraint whole on public.visit|3 rows without: (a, b) = (1, two)', 'rows without a counterpart: composite keys, MATCH FULL, other types, hostile names');
TRUNCATE visit, tree, :"hurts".child;
CREATE TABLE home (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE home_1 PARTITION OF home FOR VALUES FROM (0) TO (10);
CREATE TABLE guest (id int REFERENCES home, k int) PARTITION BY LIST (k);
CREATE TABLE guest_1 PARTITION OF guest FOR VALUES IN (1);
CREATE TABLE guest_2 PARTITION OF guest FOR VALUES IN (2);
INSERT INTO home VALUES (1);
INSERT INTO guest VALUES (1, 1), (1, 2);
SELECT is(t.bad('foreign key'), NULL, 'partitioned tables on both sides');
SET session_replication_role = replica;
INSERT INTO guest VALUES (2, 1), (3, 2);
RESET session_replication_role;
SELECT alike(t.bad('foreign key'), 'table constraint guest_id_fkey on public.guest|2 rows without: (id) = (%', 'told once for all partitions');
DROP TABLE guest;
ALTER TABLE fine ADD CONSTRAINT unchecked FOREIGN KEY (b) REFERENCES tree NOT VALID;
ALTER TABLE fine DROP CONSTRAINT unchecked;
INSERT INTO fine VALUES (1, 9);
ALTER TABLE fine ADD CONSTRAINT unchecked FOREIGN KEY (b) REFERENCES tree NOT VALID;
SELECT is(t.bad('foreign key'), 'table constraint unchecked on public.fine|1 row without: (b) = (9)', 'one that is NOT VALID');
ALTER TABLE fine DROP CONSTRAINT unchecked;

-- What 18 has: keys over periods, constraints that are declared only, NOT NULL that is not validated.
SELECT current_setting('server_version_num')::int >= 180000 AS has_periods, current_setting('server_version_num')::int >= 170000 AS has_identities \gset
\if :has_periods
CREATE TABLE lease (who int4range, span daterange, PRIMARY KEY (who, span WITHOUT OVERLAPS));
CREATE TABLE stay (who int4range, :"hurts" daterange, CONSTRAINT stayed FOREIGN KEY (who, PERIOD :"hurts") REFERENCES lease (who, PERIOD span));
INSERT INTO lease VALUES ('[1,1]', '[2025-01-01,2025-02-01)'), ('[1,1]', '[2025-02-01,2025-03-01)'), ('[2,2]', '[2025-01-01,2025-02-01)');
INSERT INTO stay VALUES ('[1,1]', '[2025-01-15,2025-02-15)'), (NULL, '[2025-01-15,2025-02-15)');
SELECT is(t.bad('foreign key'), NULL, 'a period that several counterparts cover');
SET session_replication_role = replica;
INSERT INTO stay VALUES ('[2,2]', '[2025-01-15,2025-02-15)'), ('[3,3]', '[2025-01-15,2025-01-16)');
RESET session_replication_role;
SELECT alike(t.bad('foreign key'), 'table constraint stayed on public.stay|2 rows without: (who, "it''s ""quoted"" \\ %I $1 fk; --") = ([2,3), [2025-01-15,2025-02-15))', 'and that they do not');
DROP TABLE stay, lease;
CREATE TABLE declared (id int CONSTRAINT declared_fk REFERENCES tree NOT ENFORCED, up int);
INSERT INTO declared VALUES (99);
ALTER TABLE declared ADD CONSTRAINT up_there NOT NULL up NOT VALID;
SELECT is(t.found('constraint'), E'table constraint declared_fk on public.declared|true|validated|NOT ENFORCED, as declared\n'
	'table constraint up_there on public.declared|false|validated|NOT VALID: the rows from before it were never checked', 'declared only, and not validated');
SELECT is(t.bad('foreign key'), NULL, 'what is declared only may dangle');
DROP TABLE declared;
\endif

-- A table with many rows is read in part. Of these, every second row dangles.
CREATE TABLE many (id int PRIMARY KEY);
INSERT INTO many SELECT g * 2 FROM generate_series(1, 75000) g;
CREATE TABLE more (id int CONSTRAINT more_id REFERENCES many);
SET session_replication_role = replica;
INSERT INTO more SELECT generate_series(1, 150000);
RESET session_replication_role;
ANALYZE many, more;
SELECT matches(t.bad('foreign key'), '^table constraint more_id on public.more\|[0-9]{3,5} rows without, in a sample: \(id\) = \([0-9]+\)$', 'a large table is sampled');
DELETE FROM more WHERE id % 2 = 1;
INSERT INTO more SELECT id FROM more;
ANALYZE more;
SELECT is(t.found('foreign key'), '8 foreign keys|true|each row has its counterpart|each row has its counterpart; of 10000 rows or so: table constraint more_id on public.more', 'which the row says');
DROP TABLE more;

-- Sequences. What is no nextval() alone, what cycles, and what a step passes by is none of them.
CREATE TABLE serials (a serial PRIMARY KEY, b bigint GENERATED BY DEFAULT AS IDENTITY, c smallserial, d numeric);
CREATE SEQUENCE shared;
ALTER TABLE serials ALTER d SET DEFAULT nextval('shared');
CREATE TABLE downwards (:"hurts" int GENERATED BY DEFAULT AS IDENTITY (INCREMENT -5 MINVALUE -1000 MAXVALUE 0 START -5));
CREATE SEQUENCE twice;
CREATE SEQUENCE round CYCLE;
CREATE TABLE others (a int DEFAULT 2 * nextval('twice'), b int DEFAULT nextval('round'), c text DEFAULT 'n' || nextval('twice'));
SELECT is(t.found('sequence'), '5 sequences of columns|true|next value is a new one|next value is a new one', 'sequences of empty tables');
INSERT INTO serials SELECT FROM generate_series(1, 3);
INSERT INTO downwards SELECT FROM generate_series(1, 3);
INSERT INTO others VALUES (100, 100, 'n100');
SELECT is(t.bad('sequence'), NULL, 'sequences that gave every value');
INSERT INTO serials VALUES (10, 4, 3, 4.5);
INSERT INTO downwards VALUES (-20), (-999), (-1005), (5);
SELECT is((SELECT string_agg(concat_ws('|', object, expected, actual), E'\n' ORDER BY object COLLATE "C") FROM mg_verify() WHERE check_name = 'sequence' AND NOT ok),
	E'sequence public."downwards_it''s ""quoted"" \\ %I $1 fk; --_seq"|below -20, the lowest public.downwards."it''s ""quoted"" \\ %I $1 fk; --"|next value is -20\n'
	'sequence public.serials_a_seq|above 10, the highest public.serials.a|next value is 4\n'
	'sequence public.serials_b_seq|above 4, the highest public.serials.b|next value is 4\n'
	'sequence public.shared|above 4.5, the highest public.serials.d|next value is 4', 'sequences behind, down in fives, and in other types');
SELECT setval('serials_a_seq', 10), setval('serials_b_seq', 4), setval('shared', 5), setval(pg_get_serial_sequence('downwards', :'hurts'), -20) \g /dev/null
SELECT is(t.bad('sequence'), NULL, 'and put right');
SELECT setval('serials_a_seq', 10, false) \g /dev/null
SELECT is(t.bad('sequence'), 'sequence public.serials_a_seq|next value is 10', 'a value that is not taken yet');
SELECT setval('serials_a_seq', 2147483647) \g /dev/null
SELECT is(t.bad('sequence'), NULL, 'a sequence at its end gives nothing');
CREATE TABLE numbered (id serial, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE numbered_1 PARTITION OF numbered FOR VALUES IN (1);
INSERT INTO numbered VALUES (7, 1);
SELECT is(t.bad('sequence'), 'sequence public.numbered_id_seq|next value is 1', 'one of a partitioned table');
DROP TABLE numbered;
\if :has_identities
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE numbered_1 PARTITION OF numbered FOR VALUES IN (1);
INSERT INTO numbered OVERRIDING SYSTEM VALUE VALUES (7, 1);
SELECT is(t.bad('sequence'), 'sequence public.numbered_id_seq|next value is 1', 'an identity of a partitioned table (17)');
DROP TABLE numbered;
\endif
CREATE TABLE unindexed (id serial);
INSERT INTO unindexed SELECT FROM generate_series(1, 150000);
ANALYZE unindexed;
SELECT is(t.found('sequence'), '6 sequences of columns|true|next value is a new one|next value is a new one; of 10000 rows or so: public.unindexed.id', 'a large table without an index is sampled');
CREATE INDEX unindexed_id ON unindexed (id);
INSERT INTO unindexed VALUES (150001);
SELECT is(t.bad('sequence'), 'sequence public.unindexed_id_seq|next value is 150001', 'one with an index is read whole');
DROP TABLE unindexed;

-- Bodies of functions.
CREATE SCHEMA app;
CREATE TABLE app.things (id int);
SET search_path = app, public, t;
CREATE FUNCTION app.unqualified() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM things';
CREATE PROCEDURE app.does(x int) LANGUAGE sql AS 'INSERT INTO app.things VALUES (x)';
RESET search_path;
CREATE FUNCTION settled() RETURNS bigint LANGUAGE sql SET search_path = app AS 'SELECT count(*) FROM things';
SET check_function_bodies = off;
CREATE FUNCTION :"hurts".:"hurts"() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.goes';
CREATE FUNCTION half() RETURNS void LANGUAGE plpgsql AS 'BEGIN IF THEN END';
CREATE FUNCTION row_of() RETURNS void LANGUAGE plpgsql AS 'DECLARE x public.goes%ROWTYPE; BEGIN END';
RESET check_function_bodies;
SELECT is(t.bad('function'), E'function "it''s ""quoted"" \\ %I $1 fk; --"."it''s ""quoted"" \\ %I $1 fk; --"()|relation "public.goes" does not exist\n'
	'function public.half()|missing expression at or near "THEN"\nfunction public.row_of()|relation "public.goes" does not exist', 'bodies that do not fit; those that find their own schema do');
CREATE TABLE goes (id int);
DROP FUNCTION half();
SELECT is(t.bad('function'), NULL, 'and fit again');
SELECT matches(t.found('function'), '^[0-9]+ functions in SQL and PL/pgSQL\|true\|valid\|valid$', 'how many there are');
ALTER FUNCTION settled() SET search_path = public;
SELECT is(t.bad('function'), 'function public.settled()|relation "things" does not exist', 'a path of its own is the path');
DROP FUNCTION settled();

-- Collations: a version that the operating system does not have any more, as after its upgrade.
SELECT is(t.found('collation'), '0 collations|true|as the operating system has it|as the operating system has it', 'no versions here');
SELECT count(*) > 0 AS has_icu FROM pg_collation WHERE collname = 'de-x-icu' \gset
\if :has_icu
CREATE COLLATION :"hurts" (provider = icu, locale = 'de');
CREATE TABLE sorted (word text COLLATE :"hurts");
SELECT is(t.found('collation'), '1 collation|true|as the operating system has it|as the operating system has it', 'the version of now');
UPDATE pg_collation SET collversion = '1.0' WHERE collname = :'hurts';
SELECT alike(t.bad('collation'), 'collation public."it''s ""quoted""%|version %: indexes may be out of order%', 'another version');
DROP TABLE sorted;
SELECT is(t.bad('collation'), NULL, 'which nothing uses');
\endif
UPDATE pg_database SET datcollversion = '1.0' WHERE datname = current_database();
SELECT alike(t.bad('collation'), 'database integrity|no version: indexes may be out of order%', 'the database''s own');
UPDATE pg_database SET datcollversion = NULL WHERE datname = current_database();

-- Of one migration: what it made, and only that.
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'fine_b'::regclass;
SELECT is((SELECT status FROM mg_apply('made', 'CREATE TABLE made (id serial PRIMARY KEY, up int CONSTRAINT up REFERENCES made); CREATE FUNCTION made() RETURNS int LANGUAGE sql AS ''SELECT 1''')), 'applied', 'a migration');
SELECT is(t.rows($$SELECT check_name, object, ok, actual FROM mg_verify('made') WHERE check_name <> 'object'$$), E'index|1 index|true|valid\nconstraint|1 constraint|true|validated\n'
	'function|1 function in SQL and PL/pgSQL|true|valid\nforeign key|1 foreign key|true|each row has its counterpart\nsequence|1 sequence of columns|true|next value is a new one', 'checks that have nothing to look at have no row');
INSERT INTO made VALUES (2), (1);
SELECT is(t.rows($$SELECT migration, check_name, object, expected, actual FROM mg_verify('made') WHERE NOT ok$$), 'made|sequence|sequence public.made_id_seq|above 2, the highest public.made.id|next value is 1', 'what is wrong with it');
SELECT is((SELECT status FROM mg_apply('trigger', 'CREATE TRIGGER late BEFORE INSERT ON fine FOR EACH ROW EXECUTE FUNCTION nothing(); ALTER TABLE fine DISABLE TRIGGER late')), 'applied', 'a trigger on another''s table');
SELECT is(t.rows($$SELECT check_name, object, ok FROM mg_verify('trigger') WHERE check_name <> 'object'$$), 'trigger|trigger late on public.fine|false', 'and nothing else of the table');
SELECT is((SELECT status FROM mg_apply('seed', 'INSERT INTO fine VALUES (50)')), 'applied', 'a migration that makes nothing');
SELECT is((SELECT count(*) FROM mg_verify('seed')), 0::bigint, 'has nothing to check');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'fine_b'::regclass;
SELECT mg_apply('trigger on', 'ALTER TABLE fine ENABLE TRIGGER late') \g /dev/null
SELECT setval('made_id_seq', 2) \g /dev/null

-- Settings of the session neither disturb nor are disturbed.
SET search_path = '';
SET lock_timeout = '5s';
SET standard_conforming_strings = off;
SELECT pg_catalog.count(*) AS doubtful FROM mg_verify() WHERE ok IS DISTINCT FROM true \gset
SELECT pg_catalog.concat_ws(' ', pg_catalog.current_setting('lock_timeout'), pg_catalog.current_setting('row_security'), pg_catalog.current_setting('search_path')) AS settings \gset
RESET ALL;
SELECT is(:'doubtful'::text, '0', 'without a search path');
SELECT is(:'settings'::text, '5s on ""', 'settings are as they were');
BEGIN READ ONLY;
SELECT count(*) AS doubtful FROM mg_verify() WHERE ok IS DISTINCT FROM true \gset
SELECT pg_current_xact_id_if_assigned() IS NULL AS unnumbered \gset
COMMIT;
SELECT is(:'doubtful'::text, '0', 'in a read-only transaction');
SELECT ok(:'unnumbered'::boolean, 'which gets no number');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) AS doubtful FROM mg_verify() WHERE ok IS DISTINCT FROM true \gset
SELECT count(*) AS locks FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('fine'::regclass, 'made'::regclass) AND mode <> 'SIReadLock' \gset
COMMIT;
SELECT is(:'doubtful'::text, '0', 'under SERIALIZABLE');
SELECT is(:'locks'::text, '0', 'no table stays locked');

-- By a role that may not read everything.
CREATE ROLE integrity_reader;
GRANT USAGE ON SCHEMA mg TO integrity_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA mg TO integrity_reader;
GRANT EXECUTE ON FUNCTION mg_verify TO integrity_reader;
GRANT SELECT ON tree, made TO integrity_reader;
SELECT mg_accept_drift('readers are no drift') \g /dev/null
ALTER TABLE tree ENABLE ROW LEVEL SECURITY;
CREATE POLICY one ON tree USING (id = 1);
REVOKE EXECUTE ON FUNCTION nothing() FROM PUBLIC;
SET ROLE integrity_reader;
CREATE TEMP TABLE seen AS SELECT * FROM mg_verify();
RESET ROLE;
SELECT is((SELECT string_agg(object || actual, E'\n') FROM seen WHERE NOT ok), NULL, 'what cannot be read is not wrong');
SELECT is((SELECT actual FROM seen WHERE object = 'table constraint tree_up on public.tree' AND ok IS NULL), 'skipped: row level security hides rows of public.tree', 'rows behind a policy');
SELECT is((SELECT actual FROM seen WHERE object = 'table constraint simple on public.visit' AND ok IS NULL), 'skipped: permission denied for public.place', 'rows not granted');
SELECT is((SELECT actual FROM seen WHERE object = 'sequence public.made_id_seq' AND ok IS NULL), 'skipped: permission denied for public.made_id_seq', 'sequences not granted');
SELECT is((SELECT count(*) FROM seen WHERE object = 'table constraint up on public.made'), 0::bigint, 'what is granted is read');
SELECT is((SELECT actual FROM seen WHERE object = 'function public.nothing()' AND ok IS NULL), 'skipped: permission denied', 'functions not granted');
DROP OWNED BY integrity_reader;
DROP ROLE integrity_reader;
SELECT mg_accept_drift('nor is that they are gone') \g /dev/null

-- Nobody can make whoever verifies run his functions: neither by an index, which planning a query evaluates, nor by the checks of
-- a type that a body has a literal of.
CREATE ROLE integrity_mallory;
CREATE SCHEMA mallory AUTHORIZATION integrity_mallory;
CREATE ROLE integrity_somebody;
CREATE SEQUENCE mallory.ran_as_superuser;
CREATE SEQUENCE mallory.ran_as_integrity_mallory;
CREATE SEQUENCE mallory.ran_as_integrity_somebody;
GRANT ALL ON ALL SEQUENCES IN SCHEMA mallory TO PUBLIC;
GRANT USAGE ON SCHEMA mallory TO PUBLIC;
CREATE TABLE ours (id int PRIMARY KEY);
GRANT REFERENCES, SELECT ON ours TO integrity_mallory;
SET ROLE integrity_mallory;
CREATE FUNCTION mallory.trap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM nextval('mallory.ran_as_' || CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN 'superuser' ELSE current_user END);
	RETURN 1;
END $$;
CREATE TABLE mallory.parent (id int PRIMARY KEY);
CREATE TABLE mallory.child (id serial, up int REFERENCES mallory.parent, our int REFERENCES ours);
CREATE INDEX ON mallory.child ((mallory.trap(1)));
CREATE INDEX ON mallory.parent ((mallory.trap(1)));
CREATE DOMAIN mallory.checked AS int CHECK (mallory.trap(VALUE) = 1);
CREATE FUNCTION mallory.body() RETURNS int LANGUAGE sql AS $$ SELECT ('{1}'::mallory.checked[])[1]::int $$;
RESET ROLE;
GRANT SELECT, REFERENCES ON mallory.parent TO PUBLIC;
CREATE TABLE theirs (id int REFERENCES mallory.parent);
CREATE TABLE somebodys (id int REFERENCES mallory.parent);
ALTER TABLE somebodys OWNER TO integrity_somebody;
SELECT setval(c.oid, 1, false) FROM pg_class c WHERE c.relname ~ '^ran_as' \g /dev/null
SELECT is((SELECT string_agg(object || actual, E'\n') FROM mg_verify() WHERE NOT ok), NULL, 'nothing is wrong with them');
SELECT results_eq('SELECT (SELECT is_called FROM mallory.ran_as_superuser), (SELECT is_called FROM mallory.ran_as_integrity_somebody), (SELECT last_value > 2 FROM mallory.ran_as_integrity_mallory)',
	'VALUES (false, false, true)', 'functions of an owner run as their owner');
SELECT is((SELECT actual FROM mg_verify() WHERE object = 'table constraint somebodys_id_fkey on public.somebodys'), 'skipped: its tables belong to roles that must not act for each other', 'and not as another');
DROP TABLE theirs, somebodys;
DROP SCHEMA mallory CASCADE;
DROP OWNED BY integrity_mallory;
DROP ROLE integrity_mallory, integrity_somebody;

SELECT * FROM finish();
