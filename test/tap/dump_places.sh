#!/usr/bin/env bash
# Takes the ledger to other places: dumps by the owner of the database, restores into a database that has a ledger of its
# own, other encodings, copies by template, and mg_export() with mg_import().
# shellcheck source=test/tap/lib/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/tap.sh"

# Runs psql on DATABASE and prints rows and messages plainly, without warnings that the tests do not ask about.
query() {
    local database=$1
    shift
    psql -X -A -t -q -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -d "$database" "$@" 2>&1 | grep -vE '(NOTICE|WARNING|LOCATION):' || true
}

# The records that began in database app.
records() {
    query "$1" -c "SELECT r FROM mg.record r WHERE kind <> 'seal' AND installation IN (SELECT installation FROM mg.installation WHERE database_name = 'app') ORDER BY id"
}

test/tools/server.sh start dump_places
use dump_places
query postgres -c 'CREATE ROLE owner LOGIN' -c 'CREATE ROLE other LOGIN' -c 'CREATE ROLE owner2 LOGIN' -c 'CREATE DATABASE app OWNER owner'
query app -c 'CREATE EXTENSION migration_governance'
cat > "$work/fill.sql" << 'SQL'
SELECT status FROM mg_apply('0001_a', 'CREATE TABLE a (id int PRIMARY KEY)', 'DROP TABLE a');
SELECT status FROM mg_apply('0002_b', 'CREATE TABLE b (id int PRIMARY KEY)', 'DROP TABLE b');
SELECT status FROM mg_rollback('0002_b', 'not wanted');
DO $$ BEGIN PERFORM mg_apply('0003_c', 'SELECT 1 / 0'); EXCEPTION WHEN division_by_zero THEN END $$;
CREATE TABLE by_hand (id int);
SQL
is "the owner of the database governs it" "applied applied rolled back" "$(query app -U owner -f "$work/fill.sql" | xargs)"

# The owner of the database, who is no superuser, makes the dump.
for format in plain custom directory; do
    output=$(pg_dump -U owner "--format=$format" -f "$work/$format" app 2>&1)
    result $? "the owner dumps in format $format" "$output"
done
output=$(pg_dump -U owner -Fd -j2 -f "$work/parallel" app 2>&1)
result $? "and with two jobs" "$output"
like "nobody else does" 'permission denied' "$(pg_dump -U other -f "$work/nothing" app 2>&1)"
query postgres -c 'CREATE DATABASE owned TEMPLATE template0'
is "a superuser restores it" "" "$(pg_restore -d owned "$work/custom" 2>&1)"
is "with every record" "$(records app)" "$(records owned)"
is "and it verifies" "all ok" "$(query owned -c "$verified")"

# Databases that have the extension, migrations and seals of their own.
begin_other() {
    query postgres -c "CREATE DATABASE $1 OWNER ${2:-postgres} TEMPLATE template0"
    query "$1" -c 'CREATE EXTENSION migration_governance' > /dev/null
    query "$1" -U "${2:-postgres}" -c "SELECT mg_apply('0501_own', 'CREATE TABLE own (id int)', 'DROP TABLE own')" -c 'SELECT mg_seal()' > /dev/null
}
begin_other early
query early -c 'CREATE TABLE by_hand (id int)'
sleep 1
query postgres -c 'CREATE DATABASE app2 TEMPLATE template0'
query app2 -c 'CREATE EXTENSION migration_governance' -f "$work/fill.sql" -c "SELECT mg_seal()" > /dev/null
pg_dump -Fc -T by_hand -f "$work/app2" app2
begin_other late
for database in early late; do
    head=$(query "$database" -c "SELECT digest FROM mg.seal ORDER BY id DESC LIMIT 1")
    is "a dump is restored into $database, a database that has a ledger" "" \
        "$(pg_restore -d "$database" "$work/app2" 2>&1 | grep -E 'ERROR|error:|WARNING')"
    is "$database: what it had and what came verify" "all ok" "$(query "$database" -c "$verified")"
    is "$database: both are in mg.history" "0001_a 0002_b 0501_own" "$(query "$database" -c 'SELECT migration_name FROM mg.history ORDER BY 1' | xargs)"
    is "$database: the next migration applies, what came is skipped" "applied skipped" \
        "$(query "$database" -c "SELECT status FROM mg_apply('0502_own', 'CREATE TABLE own2 (id int)', 'DROP TABLE own2')" \
            -c "SELECT status FROM mg_apply('0001_a', 'CREATE TABLE a (id int PRIMARY KEY)', 'DROP TABLE a')" | xargs)"
    is "$database: its own chain goes on" "1" "$(query "$database" -c "SELECT count(*) FROM mg.seal WHERE previous = '$head'")"
    is "$database: and verifies" "all ok" "$(query "$database" -c "$verified")"
    is "$database: what came is rolled back" "rolled back" "$(query "$database" -c "SELECT status FROM mg_rollback('0001_a')")"
    is "$database: and is rolled back then" "rolled back" "$(query "$database" -c "SELECT status FROM mg.status WHERE migration = '0001_a'")"
    is "$database: and all verifies" "all ok" "$(query "$database" -c "$verified")"
