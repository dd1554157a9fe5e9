-- Migrations that only mg_deploy() runs: how they are refused by mg_apply(), cut into steps, rehearsed, planned and linted.
\ir lib/errors.sql
SELECT no_plan();

-- All that a rehearsal says of one aspect, a line each, as it comes.
CREATE FUNCTION t.said_of(wanted text, up text, down text DEFAULT NULL) RETURNS text
	LANGUAGE sql AS $$ SELECT string_agg(concat_ws('|', object, value), E'\n') FROM mg_rehearse(up, down) WHERE aspect = wanted $$;
CREATE FUNCTION t.steps(script text) RETURNS text LANGUAGE sql AS $$ SELECT substring(t.said_of('deployment', script) from 'step.*') $$;

CREATE TABLE parcel (id int PRIMARY KEY, state text, note text);
INSERT INTO parcel SELECT i, 'new', 'x' FROM generate_series(1, 3000) i;
CREATE INDEX parcel_note ON parcel (note);
CREATE TABLE parted (i int) PARTITION BY LIST (i); CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE rest (i int) PARTITION BY LIST (i); CREATE TABLE rest_one PARTITION OF rest FOR VALUES IN (1); CREATE TABLE rest_other PARTITION OF rest DEFAULT;
CREATE INDEX parted_i ON parted (i);
CREATE TABLE long AS SELECT i AS id, 'x' AS note FROM generate_series(1, 3000) i;
CREATE TYPE mood AS ENUM ('sad');
SELECT mg_baseline('start', 'what there is');
SELECT mg_fingerprint() AS fingerprint \gset

-- Steps.
SELECT is(t.steps(script), steps, script) FROM (VALUES
	('SELECT 1; VACUUM', 'steps: 1 transaction, 1 statement by itself'),
	('SELECT 1; SELECT 2; VACUUM; ANALYZE; VACUUM; SELECT 3', 'steps: 3 transactions, 2 statements by themselves'),
	('BEGIN; SELECT 1; COMMIT; SELECT 2; BEGIN; SELECT 3; END; START TRANSACTION; COMMIT; VACUUM', 'steps: 3 transactions, 1 statement by itself'),
	('VACUUM; SET x.y = 1; BEGIN; SELECT 1; COMMIT', 'steps: 1 transaction, 1 statement by itself'),
	('SELECT 1; BEGIN; SELECT 1; COMMIT; SELECT 2', 'steps: 3 transactions'),
	('SELECT 1; SELECT 2; COMMIT; SELECT 3; COMMIT; COMMIT', 'steps: 2 transactions'), ('VACUUM; COMMIT', 'step: 1 statement by itself'),
	('VACUUM', 'step: 1 statement by itself'),
	('ALTER TYPE mood ADD VALUE ''a''; ALTER TYPE mood ADD VALUE ''b''; SELECT 1; VACUUM', 'steps: 3 transactions, 1 statement by itself'),
	('BEGIN; ALTER TYPE mood ADD VALUE ''a''; ALTER TYPE mood ADD VALUE ''b''; SELECT 1; COMMIT; VACUUM', 'steps: 1 transaction, 1 statement by itself'),
	('ALTER TYPE mood RENAME VALUE ''sad'' TO ''b''; SELECT 1; VACUUM', 'steps: 1 transaction, 1 statement by itself'),
	(E'SELECT 1;\n-- mg:backfill\nUPDATE parcel SET note = ''y'';\nSELECT 2', 'steps: 2 transactions, 1 UPDATE in batches')) v (script, steps);
SELECT is(t.steps('CREATE TABLE a (i int); BEGIN; SELECT 1; COMMIT'), NULL, 'what mg_apply() runs in one transaction is no deployment');
SELECT alike(t.said_of('error', script), 'start|0A000: ' || error, 'cannot be deployed: ' || script) FROM (VALUES
	('VACUUM; BEGIN; SELECT 1', 'BEGIN without COMMIT in a migration%'), ('VACUUM; BEGIN; SELECT 1; COMMIT; BEGIN', 'BEGIN without COMMIT in a migration%'),
	(E'BEGIN;\nBEGIN; COMMIT', 'BEGIN within a transaction in a migration It is in the up script, line 2: BEGIN%line 1%'),
	(E'BEGIN;\nSELECT 1;\nVACUUM; COMMIT', 'VACUUM cannot run inside a transaction, and stands between BEGIN and COMMIT It is in the up script, line 3%line 1.'),
	(E'BEGIN;\n-- mg:backfill\nUPDATE parcel SET note = ''y''; COMMIT', 'an UPDATE in batches cannot run between BEGIN and COMMIT%'),
	('VACUUM; ROLLBACK', 'transaction control in the middle of a migration%Leave ROLLBACK, SAVEPOINT and the like out%'),
	('VACUUM; DISCARD ALL', 'DISCARD ALL cannot run inside a transaction%'),
	('DROP INDEX CONCURRENTLY parcel_note, parted_i', '%, nor for several indexes%'), ('DROP INDEX CONCURRENTLY parcel_note CASCADE', '%, nor with CASCADE%')) v (script, error);
