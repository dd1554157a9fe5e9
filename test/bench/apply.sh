# What applying takes: 500 small migrations by each tool in one process, a transaction each, fsync on. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

migrations=500

# Writes up/NAME.sql and down/NAME.sql for each migration.
write_migrations() {
    local i n previous
    mkdir -p "$work/up" "$work/down"
    for ((i = 1; i <= migrations; i++)); do
        printf -v n %03d "$i"
        case $((i % 3)) in
            1)  write_migration "${n}_create_order_$n" \
                    "CREATE TABLE order_$n (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer text NOT NULL, total numeric(12, 2), placed_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX order_${n}_customer ON order_$n (customer);" "DROP TABLE order_$n;"
                previous=order_$n ;;
            2)  write_migration "${n}_add_state_to_$previous" \
                    "ALTER TABLE $previous ADD COLUMN state text NOT NULL DEFAULT 'open';
ALTER TABLE $previous ADD CONSTRAINT ${previous}_total CHECK (total >= 0);
COMMENT ON COLUMN $previous.state IS 'open or paid';" \
                    "ALTER TABLE $previous DROP CONSTRAINT ${previous}_total;
ALTER TABLE $previous DROP COLUMN state;" ;;
            0)  write_migration "${n}_create_open_$previous" \
                    "CREATE VIEW open_$previous AS SELECT id, customer, total FROM $previous WHERE state = 'open';
