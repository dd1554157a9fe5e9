-- How long a migration would take, by its rehearsal, by sizes and by earlier runs; and what a rollback is compared with.
\ir lib/errors.sql
SELECT no_plan();

CREATE TABLE large (id int, t text);
INSERT INTO large SELECT g, repeat('x', 100) FROM generate_series(1, 30000) g;
CREATE TABLE small (id int);
INSERT INTO small VALUES (1);
CREATE TABLE parent (id int) PARTITION BY RANGE (id);
CREATE TABLE child PARTITION OF parent FOR VALUES FROM (0) TO (1000000);
INSERT INTO child SELECT g FROM generate_series(1, 10000) g;
CREATE TABLE "odd ""name" (i int);
ANALYZE;
SELECT mg_baseline('start', 'what there is');

-- Sizes.
SELECT is((mg_sizes()->>'public.large')::bigint, pg_table_size('large'), 'the size of a table');
SELECT is((mg_sizes()->>'public.parent')::bigint, pg_table_size('child'), 'of a partitioned one with its partitions');
SELECT ok(mg_sizes() ? 'public."odd ""name"', 'names are quoted');
SELECT is(t.said($$SELECT mg_plan('start', '[1]')$$), E'22023 the sizes are no JSON object\nHINT: mg_sizes() gives those of the database that it runs in.', 'sizes are an object');
SELECT is(t.said(format('SELECT mg_plan(''start'', %L)', sizes)), '22023 the size of a is no number of bytes', sizes) FROM unnest(ARRAY['{"a": "b"}', '{"a": null}', '{"a": -1}', '{"a": 1e30}']) AS sizes;
SELECT is(t.said($$SELECT mg_plan('nobody')$$), E'MG004 migration "nobody" is not registered\nHINT: Register it with mg_register().', 'a name that nobody knows');

-- Scaling.
SELECT status FROM mg_register('rewrites', 'ALTER TABLE large ALTER id TYPE bigint', 'ALTER TABLE large ALTER id TYPE int') \gset
SELECT status FROM mg_register('small one', 'ALTER TABLE small ALTER id TYPE bigint', 'ALTER TABLE small ALTER id TYPE int') \gset
SELECT value FROM mg_rehearse('small one') WHERE aspect = 'verdict' \gset
SELECT is((SELECT note FROM mg_plan('small one', '{"public.small": 5000000}')), 'goes through public.small (4883 kB): a change of type may rewrite the table; rewrites public.small; no estimate, since 8192 bytes in the rehearsal are too little to tell', 'nothing is made up');
SELECT value FROM mg_rehearse('rewrites') WHERE aspect = 'verdict' \gset
SELECT is(:'value'::text, 'restores', 'a large table');
SELECT (steps->0->>'duration_us')::float8 AS us, (steps->0->>'bytes')::bigint AS bytes FROM mg.rehearsals WHERE migration = 'rewrites' ORDER BY id DESC LIMIT 1 \gset
SELECT is(:bytes::bigint, pg_table_size('large'), 'its size is in the receipt');
SELECT is((SELECT extract(epoch FROM estimate) * 1e6 FROM mg_plan('rewrites'))::numeric, :us::numeric, 'here it takes as long as in the rehearsal');
SELECT is(round(extract(epoch FROM estimate) * 1e6 / :us), 10::numeric, 'ten times the table, ten times as long') FROM mg_plan('rewrites', jsonb_build_object('public.large', 10 * :bytes::bigint));
SELECT alike(note, 'goes through public.large (%): a change of type may rewrite the table; rewrites public.large; % ms for % kB in the rehearsal', 'and how that is known') FROM mg_plan('rewrites', jsonb_build_object('public.large', 10 * :bytes::bigint));
SELECT is(round(extract(epoch FROM estimate) * 1e6 / :us), 1::numeric, 'a smaller table takes no less than was measured') FROM mg_plan('rewrites', '{"public.large": 0}');
SELECT is((SELECT array[estimate::text, note] FROM mg_plan('rewrites', '{"public.other": 5}')), ARRAY[NULL, 'goes through public.large: a change of type may rewrite the table; rewrites public.large; no estimate, since the size of public.large is not known'], 'a size that is not handed in');
SELECT alike((SELECT note FROM mg_plan('small one', '{"public.small": 5000000}')), 'goes through public.small (4883 kB): % as fast as other tables were gone through in rehearsals here, %/s', 'a table that was too small goes by others');
SELECT ok((SELECT abs(extract(epoch FROM estimate) * 1e6 / (5000000 / (:bytes / :us)) - 1) < 0.02 FROM mg_plan('small one', '{"public.small": 5000000}')), 'at their speed');

