#!/usr/bin/env bash
# Shows that mg_lint_sarif() gives SARIF 2.1.0 as its public schema wants it: test/sarif/run.sh, TAP on stdout.
#
# The schema and what compares with it are npm packages, kept in MG_SARIF_DIR (build/sarif). Without npm or network all is skipped.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
server=$here/../tools/server.sh
packages=${MG_SARIF_DIR:-$here/../../build/sarif}
export LC_ALL=C.UTF-8 PGCLIENTENCODING=UTF8
count=0 failed=0

# Passes when nothing was found; shows what was.
none() {
    count=$((count + 1))
    if [ -z "$2" ]; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        head -n 20 <<< "$2" | sed 's/^/# /'
        failed=1
    fi
}

skip() {
    echo "1..0 # SKIP $1"
    exit 0
}

{ command -v npm && command -v node; } > /dev/null || skip "no npm"
if [ ! -e "$packages/node_modules/ajv" ] || [ ! -e "$packages/node_modules/@microsoft/jest-sarif" ]; then
    mkdir -p "$packages"
    npm install --silent --no-audit --no-fund --ignore-scripts --prefer-offline --fetch-retries=0 --prefix "$packages" \
        ajv@6.12.6 @microsoft/jest-sarif@1.0.0-beta.0 > /dev/null 2>&1 || skip "the schema cannot be fetched"
fi

work=$(mktemp -d)
trap '"$server" stop sarif > /dev/null 2>&1; rm -rf "$work"' EXIT

validate() { node "$here/validate.cjs" "$packages" "$@" 2>&1; }

# The validator itself: what it must take, and what it must not.
document() { cat > "$work/$1.sarif"; }
document good << 'JSON'
{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x", "rules": [{"id": "a"}]}},
 "results": [{"ruleId": "a", "ruleIndex": 0, "level": "warning", "message": {"text": "m"}, "locations": [{"physicalLocation":
 {"artifactLocation": {"uri": "a%20b.sql"}, "region": {"startLine": 1, "startColumn": 1}}}]}]}]}
JSON
none "the validator takes a good document" "$(validate "$work/good.sarif")"
# Refused must be the document with one thing changed: WHAT BEFORE AFTER
refused() {
    local what=$1
    sed "s|$2|$3|" "$work/good.sarif" > "$work/bad.sarif"
    none "it refuses $what" "$(
        cmp -s "$work/good.sarif" "$work/bad.sarif" && echo "nothing is changed"
        said=$(validate "$work/bad.sarif")
        [[ $said == "bad.sarif: "* ]] || echo "it says: $said")"
}
refused "another version" '"version": "2.1.0"' '"version": "2.0.0"'
refused "no version" '"version": "2.1.0", ' ''
refused "a level that is none" '"level": "warning"' '"level": "info"'
refused "a line before the first" '"startLine": 1' '"startLine": 0'
refused "a line that is a text" '"startLine": 1' '"startLine": "1"'
refused "a name of a file that is no URI" 'a%20b.sql' 'a b.sql'
refused "a property that nobody knows" '"ruleId": "a"' '"ruleId": "a", "nobody": "a"'
refused "a tool without a name" '"name": "x"' '"version": "1"'
refused "a message without a text" '{"text": "m"}' '{"txt": "m"}'
refused "the number of another rule" '"ruleIndex": 0' '"ruleIndex": 1'
refused "a rule twice" '\[{"id": "a"}\]' '[{"id": "a"}, {"id": "a"}]'

# Everything that the linter can say of the fuzzer's statements, about the relations of the tests of locks.
[ -n "${MG_HOME:-}" ] || "$server" prepare > /dev/null
"$server" start sarif "autovacuum = off" "wal_level = logical" > /dev/null || exit 1
eval "$("$server" env sarif)"
query() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@" 2>&1; }
PGOPTIONS='-c client_min_messages=error' psql -X -q -d postgres -f "$here/../drift/cluster.sql" -c 'CREATE DATABASE sarif TEMPLATE template0' \
    -c '\c sarif' -f "$here/../drift/base.sql" -f "$here/../locks/setup.sql" -c 'VACUUM ANALYZE' -c 'CREATE EXTENSION migration_governance' > "$work/setup.out" 2>&1
export PGDATABASE=sarif
none "the extension is there" "$(query -c 'SELECT FROM mg_lint_rules() LIMIT 0')"
on=$(query -c "SELECT string_agg(rule || '=info', ', ') FROM mg_lint_rules() WHERE severity = 'off'")
query -c "SELECT mg_set_policy('lint_small_table', '0', 'a test')" > /dev/null

# Writes what is said of SQL as of a file of that name: sarif DOCUMENT SQL NAME
sarif() {
    printf '%s' "$2" > "$work/script.sql"
    query -v "name=$3" -v "file=$work/script.sql" > "$work/$1.sarif" << 'SQL'
\set script `cat :'file'`
SELECT mg_lint_sarif(:'script', nullif(:'name', ''));
SQL
}
results() { node -e 'console.log(JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).runs[0].results.length)' "$work/$1.sarif"; }

sarif nothing '' ''
none "a script with nothing in it" "$(validate "$work/nothing.sarif")"
sarif fine 'SELECT 1' 'migrations/0001 größe & "all"?#%:.sql'
none "a script without findings, in a file with an odd name" "$(validate "$work/fine.sarif")"
none "has no results" "$([ "$(results fine)" = 0 ] || results fine)"
# From here on with every rule.
[ -z "$on" ] || query -c "SELECT mg_set_policy('lint_severity', '$on', 'a test')" > /dev/null
sarif some 'ALTER TABLE t.keyed ADD CHECK (n > 0); -- mg:ignore check-without-not-valid it is small
ALTER TABLE t.refers ADD FOREIGN KEY (loose) REFERENCES t.keyed; COMMENT ON TABLE t.keyed IS '"'größe'" 'C:\new folder\a.sql'
none "a script with findings, one of them ignored" "$(validate "$work/some.sarif")"
none "has results" "$([ "$(results some)" -ge 2 ] || results some)"
for file in "$here"/../fuzz/lint_corpus/*.sql; do
    name=$(basename "$file" .sql)
    sarif "$name" "$(cat "$file")" "$file"
    none "what is said of $name.sql" "$(validate "$work/$name.sarif")"
done
echo "1..$count"
exit $failed
