# What the gates cost: mg_apply() of small migrations where no gate is asked for and where all are. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

gates_per_round=20

# Prints the scripts of migration number N as arguments of mg_register().
gates_migration() {
    printf "'%03d_create_parcel_%s', E'-- Author: Ada\\\\n-- Ticket: SHOP-%s\\\\nCREATE TABLE parcel_%s (id bigint PRIMARY KEY, code text NOT NULL);\\\\nCREATE INDEX ON parcel_%s (code);', 'DROP TABLE parcel_%s', 'SELECT count(*) = 0 FROM parcel_%s'" \
        "$1" "$1" "$1" "$1" "$1" "$1" "$1"
}

# Makes DATABASE an environment of its own, with a role that applies and one that approves.
gates_database() {
    sql governed postgres "CREATE DATABASE $1"
    sql governed "$1" "CREATE EXTENSION migration_governance" "GRANT CREATE ON SCHEMA public TO bench_ada" "SELECT mg_set_environment('$1')" \
        "SELECT mg_grant_right('bench_ada', 'apply')" "SELECT mg_grant_right('bench_ben', 'approve:review')" > /dev/null
}

# Sends SQL on standard input to DATABASE as ROLE.
gates_as() { on governed psql -X -q -A -t -v ON_ERROR_STOP=1 -U "$2" -d "$1"; }

# One turn in DATABASE: each migration of the round is rehearsed, and applied against the clock.
gates_turn() {
    local round=$1 database=$2 n
    for ((n = round * gates_per_round + 1; n <= (round + 1) * gates_per_round; n++)); do
        printf '%s\n' "SELECT count(*) FROM mg_rehearse('$(printf '%03d' "$n")_create_parcel_$n') \\g /dev/null" '\timing on' \
            "SELECT status FROM mg_apply('$(printf '%03d' "$n")_create_parcel_$n');" '\timing off'
    done > "$work/gates.sql"
    gates_as "$database" bench_ada < "$work/gates.sql" > "$work/gates.out" || return
    [ "$(grep -c '^applied$' "$work/gates.out")" -eq "$gates_per_round" ] || return
    # The first ones fill the caches of a new backend.
    note gates "$round" "$database" "$(sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$work/gates.out" | tail -n +4 | median)"
}

bench_gates() {
    local rounds=${MG_GATES_ROUNDS:-5} round database n setting
    "$server" start governed "fsync = on" "shared_preload_libraries = 'migration_governance'"
    sql governed postgres "CREATE ROLE bench_ada LOGIN" "CREATE ROLE bench_ben LOGIN"
    for database in staging free gated; do gates_database "$database"; done
    for setting in "required_headers=author, ticket" "ticket_pattern=SHOP-[0-9]+" require_down=on require_verify=on require_rehearsal=on lint_gate=warning \
        "required_approvals=review, architecture, security, retention" promoted_from=staging "maintenance_window=Sun-Sat 00:00-24:00" \
        "freeze=2020-01-01 00:00 to 2020-02-01 00:00" backup_max_age=1d require_no_drift=on longest_transaction=1h replica_lag=1h require_disk=on; do
        sql governed gated "SELECT mg_set_policy('${setting%%=*}', '${setting#*=}', 'measured')" > /dev/null
    done
    sql governed gated "SELECT mg_record_backup('measured')" "SELECT mg_accept_drift('measured')" > /dev/null
    for ((n = 1; n <= (rounds + 1) * gates_per_round; n++)); do echo "SELECT mg_register($(gates_migration "$n"));"; done > "$work/register.sql"
    sed 's/mg_register/mg_apply/; s/$/ \\g \/dev\/null/; s/; \\g/ \\g/' "$work/register.sql" > "$work/staging.sql"
    gates_as staging bench_ada < "$work/staging.sql"
    for database in free gated; do gates_as "$database" bench_ada < "$work/register.sql" > /dev/null; done
    for ((n = 1; n <= (rounds + 1) * gates_per_round; n++)); do
        echo "SELECT mg_attest('$(printf '%03d' "$n")_create_parcel_$n');" >> "$work/attest.sql"
        echo "SELECT mg_approve('$(printf '%03d' "$n")_create_parcel_$n');" >> "$work/approve.sql"
    done
    gates_as staging bench_ada < "$work/attest.sql" | sed "s/.*/SELECT mg_accept_attestation('&');/" > "$work/accept.sql"
    gates_as gated bench_ben < "$work/approve.sql" > /dev/null
    gates_as gated postgres < "$work/accept.sql" > /dev/null
    for ((round = 0; round <= rounds; round++)); do
        say "gates, round $round of $rounds"
        for database in $(rotate "$round" free gated); do
            gates_turn "$round" "$database" || { tail -n 20 "$work/gates.out" >&2; return 1; }
        done
    done
    row "gates: ms for mg_apply() of a registered and rehearsed migration, $gates_per_round in each of $((rounds + 1)) rounds" ""
    row "  no gate" "$(median_of gates free | xargs printf '%.2f ms')"
    row "  all gates that mg_apply() has" "$(median_of gates gated | xargs printf '%.2f ms')" "$(median_of_pairs gates gated / free)" "<= 2"
    "$server" stop governed
}
