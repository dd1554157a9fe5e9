# What looking at a schema of many tables takes: snapshots, reports of drift and mg_apply beside pg_dump. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

# Prints commands that make tables FIRST to LAST: ten columns, three indexes, two checks, a foreign key, three defaults, two comments.
many_tables() {
    cat << SQL
DO \$\$
BEGIN
    FOR i IN $1..$2 LOOP
        EXECUTE format('CREATE TABLE invoice_%1\$s (id bigint PRIMARY KEY, number text NOT NULL, corrects bigint REFERENCES invoice_%2\$s,'
            ' total numeric(12, 2) NOT NULL DEFAULT 0, tax numeric(5, 2), state text NOT NULL DEFAULT ''open'', note varchar(200), tags text[],'
            ' placed_at timestamptz NOT NULL DEFAULT now(), paid_at timestamptz, CONSTRAINT total_%1\$s CHECK (total >= 0),'
            ' CONSTRAINT paid_%1\$s CHECK (paid_at IS NULL OR paid_at >= placed_at))', i, greatest(i - 1, 1));
        EXECUTE format('CREATE INDEX invoice_%1\$s_number ON invoice_%1\$s (lower(number), placed_at DESC)', i);
        EXECUTE format('CREATE INDEX invoice_%1\$s_open ON invoice_%1\$s (placed_at) WHERE state = ''open''', i);
        EXECUTE format('COMMENT ON TABLE invoice_%s IS ''what somebody owes us''', i);
        EXECUTE format('COMMENT ON COLUMN invoice_%s.total IS ''in euros''', i);
    END LOOP;
END \$\$;
SQL
}

# Makes DATABASE with so many tables; its statistics are up to date as autovacuum would keep them.
make_tables() {
    local database=$1 tables=$2 i
    sql governed postgres "CREATE DATABASE $database"
    for ((i = 1; i <= tables; i += 250)); do
        many_tables "$i" $((i + 249 < tables ? i + 249 : tables))
    done | on governed psql -X -q -v ON_ERROR_STOP=1 -d "$database"
    sql governed "$database" "VACUUM ANALYZE"
}

# Begins to govern what is there.
govern() {
    sql governed "$1" "CREATE EXTENSION migration_governance" "SELECT mg_baseline('0000_before')" "VACUUM ANALYZE" "CHECKPOINT" > /dev/null
}

# Prints ten changes by hand, in every round of other tables.
ten_changes() {
    local i=$(($1 * 10))
    cat << SQL
ALTER TABLE invoice_$((i + 1)) ADD COLUMN by_hand text;
DROP INDEX invoice_$((i + 2))_open;
ALTER TABLE invoice_$((i + 3)) ALTER COLUMN state SET DEFAULT 'paid';
ALTER TABLE invoice_$((i + 4)) DROP CONSTRAINT total_$((i + 4));
COMMENT ON COLUMN invoice_$((i + 5)).total IS 'in dollars';
GRANT SELECT ON invoice_$((i + 6)) TO bench_reader;
CREATE INDEX by_hand_$i ON invoice_$((i + 7)) (tax);
ALTER TABLE invoice_$((i + 8)) ALTER COLUMN note TYPE varchar(300);
CREATE TABLE by_hand_table_$i (id bigint);
CREATE FUNCTION by_hand_function_$i() RETURNS int LANGUAGE sql AS 'SELECT 1';
SQL
}

# Notes the microseconds that a client takes whose output nobody reads: time_client FIGURE ROUND WHO COMMAND...
time_client() {
    local start
    start=$(date +%s%N)
    on governed "${@:4}" > /dev/null || return
    # The first round only fills the caches.
    [ "$2" -eq 0 ] || note "$1" "$2" "$3" "$((($(date +%s%N) - start) / 1000))"
}

# One turn of WHO in a round, in a backend of its own.
schema_turn() {
    local figure=$1 round=$2 who=$3 found
    case $who in
        nothing) time_client "$figure" "$round" "$who" psql -X -q -A -t -d many -c "SELECT 1" ;;
        pg_dump) time_client "$figure" "$round" "$who" pg_dump -s -f /dev/null many ;;
        snapshot) time_client "$figure" "$round" "$who" psql -X -q -A -t -d many -c "SELECT mg_snapshot()" ;;
        rehearsal) time_client "$figure" "$round" "$who" psql -X -q -A -t -d many \
            -c "SELECT * FROM mg_rehearse('CREATE TABLE rehearsed (id bigint PRIMARY KEY, note text)', 'DROP TABLE rehearsed')" ;;
        statements) time_client "$figure" "$round" "$who" psql -X -q -A -t -d many -c "BEGIN" \
            -c "CREATE TABLE rehearsed (id bigint PRIMARY KEY, note text)" -c "DROP TABLE rehearsed" \
            -c "CREATE TABLE rehearsed (id bigint PRIMARY KEY, note text)" -c "ROLLBACK" ;;
        report) time_client "$figure" "$round" "$who" psql -X -q -A -t -d many -c "SELECT * FROM mg_drift_report()" ;;
        report_of_ten)
            ten_changes "$round" | on governed psql -X -q -v ON_ERROR_STOP=1 -d many
            time_client "$figure" "$round" "$who" psql -X -q -A -t -d many -c "SELECT * FROM mg_drift_report()"
            found=$(sql governed many "SELECT count(DISTINCT (object_type, identity)) FROM mg_drift_report()")
            [ "$found" = 10 ] || { say "ten objects were changed by hand, $found are reported"; return 1; }
            sql governed many "SELECT mg_accept_drift('measured')" > /dev/null ;;
    esac
}

