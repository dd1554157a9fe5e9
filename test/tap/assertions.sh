#!/usr/bin/env bash
# Runs assertions as people do, through pg_prove: with pgTAP, without it, and by a role that may do little.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
command -v pg_prove > /dev/null || { echo "1..0 # SKIP no pg_prove"; exit 0; }
work=$(mktemp -d "$MG_HOME/assertions.XXXX")
count=0

like() {
    local name=$1 pattern=$2 got=$3
    count=$((count + 1))
    if [[ $got =~ $pattern ]]; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        # shellcheck disable=SC2001
        sed 's/^/# /' <<< "wanted: $pattern"$'\n'"got:    $got"
    fi
}

# Runs pg_prove on DATABASE over a file with the text given.
prove() {
    local database=$1 text=$2
    shift 2
    echo "$text" > "$work/test.sql"
    pg_prove -d "$database" "$@" "$work/test.sql" 2>&1
    echo "status $?"
}

test/tools/server.sh start assertions "shared_preload_libraries = 'migration_governance'"
eval "$(test/tools/server.sh env assertions)"
psql -X -q -v ON_ERROR_STOP=1 -d postgres -c 'CREATE DATABASE counted' -c 'CREATE DATABASE plain' -c 'CREATE ROLE tester LOGIN'
for database in counted plain; do
    psql -X -q -v ON_ERROR_STOP=1 -d "$database" -c 'CREATE EXTENSION migration_governance' -c 'CREATE SCHEMA tap' \
        -c "SELECT mg_apply('one', 'CREATE TABLE one (i int PRIMARY KEY)', 'DROP TABLE one')" \
        -c 'GRANT EXECUTE ON FUNCTION mg_is_applied, mg_is_not_applied, mg_verifies, mg_verify TO tester' \
        -c 'GRANT USAGE ON SCHEMA tap TO tester' > /dev/null
done
psql -X -q -d counted -c 'CREATE EXTENSION pgtap SCHEMA tap'

like "pgTAP counts its own tests and these alike" 'All tests successful.*Tests=4.*status 0' "$(prove counted "
    SET search_path = public, tap; SELECT plan(4); SELECT ok(true, 'mine'); SELECT mg_is_applied('one'); SELECT mg_is_not_applied('two');
    SELECT mg_verifies('one'); SELECT * FROM finish();")"
like "its schema need not be on the path" 'All tests successful.*Tests=2.*status 0' "$(prove counted "
    SET search_path = ''; SET client_min_messages = warning; SELECT set_config('search_path', 'tap', false) \\g /dev/null
    SELECT plan(2); SET search_path = ''; SELECT mg_is_applied('one'); SELECT mg_verifies();")"
like "a role that may only call them" 'All tests successful.*Tests=2.*status 0' "$(prove counted "
    SET search_path = tap; SELECT plan(2); SELECT mg_is_applied('one'); SELECT mg_verifies('one');" -U tester)"
like "one that fails fails the file" 'Failed 1/2 subtests.*Failed test:  2.*status 1' "$(prove counted "
    SET search_path = tap; SELECT plan(2); SELECT mg_is_applied('one'); SELECT mg_is_applied('two'); SELECT * FROM finish();")"
like "and says why" '# migration "two" is not known' "$(prove counted "SET search_path = tap; SELECT no_plan(); SELECT mg_is_applied('two');" -v)"
like "a directive in a name changes nothing" 'Failed 1/1 subtests.*status 1' "$(prove counted "
    SET search_path = tap; SELECT plan(1); SELECT mg_is_applied('two # SKIP some day');")"
like "a script that does not lint says where" '# line 1, column 1: [a-z]+: .*\([a-z-]+\)' "$(prove counted "
    SET search_path = tap; SELECT plan(1); SELECT mg_lints('DROP TABLE public.one', 'info');" -v)"
like "without a plan pgTAP objects" 'You tried to run a test without a plan' "$(psql -X -d counted -c "SELECT mg_is_applied('one')" 2>&1)"

like "without pgTAP the lines have no numbers, which TAP allows" 'All tests successful.*Tests=3.*status 0' "$(prove plain "
    SELECT '1..3'; SELECT mg_is_applied('one'); SELECT mg_is_not_applied('two'); SELECT mg_verifies();")"
like "and fail all the same" 'Failed 2/3 subtests.*status 1' "$(prove plain "
    SELECT '1..3'; SELECT mg_is_applied('one'); SELECT mg_is_applied('two # SKIP it'); SELECT mg_is_not_applied('one');")"

echo "1..$count"
test/tools/server.sh stop assertions
