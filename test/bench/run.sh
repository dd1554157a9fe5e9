#!/usr/bin/env bash
# Prints what the extension costs, side by side with a bare server and with what people use today: run.sh [capture|apply|gates|deploy|dml|schema|lint|backfill|archive|all]
#
#   capture  CPU of the backend for each DDL statement: bare server, this extension, pgAudit, an event trigger in plpgsql
#   apply    500 small migrations: mg_apply, psql, dbmate, node-pg-migrate, graphile-migrate, Sqitch
#   gates    mg_apply with no gate asked for, and with all of them
#   deploy   CREATE INDEX CONCURRENTLY through mg_deploy and through psql; five changes of a large table under pgbench, deployed and as plain SQL
#   dml      pgbench with and without the extension
#   schema   snapshots, reports of drift and mg_apply among 1,000 and 10,000 tables, beside pg_dump -s; memory of the backend
#   lint     10,000 statements in a database with 1,000 tables: mg_lint, squawk; memory of the backend
#   backfill mg_backfill of 1,000,000 rows, beside the same UPDATE as one statement
#   archive  dropping a table of 1,000,000 rows and a column of it, with and without keeping them; migrations that destroy nothing
#
# Every figure is a median of rounds; competitors take turns, and who begins changes. A ratio is the median of the rounds' ratios. Ends
# with 1 if a figure misses its bound. All servers are throw-away; what is not installed is said to be skipped. All takes about 25 minutes.
#
#   MG_CAPTURE_ROUNDS (11), MG_APPLY_ROUNDS (7), MG_DML_ROUNDS (10), MG_DML_SECONDS (10),
#   MG_SCHEMA_ROUNDS (7), MG_SCHEMA_TABLES ("1000 10000"), MG_LINT_ROUNDS (7), MG_GATES_ROUNDS (5), MG_DEPLOY_ROUNDS (5), MG_DEPLOY_LOADS (3),
#   MG_BACKFILL_ROUNDS (5), MG_BACKFILL_ROWS (1000000), MG_ARCHIVE_ROUNDS (7), MG_ARCHIVE_IDLE_ROUNDS (30), MG_ARCHIVE_ROWS (1000000)
#   MG_CACHE (build/bench)  where the npm packages are kept
#   MG_BENCH_RAW            a directory to keep each round's figures in
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
server=$root/test/tools/server.sh
cache=${MG_CACHE:-$root/build/bench}
unset PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS MAKEFLAGS MAKELEVEL
export LC_ALL=C.UTF-8

