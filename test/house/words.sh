#!/usr/bin/env bash
# Nothing is left undone in a comment, and no comment is a picture. What others wrote (test/real) and TAP's own directive (tap.awk) are left alone.
. "$(dirname "$0")/tap.sh"
mapfile -t files < <(find src sql test .github Makefile CMakeLists.txt README.md migration_governance.control -type f ! -name "*.diff" \
    ! -path 'test/real/*' ! -path '*/expected/*' ! -path 'test/house/words.sh' ! -path 'test/tools/tap.awk' ! -name '*.o' ! -name '*.d' ! -name 'migration_governance--*' 2> /dev/null)

none "no word says that something is left to do" "$(grep -nHIwE 'TODO|FIXME|XXX|HACK' "${files[@]}")"
none "no comment is a banner" "$(printf '%s\n' "${files[@]}" | grep -vE '\.(md|out)$' |
    xargs -d '\n' grep -nHIE '^[[:space:]]*(//|#|--|/\*)[[:space:]]*[-=*#~_/+]{4,}')"
