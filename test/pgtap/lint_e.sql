-- The linter on partitions and inheritance. Each verdict on a proof is the server's own, so the tests run what is said to need no scan.
\ir lib/lint.sql

-- Tables to attach: without a proof, with one, and with checks that only look like one.
CREATE TABLE bare AS SELECT g AS id, g AS a FROM generate_series(200000, 204000) g;
CREATE TABLE proved (id int NOT NULL, a int, CHECK (id >= 200000 AND id < 250000));
INSERT INTO proved SELECT g, g FROM generate_series(200000, 204000) g;
CREATE TABLE nullable (id int, a int, CHECK (id >= 200000 AND id < 250000));
INSERT INTO nullable SELECT g, g FROM generate_series(200000, 204000) g;
CREATE TABLE unsure (id int NOT NULL, a int);
INSERT INTO unsure SELECT g, g FROM generate_series(200000, 204000) g;
ALTER TABLE unsure ADD CHECK (id >= 200000 AND id < 250000) NOT VALID;
CREATE TABLE wide (id int NOT NULL, a int, CHECK (id >= 200000 AND id < 900000));
INSERT INTO wide SELECT g, g FROM generate_series(200000, 204000) g;
CREATE TABLE turned (a int, id int NOT NULL, CHECK (a >= 200000 AND a < 250000));
INSERT INTO turned SELECT g, g FROM generate_series(200000, 204000) g;

