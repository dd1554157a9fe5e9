-- Preset lootaura, by the stages of that team's policy: development, preview, production; emergencies; no drift.
\ir lib/workflow.sql

SELECT t.hire('lootaura_ada', '{apply}');                       -- writes migrations
SELECT t.hire('lootaura_ben', '{apply,approve:review}');        -- writes some too, and reviews others'
SELECT t.hire('lootaura_dora', '{policy,approve:promotion,break_glass}'); -- runs the databases
GRANT lootaura_ada TO lootaura_dora;
SELECT t.found(database, environment, 'lootaura', 'lootaura_ada', $$
	CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL);
	CREATE TABLE sales (id bigint PRIMARY KEY, seller uuid REFERENCES users, category text);
	INSERT INTO users SELECT gen_random_uuid(), n || '@example.com' FROM generate_series(1, 10) n;
	INSERT INTO sales SELECT n, (SELECT id FROM users LIMIT 1), repeat('toys', 10) FROM generate_series(1, 20000) n;
	ANALYZE users, sales$$)
FROM (VALUES ('lootaura_development', 'development'), ('lootaura_preview', 'preview'), (current_database(), 'production')) v (database, environment);
SELECT mg_baseline('035_baseline', 'the schema as it is');

-- A column, a policy of row security, and the queries of the policy that prove them.
INSERT INTO t.file VALUES ('036_add_user_preferences', $$
-- Description: Preferences of a user
ALTER TABLE users ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}';
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY users_select_own ON users FOR SELECT USING (id = nullif(current_setting('request.user', true), '')::uuid);
$$, $$
DROP POLICY users_select_own ON users;
ALTER TABLE users DISABLE ROW LEVEL SECURITY;
ALTER TABLE users DROP COLUMN preferences;
$$, $$
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'preferences';
SELECT policyname, permissive, roles, cmd, qual FROM pg_policies WHERE tablename = 'users' AND policyname = 'users_select_own';
SELECT count(*) FROM users WHERE preferences IS NULL; -- expect: 0
$$);

-- Migration requirements: an id, a description, queries that verify it; the way back may come later.
SELECT alike(t.by('lootaura_ada', $$SELECT mg_apply('add_user_preferences', 'SELECT 1')$$, 'lootaura_development'), 'MG001%036_add_user_preferences%', 'a name without a number is refused, with the pattern');
SELECT is(t.told(t.by('lootaura_ada', $$SELECT mg_apply('036_add_user_preferences', 'SELECT 1')$$, 'lootaura_development')), 'require_verify', 'in development nothing but verification queries is asked for');
SELECT alike(t.by('lootaura_ada', $$SELECT mg_apply('036_add_user_preferences', 'SELECT 1', verify => 'SELECT 1/0')$$, 'lootaura_development'), '22012%', 'queries that fail undo the migration');

-- Development: apply, test, verify, document.
SELECT is(t.apply('lootaura_ada', '036_add_user_preferences', 'lootaura_development'), 'applied', 'development: applied');
SELECT is(t.done('lootaura_ada', 'SELECT count(*) FROM mg_verify(''036_add_user_preferences'') WHERE NOT ok', 'lootaura_development'), '0', 'and verified');
SELECT alike(t.done('lootaura_ada', 'SELECT mg_doc(''036_add_user_preferences'')', 'lootaura_development'), '%Preferences of a user%users\_select\_own%', 'its document has purpose and changes');
SELECT is(t.done('lootaura_ada', 'SELECT status FROM mg_rollback(''036_add_user_preferences'')', 'lootaura_development'), 'rolled back', 'and it is rolled back without a reason');
SELECT is(t.done('lootaura_ada', 'ALTER TABLE users ADD COLUMN idea text', 'lootaura_development'), 'ALTER TABLE', 'ideas are tried by hand there');
SELECT is(t.alerts('change outside migrations', 'lootaura_development'), 'none', 'and nobody is alarmed');

-- Preview: the same scripts; the linter holds back what is an error, and changes by hand are warned of.
SELECT is(t.apply('lootaura_ada', '036_add_user_preferences', 'lootaura_preview'), 'applied', 'preview: applied');
SELECT is(t.done('lootaura_ada', 'ALTER TABLE sales ADD COLUMN idea text', 'lootaura_preview'), 'ALTER TABLE', 'a change by hand goes through');
SELECT is(t.alerts('change outside migrations', 'lootaura_preview'), 'warning', 'and is an alert');
SELECT is(t.done('lootaura_ada', 'ALTER TABLE sales DROP COLUMN idea', 'lootaura_preview'), 'ALTER TABLE', 'it is taken back');

