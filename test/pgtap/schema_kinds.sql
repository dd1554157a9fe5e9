-- Pictures of everything that is neither relation nor global: routines, types, operators, text search, languages, casts, ...
-- All of it stands in one schema made to be hard; then each property is changed by itself, and only its own name may appear.
\ir lib/errors.sql
SELECT no_plan();
CREATE ROLE kinds_owner;
CREATE ROLE "kinds Reader";

-- What a statement changes in the snapshot: lines "object | property: before -> after", "-" for what is not there.
CREATE FUNCTION t.facts(objects jsonb) RETURNS TABLE (fact text, value text)
	LANGUAGE sql AS $$
	SELECT o.key || ' | ' || p.key, p.value #>> '{}' FROM jsonb_each(objects) o, jsonb_each(o.value) p
	WHERE jsonb_typeof(p.value) = 'string'
	UNION ALL
	SELECT concat_ws(' ', o.key, '|', s.key, m.key, p.key), p.value #>> '{}' FROM jsonb_each(objects) o, jsonb_each(o.value) s,
		jsonb_each(CASE jsonb_typeof(s.value) WHEN 'object' THEN s.value END) m, jsonb_each(m.value) p
$$;
CREATE FUNCTION t.changed(sql text) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	before jsonb := (SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z);
	after jsonb;
BEGIN
	EXECUTE sql;
	after := (SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z);
	RETURN (SELECT string_agg(format('%s: %s -> %s', fact, coalesce(b.value, '-'), coalesce(a.value, '-')), E'\n' ORDER BY fact COLLATE "C")
		FROM t.facts(before) b FULL JOIN t.facts(after) a USING (fact) WHERE a.value IS DISTINCT FROM b.value);
END $$;

CREATE SCHEMA k; CREATE SCHEMA "Odd ""Schema""";
SET client_min_messages = warning;
SET search_path = k, public;

