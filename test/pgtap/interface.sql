-- The shape of what people use: views, functions, their names, arguments, comments and privileges.
\ir lib/errors.sql
SELECT no_plan();

-- The columns that views begin with, in order, with their types. More may follow.
CREATE FUNCTION t.begins(view text, wanted text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) INTO found
	FROM pg_attribute WHERE attrelid = view::regclass AND attnum BETWEEN 1 AND cardinality(string_to_array(wanted, ', '));
	RETURN is(found, wanted, view || ' has its columns in order');
END $$;
SELECT t.begins('mg.history', 'id integer, migration_name text, applied_at timestamp with time zone, applied_by text, execution_time interval, checksum text, rollback_applied boolean, rollback_at timestamp with time zone, metadata jsonb');
SELECT t.begins('mg.status', 'migration text, status text, applied_at timestamp with time zone, checksum text, risk text, approvals integer');
SELECT t.begins('mg.runs', 'id bigint, migration text, action text, outcome text, started_at timestamp with time zone, execution_time interval, login_role text, acting_role text, error text, sqlstate text, line integer, statement text, rows bigint, locks jsonb, rewrites jsonb, size_before bigint, size_after bigint');
SELECT t.begins('mg.statements', 'id bigint, at timestamp with time zone, migration text, origin text, login_role text, acting_role text, application text, client text, tag text, object_type text, identity text, statement text, duration interval');
SELECT t.begins('mg.policy', 'setting text, value text, environment text, source text, meaning text');

-- Functions: arguments with names and defaults, what they give.
SELECT is((SELECT pg_get_function_arguments(p.oid) FROM pg_proc p WHERE proname = name AND pronamespace = 'pg_catalog'::regnamespace), arguments, name || '() has its arguments') FROM (VALUES
	('mg_apply', 'name text, up text DEFAULT NULL::text, down text DEFAULT NULL::text, verify text DEFAULT NULL::text, requires text[] DEFAULT NULL::text[], precondition text DEFAULT NULL::text, OUT migration text, OUT status text, OUT execution_time interval, OUT statements integer, OUT objects integer, OUT risk text, OUT checksum text, OUT run_id bigint'),
	('mg_register', 'name text, up text, down text DEFAULT NULL::text, verify text DEFAULT NULL::text, requires text[] DEFAULT NULL::text[], precondition text DEFAULT NULL::text, OUT migration text, OUT status text, OUT risk text, OUT checksum text, OUT findings integer, OUT approvals_needed integer'),
	('mg_rollback', 'name text DEFAULT NULL::text, reason text DEFAULT NULL::text, OUT migration text, OUT status text, OUT execution_time interval, OUT statements integer, OUT objects integer, OUT risk text, OUT checksum text, OUT run_id bigint'),
	('mg_rollback_to', 'name text, reason text DEFAULT NULL::text'), ('mg_verify', 'name text DEFAULT NULL::text'), ('mg_status', ''), ('mg_parse', 'script text'),
	('mg_template', 'kind text, description text, author text DEFAULT NULL::text, ticket text DEFAULT NULL::text, OUT name text, OUT up text, OUT down text'),
	('mg_is_applied', 'name text, description text DEFAULT NULL::text'), ('mg_is_not_applied', 'name text, description text DEFAULT NULL::text'), ('mg_verifies', 'name text DEFAULT NULL::text, description text DEFAULT NULL::text'),
	('mg_seal', ''), ('mg_export', ''), ('mg_import', 'dump jsonb, OUT rows_taken bigint, OUT seals_checked bigint'), ('mg_allow_removal', 'reason text')) v (name, arguments);
SELECT alike((SELECT pg_get_function_arguments('pg_catalog.mg_set_policy'::regproc)), 'setting text, value text, reason text%', 'mg_set_policy() has its arguments');
SELECT is((SELECT pg_get_function_result(('pg_catalog.' || name)::regproc)), result, name || '() has its columns') FROM (VALUES
	('mg_rollback_to', 'TABLE(migration text, status text, execution_time interval, statements integer, objects integer, risk text, checksum text, run_id bigint)'),
	('mg_verify', 'TABLE(migration text, check_name text, object text, ok boolean, expected text, actual text)'),
	('mg_status', 'TABLE(aspect text, value text, ok boolean, hint text)')) v (name, result);

