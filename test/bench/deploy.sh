# What deployments take and what they do to others: CREATE INDEX CONCURRENTLY through mg_deploy() and through psql, and five changes of a table
# of 1,000,000 rows under pgbench, as a deployment and as plain SQL in one transaction. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

deploy_rows=1000000

# Builds and drops the index WHO's way, against the clock.
deploy_index_turn() {
    local round=$1 who=$2
    if [ "$who" = psql ]; then
        printf '%s\n' '\timing on' "CREATE INDEX CONCURRENTLY measured ON indexed (v);" '\timing off' "DROP INDEX measured;" > "$work/index.sql"
    else
        printf '%s\n' "SELECT mg_register('index_$round', 'CREATE INDEX CONCURRENTLY measured ON indexed (v)', 'DROP INDEX measured') \\g /dev/null" \
            '\timing on' "CALL mg_deploy('index_$round');" '\timing off' "SELECT mg_rollback('index_$round') \\g /dev/null" > "$work/index.sql"
    fi
    on deploy psql -X -q -A -t -v ON_ERROR_STOP=1 -d index -f "$work/index.sql" > "$work/index.out" 2>&1 || { cat "$work/index.out" >&2; return 1; }
    note deploy_index "$round" "$who" "$(sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$work/index.out")"
}

# The five changes, each form with the same result.
deploy_plain() {
    cat <<'SQL'
BEGIN;
CREATE INDEX pgbench_accounts_abalance ON pgbench_accounts (abalance);
ALTER TABLE pgbench_accounts ADD COLUMN copied int;
UPDATE pgbench_accounts SET copied = abalance WHERE copied IS NULL;
ALTER TABLE pgbench_accounts ALTER COLUMN bid SET NOT NULL;
ALTER TABLE pgbench_accounts ADD CONSTRAINT accounts_branch FOREIGN KEY (bid) REFERENCES pgbench_branches;
ALTER TABLE pgbench_accounts DROP COLUMN filler;
COMMIT;
SQL
}
deploy_steps() {
    cat <<'SQL'
SELECT mg_register('five_changes', $up$
CREATE INDEX CONCURRENTLY pgbench_accounts_abalance ON pgbench_accounts (abalance);
ALTER TABLE pgbench_accounts ADD COLUMN copied int;
ALTER TABLE pgbench_accounts ADD CONSTRAINT bid_there CHECK (bid IS NOT NULL) NOT VALID;
-- mg:backfill
UPDATE pgbench_accounts SET copied = abalance WHERE copied IS NULL;
BEGIN;
ALTER TABLE pgbench_accounts VALIDATE CONSTRAINT bid_there;
COMMIT;
BEGIN;
ALTER TABLE pgbench_accounts ALTER COLUMN bid SET NOT NULL;
ALTER TABLE pgbench_accounts DROP CONSTRAINT bid_there;
ALTER TABLE pgbench_accounts ADD CONSTRAINT accounts_branch FOREIGN KEY (bid) REFERENCES pgbench_branches NOT VALID;
COMMIT;
BEGIN;
ALTER TABLE pgbench_accounts VALIDATE CONSTRAINT accounts_branch;
COMMIT;
BEGIN;
ALTER TABLE pgbench_accounts DROP COLUMN filler;
COMMIT;
$up$) \g /dev/null
CALL mg_deploy('five_changes');
SQL
}

# Prints the latency in ms below which 99 of 100 transactions of the logs were, of those that were due between two times in seconds.
deploy_p99() {
    cat "$1".* | awk -v from="$2" -v to="$3" '{ at = $5 + $6 / 1e6 - $3 / 1e6; if (at >= from && at <= to && $3 ~ /^[0-9]+$/) print $3 / 1000 }' | sort -g |
        awk '{ v[NR] = $1 } END { i = int(NR * 0.99); if (i < 1) i = 1; if (NR) print v[i] }'
}

