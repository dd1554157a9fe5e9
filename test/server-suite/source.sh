#!/usr/bin/env bash
# Fetches PostgreSQL's own test files for the server of PG_CONFIG and prints the directory they are in; says on stderr why it can't.
#
#   source.sh DIRECTORY      the directory is a cache: what is there already is not fetched again
#
# Debian packages neither the tests nor regress.c, so they come from the source package, out of the releases that apt knows. That
# package can be older than the server (security updates often come without theirs); then psql of its version is fetched as well,
# because a newer psql prints some things otherwise. The system's apt configuration and lists are not touched.
set -euo pipefail

cache=${1:?usage: source.sh DIRECTORY}
PG_CONFIG=${PG_CONFIG:-pg_config}
server=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([^ ]+).*/\1/')
major=${server%%[!0-9]*}
result=$cache/$server

fail() {
    echo "$*" >&2
    exit 1
}

if [ -e "$result/version" ]; then
    echo "$result"
    exit
fi
for tool in apt-get dpkg-deb python3 gcc; do
    command -v "$tool" > /dev/null || fail "no $tool here"
done

mkdir -p "$cache"
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
mkdir -p apt/sources apt/lists/partial apt/cache/archives/partial unpacked

# Copies what apt has, with the source packages added.
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ ! -f "$file" ] || sed -n -E 's/^deb[[:space:]]/&/p; s/^deb[[:space:]]/deb-src /p' "$file" > "apt/sources/$(basename "$file" .list).list"
done
for file in /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || sed -E 's/^Types:.*/Types: deb deb-src/' "$file" > "apt/sources/$(basename "$file")"
done

# Runs an apt program with those sources and with lists of its own.
with_sources() {
    local program=$1
    shift
    "$program" -qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/apt/sources" -o "Dir::State::Lists=$work/apt/lists" \
        -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@"
}

with_sources apt-get update > apt/update.txt 2>&1 || fail "apt-get update: $(grep -m 1 '^[EW]:' apt/update.txt)"

# The newest version that the mirror has is the best one; those that it only lists are passed over.
package=postgresql-$major
versions=$(with_sources apt-cache showsrc --only-source "$package" 2> /dev/null | sed -n 's/^Version: //p' | sort -u -V -r)
[ -n "$versions" ] || fail "apt has no source package $package"
for version in $versions; do
    if with_sources apt-get source --download-only --only-source "$package=$version" > apt/source.txt 2>&1; then
        break
    fi
    version=
done
[ -n "$version" ] || fail "apt-get source: $(grep -m 1 '^E:' apt/source.txt)"
upstream=${version%-*}

# Python brings its own bzip2, which a small system lacks.
python3 - "$(compgen -G "$work/*.orig.tar.*")" unpacked << 'END'
import sys, tarfile
with tarfile.open(sys.argv[1]) as archive:
    archive.extraction_filter = getattr(tarfile, "data_filter", None)
    for member in archive:
        member.name = member.name.partition("/")[2]
        if member.name.startswith(("src/test/regress/", "src/test/isolation/")):
            archive.extract(member, sys.argv[2])
END
mkdir ready
mv unpacked/src/test/regress unpacked/src/test/isolation ready
gcc -O2 -fPIC -shared -I"$("$PG_CONFIG" --includedir-server)" -o ready/regress.so ready/regress/regress.c

if [ "$upstream" != "$server" ]; then
    (cd apt/cache && with_sources apt-get download "postgresql-client-$major=$version" > /dev/null 2>&1 && dpkg-deb -x ./*.deb "$work/ready/client") || true
fi
echo "$upstream" > ready/version

# Another run can have been faster.
mv -T ready "$result" 2> /dev/null || [ -e "$result/version" ]
echo "$result"
