-- What the cases of cases.sql change.
CREATE SCHEMA s;
CREATE DOMAIN s.positive AS integer CHECK (VALUE > 0);
CREATE TYPE s.mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE s.pair AS (a integer, b text);
CREATE SEQUENCE s.numbers INCREMENT 2 CACHE 5;
CREATE TABLE s.customer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL DEFAULT 'nobody',
    email varchar(100) UNIQUE,
    mood s.mood DEFAULT 'ok',
    born date,
    size s.positive,
    note text,
    CONSTRAINT note_is_short CHECK (length(note) < 1000)
);
CREATE TABLE s.invoice (
    id serial PRIMARY KEY,
    customer bigint NOT NULL REFERENCES s.customer ON DELETE CASCADE,
    amount numeric(10, 2) DEFAULT 0,
    tax numeric(10, 2) GENERATED ALWAYS AS (amount * 0.19) STORED,
    placed timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX invoice_placed ON s.invoice (placed DESC NULLS LAST) INCLUDE (amount) WHERE amount > 0;
CREATE STATISTICS s.invoice_both (ndistinct) ON customer, amount FROM s.invoice;
CREATE VIEW s.open AS SELECT id, customer, amount FROM s.invoice WHERE amount > 0;
CREATE VIEW s.open_large AS SELECT id, amount FROM s.open WHERE amount > 100;
CREATE MATERIALIZED VIEW s.totals AS SELECT customer, sum(amount) AS total FROM s.invoice GROUP BY customer;
CREATE UNIQUE INDEX totals_customer ON s.totals (customer);
CREATE FUNCTION s.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION s.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touching BEFORE UPDATE ON s.invoice FOR EACH ROW EXECUTE FUNCTION s.touch();
CREATE RULE quiet AS ON DELETE TO s.open DO INSTEAD NOTHING;
ALTER TABLE s.customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON s.customer FOR SELECT USING (name = current_user);
GRANT SELECT ON s.customer TO PUBLIC;
GRANT UPDATE (note) ON s.customer TO PUBLIC;
COMMENT ON TABLE s.customer IS 'who buys';
COMMENT ON COLUMN s.customer.note IS 'anything';
CREATE TABLE s.event (id bigint, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE s.event_2025 PARTITION OF s.event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE s.event_2026 PARTITION OF s.event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX event_kind ON s.event (kind);
CREATE TABLE s.parent (a integer, b text);
CREATE TABLE s.child (c integer) INHERITS (s.parent);
INSERT INTO s.customer (name, note) VALUES ('a', 'x'), ('b', NULL);
INSERT INTO s.invoice (customer, amount) VALUES (1, 5), (2, 500);
INSERT INTO s.event VALUES (1, '2025-05-05', 'a'), (2, '2026-05-05', 'b');
