# shellcheck shell=bash
# Sourced by every script here: goes to the top of the tree and prints TAP.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export LC_ALL=C
shopt -s nullglob
failed=0

# Passes when nothing was found; shows what was.
none() {
    if [ -z "$2" ]; then
        echo "ok - $1"
    else
        echo "not ok - $1"
        awk '{ print "# " $0 }' <<< "${2%$'\n'}"
        failed=1
    fi
}

# Says that a check cannot be made here, and why.
skip() {
    echo "ok - $1 # SKIP $2"
}

trap 'exit $failed' EXIT
