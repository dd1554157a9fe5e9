-- case default forgotten
ALTER TABLE s.customer ALTER COLUMN name SET DEFAULT 'somebody';
-- down
ALTER TABLE s.customer ALTER COLUMN name DROP DEFAULT;
-- case default restored
ALTER TABLE s.customer ALTER COLUMN name SET DEFAULT 'somebody';
-- down
ALTER TABLE s.customer ALTER COLUMN name SET DEFAULT 'nobody';
-- case not null kept
ALTER TABLE s.invoice ALTER COLUMN customer DROP NOT NULL;
-- down
ALTER TABLE s.invoice ALTER COLUMN customer SET NOT NULL;
-- case not null forgotten
ALTER TABLE s.invoice ALTER COLUMN customer DROP NOT NULL;
-- down
SELECT 1;
-- case privileges gone with the table
CREATE TABLE s.copy (LIKE s.customer INCLUDING ALL);
DROP TABLE s.customer CASCADE;
ALTER TABLE s.copy RENAME TO customer;
-- down
SELECT 1;
-- case privilege granted and revoked
GRANT INSERT ON s.customer TO PUBLIC;
-- down
REVOKE INSERT ON s.customer FROM PUBLIC;
-- case privilege revoked too much
GRANT INSERT ON s.customer TO PUBLIC;
-- down
REVOKE ALL ON s.customer FROM PUBLIC;
-- case column privilege lost
ALTER TABLE s.customer DROP COLUMN note;
-- down
ALTER TABLE s.customer ADD COLUMN note text;
ALTER TABLE s.customer ADD CONSTRAINT note_is_short CHECK (length(note) < 1000);
COMMENT ON COLUMN s.customer.note IS 'anything';
-- case column back at the end
ALTER TABLE s.customer DROP COLUMN born;
-- down
ALTER TABLE s.customer ADD COLUMN born date;
-- case last column dropped and back
ALTER TABLE s.customer DROP COLUMN note;
-- down
ALTER TABLE s.customer ADD COLUMN note text, ADD CONSTRAINT note_is_short CHECK (length(note) < 1000);
GRANT UPDATE (note) ON s.customer TO PUBLIC;
COMMENT ON COLUMN s.customer.note IS 'anything';
-- case comment lost
COMMENT ON TABLE s.customer IS 'new';
-- down
COMMENT ON TABLE s.customer IS NULL;
-- case comment back
COMMENT ON TABLE s.customer IS 'new';
-- down
COMMENT ON TABLE s.customer IS 'who buys';
-- case policy dropped and back
DROP POLICY own ON s.customer;
-- down
CREATE POLICY own ON s.customer FOR SELECT USING (name = current_user);
-- case policy back for all commands
DROP POLICY own ON s.customer;
-- down
CREATE POLICY own ON s.customer USING (name = current_user);
-- case row security left off
ALTER TABLE s.customer DISABLE ROW LEVEL SECURITY;
-- down
ALTER TABLE s.customer FORCE ROW LEVEL SECURITY;
-- case trigger disabled and enabled
ALTER TABLE s.invoice DISABLE TRIGGER touching;
-- down
ALTER TABLE s.invoice ENABLE TRIGGER touching;
-- case trigger enabled always
ALTER TABLE s.invoice DISABLE TRIGGER touching;
-- down
ALTER TABLE s.invoice ENABLE ALWAYS TRIGGER touching;
-- case trigger back without its row
DROP TRIGGER touching ON s.invoice;
-- down
CREATE TRIGGER touching BEFORE UPDATE ON s.invoice EXECUTE FUNCTION s.touch();
-- case rule gone with the view
DROP VIEW s.open CASCADE;
-- down
CREATE VIEW s.open AS SELECT id, customer, amount FROM s.invoice WHERE amount > 0;
CREATE VIEW s.open_large AS SELECT id, amount FROM s.open WHERE amount > 100;
-- case views on views back
DROP VIEW s.open CASCADE;
-- down
CREATE VIEW s.open AS SELECT id, customer, amount FROM s.invoice WHERE amount > 0;
CREATE VIEW s.open_large AS SELECT id, amount FROM s.open WHERE amount > 100;
CREATE RULE quiet AS ON DELETE TO s.open DO INSTEAD NOTHING;
-- case view on a view forgotten
DROP VIEW s.open_large;
ALTER TABLE s.invoice ALTER COLUMN placed TYPE timestamp;
-- down
ALTER TABLE s.invoice ALTER COLUMN placed TYPE timestamptz;
-- case type there and back
ALTER TABLE s.invoice ALTER COLUMN placed TYPE timestamp;
-- down
ALTER TABLE s.invoice ALTER COLUMN placed TYPE timestamptz;
-- case type of a view's column
ALTER TABLE s.invoice ALTER COLUMN amount TYPE numeric(12, 2);
-- down
ALTER TABLE s.invoice ALTER COLUMN amount TYPE numeric(10, 2);
-- case length not put back
ALTER TABLE s.customer ALTER COLUMN email TYPE varchar(200);
-- down
SELECT 1;
-- case length put back
ALTER TABLE s.customer ALTER COLUMN email TYPE text;
-- down
ALTER TABLE s.customer ALTER COLUMN email TYPE varchar(100);
-- case unique as an index
ALTER TABLE s.customer DROP CONSTRAINT customer_email_key;
-- down
CREATE UNIQUE INDEX customer_email_key ON s.customer (email);
-- case unique under another name
ALTER TABLE s.customer DROP CONSTRAINT customer_email_key;
-- down
ALTER TABLE s.customer ADD CONSTRAINT email_is_unique UNIQUE (email);
-- case unique back
ALTER TABLE s.customer DROP CONSTRAINT customer_email_key;
-- down
ALTER TABLE s.customer ADD UNIQUE (email);
-- case foreign key without its action
ALTER TABLE s.invoice DROP CONSTRAINT invoice_customer_fkey;
-- down
ALTER TABLE s.invoice ADD FOREIGN KEY (customer) REFERENCES s.customer;
-- case foreign key back
ALTER TABLE s.invoice DROP CONSTRAINT invoice_customer_fkey;
-- down
ALTER TABLE s.invoice ADD FOREIGN KEY (customer) REFERENCES s.customer ON DELETE CASCADE;
-- case foreign key not valid
ALTER TABLE s.invoice DROP CONSTRAINT invoice_customer_fkey;
-- down
ALTER TABLE s.invoice ADD FOREIGN KEY (customer) REFERENCES s.customer ON DELETE CASCADE NOT VALID;
-- case check back
ALTER TABLE s.customer DROP CONSTRAINT note_is_short;
-- down
ALTER TABLE s.customer ADD CONSTRAINT note_is_short CHECK (length(note) < 1000);
-- case check of another length
ALTER TABLE s.customer DROP CONSTRAINT note_is_short;
-- down
ALTER TABLE s.customer ADD CONSTRAINT note_is_short CHECK (length(note) < 100);
-- case index back without its condition
DROP INDEX s.invoice_placed;
-- down
CREATE INDEX invoice_placed ON s.invoice (placed DESC NULLS LAST) INCLUDE (amount);
-- case index back
DROP INDEX s.invoice_placed;
-- down
CREATE INDEX invoice_placed ON s.invoice (placed DESC NULLS LAST) INCLUDE (amount) WHERE amount > 0;
-- case index of partitions back
DROP INDEX s.event_kind;
-- down
CREATE INDEX event_kind ON s.event (kind);
-- case index of the parent only
DROP INDEX s.event_kind;
-- down
CREATE INDEX event_kind ON ONLY s.event (kind);
-- case partition detached and attached
ALTER TABLE s.event DETACH PARTITION s.event_2025;
-- down
ALTER TABLE s.event ATTACH PARTITION s.event_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
-- case partition attached with other bounds
ALTER TABLE s.event DETACH PARTITION s.event_2025;
-- down
ALTER TABLE s.event ATTACH PARTITION s.event_2025 FOR VALUES FROM ('2024-01-01') TO ('2026-01-01');
-- case partition added and dropped
CREATE TABLE s.event_2027 PARTITION OF s.event FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
-- down
DROP TABLE s.event_2027;
-- case partition left detached
CREATE TABLE s.event_2027 PARTITION OF s.event FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
-- down
ALTER TABLE s.event DETACH PARTITION s.event_2027;
-- case column of a partitioned table
ALTER TABLE s.event ADD COLUMN more jsonb DEFAULT '{}';
-- down
ALTER TABLE s.event DROP COLUMN more;
-- case inheritance given up
ALTER TABLE s.child NO INHERIT s.parent;
-- down
ALTER TABLE s.child INHERIT s.parent;
-- case column of a parent
ALTER TABLE s.parent ADD COLUMN d integer;
-- down
ALTER TABLE s.parent DROP COLUMN d;
-- case column of a parent dropped and back
ALTER TABLE s.parent DROP COLUMN b;
-- down
ALTER TABLE s.parent ADD COLUMN b text;
-- case enum value stays
ALTER TYPE s.mood ADD VALUE 'angry';
-- down
SELECT 1;
-- case enum made anew
ALTER TABLE s.customer ALTER COLUMN mood DROP DEFAULT;
ALTER TYPE s.mood RENAME TO mood_before;
CREATE TYPE s.mood AS ENUM ('sad', 'ok', 'happy', 'angry');
ALTER TABLE s.customer ALTER COLUMN mood TYPE s.mood USING mood::text::s.mood;
DROP TYPE s.mood_before;
ALTER TABLE s.customer ALTER COLUMN mood SET DEFAULT 'ok';
-- down
ALTER TABLE s.customer ALTER COLUMN mood DROP DEFAULT;
ALTER TYPE s.mood RENAME TO mood_before;
CREATE TYPE s.mood AS ENUM ('sad', 'ok', 'happy');
ALTER TABLE s.customer ALTER COLUMN mood TYPE s.mood USING mood::text::s.mood;
DROP TYPE s.mood_before;
ALTER TABLE s.customer ALTER COLUMN mood SET DEFAULT 'ok';
-- case enum value renamed and back
ALTER TYPE s.mood RENAME VALUE 'ok' TO 'fine';
-- down
ALTER TYPE s.mood RENAME VALUE 'fine' TO 'ok';
-- case enum in another order
ALTER TABLE s.customer ALTER COLUMN mood DROP DEFAULT, ALTER COLUMN mood TYPE text;
DROP TYPE s.mood;
-- down
CREATE TYPE s.mood AS ENUM ('happy', 'ok', 'sad');
ALTER TABLE s.customer ALTER COLUMN mood TYPE s.mood USING mood::s.mood, ALTER COLUMN mood SET DEFAULT 'ok';
-- case domain check lost
ALTER DOMAIN s.positive DROP CONSTRAINT positive_check;
-- down
ALTER DOMAIN s.positive ADD CHECK (VALUE >= 0);
-- case domain check back
ALTER DOMAIN s.positive DROP CONSTRAINT positive_check;
-- down
ALTER DOMAIN s.positive ADD CHECK (VALUE > 0);
-- case attribute of a type
ALTER TYPE s.pair ADD ATTRIBUTE c date;
-- down
ALTER TYPE s.pair DROP ATTRIBUTE c;
-- case identity by default
ALTER TABLE s.customer ALTER COLUMN id SET GENERATED BY DEFAULT;
-- down
ALTER TABLE s.customer ALTER COLUMN id SET GENERATED ALWAYS;
-- case identity lost
ALTER TABLE s.customer ALTER COLUMN id DROP IDENTITY;
-- down
CREATE SEQUENCE s.customer_id_seq OWNED BY s.customer.id;
ALTER TABLE s.customer ALTER COLUMN id SET DEFAULT nextval('s.customer_id_seq');
-- case identity from another start
ALTER TABLE s.customer ALTER COLUMN id DROP IDENTITY;
-- down
ALTER TABLE s.customer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (START WITH 3);
-- case identity back
ALTER TABLE s.customer ALTER COLUMN id DROP IDENTITY;
-- down
ALTER TABLE s.customer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
-- case serial without its owner
ALTER SEQUENCE s.invoice_id_seq OWNED BY NONE;
-- down
SELECT 1;
-- case sequence steps
ALTER SEQUENCE s.numbers INCREMENT 3 CACHE 1;
-- down
ALTER SEQUENCE s.numbers INCREMENT 2;
-- case sequence used only
SELECT setval('s.numbers', 7);
-- down
SELECT setval('s.numbers', 1, false);
-- case generated column made plain
ALTER TABLE s.invoice ALTER COLUMN tax DROP EXPRESSION;
-- down
SELECT 1;
-- case generated column back
ALTER TABLE s.invoice DROP COLUMN tax;
-- down
ALTER TABLE s.invoice ADD COLUMN tax numeric(10, 2) GENERATED ALWAYS AS (amount * 0.19) STORED;
-- case generated column of another rate
ALTER TABLE s.invoice DROP COLUMN tax;
-- down
ALTER TABLE s.invoice ADD COLUMN tax numeric(10, 2) GENERATED ALWAYS AS (amount * 0.16) STORED;
-- case statistics lost
DROP STATISTICS s.invoice_both;
-- down
CREATE STATISTICS s.invoice_both ON customer, amount FROM s.invoice;
-- case statistics target
ALTER TABLE s.invoice ALTER COLUMN amount SET STATISTICS 500;
-- down
ALTER TABLE s.invoice ALTER COLUMN amount SET STATISTICS -1;
-- case storage options left
ALTER TABLE s.invoice SET (fillfactor = 70);
-- down
ALTER TABLE s.invoice SET (fillfactor = 100);
-- case storage options reset
ALTER TABLE s.invoice SET (fillfactor = 70);
-- down
ALTER TABLE s.invoice RESET (fillfactor);
-- case function body
CREATE OR REPLACE FUNCTION s.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n + n';
-- down
CREATE OR REPLACE FUNCTION s.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
-- case function less than immutable
CREATE OR REPLACE FUNCTION s.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n + n';
-- down
CREATE OR REPLACE FUNCTION s.twice(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 2';
-- case function overloaded
CREATE FUNCTION s.twice(n bigint) RETURNS bigint LANGUAGE sql AS 'SELECT n * 2';
-- down
DROP FUNCTION s.twice(bigint);
-- case wrong function dropped
CREATE FUNCTION s.twice(n bigint) RETURNS bigint LANGUAGE sql AS 'SELECT n * 2';
-- down
DROP FUNCTION s.twice(integer);
-- case materialized view without its index
DROP MATERIALIZED VIEW s.totals;
-- down
CREATE MATERIALIZED VIEW s.totals AS SELECT customer, sum(amount) AS total FROM s.invoice GROUP BY customer;
-- case materialized view back
DROP MATERIALIZED VIEW s.totals;
-- down
CREATE MATERIALIZED VIEW s.totals AS SELECT customer, sum(amount) AS total FROM s.invoice GROUP BY customer;
CREATE UNIQUE INDEX totals_customer ON s.totals (customer);
-- case materialized view without rows
DROP MATERIALIZED VIEW s.totals;
-- down
CREATE MATERIALIZED VIEW s.totals AS SELECT customer, sum(amount) AS total FROM s.invoice GROUP BY customer WITH NO DATA;
CREATE UNIQUE INDEX totals_customer ON s.totals (customer);
-- case schema there and back
CREATE SCHEMA more;
CREATE TABLE more.t (i integer);
-- down
DROP SCHEMA more CASCADE;
-- case table moved to another schema
CREATE SCHEMA more;
ALTER TABLE s.invoice SET SCHEMA more;
-- down
ALTER TABLE more.invoice SET SCHEMA s;
-- case only half of it undone
CREATE TABLE s.a (i integer PRIMARY KEY);
CREATE TABLE s.b (i integer REFERENCES s.a);
-- down
DROP TABLE s.b;
-- case undone in the wrong order
CREATE TABLE s.a (i integer PRIMARY KEY);
CREATE TABLE s.b (i integer REFERENCES s.a);
-- down
DROP TABLE s.a;
DROP TABLE s.b;
-- case more than it undone
CREATE TABLE s.a (i integer PRIMARY KEY);
-- down
DROP TABLE s.a, s.child;
-- case rows in the way of a second time
INSERT INTO s.event VALUES (3, '2026-06-06', 'c');
ALTER TABLE s.event_2026 ADD CONSTRAINT once UNIQUE (kind);
-- down
ALTER TABLE s.event_2026 DROP CONSTRAINT once;
-- case rows only
UPDATE s.customer SET note = 'n';
-- down
UPDATE s.customer SET note = NULL;
-- case owner of a table
ALTER TABLE s.child OWNER TO pg_read_all_data;
-- down
ALTER TABLE s.child OWNER TO CURRENT_USER;
-- case replica identity
ALTER TABLE s.invoice REPLICA IDENTITY FULL;
-- down
ALTER TABLE s.invoice REPLICA IDENTITY NOTHING;
-- case clustered on an index
ALTER TABLE s.invoice CLUSTER ON invoice_pkey;
-- down
ALTER TABLE s.invoice SET WITHOUT CLUSTER;
-- case unlogged
ALTER TABLE s.child SET UNLOGGED;
-- down
ALTER TABLE s.child SET LOGGED;
-- case default privileges
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO PUBLIC;
-- down
ALTER DEFAULT PRIVILEGES IN SCHEMA s REVOKE SELECT ON TABLES FROM PUBLIC;
-- case publication left
CREATE PUBLICATION p FOR TABLE s.invoice;
-- down
ALTER PUBLICATION p DROP TABLE s.invoice;
-- case up that fails
ALTER TABLE s.customer ALTER COLUMN note SET NOT NULL;
-- down
ALTER TABLE s.customer ALTER COLUMN note DROP NOT NULL;
