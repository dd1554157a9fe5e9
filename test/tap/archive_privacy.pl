# On a cluster that looks like a Supabase project nobody reads through an archive what he could not read before, and nothing of anybody's runs with the
# rights of those who keep it.
use strict;
use warnings FATAL => 'all';

use Cwd;
use File::Basename;
use Governed;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $script = dirname(Cwd::abs_path(__FILE__)) . '/lib/supabase_like.sql';
my $server = new_cluster('privacy', superuser => 'supabase_admin', conf => [ preload(), 'wal_level = logical', 'client_min_messages = error' ]);

sub as_admin
{
	local $ENV{PGUSER} = 'supabase_admin';
	return $server->safe_psql('postgres', $_[0]);
}

as_admin(slurp_file($script));
works($server, 'postgres', 'CREATE EXTENSION migration_governance', 'postgres, who owns the database, creates the extension');

# keeper owns what is dropped. Of those who may restore archives: some could read it, some columns of it, rows of it, or nothing.
my @holders = qw(sees_all sees_columns sees_rows stands_above sees_no_schema sees_nothing reads_all);
as_admin(join ';', (map { "CREATE ROLE $_ LOGIN" } qw(keeper may_not helper mallory), @holders), 'ALTER ROLE stands_above BYPASSRLS', 'GRANT authenticated TO sees_nothing', 'GRANT pg_read_all_data TO reads_all',
	'CREATE SCHEMA vault AUTHORIZATION keeper', 'GRANT CREATE ON DATABASE postgres TO mallory', 'CREATE SCHEMA loot AUTHORIZATION mallory', 'GRANT USAGE ON SCHEMA loot TO PUBLIC', 'GRANT CREATE, USAGE ON SCHEMA vault TO mallory, helper',
	'GRANT USAGE ON SCHEMA vault TO sees_all, sees_columns, sees_rows, stands_above, sees_nothing, may_not', 'GRANT CREATE ON SCHEMA public TO PUBLIC',
	# The platform lets the API's roles into whatever is made, and has event triggers that let them into more.
	'ALTER DEFAULT PRIVILEGES FOR ROLE keeper GRANT SELECT ON TABLES TO anon',
	q{CREATE FUNCTION extensions.open_up() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE c record; BEGIN
		FOR c IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' LOOP EXECUTE format('GRANT SELECT ON %s TO anon', c.object_identity); END LOOP; END $$},
	q{CREATE EVENT TRIGGER open_up ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION extensions.open_up()},
	'CREATE PUBLICATION everything FOR ALL TABLES', "SELECT pg_create_logical_replication_slot('follower', 'pgoutput')");
as_admin("SELECT mg_grant_right('$_', 'archive')") for @holders, 'mallory';
as_admin("SELECT mg_grant_right('$_', 'apply')") for 'keeper', 'helper', 'mallory';

# What mallory has made shall never run as a superuser: it tells whom it runs as by making a superuser of mallory, and leaves a mark.
as_admin(q{CREATE TABLE loot.marks (at text, who text, path text, is_super boolean); ALTER TABLE loot.marks OWNER TO mallory; GRANT INSERT, SELECT ON loot.marks TO PUBLIC});
works($server, 'postgres', q{
	CREATE FUNCTION loot.mark(at text) RETURNS int VOLATILE LANGUAGE plpgsql AS $$ BEGIN
		IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AND session_user <> 'supabase_admin' THEN EXECUTE 'ALTER ROLE mallory SUPERUSER'; END IF;
		INSERT INTO loot.marks SELECT at, current_user, pg_catalog.current_setting('search_path'), rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user;
		RETURN 1;
	EXCEPTION WHEN insufficient_privilege OR feature_not_supported THEN RETURN 1; END $$;
	CREATE FUNCTION loot.spy(at text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN loot.mark(at); END $$;
	CREATE FUNCTION loot.is_seen(at text) RETURNS boolean VOLATILE LANGUAGE plpgsql AS $$ BEGIN RETURN loot.mark(at) = 1; END $$;
	CREATE FUNCTION loot.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM loot.mark('trigger ' || TG_TABLE_NAME); RETURN NEW; END $$;
	CREATE DOMAIN loot.checked AS text CHECK (loot.is_seen('domain'));
	CREATE TYPE loot.pair AS (a int, b text);
	CREATE FUNCTION loot.text_of(loot.pair) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM loot.mark('cast'); RETURN 'pair'; END $$;
	CREATE CAST (loot.pair AS text) WITH FUNCTION loot.text_of(loot.pair) AS IMPLICIT;
	CREATE FUNCTION loot.same(loot.pair, loot.pair) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM loot.mark('operator'); RETURN true; END $$;
	CREATE OPERATOR loot.= (LEFTARG = loot.pair, RIGHTARG = loot.pair, FUNCTION = loot.same);
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA loot TO PUBLIC}, 'mallory sets up', user => 'mallory');

# Each table has 1,500 rows: row 7 is mallory's, who does not own them otherwise.
my $more = q{, name text, secret text, price numeric};
my $rows = q{SELECT i, 'n' || i, 'secret' || i, i / 4.0 FROM generate_series(1, 1500) i};
works($server, 'postgres', join(';', 'SET search_path = vault', (map { "CREATE TABLE $_ (id int PRIMARY KEY $more); INSERT INTO $_ $rows; REVOKE ALL ON $_ FROM anon" } qw(plain guarded forced parts emptied crowd)),
	(map { "GRANT SELECT ON $_ TO sees_all, sees_rows, stands_above, sees_no_schema, may_not; GRANT SELECT (id, name) ON $_ TO sees_columns" } qw(plain guarded forced parts emptied crowd)),
	'ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON guarded USING (id = 7)', 'ALTER TABLE forced ENABLE ROW LEVEL SECURITY; ALTER TABLE forced FORCE ROW LEVEL SECURITY; CREATE POLICY own ON forced USING (id = 7)'), 'keeper has tables', user => 'keeper');
is(as_admin("SELECT count(*) FROM pg_class WHERE relnamespace = 'vault'::regnamespace AND relkind = 'r'"), '6', 'with rows');
my $down = 'CREATE TABLE vault.plain (id int PRIMARY KEY, name text, secret text, price numeric); GRANT SELECT ON vault.plain TO sees_all; CREATE TABLE vault.guarded (id int PRIMARY KEY, name text, secret text, price numeric);'
  . 'ALTER TABLE vault.guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON vault.guarded USING (id = 7); ALTER TABLE vault.parts ADD COLUMN secret text, ALTER price TYPE numeric; ALTER TABLE vault.forced ADD COLUMN secret text';
is(works($server, 'postgres', "SELECT status FROM mg_apply('destroys', 'DROP TABLE vault.plain; DROP TABLE vault.guarded; ALTER TABLE vault.parts DROP COLUMN secret, ALTER price TYPE int; ALTER TABLE vault.forced DROP COLUMN secret; UPDATE vault.forced SET name = name WHERE false;"
		  . " TRUNCATE vault.emptied; DELETE FROM vault.crowd', '$down')", 'keeper applies a migration that destroys', user => 'keeper'), 'applied', 'applied');
my %id = map { split /\|/ } split /\n/, as_admin("SELECT source || ' ' || kind, id FROM mg.archives");
my %relation = map { split /\|/ } split /\n/, as_admin("SELECT source || ' ' || kind, relation FROM mg.archives");
is(join(', ', sort keys %id), 'vault.crowd rows, vault.emptied contents, vault.forced.secret column, vault.guarded table, vault.parts.price values, vault.parts.secret column, vault.plain table', 'all of it is kept');
as_admin(join ';', map { "ANALYZE mg_archive.$_" } values %relation);

# Closed.
my @roles = ('keeper', 'may_not', 'helper', 'mallory', @holders, qw(postgres authenticator supabase_auth_admin supabase_storage_admin supabase_read_only_user cli_login_postgres anon authenticated service_role dashboard_user));
my $reads_all = q{pg_has_role(r.oid, 'pg_read_all_data', 'USAGE')};
is(as_admin("SELECT string_agg(r.rolname, ' ') FROM pg_roles r WHERE NOT rolsuper AND rolname !~ '^pg_' AND (has_schema_privilege(r.oid, 'mg_archive', 'CREATE') OR has_schema_privilege(r.oid, 'mg_archive', 'USAGE') AND NOT $reads_all)"), '', 'the schema is closed to all but superusers and those who may read everything, whatever default privileges say');
is(as_admin("SELECT string_agg(r.rolname || ' ' || c.relname, ', ') FROM pg_roles r, pg_class c WHERE c.relnamespace = 'mg_archive'::regnamespace AND NOT rolsuper AND rolname !~ '^pg_' AND (has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
		  . " OR has_table_privilege(r.oid, c.oid, 'SELECT') AND NOT $reads_all)"), '', 'so are its tables');
is(as_admin("SELECT string_agg(c.relname || ' ' || c.relacl::text, ', ') FROM pg_class c WHERE c.relnamespace = 'mg_archive'::regnamespace AND c.relacl IS NOT NULL"), '', 'nobody was granted anything');
is(as_admin("SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ' ') FROM pg_class WHERE relnamespace = 'mg_archive'::regnamespace"), 'supabase_admin', 'they belong to the superuser');
for my $role (grep { !/^(postgres|supabase_read_only_user|reads_all|cli_login_postgres)$/ } @roles)
{
	my $login = $role =~ /^(anon|authenticated|service_role|dashboard_user)$/ ? 'supabase_admin' : $role;
	my @said = map { my $sql = $_; my (undef, $out, $err) = run_sql($server, 'postgres', ($login ne $role ? "SET ROLE $role; " : '') . $sql, user => $login); $err =~ /ERROR:  42501/ ? () : "$sql: $out$err" }
	  map { ("TABLE mg_archive.$_", "COPY mg_archive.$_ TO STDOUT", "BEGIN; LOCK TABLE mg_archive.$_ IN ACCESS SHARE MODE", "DELETE FROM mg_archive.$_", "DROP TABLE mg_archive.$_", "CREATE INDEX ON mg_archive.$_ (id)", "CREATE STATISTICS loot.st ON id, name FROM mg_archive.$_",
		  "GRANT SELECT ON mg_archive.$_ TO PUBLIC") } @relation{'vault.guarded table', 'vault.parts.price values'};
	is(join("\n", @said), '', "$role can do nothing with them");
	is(as_admin("SET ROLE $role; SELECT count(*) FROM pg_stats WHERE schemaname = 'mg_archive'"), '0', "$role: nor read their statistics");
	like((run_sql($server, 'postgres', ($login ne $role ? "SET ROLE $role; " : '') . 'SELECT count(*) FROM pg_statistic', user => $login))[2], qr/42501/, "$role: nor pg_statistic");
}
fails_with($server, 'postgres', "CREATE TABLE mg_archive.mine (id int)", '42501', "$_ makes no table there", user => $_) for 'postgres', 'mallory', 'keeper';
# Who may read everything read all of the one before, and of the other what its policies showed.
is(works($server, 'postgres', "SELECT count(*) FROM mg_archive.$relation{'vault.plain table'}", 'pg_read_all_data reads', user => 'reads_all'), '1500', 'all of what was open');
is(works($server, 'postgres', "SELECT count(*) FROM mg_archive.$relation{$_}", "pg_read_all_data reads $_", user => 'reads_all'), '0', 'nothing of what had policies') for 'vault.guarded table', 'vault.forced.secret column';
is(works($server, 'postgres', "SELECT count(*) FROM mg_archive.$relation{'vault.guarded table'}", 'with BYPASSRLS it reads', user => 'supabase_read_only_user'), '1500', 'all of it, as before');
for my $role ('keeper', 'sees_all', 'mallory')
{
	my ($out, $err) = ('', '');
	ok(!IPC::Run::run([ 'pg_dump', '-d', $server->connstr('postgres') . " user=$role", '-n', 'mg_archive' ], '>', \$out, '2>', \$err), "pg_dump as $role");
	unlike($out, qr/secret\d/, 'has no rows');
	like($err, qr/permission denied/, 'and says why');
}

# Subscribers of everything have no such tables: nothing of them is sent, or what would come after would not be either.
my $sent = as_admin(q{SELECT string_agg(DISTINCT substring(encode(data, 'escape') FROM '(mg_archive|vault)\\\\000[a-z_0-9]+'), ' ') FROM pg_logical_slot_peek_binary_changes('follower', NULL, NULL, 'proto_version', '1', 'publication_names', 'everything') WHERE get_byte(data, 0) = ascii('R')});
unlike($sent, qr/mg_archive/, 'rows that are kept are not published');
like($sent, qr/vault/, 'those of the tables are');
as_admin("DROP PUBLICATION everything; SELECT pg_drop_replication_slot('follower')");

# Restoring, by hand.
sub restore_of { return "SELECT rows FROM mg_restore($id{$_[0]}, $_[1])" }
my $yours = qr/ERROR:  42501: archive \d+ is not yours to read/;
for my $what (sort keys %id)
{
	my $is_guarded = $what =~ /guarded|forced/;
	for my $role (@holders, 'mallory', 'may_not', 'helper', 'authenticator', 'supabase_auth_admin')
	{
		my $is_reader = $role eq 'stands_above' || ($role =~ /^(sees_all|sees_rows)$/ && !$is_guarded);
		my $table = 'public."' . "$role $what" . '"';
		if ($is_reader)
		{
			works($server, 'postgres', restore_of($what, "'" . $table =~ s/'/''/gr . "'"), "$role reads $what", user => $role);
			is(as_admin("SELECT pg_get_userbyid(relowner) || ' ' || has_table_privilege('helper', oid, 'SELECT') FROM pg_class WHERE oid = '$table'::regclass"), "$role false", 'into a table of his own');
		}
		else
		{
			fails_with($server, 'postgres', restore_of($what, "'" . $table . "'"), ($role =~ /^(may_not|helper|authenticator|supabase_auth_admin)$/ ? '42501' : $yours), "$role is refused $what", user => $role);
			fails_with($server, 'postgres', restore_of($what, 'NULL'), '42501', "$role is refused $what, to where it was", user => $role);
			fails_with($server, 'postgres', "SELECT * FROM mg_archive_diff($id{$what})", ($role =~ /^(may_not|helper|authenticator|supabase_auth_admin)$/ ? '42501' : $yours), "$role is refused what differs from $what", user => $role);
		}
	}
}
for my $role ('anon', 'authenticated', 'service_role')
{
	fails_with($server, 'postgres', "SET ROLE $role; " . restore_of('vault.plain table', "'public.x'"), '42501', "$role is refused", user => 'authenticator');
	fails_with($server, 'postgres', "SET ROLE $role; $_", '42501', "$role is refused: $_", user => 'authenticator') for 'SELECT * FROM mg_purge_archives()', "SELECT mg_hold_archive($id{'vault.plain table'}, 'x')", "SELECT mg_release_archive($id{'vault.plain table'}, 'x')", 'SELECT * FROM mg.archives';
}
for my $role ('may_not', 'helper', 'keeper', 'supabase_storage_admin')
{
	fails_with($server, 'postgres', $_, '42501', "$role is refused: $_", user => $role) for 'SELECT * FROM mg_purge_archives()', "SELECT mg_hold_archive($id{'vault.plain table'}, 'x')", "SELECT mg_release_archive($id{'vault.plain table'}, 'x')";
}
is(as_admin("SELECT count(*) FROM mg.archives WHERE state <> 'kept'"), '0', 'nothing was held, restored or purged by that');
works($server, 'postgres', "SELECT mg_hold_archive($id{'vault.plain table'}, 'x'); SELECT mg_release_archive($id{'vault.plain table'}, 'x'); SELECT * FROM mg_purge_archives()", 'who has the right holds and releases what he cannot read, which tells him nothing of it', user => 'sees_nothing');
is(as_admin("SELECT count(*) FROM mg.archives WHERE state <> 'kept'"), '0', 'what is not past its time stays');

# Who may restore, and could not read, asks others to do it for him.
works($server, 'postgres', "CREATE FUNCTION loot.trap() RETURNS bigint SECURITY DEFINER LANGUAGE plpgsql AS \$\$ BEGIN RETURN (mg_restore($id{'vault.plain table'}, 'loot.taken')).rows; END \$\$;"
	  . "CREATE FUNCTION loot.trap_of_index(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \$\$ BEGIN PERFORM loot.trap(); RETURN i; EXCEPTION WHEN insufficient_privilege THEN RETURN i; END \$\$; CREATE TABLE loot.bait (i int); CREATE INDEX ON loot.bait (loot.trap_of_index(i)); INSERT INTO loot.bait VALUES (1)", 'a trap', user => 'mallory');
fails_with($server, 'postgres', 'SELECT loot.trap()', $yours, "a function of mallory's that a superuser calls", user => 'supabase_admin');
fails_with($server, 'postgres', 'SELECT loot.trap()', $yours, "that who could read it calls", user => 'sees_all');
works($server, 'postgres', 'REINDEX TABLE loot.bait; ANALYZE loot.bait', 'an index of mallory that a superuser makes anew', user => 'supabase_admin');
is(as_admin("SELECT to_regclass('loot.taken') IS NULL"), 't', 'they take nothing');

# A table of mallory's in the place of what was dropped.
works($server, 'postgres', 'CREATE TABLE vault.plain (id int PRIMARY KEY, name text, secret text, price numeric)', 'mallory makes a table of that name', user => 'mallory');
my $belongs = qr/ERROR:  42501: archive \d+ does not come back to vault.plain.*mallory/s;
fails_with($server, 'postgres', restore_of('vault.plain table', 'NULL'), $belongs, "does not get what was there: $_", user => $_) for 'sees_all', 'supabase_admin';
is(as_admin('SELECT count(*) FROM vault.plain'), '0', 'it is empty still');
as_admin('DROP TABLE vault.plain');
# Somebody else who rolls back makes tables of his own.
fails_with($server, 'postgres', "SELECT mg_rollback('destroys', 'a test')", qr/ERROR:  42501/, 'somebody else who rolls back', user => 'helper');
is(as_admin("SELECT to_regclass('vault.plain') IS NULL"), 't', 'gets no table with the rows');

# Into a view, and into a table with triggers and rules: as the caller, and as little else as may be.
works($server, 'postgres', "CREATE TABLE loot.into (id int, name text, secret text); GRANT INSERT ON loot.into TO PUBLIC; CREATE TRIGGER fires BEFORE INSERT ON loot.into FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION loot.fires();"
	  . "CREATE VIEW loot.view AS SELECT id, loot.is_seen('view') FROM loot.into; CREATE RULE r AS ON INSERT TO loot.view DO INSTEAD INSERT INTO loot.into SELECT NEW.id WHERE NEW.id = 1 AND loot.is_seen('rule'); GRANT INSERT ON loot.view TO PUBLIC", 'mallory has targets', user => 'mallory');
works($server, 'postgres', restore_of('vault.plain table', "'loot.into'"), 'a table with a trigger', user => 'sees_all');
run_sql($server, 'postgres', restore_of('vault.plain table', "'loot.view'"), user => 'sees_all');
fails_with($server, 'postgres', restore_of('vault.plain table', "'vault.parts'"), '42501', 'a table that the caller may not write', user => 'sees_all');
fails_with($server, 'postgres', restore_of('vault.plain table', "'mg.run'"), '42501', 'the ledger', user => 'sees_all');
fails_with($server, 'postgres', restore_of('vault.plain table', "'mg_archive.mine'"), '42501', 'the archive', user => 'sees_all');
fails_with($server, 'postgres', restore_of('vault.plain table', "'pg_temp.mine'"), qr/ERROR/, 'a temporary table, which nothing but the session sees', user => 'sees_all');

# Back where it was: with its policies and grants, though FORCE ROW LEVEL SECURITY keeps its owner from most rows.
is(works($server, 'postgres', "SELECT status FROM mg_rollback('destroys', 'a test')", 'its owner rolls back', user => 'keeper'), 'rolled back', 'rolled back');
is(as_admin("SELECT string_agg(concat_ws(' ', source, kind, state, rows_restored, conflicts), ', ' ORDER BY source) FROM mg.archives"),
	'vault.crowd rows restored 1500 0, vault.emptied contents restored 1500 0, vault.forced.secret column restored 1500 0, vault.guarded table restored 1500 0, vault.parts.price values restored 1500 0, vault.parts.secret column restored 1500 0, vault.plain table restored 1500 0', 'all of it');
is(as_admin("SELECT count(*) FROM vault.forced WHERE secret = 'secret' || id"), '1500', 'each value');
is(works($server, 'postgres', 'SELECT count(*) FROM vault.guarded', 'the policy is there', user => 'keeper') . works($server, 'postgres', 'SELECT count(*) FROM vault.forced', 'and this one', user => 'keeper'), '15001', 'and in force');
fails_with($server, 'postgres', 'TABLE vault.plain', '42501', 'who sees columns does not see others', user => 'sees_columns');
works($server, 'postgres', 'TABLE vault.plain', 'who was granted it reads it', user => 'sees_all');

# Whatever mallory has hung on tables: nothing of it runs as a superuser.
as_admin('DELETE FROM loot.marks');
works($server, 'postgres', q{SET search_path = loot;
	CREATE TABLE mined (id int PRIMARY KEY, v text, w text, d loot.checked, p loot.pair, g int GENERATED ALWAYS AS (loot.spy('generated') + id) STORED, f int DEFAULT loot.spy('default'), CHECK (loot.is_seen('check')));
	CREATE TABLE mined_too (id loot.checked PRIMARY KEY, v text, w loot.pair);
	INSERT INTO mined SELECT i, 'v' || i, i, 'd' || i, ROW(i, 'p')::loot.pair FROM generate_series(1, 20) i; INSERT INTO mined_too SELECT 'k' || i, 'v' || i, ROW(i, 'p')::loot.pair FROM generate_series(1, 20) i;
	CREATE INDEX ON mined ((loot.spy('index'))); CREATE INDEX ON mined (id) WHERE loot.spy('predicate') = 1; CREATE INDEX ON mined_too ((loot.spy('index too')));
	CREATE STATISTICS mined_st ON (loot.spy('statistics') + id), (id + 1) FROM mined;
	ALTER TABLE mined ENABLE ROW LEVEL SECURITY; ALTER TABLE mined FORCE ROW LEVEL SECURITY; CREATE POLICY p ON mined USING (loot.is_seen('policy')) WITH CHECK (loot.is_seen('policy check'));
	CREATE TRIGGER fires BEFORE INSERT OR UPDATE OR DELETE ON mined FOR EACH ROW EXECUTE FUNCTION loot.fires(); ALTER TABLE mined ENABLE ALWAYS TRIGGER fires;
	CREATE RULE ru AS ON UPDATE TO mined_too DO ALSO SELECT loot.mark('rule ' || current_user);
	DELETE FROM marks}, 'mallory has tables', user => 'mallory');
as_admin("SELECT mg_set_policy('archive_rows', '5', 'a test')");
my @mines = (
	[ 'ALTER TABLE loot.mined DROP COLUMN v', 'ALTER TABLE loot.mined ADD COLUMN v text' ],
	[ 'ALTER TABLE loot.mined ALTER w TYPE varchar(1) USING left(w, 1)', 'ALTER TABLE loot.mined ALTER w TYPE text' ],
	[ 'ALTER TABLE loot.mined_too DROP COLUMN v', 'ALTER TABLE loot.mined_too ADD COLUMN v text' ],
	[ 'ALTER TABLE loot.mined_too ALTER v TYPE int USING 1', 'ALTER TABLE loot.mined_too ALTER v TYPE text' ],
	[ 'UPDATE loot.mined SET w = w || 1', 'SELECT 1' ],
	[ 'DELETE FROM loot.mined WHERE id > 10', 'SELECT 1' ],
	[ 'TRUNCATE loot.mined', 'SELECT 1' ],
	[ 'DROP TABLE loot.mined_too', 'CREATE TABLE loot.mined_too (id loot.checked PRIMARY KEY, v text, w loot.pair); CREATE INDEX ON loot.mined_too ((loot.spy(\'\'index too\'\')))' ],
	[ 'DROP TYPE loot.pair CASCADE', 'CREATE TYPE loot.pair AS (a int, b text); ALTER TABLE loot.mined ADD COLUMN p loot.pair; ALTER TABLE loot.mined_too ADD COLUMN w loot.pair' ]);
for my $i (0 .. $#mines)
{
	my ($up, $back) = @{ $mines[$i] };
	works($server, 'postgres', "SELECT mg_apply('mine$i', '$up', '$back')", $up, user => 'mallory');
	works($server, 'postgres', "SELECT mg_rollback('mine$i', 'a test')", 'and back', user => 'mallory');
}
is(as_admin("SELECT count(*) FROM mg.archives WHERE source ~ '^loot' AND state <> 'restored'"), '0', 'all of it came back');
is(as_admin("SELECT string_agg(DISTINCT at || ' as ' || who, ', ') FROM loot.marks WHERE is_super OR who <> 'mallory'"), '', "mallory's functions have run as mallory");
is(as_admin("SELECT string_agg(DISTINCT at, ', ') FROM loot.marks WHERE at ~ '^trigger mined' AND who <> 'mallory'"), '', 'triggers too');
is(as_admin("SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"), 'f', 'and have made nobody a superuser');
is(as_admin("SELECT string_agg(c.relname || ' ' || c.relacl::text, ', ') FROM pg_class c WHERE c.relnamespace = 'mg_archive'::regnamespace AND c.relacl IS NOT NULL"), '', 'an event trigger that grants has opened none of the archives');
is(as_admin("SET ROLE anon; SELECT has_schema_privilege('mg_archive', 'USAGE')"), 'f', 'which are behind a schema that is closed');

# Rights are those of now: who has lost his is refused.
as_admin("SELECT mg_revoke_right('stands_above', 'archive')");
fails_with($server, 'postgres', restore_of('vault.guarded table', "'public.late'"), '42501', 'who has no right to archives any more', user => 'stands_above');
# What is there now, only who may read all of it now.
my $differs = 'SELECT kept FROM mg_archive_diff(' . as_admin("CREATE TABLE vault.present (id int PRIMARY KEY, v text); GRANT SELECT ON vault.present TO sees_all; INSERT INTO vault.present VALUES (1, 'then'); SELECT FROM mg_apply('empties_present', 'TRUNCATE vault.present'); INSERT INTO vault.present VALUES (1, 'now'); CREATE POLICY all_rows ON vault.present USING (true); SELECT id FROM mg.archives WHERE migration = 'empties_present'") . ')';
my (undef, $said) = run_sql($server, 'postgres', $differs, user => 'sees_all');
is($said, '{"v": "then", "id": "1"}', 'what differs is shown to who may read both');
as_admin('ALTER TABLE vault.present ENABLE ROW LEVEL SECURITY');
fails_with($server, 'postgres', $differs, '42501', 'but not past row level security', user => 'sees_all');
as_admin('ALTER TABLE vault.present DISABLE ROW LEVEL SECURITY; REVOKE ALL ON vault.present FROM sees_all, PUBLIC');
fails_with($server, 'postgres', $differs, '42501', 'nor once he may not read it any more', user => 'sees_all');
$server->stop;
done_testing();
