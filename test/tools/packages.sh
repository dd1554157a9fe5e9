#!/usr/bin/env bash
# Makes sure that what a task needs is installed; on Debian and Ubuntu it installs what is missing.
#
#   packages.sh build     compiler, Boost, a PostgreSQL server and its headers
#   packages.sh demo      build, and what fetches published migrations
#   packages.sh server    build, and what the suites need that run against a server
#   packages.sh test      server, and what `make test` needs once: unit tests, fuzzers, other majors
#
# MG_MAJOR asks for one major of PostgreSQL; without it the one of PG_CONFIG or the newest on offer is taken.
# Clusters of the system are left alone: none is created, started, stopped or upgraded.
set -euo pipefail

profile=${1:?usage: packages.sh build|demo|server|test}
pg_config=${PG_CONFIG:-pg_config}
missing=()

# Prints the major of PG_CONFIG, or nothing where there is none.
installed_major() { "$pg_config" --version 2>/dev/null | sed -E 's/^[^0-9]*([0-9]+).*/\1/' || true; }

# Notes PACKAGE as missing unless the command after it succeeds.
need() {
    local package=$1
    shift
    "$@" > /dev/null 2>&1 || missing+=("$package")
}

has_header() { echo "#include <$1>" | g++ -E -x c++ -; }
has_pg_file() { [ -e "$("$pg_config" "$1")$2" ]; }
# A module does not load into a server of an older minor release than its headers, and Debian keeps the two in step only if asked.
is_of_one_release() {
    local headers
    headers=$(sed -nE 's/^#define PG_VERSION "([^" ]+).*/\1/p' "$("$pg_config" --includedir-server)/pg_config.h") || return
    [ "$("$("$pg_config" --bindir)/postgres" --version | sed -E 's/^[^0-9]*([^ ]+).*/\1/')" = "$headers" ]
}
has_runtime() { [ -e "$(clang -print-file-name="libclang_rt.fuzzer-$(uname -m).a")" ] ||
                [ -e "$(clang -print-runtime-dir)/libclang_rt.fuzzer.a" ]; }

# Fills `missing` for the profile, with Debian's package names and `major` in those of PostgreSQL.
list_missing() {
    missing=()
    need g++ command -v g++
    need make command -v make
    need libboost-dev has_header boost/version.hpp
    need libssl-dev has_header openssl/evp.h
    need "postgresql-server-dev-$major" has_pg_file --includedir-server /postgres.h
    need "postgresql-$major" is_of_one_release
    [ "$profile" = build ] && return
    if [ "$profile" = demo ] || [ "$profile" = test ]; then
        need nodejs command -v node
        need npm command -v npm
    fi
    [ "$profile" = demo ] && return
    need "postgresql-$major-pgtap" has_pg_file --sharedir /extension/pgtap.control
    need libipc-run-perl perl -MIPC::Run -MTest::More -e 1
    need python3 command -v python3
    [ "$profile" = server ] && return
    need git command -v git
    need cmake command -v cmake
    need clang command -v clang++
    need clang-tidy command -v clang-tidy
    need clang-format command -v clang-format
    need libclang-rt-dev has_runtime
    need cppcheck command -v cppcheck
    need libgtest-dev has_header gtest/gtest.h
    need debootstrap test -x /usr/sbin/debootstrap
    need debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
}

# Prints the major to install: the one asked for, else the newest that the tests know, else the newest.
choose_major() {
    local offered
    offered=$(apt-cache search --names-only '^postgresql-server-dev-[0-9]+$' | grep -Eo '[0-9]+ ' | sort -rn)
    for wanted in ${MG_MAJOR:-18 17 15 $offered}; do
        if grep -qw "$wanted" <<< "$offered"; then
            echo "$wanted"
            return
        fi
    done
    echo "packages.sh: no postgresql-server-dev-${MG_MAJOR:-NN} on offer (there is: $(xargs <<< "$offered"))" >&2
    return 1
}

# Runs a command and shows what it printed only if it fails.
quietly() {
    local output
    output=$("$@" 2>&1 < /dev/null) || { tail -n 40 <<< "$output" >&2; return 1; }
}

# Installs the missing packages without creating the cluster that a server package comes with.
install_missing() {
    local drop_in=/etc/postgresql-common/createcluster.d/migration_governance.conf
    "${as_root[@]}" mkdir -p "$(dirname "$drop_in")"
    echo 'create_main_cluster = false' | "${as_root[@]}" tee "$drop_in" > /dev/null
    # shellcheck disable=SC2064
    trap "${as_root[*]} rm -f $drop_in" EXIT
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}"
}

major=$(installed_major)
if [ -n "$major" ] && [ "${MG_MAJOR:-$major}" != "$major" ]; then
    echo "packages.sh: $pg_config is of PostgreSQL $major, not ${MG_MAJOR:-}" >&2
    exit 1
fi
major=${major:-${MG_MAJOR:-NN}}
list_missing
[ ${#missing[@]} -eq 0 ] && exit

as_root=(env)
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
    if ! sudo -n true 2> /dev/null || ! command -v apt-get > /dev/null; then
        as_root=()
    fi
fi
if ! command -v apt-get > /dev/null || [ ${#as_root[@]} -eq 0 ]; then
    echo "packages.sh: missing here, by their names in Debian: ${missing[*]}" >&2
    command -v apt-get > /dev/null && echo "packages.sh: install them with: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi

quietly "${as_root[@]}" apt-get update -q || echo "packages.sh: apt-get update failed, going on with the lists as they are" >&2
if [ "$major" = NN ] || [ -n "${MG_MAJOR:-}" ]; then
    major=$(choose_major)
    list_missing
fi
echo "packages.sh: installing ${missing[*]}"
install_missing
list_missing
if [ ${#missing[@]} -ne 0 ]; then
    echo "packages.sh: still missing after the installation: ${missing[*]}" >&2
    exit 1
fi
