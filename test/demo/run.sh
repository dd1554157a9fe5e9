#!/usr/bin/env bash
# Plays the whole story in psql on migrations that a package has published, on a throw-away server; `make demo` calls it.
#
# Every step checks what came back: the script ends with 1 at the first one that does not behave as told.
# Without a network, or without npm, it plays on the small series beside it, and says so.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
server=$root/test/tools/server.sh
unset LC_ALL LANGUAGE PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS PGAPPNAME MAKEFLAGS MAKELEVEL
export LANG=C.UTF-8 PGCLIENTENCODING=UTF8 PSQL_PAGER=''
MG_HOME=$(mktemp -d /tmp/mg.XXXXXX)
work=$(mktemp -d /tmp/mg-demo.XXXXXX)
export MG_HOME
trap '"$server" clean; rm -rf "$work"' EXIT

# Prints a heading and what is about to be seen.
tell() {
    local line
    printf '\n== %s\n' "$1"
    shift
    for line in "$@"; do printf '   %s\n' "$line"; done
}

# Prints a paragraph of SQL as psql's prompt would show it.
prompted() {
    awk -v mark="$1" '{ print "shop" (NR == 1 ? "=" : "-") mark " " $0 }' <<< "$2"
}

# Turns the paragraphs of SQL on standard input into a script that shows each with its prompt, then runs it.
with_prompts() {
    awk -v mark="$1" 'BEGIN { RS = "" } {
        count = split($0, lines, "\n")
        for (i = 1; i <= count; i++) {
            shown = lines[i]; gsub(/\\/, "\\\\\\\\", shown); gsub(/\047/, "\047\047", shown)
            print "\\echo \047shop" (i == 1 ? "=" : "-") mark " " shown "\047"
        }
        print $0 "\n\\echo"
    }'
}

# Breaks messages, which may be long, at 110 columns; tables stay as they are.
wrap() {
    awk '{
        indent = ""
        while (length($0) > 110 && (indent != "" || /^(ERROR|DETAIL|HINT|NOTICE|WARNING|CONTEXT):/)) {
            for (at = 110; at > 60 && substr($0, at, 1) != " ";) at--
            print substr($0, 1, at > 60 ? at - 1 : 110)
            indent = "         "
            $0 = indent substr($0, at > 60 ? at + 1 : 111)
        }
        print
    }'
}

# Runs the paragraphs of SQL on standard input as ROLE in one session of psql, shows them and what comes back.
# What came back is kept for `shows`.
play() {
    local role=$1 mark='>'
    [ "$role" = postgres ] && mark='#'
    echo
    with_prompts "$mark" | PGAPPNAME=${2:-psql} psql -X -d shop -U "$role" -v HISTFILE=/dev/null 2>&1 |
        sed -E 's/^psql:<stdin>:[0-9]+: //' | tee "$work/answer" | wrap | cat -s || true
}

# Ends the demo unless the last answer has a line for each regular expression.
shows() {
    local pattern
    for pattern in "$@"; do
        grep -qE -- "$pattern" "$work/answer" && continue
        printf 'demo: the last step did not show: %s\n' "$pattern" >&2
        exit 1
    done
}

shows_not() {
    if grep -qE -- "$1" "$work/answer"; then
        printf 'demo: the last step must not show: %s\n' "$1" >&2
        exit 1
    fi
}

