-- Makes a new cluster look to an extension like a hosted Supabase project: the bootstrap superuser is supabase_admin, and postgres is an
-- ordinary role that owns the database. Run as supabase_admin in database postgres.
SET client_min_messages = warning;

-- The roles of the platform and of its API.
CREATE ROLE postgres LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;
CREATE ROLE anon NOLOGIN;
CREATE ROLE authenticated NOLOGIN;
CREATE ROLE service_role NOLOGIN BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT;
CREATE ROLE dashboard_user NOLOGIN CREATEDB CREATEROLE REPLICATION;
CREATE ROLE supabase_auth_admin LOGIN NOINHERIT CREATEROLE;
CREATE ROLE supabase_storage_admin LOGIN NOINHERIT CREATEROLE;
CREATE ROLE supabase_read_only_user LOGIN BYPASSRLS;
CREATE ROLE cli_login_postgres LOGIN NOINHERIT;
GRANT anon, authenticated, service_role TO authenticator;
GRANT anon, authenticated, service_role TO postgres WITH ADMIN OPTION;
GRANT pg_monitor, pg_read_all_data, pg_signal_backend TO postgres;
GRANT pg_read_all_data TO supabase_read_only_user;
GRANT postgres TO cli_login_postgres;
ALTER ROLE anon SET statement_timeout = '3s';
ALTER ROLE authenticated SET statement_timeout = '8s';
ALTER ROLE authenticator SET lock_timeout = '8s';
ALTER ROLE postgres SET search_path = "$user", public, extensions;
ALTER ROLE supabase_admin SET search_path = "$user", public, auth, extensions;
ALTER ROLE supabase_auth_admin SET search_path = auth;

ALTER DATABASE postgres OWNER TO postgres;
GRANT ALL ON DATABASE postgres TO dashboard_user;
GRANT USAGE ON SCHEMA public TO postgres, anon, authenticated, service_role;

-- Platform schemas with what users' migrations refer to.
CREATE SCHEMA extensions AUTHORIZATION postgres;
CREATE SCHEMA auth;
CREATE SCHEMA storage;
GRANT USAGE ON SCHEMA extensions, auth, storage TO anon, authenticated, service_role, postgres;
GRANT ALL ON SCHEMA auth TO supabase_auth_admin;
GRANT ALL ON SCHEMA storage TO supabase_storage_admin;
CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text UNIQUE, raw_user_meta_data jsonb);
ALTER TABLE auth.users OWNER TO supabase_auth_admin;
ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
GRANT ALL ON auth.users TO postgres;
CREATE FUNCTION auth.uid() RETURNS uuid STABLE
	RETURN nullif(current_setting('request.jwt.claim.sub', true), '')::uuid;
ALTER FUNCTION auth.uid() OWNER TO supabase_auth_admin;
CREATE TABLE storage.buckets (id text PRIMARY KEY, public boolean DEFAULT false);
ALTER TABLE storage.buckets OWNER TO supabase_storage_admin;
GRANT ALL ON storage.buckets TO postgres, anon, authenticated, service_role;

-- What the platform's superuser and the user make in public is open to the API; in extensions, to the user; and, worse than the platform,
-- what the superuser makes anywhere.
DO $$
DECLARE
	maker text;
	kind text;
BEGIN
	FOREACH maker IN ARRAY ARRAY['postgres', 'supabase_admin'] LOOP
		FOREACH kind IN ARRAY ARRAY['TABLES', 'FUNCTIONS', 'SEQUENCES'] LOOP
			EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT ALL ON %s TO postgres, anon, authenticated, service_role', maker, kind);
		END LOOP;
	END LOOP;
	FOREACH kind IN ARRAY ARRAY['TABLES', 'ROUTINES', 'SEQUENCES'] LOOP
		EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA extensions GRANT ALL ON %s TO postgres WITH GRANT OPTION', kind);
	END LOOP;
	FOREACH kind IN ARRAY ARRAY['TABLES', 'FUNCTIONS', 'SEQUENCES', 'SCHEMAS', 'TYPES'] LOOP
		EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin GRANT ALL ON %s TO anon, authenticated WITH GRANT OPTION', kind);
		EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin GRANT ALL ON %s TO service_role, PUBLIC', kind);
	END LOOP;
END
$$;

-- Event triggers of the platform, whose functions run beside ours: one asks for all commands, one for a single one.
CREATE FUNCTION extensions.watch_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() c WHERE c.schema_name IS DISTINCT FROM 'pg_temp') THEN
		NOTIFY pgrst, 'reload schema';
	END IF;
END $$;
CREATE FUNCTION extensions.watch_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() o WHERE NOT o.is_temporary) THEN
		NOTIFY pgrst, 'reload schema';
	END IF;
END $$;
CREATE FUNCTION extensions.grant_graphql() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT p.proname = 'resolve' FROM pg_event_trigger_ddl_commands() c LEFT JOIN pg_proc p ON p.oid = c.objid) THEN
		GRANT USAGE ON SCHEMA extensions TO anon;
	END IF;
END $$;
CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION extensions.watch_ddl();
CREATE EVENT TRIGGER pgrst_drop_watch ON sql_drop EXECUTE FUNCTION extensions.watch_drop();
CREATE EVENT TRIGGER issue_pg_graphql_access ON ddl_command_end WHEN TAG IN ('CREATE FUNCTION') EXECUTE FUNCTION extensions.grant_graphql();

-- The history that the command line tool keeps.
SET ROLE postgres;
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);
RESET ROLE;
