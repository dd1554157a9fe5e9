# Deploys a series with its indexes built concurrently. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

# Copies script $1 to $2 with each CREATE INDEX that stands by itself made CONCURRENTLY: not in scripts with transactions of their own, with bodies, or
# with partitioned tables, where psql has no such thing.
make_concurrent() {
  if grep -qiE '^[[:space:]]*begin|\$[a-z_]*\$|partition by' "$1"; then cp "$1" "$2"; else
    sed -E 's/^([[:space:]]*)CREATE( UNIQUE)? INDEX (CONCURRENTLY )?/\1CREATE\2 INDEX CONCURRENTLY /I' "$1" >"$2"
  fi
}

# Prints the psql commands that register and deploy the migrations of series $1 that psql could apply; a table and its index of one script are steps
# of one deployment.
deploy_commands() {
  local order name up down arguments folder=$work/$1
  while IFS=$'\t' read -r order name up down; do
    grep -qx "$order" "$work/$1.applied" || continue
    make_concurrent "$folder/$up" "$folder/deployed/$up"
    arguments="name => '$name', up => pg_read_file('$folder/deployed/$up')"
    if [ -n "$down" ]; then arguments+=", down => pg_read_file('$folder/$down')"; fi
    cat <<COMMANDS
SELECT FROM mg_register($arguments) \\g /dev/null
CALL mg_deploy('$name');
\\echo $order deploy :SQLSTATE :LAST_ERROR_MESSAGE
RESET ALL;
COMMANDS
  done
}

# Deploys series $1 and reports whether the schema is psql's, nothing has drifted and the ledger verifies.
deploy_series() {
  local folder=$work/$1 log=$work/$1.deploy.log steps
  mkdir -p "$folder/deployed"
  query postgres -c "DROP DATABASE IF EXISTS real_deploy_$1"
  create_database "real_deploy_$1" "$folder"
  query "real_deploy_$1" -c 'CREATE EXTENSION migration_governance'
  deploy_commands "$1" <"$folder/manifest.tsv" >"$work/$1.deploy.sql"
  chmod -R a+rX "$folder/deployed"
  psql -X -q -A -t -d "real_deploy_$1" -f "$work/$1.deploy.sql" >"$log" 2>"$work/$1.deploy.err" || true
  errors_of "$log" deploy >"$work/$1.out"
  steps=$(query "real_deploy_$1" -F ', ' -c "SELECT count(DISTINCT deployment), count(*), count(*) FILTER (WHERE kind = 'alone') FROM mg.journal WHERE event = 'done'" 2>&1)
  echo "# $1: migrations deployed, steps, of these by themselves: $steps"
  report "$1: each migration that psql can apply can be deployed, its indexes concurrently" "$work/$1.out"
  schema_of "real_deploy_$1" | sed 's/real_deploy_/real_/g' >"$work/$1.deploy.dump"
  diff -u --label psql --label mg_deploy "$work/$1.psql.dump" "$work/$1.deploy.dump" >"$work/$1.out" || true
  report "$1: deployed, the same schema as psql" "$work/$1.out"
  query "real_deploy_$1" >"$work/$1.out" 2>&1 <<<"$drift_lines
    SELECT check_name, object, expected, actual FROM mg_verify() WHERE check_name LIKE 'ledger%' AND ok IS NOT TRUE;
    SELECT 'open ' || migration FROM mg.progress" || true
  report "$1: deployed, nothing has drifted and the ledger verifies" "$work/$1.out"
  query postgres -c "DROP DATABASE real_deploy_$1"
}
