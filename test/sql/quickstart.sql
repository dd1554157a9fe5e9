-- The first five minutes.
SELECT migration, status, statements, objects FROM mg_apply('create customers',
	'CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
	 CREATE INDEX customers_name ON customers (name);',
	down => 'DROP TABLE customers;');

-- The same again does nothing.
SELECT migration, status, statements, objects FROM mg_apply('create customers',
	'CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
	 CREATE INDEX customers_name ON customers (name);',
	down => 'DROP TABLE customers;');

-- An edited one is refused.
SELECT migration, status FROM mg_apply('create customers',
	'CREATE TABLE customers (id int PRIMARY KEY, name text);
	 CREATE INDEX customers_name ON customers (name);',
	down => 'DROP TABLE customers;');

-- What happened.
SELECT migration_name, rollback_applied, applied_at <= now() AS applied, execution_time > '0' AS took_time
FROM mg.history WHERE migration_name = 'create customers';
SELECT migration, tag, object_type, identity, statement FROM mg.statements WHERE migration = 'create customers';

-- A change by hand is on record too.
ALTER TABLE customers ADD COLUMN email text;
SELECT coalesce(migration, '(none)') AS migration, tag, identity, statement FROM mg.statements WHERE identity = 'public.customers';

-- Is all well?
SELECT * FROM mg_verify('create customers');

-- And back.
SELECT migration, status FROM mg_rollback('create customers', 'it was only a try');
SELECT to_regclass('customers') IS NULL AS gone;
SELECT status FROM mg.status WHERE migration = 'create customers';
SELECT rollback_applied, metadata->>'rollback_reason' AS reason FROM mg.history WHERE migration_name = 'create customers';