SELECT alike(t.said($$SELECT mg_apply('d', 'SELECT 1', NULL, 'VACUUM')$$), '0A000 VACUUM cannot run inside a transaction%HINT: Leave it out, or move it to the up script.', 'a verification is not deployed');

-- The directive.
SELECT alike(t.said_of('error', E'SELECT 1;\n-- mg:backfill ' || options || E'\nUPDATE parcel SET note = ''y'''),
	'start|22023: the directive mg:backfill does not say ' || word || ' It is in the up script, line 2.%batch_size=5000 pause=100ms%', 'not said: ' || options) FROM (VALUES
	('x', 'x'), ('batch_size=0', 'batch_size=0'), ('batch_size=1.5', 'batch_size=1.5'), ('batch_size', 'batch_size'), ('pause=100', 'pause=100'), ('pause=-1s', 'pause=-1s'),
	('pause=2days', 'pause=2days'), ('pause=soon', 'pause=soon'), ('batch_size=1 batch_size=2', 'batch_size=2'), ('pause=1s  x=1', 'x=1')) v (options, word);
SELECT alike(t.said_of('sample', E'SELECT 1;\n-- mg:backfill ' || options || E'\nUPDATE parcel SET note = ''y'''), '%line 3: UPDATE parcel%', 'said: ' || options)
	FROM unnest(ARRAY['', 'batch_size=1', 'pause=1s', 'pause=00:00:01', E'batch_size=500\tpause=100ms', 'pause=0.5s batch_size=10']) options;
SELECT alike(t.said_of('error', E'-- mg:backfill\n' || statement), 'start|0A000: an UPDATE with ' || what || ' cannot run in batches It is in the up script, line 2: %', 'not in batches: ' || statement) FROM (VALUES
	('UPDATE parcel p SET note = ''y''', 'an alias'), ('UPDATE ONLY parcel SET note = ''y''', 'ONLY'), ('UPDATE parcel SET note = ''y'' FROM parted', 'FROM'),
	('WITH w AS (SELECT 1) UPDATE parcel SET note = ''y''', 'WITH'), ('UPDATE parcel SET note = ''y'' RETURNING id', 'RETURNING'), ('UPDATE parcel SET note = ''y'' WHERE CURRENT OF c', 'WHERE CURRENT OF')) v (statement, what);
SELECT alike(t.said_of('error', script), 'start|22023: ' || error, error) FROM (VALUES
	(E'-- mg:backfill\nDELETE FROM parcel', 'the directive mg:backfill stands at no UPDATE, but at DELETE It is in the up script, line 1.%'),
	(E'-- mg:backfill\n\n\nUPDATE parcel SET note = ''y''', 'the directive mg:backfill stands at no UPDATE It is in the up script, line 1.%'),
	(E'-- mg:backfill\n-- mg:backfill\nUPDATE parcel SET note = ''y''', 'two directives mg:backfill at one statement It is in the up script, line 2.%')) v (script, error);
SELECT is(t.steps(E'-- mg:backfilled\nUPDATE parcel SET note = ''y''; SELECT ''-- mg:backfill'' /* -- mg:backfill */'), NULL, 'another word is none, nor is one in a literal or a block comment');
SELECT is((SELECT status FROM mg_apply('at once', E'-- mg:backfill batch_size=10\nUPDATE parcel SET note = ''y''', 'UPDATE parcel SET note = ''x''')), 'applied', 'mg_apply() runs it');
SELECT is((SELECT count(*) FROM parcel WHERE note = 'y'), 3000::bigint, 'as one statement');
SELECT is((SELECT status FROM mg_rollback('at once')), 'rolled back', 'and back');

