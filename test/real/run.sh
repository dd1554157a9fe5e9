#!/bin/bash
# Applies published migrations with psql and with mg_apply and compares: test/real/run.sh, TAP on stdout. Nothing may have drifted after
# any of them, and the schema has the same snapshot after dump and restore.
#
# Starts a throw-away server, or takes the running one on this machine that PGHOST names (with PGPORT, PGUSER a superuser, PATH with its
# psql and pg_dump) and on which the extension is installed; creates and drops databases real_psql_*, real_mg_* and real_restored and
# roles lsmb_real_*. MG_REAL_DIR has the unpacked series (fetch.sh fills it), MG_REAL_SERIES names those to run. Leaves the databases
# for a look.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
all_series="unleash medusa_order medusa_product stripe_sync graphile_worker pgflow openqa ledgersmb"
chosen=${MG_REAL_SERIES:-$all_series}
export MG_REAL_DIR=${MG_REAL_DIR:-$here/../../build/real}
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning" PGCLIENTENCODING=UTF8 LC_ALL=C.UTF-8
tests=0 failures=0 through_mg=0 skipped=0

. "$here/lib/server.sh"
. "$here/lib/deploy.sh"
use_server real "max_worker_processes = 16"

# Prints the first lines of stdin as TAP comments.
comment() {
  awk 'NR <= 20 {print "# " $0} END {if (NR > 20) print "# ... and " NR - 20 " more lines"}'
}

# Prints one TAP line: ok if file $2 (what went against it) is empty, else the file as comments.
report() {
  tests=$((tests + 1))
  if [ -s "$2" ]; then
    failures=$((failures + 1))
    echo "not ok $tests - $1"
    comment <"$2"
  else
    echo "ok $tests - $1"
  fi
}

# Prints a TAP line for what could not be tried: $1 description, $2 reason.
skip() {
  tests=$((tests + 1))
  skipped=$((skipped + 1))
  echo "ok $tests - $1 # SKIP $2"
}

# Sends file $2 to database $1 with psql, in one transaction unless the file has its own; $3 names the migration it belongs to.
send_file() {
  local how=(-1)
  if grep -qiE '^[[:space:]]*begin([[:space:]]+(work|transaction))?[[:space:]]*;' "$2"; then how=(); fi
  if [ -n "${3:-}" ]; then how+=(-c "SET migration_governance.migration = '$3'"); fi
  psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "$1" "${how[@]}" -f "$2" </dev/null
}
# The shell that psql's \! starts does not hand functions on.
{ declare -f send_file; echo 'send_file "$@"'; } >"$work/send_file.sh"

# Creates database $1 with the prelude of the series in folder $2.
create_database() {
  query postgres -c "CREATE DATABASE $1 TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
  if [ -f "$2/prelude.sql" ]; then query "$1" -f "$2/prelude.sql" >/dev/null; fi
}

# Drops what an earlier run of series $1 left.
drop_leftovers() {
  query postgres -c "DROP DATABASE IF EXISTS real_psql_$1" -c "DROP DATABASE IF EXISTS real_mg_$1"
  if [ "$1" = ledgersmb ]; then
    query postgres <<<"SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'lsmb\\_real\\_%' \gexec"
  fi
}

# Sends the files that stdin lists ("order name file") to database $1 and prints "order message" for each that fails; file $2 gets the
# same for people, with name and line.
send_all() {
  local order name file message
  while read -r order name file; do
    if ! send_file "$1" "$file" 2>"$work/error.$1"; then
      message=$(sed -n '/ERROR:  /{s/^.*ERROR:  //p;q}' "$work/error.$1")
      echo "$order $message"
      echo "$order $name, line $(sed -n "/ERROR:  /{s/^.*:\([0-9]*\): ERROR:  .*/\1/p;q}" "$work/error.$1"): $message" >>"$2"
    fi
  done
}

# Prints "drift" and what mg_drift_report() has, of which nothing is left after a governed run.
drift_lines="SELECT concat_ws(' ', 'drift', kind, object_type, identity, property, expected, '->', actual) FROM mg_drift_report();"

