-- What a rehearsal says, and that nothing of it stays.
\ir lib/errors.sql
SELECT no_plan();

-- All that a rehearsal says of one aspect, a line each; of two scripts.
CREATE FUNCTION t.said_of(wanted text, up text, down text) RETURNS text
	LANGUAGE sql AS $$ SELECT string_agg(concat_ws('|', object, value, coalesce(ok::text, '-')), E'\n' ORDER BY object COLLATE "C", value COLLATE "C") FROM mg_rehearse(up, down) WHERE aspect = wanted $$;
CREATE FUNCTION t.verdict(up text, down text) RETURNS text
	LANGUAGE sql AS $$ SELECT string_agg(value || ' ' || ok, ', ') FROM mg_rehearse(up, down) WHERE aspect = 'verdict' $$;

CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, note text);
CREATE TABLE invoice (id int PRIMARY KEY, customer int REFERENCES customer, amount numeric);
CREATE VIEW named AS SELECT id, name FROM customer;
INSERT INTO customer VALUES (1, 'a', 'x'), (2, 'b', NULL);
INSERT INTO invoice VALUES (1, 1, 5);
CREATE SEQUENCE counter START 100;
CREATE TABLE parted (i int) PARTITION BY LIST (i); CREATE TABLE part PARTITION OF parted FOR VALUES IN (1); CREATE TABLE loose (i int);
INSERT INTO part VALUES (1); INSERT INTO loose VALUES (2); CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one;
SELECT mg_baseline('start', 'what there is');
SELECT mg_fingerprint() AS fingerprint, (SELECT string_agg(relfilenode::text, ' ' ORDER BY oid) FROM pg_class WHERE oid >= 16384) AS files,
	(SELECT count(*) FROM mg.statement) AS statements \gset

-- Verdicts.
SELECT is(t.verdict('ALTER TABLE invoice ADD COLUMN due date', 'ALTER TABLE invoice DROP COLUMN due'), 'restores true', 'a way back that restores');
SELECT is(t.verdict('CREATE TABLE a (i int); CREATE INDEX ON a (i)', 'DROP TABLE a'), 'restores true', 'a table that comes and goes');
SELECT is(t.verdict('ALTER TABLE customer RENAME COLUMN note TO remark', 'ALTER TABLE customer RENAME COLUMN remark TO note'), 'restores true', 'a rename and back');
SELECT is(t.verdict('ALTER TABLE customer DROP COLUMN name CASCADE', 'ALTER TABLE customer ADD COLUMN name text NOT NULL DEFAULT ''''; ALTER TABLE customer ALTER COLUMN name DROP DEFAULT; CREATE VIEW named AS SELECT id, name FROM customer'), 'restores, but column order true', 'a column that comes back at the end');
SELECT is(t.said_of('difference', 'ALTER TABLE customer DROP COLUMN name CASCADE', 'ALTER TABLE customer ADD COLUMN name text NOT NULL DEFAULT ''''; ALTER TABLE customer ALTER COLUMN name DROP DEFAULT; CREATE VIEW named AS SELECT id, name FROM customer'),
	'table column public.customer.name|position: 2 before, 3 after|-', 'which is told');
SELECT is(t.verdict('ALTER TABLE invoice ALTER COLUMN amount SET DEFAULT 0', 'SELECT 1'), 'differs false', 'a way back that does nothing');
SELECT is(t.said_of('difference', 'ALTER TABLE invoice ALTER COLUMN amount SET DEFAULT 0', 'SELECT 1'), 'table column public.invoice.amount|default: nothing before, 0 after|false', 'leaves a default');
SELECT is(t.said_of('difference', 'CREATE TABLE a (i int); CREATE SEQUENCE s', 'DROP TABLE a'), 'sequence public.s|unexpected|false', 'or an object');
SELECT is(t.said_of('difference', 'DROP VIEW named', 'SELECT 1'), 'view public.named|missing|false', 'or leaves one out');
SELECT is(t.verdict('CREATE TABLE a (i int)', 'DROP TABLE b'), 'down fails false', 'a way back that fails');
SELECT is(t.said_of('error', 'CREATE TABLE a (i int)', E'SELECT 1;\nDROP TABLE b'), 'down, line 2: DROP TABLE b|42P01: table "b" does not exist|false', 'with its line and error');
SELECT is(t.verdict('CREATE TABLE a (i inn)', 'DROP TABLE a'), 'up fails false', 'a way forth that fails');
SELECT is(t.verdict('CREATE TABLE a (i int)', NULL), 'no down false', 'no way back');
SELECT is(t.verdict('CREATE TABLE a (i int); INSERT INTO invoice VALUES (2, 2, 1)', 'DROP TABLE a'), 'second up fails false', 'a second way forth that fails, because the way back left a row');
SELECT is(t.said_of('error', 'CREATE TABLE a (i int); INSERT INTO invoice VALUES (2, 2, 1)', 'DROP TABLE a'),
	'up again, line 1: INSERT INTO invoice VALUES (2, 2, 1)|23505: duplicate key value violates unique constraint "invoice_pkey" Key (id)=(2) already exists.|false', 'with its line and error');
