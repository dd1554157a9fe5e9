-- Something of every kind that a database can hold, with the strangest names and settings. Parts are independent of each other but for the
-- first, so that they can be built in any order; each may leave out what its server does not have.

-- part base
SET client_min_messages = warning;
SELECT current_setting('server_version_num')::int >= 160000 AS since_16, current_setting('server_version_num')::int >= 170000 AS since_17,
    current_setting('server_version_num')::int >= 180000 AS since_18,
    EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citext') AS contrib \gset
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_owner') AS no_roles \gset
\if :no_roles
CREATE ROLE app_owner CREATEROLE CREATEDB;
CREATE ROLE app_reader NOINHERIT;
CREATE ROLE "App ""Writer"", ünïcode=x/y" LOGIN CONNECTION LIMIT 3 VALID UNTIL '2030-05-06 07:08:09+02';
CREATE ROLE "public role" BYPASSRLS;
CREATE ROLE app_admin;
GRANT app_reader TO "App ""Writer"", ünïcode=x/y";
GRANT app_owner TO app_admin WITH ADMIN OPTION;
ALTER ROLE app_reader SET work_mem = '7MB';
ALTER ROLE "App ""Writer"", ünïcode=x/y" SET search_path = "$user", "odd, schema", public;
COMMENT ON ROLE app_owner IS 'owns';
\endif
SELECT NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'shop') AS no_schemas \gset
\if :no_schemas
CREATE SCHEMA shop AUTHORIZATION app_owner;
CREATE SCHEMA "odd, schema" AUTHORIZATION "App ""Writer"", ünïcode=x/y";
CREATE SCHEMA kinds;
CREATE SCHEMA granted;
CREATE SCHEMA empty_one;
COMMENT ON SCHEMA shop IS E'two\nlines, a ''quote'' and a \\';
GRANT USAGE ON SCHEMA shop TO app_reader, PUBLIC;
GRANT CREATE ON SCHEMA shop TO "App ""Writer"", ünïcode=x/y" WITH GRANT OPTION;
GRANT ALL ON SCHEMA "odd, schema" TO app_owner;
\endif

-- part database
DO $$ BEGIN
    EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), 'where it all is');
    EXECUTE format('ALTER DATABASE %I SET statement_timeout = %L', current_database(), '77min');
    EXECUTE format('ALTER DATABASE %I SET search_path = "$user", public, "odd, schema"', current_database());
    EXECUTE format('ALTER DATABASE %I SET DateStyle = %L', current_database(), 'SQL, DMY');
    EXECUTE format('ALTER ROLE app_reader IN DATABASE %I SET work_mem = %L', current_database(), '9MB');
    EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO app_reader WITH GRANT OPTION', current_database());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 77', current_database());
    EXECUTE format('ALTER DATABASE %I OWNER TO app_owner', current_database());
END $$;

-- part types
CREATE TYPE kinds.mood AS ENUM ('sad', 'ok', 'hap''py', '', 'ÄÖ', ' sad', 'a,b');
ALTER TYPE kinds.mood ADD VALUE 'between' BEFORE 'ok';
ALTER TYPE kinds.mood ADD VALUE 'after "all"' AFTER 'between';
CREATE TYPE kinds.no_labels AS ENUM ();
COMMENT ON TYPE kinds.mood IS 'how it feels';
ALTER TYPE kinds.mood OWNER TO app_owner;
REVOKE USAGE ON TYPE kinds.mood FROM PUBLIC;
GRANT USAGE ON TYPE kinds.mood TO app_reader WITH GRANT OPTION;
CREATE TYPE kinds."Pair ""of"" things" AS (a int, "B b" text COLLATE "C", c numeric(10, 2)[], gone int, d kinds.mood, e interval(3), f varchar(7));
ALTER TYPE kinds."Pair ""of"" things" DROP ATTRIBUTE gone;
COMMENT ON COLUMN kinds."Pair ""of"" things"."B b" IS 'an attribute';
COMMENT ON TYPE kinds."Pair ""of"" things" IS 'a pair';
CREATE TYPE kinds.nothing AS ();
CREATE DOMAIN kinds.positive AS int DEFAULT 5 + 2 NOT NULL CONSTRAINT positive CHECK (VALUE > 0) CONSTRAINT "a ""b""" CHECK (VALUE < 1000);
CREATE DOMAIN kinds.small AS kinds.positive CHECK (VALUE < 10);
CREATE DOMAIN kinds.c_text AS varchar(30) COLLATE "C" DEFAULT E'a\\b''c';
CREATE DOMAIN kinds.many AS kinds.positive[] CHECK (cardinality(VALUE) > 0);
CREATE DOMAIN kinds.pairs AS kinds."Pair ""of"" things" CHECK ((VALUE).a > 1);
ALTER DOMAIN kinds.small ADD CONSTRAINT late CHECK (VALUE <> 7) NOT VALID;
COMMENT ON DOMAIN kinds.positive IS 'more than nothing';
COMMENT ON CONSTRAINT positive ON DOMAIN kinds.positive IS 'why not';
CREATE TYPE kinds.text_range AS RANGE (SUBTYPE = text, COLLATION = "C", SUBTYPE_OPCLASS = text_pattern_ops);
CREATE FUNCTION kinds.float_diff(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 - $2';
CREATE TYPE kinds.floats AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = kinds.float_diff, MULTIRANGE_TYPE_NAME = kinds."several floats");
COMMENT ON TYPE kinds.floats IS 'from and to';
COMMENT ON TYPE kinds."several floats" IS 'from and to, often';
CREATE TYPE kinds.shell;
COMMENT ON TYPE kinds.shell IS 'only a name';
CREATE TYPE kinds.number;
CREATE FUNCTION kinds.number_in(cstring) RETURNS kinds.number LANGUAGE internal IMMUTABLE STRICT AS 'int8in';
CREATE FUNCTION kinds.number_out(kinds.number) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int8out';
CREATE FUNCTION kinds.number_recv(internal) RETURNS kinds.number LANGUAGE internal IMMUTABLE STRICT AS 'int8recv';
CREATE FUNCTION kinds.number_send(kinds.number) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int8send';
CREATE TYPE kinds.number (INPUT = kinds.number_in, OUTPUT = kinds.number_out, RECEIVE = kinds.number_recv, SEND = kinds.number_send,
    LIKE = bigint, CATEGORY = 'N', PREFERRED = false, DELIMITER = ';', DEFAULT = '42', COLLATABLE = false);
