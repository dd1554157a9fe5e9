-- What the tests of a folder share: a statement run so that everything its error says can be compared.

CREATE SCHEMA IF NOT EXISTS t;

-- Gives "SQLSTATE message", then the lines DETAIL, HINT and those of the context that a migration added; or "no error".
-- What a failing statement did is undone; what a successful one did stays.
CREATE FUNCTION t.said(sql text) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text; context text;
BEGIN
	EXECUTE sql;
	RETURN 'no error';
EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(E'\n', state || ' ' || message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''),
		(SELECT 'CONTEXT: ' || string_agg(line, E'\n' ORDER BY place)
		 FROM regexp_split_to_table(context, E'\n') WITH ORDINALITY AS x (line, place) WHERE line LIKE 'migration "%'));
END $$;

-- The same for a script that is applied as migration "name".
CREATE FUNCTION t.applying(name text, up text, down text DEFAULT NULL, verify text DEFAULT NULL,
                           requires text[] DEFAULT NULL, precondition text DEFAULT NULL) RETURNS text
	LANGUAGE sql AS $$
	SELECT t.said(format('SELECT mg_apply(%L, %L, %L, %L, %L, %L)', name, up, down, verify, requires, precondition))
$$;

-- Tells whether a schema-qualified relation is there.
CREATE FUNCTION t.there(relation text) RETURNS boolean
	LANGUAGE sql AS $$ SELECT to_regclass(relation) IS NOT NULL $$;

-- The SHA-256 of a text, computed by the server.
CREATE FUNCTION t.sha(body text) RETURNS text
	LANGUAGE sql AS $$ SELECT encode(sha256(convert_to(body, 'UTF8')), 'hex') $$;

-- The rows of a query, a line each, columns separated by bars and NULL as "-". For columns of the ledger: pgTAP cannot compare
-- records whose columns have different collations.
CREATE FUNCTION t.rows(query text) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	item record; lines text[] := '{}';
BEGIN
	FOR item IN EXECUTE query LOOP
		lines := lines || (SELECT string_agg(coalesce(value, '-'), '|' ORDER BY place)
			FROM json_each_text(row_to_json(item)) WITH ORDINALITY AS x (key, value, place));
	END LOOP;
	RETURN array_to_string(lines, E'\n');
END $$;