-- Types of every form, with all that can be said of them.
CREATE TYPE mood AS ENUM ('sad', 'it''s', 'back\slash', 'Ünï');
ALTER TYPE mood ADD VALUE 'ok' BEFORE 'it''s';
CREATE TYPE empty_enum AS ENUM ();
CREATE TYPE "Pair, of" AS (a int, "B b" text COLLATE "C", gone int, c numeric(10,2)[], d mood);
ALTER TYPE "Pair, of" DROP ATTRIBUTE gone;
COMMENT ON COLUMN "Pair, of"."B b" IS 'an attribute'; COMMENT ON TYPE "Pair, of" IS 'a type';
CREATE TYPE no_attributes AS ();
CREATE TYPE shell;
CREATE DOMAIN plain AS text;
CREATE DOMAIN strict_one AS varchar(20) COLLATE "C" DEFAULT 'a' || 'b' NOT NULL CONSTRAINT "Not blank" CHECK (VALUE <> '') CHECK (length(VALUE) < 10);
COMMENT ON CONSTRAINT "Not blank" ON DOMAIN strict_one IS 'why not';
COMMENT ON DOMAIN strict_one IS 'a domain';
ALTER DOMAIN strict_one ADD CONSTRAINT late CHECK (VALUE ~ '^[a-z]+$') NOT VALID;
CREATE DOMAIN on_mood AS mood[] DEFAULT '{sad}';
GRANT USAGE ON DOMAIN strict_one TO "kinds Reader"; REVOKE USAGE ON TYPE mood FROM PUBLIC;
ALTER TYPE mood OWNER TO kinds_owner;
CREATE FUNCTION mi_sub(a text, b text) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT 1::float8';
CREATE TYPE texts AS RANGE (subtype = text, subtype_opclass = text_pattern_ops, collation = "C", subtype_diff = mi_sub, multirange_type_name = many_texts);
CREATE TYPE simple_range AS RANGE (subtype = int4);
CREATE TYPE base;
CREATE FUNCTION base_in(cstring, oid, int4) RETURNS base LANGUAGE internal IMMUTABLE STRICT AS 'varcharin';
CREATE FUNCTION base_out(base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varcharout';
CREATE FUNCTION base_recv(internal, oid, int4) RETURNS base LANGUAGE internal IMMUTABLE STRICT AS 'varcharrecv';
CREATE FUNCTION base_send(base) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'varcharsend';
CREATE TYPE base (INPUT = base_in, OUTPUT = base_out, RECEIVE = base_recv, SEND = base_send, TYPMOD_IN = varchartypmodin, TYPMOD_OUT = varchartypmodout, ANALYZE = array_typanalyze,
 STORAGE = extended, ALIGNMENT = int4, CATEGORY = 'S', PREFERRED = true, DEFAULT = 'dflt''s', DELIMITER = ';', COLLATABLE = true);
CREATE TYPE tiny;
CREATE FUNCTION tiny_in(cstring) RETURNS tiny LANGUAGE internal IMMUTABLE STRICT AS 'boolin';
CREATE FUNCTION tiny_out(tiny) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'boolout';
CREATE TYPE tiny (INPUT = tiny_in, OUTPUT = tiny_out, LIKE = bool, ELEMENT = int4, SUBSCRIPT = raw_array_subscript_handler);

-- Routines: defaults, polymorphic and variadic arguments, both kinds of body, every option.
CREATE FUNCTION plain() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION variadic_one(VARIADIC "Args" mood[] DEFAULT ARRAY['sad', 'ok']::mood[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION "Odd, name"(INOUT "A" int DEFAULT 3, OUT b "Pair, of", IN c date DEFAULT '2020-02-03', d timestamptz DEFAULT '2020-02-03 10:00+00', e float8 DEFAULT 0.1::float4, f interval DEFAULT '1 day 2 hours', g bytea DEFAULT '\x41') LANGUAGE plpgsql AS $$ BEGIN END; $$;
CREATE FUNCTION poly(a anyelement, b anyarray, c anycompatiblerange) RETURNS SETOF anyelement LANGUAGE sql ROWS 17 COST 5 STABLE STRICT SECURITY DEFINER LEAKPROOF PARALLEL SAFE
 SET search_path = k, pg_temp SET work_mem = '3MB' SET "my.var" = 'a\b''c' AS 'SELECT a';
CREATE FUNCTION table_one(n int) RETURNS TABLE ("X y" int, z text) LANGUAGE sql PARALLEL RESTRICTED IMMUTABLE AS 'SELECT 1, ''''::text';
CREATE FUNCTION standard(a int, b int DEFAULT 4) RETURNS int LANGUAGE sql RETURN a + b;
CREATE FUNCTION standard_atomic(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT variadic_one(); END;
CREATE PROCEDURE proc(IN a int, OUT c int, INOUT b text DEFAULT 'x') LANGUAGE plpgsql SET statement_timeout = 5 AS $$ BEGIN c := 1; END $$;
CREATE FUNCTION in_c(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE FUNCTION supported(int) RETURNS SETOF int LANGUAGE internal IMMUTABLE STRICT SUPPORT generate_series_int4_support ROWS 10 AS 'generate_series_step_int4';
CREATE FUNCTION my_row_number() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_row_number';
ALTER FUNCTION plain() OWNER TO kinds_owner; REVOKE EXECUTE ON FUNCTION plain() FROM PUBLIC; GRANT EXECUTE ON FUNCTION plain() TO "kinds Reader" WITH GRANT OPTION;
GRANT EXECUTE ON PROCEDURE proc TO kinds_owner; COMMENT ON PROCEDURE proc IS 'a procedure'; COMMENT ON FUNCTION plain IS 'a function';
ALTER FUNCTION standard(int, int) DEPENDS ON EXTENSION plpgsql;

-- Aggregates: plain, moving, ordered-set, hypothetical-set.
CREATE AGGREGATE my_sum(int) (SFUNC = int4_sum, STYPE = int8, SSPACE = 12, COMBINEFUNC = int8pl, INITCOND = '0', PARALLEL = SAFE,
 MSFUNC = int4_avg_accum, MINVFUNC = int4_avg_accum_inv, MSTYPE = _int8, MSSPACE = 9, MFINALFUNC = int2int4_sum, MFINALFUNC_MODIFY = READ_WRITE, MINITCOND = '{0,0}');
CREATE AGGREGATE my_max(int) (SFUNC = int4larger, STYPE = int4, SORTOP = >);
CREATE AGGREGATE my_count(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0'); CREATE AGGREGATE my_concat(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
CREATE AGGREGATE my_avg(int8) (SFUNC = int8_avg_accum, STYPE = internal, SERIALFUNC = int8_avg_serialize, DESERIALFUNC = int8_avg_deserialize, COMBINEFUNC = int8_avg_combine, FINALFUNC = numeric_poly_avg, FINALFUNC_MODIFY = SHAREABLE);
CREATE AGGREGATE my_percentile(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_WRITE);
CREATE AGGREGATE my_rank(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
COMMENT ON AGGREGATE my_sum(int) IS 'an aggregate'; REVOKE EXECUTE ON FUNCTION my_sum(int) FROM PUBLIC;

-- Operators, and classes and families of them; one with required and optional members.
CREATE FUNCTION base_lt(base, base) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'text_lt';
CREATE FUNCTION base_gt(base, base) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'text_gt';
CREATE FUNCTION base_eq(base, base) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'texteq';
CREATE FUNCTION base_cmp(base, base) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'bttextcmp';
CREATE FUNCTION base_hash(base) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'hashtext';
CREATE OPERATOR < (LEFTARG = base, RIGHTARG = base, FUNCTION = base_lt, COMMUTATOR = OPERATOR(k.>), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR > (LEFTARG = base, RIGHTARG = base, FUNCTION = base_gt, COMMUTATOR = <);
CREATE OPERATOR = (LEFTARG = base, RIGHTARG = base, FUNCTION = base_eq, COMMUTATOR = =, NEGATOR = <>, HASHES, MERGES);
CREATE OPERATOR "Odd ""Schema""".@#@ (RIGHTARG = int, FUNCTION = pg_catalog.int4abs);
COMMENT ON OPERATOR "Odd ""Schema""".@#@ (NONE, int) IS 'an operator'; ALTER OPERATOR > (base, base) OWNER TO kinds_owner;
CREATE OPERATOR CLASS base_hash_ops DEFAULT FOR TYPE base USING hash AS OPERATOR 1 =, FUNCTION 1 base_hash(base);
CREATE OPERATOR FAMILY "Base family" USING btree; COMMENT ON OPERATOR FAMILY "Base family" USING btree IS 'a family';
CREATE FUNCTION le(base, base) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'text_le';
CREATE FUNCTION ge(base, base) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'text_ge';
CREATE OPERATOR <= (LEFTARG = base, RIGHTARG = base, FUNCTION = le); CREATE OPERATOR >= (LEFTARG = base, RIGHTARG = base, FUNCTION = ge);
CREATE OPERATOR CLASS base_ops FOR TYPE base USING btree FAMILY "Base family" AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 base_cmp(base, base);
COMMENT ON OPERATOR CLASS base_ops USING btree IS 'a class';
CREATE FUNCTION lt_text(base, text) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'text_lt';
CREATE FUNCTION cmp_text(base, text) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'bttextcmp';
CREATE OPERATOR < (LEFTARG = base, RIGHTARG = text, FUNCTION = lt_text);
ALTER OPERATOR FAMILY "Base family" USING btree ADD OPERATOR 1 < (base, text), FUNCTION 1 cmp_text(base, text);
CREATE OPERATOR CLASS near_ops FOR TYPE point USING gist AS OPERATOR 15 <-> (point, point) FOR ORDER BY pg_catalog.float_ops,
 FUNCTION 1 gist_point_consistent(internal, point, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal), FUNCTION 5 gist_box_penalty(internal, internal, internal),
 FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal), FUNCTION 3 gist_point_compress(internal), FUNCTION 8 (point, point) gist_point_distance(internal, point, smallint, oid, internal), STORAGE box;

-- Text search.
CREATE TEXT SEARCH PARSER my_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, HEADLINE = prsd_headline, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE my_template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY my_dict (TEMPLATE = my_template, STOPWORDS = 'english', "accept" = 'false');
CREATE TEXT SEARCH DICTIONARY "Other dict" (TEMPLATE = pg_catalog.simple);
CREATE TEXT SEARCH CONFIGURATION my_config (PARSER = my_parser);
ALTER TEXT SEARCH CONFIGURATION my_config ADD MAPPING FOR word, asciiword WITH "Other dict", pg_catalog.english_stem, my_dict;
COMMENT ON TEXT SEARCH PARSER my_parser IS 'a parser'; COMMENT ON TEXT SEARCH TEMPLATE my_template IS 'a template'; COMMENT ON TEXT SEARCH DICTIONARY my_dict IS 'a dictionary'; COMMENT ON TEXT SEARCH CONFIGURATION my_config IS 'a configuration';

-- Languages, and what lies in no schema or beside its types.
CREATE FUNCTION handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION inliner(internal) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION validator(oid) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE "my PL" HANDLER handler INLINE inliner VALIDATOR validator;
CREATE LANGUAGE untrusted HANDLER handler;
REVOKE USAGE ON LANGUAGE "my PL" FROM PUBLIC; COMMENT ON LANGUAGE "my PL" IS 'a language'; ALTER LANGUAGE "my PL" OWNER TO kinds_owner;
CREATE TRANSFORM FOR mood LANGUAGE "my PL" (FROM SQL WITH FUNCTION prsd_lextype(internal));
COMMENT ON TRANSFORM FOR mood LANGUAGE "my PL" IS 'a transform';
CREATE FUNCTION transforming(mood) RETURNS int TRANSFORM FOR TYPE mood LANGUAGE "my PL" AS 'BEGIN RETURN 1; END';
CREATE ACCESS METHOD my_heap TYPE TABLE HANDLER heap_tableam_handler; CREATE ACCESS METHOD my_btree TYPE INDEX HANDLER bthandler;
COMMENT ON ACCESS METHOD my_heap IS 'an access method';
CREATE FUNCTION mood_to_int(mood) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (mood AS int) WITH FUNCTION mood_to_int(mood) AS ASSIGNMENT; CREATE CAST (base AS text) WITHOUT FUNCTION AS IMPLICIT; CREATE CAST ("Pair, of" AS int) WITH INOUT;
COMMENT ON CAST (mood AS int) IS 'a cast';
CREATE DEFAULT CONVERSION my_conversion FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; CREATE CONVERSION other FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1; COMMENT ON CONVERSION other IS 'a conversion';
CREATE COLLATION my_icu (provider = icu, locale = 'de-u-co-phonebk', deterministic = false); CREATE COLLATION "my C" (locale = 'C'); CREATE COLLATION mixed (lc_collate = 'C', lc_ctype = 'POSIX'); COMMENT ON COLLATION my_icu IS 'a collation';
CREATE DOMAIN collated AS text COLLATE my_icu;

-- What is left out.
CREATE TABLE row_type (i int);
CREATE TEMP TABLE gone (i int);
CREATE FUNCTION pg_temp.temporary() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE CAST (pg_temp.gone AS mood) WITH INOUT;

-- Relations are pictured elsewhere.
CREATE TEMP TABLE seen AS SELECT key, value FROM jsonb_each((SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z))
	WHERE key ~ '^(function|procedure|aggregate|type|domain|operator|text search|language|transform|access method|cast|conversion|collation) ' AND key !~ '^function t\.';
SELECT is((SELECT jsonb_agg(value) FROM seen WHERE seen.key LIKE v.key), jsonb_build_array(v.picture::jsonb), v.key) FROM (VALUES
	('access method my_btree', $j${"handler": "bthandler(internal)", "type": "index"}$j$),
	('access method my_heap', $j${"comment": "an access method", "handler": "heap_tableam_handler(internal)", "type": "table"}$j$),
	('aggregate k.my_avg(bigint)', $j${"arguments": "bigint", "combine function": "int8_avg_combine(internal,internal)", "deserial function": "int8_avg_deserialize(bytea,internal)", "final function": "numeric_poly_avg(internal)", "final function modify": "shareable", "owner": "postgres", "serial function": "int8_avg_serialize(internal)", "state function": "int8_avg_accum(internal,bigint)", "state type": "internal"}$j$),
	('aggregate k.my_concat(pg_catalog.text)', $j${"arguments": "text", "initial condition": "", "owner": "postgres", "state function": "textcat(text,text)", "state type": "text"}$j$),
	('aggregate k.my_count()', $j${"initial condition": "0", "owner": "postgres", "state function": "int8inc(bigint)", "state type": "bigint"}$j$),
	('aggregate k.my_max(integer)', $j${"arguments": "integer", "owner": "postgres", "sort operator": ">(integer,integer)", "state function": "int4larger(integer,integer)", "state type": "integer"}$j$),
	('aggregate k.my_percentile(double precision,pg_catalog.anyelement)', $j${"arguments": "double precision ORDER BY anyelement", "final function": "percentile_disc_final(internal,double precision,anyelement)", "final function extra": "true", "owner": "postgres", "state function": "ordered_set_transition(internal,\"any\")", "state type": "internal"}$j$),
	('aggregate k.my_rank(pg_catalog."any")', $j${"arguments": "VARIADIC \"any\" ORDER BY VARIADIC \"any\"", "final function": "rank_final(internal,\"any\")", "final function extra": "true", "hypothetical": "true", "owner": "postgres", "state function": "ordered_set_transition_multi(internal,\"any\")", "state type": "internal"}$j$),
	('aggregate k.my_sum(integer)', $j${"arguments": "integer", "combine function": "int8pl(bigint,bigint)", "comment": "an aggregate", "initial condition": "0", "moving final function": "int2int4_sum(bigint[])", "moving final function modify": "read write", "moving initial condition": "{0,0}", "moving inverse function": "int4_avg_accum_inv(bigint[],integer)", "moving state function": "int4_avg_accum(bigint[],integer)", "moving state space": "9", "moving state type": "bigint[]", "owner": "postgres", "parallel": "safe", "privileges": "postgres=EXECUTE", "state function": "int4_sum(bigint,integer)", "state space": "12", "state type": "bigint"}$j$),
	('cast (k."Pair, of" AS integer)', $j${"method": "with inout"}$j$),
	('cast (k.base AS pg_catalog.text)', $j${"context": "implicit", "method": "without function"}$j$),
	('cast (k.mood AS integer)', $j${"comment": "a cast", "context": "assignment", "function": "k.mood_to_int(k.mood)"}$j$),
	('collation k."my C"', $j${"locale": "C", "owner": "postgres", "provider": "libc"}$j$),
	('collation k.mixed', $j${"lc_collate": "C", "lc_ctype": "POSIX", "owner": "postgres", "provider": "libc"}$j$),
	('collation k.my_icu', $j${"comment": "a collation", "deterministic": "false", "locale": "de-u-co-phonebk", "owner": "postgres", "provider": "icu"}$j$),
	('conversion k.my_conversion', $j${"default": "true", "function": "iso8859_1_to_utf8(integer,integer,cstring,internal,integer,boolean)", "owner": "postgres", "source": "LATIN1", "target": "UTF8"}$j$),
	('conversion k.other', $j${"comment": "a conversion", "function": "utf8_to_iso8859_1(integer,integer,cstring,internal,integer,boolean)", "owner": "postgres", "source": "UTF8", "target": "LATIN1"}$j$),
	('domain k.collated', $j${"collation": "k.my_icu", "owner": "postgres", "type": "text"}$j$),
	('domain k.on_mood', $j${"default": "'{sad}'::k.mood[]", "owner": "postgres", "type": "k.mood[]"}$j$),
	('domain k.plain', $j${"owner": "postgres", "type": "text"}$j$),
	('domain k.strict_one', $j${"collation": "\"C\"", "comment": "a domain", "constraints": {"\"Not blank\"": {"comment": "why not", "definition": "CHECK (((VALUE)::text <> ''::text))"}, "late": {"definition": "CHECK (((VALUE)::text ~ '^[a-z]+$'::text)) NOT VALID"}, "strict_one_check": {"definition": "CHECK ((length((VALUE)::text) < 10))"}}, "default": "('a'::text || 'b'::text)", "not null": "true", "owner": "postgres", "privileges": "PUBLIC=USAGE, kinds Reader=USAGE, postgres=USAGE", "type": "character varying(20)"}$j$),
	('function k."Odd, name"(integer,pg_catalog.date,timestamp with time zone,double precision,interval,pg_catalog.bytea)', $j${"arguments": "INOUT \"A\" integer DEFAULT 3, OUT b k.\"Pair, of\", c date DEFAULT '2020-02-03'::date, d timestamp with time zone DEFAULT '2020-02-03 10:00:00+00'::timestamp with time zone, e double precision DEFAULT (0.1)::real, f interval DEFAULT '1 day 02:00:00'::interval, g bytea DEFAULT '\\x41'::bytea", "body": " BEGIN END; ", "language": "plpgsql", "owner": "postgres", "result": "record"}$j$),
	('function k.base_cmp(k.base,k.base)', $j${"arguments": "k.base, k.base", "body": "bttextcmp", "language": "internal", "owner": "postgres", "result": "integer", "strict": "true", "volatility": "immutable"}$j$),
	('function k.base_eq(k.base,k.base)', $j${"arguments": "k.base, k.base", "body": "texteq", "language": "internal", "owner": "postgres", "result": "boolean", "strict": "true", "volatility": "immutable"}$j$),
	('function k.base_gt(k.base,k.base)', $j${"arguments": "k.base, k.base", "body": "text_gt", "language": "internal", "owner": "postgres", "result": "boolean", "strict": "true", "volatility": "immutable"}$j$),
	('function k.base_hash(k.base)', $j${"arguments": "k.base", "body": "hashtext", "language": "internal", "owner": "postgres", "result": "integer", "strict": "true", "volatility": "immutable"}$j$),
	('function k.base_in(pg_catalog.cstring,pg_catalog.oid,integer)', $j${"arguments": "cstring, oid, integer", "body": "varcharin", "language": "internal", "owner": "postgres", "result": "k.base", "strict": "true", "volatility": "immutable"}$j$),
	('function k.base_lt(k.base,k.base)', $j${"arguments": "k.base, k.base", "body": "text_lt", "language": "internal", "owner": "postgres", "result": "boolean", "strict": "true", "volatility": "immutable"}$j$),
	('function k.base_out(k.base)', $j${"arguments": "k.base", "body": "varcharout", "language": "internal", "owner": "postgres", "result": "cstring", "strict": "true", "volatility": "immutable"}$j$),
	('function k.base_recv(pg_catalog.internal,pg_catalog.oid,integer)', $j${"arguments": "internal, oid, integer", "body": "varcharrecv", "language": "internal", "owner": "postgres", "result": "k.base", "strict": "true", "volatility": "immutable"}$j$),
	('function k.base_send(k.base)', $j${"arguments": "k.base", "body": "varcharsend", "language": "internal", "owner": "postgres", "result": "bytea", "strict": "true", "volatility": "immutable"}$j$),
	('function k.cmp_text(k.base,pg_catalog.text)', $j${"arguments": "k.base, text", "body": "bttextcmp", "language": "internal", "owner": "postgres", "result": "integer", "strict": "true", "volatility": "immutable"}$j$),
	('function k.ge(k.base,k.base)', $j${"arguments": "k.base, k.base", "body": "text_ge", "language": "internal", "owner": "postgres", "result": "boolean", "strict": "true", "volatility": "immutable"}$j$),
	('function k.handler()', $j${"language": "c", "object file": "$libdir/plpgsql", "owner": "postgres", "result": "language_handler", "symbol": "plpgsql_call_handler"}$j$),
	('function k.in_c(pg_catalog.internal)', $j${"arguments": "internal", "language": "c", "object file": "$libdir/plpgsql", "owner": "postgres", "result": "internal", "strict": "true", "symbol": "plpgsql_validator", "volatility": "immutable"}$j$),
	('function k.inliner(pg_catalog.internal)', $j${"arguments": "internal", "language": "c", "object file": "$libdir/plpgsql", "owner": "postgres", "result": "void", "symbol": "plpgsql_inline_handler"}$j$),
	('function k.le(k.base,k.base)', $j${"arguments": "k.base, k.base", "body": "text_le", "language": "internal", "owner": "postgres", "result": "boolean", "strict": "true", "volatility": "immutable"}$j$),
	('function k.lt_text(k.base,pg_catalog.text)', $j${"arguments": "k.base, text", "body": "text_lt", "language": "internal", "owner": "postgres", "result": "boolean", "strict": "true", "volatility": "immutable"}$j$),
	('function k.mi_sub(pg_catalog.text,pg_catalog.text)', $j${"arguments": "a text, b text", "body": "SELECT 1::float8", "language": "sql", "owner": "postgres", "result": "double precision", "volatility": "immutable"}$j$),
	('function k.mood_to_int(k.mood)', $j${"arguments": "k.mood", "body": "SELECT 1", "language": "sql", "owner": "postgres", "result": "integer", "volatility": "immutable"}$j$),
	('function k.my_row_number()', $j${"body": "window_row_number", "language": "internal", "owner": "postgres", "result": "bigint", "volatility": "immutable", "window": "true"}$j$),
	('function k.plain()', $j${"body": "SELECT 1", "comment": "a function", "language": "sql", "owner": "kinds_owner", "privileges": "kinds Reader=EXECUTE*, kinds_owner=EXECUTE", "result": "integer"}$j$),
	('function k.poly(pg_catalog.anyelement,pg_catalog.anyarray,pg_catalog.anycompatiblerange)', $j${"arguments": "a anyelement, b anyarray, c anycompatiblerange", "body": "SELECT a", "cost": "5", "language": "sql", "leakproof": "true", "owner": "postgres", "parallel": "safe", "result": "SETOF anyelement", "rows": "17", "security definer": "true", "settings": "my.var = E'a\\\\b''c', search_path = 'k, pg_temp', work_mem = '3MB'", "strict": "true", "volatility": "stable"}$j$),
	('function k.standard(integer,integer)', $j${"arguments": "a integer, b integer DEFAULT 4", "body": "RETURN (a + b)", "depends on extension": "plpgsql", "language": "sql", "owner": "postgres", "result": "integer"}$j$),
	('function k.standard_atomic(integer)', $j${"arguments": "a integer", "body": "BEGIN ATOMIC\n SELECT 1;\n SELECT k.variadic_one() AS variadic_one;\nEND", "language": "sql", "owner": "postgres", "result": "integer"}$j$),
	('function k.supported(integer)', $j${"arguments": "integer", "body": "generate_series_step_int4", "language": "internal", "owner": "postgres", "result": "SETOF integer", "rows": "10", "strict": "true", "support function": "generate_series_int4_support(internal)", "volatility": "immutable"}$j$),
	('function k.table_one(integer)', $j${"arguments": "n integer", "body": "SELECT 1, ''::text", "language": "sql", "owner": "postgres", "parallel": "restricted", "result": "TABLE(\"X y\" integer, z text)", "volatility": "immutable"}$j$),
	('function k.tiny_in(pg_catalog.cstring)', $j${"arguments": "cstring", "body": "boolin", "language": "internal", "owner": "postgres", "result": "k.tiny", "strict": "true", "volatility": "immutable"}$j$),
	('function k.tiny_out(k.tiny)', $j${"arguments": "k.tiny", "body": "boolout", "language": "internal", "owner": "postgres", "result": "cstring", "strict": "true", "volatility": "immutable"}$j$),
	('function k.transforming(k.mood)', $j${"arguments": "k.mood", "body": "BEGIN RETURN 1; END", "language": "\"my PL\"", "owner": "postgres", "result": "integer", "transforms": "k.mood"}$j$),
	('function k.validator(pg_catalog.oid)', $j${"arguments": "oid", "language": "c", "object file": "$libdir/plpgsql", "owner": "postgres", "result": "void", "symbol": "plpgsql_validator"}$j$),
	('function k.variadic_one(k.mood[])', $j${"arguments": "VARIADIC \"Args\" k.mood[] DEFAULT ARRAY['sad'::k.mood, 'ok'::k.mood]", "body": "SELECT 1", "language": "sql", "owner": "postgres", "result": "integer"}$j$),
	('language "my PL"', $j${"comment": "a language", "handler": "k.handler()", "inline handler": "k.inliner(internal)", "owner": "kinds_owner", "privileges": "kinds_owner=USAGE", "trusted": "true", "validator": "k.validator(oid)"}$j$),
	('language untrusted', $j${"handler": "k.handler()", "owner": "postgres"}$j$),
	('operator "Odd ""Schema""".@#@(NONE,integer)', $j${"comment": "an operator", "function": "int4abs(integer)", "owner": "postgres"}$j$),
	('operator class k.base_hash_ops USING hash', $j${"default": "true", "family": "k.base_hash_ops", "functions": {"1 (k.base, k.base)": {"function": "k.base_hash(k.base)"}}, "operators": {"1 (k.base, k.base)": {"operator": "k.=(k.base,k.base)"}}, "owner": "postgres", "type": "k.base"}$j$),
	('operator class k.base_ops USING btree', $j${"comment": "a class", "family": "k.\"Base family\"", "functions": {"1 (k.base, k.base)": {"function": "k.base_cmp(k.base,k.base)"}}, "operators": {"1 (k.base, k.base)": {"operator": "k.<(k.base,k.base)"}, "2 (k.base, k.base)": {"operator": "k.<=(k.base,k.base)"}, "3 (k.base, k.base)": {"operator": "k.=(k.base,k.base)"}, "4 (k.base, k.base)": {"operator": "k.>=(k.base,k.base)"}, "5 (k.base, k.base)": {"operator": "k.>(k.base,k.base)"}}, "owner": "postgres", "type": "k.base"}$j$),
	('operator class k.near_ops USING gist', $j${"family": "k.near_ops", "functions": {"1 (point, point)": {"function": "gist_point_consistent(internal,point,smallint,oid,internal)"}, "2 (point, point)": {"function": "gist_box_union(internal,internal)"}, "5 (point, point)": {"function": "gist_box_penalty(internal,internal,internal)"}, "6 (point, point)": {"function": "gist_box_picksplit(internal,internal)"}, "7 (point, point)": {"function": "gist_box_same(box,box,internal)"}}, "owner": "postgres", "storage": "box", "type": "point"}$j$),
	('operator family k."Base family" USING btree', $j${"comment": "a family", "functions": {"1 (k.base, text)": {"function": "k.cmp_text(k.base,text)"}}, "operators": {"1 (k.base, text)": {"operator": "k.<(k.base,text)"}}, "owner": "postgres"}$j$),
	('operator family k.base_hash_ops USING hash', $j${"owner": "postgres"}$j$),
	('operator family k.near_ops USING gist', $j${"functions": {"3 (point, point)": {"function": "gist_point_compress(internal)"}, "8 (point, point)": {"function": "gist_point_distance(internal,point,smallint,oid,internal)"}}, "operators": {"15 (point, point)": {"operator": "<->(point,point)", "order by": "pg_catalog.float_ops USING btree"}}, "owner": "postgres"}$j$),
	('operator k.<(k.base,k.base)', $j${"commutator": "k.>(k.base,k.base)", "function": "k.base_lt(k.base,k.base)", "join function": "scalarltjoinsel(internal,oid,internal,smallint,internal)", "owner": "postgres", "restriction function": "scalarltsel(internal,oid,internal,integer)"}$j$),
	('operator k.<(k.base,pg_catalog.text)', $j${"function": "k.lt_text(k.base,text)", "owner": "postgres"}$j$),
	('operator k.<=(k.base,k.base)', $j${"function": "k.le(k.base,k.base)", "owner": "postgres"}$j$),
	('operator k.=(k.base,k.base)', $j${"commutator": "k.=(k.base,k.base)", "function": "k.base_eq(k.base,k.base)", "hashes": "true", "merges": "true", "negator": "k.<>(k.base,k.base)", "owner": "postgres"}$j$),
	('operator k.>(k.base,k.base)', $j${"commutator": "k.<(k.base,k.base)", "function": "k.base_gt(k.base,k.base)", "owner": "kinds_owner"}$j$),
	('operator k.>=(k.base,k.base)', $j${"function": "k.ge(k.base,k.base)", "owner": "postgres"}$j$),
	('procedure k.proc(integer,pg_catalog.text)', $j${"arguments": "IN a integer, OUT c integer, INOUT b text DEFAULT 'x'::text", "body": " BEGIN c := 1; END ", "comment": "a procedure", "language": "plpgsql", "owner": "postgres", "privileges": "PUBLIC=EXECUTE, kinds_owner=EXECUTE, postgres=EXECUTE", "settings": "statement_timeout = '5'"}$j$),
	('text search configuration k.my_config', $j${"comment": "a configuration", "mappings": {"asciiword": {"dictionaries": "k.\"Other dict\", pg_catalog.english_stem, k.my_dict"}, "word": {"dictionaries": "k.\"Other dict\", pg_catalog.english_stem, k.my_dict"}}, "owner": "postgres", "parser": "k.my_parser"}$j$),
	('text search dictionary k."Other dict"', $j${"owner": "postgres", "template": "pg_catalog.simple"}$j$),
	('text search dictionary k.my_dict', $j${"comment": "a dictionary", "options": "stopwords = 'english', accept = 'false'", "owner": "postgres", "template": "k.my_template"}$j$),
	('text search parser k.my_parser', $j${"comment": "a parser", "end": "prsd_end(internal)", "get token": "prsd_nexttoken(internal,internal,internal)", "headline": "prsd_headline(internal,internal,tsquery)", "start": "prsd_start(internal,integer)", "token types": "prsd_lextype(internal)"}$j$),
	('text search template k.my_template', $j${"comment": "a template", "init": "dsimple_init(internal)", "lexize": "dsimple_lexize(internal,internal,internal,internal)"}$j$),
	('transform for k.mood %', $j${"comment": "a transform", "from sql": "prsd_lextype(internal)"}$j$),
	('type k."Pair, of"', $j${"attributes": {"\"B b\"": {"collation": "\"C\"", "comment": "an attribute", "position": "2", "type": "text"}, "a": {"position": "1", "type": "integer"}, "c": {"position": "3", "type": "numeric(10,2)[]"}, "d": {"position": "4", "type": "k.mood"}}, "comment": "a type", "form": "composite", "owner": "postgres"}$j$),
	('type k.base', $j${"analyze": "array_typanalyze(internal)", "category": "S", "collatable": "true", "default": "'dflt''s'", "delimiter": ";", "form": "base", "input": "k.base_in(cstring,oid,integer)", "output": "k.base_out(k.base)", "owner": "postgres", "preferred": "true", "receive": "k.base_recv(internal,oid,integer)", "send": "k.base_send(k.base)", "storage": "extended", "type modifier input": "varchartypmodin(cstring[])", "type modifier output": "varchartypmodout(integer)"}$j$),
	('type k.empty_enum', $j${"form": "enum", "owner": "postgres"}$j$),
	('type k.mood', $j${"form": "enum", "labels": "'sad', 'ok', 'it''s', E'back\\\\slash', 'Ünï'", "owner": "kinds_owner", "privileges": "kinds_owner=USAGE"}$j$),
	('type k.no_attributes', $j${"form": "composite", "owner": "postgres"}$j$),
	('type k.shell', $j${"form": "shell", "owner": "postgres"}$j$),
	('type k.simple_range', $j${"form": "range", "multirange type": "k.simple_multirange", "owner": "postgres", "subtype": "integer"}$j$),
	('type k.texts', $j${"collation": "\"C\"", "form": "range", "multirange type": "k.many_texts", "operator class": "pg_catalog.text_pattern_ops", "owner": "postgres", "subtype": "text", "subtype diff": "k.mi_sub(text,text)"}$j$),
	('type k.tiny', $j${"alignment": "char", "element": "integer", "form": "base", "input": "k.tiny_in(cstring)", "internal length": "1", "output": "k.tiny_out(k.tiny)", "owner": "postgres", "passed by value": "true", "subscript": "raw_array_subscript_handler(internal)"}$j$)) v (key, picture);
SELECT is((SELECT count(*) FROM seen), 83::bigint, 'nothing else is there: no arrays, row types, multiranges, constructors, temporary objects, members of extensions');

-- Each change names one property.
SELECT is(t.changed(sql), wanted, sql) FROM (VALUES
	('ALTER FUNCTION standard(int, int) COST 7', 'function k.standard(integer,integer) | cost: - -> 7'),
	('ALTER FUNCTION poly ROWS 18', 'function k.poly(pg_catalog.anyelement,pg_catalog.anyarray,pg_catalog.anycompatiblerange) | rows: 17 -> 18'),
	('ALTER FUNCTION poly ROWS 1000', 'function k.poly(pg_catalog.anyelement,pg_catalog.anyarray,pg_catalog.anycompatiblerange) | rows: 18 -> -'),
	('ALTER FUNCTION standard(int, int) IMMUTABLE', 'function k.standard(integer,integer) | volatility: - -> immutable'),
	('ALTER FUNCTION standard(int, int) STRICT', 'function k.standard(integer,integer) | strict: - -> true'),
	('ALTER FUNCTION standard(int, int) SECURITY DEFINER', 'function k.standard(integer,integer) | security definer: - -> true'),
	('ALTER FUNCTION standard(int, int) LEAKPROOF', 'function k.standard(integer,integer) | leakproof: - -> true'),
	('ALTER FUNCTION standard(int, int) PARALLEL SAFE', 'function k.standard(integer,integer) | parallel: - -> safe'),
	('ALTER FUNCTION supported SUPPORT generate_series_int8_support', 'function k.supported(integer) | support function: generate_series_int4_support(internal) -> generate_series_int8_support(internal)'),
	('ALTER FUNCTION standard(int, int) SET search_path = k, "Odd ""Schema""", pg_catalog', 'function k.standard(integer,integer) | settings: - -> search_path = ''k, "Odd ""Schema""", pg_catalog'''),
	('ALTER FUNCTION standard(int, int) SET array_nulls = off', 'function k.standard(integer,integer) | settings: search_path = ''k, "Odd ""Schema""", pg_catalog'' -> array_nulls = ''off'', search_path = ''k, "Odd ""Schema""", pg_catalog'''),
	('ALTER FUNCTION standard(int, int) RESET ALL', 'function k.standard(integer,integer) | settings: array_nulls = ''off'', search_path = ''k, "Odd ""Schema""", pg_catalog'' -> -'),
	('ALTER FUNCTION standard(int, int) NO DEPENDS ON EXTENSION plpgsql', 'function k.standard(integer,integer) | depends on extension: plpgsql -> -'),
	('ALTER FUNCTION standard(int, int) OWNER TO kinds_owner', 'function k.standard(integer,integer) | owner: postgres -> kinds_owner'),
	('GRANT EXECUTE ON FUNCTION standard(int, int) TO "kinds Reader"', 'function k.standard(integer,integer) | privileges: - -> PUBLIC=EXECUTE, kinds Reader=EXECUTE, kinds_owner=EXECUTE'),
	('REVOKE EXECUTE ON FUNCTION standard(int, int) FROM PUBLIC, kinds_owner, "kinds Reader"', 'function k.standard(integer,integer) | privileges: PUBLIC=EXECUTE, kinds Reader=EXECUTE, kinds_owner=EXECUTE -> none'),
	('COMMENT ON FUNCTION standard(int, int) IS ''an "odd" comment''', 'function k.standard(integer,integer) | comment: - -> an "odd" comment'),
	('CREATE OR REPLACE FUNCTION standard(a int, b int DEFAULT 4) RETURNS int LANGUAGE sql COST 7 LEAKPROOF PARALLEL SAFE IMMUTABLE STRICT SECURITY DEFINER RETURN a - b', 'function k.standard(integer,integer) | body: RETURN (a + b) -> RETURN (a - b)'),
	('CREATE OR REPLACE FUNCTION standard(a int, b int DEFAULT 5) RETURNS int LANGUAGE sql COST 7 LEAKPROOF PARALLEL SAFE IMMUTABLE STRICT SECURITY DEFINER RETURN a - b', 'function k.standard(integer,integer) | arguments: a integer, b integer DEFAULT 4 -> a integer, b integer DEFAULT 5'),
	('CREATE OR REPLACE PROCEDURE proc(IN a int, OUT c int, INOUT b text DEFAULT ''x'') LANGUAGE plpgsql SET statement_timeout = 5 AS $$ BEGIN c := 1;  END $$', 'procedure k.proc(integer,pg_catalog.text) | body:  BEGIN c := 1; END  ->  BEGIN c := 1;  END '),
	('CREATE OR REPLACE FUNCTION in_c(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT AS ''$libdir/plpgsql'', ''plpgsql_call_handler''', 'function k.in_c(pg_catalog.internal) | symbol: plpgsql_validator -> plpgsql_call_handler'),
	('CREATE OR REPLACE FUNCTION transforming(mood) RETURNS int LANGUAGE "my PL" AS ''BEGIN RETURN 1; END''', 'function k.transforming(k.mood) | transforms: k.mood -> -'),
	('CREATE OR REPLACE AGGREGATE my_max(int) (SFUNC = int4smaller, STYPE = int4, SORTOP = >)', 'aggregate k.my_max(integer) | state function: int4larger(integer,integer) -> int4smaller(integer,integer)'),
	('CREATE OR REPLACE AGGREGATE my_max(int) (SFUNC = int4smaller, STYPE = int4, SORTOP = <)', 'aggregate k.my_max(integer) | sort operator: >(integer,integer) -> <(integer,integer)'),
	('CREATE OR REPLACE AGGREGATE my_max(int) (SFUNC = int4smaller, STYPE = int4, SORTOP = <, INITCOND = ''3'')', 'aggregate k.my_max(integer) | initial condition: - -> 3'),
	('CREATE OR REPLACE AGGREGATE my_max(int) (SFUNC = int4smaller, STYPE = int4, SORTOP = <, INITCOND = ''3'', COMBINEFUNC = int4smaller)', 'aggregate k.my_max(integer) | combine function: - -> int4smaller(integer,integer)'),
	('CREATE OR REPLACE AGGREGATE my_max(int) (SFUNC = int4smaller, STYPE = int4, SORTOP = <, INITCOND = ''3'', COMBINEFUNC = int4smaller, PARALLEL = RESTRICTED)', 'aggregate k.my_max(integer) | parallel: - -> restricted'),
	('ALTER AGGREGATE my_max(int) OWNER TO kinds_owner', 'aggregate k.my_max(integer) | owner: postgres -> kinds_owner'),
	('COMMENT ON AGGREGATE my_sum(int) IS NULL', 'aggregate k.my_sum(integer) | comment: an aggregate -> -'),
	('ALTER TYPE mood ADD VALUE ''in the middle'' AFTER ''ok''', 'type k.mood | labels: ''sad'', ''ok'', ''it''''s'', E''back\\slash'', ''Ünï'' -> ''sad'', ''ok'', ''in the middle'', ''it''''s'', E''back\\slash'', ''Ünï'''),
	('ALTER TYPE mood RENAME VALUE ''ok'' TO ''fine''', E'function k.variadic_one(k.mood[]) | arguments: VARIADIC "Args" k.mood[] DEFAULT ARRAY[''sad''::k.mood, ''ok''::k.mood] -> VARIADIC "Args" k.mood[] DEFAULT ARRAY[''sad''::k.mood, ''fine''::k.mood]\ntype k.mood | labels: ''sad'', ''ok'', ''in the middle'', ''it''''s'', E''back\\\\slash'', ''Ünï'' -> ''sad'', ''fine'', ''in the middle'', ''it''''s'', E''back\\\\slash'', ''Ünï'''),
	('ALTER TYPE mood OWNER TO postgres', E'type k.mood | owner: kinds_owner -> postgres\ntype k.mood | privileges: kinds_owner=USAGE -> postgres=USAGE'),
	('GRANT USAGE ON TYPE mood TO PUBLIC', 'type k.mood | privileges: postgres=USAGE -> -'),
	('COMMENT ON TYPE mood IS ''a mood''', 'type k.mood | comment: - -> a mood'),
	('ALTER TYPE "Pair, of" ALTER ATTRIBUTE a TYPE bigint', 'type k."Pair, of" | attributes a type: integer -> bigint'),
	('ALTER TYPE "Pair, of" ALTER ATTRIBUTE "B b" TYPE text COLLATE "POSIX"', 'type k."Pair, of" | attributes "B b" collation: "C" -> "POSIX"'),
	('ALTER TYPE "Pair, of" ADD ATTRIBUTE e date', E'type k."Pair, of" | attributes e position: - -> 5\ntype k."Pair, of" | attributes e type: - -> date'),
	('ALTER TYPE "Pair, of" RENAME ATTRIBUTE e TO "F f"', E'type k."Pair, of" | attributes "F f" position: - -> 5\ntype k."Pair, of" | attributes "F f" type: - -> date\ntype k."Pair, of" | attributes e position: 5 -> -\ntype k."Pair, of" | attributes e type: date -> -'),
	('ALTER TYPE "Pair, of" DROP ATTRIBUTE c', E'type k."Pair, of" | attributes "F f" position: 5 -> 4\ntype k."Pair, of" | attributes c position: 3 -> -\ntype k."Pair, of" | attributes c type: numeric(10,2)[] -> -\ntype k."Pair, of" | attributes d position: 4 -> 3'),
	('COMMENT ON COLUMN "Pair, of".a IS ''first''', 'type k."Pair, of" | attributes a comment: - -> first'),
	('ALTER TYPE base SET (STORAGE = external)', 'type k.base | storage: extended -> external'),
	('ALTER TYPE base SET (SEND = NONE)', 'type k.base | send: k.base_send(k.base) -> -'),
	('ALTER TYPE simple_range OWNER TO kinds_owner', 'type k.simple_range | owner: postgres -> kinds_owner'),
	('ALTER TYPE simple_multirange RENAME TO other_multirange', 'type k.simple_range | multirange type: k.simple_multirange -> k.other_multirange'),
	('CREATE FUNCTION from_text(cstring) RETURNS shell LANGUAGE internal IMMUTABLE STRICT AS ''int4in''; CREATE FUNCTION to_text(shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS ''int4out''', E'function k.from_text(pg_catalog.cstring) | arguments: - -> cstring\nfunction k.from_text(pg_catalog.cstring) | body: - -> int4in\nfunction k.from_text(pg_catalog.cstring) | language: - -> internal\nfunction k.from_text(pg_catalog.cstring) | owner: - -> postgres\nfunction k.from_text(pg_catalog.cstring) | result: - -> k.shell\nfunction k.from_text(pg_catalog.cstring) | strict: - -> true\nfunction k.from_text(pg_catalog.cstring) | volatility: - -> immutable\nfunction k.to_text(k.shell) | arguments: - -> k.shell\nfunction k.to_text(k.shell) | body: - -> int4out\nfunction k.to_text(k.shell) | language: - -> internal\nfunction k.to_text(k.shell) | owner: - -> postgres\nfunction k.to_text(k.shell) | result: - -> cstring\nfunction k.to_text(k.shell) | strict: - -> true\nfunction k.to_text(k.shell) | volatility: - -> immutable'),
	('CREATE TYPE shell (INPUT = from_text, OUTPUT = to_text)', E'type k.shell | form: shell -> base\ntype k.shell | input: - -> k.from_text(cstring)\ntype k.shell | output: - -> k.to_text(k.shell)'),
	('ALTER DOMAIN strict_one DROP NOT NULL', 'domain k.strict_one | not null: true -> -'),
	('ALTER DOMAIN plain SET NOT NULL', 'domain k.plain | not null: - -> true'),
	('ALTER DOMAIN strict_one SET DEFAULT ''b''', 'domain k.strict_one | default: (''a''::text || ''b''::text) -> ''b''::character varying'),
	('ALTER DOMAIN strict_one DROP DEFAULT', 'domain k.strict_one | default: ''b''::character varying -> -'),
	('ALTER DOMAIN strict_one VALIDATE CONSTRAINT late', 'domain k.strict_one | constraints late definition: CHECK (((VALUE)::text ~ ''^[a-z]+$''::text)) NOT VALID -> CHECK (((VALUE)::text ~ ''^[a-z]+$''::text))'),
	('ALTER DOMAIN strict_one RENAME CONSTRAINT late TO "Too late"', E'domain k.strict_one | constraints "Too late" definition: - -> CHECK (((VALUE)::text ~ ''^[a-z]+$''::text))\ndomain k.strict_one | constraints late definition: CHECK (((VALUE)::text ~ ''^[a-z]+$''::text)) -> -'),
	('ALTER DOMAIN strict_one DROP CONSTRAINT strict_one_check', 'domain k.strict_one | constraints strict_one_check definition: CHECK ((length((VALUE)::text) < 10)) -> -'),
	('ALTER DOMAIN plain ADD CONSTRAINT short CHECK (length(VALUE) < 5)', 'domain k.plain | constraints short definition: - -> CHECK ((length(VALUE) < 5))'),
	('COMMENT ON CONSTRAINT "Not blank" ON DOMAIN strict_one IS ''because''', 'domain k.strict_one | constraints "Not blank" comment: why not -> because'),
	('REVOKE USAGE ON DOMAIN strict_one FROM PUBLIC', 'domain k.strict_one | privileges: PUBLIC=USAGE, kinds Reader=USAGE, postgres=USAGE -> kinds Reader=USAGE, postgres=USAGE'),
	('ALTER OPERATOR < (base, base) SET (RESTRICT = NONE)', 'operator k.<(k.base,k.base) | restriction function: scalarltsel(internal,oid,internal,integer) -> -'),
	('ALTER OPERATOR < (base, base) SET (JOIN = scalarltjoinsel, RESTRICT = scalarlesel)', 'operator k.<(k.base,k.base) | restriction function: - -> scalarlesel(internal,oid,internal,integer)'),
	('ALTER OPERATOR < (base, base) OWNER TO kinds_owner', 'operator k.<(k.base,k.base) | owner: postgres -> kinds_owner'),
	('COMMENT ON OPERATOR < (base, base) IS ''less''', 'operator k.<(k.base,k.base) | comment: - -> less'),
	('ALTER OPERATOR FAMILY "Base family" USING btree DROP OPERATOR 1 (base, text)', 'operator family k."Base family" USING btree | operators 1 (k.base, text) operator: k.<(k.base,text) -> -'),
	('ALTER OPERATOR FAMILY "Base family" USING btree DROP FUNCTION 1 (base, text)', 'operator family k."Base family" USING btree | functions 1 (k.base, text) function: k.cmp_text(k.base,text) -> -'),
	('ALTER OPERATOR FAMILY "Base family" USING btree ADD FUNCTION 4 (base, base) btequalimage(oid)', 'operator family k."Base family" USING btree | functions 4 (k.base, k.base) function: - -> btequalimage(oid)'),
	('ALTER OPERATOR FAMILY "Base family" USING btree OWNER TO kinds_owner', 'operator family k."Base family" USING btree | owner: postgres -> kinds_owner'),
	('COMMENT ON OPERATOR FAMILY "Base family" USING btree IS NULL', 'operator family k."Base family" USING btree | comment: a family -> -'),
	('ALTER OPERATOR CLASS base_ops USING btree OWNER TO kinds_owner', 'operator class k.base_ops USING btree | owner: postgres -> kinds_owner'),
	('COMMENT ON OPERATOR CLASS base_ops USING btree IS NULL', 'operator class k.base_ops USING btree | comment: a class -> -'),
	('ALTER TEXT SEARCH DICTIONARY my_dict (STOPWORDS = ''russian'')', 'text search dictionary k.my_dict | options: stopwords = ''english'', accept = ''false'' -> accept = ''false'', stopwords = ''russian'''),
	('ALTER TEXT SEARCH DICTIONARY my_dict OWNER TO kinds_owner', 'text search dictionary k.my_dict | owner: postgres -> kinds_owner'),
	('COMMENT ON TEXT SEARCH PARSER my_parser IS NULL', 'text search parser k.my_parser | comment: a parser -> -'),
	('COMMENT ON TEXT SEARCH TEMPLATE my_template IS NULL', 'text search template k.my_template | comment: a template -> -'),
	('COMMENT ON TEXT SEARCH DICTIONARY "Other dict" IS ''other''', 'text search dictionary k."Other dict" | comment: - -> other'),
	('COMMENT ON TEXT SEARCH CONFIGURATION my_config IS NULL', 'text search configuration k.my_config | comment: a configuration -> -'),
	('ALTER TEXT SEARCH CONFIGURATION my_config ALTER MAPPING FOR word WITH my_dict, "Other dict"', 'text search configuration k.my_config | mappings word dictionaries: k."Other dict", pg_catalog.english_stem, k.my_dict -> k.my_dict, k."Other dict"'),
	('ALTER TEXT SEARCH CONFIGURATION my_config ADD MAPPING FOR url WITH simple', 'text search configuration k.my_config | mappings url dictionaries: - -> pg_catalog.simple'),
	('ALTER TEXT SEARCH CONFIGURATION my_config DROP MAPPING FOR word', 'text search configuration k.my_config | mappings word dictionaries: k.my_dict, k."Other dict" -> -'),
	('ALTER TEXT SEARCH CONFIGURATION my_config OWNER TO kinds_owner', 'text search configuration k.my_config | owner: postgres -> kinds_owner'),
	('ALTER LANGUAGE "my PL" OWNER TO postgres', E'language "my PL" | owner: kinds_owner -> postgres\nlanguage "my PL" | privileges: kinds_owner=USAGE -> postgres=USAGE'),
	('GRANT USAGE ON LANGUAGE "my PL" TO "kinds Reader"', 'language "my PL" | privileges: postgres=USAGE -> kinds Reader=USAGE, postgres=USAGE'),
	('CREATE OR REPLACE LANGUAGE untrusted HANDLER handler INLINE inliner', 'language untrusted | inline handler: - -> k.inliner(internal)'),
	('COMMENT ON LANGUAGE untrusted IS ''beware''', 'language untrusted | comment: - -> beware'),
	('COMMENT ON ACCESS METHOD my_btree IS ''copied''', 'access method my_btree | comment: - -> copied'),
	('COMMENT ON CAST (mood AS int) IS NULL', 'cast (k.mood AS integer) | comment: a cast -> -'),
	('COMMENT ON CONVERSION my_conversion IS ''default''', 'conversion k.my_conversion | comment: - -> default'),
	('ALTER CONVERSION other OWNER TO kinds_owner', 'conversion k.other | owner: postgres -> kinds_owner'),
	('ALTER COLLATION "my C" OWNER TO kinds_owner', 'collation k."my C" | owner: postgres -> kinds_owner'),
	('COMMENT ON COLLATION "my C" IS ''plain''', 'collation k."my C" | comment: - -> plain'),
	('UPDATE pg_collation SET collversion = ''9.9'' WHERE collname = ''my_icu''', NULL),
	('CREATE TYPE pg_temp.temporary AS ENUM ()', NULL),
	('SET search_path = public, t, pg_catalog', NULL), ('SET quote_all_identifiers = on', NULL), ('SET timezone = ''Asia/Tokyo''', NULL), ('SET datestyle = ''SQL, DMY''', NULL),
	('SET extra_float_digits = 0', NULL), ('SET intervalstyle = iso_8601', NULL), ('SET bytea_output = escape', NULL)) v (sql, wanted);
RESET ALL;
SELECT is(mg_snapshot() -> 'about' ->> 'unmodelled', '[]', 'and nothing is without a picture');
CREATE SCHEMA left_out;
ALTER DEFAULT PRIVILEGES IN SCHEMA left_out GRANT SELECT ON TABLES TO PUBLIC;
CREATE TYPE left_out.t AS (a int);
CREATE FUNCTION left_out.f(left_out.t) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE CAST (left_out.t AS int) WITH FUNCTION left_out.f(left_out.t);
SELECT mg_set_policy('ignored_schemas', 'left_out', 'not ours') \g /dev/null
SELECT is(mg_snapshot() -> 'about' ->> 'unmodelled', '[]', 'what goes with a schema that is left out is left out with it');
SELECT mg_set_policy('ignored_schemas', '', 'ours again') \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA left_out CASCADE;
RESET client_min_messages;

DROP OWNED BY kinds_owner, "kinds Reader" CASCADE;
DROP ROLE kinds_owner, "kinds Reader";
SELECT * FROM finish();
