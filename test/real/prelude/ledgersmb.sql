-- The extensions that the application asks for, and the tables in which it keeps which changes it has applied.
CREATE EXTENSION btree_gist;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION tablefunc;
CREATE TABLE db_patch_log (
  when_applied timestamp PRIMARY KEY, path text NOT NULL, sha text NOT NULL, sqlstate text NOT NULL, error text
);
CREATE TABLE db_patches (sha text PRIMARY KEY, path text NOT NULL, last_updated timestamp NOT NULL);