-- What a rehearsal runs instead, and says.
\set up 'ALTER TABLE parcel ADD COLUMN sent date;\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS parcel_sent ON parcel (sent, id);\nALTER TABLE parcel ADD COLUMN lost date;\nVACUUM (ANALYZE) parcel;\n-- mg:backfill batch_size=100\nUPDATE parcel SET sent = current_date, lost = NULL WHERE sent IS NULL;\nBEGIN;\nUPDATE parcel SET note = ''z'' WHERE id = 1;\nCOMMIT;'
\set down 'DROP INDEX CONCURRENTLY parcel_sent;\nUPDATE parcel SET note = ''x'' WHERE id = 1;\nALTER TABLE parcel DROP COLUMN sent, DROP COLUMN lost;\nVACUUM parcel'
SELECT is(t.said_of('verdict', E:'up', E:'down'), 'rehearsed script|restores', 'it restores');
SELECT is(t.said_of('deployment', E:'up', E:'down'), E'up|mg_deploy() runs it in 6 steps: 3 transactions, 2 statements by themselves, 1 UPDATE in batches\ndown|mg_deploy() runs it in 3 steps: 1 transaction, 2 statements by themselves', 'steps there and back');
SELECT is(t.said_of('substitute', E:'up', E:'down'), E'up, line 2: CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS parcel_sent ON parcel (sent, id)|run without CONCURRENTLY; mg_deploy() runs it by itself, which takes longer and locks less\n'
	'down, line 1: DROP INDEX CONCURRENTLY parcel_sent|run without CONCURRENTLY; mg_deploy() runs it by itself, which takes longer and locks less', 'what runs in another form');
SELECT is(t.said_of('left out', E:'up', E:'down'), E'up, line 4: VACUUM (ANALYZE) parcel|VACUUM runs in no transaction; mg_deploy() runs it by itself\ndown, line 4: VACUUM parcel|VACUUM runs in no transaction; mg_deploy() runs it by itself', 'what has none');
SELECT is(t.said_of('sample', E:'up', E:'down'), 'up, line 6: UPDATE parcel SET sent = current_date, lost = NULL WHERE sent IS NULL|run on 1000 rows at most; mg_deploy() runs it in batches', 'what runs on a sample');
SELECT alike(t.said_of('statement', E:'up', E:'down'), E'up, line 1: %\nup, line 2: %\nup, line 3: %\nup, line 6: %, 1000 rows\nup, line 8: %, 1 row\ndown, line 1: %\ndown, line 2: %\ndown, line 3: %', 'statements, without what is left out');
SELECT is((SELECT string_agg(object || substring(value from ', \d+ statements'), ', ') FROM mg_rehearse(E:'up', E:'down') WHERE aspect = 'time'), 'up, 5 statements, down, 3 statements, up again, 5 statements', 'how many ran');
SELECT alike(t.said_of('new index', E:'up', E:'down'), 'public.parcel_sent|%', 'the index was built');
SELECT ok(NOT EXISTS (SELECT FROM mg_rehearse('VACUUM; SELECT 1', NULL) WHERE aspect = 'statement' AND object ~ 'VACUUM'), 'nothing is timed that was left out');
SELECT is(t.said_of('substitute', script), (SELECT string_agg('up, line 1: ' || s || '|run without CONCURRENTLY; mg_deploy() runs it by itself, which takes longer and locks less', E'\n') FROM unnest(string_to_array(script, '; ')) s), script)
	FROM unnest(ARRAY['REINDEX INDEX CONCURRENTLY parcel_pkey; REINDEX TABLE CONCURRENTLY parcel', 'REINDEX (CONCURRENTLY) TABLE parcel; REINDEX (CONCURRENTLY on, TABLESPACE pg_default) INDEX parcel_pkey', 'REINDEX (TABLESPACE pg_default, CONCURRENTLY) INDEX CONCURRENTLY parcel_pkey',
		'CREATE INDEX CONCURRENTLY "concurrently" ON parcel (note) WHERE note <> ''concurrently''']) script;
SELECT is(t.said_of('left out', script), 'up, line 1: ' || script || '|' || split_part(tag, '/', 1) || ' runs in no transaction; mg_deploy() runs it by itself', 'left out: ' || script) FROM (VALUES
	('ALTER SYSTEM SET work_mem = 1000', 'ALTER SYSTEM'), ('CLUSTER', 'CLUSTER'), ('REINDEX SCHEMA public', 'REINDEX'), ('REINDEX SCHEMA CONCURRENTLY public', 'REINDEX'), ('REINDEX TABLE CONCURRENTLY parted', 'REINDEX'), ('VACUUM FULL parcel', 'VACUUM')) v (script, tag);
