#!/usr/bin/env bash
# Writes what mg_lint_rules() says into the documentation: docs/lint-rules.md, and the table of rules in README.md.
# lint_docs.sh [FOLDER]: into a copy of the tree instead, for a test that compares. Connects as psql does by itself.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
into=${1:-$root}
query() { psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1"; }

groups="(VALUES (1, 'A', 'Constraints'), (2, 'B', 'Columns'), (3, 'C', 'Changes of type'), (4, 'D', 'Indexes'),
	(5, 'E', 'Partitions and inheritance'), (6, 'F', 'Destruction, renames, compatibility'), (7, 'G', 'Locks, timeouts, transactions'),
	(8, 'H', 'Changes of rows'), (9, 'I', 'Types, keys, names'), (10, 'J', 'Security and privileges'),
	(11, 'K', 'Triggers, functions, views'), (12, 'L', 'Scripts'), (13, 'T', 'Style')) g (place, letter, title)"

mkdir -p "$into/docs"
{
    echo '# Rules of the linter'
    echo
    echo 'Made from `mg_lint_rules()` by `test/tools/lint_docs.sh`. Severities are those that rules come with; the policy setting'
    echo '`lint_severity` changes them, for a rule or for a whole group (`drop-column=error, T=warning`). A rule that is off says nothing until then.'
    query "SELECT CASE WHEN r.n = 1 THEN format(E'\n## %s. %s\n', g.letter, g.title) ELSE '' END || format(E'\n### %s\n\n%s%s.%s%s%s\n\nWhy: %s\n\nInstead: %s',
			r.rule, upper(left(r.summary, 1)), substr(r.summary, 2),
			' Severity: ' || r.severity || '.',
			CASE WHEN r.breaks THEN ' An application written for the old schema trips over it.' ELSE '' END || CASE WHEN r.loses THEN ' Data is lost.' ELSE '' END,
			CASE WHEN r.since IS NOT NULL THEN ' From PostgreSQL ' || r.since || ' on.' ELSE '' END || CASE WHEN r.until IS NOT NULL THEN ' Up to PostgreSQL ' || r.until || '.' ELSE '' END,
			r.why, r.safe_way)
		FROM $groups JOIN (SELECT *, row_number() OVER (PARTITION BY rule_group ORDER BY ordinality) n FROM mg_lint_rules() WITH ORDINALITY) r ON r.rule_group = g.letter
		ORDER BY g.place, r.n"
} > "$into/docs/lint-rules.md"

rows=$(query "SELECT format('| \`%s\` | %s | %s | %s |', r.rule, r.rule_group, r.severity, r.summary)
	FROM $groups JOIN (SELECT *, row_number() OVER () n FROM mg_lint_rules()) r ON r.rule_group = g.letter ORDER BY g.place, r.n")
awk -v rows="$rows" '
	/^<!-- rules -->$/ { print; print ""; print "| rule | group | severity | finds |"; print "| --- | --- | --- | --- |"; print rows; print ""; skip = 1 }
	/^<!-- end of rules -->$/ { skip = 0 }
	!skip || /^<!-- end of rules -->$/ { if (!/^<!-- rules -->$/) print }' "$root/README.md" > "$into/README.md.new"
mv "$into/README.md.new" "$into/README.md"