MG_HOME=
work=$(mktemp -d /tmp/mg-bench.XXXXXX)
raw=${MG_BENCH_RAW:-$work/raw}
sessions=()
aside=0
trap 'kill "${sessions[@]}" 2> /dev/null || true; leave_home; rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$raw" "$cache"
rm -f "$raw"/*.tsv
: > "$work/table"

say() { echo "bench: $*" >&2; }

# Runs a client on a server: on NAME COMMAND...
on() {
    local name=$1
    shift
    PGHOST=$MG_HOME/$name PGPORT=5432 PGUSER=postgres PGDATABASE=postgres "$@"
}

# Runs SQL on a server: sql NAME DATABASE STATEMENT...
sql() {
    local name=$1 database=$2 arguments=() statement
    shift 2
    for statement in "$@"; do arguments+=(-c "$statement"); done
    on "$name" psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" "${arguments[@]}"
}

# Makes DATABASE anew as a copy of BASE, with nothing left to write: fresh NAME DATABASE BASE
# The one before is put aside: for minutes after files were deleted, ext4 without a journal makes new ones slowly.
fresh() {
    if [ "$(sql "$1" postgres "SELECT count(*) FROM pg_database WHERE datname = '$2'")" = 1 ]; then
        sql "$1" postgres "ALTER DATABASE $2 RENAME TO $2_$((aside += 1))"
    fi
    sql "$1" postgres "CREATE DATABASE $2 TEMPLATE $3" "CHECKPOINT"
}

# Prints the rest of its arguments, beginning with another one each round: rotate ROUND ITEM...
rotate() {
    local items=("${@:2}") i
    for i in "${!items[@]}"; do echo "${items[($1 + i) % ($# - 1)]}"; done
}

# Figures are kept as lines "ROUND WHO VALUE" in $raw/NAME.tsv.
note() { printf '%s\t%s\t%s\n' "$2" "$3" "$4" >> "$raw/$1.tsv"; }
values() { awk -v who="$2" '$2 == who { print $3 }' "$raw/$1.tsv"; }
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
median_of() { values "$1" "$2" | median; }
# Prints the median of A/B or, with a minus, of A-B, round by round: median_of_pairs NAME A / B
median_of_pairs() {
    paste <(values "$1" "$2") <(values "$1" "$4") | awk -v op="$3" '{ print op == "/" ? $1 / $2 : $1 - $2 }' | median
}

# Prints the seconds of CPU that a server has used, its ended processes included.
server_cpu() {
    local postmaster
    postmaster=$(head -n 1 "$MG_HOME/$1/data/postmaster.pid")
    { echo "$postmaster"; pgrep -P "$postmaster"; } | sed 's,.*,/proc/&/stat,' | xargs cat 2> /dev/null |
        awk -v postmaster="$postmaster" -v hertz="$(getconf CLK_TCK)" \
            '{ ticks += $14 + $15 + ($1 == postmaster ? $16 + $17 : 0) } END { print ticks / hertz }'
}

# Adds a line to the table: row FIGURE VALUE [RATIO [BOUND]], a bound being "<= 1.15", "< 1" or "0.98..1.02".
row() {
    local result=''
    if [ -n "${4:-}" ]; then
        result=$(awk -v ratio="$3" -v bound="$4" 'BEGIN {
            if (split(bound, b, /\.\./) == 2) ok = ratio >= b[1] && ratio <= b[2]
            else { split(bound, b, " "); ok = b[1] == "<" ? ratio < b[2] : ratio <= b[2] }
            print ok ? "pass" : "FAIL" }')
    fi
    printf '%s|%s|%s|%s|%s\n' "$1" "$2" "$([ -z "${3:-}" ] || printf '%.3f' "$3")" "${4:-}" "$result" >> "$work/table"
}

print_table() {
    printf '\nPostgreSQL %s, %s cores; medians of interleaved rounds, ratios round by round\n' "$version" "$(nproc)"
    awk -F'|' '{ sub(/ +$/, "", $0); line = sprintf("%-52s %-30s %6s  %-10s  %s", $1, $2, $3, $4, $5); sub(/ +$/, "", line); print line }' \
        <(echo 'figure|value|ratio|bound|result') "$work/table"
}

# Prints a directory in memory that has room and may hold programs, or nothing: a disk's noise is larger than what is measured.
memory_directory() {
    local probe
    [ "$(df --output=avail /dev/shm 2> /dev/null | tail -n 1)" -gt 4000000 ] || return 0
    probe=$(mktemp -p /dev/shm) && printf '#!/bin/sh\n' > "$probe" && chmod 755 "$probe"
    ! "$probe" 2> /dev/null || echo /dev/shm
    rm -f "$probe"
}

# Makes a place for servers below DIRECTORY, with the extension as it is now.
enter_home() {
    MG_HOME=$(mktemp -d "$1/mg.XXXXXX")
    export MG_HOME
    "$server" prepare
    PATH=$MG_HOME/pg$("$PG_CONFIG" --bindir):$system_path
}

leave_home() {
    [ ! -d "$MG_HOME" ] || "$server" clean
    MG_HOME=
}

# shellcheck source=test/bench/capture.sh
. "$here/capture.sh"
# shellcheck source=test/bench/apply.sh
. "$here/apply.sh"
# shellcheck source=test/bench/dml.sh
. "$here/dml.sh"
# shellcheck source=test/bench/schema.sh
. "$here/schema.sh"
# shellcheck source=test/bench/lint.sh
. "$here/lint.sh"
# shellcheck source=test/bench/gates.sh
. "$here/gates.sh"
# shellcheck source=test/bench/deploy.sh
. "$here/deploy.sh"
# shellcheck source=test/bench/backfill.sh
. "$here/backfill.sh"
# shellcheck source=test/bench/archive.sh
. "$here/archive.sh"

PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}")
export PG_CONFIG
version=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([^ ]+).*/\1/')
system_path=$PATH

case ${1:-all} in
    capture | apply | gates | deploy | dml | schema | lint | backfill | archive) figures=("$1") ;;
    all) figures=(capture apply gates deploy dml schema lint backfill archive) ;;
    *) echo "usage: run.sh [capture|apply|gates|deploy|dml|schema|lint|backfill|archive|all]" >&2; exit 2 ;;
esac
for figure in "${figures[@]}"; do
    say "$figure: building"
    directory=$(memory_directory)
    # Applying migrations, and committing batches, is also waiting for the disk.
    [[ $figure != @(apply|backfill) ]] || directory=/tmp
    enter_home "${directory:-/tmp}"
    "bench_$figure"
    leave_home
done
print_table
! grep -q '|FAIL$' "$work/table"
