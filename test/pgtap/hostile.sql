-- Hostile surroundings: everything that names could resolve to instead, string syntax of old, texts that look like something else.
\ir lib/errors.sql
SELECT no_plan();

SELECT is((SELECT status FROM mg_apply('before', 'create table before (i int)', 'drop table before', 'select true')), 'applied', 'a migration in good times');

-- Operators, functions, tables, types and domains in front of the server's own. Each writes down that it was used.
CREATE SCHEMA evil;
CREATE TABLE evil.used (what text);
CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO evil.used VALUES ('='); RETURN true; END $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
CREATE FUNCTION evil.arrow(jsonb, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO evil.used VALUES ('->>'); RETURN 'evil'; END $$;
CREATE OPERATOR public.->> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = evil.arrow);
DO $$
DECLARE
	one text;
BEGIN
	FOREACH one IN ARRAY ARRAY['to_regclass(text) RETURNS regclass', 'current_database() RETURNS name', 'clock_timestamp() RETURNS timestamptz', 'now() RETURNS timestamptz', 'pg_database_size(name) RETURNS bigint',
		'mg_run() RETURNS text', 'mg_seal() RETURNS text', 'mg_apply(text, text) RETURNS text', 'jsonb_array_elements(jsonb) RETURNS SETOF jsonb', 'format(text, text, text) RETURNS text', 'array_position(text[], text) RETURNS int',
		'pg_get_object_address(text, text[], text[]) RETURNS int', 'current_setting(text) RETURNS text', 'to_char(timestamptz, text) RETURNS text', 'date_trunc(text, interval) RETURNS interval', 'pg_backend_pid() RETURNS int',
		'jsonb_array_elements_text(jsonb) RETURNS SETOF text', 'to_jsonb(record) RETURNS jsonb', 'row_number() RETURNS bigint'] LOOP
		CONTINUE WHEN one ~ 'record';
		EXECUTE 'CREATE FUNCTION evil.' || one || ' LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO evil.used VALUES (' || quote_literal(one) || '); RAISE EXCEPTION ''evil''; END $f$';
	END LOOP;
	FOREACH one IN ARRAY ARRAY['pg_class', 'pg_namespace', 'pg_locks', 'pg_stat_activity', 'pg_extension', 'pg_event_trigger', 'pg_proc', 'pg_database', 'run', 'script', 'installation', 'current', 'statement', 'mg_run', 'applied', 'record_id'] LOOP
		EXECUTE format('CREATE TABLE evil.%I (evil int); CREATE TEMP TABLE %I (evil int)', one, one);
	END LOOP;
END $$;
CREATE DOMAIN evil.int8 AS pg_catalog.text; CREATE DOMAIN evil.jsonb AS pg_catalog.text; CREATE DOMAIN pg_temp.uuid AS pg_catalog.text; CREATE TYPE evil.interval AS (a pg_catalog.int4);
\set hostile 'SET search_path = pg_temp, evil, public, pg_catalog;'
:hostile
SELECT pg_catalog.mg_apply('inside', 'create table public.inside (i pg_catalog.int4)', 'drop table public.inside', 'select true', ARRAY['before']) \gset
SELECT pg_catalog.mg_apply('inside', 'create table public.inside (i pg_catalog.int4)', 'drop table public.inside', 'select true', ARRAY['before']) AS again \gset
SELECT pg_catalog.bool_and(ok) AS verified FROM pg_catalog.mg_verify('inside') \gset
SELECT pg_catalog.bool_and(ok) AS sound FROM pg_catalog.mg_verify() WHERE migration IS NULL \gset
SELECT pg_catalog.count(*) AS aspects FROM pg_catalog.mg_status() \gset
SELECT (pg_catalog.mg_register('registered', 'select 1')).status AS registered \gset
SELECT (pg_catalog.mg_template('create', 'x')).name AS template \gset
SELECT pg_catalog.mg_seal() IS NOT NULL AS sealed \gset
SELECT pg_catalog.mg_export() IS NOT NULL AS exported \gset
SELECT pg_catalog.count(*) AS history FROM mg.history \gset
SELECT pg_catalog.count(*) AS runs FROM mg.runs \gset
SELECT pg_catalog.count(*) AS statuses FROM mg.status \gset
SELECT pg_catalog.count(*) AS policies FROM mg.policy \gset
SELECT (pg_catalog.mg_rollback('inside')).status AS back \gset
RESET search_path;
SELECT alike(:'mg_apply'::text, '(inside,applied,%', 'applied among them');
SELECT alike(:'again'::text, '(inside,skipped,%', 'skipped among them');
SELECT is(:'verified'::text, 't', 'verified');
SELECT is(:'sound'::text, 't', 'the ledger is sound');
SELECT ok(:aspects > 5, 'mg_status()');
SELECT is(:'registered'::text, 'pending', 'registered');
SELECT is(:'template'::text, 'x', 'a template');
SELECT is(:'sealed'::text || :'exported', 'tt', 'sealed and exported');
SELECT is(ARRAY[:history, :runs, :statuses, :policies], ARRAY[2, 2, 3, 54], 'the views');
SELECT is(:'back'::text, 'rolled back', 'rolled back');
SELECT is((SELECT count(*) FROM evil.used), 0::bigint, 'and nothing of it was used');
SELECT ok((SELECT size_before > 0 AND started_at > now() - interval '1 minute' FROM mg.runs WHERE migration = 'inside' AND action = 'apply'), 'figures are the right ones');
SELECT alike(t.applying('uses', 'set search_path = evil, pg_catalog; select mg_run()'), 'P0001 evil%', 'a script may name what it wants');
SET search_path = '';
SELECT t.applying('nowhere', 'create table nowhere (i int)') AS nowhere, t.applying('somewhere', 'create table public.somewhere (i int)') AS somewhere \gset
RESET search_path;
SELECT is(:'nowhere'::text, E'3F000 no schema has been selected to create in\nCONTEXT: migration "nowhere", up, line 1: create table nowhere (i int)', 'an empty search_path is the caller''s');
SELECT is(:'somewhere'::text, 'no error', 'a script with names in full runs with it');

