-- Names by convention, their order, and what migrations require of each other.
\ir lib/errors.sql
SELECT no_plan();

-- Versions. Numbers are compared as numbers.
SELECT lives_ok($$SELECT mg_set_policy('naming', 'sequence', 'test')$$, 'the sequence');
SELECT is(t.applying('002_b', 'select 1'), 'no error', '002');
SELECT is(t.applying('002_c', 'select 1'), E'MG002 version 002 is taken by migration "002_b"\nDETAIL: Two migrations with one version have no order.\nHINT: Give "002_c" the next free version.', '002 again');
SELECT alike(t.applying('0002_c', 'select 1'), 'MG002 version 0002 is taken by migration "002_b"%', '0002 is the same number');
SELECT is(t.said($$SELECT mg_register('002_c', 'select 1')$$), E'MG002 version 002 is taken by migration "002_b"\nDETAIL: Two migrations with one version have no order.\nHINT: Give "002_c" the next free version.', 'registering it is refused too');
SELECT is(t.applying('999_d', 'select 1'), 'no error', 'a gap is no error');
SELECT is(t.applying('1000_e', 'select 1'), 'no error', 'a digit more');
SELECT is((SELECT name FROM mg_template('create', 'Add user roles!')), '1001_add_user_roles', 'the next name after 1000');
SELECT is(t.applying('998_late', 'select 1'), 'no error', 'out of order is no error');
SELECT is((SELECT version FROM mg.history WHERE migration_name = '1000_e'), '1000', 'the version has a column');
SELECT is(t.rows($$SELECT migration_name FROM mg.history ORDER BY id$$), E'002_b\n999_d\n1000_e\n998_late', 'mg.history is in the order of application');
SELECT alike((SELECT up FROM mg_template('create', 'Add user roles!', 'Ada', 'T-1')), E'-- Migration: 1001_add_user_roles\n-- Author: Ada\n-- Ticket: T-1\n-- Description: Add user roles!\n-- Date: ____-__-__\n%', 'a template has the headers');
SELECT is((SELECT metadata->'headers'->>'ticket' FROM mg.history WHERE migration_name = '1001_add_user_roles'), NULL, 'not applied yet');
SELECT is((SELECT t.applying(name, up, down) FROM mg_template('create', 'Add user roles!', 'Ada', 'T-1')), 'no error', 'a template can be applied as it is');
SELECT is((SELECT metadata->'headers'->>'ticket' FROM mg.history WHERE migration_name = '1001_add_user_roles'), 'T-1', 'and its headers are read');
SELECT lives_ok($$SELECT mg_set_policy('naming', 'typed_timestamp', 'test')$$, 'typed timestamps');
SELECT matches((SELECT name FROM mg_template('alter', 'Größe  der "Halle"')), '^\d{14}_alter_[a-z0-9_]+$', 'a template follows the convention');
SELECT alike(t.said($$SELECT mg_template('make', 'x')$$), E'22023 unknown kind of migration: "make"\nHINT: Kinds are create, alter, drop, seed and fix.', 'an unknown kind');
SELECT lives_ok($$SELECT mg_set_policy('naming', 'free', 'test')$$, 'free again');

-- The name that does not fit is refused with pattern and example; the one that does is taken.
CREATE TEMP TABLE names (convention text, name text, reason text);
INSERT INTO names VALUES
	('sequence', 'add_users', 'The name does not begin with a number of at least three digits.'), ('sequence', '01_x', 'The name does not begin with a number of at least three digits.'),
	('sequence', '001-x', 'The number "001" is not followed by an underscore.'), ('sequence', '001_', 'The description is missing.'), ('sequence', '001_Add', 'The description may contain only lower-case%'), ('sequence', '001_é', 'The description may contain only lower-case%'),
	('sequence', '001_x', NULL), ('sequence', '0123_add_2_columns', NULL),
	('timestamp', '001_x', 'The name does not begin with a time of fourteen digits%'), ('timestamp', '20250230120000_x', '"20250230120000" is not a valid date and time.'), ('timestamp', '20250228250000_x', '"20250228250000" is not a valid%'),
	('timestamp', '20250228120000', 'The time is not followed by an underscore.'), ('timestamp', '20240229120000_Add-users_2', NULL),
	('typed_timestamp', '20250228120000_make_x', 'The time is not followed by one of the types create, alter, drop, seed, fix.'), ('typed_timestamp', '20250228120000_create', 'The description is missing.'), ('typed_timestamp', '20250228120001_create_Users', 'The description may contain only lower-case%'),
	('typed_timestamp', '20250228120000_create_users', NULL), ('typed_timestamp', '20250228120001_fix_x', NULL),
	('date_sequence', '20250228_x', 'What follows the date does not begin with a number of at least three digits.'), ('date_sequence', '20251301_001_x', '"20251301" is not a valid date.'), ('date_sequence', '20250228_1_x', 'What follows the date%'),
	('date_sequence', '20250228_001_x', NULL), ('date_sequence', '20250228_002_y', NULL), ('free', 'Any name, of any kind', NULL);