# One turn under load: WHO is plain or deploy.
deploy_load_turn() {
    local round=$1 who=$2 begun ended half log=$work/load.$1.$2 load
    fresh deploy load base
    on deploy pgbench -n -N -M prepared -c 4 -T 12 load > "$work/most.out" 2>&1
    half=$(awk '/^tps/ { printf "%d", $3 / 2 }' "$work/most.out")
    sql deploy load CHECKPOINT
    on deploy pgbench -n -N -M prepared -c 4 -R "$half" -T 900 -l --log-prefix="$log" load > "$log.out" 2>&1 &
    load=$!
    sleep 22
    begun=$(date +%s.%N)
    if [ "$who" = plain ]; then deploy_plain; else deploy_steps; fi | on deploy psql -X -q -v ON_ERROR_STOP=1 -d load > "$log.changes" 2>&1 ||
        { tail -n 5 "$log.changes" >&2; pkill -TERM -f "log-prefix=$log"; return 1; }
    ended=$(date +%s.%N)
    sleep 2
    # A shell's background jobs do not hear of SIGINT.
    pkill -TERM -f "log-prefix=$log" 2> /dev/null || true
    wait "$load" 2> /dev/null || true
    note deploy_seconds "$round" "$who" "$(awk -v a="$begun" -v b="$ended" 'BEGIN { printf "%.3f", b - a }')"
    note deploy_before "$round" "$who" "$(deploy_p99 "$log" "$(awk -v a="$begun" 'BEGIN { printf "%.3f", a - 20 }')" "$begun")"
    note deploy_during "$round" "$who" "$(deploy_p99 "$log" "$begun" "$ended")"
    note deploy_failed "$round" "$who" "$(grep -ciE 'error|aborted' "$log.out" || true)"
    note deploy_rate "$round" "$who" "$half"
    rm -f "$log".*
}

# Makes 2 GB of WAL segments that checkpoints use again, as on a server that has been running: each new one stops all writers while it is filled.
deploy_segments() {
    local i
    for ((i = 0; i < 128; i++)); do echo "SELECT pg_logical_emit_message(false, 'bench', 'x') \\g /dev/null"; echo "SELECT pg_switch_wal() \\g /dev/null"; done |
        on deploy psql -X -q -v ON_ERROR_STOP=1
    sql deploy postgres CHECKPOINT
}

bench_deploy() {
    local rounds=${MG_DEPLOY_ROUNDS:-5} loads=${MG_DEPLOY_LOADS:-3} round who
    "$server" start deploy "fsync = on" "shared_preload_libraries = 'migration_governance'" "max_worker_processes = 16" "shared_buffers = 512MB" \
        "max_wal_size = 4GB" "min_wal_size = 2GB" "autovacuum = off" "log_checkpoints = off"
    sql deploy postgres "CREATE DATABASE index" "CREATE DATABASE base"
    sql deploy index "CREATE EXTENSION migration_governance" "CREATE TABLE indexed (id int PRIMARY KEY, v int)" \
        "INSERT INTO indexed SELECT g, (g::bigint * 7919) % 1000003 FROM generate_series(1, $deploy_rows) g" "VACUUM ANALYZE indexed" CHECKPOINT
    for ((round = 0; round < rounds; round++)); do
        say "deploy, index, round $((round + 1)) of $rounds"
        for who in $(rotate "$round" psql mg_deploy); do deploy_index_turn "$round" "$who" || return; done
    done
    row "deploy: ms for CREATE INDEX CONCURRENTLY on $deploy_rows rows" ""
    row "  psql" "$(median_of deploy_index psql | xargs printf '%.0f ms')"
    row "  mg_deploy()" "$(median_of deploy_index mg_deploy | xargs printf '%.0f ms')" "$(median_of_pairs deploy_index mg_deploy / psql)" "<= 1.1"

    [ "$loads" -gt 0 ] || { "$server" stop deploy; return; }
    on deploy pgbench -i -q -s 10 base > /dev/null 2>&1
    sql deploy base "CREATE EXTENSION migration_governance"
    deploy_segments
    for ((round = 0; round < loads; round++)); do
        say "deploy, load, round $((round + 1)) of $loads"
        for who in $(rotate "$round" plain deploy); do deploy_load_turn "$round" "$who" || return; done
    done
    row "deploy: five changes of $deploy_rows rows under pgbench at $(median_of deploy_rate deploy) a second" ""
    row "  latency at the 99th percentile before" "$(median_of deploy_before deploy | xargs printf '%.1f ms')"
    row "    during plain SQL in one transaction" "$(median_of deploy_during plain | xargs printf '%.1f ms')" "$(paste <(values deploy_during plain) <(values deploy_before plain) | awk '{ print $1 / $2 }' | median)"
    row "    during the deployment" "$(median_of deploy_during deploy | xargs printf '%.1f ms')" "$(paste <(values deploy_during deploy) <(values deploy_before deploy) | awk '{ print $1 / $2 }' | median)" "<= 2"
    row "  failed transactions, plain SQL" "$(values deploy_failed plain | awk '{ n += $1 } END { print n + 0 }')"
    row "  failed transactions, deployment" "$(values deploy_failed deploy | awk '{ n += $1 } END { print n + 0 }')" "$(values deploy_failed deploy | awk '{ n += $1 } END { print n + 0 }')" "<= 0"
    row "  plain SQL in one transaction" "$(median_of deploy_seconds plain | xargs printf '%.1f s')"
    row "  deployment" "$(median_of deploy_seconds deploy | xargs printf '%.1f s')" "$(median_of_pairs deploy_seconds deploy / plain)" "<= 3"
    "$server" stop deploy
}
