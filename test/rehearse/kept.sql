-- What the receipts of published migrations say of rows: :folder has a series, with the texts of its migrations. Prints a line for each that goes against
-- them, and last what they said. Each table has rows, whatever they mean; the least that is deleted or updated is kept.
\set QUIET on
\set VERBOSITY terse
SET client_min_messages = error;
SELECT FROM mg_set_policy('archive_rows', '1', 'all rows');

-- Five rows for each empty table, of values of its columns' types; a table whose constraints want others stays empty.
CREATE FUNCTION public.kept_fill() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	one record;
	is_empty boolean;
BEGIN
	SET LOCAL session_replication_role = replica;
	FOR one IN SELECT c.oid::regclass AS name, string_agg(quote_ident(a.attname), ', ') AS columns, string_agg(CASE
			WHEN y.typcategory = 'B' THEN 'i % 2 = 0' WHEN y.typcategory = 'N' THEN 'i' WHEN y.typcategory = 'D' THEN 'date ''2024-01-01'' + i'
			WHEN y.typname IN ('json', 'jsonb') THEN '''{"a": 1}''' WHEN y.typcategory = 'A' THEN '''{}''' WHEN y.typcategory = 'E' THEN '(SELECT enumlabel FROM pg_enum WHERE enumtypid = ' || y.oid || ' LIMIT 1)'
			WHEN y.typname = 'uuid' THEN 'md5(i::text)::uuid' WHEN a.atttypmod BETWEEN 5 AND 12 THEN '''v''' ELSE '''v'' || i' END || '::' || format_type(a.atttypid, a.atttypmod), ', ') AS values
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type y ON y.oid = a.atttypid
		WHERE c.relkind = 'r' AND n.nspname = 'public' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = '' GROUP BY c.oid
	LOOP
		EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', one.name) INTO is_empty;
		CONTINUE WHEN NOT is_empty;
		BEGIN
			EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM generate_series(1, 5) i', one.name, one.columns, one.values);
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
END $$;

CREATE TEMP TABLE migration (place int, name text, up text, down text);
\copy migration FROM PROGRAM 'cat "$MG_KEPT_FOLDER/manifest.tsv"' (FORMAT text, NULL '')
CREATE TEMP TABLE said (name text, aspect text, object text, value text, ok boolean);

SELECT format($f$
SELECT FROM public.kept_fill();
INSERT INTO said SELECT %1$L, aspect, object, value, ok FROM mg_rehearse(pg_read_file(%2$L), pg_read_file(%3$L)) WHERE aspect IN ('verdict', 'error', 'kept', 'discarded', 'lost', 'values', 'rows');
DO $d$ BEGIN PERFORM mg_apply(%1$L, pg_read_file(%2$L)); EXCEPTION WHEN OTHERS THEN
	INSERT INTO said VALUES (%1$L, 'not applied', SQLSTATE, SQLERRM); END $d$;
$f$, name, :'folder' || '/' || up, :'folder' || '/' || down) FROM migration WHERE down IS NOT NULL ORDER BY place \gexec

SELECT concat_ws(' ', name, aspect, object, value) FROM said WHERE aspect = 'lost' OR (aspect = 'kept' AND ok IS NULL AND name NOT IN (SELECT name FROM said WHERE aspect = 'error'));
-- Rows of a table that do not come back as they were are told to be kept, or nothing was destroyed: a row more, or a default.
SELECT concat_ws(' ', s.name, s.object, s.value, r.value) FROM said s JOIN said r ON r.name = s.name AND r.object = s.object AND r.aspect = 'rows'
	WHERE s.aspect = 'values' AND NOT s.ok AND substring(r.value from '^\d+')::int > substring(r.value from '(\d+) after')::int
	AND NOT EXISTS (SELECT FROM said k WHERE k.name = s.name AND k.aspect = 'kept' AND (k.object = s.object OR k.object LIKE s.object || '.%'));
SELECT '# ' || count(*) FILTER (WHERE aspect = 'verdict') || ' rehearsed, ' || count(*) FILTER (WHERE aspect = 'kept') || ' losses kept, of which ' || count(*) FILTER (WHERE aspect = 'kept' AND ok) || ' come back whole, '
	|| count(*) FILTER (WHERE aspect = 'not applied') || ' not applied' FROM said;
SELECT 'too little to tell' FROM said HAVING count(*) FILTER (WHERE aspect = 'kept' AND ok) < 20;