# Prints the psql commands that apply a series through mg_apply; stdin is the manifest, $1 the database, $2 the folder. Each step prints
# "order step SQLSTATE message". What cannot run inside a transaction is registered and then sent by psql under the migration's name.
apply_commands() {
  local order name up down arguments
  while IFS=$'\t' read -r order name up down; do
    arguments="name => '$name', up => pg_read_file('$2/$up')"
    if [ -n "$down" ]; then arguments+=", down => pg_read_file('$2/$down')"; fi
    cat <<COMMANDS
SELECT status AS outcome FROM mg_apply($arguments) \\gset
\\echo $order apply :SQLSTATE :LAST_ERROR_MESSAGE
SELECT :'SQLSTATE' = '0A000' AS unfit \\gset
\\if :unfit
SELECT FROM mg_register($arguments) \\g /dev/null
\\echo $order register :SQLSTATE :LAST_ERROR_MESSAGE
\\! bash $work/send_file.sh $1 $2/$up $name && echo $order sent 00000 || echo $order sent failed
SELECT mg_accept_drift('sent by psql') \\g /dev/null
\\endif
RESET ALL;
$drift_lines
COMMANDS
  done
}

# Prints the psql commands that roll back newest first, as above; what mg_rollback refuses for a difference is sent by psql.
rollback_commands() {
  local order name file
  while read -r order name file; do
    cat <<COMMANDS
SELECT status AS outcome FROM mg_rollback('$name') \\gset
\\echo $order rollback :SQLSTATE :LAST_ERROR_MESSAGE
SELECT :'SQLSTATE' ~ '^(MG|0A000)' AS refused \\gset
\\if :refused
\\! bash $work/send_file.sh $1 $file $name && echo $order sent 00000 || echo $order sent failed
SELECT mg_accept_drift('sent by psql') \\g /dev/null
\\endif
RESET ALL;
$drift_lines
COMMANDS
  done
}

# Prints the schema of database $1 without the extension, the random tokens of newer dumps and the part of the name that differs.
schema_of() {
  pg_dump -s --exclude-schema=mg --exclude-schema=mg_archive -d "$1" |
    perl -0pe 's/--\n-- Name: (EXTENSION )?migration_governance;.*\n--\n\n(CREATE|COMMENT ON) EXTENSION (?s:.*?);\n\n\n//g;
      s/^\\(un)?restrict .*\n//mg; s/real_(psql|mg)_/real_/g'
}

# Reports whether the two databases of series $1 have the same schema; $2 is appended to the description.
compare_schemas() {
  schema_of "real_psql_$1" >"$work/$1.psql.dump"
  schema_of "real_mg_$1" >"$work/$1.mg.dump"
  diff -u --label psql --label mg_apply "$work/$1.psql.dump" "$work/$1.mg.dump" >"$work/$1.diff" || true
  if ! grep -q '^CREATE' "$work/$1.psql.dump" && [ -z "${2:-}" ]; then echo 'the schema is empty' >>"$work/$1.diff"; fi
  report "$1: same schema as psql${2:-}" "$work/$1.diff"
}

# Reports whether the record of series $1 (its applied files are in applied.list, "order name file") is what the parser cuts from the files.
compare_statements() {
  local rows expected recorded nested
  rows=$(awk -v q="'" '{printf "%s(%s, pg_read_file(%s))", (NR > 1 ? ",\n" : ""), q $2 q, q $3 q}' "$work/$1/applied.list")
  cat >"$work/$1.parse.sql" <<QUERY
WITH applied(migration, script) AS (VALUES
$rows
), expected AS (
  SELECT migration, p.statement FROM applied, LATERAL mg_parse(script) p WHERE p.captured
), recorded AS (
  SELECT migration, statement FROM mg.statements WHERE migration IS NOT NULL AND NOT nested
), difference AS (
  SELECT 'not on record' AS kind, * FROM (TABLE expected EXCEPT ALL TABLE recorded) missing
  UNION ALL
  SELECT 'once too often on record', * FROM (TABLE recorded EXCEPT ALL TABLE expected) extra
)
QUERY
  {
    cat "$work/$1.parse.sql"
    echo "SELECT kind || ': ' || migration || ': ' || quote_literal(left(statement, 200)) FROM difference ORDER BY 1;"
  } >"$work/$1.difference.sql"
  {
    cat "$work/$1.parse.sql"
    echo "SELECT (SELECT count(*) FROM expected), (SELECT count(*) FROM recorded),"
    echo "  (SELECT count(*) FROM mg.statements WHERE nested);"
  } >"$work/$1.counts.sql"
  query "real_mg_$1" -f "$work/$1.difference.sql" >"$work/$1.out" 2>&1 || true
  IFS='|' read -r expected recorded nested < <(query "real_mg_$1" -f "$work/$1.counts.sql" 2>&1) || true
  echo "# $1: ${expected:-?} statements to record, ${recorded:-?} on record, ${nested:-?} more run by DO blocks and functions"
  if [ "${expected:-0}" = 0 ]; then echo 'nothing was expected' >>"$work/$1.out"; fi
  report "$1: each statement on record once" "$work/$1.out"

  # Whatever is left must belong to a migration that was applied; CREATE EXTENSION wrote its own first record.
  cat >"$work/$1.others.sql" <<QUERY
WITH applied(migration, script) AS (VALUES
$rows
)
SELECT coalesce('migration ' || migration, 'no migration') || ', ' || coalesce(tag, '-') || ' ' || coalesce(identity, '-')
       || ', ' || coalesce(origin, '-') || ': ' || coalesce(quote_literal(left(statement, 200)), '-')
FROM mg.statements s
WHERE NOT EXISTS (SELECT FROM applied a WHERE a.migration = s.migration)
  AND NOT (s.migration IS NULL AND tag = 'CREATE EXTENSION' AND statement ~ 'migration_governance')
ORDER BY id;
QUERY
  query "real_mg_$1" -f "$work/$1.others.sql" >"$work/$1.out" 2>&1 || true
  report "$1: nothing else on record" "$work/$1.out"
}

