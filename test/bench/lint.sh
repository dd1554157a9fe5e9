# What linting takes: a script of 10,000 statements in a database with 1,000 tables, beside squawk. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

# Prints statements made of lint_statements.sql, over and over: many_statements COUNT. {g} is the number of the round, {n} that of the
# statement, {t} and {o} are numbers of tables; every table of the database has its turn.
many_statements() {
    awk -v count="$1" '
        { template[NR - 1] = $0 }
        END {
            for (n = 0; n < count; n++) {
                g = int(n / NR)
                line = template[n % NR]
                gsub(/[{]g[}]/, g, line)
                gsub(/[{]n[}]/, n, line)
                gsub(/[{]t[}]/, g % 1000 + 1, line)
                gsub(/[{]o[}]/, (n * 7 + 1) % 1000 + 1, line)
                print line
            }
        }' "$here/lint_statements.sql"
}

write_squawk() { npm_install squawk-cli 2.66.0 squawk && squawk=$(echo "$cache"/squawk-cli/node_modules/@squawk-cli/*/bin/squawk) && [ -x "$squawk" ]; }

# One turn of WHO in a round, with the start of its process; that there are findings is told by no exit status of psql.
lint_turn() {
    local round=$1 who=$2 start status=0
    start=$(date +%s%N)
    case $who in
        mg_lint) on governed psql -X -q -A -t -v ON_ERROR_STOP=1 -d many -f "$work/lint.sql" > "$work/mg_lint.out" || return ;;
        squawk) "$squawk" "$work/script.sql" > "$work/squawk.out" 2> "$work/squawk.err" || status=$? ;;
        squawk_gcc) "$squawk" --reporter gcc "$work/script.sql" > "$work/squawk_gcc.out" 2> "$work/squawk_gcc.err" || status=$? ;;
    esac
    # The first round only fills the caches.
    [ "$round" -eq 0 ] || note lint "$round" "$who" "$((($(date +%s%N) - start) / 1000))"
    [ "$status" -le 1 ] && [ -s "$work/$who.out" ]
}

# What a backend's private memory grows by when it lints so many statements: most, and when it is idle again.
lint_memory() {
    local count=$1 bound=$2 most now
    many_statements "$count" > "$work/many.sql"
    chmod 644 "$work/many.sql"
    read -r most now <<< "$(memory_growth many "SELECT * FROM mg_lint(pg_read_file('$work/many.sql'))")"
    row "  $count statements ($(wc -c < "$work/many.sql" | awk '{ printf "%.1f MB", $1 / 1e6 }')): most, and afterwards" \
        "$(printf '%.1f, %.1f' "$most" "$now")" "$most" "<= $bound"
}

bench_lint() {
    local rounds=${MG_LINT_ROUNDS:-7} round who squawk='' competitors=(mg_lint) off
    "$server" start governed "autovacuum = off" "max_wal_size = 4GB" "shared_buffers = 512MB" "max_locks_per_transaction = 1024" \
        "shared_preload_libraries = 'migration_governance'"
    sql governed postgres "CREATE ROLE bench_reader"
    make_tables many 1000
    # Rules leave empty tables alone, and some are off by default: all of them have to work.
    sql governed many "DO 'BEGIN FOR i IN 1..1000 LOOP EXECUTE format(''INSERT INTO invoice_%s (id, number) SELECT j, j FROM generate_series(1, 10) j'', i); END LOOP; END'"
    govern many
    off=$(sql governed many "SELECT string_agg(rule || '=info', ', ') FROM mg_lint_rules() WHERE severity = 'off'")
    sql governed many "SELECT mg_set_policy('lint_small_table', '0', 'measured')" \
        "SELECT mg_set_policy('lint_severity', '$off', 'measured')" > /dev/null
    many_statements 10000 > "$work/script.sql"
    # shellcheck disable=SC2016
    printf '%s\n' "\\set script \`cat $work/script.sql\`" "SELECT * FROM mg_lint(:'script');" > "$work/lint.sql"
    ! write_squawk || competitors+=(squawk squawk_gcc)
    for ((round = 0; round <= rounds; round++)); do
        say "lint, round $round of $rounds"
        for who in $(rotate "$round" "${competitors[@]}"); do
            lint_turn "$round" "$who" || { say "$who failed"; tail -n 5 "$work/$who".* >&2; return 1; }
        done
    done
    row "lint: 10,000 statements among 1,000 tables, wall time with the start of the process, $rounds rounds" ""
    if [ -n "$squawk" ]; then
        row "  squawk $("$squawk" --version | awk '{ print $2 }'), $(wc -l < "$work/squawk_gcc.out") findings" \
            "$(median_of lint squawk | awk '{ printf "%.0f ms", $1 / 1000 }')"
        # What it prints by default takes most of its time in a long file; this form is a line for each finding.
        row "  squawk --reporter gcc, and mg_lint() against it" "$(median_of lint squawk_gcc | awk '{ printf "%.0f ms", $1 / 1000 }')" \
            "$(median_of_pairs lint mg_lint / squawk_gcc)"
    else
        row "  squawk" "skipped: cannot be had"
    fi
    row "  mg_lint(), $(sql governed many "SELECT count(*) FROM mg_lint_rules()") rules, $(wc -l < "$work/mg_lint.out") lines" \
        "$(median_of lint mg_lint | awk '{ printf "%.0f ms", $1 / 1000 }')" \
        "$([ -z "$squawk" ] || median_of_pairs lint mg_lint / squawk)" "${squawk:+<= 0.2}"
    say "lint: memory"
    row "lint: private memory, MB above an idle backend" ""
    lint_memory 10000 100
    lint_memory 100000 500
    "$server" stop governed
}
