#!/usr/bin/env bash
# No source file is too long to be read at once.
. "$(dirname "$0")/tap.sh"
none "no file of src has more than 600 lines" "$(wc -l src/*/*.?pp | awk '$1 > 600 && $2 != "total" { print $2 ": " $1 }')"
