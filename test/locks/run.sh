#!/usr/bin/env bash
# Shows that the locks, rewrites and scans that mg_rehearse() tells of are those of the statement when it really runs:
# test/locks/run.sh, TAP on stdout. README.md says how.
#
# Starts a throw-away server, or takes the running one that PGHOST names (with PATH leading to its psql and pg_config), on which the
# extension is installed and which has none of the roles and databases of this test. MG_LOCKS_ONLY=WORDS tries only some cases.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LC_ALL=C.UTF-8 PGCLIENTENCODING=UTF8
if [ -z "${PGHOST:-}" ]; then
    server=$here/../tools/server.sh
    "$server" prepare >&2
    trap '"$server" stop locks > /dev/null 2>&1' EXIT
    "$server" start locks "wal_level = logical" "autovacuum = off" >&2
    eval "$("$server" env locks)"
fi
perl "$here/judge.pl" "$here"/cases/*.txt "$here"/../drift/changes/*.txt