# Prints a number of /proc/PID/status in MB, the figures there being kB: memory_of PID FIELD
memory_of() { awk -v field="$2:" '$1 == field { print $2 / 1024 }' "/proc/$1/status"; }

# Prints by how many MB the private memory of a new backend on DATABASE grows while it runs the SQL: the most that it had, and what it
# has when it is idle again. Private memory is RssAnon, which leaves out the pages of shared buffers that it touched (the figures of
# smaps_rollup count those as private that no other process has touched); no counter keeps its peak, so it is read every millisecond.
memory_growth() {
    local database=$1 statement=$2 pid idle input output
    rm -f "$work/memory.in" "$work/memory.out"
    mkfifo "$work/memory.in" "$work/memory.out"
    exec {output}<> "$work/memory.out"
    on governed psql -X -q -A -t -o /dev/null -v ON_ERROR_STOP=1 -d "$database" -f "$work/memory.in" \
        > "$work/memory.out" 2> "$work/memory.err" &
    sessions+=($!)
    exec {input}> "$work/memory.in"
    printf '%s\n' "SELECT pg_backend_pid() AS pid \\gset" "\\echo :pid" >&"$input"
    read -r pid <&"$output"
    idle=$(memory_of "$pid" RssAnon)
    perl -MTime::HiRes=usleep -e '
        my ($pid, $most) = ($ARGV[0], 0);
        open my $status, "<", "/proc/$pid/status" or exit;
        $SIG{TERM} = sub { print $most / 1024, "\n"; exit };
        print STDERR "reading\n";
        while (1) {
            seek $status, 0, 0;
            while (<$status>) { if (/^RssAnon:\s+(\d+)/) { $most = $1 if $1 > $most; last } }
            usleep 1000;
        }' "$pid" > "$work/memory.most" 2> "$work/memory.out" &
    sessions+=($!)
    read -r _ <&"$output"
    printf '%s\n' "$statement;" "\\echo done" >&"$input"
    read -r _ <&"$output" || true
    kill "${sessions[-1]}"
    wait "${sessions[-1]}" || true
    [ -d "/proc/$pid" ] || { cat "$work/memory.err" >&2; return 1; }
    awk -v idle="$idle" -v most="$(cat "$work/memory.most")" -v now="$(memory_of "$pid" RssAnon)" 'BEGIN { print most - idle, now - idle }'
    exec {input}>&- {output}<&-
    wait
    sessions=()
}

# Opens a session on DATABASE that prints how long each command takes; its pipe is input_of[DATABASE].
open_timed_session() {
    rm -f "$work/$1.in"
    mkfifo "$work/$1.in"
    on governed psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -f "$work/$1.in" > "$work/$1.times" 2> "$work/$1.err" &
    sessions+=($!)
    exec {input}> "$work/$1.in"
    input_of[$1]=$input
    printf '%s\n' "\\timing on" >&"$input"
}

# Applies ten migrations of one table each in the session of DATABASE and notes the median of their milliseconds.
apply_turn() {
    local database=$1 round=$2 i
    {
        echo "\\o /dev/null"
        for ((i = 1; i <= 10; i++)); do
            echo "SELECT mg_apply('$(printf %04d_order_%s $((round * 10 + i)) $((round * 10 + i)))',
                'CREATE TABLE order_$((round * 10 + i)) (id bigint PRIMARY KEY, customer text NOT NULL);',
                'DROP TABLE order_$((round * 10 + i));');"
        done
        echo "\\! echo done > $work/turn"
    } >&"${input_of[$database]}"
    read -r -t 120 -u "$answers" _ || { cat "$work/$database.err" >&2; return 1; }
    [ "$round" -eq 0 ] || note apply_among "$round" "$database" \
        "$(sed -nE 's/^Time: ([0-9.]+) ms.*/\1/p' "$work/$database.times" | tail -n 10 | median)"
}

# mg_apply of one table in a database with many tables, and in one with ten.
measure_apply() {
    local rounds=20 round database input
    local -A input_of=()
    mkfifo "$work/turn"
    exec {answers}<> "$work/turn"
    for database in few many; do open_timed_session "$database"; done
    for ((round = 0; round <= rounds; round++)); do
        for database in $(rotate "$round" few many); do apply_turn "$database" "$round"; done
    done
    for database in few many; do
        input=${input_of[$database]}
        exec {input}>&-
    done
    wait "${sessions[@]}"
    sessions=()
    row "  mg_apply of one table, 10 tables in the database" "$(median_of apply_among few | xargs printf '%.2f ms')"
    row "  mg_apply of one table, $1 tables in the database" "$(median_of apply_among many | xargs printf '%.2f ms')" \
        "$(median_of_pairs apply_among many / few)" "<= 1.3"
}