SELECT is(t.verdict('DISCARD ALL', NULL), 'cannot be rehearsed false', 'what nobody runs in a migration');
SELECT alike(t.said_of('error', 'DISCARD ALL', NULL), 'start|0A000: %', 'and why');
SELECT alike(t.said($$SELECT mg_rehearse('SELEC', NULL)$$), '42601%', 'a syntax error is an error');
SELECT alike(t.said($$SELECT mg_rehearse('nobody knows')$$), 'MG004 migration "nobody knows" is not registered%', 'so is an unknown name');
SELECT alike(t.said($$SELECT mg_rehearse(NULL, 'SELECT 1')$$), '22004%', 'and NULL');
SELECT is(t.verdict('ALTER TABLE customer ADD COLUMN c int; ALTER TABLE invoice ADD CONSTRAINT later UNIQUE (amount) DEFERRABLE INITIALLY DEFERRED; INSERT INTO invoice VALUES (3, 1, 5)', 'SELECT 1'), 'up fails false', 'a deferred constraint is checked');

-- Rows.
SELECT is(t.said_of('rows', 'INSERT INTO customer VALUES (3, ''c'', NULL)', 'DELETE FROM customer WHERE id = 3'), 'public.customer|2 before, 3 between, 2 after|-', 'rows are counted');
SELECT is(t.said_of('values', 'UPDATE customer SET name = upper(name)', 'UPDATE customer SET name = lower(name)'), 'public.customer|come back as they were|true', 'values that come back');
SELECT is(t.said_of('values', 'UPDATE customer SET note = ''n''', 'SELECT 1'), 'public.customer|do not come back|false', 'values that do not');
SELECT is(t.said_of('kept', 'ALTER TABLE customer DROP COLUMN note', 'ALTER TABLE customer ADD COLUMN note text'), 'public.customer.note|up: column, 2 rows, 16 kB, copied; down brings all of it back|true', 'a dropped column is kept');
SELECT is(t.said_of('values', 'ALTER TABLE customer DROP COLUMN note', 'ALTER TABLE customer ADD COLUMN note text'), 'public.customer|come back as they were|true', 'and its values come back');
SELECT is(t.said_of('lost', 'ALTER TABLE customer DROP COLUMN note', 'ALTER TABLE customer ADD COLUMN note text'), NULL, 'so that nothing is lost');
SELECT alike(t.said_of('kept', 'DROP TABLE invoice', 'CREATE TABLE invoice (id int PRIMARY KEY, customer int REFERENCES customer, amount numeric)'), 'public.invoice|up: table, % kB, moved; down brings all of it back|true', 'a dropped table is');
SELECT alike(t.said_of('kept', 'DROP TABLE invoice', 'CREATE TABLE invoice (id int PRIMARY KEY)'), 'public.invoice|up: table, % kB, moved; down brings back 1 row, but not as they were|false', 'and what there is room for comes back');
SELECT alike(t.said_of('kept', 'DROP TABLE invoice', 'SELECT 1'), 'public.invoice|up: table, % kB, moved; down does not bring it back, but mg_restore() does|false', 'or mg_restore() brings it');
SELECT is(t.said_of('discarded', E'-- mg:discard invoice nobody reads it\nDROP TABLE invoice', 'CREATE TABLE invoice (id int PRIMARY KEY, customer int REFERENCES customer, amount numeric)'), 'public.invoice|up: nobody reads it|-', 'what the script discards is not');
SELECT is(t.said_of('lost', E'-- mg:discard invoice nobody reads it\nDROP TABLE invoice', 'CREATE TABLE invoice (id int PRIMARY KEY, customer int REFERENCES customer, amount numeric)'), 'public.invoice|1 row|false', 'and is lost');
SELECT status FROM mg_set_policy('archive', 'off', 'a trial') x(status);
SELECT is(t.said_of('lost', 'ALTER TABLE customer DROP COLUMN note', 'ALTER TABLE customer ADD COLUMN note text'), 'public.customer.note|1 value|false', 'without archives, a dropped column''s values are');
SELECT is(t.said_of('lost by down', 'CREATE TABLE noted (i int)', 'DROP TABLE noted'), 'public.noted|0 rows, and what is written until then|-', 'and what the way back takes along');
SELECT status FROM mg_set_policy('archive', NULL, 'done') x(status);

