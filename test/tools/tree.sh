#!/usr/bin/env bash
# Copies a checkout's own files, tracked or new but not ignored, to another directory.
#
#   tree.sh FROM TO
#   tree.sh key FROM   prints a sum over what a build is made of
set -euo pipefail

if [ "${1:-}" = key ]; then
    cd "${2:?usage: tree.sh key FROM}"
    find src sql Makefile migration_governance.control -type f \( -name '*.cpp' -o -name '*.hpp' -o -name '*.map' -o -name '*.sql' -o -name Makefile \
        -o -name '*.control' \) ! -name 'migration_governance--*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16
    exit
fi

from=${1:?usage: tree.sh FROM TO}
to=${2:?usage: tree.sh FROM TO}

# Prints the files, each ended by NUL; a tree without git is what tree.sh itself has copied, or a release.
list_files() {
    if [ -e .git ]; then
        git -c safe.directory='*' ls-files -z --cached --others --exclude-standard
    else
        find . -path ./build -prune -o -type f -print0
    fi | while IFS= read -r -d '' file; do
        [ ! -e "$file" ] || printf '%s\0' "$file"
    done
}

cd "$from"
list_files | tar --null --files-from=- --create | tar --extract --directory="$to"
