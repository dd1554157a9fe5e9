#!/usr/bin/env bash
# No source file makes a compiler say anything (what g++ says of the rooms with the server's headers, run.sh asks when it builds); those
# headers are system headers, and out of sight for core.
. "$(dirname "$0")/tap.sh"
include=$("${PG_CONFIG:-pg_config}" --includedir-server 2> /dev/null)
flags=(-std=c++17 -fsyntax-only -Wall -Wextra -Wshadow -Werror -Wno-register -Isrc '-DMG_VERSION="0"' -fno-strict-aliasing -fwrapv)

# Compiles the files given on standard input, two at a time, and prints what the compiler says.
compile() {
    xargs -r -P "${MG_JOBS:-2}" -n 1 "$@" 2>&1
}

for cxx in g++ clang++; do
    what="$cxx compiles without a warning:"
    command -v $cxx > /dev/null || { skip "$what core" "no $cxx"; continue; }
    extra=()
    [ $cxx = g++ ] || extra=(-Wno-ignored-attributes)
    none "$what core" "$(printf '%s\n' src/core/*.cpp | compile $cxx "${flags[@]}")"
    # The build has told what g++ says of the rest.
    [ $cxx != g++ ] || continue
    if [ -f "$include/postgres.h" ]; then
        # Most of the time would go into reading the same headers again for each file.
        extra+=("-DPGDLLEXPORT=__attribute__((visibility(\"default\")))" -isystem "$include")
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        printf '#include "%s"\n' pg/query.hpp > "$work/all.hpp"
        printf '#include <%s>\n' algorithm functional map set >> "$work/all.hpp"
        none "$what the rest" "$( ($cxx "${flags[@]/-fsyntax-only/}" "${extra[@]}" -x c++-header "$work/all.hpp" -o "$work/all.pch" &&
            printf '%s\n' src/*/*.cpp | grep -v '^src/core/' |
            compile $cxx "${flags[@]}" "${extra[@]}" -include-pch "$work/all.pch") 2>&1)"
    else
        skip "$what the rest" "no server headers"
    fi
done
