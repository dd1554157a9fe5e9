#!/bin/sh
# Builds the fuzzers with clang into build/fuzz, runs each for some seconds (3, or $1) and prints one TAP line for each.
cd "$(dirname "$0")/../.." || exit 1
seconds=${1:-3}
dir=build/fuzz
cxx=${MG_CLANG:-clang++}
mkdir -p $dir
set -- test/fuzz/*_fuzz.cpp
echo "1..$#"

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
	exit 0
fi
if ! { cmake -S . -B $dir -DCMAKE_CXX_COMPILER="$cxx" -DMG_MODULE=OFF -DMG_FUZZ=ON && cmake --build $dir -j "${MG_JOBS:-2}"; } >$dir/log 2>&1; then
	tail -n 40 $dir/log | sed 's/^/# /'
	all 1 "not ok" ": build"
	exit 1
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
exit $status
