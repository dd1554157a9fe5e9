#!/usr/bin/env bash
# Takes a schema with something of every kind to other places: what mg_snapshot() and mg_fingerprint() say of it is the same after dump and
# restore, in whatever order it was built, and whoever asks in whatever session.
# shellcheck source=test/tap/lib/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/tap.sh"

# The parts of the schema as files.
mkdir "$work/parts"
awk -v directory="$work/parts" '/^-- part / { file = sprintf("%s/%02d_%s.sql", directory, n++, $3) } file { print > file }' test/tap/lib/rich_schema.sql
base=$(echo "$work"/parts/00_*)

# Builds the parts given in DATABASE, each in a session of its own.
build() {
    local database=$1 part output
    shift
    for part in "$@"; do
        output=$(query "$database" -v VERBOSITY=terse -f "$base" -f "$part")
        is "$database: builds $(basename "$part" .sql)" "" "$output"
    done
}

# Keeps the snapshot of DATABASE as a file.
snapshot() {
    query "$1" -c "SELECT mg_snapshot()" > "$work/$2.json"
    [ "$(head -c 1 "$work/$2.json")" = '{' ]
    result $? "$2: there is a snapshot" "$(head -n 5 "$work/$2.json")"
}

fingerprint() { query "$1" -c "SELECT mg_fingerprint()" "${@:2}" | grep -v '^LOCATION:'; }

# Prints the differences between two snapshots that were kept.
differences() { query postgres -v "before=$work/$1.json" -v "after=$work/$2.json" -f test/tap/lib/snapshot_differences.sql; }

# Everything that must hold of DATABASE, a copy of app.
check_copy() {
    local way=$1 database=$2
    snapshot "$database" "$way"
    is "$way: nothing in the snapshot is different" "" "$(differences app "$way" | head -n 60)"
    is "$way: the fingerprint is the same" "$wanted" "$(fingerprint "$database")"
}

test/tools/server.sh start roundtrip "wal_level = logical" "shared_preload_libraries = 'migration_governance'"
use roundtrip
query postgres -c 'CREATE DATABASE app TEMPLATE template0'
query app -c 'CREATE EXTENSION migration_governance'
parts=("$work"/parts/*.sql)
build app "${parts[@]:1}"
is "something lies in every catalog of the database, or it is said why not" "pg_largeobject_metadata" "$(query app << 'SQL'
WITH catalogs AS MATERIALIZED (
    SELECT attrelid FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
    WHERE attname = 'oid' AND relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared
)
SELECT string_agg(attrelid::regclass::text, ' ' ORDER BY attrelid::regclass::text COLLATE "C") FROM catalogs
WHERE query_to_xml(format('SELECT 1 FROM %s WHERE oid >= 16384 LIMIT 1', attrelid::regclass), true, true, '')::text = ''
SQL
)"
is "the schema is the starting point" "applied" "$(query app -c "SELECT status FROM mg_baseline('0000_everything')")"
is "from which nothing has drifted" "" "$(query app -c 'SELECT * FROM mg_drift_report()' | head -n 20)"
snapshot app app
is "no object is left out" "[]" "$(query app -c "SELECT mg_snapshot() #> '{about,unmodelled}'")"
is "no secret is in it" "" "$(grep -o '.\{20\}secret.\{20\}' "$work/app.json")"
wanted=$(fingerprint app)
like "there is a fingerprint" '^[0-9a-f]{64}$' "$wanted"

# Neither the session nor who asks makes a difference.
odd_settings='-c DateStyle=German -c IntervalStyle=sql_standard -c extra_float_digits=-7 -c quote_all_identifiers=on -c bytea_output=escape
    -c TimeZone=Asia/Kathmandu -c xmloption=document -c default_transaction_read_only=on -c work_mem=64kB -c enable_hashjoin=off -c enable_sort=off
    -c lc_messages=C -c lc_monetary=C.UTF-8 -c array_nulls=off -c row_security=off -c search_path=shop -c statement_timeout=0 -c jit=off'
is "settings make no difference to the fingerprint" "$wanted" "$(PGOPTIONS=$odd_settings fingerprint app)"
PGOPTIONS=$odd_settings snapshot app settings
is "nor to the snapshot" "" "$(differences app settings)"
is "search_path makes none" "$wanted" "$(query app -c "SET search_path = kinds, shop, \"odd, schema\", pg_catalog" -c 'SELECT mg_fingerprint()')"
is "client_encoding makes none" "$wanted" "$(PGCLIENTENCODING=LATIN1 fingerprint app)"
is "the owner of the database sees the same" "$wanted" "$(query app -c 'SET ROLE app_owner' -c 'SELECT mg_fingerprint()')"
is "a member of his sees the same" "$wanted" "$(query app -c 'SET ROLE app_admin' -c 'SELECT mg_fingerprint()')"
like "others see nothing" 'ERROR:  42501' "$(query app -c 'SET ROLE app_reader' -c 'SELECT mg_fingerprint()')"
like "of the snapshot neither" 'ERROR:  42501' "$(query app -c 'SET ROLE app_reader' -c 'SELECT mg_snapshot()')"
is "a read-only transaction reads the same" "$wanted" "$(query app -c 'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY' -c 'SELECT mg_fingerprint()' -c 'COMMIT')"
is "temporary objects are nobody's schema" "$wanted" \
    "$(query app -c 'CREATE TEMP TABLE t (id serial PRIMARY KEY)' -c 'CREATE TEMP VIEW v AS TABLE t' -c 'CREATE TYPE pg_temp.e AS ENUM ()' -c 'SELECT mg_fingerprint()')"

# What changes rows and files but not the schema.
query app -c 'VACUUM FULL' -c 'ANALYZE' > "$work/vacuum.out"
query app -o /dev/null -c 'REINDEX SCHEMA kinds' -c 'REFRESH MATERIALIZED VIEW shop.empty_summary' -c "SELECT setval('shop.descending', -7)" \
    -c "INSERT INTO kinds.published VALUES (1)" -c 'CLUSTER shop.customer' -c 'TRUNCATE kinds.published'
is "VACUUM FULL, REINDEX, CLUSTER, ANALYZE, REFRESH and data make no difference" "$wanted" "$(fingerprint app)"
is "nor does what is rolled back" "$wanted" \
    "$(query app -c 'BEGIN' -c 'ALTER TABLE shop.customer ADD COLUMN more int' -c 'DROP VIEW shop.joins' -c 'ROLLBACK' -c 'SELECT mg_fingerprint()')"
[ "$(query app -c 'BEGIN' -c 'ALTER TABLE shop.customer ADD COLUMN more int' -c 'SELECT mg_fingerprint()' -c 'ROLLBACK')" != "$wanted" ]
result $? "what the transaction itself has done does make one"

# In a restored database CREATE EXTENSION finds the database and its schemas before the dump grants on them.
others="WHERE object_type !~ '^database'"

# Another cluster: with the library preloaded or not.
# What the dumped ledger expects is the schema as it is.
query app -c "SELECT mg_accept_drift('made by hand')" > "$work/accept.out"
pg_dumpall --globals-only -f "$work/globals.sql"
pg_dump -C -f "$work/app.sql" app
pg_dump -C -s -f "$work/schema.sql" app
pg_dump -C -Fd -j2 -f "$work/directory" app
result $? 'it is dumped'
test/tools/server.sh start roundtrip_other "wal_level = logical" "max_prepared_transactions = 5"
use roundtrip_other
psql -X -q -d postgres -f "$work/globals.sql" > "$work/globals.out" 2>&1
is "the roles are restored" "" "$(grep -v 'role "postgres" already exists' "$work/globals.out")"
for way in "psql -X -q -d postgres -o $work/restore.out -f $work/app.sql" "psql -X -q -d postgres -o $work/restore.out -f $work/schema.sql" \
        "pg_restore -C -d postgres -j2 $work/directory"; do
    query postgres -c 'DROP DATABASE IF EXISTS app WITH (FORCE)' > "$work/drop.out"
    is "other cluster, ${way%% *} ${way##*/}: restores" "" "$($way 2>&1 | grep -E 'ERROR|error:' | head -n 10)"
    check_copy "${way##*/}" app
    [ "${way##*/}" = schema.sql ] ||
        is "${way##*/}: nothing has drifted from what its ledger says" "" "$(query app -c "SELECT * FROM mg_drift_report() $others" | head -n 20)"
    query app -c 'ALTER SUBSCRIPTION "Odd ""sub""" SET (slot_name = NONE)' -c 'DROP SUBSCRIPTION "Odd ""sub"""' -c 'DROP SUBSCRIPTION sub'
