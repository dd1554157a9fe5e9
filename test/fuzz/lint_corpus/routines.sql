-- Functions, procedures, DO blocks.
CREATE OR REPLACE FUNCTION shop.total(a integer, b integer DEFAULT 0) RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT a + b'; CREATE FUNCTION open_all() RETURNS SETOF shop.orders LANGUAGE sql SECURITY DEFINER SET search_path = shop, pg_temp BEGIN ATOMIC SELECT * FROM shop.orders; UPDATE shop.orders SET note = 'x' WHERE id = 1 RETURNING *; END; DROP FUNCTION shop.total(integer, integer), shop.half CASCADE; ALTER FUNCTION shop.half(integer) IMMUTABLE SECURITY DEFINER SET work_mem = '1GB';

DO $$
DECLARE
  r record;
  n int := 0;
BEGIN
  FOR r IN SELECT id FROM t.keyed WHERE n > 3 LOOP
    UPDATE t.keyed SET note = 'x' WHERE id = r.id;
    n := n + 1;
    IF n % 100 = 0 THEN COMMIT; END IF;
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 't.keyed'::regclass AND attname = 'x') THEN
    ALTER TABLE t.keyed ADD COLUMN x int NOT NULL DEFAULT 5;
    CREATE INDEX ON t.keyed (x);
  END IF;
EXCEPTION WHEN duplicate_column OR unique_violation THEN
  RAISE NOTICE 'there: %', SQLERRM USING HINT = 'none';
  DROP TABLE t.plain;
END $$;

DO $$ BEGIN EXECUTE 'ALTER TABLE t.keyed ADD CHECK (n > 0)'; EXECUTE format('DROP TABLE %I', 'x'); EXECUTE 'DELETE FROM ' || 't.plain' USING 1; PERFORM shop.tidy(1); CALL shop.tidy(2); END $$ LANGUAGE plpgsql;

CREATE FUNCTION outer_one() RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
  CREATE FUNCTION inner_one() RETURNS void LANGUAGE plpgsql AS $g$ BEGIN DROP TABLE t.plain; PERFORM outer_one(); END $g$;
  PERFORM inner_one();
  DO $h$ BEGIN EXECUTE $e$TRUNCATE t.keyed$e$; END $h$;
  LOOP EXIT WHEN true; END LOOP; <<l>> WHILE false LOOP CONTINUE l; END LOOP l;
  CASE 1 WHEN 2, 3 THEN DELETE FROM t.keyed; ELSE NULL; END CASE;
  FOREACH r IN ARRAY ARRAY[1, 2] LOOP INSERT INTO t.self VALUES (r); END LOOP;
  RETURN QUERY EXECUTE 'UPDATE t.keyed SET n = 1'; OPEN c FOR SELECT 1; FETCH c INTO x; GET DIAGNOSTICS n = ROW_COUNT; ASSERT n > 0; RETURN;
END $f$; SELECT outer_one();

CREATE PROCEDURE t.work() LANGUAGE plpgsql AS $$ BEGIN UPDATE t.keyed SET n = n; COMMIT; ROLLBACK AND CHAIN; ALTER TABLE t.keyed ADD COLUMN y int; END $$; CALL t.work(); CREATE FUNCTION shop.sleepy() RETURNS trigger LANGUAGE c AS 'nothing', 'sleepy'; CREATE AGGREGATE shop.all_of(int) (SFUNC = int4pl, STYPE = int); SELECT shop.sum_of(n), lower(note) FROM t.keyed GROUP BY 2; DO LANGUAGE shopscript 'BEGIN DROP TABLE t.plain; END'; DO 'nonsense';
