#!/bin/bash
# Fetches published migrations and unpacks each series into a folder of DIR: test/real/fetch.sh [DIR]
#
# DIR is $MG_REAL_DIR or build/real if not given. A series is NNNN.up.sql, NNNN.down.sql where there is one, prelude.sql where something
# must be there first, and manifest.tsv: order, name, up file, down file or nothing. What is there already is left alone. A series that
# cannot be fetched is skipped, and that is not an error; one with another number of files than expected is. MG_REAL_SERIES names the
# series to fetch if not all.
#
# shellcheck disable=SC2317 # the functions named after series are called by name
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:-${MG_REAL_DIR:-$here/../../build/real}}
mkdir -p "$target"
target=$(cd "$target" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
status=0

# Unpacks npm package $1 at version $2 and prints where; fails without a network.
npm_package() {
  local into=$work/npm-${1//[^a-z0-9]/-}
  mkdir -p "$into"
  (cd "$into" && npm pack --silent --ignore-scripts --prefer-offline --fetch-retries=0 "$1@$2" >/dev/null && tar xzf ./*.tgz) || return 1
  echo "$into/package"
}

# Downloads Debian package $1 into this folder; as root apt would change to a user that may not write here.
apt_download() {
  apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=0 download "$1" >/dev/null 2>&1
}

# Unpacks Debian package $1 as the distribution has it and prints where; fails without a network.
debian_package() {
  local into=$work/deb-$1
  mkdir -p "$into"
  cd "$into"
  if ! apt_download "$1"; then
    # A container starts without lists; an ordinary user cannot fetch them.
    [ "$(id -u)" = 0 ] || return 1
    apt-get -qq -o Acquire::Retries=0 update >/dev/null 2>&1 || return 1
    apt_download "$1" || return 1
  fi
  dpkg -x ./*.deb tree
  echo "$into/tree"
}

# Prints "name<TAB>file" for each file on stdin, the name being what follows folder $1 in plain characters.
listed() {
  local file name
  while read -r file; do
    name=${file#"$1"/}
    name=${name%.sql}
    printf '%s\t%s\n' "${name//[^A-Za-z0-9_-]/_}" "$file"
  done
}

# Prints the entries of a LOADORDER file as paths in the folder it is in.
load_order() {
  sed -e 's/#.*//' -e 's/^!*//' -e 's/[[:space:]]*$//' -e '/^$/d' -e "s,^,$(dirname "$1")/," "$1"
}

# Each function below fills folder $1 with one series; it returns 75 where its package cannot be had.

unleash() {
  local package
  package=$(npm_package unleash-server 7.5.1) || return 75
  node "$here/extract_dbmigrate.cjs" "$package/dist/migrations" "$1"
}

medusa_order() {
  local package
  package=$(npm_package @medusajs/order 2.21.2) || return 75
  node "$here/extract_mikroorm.cjs" "$package/dist/migrations" "$1"
}

medusa_product() {
  local package
  package=$(npm_package @medusajs/product 2.21.2) || return 75
  node "$here/extract_mikroorm.cjs" "$package/dist/migrations" "$1"
}

stripe_sync() {
  local package
  package=$(npm_package @supabase/stripe-sync-engine 0.48.5) || return 75
  printf '%s\n' "$package"/dist/migrations/*.sql | listed "$package/dist/migrations" | node "$here/extract_plain.cjs" "$1"
}

graphile_worker() {
  local package
  package=$(npm_package graphile-worker 0.17.3) || return 75
  printf '%s\n' "$package"/sql/*.sql | listed "$package/sql" |
    node "$here/extract_plain.cjs" "$1" GRAPHILE_WORKER_SCHEMA=graphile_worker
}

pgflow() {
  local package
  package=$(npm_package @pgflow/core 0.8.1) || return 75
  printf '%s\n' "$package"/dist/supabase/migrations/*.sql | listed "$package/dist/supabase/migrations" |
    node "$here/extract_plain.cjs" "$1" without=pgmq
}

# Installs version 63, then upgrades from version to version.
openqa() {
  local tree scripts
  tree=$(debian_package openqa) || return 75
  scripts=$tree/usr/share/openqa/dbicdh/PostgreSQL
  { LC_ALL=C ls "$scripts"/deploy/63/*.sql
    find "$scripts/upgrade" -name '*.sql' | LC_ALL=C sort -V
  } | listed "$scripts" | node "$here/extract_plain.cjs" "$1"
}

# Loads what the application loads into a new company: the base, the changes since, and the modules of functions.
ledgersmb() {
  local tree scripts
  tree=$(debian_package ledgersmb) || return 75
  scripts=$tree/usr/share/ledgersmb/sql
  { echo "$scripts/Pg-database.sql"
    load_order "$scripts/changes/LOADORDER"
    load_order "$scripts/modules/LOADORDER"
  } | listed "$scripts" | node "$here/extract_plain.cjs" "$1"
}

# Says whether folder $1 has $2 ups and $3 downs, each of them in the manifest.
complete() {
  local ups downs
  ups=$(find "$1" -name '*.up.sql' | wc -l)
  downs=$(find "$1" -name '*.down.sql' | wc -l)
  [ "$ups" -eq "$2" ] && [ "$downs" -eq "$3" ] && [ "$(wc -l <"$1/manifest.tsv")" -eq "$2" ] && return 0
  echo "not ok: $(basename "$1"): $ups up and $downs down, expected $2 and $3" >&2
  return 1
}

# Fetches series $1, which is to have $2 ups and $3 downs, unless it is there or not asked for.
series() {
  local name=$1 ups=$2 downs=$3 message=present result=0
  if [[ " ${MG_REAL_SERIES:-$name} " != *" $name "* ]]; then return 0; fi
  if [ ! -f "$target/$name/manifest.tsv" ]; then
    mkdir "$work/$name"
    "$name" "$work/$name" 2>"$work/$name.log" || result=$?
    if [ "$result" = 75 ]; then
      echo "skip: $name: its package cannot be fetched"
      return 0
    elif [ "$result" != 0 ]; then
      echo "not ok: $name: $(cat "$work/$name.log")" >&2
      status=1
      return 0
    fi
    if [ -f "$here/prelude/$name.sql" ]; then cp "$here/prelude/$name.sql" "$work/$name/prelude.sql"; fi
    rm -rf "${target:?}/$name" "$target/.$name"
    cp -r "$work/$name" "$target/.$name"
    mv "$target/.$name" "$target/$name"
    message=fetched
  fi
  if complete "$target/$name" "$ups" "$downs"; then
    echo "$message: $name: $ups up, $downs down"
  else
    status=1
  fi
}

series unleash 374 374
series medusa_order 32 26
series medusa_product 21 20
series stripe_sync 43 0
series graphile_worker 19 0
series pgflow 12 0
series openqa 40 0
series ledgersmb 106 0
exit $status
