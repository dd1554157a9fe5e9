#!/usr/bin/env bash
# Proves the boundary between the server and C++ inside real backends, with a module made of src/pg/ and probes; prints TAP.
#
# Each kind of entry fails in each way, and is cancelled; then 100,000 errors in each must leave no more memory behind than 1,000.
# PG_CONFIG says which server. MG_HOME, if set, is where the server lives (see test/tools/server.sh).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
server=$root/test/tools/server.sh
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}")
export PG_CONFIG LANG=C.UTF-8 PSQLRC=/dev/null
unset PGOPTIONS LC_ALL
major=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
build=$root/build/boundary/$major
errors=100000

# Numbers the results on standard input and ends with the plan.
number() {
    awk '/^(not )?ok - / { n++; sub(/ - /, " " n " - ") } { print; fflush() } END { print "1.." n }'
}

# Prints the result NAME, good if GOT is WANTED, in which an asterisk stands for anything.
like() {
    local name=$1 got=$2 wanted=$3
    # shellcheck disable=SC2053
    if [[ $got == $wanted ]]; then
        echo "ok - $name"
    else
        printf 'not ok - %s\n' "$name"
        printf '# %s\n' "${got//$'\n'/$'\n# '}"
    fi
}

# Runs psql on a database with errors going to the suite's own file; what it prints is TAP.
sql() { "$server" psql boundary -q -A -t -v VERBOSITY=verbose "$@" 2>> "$MG_HOME/log/boundary.psql"; }

# Prints the value of a query.
value() { sql -c "$1"; }

# Prints a script in which ENTRY ends with KIND: what a client sees, and that the session goes on.
top_level_script() {
    local entry=$1 kind=$2 statement=$3 before=${4:-}
    cat << SCRIPT
BEGIN;
INSERT INTO notes VALUES ('rolled back');
SET LOCAL boundary.$entry = '$kind';
$before
$statement;
\set state :SQLSTATE
\set message :LAST_ERROR_MESSAGE
ROLLBACK;
SELECT tap((:'state', :'message') = (SELECT sqlstate, message FROM kinds WHERE kind = '$kind') AND witnesses = 0 AND errors = 0
               AND NOT EXISTS (SELECT FROM notes WHERE name = 'rolled back'),
           '$kind in $entry ends the statement, and the session goes on', :'state', :'message', usage::text)
FROM boundary_usage() usage;
SCRIPT
}

# Every entry fails in every way at the top level of one session.
top_level() {
    local entry statement kind
    echo "SET client_min_messages = error;"
    echo "SELECT pg_backend_pid() AS pid \\gset"
    while IFS='|' read -r entry statement; do
        for kind in $(value "SELECT kind FROM kinds ORDER BY 1"); do
            top_level_script "$entry" "$kind" "$statement"
        done
    done < <(value "SELECT entry, statement FROM entries ORDER BY 1")
    echo "SELECT tap(pg_backend_pid() = :pid, 'all of it happened in one backend');"
}

# Cancels each backend that says it is waiting, once; ends when all is over.
canceller() {
    sql -c "DO \$\$
        DECLARE
            name text;
            seen text[] := '{}';
        BEGIN
            FOR i IN 1..6000 LOOP
                PERFORM pg_stat_clear_snapshot();
                EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'over');
                FOR name IN SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'waiting %' LOOP
                    IF name <> ALL (seen) THEN
                        PERFORM pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = name;
                        seen := seen || name;
                    END IF;
                END LOOP;
                PERFORM pg_sleep(0.01);
            END LOOP;
        END \$\$"
}

# Every entry waits until it is cancelled, by another session or by a timeout.
cancelled() {
    local entry statement
    echo "SET client_min_messages = error;"
    echo "INSERT INTO kinds VALUES ('wait', '57014', 'canceling statement due to $1');"
    while IFS='|' read -r entry statement; do
        [ -z "${2:-}" ] || [ "$entry" != commit ] || continue
        top_level_script "$entry" wait "$statement" "${2:-}" | sed "s/wait in $entry ends/$1 in $entry ends/"
    done < <(value "SELECT entry, statement FROM entries ORDER BY 1")
    echo "DELETE FROM kinds WHERE kind = 'wait';"
}

# What psql shows of an error, with the position that only the client sees.
client_view() {
    local shown expected
    shown=$("$server" psql boundary -X -q -v VERBOSITY=verbose -c "SELECT boundary_fail('server_error')" 2>&1 || true)
    expected='ERROR:  BD001: a server error, 100% %s
LINE 1: SELECT boundary_fail('"'server_error'"')
               ^
DETAIL:  Its detail, 100% %s.
HINT:  Its hint, 100% %s.
QUERY:  SELECT within
CONTEXT:  its context, 100% %s
SCHEMA NAME:  its schema
TABLE NAME:  its table
COLUMN NAME:  its column
DATATYPE NAME:  its type
CONSTRAINT NAME:  its constraint'
    shown=$(sed '/^LOCATION: /d' <<< "$shown")
    like "a client sees every field" "$shown" "$expected"

    shown=$("$server" psql boundary -X -q -v VERBOSITY=verbose -c "SELECT boundary_fail('user_error')" 2>&1 || true)
    expected='ERROR:  BD002: a user'"'"'s error, 100% %s
DETAIL:  Its detail, 100% %s.
HINT:  Its hint, 100% %s.
CONTEXT:  its context, 100% %s'
    shown=$(sed '/^LOCATION: /d' <<< "$shown")
    like "a client sees every field of our own error" "$shown" "$expected"
}

