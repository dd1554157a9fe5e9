-- How safe sequences are put to the test: run one after the other, they must leave the schema that the statement itself leaves.

-- Runs statements, gives the fingerprint of what they leave, and undoes them. Here all is one transaction, so that what must run outside of one
-- is run without the word or the COMMIT that needs it.
CREATE FUNCTION t.left_by(statements text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	statement text;
	result text;
BEGIN
	FOREACH statement IN ARRAY statements LOOP
		EXECUTE replace(replace(statement, 'CONCURRENTLY ', ''), 'COMMIT;', '');
	END LOOP;
	SET CONSTRAINTS ALL IMMEDIATE;
	SELECT mg_fingerprint() INTO result;
	RAISE EXCEPTION 'done' USING ERRCODE = 'MGT01', DETAIL = result;
EXCEPTION WHEN SQLSTATE 'MGT01' THEN
	GET STACKED DIAGNOSTICS result = PG_EXCEPTION_DETAIL;
	RETURN result;
WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM || coalesce(' in ' || statement, '');
END $$;

-- Tests the sequences of all cases that are one statement with one finding of the rule, and of which nothing is said to stay behind.
CREATE FUNCTION t.step_tests(but text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT is(t.left_by(f.steps), t.left_by(ARRAY[c.script]), c.rule || ' leads to the same by ' || array_to_string(f.steps, E'\n'))
	FROM t.lint_case c, mg_lint(c.script) f
	WHERE c.runs AND c.place IS NOT NULL AND c.script NOT LIKE '%;%' AND f.rule = c.rule AND cardinality(f.steps) > 0 AND c.rule <> ALL (but)
$$;
