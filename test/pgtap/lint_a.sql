-- The linter on constraints: each rule finds what it is for, at its place, and leaves alone what only looks like it.
\ir lib/lint.sql
\ir lib/lint_steps.sql
SELECT mg_set_policy('lint_severity', 'fk-on-delete-implicit=info, create-domain-with-constraint=info', 'rules that are off');

CREATE TABLE keyed (id int PRIMARY KEY, twice int, three int, five int, hole int, full_up int, user_id int, either int, t text, CONSTRAINT user_id_there CHECK (user_id IS NOT NULL),
	CONSTRAINT either_there CHECK (either IS NOT NULL OR id > 0), CONSTRAINT same UNIQUE (full_up));
INSERT INTO keyed SELECT g, g / 2, g % 3, g % 5, nullif(g % 10, 0), g, g, g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE UNIQUE INDEX keyed_down ON keyed (user_id DESC);
CREATE TABLE referring (id int PRIMARY KEY, k int REFERENCES keyed, f int REFERENCES keyed (full_up));
CREATE TABLE child (id int, k int, t text);
INSERT INTO child SELECT g, 1, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE TABLE few (id int PRIMARY KEY);
INSERT INTO few VALUES (1), (2);
CREATE TABLE texts (v varchar(10) PRIMARY KEY, n numeric UNIQUE, ts timestamp UNIQUE);
CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE folded (t text COLLATE folding PRIMARY KEY);
CREATE DOMAIN used AS int;
CREATE DOMAIN over_used AS used;
CREATE DOMAIN unused AS int;
CREATE TABLE with_domain (d used, t text);
INSERT INTO with_domain SELECT g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE TABLE with_over (d over_used, t text);
INSERT INTO with_over SELECT g, repeat('x', 100) FROM generate_series(1, 2000) g;
ALTER DOMAIN used ADD CONSTRAINT unchecked CHECK (value > 0) NOT VALID;
CREATE FUNCTION positive(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 > 0; END';
CREATE FUNCTION positive(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE FUNCTION changing(int) RETURNS boolean STABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 > 0; END';
CREATE TABLE calling (id int CONSTRAINT calls CHECK (positive(id)), t text);
INSERT INTO calling SELECT g, repeat('x', 100) FROM generate_series(1, 2000) g;
CREATE INDEX calling_positive ON calling (positive(id));
CREATE TABLE keys (id int PRIMARY KEY);
INSERT INTO keys SELECT generate_series(1, 5000);
CREATE SCHEMA app;
ANALYZE;

INSERT INTO t.lint_case (rule, script, place) VALUES
('fk-without-not-valid', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other (id)', '1:23'),
('fk-without-not-valid', E'SELECT 1;\n  ALTER TABLE public.large ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES other', '2:32'),
('fk-without-not-valid', 'ALTER TABLE large ADD COLUMN n int DEFAULT 5 REFERENCES other', '1:46'),
('fk-without-not-valid', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other (id) NOT VALID', NULL),
('fk-without-not-valid', 'ALTER TABLE large ADD COLUMN n int REFERENCES other', NULL),
('fk-without-not-valid', 'ALTER TABLE small ADD FOREIGN KEY (a) REFERENCES other (id)', NULL),
('fk-without-not-valid', 'CREATE TABLE fresh (a int); ALTER TABLE fresh ADD FOREIGN KEY (a) REFERENCES other', NULL),
('fk-without-not-valid', 'CREATE SCHEMA s; SET search_path = s, public; CREATE TABLE large (a int); ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other', NULL),
('fk-without-not-valid', 'DROP TABLE large; CREATE TABLE large (a int); ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other', NULL),
('fk-without-not-valid', 'ALTER TABLE large RENAME TO huge; ALTER TABLE huge ADD FOREIGN KEY (a) REFERENCES other', '1:56'),
('fk-locks-other', 'CREATE TABLE fresh (i int REFERENCES other)', '1:27'),
('fk-locks-other', 'ALTER TABLE small ADD FOREIGN KEY (a) REFERENCES other NOT VALID', '1:23'),
('fk-locks-other', 'CREATE TABLE one (i int PRIMARY KEY); CREATE TABLE two (i int REFERENCES one)', NULL),
('fk-locks-other', 'ALTER TABLE small ADD COLUMN s int REFERENCES small', NULL),
('drop-fk-locks-both', 'ALTER TABLE large DROP CONSTRAINT large_other', '1:1'),
('drop-fk-locks-both', 'ALTER TABLE large DROP CONSTRAINT positive', NULL),
('check-without-not-valid', 'ALTER TABLE large ADD CHECK (a > 0)', '1:23'),
('check-without-not-valid', 'ALTER TABLE large ADD CHECK (a > 0) NOT VALID', NULL),
('check-without-not-valid', 'ALTER TABLE small ADD CHECK (a > 0)', NULL),
('check-without-not-valid', 'ALTER TABLE passing ADD CHECK (id > 0)', NULL),
('inline-check-on-add-column', 'ALTER TABLE large ADD COLUMN n int CHECK (n > 0)', '1:36'),
('inline-check-on-add-column', 'ALTER TABLE large ADD COLUMN n int', NULL),
('check-without-not-valid', 'ALTER TABLE large DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (c > -1)', '1:49'),
('check-without-not-valid', 'ALTER TABLE large ADD COLUMN n int, ADD CONSTRAINT k CHECK (n > a)', '1:41'),
('fk-without-not-valid', 'ALTER TABLE large DROP CONSTRAINT large_other, ADD CONSTRAINT large_other FOREIGN KEY (c) REFERENCES other (id) ON DELETE CASCADE', '1:52'),
('pk-builds-index', 'ALTER TABLE other DROP CONSTRAINT other_pkey CASCADE, ADD PRIMARY KEY (id, wide)', '1:59'),
('inline-check-on-add-column', 'ALTER TABLE large ADD COLUMN IF NOT EXISTS a int CHECK (a > 0)', NULL),
('inline-check-on-add-column', 'CREATE TABLE fresh (n int CHECK (n > 0))', NULL),
('validate-in-same-transaction', E'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID;\nALTER TABLE large VALIDATE CONSTRAINT k', '2:1'),
('not-valid-never-validated', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID', '1:23'),
('not-valid-never-validated', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE large VALIDATE CONSTRAINT k', NULL),
('not-valid-never-validated', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE large DROP CONSTRAINT k', NULL),
('set-not-null-scans', 'ALTER TABLE large ALTER a SET NOT NULL', '1:1'),
('set-not-null-scans', 'ALTER TABLE large ALTER b SET NOT NULL', '1:1'),
('set-not-null-scans', 'ALTER TABLE large ALTER c SET NOT NULL', NULL),
('set-not-null-scans', 'ALTER TABLE large ALTER e SET NOT NULL', NULL),
('set-not-null-scans', 'ALTER TABLE small ALTER a SET NOT NULL', NULL),
('unique-constraint-builds-index', 'ALTER TABLE large ADD UNIQUE (a)', '1:23'),
('unique-constraint-builds-index', 'ALTER TABLE large ADD COLUMN n int UNIQUE', '1:36'),
('unique-constraint-builds-index', 'ALTER TABLE large ADD UNIQUE USING INDEX large_d_unique', NULL),
('unique-constraint-builds-index', 'ALTER TABLE small ADD UNIQUE (a)', NULL),
('pk-builds-index', 'ALTER TABLE large ADD PRIMARY KEY (id)', '1:23'),
('pk-builds-index', 'ALTER TABLE large ADD PRIMARY KEY USING INDEX large_d_unique', NULL),
('pk-builds-index', 'CREATE TABLE fresh (id int PRIMARY KEY)', NULL),
('pk-on-nullable-column', 'ALTER TABLE large ADD PRIMARY KEY USING INDEX large_d_unique', '1:23'),
('pk-on-nullable-column', 'ALTER TABLE large ADD PRIMARY KEY (c, a)', '1:23'),
('exclusion-constraint', 'ALTER TABLE large ADD EXCLUDE (a WITH =)', '1:23'),
('exclusion-constraint', 'CREATE TABLE fresh (a int, EXCLUDE (a WITH =))', NULL),
('fk-type-mismatch', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other (wide)', '1:23'),
('fk-type-mismatch', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other (id)', NULL),
('fk-no-index', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other', '1:23'),
('fk-no-index', 'ALTER TABLE large ADD FOREIGN KEY (e) REFERENCES other', NULL),
('fk-no-index', 'CREATE INDEX ON large (a); ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other', NULL),
('drop-constraint-loses-check', 'ALTER TABLE large DROP CONSTRAINT positive', '1:1'),
('drop-constraint-loses-check', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE large DROP CONSTRAINT k', NULL),
('drop-constraint-loses-check', 'ALTER TABLE large DROP CONSTRAINT IF EXISTS nothing', NULL),
('check-without-not-valid', 'SET search_path = nowhere; ALTER TABLE large ADD CHECK (a > 0)', NULL),
('check-without-not-valid', 'SET search_path = nowhere; RESET search_path; ALTER TABLE large ADD CHECK (a > 0)', '1:69'),
('check-without-not-valid', 'SET search_path = "$user"; ALTER TABLE large ADD CHECK (a > 0)', NULL),
('check-without-not-valid', 'SET search_path = nowhere; ALTER TABLE public.large ADD CHECK (a > 0)', '1:57');

-- More of them.
INSERT INTO t.lint_case (rule, script, place) VALUES
('fk-without-not-valid', 'ALTER TABLE large ADD COLUMN n int DEFAULT 5 CONSTRAINT nfk REFERENCES other ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT NULL', '1:46'),
('fk-without-not-valid', 'ALTER TABLE parted ADD FOREIGN KEY (id) REFERENCES keys', '1:24'),
('fk-without-not-valid', E'DO $x$ BEGIN\n  ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other; END $x$', '2:25'),
('fk-locks-other', 'ALTER TABLE small ADD COLUMN s int REFERENCES few', NULL),
('fk-locks-other', 'CREATE TABLE fresh (i int REFERENCES public.keyed)', '1:27'),
('drop-fk-locks-both', 'ALTER TABLE large DROP COLUMN c', '1:1'),
('drop-fk-locks-both', 'ALTER TABLE large DROP COLUMN a', NULL),
('drop-fk-locks-both', 'DROP TABLE referring', '1:1'),
('drop-fk-locks-both', 'ALTER TABLE keyed DROP CONSTRAINT same CASCADE', '1:1'),
('drop-fk-locks-both', 'ALTER TABLE keyed DROP CONSTRAINT user_id_there CASCADE', NULL),
('check-without-not-valid', 'ALTER TABLE large ADD CONSTRAINT "Odd name" CHECK (a > 0 AND e < 10000) NO INHERIT', '1:23'),
('check-without-not-valid', 'CREATE TABLE app.large (a int); ALTER TABLE app.large ADD CHECK (a > 0)', NULL),
('check-without-not-valid', 'ALTER TABLE parted ADD CHECK (id > 0 AND id < 1000000)', '1:24'),
('inline-check-on-add-column', 'ALTER TABLE large ADD COLUMN n int CHECK (n > 0) CHECK (n < 10)', '1:36 1:50'),
('inline-check-on-add-column', E'ALTER TABLE large ADD COLUMN n text COLLATE "C" -- a comment\n  DEFAULT ''a'' NOT NULL CONSTRAINT long CHECK (length(n) < 10 /* , */ AND n <> '','')', '2:24'),
('not-valid-never-validated', 'CREATE TABLE fresh (a int, CHECK (a > 0) NOT VALID)', NULL),
('not-valid-never-validated', 'SELECT 1; ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other NOT VALID', '1:33'),
('not-valid-never-validated', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a > 0) NOT VALID; DROP TABLE large', NULL),
('set-not-null-scans', 'ALTER TABLE keyed ALTER either SET NOT NULL', '1:1'),
('set-not-null-scans', 'ALTER TABLE large ADD COLUMN n int DEFAULT 1; ALTER TABLE large ALTER n SET NOT NULL', '1:47'),
('set-not-null-scans', 'ALTER TABLE large ALTER id SET NOT NULL', NULL),
('set-not-null-scans', 'ALTER TABLE keyed ALTER user_id SET NOT NULL', NULL),
('leftover-check-after-not-null', 'ALTER TABLE keyed ALTER user_id SET NOT NULL', '1:1'),
('leftover-check-after-not-null', 'ALTER TABLE keyed ALTER user_id SET NOT NULL; ALTER TABLE keyed DROP CONSTRAINT user_id_there', NULL),
('leftover-check-after-not-null', 'ALTER TABLE large ALTER e SET NOT NULL', NULL),
('unique-constraint-builds-index', 'ALTER TABLE large ADD CONSTRAINT u UNIQUE (a, id) INCLUDE (b) WITH (fillfactor = 70)', '1:23'),
('unique-constraint-builds-index', 'ALTER TABLE large ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a) DEFERRABLE INITIALLY DEFERRED', '1:23'),
('unique-constraint-builds-index', 'ALTER TABLE keyed ADD UNIQUE (user_id)', '1:23'),
('unique-constraint-builds-index', 'ALTER TABLE parted ADD UNIQUE (id)', '1:24'),
('unique-constraint-builds-index', 'ALTER TABLE large ADD COLUMN n int CONSTRAINT nu UNIQUE CHECK (n > 5) REFERENCES other (id)', '1:36'),
('unique-constraint-builds-index', 'CREATE TABLE app.large (a int); ALTER TABLE app.large ADD UNIQUE (a)', NULL),
('pk-builds-index', 'ALTER TABLE large ADD PRIMARY KEY (id, a)', '1:23'),
('pk-builds-index', 'ALTER TABLE parted ADD PRIMARY KEY (id)', '1:24'),
('pk-builds-index', 'ALTER TABLE large ADD COLUMN n bigserial PRIMARY KEY', '1:42'),
('unique-may-fail-on-duplicates', 'ALTER TABLE large ADD CONSTRAINT u UNIQUE (a, b)', NULL),
('unique-may-fail-on-duplicates', 'ALTER TABLE keyed ADD UNIQUE (id)', NULL),
('unique-may-fail-on-duplicates', 'ALTER TABLE keyed ADD UNIQUE (full_up, three)', NULL),
('unique-may-fail-on-duplicates', 'CREATE UNIQUE INDEX ON keyed (three) WHERE id < 2', NULL),
('volatile-check', 'ALTER TABLE large ADD CHECK (a < extract(year FROM now())) NOT VALID', '1:23'),
('volatile-check', 'CREATE TABLE fresh (at timestamptz CHECK (at > CURRENT_TIMESTAMP))', '1:36'),
('volatile-check', 'CREATE TABLE fresh (a int, CHECK (changing(a)))', '1:28'),
('volatile-check', 'CREATE TABLE fresh (a int, CHECK (positive(a) AND a::text <> ''x''))', NULL),
('volatile-check', 'CREATE TABLE fresh (at date, CHECK (at::text > ''2000''))', '1:30'),
('volatile-check', 'CREATE FUNCTION fine(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS ''SELECT $1 > 0''; ALTER TABLE small ADD CHECK (fine(a))', NULL),
('volatile-check', 'CREATE FUNCTION moody(int) RETURNS boolean LANGUAGE sql AS ''SELECT $1 > 0''; ALTER TABLE small ADD CHECK (moody(a))', '1:99'),
('check-calls-replaced-function', 'CREATE OR REPLACE FUNCTION positive(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS ''BEGIN RETURN $1 > -1; END''', '1:1 1:1'),
('check-calls-replaced-function', 'CREATE OR REPLACE FUNCTION positive(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS ''BEGIN RETURN true; END''', NULL),
('domain-constraint', 'ALTER DOMAIN used ADD CHECK (value < 10000)', '1:1 1:1'),
('domain-constraint', 'ALTER DOMAIN over_used SET NOT NULL', '1:1'),
('domain-constraint', 'ALTER DOMAIN used VALIDATE CONSTRAINT unchecked', '1:1 1:1'),
('domain-constraint', 'ALTER DOMAIN used ADD CHECK (value < 10000) NOT VALID', NULL),
('domain-constraint', 'ALTER DOMAIN unused ADD CHECK (value < 10000)', NULL),
('domain-constraint', 'ALTER DOMAIN used DROP CONSTRAINT unchecked', NULL),
('create-domain-with-constraint', 'CREATE DOMAIN fresh AS int CHECK (value > 0)', '1:28'),
('create-domain-with-constraint', 'CREATE DOMAIN fresh AS int DEFAULT 1', NULL),
('fk-type-mismatch', 'CREATE TABLE fresh (v text REFERENCES texts)', NULL),
('fk-type-mismatch', 'CREATE TABLE fresh (n int REFERENCES texts (n))', '1:27'),
('fk-type-mismatch', 'CREATE TABLE one (i bigint PRIMARY KEY); CREATE TABLE two (i int REFERENCES one)', '1:66'),
('fk-types-incomparable', 'CREATE TABLE fresh (n bigint REFERENCES other (id))', NULL),
('fk-nondeterministic-collation', 'CREATE TABLE fresh (t text COLLATE folding REFERENCES folded)', NULL),
('fk-on-delete-implicit', 'CREATE TABLE fresh (i int REFERENCES other)', '1:27'),
('fk-on-delete-implicit', 'CREATE TABLE fresh (i int REFERENCES other ON UPDATE CASCADE, j int)', '1:27'),
('fk-on-delete-implicit', 'CREATE TABLE fresh (i int REFERENCES other ON DELETE NO ACTION)', NULL),
('fk-cascade-fanout', 'ALTER TABLE child ADD FOREIGN KEY (k) REFERENCES keyed ON DELETE CASCADE', '1:23'),
('fk-cascade-fanout', 'ALTER TABLE child ADD FOREIGN KEY (k) REFERENCES keyed', NULL),
('fk-cascade-fanout', 'ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES keyed ON DELETE CASCADE', NULL),
('fk-no-index', 'CREATE TABLE fresh (i int REFERENCES other)', '1:27'),
('fk-no-index', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other; CREATE INDEX ON large (a)', NULL),
('fk-no-index', 'CREATE TABLE fresh (i int PRIMARY KEY REFERENCES other)', NULL),
('fk-no-index', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other; CREATE INDEX ON large (a) WHERE id > 5', '1:23'),
('alter-constraint', 'ALTER TABLE large ALTER CONSTRAINT large_other DEFERRABLE', '1:1'),
('alter-constraint', 'CREATE TABLE fresh (i int CONSTRAINT k REFERENCES other); ALTER TABLE fresh ALTER CONSTRAINT k DEFERRABLE', NULL),
('enforcing-scans', 'ALTER TABLE large ALTER CONSTRAINT large_other DEFERRABLE', NULL),
('drop-constraint-loses-check', 'ALTER TABLE large DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (c > 1)', NULL),
('drop-constraint-loses-check', 'ALTER TABLE keyed ALTER user_id SET NOT NULL; ALTER TABLE keyed DROP CONSTRAINT user_id_there', NULL),
('drop-constraint-loses-check', 'ALTER TABLE keyed DROP CONSTRAINT user_id_there', '1:1'),
('drop-constraint-loses-check', 'ALTER TABLE large DROP CONSTRAINT large_other', '1:1'),
('drop-constraint-loses-check', 'ALTER TABLE large DROP CONSTRAINT large_other, ADD CONSTRAINT x FOREIGN KEY (c) REFERENCES other NOT VALID', NULL);

-- Those that fail here, or scan for another reason.
INSERT INTO t.lint_case (rule, script, place, runs) VALUES
('validate-in-same-transaction', 'ALTER TABLE large VALIDATE CONSTRAINT late', NULL, false),
('pk-on-nullable-column', 'ALTER TABLE large ADD PRIMARY KEY (id, c)', NULL, false),
('pk-on-nullable-column', 'ALTER TABLE large ADD PRIMARY KEY (e)', NULL, false),
('column-becomes-required', 'ALTER TABLE small ALTER a SET NOT NULL', '1:1', true),
('column-becomes-required', 'ALTER TABLE small ADD COLUMN n int; UPDATE small SET n = 1; ALTER TABLE small ALTER n SET NOT NULL', '1:61', true),
('column-becomes-required', 'ALTER TABLE small ADD COLUMN n int DEFAULT 1; ALTER TABLE small ALTER n SET NOT NULL', NULL, true),
('column-becomes-required', 'ALTER TABLE large ALTER a SET NOT NULL', NULL, true),
('column-becomes-required', 'ALTER TABLE small ADD CHECK (a IS NOT NULL); ALTER TABLE small ALTER a SET NOT NULL', NULL, true),
('column-becomes-required', 'CREATE TABLE fresh (a int); ALTER TABLE fresh ALTER a SET NOT NULL', NULL, true),
('set-not-null-on-nulls', 'ALTER TABLE keyed ALTER hole SET NOT NULL', '1:1', false),
('set-not-null-on-nulls', 'ALTER TABLE large ADD COLUMN n int; ALTER TABLE large ALTER n SET NOT NULL', '1:37', false),
('set-not-null-on-nulls', 'UPDATE keyed SET hole = 0 WHERE hole IS NULL; ALTER TABLE keyed ALTER hole SET NOT NULL', NULL, false),
('set-not-null-on-nulls', 'ALTER TABLE keyed ALTER twice SET NOT NULL', NULL, false),
('set-not-null-scans', 'ALTER TABLE large ADD CONSTRAINT k CHECK (b IS NOT NULL) NOT VALID; ALTER TABLE large VALIDATE CONSTRAINT k; ALTER TABLE large ALTER a SET NOT NULL', '1:110', false),
('set-not-null-scans', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a IS NOT NULL AND b <> '''') NOT VALID; ALTER TABLE large VALIDATE CONSTRAINT k; ALTER TABLE large ALTER a SET NOT NULL', NULL, false),
('set-not-null-scans', 'ALTER TABLE large ADD CONSTRAINT k CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE large ALTER a SET NOT NULL', '1:69', true),
('unique-may-fail-on-duplicates', 'ALTER TABLE keyed ADD UNIQUE (twice)', '1:23', false),
('unique-may-fail-on-duplicates', 'ALTER TABLE keyed ADD UNIQUE (three, five)', '1:23', false),
('unique-may-fail-on-duplicates', 'CREATE UNIQUE INDEX ON keyed (three)', '1:1', false),
('unique-may-fail-on-duplicates', 'DELETE FROM keyed WHERE id > 2; ALTER TABLE keyed ADD UNIQUE (twice)', NULL, false),
('fk-types-incomparable', 'CREATE TABLE fresh (t text REFERENCES other (id))', '1:28', false),
('fk-types-incomparable', 'CREATE TABLE fresh (d date, FOREIGN KEY (d) REFERENCES other)', '1:29', false),
('fk-nondeterministic-collation', 'CREATE TABLE fresh (t text REFERENCES folded)', '1:28', false);

-- What comes with 18.
INSERT INTO t.lint_case (rule, script, place)
SELECT rule, script, place FROM (VALUES
('set-not-null-scans', 'ALTER TABLE large ADD CONSTRAINT k NOT NULL a', '1:23'),
('set-not-null-scans', 'ALTER TABLE large ADD CONSTRAINT k NOT NULL a NOT VALID', NULL),
('fk-without-not-valid', 'ALTER TABLE large ADD FOREIGN KEY (a) REFERENCES other NOT ENFORCED', NULL),
('check-without-not-valid', 'ALTER TABLE large ADD CHECK (a > 0) NOT ENFORCED', NULL),
('inline-check-on-add-column', 'ALTER TABLE large ADD COLUMN n int CHECK (n > 0) NOT ENFORCED', NULL),
('not-valid-never-validated', 'ALTER TABLE large ADD CHECK (a > 0) NOT ENFORCED', NULL),
('enforcing-scans', 'ALTER TABLE large ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES other NOT ENFORCED; ALTER TABLE large ALTER CONSTRAINT k ENFORCED', '1:83'),
('enforcing-scans', 'ALTER TABLE large ALTER CONSTRAINT large_other NOT ENFORCED', NULL)) AS case_of (rule, script, place)
WHERE current_setting('server_version_num')::int >= 180000;

SELECT * FROM t.lint_tests('{A}');
SELECT * FROM t.step_tests('{not-valid-never-validated, leftover-check-after-not-null, check-calls-replaced-function, fk-no-index}');
SELECT * FROM finish();
