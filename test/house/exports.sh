#!/usr/bin/env bash
# The module ($1, or what make and cmake have built) shows the server its entry points and the process nothing else.
. "$(dirname "$0")/tap.sh"

# Prints "TYPE symbol" for each exported symbol but the standard library's own templates, which the linker must merge.
exported() {
    nm -D --defined-only "$1" | awk '!($2 ~ /^[VWu]$/ && $3 ~ /^_Z(T[ISV]|GV|Z)?N?K?(St|S[absiod]|9__gnu_cxx)/) { print $2, $3 }' | sort -k 2
}

# The other way to build it must give the same; without a server's headers there is nothing to build.
if [ $# -eq 0 ] && command -v cmake > /dev/null && [ -f migration_governance.so ]; then
    cmake -S . -B build/cmake -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O0 -DPG_CONFIG="${PG_CONFIG:-$(command -v pg_config)}" > build/cmake.log 2>&1 &&
        cmake --build build/cmake -j"$(nproc)" >> build/cmake.log 2>&1 || none "cmake builds the module" "$(tail -n 20 build/cmake.log)"
fi

modules=()
for module in "${@:-migration_governance.so}" build/cmake/migration_governance.so; do
    [ -f "$module" ] && modules+=("$module")
done
[ ${#modules[@]} -gt 0 ] || skip "the module exports its entry points only" "nothing has been built"

for module in "${modules[@]}"; do
    symbols=$(exported "$module")
    none "$module exports its entry points only" \
        "$(grep -vE '^T (Pg_magic_func|_PG_init|mg_[a-z0-9_]+|pg_finfo_mg_[a-z0-9_]+)$' <<< "$symbols")"
    none "$module has a magic block and an initialiser" "$(for name in Pg_magic_func _PG_init; do
        grep -qx "T $name" <<< "$symbols" || echo "no $name"; done)"
    none "$module declares each function of SQL to the server" "$(diff \
        <(sed -n 's/^T \(mg_.*\)/\1/p' <<< "$symbols" | grep -vxE 'mg_(worker|watchdog|errand)_main') <(sed -n 's/^T pg_finfo_//p' <<< "$symbols"))"
done
if [ ${#modules[@]} -eq 2 ]; then
    what="make and cmake build the same module"
    if [ -z "$(find src CMakeLists.txt -newer "${modules[1]}" \( -name '*.?pp' -o -name CMakeLists.txt \))" ]; then
        none "$what" "$(diff <(exported "${modules[0]}") <(exported "${modules[1]}"))"
    else
        skip "$what" "the one of cmake is older than the sources"
    fi
fi
