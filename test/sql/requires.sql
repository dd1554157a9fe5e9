-- What migrations require of each other.
SELECT mg_apply('requires a', 'SELECT 1', requires => '{requires nobody}');
SELECT status FROM mg_register('requires c', 'SELECT 1', 'SELECT 1');
SELECT status FROM mg_register('requires b', 'SELECT 1', 'SELECT 1', requires => '{requires c}');
SELECT status FROM mg_register('requires a', E'-- Requires: requires b, requires c\nSELECT 1', 'SELECT 1');
SELECT migration, status, requires FROM mg.status WHERE migration LIKE 'requires %' ORDER BY 1;
SELECT mg_register('requires c', 'SELECT 1', requires => '{requires a}');
SELECT mg_apply('requires c', 'SELECT 1', requires => '{requires c}');
SELECT mg_apply('requires a');
SELECT status FROM mg_apply('requires c');
SELECT mg_apply('requires a');
SELECT status FROM mg_apply('requires b');
SELECT status FROM mg_apply('requires a');
SELECT mg_rollback('requires c');
SELECT migration, status FROM mg_rollback('requires a');
SELECT migration, status FROM mg_rollback('requires b');
SELECT migration, status FROM mg_rollback('requires c');
