#!/usr/bin/env bash
# Views that stand in for a team's history table: dumped and restored, seen from another session while a migration runs, after that
# session is ended, under another owner of the database, and gone with the extension.
# shellcheck source=test/tap/lib/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/tap.sh"

test/tools/server.sh start own_history
use own_history
query postgres -c 'CREATE ROLE first_owner LOGIN' -c 'CREATE ROLE second_owner LOGIN' -c 'CREATE DATABASE app OWNER first_owner' \
    -c 'CREATE ROLE reader LOGIN'
query app -c 'CREATE EXTENSION migration_governance'
export PGOPTIONS=-cclient_min_messages=warning

is "the owner of the database makes it" "created" \
    "$(query app -U first_owner -c "SELECT status FROM mg_history_view('public', 'schema_migrations', '{reader}')")"
is "and applies what writes to it" "applied applied" "$(query app -U first_owner \
    -c "SELECT status FROM mg_apply('001_a', 'CREATE TABLE a (i int); INSERT INTO schema_migrations (version) VALUES (''001_a'')', 'DROP TABLE a; DELETE FROM schema_migrations WHERE version = ''001_a''')" \
    -c "SELECT status FROM mg_apply('002_b', 'SELECT 1')" | xargs)"
is "whom it is for reads it, without a right on schema mg" "001_a 002_b" \
    "$(query app -U reader -c 'SELECT version FROM schema_migrations ORDER BY applied_at' | xargs)"

pg_dump -f "$work/plain.sql" app && pg_dump -Fc -f "$work/custom" app
result $? 'dumped'
restore_plain() { psql -X -q -v ON_ERROR_STOP=1 -d "$1" -f "$work/plain.sql"; }
restore_custom() { pg_restore -d "$1" "$work/custom"; }
restore_no_owner() { pg_restore --no-owner -d "$1" "$work/custom"; }
for way in plain custom no_owner; do
    query postgres -c "CREATE DATABASE $way OWNER first_owner TEMPLATE template0"
    is "$way: restores without an error" "" "$("restore_$way" "$way" 2>&1 | grep -E 'ERROR|error:')"
    is "$way: shows the same" "001_a 002_b" "$(query "$way" -U reader -c 'SELECT version FROM schema_migrations ORDER BY applied_at' | xargs)"
    is "$way: is not made twice" "kept" "$(query "$way" -c "SELECT status FROM mg_history_view('public', 'schema_migrations')")"
    is "$way: is as expected" "" "$(query "$way" -c "SELECT kind, identity, property FROM mg_drift_report() WHERE identity LIKE '%schema_migrations%' AND property IS DISTINCT FROM 'owner' AND property IS DISTINCT FROM 'privileges'")"
    is "$way: scripts run back and forth" "rolled back applied" "$(query "$way" -c "SELECT status FROM mg_rollback('001_a')" -c "SELECT status FROM mg_apply('001_a')" | xargs)"
    like "$way: and nothing else is written" 'ERROR:  55000' "$(query "$way" -c "INSERT INTO schema_migrations VALUES ('003')")"
done

# While a migration runs, other sessions see what is committed; when it is ended half-way, nothing is left of it.
query app -c "SELECT status FROM mg_apply('003_slow', 'INSERT INTO schema_migrations (version) VALUES (''003_slow''); SELECT pg_sleep(60)')" > "$work/slow" 2>&1 &
for _ in $(seq 100); do
    [ "$(query app -c "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")" = 1 ] && break
    sleep 0.1
done
is "another session does not see it yet" "0 0" \
    "$(query app -c "SELECT count(*) FROM schema_migrations WHERE version = '003_slow'" -c 'SELECT count(*) FROM mg.history_change' | xargs)"
query app -c "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE wait_event = 'PgSleep'" > /dev/null
wait
is "nor when it was ended" "0 0" \
    "$(query app -c "SELECT count(*) FROM schema_migrations WHERE version = '003_slow'" -c 'SELECT count(*) FROM mg.history_change' | xargs)"

# The view reads with its owner's rights, which end when the database has another owner.
query app -c 'ALTER DATABASE app OWNER TO second_owner'
like "under another owner of the database it may not read the ledger" 'ERROR:  42501' "$(query app -U reader -c 'SELECT count(*) FROM schema_migrations')"
is "until it is made again" "kept" "$(query app -c "SELECT status FROM mg_history_view('public', 'schema_migrations')")"
is "which gives it to who may" "2" "$(query app -U reader -c 'SELECT count(*) FROM schema_migrations')"

like "the extension is not dropped from under it" 'ERROR:  2BP01' \
    "$(query app -c "SELECT mg_allow_removal('test')" -c 'DROP EXTENSION migration_governance')"
is "but with CASCADE, and it too" "t" \
    "$(query app -c "SELECT mg_allow_removal('test')" -c 'DROP EXTENSION migration_governance CASCADE' -c "SELECT to_regclass('schema_migrations') IS NULL" | tail -n 1)"

finish own_history