done

# A migration that changes what was restored: the ledger follows names, not numbers of another database.
query postgres -c 'CREATE DATABASE renamed TEMPLATE template0'
pg_restore -d renamed "$work/custom"
is "a restored table is renamed by a migration" "applied" \
    "$(query renamed -c "SELECT status FROM mg_apply('0100_r', 'ALTER TABLE a RENAME TO aa', 'ALTER TABLE aa RENAME TO a')")"
is "and all verifies" "all ok" "$(query renamed -c "$verified")"
is "a restored table is moved to another schema" "applied" \
    "$(query renamed -c "SELECT status FROM mg_apply('0101_s', 'CREATE SCHEMA s; ALTER TABLE aa SET SCHEMA s', 'ALTER TABLE s.aa SET SCHEMA public; DROP SCHEMA s')")"
is "and all verifies too" "all ok" "$(query renamed -c "$verified")"
is "all that is undone" "rolled back rolled back rolled back" \
    "$(query renamed -c "SELECT status FROM mg_rollback()" -c "SELECT status FROM mg_rollback()" -c "SELECT status FROM mg_rollback()" | xargs)"
is "and verifies at last" "all ok" "$(query renamed -c "$verified")"

# Encodings: hashes are of the text, not of its bytes here and there.
cat > "$work/latin.sql" << 'SQL'
SET client_encoding = 'UTF8';
SELECT status FROM mg_apply('0001_größe', E'-- Author: Zoë\n-- Größe: 5\n-- abcdef: ü\nCREATE TABLE "größe" ("maß" text DEFAULT ''é'')', 'DROP TABLE "größe"', 'SELECT ''ß'' AS "ä"');
SELECT status FROM mg_apply('0002_ä', 'CREATE TABLE "ä" (x int)', 'DROP TABLE "ä"');
DO $$ BEGIN PERFORM mg_apply('0003_c', 'SELECT "fehlt, ä"'); EXCEPTION WHEN OTHERS THEN END $$;
SQL
cat > "$work/latin_more.sql" << 'SQL'
SET client_encoding = 'UTF8';
CREATE TABLE "straße" (x int);
COMMENT ON TABLE "straße" IS 'ÄÖÜ';
SQL
query postgres -c "CREATE DATABASE latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0" \
    -c "CREATE DATABASE latin1_utf8 ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0" \
    -c "CREATE DATABASE latin1_utf8_latin9 ENCODING 'LATIN9' LOCALE 'C' TEMPLATE template0"
query latin1 -c 'CREATE EXTENSION migration_governance' -f "$work/latin.sql" -f "$work/latin_more.sql" > "$work/latin.out"
from=latin1
for database in latin1_utf8 latin1_utf8_latin9; do
    is "$from is dumped and restored as $database" "" "$(pg_dump -Fc "$from" | pg_restore -d "$database" 2>&1)"
    is "$database: it verifies" "all ok" "$(query "$database" -c "$verified")"
    is "$database: the same migrations are skipped" "skipped skipped" "$(query "$database" -f "$work/latin.sql" | xargs)"
    is "$database: mg.history is the same" "$(query $from -c 'SET client_encoding = UTF8' -c "SELECT migration_name, checksum, metadata FROM mg.history")" \
        "$(query "$database" -c 'SET client_encoding = UTF8' -c "SELECT migration_name, checksum, metadata FROM mg.history")"
    from=$database