SELECT is(t.said_of('lost', 'ALTER TABLE customer RENAME COLUMN note TO remark', 'ALTER TABLE customer RENAME COLUMN remark TO note'), NULL, 'a renamed column loses nothing');
SELECT is(t.said_of('values', 'ALTER TABLE customer RENAME COLUMN note TO remark', 'ALTER TABLE customer RENAME COLUMN remark TO note'), 'public.customer|come back as they were|true', 'and its values come back');

-- Locks, files and scans.
SELECT is((SELECT string_agg(object || ' ' || split_part(value, ' ', 1) || ' ' || substring(value from 'line \d+') || ' ' || substring(value from ': .*'), E'\n' ORDER BY object) FROM mg_rehearse(E'CREATE TABLE a (i int);\nALTER TABLE a ADD COLUMN c int REFERENCES customer', 'DROP TABLE a') WHERE aspect = 'lock'),
	E'public.customer ShareRowExclusiveLock line 2 : blocks writes and schema changes; reads go on\npublic.customer_pkey AccessShareLock line 2 : blocks only DROP, TRUNCATE and most ALTER TABLE', 'the lock on a foreign key''s other table');
SELECT alike(t.said_of('rewrite', 'ALTER TABLE invoice ALTER COLUMN amount TYPE bigint', 'ALTER TABLE invoice ALTER COLUMN amount TYPE numeric'), 'public.invoice|16 kB before, 8192 bytes after: type|-', 'a rewritten table');
SELECT alike(t.said_of('index rebuilt', 'ALTER TABLE invoice ALTER COLUMN id TYPE bigint', 'ALTER TABLE invoice ALTER COLUMN id TYPE int'), 'public.invoice_pkey|16 kB|-', 'a rebuilt index');
SELECT is(t.said_of('new index', 'CREATE INDEX fresh ON invoice (amount)', 'DROP INDEX fresh'), 'public.fresh|16 kB|-', 'a new index');
SELECT is(t.said_of('scan', 'ALTER TABLE invoice ADD CONSTRAINT positive CHECK (amount > 0)', 'ALTER TABLE invoice DROP CONSTRAINT positive'), 'public.invoice|1 full scan of 16 kB|-', 'a scan for validation');
SELECT is(t.said_of('scan', 'ALTER TABLE invoice ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID', 'ALTER TABLE invoice DROP CONSTRAINT positive'), NULL, 'and none without validation');

-- What the way back takes along.
SELECT is(t.said_of('kept by down', 'CREATE TABLE noted (i int); INSERT INTO noted VALUES (1), (2); ALTER TABLE customer ADD COLUMN tag text, ADD COLUMN mark int DEFAULT 5', 'DROP TABLE noted; ALTER TABLE customer DROP COLUMN tag, DROP COLUMN mark'),
	E'public.customer.mark|2 values, and what is written until then|-\npublic.customer.tag|0 values, and what is written until then|-\npublic.noted|2 rows, and what is written until then|-', 'what up makes and down drops');
SELECT is(t.said_of('kept by down', 'ALTER TABLE customer RENAME COLUMN note TO remark', 'ALTER TABLE customer RENAME COLUMN remark TO note'), NULL, 'nothing is by a rename');
SELECT is(t.said_of('kept by down', 'CREATE TABLE kept_on (i int)', 'SELECT 1'), NULL, 'nor where nothing is dropped');

-- Statements.
SELECT is((SELECT string_agg(object, '; ') FROM mg_rehearse(E'SELECT 1;\n\nSELECT 2', 'SELECT 3') WHERE aspect = 'statement'), 'up, line 1: SELECT 1; up, line 3: SELECT 2; down, line 1: SELECT 3', 'each statement there and back');
SELECT is((SELECT string_agg(object, '; ') FROM mg_rehearse(E'SELECT 1;\nSELECT 1/0', NULL) WHERE aspect = 'statement'), 'up, line 1: SELECT 1', 'up to the one that fails');

