-- The linter on scripts themselves: what it cannot look into, and comments that ignore findings.
\ir lib/lint.sql
CREATE FUNCTION builds(text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('CREATE TABLE %I ()', $1); END $$;
CREATE FUNCTION plain() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'CREATE TABLE made ()'; END $$;
ANALYZE;

INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('not-looked-into', 'DO $$ BEGIN EXECUTE format(''DROP TABLE %I'', ''small''); END $$', '1:13', true),
('not-looked-into', E'SELECT 1;\nSELECT builds(''x'')', '2:1', true),
('not-looked-into', E'SELECT builds(''x'');\nSELECT builds(''y'')', '1:1', true),
('not-looked-into', 'DO $$ BEGIN EXECUTE ''DROP TABLE small''; END $$', NULL, true),
('not-looked-into', 'SELECT plain()', NULL, true),
('not-looked-into', 'CREATE TABLE fresh (execute int); COMMENT ON TABLE fresh IS ''EXECUTE format(x)''', NULL, true),
('ignore-unknown-rule', E'-- mg:ignore no-such-rule because\nSELECT 1', '1:1', true),
('ignore-unknown-rule', E'-- mg:ignore\nSELECT 1', '1:1', true),
('ignore-unknown-rule', E'-- mg:ignore check-without-not-valid it is night\nALTER TABLE large ADD CHECK (a > 0)', NULL, true),
('ignore-unknown-rule', 'SELECT ''-- mg:ignore no-such-rule because''', NULL, true),
('ignore-without-reason', E'-- mg:ignore check-without-not-valid\nALTER TABLE large ADD CHECK (a > 0)', '1:1', true),
('ignore-without-reason', E'-- mg:ignore check-without-not-valid it is night\nALTER TABLE large ADD CHECK (a > 0)', NULL, true),
('ignore-unused', E'-- mg:ignore check-without-not-valid it is night\nSELECT 1', '1:1', true),
('ignore-unused', E'-- mg:ignore check-without-not-valid it is night\nALTER TABLE small ADD CHECK (a > 0)', '1:1', true),
('ignore-unused', E'-- mg:ignore check-without-not-valid it is night\nALTER TABLE public.large ADD CHECK (a > 0)', NULL, true),
('ignore-unused', E'-- mg:ignore no-primary-key a log\nCREATE TABLE fresh (id int);\nSELECT 1', NULL, true),
('ignore-unused', E'CREATE TABLE fresh (id int);\n-- mg:ignore no-primary-key a log\nSELECT 1', '2:1', true);

SELECT * FROM t.lint_tests('{L}');
-- A finding that is ignored is still told, and why.
SELECT is((SELECT concat_ws(' ', severity, ignored) FROM mg_lint(E'-- mg:ignore check-without-not-valid it is night\nALTER TABLE large ADD CHECK (a > 0)') WHERE rule = 'check-without-not-valid'), 'ignored it is night', 'an ignored finding is kept');
SELECT is((SELECT severity FROM mg_lint(E'-- mg:ignore check-without-not-valid\nALTER TABLE large ADD CHECK (a > 0)') WHERE rule = 'check-without-not-valid'), 'warning', 'and not ignored without a reason');
SELECT is((SELECT string_agg(concat_ws(' ', line, severity, statement), ', ') FROM mg_lint(E'CREATE TABLE one (id int);\n-- mg:ignore no-primary-key a log\nCREATE TABLE two (id int);\nSELECT 1') WHERE rule = 'no-primary-key'),
	'1 info CREATE TABLE one (id int), 3 ignored CREATE TABLE two (id int)', 'what is found at the end of a script is about its own statement');
SELECT * FROM finish();
