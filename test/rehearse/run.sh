#!/usr/bin/env bash
# Compares the verdicts of mg_rehearse() with what happens when up and down really run, and proves that nothing is left of a rehearsal,
# whichever way it ends (left.pl), and that receipts tell of rows (kept.sql): test/rehearse/run.sh, TAP on stdout.
#
# The judge knows nothing of the extension: it copies a database, runs up and down in the copy with psql, and compares pg_dump -s before and
# after. Published migrations are those of test/real (fetch.sh), hard cases those of cases.sql on the schema of setup.sql. excepted.tsv
# lists cases where both may differ, with the reason.
#
# Starts a throw-away server (test/tools/server.sh), or takes the running one that PGHOST names. MG_REAL_DIR has the unpacked series.
# MG_JUDGE_SERIES: published series to judge too (unleash medusa_order medusa_product). MG_JUDGE_STEP (1): every how manyth migration.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export MG_REAL_DIR=${MG_REAL_DIR:-$here/../../build/real}
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=error" PGCLIENTENCODING=UTF8 LC_ALL=C.UTF-8
step=${MG_JUDGE_STEP:-1}
tests=0 failures=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

if [ -z "${PGHOST:-}" ]; then
    server=$here/../tools/server.sh
    "$server" prepare >&2
    trap '"$server" stop judge > /dev/null 2>&1; rm -rf "$work"' EXIT
    "$server" start judge >&2
    eval "$("$server" env judge)"
fi

# Prints one TAP line: ok if file $2 (what went against it) is empty, else the file as comments.
report() {
    tests=$((tests + 1))
    if [ -s "$2" ]; then
        failures=$((failures + 1))
        echo "not ok $tests - $1"
        sed 's/^/# /' "$2" | head -n 40
    else
        echo "ok $tests - $1"
    fi
}

query() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$@"; }

# Prints the schema of database $1, without what dumps have of their own.
schema_of() { pg_dump -s -d "$1" | sed -e '/^\\\(un\)\?restrict /d' -e "s/\\b$1\\b/database/g"; }

# Puts the columns of each table of a schema on stdin in the order of their names.
without_order() {
    perl -0pe 's{^(CREATE (?:UNLOGGED |FOREIGN )?TABLE [^\n]*\n)(.*?)(?=^\S)}{$1 . join("\n", sort map { s/,$//r } split(/\n/, $2)) . "\n"}gmse'
}

# Tells whether file $2 runs in database $1, all of it in one transaction.
runs() { psql -X -q -1 -o /dev/null -v ON_ERROR_STOP=1 -d "$1" -f "$2" < /dev/null 2> "$work/error"; }

# Copies database $1 as $2.
copy() { query postgres -c "DROP DATABASE IF EXISTS $2 WITH (FORCE)" -c "CREATE DATABASE $2 TEMPLATE $1"; }

# Prints what really happens to database $1 by files $2 (up) and $3 (down).
judge() {
    local verdict
    copy "$1" judge_copy
    schema_of judge_copy > "$work/before"
    runs judge_copy "$2" || { echo "up fails"; return; }
    runs judge_copy "$3" || { echo "down fails"; return; }
    schema_of judge_copy > "$work/after"
    if cmp -s "$work/before" "$work/after"; then
        verdict="restores"
    elif cmp -s <(without_order < "$work/before") <(without_order < "$work/after"); then
        verdict="restores, but column order"
    else
        echo "differs"
        return
    fi
    runs judge_copy "$2" || verdict="second up fails"
    echo "$verdict"
}

# Prints what mg_rehearse() says of the same in database $1.
rehearse() {
    query "$1" -v "up=$(cat "$2")" -v "down=$(cat "$3")" <<< "SELECT value FROM mg_rehearse(:'up', :'down') WHERE aspect = 'verdict'" 2>&1 || true
}

# Compares both on files $3 and $4 in databases $1 (plain) and $2 (with the extension); $5 names the case.
compare() {
    local real said
    real=$(judge "$1" "$3" "$4")
    said=$(rehearse "$2" "$3" "$4")
    echo "$real" >> "$work/verdicts"
    if [ "$real" != "$said" ] && ! grep -q "^$5	" "$here/excepted.tsv"; then
        echo "$5: really $real, mg_rehearse: $said" >> "$work/out"
        diff "$work/before" "$work/after" | grep '^[<>]' | head -n 4 | sed 's/^/    /' >> "$work/out" || true
    fi
}

