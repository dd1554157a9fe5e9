-- Documents of migrations in Markdown.
\ir lib/errors.sql
SELECT no_plan();

-- The part of a document below a heading, up to the next one.
CREATE FUNCTION t.part(document text, heading text) RETURNS text LANGUAGE sql AS
$$ SELECT trim(E'\n' FROM split_part(split_part($1, E'\n### ' || $2 || E'\n', 2), E'\n### ', 1)) $$;

SELECT matches(t.said($$SELECT mg_doc('nobody')$$), '^MG004 .*\nHINT', 'a migration that nobody registered');
SELECT matches(mg_doc(), E'^# Migrations of `documents`\n\nNone is registered.\n$', 'nothing is registered');

SELECT mg_apply('001_members', 'CREATE TABLE members (id int)', 'DROP TABLE members');
SELECT mg_register('002_levels', $up$-- Migration: 002_levels
-- Description: Levels for *members*, see <docs>
-- Author: Ada
-- Ticket: ABC-12
-- Estimated time: 5 minutes
-- Application: version 7 or newer
ALTER TABLE members ADD COLUMN level int;
CREATE INDEX members_level ON members (level);
COMMENT ON COLUMN members.level IS 'a `tick` and
```sql
a fence
```';
DO $$BEGIN EXECUTE 'CREATE TABLE levels (id int)'; END$$;
INSERT INTO levels VALUES (1), (2);
$up$, $$DROP TABLE levels; DROP INDEX members_level; ALTER TABLE members DROP COLUMN level$$,
	$$SELECT count(*) = 2 FROM levels; SELECT 'a|b' FROM levels;$$, ARRAY['001_members']);

-- Pending.
SELECT matches(mg_doc('002_levels'), '^## Migration: `002_levels`\n', 'a document begins with its name');
SELECT matches(mg_doc('002_levels'), E'\n\\| Status \\| pending \\|\n', 'pending');
SELECT matches(mg_doc('002_levels'), E'\n\\| Ticket \\| ABC-12 \\|\n\\| Estimated time \\| 5 minutes \\|\n\\| Requires \\| `001_members` \\|', 'what its headers say, and what it requires');
SELECT is(t.part(mg_doc('002_levels'), 'Purpose'), E'Levels for \\*members\\*, see \\<docs\\>\n\n- application: version 7 or newer', 'its purpose, in which nothing is Markdown');
SELECT matches(t.part(mg_doc('002_levels'), 'Risk'), '^\*\*(controlled|safe|high-risk)\*\*', 'its risk class');
SELECT is(t.part(mg_doc('002_levels'), 'History'), 'No attempt yet.', 'no attempt');
SELECT is(t.part(mg_doc('002_levels'), 'Impact'), 'Not measured yet.', 'not measured');
SELECT is(t.part(mg_doc('002_levels'), 'Approvals'), 'None.', 'not approved');
SELECT matches(t.part(mg_doc('002_levels'), 'Rollback'), E'\n- Never rehearsed with these scripts.$', 'not rehearsed');
SELECT ok(t.part(mg_doc('002_levels'), 'Changes') LIKE E'%````sql\n-- Migration%a fence\n```%\n````', 'the fence around its script is longer than the one in it');
SELECT mg_rehearse('002_levels');
SELECT matches(t.part(mg_doc('002_levels'), 'Impact'), 'time \| `down` \| [0-9.]+ ms', 'rehearsed: what was measured');
SELECT matches(t.part(mg_doc('002_levels'), 'Rollback'), '- Rehearsed at .*: \*\*restores\*\*, way back in [0-9.]+ ms, receipt \d+(\n|$)', 'and the proof');

-- A failed attempt, then applied.
SELECT count(*) FROM mg_apply('002_levels');
SELECT matches(t.part(mg_doc('002_levels'), 'Changes'), '- Created table: `public.levels`\n', 'what it made');
SELECT matches(t.part(mg_doc('002_levels'), 'Changes'), '- Created index: `public.members_level`\n', 'and more of it');
SELECT matches(t.part(mg_doc('002_levels'), 'Changes'), E'- Changed table: `public.members`\n  - table column `public.members.level` created\n  - table column `public.members.level` comment: |- Changed table: `public.members`\n  - table column `public.members.level` created\n  - index', 'and what became of what was there');
SELECT matches(t.part(mg_doc('002_levels'), 'Changes'), '-- \S+ \S+ migration, nested, by \S+\nCREATE TABLE levels \(id int\);\n', 'statements that are nested in its script');
SELECT matches(t.part(mg_doc('002_levels'), 'Verification'), E'\\| `SELECT count\\(\\*\\) = 2 FROM levels` \\| passed \\|', 'results of the verification');
SELECT matches(t.part(mg_doc('002_levels'), 'Verification'), E'\\| `SELECT ''a\\\\\\|b'' FROM levels` \\| shown \\|', 'in a table that a pipe does not break');
SELECT matches(t.part(mg_doc('002_levels'), 'Impact'), '\| Time \| [0-9.]+ ms \|\n\| Statements \| 5 \|\n\| Rows \| 2 \|\n\| Database before \| \d+ [kM]B \|', 'the measured impact');
SELECT matches(t.part(mg_doc('002_levels'), 'Impact'), '\| Lock \| `public.members`: AccessExclusiveLock \|', 'with its locks');
SELECT matches(t.part(mg_doc('002_levels'), 'History'), '\| apply \| applied \| `' || session_user || '` \| [0-9.]+ ms \|', 'the attempt');
SELECT matches(mg_doc('001_members'), E'\n\\| Required by \\| `002_levels` \\|', 'what requires it');