# Sets `series`, `source` and the names of the migrations that the story is about.
choose_series() {
    local names target=$root/build/real
    mkdir -p "$target" 2> /dev/null && [ -w "$target" ] || target=$work/real
    if [ -f "$root/build/real/medusa_product/manifest.tsv" ]; then
        target=$root/build/real
    else
        MG_REAL_SERIES=medusa_product timeout 25 "$root/test/real/fetch.sh" "$target" > "$work/fetch.log" 2>&1 || true
    fi
    if [ -f "$target/medusa_product/manifest.tsv" ]; then
        series=$target/medusa_product
        source='the product module of Medusa, a shop system, as its package @medusajs/product 2.21.2 has them'
    else
        command -v npm > /dev/null || echo "demo: npm is missing here" >&2
        series=$here/series
        source='a small series of this project: the published ones could not be fetched (no network, or no npm)'
    fi
    cut -f 2 "$series/manifest.tsv" > "$work/names"
    mapfile -t names < "$work/names"
    count=${#names[@]}
    edited=${names[count - 3]}
    keep=${names[count - 3]}
    before_last=${names[count - 2]}
    last=${names[count - 1]}
}

# Writes the psql script that applies the series: it reads each file into a variable, so that no quoting is needed.
write_series() {
    local name up down file
    while IFS=$'\t' read -r _ name up down; do
        for file in "$up" "$down"; do [ -z "$file" ] || cp "$series/$file" "$work/"; done
        # shellcheck disable=SC2016
        {
            printf '\\set up `cat %s`\n' "$up"
            if [ -n "$down" ]; then
                printf '\\set down `cat %s`\n' "$down"
                printf "SELECT * FROM mg_apply('%s', :'up', :'down');\n" "$name"
            else
                printf "SELECT * FROM mg_apply('%s', :'up');\n" "$name"
            fi
        } >> "$work/apply.sql"
    done < "$series/manifest.tsv"
}

echo "demo: building (a minute or two the first time), and starting a throw-away server"
choose_series
write_series
"$server" prepare
"$server" start demo "shared_preload_libraries = 'migration_governance'" "timezone = 'UTC'"
eval "$("$server" env demo)"
psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE anna LOGIN;
CREATE ROLE dana LOGIN IN ROLE anna;
CREATE DATABASE shop OWNER anna;
SQL

tell "Create the extension" \
    "anna owns the database shop; she is not a superuser, and need not be. dana is a colleague." \
    "The server is $(psql -X -A -t -c 'SHOW server_version')."
play anna <<'SQL'
CREATE EXTENSION migration_governance;

SELECT aspect, value, ok FROM mg_status() WHERE aspect IN ('extension', 'capture', 'event triggers');
SQL
shows 'preloaded for the whole server' 'enabled always'

tell "Apply a package's migrations" \
    "They are $source." \
    "Each is one call; psql reads the files into variables. This is how the script begins:"
sed -n 1,5p "$work/apply.sql" | sed 's/^/     /'
echo
prompted '>' "\\i apply.sql"
(cd "$work" && psql -X -q -d shop -U anna -v ON_ERROR_STOP=1 -f apply.sql) > "$work/apply.out" 2> "$work/apply.err" || {
    cat "$work/apply.err" >&2
    exit 1
}
play anna <<'SQL'
SELECT count(*) AS migrations, sum(statements) AS statements, sum(execution_time) AS total_time,
       pg_size_pretty(sum(size_after - size_before)) AS growth
FROM mg.runs WHERE outcome = 'applied';
SQL
shows "^ +$count \|"

tell "See the history"
play anna <<'SQL'
SELECT id, migration_name, date_trunc('second', applied_at) AS applied_at, applied_by, execution_time,
       left(checksum, 12) AS checksum
FROM mg.history ORDER BY id DESC LIMIT 5;

SELECT migration, tag, left(identity, 32) AS identity, left(statement, 36) AS statement
FROM mg.statements ORDER BY at DESC LIMIT 4;
SQL
shows "$last +\|.*\| anna " 'CREATE INDEX \| public\.'

tell "Apply the same one again, then an edited one" \
    "The same name with the same text is skipped; with another text it is refused."
cp "$work/$(awk -F'\t' -v name="$edited" '$2 == name { print $3 }' "$series/manifest.tsv")" "$work/same.sql"
sed 's/text null/varchar(40) null/' "$work/same.sql" > "$work/edited.sql"
cd "$work"
play anna <<SQL
\\set up \`cat same.sql\`
SELECT migration, status FROM mg_apply('$edited', :'up');

\\set up \`cat edited.sql\`
SELECT migration, status FROM mg_apply('$edited', :'up');

\\echo :LAST_ERROR_SQLSTATE
SQL
shows 'skipped' 'is applied with another text' 'varchar\(40\)' '^MG003$'

tell "A migration that fails halfway" \
    "Its last statement names a column that does not exist. Nothing of it stays, except the record of the attempt."
play anna <<'SQL'
SELECT migration, status FROM mg_apply('add season to product',
$up$-- Author: Anna
-- Ticket: SHOP-12
ALTER TABLE product ADD COLUMN season text;
CREATE INDEX product_season ON product (season);
CREATE INDEX product_year ON product (season, year);$up$);

SELECT outcome, line, sqlstate, error, statement FROM mg.runs WHERE outcome = 'failed';

SELECT count(*) AS columns_called_season FROM pg_attribute WHERE attname = 'season';
SQL
shows 'ERROR: +column "year" does not exist' 'migration "add season to product", up, line 5' 'failed +\| +5 \| 42703' '^ +0$'

tell "Correct it and apply it, with a way back and a query that proves it" \
    "A failed migration may change its text. The verification is kept, and runs again whenever mg_verify() is called."
play anna <<'SQL'
SELECT migration, status, execution_time, statements, objects FROM mg_apply('add season to product',
$up$-- Author: Anna
-- Ticket: SHOP-12
ALTER TABLE product ADD COLUMN season text;
CREATE INDEX product_season ON product (season);$up$,
$down$DROP INDEX product_season;
ALTER TABLE product DROP COLUMN season;$down$,
verify => 'SELECT count(*) FROM product WHERE season IS NOT NULL; -- expect: 0');
SQL
shows 'add season to product \| applied'

tell "Meanwhile, a colleague makes changes by hand" \
    "dana works in another program, without any migration."
play dana 'pgAdmin 4' <<'SQL'
ALTER TABLE product ADD COLUMN colour text;

DROP INDEX "IDX_product_option_global_title_unique";
SQL
play postgres 'psql' <<'SQL'
ALTER ROLE dana PASSWORD 'swordfish';
SQL

tell "It is on record: who, when, with what" \
    "Passwords are not."
play anna <<'SQL'
SELECT to_char(at, 'HH24:MI:SS') AS at, login_role, application, tag, statement
FROM mg.statements WHERE origin = 'session' ORDER BY statements.at;
SQL
shows 'dana +\| pgAdmin 4 +\| ALTER TABLE ' 'dana +\| pgAdmin 4 +\| DROP INDEX ' "PASSWORD '\*\*\*'"
shows_not swordfish

tell "Verify" "An index that a migration made is gone, and two tables are not as migrations left them."
play anna <<'SQL'
SELECT ok, count(*) AS checks FROM mg_verify() GROUP BY ok ORDER BY ok;

SELECT migration, check_name, object, expected, actual FROM mg_verify() WHERE NOT ok;
SQL
shows '^ f +\| +3$' 'table public.product +\| unchanged +\| exists, changed by hand: .*colour' "$before_last +\| object +\| index public\.\"IDX_product_option_global_title_unique\" +\| exists +\| missing"

tell "Roll back to before it, newest first" \
    "All of it is one transaction, and the reason is kept."
play anna <<SQL
SELECT migration, status, execution_time, statements
FROM mg_rollback_to('$keep', reason => 'an index went missing');

SELECT id, migration_name, rollback_applied, metadata->>'rollback_reason' AS reason
FROM mg.history ORDER BY id DESC LIMIT 4;
SQL
shows 'add season to product +\| rolled back' "$last +\| rolled back" "$before_last +\| rolled back" \
    "$keep +\| f " "$last +\| t +\| an index went missing"

tell "Apply them again: the name is enough, the ledger knows the text"
play anna <<SQL
SELECT done.migration, done.status, done.execution_time
FROM unnest(ARRAY['$before_last', '$last', 'add season to product']) AS name,
     mg_apply(name) AS done;

SELECT migration, action, outcome, to_char(started_at, 'HH24:MI:SS') AS at, execution_time, reason
FROM mg.runs ORDER BY started_at DESC LIMIT 6;
SQL
shows "^ $last +\| applied" "^ $before_last +\| applied" 'add season to product +\| roll back +\| rolled back .*an index went missing'

tell "The ledger is append-only, for the superuser too" \
    "One who switches the guard off is found out. (Undone here: the last line is ROLLBACK.)"
play postgres <<'SQL'
DELETE FROM mg.run;

BEGIN;

SET LOCAL migration_governance.protect_ledger = off;

UPDATE mg.statement SET login_role = 'nobody' WHERE login_role = 'dana';

SELECT check_name, object, ok, left(expected, 12) AS expected, left(actual, 12) AS actual
FROM mg_verify() WHERE NOT ok LIMIT 1;

ROLLBACK;
SQL
shows '"mg.run" is append-only' 'ledger record \| mg.statement [0-9]+ +\| f '

tell "Verify once more, and keep the head of the chain elsewhere" \
    "A head that is kept in git or in CI proves later that nothing before it was rewritten."
play anna <<'SQL'
SELECT ok, count(*) AS checks FROM mg_verify() GROUP BY ok;

SELECT check_name, ok, actual FROM mg_verify() WHERE check_name LIKE 'ledger%';

SELECT mg_seal() AS head;

SELECT aspect, value, ok FROM mg_status();
SQL
shows '^ t +\| +[0-9]+$' '^ [0-9a-f]{64}$' 'migrations +\| [0-9]+ applied +\|'
shows_not '^ f +\|'

printf '\ndemo: every step behaved as told. The README has the same in five minutes, to be pasted.\n'
