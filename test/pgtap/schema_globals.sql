-- Pictures of what lies in no schema of a user's, or is about the whole database: schemas, default privileges, extensions,
-- event triggers, foreign servers, publications and subscriptions, statistics, the database itself and, where a snapshot tells
-- of them, roles.
SELECT no_plan();

-- What is there before anybody made anything is not worth a word.
SELECT is((SELECT string_agg(key, ', ' ORDER BY key COLLATE "C") FROM jsonb_each((SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z))),
	'database current database, extension migration_governance, extension pgtap, schema public',
	'a new database has its extensions and the schema public');
SELECT is((SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z) -> 'schema public', '{}', 'of which there is nothing to tell');

\ir lib/errors.sql
SET client_min_messages = error;

-- The picture of an object without the members of an extension.
CREATE FUNCTION t.picture(title text) RETURNS jsonb
	LANGUAGE sql AS $$ SELECT (SELECT jsonb_object_agg(y.key || ' ' || z.key, z.value) FROM jsonb_each(mg_snapshot() -> 'objects') y, jsonb_each(y.value) z) -> title $$;
-- Members of which there is more to tell than their definition.
CREATE FUNCTION t.members(extension text) RETURNS jsonb
	LANGUAGE sql AS $$
	SELECT jsonb_object_agg(key, value - 'definition') FROM jsonb_each(t.picture('extension ' || extension) -> 'members')
	WHERE value - 'definition' <> '{}'
$$;

SELECT current_database() AS database, current_setting('server_version_num')::int AS version \gset
CREATE ROLE globals_boss;
CREATE ROLE globals_reader;
CREATE ROLE "globals Odd";

-- Schemas.
CREATE SCHEMA "my S" AUTHORIZATION globals_boss;
GRANT USAGE ON SCHEMA "my S" TO globals_reader WITH GRANT OPTION;
COMMENT ON SCHEMA "my S" IS 'mine';
SELECT is(t.picture('schema "my S"'), '{"owner": "globals_boss", "comment": "mine",
	"privileges": "globals_boss=CREATE/USAGE, globals_reader=USAGE*"}', 'a schema');

GRANT CREATE ON SCHEMA public TO globals_reader;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
COMMENT ON SCHEMA public IS NULL;
SELECT is(t.picture('schema public'), '{"comment": "",
	"privileges": "globals_reader=CREATE, pg_database_owner=CREATE/USAGE"}', 'the schema public, where it is not as it was');
ALTER SCHEMA public OWNER TO globals_boss;
SELECT is(t.picture('schema public') ->> 'owner', 'globals_boss', 'the schema public of somebody');
ALTER SCHEMA public OWNER TO pg_database_owner;
REVOKE CREATE ON SCHEMA public FROM globals_reader;
GRANT USAGE ON SCHEMA public TO PUBLIC;
COMMENT ON SCHEMA public IS 'standard public schema';
SELECT is(t.picture('schema public'), '{}', 'the schema public as it was');

-- Default privileges: those of a schema start from nothing, the others from the usual ones.
ALTER DEFAULT PRIVILEGES FOR ROLE globals_boss IN SCHEMA "my S" GRANT SELECT ON TABLES TO globals_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE globals_boss IN SCHEMA "my S" GRANT ALL ON SEQUENCES TO globals_boss;
ALTER DEFAULT PRIVILEGES FOR ROLE globals_boss REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SELECT is(t.picture('default acl for role globals_boss in schema "my S" on tables'),
	'{"privileges": "globals_reader=SELECT"}', 'default privileges in a schema');
SELECT is(t.picture('default acl for role globals_boss in schema "my S" on sequences'),
	'{"privileges": "globals_boss=SELECT/UPDATE/USAGE"}', 'default privileges in a schema that are the usual ones elsewhere');
SELECT is(t.picture('default acl for role globals_boss on functions'),
	'{"privileges": "globals_boss=EXECUTE"}', 'default privileges in the whole database');

