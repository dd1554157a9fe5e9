# What batches cost: mg_backfill() of a large table, and the same UPDATE as one statement. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

# One turn: updates a fresh copy of the table against the clock. backfill_turn ROUND one|batches
backfill_turn() {
    local start statement="UPDATE parcel SET n = n + 1"
    [ "$2" = one ] || statement="CALL mg_backfill('parcel', 'n = n + 1')"
    sql governed bench "SET client_min_messages = warning" "DROP TABLE IF EXISTS parcel" "CREATE TABLE parcel (id bigint PRIMARY KEY, n integer NOT NULL, code text NOT NULL)" \
        "INSERT INTO parcel SELECT i, 0, md5(i::text) FROM generate_series(1, ${MG_BACKFILL_ROWS:-1000000}) i"
    on governed psql -X -q -d bench -c "VACUUM ANALYZE parcel" -c "CHECKPOINT"
    start=$(date +%s%N)
    on governed psql -X -q -v ON_ERROR_STOP=1 -d bench -c "$statement" 2> "$work/backfill.err" || { cat "$work/backfill.err" >&2; return 1; }
    # The dead rows of one statement are left to autovacuum; mg_backfill() has taken its own away.
    [ "$2" = batches ] || note backfill "$1" bare $((($(date +%s%N) - start) / 1000000))
    [ "$2" = batches ] || on governed psql -X -q -d bench -c "VACUUM ANALYZE parcel"
    note backfill "$1" "$2" $((($(date +%s%N) - start) / 1000000))
    [ "$(sql governed bench "SELECT count(*) FROM parcel WHERE n = 1")" -eq "${MG_BACKFILL_ROWS:-1000000}" ]
}

bench_backfill() {
    local rounds=${MG_BACKFILL_ROUNDS:-5} round way
    "$server" start governed "fsync = on" "autovacuum = off" "max_wal_size = 8GB" "shared_buffers = 512MB" "shared_preload_libraries = 'migration_governance'"
    sql governed postgres "CREATE DATABASE bench"
    sql governed bench "CREATE EXTENSION migration_governance"
    for ((round = 1; round <= rounds; round++)); do
        say "backfill, round $round of $rounds"
        for way in $(rotate "$round" one batches); do backfill_turn "$round" "$way" || return; done
    done
    row "backfill: UPDATE of ${MG_BACKFILL_ROWS:-1000000} rows, with the VACUUM that it takes, $rounds rounds" ""
    row "  one statement, without that VACUUM" "$(median_of backfill bare | xargs printf '%.0f ms')" "$(median_of_pairs backfill batches / bare)"
    row "  one statement" "$(median_of backfill one | xargs printf '%.0f ms')"
    row "  mg_backfill" "$(median_of backfill batches | xargs printf '%.0f ms')" "$(median_of_pairs backfill batches / one)" "<= 1.5"
    "$server" stop governed
}
