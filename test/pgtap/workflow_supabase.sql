-- Preset supabase: a project on the platform without a written policy, with the names of its CLI, its schemas and its roles.
\ir lib/workflow.sql

-- Roles of the platform, as far as this needs them.
SELECT t.hire('supabase_ada', '{apply}');            -- logs in for herself, as the page advises
SELECT t.hire('supabase_sue', '{approve:security}');
SELECT t.hire('supabase_dash', '{}');                -- the dashboard and the CLI, a login that people share
SELECT t.hire('supabase_auth_admin', '{}');          -- a service of the platform, which migrates its own schema
SELECT t.hire(role, '{}') FROM unnest(ARRAY['anon', 'authenticated', 'service_role']) role;
GRANT supabase_ada TO supabase_dash;
SELECT t.found(database, environment, 'supabase', 'supabase_ada', $$CREATE SCHEMA auth; CREATE SCHEMA storage; CREATE SCHEMA vault;
	CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
	CREATE TABLE storage.buckets (id text PRIMARY KEY);
	CREATE TABLE vault.secrets (id uuid PRIMARY KEY, secret text);
	CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $f$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $f$;
	GRANT USAGE, CREATE ON SCHEMA auth TO supabase_auth_admin;
	GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
	CREATE SCHEMA supabase_migrations;
	CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text)$$)
FROM (VALUES ('supabase_local', 'development'), ('supabase_branch', 'preview'), (current_database(), 'production')) v (database, environment);

-- Locally: names as `supabase migration new` makes them, and nothing else is asked for.
INSERT INTO t.file VALUES ('20261001090000_create_profiles', $$create table profiles (id uuid primary key references auth.users, handle text);
alter table profiles enable row level security;
create policy "own profile" on profiles for select using ((select auth.uid()) = id);
grant select on profiles to authenticated;$$, 'drop table profiles', NULL);
SELECT alike(t.by('supabase_ada', $$SELECT mg_apply('create_profiles', 'SELECT 1')$$, 'supabase_local'), 'MG001%YYYYMMDDHHMMSS_description%', 'a name that the CLI would not make');
SELECT is(t.apply('supabase_ada', '20261001090000_create_profiles', 'supabase_local'), 'applied', 'locally');
SELECT is(t.done('supabase_dash', 'alter table profiles add column bio text', 'supabase_local') || t.alerts('change outside migrations', 'supabase_local'), 'ALTER TABLEnone', 'and in the dashboard, as one likes');

-- A branch: the dashboard is warned of, the platform is left alone.
SELECT is(t.apply('supabase_ada', '20261001090000_create_profiles', 'supabase_branch'), 'applied', 'a preview branch');
SELECT is(t.done('supabase_dash', 'alter table profiles add column bio text', 'supabase_branch'), 'ALTER TABLE', 'a change in the dashboard');
SELECT is(t.done(session_user, $$SELECT string_agg(login_role || ' ' || (details ->> 'object') || ' ' || (details ->> 'enforcement'), ', ') FROM mg.alert WHERE kind = 'change outside migrations'$$, 'supabase_branch'), 'supabase_dash public.profiles warn', 'is an alert with who and what');
SELECT is(t.done('supabase_auth_admin', 'create table auth.sessions (id uuid)', 'supabase_branch'), 'CREATE TABLE', 'a service of the platform goes on with its own');
SELECT is(t.alerts('change outside migrations', 'supabase_branch'), 'warning', 'which is nobody''s alert');
SELECT is(t.done(session_user, 'SELECT string_agg(identity, '', '') FROM mg_drift_report()', 'supabase_branch'), 'public.profiles.bio', 'and no drift');

-- Production: what is exposed, and what is the platform's, needs the security people; all that is missing is told at once.
SELECT is(t.told(t.by('supabase_ada', $$SELECT mg_apply('20261001090000_create_profiles', 'create table profiles (id uuid); alter table storage.buckets add column owner uuid not null; grant all on profiles to anon', 'select 1')$$), part),
	'lint_gate required_approvals', 'production tells both, in its ' || part) FROM unnest(ARRAY['DETAIL', 'HINT']) part;
