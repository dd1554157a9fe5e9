-- What the cases change, beside drift's shop: tables with rows, and each kind of relation that a form of ALTER TABLE can meet.
CREATE SCHEMA t;
CREATE SCHEMA other;
CREATE EXTENSION btree_gist WITH SCHEMA other;
CREATE EXTENSION postgres_fdw WITH SCHEMA other;

CREATE TYPE t.mood AS ENUM ('sad', 'happy');
CREATE TYPE t.pair AS (a integer, b text);
CREATE TYPE t.triple AS (a integer, b text, c date);
CREATE DOMAIN t.positive AS integer CONSTRAINT above CHECK (VALUE > 0);
ALTER DOMAIN t.positive ADD CONSTRAINT below CHECK (VALUE < 1000) NOT VALID;
CREATE FUNCTION t.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION t.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE SEQUENCE t.counter;

CREATE TABLE t.plain (id integer, small smallint DEFAULT 1, word varchar(10) DEFAULT 'w', body text, price numeric(10, 2), at timestamp(3),
    flag boolean, day date, numbers integer[], doc json, code char(4), bits varbit(8), n integer DEFAULT 0 NOT NULL, feeling t.mood,
    duo t.pair, count t.positive);
INSERT INTO t.plain (id, body, price, at, day) SELECT i, 'body', i, now(), now() FROM generate_series(1, 20) i;
ALTER TABLE t.plain ADD CONSTRAINT plain_proven CHECK (id IS NOT NULL AND id > 0);
ALTER TABLE t.plain ADD CONSTRAINT plain_later CHECK (n < 1000) NOT VALID;

CREATE TABLE t.keyed (id integer CONSTRAINT keyed_key PRIMARY KEY, email varchar(20) CONSTRAINT keyed_email UNIQUE,
    n integer NOT NULL CONSTRAINT keyed_n CHECK (n < 1000), note text, during tsrange, word varchar(10),
    CONSTRAINT keyed_during EXCLUDE USING gist (during WITH &&));
CREATE INDEX keyed_n_index ON t.keyed (n) WITH (fillfactor = 80);
CREATE INDEX keyed_lower ON t.keyed (lower(email), n);
CREATE INDEX keyed_some ON t.keyed (note) WHERE n > 10;
CREATE UNIQUE INDEX keyed_spare ON t.keyed (n, id);
CREATE STATISTICS t.keyed_stats ON n, note FROM t.keyed;
CREATE VIEW t.keyed_view AS SELECT id, email, n FROM t.keyed;
CREATE VIEW t.keyed_view_view AS SELECT id, n FROM t.keyed_view;
CREATE MATERIALIZED VIEW t.stored AS SELECT id, n FROM t.keyed;
CREATE UNIQUE INDEX stored_id ON t.stored (id);
INSERT INTO t.keyed (id, email, n, note) SELECT i, 'm' || i, i, 'note' FROM generate_series(1, 20) i;
REFRESH MATERIALIZED VIEW t.stored;
CREATE PUBLICATION t_news FOR TABLE t.keyed;

CREATE TABLE t.refers (id integer PRIMARY KEY, keyed integer CONSTRAINT refers_keyed REFERENCES t.keyed ON DELETE CASCADE, loose integer,
    late integer CONSTRAINT refers_late REFERENCES t.keyed DEFERRABLE INITIALLY DEFERRED);
INSERT INTO t.refers SELECT i, i, i, i FROM generate_series(1, 5) i;
ALTER TABLE t.refers ADD CONSTRAINT refers_later FOREIGN KEY (loose) REFERENCES t.keyed NOT VALID;
CREATE TABLE t.chain (id integer, refers integer CONSTRAINT chain_refers REFERENCES t.refers ON DELETE SET NULL);
INSERT INTO t.chain VALUES (1, 1);
CREATE TABLE t.self (id integer PRIMARY KEY, boss integer CONSTRAINT self_boss REFERENCES t.self);
INSERT INTO t.self VALUES (1, NULL), (2, 1);

CREATE TABLE t.ident (id integer GENERATED ALWAYS AS IDENTITY, s serial, n integer NOT NULL);
INSERT INTO t.ident (n) VALUES (1), (2);
CREATE TABLE t.made (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED, c integer);
CREATE INDEX made_b ON t.made (b);
INSERT INTO t.made (a) VALUES (1), (2);
CREATE UNLOGGED TABLE t.unlogged (id integer PRIMARY KEY, n integer GENERATED ALWAYS AS IDENTITY, body text);
INSERT INTO t.unlogged VALUES (1);
CREATE TABLE t.typed OF t.pair;
CREATE TABLE t.like_pair (a integer, b text);
CREATE TABLE t.stowed (id integer, body text) TABLESPACE attic;
CREATE INDEX stowed_id ON t.stowed (id) TABLESPACE attic;