-- House rules for everything that the extension makes.
CREATE TEMP VIEW functions AS SELECT p.* FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'migration_governance';
CREATE TEMP VIEW relations AS SELECT c.* FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'migration_governance';
SELECT ok((SELECT count(*) > 10 FROM functions) AND (SELECT count(*) > 10 FROM relations), 'the extension has functions and relations');
SELECT is((SELECT string_agg(proname, ', ' ORDER BY proname) FROM functions WHERE coalesce(obj_description(oid, 'pg_proc'), '') = ''), NULL, 'every function has a comment');
SELECT is((SELECT string_agg(relname, ', ' ORDER BY relname) FROM relations WHERE coalesce(obj_description(oid, 'pg_class'), '') = ''), NULL, 'every relation has a comment');
SELECT is((SELECT string_agg(proname, ', ' ORDER BY proname) FROM functions WHERE proname !~ '^mg_[a-z]+(_[a-z]+)*$'), NULL, 'every function is called mg_ and a word');
SELECT is((SELECT string_agg(proname, ', ' ORDER BY proname) FROM functions WHERE pronamespace <> 'pg_catalog'::regnamespace), NULL, 'and is found whatever the search_path is');
SELECT is((SELECT string_agg(f.proname || '.' || a.name, ', ') FROM functions f, unnest(f.proargnames) a (name) JOIN pg_get_keywords() k ON k.word = a.name WHERE k.catcode = 'R'), NULL, 'no argument or result of a function is a reserved word');
SELECT is((SELECT string_agg(r.relname || '.' || a.attname, ', ') FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 JOIN pg_get_keywords() k ON k.word = a.attname WHERE k.catcode = 'R'), NULL, 'nor is a column');
SELECT is((SELECT string_agg(proname, ', ' ORDER BY proname) FROM functions WHERE pronargs > 0 AND (proargnames IS NULL OR '' = ANY (proargnames))), NULL, 'every argument has a name');
SELECT is((SELECT string_agg(proname, ', ' ORDER BY proname) FROM functions WHERE proparallel <> 'u'), NULL, 'none runs in parallel workers');
SELECT is((SELECT string_agg(proname, ', ' ORDER BY proname) FROM functions WHERE prosecdef), NULL, 'none is SECURITY DEFINER');
SELECT is((SELECT string_agg(proname, ', ' ORDER BY proname) FROM functions, LATERAL aclexplode(coalesce(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0), NULL, 'PUBLIC may call none');
SELECT is((SELECT string_agg(relname, ', ' ORDER BY relname) FROM relations, LATERAL aclexplode(relacl) a WHERE a.grantee = 0), NULL, 'and read nothing');
SELECT is((SELECT count(*) FROM pg_event_trigger WHERE evtname ~ '^mg_' AND evtenabled = 'A'), 4::bigint, 'the event triggers are always enabled');
SELECT is((SELECT string_agg(DISTINCT k.word, ', ') FROM pg_settings s, pg_get_keywords() k WHERE s.name = 'migration_governance.' || k.word AND k.catcode = 'R'), NULL, 'no setting is a reserved word');
SELECT is((SELECT string_agg(name, ', ') FROM pg_settings WHERE name LIKE 'migration\_governance.%' AND coalesce(short_desc, '') = ''), NULL, 'every setting says what it is for');
SELECT ok((SELECT count(*) = 2 FROM pg_settings WHERE name IN ('migration_governance.migration', 'migration_governance.log_level')), 'the settings of the interface are there');

-- What they answer, by name.
SELECT is((SELECT status FROM mg_apply(name => 'named', up => 'create table named (i int)', down => 'drop table named', verify => 'select true', requires => '{}', precondition => 'select true')), 'applied', 'arguments by name');
SELECT is(t.rows($$SELECT id, migration_name, applied_at IS NOT NULL, applied_by = session_user, execution_time > '0', checksum, rollback_applied, rollback_at FROM mg.history$$), '1|named|true|true|true|' || t.sha('create table named (i int)') || '|false|-', 'a row of mg.history');
SELECT is(t.rows($$SELECT migration, status, applied_at IS NOT NULL, checksum, risk, approvals FROM mg.status$$), 'named|applied|true|' || t.sha('create table named (i int)') || '|safe|0', 'a row of mg.status');
SELECT is(t.rows($$SELECT migration, origin, login_role = session_user, acting_role = current_user, application = current_setting('application_name'), client IS NOT NULL, tag, object_type, identity, statement, duration >= '0' FROM mg.statements WHERE migration = 'named'$$),
	'named|migration|true|true|true|true|CREATE TABLE|table|public.named|create table named (i int)|true', 'a row of mg.statements');
SELECT is((SELECT status FROM mg_rollback(reason => 'by name')), 'rolled back', 'mg_rollback() by its reason only');
SELECT is((SELECT id FROM mg.history WHERE migration_name = (SELECT migration_name FROM mg.history)), 1, 'the row stays in mg.history');
SELECT ok((SELECT bool_and(aspect IS NOT NULL AND value IS NOT NULL AND ok IS NOT NULL AND (ok OR hint IS NOT NULL)) FROM mg_status()), 'mg_status() says what to do where something is not well');
SELECT is((SELECT count(*) - count(DISTINCT aspect) FROM mg_status()), 0::bigint, 'each aspect once');
SELECT is((SELECT value FROM mg_status() WHERE aspect = 'extension'), (SELECT extversion FROM pg_extension WHERE extname = 'migration_governance'), 'the version');

SELECT * FROM finish();