CREATE INDEX ${previous}_state ON $previous (state);" "DROP INDEX ${previous}_state;
DROP VIEW open_$previous;" ;;
        esac
    done
    names=()
    for i in "$work"/up/*.sql; do names+=("$(basename "$i" .sql)"); done
}

write_migration() {
    echo "$2" > "$work/up/$1.sql"
    echo "$3" > "$work/down/$1.sql"
}

# Below, write_TOOL converts the migrations into $work/TOOL and run_TOOL applies them to database bench on server $host.

write_psql() {
    printf 'BEGIN;\n\\i %s\nCOMMIT;\n' "$work"/up/*.sql > "$work/psql.sql"
}
run_psql() { psql -X -q -v ON_ERROR_STOP=1 -d bench -f "$work/psql.sql"; }

write_mg_apply() {
    local name
    for name in "${names[@]}"; do
        # shellcheck disable=SC2016
        printf 'SELECT * FROM mg_apply(name => $name$%s$name$, up => $up$%s$up$, down => $down$%s$down$);\n' \
            "$name" "$(cat "$work/up/$name.sql")" "$(cat "$work/down/$name.sql")"
    done > "$work/mg_apply.sql"
}
run_mg_apply() { psql -X -q -v ON_ERROR_STOP=1 -d bench -f "$work/mg_apply.sql"; }

write_dbmate() {
    local name
    npm_install dbmate 2.36.0 || return
    mkdir -p "$work/dbmate"
    for name in "${names[@]}"; do
        { echo "-- migrate:up"; cat "$work/up/$name.sql"; echo "-- migrate:down"; cat "$work/down/$name.sql"; } > "$work/dbmate/$name.sql"
    done
}
run_dbmate() {
    DATABASE_URL="postgres://postgres@/bench?host=$host&sslmode=disable" \
        "$cache/dbmate/node_modules/.bin/dbmate" --no-dump-schema -d "$work/dbmate" migrate
}

write_node_pg_migrate() {
    local name
    npm_install node-pg-migrate 9.0.0 || return
    mkdir -p "$work/node-pg-migrate"
    for name in "${names[@]}"; do
        { echo "-- Up Migration"; cat "$work/up/$name.sql"; echo "-- Down Migration"; cat "$work/down/$name.sql"; } > "$work/node-pg-migrate/$name.sql"
    done
}
# By default it takes all in one transaction.
run_node_pg_migrate() {
    DATABASE_URL="postgres://postgres@/bench?host=$host" \
        "$cache/node-pg-migrate/node_modules/.bin/node-pg-migrate" up --no-single-transaction -m "$work/node-pg-migrate"
}

write_graphile_migrate() {
    local name file number=0 previous=- hash
    npm_install graphile-migrate 1.4.1 || return
    mkdir -p "$work/graphile-migrate/migrations/committed"
    echo '{}' > "$work/graphile-migrate/.gmrc"
    for name in "${names[@]}"; do
        hash=sha1:$({ [ "$previous" = - ] || echo "$previous"; cat "$work/up/$name.sql"; } | sha1sum | cut -d ' ' -f 1)
        printf -v file %06d.sql $((number += 1))
        printf -- '--! Previous: %s\n--! Hash: %s\n\n' "$previous" "$hash" |
            cat - "$work/up/$name.sql" > "$work/graphile-migrate/migrations/committed/$file"
        previous=$hash
    done
}
run_graphile_migrate() {
    (cd "$work/graphile-migrate" && DATABASE_URL="postgres://postgres@/bench?host=$host" SHADOW_DATABASE_URL="postgres:///none" \
        "$cache/graphile-migrate/node_modules/.bin/graphile-migrate" migrate)
}

write_sqitch() {
    local directory=$work/sqitch name
    command -v sqitch > /dev/null || return
    mkdir -p "$directory/deploy" "$directory/revert"
    printf '[core]\n    engine = pg\n' > "$directory/sqitch.conf"
    printf '%%syntax-version=1.0.0\n%%project=bench\n\n' > "$directory/sqitch.plan"
    for name in "${names[@]}"; do
        echo "$name 2026-01-01T00:00:00Z Bench <bench@example.com> # $name" >> "$directory/sqitch.plan"
        { echo "BEGIN;"; cat "$work/up/$name.sql"; echo "COMMIT;"; } > "$directory/deploy/$name.sql"
        { echo "BEGIN;"; cat "$work/down/$name.sql"; echo "COMMIT;"; } > "$directory/revert/$name.sql"
    done
}
run_sqitch() {
    (cd "$work/sqitch" && SQITCH_FULLNAME=Bench SQITCH_EMAIL=bench@example.com sqitch deploy --no-verify db:pg:bench)
}

# Installs npm package $1 at version $2 into the cache, once; its program is called $3, or as the package.
npm_install() {
    [ -e "$cache/$1/node_modules/.bin/${3:-$1}" ] ||
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$cache/$1" "$1@$2" pg > "$work/npm.log" 2>&1
}

# Notes wall time and the server's CPU, in milliseconds a migration, both as WHO: apply_once ROUND WHO TOOL
apply_once() {
    local round=$1 who=$2 tool=$3 name=bare cpu start wall
    [ "$tool" != mg_apply ] || name=governed
    local host=$MG_HOME/$name
    fresh "$name" bench base
    sync
    cpu=$(server_cpu "$name")
    start=$(date +%s%N)
    on "$name" "run_$tool" > "$work/$tool.log" 2>&1 < /dev/null || return
    wall=$(($(date +%s%N) - start))
    cpu=$(echo "$cpu $(server_cpu "$name")" | awk '{ print $2 - $1 }')
    [ "$(sql "$name" bench "SELECT count(*) FROM pg_class WHERE relname ~ '^order_[0-9]+_state$'")" = $((migrations / 3)) ] || return
    note apply "$round" "$who" "$(awk -v wall="$wall" -v n="$migrations" 'BEGIN { print wall / 1e6 / n }')"
    note apply_cpu "$round" "$who" "$(awk -v cpu="$cpu" -v n="$migrations" 'BEGIN { print cpu * 1000 / n }')"
}

bench_apply() {
    local rounds=${MG_APPLY_ROUNDS:-7} round tool names bound competitors=(psql) who skipped=()
    "$server" start bare "fsync = on" "full_page_writes = on"
    "$server" start governed "fsync = on" "full_page_writes = on" "shared_preload_libraries = 'migration_governance'"
    sql bare postgres "CREATE DATABASE base"
    sql governed postgres "CREATE DATABASE base"
    sql governed base "CREATE EXTENSION migration_governance"
    write_migrations
    write_psql
    write_mg_apply
    for tool in dbmate node_pg_migrate graphile_migrate sqitch; do
        if "write_$tool"; then competitors+=("$tool"); else skipped+=("$tool"); fi
    done

    # mg_apply runs right before or after each competitor, because the speed of a shared disk changes within a minute.
    for ((round = 1; round <= rounds; round++)); do
        for tool in "${competitors[@]}"; do
            say "apply, round $round of $rounds: mg_apply and $tool"
            for who in $(rotate "$round" "mg_apply:$tool" "$tool"); do
                apply_once "$round" "$who" "${who%%:*}" || { tail -n 20 "$work/${who%%:*}.log" >&2; return 1; }
            done
        done
    done

    row "apply: ms a migration, $migrations migrations, $rounds rounds" ""
    for tool in "${competitors[@]}"; do
        bound="< 1"
        [ "$tool" != psql ] || bound="<= 1.5"
        row "  ${tool//_/-}" "$(milliseconds "$tool")"
        row "  mg_apply beside it" "$(milliseconds "mg_apply:$tool")" "$(median_of_pairs apply "mg_apply:$tool" / "$tool")" "$bound"
    done
    for tool in "${skipped[@]}"; do
        row "  ${tool//_/-}" "skipped: cannot be had"
    done
    "$server" stop bare
    "$server" stop governed
}

milliseconds() { printf '%.2f, CPU of the server %.2f' "$(median_of apply "$1")" "$(median_of apply_cpu "$1")"; }