CREATE FUNCTION t.in_convention(convention text, name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mg_set_policy('naming', convention, 'test');
	RETURN t.said(format('SELECT mg_register(%L, ''select 1'')', name));
END $$;
SELECT alike(t.in_convention(convention, name), CASE WHEN reason IS NULL THEN 'no error' ELSE 'MG001 the name of migration "' || name || '" does not follow the convention "' || convention || E'"\nDETAIL: ' || reason || E'\nHINT: The pattern is %, for example %.' END,
	convention || ': ' || name) FROM names;
SELECT is((SELECT count(*) FROM names n WHERE reason IS NOT NULL AND name <> '001_x' AND EXISTS (SELECT FROM mg.registration r WHERE r.migration = n.name)), 0::bigint, 'no refused name is kept');
SELECT is((SELECT value FROM mg.policy WHERE setting = 'naming'), 'free', 'mg.policy tells the convention');
SELECT alike((SELECT source FROM mg.policy WHERE setting = 'naming'), 'set by % at %: test', 'who set it, when and why');
SELECT is(t.said($$SELECT mg_set_policy('naming', 'pascal', 'x')$$), E'22023 unknown naming convention "pascal"\nHINT: Conventions are: free, sequence, timestamp, typed_timestamp, date_sequence.', 'an unknown convention');
SELECT alike(t.said($$SELECT mg_set_policy('nameing', 'free', 'x')$$), E'22023 unknown policy setting "nameing"\nHINT: Settings are: %naming%', 'an unknown setting');

-- Requirements.
SELECT is(t.applying('q1', 'select 1', requires => '{q2}'), E'MG004 migration "q1" requires "q2", which is not known\nHINT: Register or apply "q2" first, or correct its name.', 'one that nobody knows');
SELECT is(t.rows($$SELECT outcome, sqlstate FROM mg.runs WHERE migration = 'q1'$$), 'refused|MG004', 'the refusal is on record');
SELECT is(t.applying('q1', 'select 1', requires => '{q1}'), E'MG005 migration "q1" requires migrations in a circle\nDETAIL: The circle is: q1 requires q1.', 'itself');
SELECT is(t.said($$SELECT mg_register('q3', 'select 1')$$), 'no error', 'q3');
SELECT is(t.said($$SELECT mg_register('q2', 'select 1', requires => '{q3}')$$), 'no error', 'q2 requires q3');
SELECT is(t.said($$SELECT mg_register('q1', 'select 1', requires => '{q2}')$$), 'no error', 'q1 requires q2');
SELECT is(t.said($$SELECT mg_register('q3', 'select 1', requires => '{q1}')$$), E'MG005 migration "q3" requires migrations in a circle\nDETAIL: The circle is: q3 requires q1 requires q2 requires q3.', 'a circle, with its chain');
SELECT is(t.applying('q3', 'select 1', requires => '{q1}'), E'MG005 migration "q3" requires migrations in a circle\nDETAIL: The circle is: q3 requires q1 requires q2 requires q3.', 'a circle is refused when applied as well');
SELECT is((SELECT requires FROM mg.status WHERE migration = 'q3'), '{}', 'and not kept');
SELECT is(t.said('SELECT mg_apply(''q1'')'), E'MG006 migration "q1" requires "q2", which is not applied\nDETAIL: Not applied yet: q1 requires q2 requires q3.\nHINT: Apply "q3" first.', 'what is not applied yet, with the chain and where to begin');
SELECT is((SELECT status FROM mg.status WHERE migration = 'q1'), 'pending', 'a refused one is still pending');
SELECT is(t.said('SELECT mg_apply(''q3'')'), 'no error', 'q3');
SELECT is(t.said('SELECT mg_apply(''q1'')'), E'MG006 migration "q1" requires "q2", which is not applied\nDETAIL: Not applied yet: q1 requires q2.\nHINT: Apply "q2" first.', 'a shorter chain');
SELECT is(t.said('SELECT mg_apply(''q2'')'), 'no error', 'q2');
SELECT is(t.said('SELECT mg_apply(''q1'')'), 'no error', 'q1');
SELECT is(t.applying('q4', 'select 1', requires => '{q1,nowhere}'), E'MG004 migration "q4" requires "nowhere", which is not known\nHINT: Register or apply "nowhere" first, or correct its name.', 'one of two');
SELECT is(t.applying('q4', 'select 1', requires => '{q1,q1,q2}'), 'no error', 'one named twice');
SELECT is(t.applying('q5', E'-- Requires: q1, q4\n-- Requires: q2\nselect 1'), 'no error', 'the header is as good as the argument');
SELECT is((SELECT requires FROM mg.status WHERE migration = 'q5'), '{q1,q4,q2}', 'all of it');
SELECT is((SELECT metadata->'requires' FROM mg.history WHERE migration_name = 'q5'), '["q1", "q4", "q2"]', 'in mg.history too');
SELECT alike(t.applying('q6', E'-- requires: nowhere\nselect 1'), 'MG004 migration "q6" requires "nowhere"%', 'a header that requires what nobody knows');
SELECT is(t.applying('q6', E'-- requires: nowhere\nselect 1', requires => '{q5}'), 'no error', 'the argument goes before the header');
SELECT is((SELECT status FROM mg_register('q3', 'select 1', 'select 1')), 'applied', 'a down script for q3');
SELECT alike(t.said($$SELECT mg_rollback('q3')$$), 'MG405 %"q2" requires it%', 'what is required stays');
CREATE FUNCTION t.chain(length int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..length LOOP
		PERFORM mg_register('chain ' || i, 'select 1', requires => CASE WHEN i > 1 THEN ARRAY['chain ' || i - 1] END);
	END LOOP;
	RETURN t.said(format('SELECT mg_apply(''chain %s'')', length));
END $$;
SELECT alike(t.chain(300), 'MG006 migration "chain 300" requires "chain 299", which is not applied%chain 2 requires chain 1.%Apply "chain 1" first.', 'a long chain');
SELECT alike(t.said($$SELECT mg_register('chain 1', 'select 1', requires => '{chain 300}')$$), 'MG005 migration "chain 1" requires migrations in a circle%', 'a long circle');

SELECT * FROM finish();
