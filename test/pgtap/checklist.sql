-- Checklists: what the database ticks by evidence, what people sign, and when that is void.
\ir lib/errors.sql
SELECT no_plan();

-- An item as "done|by|evidence".
CREATE FUNCTION t.item(name text, wanted text) RETURNS text LANGUAGE sql AS
$$ SELECT concat_ws('|', coalesce(c.done::text, '-'), coalesce(c.by, '-'), c.evidence) FROM mg_checklist(name) c WHERE c.item = wanted $$;
CREATE FUNCTION t.done(name text, wanted text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(coalesce(c.done::text, '-'), ' ' ORDER BY w.place) FROM unnest(string_to_array(wanted, ' ')) WITH ORDINALITY w (item, place) LEFT JOIN mg_checklist(name) c USING (item) $$;

SELECT matches(t.said($$SELECT mg_checklist('nobody')$$), '^MG004', 'a migration that nobody registered');
SELECT matches(t.said($$SELECT mg_checklist(NULL)$$), '^22004', 'none');
SELECT count(*) FROM mg_register('001_orders', $$-- Description: Orders
-- Author: Ada
CREATE TABLE orders (id int PRIMARY KEY, total int NOT NULL)$$, 'DROP TABLE orders', 'SELECT count(*) = 0 FROM orders');

-- Its shape.
SELECT is((SELECT string_agg(DISTINCT stage, ' ' ORDER BY stage) FROM mg_checklist('001_orders')), 'during post pre', 'three stages');
SELECT is((SELECT count(*) - count(DISTINCT item) FROM mg_checklist('001_orders')), 0::bigint, 'each item once');
SELECT is((SELECT string_agg(item, ' ') FROM mg_checklist('001_orders') WHERE item !~ '^[a-z]+(-[a-z]+)*$' OR task IS NULL), NULL, 'items are kebab case, and have words');

-- Pending.
SELECT is(t.done('001_orders', 'named described parsed requirements linted risk compatible rollback-script verification drift-free'), 'true true true true true true true true true false', 'what the database sees in it');
SELECT is(t.item('001_orders', 'described'), 'true|Ada|Orders', 'with the evidence');
SELECT is(t.done('001_orders', 'ticket reviewed architecture security retention promoted window freeze gates'), '- - - - - - - - -', 'what nobody asks for here');
SELECT is(t.done('001_orders', 'rollback-tested rollback-in-time impact duration backup'), 'false false false false false', 'what nobody has done');
SELECT is(t.done('001_orders', 'executed in-time verified locks size verifies objects data-intact no-alerts on-record'), 'false false false false false false false false false false', 'nothing of what comes with and after the run');

-- A rehearsal, a backup, a ticket.
SELECT count(*) FROM mg_rehearse('001_orders');
SELECT is(t.done('001_orders', 'rollback-tested rollback-in-time impact duration'), 'true true true true', 'a rehearsal ticks four');
SELECT matches(t.item('001_orders', 'rollback-tested'), '^true\|' || session_user || '\|restores, receipt \d+ of ', 'by whom, and which receipt');
CREATE TABLE meanwhile ();
SELECT matches(t.item('001_orders', 'rollback-tested'), '^false\|.*stale: the schema has changed$', 'unless it is stale');
DROP TABLE meanwhile;
SELECT mg_record_backup('old', 'tape', now() - interval '2 days');
SELECT matches(t.item('001_orders', 'backup'), '^false\|\S+\|old, taken at .*, too old$', 'an old backup');
SELECT mg_record_backup('nightly', 'tape', now() - interval '2 hours');
SELECT matches(t.item('001_orders', 'backup'), '^true\|\S+\|nightly, taken at ', 'a fresh one');
SELECT mg_set_policy('backup_max_age', '1h', 'for the test');
SELECT matches(t.item('001_orders', 'backup'), '^false\|', 'as fresh as the policy wants it');
SELECT matches(t.item('001_orders', 'gates'), '^false\|-\|closed: backup_max_age$', 'a closed gate');
SELECT mg_set_policy('backup_max_age', '3h', 'for the test');
SELECT is(t.item('001_orders', 'gates'), 'true|-|open: backup_max_age', 'an open one');
SELECT mg_set_policy('ticket_pattern', '[A-Z]+-[0-9]+', 'for the test');
SELECT is(t.item('001_orders', 'ticket'), 'false|-|no header comment Ticket', 'a ticket that the policy wants');
SELECT mg_set_policy('ticket_pattern', NULL, 'for the test');
SELECT mg_set_policy('required_approvals', 'review', 'for the test');
SELECT matches(t.item('001_orders', 'reviewed'), '^false\|-\|0 approvals of these scripts of 1, wanted because ', 'a review that the policy wants');
SELECT mg_set_policy('required_approvals', NULL, 'for the test');
SELECT mg_set_policy('freeze', (current_date - 1)::text || ' 00:00 to ' || (current_date + 1)::text || ' 00:00 UTC', 'for the test');
SELECT matches(t.item('001_orders', 'freeze'), '^false\|', 'a freeze');
SELECT mg_set_policy('freeze', NULL, 'for the test');

-- Signatures.
SELECT is(t.item('001_orders', 'tested'), 'false|-', 'nobody has signed');
SELECT mg_sign('001_orders', 'tested', 'on the copy of Monday');
SELECT matches(t.item('001_orders', 'tested'), '^true\|' || session_user || '\|signed at .*: on the copy of Monday$', 'signed');
SELECT mg_sign('001_orders', 'announced');
SELECT matches(t.item('001_orders', 'announced'), '^true\|\S+\|signed at [^:]*:[^:]*:[^:]*$', 'without a note');
SELECT is(t.said($$SELECT mg_sign('001_orders', 'backup')$$) ~ '^22023 "backup" is ticked by the database.*\nHINT: Items to sign are: data-handled, tested', true, 'not what the database ticks');
SELECT matches(t.said($$SELECT mg_sign('001_orders', 'coffee')$$), '^22023 "coffee" is no item', 'nor what is no item');
SELECT matches(t.said($$SELECT mg_sign('001_orders', '')$$), '^22023', 'nor nothing');
SELECT matches(t.said($$SELECT mg_sign('nobody', 'tested')$$), '^MG004', 'nor of a migration that nobody registered');
SELECT matches(t.said($$SELECT mg_sign('001_orders', NULL)$$), '^22004', 'nor NULL');
SELECT matches(t.said($$SELECT mg_sign('001_orders', 'application-works')$$), '^MG406', 'nor what comes after it, before it is applied');
BEGIN READ ONLY;
SELECT matches(t.said($$SELECT mg_sign('001_orders', 'tested')$$), '^25006', 'nor in a read-only transaction');
SELECT ok((SELECT count(*) > 30 FROM mg_checklist('001_orders')), 'where the checklist is to be read');
COMMIT;
SELECT count(*) FROM mg_register('001_orders', $$-- Description: Orders
-- Author: Ada
CREATE TABLE orders (id int PRIMARY KEY, total int NOT NULL)$$, 'DROP TABLE orders', 'SELECT count(*) = 0 FROM orders; SELECT 1');
SELECT is(t.item('001_orders', 'tested'), 'false|-', 'void when a script changes, be it the verification');
SELECT mg_sign('001_orders', 'tested');

-- Applied.
SELECT count(*) FROM mg_accept_drift('what this test made');
SELECT count(*) FROM mg_rehearse('001_orders');
SELECT is(t.done('001_orders', 'drift-free'), 'true', 'no drift');
SELECT is((SELECT status FROM mg_apply('001_orders')), 'applied', 'applied');
SELECT is(t.done('001_orders', 'executed in-time verified locks size verifies objects no-alerts on-record'), 'true true true true true true true true false', 'the run ticks what it can');
SELECT mg_seal();
SELECT is(t.done('001_orders', 'on-record'), 'true', 'and the seal the rest');
SELECT is(t.done('001_orders', 'rollback-tested backup gates tested'), 'true true true true', 'what was done before it stays done');
SELECT is(t.done('001_orders', 'linted compatible drift-free'), '- - -', 'what is not on record is not guessed');
SELECT matches(t.item('001_orders', 'executed'), '^true\|\S+\|run ' || (SELECT id FROM mg.runs WHERE migration = '001_orders' AND outcome = 'applied'), 'which run');
SELECT mg_record_backup('after', 'tape');
SELECT matches(t.item('001_orders', 'backup'), '\|nightly, ', 'a backup that came after it is none of before');
SELECT mg_sign('001_orders', 'application-works');
SELECT is(t.done('001_orders', 'application-works'), 'true', 'what comes after it can be signed now');
INSERT INTO orders VALUES (1, 1);
SELECT matches(t.item('001_orders', 'verifies'), '^false\|-\|line 1: SELECT count\(\*\) = 0 FROM orders: expected true in every row, got ', 'a verification that fails later');
DELETE FROM orders;
ALTER TABLE orders ADD COLUMN by_hand int;
SELECT matches(t.item('001_orders', 'objects'), '^false\|-\|table public.orders: expected unchanged, got ', 'a change by hand');
ALTER TABLE orders DROP COLUMN by_hand;

-- Rolled back: signatures are void.
SELECT is((SELECT status FROM mg_rollback('001_orders')), 'rolled back', 'rolled back');
SELECT is(t.done('001_orders', 'tested application-works executed verifies'), 'false false false false', 'nothing of that holds for the next time');
SELECT mg_sign('001_orders', 'tested');
SELECT is(t.done('001_orders', 'tested'), 'true', 'until it is signed again');

-- Strangers.
CREATE ROLE checklist_stranger;
SET ROLE checklist_stranger;
SELECT throws_ok($$SELECT mg_checklist('001_orders')$$, '42501', NULL, 'not for strangers');
SELECT throws_ok($$SELECT mg_sign('001_orders', 'tested')$$, '42501', NULL, 'nor to sign');
RESET ROLE;
DROP ROLE checklist_stranger;

SELECT * FROM finish();