-- Production. What is missing is told at once; the maintenance window is of this team's hours, and no session may stand in the way.
SELECT mg_set_policy('maintenance_window', t.hours(false), 'our low-traffic hours', 'production');
SELECT mg_set_policy('longest_transaction', '1s', 'for the test', 'production');
SELECT t.dblink_connect('report', t.login('lootaura_ben', current_database()));
SELECT t.dblink_exec('report', 'BEGIN');
SELECT pg_sleep(1.1) \gset
SELECT is(t.done('lootaura_dora', 'SELECT mg_break_glass(''the dashboard is stuck'', ''1 minute'') > now()'), 't', 'somebody has had to help at night');
SELECT is(t.done('lootaura_dora', 'ALTER TABLE sales SET (autovacuum_vacuum_scale_factor = 0.01)'), 'ALTER TABLE', 'by hand');
SELECT is(t.done('lootaura_dora', 'SELECT mg_end_break_glass()'), '1', 'which is counted');
SELECT is(t.told(t.by('lootaura_ada', $$SELECT mg_apply('036_add_user_preferences', 'CREATE INDEX sales_by ON sales (category)')$$), part),
	'backup_max_age lint_gate longest_transaction maintenance_window promoted_from require_down require_no_drift require_rehearsal require_verify required_approvals', 'production: all that is missing is told at once, in its ' || lower(part))
	FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT is(t.register('lootaura_ada', '036_add_user_preferences'), 'pending', 'the same file as before has a way back, verification queries, and no index');
SELECT is(t.closed('036_add_user_preferences'), 'backup_max_age longest_transaction maintenance_window promoted_from require_no_drift require_rehearsal required_approvals', 'three are open');

-- Each is opened as its hint says; the rehearsal comes last, for it is of the schema as it is.
SELECT is(t.way('036_add_user_preferences', 'required_approvals'), $$mg_approve('036_add_user_preferences', 'review')$$, 'reviewed by another one');
SELECT alike(t.by('lootaura_ada', 'SELECT ' || t.way('036_add_user_preferences', 'required_approvals')), '42501%', 'not by who has no right to');
SELECT is(t.by('lootaura_ben', 'SELECT ' || t.way('036_add_user_preferences', 'required_approvals')), '', 'Ben has');
SELECT is(t.way('036_add_user_preferences', 'promoted_from'), $$mg_attest('036_add_user_preferences')$$, 'promoted from preview');
SELECT is(t.promote('lootaura_ada', 'lootaura_preview', 'lootaura_dora', '036_add_user_preferences'), '', 'where it was applied and verified');
SELECT is(t.done('lootaura_dora', $$SELECT mg_record_backup('before 036', 's3://backups/036')$$), '', 'a full backup');
SELECT is(t.dblink_exec('report', 'COMMIT'), 'COMMIT', 'nobody in the way');
SELECT is(t.closed('036_add_user_preferences'), 'maintenance_window require_no_drift require_rehearsal', 'which opens three');
SELECT mg_set_policy('longest_transaction', '5min', 'as it was', 'production');
SELECT is(t.done('lootaura_dora', format('SELECT mg_set_policy(%L, %L, %L, %L)', 'maintenance_window', t.hours(true), 'now', 'production')), '', 'within the window');
SELECT is((SELECT string_agg(changed_by || ' ' || identity, ', ') FROM mg_drift_report()), 'lootaura_dora public.sales', 'what was done at night is looked at');
SELECT is(mg_accept_drift('INC-36: it stays', 'public.sales'), 1, 'and accepted by an owner, with a reason');
SELECT is(t.closed('036_add_user_preferences'), 'require_rehearsal', 'the way back is left');
SELECT is(t.way('036_add_user_preferences', 'require_rehearsal'), $$mg_rehearse('036_add_user_preferences')$$, 'to be tried');
SELECT is(t.rehearse('lootaura_ada', '036_add_user_preferences'), 'restores', 'as its owner does');
SELECT is(t.closed('036_add_user_preferences'), 'none', 'all are open');

-- The checklist before it: what the database knows is ticked, people sign the rest.
SELECT is(t.left_to_do('036_add_user_preferences', 'pre'), 'data-handled tested application-ready monitoring announced documented', 'what people answer for');
SELECT t.sign('lootaura_ben', '036_add_user_preferences', 'data-handled tested application-ready monitoring announced documented');
SELECT is(t.left_to_do('036_add_user_preferences', 'pre'), 'nothing', 'and sign');
SELECT is((SELECT by FROM mg_checklist('036_add_user_preferences') WHERE item = 'reviewed'), 'lootaura_ben', 'with who reviewed it');
SELECT is((SELECT done FROM mg_checklist('036_add_user_preferences') WHERE item = 'rollback-in-time'), true, 'back within five minutes');

