#!/usr/bin/env bash
# Dumps a governed database in every way that pg_dump knows and restores it into new databases, with the library preloaded
# and not: the ledger must come out whole, verifiable, closed for changes, and ready to go on.
# shellcheck source=test/tap/lib/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/tap.sh"

# Prints whole records, one a line, of the installations that DATABASE did not begin itself.
tables='installation script registration run statement policy_event rehearsal environment approval evidence alert seal'
restored_records() {
    local database=$1 table
    for table in $tables; do
        query "$database" -c "SELECT '$table', t FROM mg.$table t WHERE installation IN (SELECT installation FROM mg.installation
            WHERE installation <> (SELECT installation FROM mg.current)) ORDER BY installation, id"
    done
}
all_records() {
    local database=$1 table
    for table in $tables; do
        query "$database" -c "SELECT '$table', t FROM mg.$table t ORDER BY installation, id"
    done
}

# Tells which of the statements that change the ledger are not refused with 55000.
let_through() {
    local database=$1 statement output
    while read -r statement; do
        output=$(query "$database" -c "BEGIN" -c "$statement" -c "ROLLBACK")
        [[ $output == *'ERROR:  55000'* ]] || echo "let through: $statement"
    done << 'STATEMENTS'
UPDATE mg.run SET outcome = 'applied'
UPDATE mg.statement SET statement = 'SELECT 1'
DELETE FROM mg.seal
DELETE FROM mg.script
TRUNCATE mg.registration
TRUNCATE mg.run, mg.statement
ALTER TABLE mg.policy_event ADD COLUMN more text
ALTER TABLE mg.run RENAME COLUMN outcome TO result
UPDATE mg.current SET installation = gen_random_uuid()
INSERT INTO mg.run SELECT * FROM mg.run WHERE installation = (SELECT installation FROM mg.current)
STATEMENTS
}

# Everything that must hold of DATABASE, restored from a dump of which `records`, `history` and `head` were kept.
check_restored() {
    local way=$1 database=$2 output=$3 detail
    detail=$(grep -E 'ERROR|FATAL|PANIC|WARNING|error:|warning:' "$output")
    is "$way: restores without an error" "" "$detail"
    detail=$(diff <(cat "$work/records") <(restored_records "$database"))
    result $? "$way: every record is there as it was" "$(head -n 10 <<< "$detail")"
    detail=$(diff "$work/history" <(query "$database" -c 'SELECT * FROM mg.history'))
    result $? "$way: mg.history is the same" "$detail"
    is "$way: the ledger and the objects verify" "all ok" "$(query "$database" -c "$verified")"
    is "$way: it is an installation of its own" "t" \
        "$(query "$database" -c "SELECT installation <> ALL (SELECT installation FROM mg.installation WHERE database_name <> current_database()) FROM mg.current")"
    is "$way: the next migration applies, one that is applied is skipped, a pending one applies, and all have numbers of their own" \
        "applied skipped applied 0" \
        "$(query "$database" -c "SELECT status FROM mg_apply('0100_next', 'CREATE TABLE next (id int)', 'DROP TABLE next')" \
            -f "$work/again.sql" -c "SELECT status FROM mg_apply('0006_f')" \
            -c "SELECT count(*) - count(DISTINCT (installation, id)) FROM (SELECT installation, id FROM mg.record WHERE kind <> 'seal' UNION ALL SELECT installation, id FROM mg.seal) r" |
            grep -vE '(NOTICE|LOCATION|DETAIL|WARNING):' | xargs)"
    is "$way: its first seal names the head of the restored chain" "$(cat "$work/head")" \
        "$(query "$database" -c "SELECT previous FROM mg.seal WHERE installation = (SELECT installation FROM mg.current) ORDER BY id LIMIT 1")"
    is "$way: nothing of the ledger can be changed" "" "$(let_through "$database")"
    is "$way: restored migrations are rolled back" "rolled back rolled back rolled back rolled back" \
        "$(query "$database" -c "SELECT status FROM mg_rollback_to('0001_a')" -c "SELECT status FROM mg_rollback('0001_a', 'test')" | xargs)"
    is "$way: and all verifies after that" "all ok" "$(query "$database" -c "$verified")"
}

