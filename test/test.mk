# What can be run. Scripts get PG_CONFIG; every one of them works on throw-away servers and installs nothing.

export PG_CONFIG

.PHONY: test test-one test-server-suite test-rehearsals test-rehearsals-majors demo bench clean-servers

# Everything, on the PostgreSQL at hand and on the others of 15, 17 and 18.
test:
	@test/tools/majors.sh 2>&1

# Everything, on the PostgreSQL at hand. MG_SUITES="regress pgtap" makes it less.
test-one:
	@test/run.sh 2>&1

# PostgreSQL's own regression and isolation tests with the extension loaded.
test-server-suite:
	@test/server-suite/run.sh full

# The verdicts of mg_rehearse() on every published migration that has a way back, beside what really happens, and what is left of it; on the
# PostgreSQL at hand, and on all of 15, 17 and 18.
published = unleash medusa_order medusa_product
test-rehearsals:
	@MG_JUDGE_SERIES="$(published)" test/rehearse/run.sh
test-rehearsals-majors:
	@MG_SUITES=rehearse MG_JUDGE_SERIES="$(published)" MG_TIMEOUT=3600 MG_MAJOR_TIMEOUT=4200 test/tools/majors.sh 2>&1

demo:
	@test/tools/packages.sh demo
	@test/demo/run.sh

bench:
	@test/tools/packages.sh demo
	@test/bench/run.sh

clean: clean-servers
clean-servers:
	@[ ! -e build/home-$(PG_MAJOR) ] || test/tools/server.sh clean
	rm -rf build results regression.diffs regression.out output_iso tmp_check