# Prints the lines of log $1 that report an error in step $2, as "order message".
errors_of() {
  awk -v step="$2" '$1 ~ /^[0-9]+$/ && $2 == step && $3 != "00000" {order = $1; $1 = $2 = $3 = ""; sub(/^ +/, ""); print order, $0}' "$1"
}

# Prints the orders at which step $2 of log $1 ended with an SQLSTATE that matches $3.
orders_of() {
  awk -v step="$2" -v state="$3" '$1 ~ /^[0-9]+$/ && $2 == step && $3 ~ state {print $1}' "$1"
}

# Keeps the lines of stdin whose first word is a first word in file $1.
among() {
  awk 'FILENAME != "-" {seen[$1]; next} $1 in seen' "$1" -
}

# Keeps the others.
except() {
  awk 'FILENAME != "-" {seen[$1]; next} !($1 in seen)' "$1" -
}

# Applies series $1 on both sides, which share no database, and compares.
apply_series() {
  local folder=$work/$1 log=$work/$1.apply.log plain=$work/$1.psql.failed direct applied
  create_database "real_psql_$1" "$folder"
  create_database "real_mg_$1" "$folder"
  query "real_mg_$1" -c "ALTER DATABASE real_mg_$1 SET session_preload_libraries = 'migration_governance'" \
    -c 'CREATE EXTENSION migration_governance'

  awk -F '\t' -v folder="$folder" '{print $1, $2, folder "/" $3}' "$folder/manifest.tsv" >"$folder/ups.list"
  send_all "real_psql_$1" "$plain.text" <"$folder/ups.list" >"$plain" &
  apply_commands "real_mg_$1" "$folder" <"$folder/manifest.tsv" >"$work/$1.apply.sql"
  psql -X -q -A -t -d "real_mg_$1" -f "$work/$1.apply.sql" >"$log" 2>"$work/$1.apply.err" || true
  wait "$!"

  # A file that fails must fail for the same reason on both sides.
  orders_of "$log" apply '^0A000$' >"$work/$1.unfit"
  { errors_of "$log" apply | except "$work/$1.unfit"
    orders_of "$log" sent failed | while read -r order; do grep "^$order " "$plain" || echo "$order fails only here"; done
  } | sort >"$work/$1.mg.failed"
  direct=$(orders_of "$log" sent '^00000$' | wc -l)
  { orders_of "$log" apply '^00000$'; orders_of "$log" sent '^00000$'; } | sort >"$work/$1.applied"
  among "$work/$1.applied" <"$folder/ups.list" >"$folder/applied.list"
  applied=$(orders_of "$log" apply '^00000$' | wc -l)
  through_mg=$((through_mg + applied))

  if [ -s "$plain" ]; then sed "s/^/# $1: fails with psql: /" "$plain.text"; fi
  echo "# $1: $applied of $(wc -l <"$folder/ups.list") through mg_apply, $direct sent by psql because they cannot run inside a transaction"
  if [ "$direct" -gt 0 ]; then errors_of "$log" apply | among "$work/$1.unfit" | cut -d ' ' -f 2- | sort | uniq -c | comment; fi
  errors_of "$log" register | comment
  diff --label psql --label mg_apply -U 0 "$plain" "$work/$1.mg.failed" >"$work/$1.out" || true
  if [ ! -s "$work/$1.applied" ]; then cat "$work/$1.apply.err" >>"$work/$1.out"; fi
  report "$1: $(wc -l <"$plain") of $(wc -l <"$folder/ups.list") files fail, the same on both sides" "$work/$1.out"
}