# Fills a database with all that can be in a ledger.
cat > "$work/again.sql" << 'SQL'
SELECT status FROM mg_apply('0001_a', E'-- Author: Zoë\n-- Ticket: T-1\nCREATE TABLE a (id int PRIMARY KEY, t text DEFAULT ''ü'');\nINSERT INTO a VALUES (1), (2);\n',
    'DROP TABLE a', 'SELECT count(*) = 2 FROM a', NULL, 'SELECT to_regclass(''a'') IS NULL');
SQL
cat > "$work/fill.sql" << 'SQL'
SELECT mg_set_policy('naming', 'sequence', 'four digits');
SELECT count(*) FROM mg_rehearse('CREATE TABLE rehearsed (id int)', 'DROP TABLE rehearsed');
SELECT status FROM mg_apply('0002_b', 'CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a); CREATE VIEW v AS SELECT * FROM b;
    CREATE FUNCTION f(int, VARIADIC text[]) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', 'DROP FUNCTION f; DROP VIEW v; DROP TABLE b', NULL, '{0001_a}');
SELECT status FROM mg_apply('0003_c', E'CREATE TABLE c (x int);\r\nDO $$ BEGIN CREATE INDEX ON c (x); END $$', 'DROP TABLE c');
SELECT status FROM mg_rollback('0003_c', 'not "wanted", it''s \ gone	tab');
SELECT status FROM mg_apply('0003_c', E'CREATE TABLE c (x int)', 'DROP TABLE c');
SELECT status FROM mg_rollback('0003_c');
DO $$ BEGIN PERFORM mg_apply('0004_d', E'CREATE TABLE d (x int);\nSELECT 1 / 0;'); EXCEPTION WHEN division_by_zero THEN END $$;
DO $$ BEGIN PERFORM mg_apply('0005_e', 'CREATE TABLE e (x int)', NULL, 'SELECT false'); EXCEPTION WHEN OTHERS THEN END $$;
SELECT status FROM mg_register('0006_f', 'CREATE TABLE f (x int)', 'DROP TABLE f');
CREATE TABLE by_hand (id int, "odd \ name" text);
ALTER TABLE by_hand ADD COLUMN more text DEFAULT E'two\nlines';
COMMENT ON TABLE by_hand IS 'ÄÖÜ';
SQL
fill() {
    query "$1" -c 'CREATE EXTENSION migration_governance' > "$work/fill.out" &&
        query "$1" -f "$work/again.sql" >> "$work/fill.out" && query "$1" -f "$work/fill.sql" >> "$work/fill.out"
    result $? "database $1 on $server is filled" "$(cat "$work/fill.out")"
}

# What restores must give back.
keep() {
    all_records "$1" > "$work/records"
    query "$1" -c 'SELECT * FROM mg.history' > "$work/history"
    query "$1" -c "SELECT digest FROM mg.seal s JOIN mg.installation i USING (installation) ORDER BY i.at DESC, s.id DESC LIMIT 1" > "$work/head"
}

run_sql() { psql -X -q -d "$1" -o "$work/sql.out" -f "$2" "${@:3}"; }

# Restores DATABASE's dumps into $new by one of the ways; the dumps come from the server that runs `dump_all`.
dump_all() {
    pg_dump -f "$work/plain.sql" "$1" && pg_dump --inserts --rows-per-insert=3 -f "$work/inserts.sql" "$1" &&
        pg_dump --column-inserts --on-conflict-do-nothing -f "$work/columns.sql" "$1" &&
        pg_dump --clean --if-exists -f "$work/clean.sql" "$1" && pg_dump -Fc -f "$work/custom" "$1" &&
        pg_dump -Fd -j2 -f "$work/directory" "$1" && pg_dump -Ft -f "$work/tar" "$1" &&
        pg_dump --schema-only -f "$work/schema.sql" "$1" && pg_dump --data-only -f "$work/data.sql" "$1" &&
        pg_dump --data-only --disable-triggers -f "$work/disabled.sql" "$1"
}
restore_plain() { run_sql "$1" "$work/plain.sql"; }
restore_plain_1() { run_sql "$1" "$work/plain.sql" -1 -v ON_ERROR_STOP=1; }
restore_inserts() { run_sql "$1" "$work/inserts.sql"; }
restore_column_inserts_1() { run_sql "$1" "$work/columns.sql" -1 -v ON_ERROR_STOP=1; }
restore_clean_if_exists() { run_sql "$1" "$work/clean.sql"; }
restore_custom() { pg_restore -d "$1" "$work/custom"; }
restore_custom_1() { pg_restore -1 -d "$1" "$work/custom"; }
restore_custom_clean() { pg_restore --clean -d "$1" "$work/custom" 2>&1 | grep -vE 'does not exist|while PROCESSING TOC|from TOC entry|Command was: (DROP|ALTER TABLE)|errors ignored on restore'; }
restore_custom_clean_if_exists_1() { pg_restore --clean --if-exists -1 -d "$1" "$work/custom"; }
restore_directory_j2() { pg_restore -j2 -d "$1" "$work/directory"; }
restore_tar() { pg_restore -d "$1" "$work/tar"; }
restore_no_owner_no_privileges() { pg_restore --no-owner --no-privileges -d "$1" "$work/custom"; }
restore_schema_then_data() { run_sql "$1" "$work/schema.sql"; run_sql "$1" "$work/data.sql"; }
restore_schema_then_disabled() { run_sql "$1" "$work/schema.sql"; run_sql "$1" "$work/disabled.sql"; }
restore_schema_then_disabled_j2() {
    pg_restore --schema-only -d "$1" "$work/directory"
    pg_restore --data-only --disable-triggers -j2 -d "$1" "$work/directory"
}
restore_sections() {
    local section
    for section in pre-data data post-data; do
        pg_restore "--section=$section" -d "$1" "$work/directory"
    done
}
ways='plain plain_1 inserts column_inserts_1 clean_if_exists custom custom_1 custom_clean custom_clean_if_exists_1 directory_j2
      tar no_owner_no_privileges schema_then_data schema_then_disabled schema_then_disabled_j2 sections'

test/tools/server.sh start dump_preloaded "shared_preload_libraries = 'migration_governance'"
test/tools/server.sh start dump_bare
use dump_preloaded
query postgres -c 'CREATE ROLE owner LOGIN' -c 'CREATE DATABASE app'
fill app
keep app
dump_all app
result $? 'it is dumped in every format'

for server in dump_preloaded dump_bare; do
    use $server
    for way in $ways; do
        query postgres -c "CREATE DATABASE $way TEMPLATE template0"
        "restore_$way" "$way" > "$work/output" 2>&1
        check_restored "$server, $way" "$way" "$work/output"
    done
done

# A dump of what was restored, with two installations in it, is restored in its turn.
use dump_bare
keep custom
for way in plain directory_j2 schema_then_disabled; do
    rm -rf "$work/directory"
    dump_all custom
    query postgres -c "CREATE DATABASE again_$way TEMPLATE template0"
    "restore_$way" "again_$way" > "$work/output" 2>&1
    is "second generation, $way: restores without an error" "" "$(grep -E 'ERROR|WARNING|error:' "$work/output")"
    detail=$(diff "$work/records" <(restored_records "again_$way"))
    result $? "second generation, $way: every record is there as it was" "$(head -n 10 <<< "$detail")"
    is "second generation, $way: mg.history is the same" "" "$(diff "$work/history" <(query "again_$way" -c 'SELECT * FROM mg.history'))"
    is "second generation, $way: it verifies" "all ok" "$(query "again_$way" -c "$verified")"
    is "second generation, $way: the next migrations apply and roll back" "applied applied skipped rolled back" \
        "$(query "again_$way" -f "$work/again.sql" -c "SELECT status FROM mg_apply('0101_n', 'CREATE TABLE n (id int)', 'DROP TABLE n')" \
            -f "$work/again.sql" -c "SELECT status FROM mg_rollback()" | grep -vE '(NOTICE|LOCATION|DETAIL|WARNING):' | xargs)"
    is "second generation, $way: its first seal names the head of the restored chain" "$(cat "$work/head")" \
        "$(query "again_$way" -c "SELECT previous FROM mg.seal WHERE installation = (SELECT installation FROM mg.current) ORDER BY id LIMIT 1")"
    is "second generation, $way: three installations are known" "3" "$(query "again_$way" -c 'SELECT count(*) FROM mg.installation')"
    is "second generation, $way: it verifies after that" "all ok" "$(query "again_$way" -c "$verified")"
done

finish dump_preloaded dump_bare