-- Registered and applied ones.
SELECT status FROM mg_register('pending', 'CREATE TABLE p (i int)', 'DROP TABLE p', 'SELECT count(*) = 0 FROM p') \gset
SELECT is((SELECT string_agg(object || ' ' || value, ', ') FROM mg_rehearse('pending') WHERE aspect = 'verdict'), 'pending restores', 'a registered one');
SELECT is((SELECT string_agg(object || ' ' || value, ', ') FROM mg_rehearse('pending') WHERE aspect = 'check'), 'SELECT count(*) = 0 FROM p true in 1 row, SELECT count(*) = 0 FROM p true in 1 row', 'is verified after both ways forth');
SELECT is((SELECT count(*) FROM mg.rehearsals WHERE migration = 'pending' AND verdict = 'restores' AND up_time > '0' AND down_time > '0'), 2::bigint, 'leaves receipts');
SELECT status FROM mg_register('wants it', 'CREATE TABLE q (i int)', 'DROP TABLE q', requires => '{pending}') \gset
SELECT is((SELECT string_agg(value, ', ') FROM mg_rehearse('wants it') WHERE aspect = 'verdict'), 'cannot be rehearsed', 'what requires another one');
SELECT is((SELECT status FROM mg_apply('pending')), 'applied', 'once it is applied');
SELECT is((SELECT string_agg(object || ' ' || value, ', ') FROM mg_rehearse('pending') WHERE aspect = 'verdict'), 'pending restores', 'it is rehearsed back and forth');
SELECT is((SELECT string_agg(object, ', ') FROM mg_rehearse('pending') WHERE aspect = 'time'), 'down, up again', 'in that order');
SELECT is((SELECT status FROM mg_rollback('pending')), 'rolled back', 'and is still applied');

-- Nothing stays.
SELECT is(mg_fingerprint(), :'fingerprint', 'the schema is as before');
SELECT is((SELECT string_agg(relfilenode::text, ' ' ORDER BY oid) FROM pg_class WHERE oid >= 16384 AND relname <> 'p'), :'files', 'and its files');
SELECT is((SELECT count(*) FROM mg.statement WHERE migration IS DISTINCT FROM 'pending'), :statements::bigint, 'no statement is on record');
SELECT is((SELECT string_agg(note, ',' ORDER BY id) || count(*) FROM customer), 'x2', 'rows are as before');
SELECT is((SELECT count(*) FROM mg_drift_report()), 0::bigint, 'nothing has drifted');
BEGIN;
SELECT is(t.verdict('ALTER TABLE invoice ADD COLUMN due date', 'ALTER TABLE invoice DROP COLUMN due'), 'restores true', 'in a transaction block');
SELECT is((SELECT string_agg(DISTINCT relation::regclass::text, ' ') FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)), NULL, 'nothing stays locked');
COMMIT;
BEGIN READ ONLY;
SELECT is(t.verdict('ALTER TABLE invoice ADD COLUMN due date', 'ALTER TABLE invoice DROP COLUMN due'), 'restores true', 'in a read-only transaction');
SELECT is(t.said_of('receipt', 'SELECT 1', NULL), encode(sha256('SELECT 1'), 'hex') || '|not kept, since the transaction is read-only|-', 'no receipt is kept');
SELECT is(current_setting('transaction_read_only'), 'on', 'which stays read-only');
COMMIT;
SELECT is((SELECT bool_and(ok) FROM mg_verify() WHERE check_name LIKE 'ledger%'), true, 'the ledger holds');
SELECT is(t.said($$SELECT mg_set_policy('rehearsal_lock_timeout', 'soon', 'a test')$$), E'22023 rehearsal_lock_timeout is a duration, not "soon"\nHINT: For example 100ms, 30s or 5min.', 'a policy setting that is a duration');
SELECT mg_set_policy('rehearsal_count_size', '0', 'a test');
SELECT is(t.said_of('rows', 'INSERT INTO customer VALUES (3, ''c'', NULL)', 'DELETE FROM customer WHERE id = 3'), 'public.customer|not counted: too large, and never analyzed|-', 'what is too large is not counted');

-- Settings of one script are not those of the next.
CREATE SCHEMA aside;
SELECT is(t.verdict('SET search_path = aside; CREATE TABLE here (i int)', 'DROP TABLE aside.here'), 'restores true', 'a search_path');
SELECT is(t.verdict('SET search_path = aside; CREATE TABLE here (i int)', 'DROP TABLE here'), 'down fails false', 'holds for its script only');
SELECT is(current_setting('lock_timeout'), '0', 'nor are they the session''s');
DROP SCHEMA aside;