SELECT alike(t.said_of('substitute', 'ALTER TABLE parted DETACH PARTITION part CONCURRENTLY'), '%and leaves a CHECK constraint with the bounds on the partition', 'a partition gets a constraint');
SELECT is(t.said_of('error', script), 'up, line 1: ' || script || '|' || error, 'as mg_deploy() would find: ' || script) FROM (VALUES
	('DROP INDEX CONCURRENTLY parted_i', '0A000: cannot drop partitioned index "parted_i" concurrently'),
	('ALTER TABLE rest DETACH PARTITION rest_one CONCURRENTLY', '55000: cannot detach partitions concurrently when a default partition exists')) v (script, error);
SELECT alike(t.said_of('substitute', 'CREATE INDEX CONCURRENTLY ON parted (i)'), '%|run without CONCURRENTLY; mg_deploy() runs it by itself, which takes longer and locks less, partition by partition', 'on a partitioned table too');
SELECT is(t.said_of('verdict', 'CREATE UNIQUE INDEX CONCURRENTLY ON parcel (note)'), 'rehearsed script|up fails', 'an index that cannot be built fails');
SELECT is(t.said_of('rows', E'-- mg:backfill\nUPDATE parcel SET state = ''sent''', 'UPDATE parcel SET state = ''new'''), 'public.parcel|3000 before, 3000 between, 3000 after', 'a sample leaves the others');
SELECT mg_set_policy('rehearsal_max_size', '8kB', 'see what is too large') \gset
SELECT is(t.said_of('sample', E'-- mg:backfill\nUPDATE long SET note = ''y'' WHERE id > 990'), 'up, line 2: UPDATE long SET note = ''y'' WHERE id > 990|run on what it finds in the first 1000 rows; mg_deploy() runs it in batches', 'of a large table no more than these are read');
SELECT alike(t.said_of('statement', E'-- mg:backfill\nUPDATE long SET note = ''y'' WHERE id > 990'), '%, 10 rows', 'and only those among them are updated');
SELECT mg_set_policy('rehearsal_max_size', '1GB', 'done') \gset

-- A value of an enum that is used behind the commit.
SELECT is(t.said_of('verdict', 'ALTER TYPE mood ADD VALUE ''glad''; SELECT ''glad''::mood'), 'rehearsed script|cannot be rehearsed', 'a new value cannot be used in a rehearsal');
SELECT alike(t.said_of('error', 'ALTER TYPE mood ADD VALUE ''glad''; SELECT ''glad''::mood'), '%|55P04: unsafe use of new value "glad" of enum type mood mg_deploy() commits the value before %', 'and why');
SELECT is(t.said_of('verdict', 'BEGIN; ALTER TYPE mood ADD VALUE ''glad''; SELECT ''glad''::mood; COMMIT'), 'rehearsed script|up fails', 'in one transaction it fails for anybody');

-- Locks are those that the deployment takes.
SELECT is((SELECT string_agg(object || ' ' || split_part(value, ',', 1), E'\n') FROM mg_rehearse(script, NULL) WHERE aspect = 'lock'), locks, 'locks: ' || script) FROM (VALUES
	('CREATE INDEX CONCURRENTLY ON parcel (state)', 'public.parcel ShareUpdateExclusiveLock from line 1 on'),
	('DROP INDEX CONCURRENTLY parcel_note', E'public.parcel ShareUpdateExclusiveLock from line 1 on\npublic.parcel_note ShareUpdateExclusiveLock from line 1 on'),
	(E'DROP INDEX CONCURRENTLY parcel_note;\nALTER TABLE parcel ADD COLUMN c int', E'public.parcel AccessExclusiveLock from line 2 on\npublic.parcel_note ShareUpdateExclusiveLock from line 1 on'),
	('CREATE INDEX CONCURRENTLY ON parted (i)', E'public.parted ShareLock from line 1 on\npublic.part ShareUpdateExclusiveLock from line 1 on'),
	('ALTER TABLE parted DETACH PARTITION part CONCURRENTLY', E'public.parted ShareUpdateExclusiveLock from line 1 on\npublic.part AccessExclusiveLock from line 1 on\npublic.part_i_idx ShareUpdateExclusiveLock from line 1 on')) v (script, locks);

-- Plans, before and after a rehearsal.
SELECT status FROM mg_register('deployed', E:'up' || ' -- as it is', E:'down') \gset
SELECT is((SELECT string_agg(step || ' ' || lock_mode || ' ' || object || ' ' || substring(note from 'mg_deploy.*'), E'\n' ORDER BY step) FROM mg_plan('deployed') WHERE note LIKE '%mg_deploy%'),
	E'2 ShareUpdateExclusiveLock public.parcel mg_deploy() runs it by itself\n4 ShareUpdateExclusiveLock public.parcel mg_deploy() runs it by itself', 'by the linter');