-- During and after: executed, verified, watched, documented.
SELECT is(t.apply('lootaura_ada', '036_add_user_preferences'), 'applied', 'applied by who wrote it');
SELECT t.sign('lootaura_dora', '036_add_user_preferences', 'performance-watched logs-watched rollback-ready application-works performance-kept cleaned-up documentation reported');
SELECT is(t.left_to_do('036_add_user_preferences', 'during'), 'nothing', 'during it');
SELECT mg_seal() \gset
SELECT is(t.left_to_do('036_add_user_preferences', 'post'), 'nothing', 'and after it, nothing is left to do');
SELECT mg_verifies('036_add_user_preferences', 'columns, policies and constraints are what they should be');
SELECT mg_has_no_drift('nothing else has changed');
SELECT is((SELECT size_before > 0 AND jsonb_array_length(locks) > 0 FROM mg.runs WHERE migration = '036_add_user_preferences' AND outcome = 'applied'), true, 'size and locks are on record');
SELECT matches(mg_doc('036_add_user_preferences'), 'Preferences of a user.*### Verification.*### Rollback.*DROP COLUMN preferences', 'a document with purpose, verification and rollback');
SELECT matches(mg_doc('036_add_user_preferences'), 'lootaura_ben', 'and who approved of it');

-- Performance: an index over a large table is an error here, so that it is built concurrently, by mg_deploy(): by its gates.
INSERT INTO t.file VALUES ('037_add_performance_indexes', 'CREATE INDEX IF NOT EXISTS idx_sales_category ON sales (category);', 'DROP INDEX idx_sales_category;',
	'SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ''sales'' AND indexname = ''idx_sales_category''; SELECT indisvalid FROM pg_index WHERE indexrelid = ''idx_sales_category''::regclass;');
SELECT is(t.told(t.apply('lootaura_ada', '037_add_performance_indexes', 'lootaura_preview')), 'lint_gate', 'preview holds back what locks a large table');
SELECT alike((SELECT hint FROM mg_lint((SELECT up FROM t.file WHERE name = '037_add_performance_indexes')) WHERE rule = 'index-not-concurrent'), '%CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_sales_category%', 'and the linter says how else');
UPDATE t.file SET up = replace(up, 'INDEX', 'INDEX CONCURRENTLY') WHERE name = '037_add_performance_indexes';
SELECT is(t.register('lootaura_ada', '037_add_performance_indexes', database), 'pending', 'registered in ' || database) FROM unnest(ARRAY['lootaura_preview', current_database()]) database;
-- By psql: a statement of this session would be one that the index waits for.
\setenv PGOPTIONS '-c client_min_messages=warning'
\set deployed `psql -XAq -U lootaura_ada -d lootaura_preview -c "CALL mg_deploy('037_add_performance_indexes')" 2>&1`
SELECT alike(:'deployed'::text, 'WARNING:  objects of this migration had been changed outside migrations before%: table public.sales.%', 'deployed in preview, where it tells of the change by hand');
SELECT is(t.done('lootaura_ada', 'SELECT status FROM mg.status WHERE migration = ''037_add_performance_indexes''', 'lootaura_preview'), 'applied', 'there it is applied');
\set deployed `psql -XAq -v VERBOSITY=sqlstate -U lootaura_ada -d :'DBNAME' -c "CALL mg_deploy('037_add_performance_indexes')" 2>&1`
SELECT is(:'deployed'::text, 'ERROR:  MG407', 'production has gates');
\set built `PGOPTIONS='-c migration_governance.migration=037_add_performance_indexes' psql -XAq -v VERBOSITY=sqlstate -U lootaura_ada -d :'DBNAME' -c 'CREATE INDEX CONCURRENTLY idx_sales_category ON sales (category)' 2>&1`
SELECT is(:'built'::text, 'ERROR:  MG409', 'which building it by hand, in its name, does not pass by');
SELECT is(t.promote('lootaura_ada', 'lootaura_preview', 'lootaura_dora', '037_add_performance_indexes'), '', 'which preview says');
SELECT is(t.by('lootaura_ben', 'SELECT ' || t.way('037_add_performance_indexes', 'required_approvals')), '', 'Ben reviews it');
SELECT is(t.closed('037_add_performance_indexes'), 'require_rehearsal', 'what is left');
SELECT is(t.rehearse('lootaura_ada', '037_add_performance_indexes'), 'restores', 'the way back takes the index along');
\set deployed `psql -XAq -v VERBOSITY=sqlstate -U lootaura_ada -d :'DBNAME' -c "CALL mg_deploy('037_add_performance_indexes')" 2>&1`
SELECT is(:'deployed'::text, '', 'deployed in production');
SELECT mg_verifies('037_add_performance_indexes', 'the index is there, and valid');
SELECT mg_has_no_drift('and expected');

