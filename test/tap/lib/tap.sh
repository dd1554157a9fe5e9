# shellcheck shell=bash
# Sourced by the shell scripts of this folder: goes to the top of the tree, makes a directory for files in $work, and prints TAP.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
work=$(mktemp -d "$MG_HOME/work.XXXX")
count=0

# Prints one result; shows the lines of `detail` when it is bad.
result() {
    local fine=$1 name=$2 detail=${3:-}
    count=$((count + 1))
    if [ "$fine" -eq 0 ]; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        # shellcheck disable=SC2001
        [ -z "$detail" ] || sed 's/^/# /' <<< "$detail"
    fi
}

is() {
    local name=$1 wanted=$2 got=$3
    [ "$got" = "$wanted" ]
    result $? "$name" "wanted: $wanted"$'\n'"got:    $got"
}

like() {
    local name=$1 pattern=$2 got=$3
    [[ $got =~ $pattern ]]
    result $? "$name" "wanted: $pattern"$'\n'"got:    $got"
}

# Runs psql on DATABASE of the server at hand and prints rows and messages plainly.
query() {
    local database=$1
    shift
    psql -X -A -t -q -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -d "$database" "$@" 2>&1
}

# Chooses the server for what follows.
use() {
    eval "$(test/tools/server.sh env "$1")"
    # shellcheck disable=SC2034
    server=$1
}

# What mg_verify() has against a database, on one line.
# shellcheck disable=SC2034
verified="SELECT coalesce(string_agg(concat_ws(' ', migration, check_name, object, expected, actual), '; '), 'all ok')
          FROM mg_verify() WHERE NOT ok"

# Stops the servers, and says that this was all.
finish() {
    local name
    for name in "$@"; do test/tools/server.sh stop "$name"; done
    rm -rf "$work"
    echo "1..$count"
}
