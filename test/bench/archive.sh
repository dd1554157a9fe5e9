# What it costs to keep what a migration destroys: dropping a large table and a column of it, and migrations that destroy nothing. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

archive_per_round=20

# Prints the milliseconds of the last line of SQL on standard input, for DATABASE; what comes before warms the session up.
archive_time() {
    printf '%s\n' '\o /dev/null' 'SET client_min_messages = error;' "$2" '\timing on' "$3" |
        on governed psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 1
}

# Makes a table of so many rows in DATABASE, with nothing left to write.
archive_table() {
    sql governed "$1" "SET client_min_messages = warning" "DROP TABLE IF EXISTS parcel, copy" \
        "CREATE TABLE parcel (id bigint PRIMARY KEY, n integer NOT NULL, code text NOT NULL)" \
        "INSERT INTO parcel SELECT i, 0, md5(i::text) FROM generate_series(1, $2) i"
    on governed psql -X -q -d "$1" -c "VACUUM (FREEZE, ANALYZE) parcel" -c "CHECKPOINT"
}

# One turn of a large table: archive_turn ROUND drop|column plain|unkept|kept
archive_turn() {
    local round=$1 what=$2 who=$3 warm statement took name="${2}_$1"
    archive_table "$who" "${MG_ARCHIVE_ROWS:-1000000}"
    case $what in
        drop) statement="DROP TABLE parcel" ;;
        column) statement="ALTER TABLE parcel DROP COLUMN code" ;;
    esac
    # Another of the same, with a row.
    warm="CREATE TABLE warm (id bigint PRIMARY KEY, n integer NOT NULL, code text NOT NULL); INSERT INTO warm VALUES (1, 1, 'a');"
    if [ "$who" = plain ]; then
        [ "$what" = drop ] || statement="CREATE TABLE copy AS SELECT id, code FROM parcel"
        warm="$warm $([ "$what" = drop ] || echo "CREATE TABLE copy AS SELECT id, code FROM warm; DROP TABLE copy;") DROP TABLE warm; SELECT count(*), max(code) FROM parcel;"
    else
        # Without a down script, the way back is written and put on record, which is no part of keeping rows.
        warm="$warm SELECT mg_apply('warm_$name', \$\$${statement/parcel/warm}\$\$, 'SELECT 1'); DROP TABLE IF EXISTS warm; SELECT count(*), max(code) FROM parcel;"
        statement="SELECT mg_apply('$name', '$statement', 'SELECT 1')"
    fi
    took=$(archive_time "$who" "$warm" "$statement;") || return
    note "archive_$what" "$round" "$who" "$took"
    # What is kept is past its time by the next round.
    [ "$who" != kept ] || sql governed kept "SELECT count(*) FROM mg_purge_archives()" > /dev/null
}

# One turn of migrations that destroy nothing.
archive_idle_turn() {
    local round=$1 what=$2 who=$3 i n
    for ((i = 1; i <= archive_per_round; i++)); do
        n=$((round * archive_per_round + i))
        case $what in
            create) printf '%s\n' "SELECT mg_apply('create_$n', 'CREATE TABLE note_$n (id bigint PRIMARY KEY, t text NOT NULL)', 'DROP TABLE note_$n');" ;;
            write) printf '%s\n' "SELECT mg_apply('write_$n', 'INSERT INTO line SELECT i, 0 FROM generate_series($((n * 100 + 1)), $((n * 100 + 100))) i; UPDATE line SET n = n + 1 WHERE id > $((n * 100))');" ;;
        esac
    done > "$work/archive.sql"
    { printf '%s\n' '\o /dev/null' '\timing on'; cat "$work/archive.sql"; } |
        on governed psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$who" > "$work/archive.out" 2> "$work/archive.err" || { cat "$work/archive.err" >&2; return 1; }
    # The first ones fill the caches of a new backend.
    note "archive_$what" "$round" "$who" "$(sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$work/archive.out" | tail -n +4 | median)"
}

