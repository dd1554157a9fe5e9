#!/usr/bin/env bash
# Everything that CREATE EXTENSION makes says in a COMMENT what it is.
. "$(dirname "$0")/tap.sh"

# Prints "KIND name" for each object of a statement that begins with the words given.
objects() {
    sed 's/^[[:space:]]*--.*//' sql/[0-9]*.sql | tr '\n\t' '  ' |
        grep -oE "($1) (MATERIALIZED VIEW|EVENT TRIGGER|FUNCTION|PROCEDURE|AGGREGATE|TABLE|VIEW|SEQUENCE|SCHEMA|TYPE|DOMAIN) +(IF NOT EXISTS )?[a-z0-9_.]+" |
        sed -E "s/^($1) //; s/IF NOT EXISTS //; s/ +/ /g; s/ pg_catalog\./ /" | sort
}

none "every object has a comment" "$(comm -23 <(objects 'CREATE|CREATE OR REPLACE') <(objects 'COMMENT ON'))"
none "no comment is empty" "$(grep -nHE "^COMMENT ON .* IS ('[[:space:]]*'|NULL)" sql/[0-9]*.sql)"