SELECT is((SELECT value FROM mg_rehearse('deployed') WHERE aspect = 'verdict'), 'restores', 'a registered one is rehearsed');
SELECT is((SELECT string_agg(concat_ws(' ', step, lock_mode, object, estimate IS NOT NULL), E'\n' ORDER BY step) FROM mg_plan('deployed')),
	E'1 AccessExclusiveLock public.parcel t\n2 ShareUpdateExclusiveLock public.parcel t\n3 AccessExclusiveLock public.parcel t\n4 ShareUpdateExclusiveLock public.parcel f\n5 RowExclusiveLock public.parcel f\n6 RowExclusiveLock public.parcel t', 'by the rehearsal, each transaction with locks of its own');
SELECT alike((SELECT note FROM mg_plan('deployed') WHERE step = 5), '%run on 1000 rows at most; mg_deploy() runs it in batches; no estimate', 'a sample is no measure');
SELECT is((SELECT string_agg(migration || ' ' || verdict, ', ') FROM mg_rehearse_all('deployed')), 'deployed restores', 'and on the stair');
SELECT alike(t.said($$SELECT mg_apply('deployed')$$), '0A000 CREATE INDEX CONCURRENTLY cannot run inside a transaction%HINT: CALL mg_deploy() runs it: %', 'mg_apply() names mg_deploy()');
SELECT alike((SELECT evidence FROM mg_checklist('deployed') WHERE evidence ~ 'statements'), '%; wants mg_deploy() for line 2', 'so does the checklist');

-- The linter.
SELECT is(t.rows($$SELECT rule, severity, line FROM mg_lint_migration('deployed') WHERE rule IN ('not-in-transaction', 'transaction-control') ORDER BY line$$),
	E'not-in-transaction|warning|2\nnot-in-transaction|warning|4', 'what mg_deploy() can run is no error');
SELECT is(t.rows($$SELECT rule, severity, col FROM mg_lint('BEGIN; SELECT 1; COMMIT; SELECT 2') WHERE rule = 'transaction-control'$$), E'transaction-control|warning|1\ntransaction-control|warning|18', 'nor are transactions');
SELECT is(t.rows($$SELECT rule, severity, col FROM mg_lint('SELECT 1; COMMIT; SELECT 2') WHERE rule = 'transaction-control'$$), 'transaction-control|warning|11', 'nor is COMMIT alone');
SELECT is(t.rows($$SELECT rule, severity, col FROM mg_lint('SELECT 1; BEGIN; SELECT 2') WHERE rule = 'transaction-control'$$), 'transaction-control|error|11', 'but those that are none');
SELECT is((SELECT string_agg(DISTINCT severity, ',') FROM mg_lint('BEGIN; VACUUM; COMMIT; DISCARD ALL') WHERE rule = 'not-in-transaction'), 'error', 'what it cannot is one');
SELECT mg_set_policy('lint_severity', 'not-in-transaction=error', 'no deployments here') \gset
SELECT is((SELECT string_agg(severity, ',') FROM mg_lint('VACUUM') WHERE rule = 'not-in-transaction'), 'error', 'unless the policy names the rule');
SELECT mg_set_policy('lint_severity', '', 'done') \gset
SELECT alike((SELECT hint FROM mg_lint('VACUUM') WHERE rule = 'not-in-transaction'), 'CALL mg_deploy() for this migration: %', 'and says how');
CREATE TABLE wide AS SELECT i AS id, repeat('x', 300) AS note FROM generate_series(1, 20000) i; ANALYZE wide;
SELECT alike((SELECT hint FROM mg_lint('UPDATE wide SET note = ''y''') WHERE rule = 'many-rows-at-once'), 'With the comment -- mg:backfill above it, mg_deploy() runs it in batches.%', 'many rows at once');
SELECT is((SELECT count(*) FROM mg_lint(E'-- mg:backfill\nUPDATE wide SET note = ''y''') WHERE rule = 'many-rows-at-once'), 0::bigint, 'are not, with the directive');
SELECT is((SELECT count(*) FROM mg_lint('CREATE INDEX ON wide (id)') l WHERE l.rule = 'index-not-concurrent' AND l.hint ~ '^Instead, by mg_deploy\(\): CREATE INDEX CONCURRENTLY'), 1::bigint, 'an index to be built by mg_deploy()');
DROP TABLE wide;

SELECT is(mg_fingerprint(), :'fingerprint', 'nothing of it stays');
SELECT * FROM finish();