-- Event triggers.
CREATE FUNCTION t.noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER globals_watch ON ddl_command_end WHEN TAG IN ('DROP TABLE', 'CREATE TABLE') EXECUTE FUNCTION t.noted();
COMMENT ON EVENT TRIGGER globals_watch IS 'sees tables';
SELECT is(t.picture('event trigger globals_watch'), '{"owner": "postgres", "event": "ddl_command_end",
	"tags": "''CREATE TABLE'', ''DROP TABLE''", "function": "t.noted()", "comment": "sees tables"}', 'an event trigger');
ALTER EVENT TRIGGER globals_watch DISABLE;
SELECT is(t.picture('event trigger globals_watch') ->> 'enabled', 'disabled', 'a disabled event trigger');

-- Extensions, and what somebody did to what is theirs.
CREATE EXTENSION hstore SCHEMA "my S";
CREATE EXTENSION postgres_fdw;
SELECT is(t.picture('extension hstore') - 'members' - 'version',
	'{"schema": "\"my S\"", "comment": "data type for storing sets of (key, value) pairs"}', 'an extension');
SELECT ok(t.picture('extension hstore') ->> 'version' ~ '^1\.', 'its version');
SELECT is(t.picture('extension hstore') -> 'members' -> 'type "my S".hstore', '{}', 'a type of it');
SELECT is((SELECT count(*) FROM jsonb_object_keys(t.picture('extension hstore') -> 'members') k WHERE k ~ '^type'), 2::bigint,
	'types that come with another are no members');
SELECT is(t.members('hstore'), NULL, 'as it came, its members have a definition or nothing');
SELECT t.picture('extension hstore') -> 'members' #>> '{"function \"my S\".tconvert(pg_catalog.text,pg_catalog.text)",definition}'
	AS before \gset
CREATE OR REPLACE FUNCTION "my S".tconvert(text, text) RETURNS "my S".hstore LANGUAGE sql AS 'SELECT NULL::"my S".hstore';
SELECT isnt(t.picture('extension hstore') -> 'members' #>> '{"function \"my S\".tconvert(pg_catalog.text,pg_catalog.text)",definition}',
	:'before', 'a function that was replaced by hand');
ALTER EXTENSION hstore DROP FUNCTION "my S".hstore_to_array("my S".hstore);
SELECT ok(NOT t.picture('extension hstore') -> 'members' ? 'function "my S".hstore_to_array("my S".hstore)', 'a member that was taken out');
ALTER EXTENSION hstore ADD FUNCTION t.noted();
SELECT ok(t.picture('extension hstore') -> 'members' ? 'function t.noted()', 'a member that was put in');
ALTER EXTENSION hstore DROP FUNCTION t.noted();
REVOKE EXECUTE ON FUNCTION "my S".hstore_to_json("my S".hstore) FROM PUBLIC;
SELECT is(t.members('hstore'), '{"function \"my S\".hstore_to_json(\"my S\".hstore)": {"privileges": "postgres=EXECUTE"}}',
	'privileges on a member');
GRANT EXECUTE ON FUNCTION "my S".hstore_to_json("my S".hstore) TO PUBLIC;
SELECT is(t.members('hstore'), NULL, 'and back');

CREATE TABLE t.config (id integer, note text);
ALTER EXTENSION hstore ADD TABLE t.config;
SELECT t.picture('extension hstore') -> 'members' -> 'table t.config' ->> 'definition' AS before \gset
CREATE INDEX config_id ON t.config (id);
SELECT isnt(t.picture('extension hstore') -> 'members' -> 'table t.config' ->> 'definition', :'before', 'an index on a table of an extension');
DROP INDEX t.config_id;
SELECT is(t.picture('extension hstore') -> 'members' -> 'table t.config' ->> 'definition', :'before', 'and without it');
ALTER TABLE t.config ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON t.config FOR SELECT TO globals_reader USING (id < 10);
CREATE FUNCTION t.touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON t.config FOR EACH ROW EXECUTE FUNCTION t.touched();
ALTER TABLE t.config DISABLE TRIGGER touched;
CREATE RULE never AS ON DELETE TO t.config DO INSTEAD NOTHING;
GRANT SELECT (note) ON t.config TO globals_reader;
SELECT is(t.members('hstore'), '{"table t.config": {"row security": "enabled"},
	"policy few on t.config": {"command": "SELECT", "roles": "globals_reader", "using": "(id < 10)"},
	"trigger touched on t.config": {"enabled": "disabled"},
	"table column t.config.note": {"privileges": "globals_reader=SELECT"}}', 'what was put on a table of an extension');