-- A verification that fails later, a rollback.
INSERT INTO levels VALUES (3);
SELECT count(*) FROM mg_verify();
SELECT matches(t.part(mg_doc('002_levels'), 'Verification'), E'\n- .*: 1 check of migration "002\\\\_levels" fails$', 'a later failure');
SELECT count(*) FROM mg_rollback('002_levels', 'too *many*');
SELECT matches(t.part(mg_doc('002_levels'), 'Rollback'), E'\n- Rolled back at .* by `\\S+` in [0-9.]+ ms: too \\\\\\*many\\\\\\*$', 'the rollback and its reason');
SELECT matches(mg_doc('002_levels'), E'\n\\| Status \\| rolled back \\|\n', 'is told');

-- Approvals, also void ones.
SELECT matches(t.said($$SELECT mg_approve('002_levels')$$), '^MG408', 'nobody approves of their own');
SELECT is(t.part(mg_doc('002_levels'), 'Approvals'), 'None.', 'which is not in the document');

-- Names that would break a document.
SELECT count(*) FROM mg_apply('a`b | [c](d) <e>', 'CREATE TABLE "od`d" ()', 'DROP TABLE "od`d"');
SELECT matches(mg_doc('a`b | [c](d) <e>'), '^## Migration: ``a`b \| \[c\]\(d\) <e>``\n', 'a name with backticks');
SELECT matches(mg_doc('a`b | [c](d) <e>'), E'\n- Created table: ``public."od`d"``\n', 'an object with a backtick');
SELECT matches(mg_doc(), E'\n- \\[``a`b \\| \\[c\\]\\(d\\) <e>``\\]\\(#migration-3\\): applied, ', 'and in the table of contents');

-- The whole history.
SELECT matches(mg_doc(), E'^# Migrations of `documents`\n\n- \\[`001_members`\\]\\(#migration-1\\): applied, \\S+ \\S+\n- \\[`002_levels`\\]\\(#migration-2\\): rolled back\n', 'the table of contents');
SELECT is((SELECT count(*) FROM regexp_matches(mg_doc(), E'\n<a id="migration-\\d"></a>\n\n## Migration: ', 'g')), 3::bigint, 'a section each, that links find');

-- In a read-only transaction, with a hostile search_path, and for whom it is not.
BEGIN READ ONLY;
SELECT ok(length(mg_doc()) > 1000, 'in a read-only transaction');
COMMIT;
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.initcap(text) RETURNS text LANGUAGE sql AS $$SELECT 'stolen'$$;
SET search_path = hostile, pg_catalog;
CREATE TEMP TABLE document AS SELECT mg_doc() AS body;
RESET search_path;
SELECT unalike(body, '%stolen%', 'with another search_path') FROM document;
CREATE ROLE documents_stranger;
SET ROLE documents_stranger;
SELECT throws_ok('SELECT mg_doc()', '42501', NULL, 'not for strangers');
RESET ROLE;
DROP ROLE documents_stranger;

-- What became of objects that were there.
CREATE FUNCTION t.changes(name text) RETURNS text LANGUAGE sql AS $$ SELECT trim(E'\n' FROM split_part(t.part(mg_doc(name), 'Changes'), '```', 1)) $$;
SELECT count(*) FROM mg_apply('003_people', 'CREATE TABLE people (id int, gone text, age text DEFAULT 1); CREATE VIEW ids AS SELECT id FROM people; CREATE FUNCTION one() RETURNS int LANGUAGE sql AS ''SELECT 1''');
SELECT count(*) FROM mg_apply('004_humans', $up$
ALTER TABLE people ADD COLUMN level int, DROP COLUMN gone, ALTER age TYPE int USING age::int, ALTER id SET NOT NULL;
CREATE INDEX people_level ON people (level);
CREATE OR REPLACE VIEW ids AS SELECT id, 2 AS two FROM people;
CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2';
ALTER FUNCTION one() RENAME TO two;
ALTER TABLE people RENAME TO humans$up$);
SELECT is(t.changes('003_people'), E'- Created table: `public.people`\n- Created view: `public.ids`\n- Created function: `public.one()`', 'of what is new there is nothing to say');
-- From 18 on, being not null is a constraint with a name; 15 writes each column of a view with its table.
SELECT is(regexp_replace(regexp_replace(t.changes('004_humans'), '\n  - [^\n]*not.null[^\n]*', '', 'g'), 'SELECT (people|humans)\.', 'SELECT ', 'g'), $want$- Dropped table column: `public.people.gone`
- Changed table: `public.humans`, was `public.people`
  - name: `public.people` became `public.humans`
  - table column `public.people.age` type: `text` became `integer`
  - table column `public.people.gone` dropped
  - table column `public.humans.level` created
  - index `public.people_level` created
- Created index: `public.people_level`
- Changed view: `public.ids`
  - definition: `SELECT id FROM public.people;` became `SELECT id, 2 AS two FROM public.humans;`
- Changed function: `public.two()`, was `public.one()`
  - name: `public.one()` became `public.two()`
  - body: `SELECT 1` became `SELECT 2`$want$, 'columns, names and definitions');
SELECT matches(t.changes('004_humans'), 'table column `public.people.id` not null: nothing became `true`', 'and what must not be NULL');
SELECT is((SELECT jsonb_path_query_first(objects, '$[*].differences[*] ? (@.property == "type")') - 'change' FROM mg.runs WHERE migration = '004_humans'),
	'{"type": "table column", "identity": "public.people.age", "property": "type", "before": "text", "after": "integer"}', 'the record has them as data');

SELECT * FROM finish();
