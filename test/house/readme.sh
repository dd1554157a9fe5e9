#!/usr/bin/env bash
# What a user can call, set or get as an error has its row in the README, and the README names nothing else.
. "$(dirname "$0")/tap.sh"
readme=$(cat README.md 2> /dev/null)

# Prints the words of standard input that the README does not have as whole words.
unmentioned() {
    local word
    while read -r word; do
        grep -qwF -- "$word" <<< "$readme" || echo "$word"
    done
}

functions=$(cat sql/[0-9]*.sql | sed 's/--.*//' | awk 'BEGIN { RS = ";" }
    match($0, /CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)[ \t\n]+(pg_catalog\.)?mg_[a-z0-9_]+/) && !/RETURNS (event_)?trigger/ {
        name = substr($0, RSTART, RLENGTH); sub(/.*[ \t\n.]/, "", name); print name }' | sort -u)
settings=$(grep -ohE '"migration_governance\.[a-z_]+"' src/*/*.cpp src/*/*.hpp | tr -d '"' | sort -u)
codes=$(grep -ohE '"MG[0-9]{3}"' src/*/*.cpp src/*/*.hpp | tr -d '"' | sort -u)
rules=$(grep -ohE '\{"[a-z0-9]+(-[a-z0-9]+)+",' src/lint/*.cpp | grep -oE '[a-z0-9-]+' | sort -u)

none "every public function is in the README" "$(unmentioned <<< "$functions" | sed '/^$/d')"
none "every setting is in the README" "$(unmentioned <<< "$settings" | sed '/^$/d')"
none "every error code is in the README" "$(unmentioned <<< "$codes" | sed '/^$/d')"
none "every rule of the linter is in the README" "$(while read -r rule; do grep -qF "| \`$rule\` |" <<< "$readme" || echo "$rule"; done <<< "$rules")"
none "the README calls no function that does not exist" "$(grep -oE '\bmg_[a-z0-9_]+\(' <<< "$readme" | tr -d '(' | sort -u |
    grep -vxF -- "${functions:-none}")"
none "the README names no setting that does not exist" "$(grep -oE '\bmigration_governance\.[a-z_]+' <<< "$readme" |
    grep -vE '\.(so|control|cpp|sql)$' | sort -u | grep -vxF -- "${settings:-none}")"
none "the README names no error code that does not exist" "$(grep -oE '\bMG[0-9]{3}\b' <<< "$readme" | sort -u |
    grep -vxF -- "${codes:-none}")"
