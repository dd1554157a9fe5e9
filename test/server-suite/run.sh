#!/usr/bin/env bash
# Runs PostgreSQL's own regression and isolation tests on a server with this extension, and prints TAP.
#
#   run.sh full      all of both suites; needs two or three minutes
#   run.sh sample    a subset with every kind of DDL, below a minute; skipped where the tests can't be had
#
# Each test has to answer as on the plain server: like one of PostgreSQL's expected files or, where a newer server answers otherwise
# than an older package of tests expects, like the same server without the extension. What may differ beyond that is in
# explained/TEST.diff (or TEST.MAJOR.diff): the lines of the difference, after a comment that says why. Then the server's log must
# show no crash and no gap of the capture, ledger.py must find every statement of the log in the ledger, and mg_verify() must agree.
# The database that is left, the strangest there is, must have the same mg_snapshot() after dump and restore.
#
# PG_CONFIG says which server. MG_HOME, if set, is where servers live (see test/tools/server.sh); fetched files and the plain
# server's answers stay in MG_CACHE. MG_EXTENSION names another extension, to see what that one changes.
set -euo pipefail

mode=${1:?usage: run.sh full|sample}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
server=$root/test/tools/server.sh
extension=${MG_EXTENSION:-migration_governance}
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}")
export PG_CONFIG LANG=C.UTF-8
unset PGOPTIONS LC_ALL
major=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/..
pkglibdir=$("$PG_CONFIG" --pkglibdir)
if [ "$(id -u)" -eq 0 ]; then
    cache=${MG_CACHE:-/var/cache/migration_governance}/server-suite
else
    cache=${MG_CACHE:-$HOME/.cache/migration_governance}/server-suite
fi
out=$root/build/log/$major/server-suite
tests=0

