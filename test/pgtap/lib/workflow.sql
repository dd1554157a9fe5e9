-- What the workflows of the presets share: people who log in for themselves, environments that are databases of their own, and
-- what a gate that is closed tells. The file's own database is the last environment, production.
\ir errors.sql
SELECT no_plan();
SET client_min_messages = warning;
CREATE EXTENSION dblink SCHEMA t;

CREATE TABLE t.person (name text PRIMARY KEY, rights text[] NOT NULL);
CREATE TABLE t.environment (database text PRIMARY KEY);
-- The files of the team, as its repository has them.
CREATE TABLE t.file (name text PRIMARY KEY, up text NOT NULL, down text, verify text);

CREATE FUNCTION t.login(person text, database text) RETURNS text LANGUAGE sql AS
$$ SELECT format('host=%s port=%s dbname=%s user=%s', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), database, person) $$;

-- Runs a statement as somebody who logs in: its first column, a line for each row, or the error as t.said() has it.
CREATE FUNCTION t.by(person text, sql text, database text DEFAULT current_database()) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text; state text; message text; detail text; hint text;
BEGIN
	SELECT string_agg(x.value, E'\n') INTO result FROM t.dblink(t.login(person, database), sql) x (value text);
	RETURN result;
EXCEPTION WHEN OTHERS OR assert_failure THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', state || ' ' || message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
END $$;

-- The same, and an error is one.
CREATE FUNCTION t.done(person text, sql text, database text DEFAULT current_database()) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(x.value, E'\n') FROM t.dblink(t.login(person, database), sql) x (value text) $$;