-- Earlier runs.
SELECT status FROM mg_register('takes its time', 'SELECT pg_sleep(0.03)', 'SELECT 1') \gset
SELECT value FROM mg_rehearse('takes its time') WHERE aspect = 'verdict' \gset
SELECT is((SELECT note FROM mg_plan('takes its time')), 'measured in the rehearsal', 'as long as nothing was applied');
SELECT status FROM mg_apply('takes its time') \gset
SELECT ok(note ~ ' in the rehearsal, times \d\.\d+ as in 1 earlier run$', 'an earlier run counts') FROM mg_plan('rewrites');
SELECT ok(abs(extract(epoch FROM estimate) * 1e6 / :us / (SELECT (r.timings->0->>1)::float8 / (h.steps->0->>'duration_us')::float8 FROM mg.runs r, mg.rehearsals h WHERE r.migration = 'takes its time' AND r.action = 'apply' AND h.migration = r.migration) - 1) < 0.01, 'as much as it took longer') FROM mg_plan('rewrites');

-- Which receipt.
SELECT is((SELECT count(*) FROM mg_plan('takes its time') WHERE note LIKE 'not rehearsed%'), 1::bigint, 'the way back has a plan of its own');
SELECT value FROM mg_rehearse('takes its time') WHERE aspect = 'verdict' \gset
SELECT is((SELECT statement || '|' || (note NOT LIKE 'not rehearsed%') FROM mg_plan('takes its time')), 'SELECT 1|true', 'once it is rehearsed alone');
SELECT status FROM mg_register('fails', 'CREATE TABLE f (i int); SELECT 1/0; SELECT 2', 'DROP TABLE f') \gset
SELECT value FROM mg_rehearse('fails') WHERE aspect = 'verdict' \gset
SELECT is((SELECT string_agg(step || ' ' || (note NOT LIKE 'not rehearsed%'), ', ') FROM mg_plan('fails')), '1 true, 2 false, 3 false', 'up to the statement that failed');
SELECT status FROM mg_register('cannot', 'VACUUM', NULL) \gset
SELECT is((SELECT note FROM mg_plan('cannot')), 'not rehearsed: by the linter; mg_deploy() runs it by itself', 'what mg_apply() cannot run');
SELECT status FROM mg_register('nobody can', 'DISCARD ALL', NULL) \gset
SELECT is((SELECT note FROM mg_plan('nobody can')), 'cannot run: DISCARD ALL cannot run inside a transaction', 'what nobody can run');
SELECT is((SELECT string_agg(stale, ', ') FROM mg.rehearsals WHERE migration = 'small one'), NULL, 'a receipt is fresh');
SELECT status FROM mg_register('small one', 'ALTER TABLE small ALTER id TYPE bigint; SELECT 5', 'ALTER TABLE small ALTER id TYPE int') \gset
SELECT is((SELECT string_agg(stale, ', ') FROM mg.rehearsals WHERE migration = 'small one'), 'the scripts have changed', 'until its scripts change');
SELECT is((SELECT string_agg(stale, ', ') FROM mg.rehearsals WHERE migration = 'rewrites'), NULL, 'which is nothing to others');
CREATE INDEX ON small (id);
SELECT is((SELECT string_agg(stale, ', ') FROM mg.rehearsals WHERE migration = 'rewrites'), 'the schema has changed', 'but the schema is');

-- The way back and its rehearsal.
CREATE FUNCTION t.evidence(name text) RETURNS text
	LANGUAGE sql AS $$ SELECT concat_ws(' ', evidence->0->>'status', (SELECT string_agg(e->>'difference', '; ') FROM jsonb_array_elements(evidence->0->'rows') e)) FROM mg.runs WHERE migration = name AND action = 'roll back' ORDER BY id DESC LIMIT 1 $$;
-- Registers, rehearses, applies, lets somebody do something, and rolls back.
CREATE FUNCTION t.back_and_forth(name text, up text, down text, meanwhile text DEFAULT 'SELECT 1') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mg_register(name, up, down);
	PERFORM mg_rehearse(name);
	PERFORM mg_apply(name);
	EXECUTE meanwhile;
	PERFORM mg_rollback(name);
	RETURN t.evidence(name);
END $$;
SELECT is(t.back_and_forth('b1', 'CREATE TABLE b (i int); ALTER TABLE small ADD COLUMN c int', 'DROP TABLE b; ALTER TABLE small DROP COLUMN c'), 'passed', 'as rehearsed');
SELECT is(t.back_and_forth('b2', 'ALTER TABLE small ADD COLUMN c int; ALTER TABLE small ALTER id SET DEFAULT 5', 'ALTER TABLE small DROP COLUMN c'), 'passed', 'a difference that the rehearsal told is none');
SELECT is(t.back_and_forth('b3', 'ALTER TABLE small ALTER id SET STATISTICS 100', 'DO $d$ BEGIN IF NOT EXISTS (SELECT FROM small WHERE id = 77) THEN ALTER TABLE small ALTER id SET STATISTICS -1; END IF; END $d$', 'INSERT INTO small VALUES (77)'),
	'failed table column public.small.id: statistics target: nothing before, 100 after', 'another one is');
