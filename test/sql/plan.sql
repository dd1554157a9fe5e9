-- What a migration is about to do.
CREATE TABLE plan_customer (id int PRIMARY KEY, name text);
CREATE TABLE plan_invoice (id int PRIMARY KEY, customer int, amount numeric);
INSERT INTO plan_customer VALUES (1, 'one');
INSERT INTO plan_invoice VALUES (1, 1, 5);
SELECT migration, status FROM mg_register('plan one', $$
ALTER TABLE plan_invoice ALTER COLUMN amount TYPE bigint;
ALTER TABLE plan_invoice ADD FOREIGN KEY (customer) REFERENCES plan_customer;
CREATE TABLE plan_payment (i int);
SELECT count(*) FROM plan_customer$$,
'DROP TABLE plan_payment; ALTER TABLE plan_invoice DROP CONSTRAINT plan_invoice_customer_fkey; ALTER TABLE plan_invoice ALTER amount TYPE numeric');
SELECT step, statement, note FROM mg_plan('plan one');
SELECT value FROM mg_rehearse('plan one') WHERE aspect = 'verdict';
SELECT step, statement, lock_mode, object, rewrite, estimate > '0' AS estimate, note FROM mg_plan('plan one');
SELECT step, estimate IS NULL AS none, note FROM mg_plan('plan one', '{"public.plan_invoice": 5e9}') LIMIT 2;
SELECT verdict, stale FROM mg.rehearsals WHERE migration = 'plan one';
\set VERBOSITY terse
CREATE VIEW plan_named AS SELECT name FROM plan_customer;
SELECT verdict, stale FROM mg.rehearsals WHERE migration = 'plan one';
SELECT step, lock_mode FROM mg_plan('plan one');
SELECT migration, status FROM mg_apply('plan one');
SELECT step, statement, note FROM mg_plan('plan one');
SELECT * FROM mg_plan('plan nobody');
SELECT * FROM mg_plan(NULL);
SELECT migration, status FROM mg_apply('plan stays', 'SELECT 1');
SELECT * FROM mg_plan('plan stays');
SELECT key, value::bigint > 0 AS bytes FROM jsonb_each(mg_sizes()) WHERE key LIKE 'public.plan%' ORDER BY key;
DROP VIEW plan_named;
SELECT migration, status FROM mg_rollback('plan one');
SELECT evidence->0->>'status' AS as_rehearsed FROM mg.runs WHERE migration = 'plan one' ORDER BY id DESC LIMIT 1;

-- A way back that does something else than in its rehearsal.
SELECT migration, status FROM mg_register('plan two', 'ALTER TABLE plan_customer ALTER name SET DEFAULT ''x''; ALTER TABLE plan_customer ADD COLUMN c int',
'ALTER TABLE plan_customer DROP COLUMN c; DO $$ BEGIN IF NOT EXISTS (SELECT FROM plan_customer WHERE id = 2) THEN ALTER TABLE plan_customer ALTER name DROP DEFAULT; END IF; END $$');
SELECT value FROM mg_rehearse('plan two') WHERE aspect = 'verdict';
SELECT migration, status FROM mg_apply('plan two');
INSERT INTO plan_customer VALUES (2, 'two', 2);

SELECT migration, status FROM mg_rollback('plan two');
SELECT evidence->0->>'status' AS as_rehearsed, evidence->0->'rows' AS rows FROM mg.runs WHERE migration = 'plan two' ORDER BY id DESC LIMIT 1;
