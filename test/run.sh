#!/usr/bin/env bash
# Runs the suites on the PostgreSQL of PG_CONFIG, on throw-away servers, and ends with "N passed, N failed".
#
# A suite is a directory below test/ and a run_* function here, or just a directory with an executable run.sh that prints TAP.
# MG_SUITES names the suites to run ("regress pgtap"), MG_WITHOUT those to leave out, MG_TIMEOUT the seconds one program may take.
# test/SUITE/postgresql.conf, where there is one, is added to the configuration of that suite's server.
# Whole outputs stay in build/log/MAJOR.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}")
export PG_CONFIG LANG=C.UTF-8
unset LC_ALL LANGUAGE MAKEFLAGS MAKELEVEL MFLAGS PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS

server=test/tools/server.sh
# The last three need no server and run beside those from `drift` on: other majors, which share the machine, may be done by then.
all_suites="boundary sweep regress isolation pgtap tap drift real rehearse locks sarif server-suite house unit fuzz"
limit=${MG_TIMEOUT:-900}
version=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([^ ]+).*/\1/')
major=${version%%[!0-9]*}
pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/..
log=$root/build/log/$major
export MG_HOME
MG_HOME=$(mktemp -d /tmp/mg.XXXXXX)
tree=$MG_HOME/tree
trap '"$root/$server" clean' EXIT
rm -rf "$log"
mkdir -p "$log"

total_passed=0 total_failed=0

# Runs a command with the time limit, its output going to FILE; sets `status`.
limited() {
    local file=$1
    shift
    status=0
    timeout --kill-after=15 "$limit" "$@" > "$file" 2>&1 < /dev/null || status=$?
}

