#!/usr/bin/env bash
# Upgrades real clusters with pg_upgrade: 15 to 17, 15 to 18 and 17 to 18.
#
# Two majors must share a root directory. The newer one lives in the folder that test/tools/majors.sh keeps for it; this
# script makes that folder its root, in namespaces of its own that need no privileges, and takes a copy of the older
# server along, with those of its libraries that the newer release no longer has. It runs on the oldest major only; what
# cannot be tried is skipped and says why.
#
#   upgrade_majors.sh             prints TAP
#   upgrade_majors.sh enter MAJOR WORK COMMAND...   for itself: runs a command in the folder of MAJOR, where WORK is /tmp
#   upgrade_majors.sh build MAJOR                   for itself, inside: builds the extension and gathers libraries
#   upgrade_majors.sh control OLD NEW               for itself, inside: tells whether a cluster without the extension can be upgraded
#   upgrade_majors.sh upgrade OLD NEW PRELOAD OPTIONS               for itself, inside: makes a cluster, upgrades it and prints TAP
set -uo pipefail

self=$(realpath "${BASH_SOURCE[0]}")
root=$(realpath "$(dirname "$self")/../..")
cache=${MG_CACHE:-/var/cache/migration_governance}
count=0

# Passes when the command succeeds; shows what it printed otherwise.
ok() {
    local name=$1 output
    shift
    count=$((count + 1))
    if output=$("$@" 2>&1); then
        echo "ok $count - $label$name"
    else
        echo "not ok $count - $label$name"
        # shellcheck disable=SC2001
        sed 's/^/# /' <<< "$output"
    fi
}

# Passes when a query gives what it should.
is() {
    local name=$1 wanted=$2 got
    shift 2
    got=$(query "$@" 2>&1 | grep -v NOTICE)
    count=$((count + 1))
    if [ "$got" = "$wanted" ]; then
        echo "ok $count - $label$name"
    else
        echo "not ok $count - $label$name"
        printf '# wanted: %s\n# got:    %s\n' "${wanted//$'\n'/$'\n'#         }" "${got//$'\n'/$'\n'#         }"
    fi
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

# Makes the folder of a major the root directory and goes on as an ordinary user, whom initdb wants.
enter() {
    local major=$1 work=$2
    shift 2
    # shellcheck disable=SC2016
    unshare --map-root-user --mount --pid --fork --kill-child --mount-proc bash -c '
        set -e
        folder=$1 work=$2
        shift 2
        mount --rbind "$folder" "$folder"
        mount --bind "$work" "$folder/tmp"
        mount --rbind /dev "$folder/dev"
        mount -t proc proc "$folder/proc"
        cd "$folder"
        pivot_root . .
        umount -l .
        cd /tmp
        mount -t tmpfs tmpfs /dev/shm
        exec env -i PATH=/usr/bin:/bin:/usr/sbin LANG=C.UTF-8 HOME=/tmp unshare --user "--map-user=$(id -u postgres)" \
            "--map-group=$(id -g postgres)" bash /tmp/tree/test/tap/upgrade_majors.sh "$@"
    ' enter "$cache/$major" "$work" "$@"
}

# Copies the libraries that programs need, but for the C library's own, to a directory.
gather_libraries() {
    local to=$1
    shift
    mkdir -p "$to"
    ldd "$@" 2> /dev/null | sed -nE 's/^\t(.*) => (\/.*) \(0x.*/\2/p' | sort -u |
        grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv)\.so' | xargs -r cp -Lt "$to" || true
}

build() {
    local major=$1
    cd /tmp/tree || exit
    # How fast the module is does not matter here, how long it takes to compile does.
    export MG_HOME=/tmp/home$major PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config MG_CXXFLAGS=-O0
    mkdir -p "$MG_HOME"
    make -s clean > /dev/null 2>&1
    # What the tests of that major have built of the same sources is not built again.
    local kept
    kept=/built/$(test/tools/tree.sh key .)
    if [ -d "$kept" ]; then
        unset MG_CXXFLAGS
        mkdir "/tmp/kept$major"
        cp -a --no-preserve=ownership "$kept/." "/tmp/kept$major"
        cd "/tmp/kept$major" || exit
    fi
    test/tools/server.sh prepare || exit
    gather_libraries "/tmp/libraries$major" "/usr/lib/postgresql/$major/bin/"* "/usr/lib/postgresql/$major/lib/"*.so
}