CREATE TABLE kinds.of_types (m kinds.mood DEFAULT 'hap''py', p kinds."Pair ""of"" things" DEFAULT ROW(1, 'b', '{1.5}', 'ok', '1 s', 'x'),
    s kinds.small, ms kinds.mood[] DEFAULT '{sad,""}', t kinds.text_range, f kinds."several floats", n kinds.number DEFAULT '7',
    c kinds.c_text, a int[][], i interval day to second(2), b bit varying(5) DEFAULT B'101', ti time(2) with time zone, ch "char", name name);
CREATE TABLE kinds.typed OF kinds."Pair ""of"" things" (a WITH OPTIONS PRIMARY KEY, c DEFAULT '{1}', CHECK (d <> 'sad'));

-- part routines
CREATE FUNCTION shop.plain(a int, b text DEFAULT 'x''y', VARIADIC c int[] DEFAULT '{}') RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION shop.plain(a bigint) RETURNS int LANGUAGE sql AS $_$ SELECT 2; -- $$ $body$
$_$;
CREATE FUNCTION shop.everything(INOUT a int, OUT b text, IN c date DEFAULT '2020-02-03', d interval DEFAULT '1 day 2 hours', e float8 DEFAULT 0.1)
    LANGUAGE plpgsql IMMUTABLE LEAKPROOF STRICT SECURITY DEFINER PARALLEL SAFE COST 17.5
    SET search_path = pg_catalog, "odd, schema" SET work_mem = '3MB' SET datestyle = 'ISO, DMY' SET application_name = 'it''s' SET "my.own" = ''
    AS $$ BEGIN b := 'x'; END $$;