-- standard_conforming_strings = off, as old dumps have it.
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT is((SELECT count(*) FROM mg_parse('select ''a\\''; b''; select 2')), 2::bigint, 'a script is cut with the strings that the session has');
SELECT is(t.applying('strings', 'create table strings (t text default ''a\\''; b''); select 2'), 'no error', 'and runs with them');
RESET standard_conforming_strings;
RESET escape_string_warning;
INSERT INTO strings DEFAULT VALUES;
SELECT is((SELECT t FROM strings), 'a''; b', 'the string is what it was meant to be');
SELECT is(t.said('SELECT mg_apply(''strings'')'), 'no error', 'an applied one is skipped whatever the strings are now');
SELECT is(t.applying('switch', E'set standard_conforming_strings = off;\ncreate table switch (t text default ''a\\\\b'')'), 'no error', 'a script that switches itself');
INSERT INTO switch DEFAULT VALUES;
SELECT is((SELECT t FROM switch), 'a\b', 'is read as it asks');

-- Texts that look like something else.
SELECT is(t.applying('looks', $s$create table looks (t text); -- \d ; COPY x FROM stdin; BEGIN;
insert into looks values ('\d'), ('copy x from stdin;'), ('begin; commit; vacuum;'), (E'\\.'), ($$-- Author: nobody$$), ('$s'), ('%s %n');
/* vacuum; */ do $d$ begin perform 'vacuum; create database x'; end $d$;$s$), 'no error', 'strings and comments are no statements');
SELECT is((SELECT count(*) FROM looks), 7::bigint, 'and are kept as they are');
SELECT is((SELECT metadata->'headers' FROM mg.history WHERE migration_name = 'looks'), '{}', 'nor are they headers');
SELECT alike(t.applying('percent', E'do $$ begin raise exception using message = ''100% % %s %n'', detail = ''%d'', hint = ''%m''; end $$'), E'P0001 100% % %s %n\nDETAIL: %d\nHINT: %m\nCONTEXT: migration "percent", up, line 1: %', 'percent signs in errors');
SELECT is((SELECT error FROM mg.runs WHERE migration = 'percent'), '100% % %s %n', 'and on record');
SELECT alike(t.applying('unicode', E'do $$ begin raise exception ''💥 %'', repeat(''é'', 5000); end $$'), 'P0001 💥 ééé%', 'a long error of many bytes');
SELECT is((SELECT char_length(error) FROM mg.runs WHERE migration = 'unicode'), 5002, 'is on record whole');

-- What a migration may not do to the ledger.
SELECT matches(t.applying('tries', E'create table tries (i int);\n' || sql), '^(55000|0A000|2BP01) .*line 2', sql) FROM unnest(ARRAY['delete from mg.run', 'update mg.run set outcome = ''applied''', 'truncate mg.run', 'insert into mg.run select * from mg.run limit 1',
	'alter table mg.run add column x int', 'drop table mg.run cascade', 'drop schema mg cascade', 'drop extension migration_governance cascade']) sql;
SELECT is((SELECT count(*) FROM mg.runs WHERE migration = 'tries' AND outcome IN ('failed', 'refused')), 7::bigint, 'each try is on record, but for the one that holds the lock on the ledger when it fails');
SELECT is((SELECT count(*) FROM mg_verify() WHERE NOT ok AND migration IS NULL), 0::bigint, 'and the ledger is sound');

SELECT * FROM finish();