# An error in a parallel worker reaches the leader.
parallel() {
    cat << 'SCRIPT'
SELECT set_config(CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END,
                  'on', false) \gset off_
SELECT boundary_fail(kind) FROM (VALUES ('user_error')) AS v (kind);
\set state :SQLSTATE
SELECT tap(:'state' = 'BD002' AND :'LAST_ERROR_MESSAGE' = 'a user''s error, 100% %s', 'an error crosses from a parallel worker', :'LAST_ERROR_MESSAGE');
SELECT boundary_fail(kind) FROM (VALUES ('server_error')) AS v (kind);
\set state :SQLSTATE
SELECT tap(:'state' = 'BD001' AND :'LAST_ERROR_MESSAGE' = 'a server error, 100% %s', 'a server error crosses from a parallel worker', :'LAST_ERROR_MESSAGE');
SCRIPT
}

# Memory that ends: in a backend whose address space is limited, and with nothing left at all.
out_of_memory() {
    local kind
    echo "SET client_min_messages = error;"
    for kind in true false; do
        cat << SCRIPT
SELECT boundary_limit(100000000) \gset
SELECT boundary_devour($kind);
\set state :SQLSTATE
SELECT tap(:'state' = '53200', 'no memory in a limited backend is an error (in a memory context: $kind)', :'LAST_ERROR_MESSAGE');
SELECT tap((SELECT sum(i) FROM generate_series(1, 100000) i) = 5000050000, 'the limited backend goes on');
SCRIPT
    done
    for kind in server_error rethrown bad_alloc other_exception std_exception user_error cancel; do
        cat << SCRIPT
SELECT witnesses, errors FROM boundary_usage() \gset
SELECT boundary_limit(50000000) \gset
SELECT boundary_exhaust('$kind');
\set state :SQLSTATE
SELECT boundary_limit(0) \gset
SELECT tap(:'state' IN ('53200', (SELECT sqlstate FROM kinds WHERE kind = '$kind')) AND witnesses = :witnesses AND errors = :errors,
           '$kind with no memory left at all is an error, and every object is destroyed', :'state', :'LAST_ERROR_MESSAGE', usage::text)
FROM boundary_usage() usage;
SCRIPT
    done
}

# Has a worker do a job, and prints what it logged.
work() {
    local lines
    lines=$(wc -l < "$MG_HOME/log/boundary.log")
    sql -c "SELECT boundary_work('$1')" > /dev/null
    tail -n "+$((lines + 1))" "$MG_HOME/log/boundary.log" | grep -F 'boundary worker' || true
}

# The worker's entry fails in every way; its error is in the log, and the server and other sessions go on.
workers() {
    local kind state message logged
    while IFS='|' read -r kind state message; do
        logged=$(work "$kind")
        like "$kind in a worker ends it with an error" "$logged" "*$state ERROR:  $message*"
    done < <(value "SELECT * FROM kinds ORDER BY 1")
    logged=$(work wait)
    like "a worker can be cancelled" "$logged" "*57014 ERROR:  canceling statement due to user request*"
    logged=$(work none)
    like "a worker without a failure commits" "$(value "SELECT count(*) FROM notes WHERE (name, value) = ('worker', 'none')") $logged" "1 "
}

# Nobody must be cancelling meanwhile.
worker_timeout() {
    local logged
    logged=$(work "timeout 100")
    like "a timeout in a worker ends it with an error" "$logged" "*57014 ERROR:  canceling statement due to statement timeout*"
}

# The extension itself: its worker, given something that is no parcel, fails and says so; its function and its hook leak nothing.
extension() {
    cat << 'SCRIPT'
CREATE EXTENSION migration_governance;
INSERT INTO entries VALUES ('own_function', 'SELECT mg_template(''no such kind'', ''x'')'), ('own_hook', 'COMMENT ON TABLE nowhere IS ''x''');
SELECT tap(boundary_run_in_worker(payload) = 2, 'the extension''s worker fails with an error on ' || name)
FROM (VALUES ('no parcel', 'rubbish'), ('a number that is none', '1:x'), ('half a parcel', '1:0,1:9,')) AS v (name, payload);
SELECT tap(boundary_run_in_worker('') = 0, 'the extension''s worker takes an empty parcel');
SCRIPT
    storm_script own_function
    storm_script own_hook
}

