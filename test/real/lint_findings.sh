#!/bin/bash
# What mg_lint() finds in published migrations, and whether the server agrees: test/real/lint_findings.sh, a table on stdout.
#
# Builds the database of each series migration by migration with psql. Before each of them it fills the empty tables, lints the migration,
# runs it statement by statement to compare locks, work and places with what was said, runs the safe ways that were written out, and rolls
# all that back. Prints the findings per rule, those the server does not agree with, and 30 drawn at random with a fixed seed, at most 3 of
# one rule, for people to look at. It proves nothing by itself: what is not as told may be so because the rows here are made up.
#
# Takes a server and the series as run.sh does; creates databases real_lint_* and real_findings (table finding) and leaves them for a look.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chosen=${MG_REAL_SERIES:-unleash medusa_order medusa_product stripe_sync graphile_worker pgflow openqa ledgersmb}
export MG_REAL_DIR=${MG_REAL_DIR:-$here/../../build/real}
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=error" PGCLIENTENCODING=UTF8 LC_ALL=C.UTF-8
seed=0.42

. "$here/lib/server.sh"
use_server lint "autovacuum = off"

# Sends file $2 to database $1 with psql, in one transaction unless the file has its own or cannot run in one.
send_file() {
  local how=(-1)
  if grep -qiE '^[[:space:]]*begin([[:space:]]+(work|transaction))?[[:space:]]*;|concurrently|add[[:space:]]+value' "$2"; then how=(); fi
  psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "$1" "${how[@]}" -f "$2" </dev/null
}

# Builds database real_lint_$1 and writes what is found into $work/$1.findings, one line of COPY for each.
lint_series() {
  local database=real_lint_$1 folder=$work/$1 order name up down
  query postgres -c "DROP DATABASE IF EXISTS $database" \
    -c "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
  if [ -f "$folder/prelude.sql" ]; then query "$database" -f "$folder/prelude.sql" >/dev/null; fi
  query "$database" -c 'CREATE EXTENSION migration_governance' -c "SELECT mg_set_policy('lint_small_table', '0', 'tables of a few rows count here')" \
    -f "$here/lib/lint_findings.sql" >/dev/null
  : >"$work/$1.findings"
  while IFS=$'\t' read -r order name up down; do
    query "$database" >>"$work/$1.findings" 2>>"$work/$1.errors" <<SQL || echo "# $1 $order $name: not linted"
BEGIN;
SELECT * FROM real_lint.fill() \g $work/$1.fill
ANALYZE;
COPY (SELECT '$1', '$order', '$name', c.* FROM real_lint.check(pg_read_file('$folder/$up')) c ORDER BY id) TO STDOUT;
ROLLBACK;
SQL
    send_file "$database" "$folder/$up" 2>>"$work/$1.errors" || echo "# $1 $order $name: fails with psql"
  done <"$folder/manifest.tsv"
  sed "s/^/# $1: tables filled with rows, with one, with an empty page, not at all before the last migration: /" "$work/$1.fill"
  grep -hE 'ERROR|FATAL|PANIC' "$work/$1.errors" | sort | uniq -c | sort -rn | head -n 10 | sed "s/^/# $1: /" || true
}

for series in $chosen; do
  [ -f "$MG_REAL_DIR/$series/manifest.tsv" ] || "$here/fetch.sh" "$MG_REAL_DIR" >&2
done
for series in $chosen; do
  if [ ! -f "$MG_REAL_DIR/$series/manifest.tsv" ]; then
    echo "# $series: not fetched"
    continue
  fi
  cp -r "$MG_REAL_DIR/$series" "$work/$series"
  chmod -R a+rX "$work/$series"
  lint_series "$series" >"$work/$series.text" &
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
done
wait
cat "$work"/*.text

cat "$work"/*.findings >"$work/all"
query postgres -c 'DROP DATABASE IF EXISTS real_findings' -c 'CREATE DATABASE real_findings'
query real_findings <<SQL
CREATE TABLE finding (series text, migration text, name text, id int, rule text, severity text, line int, col int, object text,
  lock_mode text, work text, message text, hint text, steps text[], statement text, ordinal int, found oid, place text, lock text, done text,
  way text);
\copy finding FROM '$work/all'
SELECT setseed($seed);
CREATE TABLE drawn AS
WITH shuffled AS (SELECT *, random() AS chance FROM (SELECT * FROM finding ORDER BY series, migration, id) f),
  spread AS (SELECT *, row_number() OVER (PARTITION BY rule ORDER BY chance) AS nth FROM shuffled)
SELECT row_number() OVER (ORDER BY rule, nth) AS number, * FROM (SELECT * FROM spread WHERE nth <= 3 ORDER BY chance LIMIT 30) d;
SQL

# The places are judged for all findings, locks and work for those of statements that ran.
psql -X -q -d real_findings <<'SQL'
\pset null ''
\pset footer off
\echo Findings per rule, and in how many of the migrations
SELECT rule, severity, count(*), count(DISTINCT (series, migration)) AS migrations, count(DISTINCT series) AS series FROM finding GROUP BY 1, 2 ORDER BY 3 DESC, 1;
\echo What the server says
SELECT count(*) AS findings, count(DISTINCT rule) AS rules,
  count(*) FILTER (WHERE place = 'ok') AS places_right, count(*) FILTER (WHERE place <> 'ok') AS places_wrong,
  count(*) FILTER (WHERE lock = 'ok' AND lock_mode IS NOT NULL) AS locks_as_told, count(*) FILTER (WHERE lock ~ '^took') AS locks_not_as_told,
  count(*) FILTER (WHERE done = 'ok') AS work_as_told, count(*) FILTER (WHERE done = 'not done') AS work_not_as_told,
  count(*) FILTER (WHERE way = 'ok') AS ways_that_run, count(*) FILTER (WHERE way <> 'ok') AS ways_that_fail FROM finding;
\echo Not as told
SELECT series, migration, rule, line || ':' || col AS place, object, lock_mode, lock, work, done, place AS statement, left(way, 70) AS way FROM finding
  JOIN (SELECT series AS s, migration AS m, id AS i, row_number() OVER (PARTITION BY rule, place <> 'ok', lock ~ '^took', done, way <> 'ok' ORDER BY series, migration, id) AS nth FROM finding) n
  ON (s, m, i) = (series, migration, id)
WHERE nth <= 4 AND (place <> 'ok' OR lock ~ '^took' OR done = 'not done' OR way <> 'ok') ORDER BY rule, series, migration, id;
\echo 30 to look at
SELECT number, series || '/' || migration AS migration, rule, severity, line || ':' || col AS at, place, object, lock_mode, left(lock, 40) AS lock, work, done, left(way, 40) AS way,
  left(message, 110) AS message FROM drawn ORDER BY number;
SQL