# Reports whether the linter could judge each migration of series $1 as it was applied, and finds no error in any that meets an empty
# database: there nothing is at stake.
lint_series() {
  local order name file
  grep -F 'the linter cannot tell' "$work/$1.apply.err" >"$work/$1.out" || true
  query "real_mg_$1" -c "SELECT migration || ': no risk class' FROM mg.runs WHERE action = 'apply' AND outcome = 'applied'
    AND NOT evidence @> '[{\"query\": \"risk class\"}]'" >>"$work/$1.out" 2>&1 || true
  query "real_mg_$1" -F ' ' -c "SELECT e.v ->> 'actual', count(*) FROM mg.runs r, jsonb_array_elements(r.evidence) e (v)
    WHERE e.v ->> 'query' = 'risk class' GROUP BY 1 ORDER BY 1" 2>&1 | sed "s/^/# $1: risk class /"
  report "$1: each migration has a risk class" "$work/$1.out"

  read -r order name file <"$work/$1/ups.list"
  query postgres -c "DROP DATABASE IF EXISTS real_empty"
  create_database real_empty "$work/$1"
  query real_empty -c 'CREATE EXTENSION migration_governance' \
    -c "SELECT line, col, rule, message FROM mg_lint(pg_read_file('$file')) WHERE severity = 'error'" >"$work/$1.out" 2>&1 || true
  # Every other one as well, on what is not there: nothing is at stake, and nothing may raise.
  awk -v q="'" '{print "SELECT count(*) FROM mg_lint(pg_read_file(" q $3 q ")) \\g /dev/null"}' "$work/$1/applied.list" >"$work/$1.lint.sql"
  query real_empty -v ON_ERROR_STOP=0 -f "$work/$1.lint.sql" >>"$work/$1.out" 2>&1 || true
  report "$1: no error in the first migration into an empty database, and none of the linter itself in the others" "$work/$1.out"
  query postgres -c "DROP DATABASE real_empty"
}

# Rolls series $1 back on both sides, newest first, as far as it has down scripts, and compares.
roll_back_series() {
  local folder=$work/$1 log=$work/$1.rollback.log plain=$work/$1.down.failed refused rolled
  awk -F '\t' -v folder="$folder" '$4 != "" {print $1, $2, folder "/" $4}' "$folder/manifest.tsv" |
    among "$work/$1.applied" | sort -r >"$folder/downs.list"
  if [ ! -s "$folder/downs.list" ]; then return; fi
  send_all "real_psql_$1" "$plain.text" <"$folder/downs.list" >"$plain" &
  rollback_commands "real_mg_$1" <"$folder/downs.list" >"$work/$1.rollback.sql"
  psql -X -q -A -t -d "real_mg_$1" -f "$work/$1.rollback.sql" >"$log" 2>"$work/$1.rollback.err" || true
  wait "$!"

  rolled=$(orders_of "$log" rollback '^00000$' | wc -l)
  refused=$(orders_of "$log" rollback '^(MG...|0A000)$' | tee "$work/$1.refused" | wc -l)
  if [ -s "$plain" ]; then sed "s/^/# $1: down fails with psql: /" "$plain.text"; fi
  awk '$2 == "rollback" && $3 != "00000" {print $3}' "$log" | sort | uniq -c | sed "s/^ */# $1: rollback: /"
  { errors_of "$log" rollback | except "$work/$1.refused"
    orders_of "$log" sent failed | sed 's/$/ refused, and then psql failed/'
  } | except "$plain" >"$work/$1.out"
  if [ "$rolled" = 0 ]; then cat "$work/$1.rollback.err" >>"$work/$1.out"; fi
  report "$1: $rolled rolled back, $refused refused" "$work/$1.out"
  no_drift "$1" "$log" 'any rollback'
  compare_schemas "$1" ' after rolling back'
}

