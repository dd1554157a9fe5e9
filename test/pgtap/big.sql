-- Big scripts: many statements, many lines, long statements, many objects; each within a time that is far more than it needs.
\ir lib/errors.sql
SELECT no_plan();
SET statement_timeout = '60s';

SELECT is((SELECT count(*) FROM mg_parse(repeat(E'select 1;\n', 100000))), 100000::bigint, '100,000 statements are cut');
SELECT is((SELECT max(line) FROM mg_parse(repeat(E'-- é\nselect 1;\r\n', 20000))), 40000, 'with their lines');
SELECT is((SELECT max(col) FROM mg_parse(repeat('/* é */ select 1;', 20000))), 339992, 'and columns, in one line');
SELECT is((SELECT statements FROM mg_apply('many', repeat(E'select 1;\n', 20000))), 20000, '20,000 statements run');
SELECT is((SELECT jsonb_array_length(timings) FROM mg.runs WHERE migration = 'many'), 20000, 'each with its time');
SELECT is((SELECT status FROM mg_apply('many')), 'skipped', 'and are skipped');
SELECT alike(t.applying('last', repeat(E'select 1;\n', 20000) || 'selct 1'), '42601%line 20001, column 1:%', 'an error in the last of many');
SELECT is(t.rows($$SELECT statements FROM mg.runs WHERE migration = 'last'$$), '0', 'is found before the first runs');
SELECT is(t.applying('middle', repeat(E'select 1;\n', 10000) || 'select 1/0;' || repeat(E'select 1;\n', 10000)), E'22012 division by zero\nCONTEXT: migration "middle", up, line 10001: select 1/0', 'an error in the middle');
CREATE TABLE long (t text);
SELECT is((SELECT status FROM mg_apply('long', 'insert into long values (''' || repeat('é', 5000000) || ''')')), 'applied', 'a statement of 10 MB');
SELECT is((SELECT char_length(t) FROM long), 5000000, 'runs whole');
SELECT is((SELECT octet_length(body) FROM mg.script WHERE checksum = (SELECT checksum FROM mg.history WHERE migration_name = 'long')), 10000028, 'and is kept whole');
SELECT alike(t.applying('long', 'insert into long values (''' || repeat('é', 5000001) || ''')'), 'MG003%', 'another one is told apart');
SELECT cmp_ok(char_length(t.applying('long', 'insert into long values (''' || repeat('é', 5000001) || ''')')), '<', 2000, 'without repeating it');
SELECT is((SELECT status FROM mg_apply('comments', repeat('-- ' || repeat('é', 100) || E'\n', 20000) || 'select 1')), 'applied', 'megabytes of comments');
SELECT is((SELECT timings->0->0 FROM mg.runs WHERE migration = 'comments'), '20001', 'count as lines');
SELECT is((SELECT objects FROM mg_apply('tables', (SELECT string_agg(format('create table big_%s (i int);', g), E'\n') FROM generate_series(1, 1000) g), (SELECT string_agg(format('drop table big_%s;', g), E'\n') FROM generate_series(1, 1000) g))), 1000, '1,000 tables');
SELECT is((SELECT count(*) FROM mg.statements WHERE migration = 'tables'), 1000::bigint, 'each statement is on record');
SELECT is((SELECT count(*) FROM mg_verify('tables') WHERE ok), 1000::bigint, 'each table is verified');
SELECT is((SELECT status FROM mg_rollback('tables')), 'rolled back', 'and rolled back');
SELECT is((SELECT status FROM mg_apply('checks', 'select 1', NULL, repeat(E'select 1;\n-- expect: 1\n', 5000))), 'applied', '5,000 verification queries');
SELECT is((SELECT jsonb_array_length(evidence) FROM mg.runs WHERE migration = 'checks'), 5001, 'each on record, and the risk class');
SELECT isnt(t.applying('deep', 'select ' || repeat('(', 20000) || '1' || repeat(')', 20000)), 'no error', 'parentheses without end are an error, not a crash');
SELECT is((SELECT bool_and(ok) FROM mg_verify() WHERE migration IS NULL), true, 'the ledger is sound');

SELECT * FROM finish();
