#!/usr/bin/env bash
# Arrows between the rooms of src/ point down only, and what is dangerous stays in its room.
. "$(dirname "$0")/tap.sh"

declare -A below=(
    [core]='' [pg]='core' [schema]='pg' [script]='pg' [ledger]='pg' [lint]='schema script' [policy]='ledger lint'
    [archive]='policy' [capture]='archive' [drift]='schema ledger policy' [migrate]='capture drift' [rehearse]='migrate'
    [watch]='migrate' [deploy]='rehearse' [report]='rehearse' [entry]='deploy report watch')

# Lists every room that a room may know, itself included.
reach() {
    local room
    echo "$1"
    for room in ${below[$1]}; do reach "$room"; done
}

unknown='' wrong=''
for folder in src/*/; do
    room=$(basename "$folder")
    [ -n "${below[$room]+x}" ] || { unknown+="$folder"$'\n'; continue; }
    allowed=$(reach "$room" | sort -u | paste -sd '|')
    wrong+=$(grep -nHE '^[[:space:]]*#[[:space:]]*include "('"$(printf '%s\n' "${!below[@]}" | paste -sd '|')"')/' "$folder"*.?pp |
        grep -vE "include \"($allowed)/")
done
none "every room has its place in the order" "$unknown"
none "a room includes only rooms below it" "$wrong"

none "core includes core, std and Boost only" "$(grep -nHE '#[[:space:]]*include' src/core/*.?pp |
    grep -vE 'include ("core/[a-z_]+\.hpp"|<boost/[a-z_/]+\.hpp>|<[a-z_]+>)$')"
none "nothing includes iostream, regex, locale or threads" \
    "$(grep -nHE '#[[:space:]]*include <(iostream|regex|locale|thread|mutex|future|condition_variable)>' src/*/*.?pp)"
none "only entry defines SQL-callable functions" "$(grep -nHE '^[[:space:]]*(MG_FUNCTION|PG_FUNCTION_INFO_V1) ?\(' src/*/*.?pp |
    grep -vE '^src/(entry/|pg/boundary\.hpp:)')"
none "only pg catches server errors" "$(grep -nHwE 'PG_TRY|PG_CATCH|PG_FINALLY|sigsetjmp' src/*/*.?pp | grep -v '^src/pg/')"
none "headers are guarded by pragma once" "$(grep -LE '^#pragma once$' src/*/*.hpp)"