CREATE FUNCTION shop.rows() RETURNS TABLE (x int, "Y y" text) LANGUAGE sql STABLE ROWS 7 PARALLEL RESTRICTED AS $$ VALUES (1, 'a') $$;
CREATE FUNCTION shop.set_of() RETURNS SETOF pg_class LANGUAGE sql AS 'TABLE pg_class';
CREATE FUNCTION shop.poly(a anyelement, b anyarray, c anycompatible) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION shop.atomic(a int, b date DEFAULT '2021-12-11') RETURNS date LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC SELECT $2 + a + (date '2000-01-02' - '2000-01-01'); END;
CREATE FUNCTION shop.returning(a int) RETURNS int LANGUAGE sql RETURN a + 1;
CREATE PROCEDURE shop."Do It"(INOUT a int, b int, OUT c int) LANGUAGE plpgsql AS $$ BEGIN c := 1; END $$;
CREATE PROCEDURE shop.nothing() LANGUAGE sql SECURITY DEFINER SET statement_timeout = '5s' AS '';
CREATE FUNCTION shop.numbered() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE STRICT AS 'window_row_number';
CREATE FUNCTION shop."we""ird, näme(int)"("a b" int, "select" text) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION shop.supported(int, int) RETURNS SETOF int LANGUAGE internal IMMUTABLE STRICT SUPPORT generate_series_int4_support AS 'generate_series_int4';
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION shop.no_body() RETURNS void LANGUAGE sql BEGIN ATOMIC END;
ALTER FUNCTION shop.plain(bigint) OWNER TO "App ""Writer"", ünïcode=x/y";
REVOKE ALL ON FUNCTION shop.plain(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.plain(bigint) TO app_reader, app_owner WITH GRANT OPTION;
GRANT EXECUTE ON PROCEDURE shop.nothing() TO "public role";
COMMENT ON FUNCTION shop.plain(bigint) IS 'plain';
COMMENT ON PROCEDURE shop."Do It"(int, int, int) IS 'does it';
COMMENT ON FUNCTION shop."we""ird, näme(int)"(int, text) IS '';
CREATE AGGREGATE shop.add_up(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, SSPACE = 100, FINALFUNC = numeric_avg, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = numeric_avg_combine, SERIALFUNC = numeric_avg_serialize, DESERIALFUNC = numeric_avg_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE shop.moving(int) (SFUNC = int4_sum, STYPE = bigint, INITCOND = '0', MSFUNC = int4_avg_accum, MINVFUNC = int4_avg_accum_inv,
    MSTYPE = bigint[], MINITCOND = '{0,0}', MFINALFUNC = int2int4_sum);
CREATE AGGREGATE shop.newest(date) (SFUNC = date_larger, STYPE = date, SORTOP = >);
CREATE AGGREGATE shop.percentile(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final,
    FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_WRITE);
CREATE AGGREGATE shop.rank_of(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final,
    FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE AGGREGATE shop.count_all(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
COMMENT ON AGGREGATE shop.add_up(numeric) IS 'adds';
COMMENT ON AGGREGATE shop.count_all(*) IS 'counts';
REVOKE EXECUTE ON FUNCTION shop.newest(date) FROM PUBLIC;
ALTER AGGREGATE shop.newest(date) OWNER TO app_owner;

-- part operators
CREATE FUNCTION kinds.same(point, point) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'point_eq';
CREATE FUNCTION kinds.other(point, point) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'point_ne';
CREATE FUNCTION kinds.less(point, point) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1[0] < $2[0]';
CREATE FUNCTION kinds.compare(point, point) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 0';
CREATE FUNCTION kinds.negative(point) RETURNS point LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION kinds.hash(point) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE OPERATOR kinds.=== (LEFTARG = point, RIGHTARG = point, FUNCTION = kinds.same, COMMUTATOR = OPERATOR(kinds.===), NEGATOR = OPERATOR(kinds.<!>),
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR kinds.<!> (LEFTARG = point, RIGHTARG = point, FUNCTION = kinds.other, NEGATOR = OPERATOR(kinds.===));
CREATE OPERATOR kinds.<<< (LEFTARG = point, RIGHTARG = point, FUNCTION = kinds.less, COMMUTATOR = OPERATOR(kinds.>>>));
CREATE OPERATOR kinds.>>> (LEFTARG = point, RIGHTARG = point, FUNCTION = kinds.less, COMMUTATOR = OPERATOR(kinds.<<<));
CREATE OPERATOR kinds.!! (RIGHTARG = point, FUNCTION = kinds.negative);
COMMENT ON OPERATOR kinds.=== (point, point) IS 'the same';
COMMENT ON OPERATOR kinds.!! (NONE, point) IS 'the other way';
ALTER OPERATOR kinds.=== (point, point) OWNER TO app_owner;
CREATE OPERATOR FAMILY kinds."Point family" USING btree;
CREATE OPERATOR CLASS kinds.point_order DEFAULT FOR TYPE point USING btree FAMILY kinds."Point family" AS
    OPERATOR 1 kinds.<<<, OPERATOR 3 kinds.===, OPERATOR 5 kinds.>>>, FUNCTION 1 kinds.compare(point, point);
CREATE OPERATOR CLASS kinds.point_hash FOR TYPE point USING hash AS OPERATOR 1 kinds.===, FUNCTION 1 kinds.hash(point);
ALTER OPERATOR FAMILY kinds."Point family" USING btree ADD FUNCTION 4 (point, point) btequalimage(oid);
CREATE OPERATOR FAMILY kinds.lonely USING gist;
CREATE OPERATOR FAMILY kinds.mixed USING btree;
ALTER OPERATOR FAMILY kinds.mixed USING btree ADD OPERATOR 1 < (int4, int8), OPERATOR 3 = (int4, int8), FUNCTION 1 (int4, int8) btint48cmp(int4, int8);
CREATE OPERATOR CLASS kinds.near FOR TYPE point USING gist AS OPERATOR 6 ~= (point, point), OPERATOR 15 <-> (point, point) FOR ORDER BY float_ops, STORAGE box,
    FUNCTION 1 gist_point_consistent(internal, point, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
    FUNCTION 3 gist_point_compress(internal), FUNCTION 5 gist_box_penalty(internal, internal, internal),
    FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal);
COMMENT ON OPERATOR FAMILY kinds."Point family" USING btree IS 'a family';
COMMENT ON OPERATOR CLASS kinds.point_order USING btree IS 'a class';
ALTER OPERATOR CLASS kinds.point_hash USING hash OWNER TO app_owner;
ALTER OPERATOR FAMILY kinds.lonely USING gist OWNER TO app_owner;
CREATE TABLE kinds.points (p point, q point, EXCLUDE USING gist (p kinds.near WITH ~=), EXCLUDE USING hash (q kinds.point_hash WITH OPERATOR(kinds.===)));
CREATE INDEX points_order ON kinds.points (p, q kinds.point_order DESC NULLS LAST);
CREATE VIEW kinds.same_points AS SELECT p OPERATOR(kinds.===) q AS same, OPERATOR(kinds.!!) p AS other FROM kinds.points ORDER BY p USING OPERATOR(kinds.<<<);

-- part casts
CREATE TYPE kinds.euro AS (cents bigint);
CREATE DOMAIN kinds.word AS text;
CREATE FUNCTION kinds.to_euro(int) RETURNS kinds.euro LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1)::kinds.euro';
CREATE FUNCTION kinds.to_cents(kinds.euro, int, boolean) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (int AS kinds.euro) WITH FUNCTION kinds.to_euro(int) AS IMPLICIT;
CREATE CAST (kinds.euro AS int) WITH FUNCTION kinds.to_cents(kinds.euro, int, boolean) AS ASSIGNMENT;
CREATE CAST (kinds.euro AS json) WITH INOUT;
CREATE CAST (box AS bytea) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (int AS kinds.euro) IS 'dear';
CREATE TABLE kinds.prices (e kinds.euro DEFAULT 5::kinds.euro, CHECK (e::int > 0));
CREATE CONVERSION kinds.to_latin FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
CREATE DEFAULT CONVERSION kinds."From Latin" FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
COMMENT ON CONVERSION kinds.to_latin IS 'to Latin 1';
ALTER CONVERSION kinds.to_latin OWNER TO app_owner;
CREATE COLLATION kinds.posix (PROVIDER = libc, LOCALE = 'C');
CREATE COLLATION kinds.two (PROVIDER = libc, LC_COLLATE = 'C', LC_CTYPE = 'POSIX');
CREATE COLLATION kinds."Ignoring Case" (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
COMMENT ON COLLATION kinds.posix IS 'bytes';
ALTER COLLATION kinds.posix OWNER TO app_owner;
CREATE TABLE kinds.words (a text COLLATE kinds.posix, b text COLLATE kinds."Ignoring Case" UNIQUE, c text COLLATE "und-x-icu", CHECK (a < b COLLATE "C"));
CREATE INDEX words_by ON kinds.words (a COLLATE "POSIX", lower(c COLLATE kinds.posix) COLLATE "C" text_pattern_ops);
\if :since_16
CREATE COLLATION kinds.ruled (PROVIDER = icu, LOCALE = 'und', RULES = '&V << w <<< W');
\endif
\if :since_17
CREATE COLLATION kinds.built_in (PROVIDER = builtin, LOCALE = 'C.UTF-8');
\endif

-- part languages
CREATE FUNCTION kinds."Handler"() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION kinds.inline_handler(internal) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION kinds.validator(oid) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE "odd lang" HANDLER kinds."Handler" INLINE kinds.inline_handler VALIDATOR kinds.validator;
CREATE LANGUAGE untrusted HANDLER kinds."Handler";
COMMENT ON LANGUAGE "odd lang" IS 'a language';
ALTER LANGUAGE "odd lang" OWNER TO app_owner;
REVOKE USAGE ON LANGUAGE "odd lang" FROM PUBLIC;
GRANT USAGE ON LANGUAGE "odd lang" TO app_reader;
CREATE FUNCTION kinds.in_odd() RETURNS int LANGUAGE "odd lang" AS 'BEGIN RETURN 1; END';
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD "B tree" TYPE INDEX HANDLER bthandler;
COMMENT ON ACCESS METHOD heap2 IS 'a heap';
CREATE TABLE kinds.in_heap2 (a int) USING heap2;
CREATE MATERIALIZED VIEW kinds.seen_in_heap2 USING heap2 AS SELECT a FROM kinds.in_heap2;
CREATE TRANSFORM FOR int LANGUAGE plpgsql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
CREATE TRANSFORM FOR float8 LANGUAGE "odd lang" (FROM SQL WITH FUNCTION prsd_lextype(internal));
COMMENT ON TRANSFORM FOR int LANGUAGE plpgsql IS 'a transform';
CREATE FUNCTION kinds.transformed(int) RETURNS int TRANSFORM FOR TYPE int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';

-- part text_search
CREATE TEXT SEARCH PARSER kinds.parse (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, HEADLINE = prsd_headline, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH PARSER kinds."Without Headline" (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE kinds.simple (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH TEMPLATE kinds.bare (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY kinds.german (TEMPLATE = snowball, LANGUAGE = 'german', STOPWORDS = german);
CREATE TEXT SEARCH DICTIONARY kinds."Own ""Words""" (TEMPLATE = kinds.simple, ACCEPT = 'false');
CREATE TEXT SEARCH CONFIGURATION kinds.search (PARSER = kinds.parse);
ALTER TEXT SEARCH CONFIGURATION kinds.search ADD MAPPING FOR asciiword, word, numword WITH kinds."Own ""Words""", kinds.german, english_stem;
ALTER TEXT SEARCH CONFIGURATION kinds.search ADD MAPPING FOR url, email WITH simple;
CREATE TEXT SEARCH CONFIGURATION kinds.copied (COPY = english);
ALTER TEXT SEARCH CONFIGURATION kinds.copied DROP MAPPING FOR host;
ALTER TEXT SEARCH CONFIGURATION kinds.copied ALTER MAPPING REPLACE english_stem WITH kinds.german;
COMMENT ON TEXT SEARCH PARSER kinds.parse IS 'p';
COMMENT ON TEXT SEARCH TEMPLATE kinds.simple IS 't';
COMMENT ON TEXT SEARCH DICTIONARY kinds.german IS 'd';
COMMENT ON TEXT SEARCH CONFIGURATION kinds.search IS 'c';
ALTER TEXT SEARCH CONFIGURATION kinds.search OWNER TO app_owner;
ALTER TEXT SEARCH DICTIONARY kinds.german OWNER TO app_owner;
CREATE TABLE kinds.texts (t text, v tsvector GENERATED ALWAYS AS (to_tsvector('kinds.search', t)) STORED);
CREATE INDEX texts_search ON kinds.texts USING gin (v, to_tsvector('kinds.copied', t)) WITH (fastupdate = off);

-- part tables
CREATE TABLE shop.customer (
    id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5 MINVALUE 10 MAXVALUE 100000 CACHE 7 CYCLE) PRIMARY KEY,
    gone text,
    by_default int GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME shop."Customer numbers"),
    old_way serial, small smallserial, big bigserial,
    name text NOT NULL DEFAULT 'it''s' COLLATE "C",
    "we""ird cölumn, %s $1" numeric(12, 3) DEFAULT -1.50,
    doubled int GENERATED ALWAYS AS (old_way * 2) STORED,
    at timestamptz DEFAULT '2020-03-04 05:06:07+02', day date DEFAULT '2020-03-04', lasts interval DEFAULT '1 mon -2 days 3:04:05.678',
    f float8 DEFAULT 0.1, r real DEFAULT 1e-7, j jsonb DEFAULT '{"a": [1, null]}', bytes bytea DEFAULT '\x00ff', money money DEFAULT 1,
    seq regclass DEFAULT 'shop.customer_old_way_seq', arr text[] DEFAULT ARRAY['a,b', 'c"d', NULL], v varchar(5) DEFAULT 'a'::bpchar, x xml,
    uuid uuid DEFAULT gen_random_uuid(), CONSTRAINT "chéck ""it""" CHECK (name <> '' AND "we""ird cölumn, %s $1" > -2), CHECK (day > '2000-01-01') NO INHERIT,
    CONSTRAINT both_unique UNIQUE (name, f) INCLUDE (r) WITH (fillfactor = 70) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT one_null UNIQUE NULLS NOT DISTINCT (j), EXCLUDE USING gist (tstzrange(at, NULL, '[)') WITH &&) WHERE (old_way > 0)
) WITH (fillfactor = 60, autovacuum_enabled = off, toast.autovacuum_vacuum_threshold = 77, parallel_workers = 3);
ALTER TABLE shop.customer DROP COLUMN gone;
ALTER TABLE shop.customer ADD COLUMN added_later text DEFAULT 'x', ADD COLUMN missing int DEFAULT 7 NOT NULL;
ALTER TABLE shop.customer ALTER COLUMN name SET STATISTICS 500, ALTER COLUMN name SET STORAGE EXTERNAL, ALTER COLUMN bytes SET STORAGE MAIN,
    ALTER COLUMN added_later SET COMPRESSION pglz, ALTER COLUMN f SET (n_distinct = -0.5, n_distinct_inherited = 7), ALTER COLUMN r SET STATISTICS 0;
ALTER TABLE shop.customer ADD CONSTRAINT "not yet" CHECK (f > 0) NOT VALID;
ALTER TABLE shop.customer OWNER TO app_owner;
ALTER SEQUENCE shop."Customer numbers" AS int RESTART 7;
COMMENT ON TABLE shop.customer IS 'who buys';
COMMENT ON COLUMN shop.customer."we""ird cölumn, %s $1" IS E'strange\tindeed';
COMMENT ON CONSTRAINT "chéck ""it""" ON shop.customer IS 'checked';
COMMENT ON CONSTRAINT both_unique ON shop.customer IS 'unique';
CREATE INDEX "an ""index"", odd" ON shop.customer (lower(name) DESC, f NULLS FIRST, (r + f)) INCLUDE (day) WITH (fillfactor = 50, deduplicate_items = off)
    WHERE name <> 'x' AND at > '2020-01-01 00:00:00+00';
CREATE UNIQUE INDEX customer_identity ON shop.customer (missing);
CREATE INDEX customer_brin ON shop.customer USING brin (at timestamptz_minmax_multi_ops (values_per_range = 16)) WITH (pages_per_range = 4);
ALTER INDEX shop."an ""index"", odd" ALTER COLUMN 3 SET STATISTICS 300;
COMMENT ON INDEX shop."an ""index"", odd" IS 'fast';
ALTER TABLE shop.customer CLUSTER ON customer_identity;
ALTER TABLE shop.customer REPLICA IDENTITY USING INDEX customer_identity;
CREATE STATISTICS shop.customer_stats (ndistinct, dependencies) ON name, f FROM shop.customer;
CREATE STATISTICS shop."expr stats" ON (lower(name)), (f + r), day FROM shop.customer;
ALTER STATISTICS shop."expr stats" SET STATISTICS 77;
COMMENT ON STATISTICS shop.customer_stats IS 's';
ALTER STATISTICS shop.customer_stats OWNER TO app_owner;
CREATE TABLE shop.invoice (id int, customer bigint, name text, f float8, b int, a int, PRIMARY KEY (a, id), UNIQUE (id, a),
    CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES shop.customer ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE,
    CONSTRAINT self FOREIGN KEY (b, a) REFERENCES shop.invoice (id, a) MATCH FULL ON DELETE RESTRICT,
    CONSTRAINT "some null" FOREIGN KEY (id, b) REFERENCES shop.invoice (id, a) ON DELETE SET DEFAULT (b) ON UPDATE NO ACTION INITIALLY DEFERRED);
ALTER TABLE shop.invoice ADD CONSTRAINT later FOREIGN KEY (b, id) REFERENCES shop.invoice (a, id) NOT VALID;
ALTER TABLE shop.invoice REPLICA IDENTITY FULL;
COMMENT ON CONSTRAINT of_customer ON shop.invoice IS 'whose';
CREATE UNLOGGED TABLE shop.unlogged (a int GENERATED ALWAYS AS IDENTITY, b text);
ALTER TABLE shop.unlogged REPLICA IDENTITY NOTHING;
CREATE TABLE shop.no_columns ();
CREATE TABLE shop.no_columns_left (a int);
ALTER TABLE shop.no_columns_left DROP COLUMN a;
CREATE TABLE "odd, schema"."tab	le
with everything; -- ''\\ 🐘 ÄÖÜß" ("col	umn
" int PRIMARY KEY, "$1" text CHECK ("$1" <> E'a\nb'), "SELECT" int, "..." int DEFAULT 1);
COMMENT ON COLUMN "odd, schema"."tab	le
with everything; -- ''\\ 🐘 ÄÖÜß"."..." IS E'\n';
CREATE INDEX ON "odd, schema"."tab	le
with everything; -- ''\\ 🐘 ÄÖÜß" ("SELECT", "$1");
CREATE TABLE "odd, schema".a234567890123456789012345678901234567890123456789012345678901äé ("a234567890123456789012345678901234567890123456789012345678901é" int);
CREATE TABLE "odd, schema"."UPPER" (id int);
CREATE TABLE "odd, schema".upper (id int);
CREATE TABLE public.in_public (id int);
CREATE SEQUENCE shop.descending AS smallint INCREMENT -3 MINVALUE -300 MAXVALUE -1 START -10 CACHE 5 CYCLE;
CREATE SEQUENCE shop."Owned" OWNED BY shop.invoice.b;
CREATE UNLOGGED SEQUENCE shop.unlogged_sequence;
COMMENT ON SEQUENCE shop.descending IS 'down';
ALTER SEQUENCE shop.descending OWNER TO "App ""Writer"", ünïcode=x/y";
SELECT nextval('shop.descending'), nextval('shop."Owned"'), nextval('shop."Owned"') \g /dev/null
\if :since_18
CREATE TABLE shop.newest_things (a int CONSTRAINT a_there NOT NULL NO INHERIT, b int, virtual int GENERATED ALWAYS AS (a + 1) VIRTUAL, during daterange, spell int4range,
    CONSTRAINT not_enforced CHECK (b > 0) NOT ENFORCED, CONSTRAINT over_time PRIMARY KEY (spell, during WITHOUT OVERLAPS),
    CONSTRAINT within FOREIGN KEY (spell, PERIOD during) REFERENCES shop.newest_things (spell, PERIOD during));
ALTER TABLE shop.newest_things ADD CONSTRAINT not_null_later NOT NULL virtual NOT VALID;
COMMENT ON CONSTRAINT a_there ON shop.newest_things IS 'there';
\endif

-- part inheritance
CREATE TABLE kinds.parent (id int NOT NULL DEFAULT 1, name text COLLATE "C", x int, CONSTRAINT positive CHECK (id > 0), CONSTRAINT only_here CHECK (x > 0) NO INHERIT);
CREATE TABLE kinds.second_parent (id int, y int GENERATED ALWAYS AS (id + 1) STORED);
CREATE TABLE kinds.child (own int, name text COLLATE "C" DEFAULT 'child', CONSTRAINT positive CHECK (id > 0), CONSTRAINT own CHECK (own > 0))
    INHERITS (kinds.parent, kinds.second_parent);
CREATE TABLE kinds.grandchild () INHERITS (kinds.child);
ALTER TABLE kinds.grandchild ALTER COLUMN id SET DEFAULT 3, ALTER COLUMN x SET NOT NULL;
CREATE TABLE kinds.joined (x int, id int NOT NULL, extra text, name text COLLATE "C", CONSTRAINT positive CHECK (id > 0));
ALTER TABLE kinds.joined INHERIT kinds.parent;
CREATE TABLE kinds.left_again () INHERITS (kinds.parent);
ALTER TABLE kinds.left_again NO INHERIT kinds.parent;
ALTER TABLE ONLY kinds.parent ADD CONSTRAINT not_for_children CHECK (x < 100) NO INHERIT;
CREATE INDEX ON kinds.child (name);
COMMENT ON COLUMN kinds.child.id IS 'inherited';

-- part partitions
-- Named, because pg_dump (18) restores a partitioned table with NOT NULL constraints of other names: its partitions took theirs.
CREATE TABLE kinds.measured (at timestamptz CONSTRAINT measured_at NOT NULL, region text CONSTRAINT measured_region NOT NULL, amount int DEFAULT 0, note text, PRIMARY KEY (at, region), CHECK (amount >= 0))
    PARTITION BY RANGE (at, region);
CREATE INDEX measured_amount ON kinds.measured (amount);
CREATE TABLE kinds.measured_2020 PARTITION OF kinds.measured (amount DEFAULT 20, CONSTRAINT small CHECK (amount < 100))
    FOR VALUES FROM ('2020-01-01 00:00+00', MINVALUE) TO ('2021-01-01 00:00+00', MINVALUE);
CREATE TABLE kinds.measured_2021 PARTITION OF kinds.measured FOR VALUES FROM ('2021-01-01 00:00+00', MINVALUE) TO ('2022-01-01 00:00+00', MINVALUE) PARTITION BY LIST (region);
CREATE TABLE kinds.measured_2021_eu PARTITION OF kinds.measured_2021 FOR VALUES IN ('eu', NULL, 'it''s');
CREATE TABLE kinds.measured_2021_rest PARTITION OF kinds.measured_2021 DEFAULT PARTITION BY HASH (at);
CREATE TABLE kinds.measured_hash_0 PARTITION OF kinds.measured_2021_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0) WITH (fillfactor = 55);
CREATE TABLE kinds.measured_hash_1 PARTITION OF kinds.measured_2021_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE kinds.measured_rest (note text, dropped int, amount int, region text NOT NULL, at timestamptz NOT NULL,
    CONSTRAINT measured_amount_check CHECK (amount >= 0));
ALTER TABLE kinds.measured_rest DROP COLUMN dropped;
CREATE INDEX rest_amount ON kinds.measured_rest (amount);
ALTER TABLE kinds.measured ATTACH PARTITION kinds.measured_rest DEFAULT;
CREATE INDEX not_yet_everywhere ON ONLY kinds.measured (note);
CREATE INDEX measured_2020_note ON kinds.measured_2020 (note);
ALTER INDEX kinds.not_yet_everywhere ATTACH PARTITION kinds.measured_2020_note;
CREATE INDEX own_of_2020 ON kinds.measured_2020 (region) WHERE amount > 1;
CREATE TABLE kinds.refers (at timestamptz, region text, FOREIGN KEY (at, region) REFERENCES kinds.measured) PARTITION BY LIST ((upper(region)));
CREATE TABLE kinds.refers_a PARTITION OF kinds.refers FOR VALUES IN ('A');
CREATE TABLE kinds.refers_b (at timestamptz, region text, CONSTRAINT own_name FOREIGN KEY (at, region) REFERENCES kinds.measured);
ALTER TABLE kinds.refers ATTACH PARTITION kinds.refers_b FOR VALUES IN ('B');
CREATE FUNCTION kinds.noticed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER noticed AFTER INSERT ON kinds.measured FOR EACH ROW EXECUTE FUNCTION kinds.noticed('a', 'it''s');
ALTER TABLE kinds.measured_2020 DISABLE TRIGGER noticed;
ALTER TABLE kinds.measured_rest ENABLE ALWAYS TRIGGER noticed;
CREATE TABLE kinds.alone PARTITION OF kinds.measured FOR VALUES FROM ('2030-01-01 00:00+00', 'a') TO ('2030-01-01 00:00+00', MAXVALUE);
ALTER TABLE kinds.measured DETACH PARTITION kinds.alone;
COMMENT ON TABLE kinds.measured_2020 IS 'a partition';
COMMENT ON INDEX kinds.measured_amount IS 'of all';
CREATE STATISTICS kinds.measured_stats ON amount, region FROM kinds.measured;
ALTER TABLE kinds.measured_2020 REPLICA IDENTITY FULL;
CREATE TABLE kinds.not_valid_anywhere (id int PRIMARY KEY) PARTITION BY HASH (id);
CREATE TABLE kinds.by_opclass (t text, n int) PARTITION BY RANGE (t COLLATE "C" text_pattern_ops, (n + 1));

-- part views
CREATE TABLE shop.item (id int PRIMARY KEY, name text, price numeric, sold_on date);
CREATE VIEW shop.items AS SELECT * FROM shop.item WHERE sold_on > '2020-01-02' WITH LOCAL CHECK OPTION;
CREATE VIEW shop."Items, ""odd""" ("a b", c) WITH (security_barrier, security_invoker = on, check_option = cascaded) AS SELECT id, name FROM shop.items;
CREATE RECURSIVE VIEW shop.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 10;
CREATE VIEW shop.grouped AS SELECT id, name, sum(price) OVER w AS total, count(*) FILTER (WHERE price > 1) AS n FROM shop.item GROUP BY id
    WINDOW w AS (PARTITION BY name ORDER BY sold_on ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);
CREATE VIEW shop.literals AS SELECT date '2020-03-04' AS d, interval '1 mon 2 days 03:04:05.6' AS i, 0.1::float8 AS f, 1e-7::real AS r,
    timestamptz '2020-01-01 00:00:00+00' AS t, E'a\\b' AS s, B'101' AS b, ARRAY[1, NULL] AS a, '{"a":1}'::jsonb AS j, ROW(1, 'x') IS NULL AS w, x'1f'::int AS h;
CREATE VIEW shop.joins AS SELECT i.*, c.relname, l.v FROM shop.item i LEFT JOIN pg_class c ON c.oid = i.id CROSS JOIN LATERAL (VALUES (i.id)) l (v)
    WHERE EXISTS (SELECT 1 FROM shop.items x WHERE x.id = i.id) ORDER BY i.name COLLATE "C" DESC NULLS LAST FOR UPDATE OF i;
CREATE VIEW shop.merged AS SELECT id, a.name AS n, b.* FROM shop.item a JOIN shop.items b (nr, other, cost) ON a.id = b.nr
    UNION ALL (SELECT id, name, id, name, price, sold_on FROM shop.item a NATURAL JOIN shop.items b LIMIT 3);
ALTER VIEW shop.items ALTER COLUMN name SET DEFAULT 'nameless';
ALTER VIEW shop.items OWNER TO app_owner;
COMMENT ON VIEW shop.items IS 'a view';
COMMENT ON COLUMN shop.items.name IS 'a column';
CREATE MATERIALIZED VIEW shop.summary (name, total) WITH (fillfactor = 80) AS SELECT name, sum(price) FROM shop.item GROUP BY name WITH DATA;
CREATE MATERIALIZED VIEW shop.empty_summary AS SELECT 1 AS one WITH NO DATA;
CREATE UNIQUE INDEX summary_name ON shop.summary (name);
ALTER MATERIALIZED VIEW shop.summary ALTER COLUMN total SET STATISTICS 55;
ALTER MATERIALIZED VIEW shop.summary CLUSTER ON summary_name;
COMMENT ON MATERIALIZED VIEW shop.summary IS 'a summary';
COMMENT ON COLUMN shop.summary.total IS 'in all';
CREATE FUNCTION shop.item_touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER a_row BEFORE INSERT OR UPDATE OF name, price ON shop.item FOR EACH ROW WHEN (NEW.price > 0 AND NEW.sold_on > '2020-05-06') EXECUTE FUNCTION shop.item_touched('x', '1');
CREATE TRIGGER "B ""statement""" AFTER UPDATE ON shop.item REFERENCING OLD TABLE AS old_rows NEW TABLE AS "new rows" FOR EACH STATEMENT EXECUTE FUNCTION shop.item_touched();
CREATE CONSTRAINT TRIGGER checked AFTER INSERT OR DELETE ON shop.item FROM pg_class DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.item_touched();
CREATE TRIGGER truncated BEFORE TRUNCATE ON shop.item EXECUTE FUNCTION shop.item_touched();
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON shop.grouped FOR EACH ROW EXECUTE FUNCTION shop.item_touched();
CREATE TRIGGER never BEFORE DELETE ON shop.item FOR EACH ROW EXECUTE FUNCTION shop.item_touched();
CREATE TRIGGER on_replica BEFORE DELETE ON shop.item FOR EACH ROW EXECUTE FUNCTION shop.item_touched();
ALTER TABLE shop.item DISABLE TRIGGER never, ENABLE REPLICA TRIGGER on_replica, ENABLE ALWAYS TRIGGER truncated;
COMMENT ON TRIGGER a_row ON shop.item IS 'fires';
CREATE RULE also AS ON INSERT TO shop.item WHERE NEW.price > 100 DO ALSO UPDATE shop.item SET price = 100 WHERE id = NEW.id;
CREATE RULE notified AS ON DELETE TO shop.item DO ALSO NOTIFY "Gone";
CREATE RULE "inst""ead" AS ON DELETE TO shop.items DO INSTEAD (DELETE FROM shop.item WHERE id = OLD.id; SELECT 1);
CREATE RULE nothing AS ON UPDATE TO shop.item WHERE NEW.id = 0 DO INSTEAD NOTHING;
ALTER TABLE shop.item DISABLE RULE nothing;
COMMENT ON RULE also ON shop.item IS 'a rule';
ALTER TABLE shop.item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON shop.item FOR SELECT TO app_reader, "App ""Writer"", ünïcode=x/y" USING (price > 0 AND sold_on < '2029-01-02');
CREATE POLICY "wri""tten" ON shop.item AS RESTRICTIVE FOR INSERT WITH CHECK (name = CURRENT_USER);
CREATE POLICY everything ON shop.item TO PUBLIC USING (true) WITH CHECK (EXISTS (SELECT FROM shop.items i WHERE i.id = item.id));
COMMENT ON POLICY seen ON shop.item IS 'a policy';
CREATE TABLE shop.forgotten_policies (id int);
CREATE POLICY unused ON shop.forgotten_policies USING (id > 0);

-- part foreign
CREATE FOREIGN DATA WRAPPER bare OPTIONS ("B b" 'it''s, "quoted"=x', a '');
CREATE FOREIGN DATA WRAPPER "odd wrapper" VALIDATOR postgresql_fdw_validator;
CREATE SERVER far TYPE 'a type' VERSION '1.2' FOREIGN DATA WRAPPER bare OPTIONS (b '2', "A a" '1', c '');
CREATE SERVER "Odd ""server""" FOREIGN DATA WRAPPER "odd wrapper" OPTIONS (host 'there', port '77');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (password 'secret');
CREATE USER MAPPING FOR app_owner SERVER far OPTIONS ("user" 'u', password 'secret');
CREATE USER MAPPING FOR "App ""Writer"", ünïcode=x/y" SERVER "Odd ""server""";
CREATE FOREIGN TABLE kinds.far_away (id int OPTIONS (column_name 'ID', "x y" '') NOT NULL, t text COLLATE "C" DEFAULT 'q', CONSTRAINT ok CHECK (id > 0))
    SERVER far OPTIONS (table_name 'a "b"', schema_name '');
CREATE TABLE kinds.far_parent (id int, t text) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE kinds.far_part PARTITION OF kinds.far_parent FOR VALUES FROM (1) TO (10) SERVER far;
CREATE FUNCTION kinds.far_touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER far_touched BEFORE INSERT ON kinds.far_away FOR EACH ROW EXECUTE FUNCTION kinds.far_touched();
COMMENT ON FOREIGN DATA WRAPPER bare IS 'w';
COMMENT ON SERVER far IS 's';
COMMENT ON FOREIGN TABLE kinds.far_away IS 't';
COMMENT ON COLUMN kinds.far_away.id IS 'c';
GRANT USAGE ON FOREIGN DATA WRAPPER bare TO app_owner WITH GRANT OPTION;
GRANT USAGE ON FOREIGN SERVER far TO app_reader;
GRANT SELECT (id) ON kinds.far_away TO app_reader;
ALTER SERVER far OWNER TO app_owner;

-- part replication
SET client_min_messages = error;
CREATE TABLE kinds.published (id int PRIMARY KEY, a text, b int);
CREATE TABLE "odd, schema"."also, published" (id int PRIMARY KEY);
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert, truncate');
CREATE PUBLICATION "some ""tables""" FOR TABLE kinds.published (b, id) WHERE (id > 5 AND a <> 'x'), "odd, schema"."also, published"
    WITH (publish_via_partition_root = true);
CREATE PUBLICATION schemas FOR TABLES IN SCHEMA kinds, "odd, schema";
CREATE PUBLICATION nothing_yet WITH (publish = '');
COMMENT ON PUBLICATION everything IS 'all';
ALTER PUBLICATION nothing_yet OWNER TO app_owner;
CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere password=secret dbname=x' PUBLICATION p1, "P 2" WITH (connect = false, slot_name = NONE, binary = true, streaming = true);
CREATE SUBSCRIPTION "Odd ""sub""" CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, enabled = false, create_slot = false, slot_name = odd_slot, synchronous_commit = local,
    two_phase = true, disable_on_error = true);
COMMENT ON SUBSCRIPTION sub IS 's';
\if :since_17
ALTER SUBSCRIPTION sub SET (origin = none, password_required = false, run_as_owner = true);
\endif

-- part event_triggers
CREATE FUNCTION kinds.ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER "on end" ON ddl_command_end WHEN TAG IN ('DROP TABLE', 'CREATE TABLE') EXECUTE FUNCTION kinds.ddl();
CREATE EVENT TRIGGER on_drop ON sql_drop EXECUTE FUNCTION kinds.ddl();
CREATE EVENT TRIGGER on_rewrite ON table_rewrite EXECUTE FUNCTION kinds.ddl();
ALTER EVENT TRIGGER "on end" DISABLE;
ALTER EVENT TRIGGER on_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER "on end" IS 'e';

-- part extensions
\if :contrib
CREATE SCHEMA "ext, schema";
CREATE EXTENSION citext SCHEMA "ext, schema";
CREATE EXTENSION hstore SCHEMA public;
COMMENT ON EXTENSION citext IS 'another comment';
CREATE TABLE shop.with_extensions (c "ext, schema".citext PRIMARY KEY, h public.hstore DEFAULT 'a=>1'::public.hstore, CHECK (h ? 'a'));
CREATE INDEX ON shop.with_extensions USING gin (h);
REVOKE EXECUTE ON FUNCTION public.akeys(public.hstore) FROM PUBLIC;
GRANT USAGE ON TYPE public.hstore TO app_reader WITH GRANT OPTION;
\endif

-- part privileges
CREATE TABLE granted.t (a int, b text, "c d" int);
CREATE SEQUENCE granted.s;
CREATE VIEW granted.v AS SELECT 1 AS x;
CREATE FUNCTION granted.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT SELECT, INSERT ON granted.t TO app_reader WITH GRANT OPTION;
GRANT UPDATE (a, "c d"), REFERENCES (b) ON granted.t TO "App ""Writer"", ünïcode=x/y";
GRANT SELECT (a) ON granted.t TO PUBLIC;
GRANT ALL ON granted.t TO PUBLIC;
GRANT ALL ON granted.v TO "public role";
GRANT USAGE ON SCHEMA granted TO app_reader;
SET ROLE app_reader;
GRANT SELECT ON granted.t TO "public role";
RESET ROLE;
REVOKE ALL ON granted.v FROM CURRENT_USER;
REVOKE TRUNCATE, DELETE ON granted.t FROM CURRENT_USER;
GRANT USAGE, SELECT ON granted.s TO app_reader;
GRANT UPDATE ON granted.s TO app_owner WITH GRANT OPTION;
REVOKE ALL ON FUNCTION granted.f() FROM PUBLIC, CURRENT_USER;
ALTER DEFAULT PRIVILEGES IN SCHEMA granted GRANT SELECT ON TABLES TO app_reader WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA granted GRANT EXECUTE ON FUNCTIONS TO "App ""Writer"", ünïcode=x/y";
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner REVOKE ALL ON TABLES FROM app_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT USAGE ON SCHEMAS TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA granted GRANT USAGE ON SEQUENCES TO app_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner REVOKE USAGE ON TYPES FROM PUBLIC;
CREATE TABLE granted.by_default (a int);
CREATE FUNCTION granted.f_by_default() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA by_app_owner AUTHORIZATION app_owner;
SET ROLE app_owner;
CREATE TABLE by_app_owner.t (a serial);
CREATE TYPE by_app_owner.e AS ENUM ('a');
CREATE FUNCTION by_app_owner.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
RESET ROLE;
GRANT SELECT (rolname) ON pg_catalog.pg_authid TO app_reader;
REVOKE SELECT ON pg_catalog.pg_proc FROM PUBLIC;
GRANT SELECT ON pg_catalog.pg_proc TO app_owner;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO app_owner;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8) FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO app_owner;
\if :since_17
GRANT MAINTAIN ON granted.t TO app_owner;
\endif