SELECT is(t.picture('extension hstore') -> 'members' -> 'trigger touched on t.config' ->> 'definition',
	'CREATE TRIGGER touched BEFORE UPDATE ON t.config FOR EACH ROW EXECUTE FUNCTION t.touched()', 'the text of its trigger');
SELECT is(t.picture('extension hstore') -> 'members' -> 'rule never on t.config' ->> 'definition',
	E'CREATE RULE never AS\n    ON DELETE TO t.config DO INSTEAD NOTHING;', 'the text of its rule');

GRANT EXECUTE ON FUNCTION mg_status() TO globals_reader;
SELECT is(t.picture('extension migration_governance') -> 'members' -> 'function pg_catalog.mg_status()' ->> 'privileges',
	NULL, 'who holds which right to this extension is none of the schema');
REVOKE EXECUTE ON FUNCTION mg_status() FROM globals_reader;
SELECT ok(NOT t.picture('extension migration_governance') ? 'members', 'this extension has no members to tell of');

-- Privileges on what belongs to the server.
GRANT EXECUTE ON FUNCTION pg_ls_dir(text) TO globals_reader;
GRANT SELECT (rolname) ON pg_authid TO globals_reader;
REVOKE SELECT ON pg_am FROM PUBLIC;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT CREATE ON SCHEMA pg_catalog TO globals_reader;
GRANT SELECT ON information_schema.tables TO globals_reader;
SELECT is((SELECT string_agg(key, ', ' ORDER BY key COLLATE "C")
	FROM jsonb_object_keys(t.picture('database current database') -> 'system privileges') k (key)),
	'function pg_catalog.pg_ls_dir(pg_catalog.text), language plpgsql, schema pg_catalog,'
	' table column pg_catalog.pg_authid.rolname, table pg_catalog.pg_am', 'privileges on objects of the system');
SELECT is(t.picture('database current database') #>> '{system privileges,schema pg_catalog,privileges}',
	'PUBLIC=USAGE, globals_reader=CREATE, postgres=CREATE/USAGE', 'those on a schema');
REVOKE EXECUTE ON FUNCTION pg_ls_dir(text) FROM globals_reader;
REVOKE SELECT (rolname) ON pg_authid FROM globals_reader;
GRANT SELECT ON pg_am TO PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC;
REVOKE CREATE ON SCHEMA pg_catalog FROM globals_reader;
SELECT ok(NOT t.picture('database current database') ? 'system privileges', 'as they were');

-- Foreign servers: no value of an option that may be a secret.
CREATE FOREIGN DATA WRAPPER "Far" HANDLER postgres_fdw_handler VALIDATOR postgres_fdw_validator;
GRANT USAGE ON FOREIGN DATA WRAPPER "Far" TO globals_reader;
COMMENT ON FOREIGN DATA WRAPPER "Far" IS 'away';
CREATE SERVER north TYPE 'a' VERSION '1' FOREIGN DATA WRAPPER "Far" OPTIONS (host 'hidden', dbname 'hidden');
GRANT USAGE ON FOREIGN SERVER north TO globals_reader;
COMMENT ON SERVER north IS 'cold';
CREATE USER MAPPING FOR "globals Odd" SERVER north OPTIONS (password 'hidden', sslcert 'hidden');
CREATE USER MAPPING FOR PUBLIC SERVER north;
CREATE FOREIGN DATA WRAPPER near OPTIONS (pace 'it''s slow', b '1');
SELECT is(t.picture('foreign-data wrapper "Far"'), '{"owner": "postgres", "handler": "public.postgres_fdw_handler",
	"validator": "public.postgres_fdw_validator", "privileges": "globals_reader=USAGE, postgres=USAGE", "comment": "away"}',
	'a foreign-data wrapper');
