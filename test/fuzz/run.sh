#!/bin/sh
# Builds the fuzzers with clang into build/fuzz, runs each for some seconds (3, or $1) and prints one TAP line for each. Then lint.pl gives
# scripts to a server for some seconds (10, or $2) with a seed ($3). For ten minutes: test/fuzz/run.sh 3 600
cd "$(dirname "$0")/../.." || exit 1
seconds=${1:-3}
lint_seconds=${2:-10}
lint_seed=${3:-}
dir=build/fuzz
cxx=${MG_CLANG:-clang++}
mkdir -p $dir
set -- test/fuzz/*_fuzz.cpp
last=$(($# + 1))
echo "1..$last"

# Runs lint.pl on a server of its own and ends.
fuzz_lint()
{
	server=test/tools/server.sh
	trap '$server stop lint_fuzz >/dev/null 2>&1' EXIT
	if ! { [ -n "${MG_HOME:-}" ] || $server prepare; } >$dir/lint.log 2>&1 ||
		! $server start lint_fuzz "autovacuum = off" "wal_level = logical" >>$dir/lint.log 2>&1; then
		tail -n 40 $dir/lint.log | sed 's/^/# /'
		echo "not ok $last - fuzz lint: no server"
		exit 1
	fi
	eval "$($server env lint_fuzz)"
	# shellcheck disable=SC2086
	if ! perl test/fuzz/lint.pl "$lint_seconds" $lint_seed >$dir/lint.log 2>&1 && ! grep -q '^not ok' $dir/lint.log; then
		echo "not ok 1 - fuzz lint: broken off" >>$dir/lint.log
	fi
	grep -q '^ok' $dir/lint.log || status=1
	sed -e '/^1\.\./d' -e "s/^\(not ok\|ok\) 1/\1 $last/; t" -e '/^#/!s/^/# /' $dir/lint.log
	exit $status
}

# Prints the line "$2 N - fuzz TARGET $3" for every target, numbered from $1.
all()
{
	n=$1
	for source in test/fuzz/*_fuzz.cpp; do
		echo "$2 $n - fuzz $(basename "$source" .cpp)$3"
		n=$((n + 1))
	done
}

echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char *, unsigned long) { return 0; }' >$dir/probe.cpp
if ! $cxx -fsanitize=fuzzer,address $dir/probe.cpp -o $dir/probe 2>/dev/null; then
	all 1 ok " # SKIP no clang with libFuzzer"
	status=0
	fuzz_lint
fi
if ! { cmake -S . -B $dir -DCMAKE_CXX_COMPILER="$cxx" -DMG_MODULE=OFF -DMG_FUZZ=ON && cmake --build $dir -j "${MG_JOBS:-2}"; } >$dir/log 2>&1; then
	tail -n 40 $dir/log | sed 's/^/# /'
	all 1 "not ok" ": build"
	status=1
	fuzz_lint
fi

status=0
n=0
for source in "$@"; do
	target=$(basename "$source" .cpp)
	n=$((n + 1))
	mkdir -p $dir/corpus/"$target" $dir/failures
	if $dir/"$target" -max_total_time="$seconds" -timeout=10 -max_len=4096 -dict=test/fuzz/words.dict \
		-artifact_prefix=$dir/failures/"$target"- $dir/corpus/"$target" >$dir/"$target".log 2>&1; then
		echo "ok $n - fuzz $target"
	else
		tail -n 40 $dir/"$target".log | sed 's/^/# /'
		echo "not ok $n - fuzz $target"
		status=1
	fi
done
fuzz_lint