# A session that is ended while C++ frames are on its stack leaves the server alone.
terminated() {
    local session status=0
    sql -c "SELECT boundary_descend('wait', 3)" > /dev/null &
    session=$!
    sql -c "DO \$\$ BEGIN
        FOR i IN 1..1000 LOOP
            PERFORM pg_stat_clear_snapshot();
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'waiting %';
            EXIT WHEN FOUND;
            PERFORM pg_sleep(0.01);
        END LOOP;
    END \$\$"
    wait "$session" || status=$?
    like "a session is ended in the middle of C++" "exit status $status" "exit status 2"
}

# Prints a script that makes $errors errors in ENTRY, and compares the memory after 1,000 with that at the end.
storm_script() {
    local entry=$1
    cat << SCRIPT
SELECT storm('$entry', 1000) AS early \gset
SELECT allocated, resident FROM boundary_usage() \gset early_
SELECT storm('$entry', ($errors - 1000) / 3) + storm('$entry', ($errors - 1000) / 3) + storm('$entry', ($errors - 1000) / 3) AS late \gset
SELECT tap(allocated <= :early_allocated + 1048576 AND resident <= :early_resident + 1048576 AND witnesses = 0 AND errors = 0
               AND :early + :late = $errors,
           '$errors errors in $entry leave no more behind than 1000', 'caught', :'early', :'late',
           'allocated and resident after 1000', :'early_allocated', :'early_resident', 'at the end', usage::text)
FROM boundary_usage() usage;
SCRIPT
}

# The storms of the entries given, each in a session of its own.
storms() {
    local entry
    for entry in "$@"; do
        storm_script "$entry" | sql
    done
}

# The measure of resident memory must be able to see a leak.
leak() {
    cat << SCRIPT
INSERT INTO entries VALUES ('leak', 'SELECT boundary_leak()');
SELECT storm('leak', 1000) \gset
SELECT allocated, resident FROM boundary_usage() \gset early_
SELECT storm('leak', 20000) \gset
SELECT tap(resident > :early_resident + 1048576, 'a leak of exceptions would be seen', usage::text) FROM boundary_usage() usage;
SCRIPT
}

# The worker's own storm: its entry and the callback of its commit in turn.
worker_storm() {
    local logged found
    logged=$(work "storm $((2 * errors))")
    found=$(value "SELECT '<' || value || '>' FROM notes WHERE name = 'storm'")
    like "$errors errors in a worker and in its commits leave no more behind than 1000" "$found$logged" "<>"
}

# Runs everything, on a server that is up.
trials() {
    local postmaster background
    postmaster=$(value "SELECT pg_postmaster_start_time()")
    sql -f "$here/errors.sql"
    client_view
    top_level > "$MG_HOME/boundary.top.sql"
    sql -f "$MG_HOME/boundary.top.sql"
    canceller &
    background=$!
    cancelled "user request" > "$MG_HOME/boundary.cancel.sql"
    sql -f "$MG_HOME/boundary.cancel.sql"
    workers
    PGAPPNAME=over value "SELECT pg_sleep(0.5)" > /dev/null
    wait "$background"
    worker_timeout
    cancelled "statement timeout" "SET LOCAL statement_timeout = 100;" > "$MG_HOME/boundary.timeout.sql"
    sql -f "$MG_HOME/boundary.timeout.sql"
    terminated
    parallel | sql
    out_of_memory | sql
    storms utility ddl_command_start trigger function > "$MG_HOME/boundary.storms" &
    background=$!
    storms nested execute subcommit
    worker_storm
    wait "$background"
    cat "$MG_HOME/boundary.storms"
    leak | sql
    extension | sql
    like "the server never crashed" "$(value "SELECT pg_postmaster_start_time()")" "$postmaster"
    like "the server's log has no crash" "$(grep -E 'PANIC:|TRAP:|terminated by signal|crash of another' "$MG_HOME/log/boundary.log")" ""
}

mkdir -p "$build"
if ! env -u MAKEFLAGS -u MAKELEVEL make -s -C "$build" -f "$here/Makefile" "PG_CONFIG=$PG_CONFIG" -j"$(nproc)" > "$build/log" 2>&1; then
    like "the probes build" "$(tail -n 40 "$build/log")" "" | number
    exit 1
fi
if [ -z "${MG_HOME:-}" ]; then
    MG_HOME=$(mktemp -d /tmp/mg.XXXXXX)
    export MG_HOME
    trap '"$server" clean' EXIT
    "$server" prepare
fi
install -m 755 "$build/mg_boundary.so" "$MG_HOME/pg$("$PG_CONFIG" --pkglibdir)"
"$server" start boundary "shared_preload_libraries = 'mg_boundary'" "log_line_prefix = '%m [%p] %b %e '" "max_worker_processes = 20"
sql -v ON_ERROR_STOP=1 -f "$here/setup.sql"
trials | number | tee "$MG_HOME/boundary.tap"
"$server" stop boundary
! grep -q '^not ok' "$MG_HOME/boundary.tap"