# Runs pg_upgrade and shows the ends of its logs when it fails.
pg_upgrade() {
    local status=0
    "$new_bin/pg_upgrade" -b "$old_bin" -B "$new_bin" -d "$place/old" -D "$place/new" -s /tmp -U postgres "$@" || status=$?
    [ $status -eq 0 ] || find "$place/new/pg_upgrade_output.d" -name '*.log' -exec tail -n 20 {} +
    return $status
}

# Runs a query on the cluster at hand.
query() {
    "$psql" -X -A -t -q -v ON_ERROR_STOP=1 -h /tmp -d "${database:-app}" "$@"
}

# Tells whether the ledger refuses a statement.
refused() {
    local output
    output=$(query -v VERBOSITY=sqlstate "$@" 2>&1)
    echo "$output"
    [[ $output == *55000* ]]
}

# Starts a cluster and waits.
start() {
    "$1/pg_ctl" -s -w -t 60 -D "$2" -l "$2.log" start || { tail -n 20 "$2.log"; return 1; }
}

# What mg_verify() says of the ledger and the objects, as one line.
verified="SELECT coalesce(string_agg(concat_ws(' ', migration, check_name, object, expected, actual), '; '), 'all ok')
          FROM mg_verify() WHERE NOT ok"

# Everything that must be the same afterwards.
remember() {
    query -c "SELECT * FROM mg.history" -c "SELECT kind, installation, id, xid, hash FROM mg.record ORDER BY 2, 3" \
        -c "SELECT * FROM mg.statements" -c "SELECT id, migration, outcome, error FROM mg.runs" -c "SELECT * FROM mg.status" \
        -c "SELECT installation, id, members, previous, digest FROM mg.seal ORDER BY 1, 2" -c "SELECT * FROM mg.current" \
        -c "SELECT evtname, evtenabled, evtevent FROM pg_event_trigger ORDER BY 1" \
        -c "SELECT tgrelid::regclass, tgname, tgenabled, tgtype FROM pg_trigger WHERE tgname ~ '^mg_' ORDER BY 1, 2" \
        -c "SELECT oid::regprocedure, proacl FROM pg_proc WHERE proname ~ '^mg_' ORDER BY proname" \
        -c "SELECT relname, replace(relacl::text, 'm/', '/') FROM pg_class WHERE relnamespace = 'mg'::regnamespace AND relkind IN ('r', 'v', 'S') ORDER BY 1" \
        -c "SELECT pg_describe_object(classid, objid, 0), deptype FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
            AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'migration_governance') AND classid <> 'pg_type'::regclass ORDER BY 1"
}

# Prepares for clusters of two majors in a new directory.
choose() {
    local library present
    old=$1 new=$2
    old_bin=/tmp/home$old/pg/usr/lib/postgresql/$old/bin
    new_bin=/tmp/home$new/pg/usr/lib/postgresql/$new/bin
    place=/tmp/$old-$new
    psql=$new_bin/psql
    export PGUSER=postgres
    mkdir -p "$place/lib"
    cd "$place" || exit

    # Programs of the old release find what the new one no longer has, and nothing else, beside them.
    present=$(ldconfig -p)
    for library in "/tmp/libraries$old/"*; do
        [[ $present == *"/$(basename "$library")"* ]] || cp "$library" "$place/lib"
    done
    export LD_LIBRARY_PATH=$place/lib
}

# Makes a cluster with the programs in BIN.
make_cluster() {
    local bin=$1 cluster=$2 preload=$3
    "$bin/initdb" -k -D "$cluster" -U postgres -A trust -E UTF8 --no-locale -N &&
        printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '/tmp'" "fsync = off" "jit = off" \
            "shared_preload_libraries = '$preload'" >> "$cluster/postgresql.conf"
}

