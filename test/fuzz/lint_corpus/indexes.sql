-- Indexes.
CREATE INDEX orders_customer ON shop.orders (customer); DROP INDEX shop.orders_placed;

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS keyed_mail ON t.keyed USING btree (lower(email) COLLATE "C" text_pattern_ops DESC NULLS LAST) INCLUDE (n) NULLS NOT DISTINCT WITH (fillfactor = 80) TABLESPACE attic WHERE n > 5;

CREATE INDEX ON t.parted (note); CREATE INDEX CONCURRENTLY ON t.parted (note); CREATE INDEX ON ONLY t.parted (n, id); ALTER INDEX t.parted_lone ATTACH PARTITION t.low_note;

CREATE INDEX trigram ON t.keyed USING gin (note gin_trgm_ops); CREATE INDEX ON t.plain USING hash (id); CREATE INDEX ON t.plain USING brin (at) WITH (pages_per_range = 8); CREATE INDEX ON t.keyed USING gist (during);

DROP INDEX CONCURRENTLY t.keyed_n_index; DROP INDEX IF EXISTS t.keyed_lower, t.keyed_some, t.nothing CASCADE; DROP INDEX t.keyed_key;

REINDEX TABLE t.keyed; REINDEX (CONCURRENTLY, VERBOSE) INDEX t.keyed_lower; REINDEX SCHEMA shop; REINDEX DATABASE fuzz; REINDEX SYSTEM fuzz;

ALTER INDEX t.keyed_n_index RENAME TO shorter; ALTER INDEX t.keyed_n_index SET (fillfactor = 40); ALTER INDEX t.keyed_lower ALTER COLUMN 1 SET STATISTICS 100; ALTER INDEX IF EXISTS nothing SET TABLESPACE attic;

CLUSTER t.keyed USING keyed_key; CLUSTER VERBOSE; VACUUM (FULL, ANALYZE) t.keyed (n); VACUUM; ANALYZE t.keyed, shop.orders (note);

CREATE STATISTICS t.more_stats (mcv) ON n, lower(note) FROM t.keyed; ALTER STATISTICS t.keyed_stats SET STATISTICS 0; DROP STATISTICS t.keyed_stats;