# Private memory of the backend, in MB above that of an idle one.
measure_memory() {
    local most now tenth hundredth
    row "schema: private memory, MB above an idle backend, $1 tables" ""
    read -r most now <<< "$(memory_growth many "SELECT mg_snapshot()")"
    row "  mg_snapshot(): most, and afterwards" "$(printf '%.1f, %.1f' "$most" "$now")" "$most" "<= 250"
    sql governed postgres "CREATE DATABASE without_baseline TEMPLATE tables"
    sql governed without_baseline "CREATE EXTENSION migration_governance"
    read -r most now <<< "$(memory_growth without_baseline "SELECT * FROM mg_baseline('0000_before')")"
    row "  mg_baseline(): most, and afterwards" "$(printf '%.1f, %.1f' "$most" "$now")" "$most" "<= 250"
    ten_changes $((rounds + 1)) | on governed psql -X -q -v ON_ERROR_STOP=1 -d many
    read -r most now <<< "$(memory_growth many "SELECT * FROM mg_drift_report()")"
    row "  mg_drift_report(): most, and afterwards" "$(printf '%.1f, %.1f' "$most" "$now")" "$most" "<= 100"
    read -r _ tenth <<< "$(memory_growth many "$(yes "SELECT * FROM mg_drift_report();" | head -n 10)")"
    read -r _ hundredth <<< "$(memory_growth many "$(yes "SELECT * FROM mg_drift_report();" | head -n 100)")"
    row "  mg_drift_report(): after 10 calls, after 100" "$(printf '%.1f, %.1f' "$tenth" "$hundredth")" \
        "$(awk -v a="$tenth" -v b="$hundredth" 'BEGIN { print b - a }')" "<= 1"
}

bench_schema() {
    local rounds=${MG_SCHEMA_ROUNDS:-7} sizes=${MG_SCHEMA_TABLES:-1000 10000} tables round who most
    local competitors=(pg_dump snapshot report report_of_ten rehearsal statements nothing)
    "$server" start governed "autovacuum = off" "max_wal_size = 4GB" "shared_buffers = 512MB" "max_locks_per_transaction = 1024" \
        "shared_preload_libraries = 'migration_governance'"
    sql governed postgres "CREATE ROLE bench_reader"
    for tables in $sizes; do
        say "schema: making $tables tables"
        make_tables tables "$tables"
        sql governed postgres "CREATE DATABASE many TEMPLATE tables"
        govern many
        for ((round = 0; round <= rounds; round++)); do
            say "schema, $tables tables, round $round of $rounds"
            for who in $(rotate "$round" "${competitors[@]}"); do
                schema_turn "schema_$tables" "$round" "$who"
            done
        done
        row "schema: $tables tables, a client's wall time, ratios without connecting, $rounds rounds" ""
        schema_row pg_dump "pg_dump -s"
        schema_row nothing "SELECT 1, which is to connect"
        schema_row snapshot "mg_snapshot()" "<= 0.333"
        schema_row report_of_ten "mg_drift_report() of ten changes" "<= 0.0667"
        schema_row report "mg_drift_report() of no change" "<= 0.0333"
        row "  mg_rehearse() of one table: s beyond statements" \
            "$(median_of "schema_$tables" rehearsal | awk '{ printf "%.1f ms", $1 / 1000 }')" \
            "$(median_of_pairs "schema_$tables" rehearsal - statements | awk '{ print $1 / 1e6 }')" "<= 0.5"
        row "  the same, against mg_drift_report() of no change" "" \
            "$(paste <(values "schema_$tables" rehearsal) <(values "schema_$tables" nothing) <(values "schema_$tables" report) |
                awk '{ print ($1 - $2) / ($3 - $2) }' | median)" "<= 3"
        most=$tables
        [ "$tables" = "${sizes##* }" ] || sql governed postgres "DROP DATABASE many WITH (FORCE)" "DROP DATABASE tables WITH (FORCE)"
    done
    say "schema: memory"
    measure_memory "$most"
    say "schema: applying"
    make_tables few 10
    govern few
    row "schema: applying in a warm session, 20 rounds of 10 migrations" ""
    measure_apply "$most"
    "$server" stop governed
}

# The bound is for what is done, not for starting a client and connecting, which takes longer than a report: the time of SELECT 1
# in the same round is taken off both sides. The ratio of the whole times stands beside the time.
schema_row() {
    local figure=schema_$tables
    row "  $2" "$(median_of "$figure" "$1" | awk '{ printf "%.1f ms", $1 / 1000 }')$(
        [ -z "${3:-}" ] || median_of_pairs "$figure" "$1" / pg_dump | awk '{ printf ", whole %.3f", $1 }')" \
        "$([ -z "${3:-}" ] || paste <(values "$figure" "$1") <(values "$figure" nothing) <(values "$figure" pg_dump) |
            awk '{ print ($1 - $2) / ($3 - $2) }' | median)" "${3:-}"
}
