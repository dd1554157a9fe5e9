# Every form of statement that changes a schema is on record once, with its exact text, tag and first object, however the
# library came into the session.
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

# TAG | type of the first object | its identity | statement; "-" where the statement names no object.
my $forms = <<'FORMS';
CREATE SCHEMA | schema | app | CREATE SCHEMA app
CREATE TABLE | table | app.t | CREATE TABLE app.t (id int PRIMARY KEY, a text, b int)
CREATE TABLE | - | - | CREATE TABLE IF NOT EXISTS app.t (id int)
CREATE TABLE | table | app.p | CREATE TABLE app.p (id int, k int) PARTITION BY LIST (k)
CREATE TABLE | table | app.p1 | CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES IN (1)
CREATE TABLE | table | app.s | CREATE TABLE app.s (id serial, g int GENERATED ALWAYS AS IDENTITY)
CREATE TABLE AS | table | app.c | CREATE TABLE app.c AS SELECT 1 AS x
SELECT INTO | table | app.into_table | SELECT 2 AS y INTO app.into_table
CREATE SEQUENCE | sequence | app.seq | CREATE SEQUENCE app.seq
ALTER SEQUENCE | sequence | app.seq | ALTER SEQUENCE app.seq INCREMENT 2
CREATE VIEW | view | app.v | CREATE VIEW app.v AS SELECT id FROM app.t
CREATE VIEW | view | app.v | CREATE OR REPLACE VIEW app.v AS SELECT id FROM app.t WHERE true
CREATE VIEW | view | app.rv | CREATE RECURSIVE VIEW app.rv (n) AS SELECT 1
ALTER VIEW | view | app.v | ALTER VIEW app.v ALTER COLUMN id SET DEFAULT 1
CREATE MATERIALIZED VIEW | materialized view | app.mv | CREATE MATERIALIZED VIEW app.mv AS SELECT id FROM app.t
CREATE INDEX | index | app.mv_id | CREATE UNIQUE INDEX mv_id ON app.mv (id)
ALTER MATERIALIZED VIEW | materialized view | app.mv | ALTER MATERIALIZED VIEW app.mv SET (fillfactor = 70)
REFRESH MATERIALIZED VIEW | materialized view | app.mv | REFRESH MATERIALIZED VIEW app.mv
REFRESH MATERIALIZED VIEW | materialized view | app.mv | REFRESH MATERIALIZED VIEW CONCURRENTLY app.mv
CREATE INDEX | index | app.t_a | CREATE INDEX t_a ON app.t (a)
CREATE INDEX | index | app.t_b | CREATE INDEX CONCURRENTLY t_b ON app.t (b)
REINDEX | index | app.t_a | REINDEX INDEX app.t_a
REINDEX | table | app.t | REINDEX TABLE app.t
REINDEX | table | app.t | REINDEX TABLE CONCURRENTLY app.t
REINDEX | schema | app | REINDEX SCHEMA app
CLUSTER | table | app.t | CLUSTER app.t USING t_a
ALTER INDEX | index | app.t_a2 | ALTER INDEX app.t_a RENAME TO t_a2
DROP INDEX | index | app.t_b | DROP INDEX CONCURRENTLY app.t_b
ALTER TABLE | table | app.t | ALTER TABLE app.t ADD COLUMN c int DEFAULT 1, DROP COLUMN b
ALTER TABLE | table column | app.t.d | ALTER TABLE app.t RENAME COLUMN c TO d
ALTER TABLE | table | app.t2 | ALTER TABLE app.t RENAME TO t2
ALTER TABLE | table | public.t2 | ALTER TABLE app.t2 SET SCHEMA public
ALTER TABLE | table | app.t2 | ALTER TABLE public.t2 SET SCHEMA app
ALTER TABLE | table | app.t2 | ALTER TABLE app.t2 OWNER TO postgres
ALTER TABLE | table | app.t2 | ALTER TABLE app.t2 ADD CONSTRAINT positive CHECK (d > 0) NOT VALID
ALTER TABLE | table | app.t2 | ALTER TABLE app.t2 VALIDATE CONSTRAINT positive
ALTER TABLE | table | app.p | ALTER TABLE app.p DETACH PARTITION app.p1 CONCURRENTLY
ALTER TABLE | table | app.p | ALTER TABLE app.p ATTACH PARTITION app.p1 FOR VALUES IN (1)
CREATE FUNCTION | function | app.f(integer) | CREATE FUNCTION app.f(i int) RETURNS int LANGUAGE sql AS 'SELECT i'
CREATE FUNCTION | function | app.f(integer) | CREATE OR REPLACE FUNCTION app.f(i int) RETURNS int LANGUAGE sql AS 'SELECT i + 1'
ALTER FUNCTION | function | app.f(integer) | ALTER FUNCTION app.f(int) STABLE
CREATE PROCEDURE | procedure | app.pr() | CREATE PROCEDURE app.pr() LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION | function | app.tf() | CREATE FUNCTION app.tf() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'
CREATE TRIGGER | trigger | tr on app.t2 | CREATE TRIGGER tr BEFORE INSERT ON app.t2 FOR EACH ROW EXECUTE FUNCTION app.tf()
ALTER TRIGGER | trigger | tr2 on app.t2 | ALTER TRIGGER tr ON app.t2 RENAME TO tr2
CREATE RULE | rule | r on app.c | CREATE RULE r AS ON UPDATE TO app.c DO ALSO NOTIFY x
CREATE POLICY | policy | po on app.t2 | CREATE POLICY po ON app.t2 USING (true)
ALTER POLICY | policy | po on app.t2 | ALTER POLICY po ON app.t2 USING (false)
CREATE AGGREGATE | aggregate | app.ag(integer) | CREATE AGGREGATE app.ag (int) (sfunc = int4pl, stype = int)
CREATE OPERATOR | operator | app.===(integer,integer) | CREATE OPERATOR app.=== (leftarg = int, rightarg = int, function = int4eq)
CREATE OPERATOR FAMILY | operator family | app.ofam USING btree | CREATE OPERATOR FAMILY app.ofam USING btree
CREATE OPERATOR CLASS | operator class | app.ocl USING hash | CREATE OPERATOR CLASS app.ocl FOR TYPE int USING hash AS OPERATOR 1 =
ALTER OPERATOR FAMILY | operator family | app.ofam USING btree | ALTER OPERATOR FAMILY app.ofam USING btree ADD OPERATOR 1 < (int, int)
CREATE TYPE | type | app.ct | CREATE TYPE app.ct AS (x int)
ALTER TYPE | composite type | app.ct | ALTER TYPE app.ct ADD ATTRIBUTE y int
CREATE TYPE | type | app.en | CREATE TYPE app.en AS ENUM ('a')
ALTER TYPE | type | app.en | ALTER TYPE app.en ADD VALUE 'b'
CREATE TYPE | type | app.rg | CREATE TYPE app.rg AS RANGE (subtype = int)
CREATE TYPE | type | app.shell | CREATE TYPE app.shell
CREATE DOMAIN | type | app.dm | CREATE DOMAIN app.dm AS int CHECK (value > 0)
ALTER DOMAIN | type | app.dm | ALTER DOMAIN app.dm SET DEFAULT 1
CREATE COLLATION | collation | app.co | CREATE COLLATION app.co (locale = 'C')
CREATE CONVERSION | conversion | app.cv | CREATE CONVERSION app.cv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8
CREATE CAST | cast | (app.ct AS pg_catalog.text) | CREATE CAST (app.ct AS text) WITH INOUT
CREATE STATISTICS | statistics object | app.st | CREATE STATISTICS app.st ON a, d FROM app.t2
CREATE TEXT SEARCH DICTIONARY | text search dictionary | app.di | CREATE TEXT SEARCH DICTIONARY app.di (template = simple)
CREATE TEXT SEARCH CONFIGURATION | text search configuration | app.cf | CREATE TEXT SEARCH CONFIGURATION app.cf (copy = simple)
ALTER TEXT SEARCH CONFIGURATION | text search configuration | app.cf | ALTER TEXT SEARCH CONFIGURATION app.cf DROP MAPPING FOR email
CREATE TRANSFORM | transform | for integer language sql | CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal))
CREATE ACCESS METHOD | access method | am | CREATE ACCESS METHOD am TYPE TABLE HANDLER heap_tableam_handler
CREATE LANGUAGE | language | plx | CREATE LANGUAGE plx HANDLER plpgsql_call_handler
CREATE EXTENSION | extension | postgres_fdw | CREATE EXTENSION postgres_fdw
CREATE SERVER | server | srv | CREATE SERVER srv FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'postgres')
ALTER SERVER | server | srv | ALTER SERVER srv VERSION '2'
CREATE USER MAPPING | user mapping | postgres on server srv | CREATE USER MAPPING FOR postgres SERVER srv
CREATE FOREIGN TABLE | foreign table | app.ft | CREATE FOREIGN TABLE app.ft (x int) SERVER srv
CREATE SCHEMA | schema | imported | CREATE SCHEMA imported
IMPORT FOREIGN SCHEMA | foreign table | imported.pg_am | IMPORT FOREIGN SCHEMA pg_catalog LIMIT TO (pg_am) FROM SERVER srv INTO imported
CREATE PUBLICATION | publication | pub | CREATE PUBLICATION pub FOR TABLE app.t2
ALTER PUBLICATION | publication relation | app.c in publication pub | ALTER PUBLICATION pub ADD TABLE app.c
CREATE SUBSCRIPTION | subscription | sub | CREATE SUBSCRIPTION sub CONNECTION '***' PUBLICATION pub WITH (connect = false)
ALTER SUBSCRIPTION | subscription | sub | ALTER SUBSCRIPTION sub SET (slot_name = NONE)
DROP SUBSCRIPTION | subscription | sub | DROP SUBSCRIPTION sub
COMMENT | table | app.t2 | COMMENT ON TABLE app.t2 IS 'x'
COMMENT | table column | app.t2.a | COMMENT ON COLUMN app.t2.a IS 'x'
COMMENT | schema | app | COMMENT ON SCHEMA app IS 'x'
COMMENT | database | postgres | COMMENT ON DATABASE postgres IS 'x'
COMMENT | role | postgres | COMMENT ON ROLE postgres IS 'x'
COMMENT | tablespace | pg_default | COMMENT ON TABLESPACE pg_default IS 'x'
GRANT | table | app.t2 | GRANT SELECT ON app.t2 TO PUBLIC
GRANT | table | app.t2 | GRANT SELECT ON app.t2, app.c TO PUBLIC
GRANT | schema | app | GRANT USAGE ON SCHEMA app TO PUBLIC
GRANT | function | app.f(integer) | GRANT EXECUTE ON FUNCTION app.f(int) TO PUBLIC
GRANT | schema | app | GRANT SELECT ON ALL TABLES IN SCHEMA app TO PUBLIC
GRANT | database | postgres | GRANT CONNECT ON DATABASE postgres TO PUBLIC
REVOKE | table | app.t2 | REVOKE SELECT ON app.t2 FROM PUBLIC
ALTER DEFAULT PRIVILEGES | schema | app | ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC
CREATE ROLE | role | r1 | CREATE ROLE r1
CREATE ROLE | role | r2 | CREATE ROLE r2 LOGIN
CREATE ROLE | role | r3 | CREATE USER r3
CREATE ROLE | role | r4 | CREATE GROUP r4
ALTER ROLE | role | r1 | ALTER ROLE r1 CREATEDB
ALTER ROLE | role | r1 | ALTER ROLE r1 SET work_mem = '1MB'
ALTER ROLE | role | r5 | ALTER ROLE r4 RENAME TO r5
ALTER ROLE | role | r5 | ALTER GROUP r5 ADD USER r3
GRANT ROLE | role | r1 | GRANT r1 TO r2
REVOKE ROLE | role | r1 | REVOKE r1 FROM r2
CREATE TABLE | table | app.owned | CREATE TABLE app.owned (x int)
ALTER TABLE | table | app.owned | ALTER TABLE app.owned OWNER TO r1
REASSIGN OWNED | role | r1 | REASSIGN OWNED BY r1 TO r3
DROP OWNED | table | app.owned | DROP OWNED BY r3
DROP ROLE | role | r5 | DROP ROLE r5, r3, r2, r1
ALTER DATABASE | database | postgres | ALTER DATABASE postgres SET work_mem = '5MB'
CREATE DATABASE | database | other | CREATE DATABASE other
ALTER DATABASE | database | other | ALTER DATABASE other CONNECTION LIMIT 5
ALTER DATABASE | database | other | ALTER DATABASE other OWNER TO postgres
ALTER DATABASE | database | other2 | ALTER DATABASE other RENAME TO other2
DROP DATABASE | database | other2 | DROP DATABASE other2
CREATE TABLESPACE | tablespace | space | CREATE TABLESPACE space LOCATION ''
ALTER TABLESPACE | tablespace | space | ALTER TABLESPACE space SET (random_page_cost = 2)
ALTER TABLESPACE | tablespace | space2 | ALTER TABLESPACE space RENAME TO space2
ALTER TABLESPACE | tablespace | space2 | ALTER TABLESPACE space2 OWNER TO postgres
GRANT | tablespace | space2 | GRANT CREATE ON TABLESPACE space2 TO PUBLIC
ALTER TABLE | - | - | ALTER TABLE ALL IN TABLESPACE space2 SET TABLESPACE pg_default
DROP TABLESPACE | tablespace | space2 | DROP TABLESPACE space2
COMMENT | large object | 4711 | COMMENT ON LARGE OBJECT 4711 IS 'x'
ALTER LARGE OBJECT | large object | 4711 | ALTER LARGE OBJECT 4711 OWNER TO postgres
GRANT | large object | 4711 | GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC
ALTER SYSTEM | setting | work_mem | ALTER SYSTEM SET work_mem = '7MB'
ALTER SYSTEM | setting | work_mem | ALTER SYSTEM RESET work_mem
TRUNCATE TABLE | table | app.c | TRUNCATE app.c, app.t2
CREATE FUNCTION | function | app.ef() | CREATE FUNCTION app.ef() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end'
CREATE EVENT TRIGGER | event trigger | evt | CREATE EVENT TRIGGER evt ON ddl_command_end EXECUTE FUNCTION app.ef()
ALTER EVENT TRIGGER | event trigger | evt | ALTER EVENT TRIGGER evt DISABLE
ALTER EVENT TRIGGER | event trigger | evt2 | ALTER EVENT TRIGGER evt RENAME TO evt2
ALTER EVENT TRIGGER | event trigger | evt2 | ALTER EVENT TRIGGER evt2 OWNER TO postgres
DROP EVENT TRIGGER | event trigger | evt2 | DROP EVENT TRIGGER evt2
CREATE EXTENSION | extension | hstore | CREATE EXTENSION hstore SCHEMA app
ALTER EXTENSION | extension | hstore | ALTER EXTENSION hstore SET SCHEMA public
COMMENT | extension | hstore | COMMENT ON EXTENSION hstore IS 'x'
DROP EXTENSION | extension | hstore | DROP EXTENSION hstore
CREATE SCHEMA | schema | elems | CREATE SCHEMA elems CREATE TABLE e1 (id int PRIMARY KEY) CREATE VIEW e2 AS SELECT id FROM e1 CREATE INDEX ON e1 (id) GRANT SELECT ON e1 TO PUBLIC
DROP TABLE | table | app.into_table | DROP TABLE app.into_table
DROP TABLE | - | - | DROP TABLE IF EXISTS app.nope
DROP VIEW | view | app.v | DROP VIEW app.v
DROP FUNCTION | function | app.f(integer) | DROP FUNCTION app.f(int)
DROP TRIGGER | trigger | tr2 on app.t2 | DROP TRIGGER tr2 ON app.t2
DROP POLICY | policy | po on app.t2 | DROP POLICY po ON app.t2
DROP SCHEMA | schema | elems | DROP SCHEMA elems CASCADE
DROP CAST | cast | (app.ct AS pg_catalog.text) | DROP CAST (app.ct AS text)
DROP TYPE | type | app.en | DROP TYPE app.en
DROP PUBLICATION | publication | pub | DROP PUBLICATION pub
DROP EXTENSION | extension | postgres_fdw | DROP EXTENSION postgres_fdw CASCADE
DROP ACCESS METHOD | access method | am | DROP ACCESS METHOD am
DROP SCHEMA | schema | imported | DROP SCHEMA imported CASCADE
DROP SCHEMA | schema | app | DROP SCHEMA app CASCADE
FORMS

