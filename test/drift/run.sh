#!/usr/bin/env bash
# Shows that mg_drift_report() and pg_dump agree on every change of changes/: test/drift/run.sh, TAP on stdout
#
# Starts a throw-away server, or takes the running one that PGHOST names (with PATH leading to its psql and pg_dump), on which the
# extension is installed and which has none of the roles and databases of this test. MG_DRIFT_ONLY=WORDS tries only some.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LC_ALL=C.UTF-8 PGCLIENTENCODING=UTF8
if [ -z "${PGHOST:-}" ]; then
    server=$here/../tools/server.sh
    "$server" prepare >&2
    trap '"$server" stop drift > /dev/null 2>&1' EXIT
    "$server" start drift "shared_preload_libraries = 'migration_governance'" "wal_level = logical" >&2
    eval "$("$server" env drift)"
fi
perl "$here/agree.pl" "$here"/changes/*.txt