done
is "rollback works there" "rolled back rolled back" "$(query $from -c 'SELECT status FROM mg_rollback()' -c 'SELECT status FROM mg_rollback()' | xargs)"
is "and it verifies" "all ok" "$(query $from -c "$verified")"
query postgres -c "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
query ascii -c 'CREATE EXTENSION migration_governance' -f "$work/latin.sql" > /dev/null
query postgres -c "CREATE DATABASE ascii_utf8 ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"
is "a SQL_ASCII database that holds UTF-8 is restored as UTF8" "" "$(pg_dump -Fc ascii | pg_restore -d ascii_utf8 2>&1)"
is "and verifies" "all ok" "$(query ascii_utf8 -c "$verified")"
is "and its migrations are skipped" "skipped skipped" "$(query ascii_utf8 -f "$work/latin.sql" | xargs)"

# Copies by template share an installation: they are told so.
query postgres -c 'CREATE DATABASE twin TEMPLATE app'
is "the original knows nothing of a copy" "t" "$(query app -c "SELECT ok FROM mg_status() WHERE aspect = 'installation'")"
is "mg_status() says that a database is a copy" "f" "$(query twin -c "SELECT ok FROM mg_status() WHERE aspect = 'installation'")"
like "and what that means" '[Cc]op(y|ied)' "$(query twin -c "SELECT hint FROM mg_status() WHERE aspect = 'installation'")"
is "a copy verifies" "all ok" "$(query twin -c "$verified")"
is "and goes on" "applied" "$(query twin -c "SELECT status FROM mg_apply('0600_t', 'CREATE TABLE t (id int)', 'DROP TABLE t')")"
is "and verifies then" "all ok" "$(query twin -c "$verified")"
query postgres -c 'ALTER DATABASE twin RENAME TO twin2'
is "a renamed database verifies" "all ok" "$(query twin2 -c "$verified")"

# mg_export and mg_import by owners who are not superusers.
begin_other target owner2
query app -U owner -c "SELECT mg_apply('0003_d', 'CREATE TABLE d3 (id int)', 'DROP TABLE d3')" -c 'SELECT mg_seal()' > /dev/null
psql -X -A -t -q -U owner -d app -c 'SELECT mg_export()' -o "$work/export.json"
result $? "the owner exports"
like "nobody else does" '42501' "$(query app -U other -c 'SELECT mg_export()')"
import() {
    local database=$1 user=$2 file=$3
    { printf "SELECT rows_taken FROM mg_import(\$export\$"; cat "$file"; printf "\$export\$);\n"; } > "$work/import.sql"
    query "$database" -U "$user" -f "$work/import.sql"
}
state() {
    query target -c "SELECT md5(string_agg(r::text, '|' ORDER BY installation, kind, id)) FROM mg.record r" -c "SELECT md5(string_agg(s::text, '|' ORDER BY installation, id)) FROM mg.seal s"
}
before=$(state)
like "nobody else imports" '42501' "$(import target other "$work/export.json")"

