#!/bin/sh
# Builds the unit tests with sanitizers into build/unit and prints one TAP line for each.
cd "$(dirname "$0")/../.." || exit 1
dir=build/unit
mkdir -p $dir

# Says that nothing could be tested, and why.
give_up()
{
	sed 's/^/# /' $dir/log | tail -n 40
	echo "1..1"
	echo "not ok 1 - unit tests $1"
	exit 1
}

cmake -S . -B $dir -DMG_MODULE=OFF -DMG_UNIT=ON -DMG_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug >$dir/log 2>&1 || give_up "configure"
cmake --build $dir -j "${MG_JOBS:-2}" >$dir/log 2>&1 || give_up "build"

total=$($dir/unit_tests --gtest_list_tests | grep -c '^  ')
$dir/unit_tests --gtest_color=no >$dir/log 2>&1
status=$?
awk -v total="$total" '
	BEGIN { print "1.." total }
	/^\[       OK \]/ { printf "ok %d - %s\n", ++n, $4; next }
	/^\[  SKIPPED \] .*\(/ { printf "ok %d - %s # SKIP\n", ++n, $4; next }
	/^\[  FAILED  \] .* \([0-9]+ ms\)$/ { printf "not ok %d - %s\n", ++n, $4; next }
	/^\[/ || /^$/ || /^Note:/ || /^Running main/ { next }
	{ print "# " $0 }
	END { if (n < total) printf "not ok %d - the test program ended early\n", n + 1 }
' $dir/log
exit $status
