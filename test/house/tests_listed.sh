#!/usr/bin/env bash
# No test lies about unseen: every file in a test folder is run by something.
. "$(dirname "$0")/tap.sh"

# Prints the files of a folder (and not below) that match none of the patterns.
others() {
    local folder=$1 file pattern
    shift
    for file in "$folder"/*; do
        [ -f "$file" ] || continue
        for pattern in "$@" '*.conf' run.sh; do
            # shellcheck disable=SC2053
            [[ ${file##*/} == $pattern ]] && continue 2
        done
        echo "$file"
    done
}

missing='' stale='' unlisted=''
# shellcheck disable=SC2016
regress=" $(make -s --no-print-directory --eval='print-regress:;@echo $(REGRESS)' print-regress 2> /dev/null) "
for input in test/sql/*.sql; do
    name=$(basename "$input" .sql)
    [ -f "expected/$name.out" ] || missing+="$input"$'\n'
    [[ $regress == *" $name "* ]] || unlisted+="$input"$'\n'
done
for output in expected/*.out; do
    name=$(basename "$output" .out)
    [ -f "test/sql/$name.sql" ] || [ -f "test/sql/${name%_[0-9]}.sql" ] || stale+="$output"$'\n'
done
for spec in test/isolation/specs/*.spec; do
    [ -f "test/isolation/expected/$(basename "$spec" .spec).out" ] || missing+="$spec"$'\n'
done
none "every regression input and isolation spec has an expected output" "$missing"
none "every expected output has an input" "$stale"
none "every regression input is in the Makefile's REGRESS" "$unlisted"
none "every file of a test folder is of a kind that is run" "$(
    others test/sql '*.sql'
    others test/isolation/specs '*.spec'
    others test/pgtap '*.sql'
    others test/tap '*.pl' '*.sh'
    others test/unit '*_test.cpp' '*.hpp'
    others test/fuzz '*_fuzz.cpp' '*.hpp' '*.dict' lint.pl
    others test/house '*.sh')"
none "the runner runs these kinds" "$(for glob in 'test/isolation/specs/*.spec' 'test/pgtap/*.sql' 'test/tap/*.pl' 'test/tap/*.sh'; do
    grep -qF "$glob" test/run.sh || echo "$glob"
done)"