# Reports whether log $2 of series $1 is free of drift after each run, and in the end also when every object is looked at, whatever the
# sums of its catalog rows say.
no_drift() {
  awk '$1 ~ /^[0-9]+$/ {order = $1} /^drift/ {print order ": " $0}' "$2" >"$work/$1.out"
  query "real_mg_$1" -c "BEGIN" -c "UPDATE mg.object SET versions = 0" -c "$drift_lines" -c "ROLLBACK" >>"$work/$1.out" 2>&1 || true
  report "$1: nothing has drifted after $3" "$work/$1.out"
}

# Reports whether series $1 has the same snapshot after dump and restore (but for casts of arrays, which the server spells otherwise once it
# has read its own spelling), and whether a change by hand is reported, once and alone.
compare_snapshots() {
  local name table
  query postgres -c "DROP DATABASE IF EXISTS real_restored"
  create_database real_restored /nowhere
  { pg_dump -s -Fc -f "$work/$1.dump" "real_mg_$1" && pg_restore -d real_restored "$work/$1.dump"; } >"$work/$1.out" 2>&1 || true
  for name in real_restored "real_mg_$1"; do
    query "$name" -c 'SELECT mg_snapshot()' >"$work/$1.$name.json" 2>>"$work/$1.out" || true
  done
  query postgres -v "before=$work/$1.real_mg_$1.json" -v "after=$work/$1.real_restored.json" \
    -f "$here/../tap/lib/snapshot_differences.sql" 2>&1 |
    grep -vE '^database current database, settings |::text\[\].* -> .*::text' >>"$work/$1.out" || true
  report "$1: the same snapshot after dump and restore" "$work/$1.out"
  query postgres -c "DROP DATABASE real_restored"

  table=$(query "real_mg_$1" -c "SELECT c.oid::regclass FROM pg_class c WHERE relkind = 'r' AND oid > 16384
    AND obj_description(oid, 'pg_class') IS NULL AND relnamespace <> 'mg'::regnamespace ORDER BY 1 LIMIT 1")
  query "real_mg_$1" -c "COMMENT ON TABLE $table IS 'by hand'"
  query "real_mg_$1" -F ' ' -c "SELECT kind, object_type, identity::regclass, property, expected IS NULL, actual, changed_by = current_user,
    statement FROM mg_drift_report()" >"$work/$1.report" 2>&1 || true
  query "real_mg_$1" -c "COMMENT ON TABLE $table IS NULL" -c "$drift_lines" >"$work/$1.after" 2>&1 || true
  diff <(echo "changed table $table comment t by hand t COMMENT ON TABLE $table IS 'by hand'") "$work/$1.report" >"$work/$1.out" || true
  cat "$work/$1.after" >>"$work/$1.out"
  report "$1: one change by hand is reported, and not once it is undone" "$work/$1.out"
}

# Reports whether the ledger of series $1 is whole.
verify_ledger() {
  query "real_mg_$1" >"$work/$1.out" 2>&1 <<<"SELECT check_name, object, expected, actual FROM mg_verify()
    WHERE check_name LIKE 'ledger%' AND ok IS NOT TRUE" || true
  report "$1: the ledger verifies" "$work/$1.out"
}

for series in $chosen; do
  if [ ! -f "$MG_REAL_DIR/$series/manifest.tsv" ]; then
    "$here/fetch.sh" "$MG_REAL_DIR" 2>&1 | comment
    break
  fi
done

for series in $chosen; do
  if [ ! -f "$MG_REAL_DIR/$series/manifest.tsv" ]; then
    skip "$series" 'not fetched'
    continue
  fi
  cp -r "$MG_REAL_DIR/$series" "$work/$series"
  chmod -R a+rX "$work/$series"
  start=$SECONDS
  drop_leftovers "$series"
  apply_series "$series"
  lint_series "$series"
  compare_schemas "$series"
  compare_statements "$series"
  no_drift "$series" "$work/$series.apply.log" 'any migration'
  compare_snapshots "$series"
  deploy_series "$series"
  roll_back_series "$series"
  verify_ledger "$series"
  echo "# $series: $((SECONDS - start)) s"
done

echo "# $through_mg migrations applied through mg_apply"
if [ "$chosen" = "$all_series" ] && [ "$skipped" = 0 ]; then
  if [ "$through_mg" -ge 400 ]; then : >"$work/out"; else echo "$through_mg" >"$work/out"; fi
  report 'at least 400 migrations applied through mg_apply' "$work/out"
else
  skip 'at least 400 migrations applied through mg_apply' 'not all series'
fi
echo "1..$tests"
[ "$failures" = 0 ]