for series in ${MG_JUDGE_SERIES:-}; do
    folder=$MG_REAL_DIR/$series
    [ -f "$folder/manifest.tsv" ] || "$here/../real/fetch.sh" "$MG_REAL_DIR" > "$work/fetch.log" 2>&1 || true
    if [ ! -f "$folder/manifest.tsv" ]; then
        tests=$((tests + 1))
        echo "ok $tests - $series # SKIP cannot be fetched"
        continue
    fi
    : > "$work/out"
    : > "$work/verdicts"
    for database in judge_plain judge_mg; do
        query postgres -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" \
            -c "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        if [ -f "$folder/prelude.sql" ]; then query "$database" -f "$folder/prelude.sql" > /dev/null; fi
    done
    query judge_mg -c "CREATE EXTENSION migration_governance"
    number=0
    while IFS=$'\t' read -r _ name up down; do
        number=$((number + 1))
        if [ -n "$down" ] && [ $((number % step)) = 0 ]; then
            compare judge_plain judge_mg "$folder/$up" "$folder/$down" "$series/$name"
        fi
        for database in judge_plain judge_mg; do runs "$database" "$folder/$up" || true; done
    done < "$folder/manifest.tsv"
    echo "# $series: $(sort "$work/verdicts" | uniq -c | sed 's/^ *//' | paste -sd, | sed 's/,/, /g')"
    report "$series: $(wc -l < "$work/verdicts") verdicts of mg_rehearse are what really happens" "$work/out"
done

: > "$work/out"
: > "$work/verdicts"
# Cuts cases.sql into NUMBER.name, NUMBER.up and NUMBER.down.
awk -v work="$work" '/^-- case / { n = sprintf("%s/%03d", work, ++count); print substr($0, 9) > n ".name"; file = n ".up"; printf "" > (n ".down"); next }
    /^-- down$/ { file = n ".down"; next } { print > file }' "$here/cases.sql"
for database in judge_plain judge_mg; do
    query postgres -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" -c "CREATE DATABASE $database TEMPLATE template0"
    query "$database" -f "$here/setup.sql" > /dev/null
done
query judge_mg -c "CREATE EXTENSION migration_governance"
for name in "$work"/*.name; do
    compare judge_plain judge_mg "${name%.name}.up" "${name%.name}.down" "$(cat "$name")"
done
echo "# cases: $(sort "$work/verdicts" | uniq -c | sed 's/^ *//' | paste -sd, | sed 's/,/, /g')"
report "cases: $(wc -l < "$work/verdicts") verdicts of mg_rehearse are what really happens" "$work/out"

# What receipts say of rows that published migrations destroy.
folder=$MG_REAL_DIR/unleash
[ -f "$folder/manifest.tsv" ] || "$here/../real/fetch.sh" "$MG_REAL_DIR" > "$work/fetch.log" 2>&1 || true
if [ -f "$folder/manifest.tsv" ]; then
    cp -r "$folder" "$work/kept" && chmod -R a+rX "$work/kept"
    query postgres -c "DROP DATABASE IF EXISTS judge_kept WITH (FORCE)" -c "CREATE DATABASE judge_kept TEMPLATE template0"
    if [ -f "$folder/prelude.sql" ]; then query judge_kept -f "$folder/prelude.sql" > /dev/null; fi
    query judge_kept -c "CREATE EXTENSION migration_governance"
    MG_KEPT_FOLDER=$work/kept query judge_kept -v "folder=$work/kept" -f "$here/kept.sql" > "$work/kept.out" 2>&1 || echo "psql: $?" >> "$work/kept.out"
    grep '^# ' "$work/kept.out" || true
    grep -v '^# \|^$' "$work/kept.out" > "$work/out" || true
    report "unleash: receipts say of all rows that are destroyed that they are kept, and which come back" "$work/out"
else
    tests=$((tests + 1))
    echo "ok $tests - unleash # SKIP cannot be fetched"
fi

# Numbers the lines of left.pl.
while IFS= read -r line; do
    case $line in
        'ok - '* | 'not ok - '*)
            tests=$((tests + 1))
            [[ $line == ok* ]] || failures=$((failures + 1))
            echo "${line%% - *} $tests - ${line#* - }" ;;
        *) echo "$line" ;;
    esac
done < <("$here/left.pl" "$work" || echo "not ok - left.pl gets to its end")

echo "1..$tests"
[ "$failures" = 0 ]
