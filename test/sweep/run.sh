#!/usr/bin/env bash
# Proves that the sums of catalog row versions change with their units and with nothing else; prints TAP.
#
# A module gives src/schema/sweep.hpp to SQL. A schema with something of every kind goes through a list of statements.
# PG_CONFIG says which server. MG_HOME, if set, is where the server lives (see test/tools/server.sh).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
server=$root/test/tools/server.sh
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}")
export PG_CONFIG LANG=C.UTF-8 PSQLRC=/dev/null
unset PGOPTIONS LC_ALL
major=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
build=$root/build/sweep/$major
tables=500

# Numbers the results on standard input and ends with the plan.
number() {
    awk '/^(not )?ok - / { n++; sub(/ - /, " " n " - ") } { print; fflush() } END { print "1.." n }'
}

# Prints the result NAME, good if GOT is WANTED.
is() {
    local name=$1 got=$2 wanted=$3
    if [ "$got" = "$wanted" ]; then
        echo "ok - $name"
    else
        printf 'not ok - %s\n' "$name"
        printf '# %s\n' "${got//$'\n'/$'\n# '}"
    fi
}

# Runs psql on a database; what fails is in the suite's own file.
sql() { "$server" psql sweep -q -A -t -v ON_ERROR_STOP=1 "$@" 2>> "$MG_HOME/log/sweep.psql"; }

# Prints the units whose sums are not what they were when sweep.kept was filled.
changed() {
    sql -c "SELECT coalesce(string_agg(coalesce(k.unit, n.unit), ', '), '')
        FROM sweep.kept k FULL JOIN sweep.named() n USING (classid, objid) WHERE k.sum IS DISTINCT FROM n.sum"
}

# Prints a result for each trial, on a server that is up.
trials() {
    local command
    is "every unit's sum by index is that of the pass" "$(sql -c "SELECT sweep.disagreements()")" ""
    is "what is no unit has no sum" "$(sql -c "SELECT count(*) FROM sweep.versions_of('{1259,1259,1259,1247,1255,2615}',
        ARRAY['s.serials_pkey'::regclass::oid, 's.parent_id_seq'::regclass::oid, 'mg.run'::regclass::oid, 's.serials'::regtype::oid,
              's.hstore_in'::regproc::oid, 'pg_catalog'::regnamespace::oid]::text[])")" 0
    sql -c "CALL sweep.try_all()"
    sql -c "SELECT CASE WHEN fine THEN 'ok - ' || name ELSE concat('not ok - ', name, E'\n# ', detail) END FROM sweep.results ORDER BY number"
    is "every statement was tried" "$(sql -c "SELECT count(*) FROM sweep.changes WHERE number > (SELECT count(*) FROM sweep.results)")" 0
    sql -c "INSERT INTO sweep.kept SELECT * FROM sweep.named()"
    for command in "VACUUM" "VACUUM FREEZE" "ANALYZE" "VACUUM (FREEZE, ANALYZE) pg_class" \
        "BEGIN; ALTER TABLE s.serials ADD x integer; DROP TABLE s.fast; ROLLBACK" \
        "TRUNCATE s.serials, s.fast CASCADE" "VACUUM FULL s.serials" "REINDEX TABLE s.serials"; do
        sql -c "$command"
        is "$command leaves all sums alone" "$(changed)" ""
    done
    is "a transaction sees its own changes, and forgets them" "$(sql -c "BEGIN" -c "COMMENT ON TABLE s.fast IS 'new'" \
        -c "SELECT n.unit FROM sweep.kept k JOIN sweep.named() n USING (classid, objid) WHERE k.sum <> n.sum AND n.unit ~ ' s\\.'" -c "ROLLBACK")" "table s.fast"
    is "under REPEATABLE READ sums are of the transaction's moment" "$(sql -c "BEGIN ISOLATION LEVEL REPEATABLE READ" \
        -c "CREATE TEMPORARY TABLE first AS SELECT * FROM sweep.versions()" -c "\\! $server psql sweep -q -c \"COMMENT ON TABLE s.fast IS 'meanwhile'\"" \
        -c "SELECT count(*) FROM first t JOIN sweep.versions() n USING (classid, objid) WHERE t.sum <> n.sum")" 0
    sql -c "CALL sweep.fill($tables)"
    is "every unit of $tables tables more agrees" "$(sql -c "SELECT sweep.disagreements()")" ""
    sql -c "SELECT '# ' || sweep.time('SELECT sweep.units()') || ' ms for all of ' || sweep.units() || ' units'"
}

mkdir -p "$build"
if ! env -u MAKEFLAGS -u MAKELEVEL make -s -C "$build" -f "$here/Makefile" "PG_CONFIG=$PG_CONFIG" -j"$(nproc)" > "$build/log" 2>&1; then
    is "the probe builds" "$(tail -n 40 "$build/log")" "" | number
    exit 1
fi
if [ -z "${MG_HOME:-}" ]; then
    MG_HOME=$(mktemp -d /tmp/mg.XXXXXX)
    export MG_HOME
    trap '"$server" clean' EXIT
    "$server" prepare
fi
install -m 755 "$build/mg_sweep.so" "$MG_HOME/pg$("$PG_CONFIG" --pkglibdir)"
"$server" start sweep
sql -f "$here/setup.sql" -f "$here/schema.sql" -f "$here/changes.sql"
trials | number | tee "$MG_HOME/sweep.tap"
"$server" stop sweep
! grep -q '^not ok' "$MG_HOME/sweep.tap"
