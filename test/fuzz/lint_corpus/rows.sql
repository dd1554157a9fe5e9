-- Rows.
UPDATE shop.orders SET note = 'all'; UPDATE ONLY t.keyed k SET (n, note) = (SELECT n, 'x' FROM t.plain p WHERE p.id = k.id) FROM t.self s WHERE s.id = k.id AND k.n = ANY ('{1,2}') RETURNING *; DELETE FROM t.keyed; DELETE FROM shop.orders USING t.plain WHERE orders.id = plain.id AND placed < now() - interval '1 year'; DELETE FROM t.keyed WHERE true;

INSERT INTO t.keyed (id, email) SELECT i, i FROM generate_series(1, 1000000) i ON CONFLICT (id) WHERE n > 0 DO UPDATE SET email = excluded.email, n = keyed.n + 1 WHERE keyed.n < 5; INSERT INTO t.keyed VALUES (1, 'a', 2), (DEFAULT, NULL, 3) ON CONFLICT ON CONSTRAINT keyed_key DO NOTHING; INSERT INTO t.ident DEFAULT VALUES RETURNING id; INSERT INTO t.ident (id) OVERRIDING SYSTEM VALUE VALUES (5); INSERT INTO shop.orders SELECT * FROM shop.orders;

MERGE INTO t.keyed k USING (SELECT * FROM t.plain) p ON k.id = p.id WHEN MATCHED AND p.n > 5 THEN DELETE WHEN MATCHED THEN UPDATE SET n = p.n WHEN NOT MATCHED THEN INSERT (id, n) VALUES (p.id, p.n); MERGE INTO ONLY t.parted USING t.low ON true WHEN MATCHED THEN DO NOTHING;

WITH gone AS (DELETE FROM t.keyed RETURNING *), kept AS MATERIALIZED (SELECT * FROM gone), RECURSIVE_name AS (UPDATE t.plain SET n = 1) INSERT INTO t.self SELECT id FROM kept; WITH RECURSIVE a (n) AS (VALUES (1) UNION SELECT n + 1 FROM a) SEARCH DEPTH FIRST BY n SET o CYCLE n SET c USING p SELECT * FROM a;

SELECT o.*, count(*) FILTER (WHERE amount > 5) OVER (PARTITION BY customer ORDER BY placed ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM shop.orders o TABLESAMPLE system (5) LEFT JOIN LATERAL (SELECT 1) l ON true FOR UPDATE OF o SKIP LOCKED;

SELECT id FROM t.keyed WHERE id NOT IN (SELECT keyed FROM t.refers) AND email = NULL AND email LIKE '%x' AND EXISTS (SELECT * FROM t.plain, t.self) ORDER BY random() LIMIT 5 OFFSET 100000 FOR NO KEY UPDATE NOWAIT; SELECT * FROM t.keyed, shop.orders; SELECT 1 INTO TEMP made FROM t.keyed; TABLE t.keyed; VALUES (1), (2); SELECT DISTINCT ON (n) n, CASE WHEN n > 1 THEN 'a' ELSE 'b' END, ARRAY(SELECT 1), ROW(1, 2), (duo).a, numbers[1:2], XMLELEMENT(NAME x), GROUPING(n), n BETWEEN SYMMETRIC 1 AND 2 FROM t.plain GROUP BY GROUPING SETS ((n), ()), CUBE (id), ROLLUP (small) HAVING count(*) > 1;

COPY t.keyed (id, email) TO '/tmp/x' WITH (FORMAT csv, HEADER); COPY (DELETE FROM t.keyed RETURNING id) TO PROGRAM 'cat'; COPY t.plain FROM '/tmp/x' WHERE id > 5; LOCK TABLE t.keyed, ONLY shop.orders IN SHARE ROW EXCLUSIVE MODE NOWAIT; EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t.keyed; PREPARE p (int) AS UPDATE t.keyed SET n = $1; EXECUTE p (1); DECLARE c CURSOR WITH HOLD FOR SELECT * FROM t.keyed FOR UPDATE; FETCH ALL FROM c; CREATE TABLE e AS EXECUTE p (1);