# Tells whether the servers' own pg_upgrade can take a table from the one to the other, without this extension.
control() {
    choose "$1" "$2"
    make_cluster "$old_bin" "$place/old" '' && make_cluster "$new_bin" "$place/new" '' && start "$old_bin" "$place/old" &&
        database=postgres query -c 'CREATE TABLE plain (id int)' && "$old_bin/pg_ctl" -s -w -D "$place/old" stop && pg_upgrade --copy
    local status=$?
    rm -rf "$place"
    return $status
}

upgrade() {
    local preload=$3 options=$4
    choose "$1" "$2"
    [ "$preload" != - ] || preload=''
    label="$old to $new: "
    ok "a cluster of $old" make_cluster "$old_bin" "$place/old" "$preload"
    ok "a cluster of $new" make_cluster "$new_bin" "$place/new" "$preload"
    ok "$old starts" start "$old_bin" "$place/old"
    database=postgres query -c "CREATE ROLE owner LOGIN" -c "CREATE DATABASE app OWNER owner" > /dev/null
    # shellcheck disable=SC2016
    ok "migrations on $old" query -c "CREATE EXTENSION migration_governance" \
        -c "SELECT mg_apply('0001_a', E'CREATE TABLE a (id int PRIMARY KEY);\nINSERT INTO a VALUES (1), (2)', 'DROP TABLE a', 'SELECT count(*) = 2 FROM a')" \
        -c "SELECT mg_apply('0002_b', 'CREATE TABLE b (id int); CREATE FUNCTION one() RETURNS int LANGUAGE sql AS \$\$ SELECT 1 \$\$', 'DROP FUNCTION one(); DROP TABLE b')" \
        -c "SELECT mg_apply('0003_c', 'CREATE FUNCTION two() RETURNS int LANGUAGE sql AS \$\$ SELECT 2 \$\$', 'DROP FUNCTION two()')" \
        -c "SELECT mg_apply('0004_d', 'CREATE TABLE d (id int)', 'DROP TABLE d')" -c "SELECT mg_rollback('0004_d', 'not wanted')" \
        -c "DO \$\$ BEGIN PERFORM mg_apply('0005_e', 'SELECT 1/0'); EXCEPTION WHEN division_by_zero THEN END \$\$" \
        -c "SELECT mg_register('0006_f', 'CREATE TABLE f (id int)', 'DROP TABLE f')" -c "CREATE TABLE by_hand (id int)" \
        -c "SELECT mg_seal()"
    ok "the ledger of $old verifies" test "$(query -c "$verified")" = "all ok"
    remember > "$place/before"
    before_head=$(query -c "SELECT value FROM mg_status() WHERE aspect = 'ledger head'")
    ok "$old stops" "$old_bin/pg_ctl" -s -w -D "$place/old" stop

    # shellcheck disable=SC2086
    ok "pg_upgrade $options" pg_upgrade $options
    ok "$new starts" start "$new_bin" "$place/new"
    remember > "$place/after"
    ok "records, seals, views, triggers, event triggers, privileges and the installation are as before" \
        diff "$place/before" "$place/after"
    is "event triggers are enabled always" 4 -c "SELECT count(*) FROM pg_event_trigger WHERE evtenabled = 'A'"
    # The tables of the ledger are those whose records have a hash, and mg.current.
    is "each table of the ledger has its two guards, enabled always" t -c "SELECT count(*) = 2 * (1 + (SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'mg'::regnamespace AND c.relkind = 'r' AND a.attname = 'hash')) FROM pg_trigger WHERE tgname ~ '^mg_guard' AND tgenabled = 'A'"
    is "the ledger and the objects verify" "all ok" -c "$verified"
    is "mg_status tells of the upgrade" "installation" -c "SELECT aspect FROM mg_status() WHERE NOT ok AND aspect <> 'capture' AND aspect <> 'gaps'"
    ok "a record cannot be deleted" refused -c "DELETE FROM mg.run"
    ok "nor a table of the ledger altered" refused -c "ALTER TABLE mg.run ADD COLUMN note text"
    ok "nor a guard dropped" refused -c "DROP TRIGGER mg_guard ON mg.run"
    is "an applied migration is skipped" "skipped" \
        -c "SELECT status FROM mg_apply('0001_a', E'CREATE TABLE a (id int PRIMARY KEY);\nINSERT INTO a VALUES (1), (2)')"
    is "the next migration applies" "applied" -c "SELECT status FROM mg_apply('0007_g', 'CREATE TABLE g (id int)', 'DROP TABLE g')"
    query -c "SELECT mg_seal()" > /dev/null
    is "the chain goes on at the head of before" "t" -c "SELECT count(*) = 1 FROM mg.seal WHERE previous = '$before_head'"
    is "a registered migration applies" "applied" -c "SELECT status FROM mg_apply('0006_f')"
    is "DDL by hand is captured" "CREATE TABLE by_hand2 (id int)" -c "CREATE TABLE by_hand2 (id int)" \
        -c "SELECT statement FROM mg.statements WHERE identity = 'public.by_hand2'"
    is "a failed attempt is on record" "failed" \
        -c "DO \$\$ BEGIN PERFORM mg_apply('0008_h', 'SELECT 1/0'); EXCEPTION WHEN division_by_zero THEN END \$\$" \
        -c "SELECT outcome FROM mg.runs WHERE migration = '0008_h'"
    is "a migration of before is rolled back, its function too" "rolled back" -c "SELECT status FROM mg_rollback('0003_c')"
    is "the ledger and the objects verify after that" "all ok" -c "$verified"
    # shellcheck disable=SC2016
    is "a table of before is renamed and a function replaced" "applied" \
        -c "SELECT status FROM mg_apply('0009_i', 'ALTER TABLE b RENAME TO bb; ALTER FUNCTION one() RENAME TO uno')"
    is "and that verifies" "all ok" -c "$verified"
    is "the owner of the database may read and apply" "7"$'\n'"applied" -c "SET SESSION AUTHORIZATION owner" -c "SELECT count(*) FROM mg.history" \
        -c "SELECT status FROM mg_apply('0010_j', 'CREATE SCHEMA j', 'DROP SCHEMA j')"
    ok "it can be dumped" "$new_bin/pg_dump" -h /tmp -f "$place/dump.sql" app
    database=postgres query -c "CREATE DATABASE copy" > /dev/null
    database=copy ok "and restored" query -o /dev/null -f "$place/dump.sql"
    database=copy is "and that verifies too" "all ok" -c "$verified"
    "$new_bin/pg_ctl" -s -w -m fast -D "$place/new" stop
    rm -rf "$place"
}

