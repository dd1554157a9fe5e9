-- What the tests of the linter's rules share: cases, and how the server itself judges them.

CREATE SCHEMA t;
SELECT no_plan();
SELECT mg_set_policy('lint_small_table', '64kB', 'a test');

-- A place is what must be found there ("1:23", several with blanks between); without one, nothing may be found by this rule.
-- "runs": whether the script can be run here as it is, so that its locks and what it does can be compared with what was said.
CREATE TABLE t.lint_case (id int GENERATED ALWAYS AS IDENTITY, rule text NOT NULL, script text NOT NULL, place text, runs boolean NOT NULL DEFAULT true);

-- What there is for a script to go wrong with: tables of more than 64 kB, and small ones.
CREATE TABLE other (id int PRIMARY KEY, wide bigint UNIQUE, t text);
INSERT INTO other SELECT g, g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE TABLE large (id int NOT NULL, a int, b text, c int NOT NULL, d int, e int, CONSTRAINT positive CHECK (c > 0));
INSERT INTO large SELECT g, g, repeat('x', 100), g, g, g FROM generate_series(1, 2000) g;
CREATE UNIQUE INDEX large_d_unique ON large (d);
CREATE INDEX large_e ON large (e, a);
ALTER TABLE large ADD CONSTRAINT e_is_there CHECK (e IS NOT NULL AND e > 0);
ALTER TABLE large ADD CONSTRAINT large_other FOREIGN KEY (c) REFERENCES other (id);
ALTER TABLE large ADD CONSTRAINT late CHECK (a > 0) NOT VALID;
CREATE TABLE parted (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (100000);
INSERT INTO part SELECT g, g FROM generate_series(1, 4000) g;
CREATE TABLE small (id int, a int);
CREATE TEMP TABLE passing (id int);
INSERT INTO passing SELECT generate_series(1, 5000);

-- Files and scans of every relation of a user, as this transaction sees them.
CREATE VIEW t.state AS
	SELECT c.oid, c.relkind, pg_relation_filenode(c.oid) AS file, pg_stat_get_xact_numscans(c.oid) AS scans, i.indrelid
	FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
	WHERE c.relnamespace <> ALL (ARRAY['pg_catalog'::regnamespace, 'mg'::regnamespace, 't'::regnamespace, 'information_schema'::regnamespace]);

-- Runs a script, says what it held of a relation and did to it and its partitions, and undoes it.
CREATE FUNCTION t.done_by(script text, object regclass) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	before jsonb;
	members oid[];
	result text;
BEGIN
	WITH RECURSIVE m (oid) AS (SELECT object::oid UNION SELECT inhrelid FROM m JOIN pg_inherits ON inhparent = m.oid) SELECT array_agg(oid) INTO members FROM m;
	SELECT jsonb_object_agg(oid, to_jsonb(s)) INTO before FROM t.state s;
	EXECUTE script;
	SET CONSTRAINTS ALL IMMEDIATE;
	SELECT jsonb_build_object(
		'locks', (SELECT jsonb_agg(DISTINCT mode) FROM pg_locks WHERE pid = pg_backend_pid() AND granted AND relation = object),
		'rewrite', EXISTS (SELECT FROM t.state s WHERE s.oid = ANY (members) AND s.file IS DISTINCT FROM (before -> s.oid::text ->> 'file')::oid),
		'scan', EXISTS (SELECT FROM t.state s WHERE s.oid = ANY (members) AND s.scans > coalesce((before -> s.oid::text ->> 'scans')::bigint, 0)),
		'index build', EXISTS (SELECT FROM t.state s WHERE s.indrelid = ANY (members) AND s.file NOT IN (SELECT (value ->> 'file')::oid FROM jsonb_each(before) WHERE value ->> 'file' IS NOT NULL)))
	INTO result;
	RAISE EXCEPTION 'done' USING ERRCODE = 'MGT01', DETAIL = result;
EXCEPTION WHEN SQLSTATE 'MGT01' THEN
	GET STACKED DIAGNOSTICS result = PG_EXCEPTION_DETAIL;
	RETURN result;
WHEN OTHERS THEN
	RETURN jsonb_build_object('error', SQLSTATE || ' ' || SQLERRM);
END $$;

-- What the server says to a finding: nothing if it is as told.
CREATE FUNCTION t.judge(script text, object text, lock_mode text, work text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN done ? 'error' THEN done ->> 'error'
		WHEN lock_mode IS NOT NULL AND NOT coalesce(done -> 'locks' ? lock_mode, false) THEN 'is told ' || lock_mode || ', took ' || coalesce(done ->> 'locks', 'none') || ' of ' || object
		WHEN work IS NOT NULL AND NOT (done ->> work)::boolean THEN 'is told a ' || work || ' of ' || object || ', which was none' END
	FROM t.done_by(script, object::regclass) done
$$;

-- Whether a near miss of a rule that tells of work does such work to a table with more than a few rows.
CREATE FUNCTION t.works(script text, work text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(c.oid::regclass::text, ' ')
	FROM pg_class c, t.done_by(script, c.oid) done
	WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND c.relnamespace = 'public'::regnamespace AND pg_table_size(c.oid) > 65536 AND (done ->> work)::boolean
$$;

-- Tests all cases; `groups` are those that a file has cases for. lint_reports.sql has those of what takes several migrations.
CREATE FUNCTION t.lint_tests(groups text[]) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT is((SELECT string_agg(line || ':' || col, ' ') FROM mg_lint(script) f WHERE f.rule = c.rule), place,
		c.rule || CASE WHEN place IS NULL THEN ' leaves alone: ' ELSE ' finds: ' END || left(script, 500)) FROM t.lint_case c
	UNION ALL
	SELECT is(t.judge(c.script, f.object, f.lock_mode, f.work), NULL, c.rule || ' as told: ' || left(c.script, 500))
	FROM t.lint_case c, mg_lint(c.script) f
	WHERE c.runs AND f.rule = c.rule AND to_regclass(f.object) IS NOT NULL AND (f.lock_mode IS NOT NULL OR f.work IS NOT NULL)
	UNION ALL
	SELECT is(t.works(c.script, w.work), NULL, c.rule || ' has no ' || w.work || ' to tell of: ' || left(c.script, 500))
	FROM t.lint_case c JOIN (SELECT DISTINCT f.rule, f.work FROM t.lint_case o, mg_lint(o.script) f WHERE f.rule = o.rule AND f.work IS NOT NULL) w ON w.rule = c.rule
	WHERE c.runs AND c.place IS NULL
	UNION ALL
	SELECT is((SELECT string_agg(rule, ' ') FROM mg_lint_rules() r WHERE rule_group = ANY (groups) AND rule <> 'conflicts-with-pending' AND current_setting('server_version_num')::int / 10000 BETWEEN coalesce(since, 0) AND coalesce(until, 999)
		AND NOT EXISTS (SELECT FROM t.lint_case c WHERE c.rule = r.rule AND place IS NOT NULL)), NULL, 'each rule has a case that it finds')
	UNION ALL
	SELECT is((SELECT string_agg(rule, ' ') FROM mg_lint_rules() r WHERE rule_group = ANY (groups) AND rule <> 'conflicts-with-pending'
		AND NOT EXISTS (SELECT FROM t.lint_case c WHERE c.rule = r.rule AND place IS NULL)), NULL, 'and a near miss')
	UNION ALL
	SELECT is((SELECT string_agg(DISTINCT rule, ' ') FROM t.lint_case WHERE rule NOT IN (SELECT rule FROM mg_lint_rules())), NULL, 'and each case a rule')
$$;