-- What stays, and what is too large.
SELECT is(t.said_of('not undone', 'INSERT INTO customer SELECT nextval(''counter''), ''n''', NULL), 'public.counter|values that were used are not given back|-', 'values of sequences');
SELECT is(t.said_of('not undone', 'SELECT last_value FROM counter; ALTER SEQUENCE counter INCREMENT 2', NULL), NULL, 'not those that are only looked at');
SELECT is(t.said_of('error', 'COPY customer TO ''/tmp/never_written''', NULL), 'up, line 1: COPY customer TO ''/tmp/never_written''|0A000: COPY TO writes a file, which stays The rest of the migration can be rehearsed without this statement, or all of it with the policy setting rehearsal_outside = allow.|false', 'a file is not written');
SELECT alike(t.said_of('error', 'COPY customer FROM PROGRAM ''echo 1''', NULL), '%0A000: COPY with PROGRAM runs a program%', 'nor a program run');
SELECT mg_set_policy('rehearsal_max_size', '4kB', 'a test');
SELECT is(t.said_of('error', 'ALTER TABLE loose ALTER COLUMN i TYPE bigint', NULL), 'up, line 1: ALTER TABLE loose ALTER COLUMN i TYPE bigint|54000: public.loose is too large for a rehearsal: a change of type may rewrite the table It has 8 kB; the policy setting rehearsal_max_size is 4kB. Rehearse it on a copy, or raise the setting.|false', 'a table that is too large is not rewritten');
SELECT is(t.verdict(large, NULL), 'cannot be rehearsed false', large) FROM unnest(ARRAY['CREATE INDEX ON invoice (id)', 'UPDATE invoice SET id = id', 'DELETE FROM invoice', 'ALTER TABLE invoice ALTER amount SET NOT NULL', 'ALTER TABLE invoice ADD CHECK (id > 0)', 'ALTER TABLE invoice ADD COLUMN r float DEFAULT random()', 'ALTER TABLE invoice ADD COLUMN g int GENERATED ALWAYS AS (id) STORED',
	'ALTER TABLE invoice ADD UNIQUE (amount)', 'ALTER TABLE invoice SET UNLOGGED', 'CLUSTER invoice USING invoice_pkey', 'REINDEX TABLE invoice', 'ALTER TABLE parted ADD CHECK (i > 0)', 'ALTER TABLE parted ATTACH PARTITION loose FOR VALUES IN (2)', 'REFRESH MATERIALIZED VIEW kept', 'MERGE INTO invoice USING customer c ON false WHEN NOT MATCHED THEN DO NOTHING']) AS large;
SELECT is(t.verdict(small, NULL), 'no down false', small) FROM unnest(ARRAY['ALTER TABLE invoice ADD COLUMN c int', 'ALTER TABLE invoice ADD COLUMN c int DEFAULT 5', 'ALTER TABLE invoice ADD COLUMN c text NOT NULL DEFAULT ''x''::text', 'ALTER TABLE invoice ADD CHECK (id > 0) NOT VALID', 'ALTER TABLE invoice ADD COLUMN c int REFERENCES customer',
	'ALTER TABLE invoice ALTER amount SET DEFAULT 1', 'ALTER TABLE invoice RENAME TO bill', 'DROP TABLE invoice', 'CREATE TABLE fresh (i int); CREATE INDEX ON fresh (i)']) AS small;
SELECT mg_set_policy('rehearsal_max_size', '1GB', 'a test');