# Prints the result of one test; further arguments are diagnostics.
report() {
    local result=$1 name=$2
    shift 2
    tests=$((tests + 1))
    echo "$result $tests - $name"
    [ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
}

finish() {
    echo "1..$tests"
    exit
}

# Without the tests there is nothing to compare: a failure only if all of them were asked for.
errors=$(mktemp)
if ! files=$("$here/source.sh" "$cache" 2> "$errors"); then
    reason=$(tail -n 1 "$errors")
    rm -f "$errors"
    [ "$mode" = sample ] || { report 'not ok' "fetching PostgreSQL's own tests" "$reason"; finish; }
    echo "ok 1 # SKIP PostgreSQL's own tests are not to be had here: $reason"
    echo 1..1
    exit
fi
rm -f "$errors"

if [ -z "${MG_HOME:-}" ]; then
    MG_HOME=$(mktemp -d /tmp/mg.XXXXXX)
    export MG_HOME
    trap '"$server" clean' EXIT
fi
work=$MG_HOME/server-suite-files
rm -rf "$out" "$work"
mkdir -p "$out" "$work"

# Prints a schedule with the tests of sample.SUITE that this major has, a line of that file being a parallel group.
sample_schedule() {
    awk 'NR == FNR { if (/^test:/) for (i = 2; i <= NF; i++) known[$i] = 1; next }
         !/^#/ { line = ""; for (i = 1; i <= NF; i++) if ($i in known) line = line " " $i; if (line != "") print "test:" line }' \
        "$files/$1/$2" "$here/sample.$1"
}

# Makes a directory in which SUITE can run, and its schedule.
lay_out() {
    local name=$1 suite=$2 schedule=$3 directory=$work/$1/$2 part
    mkdir -p "$directory"
    for part in sql specs expected data resultmap; do
        [ ! -e "$files/$suite/$part" ] || cp -r "$files/$suite/$part" "$directory"
    done
    if [ "$mode" = sample ]; then
        sample_schedule "$suite" "$schedule" > "$directory/schedule"
    else
        cp "$files/$suite/$schedule" "$directory/schedule"
    fi
}

# Lists the tests of a schedule.
tests_of() { sed -n 's/^test://p' "$1" | tr -s ' ' '\n' | sed '/^$/d'; }

# Runs SUITE on the server NAME with pg_regress or its likes in DIRECTORY. It fails where tests fail, which is judged later.
run_suite() {
    local name=$1 suite=$2 program=$3 directory=$work/$1/$2 bindir
    bindir=$MG_HOME/pg$("$PG_CONFIG" --bindir)
    shift 3
    if [ -d "$files/client" ]; then
        bindir=$files/client/usr/lib/postgresql/$major/bin
    fi
    "$server" run "$name" env -C "$directory" "$program" --bindir="$bindir" --inputdir=. --outputdir=. --schedule=./schedule \
        --host="$MG_HOME/$name" --port=5432 --user=postgres "$@" > "$work/$name/$suite.txt" 2>&1 || true
    if [ ! -d "$directory/results" ]; then
        report 'not ok' "$suite: running on $name" "$(tail -n 20 "$work/$name/$suite.txt")"
        finish
    fi
}

# Runs both suites on a new server NAME; further arguments go to pg_regress.
run_suites() {
    local name=$1
    shift
    lay_out "$name" regress parallel_schedule
    lay_out "$name" isolation isolation_schedule
    # Programs look for isolationtester in their own directory or the current one, and triggers.sql loads modules from --dlpath.
    cp "$pgxs/test/isolation/isolationtester" "$work/$name/isolation"
    mkdir "$work/$name/modules"
    cp "$files/regress.so" "$work/$name/modules"
    for module in refint autoinc; do
        [ ! -e "$pkglibdir/$module.so" ] || cp "$pkglibdir/$module.so" "$work/$name/modules"
    done
    [ "$(id -u)" -ne 0 ] || chown -R "${MG_USER:-postgres}" "$work"
    run_suite "$name" regress "$pgxs/test/regress/pg_regress" --dlpath="$work/$name/modules" --max-concurrent-tests=20 "$@"
    run_suite "$name" isolation "$pgxs/test/isolation/pg_isolation_regress" "$@"
}

# Starts a server with the suite's settings and further LINEs, its log going where `stop` does not remove it.
start() {
    local name=$1 lines
    shift
    mapfile -t lines < "$here/postgresql.conf"
    rm -rf "$MG_HOME/log/$name"
    "$server" start "$name" "${lines[@]}" "log_directory = '$MG_HOME/log/$name'" "$@"
}

# Runs the suites without the extension, once for each server version, and keeps the answers in $baseline.
run_baseline() {
    local name=server-suite-plain suite
    start "$name"
    run_suites "$name"
    "$server" stop "$name"
    rm -rf "$baseline.new"
    for suite in regress isolation; do
        mkdir -p "$baseline.new/$suite"
        cp "$work/$name/$suite/results/"*.out "$baseline.new/$suite"
    done
    rm -rf "$baseline"
    mv "$baseline.new" "$baseline"
}

# Finds among the acceptable answers the one that RESULT differs least from; leaves the difference in `difference`.
compare() {
    local result=$1 suite=$2 test=$3 candidate current first=1
    for candidate in "$files/$suite/expected/$test.out" "$files/$suite/expected/$test"_[0-9].out "${@:4}"; do
        [ -f "$candidate" ] || continue
        current=$(diff -U0 "$candidate" "$result" | sed 1,2d) || true
        if [ -z "$current" ]; then
            difference=
            return
        fi
        if [ "$first" -eq 1 ] || [ "${#current}" -lt "${#difference}" ]; then
            difference=$current first=0
        fi
    done
}

# Prints the lines of a difference without their places.
changed_lines() { grep '^[-+]' || true; }

# Judges every test of SUITE.
judge() {
    local suite=$1 test result difference explained plain odd=()
    for test in $(tests_of "$work/server-suite/$suite/schedule"); do
        plain=$baseline/$suite/$test.out
        compare "$plain" "$suite" "$test"
        [ -z "$difference" ] || odd+=("$test")
    done
    # More than a few would mean that the set-up is wrong, and a comparison with it worth nothing.
    result=ok
    [ "${#odd[@]}" -le 10 ] || result='not ok'
    report "$result" "$suite: the plain server answers as expected in all but ${#odd[@]} tests${odd[*]:+ (${odd[*]})}"

    for test in $(tests_of "$work/server-suite/$suite/schedule"); do
        result=$work/server-suite/$suite/results/$test.out
        explained=$here/explained/$test.diff
        [ ! -f "$here/explained/$test.$major.diff" ] || explained=$here/explained/$test.$major.diff
        if [ ! -f "$result" ]; then
            report 'not ok' "$suite: $test" 'it has not run'
            continue
        fi
        compare "$result" "$suite" "$test" "$baseline/$suite/$test.out"
        if [ -z "$difference" ]; then
            report ok "$suite: $test"
        elif [ -f "$explained" ] && [ "$(changed_lines <<< "$difference")" = "$(changed_lines < "$explained")" ]; then
            report ok "$suite: $test, with its explained difference"
        else
            report 'not ok' "$suite: $test" "$(head -n 60 <<< "$difference")"
            printf '=== %s\n%s\n' "$test" "$difference" >> "$out/$suite.diffs"
        fi
    done
}

# Checks that the server's log is free of LINES that match; what the regular expression is about is said in the name.
check_log() {
    local name=$1 pattern=$2 found
    found=$(grep -E -m 20 "$pattern" "$MG_HOME/log/server-suite/server.csv" "$MG_HOME/log/server-suite.log" || true)
    if [ -z "$found" ]; then
        report ok "server log: $name"
    else
        report 'not ok' "server log: $name" "$found"
    fi
}

# Compares the ledger of DATABASE with the server's log, and asks mg_verify() about it. That the tests leave broken objects behind is
# what they are for.
check_ledger() {
    local suite=$1 database=$2 found broken="'index', 'constraint', 'trigger', 'function', 'sequence'"
    "$server" psql server-suite -q -d "$database" -v ON_ERROR_STOP=1 -c "\\copy (SELECT id, nested, tag, object_type, identity,
        statement FROM mg.statements ORDER BY id) TO '$out/$suite.ledger.csv' (FORMAT csv, HEADER)" > /dev/null
    if found=$(python3 "$here/ledger.py" "$MG_HOME/log/server-suite/server.csv" "$database" "$out/$suite.ledger.csv" 2>&1); then
        report ok "$suite: the ledger has the statements of the server log" "$found"
    else
        report 'not ok' "$suite: the ledger has the statements of the server log" "$found"
    fi
    if found=$("$server" psql server-suite -q -A -t -d "$database" -v ON_ERROR_STOP=1 \
            -c "SELECT * FROM mg_verify() WHERE ok IS NOT TRUE AND check_name NOT IN ($broken)" 2>&1) && [ -z "$found" ]; then
        report ok "$suite: mg_verify() finds nothing wrong"
    else
        report 'not ok' "$suite: mg_verify() finds nothing wrong" "$found"
    fi
}