# Counts the TAP in FILE (with `status`) for the suite and keeps what failed.
count() {
    local name=$1 file=$2 result
    result=$(awk -v status="$status" -v limit="$limit" -v name="$name" -f test/tools/tap.awk "$file")
    read -r p f s <<< "${result%%$'\n'*}"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [[ $result == *$'\n'* ]]; then
        failures+=${result#*$'\n'}$'\n'
    fi
}

# A server that crashed fails the suite, whatever its tests said. Tests in tap/ and rehearse/ may kill a server (signal 9) on purpose.
count_crashes() {
    local suite=$1 pattern='PANIC: |TRAP: |terminated by signal' found
    [[ $suite != tap && $suite != rehearse ]] || pattern='PANIC: |TRAP: |terminated by signal ([1-8]|[1-9][0-9])\b'
    mkdir -p "$log/$suite-servers"
    find "$MG_HOME" -path '*/log/*' -name '*.log' -exec mv --backup=numbered -t "$log/$suite-servers" {} + 2> /dev/null || true
    found=$(grep -rhE -A 3 "$pattern" "$log/$suite-servers" | head -n 20 || true)
    if [ -n "$found" ]; then
        failed=$((failed + 1))
        failures+="$suite: the server crashed"$'\n'"$found"$'\n'
    fi
}

# Starts the suite's own server, which is called like the suite.
serve() {
    local lines=()
    if [ -f "test/$1/postgresql.conf" ]; then
        mapfile -t lines < "test/$1/postgresql.conf"
    fi
    "$server" start "$1" "${lines[@]}"
}

# Runs a command in the copy of the tree, as the user of NAME's server, with the time limit.
limited_on() {
    local file=$1 name=$2
    shift 2
    limited "$file" "$server" run "$name" env -C "$tree" "$@"
}

# Turns what pg_regress prints before 16 into TAP; from 16 on it is TAP already.
regress_to_tap() {
    sed -E -e 's/^(test|    ) +([^ ]+) +\.\.\. ok.*/ok - \2/' -e 's/^(test|    ) +([^ ]+) +\.\.\. FAILED/not ok - \2/' \
        -e 's/^ All ([0-9]+) tests passed.*/1..\1/' -e 's/^ [0-9]+ of ([0-9]+) tests failed.*/1..\1/' "$1"
}

# Runs a pg_regress-like command that leaves its results in DIRECTORY; shows the start of its diffs.
run_pg_regress() {
    local suite=$1 directory=$tree/$2
    shift 2
    serve "$suite"
    limited_on "$log/$suite.out" "$suite" "$@"
    regress_to_tap "$log/$suite.out" > "$log/$suite.tap"
    count "$suite" "$log/$suite.tap"
    cp -r "$directory/results" "$log/$suite-results" || true
    if [ -s "$directory/regression.diffs" ]; then
        cp "$directory/regression.diffs" "$log/$suite.diffs"
        failures+=$(head -n 100 "$log/$suite.diffs")$'\n'
    fi
    "$server" stop "$suite"
}

run_regress() {
    run_pg_regress regress . make -s --no-print-directory installcheck "PG_CONFIG=$PG_CONFIG"
}

run_isolation() {
    local specs=(test/isolation/specs/*.spec)
    specs=("${specs[@]##*/}")
    run_pg_regress isolation test/isolation \
        "$pgxs/test/isolation/pg_isolation_regress" "--bindir=$MG_HOME/pg$("$PG_CONFIG" --bindir)" \
        --inputdir=test/isolation --outputdir=test/isolation --load-extension=migration_governance "${specs[@]%.spec}"
}

# Each file gets a database of its own, made from one that has pgTAP and the extension.
run_pgtap() {
    local file name
    serve pgtap
    "$server" psql pgtap -q -v ON_ERROR_STOP=1 -c 'CREATE DATABASE template' -c '\c template' \
        -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION migration_governance' > "$log/pgtap.template" 2>&1 ||
        failed=1 failures=$(cat "$log/pgtap.template")$'\n'
    for file in test/pgtap/*.sql; do
        name=$(basename "$file" .sql)
        "$server" psql pgtap -q -c "CREATE DATABASE \"$name\" TEMPLATE template" > "$log/pgtap.$name.tap" 2>&1 || true
        limited_on "$log/pgtap.$name.tap" pgtap psql -X -q -t -A -v ON_ERROR_STOP=1 -d "$name" -f "$file"
        count "$file" "$log/pgtap.$name.tap"
        "$server" psql pgtap -q -c "DROP DATABASE IF EXISTS \"$name\" WITH (FORCE)" > /dev/null 2>&1 || true
    done
    "$server" stop pgtap
}

# Perl files use PostgreSQL::Test::Cluster and shell files test/tools/server.sh; each makes the servers it wants.
run_tap() {
    local file name work interpreter
    for file in test/tap/*.pl test/tap/*.sh; do
        name=$(basename "$file")
        work=$MG_HOME/tap/$name
        interpreter=perl
        [[ $file == *.pl ]] || interpreter=bash
        "$server" run - mkdir -p "$work/tmp_check/log"
        limited_on "$log/tap.$name.tap" - "TESTDIR=$work" "TESTDATADIR=$work/tmp_check" "TESTLOGDIR=$work/tmp_check/log" \
            "PG_REGRESS=$pgxs/test/regress/pg_regress" "PERL5LIB=$pgxs/test/perl:$tree/test/tap/lib" "$interpreter" "$file"
        count "$file" "$log/tap.$name.tap"
    done
}

# Any other suite is a program that prints TAP.
run_program() {
    local suite=$1
    shift
    limited "$log/$suite.tap" "test/$suite/run.sh" "$@"
    count "$suite" "$log/$suite.tap"
}

# Starts those suites that need no server, one after the other.
start_beside() {
    [ -z "${beside:-}" ] || return 0
    (
        for suite in house unit fuzz; do
            is_wanted "$suite" || continue
            limited "$log/$suite.tap" "test/$suite/run.sh"
            echo "$status" > "$log/$suite.status"
        done
    ) &
    beside=$!
}

# Waits for one of them.
take_beside() {
    start_beside
    while [ ! -s "$log/$1.status" ] && kill -0 "$beside" 2> /dev/null; do
        sleep 1
    done
    status=$(cat "$log/$1.status" 2> /dev/null || echo 1)
    count "$1" "$log/$1.tap"
}

# Tells whether a suite is to be run.
is_wanted() {
    [[ " ${MG_SUITES-$all_suites} " == *" $1 "* && " ${MG_WITHOUT:-} " != *" $1 "* ]] && exists "$1"
}

# Tells whether there is something to run.
exists() {
    case $1 in
        regress) compgen -G 'test/sql/*.sql' ;;
        isolation) compgen -G 'test/isolation/specs/*.spec' ;;
        pgtap) compgen -G 'test/pgtap/*.sql' ;;
        tap) compgen -G 'test/tap/*.pl' || compgen -G 'test/tap/*.sh' ;;
        *) [ -x "test/$1/run.sh" ] ;;
    esac > /dev/null
}

# Prints one suite's line and its failures, and adds to the totals.
close_suite() {
    printf '%-13s %4d passed, %d failed%s  %d s\n' "$1" "$passed" "$failed" "$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")" \
        "$((SECONDS - started))"
    if [ -n "$failures" ]; then
        mapfile -t lines <<< "${failures%$'\n'}"
        printf '    %s\n' "${lines[@]}"
    fi
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
    passed=0 failed=0 skipped=0 failures='' started=$SECONDS
}

# Copies the tree without what git ignores to where the server's user can read it and write results.
copy_tree() {
    mkdir "$tree"
    test/tools/tree.sh "$root" "$tree"
    [ "$(id -u)" -ne 0 ] || chown -R "${MG_USER:-postgres}" "$tree"
}

shopt -s nullglob
passed=0 failed=0 skipped=0 failures='' started=$SECONDS
echo "PostgreSQL $version"
# Where the house is looked at, the build's own compiler may not say anything either.
warnings=
[[ " ${MG_SUITES-$all_suites} " != *" house "* || " ${MG_WITHOUT:-} " == *" house "* ]] || warnings=-Werror
# Nobody looks at this build with a debugger, and to write down what one needs takes as long as to compile.
# Three majors may be compiling on two cores.
limit=$((limit * 2)) limited "$log/build.log" env "MG_CXXFLAGS=-g0 ${MG_CXXFLAGS:-} $warnings" "$server" prepare
if [ "$status" -eq 0 ]; then
    passed=1
    # For test/tap/upgrade_majors.sh of another major; the newest is enough.
    if [ -n "${MG_KEEP_BUILD:-}" ] && [ ! -d "$MG_KEEP_BUILD" ]; then
        rm -rf "$(dirname "$MG_KEEP_BUILD")"
        mkdir -p "$MG_KEEP_BUILD.new"
        mkdir "$MG_KEEP_BUILD.new/build"
        cp -a Makefile src sql migration_governance.control migration_governance.so test "$MG_KEEP_BUILD.new"
        cp -a build/major "$MG_KEEP_BUILD.new/build"
        mv "$MG_KEEP_BUILD.new" "$MG_KEEP_BUILD"
    fi
else
    failed=1 failures=$(tail -n 40 "$log/build.log")
fi
built=$passed
close_suite build
copy_tree

for suite in ${MG_SUITES-$all_suites}; do
    is_wanted "$suite" || continue
    [ "$suite" != drift ] || start_beside
    case $suite in
        house | unit | fuzz) take_beside "$suite" ;;
        *)  [ "$built" -eq 1 ] || continue
            case $suite in
                regress | isolation | pgtap | tap) "run_$suite" ;;
                server-suite) run_program "$suite" sample ;;
                *) run_program "$suite" ;;
            esac
            count_crashes "$suite" ;;
    esac
    close_suite "$suite"
done

echo "$total_passed passed, $total_failed failed"
[ "$total_failed" -eq 0 ]
