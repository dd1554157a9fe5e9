-- What test/real/lint_findings.sh needs in each database: rows for empty tables, and how the server itself judges findings.
CREATE SCHEMA real_lint;

-- A value of a type that differs from row to row where the type has so many, as an expression of g.
CREATE FUNCTION real_lint.value_of(type oid, modifier int, base oid, nullable boolean) RETURNS text LANGUAGE sql AS $$
	SELECT 'CAST(' || CASE WHEN t.typcategory = 'E' THEN (SELECT quote_literal(min(enumlabel)) FROM pg_enum WHERE enumtypid = base)
		WHEN t.typcategory = 'A' THEN '''{}''' WHEN t.typcategory = 'B' THEN 'true' WHEN t.typcategory = 'N' THEN 'g'
		WHEN base = 'interval'::regtype THEN 'g * interval ''1 hour'''
		WHEN t.typcategory = 'D' THEN 'timestamptz ''2020-01-01'' + g * interval ''1 day'''
		WHEN t.typcategory = 'S' THEN '''v'' || g' WHEN t.typcategory = 'R' THEN '''empty'''
		WHEN base IN ('json'::regtype, 'jsonb'::regtype) THEN '''{}''' WHEN base = 'uuid'::regtype THEN 'gen_random_uuid()'
		WHEN base = 'bytea'::regtype THEN 'convert_to(g::text, ''UTF8'')' WHEN t.typcategory = 'I' THEN '''10.0.0.0''::inet + g'
		WHEN nullable THEN 'NULL' ELSE '''''' END || ' AS ' || format_type(type, modifier) || ')'
	FROM pg_type t WHERE t.oid = base
$$;

-- Gives each empty table rows, one where many are refused, and pages with nothing in them where that is as well.
CREATE FUNCTION real_lint.fill(OUT filled int, OUT single int, OUT pages int, OUT bare int) LANGUAGE plpgsql AS $$
DECLARE
	r record;
	many text;
	command text;
	occupied boolean;
BEGIN
	filled := 0; single := 0; pages := 0; bare := 0;
	PERFORM set_config('session_replication_role', 'replica', true);
	FOR r IN SELECT c.oid, c.oid::regclass AS name,
			string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns,
			string_agg(real_lint.value_of(atttypid, atttypmod, coalesce(nullif(y.typbasetype, 0), y.oid), NOT attnotnull), ', ' ORDER BY attnum) AS "values",
			string_agg(CASE WHEN attnotnull THEN format('ALTER %I DROP NOT NULL', attname) END, ', ') AS nullable
		FROM pg_class c LEFT JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' LEFT JOIN pg_type y ON y.oid = atttypid
		WHERE relkind = 'r' AND relpersistence = 'p' AND relnamespace::regnamespace::text !~ '^pg_|^information_schema$|^mg$|^real_lint$'
		GROUP BY c.oid ORDER BY c.oid
	LOOP
		CONTINUE WHEN r.columns IS NULL;
		EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', r.name) INTO occupied;
		CONTINUE WHEN occupied;
		command := format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM generate_series(1, %%s) g', r.name, r.columns, r."values");
		BEGIN
			EXECUTE format(command, 20);
			filled := filled + 1;
			CONTINUE;
		EXCEPTION WHEN OTHERS THEN
		END;
		BEGIN
			EXECUTE format(command, 1);
			single := single + 1;
			CONTINUE;
		EXCEPTION WHEN OTHERS THEN
		END;
		BEGIN
			FOR many IN SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', r.name, conname) FROM pg_constraint WHERE conrelid = r.oid AND contype IN ('c', 'p') LOOP
				EXECUTE many;
			END LOOP;
			IF r.nullable IS NOT NULL THEN EXECUTE format('ALTER TABLE %s %s', r.name, r.nullable); END IF;
			EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s', r.name, r.columns, regexp_replace(r.columns, '("([^"]|"")*"|[^, ]+)', 'NULL', 'g'));
			RAISE EXCEPTION 'undo' USING ERRCODE = 'MGT01';
		EXCEPTION WHEN OTHERS THEN
		END;
		SELECT pg_relation_size(r.oid) > 0 INTO occupied;
		IF occupied THEN pages := pages + 1; ELSE bare := bare + 1; END IF;
	END LOOP;
	PERFORM set_config('session_replication_role', 'origin', true);
END $$;

-- The relation of a name; none where it is the name of something else.
CREATE FUNCTION real_lint.relation(name text) RETURNS oid LANGUAGE plpgsql AS $$
BEGIN
	RETURN to_regclass(name);
EXCEPTION WHEN OTHERS THEN
	RETURN NULL;
END $$;

-- Files and scans of every relation of a user, as this transaction sees them.
CREATE VIEW real_lint.state AS
	SELECT c.oid, pg_relation_filenode(c.oid) AS file, pg_stat_get_xact_numscans(c.oid) AS scans, i.indrelid
	FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
	WHERE c.relnamespace::regnamespace::text !~ '^pg_|^information_schema$|^mg$|^real_lint$';

