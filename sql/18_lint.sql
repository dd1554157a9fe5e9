-- The linter.

CREATE FUNCTION pg_catalog.mg_lint(script text)
	RETURNS TABLE (rule text, severity text, line integer, col integer, statement text, object text, lock_mode text, blocks text, work text,
		rows bigint, bytes bigint, estimate interval, basis text, message text, hint text, steps text[], breaks boolean, link text, ignored text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_lint';
COMMENT ON FUNCTION pg_catalog.mg_lint(text) IS
'says what a script would lock, scan and rewrite in this database, and how to do it otherwise; runs nothing of it';

CREATE FUNCTION pg_catalog.mg_lint_migration(name text)
	RETURNS TABLE (rule text, severity text, line integer, col integer, statement text, object text, lock_mode text, blocks text, work text,
		rows bigint, bytes bigint, estimate interval, basis text, message text, hint text, steps text[], breaks boolean, link text, ignored text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_lint_migration';
COMMENT ON FUNCTION pg_catalog.mg_lint_migration(text) IS
'the same for the up script of a registered migration, on top of the pending ones that it requires';

CREATE FUNCTION pg_catalog.mg_lint_locks(script text)
	RETURNS TABLE (statement integer, object text, lock_mode text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_lint_locks';
COMMENT ON FUNCTION pg_catalog.mg_lint_locks(text) IS
'the strongest lock that each statement of a script would take on each table that is there now';

CREATE FUNCTION pg_catalog.mg_lint_rules()
	RETURNS TABLE (rule text, rule_group text, severity text, summary text, why text, safe_way text, since integer, until integer, breaks boolean, loses boolean, link text)
	LANGUAGE c IMMUTABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_lint_rules';
COMMENT ON FUNCTION pg_catalog.mg_lint_rules() IS
'the rules of mg_lint(): what each finds, why, what to do instead, and the majors that it is true of';

CREATE FUNCTION pg_catalog.mg_risk(name text, OUT risk text, OUT backward_compatible boolean, OUT reasons text[], OUT breaks text[])
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_risk';
COMMENT ON FUNCTION pg_catalog.mg_risk(text) IS
'the risk class of a registered migration (safe, controlled, high-risk) with its reasons, by what the linter finds and its last rehearsal; whether an application written for the old schema goes on working, and what it would trip over';

CREATE FUNCTION pg_catalog.mg_script_risk(up text, down text DEFAULT NULL, OUT risk text, OUT backward_compatible boolean, OUT reasons text[], OUT breaks text[])
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_script_risk';
COMMENT ON FUNCTION pg_catalog.mg_script_risk(text, text) IS
'the same for scripts that are not registered';

-- The server's own functions make the documents. What is named here is bound now: the caller's search_path is for the script's names.
CREATE FUNCTION pg_catalog.mg_lint_json(script text) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL UNSAFE
	BEGIN ATOMIC
SELECT jsonb_build_object(
	'version', (SELECT extversion FROM pg_extension WHERE extname = 'migration_governance'),
	'errors', count(*) FILTER (WHERE f.severity = 'error'),
	'warnings', count(*) FILTER (WHERE f.severity = 'warning'),
	'infos', count(*) FILTER (WHERE f.severity = 'info'),
	'ignored', count(*) FILTER (WHERE f.severity = 'ignored'),
	'findings', coalesce(jsonb_agg(to_jsonb(f)), '[]'))
FROM mg_lint(script) f;
END;
COMMENT ON FUNCTION pg_catalog.mg_lint_json(text) IS
'what mg_lint() says, as one JSON document with the number of errors, warnings, infos and ignored findings';

CREATE FUNCTION pg_catalog.mg_lint_sarif(script text, file_name text DEFAULT NULL) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL UNSAFE
	BEGIN ATOMIC
WITH rule AS (
	SELECT row_number() OVER () - 1 AS place, r.*, CASE severity WHEN 'info' THEN 'note' WHEN 'off' THEN 'none' ELSE severity END AS level
	FROM mg_lint_rules() r
), file AS (
	SELECT coalesce(string_agg(CASE WHEN c ~ '^[A-Za-z0-9_.~/-]$' THEN c
		ELSE upper(regexp_replace(encode(convert_to(c, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) END, '' ORDER BY place), 'script.sql') AS uri
	FROM regexp_split_to_table(nullif(file_name, ''), '') WITH ORDINALITY AS s (c, place)
)
SELECT jsonb_build_object(
	'$schema', 'https://json.schemastore.org/sarif-2.1.0.json',
	'version', '2.1.0',
	'runs', jsonb_build_array(jsonb_build_object(
		'tool', jsonb_build_object('driver', jsonb_build_object(
			'name', 'migration_governance',
			'version', (SELECT extversion FROM pg_extension WHERE extname = 'migration_governance'),
			'rules', (SELECT jsonb_agg(jsonb_build_object(
				'id', rule,
				'shortDescription', jsonb_build_object('text', summary),
				'fullDescription', jsonb_build_object('text', why),
				'help', jsonb_build_object('text', safe_way),
				'defaultConfiguration', jsonb_build_object('level', level)) ORDER BY place) FROM rule))),
		'columnKind', 'unicodeCodePoints',
		'results', (SELECT coalesce(jsonb_agg(jsonb_build_object(
			'ruleId', f.rule,
			'ruleIndex', r.place,
			'level', CASE f.severity WHEN 'info' THEN 'note' WHEN 'ignored' THEN r.level ELSE f.severity END,
			'message', jsonb_build_object('text', concat_ws(E'\n', f.message, f.hint)),
			'locations', jsonb_build_array(jsonb_build_object('physicalLocation', jsonb_build_object(
				'artifactLocation', jsonb_build_object('uri', file.uri),
				'region', jsonb_build_object('startLine', f.line, 'startColumn', f.col)))),
			'properties', jsonb_strip_nulls(jsonb_build_object('object', f.object, 'lockMode', f.lock_mode, 'blocks', f.blocks, 'work', f.work,
				'rows', f.rows, 'bytes', f.bytes, 'estimate', f.estimate, 'basis', f.basis, 'steps', f.steps, 'breaks', f.breaks)))
			|| CASE WHEN f.ignored IS NOT NULL
				THEN jsonb_build_object('suppressions', jsonb_build_array(jsonb_build_object('kind', 'inSource', 'justification', f.ignored)))
				ELSE '{}' END), '[]')
			FROM mg_lint(script) f JOIN rule r ON r.rule = f.rule CROSS JOIN file))));
END;
COMMENT ON FUNCTION pg_catalog.mg_lint_sarif(text, text) IS
'what mg_lint() says, as a SARIF 2.1.0 log for code review, about a file of that name';
