-- Migrations shaped like those of written migration policies: templates with checks around them, phases, row-level security,
-- their verification queries as they stand, and the ones that a policy recommends but a transaction cannot run.
\ir lib/errors.sql
SELECT no_plan();

CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid';
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$SELECT 'service_role'::text$$;
CREATE TABLE auth.users (id uuid PRIMARY KEY);
CREATE TABLE members (id int PRIMARY KEY, old_name text, setting text, email text);
INSERT INTO members VALUES (1, 'one', '10', NULL), (2, 'two', 'x', 'two@example.org');

-- A template: precondition in a DO block, work, check in a DO block, a record in a table of its own, all in BEGIN and COMMIT.
CREATE TABLE own_migrations (version text PRIMARY KEY, description text, applied_at timestamptz);
SELECT mg_set_policy('naming', 'date_sequence', 'the convention of this policy');
SELECT is((SELECT status || statements FROM mg_apply('20250301_001_member_levels', $up$-- Migration: 20250301_001_member_levels.sql
-- Description: Levels for members
-- Author: Ada
-- Date: 2025-03-01

BEGIN;

-- Is what we build on there?
DO $$
BEGIN
    -- members must exist
    IF NOT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = 'members') THEN
        RAISE EXCEPTION 'no members';
    END IF;
END
$$;

ALTER TABLE members
ADD COLUMN level INTEGER DEFAULT 0 NOT NULL;

CREATE INDEX members_level
ON members(level)
WHERE level > 0;

-- Did it work?
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'members' AND column_name = 'level') THEN
        RAISE EXCEPTION 'no level';
    END IF;
END
$$;

INSERT INTO own_migrations (version, description, applied_at)
VALUES ('20250301_001', 'Levels for members', NOW());

COMMIT;
$up$, $down$-- Rollback: 20250301_001_member_levels.sql

BEGIN;

DROP INDEX IF EXISTS members_level;
ALTER TABLE members DROP COLUMN IF EXISTS level;

DELETE FROM own_migrations
WHERE version = '20250301_001';

COMMIT;
$down$)), 'applied5', 'a template with checks around the work, in BEGIN and COMMIT');
SELECT is(t.rows($$SELECT metadata->'headers'->>'author', metadata->'headers'->>'date', metadata->'headers'->>'migration', description, version FROM mg.history$$),
	'Ada|2025-03-01|20250301_001_member_levels.sql|Levels for members|20250301_001', 'its headers are fields');
SELECT is((SELECT jsonb_path_query_array(timings, '$[*][0]') FROM mg.runs), '[9, 18, 21, 26, 34]', 'its statements are at the lines they have in the file');
SELECT is(t.rows('SELECT version FROM own_migrations'), '20250301_001', 'its own record was made');
SELECT is((SELECT status FROM mg_rollback()), 'rolled back', 'its rollback template works');
SELECT is(t.rows('SELECT count(*) FROM own_migrations'), '0', 'and took the record back');
SELECT is((SELECT count(*) FROM information_schema.columns WHERE table_name = 'members' AND column_name = 'level'), 0::bigint, 'and the column');
SELECT alike(t.applying('20250301_002_needs', E'BEGIN;\nDO $$\nBEGIN\n  IF NOT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = ''nowhere'') THEN\n    RAISE EXCEPTION ''no nowhere'';\n  END IF;\nEND\n$$;\ncreate table needs (i int);\nCOMMIT;'),
	'P0001 no nowhere%migration "20250301_002_needs", up, line 2: DO $$ BEGIN IF NOT EXISTS%', 'a check that raises is an error of its own, with its place');
SELECT ok(NOT t.there('needs'), 'and nothing stays');

