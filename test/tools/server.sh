#!/usr/bin/env bash
# Throw-away PostgreSQL servers with this extension installed: for the tests, the demo and the benchmarks.
#
#   server.sh prepare               builds, and installs into a private copy of PG_CONFIG's server
#   server.sh start NAME [LINE]...  a new cluster, running; the LINEs end its postgresql.conf
#   server.sh restart NAME [LINE]... the same cluster again, with more LINEs
#   server.sh psql NAME [ARG]...    psql as superuser
#   server.sh env NAME              for a shell: eval "$(test/tools/server.sh env NAME)"
#   server.sh run NAME COMMAND...   runs a command in that environment, as the user the servers run as; NAME may be "-"
#   server.sh stop NAME             stops it and removes it; its log stays until clean
#   server.sh clean                 stops all and removes everything
#
# Nothing is installed into the system and nothing listens on the network. The copy keeps the server's paths below
# $MG_HOME/pg, where its programs find each other relative to themselves and `make install DESTDIR=` reaches it.
# MG_HOME is a directory below /tmp (a socket's path must be short); by default build/home-MAJOR remembers which.
# Started by root, servers run as MG_USER (postgres), because PostgreSQL refuses to run as root.
# MG_VOLUME=256M makes start give the data directory a volume of its own, of that size, for root only; WAL is elsewhere.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# An absolute path, because the PATH that env prints leads to the copy's own pg_config.
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}") || { echo "server.sh: no ${PG_CONFIG:-pg_config}; test/tools/packages.sh build gets one" >&2; exit 1; }
export PG_CONFIG
major=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
bindir=$("$PG_CONFIG" --bindir)

# Runs a command as the user the servers run as.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd "$MG_HOME" && HOME=$MG_HOME runuser -u "${MG_USER:-postgres}" -- "$@")
    else
        "$@"
    fi
}

# Sets MG_HOME, `bin` and PATH; makes the directory if there is none yet.
find_home() {
    local note=$root/build/home-$major
    if [ -z "${MG_HOME:-}" ]; then
        MG_HOME=$(cat "$note" 2> /dev/null || true)
        if [ ! -w "${MG_HOME:-/nowhere}" ]; then
            MG_HOME=$(mktemp -d /tmp/mg.XXXXXX)
            mkdir -p "$root/build"
            echo "$MG_HOME" > "$note"
        fi
    fi
    export MG_HOME
    bin=$MG_HOME/pg$bindir
    if [ "$(id -u)" -eq 0 ]; then
        chown "${MG_USER:-postgres}" "$MG_HOME"
    fi
    as_server mkdir -p "$MG_HOME/log"
}

prepare() {
    local directory
    env -u MAKEFLAGS -u MAKELEVEL make -s --no-print-directory -C "$root" -j"$(nproc)" all
    for directory in "$bindir" "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)"; do
        if [ ! -d "$MG_HOME/pg$directory" ]; then
            as_server mkdir -p "$MG_HOME/pg$directory"
            as_server cp -a --no-preserve=ownership "$directory/." "$MG_HOME/pg$directory"
        fi
    done
    env -u MAKEFLAGS -u MAKELEVEL make -s --no-print-directory -C "$root" install "DESTDIR=$MG_HOME/pg" > "$MG_HOME/log/install.txt"
    if [ "$(id -u)" -eq 0 ]; then
        chown -R "${MG_USER:-postgres}" "$MG_HOME/pg"
    fi
}

# Appends lines to the configuration of NAME.
configure() {
    local name=$1
    shift
    printf '%s\n' "$@" | as_server tee -a "$MG_HOME/$name/data/postgresql.conf" > /dev/null
}

# Runs pg_ctl for NAME and shows the end of the server's log if it fails.
control() {
    local name=$1
    shift
    if ! as_server "$bin/pg_ctl" -s -w -t 120 -D "$MG_HOME/$name/data" -l "$MG_HOME/log/$name.log" "$@" > /dev/null; then
        tail -n 20 "$MG_HOME/log/$name.log" >&2
        return 1
    fi
}

start() {
    local name=$1
    shift
    [ -d "$bin" ] || prepare
    as_server mkdir "$MG_HOME/$name"
    if [ -n "${MG_VOLUME:-}" ]; then
        mkdir "$MG_HOME/$name/data"
        mount -t tmpfs -o "size=$MG_VOLUME" tmpfs "$MG_HOME/$name/data"
        chown "${MG_USER:-postgres}" "$MG_HOME/$name/data"
    fi
    as_server "$bin/initdb" -D "$MG_HOME/$name/data" ${MG_VOLUME:+"--waldir=$MG_HOME/$name/wal"} -U postgres -A trust -E UTF8 --no-locale -N > "$MG_HOME/$name/initdb.txt"
    configure "$name" "listen_addresses = ''" "unix_socket_directories = '$MG_HOME/$name'" "port = 5432" \
        "fsync = off" "full_page_writes = off" "log_line_prefix = '%m [%p] %q%d '" "$@"
    control "$name" start
}

# Prints the variables that lead to the copy's programs, and with a NAME a client to that server.
show_env() {
    printf 'export %s=%q\n' MG_HOME "$MG_HOME" PG_CONFIG "$PG_CONFIG" PATH "$bin:$PATH"
    [ "$1" = - ] || printf 'export %s=%q\n' PGHOST "$MG_HOME/$1" PGPORT 5432 PGUSER postgres PGDATABASE postgres
}

# Removes a directory, with the volumes of data directories in it.
remove() {
    awk -v below="$1/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | xargs -r -n 1 umount -l
    rm -rf "$1"
}

stop() {
    control "$1" stop -m fast
    remove "${MG_HOME:?}/${1:?}"
}

clean() {
    local pid_file
    while read -r pid_file; do
        as_server "$bin/pg_ctl" -s -D "$(dirname "$pid_file")" -m immediate stop || true
    done < <(find "$MG_HOME" -name postmaster.pid)
    remove "$MG_HOME"
}

verb=${1:?usage: server.sh prepare|start|restart|psql|env|run|stop|clean ...}
shift
find_home
case $verb in
    prepare) prepare ;;
    start) start "$@" ;;
    restart) configure "$@" ""; control "$1" restart -m fast ;;
    psql) eval "$(show_env "${1:?name}")"; shift; exec psql -X "$@" ;;
    env) show_env "${1:?name}" ;;
    run) eval "$(show_env "${1:?name}")"; shift; as_server "$@" ;;
    stop) stop "${1:?name}" ;;
    clean) clean ;;
    *) echo "server.sh: no such verb: $verb" >&2; exit 2 ;;
esac
