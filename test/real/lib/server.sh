# What the scripts of this folder share: a server, a folder for work, and queries. Sourced, with $here set: use_server NAME SETTING...
# shellcheck shell=bash disable=SC2154

# Takes the server that PGHOST names, or starts a throw-away one that ends with the script. Sets `work`.
use_server() {
  local name=$1 server=$here/../tools/server.sh
  shift
  # The server reads the scripts itself, as another user.
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  chmod 755 "$work"
  if [ -n "${PGHOST:-}" ]; then return; fi
  "$server" prepare >&2
  # shellcheck disable=SC2064
  trap "'$server' stop $name >/dev/null 2>&1; rm -rf '$work'" EXIT
  "$server" start "$name" "$@" >&2
  eval "$("$server" env "$name")"
}

# Runs SQL or a file quietly in database $1 and stops at an error; the other arguments are psql's.
query() {
  psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$@"
}
