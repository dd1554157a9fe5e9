# What recording costs: CPU of the backend for each DDL statement. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

# Prints blocks FIRST to LAST of the script, 25 statements each; half of the tables stay.
ddl_blocks() {
    local i
    for ((i = $1; i <= $2; i++)); do
        cat << SQL
CREATE TABLE customer_$i (id bigint PRIMARY KEY, name text NOT NULL, email text, created_at timestamptz DEFAULT now());
CREATE TABLE invoice_$i (id bigint GENERATED ALWAYS AS IDENTITY, customer bigint REFERENCES customer_$i, total numeric(12, 2));
CREATE INDEX customer_email_$i ON customer_$i (lower(email));
CREATE INDEX invoice_customer_$i ON invoice_$i (customer);
ALTER TABLE customer_$i ADD COLUMN active boolean NOT NULL DEFAULT true;
ALTER TABLE invoice_$i ADD CONSTRAINT total_positive CHECK (total >= 0);
ALTER TABLE customer_$i ALTER COLUMN name SET DEFAULT 'nobody';
COMMENT ON TABLE customer_$i IS 'who buys';
COMMENT ON COLUMN invoice_$i.total IS 'in euros';
CREATE VIEW open_invoice_$i AS SELECT i.id, c.name FROM invoice_$i i JOIN customer_$i c ON c.id = i.customer;
GRANT SELECT ON customer_$i, open_invoice_$i TO bench_reader;
CREATE FUNCTION discount_$i(total numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT total * 0.9';
CREATE OR REPLACE FUNCTION discount_$i(total numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT total * 0.8';
GRANT EXECUTE ON FUNCTION discount_$i TO bench_reader;
CREATE TYPE state_$i AS ENUM ('open', 'paid');
ALTER TYPE state_$i ADD VALUE 'void';
CREATE SEQUENCE number_$i;
ALTER SEQUENCE number_$i INCREMENT BY 10;
ALTER TABLE customer_$i RENAME COLUMN email TO mail;
REVOKE SELECT ON customer_$i FROM bench_reader;
DROP VIEW open_invoice_$i;
DROP INDEX invoice_customer_$i;
DROP FUNCTION discount_$i(numeric);
DROP SEQUENCE number_$i;
DROP TABLE invoice_$i;
SQL
    done
}

# Opens a session that reads its commands from a pipe: open_session WHO SERVER DATABASE
open_session() {
    rm -f "$work/$1.in"
    mkfifo "$work/$1.in"
    PGHOST=$MG_HOME/$2 PGPORT=5432 PGUSER=postgres \
        psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "$3" -f "$work/$1.in" 2> "$work/$1.err" &
    sessions+=($!)
    exec {input}> "$work/$1.in"
    input_of[$1]=$input
    echo "SELECT pg_backend_pid() AS pid \\gset
          \\setenv BACKEND :pid" >&"$input"
}

# Runs a file in a session and prints the nanoseconds of CPU that its backend has used since its start: run_turn WHO FILE
run_turn() {
    local nanoseconds
    echo "\\i $2
          \\! cut -d ' ' -f 1 /proc/\$BACKEND/schedstat > $work/cpu" >&"${input_of[$1]}"
    read -r -t 60 -u "$answers" nanoseconds || { cat "$work/$1.err" >&2; return 1; }
    echo "$nanoseconds"
}

# Notes the nanoseconds of CPU a statement takes, in one session a competitor, each statement in its own transaction. The
# sessions take turns every 100 statements, because a neighbour's load changes within seconds: a turn is a round of the figures.
capture_round() {
    local round=$1 who turn now input
    local -A input_of=() before=()
    for who in "${competitors[@]}"; do
        fresh "${server_of[$who]}" "bench_$who" "${base_of[$who]}"
        open_session "$who" "${server_of[$who]}" "bench_$who"
        before[$who]=$(run_turn "$who" "$work/turn.0")
    done
    for ((turn = 1; turn <= turns; turn++)); do
        for who in $(rotate "$((round + turn))" "${competitors[@]}"); do
            now=$(run_turn "$who" "$work/turn.$turn")
            note capture "$round.$turn" "$who" "$(((now - before[$who]) / 100))"
            before[$who]=$now
        done
    done
    for who in "${competitors[@]}"; do
        input=${input_of[$who]}
        exec {input}>&-
    done
    wait "${sessions[@]}"
    sessions=()
}

# The event trigger that people write; it needs its table writable by everybody.
plpgsql_trigger() {
    cat << 'SQL'
CREATE TABLE ddl_log (at timestamptz DEFAULT clock_timestamp(), who text DEFAULT session_user, tag text, type text, identity text, query text);
CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO ddl_log (tag, type, identity, query)
        SELECT command_tag, object_type, object_identity, current_query() FROM pg_event_trigger_ddl_commands(); END $$;
CREATE FUNCTION log_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO ddl_log (tag, type, identity, query)
        SELECT tg_tag, object_type, object_identity, current_query() FROM pg_event_trigger_dropped_objects() WHERE original; END $$;
CREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION log_ddl();
CREATE EVENT TRIGGER log_drop ON sql_drop EXECUTE FUNCTION log_drop();
SQL
}

# Unpacks pgAudit into the private copy of the server where the system has it not.
find_pgaudit() {
    local control package=postgresql-${version%%.*}-pgaudit
    control=$MG_HOME/pg$("$PG_CONFIG" --sharedir)/extension/pgaudit.control
    [ -e "$control" ] && return
    (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package" && dpkg -x "$package"_*.deb "$MG_HOME/pg") > /dev/null 2>&1 || true
    [ -e "$control" ]
}

bench_capture() {
    local rounds=${MG_CAPTURE_ROUNDS:-11} round turns=20 turn name common=("autovacuum = off" "max_wal_size = 4GB")
    local -A server_of=([bare]=bare [plpgsql]=bare [governed]=governed) base_of=([bare]=base [plpgsql]=plpgsql [governed]=base)
    local competitors=(bare governed plpgsql)

    "$server" start bare "${common[@]}"
    "$server" start governed "${common[@]}" "shared_preload_libraries = 'migration_governance'"
    if find_pgaudit; then
        "$server" start pgaudit "${common[@]}" "shared_preload_libraries = 'pgaudit'" "pgaudit.log = 'ddl'"
        competitors+=(pgaudit) server_of[pgaudit]=pgaudit base_of[pgaudit]=base
    fi
    for name in bare governed pgaudit; do
        [ -d "$MG_HOME/$name" ] || continue
        sql "$name" postgres "CREATE ROLE bench_reader" "CREATE DATABASE base"
    done
    sql governed base "CREATE EXTENSION migration_governance"
    [ -z "${server_of[pgaudit]:-}" ] || sql pgaudit base "CREATE EXTENSION pgaudit"
    sql bare postgres "CREATE DATABASE plpgsql"
    sql bare plpgsql "$(plpgsql_trigger)"

    for ((turn = 0; turn <= turns; turn++)); do
        ddl_blocks $((turn * 4 + 1)) $((turn * 4 + 4)) > "$work/turn.$turn"
    done
    mkfifo "$work/cpu"
    exec {answers}<> "$work/cpu"
    for ((round = 1; round <= rounds; round++)); do
        say "capture, round $round of $rounds"
        capture_round "$round"
    done

    row "capture: CPU of the backend, $((turns * 100)) statements, autocommit, $rounds rounds" ""
    row "  bare server" "$(microseconds bare)"
    row "  migration_governance" "$(microseconds governed)" "$(median_of_pairs capture governed / bare)" "<= 1.15"
    row "  event trigger in plpgsql" "$(microseconds plpgsql)" "$(median_of_pairs capture plpgsql / bare)"
    if [ -n "${server_of[pgaudit]:-}" ]; then
        row "  pgAudit, log = ddl" "$(microseconds pgaudit)" "$(median_of_pairs capture pgaudit / bare)"
        row "  migration_governance's overhead to pgAudit's" "" \
            "$(awk -v a="$(median_of_pairs capture governed - bare)" -v b="$(median_of_pairs capture pgaudit - bare)" 'BEGIN { print a / b }')" "<= 0.5"
    else
        row "  pgAudit" "skipped: no package"
    fi
    for name in bare governed pgaudit; do
        [ ! -d "$MG_HOME/$name" ] || "$server" stop "$name"
    done
}

microseconds() { awk -v ns="$(median_of capture "$1")" 'BEGIN { printf "%.1f us", ns / 1000 }'; }