-- A template whose check stands before BEGIN and only says that it has run already.
SELECT mg_set_policy('naming', 'typed_timestamp', 'the convention of this policy');
SELECT is((SELECT status || statements FROM mg_apply('20250302101500_create_measurements', $up$-- Migration: 20250302101500_create_measurements.sql
-- Author: ada
-- Ticket: OPS-7
-- Description: Where measurements go

-- $up$ || repeat('=', 44) || $up$
-- Checks
-- $up$ || repeat('=', 44) || $up$
DO $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM own_migrations
    WHERE version = '20250302101500_create_measurements'
  ) THEN
    RAISE NOTICE 'has run already';
    RETURN;
  END IF;
END $$;

-- $up$ || repeat('=', 44) || $up$
-- Up
-- $up$ || repeat('=', 44) || $up$
BEGIN;

CREATE SCHEMA lab;
CREATE TABLE IF NOT EXISTS lab.measurements (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  name TEXT NOT NULL,
  value NUMERIC NOT NULL,
  taken_at TIMESTAMPTZ DEFAULT NOW(),
  details JSONB
);
CREATE INDEX measurements_taken_at ON lab.measurements(taken_at);
ALTER TABLE lab.measurements ENABLE ROW LEVEL SECURITY;
CREATE POLICY "measurements may be read" ON lab.measurements
  FOR SELECT USING (auth.role() IN ('authenticated', 'service_role'));
INSERT INTO lab.measurements (name, value, taken_at)
SELECT
  'level_' || id,
  COUNT(*),
  NOW()
FROM members
GROUP BY id;

INSERT INTO own_migrations (version, description, applied_at)
VALUES ('20250302101500_create_measurements', current_user, NOW());

COMMIT;

-- $up$ || repeat('=', 44) || $up$
-- The rollback script is in a file of its own
-- $up$ || repeat('=', 44), 'BEGIN; DROP SCHEMA lab CASCADE; DELETE FROM own_migrations; COMMIT;')), 'applied8', 'a template with a DO block before BEGIN');
SELECT is(t.rows($$SELECT metadata->'headers'->>'ticket', description FROM mg.history WHERE migration_name ~ 'measurements'$$), 'OPS-7|Where measurements go', 'ticket and description are fields');
SELECT is((SELECT rows FROM mg.runs WHERE migration ~ 'measurements'), 3::bigint, 'the rows it wrote are counted');
SELECT is((SELECT count(*) FROM jsonb_path_query((SELECT objects FROM mg.runs WHERE migration ~ 'measurements'), '$[*] ? (@.change == "created")')), 5::bigint, 'schema, table, two indexes and the policy are its objects');
SELECT is((SELECT count(*) FROM mg_verify('20250302101500_create_measurements') WHERE ok AND check_name = 'object'), 5::bigint, 'and are verified');
SELECT is((SELECT status FROM mg_apply('20250302101500_create_measurements')), 'skipped', 'the server knows by itself that it has run');
SELECT alike(t.applying('2025030210150_alter_x', 'select 1'), 'MG001%YYYYMMDDHHMMSS_type_description%', 'its naming convention holds');

-- Numbered files; a column by phases; a data check with ASSERT as the migration's own test.
SELECT mg_set_policy('naming', 'sequence', 'the convention of this policy');
SELECT is((SELECT status || statements FROM mg_apply('001_place', $$
-- Step 1: add
ALTER TABLE members ADD COLUMN place VARCHAR(255) DEFAULT 'Hall A';
-- Step 2: fill
UPDATE members SET place = old_name;

-- Step 3: the application changes

-- Step 4: drop, in another migration
$$, 'ALTER TABLE members DROP COLUMN IF EXISTS place; DROP INDEX IF EXISTS members_place;', $$
DO $d$
BEGIN
  ASSERT (SELECT COUNT(*) FROM members) > 0, 'members should not be empty';
  ASSERT (SELECT COUNT(*) FROM members WHERE place IS NULL) = 0, 'no member without a place';
END $d$;
$$)), 'applied2', 'a column in steps, checked by ASSERT');
SELECT is((SELECT bool_and(ok) FROM mg_verify('001_place')), true, 'which mg_verify() runs again');
INSERT INTO members VALUES (3, 'three', NULL, NULL, NULL);
SELECT is(t.rows($$SELECT ok, check_name, actual FROM mg_verify('001_place')$$), 'false|query|no member without a place', 'and which fails when the data no longer fit');
DELETE FROM members WHERE id = 3;
SELECT alike(t.applying('002_assert', 'create table assert_left (i int)', NULL, E'select 1;\ndo $$ begin\n assert false, ''not so'';\nend $$'),
	'P0004 not so%CONTEXT: migration "002_assert", verify, line 2: do $$ begin%', 'a failed ASSERT fails the migration');