SELECT is(t.register('supabase_ada', '20261001090000_create_profiles'), 'pending', 'the file itself');
SELECT alike((SELECT why FROM mg_gates('20261001090000_create_profiles') WHERE NOT is_open), 'it has no security approval, which is wanted because of line %', 'is about row security');
SELECT is(t.by('supabase_sue', 'SELECT ' || t.way('20261001090000_create_profiles', 'required_approvals')), '', 'Sue approves of it');
SELECT is(t.closed('20261001090000_create_profiles'), 'none', 'and nothing else is in the way');
SELECT is(t.apply('supabase_ada', '20261001090000_create_profiles'), 'applied', 'applied');
SELECT is((SELECT approvals_needed FROM mg_register('2026100210000' || n || '_probe', up)), wanted, what) FROM (VALUES
	(1, 'create index profiles_handle on profiles (handle)', 0, 'an index needs nobody'), (2, 'grant insert on profiles to anon', 1, 'a grant to anon does'), (3, 'grant insert on profiles to authenticated', 1, 'to authenticated too'),
	(4, 'grant insert on profiles to public', 1, 'and to everybody'), (5, 'grant insert on profiles to service_role', 0, 'the server''s own role is trusted'), (6, 'alter table auth.users add column x int', 1, 'the platform''s tables'),
	(7, 'update storage.buckets set id = lower(id)', 1, 'and their rows'), (8, 'select secret from vault.secrets', 1, 'secrets'), (9, 'create function f() returns int language sql security definer as ''select 1''', 1, 'functions with their owner''s rights')) v (n, up, wanted, what);

-- The dashboard in production is warned of as well, not blocked; the CLI too, whose history is taken in.
SELECT is(t.done('supabase_dash', 'alter table profiles add column bio text'), 'ALTER TABLE', 'by hand it goes through');
SELECT is(t.alerts('change outside migrations'), 'warning', 'and is an alert');
SELECT is((SELECT string_agg(changed_by || ' ' || identity, ', ') FROM mg_drift_report()), 'supabase_dash public.profiles.bio', 'and drift, with who did it');
SELECT is(t.done('supabase_dash', 'create table notes (id int primary key)'), 'CREATE TABLE', 'supabase db push');
SELECT is(t.done('supabase_dash', $$insert into supabase_migrations.schema_migrations values ('20261003090000', '{create table notes (id int primary key)}', 'create_notes')$$), 'INSERT 0 1', 'writes its own table');
SELECT is((SELECT string_agg(migration || ' ' || status, ', ') FROM mg_adopt_history('supabase_migrations.schema_migrations')), '20261003090000_create_notes adopted', 'which is read in');
SELECT is((SELECT count(*) FROM mg_drift_report()) > 1, true, 'what it made was not expected');
SELECT ok(mg_accept_drift('pushed by the CLI, and a column of the dashboard') > 1, 'and is from now on');
SELECT mg_has_no_drift('all is as it should be');
SELECT is((SELECT string_agg(migration, ' ' ORDER BY migration) FROM mg.status WHERE status = 'applied'), '20261001090000_create_profiles 20261003090000_create_notes', 'one history');
SELECT is(t.by('supabase_ada', $$SELECT status FROM mg_rollback('20261001090000_create_profiles')$$), 'rolled back', 'a rollback needs nothing here');
SELECT is(t.alerts('rollback'), 'high 20261001090000_create_profiles', 'but is an alert');
SELECT is((SELECT count(*) FROM mg_verify() WHERE NOT ok), 0::bigint, 'and all is on record');

-- One login is one person: what the shared one registers, it cannot approve of.
SELECT mg_grant_right('supabase_dash', 'approve:security');
SELECT is(t.by('supabase_dash', $$SELECT status FROM mg_register('20261004090000_share', 'grant select on notes to anon', 'revoke select on notes from anon')$$), 'pending', 'the shared login registers');
SELECT alike(t.by('supabase_dash', $$SELECT mg_approve('20261004090000_share', 'security')$$), 'MG408%', 'and does not approve');
SELECT alike(t.by('supabase_dash', $$SELECT mg_apply('20261004090000_share')$$), 'MG407%required_approvals%', 'so that nobody does');
SELECT t.leave();
SELECT * FROM finish();
