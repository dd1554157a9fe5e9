-- Assertions as pgTAP counts them, and as they are without it.
\ir lib/errors.sql
SELECT plan(23);

SELECT is((SELECT status FROM mg_apply('one', 'CREATE TABLE one (i int)', 'DROP TABLE one', E'SELECT count(*) FROM one;\n-- expect: 0')), 'applied', 'a migration');
SELECT is((SELECT status FROM mg_register('two', 'CREATE TABLE two (i int)')), 'pending', 'another one that waits');

-- These are tests of this file themselves.
SELECT mg_is_applied('one');
SELECT mg_is_applied('one', 'a description of one''s own');
SELECT mg_is_not_applied('two');
SELECT mg_is_not_applied(name => 'three', description => 'one that nobody knows');
SELECT mg_verifies('one');
SELECT mg_verifies();
SELECT mg_verifies(NULL, 'all of it');

-- What they say when they fail. pgTAP's own numbers and marks of failure are put back.
CREATE FUNCTION t.line(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	number bigint := last_value FROM __tresults___numb_seq;
BEGIN
	BEGIN
		EXECUTE sql INTO line;
		RAISE EXCEPTION USING ERRCODE = 'MGT01';
	EXCEPTION WHEN SQLSTATE 'MGT01' THEN
	END;
	PERFORM setval('__tresults___numb_seq', number);
	RETURN regexp_replace(line, '^((?:not )?ok) [0-9]+', '\1 N');
END $$;
SELECT is(t.line('SELECT mg_is_applied(''one'')'), 'ok N - migration "one" is applied', 'pgTAP''s line');
SELECT alike(t.line('SELECT mg_is_applied(''two'')'), E'not ok N - migration "two" is applied\n# Failed test%\n# migration "two" is pending', 'one that is not applied');
SELECT alike(t.line('SELECT mg_is_applied(''three'', ''mine'')'), E'not ok N - mine\n# Failed test%\n# migration "three" is not known', 'one that is not known');
SELECT alike(t.line('SELECT mg_is_not_applied(''one'')'), E'not ok N - migration "one" is not applied\n# Failed test%\n# migration "one" is applied', 'one that is applied');
SELECT alike(t.line('SELECT mg_verifies(''two'')'), E'not ok N - migration "two" verifies\n# Failed test%\n# migration "two" is not applied', 'what is not applied does not verify');
INSERT INTO one VALUES (1);
SELECT alike(t.line('SELECT mg_verifies(''one'')'), E'not ok N - migration "one" verifies\n# Failed test%\n# query: line 1: SELECT count(*) FROM one: expected 0, got 1', 'what fails is told');
SELECT alike(t.line('SELECT mg_verifies()'), E'not ok N - everything verifies\n# Failed test%\n# one: query: line 1: SELECT count(*) FROM one: expected 0, got 1', 'and of which migration');
SELECT is(t.said('SELECT mg_is_applied(NULL)'), '22004 name of the migration must not be NULL', 'a name is needed');

-- A name can be made to look like a directive of the protocol.
SELECT alike(t.line('SELECT mg_is_applied(''four # SKIP not yet'')'), E'not ok N - migration "four \\\\# SKIP not yet" is applied\n%', 'a directive in a name is none');
SELECT alike(t.line($$SELECT mg_is_applied(E'five\nok 7 - six')$$), E'not ok N - migration "five\n# ok 7 - six" is applied\n# Failed test%\n# migration "five\n# ok 7 - six" is not known', 'nor is a line end a line of its own');

-- Whatever the path is.
SET search_path = '';
SELECT mg_is_applied('one', 'without a search path');
RESET search_path;

-- Without pgTAP a line has no number.
BEGIN;
DROP EXTENSION pgtap CASCADE;
SELECT mg_is_applied('one') AS fine, mg_is_applied('two', 'mine') AS mine, mg_is_applied(E'four\r# SKIP') AS odd \gset
ROLLBACK;
SELECT is(:'fine'::text, 'ok - migration "one" is applied', 'a plain line');
SELECT is(:'mine'::text, E'not ok - mine\n# migration "two" is pending', 'and one that fails');
SELECT is(:'odd'::text, E'not ok - migration "four\n# \\# SKIP" is applied\n# migration "four\n# # SKIP" is not known', 'with an odd name');

SELECT * FROM finish();
