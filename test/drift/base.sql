-- The schema on which every change is tried: small, with one object of each kind.
CREATE SCHEMA shop;
CREATE SCHEMA audit AUTHORIZATION boss;
CREATE SCHEMA spare;
COMMENT ON SCHEMA shop IS 'Where things are sold';
GRANT USAGE ON SCHEMA shop TO reader;
CREATE EXTENSION amcheck WITH SCHEMA public VERSION '1.2';

CREATE COLLATION shop.natural_order (provider = icu, locale = 'en-u-kn-true');
CREATE CONVERSION shop.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE LANGUAGE shopscript HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE ACCESS METHOD drowsy TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD tree TYPE INDEX HANDLER bthandler;

-- Types.
CREATE TYPE shop.state AS ENUM ('new', 'paid', 'sent');
COMMENT ON TYPE shop.state IS 'How far an order is';
CREATE TYPE shop.address AS (street text, town text);
COMMENT ON COLUMN shop.address.town IS 'Without the code';
CREATE DOMAIN shop.price AS numeric(10,2) DEFAULT 0 CONSTRAINT price_positive CHECK (VALUE >= 0);
COMMENT ON CONSTRAINT price_positive ON DOMAIN shop.price IS 'We pay nobody';
CREATE TYPE shop.span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi);
CREATE TYPE shop.cents;
CREATE FUNCTION shop.cents_in(cstring) RETURNS shop.cents LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION shop.cents_out(shop.cents) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE shop.cents (INPUT = shop.cents_in, OUTPUT = shop.cents_out, LIKE = integer);
CREATE TYPE shop.later;

