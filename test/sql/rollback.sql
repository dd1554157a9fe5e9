-- mg_rollback and mg_rollback_to.
SELECT status FROM mg_apply('rollback one', 'CREATE TABLE rollback_one (i int)', 'DROP TABLE rollback_one');
SELECT status FROM mg_apply('rollback two', 'ALTER TABLE rollback_one ADD COLUMN j int', 'ALTER TABLE rollback_one DROP COLUMN j');
SELECT status FROM mg_apply('rollback three', 'CREATE TABLE rollback_three (i int)', 'SELECT 1', requires => '{rollback one}');
SELECT status FROM mg_apply('rollback four', 'CREATE TABLE rollback_four (i int)');
-- What others stand on stays.
SELECT mg_rollback('rollback one');
-- No down script.
SELECT mg_rollback('rollback four');
SELECT status FROM mg_register('rollback four', 'CREATE TABLE rollback_four (i int)', 'DROP TABLE rollback_four');
SELECT migration, status, statements FROM mg_rollback(reason => 'the newest');
-- A down script that leaves something behind.
SELECT mg_rollback('rollback three');
SELECT status FROM mg_register('rollback three', 'CREATE TABLE rollback_three (i int)', E'DROP TABLE rollback_three;\nSELECT 1 / 0;', requires => '{rollback one}');
SELECT mg_rollback('rollback three');
SELECT status FROM mg_register('rollback three', 'CREATE TABLE rollback_three (i int)', E'DROP TABLE rollback_three;', requires => '{rollback one}');
-- All after one.
SELECT migration, status FROM mg_rollback_to('rollback one', 'all of it');
SELECT migration, status FROM mg_rollback_to('rollback one');
SELECT migration, status FROM mg_rollback('rollback one');
SELECT mg_rollback('rollback one');
SELECT mg_rollback_to('rollback one');
SELECT migration, action, outcome, phase, line, sqlstate, reason FROM mg.runs WHERE migration LIKE 'rollback %' ORDER BY started_at;
SELECT migration_name, rollback_applied, metadata->>'rollback_reason' AS reason FROM mg.history WHERE migration_name LIKE 'rollback %' ORDER BY id;
-- What it dropped is not brought back by itself.
CREATE TABLE rollback_lost (i int);
SELECT status FROM mg_apply('rollback five', 'DROP TABLE rollback_lost', 'SELECT 1');
SELECT status FROM mg_rollback('rollback five');
-- Again, with another text.
SELECT status FROM mg_apply('rollback one', 'CREATE TABLE rollback_one (i bigint)', 'DROP TABLE rollback_one');
SELECT status FROM mg_rollback('rollback one');
