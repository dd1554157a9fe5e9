-- The linter on rights and row security.
\ir lib/lint.sql

CREATE ROLE mg_lint_j_reader;
CREATE ROLE mg_lint_j_owner;
CREATE TABLE secured (id int PRIMARY KEY, owner name, note text);
INSERT INTO secured SELECT g, current_user, repeat('x', 100) FROM generate_series(1, 2000) g;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secured USING (owner = (SELECT current_user));
CREATE TABLE bare (id int);
ALTER TABLE bare ENABLE ROW LEVEL SECURITY;
CREATE VIEW careful WITH (security_invoker = true) AS SELECT id FROM secured;
CREATE VIEW careless AS SELECT id FROM other;
CREATE FUNCTION me() RETURNS text STABLE LANGUAGE sql AS $$ SELECT current_setting('app.me', true) $$;
CREATE FUNCTION fixed() RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'x' $$;
CREATE FUNCTION pinned() RETURNS int LANGUAGE sql SET search_path = pg_catalog AS $$ SELECT 1 $$;
CREATE FUNCTION closed() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$ SELECT 1 $$;
REVOKE EXECUTE ON FUNCTION closed() FROM PUBLIC;
CREATE SCHEMA shared_out;
GRANT USAGE ON SCHEMA shared_out TO PUBLIC;
CREATE TABLE shared_out.one (id int);
CREATE TABLE shared_out.two (id int);
CREATE TABLE shared_out.three (id int);
GRANT SELECT ON ALL TABLES IN SCHEMA shared_out TO mg_lint_j_reader;
GRANT SELECT ON shared_out.one TO PUBLIC;
CREATE SCHEMA defaults;
ALTER DEFAULT PRIVILEGES IN SCHEMA defaults GRANT SELECT ON TABLES TO mg_lint_j_reader;
CREATE TABLE defaults.one (id int);
CREATE TABLE defaults.two (id int);
CREATE TABLE defaults.three (id int);
CREATE TABLE owned (id int);
ALTER TABLE owned OWNER TO mg_lint_j_owner;
SELECT mg_set_policy('lint_severity', 'function-without-search-path=info', 'a test') IS NOT NULL;
ANALYZE;

INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('row-security-disabled', 'ALTER TABLE secured DISABLE ROW LEVEL SECURITY', '1:1', true),
('row-security-disabled', 'ALTER TABLE secured DISABLE ROW LEVEL SECURITY; UPDATE secured SET note = ''''; ALTER TABLE secured ENABLE ROW LEVEL SECURITY', NULL, true),
('row-security-disabled', 'ALTER TABLE bare DISABLE ROW LEVEL SECURITY; ALTER TABLE large DISABLE ROW LEVEL SECURITY', NULL, true),
('row-security-without-policy', E'CREATE TABLE fresh (id int);\nALTER TABLE fresh ENABLE ROW LEVEL SECURITY', '2:1', true),
('row-security-without-policy', 'CREATE TABLE fresh (id int); ALTER TABLE fresh ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON public.fresh USING (id > 0)', NULL, true),
('row-security-without-policy', 'ALTER TABLE secured ENABLE ROW LEVEL SECURITY; ALTER TABLE bare ENABLE ROW LEVEL SECURITY', NULL, true),
('policy-without-row-security', 'CREATE POLICY p ON large USING (id > 0)', '1:1', true),
('policy-without-row-security', 'CREATE POLICY p ON large USING (id > 0); ALTER TABLE large ENABLE ROW LEVEL SECURITY', NULL, true),
('policy-without-row-security', 'CREATE POLICY p ON secured USING (id > 0)', NULL, true),
('policy-always-true', 'CREATE POLICY p ON bare USING (true)', '1:1', true),
('policy-always-true', 'CREATE POLICY p ON bare FOR INSERT TO mg_lint_j_reader WITH CHECK (true)', '1:1', true),
('policy-always-true', 'CREATE POLICY p ON bare FOR SELECT USING (true)', NULL, true),
('policy-always-true', 'CREATE POLICY p ON bare FOR UPDATE USING (true) WITH CHECK (id > 0); CREATE POLICY q ON bare AS RESTRICTIVE USING (true)', NULL, true),
('policy-calls-per-row', 'CREATE POLICY p ON bare USING (me() = ''x'')', '1:32', true),
('policy-calls-per-row', 'ALTER POLICY own ON secured USING (owner = current_setting(''app.me''))', '1:44', true),
('policy-calls-per-row', 'CREATE POLICY p ON bare USING ((SELECT me()) = ''x'')', NULL, true),
('policy-calls-per-row', 'CREATE POLICY p ON bare USING (fixed() = ''x'' AND abs(id) > 0 AND random() > 0.5)', NULL, true),
('several-permissive-policies', 'CREATE POLICY more ON secured FOR SELECT TO mg_lint_j_reader USING (id = 1)', '1:1', true),
('several-permissive-policies', 'CREATE POLICY more ON secured AS RESTRICTIVE USING (id = 1); CREATE POLICY p ON bare USING (id = 1)', NULL, true),
('view-bypasses-row-security', 'CREATE VIEW v AS SELECT id FROM secured', '1:1', true),
('view-bypasses-row-security', 'CREATE VIEW v AS WITH q AS (SELECT id FROM public.secured) SELECT id FROM q', '1:1', true),
('view-bypasses-row-security', 'CREATE MATERIALIZED VIEW v AS SELECT id FROM secured', '1:1', true),
('view-bypasses-row-security', 'CREATE VIEW v WITH (security_invoker) AS SELECT id FROM secured', NULL, true),
('view-bypasses-row-security', 'CREATE VIEW v AS WITH secured AS (SELECT 1 AS id) SELECT id FROM secured', NULL, true),
('view-bypasses-row-security', 'CREATE VIEW v AS SELECT id FROM large; CREATE TABLE c AS SELECT id FROM secured', NULL, true),
('view-loses-security-invoker', 'CREATE OR REPLACE VIEW careful AS SELECT id FROM secured', '1:1', true),
('view-loses-security-invoker', 'CREATE OR REPLACE VIEW careful WITH (security_invoker = on) AS SELECT id FROM secured', NULL, true),
('view-loses-security-invoker', 'CREATE OR REPLACE VIEW careless AS SELECT id FROM other', NULL, true),
('policy-locks-table', 'CREATE POLICY p ON secured USING (id > 0)', '1:1', true),
('policy-locks-table', 'ALTER POLICY own ON secured USING (id > 0)', '1:1', true),
('policy-locks-table', 'DROP POLICY own ON secured', '1:1', true),
('policy-locks-table', 'DROP POLICY IF EXISTS own ON nothing; CREATE POLICY p ON bare USING (id > 0)', NULL, true),
('policy-locks-table', 'CREATE TABLE fresh (id int); CREATE POLICY p ON fresh USING (id > 0); DROP POLICY p ON fresh', NULL, true),
('definer-without-search-path', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''', '1:1', true),
('definer-without-search-path', E'SELECT 1;\nALTER FUNCTION me() SECURITY DEFINER', '2:1', true),
('definer-without-search-path', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '''' AS ''SELECT 1''', NULL, true),
('definer-without-search-path', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''; ALTER FUNCTION f() SET search_path = pg_catalog', NULL, true),
('definer-without-search-path', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT 1; END', NULL, true),
('definer-without-search-path', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY INVOKER AS ''SELECT 1''; ALTER FUNCTION pinned() SECURITY DEFINER', NULL, true),
('definer-for-everybody', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '''' AS ''SELECT 1''', '1:1', true),
('definer-for-everybody', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '''' AS ''SELECT 1''; REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC', NULL, true),
('definer-for-everybody', 'CREATE OR REPLACE FUNCTION closed() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS ''SELECT 2''', NULL, true),
('definer-for-everybody', 'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '''' AS ''BEGIN RETURN NEW; END''', NULL, true),
('function-without-search-path', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT 1''', '1:1', true),
('function-without-search-path', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END; CREATE FUNCTION g() RETURNS int LANGUAGE sql SET search_path = '''' AS ''SELECT 1''', NULL, true),
('grant-to-public', 'GRANT SELECT ON large TO PUBLIC', '1:1', true),
('grant-to-public', 'GRANT CREATE ON SCHEMA public TO mg_lint_j_reader, PUBLIC', '1:1', true),
('grant-to-public', 'GRANT SELECT ON shared_out.one TO PUBLIC', NULL, true),
('grant-to-public', 'REVOKE ALL ON large FROM PUBLIC; GRANT SELECT ON large TO mg_lint_j_reader; GRANT USAGE ON SCHEMA shared_out TO PUBLIC; GRANT EXECUTE ON FUNCTION me() TO PUBLIC', NULL, true),
('grant-all', 'GRANT ALL ON large TO mg_lint_j_reader', '1:1', true),
('grant-all', 'GRANT ALL ON FUNCTION me() TO mg_lint_j_reader; REVOKE ALL ON large FROM mg_lint_j_reader; GRANT SELECT ON ALL TABLES IN SCHEMA public TO mg_lint_j_reader', NULL, true),
('grant-passed-on', 'GRANT SELECT ON large TO mg_lint_j_reader WITH GRANT OPTION', '1:1', true),
('grant-passed-on', 'GRANT mg_lint_j_owner TO mg_lint_j_reader WITH ADMIN OPTION', '1:1', true),
('grant-passed-on', 'GRANT mg_lint_j_owner TO mg_lint_j_reader; REVOKE GRANT OPTION FOR SELECT ON large FROM mg_lint_j_reader', NULL, true),
('role-in-migration', 'CREATE ROLE mg_lint_j_new', '1:1', true),
('role-in-migration', 'ALTER ROLE mg_lint_j_reader SET statement_timeout = 1000', '1:1', true),
('role-in-migration', 'CREATE TABLE role (id int); GRANT SELECT ON role TO mg_lint_j_reader; SET ROLE mg_lint_j_reader; RESET ROLE', NULL, true),
('powerful-role', 'ALTER ROLE mg_lint_j_reader SUPERUSER', '1:1', true),
('powerful-role', 'GRANT pg_execute_server_program TO mg_lint_j_reader', '1:1', true),
('powerful-role', 'ALTER ROLE mg_lint_j_reader NOSUPERUSER NOBYPASSRLS CREATEDB; GRANT pg_monitor TO mg_lint_j_reader; REVOKE pg_write_server_files FROM mg_lint_j_reader', NULL, true),
('copy-on-server', 'COPY large TO PROGRAM ''true''', '1:1', false),
('copy-on-server', 'COPY large FROM ''/nowhere''', '1:1', false),
('copy-on-server', 'COPY large TO STDOUT', NULL, false),
('untrusted-language', 'CREATE FUNCTION f(float8) RETURNS float8 LANGUAGE internal AS ''dsqrt''', '1:1', true),
('untrusted-language', 'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS ''BEGIN RETURN 1; END''', NULL, true),
('owner-changed', 'ALTER TABLE large OWNER TO mg_lint_j_owner', '1:1', true),
('owner-changed', 'ALTER TABLE owned OWNER TO mg_lint_j_owner; ALTER TABLE large OWNER TO CURRENT_USER', NULL, true),
('owner-changed', 'CREATE TABLE fresh (id int); ALTER TABLE fresh OWNER TO mg_lint_j_owner', NULL, true),
('extension-missing', 'CREATE EXTENSION no_such_thing', '1:1', false),
('extension-missing', 'CREATE EXTENSION IF NOT EXISTS pgtap; CREATE EXTENSION IF NOT EXISTS plpgsql', NULL, true),
('extension-in-public', 'CREATE EXTENSION ltree', '1:1', false),
('extension-in-public', 'CREATE EXTENSION ltree SCHEMA shared_out', NULL, false),
('extension-in-public', 'SET search_path = shared_out, public; CREATE EXTENSION ltree', NULL, false),
('extension-in-public', 'CREATE EXTENSION IF NOT EXISTS pgtap SCHEMA public', NULL, true),
('extension-updated', 'ALTER EXTENSION plpgsql UPDATE TO ''9.9''', '1:1', false),
('extension-updated', 'ALTER EXTENSION plpgsql UPDATE', NULL, true),
('new-table-lacks-rights', 'CREATE TABLE shared_out.four (id int)', '1:1', true),
('new-table-lacks-rights', 'CREATE TABLE shared_out.four (id int); GRANT SELECT ON shared_out.four TO mg_lint_j_reader', NULL, true),
('new-table-lacks-rights', 'CREATE TABLE shared_out.four (id int); GRANT SELECT ON ALL TABLES IN SCHEMA shared_out TO mg_lint_j_reader', NULL, true),
('new-table-lacks-rights', 'CREATE TABLE defaults.four (id int); CREATE TABLE fresh (id int); CREATE TEMP TABLE passing_by (id int)', NULL, true),
('sensitive-column', 'ALTER TABLE shared_out.one ADD COLUMN api_key text', '1:39', true),
('sensitive-column', 'ALTER TABLE shared_out.two ADD COLUMN api_key text; ALTER TABLE shared_out.one ADD COLUMN tokens_left int; ALTER TABLE bare ADD COLUMN password text', NULL, true);

SELECT * FROM t.lint_tests('{J}');
DROP OWNED BY mg_lint_j_reader, mg_lint_j_owner;
DROP ROLE mg_lint_j_reader, mg_lint_j_owner;
SELECT * FROM finish();