-- A receipt as a condition.
SELECT mg_set_policy('require_rehearsal', 'on', 'a test');
SELECT is(t.applying('gated', 'CREATE TABLE g (i int)', 'DROP TABLE g'), E'MG407 migration "gated" is held back by 1 gate\nDETAIL: require_rehearsal: these scripts have never been rehearsed here.\nHINT: require_rehearsal: Rehearse it: SELECT * FROM mg_rehearse(''gated''), once it is registered.', 'what was not rehearsed is not applied');
SELECT is(t.verdict('CREATE TABLE g (i int)', 'DROP TABLE IF EXISTS gg'), 'differs false', 'nor what was rehearsed');
SELECT alike(t.applying('gated', 'CREATE TABLE g (i int)', 'DROP TABLE IF EXISTS gg'), E'MG407%DETAIL: require_rehearsal: the last rehearsal says: differs.%', 'and does not restore');
SELECT alike(t.applying('gated', 'CREATE TABLE g (i int)', 'DROP TABLE g'), 'MG407%never been rehearsed%', 'with these scripts');
SELECT is(t.verdict('CREATE TABLE g (i int)', 'DROP TABLE g'), 'restores true', 'a receipt');
CREATE TABLE meanwhile (i int);
SELECT alike(t.applying('gated', 'CREATE TABLE g (i int)', 'DROP TABLE g'), 'MG407%, is stale: the schema has changed.%', 'goes stale when the schema changes');
SELECT is(t.verdict('CREATE TABLE g (i int)', 'DROP TABLE g'), 'restores true', 'another one');
VACUUM FULL invoice; ANALYZE;
SELECT is(t.applying('gated', 'CREATE TABLE g (i int)', 'DROP TABLE g'), 'no error', 'does not when only files do, and lets it through');
SELECT is((SELECT status FROM mg_rollback('gated')), 'rolled back', 'the way back needs none');
SELECT mg_set_policy('require_rehearsal', 'off', 'a test');
DROP TABLE meanwhile;
SELECT alike(t.said($$SELECT mg_set_policy('require_rehearsal', 'maybe', 'a test')$$), '22023 require_rehearsal is one of off, on, not "maybe"%', 'there is no third way');

-- The whole stair.
SELECT is((SELECT string_agg(concat_ws('|', migration, verdict), ', ') FROM mg_rehearse_all()), 'gated|restores, pending|restores, wants it|restores', 'what is not applied, each on top of the others');
SELECT is((SELECT string_agg(status, ', ') FROM mg.status WHERE migration IN ('pending', 'wants it')), 'rolled back, pending', 'none of which is applied');
SELECT status FROM mg_register('breaks', 'SELECT 1/0', 'SELECT 1', requires => '{"wants it"}') \gset
SELECT status FROM mg_register('a late one', 'ALTER TABLE q ADD COLUMN j int', 'SELECT 1', requires => '{"wants it"}') \gset
SELECT status FROM mg_register('never', 'SELECT 1', NULL, requires => '{breaks}') \gset
SELECT is((SELECT string_agg(concat_ws('|', migration, verdict, differences), ', ') FROM mg_rehearse_all()), 'gated|restores|0, pending|restores|0, wants it|restores|0, a late one|differs|1, breaks|up fails|0', 'up to the first that fails');
SELECT is((SELECT string_agg(concat_ws('|', migration, verdict), ', ') FROM mg_rehearse_all(last => 'wants it')), 'gated|restores, pending|restores, wants it|restores', 'up to one of them');
SELECT is((SELECT string_agg(concat_ws('|', migration, verdict), ', ') FROM mg_rehearse_all('wants it', 'wants it')), 'wants it|cannot be rehearsed', 'from one of them on, without what it requires');
SELECT alike(t.said($$SELECT mg_rehearse_all('start')$$), 'MG004 no pending migration is called "start"%', 'one that is not pending');
SELECT is((SELECT count(*) FROM mg_rehearse_all() WHERE up_time > '0'), 4::bigint, 'with their times');
SELECT is(t.there('public.q'), false, 'and nothing stays');
SELECT status FROM mg_register('not yet', 'CREATE TABLE p (i int)', 'DROP TABLE p', precondition => 'SELECT false') \gset
SELECT is((SELECT string_agg(concat_ws('|', aspect, value), ', ' ORDER BY aspect DESC) FROM mg_rehearse('not yet') WHERE aspect IN ('verdict', 'error')), 'verdict|cannot be rehearsed, error|MG401: precondition query: expected true in every row, got false', 'a precondition that does not hold');
SELECT status FROM mg_register('wrong', 'CREATE TABLE p (i int)', 'DROP TABLE p', 'SELECT count(*) = 1 FROM p') \gset
SELECT is((SELECT string_agg(concat_ws('|', aspect, value), ', ' ORDER BY aspect DESC) FROM mg_rehearse('wrong') WHERE aspect IN ('verdict', 'error')), 'verdict|up fails, error|MG402: verify query: expected true in every row, got false', 'a verification that does not');
SELECT alike(t.applying('inside', 'SELECT mg_rehearse(''SELECT 1'', NULL)'), '55000%', 'a rehearsal within a migration');
SELECT * FROM finish();