-- Backward compatibility: columns are deprecated before they go, which an old application would trip over.
SELECT is((SELECT backward_compatible FROM mg_script_risk('ALTER TABLE sales ADD COLUMN note text', 'ALTER TABLE sales DROP COLUMN note')), true, 'a nullable column breaks nothing');
SELECT is((SELECT array[risk, backward_compatible::text] FROM mg_script_risk('ALTER TABLE sales DROP COLUMN category', 'ALTER TABLE sales ADD COLUMN category text')), '{high-risk,false}', 'a column that goes does');

-- Emergency procedures: a migration that fails stops by itself and leaves nothing, is told of, found, corrected and tried again.
INSERT INTO t.file VALUES ('038_check_categories', 'ALTER TABLE sales ADD CONSTRAINT sales_category_known CHECK (category <> ''unknown'');', 'ALTER TABLE sales DROP CONSTRAINT sales_category_known;',
	'SELECT count(*) FROM sales WHERE category = ''unknown''; -- expect: 0');
SELECT is(t.deliver('038_check_categories', 'lootaura_ada', 'lootaura_preview', 'lootaura_ben', 'lootaura_dora'), 'none', 'a constraint that all rows fit');
INSERT INTO sales VALUES (0, NULL, 'unknown');
SELECT alike(t.apply('lootaura_ada', '038_check_categories'), '23514%', 'until one comes that does not');
SELECT is((SELECT array[outcome, line::text, sqlstate, login_role] FROM mg.runs WHERE migration = '038_check_categories' ORDER BY id DESC LIMIT 1), '{failed,1,23514,lootaura_ada}', 'the failure is on record');
SELECT is(t.alerts('failure'), 'high 038_check_categories', 'and an alert');
SELECT is((SELECT count(*) FROM pg_constraint WHERE conname = 'sales_category_known'), 0::bigint, 'nothing of it stays');
SELECT is(t.by('lootaura_ada', 'SELECT status FROM mg_rollback(''038_check_categories'')'), E'MG406 migration "038_check_categories" is not applied\nHINT: SELECT migration, status FROM mg.status tells what is.', 'there is nothing to roll back');
SELECT is(t.done('lootaura_ada', 'SELECT status FROM mg_rollback(''038_check_categories'')', 'lootaura_preview'), 'rolled back', 'in preview there is');
UPDATE t.file SET up = 'UPDATE sales SET category = ''other'' WHERE category = ''unknown''; ' || up WHERE name = '038_check_categories';
SELECT is(t.told(t.apply('lootaura_ada', '038_check_categories')), 'promoted_from require_rehearsal required_approvals', 'what was said of the old text is not said of the new one');
SELECT is(t.deliver('038_check_categories', 'lootaura_ada', 'lootaura_preview', 'lootaura_ben', 'lootaura_dora'), 'none', 'it goes the same way again');
SELECT is(t.apply('lootaura_ada', '038_check_categories'), 'applied', 'and is applied');

-- Rollback: within five minutes, without loss, by the procedure that was tested.
SELECT is(t.done('lootaura_ada', 'SELECT status FROM mg_rollback(''038_check_categories'', ''sellers complain'')'), 'rolled back', 'rolled back');
SELECT is((SELECT array[reason, login_role] FROM mg.runs WHERE migration = '038_check_categories' AND outcome = 'rolled back'), '{sellers complain,lootaura_ada}', 'why, and by whom');
SELECT is(t.alerts('rollback'), 'high 038_check_categories', 'a rollback in production is an alert');
SELECT is((SELECT count(*) FROM sales) || ' ' || (SELECT count(*) FROM users), '20001 10', 'no row is lost');
SELECT is((SELECT bool_and(f->>'ok' = 'true') FROM mg.rehearsals r, jsonb_array_elements(r.facts) f WHERE f->>'aspect' = 'rollback budget'), true, 'its rehearsal was within the budget');

-- Drift is prevented: nobody changes production by hand, and the error has the migration to do it with.
SELECT alike(t.by('lootaura_ada', 'ALTER TABLE sales ADD COLUMN tip numeric'), 'MG409%mg_register(''039_alter_public_sales''%', 'by hand it is refused');
SELECT alike(t.by('lootaura_ben', 'SELECT mg_break_glass(''please'')'), '42501%', 'and not everybody may break the glass');
SELECT is((SELECT string_agg(login_role || ': ' || tag, ', ') FROM mg_break_glass_report()), 'lootaura_dora: ALTER TABLE', 'what was done behind broken glass is listed');

-- Health and the record.
SELECT is((SELECT count(*) FROM mg_health() WHERE aspect IN ('invalid index', 'constraint not validated') AND NOT ok), 0::bigint, 'indexes and constraints are in good shape');
SELECT matches(mg_metrics(), 'mg_runs_total\{[^}]*outcome="rolled back"[^}]*\} 1\n', 'counted for who watches');
SELECT is((SELECT count(*) FROM mg_verify() WHERE NOT ok), 0::bigint, 'the whole is sound');
SELECT t.leave();
SELECT * FROM finish();