case ${1:-} in
    enter) shift; enter "$@"; exit ;;
    build) build "$2"; exit ;;
    control) control "$2" "$3"; exit ;;
    upgrade)
        upgrade "$2" "$3" "$4" "$5"
        echo "count $count"
        exit ;;
esac

own=$("${PG_CONFIG:-pg_config}" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
[ "$own" = 15 ] || skip_all "it runs once, on 15"
if [ "$(id -u)" -eq 0 ]; then
    skip_all "it runs as an ordinary user, as test/run.sh does it"
fi
unshare --map-root-user --mount --pid --fork true 2> /dev/null || skip_all "this machine lets an ordinary user make no namespaces"
newer=()
for major in 17 18; do
    if [ -x "$cache/$major/usr/lib/postgresql/$major/bin/pg_upgrade" ] && [ -x "$cache/$major/usr/bin/g++" ] &&
        [ -d "$cache/$major/usr/include/boost" ]; then
        newer+=("$major")
    fi
done
[ ${#newer[@]} -gt 0 ] || skip_all "there is no folder of a newer release in $cache: test/tools/majors.sh makes them"

work=$(mktemp -d "$MG_HOME/upgrade.XXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/home15/pg"
cp -a "$MG_HOME/pg/usr" "$work/home15/pg"
mkdir "$work/tree"
"$root/test/tools/tree.sh" "$root" "$work/tree"
bin=$work/home15/pg/usr/lib/postgresql/15
gather_libraries "$work/libraries15" "$bin/bin/"* "$bin/lib/"*.so

label=''
built=' 15 '
for major in "${newer[@]}"; do
    ok "the extension builds in the folder of $major" bash "$self" enter "$major" "$work" build "$major"
    [ ! -x "$work/home$major/pg/usr/lib/postgresql/$major/bin/pg_upgrade" ] || built+="$major "
done

# A minor release of the old major may be too new for pg_upgrade of the others: 15.20 marks columns in a way that 17.11
# and 18.6 do not know. Then the oldest minor release that the archive still has is taken, headers and all.
older_15() {
    local version
    version=$(apt-cache madison postgresql-15 | awk '{ print $3 }' | sort -V | head -n 1)
    [ -n "$version" ] && mkdir -p "$work/older/debs" "$work/older/tree" || return
    (cd "$work/older/debs" && apt-get download -q "postgresql-15=$version" "postgresql-client-15=$version" "postgresql-server-dev-15=$version") || return
    for package in "$work"/older/debs/*.deb; do
        dpkg -x "$package" "$work/older/pg" || return
    done
    "$root/test/tools/tree.sh" "$root" "$work/older/tree" &&
        make -s --no-print-directory -C "$work/older/tree" -j"$(nproc)" MG_CXXFLAGS="-O0 -g0" "PG_CONFIG=$work/older/pg/usr/lib/postgresql/15/bin/pg_config" all install || return
    rm -rf "$work/home15/pg"
    mv "$work/older/pg" "$work/home15/pg"
}
newest=${newer[-1]}
if [[ $built == *" $newest "* ]] && ! bash "$self" enter "$newest" "$work" control 15 "$newest" > "$work/control" 2>&1; then
    echo "# $("$bin/bin/postgres" --version) is too new for the folders, taking an older one"
    if older_15 > "$work/older.log" 2>&1; then
        echo "# $("$bin/bin/postgres" --version)"
    else
        tail -n 5 "$work/older.log" | sed 's/^/# /'
    fi
fi

# Prints the TAP of one upgrade with its numbers made to follow.
while read -r old new preload options; do
    if [[ $built == *" $old "* && $built == *" $new "* ]] && ! bash "$self" enter "$new" "$work" control "$old" "$new" > "$work/control" 2>&1; then
        count=$((count + 1))
        echo "ok $count - $old to $new # SKIP these releases of $old and $new do not go together: a cluster without the extension cannot be upgraded either"
        tail -n 5 "$work/control" | sed 's/^/# /'
        continue
    fi
    if [[ $built != *" $old "* || $built != *" $new "* ]]; then
        count=$((count + 1))
        echo "ok $count - $old to $new # SKIP there is no folder of $old or $new in $cache"
        continue
    fi
    finished=0
    while IFS= read -r line; do
        if [[ $line =~ ^(not\ ok|ok)\ [0-9]+(.*) ]]; then
            count=$((count + 1))
            echo "${BASH_REMATCH[1]} $count${BASH_REMATCH[2]}"
        elif [[ $line =~ ^#\ count\ [0-9]+$ ]]; then
            finished=1
        else
            echo "$line"
        fi
    done < <(bash "$self" enter "$new" "$work" upgrade "$old" "$new" "$preload" "$options" 2>&1 < /dev/null |
        sed -E '/^(ok|not ok|#) /!s/^/# /')
    if [ "$finished" -eq 0 ]; then
        count=$((count + 1))
        echo "not ok $count - $old to $new: it went to its end"
    fi
done << 'PAIRS'
15 17 migration_governance --copy
15 18 - --link
17 18 migration_governance --copy
PAIRS
echo "1..$count"
