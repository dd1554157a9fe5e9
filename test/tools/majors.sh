#!/usr/bin/env bash
# Runs test/run.sh on the PostgreSQL at hand and on the others of 15, 17 and 18, and ends with "N passed, N failed".
#
# The others run in Debian releases that debootstrap unpacks into folders below MG_CACHE, where the next run finds them;
# remove a folder to get newer packages. That needs root. A major that can't be had counts as one failed, unless
# MG_SKIP_MAJORS ("17,18") names it. Everything that is mounted or started in a folder ends with its namespaces.
# All three run side by side: most tests wait more than they compute.
#
#   majors.sh                            all of it
#   majors.sh inside FOLDER WORK COMMAND for itself: runs a shell command in FOLDER, where WORK is /tmp
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
self=$root/test/tools/majors.sh
if [ "$(id -u)" -eq 0 ]; then
    cache=${MG_CACHE:-/var/cache/migration_governance}
else
    cache=${MG_CACHE:-$HOME/.cache/migration_governance}
fi
logs=$root/build/log
limit=${MG_MAJOR_TIMEOUT:-4800}
declare -A release=([15]=bookworm [17]=trixie [18]=sid)

# Runs a command in mount and process namespaces of its own, which end with this script and after the time limit.
in_namespaces() {
    setpriv --pdeathsig TERM timeout --kill-after=15 "$limit" \
        unshare --mount --mount-proc --pid --fork --kill-child "$@"
}

# Is what runs in those namespaces, so that the mounts are nobody else's and vanish with it.
inside() {
    local folder=$1 work=$2 command=$3
    mount --bind "$work" "$folder/tmp"
    mount -t proc proc "$folder/proc"
    mount --rbind /dev "$folder/dev"
    mount -t tmpfs tmpfs "$folder/dev/shm"
    exec chroot "$folder" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        ${MG_SUITES+"MG_SUITES=$MG_SUITES"} ${MG_TIMEOUT:+"MG_TIMEOUT=$MG_TIMEOUT"} \
        ${MG_JUDGE_SERIES:+"MG_JUDGE_SERIES=$MG_JUDGE_SERIES"} ${MG_JUDGE_STEP:+"MG_JUDGE_STEP=$MG_JUDGE_STEP"} "MG_WITHOUT=house unit sarif" \
        bash -c "$command"
}

# Runs a shell command in the folder of a major, in a copy of this tree.
in_folder() {
    local major=$1 work status=0
    shift
    work=$(mktemp -d "$cache/work.XXXXXX") || return
    chmod 1777 "$work"
    mkdir "$work/tree"
    test/tools/tree.sh "$root" "$work/tree"
    # What was fetched once is not fetched again.
    for fetched in build/real build/server-suite; do
        [ ! -d "$fetched" ] || cp -a --parents "$fetched" "$work/tree"
    done
    cp -L /etc/resolv.conf "$cache/$major/etc/resolv.conf" 2> /dev/null || true
    in_namespaces "$self" inside "$cache/$major" "$work" "cd /tmp/tree && MG_KEEP_BUILD=/built/$(test/tools/tree.sh key "$root") $*" || status=$?
    cp -r "$work/tree/build/log/." "$logs" 2> /dev/null || true
    rm -rf "$work"
    return "$status"
}

# Makes sure that the folder of a major is there and complete; says why if that can't be.
prepare() {
    local major=$1 folder=$cache/$1 packages="MG_MAJOR=$1 test/tools/packages.sh server"
    if [ "$(id -u)" -ne 0 ]; then
        echo "only root can run another release's folder"
        return 1
    fi
    mkdir -p "$cache"
    find "$cache" -maxdepth 1 -name 'work.*' -mtime +0 -exec rm -rf {} +
    exec 9> "$cache/$major.lock"
    flock 9
    if [ -d "$folder" ]; then
        in_folder "$major" "$packages" && return
        echo "the folder $folder is broken and is made again"
        rm -rf "$folder"
    fi
    in_namespaces /usr/sbin/debootstrap --variant=minbase "${release[$major]}" "$folder" &&
        in_folder "$major" "$packages"
}

# Makes a folder and runs the suites in it; leaves run-MAJOR.log.
run_other() {
    local major=$1
    if prepare "$major" > "$logs/prepare-$major.log" 2>&1; then
        in_folder "$major" test/run.sh
    else
        echo "PostgreSQL $major could not be had, which counts as a failure. The last lines of build/log/prepare-$major.log:"
        tail -n 5 "$logs/prepare-$major.log"
        echo "0 passed, 1 failed"
    fi > "$logs/run-$major.log" 2>&1 || true
}

# Adds what run-MAJOR.log ends with to the totals; a run that ended early is a failure of its own.
add() {
    local file=$logs/run-$1.log line
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$file" | tail -n 1 || true)
    if [ -z "$line" ]; then
        line="0 passed, 1 failed"
        echo "PostgreSQL $1: the run ended early, which counts as a failure"
    fi
    read -r p _ f _ <<< "$line"
    passed=$((passed + p)) failed=$((failed + f))
    mapfile -t -O "${#ran[@]}" ran < <(sed -nE 's/^PostgreSQL ([0-9.]+[^ ]*)$/\1/p' "$file")
}

# Shows once more what failed in the run of a major: whoever reads the last lines of a long run reads this.
recall() {
    local lines
    lines=$(grep -E '^    ' "$logs/run-$1.log" 2> /dev/null | head -n 60 || true)
    [ -z "$lines" ] || printf '\nfailed on PostgreSQL %s:\n%s\n' "$1" "$lines"
}

# Writes the last lines; says nothing after them.
finish() {
    local list major
    for major in "$@"; do
        recall "$major"
    done
    printf -v list '%s, ' "${ran[@]:-none}"
    echo
    echo "ran on PostgreSQL ${list%, }"
    echo "$passed passed, $failed failed" | tee "$logs/summary"
    exit "$((failed > 0))"
}

if [ "${1:-}" = inside ]; then
    shift
    inside "$@"
fi

passed=0 failed=0 ran=()
mkdir -p "$logs"
echo "0 passed, 1 failed" > "$logs/summary"
if ! test/tools/packages.sh test; then
    failed=1
    finish
fi

own=$("${PG_CONFIG:-pg_config}" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
others=() skipped=()
for major in 15 17 18; do
    case ,$own,${MG_SKIP_MAJORS:-}, in
        ,"$major",*) ;;
        *,"$major",*) skipped+=("$major") ;;
        *) others+=("$major") ;;
    esac
done

# The folders have neither npm nor this release's packages: what is published is fetched here, for all.
test/real/fetch.sh > "$logs/fetch.log" 2>&1 || tail -n 5 "$logs/fetch.log"

trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
for major in "${others[@]}"; do
    run_other "$major" &
done
test/run.sh 2>&1 | tee "$logs/run-$own.log" || true
add "$own"
wait
for major in "${others[@]}"; do
    echo
    cat "$logs/run-$major.log"
    add "$major"
done
[ ${#skipped[@]} -eq 0 ] || echo "skipped, as MG_SKIP_MAJORS says: PostgreSQL ${skipped[*]}"
finish "$own" "${others[@]}"