SELECT is(t.picture('foreign-data wrapper near') ->> 'options', 'b ''1'', pace ''it''''s slow''', 'its options');
SELECT is(t.picture('server north'), '{"owner": "postgres", "type": "a", "version": "1", "foreign-data wrapper": "\"Far\"",
	"option names": "dbname, host", "privileges": "globals_reader=USAGE, postgres=USAGE", "comment": "cold"}', 'a server');
SELECT is(t.picture('user mapping "globals Odd" on server north'), '{"option names": "password, sslcert"}', 'a user mapping');
SELECT is(t.picture('user mapping public on server north'), '{}', 'a user mapping for everybody');
SELECT is(t.picture('foreign-data wrapper postgres_fdw'), NULL, 'a wrapper that belongs to its extension');

-- Statistics.
CREATE TABLE t.many (a integer, b integer, "C d" text);
CREATE STATISTICS "my S".pairs (ndistinct, dependencies) ON b, a FROM t.many;
CREATE STATISTICS t.sums ON (a + b), "C d" FROM t.many;
COMMENT ON STATISTICS t.sums IS 'summed';
SELECT is(t.picture('statistics object "my S".pairs'), '{"owner": "postgres",
	"definition": "CREATE STATISTICS \"my S\".pairs (ndistinct, dependencies) ON a, b FROM t.many"}', 'statistics');
SELECT is(t.picture('statistics object t.sums'), '{"owner": "postgres", "comment": "summed",
	"definition": "CREATE STATISTICS t.sums ON \"C d\", (a + b) FROM t.many"}', 'statistics of an expression');
ALTER STATISTICS t.sums SET STATISTICS 0;
SELECT is(t.picture('statistics object t.sums') ->> 'statistics target', '0', 'statistics with a target');
ALTER STATISTICS t.sums SET STATISTICS -1;
SELECT ok(NOT t.picture('statistics object t.sums') ? 'statistics target', 'and without it');

-- Publications.
CREATE TABLE t.one (id integer PRIMARY KEY, note text, "C d" integer);
CREATE TABLE t.two (id integer PRIMARY KEY);
CREATE PUBLICATION globals_some FOR TABLE t.one ("C d", id) WHERE (id > 1), t.two
	WITH (publish = 'delete, insert', publish_via_partition_root = true);
CREATE PUBLICATION globals_schemas FOR TABLES IN SCHEMA "my S", TABLE t.two;
CREATE PUBLICATION globals_all FOR ALL TABLES;
COMMENT ON PUBLICATION globals_all IS 'all of it';
SELECT is(t.picture('publication globals_some'), '{"owner": "postgres", "publish": "insert, delete",
	"publish via partition root": "true",
	"tables": {"t.one": {"columns": "id, \"C d\"", "where": "(id > 1)"}, "t.two": {}}}', 'a publication of tables');
SELECT is(t.picture('publication globals_schemas'), '{"owner": "postgres", "schemas": {"\"my S\"": {}}, "tables": {"t.two": {}}}',
	'a publication of a schema');
SELECT is(t.picture('publication globals_all'), '{"owner": "postgres", "all tables": "true", "comment": "all of it"}',
	'a publication of everything');

