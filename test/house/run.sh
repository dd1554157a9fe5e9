#!/usr/bin/env bash
# Runs every script of this folder and numbers what they print as one TAP stream; a script that prints nothing has failed.
# shellcheck disable=SC2034
. "$(dirname "$0")/tap.sh"
n=0
for script in test/house/*.sh; do
    name=$(basename "$script" .sh)
    case $name in run | tap) continue ;; esac
    found=0
    while IFS= read -r line; do
        case $line in
            'ok - '* | 'not ok - '*)
                n=$((n + 1)) found=1
                echo "${line%% - *} $n - $name: ${line#* - }"
                [[ $line == ok* ]] || failed=1 ;;
            *) echo "$line" ;;
        esac
    done < <(bash "$script" 2>&1 || true)
    [ "$found" -eq 1 ] || { n=$((n + 1)) failed=1; echo "not ok $n - $name: printed no result"; }
done
echo "1..$n"