-- Routines, and what is made of them.
CREATE FUNCTION shop.total(a integer, b integer DEFAULT 0) RETURNS integer LANGUAGE sql AS 'SELECT a + b';
COMMENT ON FUNCTION shop.total(integer, integer) IS 'Both together';
CREATE FUNCTION shop.items(since date) RETURNS TABLE (item text, amount integer) LANGUAGE plpgsql AS 'BEGIN RETURN; END';
CREATE FUNCTION shop.half(n integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT n / 2; END;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION shop.touch_too() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION shop.note_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE PROCEDURE shop.tidy(days integer) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION shop.add_up(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
CREATE AGGREGATE shop.sum_of(integer) (SFUNC = shop.add_up, STYPE = integer, INITCOND = '0');
COMMENT ON AGGREGATE shop.sum_of(integer) IS 'Adds up';
CREATE FUNCTION shop.near(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2) < 10';
CREATE OPERATOR shop.~~~ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = shop.near);
COMMENT ON OPERATOR shop.~~~ (integer, integer) IS 'Not far';
CREATE OPERATOR FAMILY shop.by_size USING btree;
CREATE OPERATOR CLASS shop.backwards FOR TYPE integer USING btree FAMILY shop.by_size AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(integer, integer);
CREATE FUNCTION shop.state_of(integer) RETURNS shop.state LANGUAGE sql IMMUTABLE AS 'SELECT (enum_range(NULL::shop.state))[$1]';
CREATE CAST (integer AS shop.state) WITH FUNCTION shop.state_of(integer);
CREATE TRANSFORM FOR date LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION date_recv(internal));
CREATE TEXT SEARCH PARSER shop.words (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE shop.plain (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY shop.plain_words (TEMPLATE = pg_catalog.simple, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION shop.search (PARSER = pg_catalog."default");
ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR asciiword WITH shop.plain_words, simple;
ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR word WITH simple;

-- Tables.
CREATE SEQUENCE shop.numbers START WITH 10 INCREMENT BY 2;
COMMENT ON SEQUENCE shop.numbers IS 'Of invoices';
CREATE TABLE shop.customers (
    id integer GENERATED ALWAYS AS IDENTITY (START WITH 100) CONSTRAINT customers_key PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    email text CONSTRAINT customers_email UNIQUE,
    home shop.address,
    since date DEFAULT CURRENT_DATE,
    lookup text GENERATED ALWAYS AS (lower(name)) STORED
);
COMMENT ON TABLE shop.customers IS 'Who buys';
COMMENT ON COLUMN shop.customers.email IS 'Checked';
CREATE TABLE shop.orders (
    id bigint NOT NULL CONSTRAINT orders_key PRIMARY KEY,
    customer integer CONSTRAINT orders_customer REFERENCES shop.customers ON DELETE CASCADE,
    state shop.state DEFAULT 'new' NOT NULL,
    amount shop.price,
    note text,
    placed timestamp with time zone DEFAULT now() NOT NULL,
    during tsrange,
    CONSTRAINT orders_amount CHECK (amount < 100000),
    CONSTRAINT orders_during EXCLUDE USING gist (during WITH &&)
);
COMMENT ON CONSTRAINT orders_amount ON shop.orders IS 'More is a mistake';
CREATE INDEX orders_placed ON shop.orders (placed DESC) WITH (fillfactor = 90);
CREATE INDEX orders_note ON shop.orders (note text_pattern_ops) INCLUDE (amount) WHERE note IS NOT NULL;
CREATE INDEX orders_lower ON shop.orders (lower(note), customer);
CREATE UNIQUE INDEX orders_unique ON shop.orders (customer, placed);
COMMENT ON INDEX shop.orders_placed IS 'Newest first';
CREATE STATISTICS shop.orders_stats (ndistinct, dependencies) ON customer, state FROM shop.orders;
COMMENT ON STATISTICS shop.orders_stats IS 'They go together';
CREATE TABLE shop.lines (
    id serial,
    order_id bigint,
    item text DEFAULT 'thing',
    pieces integer DEFAULT 1 CONSTRAINT lines_pieces CHECK (pieces > 0)
);
CREATE TABLE shop.lines_old (closed date) INHERITS (shop.lines);
CREATE TABLE shop.lines_new (LIKE shop.lines INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
CREATE TABLE shop.doubled (n integer);
INSERT INTO shop.doubled VALUES (1), (1);
CREATE UNLOGGED TABLE shop.cache (key text, value text) WITH (fillfactor = 80);
CREATE TYPE shop.pair AS (a integer, b integer);
CREATE TABLE shop.typed OF shop.pair;

CREATE TABLE audit.log (at date NOT NULL, who text, what text) PARTITION BY RANGE (at);
CREATE INDEX log_at ON audit.log (at);
CREATE TABLE audit.log_2024 PARTITION OF audit.log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE audit.log_2025 (at date NOT NULL, who text, what text);
CREATE INDEX log_2025_at_idx ON audit.log_2025 (at);
CREATE TABLE audit.log_rest PARTITION OF audit.log DEFAULT;
ALTER TABLE audit.log OWNER TO boss;

CREATE VIEW shop.open_orders WITH (security_barrier = true) AS
    SELECT id, customer, amount FROM shop.orders WHERE state = 'new';
COMMENT ON VIEW shop.open_orders IS 'Still to be paid';
CREATE VIEW shop.prices AS SELECT item, pieces FROM shop.lines;
CREATE MATERIALIZED VIEW shop.totals AS SELECT customer, sum(amount) AS amount FROM shop.orders GROUP BY customer;
CREATE INDEX totals_customer ON shop.totals (customer);
COMMENT ON MATERIALIZED VIEW shop.totals IS 'Refreshed at night';
CREATE RULE ignore_insert AS ON INSERT TO shop.open_orders DO INSTEAD NOTHING;
COMMENT ON RULE ignore_insert ON shop.open_orders IS 'It is for reading';
CREATE RULE keep AS ON DELETE TO shop.typed DO INSTEAD NOTHING;
CREATE TRIGGER orders_touch BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
COMMENT ON TRIGGER orders_touch ON shop.orders IS 'Notes the time';
CREATE CONSTRAINT TRIGGER orders_later AFTER INSERT ON shop.orders DEFERRABLE FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE TRIGGER log_touch BEFORE INSERT ON audit.log FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE POLICY own_orders ON shop.orders FOR SELECT TO reader USING (customer = 1);
COMMENT ON POLICY own_orders ON shop.orders IS 'Only the first one';

-- Everything else.
CREATE FOREIGN DATA WRAPPER far OPTIONS (debug 'no');
CREATE SERVER warehouse TYPE 'store' VERSION '1' FOREIGN DATA WRAPPER far OPTIONS (host 'north');
COMMENT ON SERVER warehouse IS 'In the north';
CREATE USER MAPPING FOR reader SERVER warehouse OPTIONS ("user" 'someone', password 'hidden1');
CREATE FOREIGN TABLE shop.stock (id integer OPTIONS (source 'no') NOT NULL, pieces integer DEFAULT 0) SERVER warehouse OPTIONS (path 'all');
COMMENT ON FOREIGN TABLE shop.stock IS 'What is left';
CREATE PUBLICATION news FOR TABLE shop.orders (id, customer, amount) WHERE (id > 0), shop.customers;
CREATE PUBLICATION everything_in_audit FOR TABLES IN SCHEMA audit;
COMMENT ON PUBLICATION news IS 'For the others';
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION shop.note_event();
COMMENT ON EVENT TRIGGER watch IS 'Sees tables';
ALTER EVENT TRIGGER watch DISABLE;

GRANT SELECT ON shop.orders TO reader;
GRANT SELECT (name) ON shop.customers TO clerk;
GRANT USAGE ON SEQUENCE shop.numbers TO clerk;
GRANT EXECUTE ON FUNCTION shop.half(integer) TO clerk;
REVOKE EXECUTE ON FUNCTION shop.total(integer, integer) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE boss IN SCHEMA shop GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE boss REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