# Changes an export with a jsonb expression over `e`; the import of it must be refused and must take nothing.
tamper() {
    local what=$1 expression=$2 file=$work/tampered.json
    psql -X -A -t -q -d postgres -v ON_ERROR_STOP=1 -o "$file" \
        -c "CREATE TEMP TABLE export (e jsonb)" -c "\\copy export FROM '$work/export.copy'" -c "SELECT $expression FROM export"
    like "an export with $what is refused" 'MG302' "$(import target owner2 "$file")"
    is "and nothing of it is taken" "$before" "$(state)"
}
sed 's/\\/\\\\/g' "$work/export.json" > "$work/export.copy"
tamper "a changed statement" "jsonb_set(e, '{statement,0,statement}', '\"DROP TABLE a\"')"
tamper "a changed time" "jsonb_set(e, '{run,0,at}', '\"2020-01-01T00:00:00+00:00\"')"
tamper "a changed name of a person" "jsonb_set(e, '{run,0,login_role}', '\"somebody\"')"
tamper "a record left out" "e #- '{statement,0}'"
tamper "a script left out" "e #- '{script,0}'"
tamper "a run that did not fail" "jsonb_set(e, '{run,0,outcome}', '\"rolled back\"')"
tamper "a seal in the middle left out" "e #- '{seal,1}'"
tamper "another digest" "jsonb_set(e, '{seal,0,digest}', '\"$(printf '0%.0s' {1..64})\"')"
tamper "a changed text and a matching hash field of another row" "jsonb_set(jsonb_set(e, '{statement,0,statement}', '\"x\"'), '{statement,0,hash}', e #> '{statement,1,hash}')"
tamper "a seal without its installation" "jsonb_set(e, '{installation}', '[]')"
before=$(state)
like "what is no export is refused" '22023' "$(query target -U owner2 -c "SELECT mg_import('{\"format\": 2}')")"
like "an array too" '22023' "$(query target -U owner2 -c "SELECT mg_import('[]')")"
like "a string too" '22023' "$(query target -U owner2 -c "SELECT mg_import('\"x\"')")"
like "NULL too" '22004|22023' "$(query target -U owner2 -c "SELECT mg_import(NULL)")"
is "and nothing was taken" "$before" "$(state)"

total=$(psql -X -A -t -q -d app -c "SELECT (SELECT count(*) FROM mg.record WHERE kind <> 'seal') + (SELECT count(*) FROM mg.seal)")
is "the export is imported whole" "$total" "$(import target owner2 "$work/export.json")"
is "with every record" "$(records app)" "$(records target)"
is "and verifies" "all ok" "$(query target -U owner2 -c "SELECT coalesce(string_agg(concat_ws(' ', check_name, object, expected, actual), '; '), 'all ok')
    FROM mg_verify() WHERE NOT ok AND check_name ~ '^ledger'")"
is "a second time takes nothing" "0" "$(import target owner2 "$work/export.json")"
is "its own export gives it nothing either" "0" "$(psql -X -A -t -q -U owner2 -d target -c 'SELECT rows_taken FROM mg_import(mg_export())')"
is "imported rows cannot be changed" "55000" "$(query target -c 'UPDATE mg.run SET outcome = outcome' | grep -o 55000 | head -n 1)"
is "the next migration applies" "applied" "$(query target -U owner2 -c "SELECT status FROM mg_apply('0503_own', 'CREATE TABLE own3 (id int)', 'DROP TABLE own3')")"
query app -U owner -c "SELECT mg_apply('0004_d', 'CREATE TABLE d (id int)', 'DROP TABLE d')" > /dev/null
psql -X -A -t -q -U owner -d app -c 'SELECT mg_export()' -o "$work/export.json"
like "a later export of the same database adds what is new" '^[1-9][0-9]*$' "$(import target owner2 "$work/export.json")"
is "and verifies too" "$(records app)" "$(records target)"
is "with its seals" "all ok" "$(query target -U owner2 -c "SELECT coalesce(string_agg(concat_ws(' ', check_name, object, expected, actual), '; '), 'all ok')
    FROM mg_verify() WHERE NOT ok AND check_name ~ '^ledger'")"
query postgres -c 'CREATE DATABASE empty OWNER owner2 TEMPLATE template0'
query empty -c 'CREATE EXTENSION migration_governance'
psql -X -A -t -q -U owner2 -d target -c 'SELECT mg_export()' -o "$work/export.json"
total=$(psql -X -A -t -q -d target -c "SELECT (SELECT count(*) FROM mg.record WHERE kind <> 'seal') + (SELECT count(*) FROM mg.seal)")
is "an export with two installations goes into a new database" "$total" "$(import empty owner2 "$work/export.json")"
is "and its first seal names one of their heads" "t" "$(query empty -c 'SELECT mg_seal() IS NOT NULL' | tail -n 1)"
is "and all its seals fit" "all ok" "$(query empty -c "SELECT coalesce(string_agg(concat_ws(' ', check_name, object, expected, actual), '; '), 'all ok')
    FROM mg_verify() WHERE NOT ok AND check_name ~ '^ledger'")"

finish dump_places
