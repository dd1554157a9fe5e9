#!/usr/bin/env bash
# Copies a checkout's own files, tracked or new but not ignored, to another directory.
#
#   tree.sh FROM TO
set -euo pipefail

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