SELECT ok(NOT t.there('assert_left'), 'and undoes it');
SELECT is((SELECT status FROM mg_apply('003_names', $$
ALTER TABLE members
ADD COLUMN new_name TEXT;

UPDATE members
SET new_name = old_name
WHERE new_name IS NULL;

ALTER TABLE members
DROP COLUMN old_name;

ALTER TABLE members ADD COLUMN setting_number INTEGER;
UPDATE members SET setting_number = setting::INTEGER WHERE setting ~ '^[0-9]+$';
UPDATE members SET email = 'unknown@example.org' WHERE email IS NULL;
ALTER TABLE members ALTER COLUMN email SET NOT NULL;
CREATE TABLE members_copy AS SELECT * FROM members;
CREATE TABLE new_data (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID REFERENCES auth.users(id) ON DELETE CASCADE,
    config JSONB DEFAULT '{}'
);
ALTER TABLE new_data ENABLE ROW LEVEL SECURITY;
CREATE POLICY "own rows only" ON new_data FOR ALL USING ((SELECT auth.uid()) = user_id);
CREATE INDEX new_data_user ON new_data(user_id) WHERE user_id IS NOT NULL;
CREATE TYPE member_role AS ENUM ('reader', 'writer');
ALTER TABLE members ADD COLUMN role member_role;
$$, 'ALTER TABLE members DROP COLUMN role; DROP TYPE member_role; DROP TABLE new_data, members_copy; ALTER TABLE members ADD COLUMN old_name text;', $$
-- Verify that the column is there
SELECT column_name, data_type, is_nullable
FROM information_schema.columns
WHERE table_name = 'members' AND column_name = 'new_name';

-- Verify that the index is there
SELECT indexname, indexdef
FROM pg_indexes
WHERE tablename = 'new_data' AND indexname = 'new_data_user';

-- Verify that the policy is there
SELECT policyname, permissive, roles, cmd, qual
FROM pg_policies
WHERE tablename = 'new_data' AND policyname = 'own rows only';

SELECT COUNT(*) FROM members_copy; -- as many as before
SELECT
    COUNT(*) as total,
    COUNT(DISTINCT id) as ids,
    COUNT(*) FILTER (WHERE email IS NULL) as without_email
FROM members;
SELECT constraint_name, table_name FROM information_schema.table_constraints WHERE table_name = 'members';
SELECT COUNT(*) FROM members WHERE email IS NULL; -- expect: 0
-- expect: 0
SELECT * FROM members_copy WHERE email IS NULL; -- Should be empty
-- expect: none
$$)), 'applied', 'phases, row-level security, a foreign key, an enum, and verification queries as policies write them');
SELECT is((SELECT jsonb_path_query_array(evidence, '$[*].status') FROM mg.runs WHERE migration = '003_names'),
	'["shown", "shown", "shown", "shown", "shown", "shown", "passed", "passed", "shown"]', 'what has no answer to compare with is shown, not passed');
SELECT is((SELECT evidence->0->'rows' FROM mg.runs WHERE migration = '003_names'), '[{"column_name": "new_name", "data_type": "text", "is_nullable": "YES"}]', 'and kept as evidence');
SELECT is((SELECT bool_and(ok) FROM mg_verify('003_names')), true, 'all of it holds afterwards');
SELECT alike(t.applying('004_unproved', 'select 1', NULL, E'SELECT column_name\nFROM information_schema.columns\nWHERE table_name = ''members'' AND column_name = ''never'''),
	'MG402 verification of migration "004_unproved" failed%expected at least one row, got no row.%', 'a verification query without rows fails');
SELECT is((SELECT status FROM mg_rollback('003_names')), 'rolled back', 'its rollback works');

-- What these policies recommend for big tables cannot run in a transaction.
SELECT alike(t.applying('005_big', E'-- Description: missing index\nCREATE INDEX CONCURRENTLY members_range\nON members(id, email);\n\nANALYZE members;'),
	'0A000 CREATE INDEX CONCURRENTLY cannot run inside a transaction%line 2: CREATE INDEX CONCURRENTLY members_range ON members(id, email)%HINT: %', 'CREATE INDEX CONCURRENTLY');
SELECT alike(t.applying('005_big', E'DELETE FROM members;\n-- after large deletes\nVACUUM ANALYZE members;'), '0A000 VACUUM cannot run inside a transaction%line 3%', 'VACUUM ANALYZE');
SELECT is((SELECT count(*) FROM members), 2::bigint, 'and nothing was deleted before it was seen');
SELECT is((SELECT status FROM mg_apply('005_big', $$UPDATE members
SET setting = 'y'
WHERE id IN (
  SELECT id FROM members
  WHERE setting = 'x'
  LIMIT 1000
);$$)), 'applied', 'an update in batches runs');

-- A file with a template's placeholders left in it.
SELECT alike(t.applying('006_left', E'CREATE INDEX idx_name ON table(column);'), '42601 syntax error at or near "table"%line 1, column 26%', 'a placeholder that is no name is a syntax error');

SELECT * FROM finish();