my @forms;
for my $line (split /\n/, $forms)
{
	my ($tag, $type, $identity, $statement) = split / \| /, $line, 4;
	push @forms, { tag => $tag, type => $type eq '-' ? '' : $type, identity => $identity eq '-' ? '' : $identity, statement => $statement };
}

# What psql sends: each statement with comments and blanks around it, which are not part of its text.
my $script = join '', map { (my $sent = $_->{statement}) =~ s/\*\*\*/dbname=nowhere password=hidden/; "\n-- about it\n  /* and more */\n\t$sent ;\n" } @forms;

sub check_forms
{
	my ($node, $database, $how) = @_;
	$node->safe_psql($database, 'SELECT lo_create(4711)');
	my $after = newest($node, $database);
	my ($status, $out, $err) = run_sql($node, $database, $script);
	is(join('', $err =~ /^.*ERROR.*\n/mg), '', "$how: every statement works");

	my @rows = map { [ split /\x1f/, $_, -1 ] } split /\x1e/,
	  $node->safe_psql($database, "SELECT string_agg(concat_ws(E'\\x1f', tag, coalesce(object_type, ''), coalesce(identity, ''), statement,"
		  . " nested, origin, duration_us >= 0, xid IS NOT NULL), E'\\x1e' ORDER BY id) FROM mg.statement WHERE id > $after");
	my %recorded;
	push @{ $recorded{ $_->[3] } }, $_ for @rows;

	is(scalar(@rows), scalar(@forms), "$how: each statement is on record once");
	for my $form (@forms)
	{
		my $row = shift @{ $recorded{ $form->{statement} } // [] };
		# Majors before 17 say "on" here.
		$row->[2] =~ s/ on language / language / if defined $row;
		my $origin = $form->{tag} eq 'CREATE EXTENSION' ? 'extension' : 'session';
		is_deeply($row, [ @$form{qw(tag type identity statement)}, 'f', $origin, 't', 't' ], "$how: $form->{statement}");
	}
	my @others = map { map { $_->[3] } @$_ } values %recorded;
	is(join("\n", @others), '', "$how: nothing else is on record");
}

my $server = new_cluster('shared', conf => [ preload(), 'wal_level = logical', 'allow_in_place_tablespaces = on' ]);
new_database($server, 'app');
check_forms($server, 'app', 'preloaded for the server');
like(status_of($server, 'app', 'capture'), qr/^preloaded for the whole server\|t\|$/, 'mg_status() says so');
$server->stop;

my $lazy = new_cluster('lazy', conf => [ 'wal_level = logical', 'allow_in_place_tablespaces = on' ]);
new_database($lazy, 'session');
$lazy->safe_psql('session', "ALTER DATABASE session SET session_preload_libraries = 'migration_governance'");
check_forms($lazy, 'session', 'preloaded for the session');
like(status_of($lazy, 'session', 'capture'), qr/^preloaded for this session\|t\|$/, 'mg_status() says so');
new_database($lazy, 'app');
check_forms($lazy, 'app', 'not preloaded');
like(status_of($lazy, 'app', 'capture'), qr/^event triggers only\|f\|.*preload/, 'mg_status() says what that misses');
$lazy->stop;

done_testing();