CREATE TABLE t.base (id integer, n integer CONSTRAINT base_n CHECK (n > 0), note text);
CREATE TABLE t.child (extra integer) INHERITS (t.base);
CREATE TABLE t.grandchild () INHERITS (t.child);
CREATE TABLE t.orphan (id integer, n integer CONSTRAINT base_n CHECK (n > 0), note text);
INSERT INTO t.base VALUES (1, 1);
INSERT INTO t.child VALUES (2, 1);
INSERT INTO t.grandchild VALUES (3, 1);
ALTER TABLE t.base ADD CONSTRAINT base_later CHECK (id > 0) NOT VALID;
ALTER TABLE t.orphan ADD CONSTRAINT base_later CHECK (id > 0);
INSERT INTO t.orphan VALUES (4, 1);

CREATE TABLE t.parted (id integer CONSTRAINT parted_key PRIMARY KEY, n integer, note text,
    keyed integer CONSTRAINT parted_keyed REFERENCES t.keyed) PARTITION BY RANGE (id);
CREATE TABLE t.low PARTITION OF t.parted FOR VALUES FROM (0) TO (100);
CREATE TABLE t.high PARTITION OF t.parted FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
CREATE TABLE t.higher PARTITION OF t.high FOR VALUES FROM (100) TO (150);
CREATE TABLE t.rest PARTITION OF t.parted DEFAULT;
CREATE INDEX parted_n ON t.parted (n);
CREATE INDEX parted_lone ON ONLY t.parted (note);
CREATE INDEX low_note ON t.low (note);
INSERT INTO t.parted VALUES (1, 1), (101, 1), (900, 1);
CREATE TABLE t.to_parted (id integer, parted integer CONSTRAINT to_parted_parted REFERENCES t.parted);
INSERT INTO t.to_parted VALUES (1, 1);
CREATE TABLE t.loose (id integer NOT NULL, n integer, note text, keyed integer);
INSERT INTO t.loose VALUES (201, 1);
CREATE TABLE t.proven (id integer PRIMARY KEY, n integer, note text, keyed integer REFERENCES t.keyed,
    CONSTRAINT proven_bounds CHECK (id >= 200 AND id < 300));
CREATE INDEX proven_n ON t.proven (n);
INSERT INTO t.proven VALUES (202, 1);

CREATE TABLE t.listed (k integer, v text) PARTITION BY LIST (k);
CREATE TABLE t.listed_1 PARTITION OF t.listed FOR VALUES IN (1);
CREATE TABLE t.listed_rest PARTITION OF t.listed DEFAULT;
ALTER TABLE t.listed_rest ADD CONSTRAINT listed_rest_proven CHECK (k IS NOT NULL AND k NOT IN (1, 2));
CREATE TABLE t.listed_2 (k integer, v text);
INSERT INTO t.listed VALUES (1, 'a'), (5, 'b');
CREATE TABLE t.hashed (k integer, v text) PARTITION BY HASH (k);
CREATE TABLE t.hashed_0 PARTITION OF t.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE t.hashed_1 PARTITION OF t.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE t.pending (k integer, v text) PARTITION BY RANGE (k);
CREATE TABLE t.pending_1 PARTITION OF t.pending FOR VALUES FROM (1) TO (2);
INSERT INTO t.pending VALUES (1, 'a');
INSERT INTO t.hashed SELECT i, 'v' FROM generate_series(1, 6) i;

CREATE TABLE t.watched (id integer CONSTRAINT watched_key PRIMARY KEY, n integer NOT NULL, owner text);
CREATE UNIQUE INDEX watched_n ON t.watched (n);
CREATE TRIGGER watched_touch BEFORE UPDATE ON t.watched FOR EACH ROW EXECUTE FUNCTION t.touch();
CREATE TRIGGER parted_touch BEFORE UPDATE ON t.parted FOR EACH ROW EXECUTE FUNCTION t.touch();
CREATE RULE watched_keep AS ON DELETE TO t.watched DO INSTEAD NOTHING;
CREATE POLICY watched_own ON t.watched USING (owner = current_user);
INSERT INTO t.watched VALUES (1, 1, 'me');
CLUSTER t.watched USING watched_key;

CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'HOST', port :'PORT', dbname 'postgres');
CREATE USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (user :'USER');
CREATE FOREIGN TABLE t.far (id integer OPTIONS (column_name 'id'), n integer CONSTRAINT far_n CHECK (n > 0)) SERVER loop
    OPTIONS (table_name 'far');
CREATE VIEW t.updatable AS SELECT id, note FROM t.orphan;

-- Rows in the shop, so that something is read where a statement reads.
INSERT INTO shop.customers (name) VALUES ('Ada'), ('Ben');
INSERT INTO shop.orders (id, customer, amount, note, during) VALUES (1, 100, 5, 'first', '[2024-01-01,2024-01-02)'),
    (2, 101, 6, 'second', '[2024-02-01,2024-02-02)');
INSERT INTO shop.lines (order_id) VALUES (1), (2);
INSERT INTO shop.lines_old (order_id, closed) VALUES (1, '2024-01-01');
INSERT INTO shop.cache VALUES ('k', 'v');
INSERT INTO audit.log VALUES ('2024-05-01', 'Ada', 'looked'), ('2020-05-01', 'Ben', 'left');
REFRESH MATERIALIZED VIEW shop.totals;
