# What the extension costs statements that are not DDL: nothing. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

# Notes the transactions per second of one run of pgbench.
dml_once() {
    sql "$2" bench "VACUUM pgbench_branches, pgbench_tellers" "TRUNCATE pgbench_history" "CHECKPOINT"
    note dml "$1" "$2" "$(on "$2" pgbench -n -c 2 -j 1 -T "${MG_DML_SECONDS:-10}" bench 2> "$work/pgbench.err" | sed -n 's/^tps = \([0-9.]*\) .*/\1/p')"
}

bench_dml() {
    local rounds=${MG_DML_ROUNDS:-10} round name common=("autovacuum = off" "max_wal_size = 8GB" "shared_buffers = 512MB")
    "$server" start bare "${common[@]}"
    "$server" start governed "${common[@]}" "shared_preload_libraries = 'migration_governance'"
    for name in bare governed; do
        sql "$name" postgres "CREATE DATABASE bench"
    done
    sql governed bench "CREATE EXTENSION migration_governance"
    for name in bare governed; do
        on "$name" pgbench -q -i -s 10 bench > "$work/pgbench.err" 2>&1
    done
    for ((round = 1; round <= rounds; round++)); do
        say "dml, round $round of $rounds"
        for name in $(rotate "$round" bare governed); do
            dml_once "$round" "$name"
        done
    done
    row "dml: pgbench, scale 10, 2 clients, ${MG_DML_SECONDS:-10} s, $rounds pairs" ""
    row "  bare server" "$(median_of dml bare | xargs printf '%.0f/s')"
    row "  migration_governance" "$(median_of dml governed | xargs printf '%.0f/s')" "$(median_of_pairs dml governed / bare)" "0.98..1.02"
    "$server" stop bare
    "$server" stop governed
}