SELECT is(t.back_and_forth('b4', 'ALTER TABLE large ADD COLUMN c int', 'DO $d$ BEGIN ALTER TABLE large DROP COLUMN c; IF EXISTS (SELECT FROM small WHERE id = 78) THEN CREATE TABLE extra (i int); END IF; END $d$', 'INSERT INTO small VALUES (78)'),
	'failed table public.extra: unexpected', 'and what the way back makes');
SELECT is(t.back_and_forth('b5', 'ALTER TABLE large ADD COLUMN c int', 'ALTER TABLE large DROP COLUMN c', 'ALTER TABLE large ADD COLUMN other int; CREATE INDEX ON small (id)'), 'passed', 'what others did meanwhile is theirs');
SELECT is(t.back_and_forth('b6', 'DROP TABLE "odd ""name"', 'CREATE TABLE "odd ""name" (i int)'), 'passed', 'what comes back');
SELECT status FROM mg_apply('b7', 'CREATE TABLE b7 (i int)', 'DROP TABLE b7') \gset
SELECT status FROM mg_rollback('b7') \gset
SELECT is(t.evidence('b7'), '', 'without a rehearsal nothing is said');
SELECT is((SELECT bool_and(ok) FROM mg_verify() WHERE check_name LIKE 'ledger%'), true, 'the ledger holds');


-- What the linter adds: without a rehearsal, too.
CREATE TABLE t.wide (id int PRIMARY KEY, n int, b text);
INSERT INTO t.wide SELECT g, g, repeat('x', 400) FROM generate_series(1, 10000) g;
ANALYZE t.wide;
SELECT status FROM mg_register('unseen', 'ALTER TABLE t.wide ALTER n TYPE text; CREATE INDEX ON t.wide (b); ALTER TABLE t.wide ADD COLUMN c int; DROP TABLE t.wide', 'SELECT 1') \gset
SELECT status FROM mg_register('in the way', 'ALTER TABLE t.wide ADD COLUMN d int', 'ALTER TABLE t.wide DROP COLUMN d') \gset
SELECT is((SELECT string_agg(concat_ws(' ', step, lock_mode, object, rewrite, estimate IS NOT NULL, risk, conflicts), E'\n' ORDER BY step) FROM mg_plan('unseen')),
	E'1 AccessExclusiveLock t.wide t t controlled table t.wide: in the way\n2 ShareLock t.wide f t controlled table t.wide: in the way\n3 AccessExclusiveLock t.wide f f safe table t.wide: in the way\n4 AccessExclusiveLock t.wide f f high-risk table t.wide: in the way', 'locks, rewrites, times, risk and conflicts by the linter');
SELECT ok(disk BETWEEN pg_table_size('t.wide') AND pg_total_relation_size('t.wide') * 1.1, 'a rewrite needs room for table and indexes') FROM mg_plan('unseen') WHERE step = 1;
SELECT ok(disk BETWEEN 4000000 AND 6000000, 'an index for its entries') FROM mg_plan('unseen') WHERE step = 2;
SELECT is(disk, NULL, 'and others none') FROM mg_plan('unseen') WHERE step = 3;

-- What would be kept of what a migration destroys.
SELECT status FROM mg_register('destroys', E'ALTER TABLE t.wide DROP COLUMN b;\nDELETE FROM t.wide;\nDROP TABLE t.wide;\n-- mg:discard t.wide nobody reads it\nTRUNCATE t.wide;\nDELETE FROM t.wide WHERE id = 1') \gset
SELECT results_eq($$SELECT step, substring(note from 'copies.*|moves.*|does not keep.*') FROM mg_plan('destroys')$$,
	format($$VALUES (1, %L), (2, %L), (3, %L), (4, 'does not keep what is lost of t.wide: nobody reads it'), (5, NULL)$$, 'copies t.wide.b (about ' || pg_size_pretty(10000 * (28 + 4 + 404)::bigint) || ') to mg_archive',
		'copies t.wide (about ' || pg_size_pretty(pg_table_size('t.wide')) || ') to mg_archive', 'moves t.wide (about ' || pg_size_pretty(pg_table_size('t.wide')) || ') to mg_archive'), 'what is kept, and how');
SELECT is(disk, pg_table_size('t.wide'), 'copies need room') FROM mg_plan('destroys') WHERE step = 2;
SELECT mg_set_policy('archive_limit', '1MB', 'a trial');
SELECT matches(note, 'moves t.wide .*: too large, refused unless -- mg:discard says so', 'and what would be refused') FROM mg_plan('destroys') WHERE step = 3;

SELECT * FROM finish();
