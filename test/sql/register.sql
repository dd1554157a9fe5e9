-- mg_register: pending until it is applied.
SELECT migration, status, risk, checksum, findings, approvals_needed FROM mg_register('register one', 'CREATE TABLE register_one (i int)', 'DROP TABLE register_one');
SELECT to_regclass('register_one') IS NULL AS not_yet;
SELECT migration, status, applied_at, checksum, has_down, requires FROM mg.status WHERE migration = 'register one';
-- Another text replaces it.
SELECT status, checksum FROM mg_register('register one', 'CREATE TABLE register_one (i bigint)');
SELECT status, has_down FROM mg.status WHERE migration = 'register one';
SELECT status, statements FROM mg_apply('register one');
-- Now the text stays as it is, the other scripts may change.
SELECT mg_register('register one', 'CREATE TABLE register_one (i int)');
SELECT status FROM mg_register('register one', 'CREATE TABLE register_one (i bigint)', 'DROP TABLE register_one');
SELECT status FROM mg_rollback('register one');
-- What cannot run is not kept.
SELECT mg_register('register two', 'SELECT 1', verify => 'SELCT 1');
SELECT mg_register('register two', NULL);
SELECT count(*) FROM mg.status WHERE migration = 'register two';
-- What cannot run in a transaction is kept, and refused when it is applied.
SELECT status FROM mg_register('register two', 'SELECT 1', 'VACUUM');
SELECT mg_apply('register two');