done

# A second restore, of what was restored.
use roundtrip
query postgres -c 'CREATE DATABASE again TEMPLATE template0'
is "another database: restores" "" "$(pg_restore -d again "$work/directory" 2>&1)"
snapshot again again
is "another database: differs only in what its own is" "database current database" "$(differences app again | cut -d , -f 1 | sort -u)"
pg_dump -Fc -f "$work/again" again
query postgres -c 'CREATE DATABASE again2 TEMPLATE template0'
pg_restore -d again2 "$work/again" > "$work/restore.out" 2>&1
is "another database: nothing has drifted from what its ledger says" "" "$(query again -c "SELECT * FROM mg_drift_report() $others" | head -n 20)"
is "another database: nor from the first one's snapshot" "" \
    "$(query again -c "SELECT * FROM mg_drift_report(pg_read_file('$work/app.json')::jsonb) $others" | head -n 20)"
is "second generation: the fingerprint is the same" "$(fingerprint again)" "$(fingerprint again2)"

# Built in the other order, by sessions with other settings, in a database that sorts otherwise.
query postgres -c "CREATE DATABASE reversed TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'tr' LOCALE 'C'" > "$work/create.out"
query reversed -c 'CREATE EXTENSION migration_governance'
mapfile -t reversed < <(printf '%s\n' "${parts[@]:1}" | tac)
PGOPTIONS='-c DateStyle=SQL,DMY -c IntervalStyle=iso_8601 -c quote_all_identifiers=on -c extra_float_digits=0 -c TimeZone=America/St_Johns' \
    build reversed "${reversed[@]}"
snapshot reversed reversed
# A dictionary's options keep the quotes that quote_all_identifiers gave them, in a dump too.
is "the other order makes no difference" "" "$(differences app reversed |
    grep -vE '^(database current database, (locale|locale provider|collate|ctype)|text search dictionary .*, options):')"

finish roundtrip roundtrip_other
