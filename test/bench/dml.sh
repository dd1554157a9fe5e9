# What the extension costs statements that are not DDL: nothing. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

# Notes the transactions per second of one run of pgbench, of wall time and of the server's CPU.
dml_once() {
    local cpu transactions
    cpu=$(server_cpu "$2")
    on "$2" pgbench -n -c 2 -j 1 -T "${MG_DML_SECONDS:-10}" bench > "$work/pgbench.$2" 2>&1
    transactions=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$work/pgbench.$2")
    note dml "$1" "$2" "$(sed -n 's/^tps = \([0-9.]*\) .*/\1/p' "$work/pgbench.$2")"
    note dml_cpu "$1" "$2" "$(echo "$cpu $(server_cpu "$2")" | awk -v n="$transactions" '{ print n / ($2 - $1) }')"
}

bench_dml() {
    local rounds=${MG_DML_ROUNDS:-10} round name pids common=("autovacuum = off" "max_wal_size = 8GB" "shared_buffers = 512MB")
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
        for name in bare governed; do
            sql "$name" bench "VACUUM pgbench_branches, pgbench_tellers" "TRUNCATE pgbench_history" "CHECKPOINT"
        done
        # Both at the same time, because on a noisy machine nothing else repeats within 2 %.
        pids=()
        for name in $(rotate "$round" bare governed); do
            dml_once "$round" "$name" &
            pids+=($!)
        done
        wait "${pids[0]}" && wait "${pids[1]}"
    done
    row "dml: pgbench, scale 10, 2 clients, ${MG_DML_SECONDS:-10} s, $rounds pairs at once" ""
    row "  bare server, transactions a second" "$(median_of dml bare | xargs printf '%.0f')"
    row "  migration_governance" "$(median_of dml governed | xargs printf '%.0f')" "$(median_of_pairs dml governed / bare)" "0.98..1.02"
    row "  bare server, transactions a second of CPU" "$(median_of dml_cpu bare | xargs printf '%.0f')"
    row "  migration_governance" "$(median_of dml_cpu governed | xargs printf '%.0f')" "$(median_of_pairs dml_cpu governed / bare)" "0.98..1.02"
    "$server" stop bare
    "$server" stop governed
}
