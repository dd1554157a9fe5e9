-- What each run leaves is expected; what people change is reported, with the statement that did it.
\ir lib/errors.sql
SELECT no_plan();

CREATE FUNCTION t.drift() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(concat_ws(' ', kind, object_type, identity, nullif('.' || property, '.')), '; ' ORDER BY kind, object_type, identity, property), 'none')
	FROM mg_drift_report() $$;
CREATE FUNCTION t.blame() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(identity || ' by ' || statement, '; ' ORDER BY identity, property) FROM mg_drift_report() $$;
-- The same when every object is looked at, whatever the sums of its catalog rows say.
CREATE FUNCTION t.drift_in_full() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	BEGIN
		UPDATE mg.object SET versions = 0;
		found := t.drift();
		RAISE EXCEPTION 'as it was';
	EXCEPTION WHEN raise_exception THEN
		RETURN found;
	END;
END $$;
-- Applies a migration and tells what drifts afterwards.
CREATE FUNCTION t.after(name text, up text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	PERFORM mg_apply(name, up, 'SELECT 1');
	found := t.drift();
	IF t.drift_in_full() <> found THEN
		found := format('%s by the sums, %s in full', found, t.drift_in_full());
	END IF;
	RETURN found;
END $$;
CREATE ROLE drift_boss;
CREATE ROLE drift_reader;
SELECT mg_accept_drift('what this test is made of') > 0 AS accepted;
SELECT is(t.drift(), 'none', 'nothing drifts at first');

-- Governed changes of every sort leave nothing to report.
SELECT is(t.after('d01', 'CREATE SCHEMA s; CREATE TABLE s.a (id int PRIMARY KEY, b text DEFAULT ''x'', c int); CREATE INDEX a_b ON s.a (b);
	CREATE VIEW s.v AS SELECT id, b FROM s.a; CREATE TABLE s.child (a int REFERENCES s.a); CREATE SEQUENCE s.n; CREATE TABLE s.uses (i int DEFAULT nextval(''s.n''))'), 'none', 'created');
SELECT is(t.after('d02', 'DROP INDEX s.a_b'), 'none', 'an index dropped: its table is looked at');
SELECT is(t.after('d03', 'ALTER TABLE s.a RENAME b TO bb'), 'none', 'a column renamed: the view is looked at');
SELECT is(t.after('d04', 'ALTER SCHEMA s RENAME TO s2'), 'none', 'a schema renamed: all that lies in it');
SELECT is(t.after('d05', 'GRANT USAGE ON SCHEMA s2 TO drift_reader; GRANT SELECT ON ALL TABLES IN SCHEMA s2 TO drift_reader'), 'none', 'rights on a schema and on all tables');
SELECT is(t.after('d06', 'ALTER DEFAULT PRIVILEGES IN SCHEMA s2 GRANT SELECT ON TABLES TO drift_reader'), 'none', 'default privileges');
SELECT is(t.after('d07', 'DROP SEQUENCE s2.n CASCADE'), 'none', 'a default goes with its sequence');
SELECT is(t.after('d08', 'ALTER TABLE s2.child DROP CONSTRAINT child_a_fkey; ALTER TABLE s2.child ADD FOREIGN KEY (a) REFERENCES s2.a ON DELETE CASCADE'), 'none', 'a constraint in another form');
SELECT is(t.after('d09', 'CREATE TABLE s2.p (i int) PARTITION BY RANGE (i); CREATE TABLE s2.p1 PARTITION OF s2.p FOR VALUES FROM (0) TO (9); CREATE INDEX ON s2.p (i)'), 'none', 'partitions');
SELECT is(t.after('d10', 'ALTER TABLE s2.p DETACH PARTITION s2.p1'), 'none', 'a partition detached');
SELECT is(t.after('d11', 'CREATE FUNCTION s2.f() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NEW; END''; CREATE TRIGGER x BEFORE INSERT ON s2.a FOR EACH ROW EXECUTE FUNCTION s2.f()'), 'none', 'a trigger');
SELECT is(t.after('d12', 'DROP FUNCTION s2.f() CASCADE'), 'none', 'a trigger goes with its function');
SELECT is(t.after('d13', 'ALTER TABLE s2.p1 OWNER TO drift_boss; REASSIGN OWNED BY drift_boss TO CURRENT_USER'), 'none', 'owners');
SELECT is(t.after('d14', 'DROP TABLE s2.a CASCADE'), 'none', 'what goes along with a table');
SELECT is(t.after('d15', 'COMMENT ON DATABASE ' || quote_ident(current_database()) || ' IS ''mine''; ALTER DATABASE ' || quote_ident(current_database()) || ' SET work_mem = ''5MB'''), 'none', 'the database itself');
SELECT is(t.after('d16', 'CREATE TYPE s2.mood AS ENUM (''a''); CREATE DOMAIN s2.dom AS int CHECK (VALUE > 0); CREATE TABLE s2.m (x s2.mood, d s2.dom)'), 'none', 'types');
SELECT is(t.after('d17', 'DROP TYPE s2.mood CASCADE'), 'none', 'a column goes with its type');
SELECT is((SELECT status FROM mg_rollback('d17')), 'rolled back', 'rolled back');
SELECT is(t.drift(), 'none', 'and what that leaves is expected too');

-- By hand.
ALTER TABLE s2.m ADD COLUMN e int;
SELECT is(t.blame(), 's2.m.e by ALTER TABLE s2.m ADD COLUMN e int', 'a column, and who added it');
ALTER TABLE s2.m ALTER COLUMN e SET DEFAULT 4;
COMMENT ON TABLE s2.m IS 'late';
SELECT is(t.blame(), 's2.m by COMMENT ON TABLE s2.m IS ''late''; s2.m.e by ALTER TABLE s2.m ALTER COLUMN e SET DEFAULT 4', 'each difference has the newest statement that names it');
SELECT is(mg_accept_drift('only this', 's2.m.e'), 1, 'a part is accepted');
SELECT is(t.drift(), 'changed table s2.m .comment', 'the rest is not');
COMMENT ON TABLE s2.m IS NULL;
SELECT is(t.drift(), 'none', 'undone by hand');
SELECT is((SELECT value FROM mg.policy_event WHERE setting = 'accept_drift' ORDER BY at DESC LIMIT 1),
	'[{"kind":"unexpected","type":"table column","identity":"s2.m.e"}]', 'and that is on record');
SELECT is(t.said($$SELECT mg_accept_drift('  ')$$), '22023 accepting drift needs a reason', 'not without a reason');
SELECT alike(t.said($$SELECT mg_accept_drift('x', 's2.m')$$), 'MG201 nothing of "s2.m" differs%', 'not what does not differ');

UPDATE pg_class SET relrowsecurity = true WHERE oid = 's2.p'::regclass;
SELECT alike(t.drift(), 'changed table s2.p .row security%', 'a catalog that a superuser has edited');
SELECT is((SELECT statement FROM mg_drift_report()), '(not seen by capture)', 'which nobody has seen');
UPDATE pg_class SET relrowsecurity = false WHERE oid = 's2.p'::regclass;
SET session_replication_role = replica;
CREATE TABLE s2.replica (i int);
RESET session_replication_role;
SELECT is(t.drift(), 'unexpected table s2.replica', 'a change in replica role');
DROP TABLE s2.replica;
ALTER TABLE s2.m RENAME TO mm;
SELECT is(t.drift(), 'changed table s2.m .name', 'a renamed table is still the same');
ALTER TABLE s2.mm RENAME TO m;
DROP TABLE s2.p1;
CREATE TABLE s2.p1 (i int);
CREATE INDEX p1_i_idx ON s2.p1 (i);
SELECT is(t.drift(), 'none', 'made again as it was');
TRUNCATE s2.m;
VACUUM FULL s2.m;
ANALYZE s2.m;
SELECT is(t.drift(), 'none', 'maintenance is no drift');
BEGIN;
CREATE TABLE s2.gone (i int);
SELECT is(t.drift(), 'unexpected table s2.gone', 'seen within the transaction');
ROLLBACK;
SELECT is(t.drift(), 'none', 'and not after its end');
BEGIN READ ONLY;
SELECT is((SELECT count(*) FROM mg_drift_report()), 0::bigint, 'works in a read-only transaction');
COMMIT;

-- A migration over what was changed by hand says so.
ALTER TABLE s2.m ADD COLUMN by_hand int;
SELECT is(t.after('d20', 'ALTER TABLE s2.m ADD COLUMN governed int'), 'none', 'what a run touched is expected as it is');

-- Scope.
CREATE SCHEMA auth;
CREATE TABLE auth.users (id int);
SELECT is(t.drift(), 'unexpected schema auth; unexpected table auth.users', 'a platform''s schema');
SELECT mg_set_policy('ignored_schemas', 'auth, storage', 'the platform''s');
SELECT is(t.drift(), 'none', 'is left out by name');
SELECT is(mg_snapshot() -> 'objects' -> 'schema' ? 'auth', false, 'also from snapshots');
SELECT mg_set_policy('ignored_schemas', '', 'no more');
DROP SCHEMA auth CASCADE;
SELECT mg_set_policy('drift_scope', 'cluster', 'roles too');
SELECT isnt(t.drift(), 'none', 'roles are looked at when asked for');
SELECT mg_accept_drift('the roles there are') > 0 AS accepted;
ALTER ROLE drift_reader CREATEDB;
SELECT alike(t.drift(), 'changed role drift_reader .%', 'a role is changed');
ALTER ROLE drift_reader NOCREATEDB;
SELECT is(t.drift(), 'none', 'and changed back');
SELECT alike(t.said($$SELECT mg_set_policy('drift_scope', 'world', 'x')$$), '22023 drift_scope is one of database, cluster, not "world"%', 'the two scopes');
SELECT mg_set_policy('drift_scope', 'database', 'roles no more');
ALTER ROLE drift_boss RENAME TO drift_chief;
SELECT is(t.drift(), 'none', 'a role that owns nothing has another name');

-- Snapshots of other databases.
SELECT mg_snapshot() AS snapshot \gset
SELECT is((SELECT count(*) FROM mg_drift_report(:'snapshot')), 0::bigint, 'a database is as itself');
CREATE TABLE s2.more (i int);
COMMENT ON TABLE s2.m IS 'other';
SELECT is((SELECT string_agg(concat_ws(' ', kind, identity, property), '; ' ORDER BY identity) FROM mg_drift_report(:'snapshot')),
	'changed s2.m comment; unexpected s2.more', 'what differs from a snapshot');
DROP TABLE s2.more;
DROP TABLE s2.m;
SELECT is((SELECT string_agg(concat_ws(' ', kind, identity, property), '; ' ORDER BY identity) FROM mg_drift_report(:'snapshot')), 'missing s2.m', 'and what is missing');
SELECT alike(t.said($$SELECT mg_drift_report('{}')$$), '22023 this is not a snapshot%', 'not any JSON');
SELECT alike(t.said($$SELECT mg_drift_report('[1]')$$), '22023 this is not a snapshot%', 'not an array');
SELECT alike(t.said($$SELECT mg_drift_report('{"about": {"server": 9}, "objects": {}}')$$), '22023 the snapshot was taken on PostgreSQL 9, this is %', 'not of another major');
SELECT alike(t.said($$SELECT mg_drift_report('{"about": {}, "objects": {}}')$$), '22023 the snapshot was taken on PostgreSQL unknown%', 'nor without its major');
SELECT alike(t.said($$SELECT mg_drift_report(NULL::jsonb)$$), '22004%', 'not NULL');

-- Baseline.
SELECT is((SELECT status FROM mg_baseline('d30', 'where we begin')), 'applied', 'a baseline');
SELECT is(t.drift(), 'none', 'expects what is there');
SELECT is((SELECT description FROM mg.history WHERE migration_name = 'd30'), 'where we begin', 'is in the history');
SELECT is((SELECT action FROM mg.runs WHERE migration = 'd30'), 'baseline', 'as what it is');
SELECT alike(t.said($$SELECT mg_baseline('d30')$$), 'MG002%', 'once');
SELECT alike(t.said($$SELECT mg_rollback('d30')$$), 'MG404%', 'has no way back');
SELECT is(t.after('d31', 'CREATE TABLE s2.on_top (i int)'), 'none', 'migrations go on top');

-- What another tool ran for a migration belongs to it once that is applied.
SELECT (mg_register('d40', 'CREATE INDEX IF NOT EXISTS on_top_i ON s2.on_top (i)')).status \g /dev/null
SET migration_governance.migration = 'd40';
CREATE INDEX CONCURRENTLY on_top_i ON s2.on_top (i);
RESET migration_governance.migration;
COMMENT ON TABLE s2.p1 IS 'by hand';
SELECT is(t.drift(), 'changed table s2.p1 .comment; unexpected index s2.on_top_i', 'an index built outside a run');
SELECT is((SELECT status FROM mg_apply('d40')), 'applied', 'and its migration');
SELECT is(t.drift(), 'changed table s2.p1 .comment', 'nobody misses it any more, and what else was done stays');
COMMENT ON TABLE s2.p1 IS NULL;

-- mg_verify() sees that what migrations made is as they made it.
CREATE FUNCTION t.changed() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws('|', migration, object, actual), E'\n' ORDER BY migration, object) FROM mg_verify() WHERE check_name = 'object' AND NOT ok AND migration >= 'd40' $$;
SELECT mg_apply('d41', 'CREATE TABLE s2.seen (i int CHECK (i > 0), u uuid); CREATE INDEX seen_i ON s2.seen (i); CREATE VIEW s2.seeing AS SELECT i FROM s2.seen') \g /dev/null
SELECT mg_apply('d42', 'ALTER TABLE s2.seen ADD COLUMN more text') \g /dev/null
SELECT is(t.changed(), NULL, 'nothing is changed at first');
ALTER TABLE s2.seen ALTER COLUMN more SET DEFAULT 'x';
SELECT is(t.changed(), 'd41|table s2.seen|exists, changed by hand: table column s2.seen.more, default: none -> ''x''::text', 'a column that a later migration added');
ALTER TABLE s2.seen ALTER COLUMN more DROP DEFAULT;
ALTER INDEX s2.seen_i SET (fillfactor = 50);
CREATE OR REPLACE VIEW s2.seeing AS SELECT i FROM s2.seen WHERE i > 1;
ALTER TABLE s2.seen ADD COLUMN a int, ADD COLUMN b int, ADD COLUMN c int;
SELECT is(replace(t.changed(), 'seen.i', 'i'), E'd41|index s2.seen_i|exists, changed by hand: index s2.seen_i, options: none -> fillfactor=50\n'
	'd41|table s2.seen|exists, changed by hand: table column s2.seen.a unexpected; table column s2.seen.b unexpected; table column s2.seen.c unexpected and 1 more\n'
	'd41|view s2.seeing|exists, changed by hand: view s2.seeing, definition: SELECT i FROM s2.seen; -> SELECT i FROM s2.seen WHERE (i > 1);', 'an index, a table, a view');
SELECT is((SELECT count(*) FROM mg_verify('d42') WHERE NOT ok), 0::bigint, 'and none of another migration');
SELECT mg_apply('d43', 'ALTER TABLE s2.seen DROP COLUMN a, DROP COLUMN b, DROP COLUMN c; ALTER INDEX s2.seen_i RESET (fillfactor); CREATE OR REPLACE VIEW s2.seeing AS SELECT i FROM s2.seen') \g /dev/null
SELECT mg_apply('d44', 'ALTER TABLE s2.seen RENAME TO sight') \g /dev/null
SELECT is(t.changed(), NULL, 'what later migrations change is as it should be');

-- Another file is no other table: what depends on the next migration is still as it was.
SELECT mg_apply('d48', 'CREATE TABLE s2.whole (id int PRIMARY KEY); CREATE TABLE s2.part (whole int REFERENCES s2.whole, t text)') \g /dev/null
SELECT mg_accept_drift('what this test is made of') \g /dev/null
TRUNCATE s2.part;
VACUUM FULL s2.part;
REINDEX TABLE s2.whole;
SELECT is(t.drift(), 'none', 'emptied and rewritten');
SELECT is(t.after('d49', 'ALTER TABLE s2.whole RENAME id TO number'), 'none', 'a key that it names gets another name');

-- Names of roles are part of what others own.
CREATE ROLE drift_maker;
SELECT mg_accept_drift('a role more') \g /dev/null
SELECT is(t.after('d45', 'CREATE TABLE s2.his (i int); ALTER TABLE s2.his OWNER TO drift_maker; CREATE TABLE s2.hers (i int); ALTER TABLE s2.hers OWNER TO drift_maker'), 'none', 'owned by a role');
SELECT is(t.after('d46', 'ALTER ROLE drift_maker RENAME TO drift_owner'), 'none', 'which a migration renames');
COMMENT ON TABLE s2.his IS 'mine';
SELECT is(t.drift(), 'changed table s2.his .comment', 'its table is compared by the new name');
SELECT mg_accept_drift('it is', 's2.his') \g /dev/null
ALTER ROLE drift_owner RENAME TO drift_maker;
SELECT is(t.drift(), 'changed table s2.hers .owner; changed table s2.hers .privileges; changed table s2.his .owner; changed table s2.his .privileges', 'renamed by hand');
SELECT mg_accept_drift('of one', 's2.his') \g /dev/null
SELECT is(t.drift(), 'changed table s2.hers .owner; changed table s2.hers .privileges', 'what is not accepted stays');
SELECT is(t.after('d47', 'CREATE ROLE drift_other'), 'changed table s2.hers .owner; changed table s2.hers .privileges', 'also when a migration makes a role');
SELECT is(t.after('d47b', 'CREATE ROLE drift_last; ALTER ROLE drift_last NOLOGIN'), 'changed table s2.hers .owner; changed table s2.hers .privileges', 'and another one');
SELECT mg_accept_drift('of the other', 's2.hers') \g /dev/null
SELECT is(t.drift(), 'none', 'until all is');

-- Rights.
GRANT USAGE ON SCHEMA t TO drift_reader;
SET ROLE drift_reader;
SELECT alike(t.said($$SELECT mg_drift_report()$$), '42501%', 'not for everybody');
SELECT alike(t.said($$SELECT mg_snapshot()$$), '42501%', 'nor snapshots');
RESET ROLE;
SELECT ok(mg_fingerprint() ~ '^[0-9a-f]{64}$', 'a fingerprint');

REVOKE ALL ON SCHEMA t FROM drift_reader;
DROP SCHEMA s2 CASCADE;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC;
DROP ROLE drift_chief, drift_reader, drift_maker, drift_other, drift_last;
SELECT * FROM finish();