-- What the server did of the work that a statement was said to do to a table and its partitions; `before` is the state before it.
CREATE FUNCTION real_lint.has_done(work text, object oid, before jsonb) RETURNS boolean LANGUAGE sql AS $$
	WITH RECURSIVE m (oid) AS (SELECT object UNION SELECT inhrelid FROM m JOIN pg_inherits ON inhparent = m.oid)
	SELECT CASE work
		WHEN 'rewrite' THEN EXISTS (SELECT FROM real_lint.state s WHERE s.oid IN (TABLE m) AND s.file IS DISTINCT FROM (before -> s.oid::text ->> 'file')::oid)
		WHEN 'scan' THEN EXISTS (SELECT FROM real_lint.state s WHERE s.oid IN (TABLE m) AND s.scans > coalesce((before -> s.oid::text ->> 'scans')::bigint, 0))
		WHEN 'index build' THEN EXISTS (SELECT FROM real_lint.state s WHERE s.indrelid IN (TABLE m) AND s.file NOT IN (SELECT (value ->> 'file')::oid FROM jsonb_each(before) WHERE value ->> 'file' IS NOT NULL))
	END
$$;

-- Findings of a script, each with what the server says to it: a script is run statement by statement, and the caller rolls all of it back.
CREATE TEMP TABLE finding_like (id int, rule text, severity text, line int, col int, object text, lock_mode text, work text, message text, hint text, steps text[],
	statement text, ordinal int, found oid, place text, lock text, done text, way text);
CREATE TABLE real_lint.finding (LIKE finding_like);
-- Runs the safe ways of a statement that did not run yet: they must do so instead of the statement, or after it. What must run outside a
-- transaction is run without that word. Those of a few rules stand for several statements.
CREATE PROCEDURE real_lint.try_ways(number int) LANGUAGE plpgsql AS $$
DECLARE
	f record;
	step text;
BEGIN
	FOR f IN SELECT * FROM real_lint.finding WHERE ordinal = number AND cardinality(steps) > 0 AND way IS DISTINCT FROM 'ok'
		AND rule NOT IN ('table-altered-again', 'lock-order') LOOP
		BEGIN
			FOREACH step IN ARRAY f.steps LOOP
				EXECUTE regexp_replace(step, '\mconcurrently\M', '', 'gi');
			END LOOP;
			RAISE EXCEPTION 'undo' USING ERRCODE = 'MGT01';
		EXCEPTION WHEN SQLSTATE 'MGT01' THEN
			UPDATE real_lint.finding SET way = 'ok' WHERE id = f.id;
		WHEN OTHERS THEN
			UPDATE real_lint.finding SET way = coalesce(way, SQLERRM) WHERE id = f.id;
		END;
	END LOOP;
END $$;
CREATE FUNCTION real_lint.check(script text) RETURNS SETOF real_lint.finding LANGUAGE plpgsql AS $$
DECLARE
	s record;
	f record;
	before jsonb;
	broken text;
	held text[];
BEGIN
	TRUNCATE real_lint.finding;
	INSERT INTO real_lint.finding (id, rule, severity, line, col, object, lock_mode, work, message, hint, steps, statement)
	SELECT row_number() OVER (), l.rule, l.severity, l.line, l.col, l.object, l.lock_mode, l.work, l.message, l.hint, l.steps, l.statement FROM mg_lint(script) l;
	UPDATE real_lint.finding o SET ordinal = (SELECT max(p.ordinal) FROM mg_parse(script) p WHERE (p.line, p.col) <= (o.line, o.col));
	UPDATE real_lint.finding o SET place = CASE WHEN left(regexp_replace(p.statement, '\s+', ' ', 'g'), 30) = left(regexp_replace(o.statement, '\s+', ' ', 'g'), 30) OR o.statement IS NULL THEN 'ok' ELSE 'in another statement' END
	FROM mg_parse(script) p WHERE p.ordinal = o.ordinal;
	FOR s IN SELECT p.*, EXISTS (SELECT FROM real_lint.finding o WHERE o.ordinal = p.ordinal) AS found FROM mg_parse(script) p WHERE p.tag !~ '^(BEGIN|START TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT)' LOOP
		IF broken IS NOT NULL THEN
			UPDATE real_lint.finding SET lock = 'not reached: ' || broken WHERE ordinal = s.ordinal;
			CONTINUE;
		END IF;
		IF s.found THEN
			UPDATE real_lint.finding SET found = real_lint.relation(object) WHERE ordinal = s.ordinal;
			SELECT jsonb_object_agg(t.oid, to_jsonb(t)) INTO before FROM real_lint.state t;
			CALL real_lint.try_ways(s.ordinal);
		END IF;
		BEGIN
			EXECUTE s.statement;
			IF s.found THEN
				SET CONSTRAINTS ALL IMMEDIATE;
				SET CONSTRAINTS ALL DEFERRED;
				CALL real_lint.try_ways(s.ordinal);
			END IF;
		EXCEPTION WHEN OTHERS THEN
			broken := SQLERRM;
			UPDATE real_lint.finding SET lock = 'fails: ' || broken WHERE ordinal = s.ordinal;
			CONTINUE;
		END;
		FOR f IN SELECT * FROM real_lint.finding WHERE ordinal = s.ordinal LOOP
			SELECT array_agg(DISTINCT mode) INTO held FROM pg_locks WHERE pid = pg_backend_pid() AND granted AND relation = f.found AND locktype = 'relation';
			UPDATE real_lint.finding SET
				lock = CASE WHEN f.lock_mode IS NULL THEN NULL WHEN f.found IS NULL THEN 'not there before' WHEN f.lock_mode = ANY (held) THEN 'ok' ELSE 'took ' || coalesce(held::text, 'none') END,
				done = CASE WHEN f.work IS NULL THEN NULL WHEN f.found IS NULL THEN 'not there before' WHEN real_lint.has_done(f.work, f.found, before) THEN 'ok' ELSE 'not done' END
			WHERE id = f.id;
		END LOOP;
	END LOOP;
	RETURN QUERY TABLE real_lint.finding;
END $$;
