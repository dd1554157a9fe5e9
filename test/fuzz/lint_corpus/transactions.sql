-- Transactions, settings, and everything that is no schema.
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SET LOCAL lock_timeout = '5s'; SAVEPOINT a; ALTER TABLE t.keyed ADD COLUMN c int; ROLLBACK TO a; RELEASE a; COMMIT AND CHAIN; START TRANSACTION; CREATE INDEX CONCURRENTLY ON t.keyed (n); END; ABORT; PREPARE TRANSACTION 'x'; COMMIT PREPARED 'x';

SET lock_timeout = 0; SET statement_timeout TO '1h'; RESET ALL; SET search_path = shop, "$user", nothing, t; ALTER TABLE keyed ADD COLUMN d int; SET search_path TO DEFAULT; SET session_replication_role = replica; SET ROLE boss; SET SESSION AUTHORIZATION reader; RESET ROLE; SET CONSTRAINTS ALL DEFERRED; SET TRANSACTION SNAPSHOT '1-1'; SELECT set_config('search_path', 'other', false); DISCARD ALL; SHOW ALL;

GRANT ALL ON ALL TABLES IN SCHEMA shop, t TO PUBLIC WITH GRANT OPTION; GRANT SELECT (name), UPDATE ON shop.customers TO reader, CURRENT_USER; REVOKE GRANT OPTION FOR SELECT ON t.keyed FROM reader CASCADE; GRANT boss TO reader WITH ADMIN OPTION; GRANT USAGE ON SCHEMA shop TO PUBLIC; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t TO PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT ALL ON TABLES TO PUBLIC; REASSIGN OWNED BY boss TO reader; DROP OWNED BY boss CASCADE;

CREATE ROLE app LOGIN SUPERUSER PASSWORD 'secret' VALID UNTIL 'infinity' IN ROLE boss; ALTER ROLE reader BYPASSRLS; ALTER ROLE ALL IN DATABASE fuzz SET work_mem = '1GB'; DROP ROLE IF EXISTS reader, boss; ALTER DATABASE fuzz SET search_path = shop; CREATE DATABASE x TEMPLATE fuzz; DROP DATABASE fuzz WITH (FORCE); ALTER SYSTEM SET fsync = off; CHECKPOINT; LOAD 'nothing'; NOTIFY x, 'y'; LISTEN x; UNLISTEN *; SECURITY LABEL ON TABLE t.keyed IS 'x'; CREATE ACCESS METHOD m TYPE TABLE HANDLER heap_tableam_handler; CREATE LANGUAGE l; CREATE TEXT SEARCH CONFIGURATION c (COPY = english); ALTER LARGE OBJECT 5 OWNER TO boss; DROP ACCESS METHOD drowsy CASCADE;

-- mg:ignore drop-table it was never used
DROP TABLE t.plain; -- mg:ignore check-without-not-valid, it is small
ALTER TABLE t.keyed /* within */ ADD CHECK (n > 0), -- mg:ignore fk-without-not-valid so
  ADD FOREIGN KEY (n) REFERENCES t.self; -- mg:ignore