-- Subscriptions: names only of what their connection string holds, however it is written.
CREATE SUBSCRIPTION globals_feed
	CONNECTION 'host=hidden dbname = hidden password=''a hidden=1 \'' b'' options=c\ hidden=2 user='''''
	PUBLICATION second, "First" WITH (connect = false, slot_name = NONE, enabled = false);
CREATE SUBSCRIPTION globals_uri
	CONNECTION 'postgres://hidden:s?hidden=1@hidden:1,hidden/hidden?sslmode=require&application_name=x'
	PUBLICATION news WITH (connect = false, slot_name = another, binary = true, streaming = on, two_phase = true,
	disable_on_error = true, synchronous_commit = on);
CREATE SUBSCRIPTION globals_short CONNECTION 'postgresql:///?host=hidden' PUBLICATION news WITH (connect = false, streaming = off);
COMMENT ON SUBSCRIPTION globals_short IS 'short';
SELECT is(t.picture('subscription globals_feed') - 'streaming', '{"owner": "postgres", "slot name": "none",
	"publications": "\"First\", second", "connection option names": "dbname, host, options, password, user"}', 'a subscription');
SELECT is(t.picture('subscription globals_uri'), '{"owner": "postgres", "slot name": "another", "publications": "news",
	"binary": "true", "streaming": "on", "two phase": "true", "disable on error": "true", "synchronous commit": "on",
	"connection option names": "application_name, dbname, host, password, port, sslmode, user"}', 'one with all its options');
SELECT is(t.picture('subscription globals_short'), '{"owner": "postgres", "publications": "news", "comment": "short",
	"connection option names": "host"}', 'one with a short address');
SELECT unalike(mg_snapshot()::text, '%hidden%', 'no secret is in a snapshot');
-- What is left behind would keep its database from being dropped.
ALTER SUBSCRIPTION globals_uri SET (slot_name = NONE);
ALTER SUBSCRIPTION globals_short SET (slot_name = NONE);
DROP SUBSCRIPTION globals_feed;
DROP SUBSCRIPTION globals_uri;
DROP SUBSCRIPTION globals_short;

SELECT :version >= 170000 AS is_17, :version >= 180000 AS is_18 \gset
\if :is_17
CREATE SUBSCRIPTION globals_new CONNECTION 'host=hidden' PUBLICATION news WITH (connect = false, slot_name = NONE,
	enabled = false, streaming = parallel, origin = none, run_as_owner = true, password_required = false, failover = false);
SELECT is(t.picture('subscription globals_new'), '{"owner": "postgres", "slot name": "none", "publications": "news",
	"streaming": "parallel", "origin": "none", "run as owner": "true", "password required": "false",
	"connection option names": "host"}', 'options of newer servers');
DROP SUBSCRIPTION globals_new;
\endif
\if :is_18
CREATE TABLE t.sum (id integer PRIMARY KEY, twice integer GENERATED ALWAYS AS (id * 2) STORED);
CREATE PUBLICATION globals_generated FOR TABLE t.sum WITH (publish_generated_columns = stored);
SELECT is(t.picture('publication globals_generated') ->> 'publish generated columns', 'stored', 'a publication of generated columns');
ALTER DEFAULT PRIVILEGES FOR ROLE globals_boss GRANT SELECT ON LARGE OBJECTS TO globals_reader;
SELECT is(t.picture('default acl for role globals_boss on large objects'),
	'{"privileges": "globals_boss=SELECT/UPDATE, globals_reader=SELECT"}', 'default privileges on large objects');
\endif

-- The database.
SELECT is(t.picture('database current database'), '{"owner": "postgres", "encoding": "UTF8", "collate": "C", "ctype": "C"}',
	'a database');
COMMENT ON DATABASE :"database" IS 'of the tests';
ALTER DATABASE :"database" SET work_mem = '8MB';
ALTER DATABASE :"database" SET search_path = "$user", t;
ALTER DATABASE :"database" SET globals.equation = 'a=b';
ALTER ROLE "globals Odd" IN DATABASE :"database" SET statement_timeout = '5s';
GRANT CREATE ON DATABASE :"database" TO globals_reader;
ALTER DATABASE :"database" CONNECTION LIMIT 50;
ALTER DATABASE :"database" IS_TEMPLATE true;
SELECT is(t.picture('database current database'), '{"owner": "postgres", "encoding": "UTF8", "collate": "C", "ctype": "C",
	"comment": "of the tests", "connection limit": "50", "is template": "true",
	"privileges": "PUBLIC=CONNECT/TEMPORARY, globals_reader=CREATE, postgres=CONNECT/CREATE/TEMPORARY",
	"settings": {"work_mem": {"value": "8MB"}, "search_path": {"value": "\"$user\", t"}, "globals.equation": {"value": "a=b"}},
	"role settings": {"\"globals Odd\" statement_timeout": {"value": "5s"}}}', 'a database with everything');
ALTER DATABASE :"database" IS_TEMPLATE false;

-- What all databases share, where a snapshot tells of it.
SELECT mg_snapshot() ? 'cluster' AS has_cluster \gset
\if :has_cluster
ALTER ROLE globals_boss NOINHERIT CREATEDB CONNECTION LIMIT 3 VALID UNTIL 'infinity' PASSWORD 'hidden';
COMMENT ON ROLE globals_boss IS 'the boss';
ALTER ROLE "globals Odd" LOGIN VALID UNTIL '2030-01-01 00:00+02';
ALTER ROLE "globals Odd" SET work_mem = '1MB';
GRANT globals_boss TO globals_reader WITH ADMIN OPTION;
GRANT pg_read_all_data TO globals_reader;
GRANT SET ON PARAMETER log_statement TO globals_reader;
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE globals_attic OWNER globals_boss LOCATION '' WITH (seq_page_cost = 2, random_page_cost = 1);
GRANT CREATE ON TABLESPACE globals_attic TO globals_reader;
COMMENT ON TABLESPACE globals_attic IS 'up';
CREATE FUNCTION t.shared(title text) RETURNS jsonb
	LANGUAGE sql AS $$ SELECT mg_snapshot() -> 'cluster' -> title $$;
SELECT is(t.shared('role globals_boss'), '{"comment": "the boss", "inherit": "false", "create database": "true",
	"connection limit": "3", "valid until": "infinity"}', 'a role');
SET timezone = 'Asia/Tokyo';
SELECT is(t.shared('role "globals Odd"'), '{"login": "true", "valid until": "2029-12-31 22:00:00.000000 UTC",
	"settings": {"work_mem": {"value": "1MB"}}}', 'a role that can log in');
SELECT is(t.shared('role globals_reader'), '{"memberships": {"globals_boss": {"admin": "true"}, "pg_read_all_data": {}}}',
	'a role in other roles');
SELECT is(t.shared('tablespace globals_attic'), '{"owner": "globals_boss", "comment": "up",
	"options": "random_page_cost=1, seq_page_cost=2", "privileges": "globals_boss=CREATE, globals_reader=CREATE"}', 'a tablespace');
SELECT is(t.shared('parameter ACL log_statement'), '{"privileges": "globals_reader=SET, postgres=ALTER SYSTEM/SET"}',
	'privileges on a setting');
SELECT is(t.shared('role postgres'), NULL, 'the first role, to which nobody did anything');
SELECT unalike(mg_snapshot()::text, '%hidden%', 'no password is in a snapshot');
DROP TABLESPACE globals_attic;
REVOKE SET ON PARAMETER log_statement FROM globals_reader;
\endif

DROP OWNED BY globals_boss CASCADE;
DROP OWNED BY globals_reader, "globals Odd";
ALTER DATABASE :"database" OWNER TO postgres;
DROP ROLE globals_boss, globals_reader, "globals Odd";
-- More than jsonb can hold, which only comments come to.
DO $$ BEGIN FOR i IN 1..280 LOOP EXECUTE format('CREATE SCHEMA large_%s', i); END LOOP; END $$;
INSERT INTO pg_description SELECT oid, 'pg_namespace'::regclass, 0, repeat('x', 1000000) FROM pg_namespace WHERE nspname LIKE 'large\_%';
SELECT throws_ok('SELECT mg_snapshot()', '54000', 'the value is larger than jsonb can be', 'a snapshot that is too large is an error');
SELECT is(length(mg_fingerprint()), 64, 'a fingerprint is none');
SELECT is((SELECT count(*) FROM mg_drift_report() WHERE identity LIKE 'large\_%'), 280::bigint, 'nor is a report');
SELECT mg_set_policy('ignored_schemas', (SELECT string_agg(nspname, ', ') FROM pg_namespace WHERE nspname LIKE 'large\_%'), 'too large') \g /dev/null
SELECT lives_ok('SELECT mg_snapshot()', 'what is too large can be left out');
DELETE FROM pg_description WHERE classoid = 'pg_namespace'::regclass AND length(description) = 1000000;

SELECT * FROM finish();