bench_archive() {
    local rounds=${MG_ARCHIVE_ROUNDS:-7} idle_rounds=${MG_ARCHIVE_IDLE_ROUNDS:-30} rows=${MG_ARCHIVE_ROWS:-1000000} round what who
    "$server" start governed "fsync = on" "autovacuum = off" "max_wal_size = 8GB" "shared_buffers = 512MB" "shared_preload_libraries = 'migration_governance'"
    for who in plain unkept kept; do sql governed postgres "CREATE DATABASE $who"; done
    for who in unkept kept; do
        sql governed "$who" "CREATE EXTENSION migration_governance" "SELECT mg_set_policy('archive_retention', '1s', 'measured')" \
            "CREATE TABLE line (id bigint PRIMARY KEY, n integer)" "CREATE TABLE gone (id bigint)" "INSERT INTO gone VALUES (1)" \
            "SELECT mg_apply('gone', 'DROP TABLE gone')" > /dev/null
    done
    sql governed unkept "SELECT mg_set_policy('archive', 'off', 'measured')" > /dev/null
    for ((round = 1; round <= rounds; round++)); do
        say "archive, round $round of $rounds"
        for what in drop column; do
            for who in $(rotate "$round" plain unkept kept); do archive_turn "$round" "$what" "$who" || return; done
        done
    done
    for ((round = 1; round <= idle_rounds; round++)); do
        say "archive, destroying nothing, round $round of $idle_rounds"
        for what in create write; do
            for who in $(rotate "$round" unkept kept); do archive_idle_turn "$round" "$what" "$who" || return; done
        done
    done
    row "archive: dropping a table of $rows rows, $rounds rounds" ""
    row "  DROP TABLE" "$(median_of archive_drop plain | xargs printf '%.2f ms')"
    row "  mg_apply(), archive off" "$(median_of archive_drop unkept | xargs printf '%.2f ms')" "$(median_of_pairs archive_drop unkept / plain)"
    row "  mg_apply(), archive on: all of it" "$(median_of archive_drop kept | xargs printf '%.2f ms')" "$(median_of_pairs archive_drop kept / plain)"
    # What mg_apply() costs without an archive, beyond the statement itself, is taken off; and 5 ms.
    row "  the same without mg_apply() itself, and less 5 ms" "$(paste <(values archive_drop kept) <(values archive_drop unkept) <(values archive_drop plain) |
        awk '{ print $1 - ($2 - $3) }' | median | xargs printf '%.2f ms')" \
        "$(paste <(values archive_drop kept) <(values archive_drop unkept) <(values archive_drop plain) | awk '{ print ($1 - ($2 - $3) - 5) / $3 }' | median)" "<= 2"
    row "archive: dropping a column of $rows rows" ""
    row "  CREATE TABLE AS SELECT key, column" "$(median_of archive_column plain | xargs printf '%.1f ms')"
    row "  mg_apply(), archive off" "$(median_of archive_column unkept | xargs printf '%.1f ms')"
    row "  mg_apply(), archive on" "$(median_of archive_column kept | xargs printf '%.1f ms')" "$(median_of_pairs archive_column kept / plain)" "<= 1.5"
    row "archive: migrations that destroy nothing, $archive_per_round in each of $idle_rounds rounds" ""
    row "  CREATE TABLE, archive off" "$(median_of archive_create unkept | xargs printf '%.2f ms')"
    row "  CREATE TABLE, archive on" "$(median_of archive_create kept | xargs printf '%.2f ms')" "$(median_of_pairs archive_create kept / unkept)" "<= 1.05"
    row "  INSERT and UPDATE of 100 rows, archive off" "$(median_of archive_write unkept | xargs printf '%.2f ms')"
    row "  INSERT and UPDATE of 100 rows, archive on" "$(median_of archive_write kept | xargs printf '%.2f ms')" "$(median_of_pairs archive_write kept / unkept)" "<= 1.05"
    "$server" stop governed
}