-- Default partitions: with rows, and with a proof of what is not among them.
CREATE TABLE rested (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE rest PARTITION OF rested DEFAULT;
CREATE TABLE rested_1 PARTITION OF rested FOR VALUES FROM (-10) TO (-5);
INSERT INTO rested SELECT g, g FROM generate_series(1, 4000) g;
CREATE TABLE kept (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE kept_rest PARTITION OF kept (CHECK (id < 100000)) DEFAULT;
INSERT INTO kept SELECT g, g FROM generate_series(1, 4000) g;

-- Partitions of other kinds.
CREATE TABLE "By List" (id int, kind text, "on" date) PARTITION BY LIST (kind);
CREATE TABLE listed_a PARTITION OF "By List" FOR VALUES IN ('a');
INSERT INTO "By List" SELECT g, 'a', '2026-01-01' FROM generate_series(1, 4000) g;
CREATE TABLE to_list (LIKE "By List");
INSERT INTO to_list SELECT g, 'b', '2026-01-01' FROM generate_series(1, 4000) g;
CREATE TABLE hashed (id int, a int) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO hashed SELECT g, g FROM generate_series(1, 8000) g;
CREATE TABLE by_two (id int, a int, b int NOT NULL) PARTITION BY RANGE (id, a);
CREATE TABLE by_two_1 PARTITION OF by_two FOR VALUES FROM (0, 0) TO (10, 10);
CREATE TABLE by_expression (id int, a int) PARTITION BY RANGE ((id + 1));
CREATE TABLE below (id int, a int) PARTITION BY RANGE (a);
CREATE TABLE below_1 PARTITION OF below FOR VALUES FROM (0) TO (10);

-- Inheritance of the old kind.
CREATE TABLE mother (id int, a int, b int, CONSTRAINT mother_a CHECK (a > 0));
CREATE TABLE child (own int) INHERITS (mother);
CREATE TABLE partly (id int, a int NOT NULL, CONSTRAINT partly_a CHECK (a > 0)) PARTITION BY RANGE (id);
CREATE TABLE partly_1 PARTITION OF partly FOR VALUES FROM (0) TO (10);
ALTER TABLE partly_1 ADD CONSTRAINT own CHECK (a < 100);

-- More partitions than a server of default size has locks to spare for.
CREATE TABLE many (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE few (id int, a int) PARTITION BY RANGE (id);
DO $$ BEGIN
	FOR i IN 1 .. 1400 LOOP
		EXECUTE format('CREATE TABLE many_%1$s PARTITION OF many FOR VALUES FROM (%1$s) TO (%1$s + 1)', i);
		IF i <= 120 THEN
			EXECUTE format('CREATE TABLE few_%1$s PARTITION OF few FOR VALUES FROM (%1$s) TO (%1$s + 1)', i);
		END IF;
	END LOOP;
END $$;
CREATE INDEX part_a ON part (a);
CREATE TABLE referring (id int REFERENCES other) PARTITION BY RANGE (id);
CREATE TABLE referring_1 PARTITION OF referring FOR VALUES FROM (0) TO (10);
ANALYZE;

INSERT INTO t.lint_case (rule, script, place) VALUES
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION bare FOR VALUES FROM (200000) TO (300000)', '1:1'),
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION nullable FOR VALUES FROM (200000) TO (300000)', '1:1'),
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION unsure FOR VALUES FROM (200000) TO (300000)', '1:1'),
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION wide FOR VALUES FROM (200000) TO (300000)', '1:1'),
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION turned FOR VALUES FROM (200000) TO (300000)', '1:1'),
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION proved FOR VALUES FROM (200000) TO (210000)', '1:1'),
('attach-scans-partition', E'SELECT 1;\nALTER TABLE "By List" ATTACH PARTITION to_list FOR VALUES IN (''b'', ''c'')', '2:1'),
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION bare DEFAULT', '1:1'),
('attach-scans-partition', 'CREATE TABLE fresh (id int, a int) PARTITION BY RANGE (id); ALTER TABLE fresh ATTACH PARTITION bare FOR VALUES FROM (200000) TO (300000)', '1:61'),
('attach-scans-partition', 'CREATE TABLE fresh (id int, a int) PARTITION BY RANGE (id); ALTER TABLE fresh ATTACH PARTITION proved FOR VALUES FROM (200000) TO (300000)', NULL),
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION proved FOR VALUES FROM (200000) TO (300000)', NULL),
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION proved FOR VALUES FROM (''200000'') TO (MAXVALUE)', NULL),
('attach-scans-partition', 'ALTER TABLE parted ATTACH PARTITION small FOR VALUES FROM (200000) TO (300000)', NULL),
('attach-scans-partition', 'CREATE TABLE fresh (id int, a int); ALTER TABLE parted ATTACH PARTITION fresh FOR VALUES FROM (200000) TO (300000)', NULL),
('attach-scans-partition', 'ALTER TABLE bare ADD CONSTRAINT k CHECK (id >= 200000 AND id < 250000 AND id IS NOT NULL) NOT VALID; ALTER TABLE parted ATTACH PARTITION bare FOR VALUES FROM (200000) TO (300000)', '1:102'),
('attach-scans-partition', 'CREATE INDEX big_index ON ONLY parted (a); ALTER INDEX big_index ATTACH PARTITION part_a', NULL),
('attach-scans-default', 'ALTER TABLE rested ATTACH PARTITION small FOR VALUES FROM (200000) TO (300000)', '1:1'),
('attach-scans-default', 'CREATE TABLE fresh PARTITION OF rested FOR VALUES FROM (200000) TO (300000)', '1:1'),
('attach-scans-default', 'ALTER TABLE kept ATTACH PARTITION small FOR VALUES FROM (90000) TO (300000)', '1:1'),
('attach-scans-default', 'ALTER TABLE kept ATTACH PARTITION small FOR VALUES FROM (200000) TO (300000)', NULL),
('attach-scans-default', 'CREATE TABLE fresh PARTITION OF kept FOR VALUES FROM (100000) TO (300000)', NULL),
('attach-scans-default', 'ALTER TABLE parted ATTACH PARTITION small FOR VALUES FROM (200000) TO (300000)', NULL),
('attach-scans-default', 'DROP TABLE rest; ALTER TABLE rested ATTACH PARTITION small FOR VALUES FROM (200000) TO (300000)', NULL),
('attach-scans-default', 'ALTER TABLE rested DETACH PARTITION rest; ALTER TABLE rested ATTACH PARTITION small FOR VALUES FROM (200000) TO (300000)', NULL),
('partition-of-locks-parent', 'CREATE TABLE fresh PARTITION OF parted FOR VALUES FROM (200000) TO (300000)', '1:1'),
('partition-of-locks-parent', 'CREATE TABLE fresh PARTITION OF "By List" FOR VALUES IN (''x'', ''y'')', '1:1'),
('partition-of-locks-parent', 'CREATE TABLE fresh PARTITION OF by_two FOR VALUES FROM (200000, 1) TO (300000, 1)', NULL),
('partition-of-locks-parent', 'CREATE TABLE IF NOT EXISTS part PARTITION OF parted FOR VALUES FROM (200000) TO (300000)', NULL),
('partition-of-locks-parent', 'CREATE TABLE fresh (LIKE parted); ALTER TABLE parted ATTACH PARTITION fresh FOR VALUES FROM (200000) TO (300000)', NULL),
('detach-not-concurrent', 'ALTER TABLE parted DETACH PARTITION part', '1:1'),
('detach-not-concurrent', 'ALTER TABLE rested DETACH PARTITION rested_1', '1:1'),
('detach-not-concurrent', 'ALTER TABLE partly DETACH PARTITION partly_1', NULL),
('default-partition', 'CREATE TABLE fresh PARTITION OF parted DEFAULT', '1:1'),
('default-partition', 'ALTER TABLE parted ATTACH PARTITION small DEFAULT', '1:1'),
('default-partition', 'CREATE TABLE fresh PARTITION OF parted FOR VALUES FROM (200000) TO (300000)', NULL),
('default-partition-growth', 'CREATE TABLE fresh PARTITION OF kept FOR VALUES FROM (200000) TO (300000)', '1:1'),
('default-partition-growth', 'CREATE TABLE fresh PARTITION OF parted FOR VALUES FROM (200000) TO (300000)', NULL),
('drop-partition-locks-parent', 'DROP TABLE part', '1:1'),
('drop-partition-locks-parent', 'DROP TABLE rested_1', '1:1'),
('drop-partition-locks-parent', 'DROP TABLE partly_1', NULL),
('drop-partition-locks-parent', 'ALTER TABLE parted DETACH PARTITION part; DROP TABLE part', NULL),
('drop-partition-locks-parent', 'DROP TABLE child', NULL),
('ddl-locks-many-partitions', 'CREATE INDEX ON many (a)', '1:1'),
('ddl-locks-many-partitions', 'CREATE INDEX ON ONLY many (a)', NULL),
('ddl-locks-many-partitions', 'CREATE INDEX ON few (a)', NULL),
('only-on-parent-differs', 'ALTER TABLE ONLY mother DROP COLUMN b', '1:1'),
('only-on-parent-differs', 'ALTER TABLE ONLY mother DROP CONSTRAINT mother_a', '1:1'),
('only-on-parent-differs', 'ALTER TABLE ONLY mother ALTER b SET DEFAULT 4', '1:1'),
('only-on-parent-differs', 'ALTER TABLE ONLY partly ALTER a SET DEFAULT 4', '1:1'),
('only-on-parent-differs', 'ALTER TABLE mother ALTER b SET DEFAULT 4', NULL),
('only-on-parent-differs', 'ALTER TABLE ONLY small ALTER a SET DEFAULT 4', NULL),
('only-on-parent-differs', 'ALTER TABLE ONLY by_expression ALTER a SET DEFAULT 4', NULL);

-- These fail, or cannot run in a transaction.
INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('attach-scans-partition', 'ALTER TABLE bare ADD CONSTRAINT k CHECK (id >= 200000 AND id < 250000 AND id IS NOT NULL) NOT VALID; ALTER TABLE bare VALIDATE CONSTRAINT k; ALTER TABLE parted ATTACH PARTITION bare FOR VALUES FROM (200000) TO (300000)', NULL, false),
('attach-scans-partition', 'ALTER TABLE bare ADD CONSTRAINT k CHECK (id BETWEEN 200000 AND 299999 AND id IS NOT NULL) NOT VALID; ALTER TABLE bare VALIDATE CONSTRAINT k; ALTER TABLE parted ATTACH PARTITION bare FOR VALUES FROM (200000) TO (300000)', NULL, false),
('attach-scans-partition', 'ALTER TABLE turned ADD CONSTRAINT k CHECK (id >= 200000 AND id < 250000) NOT VALID; ALTER TABLE turned VALIDATE CONSTRAINT k; ALTER TABLE parted ATTACH PARTITION turned FOR VALUES FROM (200000) TO (300000)', NULL, false),
('detach-not-concurrent', 'ALTER TABLE parted DETACH PARTITION part CONCURRENTLY', NULL, false),
('detach-concurrently-with-default', 'ALTER TABLE rested DETACH PARTITION rested_1 CONCURRENTLY', '1:1', false),
('detach-concurrently-with-default', 'ALTER TABLE parted DETACH PARTITION part CONCURRENTLY', NULL, false),
('detach-concurrently-with-default', 'ALTER TABLE rested DETACH PARTITION rested_1', NULL, true),
('unique-without-partition-key', 'ALTER TABLE by_two ADD UNIQUE (id)', '1:24', false),
('unique-without-partition-key', 'ALTER TABLE by_two ADD CONSTRAINT k PRIMARY KEY (a, b)', '1:24', false),
('unique-without-partition-key', 'ALTER TABLE by_expression ADD UNIQUE (id)', '1:31', false),
('unique-without-partition-key', 'CREATE UNIQUE INDEX ON by_two (a, b)', '1:1', false),
('unique-without-partition-key', 'CREATE TABLE fresh (id int PRIMARY KEY, a int) PARTITION BY RANGE (a)', '1:28', false),
('unique-without-partition-key', 'CREATE TABLE fresh (id int, a int, UNIQUE (id, a)) PARTITION BY RANGE (a)', NULL, true),
('unique-without-partition-key', 'ALTER TABLE by_two ADD UNIQUE (b, a, id)', NULL, true),
('unique-without-partition-key', 'CREATE INDEX ON by_two (b)', NULL, true),
('unique-without-partition-key', 'ALTER TABLE by_two_1 ADD UNIQUE (b)', NULL, true),
('only-on-parent-fails', 'ALTER TABLE ONLY mother ADD COLUMN n int', '1:36', false),
('only-on-parent-fails', 'ALTER TABLE ONLY mother ALTER b TYPE bigint', '1:1', false),
('only-on-parent-fails', 'ALTER TABLE ONLY mother RENAME b TO c', '1:1', false),
('only-on-parent-fails', 'ALTER TABLE ONLY mother ADD CHECK (b > 0)', '1:29', false),
('only-on-parent-fails', 'ALTER TABLE ONLY partly DROP COLUMN a', '1:1', false),
('only-on-parent-fails', 'ALTER TABLE ONLY partly DROP CONSTRAINT partly_a', CASE WHEN current_setting('server_version_num')::int < 180000 THEN '1:1' END, false),
('only-on-parent-fails', 'ALTER TABLE ONLY partly ALTER a DROP NOT NULL', CASE WHEN current_setting('server_version_num')::int < 180000 THEN '1:1' END, false),
('only-on-parent-fails', 'ALTER TABLE ONLY mother RENAME CONSTRAINT mother_a TO m', '1:1', false),
('only-on-parent-fails', 'ALTER TABLE mother RENAME CONSTRAINT mother_a TO m', NULL, true),
('only-on-parent-fails', 'ALTER TABLE ONLY mother ADD CHECK (b > 0) NO INHERIT', NULL, true),
('only-on-parent-fails', 'ALTER TABLE ONLY mother DROP COLUMN b', NULL, true),
('only-on-parent-fails', 'ALTER TABLE ONLY by_expression ADD COLUMN n int', NULL, true),
('only-on-parent-fails', 'ALTER TABLE child NO INHERIT mother; ALTER TABLE ONLY mother ADD COLUMN n int', NULL, true),
('only-on-parent-fails', 'ALTER TABLE mother ADD COLUMN n int', NULL, true),
('partition-key-change', 'ALTER TABLE by_two DROP COLUMN a', '1:1', false),
('partition-key-change', 'ALTER TABLE parted ALTER id TYPE bigint', '1:1', false),
('partition-key-change', 'ALTER TABLE by_two DROP COLUMN b', NULL, true),
('partition-key-change', 'ALTER TABLE parted ALTER a TYPE bigint', NULL, true),
('partition-key-change', 'ALTER TABLE "By List" DROP COLUMN id', NULL, true),
('no-inherit-on-partitioned', 'ALTER TABLE parted ADD CHECK (a > -10) NO INHERIT', '1:24', false),
('no-inherit-on-partitioned', 'ALTER TABLE mother ADD CHECK (a > -10) NO INHERIT', NULL, true),
('no-inherit-on-partitioned', 'ALTER TABLE parted ADD CHECK (a > -10)', NULL, true),
('only-on-parent-fails', 'ALTER TABLE ONLY referring DROP CONSTRAINT referring_id_fkey', NULL, true),
('inherited-part-fails', 'ALTER TABLE referring_1 RENAME CONSTRAINT referring_id_fkey TO k', NULL, true),
('inherited-part-fails', 'ALTER TABLE referring_1 DROP CONSTRAINT referring_id_fkey', '1:1', false),
('inherited-part-fails', 'ALTER TABLE child DROP COLUMN a', '1:1', false),
('inherited-part-fails', 'ALTER TABLE child ALTER a TYPE bigint', '1:1', false),
('inherited-part-fails', 'ALTER TABLE child RENAME a TO c', '1:1', false),
('inherited-part-fails', 'ALTER TABLE child DROP CONSTRAINT mother_a', '1:1', false),
('inherited-part-fails', 'ALTER TABLE child RENAME CONSTRAINT mother_a TO m', '1:1', false),
('inherited-part-fails', 'ALTER TABLE partly_1 ADD COLUMN n int', '1:33', false),
('inherited-part-fails', 'ALTER TABLE partly_1 ALTER a DROP NOT NULL', '1:1', false),
('inherited-part-fails', 'ALTER TABLE partly_1 DROP CONSTRAINT partly_a', '1:1', false),
('inherited-part-fails', 'ALTER TABLE partly_1 DROP CONSTRAINT own', NULL, true),
('inherited-part-fails', 'ALTER TABLE child DROP COLUMN own', NULL, true),
('inherited-part-fails', 'ALTER TABLE child ADD COLUMN n int', NULL, true),
('inherited-part-fails', 'ALTER TABLE child NO INHERIT mother; ALTER TABLE child DROP COLUMN a', NULL, true),
('inherited-part-fails', 'ALTER TABLE partly DETACH PARTITION partly_1; ALTER TABLE partly_1 ADD COLUMN n int', NULL, true),
('inherited-part-fails', 'ALTER TABLE mother DROP COLUMN a', NULL, true);

SELECT * FROM t.lint_tests('{E}');

-- What is told to fail fails.
SELECT ok(t.done_by(script, 'large') ? 'error', 'fails: ' || script)
FROM t.lint_case WHERE NOT runs AND place IS NOT NULL AND script NOT LIKE '%CONCURRENTLY%';

-- What others say of ATTACH PARTITION is not so: the partitioned table goes on being read and written.
SELECT is(t.done_by('ALTER TABLE parted ATTACH PARTITION bare FOR VALUES FROM (200000) TO (300000)', 'parted') -> 'locks', '["ShareUpdateExclusiveLock"]', 'ATTACH PARTITION locks the parent as told');
SELECT is((SELECT string_agg(lock_mode, ' ') FROM mg_lint('ALTER TABLE parted ATTACH PARTITION bare FOR VALUES FROM (200000) TO (300000)') WHERE object = 'public.parted' AND lock_mode = 'AccessExclusiveLock'), NULL, 'nobody is told otherwise');

-- Steps lead to where the statement leads, and the last one reads nothing any more.
CREATE FUNCTION t.shape() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(line, E'\n' ORDER BY line) FROM (
		SELECT format('%s %s %s %s', c.oid::regclass, c.relkind, c.relispartition, pg_get_expr(c.relpartbound, c.oid)) FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
		UNION ALL SELECT format('%s %s %s %s %s', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND relkind IN ('r', 'p', 'v')
		UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace) s (line)
$$;
CREATE FUNCTION t.after(statements text[], OUT shape text, OUT scanned text) LANGUAGE plpgsql AS $$
DECLARE
	before jsonb;
BEGIN
	FOR i IN 1 .. cardinality(statements) LOOP
		SELECT jsonb_object_agg(oid, scans) INTO before FROM t.state;
		EXECUTE statements[i];
	END LOOP;
	shape := t.shape();
	SELECT string_agg(oid::regclass::text, ' ') INTO scanned FROM t.state s WHERE relkind = 'r' AND pg_table_size(oid) > 65536 AND scans > coalesce((before ->> s.oid::text)::bigint, 0);
	RAISE EXCEPTION 'done' USING ERRCODE = 'MGT01';
EXCEPTION WHEN SQLSTATE 'MGT01' THEN NULL;
END $$;
CREATE TABLE t.steps AS
	SELECT DISTINCT ON (script) c.rule, c.script, f.steps FROM t.lint_case c, mg_lint(c.script) f
	WHERE c.runs AND f.rule = c.rule AND array_to_string(f.steps, ' ') NOT LIKE '%CONCURRENTLY%' AND c.script NOT LIKE '%;%';
SELECT ok(count(*) >= 10, 'there are steps to try') FROM t.steps;
SELECT is((t.after(steps)).shape, (t.after(ARRAY[script])).shape, 'steps lead there: ' || script) FROM t.steps;
SELECT is((t.after(steps)).scanned, NULL, 'the last one reads nothing: ' || script) FROM t.steps WHERE rule LIKE 'attach%';

-- A partition that nobody knows yet is named as the script does.
SELECT alike((SELECT steps[3] FROM mg_lint('ALTER TABLE rested ATTACH PARTITION "To Come".next FOR VALUES FROM (900000) TO (900001)') WHERE rule = 'attach-scans-default'),
	'ALTER TABLE public.rested ATTACH PARTITION "To Come".next FOR VALUES FROM (900000) TO (900001);%', 'not by dots');

-- Those that run outside of a transaction.
SELECT unnest(steps) FROM mg_lint('ALTER TABLE hashed DETACH PARTITION hashed_1') WHERE rule = 'detach-not-concurrent' \gexec
SELECT is((SELECT count(*) FROM pg_constraint WHERE conrelid = 'hashed_1'::regclass AND contype = 'c'), 0::bigint, 'no constraint is left by DETACH CONCURRENTLY');
SELECT unnest(steps) FROM mg_lint('ALTER TABLE "By List" DETACH PARTITION listed_a') WHERE rule = 'detach-not-concurrent' \gexec
SELECT is((SELECT count(*) FROM pg_constraint WHERE conrelid = 'listed_a'::regclass AND contype = 'c'), 0::bigint, 'nor on a list');
SELECT unnest(steps) FROM mg_lint('DROP TABLE hashed_0') WHERE rule = 'drop-partition-locks-parent' \gexec
SELECT hasnt_table('hashed_0');

SELECT * FROM finish();