CREATE FUNCTION t.hire(person text, rights text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE ROLE %I LOGIN', person);
	INSERT INTO t.person VALUES (person, rights);
END $$;

-- Makes an environment: the database, what is in it before the first migration, made by who owns it, the preset, and who may do what.
CREATE FUNCTION t.found(database text, environment text, preset text, owner text, schema text, history text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	command text;
BEGIN
	IF database <> current_database() THEN
		PERFORM t.done(session_user, format('CREATE DATABASE %I TEMPLATE template', database));
		INSERT INTO t.environment VALUES (database);
	END IF;
	PERFORM t.done(session_user, format('GRANT CREATE ON DATABASE %I TO %I', database, owner), database);
	PERFORM t.done(session_user, format('GRANT CREATE ON SCHEMA public TO %I', owner), database);
	PERFORM t.done(owner, schema, database);
	PERFORM t.done(session_user, format('SELECT count(*) FROM mg_use_preset(%L, %L, NULL, %L)', preset, 'our policy', history), database);
	PERFORM t.done(session_user, format('SELECT mg_set_environment(%L)', environment), database);
	PERFORM t.done(session_user, format('SELECT mg_grant_right(%L, %L)', name, one), database) FROM t.person, unnest(rights) one;
	PERFORM t.done(session_user, 'SELECT mg_accept_drift(''what there was before'')', database);
END $$;

-- A file of the team, registered, or handed in to be applied.
CREATE FUNCTION t.register(person text, wanted text, database text DEFAULT current_database()) RETURNS text LANGUAGE sql AS
$$ SELECT t.by(person, format('SELECT status FROM mg_register(%L, %L, %L, %L)', name, up, down, verify), database) FROM t.file WHERE name = wanted $$;
CREATE FUNCTION t.apply(person text, wanted text, database text DEFAULT current_database()) RETURNS text LANGUAGE sql AS
$$ SELECT t.by(person, format('SELECT status FROM mg_apply(%L, %L, %L, %L)', name, up, down, verify), database) FROM t.file WHERE name = wanted $$;
-- What a rehearsal says of it.
CREATE FUNCTION t.rehearse(person text, file text, database text DEFAULT current_database()) RETURNS text LANGUAGE sql AS
$$ SELECT t.by(person, format('SELECT value FROM mg_rehearse(%L) WHERE aspect = ''verdict''', file), database) $$;
-- From one environment to the next: attested by one person there, accepted by another here.
CREATE FUNCTION t.promote(from_person text, from_database text, to_person text, file text) RETURNS text LANGUAGE sql AS
$$ SELECT t.by(to_person, format('SELECT mg_accept_attestation(%L)', t.done(from_person, format('SELECT mg_attest(%L)', file), from_database))) $$;

-- The whole way of a file to where it can be applied here: applied before, attested and accepted, registered, reviewed, rehearsed. Gives what
-- is closed after all that.
CREATE FUNCTION t.deliver(file text, author text, from_database text, reviewer text, keeper text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM t.apply(author, file, from_database);
	PERFORM t.register(author, file);
	PERFORM t.promote(author, from_database, keeper, file);
	PERFORM t.by(reviewer, format('SELECT mg_approve(%L, ''review'')', file));
	PERFORM t.rehearse(author, file);
	RETURN t.closed(file);
END $$;

-- The gates that are closed for a migration here, in the order of their names; those that an error tells of; and the call that the way to
-- open one of them names.
CREATE FUNCTION t.closed(name text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(string_agg(gate, ' ' ORDER BY gate), 'none') FROM mg_gates(name) WHERE NOT is_open $$;
CREATE FUNCTION t.told(error text, part text DEFAULT 'DETAIL') RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(line[1], ' ' ORDER BY line[1]) FROM regexp_matches(substring(error from part || ': (.*?)(?:\nHINT: |$)'), '^([a-z_]+): ', 'gn') line $$;
CREATE FUNCTION t.way(name text, wanted text) RETURNS text LANGUAGE sql AS $$ SELECT substring(way from 'mg_[a-z_]+\([^()]*\)') FROM mg_gates(name) WHERE gate = wanted $$;

-- Items of a checklist that are done, "item yes|no|-" each.
CREATE FUNCTION t.ticked(name text, items text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(item || ' ' || CASE WHEN done THEN 'yes' WHEN NOT done THEN 'no' ELSE '-' END, ', ' ORDER BY place)
   FROM unnest(string_to_array(items, ' ')) WITH ORDINALITY w (item, place) LEFT JOIN mg_checklist(name) c USING (item) $$;
-- Items that are not done, of one stage.
CREATE FUNCTION t.left_to_do(name text, stage text) RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(string_agg(item, ' '), 'nothing') FROM mg_checklist(name) c WHERE c.stage = $2 AND done IS FALSE $$;
CREATE FUNCTION t.sign(person text, name text, items text) RETURNS void LANGUAGE sql AS
$$ SELECT t.done(person, format('SELECT mg_sign(%L, %L)', name, item)) FROM unnest(string_to_array(items, ' ')) item $$;

-- Alerts of a kind here or elsewhere, "severity migration" each.
CREATE FUNCTION t.alerts(wanted text, database text DEFAULT current_database()) RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(t.done(session_user, format('SELECT concat_ws('' '', severity, migration) FROM mg.alerts WHERE kind = %L ORDER BY id', wanted), database), 'none') $$;

-- A maintenance window that is open, or that will be in some hours.
CREATE FUNCTION t.hours(is_open boolean) RETURNS text LANGUAGE sql AS
$$ SELECT format('Mon-Sun %s-%s UTC', to_char(at - CASE WHEN is_open THEN interval '2h' ELSE interval '-4h' END, 'HH24:MI'), to_char(at + CASE WHEN is_open THEN interval '2h' ELSE interval '8h' END, 'HH24:MI'))
   FROM (SELECT now() AT TIME ZONE 'UTC' AS at) x $$;

-- Databases and roles are of the whole server.
CREATE FUNCTION t.leave() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	one text;
BEGIN
	PERFORM mg_set_policy('enforcement', 'off', 'the end', (SELECT e.name FROM mg_environment() e));
	FOR one IN SELECT database FROM t.environment LOOP
		PERFORM t.done(session_user, format('DROP DATABASE %I WITH (FORCE)', one));
	END LOOP;
	FOR one IN SELECT name FROM t.person LOOP
		EXECUTE format('DROP OWNED BY %I CASCADE', one);
		EXECUTE format('DROP ROLE %I', one);
	END LOOP;
END $$;