# Dumps and restores the schema of DATABASE and compares what mg_snapshot() tells of both; roundtrip.explained has what pg_dump does
# not bring back: patterns for lines of difference, each after a comment that says why.
check_round_trip() {
    local suite=$1 database=$2 found restored=$2_restored
    if ! found=$("$server" run server-suite bash -c "
            cd '$work' && createdb -T template0 '$restored' && pg_dump -s -Fc -f dump '$database' &&
            { pg_restore -d '$restored' dump 2> restore.txt || true; } &&
            for name in '$database' '$restored'; do
                psql -X -q -A -t -v ON_ERROR_STOP=1 -d \$name -o \$name.json -c 'SELECT mg_snapshot()' || exit
            done" 2>&1); then
        report 'not ok' "$suite: a snapshot, a dump, and a snapshot of what was restored" "$found"
        return
    fi
    cp "$work/restore.txt" "$out/$suite.restore.txt"
    "$server" psql server-suite -q -A -t -v "before=$work/$database.json" -v "after=$work/$restored.json" \
        -f "$root/test/tap/lib/snapshot_differences.sql" > "$out/$suite.roundtrip" 2>&1 || true
    found=$(grep -vE -f <(grep -vE '^(#|$)' "$here/roundtrip.explained") "$out/$suite.roundtrip" || true)
    if [ -z "$found" ]; then
        report ok "$suite: a restored dump has the same snapshot, but for $(wc -l < "$out/$suite.roundtrip") explained lines"
    else
        report 'not ok' "$suite: a restored dump has the same snapshot" "$(head -n 60 <<< "$found")"
    fi
}

# The plain server's answers hold for these settings and these lists of tests only.
baseline=$files/baseline-$mode-$(cat "$here/postgresql.conf" "$here"/sample.* | cksum | cut -d ' ' -f 1)
start server-suite "shared_preload_libraries = '$extension'" > "$out/start.txt" 2>&1 || {
    report 'not ok' "starting a server with $extension preloaded" "$(tail -n 20 "$out/start.txt")"
    finish
}
[ -d "$baseline" ] || run_baseline
# pg_regress makes its databases from template0 and creates the extension itself; those that tests make come from template1.
if ! found=$("$server" psql server-suite -q -d template1 -v ON_ERROR_STOP=1 -c "CREATE EXTENSION $extension" 2>&1); then
    report 'not ok' "creating $extension in template1" "$found"
    finish
fi
run_suites server-suite --load-extension="$extension"
cp -r "$work/server-suite/"*.txt "$out"
judge regress
judge isolation
check_log 'no crash' 'PANIC|TRAP:|terminated by signal'
if [ "$extension" = migration_governance ]; then
    check_log 'the capture left no gap' 'migration_governance: could not record'
    check_ledger regress regression
    check_round_trip regress regression
    check_ledger isolation isolation_regression
fi
"$server" stop server-suite
finish
