-- Preconditions, verification queries, mg_verify.
SELECT mg_apply('verify one', 'CREATE TABLE verify_one (i int)', precondition => 'SELECT to_regclass(''pg_class'') IS NULL');
SELECT mg_apply('verify one', 'CREATE TABLE verify_one (i int)', verify => 'SELECT count(*) FROM verify_one;
-- expect: 1');
SELECT mg_apply('verify one', 'CREATE TABLE verify_one (i int)', verify => 'SELECT column_name FROM information_schema.columns
WHERE table_name = ''verify_one'' AND column_name = ''j'';');
SELECT mg_apply('verify one', 'CREATE TABLE verify_one (i int)', verify => 'DO $$ BEGIN ASSERT (SELECT count(*) FROM verify_one) > 0, ''no rows''; END $$');
SELECT mg_apply('verify one', 'CREATE TABLE verify_one (i int)', verify => 'SELECT * FROM verify_none');
SELECT to_regclass('verify_one') IS NULL AS nothing;
SELECT outcome, phase, line, statement, sqlstate FROM mg.runs WHERE migration = 'verify one' ORDER BY started_at;

SELECT status FROM mg_apply('verify one', 'CREATE TABLE verify_one (i int)', 'DROP TABLE verify_one', '
SELECT to_regclass(''verify_one'') IS NOT NULL;
SELECT count(*) FROM verify_one; -- expect: 0
SELECT * FROM verify_one WHERE i < 0;
-- expect: none
SELECT attname FROM pg_attribute WHERE attrelid = ''verify_one''::regclass AND attname = ''i'';
DO $$ BEGIN ASSERT true; END $$;
', precondition => 'SELECT to_regclass(''verify_one'') IS NULL');
SELECT jsonb_pretty(evidence) AS evidence FROM mg.runs WHERE migration = 'verify one' AND outcome = 'applied';
SELECT * FROM mg_verify('verify one');
INSERT INTO verify_one VALUES (1);
SELECT * FROM mg_verify('verify one') WHERE NOT ok;
ALTER TABLE verify_one RENAME TO verify_renamed;
SELECT check_name, object, ok, expected, actual FROM mg_verify('verify one') WHERE check_name = 'object';
DROP TABLE verify_renamed;
SELECT check_name, object, ok, expected, actual FROM mg_verify('verify one') WHERE check_name = 'object';
SELECT mg_verify('verify two');
CREATE TABLE verify_one (i int);
SELECT status FROM mg_rollback('verify one');
SELECT count(*) FROM mg_verify() WHERE NOT ok AND migration IS NULL;
